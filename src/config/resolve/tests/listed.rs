//! A destination of the builder's list is complete: the environment adds nothing to it.

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::files::Files;
use super::*;
use crate::config::destination::{Destination, Exporter, Local, Mlflow, Otlp};
use crate::config::variable::Support;
use crate::model::protocol::Protocol;

/// What a variable may hold so that it is right; most of them are told apart by their names.
fn value(name: &str) -> &'static str {
    match name {
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" | "OTEL_EXPORTER_OTLP_PROTOCOL" => "http/json",
        "OTEL_PROPAGATORS" => "baggage",
        "OTEL_TRACES_EXPORTER" => "console",
        "OTEL_TRACES_SAMPLER" => "always_off",
        "OTEL_RESOURCE_ATTRIBUTES" => "team=blue",
        "MLFLOW_TRACING_OTLP_ENCODER" => "own",
        "MLFLOW_TRACING_TRACE_INFO" | "MLFLOW_TRACING_CONSOLE" => "always",
        "OTEL_SDK_DISABLED" => "false",
        "MLFLOW_TRACING_MAX_CONTENT_BYTES" | "MLFLOW_TRACING_MAX_REQUEST_BYTES" => "100000",
        "MLFLOW_TRACING_SPOOL_MAX_BYTES" => "100000000",
        "MLFLOW_TRACING_PRICE_TABLE" => "@/prices.json",
        "HOME" | "USERPROFILE" => "@",
        name if name.ends_with("COMPRESSION") => "gzip",
        name if name.ends_with("HEADERS") => "from=environment",
        name if name.ends_with("ENDPOINT") || name.ends_with("URI") => "http://environment:1",
        // A file that is not there is an error for whom it is meant.
        name if name.contains("CERT") || name.ends_with("KEY") => "@/missing.pem",
        name if name.ends_with("PROXY") || name.ends_with("proxy") => "http://proxy:3128",
        _ => "1",
    }
}

#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_listed_destination_takes_nothing_of_any_variable() {
    let files = Files::new();
    let counting = VARIABLES.iter().filter(|variable| variable.support != Support::Ignored);
    // Who runs the program is not a setting of a destination.
    let names = counting.map(|variable| variable.name).filter(|name| *name != "USER");
    let all: Vec<Pair> = names.map(|name| (name, value(name))).collect();
    for destination in destinations() {
        let settings = |builder: Builder| {
            let config = resolved(builder.with_destination(destination.clone()));
            assert_eq!(config.destinations.len(), 1);
            format!("{:?}", config.destinations)
        };
        assert_eq!(settings(files.env(&all)), settings(env([])));
    }
}

fn destinations() -> [Destination; 6] {
    [
        Mlflow::new("http://listed:5000").into(),
        Mlflow::new("https://listed").with_experiment("rag").with_token("t").into(),
        Otlp::new("http://listed:4318/v1/traces").into(),
        Otlp::new("https://listed:4317").with_protocol(Protocol::Grpc).into(),
        Local::new("/listed").with_console(Console::Never).into(),
        Exporter::new("listed", Nowhere).into(),
    ]
}

#[test]
fn what_a_listed_destination_says_reaches_its_settings() {
    let files = Files::new();
    let path = |name: &str| files.fill(&format!("@/{name}"));
    let listed = mlflow(
        env([]).with_destination(
            Mlflow::new("https://ben:pw@listed/path/")
                .with_experiment_id("3")
                .with_workspace("team")
                .with_trace_info(TraceInfoMode::Never)
                .with_print_url(false)
                .with_ca_certificate(path("ca.pem"))
                .with_client_certificate(path("client.pem"), path("client.key")),
        ),
    );
    assert_eq!(listed.endpoint.url(), "https://listed/path");
    assert_eq!(listed.experiment, Experiment::Id("3".to_owned()));
    let headers: Vec<_> = listed.headers.iter().collect();
    assert_eq!(headers, [("Authorization", "Basic YmVuOnB3"), ("X-MLFLOW-WORKSPACE", "team")]);
    assert_eq!((listed.trace_info, listed.print_url), (TraceInfoMode::Never, false));
    assert!(
        listed.connection.tls.authorities.is_some() && listed.connection.tls.identity.is_some()
    );

    let config = resolved(
        env([]).with_timeout(Duration::from_secs(9)).with_destination(
            Otlp::new("https://listed/x")
                .with_protocol(Protocol::HttpJson)
                .with_header("a", "1")
                .with_compression(Compression::Gzip)
                .with_genai_semconv(true)
                .with_timeout(Duration::from_secs(2)),
        ),
    );
    let [DestinationConfig { kind: KindConfig::Otlp(listed), retry, filter: None }] =
        config.destinations.as_slice()
    else {
        panic!("{:?}", config.destinations)
    };
    assert_eq!((listed.url.as_str(), listed.protocol), ("https://listed/x", Protocol::HttpJson));
    assert!(listed.gzip && listed.gen_ai_messages);
    assert_eq!(listed.headers.iter().collect::<Vec<_>>(), [("a", "1")]);
    // What it says itself wins over what the builder says for all.
    assert_eq!(retry.attempt, Duration::from_secs(2));
}

#[test]
fn any_number_keeps_its_order_after_those_that_have_methods_of_their_own() {
    let config = resolved(
        env([MLFLOW, OTLP])
            .with_destination(Otlp::new("http://b:4318/v1/traces"))
            .with_destination(Mlflow::new("http://c:5000"))
            .with_destination(Mlflow::new("http://d:5000"))
            .with_tracking_uri("http://a:5000"),
    );
    let text = format!("{:?}", config.destinations);
    let at = |host: &str| text.find(host).unwrap();
    assert_eq!(config.destinations.len(), 4);
    assert!(at("http://a") < at("http://b") && at("http://b") < at("http://c"));
    assert!(at("http://c") < at("http://d"));
    assert!(!text.contains("//mlflow") && !text.contains("//otlp"));
}

#[test]
fn a_bad_listed_destination_is_an_error_that_names_its_method() {
    let listed = |destination: Destination| error(env([]).with_destination(destination));
    for (said, start) in [
        (listed(Mlflow::new("sqlite:///x.db").into()), "Mlflow::new is `sqlite:///x.db`: "),
        (listed(Otlp::new("host:4318").into()), "Otlp::new is `host:4318`: "),
        (
            listed(Mlflow::new("http://a").with_experiment_id("rag").into()),
            "with_experiment_id is `rag`: ",
        ),
        (
            listed(Otlp::new("https://a").with_ca_certificate("/no/ca.pem").into()),
            "with_ca_certificate is `/no/ca.pem`: the file cannot be read",
        ),
        (
            listed(Mlflow::new("http://a").with_timeout(Duration::ZERO).into()),
            "with_timeout is `0`: ",
        ),
    ] {
        assert!(said.starts_with(start), "{said}");
    }
}

#[test]
fn no_debug_text_of_a_listed_destination_shows_a_secret() {
    for destination in [
        Destination::from(
            Mlflow::new("http://anna:secret@a")
                .with_basic_auth("anna", "secret")
                .with_token("secret"),
        ),
        Otlp::new("http://anna:secret@a").with_header("x-api-key", "secret").into(),
    ] {
        let text = format!("{destination:?}");
        assert!(!text.contains("secret"), "{text}");
        let explained = resolved(env([]).with_destination(destination)).explanation.to_string();
        assert!(!explained.contains("secret"), "{explained}");
    }
}
