//! Our pipe as an exporter of the official SDK, for those who keep their own batch processor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::context::last;
use crate::process::pipeline::Pipeline;
use crate::process::processor::{FLUSH_PATIENCE, sdk_error};
use crate::process::trace::is_local_root;

/// Hands exported spans to mlflow-tracing; made by
/// [`TracingGuard::exporter`](crate::TracingGuard::exporter).
///
/// For those who keep their own provider and processor. An export takes spans over and returns at
/// once: they are in the account from then on. `force_flush` and shutdown wait for delivery and
/// tell what was not delivered, where the processor asks for it (the SDK's batch processor flushes
/// itself only): use [`TracingGuard::flush`](crate::TracingGuard::flush). What a processor before
/// it drops never gets here: prefer [`TracingGuard::processor`](crate::TracingGuard::processor).
#[derive(Clone)]
pub struct MlflowSpanExporter {
    pipeline: Arc<Pipeline>,
}

impl MlflowSpanExporter {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline }
    }
}

impl fmt::Debug for MlflowSpanExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowSpanExporter").finish_non_exhaustive()
    }
}

impl SpanExporter for MlflowSpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.pipeline.intake_here().is_some() {
            for span in batch {
                if is_local_root(&span) {
                    last::note(span.span_context.trace_id());
                }
                self.pipeline.ended(span);
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.pipeline.flush(FLUSH_PATIENCE).map_err(|error| sdk_error(&error))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.pipeline.shutdown(timeout).map_err(|error| sdk_error(&error))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.pipeline.set_resource(resource);
    }
}
