//! Spans whose name, beginning or parent a `tracing` macro cannot say.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue, Value};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::context::scope;
use crate::model::span_type::SpanType;
use crate::semconv::{otel, private, span as keys};

/// Describes a span before it starts; made by [`span_builder`].
///
/// For what `tracing`'s macros cannot say: a name known at run time, a beginning in the past, a root
/// in the middle of another trace, a parent in another process.
#[derive(Debug)]
#[must_use = "a span starts with `start`"]
pub struct SpanBuilder {
    name: Cow<'static, str>,
    parent: Parent,
    attributes: Vec<KeyValue>,
}

#[derive(Debug)]
enum Parent {
    Current,
    None,
    Span(Span),
    Remote(SpanContext),
}

/// Begins the description of a span called `name`.
///
/// The span that [`start`](SpanBuilder::start) returns is one like any other: enter it, instrument
/// a future with it, or keep it as it is and let go of it on another thread. It ends with its last
/// handle, or at a time of your own with [`end_at`](crate::MlflowSpanExt::end_at).
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use mlflow_tracing::{MlflowSpanExt as _, SpanType, span_builder};
/// use tracing_subscriber::prelude::*;
///
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-span-builder");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let tool = String::from("weather");
///     let began = SystemTime::now() - Duration::from_secs(2);
///     let span = span_builder(format!("call {tool}"))
///         .span_type(SpanType::Tool)
///         .start_time(began)
///         .start();
///     span.in_scope(|| span_builder("lookup").start());
///     let other = span.in_scope(|| span_builder("audit").root().start());
///     assert_ne!(other.trace_id(), span.trace_id());
///     span.end_at(began + Duration::from_secs(1));
/// });
/// assert_eq!(tracing.stats().ended, 3);
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
pub fn span_builder(name: impl Into<Cow<'static, str>>) -> SpanBuilder {
    SpanBuilder { name: name.into(), parent: Parent::Current, attributes: Vec::new() }
}

impl SpanBuilder {
    /// Sets the kind of operation (`mlflow.spanType`): a [`SpanType`] or a word of your own.
    pub fn span_type<'a>(self, span_type: impl Into<SpanType<'a>>) -> Self {
        self.attribute(keys::TYPE, span_type.into().as_str().to_owned())
    }

    /// Sets an attribute, which samplers see.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Says when the operation began; now, if it is not said. A time before 1970 counts as not said.
    pub fn start_time(self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).ok();
        match since.and_then(|since| i64::try_from(since.as_nanos()).ok()) {
            Some(nanos) => self.attribute(private::START_TIME, nanos),
            None => self,
        }
    }

    /// Makes the span a child of `span` instead of the current one.
    pub fn parent(mut self, span: &Span) -> Self {
        self.parent = Parent::Span(span.clone());
        self
    }

    /// Makes the span a child of a span in another process, or of one made with the `OpenTelemetry`
    /// API. One that is not valid makes it a root.
    pub fn remote_parent(mut self, parent: SpanContext) -> Self {
        self.parent = Parent::Remote(parent);
        self
    }

    /// Makes the span the root of a trace of its own, whatever is current.
    pub fn root(mut self) -> Self {
        self.parent = Parent::None;
        self
    }

    /// Starts the span. It is not entered.
    pub fn start(self) -> Span {
        let Self { name, parent, attributes } = self;
        // A target of its own, because this crate's is not captured.
        macro_rules! span {
            ($($parent:tt)*) => {
                tracing::info_span!(
                    target: "mlflow", $($parent)* "span", { otel::SPAN_NAME } = &*name
                )
            };
        }
        let span = match &parent {
            Parent::Current => span!(),
            Parent::Span(parent) => span!(parent: parent,),
            // Else the current span would not end before this one.
            Parent::None | Parent::Remote(_) => span!(parent: None,),
        };
        if span.is_disabled() {
            return span;
        }
        let parent = match parent {
            Parent::Current | Parent::Span(_) => None,
            Parent::None => Some(without_span()),
            Parent::Remote(parent) if !parent.is_valid() => Some(without_span()),
            Parent::Remote(parent) => Some(Context::current().with_remote_span_context(parent)),
        };
        if let Some(parent) = parent {
            // It has just been made, so it has not started.
            let _ = span.set_parent(parent);
        }
        for KeyValue { key, value, .. } in attributes {
            span.set_attribute(key, value);
        }
        span
    }
}

/// The current context without its span. One with a span that is not valid would not do: samplers
/// take that for a parent that was not sampled.
fn without_span() -> Context {
    let current = Context::current();
    let entries = current.baggage().iter();
    let entries = entries.map(|(key, (value, metadata))| {
        KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
    });
    scope::carry(Context::new().with_baggage(entries))
}
