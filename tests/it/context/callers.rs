//! Traces of callers whose own spans go somewhere else.

use mlflow_tracing::opentelemetry::trace::TraceFlags;
use mlflow_tracing::{Builder, MlflowSpanExt as _};
use serde_json::json;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{infos, remote};
use crate::support::app::{Traced, builder};
use crate::support::server::Server;
use crate::support::spans::hex;

const NAME: &str = "mlflow.traceTag.mlflow.traceName";

/// What an MLflow server and a collector get of a handler that is called from another process.
fn handled(change: impl FnOnce(Builder) -> Builder) -> (Traced, Server) {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let builder = builder()
        .with_tracking_uri(mlflow.url())
        .with_otlp_endpoint(format!("{}/v1/traces", collector.url()));
    let traced = Traced::new(change(builder).build().unwrap(), mlflow);
    traced.run(|| {
        let handler = info_span!("handler");
        handler.set_parent(remote(TraceFlags::SAMPLED)).unwrap();
        handler.update_trace().tag("team", "blue").client_request_id("r");
        handler.in_scope(|| drop(info_span!("child")));
    });
    traced.flush();
    traced.conserved();
    (traced, collector)
}

#[test]
fn the_first_span_here_is_a_root_for_mlflow_and_a_child_for_others() {
    let (traced, collector) = handled(|builder| builder.with_callers_elsewhere(true));
    let spans = traced.server.spans();
    let handler = spans.one("handler");
    assert!(handler.is_root());
    assert_eq!(handler.trace_id(), format!("{:032x}", 0x0102));
    assert_eq!(handler.attribute(NAME), Some(json!("handler")));
    assert_eq!(handler.attribute("mlflow.traceTag.team"), Some(json!("blue")));
    assert!(spans.one("child").is_child_of(handler));
    let info = infos(&traced).remove(0);
    assert_eq!((&info["state"], &info["client_request_id"]), (&json!("OK"), &json!("r")));

    let spans = collector.spans();
    assert_eq!(hex(&spans.one("handler").span.parent_span_id), format!("{:016x}", 0x03));
}

#[test]
fn as_usual_the_trace_is_the_callers_to_describe() {
    let (traced, _collector) = handled(|builder| builder);
    let spans = traced.server.spans();
    let handler = spans.one("handler");
    assert_eq!(hex(&handler.span.parent_span_id), format!("{:016x}", 0x03));
    assert_eq!(handler.attribute(NAME), None);
    assert!(infos(&traced).is_empty());
}
