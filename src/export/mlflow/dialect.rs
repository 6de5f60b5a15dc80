//! A span in the words and limits of an MLflow server.
//!
//! Rules the server imposes (mlflow 3.17.2, observed): numbers and booleans must be typed; a string
//! whose text is a JSON object, array or quoted string is unwrapped one level, so a string that only
//! looks like that is quoted once; structure nested too deep, or with an integer that 64 bits cannot
//! hold, makes the whole request, or every later read of the trace, fail; one value too long for its
//! column makes the whole request fail.

use std::borrow::Cow;

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::span::Span;
use crate::model::text::{self, Content, column, cut, first_byte, without_nul};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv::{otel, span as keys, tag, trace};

/// The server refuses objects nested deeper than 31 levels.
const MAX_DEPTH: usize = 24;
const MAX_SESSION_CHARS: usize = 250;
const MAX_TYPE_CHARS: usize = 500;
const MAX_TAG_KEY_CHARS: usize = 250;
const MAX_TAG_VALUE_CHARS: usize = 4096;
const ERROR_LOG_LEVEL: i64 = 40;

/// Attributes whose string value other dialects, and ours, define as JSON text.
const JSON_PREFIXES: [&str; 12] = [
    "mlflow.",
    "gen_ai.",
    "llm.",
    "input.",
    "output.",
    "openinference.",
    "traceloop.",
    "langfuse.",
    "ai.",
    "lk.",
    "lmnr.",
    "gcp.vertex.",
];

/// Attributes that the trace-info call carries instead, where it is made.
pub(super) const TRACE_INFO_KEYS: [&str; 6] = [
    trace::CLIENT_REQUEST_ID,
    trace::REQUEST_PREVIEW,
    trace::RESPONSE_PREVIEW,
    trace::STATE,
    trace::MODEL_ID,
    trace::SOURCE_RUN,
];

/// The span as it goes to the server.
pub(super) fn apply(span: Span, mode: TraceInfoMode) -> SpanData {
    let is_root = span.is_root();
    let kind = column(span.span_type().as_str(), MAX_TYPE_CHARS);
    let log_level = if span.is_error() { ERROR_LOG_LEVEL } else { span.span_type().log_level() };
    let Span { mut data, arguments, inputs, outputs, inputs_are_arguments, json_keys } = span;
    data.name = without_nul(data.name.into_owned()).into();

    let mut attributes = Vec::with_capacity(data.attributes.len() + 5);
    attributes.push(KeyValue::new(keys::TYPE, kind));
    for (key, content) in [(keys::INPUTS, inputs), (keys::OUTPUTS, outputs)] {
        attributes.extend(content.and_then(stored).map(|value| KeyValue::new(key, value)));
    }
    let mut rest = std::mem::take(&mut data.attributes);
    if !inputs_are_arguments {
        rest.splice(0..0, arguments);
    }
    let has_log_level = rest.iter().any(|kv| kv.key.as_str() == keys::LOG_LEVEL);
    let carried = is_root && mode != TraceInfoMode::Never;
    attributes.extend(
        rest.into_iter()
            .filter(|kv| kv.key.as_str() != keys::TYPE)
            .filter(|kv| !(carried && travels_in_trace_info(kv.key.as_str())))
            .filter_map(|kv| attribute(kv, &json_keys)),
    );
    if !has_log_level {
        attributes.push(KeyValue::new(keys::LOG_LEVEL, log_level));
    }
    if is_root {
        let named = trace_name(&data.name);
        if !attributes.iter().any(|kv| kv.key == named.key) {
            attributes.push(named);
        }
    }
    data.attributes = attributes;
    if data.status == Status::Unset {
        data.status = Status::Ok;
    }
    // The server keeps no trace of them, and a parent in another process is still a parent.
    data.parent_span_is_remote &= data.parent_span_id != SpanId::INVALID;
    data
}

/// Whether a root attribute is sent by the trace-info call.
pub(super) fn travels_in_trace_info(key: &str) -> bool {
    TRACE_INFO_KEYS.contains(&key) || key.starts_with(trace::METADATA_PREFIX)
}

fn trace_name(span_name: &str) -> KeyValue {
    let key = format!("{}{}", trace::TAG_PREFIX, tag::TRACE_NAME);
    KeyValue::new(key, cut(span_name, MAX_TAG_VALUE_CHARS).to_owned())
}

/// The attribute within the server's limits; `None` when it may not be sent at all.
fn attribute(kv: KeyValue, json_keys: &[Key]) -> Option<KeyValue> {
    let KeyValue { key, value, .. } = kv;
    let name = key.as_str();
    if let Some(tag) = name.strip_prefix(trace::TAG_PREFIX) {
        return tag_attribute(&key, tag, &value);
    }
    let value = match (name, value) {
        (trace::SESSION | trace::USER | otel::GEN_AI_CONVERSATION, value) => {
            Value::String(column(&value.as_str(), MAX_SESSION_CHARS).into())
        }
        (_, Value::String(text)) => {
            let is_json = JSON_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || json_keys.contains(&key);
            let content =
                if is_json { Content::from_text(text.into()) } else { Content::Text(text.into()) };
            // JSON scalars in text stay text here: only inputs and outputs are JSON throughout.
            match content {
                Content::Json(json) if matches!(first_byte(&json), Some(b'{' | b'[')) => {
                    structure(json)
                }
                Content::Json(text) if is_json => Value::String(text.into()),
                Content::Json(text) | Content::Text(text) => plain(text),
            }
        }
        (_, other) => other,
    };
    Some(KeyValue::new(key, value))
}

/// Tags are strings; those that MLflow keeps for itself could make the trace unreadable.
fn tag_attribute(key: &Key, tag_key: &str, value: &Value) -> Option<KeyValue> {
    let allowed = [tag::TRACE_NAME, tag::LINKED_PROMPTS].contains(&tag_key);
    if tag_key.starts_with(tag::RESERVED_PREFIX) && !allowed {
        return None;
    }
    if tag_key.is_empty() || tag_key.chars().count() > MAX_TAG_KEY_CHARS {
        return None;
    }
    let value = plain(cut(&value.as_str(), MAX_TAG_VALUE_CHARS).to_owned());
    Some(KeyValue::new(key.clone(), value))
}

/// Inputs or outputs so that the server stores exactly what they are.
fn stored(content: Content) -> Option<Value> {
    match content {
        Content::Json(json) if matches!(first_byte(&json), Some(b'{' | b'[')) => {
            Some(structure(json))
        }
        other => other.into_value().map(|value| match value {
            Value::String(text) => plain(text.into()),
            scalar => scalar,
        }),
    }
}

/// A JSON object or array in which nothing keeps the server from reading it.
fn structure(json: String) -> Value {
    let readable = text::large_integers_as_text(&json);
    let too_deep = text::depth(&readable) > MAX_DEPTH;
    if !too_deep && matches!(readable, Cow::Borrowed(_)) {
        return Value::String(json.into());
    }
    if !text::is_json(&json) {
        // It only begins like JSON: the server takes it for the string it is.
        return plain(json);
    }
    let mended = if too_deep { text::flatten(&readable, MAX_DEPTH) } else { readable.into_owned() };
    Value::String(mended.into())
}

/// A string that must stay a string.
fn plain(text: String) -> Value {
    let text = without_nul(text);
    match first_byte(&text) {
        Some(b'{' | b'[' | b'"') => {
            Value::String(serde_json::to_string(&text).unwrap_or(text).into())
        }
        _ => Value::String(text.into()),
    }
}

#[cfg(test)]
mod tests;
