//! A finished span as the dialects read it: what it was given and returned, apart from the rest.

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::cost::Cost;
use crate::model::span_type::SpanType;
use crate::model::text::Content;
use crate::model::token_usage::TokenUsage;
use crate::semconv::{self, otel};

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

    /// The same of another span, in the same memory.
    pub(crate) fn renew(&mut self, data: SpanData) {
        let Self {
            data: last,
            arguments,
            inputs,
            outputs,
            inputs_are_arguments,
            json_keys,
            stands_for_root,
        } = self;
        *last = data;
        arguments.clear();
        (*inputs, *outputs) = (None, None);
        *inputs_are_arguments = false;
        json_keys.clear();
        *stands_for_root = false;
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

    pub(crate) fn has_exception(&self) -> bool {
        self.data.events.events.iter().any(|event| event.name == otel::EXCEPTION)
    }

    /// Tokens the span reports itself, in MLflow's or the GenAI convention's words.
    pub(crate) fn token_usage(&self) -> Option<TokenUsage> {
        let said = self.text(semconv::span::TOKEN_USAGE).and_then(TokenUsage::from_json);
        said.or_else(|| self.gen_ai_usage())
    }

    /// Source: OpenTelemetry GenAI semantic conventions 1.41; what was written to the cache has had
    /// two names, and mlflow 3.17.2 reads both.
    fn gen_ai_usage(&self) -> Option<TokenUsage> {
        let count = |key: &str| match self.attribute(key) {
            Some(Value::I64(count)) => Some(*count),
            _ => None,
        };
        let usage = TokenUsage::of_counts(
            count(otel::GEN_AI_INPUT_TOKENS),
            count(otel::GEN_AI_OUTPUT_TOKENS),
        )?;
        let cached = |key: &str| count(key).and_then(|count| u64::try_from(count).ok());
        let usage = cached(otel::GEN_AI_CACHE_READ_TOKENS)
            .map_or(usage, |tokens| usage.with_cache_read(tokens));
        let written = cached(otel::GEN_AI_CACHE_CREATION_TOKENS)
            .or_else(|| cached(otel::GEN_AI_CACHE_WRITE_TOKENS));
        Some(written.map_or(usage, |tokens| usage.with_cache_creation(tokens)))
    }

    /// What the span says it cost.
    pub(crate) fn cost(&self) -> Option<Cost> {
        self.text(semconv::span::COST).and_then(Cost::from_json)
    }

    /// The model that answered, or else the one that was asked, in MLflow's or the GenAI
    /// convention's words.
    pub(crate) fn model(&self) -> Option<&str> {
        [semconv::span::MODEL, otel::GEN_AI_RESPONSE_MODEL, otel::GEN_AI_REQUEST_MODEL]
            .into_iter()
            .find_map(|key| self.text(key))
    }

    pub(crate) fn provider(&self) -> Option<&str> {
        self.text(semconv::span::PROVIDER).or_else(|| self.text(otel::GEN_AI_PROVIDER))
    }
}
