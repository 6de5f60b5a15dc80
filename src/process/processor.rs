//! Our `SpanProcessor`: the pipe's mouth in the official SDK.
//!
//! With `exporter.rs` and `sampler.rs` the only file that implements a trait of the SDK; its minor
//! versions change them often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TraceContextExt as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::context::trace_context::TraceContext;
use crate::context::{last, scope};
use crate::process::flush::FlushError;
use crate::process::pipeline::Pipeline;
use crate::process::roots::{self, OpenRoot};
use crate::process::trace::is_local_root;

/// Patience of `force_flush`, which the SDK gives none.
pub(super) const FLUSH_PATIENCE: Duration = Duration::from_secs(30);

/// Hands every sampled span that ends to mlflow-tracing; made by
/// [`TracingGuard::processor`](crate::TracingGuard::processor).
///
/// For those who keep their own `SdkTracerProvider`: add it to the provider's builder. Spans that
/// are recorded but not sampled are ignored. The provider's resource becomes the spans' resource.
/// Runs on the thread that ends the span, and does no more there than one push under a short lock.
///
/// `force_flush` waits up to 30 s; an error says what was not delivered.
#[derive(Clone)]
pub struct MlflowSpanProcessor {
    pipeline: Arc<Pipeline>,
    /// How long the end of a root waits for delivery, if it does.
    waits: Option<Duration>,
    /// What is said of every trace.
    trace_context: Arc<TraceContext>,
}

impl MlflowSpanProcessor {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        waits: Option<Duration>,
        trace_context: Arc<TraceContext>,
    ) -> Self {
        Self { pipeline, waits, trace_context }
    }
}

impl fmt::Debug for MlflowSpanProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowSpanProcessor").finish_non_exhaustive()
    }
}

impl SpanProcessor for MlflowSpanProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        let of = parent.span();
        let of = of.span_context();
        let local_root = !of.is_valid() || of.is_remote();
        if !local_root || !span.span_context().is_sampled() || roots::is_watched() {
            return;
        }
        let Some(intake) = self.pipeline.intake_here() else { return };
        if let Some(mut start) = span.exported_data() {
            let said = scope::said_of_root(&start.attributes, &self.trace_context, parent);
            if !said.is_empty() {
                start.attributes.extend_from_slice(&said);
                span.set_attributes(said);
            }
            intake.started(OpenRoot::told(start));
        }
    }

    fn on_end(&self, span: SpanData) {
        if self.pipeline.intake().is_none() || !span.span_context.is_sampled() {
            return;
        }
        let is_local_root = is_local_root(&span);
        let patience = self.waits.filter(|_| is_local_root);
        if is_local_root {
            last::note(span.span_context.trace_id());
        }
        self.pipeline.ended(span);
        if let Some(patience) = patience {
            // What was not delivered is told by the pipe, and still tried.
            let _ = self.pipeline.flush(patience);
        }
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

pub(super) fn sdk_error(error: &FlushError) -> OTelSdkError {
    OTelSdkError::InternalFailure(error.to_string())
}
