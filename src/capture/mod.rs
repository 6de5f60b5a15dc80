//! `tracing` spans become `OpenTelemetry` spans that carry MLflow meaning.
//!
//! Inside one filter stands `SpanLayer`, with an OTel layer of its own that makes the spans, and a
//! tracer of ours in between. `SpanLayer` reads fields and events; the OTel layer is told of spans
//! without fields, and the tracer adds them. A second OTel layer hears of nothing: it is what
//! `OpenTelemetrySpanExt` finds when it asks the subscriber, and works on the same spans. Nothing here
//! knows where spans go: the OTel span is the only link.

use std::sync::Arc;

use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::registry::LookupSpan;

pub(crate) mod buffer;
#[cfg(feature = "stream")]
pub(crate) mod course;
pub(crate) mod current;
#[cfg(feature = "macros")]
pub(crate) mod driver;
pub(crate) mod event;
pub(crate) mod exception;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod future;
#[cfg(feature = "stream")]
pub(crate) mod items;
#[cfg(feature = "macros")]
pub(crate) mod iterator;
pub(crate) mod json;
#[cfg(feature = "macros")]
pub(crate) mod kind;
pub(crate) mod layer;
pub(crate) mod link;
pub(crate) mod pass;
pub(crate) mod probe;
#[cfg(feature = "stream")]
pub(crate) mod record;
pub(crate) mod recorder;
mod repeated;
pub(crate) mod scope;
pub(crate) mod span_builder;
pub(crate) mod span_ext;
pub(crate) mod spans;
#[cfg(feature = "stream")]
pub(crate) mod stream;
#[cfg(feature = "macros")]
pub(crate) mod told;
pub(crate) mod tracer;
pub(crate) mod values;

use filter::{CaptureFilter, CaptureRules, Nothing};
use link::{Hooks, Link};
use spans::SpanLayer;
use tracer::CapturingTracer;

/// The whole capturing stack for subscriber `S`.
pub(crate) fn stack<S>(
    hooks: Hooks,
    tracer: CapturingTracer,
    rules: CaptureRules,
) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // What is off is a quarter of a span's cost. Who makes spans activates their context, or OTel API
    // spans and explicit parents go wrong.
    let otel = |tracer, makes_spans| {
        tracing_opentelemetry::layer::<S>()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_context_activation(makes_spans)
    };
    let filter = CaptureFilter { rules, link: Arc::new(Link::new(hooks)) };
    let working = SpanLayer::new(filter.clone(), otel(tracer.clone(), true));
    // Before the other, which may run code of the program's in between: see `pass`.
    let asked: Asked<S> = otel(tracer, false).with_filter(Nothing);
    let both: Layered<_, _, S> = asked.and_then(working);
    both.with_filter(filter)
}

/// The OTel layer that is asked, and hears of nothing.
pub(crate) type Asked<S> = Filtered<OpenTelemetryLayer<S, CapturingTracer>, Nothing, S>;
