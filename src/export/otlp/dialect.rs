//! A span in the words of any OTLP receiver.
//!
//! Everything MLflow knows, and the GenAI conventions beside it; arguments stay attributes, because
//! people search by them; the status stays what the application set.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::span::Span;
use crate::model::text::Content;
use crate::semconv::{otel, span as keys};

/// The span with its whole meaning in its attributes.
pub(crate) fn apply(span: Span) -> SpanData {
    let mut additions = gen_ai(&span);
    additions.retain(|added| span.attribute(added.key.as_str()).is_none());
    let Span { mut data, mut arguments, inputs, outputs, .. } = span;
    arguments.append(&mut data.attributes);
    data.attributes = arguments;
    for (key, content) in [(keys::INPUTS, inputs), (keys::OUTPUTS, outputs)] {
        if let Some(value) = content.and_then(Content::into_value) {
            data.attributes.push(KeyValue::new(key, value));
        }
    }
    data.attributes.append(&mut additions);
    data
}

/// What the span says in MLflow's words, in the words of the GenAI conventions.
fn gen_ai(span: &Span) -> Vec<KeyValue> {
    let mut said = Vec::new();
    if let Some(operation) = span.span_type().operation() {
        said.push(KeyValue::new(otel::GEN_AI_OPERATION, operation));
    }
    if let Some(model) = span.text(keys::MODEL) {
        said.push(KeyValue::new(otel::GEN_AI_REQUEST_MODEL, model.to_owned()));
    }
    if let Some(provider) = span.text(keys::PROVIDER) {
        said.push(KeyValue::new(otel::GEN_AI_PROVIDER, provider.to_owned()));
    }
    if let Some(usage) = span.token_usage() {
        said.push(KeyValue::new(otel::GEN_AI_INPUT_TOKENS, usage.input));
        said.push(KeyValue::new(otel::GEN_AI_OUTPUT_TOKENS, usage.output));
    }
    let reasons = finish_reasons(span);
    if !reasons.is_empty() {
        said.push(KeyValue::new(otel::GEN_AI_FINISH_REASONS, Value::Array(Array::String(reasons))));
    }
    said
}

/// Finish reasons of a model's answer in OpenAI's or Anthropic's shape.
fn finish_reasons(span: &Span) -> Vec<StringValue> {
    let speaks = matches!(span.span_type().operation(), Some("chat" | "generate_content"));
    let Some(outputs) = span.outputs.as_ref().filter(|_| speaks) else {
        return Vec::new();
    };
    let named = ["finish_reason", "stop_reason"].iter().any(|name| outputs.as_str().contains(name));
    if !named {
        return Vec::new();
    }
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(outputs.as_str()) else {
        return Vec::new();
    };
    let choices = answer.get("choices").and_then(serde_json::Value::as_array);
    choices
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("finish_reason"))
        .chain(answer.get("stop_reason"))
        .filter_map(serde_json::Value::as_str)
        .map(|reason| StringValue::from(reason.to_owned()))
        .collect()
}
