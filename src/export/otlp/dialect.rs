//! A span in the words of any OTLP receiver.
//!
//! Everything MLflow knows, and the GenAI conventions beside it; arguments stay attributes, because
//! people search by them; the status stays what the application set.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::messages;
use crate::model::span::Span;
use crate::model::text::Content;
use crate::semconv::{otel, span as keys};

/// The span with its whole meaning in its attributes.
pub(crate) fn apply(span: Span) -> SpanData {
    written(span, Vec::new())
}

/// The same, with what a model or a tool was told and answered in the words of the GenAI
/// conventions, in place of MLflow's.
pub(super) fn in_gen_ai_words(mut span: Span) -> SpanData {
    let mut said = Vec::new();
    match span.span_type().operation() {
        Some("chat" | "generate_content") => {
            let inputs =
                span.inputs.as_ref().and_then(|inputs| messages::of_inputs(inputs.as_str()));
            if let Some(given) = inputs {
                said.push(KeyValue::new(otel::GEN_AI_INPUT_MESSAGES, given.messages));
                let instructions = given.instructions;
                said.extend(instructions.map(|it| KeyValue::new(otel::GEN_AI_INSTRUCTIONS, it)));
                span.inputs = None;
            }
            let outputs = span.outputs.as_ref();
            if let Some(answer) = outputs.and_then(|outputs| messages::of_outputs(outputs.as_str()))
            {
                said.push(KeyValue::new(otel::GEN_AI_OUTPUT_MESSAGES, answer));
                // Read before they go: the reasons stand in an attribute of their own, too.
                said.extend(finish(finish_reasons(&span)));
                span.outputs = None;
            }
        }
        Some("execute_tool") => {
            let inputs = span.inputs.take().map(|it| (otel::GEN_AI_TOOL_ARGUMENTS, it));
            let outputs = span.outputs.take().map(|it| (otel::GEN_AI_TOOL_RESULT, it));
            said.extend(
                inputs
                    .into_iter()
                    .chain(outputs)
                    .map(|(key, content)| KeyValue::new(key, content.as_str().to_owned())),
            );
        }
        _ => {}
    }
    written(span, said)
}

/// What [`apply`] adds to what the span says, in order, at its end.
pub(crate) fn additions(span: &Span) -> Vec<KeyValue> {
    added(span, Vec::new())
}

fn added(span: &Span, mut additions: Vec<KeyValue>) -> Vec<KeyValue> {
    additions.extend(gen_ai(span));
    additions.retain(|added| span.attribute(added.key.as_str()).is_none());
    additions
}

fn written(span: Span, said: Vec<KeyValue>) -> SpanData {
    let mut additions = added(&span, said);
    let Span { mut data, mut arguments, inputs, outputs, .. } = span;
    if !arguments.is_empty() {
        arguments.append(&mut data.attributes);
        data.attributes = arguments;
    }
    data.attributes.reserve(additions.len() + 2);
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
    let mut said = Vec::with_capacity(8);
    if let Some(operation) = span.span_type().operation() {
        said.push(KeyValue::new(otel::GEN_AI_OPERATION, operation));
        if operation == "execute_tool" {
            said.push(KeyValue::new(otel::GEN_AI_TOOL_NAME, span.data.name.clone().into_owned()));
        }
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
    said.extend(finish(finish_reasons(span)));
    said
}

fn finish(reasons: Vec<StringValue>) -> Option<KeyValue> {
    let value = |reasons| Value::Array(Array::String(reasons));
    (!reasons.is_empty()).then(|| KeyValue::new(otel::GEN_AI_FINISH_REASONS, value(reasons)))
}

/// Finish reasons of a model's answer in OpenAI's or Anthropic's shape.
fn finish_reasons(span: &Span) -> Vec<StringValue> {
    let speaks = matches!(span.span_type().operation(), Some("chat" | "generate_content"));
    let Some(outputs) = span.outputs.as_ref().filter(|_| speaks) else {
        return Vec::new();
    };
    // `finish_reason` or `stop_reason`: most answers have neither, and need not be parsed.
    if !outputs.as_str().contains("_reason") {
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
