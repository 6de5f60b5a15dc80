//! `tracing` spans become `OpenTelemetry` spans that carry MLflow meaning.
//!
//! Two layers, ours first in every callback: `CaptureLayer.and_then(OpenTelemetryLayer)`. The OTel
//! layer makes the spans; ours takes over the events (the OTel layer is filtered to spans), leaves
//! notes on what a span's fields were, and ends the span when it closes. Nothing here knows where
//! spans go: the OTel span is the only link.

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::registry::LookupSpan;

pub(crate) mod event;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod layer;
pub(crate) mod probe;
pub(crate) mod span_ext;

use filter::{CaptureFilter, SpansOnly};
use layer::CaptureLayer;

/// The whole capturing stack for subscriber `S`.
pub(crate) fn stack<S>(
    capture: CaptureLayer,
    tracer: SdkTracer,
    filter: CaptureFilter,
) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // What is off is a quarter of a span's cost; context activation stays on, or OTel API spans
    // and explicit parents go wrong.
    let otel = tracing_opentelemetry::layer::<S>()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_context_activation(true);
    let spans_only = SpansOnly { muted: capture.muted() };
    let both: Layered<_, _, S> = capture.and_then(otel.with_filter(spans_only));
    both.with_filter(filter)
}
