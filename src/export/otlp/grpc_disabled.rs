//! No OTLP over gRPC: the feature `grpc` is off.

use std::time::Duration;

use super::OtlpSettings;
use crate::error::{Error, Result};
use crate::transport::Wire;

#[expect(clippy::needless_pass_by_value, reason = "its twin with the feature takes it")]
pub(super) fn wire(settings: OtlpSettings) -> Result<Box<dyn Wire>> {
    let fix = "gRPC (which port 4317 means, too) needs the feature `grpc` of mlflow-tracing; enable it, \
               or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and the collector's HTTP port (4318)";
    Err(Error::config("the OTLP endpoint", &settings.url, fix))
}

/// Nobody can tell.
pub(super) fn is_spoken(_settings: &OtlpSettings, _timeout: Duration) -> bool {
    false
}
