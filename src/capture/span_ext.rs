//! What MLflow spans can carry, for `tracing::Span`.

use std::error::Error;
use std::time::SystemTime;

use opentelemetry::trace::{Status, TraceContextExt as _, TraceId};
use opentelemetry::{KeyValue, Value};
use serde_core::Serialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::capture::current::update_of;
use crate::capture::event::causes;
use crate::context::update::TraceUpdate;
use crate::model::id::mlflow_trace_id;
use crate::model::span_type::SpanType;
use crate::model::text::{Content, first_byte};
use crate::semconv::{otel, private, span as keys};

/// Sets what MLflow shows of a span, on a [`tracing::Span`].
///
/// None of the names clashes with [`OpenTelemetrySpanExt`](tracing_opentelemetry::OpenTelemetrySpanExt):
/// both traits can be in scope. Without the layer, or on a span that is filtered out, every method
/// does nothing, and values are not serialised.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{MlflowSpanExt as _, SpanType};
/// use tracing_subscriber::prelude::*;
///
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-span-ext");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// let trace_id = tracing::subscriber::with_default(subscriber, || {
///     let span = tracing::info_span!("search");
///     span.set_span_type(SpanType::Tool)
///         .set_inputs(&[("query", "rust")])
///         .set_outputs(&vec!["a systems language"]);
///     span.trace_id()
/// });
/// assert!(trace_id.unwrap().starts_with("tr-"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
pub trait MlflowSpanExt: sealed::Sealed {
    /// Sets what the operation was given (`mlflow.spanInputs`). Fields of the span are then plain
    /// attributes.
    ///
    /// The value is serialised to JSON on this thread. One that cannot be, such as a map whose keys
    /// are not strings, is replaced by the reason.
    fn set_inputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self;

    /// Sets what the operation returned (`mlflow.spanOutputs`); wins over `#[instrument(ret)]`.
    ///
    /// Serialised like [`set_inputs`](Self::set_inputs).
    fn set_outputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self;

    /// Sets the kind of operation (`mlflow.spanType`): a [`SpanType`] or a word of your own.
    fn set_span_type<'a>(&self, span_type: impl Into<SpanType<'a>>) -> &Self;

    /// Sets an attribute to a structure, which MLflow stores as such. Scalars keep their type.
    fn set_json_attribute<T: Serialize + ?Sized>(&self, key: &'static str, value: &T) -> &Self;

    /// Records an exception event with the error's message, type and chain of causes, and makes the
    /// span an error.
    fn record_exception<E: Error + 'static>(&self, error: &E) -> &Self;

    /// Ends the span at a time of your own; it ends by itself with its last handle.
    ///
    /// What is set later is not kept. Children may still begin and end.
    fn end_at(&self, time: SystemTime);

    /// The trace's id as MLflow writes it, `tr-` and 32 hexadecimal digits; `None` when the span is
    /// not captured.
    ///
    /// Starts the span, after which its parent can no longer be set.
    fn trace_id(&self) -> Option<String>;

    /// Changes the trace that the span belongs to; as
    /// [`update_current_trace`](crate::update_current_trace), for a span at hand.
    ///
    /// Starts the span, after which its parent can no longer be set. Does nothing when the span is
    /// not recorded.
    fn update_trace(&self) -> TraceUpdate;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals the trait")]
    pub trait Sealed {}
    impl Sealed for tracing::Span {}
}

impl MlflowSpanExt for Span {
    fn set_inputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self {
        if !self.is_disabled() {
            self.set_attribute(keys::INPUTS, to_json(value));
        }
        self
    }

    fn set_outputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self {
        if !self.is_disabled() {
            self.set_attribute(keys::OUTPUTS, to_json(value));
        }
        self
    }

    fn set_span_type<'a>(&self, span_type: impl Into<SpanType<'a>>) -> &Self {
        if !self.is_disabled() {
            self.set_attribute(keys::TYPE, span_type.into().as_str().to_owned());
        }
        self
    }

    fn set_json_attribute<T: Serialize + ?Sized>(&self, key: &'static str, value: &T) -> &Self {
        if self.is_disabled() {
            return self;
        }
        let json = to_json(value);
        let structured = matches!(first_byte(&json), Some(b'{' | b'['));
        if let Some(value) = Content::from_text(json).said() {
            self.set_attribute(key, Value::from(value));
        }
        if structured {
            self.set_attribute(private::JSON, key);
        }
        self
    }

    fn record_exception<E: Error + 'static>(&self, error: &E) -> &Self {
        if self.is_disabled() {
            return self;
        }
        let message = error.to_string();
        self.add_event(
            otel::EXCEPTION,
            vec![
                KeyValue::new(otel::EXCEPTION_MESSAGE, message.clone()),
                KeyValue::new(otel::EXCEPTION_TYPE, std::any::type_name::<E>()),
                KeyValue::new(otel::EXCEPTION_STACKTRACE, Value::Array(causes(error).into())),
            ],
        );
        self.set_status(Status::error(message));
        self
    }

    fn end_at(&self, time: SystemTime) {
        self.context().span().end_with_timestamp(time);
    }

    fn trace_id(&self) -> Option<String> {
        let context = self.context();
        let trace_id = context.span().span_context().trace_id();
        (trace_id != TraceId::INVALID).then(|| mlflow_trace_id(trace_id))
    }

    fn update_trace(&self) -> TraceUpdate {
        update_of(self)
    }
}

/// JSON text, or the reason why there is none.
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("<not serialisable: {error}>"))
}
