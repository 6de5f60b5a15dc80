//! A finished span as the dialects read it: what it was given and returned, apart from the rest.

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::span_type::SpanType;
use crate::model::text::Content;
use crate::semconv;

/// A span with the capturing layer's notes worked in.
///
/// `data.attributes` holds each key once, without arguments, inputs, outputs and private notes.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) data: SpanData,
    /// Undotted fields of the `tracing` span, in the order they were declared.
    pub(crate) arguments: Vec<KeyValue>,
    pub(crate) inputs: Option<Content>,
    pub(crate) outputs: Option<Content>,
    /// Whether `inputs` was made of the arguments.
    pub(crate) inputs_are_arguments: bool,
    /// Keys whose string value is JSON text.
    pub(crate) json_keys: Vec<Key>,
    /// Takes the place of its trace's root, which is in another process and sent somewhere else.
    pub(crate) stands_for_root: bool,
}

/// Token counts of one span or of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenUsage {
    pub(crate) input: i64,
    pub(crate) output: i64,
}

impl Span {
    /// A span without arguments, inputs and outputs.
    pub(crate) fn plain(data: SpanData) -> Self {
        Self {
            data,
            arguments: Vec::new(),
            inputs: None,
            outputs: None,
            inputs_are_arguments: false,
            json_keys: Vec::new(),
            stands_for_root: false,
        }
    }

    /// The root of its trace, or what stands for it, and not merely of this process's part of it.
    pub(crate) fn is_root(&self) -> bool {
        self.data.parent_span_id == SpanId::INVALID || self.stands_for_root
    }

    pub(crate) fn attribute(&self, key: &str) -> Option<&Value> {
        self.data.attributes.iter().find(|kv| kv.key.as_str() == key).map(|kv| &kv.value)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.attribute(key) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn span_type(&self) -> SpanType<'_> {
        self.text(semconv::span::TYPE).map_or(SpanType::Unknown, SpanType::from)
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self.data.status, Status::Error { .. })
    }

    /// Tokens the span reports itself, in MLflow's or the GenAI convention's words.
    pub(crate) fn token_usage(&self) -> Option<TokenUsage> {
        if let Some(text) = self.text(semconv::span::TOKEN_USAGE) {
            let usage: serde_json::Value = serde_json::from_str(text).ok()?;
            let count = |key: &str| usage.get(key).and_then(serde_json::Value::as_i64).unwrap_or(0);
            return Some(TokenUsage {
                input: count("input_tokens"),
                output: count("output_tokens"),
            });
        }
        let count = |key: &str| match self.attribute(key) {
            Some(Value::I64(count)) => Some(*count),
            _ => None,
        };
        TokenUsage::of_counts(
            count(semconv::otel::GEN_AI_INPUT_TOKENS),
            count(semconv::otel::GEN_AI_OUTPUT_TOKENS),
        )
    }
}

impl TokenUsage {
    /// What is not counted is nothing; none when neither is.
    pub(crate) fn of_counts(input: Option<i64>, output: Option<i64>) -> Option<Self> {
        (input.is_some() || output.is_some())
            .then(|| Self { input: input.unwrap_or(0), output: output.unwrap_or(0) })
    }
}
