//! The quickstart's trace is whole in every receiver, on every protocol; only variables differ.

use mlflow_tracing::Protocol;
use serde_json::json;

use super::encoder::PROTOCOLS;
use super::mlflow::{Mlflow, unused_name};
use super::quickstart::{check, nanoseconds, run};
use super::servers::told;
use super::stored::Span;
use super::support::time::until;
use super::{elastic, python, rotel};

/// Number of spans of the quickstart.
const SPANS: usize = 5;

/// Runs the quickstart against this endpoint, and returns the name of the service it ran as.
fn send(endpoint: &str, protocol: Protocol, compression: &str) -> String {
    let service = unused_name(&format!("{protocol} {compression}"));
    run(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", &protocol.to_string()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ("OTEL_SERVICE_NAME", &service),
    ]);
    service
}

/// Receivers acknowledge before they write.
fn written(service: &str, read: impl Fn(&str) -> Vec<Span>) -> Vec<Span> {
    until("the receiver has written", || read(service).len() >= SPANS);
    read(service)
}

/// What a collector gets beside what MLflow gets.
fn check_collected(spans: &[Span]) {
    check(spans, "UNSET");
    assert_eq!(spans[0].attributes["session.id"], "s-1");
    assert_eq!(spans[0].attributes["user.id"], "anna");
    assert_eq!(spans[4].attributes["gen_ai.usage.input_tokens"], 96);
    assert_eq!(spans[4].attributes["gen_ai.usage.output_tokens"], 12);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_whole_in_rotel_on_every_protocol() {
    for &protocol in PROTOCOLS {
        for compression in ["none", "gzip"] {
            let service = send(&rotel::url(protocol), protocol, compression);
            check_collected(&written(&service, rotel::spans_of));
        }
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_whole_in_elastics_receiver_on_every_protocol() {
    for &protocol in PROTOCOLS {
        // It does not unpack what comes over HTTP.
        let unpacks = protocol == Protocol::Grpc;
        for compression in ["none", "gzip"].into_iter().take(if unpacks { 2 } else { 1 }) {
            let service = send(&elastic::url(protocol), protocol, compression);
            check_collected(&written(&service, elastic::spans_of));
        }
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_whole_in_mlflow_behind_a_grpc_gateway() {
    let service = send(&told("GATEWAY_TEST_GRPC_URL"), Protocol::Grpc, "none");
    let server = Mlflow::plain();
    // The gateway's.
    let experiment = "0";
    until("the gateway has passed it on", || !server.trace_ids_of(experiment, &service).is_empty());
    let trace_ids = server.trace_ids_of(experiment, &service);
    assert_eq!(trace_ids.len(), 1);
    let trace = server.trace(&trace_ids[0]);
    assert_eq!(python::read(&server, &trace_ids[0]), trace);
    check_collected(&trace.spans);
    assert_eq!((&*trace.state, &trace.tags["service.name"]), ("OK", &service));
    assert_eq!(trace.metadata["mlflow.trace.session"], "s-1");
    assert_eq!(trace.metadata["mlflow.trace.user"], "anna");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_whole_in_mlflow_on_postgresql_with_a_password_and_a_path_prefix() {
    let server = Mlflow::with_password();
    let (user, password) = server.credentials.clone().unwrap();
    let experiment = unused_name("PostgreSQL");
    run(&[
        ("MLFLOW_TRACKING_URI", &server.uri),
        ("MLFLOW_TRACKING_USERNAME", &user),
        ("MLFLOW_TRACKING_PASSWORD", &password),
        ("MLFLOW_EXPERIMENT_NAME", &experiment),
    ]);
    let trace_ids = server.trace_ids(&server.experiment_id(&experiment));
    assert_eq!(trace_ids.len(), 1);
    let trace = server.trace(&trace_ids[0]);
    assert_eq!(python::read(&server, &trace_ids[0]), trace);
    check(&trace.spans, "OK");
    assert_eq!((&*trace.state, &*trace.tags["mlflow.traceName"]), ("OK", "agent"));
    assert_eq!(trace.metadata["mlflow.trace.session"], "s-1");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_in_mlflow_and_in_a_collector_when_both_are_asked_for() {
    let (server, service) = (Mlflow::plain(), unused_name("both"));
    run(&[
        ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true"),
        ("MLFLOW_TRACKING_URI", &server.uri),
        ("MLFLOW_EXPERIMENT_NAME", &service),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &rotel::url(Protocol::Grpc)),
        ("OTEL_SERVICE_NAME", &service),
    ]);
    let collected = written(&service, rotel::spans_of);
    check_collected(&collected);
    let trace_ids = server.trace_ids(&server.experiment_id(&service));
    assert_eq!(trace_ids.len(), 1);
    let stored = server.trace(&trace_ids[0]).spans;
    check(&stored, "OK");
    let ids = |spans: &[Span]| -> Vec<_> {
        spans.iter().map(|span| (span.id.clone(), span.start, span.end)).collect()
    };
    assert_eq!(ids(&collected), ids(&stored));
}

/// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://your-collector:4317/v1/traces"`.
#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_line_of_mlflows_documentation_is_grpc_and_its_path_does_not_matter() {
    let endpoint = format!("{}/v1/traces", rotel::url(Protocol::Grpc));
    assert!(endpoint.ends_with(":4317/v1/traces"), "{endpoint}");
    let before = nanoseconds();
    run(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint), ("OTEL_SERVICE_NAME", "genai-app")]);
    check_collected(&written("genai-app", |service| {
        // Another pass of the tests may have sent the same.
        rotel::spans_of(service).into_iter().filter(|span| span.start > before).collect()
    }));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn headers_of_the_environment_reach_the_receiver_on_every_protocol() {
    for &protocol in PROTOCOLS {
        let (path, content_type) = match protocol {
            Protocol::HttpProtobuf => ("/v1/traces", Some("application/x-protobuf")),
            Protocol::HttpJson => ("/v1/traces", Some("application/json")),
            // The receiver keeps gRPC's own metadata to itself.
            _ => ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", None),
        };
        let test = unused_name(&format!("headers {protocol}")).replace(' ', "-");
        let general = "authorization=Bearer%20general,x-team=nobody";
        let headers = format!("x-test={test},Authorization=Bearer%20a%2Cb%3D,x-team= blue ");
        run(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &elastic::url(protocol)),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", &protocol.to_string()),
            ("OTEL_EXPORTER_OTLP_HEADERS", general),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", &headers),
        ]);
        until("the request was noted", || !elastic::requests_of(&test).is_empty());
        for (headers, at) in elastic::requests_of(&test) {
            assert_eq!(
                (&headers["authorization"], &headers["x-team"]),
                (&json!("Bearer a,b="), &json!("blue"))
            );
            assert!(headers["user-agent"].as_str().unwrap().starts_with("mlflow-tracing-rust/"));
            assert_eq!(headers.get("content-type").and_then(|value| value.as_str()), content_type);
            assert_eq!(at, path);
        }
    }
}
