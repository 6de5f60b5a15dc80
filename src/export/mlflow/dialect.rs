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

use crate::export::dialect::{Dialect, Head, Say};
use crate::model::json;
use crate::model::log_level::LogLevel;
use crate::model::said::Said;
use crate::model::span::Span;
use crate::model::span_type::SpanType;
use crate::model::text::{self, Content, column, cut, first_byte, without_nul};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv::{otel, span as keys, tag, trace};

/// The server refuses objects nested deeper than 31 levels.
const MAX_DEPTH: usize = 24;
const MAX_SESSION_CHARS: usize = 250;
const MAX_TYPE_CHARS: usize = 500;
const MAX_TAG_KEY_CHARS: usize = 250;
const MAX_TAG_VALUE_CHARS: usize = 4096;

/// Attributes whose string value other dialects, and ours, define as JSON text.
const JSON_PREFIXES: [&str; 13] = [
    "mlflow.",
    "mlflow_tracing.",
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

/// What an MLflow server is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server(pub(super) TraceInfoMode);

impl Dialect for Server {
    fn head<'a>(&self, span: &'a Span) -> Head<'a> {
        let data = &span.data;
        let head = Head::of(data);
        let said_nothing = data.status == Status::Unset;
        Head {
            name: without_nul(&data.name),
            status: if said_nothing { Cow::Owned(Status::Ok) } else { head.status },
            parent: if span.is_root() { SpanId::INVALID } else { head.parent },
            // The server keeps no trace of them, and a parent in another process is still a parent.
            parent_is_remote: data.parent_span_is_remote && !span.is_root(),
        }
    }

    fn attributes(&self, span: &Span, say: &mut Say<'_>) {
        let kind = span.span_type();
        say(keys::TYPE, Said::Text(column(kind.as_str(), MAX_TYPE_CHARS)));
        for (key, content) in [(keys::INPUTS, &span.inputs), (keys::OUTPUTS, &span.outputs)] {
            if let Some(said) = content.as_ref().and_then(stored) {
                say(key, said);
            }
        }
        let arguments = if span.inputs_are_arguments { &[][..] } else { &span.arguments };
        let carried = span.is_root() && self.0 != TraceInfoMode::Never;
        let (mut has_log_level, mut has_trace_name) = (false, false);
        for kv in arguments.iter().chain(&span.data.attributes) {
            let name = kv.key.as_str();
            if name == keys::TYPE || (carried && travels_in_trace_info(name)) {
                continue;
            }
            if let (keys::LOG_LEVEL, Value::I64(level)) = (name, &kv.value) {
                has_log_level = true;
                say(name, raised(*level, span).into());
                continue;
            }
            has_log_level |= name == keys::LOG_LEVEL;
            has_trace_name |= name == trace::NAME_TAG;
            if let Some(said) = attribute(kv, &span.json_keys) {
                say(key_of(name), said);
            }
        }
        if !has_log_level {
            say(keys::LOG_LEVEL, log_level(span, kind).into());
        }
        if span.is_root() && !has_trace_name {
            say(trace::NAME_TAG, cut(&without_nul(&span.data.name), MAX_TAG_VALUE_CHARS).into());
        }
    }
}

/// The level of a span that says none.
///
/// In Python a span whose status was set to ERROR, without an exception, stays at DEBUG or INFO,
/// where whoever looks for errors does not see it.
fn log_level(span: &Span, kind: SpanType<'_>) -> i64 {
    let level = if span.is_error() { LogLevel::Error } else { kind.log_level() };
    raised(level.number(), span)
}

/// An exception makes the level at least that of an error.
fn raised(level: i64, span: &Span) -> i64 {
    if span.has_exception() { level.max(LogLevel::Error.number()) } else { level }
}

/// Whether a root attribute is sent by the trace-info call.
pub(super) fn travels_in_trace_info(key: &str) -> bool {
    TRACE_INFO_KEYS.contains(&key) || key.starts_with(trace::METADATA_PREFIX)
}

