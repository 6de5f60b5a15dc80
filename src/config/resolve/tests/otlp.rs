//! The OTLP receiver's settings.

use super::*;
use crate::model::protocol::Protocol;

fn headers(builder: Builder) -> Vec<(String, String)> {
    let headers = otlp(builder).headers;
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
    assert_eq!(otlp(env([address])).url, "http://otlp:4318/v1/traces");
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
        assert_eq!(otlp(env([(name, value)])).protocol, Protocol::Grpc, "{value}");
        let named = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        assert_eq!(otlp(env([(name, value), named])).protocol, Protocol::HttpProtobuf);
    }
    for value in ["http://collector/v1:4317", "http://collector:14317", "http://collector"] {
        let settings = otlp(env([("OTEL_EXPORTER_OTLP_ENDPOINT", value)]));
        assert_eq!(settings.protocol, Protocol::HttpProtobuf, "{value}");
    }
}

#[test]
fn every_protocol_can_be_named_for_traces_or_for_all_signals() {
    for (word, protocol) in Protocol::NAMES {
        let general = ("OTEL_EXPORTER_OTLP_PROTOCOL", word);
        assert_eq!(otlp(env([OTLP, general])).protocol, protocol);
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", word);
        let other = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
        assert_eq!(otlp(env([OTLP, traces, other])).protocol, protocol);
        assert_eq!(otlp(env([OTLP, other]).with_protocol(protocol)).protocol, protocol);
    }
}

#[test]
fn the_path_of_traces_is_appended_over_http_only() {
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:1234/base");
    assert_eq!(otlp(env([general])).url, "http://collector:1234/base/v1/traces");
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    assert_eq!(otlp(env([general, grpc])).url, "http://collector:1234/base");
}

#[test]
fn an_address_of_grpc_may_lack_the_scheme_when_the_switch_says_which() {
    let address = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    for (switch, scheme) in [("true", "http"), ("false", "https")] {
        for name in ["OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"] {
            let url = otlp(env([address, (name, switch)])).url;
            assert_eq!(url, format!("{scheme}://collector:4317"));
        }
    }
    assert!(error(env([address])).contains("OTEL_EXPORTER_OTLP_INSECURE"));
    // A scheme says enough.
    let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
    let tls = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317");
    assert_eq!(otlp(env([tls, insecure])).url, "https://collector:4317");
}

#[test]
fn compression_reaches_the_otlp() {
    assert!(!otlp(env([OTLP])).gzip);
    assert!(otlp(env([OTLP, ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP")])).gzip);
    assert!(otlp(env([OTLP]).with_compression(Compression::Gzip)).gzip);
}
