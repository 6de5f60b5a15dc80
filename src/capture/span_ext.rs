//! What MLflow spans can carry, for `tracing::Span`.

use std::error::Error;
use std::time::SystemTime;

use opentelemetry::trace::{TraceContextExt as _, TraceId};
use serde_core::Serialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::capture::current::update_of;
use crate::capture::exception::Exception;
use crate::capture::recorder;
use crate::context::update::TraceUpdate;
use crate::model::cost::Cost;
use crate::model::id::mlflow_trace_id;
use crate::model::log_level::LogLevel;
use crate::model::span_type::SpanType;
use crate::model::token_usage::TokenUsage;
use crate::semconv::span as keys;

/// Sets what MLflow shows of a span, on a [`tracing::Span`].
///
/// None of the names clashes with [`OpenTelemetrySpanExt`](tracing_opentelemetry::OpenTelemetrySpanExt):
/// both traits can be in scope. Without the layer, on a span that is filtered out, and in a trace that is
/// not sampled, every method does nothing, and values are not serialised.
///
/// Methods that take a value to serialise start the span, to know whether it is recorded: its parent
/// must be set before. Of what is set several times the last counts.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{Cost, LogLevel, MlflowSpanExt as _, SpanType, TokenUsage};
/// use tracing_subscriber::prelude::*;
///
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-span-ext");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// let trace_id = tracing::subscriber::with_default(subscriber, || {
///     let span = tracing::info_span!("chat");
///     span.set_span_type(SpanType::ChatModel)
///         .set_inputs(&[("question", "why?")])
///         .set_outputs(&vec!["because"])
///         .set_provider("openai")
///         .set_model("gpt-4o")
///         .set_token_usage(&TokenUsage::new(12, 3))
///         .set_cost(&Cost::new(0.000_03, 0.000_03))
///         .set_log_level(LogLevel::Warning)
///         .set_description("answers one question");
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
    /// are not strings, is replaced by the reason. Numbers that JSON does not have, NaN and the
    /// infinities, become the strings `"NaN"`, `"inf"` and `"-inf"`; Python's SDK writes what no
    /// reader of JSON takes.
    fn set_inputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self;

    /// Sets what the operation returned (`mlflow.spanOutputs`); wins over `#[instrument(ret)]`.
    ///
    /// Serialised like [`set_inputs`](Self::set_inputs).
    fn set_outputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self;

    /// Sets the kind of operation (`mlflow.spanType`): a [`SpanType`] or a word of your own.
    fn set_span_type<'a>(&self, span_type: impl Into<SpanType<'a>>) -> &Self;

    /// Sets an attribute to a structure, which MLflow stores as such. Scalars keep their type.
    ///
    /// Serialised like [`set_inputs`](Self::set_inputs).
    fn set_json_attribute<T: Serialize + ?Sized>(&self, key: &'static str, value: &T) -> &Self;

    /// Sets the tokens a model call took (`mlflow.chat.tokenUsage`); other collectors get them as
    /// `gen_ai.usage.*` too. With the model's name MLflow computes what they cost.
    fn set_token_usage(&self, usage: &TokenUsage) -> &Self;

    /// Sets what the operation cost (`mlflow.llm.cost`); neither a
    /// [`PriceTable`](crate::PriceTable) nor the server computes it then.
    ///
    /// Amounts that are not finite are told in a warning, and not set.
    fn set_cost(&self, cost: &Cost) -> &Self;

    /// Sets the model's name (`mlflow.llm.model`), such as `gpt-4o`; other collectors get it as
    /// `gen_ai.request.model` too.
    fn set_model(&self, name: &str) -> &Self;

    /// Sets the model's provider (`mlflow.llm.provider`), such as `openai`; other collectors get it
    /// as `gen_ai.provider.name` too.
    fn set_provider(&self, name: &str) -> &Self;

    /// Says in whose format inputs and outputs are (`mlflow.message.format`), by which MLflow draws
    /// them as a chat: `openai`, `anthropic`, `gemini`, `bedrock`, `groq`, `mistral`, `langchain` …
    fn set_message_format(&self, format: &str) -> &Self;

    /// Sets the tools that the model may call (`mlflow.chat.tools`): a list in the format of
    /// OpenAI's chat API, as MLflow shows them,
    /// `[{"type": "function", "function": {"name", "description", "parameters"}}]`.
    ///
    /// Serialised like [`set_inputs`](Self::set_inputs), and not checked.
    fn set_chat_tools<T: Serialize + ?Sized>(&self, tools: &T) -> &Self;

    /// Sets what the operation is for (`mlflow.spanDescription`).
    fn set_description(&self, description: &str) -> &Self;

    /// Sets how much the span matters (`mlflow.spanLogLevel`). Default: by type and outcome, see
    /// [`LogLevel`].
    fn set_log_level(&self, level: LogLevel) -> &Self;

    /// Points to a span of another trace: `tr-` and 32 hexadecimal digits as MLflow writes a trace's
    /// id, or the digits alone; and the span's id, 16 hexadecimal digits.
    ///
    /// An id that is none is told in a warning, and nothing is linked. For a span of this process
    /// there is [`OpenTelemetrySpanExt::add_link`](tracing_opentelemetry::OpenTelemetrySpanExt::add_link).
    fn add_span_link(&self, trace_id: &str, span_id: &str) -> &Self;

    /// Records an exception event with the error's message, type and chain of causes, and makes the
    /// span an error.
    fn record_exception<E: Error + 'static>(&self, error: &E) -> &Self;

    /// The same for an error whose type is not known, such as `Box<dyn Error>` or, by its `as_ref`,
    /// `anyhow::Error`: the event's type is `Error`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::MlflowSpanExt as _;
    /// let failure: Box<dyn std::error::Error> = "offline".into();
    /// tracing::info_span!("call").record_error(failure.as_ref());
    /// ```
    fn record_error(&self, error: &(dyn Error + 'static)) -> &Self;

    /// The same for what is known of a failure in words.
    fn record_failure(&self, message: &str) -> &Self;

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
        recorder::set_content(self, keys::INPUTS, value);
        self
    }

    fn set_outputs<T: Serialize + ?Sized>(&self, value: &T) -> &Self {
        recorder::set_content(self, keys::OUTPUTS, value);
        self
    }

    fn set_span_type<'a>(&self, span_type: impl Into<SpanType<'a>>) -> &Self {
        recorder::set_text(self, keys::TYPE, span_type.into().as_str());
        self
    }

    fn set_json_attribute<T: Serialize + ?Sized>(&self, key: &'static str, value: &T) -> &Self {
        recorder::set_json(self, key, value);
        self
    }

    fn set_token_usage(&self, usage: &TokenUsage) -> &Self {
        recorder::set_content(self, keys::TOKEN_USAGE, usage);
        self
    }

    fn set_cost(&self, cost: &Cost) -> &Self {
        recorder::set_cost(self, cost);
        self
    }

    fn set_model(&self, name: &str) -> &Self {
        recorder::set_text(self, keys::MODEL, name);
        self
    }

    fn set_provider(&self, name: &str) -> &Self {
        recorder::set_text(self, keys::PROVIDER, name);
        self
    }

    fn set_message_format(&self, format: &str) -> &Self {
        recorder::set_text(self, keys::MESSAGE_FORMAT, format);
        self
    }

    fn set_chat_tools<T: Serialize + ?Sized>(&self, tools: &T) -> &Self {
        recorder::set_content(self, keys::CHAT_TOOLS, tools);
        self
    }

    fn set_description(&self, description: &str) -> &Self {
        recorder::set_text(self, keys::DESCRIPTION, description);
        self
    }

    fn set_log_level(&self, level: LogLevel) -> &Self {
        self.set_attribute(keys::LOG_LEVEL, level.number());
        self
    }

    fn add_span_link(&self, trace_id: &str, span_id: &str) -> &Self {
        recorder::add_link(self, trace_id, span_id);
        self
    }

    fn record_exception<E: Error + 'static>(&self, error: &E) -> &Self {
        recorder::record_exception(self, || Exception::of_error(std::any::type_name::<E>(), error));
        self
    }

    fn record_error(&self, error: &(dyn Error + 'static)) -> &Self {
        recorder::record_exception(self, || Exception::of_unknown_error(error));
        self
    }

    fn record_failure(&self, message: &str) -> &Self {
        recorder::record_exception(self, || Exception::of_unknown_type(message));
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
