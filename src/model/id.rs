//! MLflow's way of writing an `OpenTelemetry` trace id.

use opentelemetry::trace::TraceId;

/// `tr-` and 32 lowercase hexadecimal digits.
///
/// Source: mlflow 3.17.2 `tracing/utils/__init__.py` `generate_mlflow_trace_id_from_otel_trace_id`.
pub(crate) fn mlflow_trace_id(id: TraceId) -> String {
    format!("tr-{id}")
}
