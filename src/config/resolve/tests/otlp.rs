//! The OTLP receiver's settings.

use super::*;

fn settings(builder: Builder) -> OtlpSettings {
    resolved(builder).otlp.unwrap()
}

fn headers(builder: Builder) -> Vec<(String, String)> {
    let headers = settings(builder).headers;
    headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn headers_of_the_program_replace_those_of_the_variable_by_name() {
    let variable = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "X-Api-Key=env%20key, team=a");
    assert_eq!(headers(env([OTLP])), []);
    assert_eq!(headers(env([OTLP, variable])), pairs(&[("X-Api-Key", "env key"), ("team", "a")]));
    let builder = env([OTLP, variable]).with_otlp_header("x-api-key", "mine");
    assert_eq!(
        headers(builder.with_otlp_header("more", "1")),
        pairs(&[("team", "a"), ("x-api-key", "mine"), ("more", "1")])
    );
    // The variable for traces stands in place of the general one, not beside it.
    let general = ("OTEL_EXPORTER_OTLP_HEADERS", "general=1");
    assert_eq!(headers(env([OTLP, variable, general])).len(), 2);
    assert_eq!(headers(env([OTLP, general])), pairs(&[("general", "1")]));
}

#[test]
fn credentials_in_the_address_are_a_header_that_a_named_one_replaces() {
    let address = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ben:pw@otlp:4318");
    assert_eq!(settings(env([address])).url, "http://otlp:4318/v1/traces");
    assert_eq!(headers(env([address])), pairs(&[("Authorization", "Basic YmVuOnB3")]));
    let named = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20tok");
    assert_eq!(headers(env([address, named])), pairs(&[("authorization", "Bearer tok")]));
}

#[test]
fn port_4317_means_grpc_unless_the_protocol_is_named() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://user:secret@collector:4317/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4317/"),
    ] {
        let text = error(env([(name, value)]));
        assert!(text.starts_with(&format!("{name} is `http://")), "{text}");
        assert!(text.contains("port 4317 means gRPC") && text.contains("4318"), "{text}");
        assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        assert!(settings(env([(name, value), protocol])).url.contains(":4317"));
    }
    // Only the port counts.
    settings(env([("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector/v1:4317")]));
    settings(env([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:14317")]));
}

#[test]
fn compression_reaches_the_settings() {
    assert!(!settings(env([OTLP])).gzip);
    assert!(settings(env([OTLP, ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP")])).gzip);
    assert!(settings(env([OTLP]).with_compression(Compression::Gzip)).gzip);
}
