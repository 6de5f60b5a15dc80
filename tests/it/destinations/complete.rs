//! A listed destination is complete: nothing of the environment reaches its requests.

use std::fs;

use mlflow_tracing::destination::{Mlflow, Otlp};
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::semconv;

use crate::support::app::{builder, conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::{Route, Server};
use crate::support::time::PATIENCE;

#[test]
fn no_variable_leaks_into_requests_of_a_listed_destination() {
    let (elsewhere, mlflow, collector) =
        (Server::collector(), Server::mlflow(), Server::collector());
    let url = elsewhere.url();
    let home = Scratch::new();
    fs::create_dir_all(home.path().join(".mlflow")).unwrap();
    let credentials = "[mlflow]\nmlflow_tracking_username=anna\nmlflow_tracking_password=pw\n";
    fs::write(home.path().join(".mlflow/credentials"), credentials).unwrap();
    let variables = [
        ("MLFLOW_TRACKING_URI", url.as_str()),
        ("MLFLOW_EXPERIMENT_NAME", "of the environment"),
        ("MLFLOW_TRACKING_USERNAME", "anna"),
        ("MLFLOW_TRACKING_PASSWORD", "pw"),
        ("MLFLOW_TRACKING_TOKEN", "t-1"),
        ("HOME", home.path().to_str().unwrap()),
        ("MLFLOW_WORKSPACE", "theirs"),
        ("MLFLOW_ACTIVE_MODEL_ID", "m-1"),
        ("MLFLOW_TRACING_TRACE_INFO", "always"),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/such/file.pem"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t-2,x-tenant=theirs"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", "true"),
        ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true"),
        ("OTEL_TRACES_EXPORTER", "console"),
    ];
    let guard = builder()
        .with_environment(variables)
        .with_destination(Mlflow::new(mlflow.url()).with_print_url(false))
        .with_destination(Otlp::new(format!("{}/v1/traces", collector.url())))
        .build()
        .unwrap();
    let tracer = guard.provider().tracer("test");
    tracer.in_span("tool", |cx| {
        cx.span().set_attribute(KeyValue::new(semconv::span::TYPE, "TOOL"));
        cx.span().set_attribute(KeyValue::new(semconv::span::INPUTS, "in"));
        end_span(&guard, "inner");
    });
    guard.flush(PATIENCE).unwrap();
    assert_eq!(conserved(&guard).destinations.len(), 2);

    for server in [&mlflow, &collector] {
        for request in [Route::Setup, Route::Spans].into_iter().flat_map(|r| server.requests(r)) {
            for name in ["authorization", "x-tenant", "content-encoding", "x-mlflow-workspace"] {
                assert_eq!(request.head.header(name), None, "{name}");
            }
        }
        assert_eq!(server.requests(Route::Spans).len(), 1, "one request of two spans");
        let spans = server.spans();
        let tool = spans.one("tool");
        assert!(tool.attribute("mlflow.spanInputs").is_some(), "{:?}", tool.attributes());
    }
    let request = mlflow.requests(Route::Spans).remove(0);
    assert_eq!(request.head.header(semconv::http::EXPERIMENT_HEADER), Some("0"));
    assert!(mlflow.requests(Route::TraceInfo).is_empty());
    let request = collector.requests(Route::Spans).remove(0);
    assert_eq!(request.head.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(elsewhere.asked(), 0);
}