/// The attribute's key: the server leaves out tags whose names are too long.
fn key_of(name: &str) -> &str {
    // The prefix has as many characters as bytes.
    let is_tag = name.starts_with(trace::TAG_PREFIX);
    if is_tag { cut(name, trace::TAG_PREFIX.len() + MAX_TAG_KEY_CHARS) } else { name }
}

/// The attribute's value within the server's limits; `None` when it may not be sent at all.
fn attribute<'a>(kv: &'a KeyValue, json_keys: &[Key]) -> Option<Said<'a>> {
    let name = kv.key.as_str();
    if let Some(tag) = name.strip_prefix(trace::TAG_PREFIX) {
        return tag_value(tag, &kv.value);
    }
    Some(match (name, &kv.value) {
        (trace::SESSION | trace::USER | otel::GEN_AI_CONVERSATION, value) => {
            Said::Text(column_of(value, MAX_SESSION_CHARS))
        }
        (_, Value::String(text)) => string(text.as_str(), is_json_attribute(kv, json_keys)),
        (_, value) => Said::As(value),
    })
}

fn is_json_attribute(kv: &KeyValue, json_keys: &[Key]) -> bool {
    let name = kv.key.as_str();
    JSON_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || json_keys.contains(&kv.key)
}

/// A string, which may be defined to be JSON. JSON scalars in text stay text here: only inputs and
/// outputs are JSON throughout.
fn string(text: &str, is_json: bool) -> Said<'_> {
    match first_byte(text) {
        Some(b'{' | b'[') if is_json => structure(text),
        Some(b'"') if is_json && text::is_json(text) => text.into(),
        _ => plain(text),
    }
}

/// Tags are strings; those that MLflow keeps for itself could make the trace unreadable.
fn tag_value<'a>(tag_key: &str, value: &'a Value) -> Option<Said<'a>> {
    if tag::is_reserved(tag_key) || tag_key.is_empty() {
        return None;
    }
    Some(match value.as_str() {
        Cow::Borrowed(text) => plain(cut(text, MAX_TAG_VALUE_CHARS)),
        Cow::Owned(text) => plain(cut(&text, MAX_TAG_VALUE_CHARS)).into_owned(),
    })
}

/// A value's text, within a column of `max` characters.
fn column_of(value: &Value, max: usize) -> Cow<'_, str> {
    match value.as_str() {
        Cow::Borrowed(text) => column(text, max),
        Cow::Owned(text) => Cow::Owned(column(&text, max).into_owned()),
    }
}

/// Inputs or outputs so that the server stores exactly what they are.
fn stored(content: &Content) -> Option<Said<'_>> {
    match content {
        Content::Json(json) if matches!(first_byte(json), Some(b'{' | b'[')) => {
            Some(structure(json))
        }
        Content::Text(text) => Some(plain(text)),
        Content::Json(_) => content.said().map(|said| match said {
            Said::Made(Value::String(text)) => plain(text.as_str()).into_owned(),
            other => other,
        }),
    }
}

/// A JSON object or array in which nothing keeps the server from reading it.
fn structure(json: &str) -> Said<'_> {
    let readable = text::large_integers_as_text(json);
    let too_deep = text::depth(&readable) > MAX_DEPTH;
    if !too_deep && matches!(readable, Cow::Borrowed(_)) {
        return json.into();
    }
    if !text::is_json(json) {
        // It only begins like JSON: the server takes it for the string it is.
        return plain(json);
    }
    if too_deep { text::flatten(&readable, MAX_DEPTH).into() } else { Said::Text(readable) }
}

/// A string that must stay a string.
fn plain(text: &str) -> Said<'_> {
    let text = without_nul(text);
    match first_byte(&text) {
        Some(b'{' | b'[' | b'"') => json::of_text(&text).into(),
        _ => Said::Text(text),
    }
}

#[cfg(test)]
mod tests;
