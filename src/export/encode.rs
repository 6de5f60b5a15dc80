//! A span in the words of a dialect to OTLP protobuf bytes, in one pass.
//!
//! Only the body of a message is written here; [`frame`](super::frame) puts bodies together.
//! Proven byte for byte against the official exporter by the tests below.
//!
//! Source: `opentelemetry-proto` 1.x `trace.proto`, `common.proto`, `resource.proto`.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;

use crate::export::dialect::{Dialect, Head};
use crate::export::protobuf::{
    BYTES, FIXED64, ONE_BYTE, TWO_BYTES, VARINT, bytes_field, fixed32_field, fixed64_field,
    framed_len, message_header, nested, one, str_field, tag_byte, two, unsigned, varint,
    varint_field, varint_len,
};
use crate::model::said::Said;
use crate::model::span::Span;

/// The fields of a `KeyValue`, and an `AnyValue`'s for text.
const KEY: u8 = tag_byte(1, BYTES);
const VALUE: u8 = tag_byte(2, BYTES);
const TEXT: u8 = tag_byte(1, BYTES);
/// Key and value of an attribute that together are shorter than this take lengths of one byte;
const SHORT: usize = ONE_BYTE - 4;
/// so do key and text, which has two bytes before it,
const SHORT_TEXT: usize = SHORT - 2;
/// and below this lengths of no more than two bytes.
const MEDIUM_TEXT: usize = TWO_BYTES - 8;
/// Room for the header of an event, a link or a status that is short.
const USUAL_HEADER: usize = 2;
/// Bits of `Span.flags` above the W3C trace flags.
const FLAG_HAS_IS_REMOTE: u32 = 0x100;
pub(crate) const FLAG_IS_REMOTE: u32 = 0x200;

/// Body of a `Span` message.
pub(crate) fn span(out: &mut Vec<u8>, dialect: &dyn Dialect, span: &Span) {
    let Head { name, status, parent, parent_is_remote } = dialect.head(span);
    let data = &span.data;
    let context = &data.span_context;
    ids(out, context);
    if *context.trace_state() != TraceState::NONE {
        str_field(out, 3, &context.trace_state().header());
    }
    if parent != SpanId::INVALID {
        out.extend_from_slice(&[tag_byte(4, BYTES), 8]);
        out.extend_from_slice(&parent.to_bytes());
    }
    str_field(out, 5, &name);
    out.extend_from_slice(&[tag_byte(6, VARINT), kind(&data.span_kind)]);
    fixed64_field(out, 7, nanos(data.start_time));
    fixed64_field(out, 8, nanos(data.end_time));
    dialect.attributes(span, &mut |key, said| attribute(out, key, &said));
    varint_field(out, 10, u64::from(data.dropped_attributes_count));
    data.events.events.iter().for_each(|item| part(out, 11, |out| event(out, item)));
    varint_field(out, 12, u64::from(data.events.dropped_count));
    data.links.links.iter().for_each(|item| part(out, 13, |out| link(out, item)));
    varint_field(out, 14, u64::from(data.links.dropped_count));
    status_field(out, &status);
    fixed32_field(out, 16, flags(context.trace_flags().to_u8(), parent_is_remote));
}

/// Body of a `Resource` message.
pub(crate) fn resource(out: &mut Vec<u8>, resource: &Resource) {
    for (key, value) in resource {
        key_value(out, 1, &KeyValue::new(key.clone(), value.clone()));
    }
}

/// Body of an `InstrumentationScope` message.
pub(crate) fn scope(out: &mut Vec<u8>, scope: &InstrumentationScope) {
    str_field(out, 1, scope.name());
    str_field(out, 2, scope.version().unwrap_or_default());
    scope.attributes().for_each(|kv| key_value(out, 3, kv));
}

/// Trace id and span id: the first two fields of a span and of a link.
fn ids(out: &mut Vec<u8>, context: &SpanContext) {
    out.extend_from_slice(&[tag_byte(1, BYTES), 16]);
    out.extend_from_slice(&context.trace_id().to_bytes());
    out.extend_from_slice(&[tag_byte(2, BYTES), 8]);
    out.extend_from_slice(&context.span_id().to_bytes());
}

fn event(out: &mut Vec<u8>, event: &Event) {
    fixed64_field(out, 1, nanos(event.timestamp));
    str_field(out, 2, &event.name);
    event.attributes.iter().for_each(|kv| key_value(out, 3, kv));
    varint_field(out, 4, u64::from(event.dropped_attributes_count));
}

fn link(out: &mut Vec<u8>, link: &Link) {
    let context = &link.span_context;
    ids(out, context);
    str_field(out, 3, &context.trace_state().header());
    link.attributes.iter().for_each(|kv| key_value(out, 4, kv));
    varint_field(out, 5, u64::from(link.dropped_attributes_count));
    fixed32_field(out, 6, flags(context.trace_flags().to_u8(), context.is_remote()));
}

/// The field is there even when nothing is said in it, as the official exporter has it.
fn status_field(out: &mut Vec<u8>, status: &Status) {
    match status {
        Status::Unset => out.extend_from_slice(&[tag_byte(15, BYTES), 0]),
        Status::Ok => out.extend_from_slice(&[tag_byte(15, BYTES), 2, tag_byte(3, VARINT), 1]),
        Status::Error { description } => part(out, 15, |out| {
            str_field(out, 2, description);
            varint_field(out, 3, 2);
        }),
    }
}

/// An event, a link or a status.
fn part(out: &mut Vec<u8>, field: u32, body: impl FnOnce(&mut Vec<u8>)) {
    nested(out, field, USUAL_HEADER, body);
}

/// The number of a span kind in OTLP.
pub(crate) fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// `Span.flags` and `Link.flags`.
pub(crate) fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    u32::from(trace_flags) | FLAG_HAS_IS_REMOTE | if is_remote { FLAG_IS_REMOTE } else { 0 }
}

/// Nanoseconds since 1970; a time before it counts as 1970, one after 2554 as the last there is.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::from(since.subsec_nanos());
    since.as_secs().saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn attribute(out: &mut Vec<u8>, key: &str, said: &Said<'_>) {
    match said {
        Said::As(value) => entry(out, 9, key, value),
        Said::Text(text) => text_entry(out, 9, key, text),
        Said::Made(value) => entry(out, 9, key, value),
    }
}

fn key_value(out: &mut Vec<u8>, field: u32, kv: &KeyValue) {
    entry(out, field, kv.key.as_str(), &kv.value);
}

/// A `KeyValue` whose length is known before it is written, so that nothing is moved afterwards.
fn entry(out: &mut Vec<u8>, field: u32, key: &str, value: &Value) {
    if let Value::String(text) = value {
        return text_entry(out, field, key, text.as_str());
    }
    entry_lead(out, field, key, any_value_len(value));
    any_value(out, value);
}

/// The same for text, which most values are. Where each length takes one byte, or all but the key's
/// two, none is asked for its own.
#[inline]
fn text_entry(out: &mut Vec<u8>, field: u32, key: &str, text: &str) {
    let (entry, key_len, len) = (tag_byte(field, BYTES), key.len(), text.len());
    let has_short_key = (1..ONE_BYTE).contains(&key_len);
    match key_len + len {
        both @ ..SHORT_TEXT if has_short_key => {
            out.extend_from_slice(&[entry, one(both + 6), KEY, one(key_len)]);
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&[VALUE, one(len + 2), TEXT, one(len)]);
        }
        both @ ..MEDIUM_TEXT if has_short_key && len >= ONE_BYTE => {
            let ([low, high], [value_low, value_high]) = (two(both + 8), two(len + 3));
            let [text_low, text_high] = two(len);
            out.extend_from_slice(&[entry, low, high, KEY, one(key_len)]);
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&[VALUE, value_low, value_high, TEXT, text_low, text_high]);
        }
        _ => {
            long_entry_lead(out, field, key, text_len(text));
            message_header(out, 1, len);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// All of a `KeyValue` but the body of its value.
#[inline]
fn entry_lead(out: &mut Vec<u8>, field: u32, key: &str, value_len: usize) {
    let key_len = key.len();
    let both = key_len + value_len;
    if key.is_empty() || both >= SHORT {
        return long_entry_lead(out, field, key, value_len);
    }
    out.extend_from_slice(&[tag_byte(field, BYTES), one(both + 4), KEY, one(key_len)]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[VALUE, one(value_len)]);
}

#[cold]
fn long_entry_lead(out: &mut Vec<u8>, field: u32, key: &str, value_len: usize) {
    let key_field = if key.is_empty() { 0 } else { framed_len(key.len()) };
    message_header(out, field, key_field + framed_len(value_len));
    str_field(out, 1, key);
    message_header(out, 2, value_len);
}

/// Body of an `AnyValue` that is no text, a `oneof`: zero and empty values are written too.
fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => bool_value(out, *value),
        Value::I64(value) => i64_value(out, *value),
        Value::F64(value) => f64_value(out, *value),
        Value::Array(array) => {
            message_header(out, 5, array_len(array));
            match array {
                Array::Bool(items) => {
                    array_items(out, items, |_| 2, |out, item| bool_value(out, *item));
                }
                Array::I64(items) => {
                    array_items(
                        out,
                        items,
                        |item| i64_len(*item),
                        |out, item| i64_value(out, *item),
                    );
                }
                Array::F64(items) => {
                    array_items(out, items, |_| 9, |out, item| f64_value(out, *item));
                }
                Array::String(items) => array_items(
                    out,
                    items,
                    |item| text_len(item.as_str()),
                    |out, item| text_value(out, item.as_str()),
                ),
                _ => {}
            }
        }
        // A kind of value that this version of the API does not have.
        other => text_value(out, &other.as_str()),
    }
}

fn array_items<T>(
    out: &mut Vec<u8>,
    items: &[T],
    len: impl Fn(&T) -> usize,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    for item in items {
        message_header(out, 1, len(item));
        write(out, item);
    }
}

fn any_value_len(value: &Value) -> usize {
    match value {
        Value::Bool(_) => 2,
        Value::I64(value) => i64_len(*value),
        Value::F64(_) => 9,
        Value::Array(array) => framed_len(array_len(array)),
        other => text_len(&other.as_str()),
    }
}

fn array_len(array: &Array) -> usize {
    match array {
        Array::Bool(items) => items.len() * framed_len(2),
        Array::I64(items) => items.iter().map(|item| framed_len(i64_len(*item))).sum(),
        Array::F64(items) => items.len() * framed_len(9),
        Array::String(items) => items.iter().map(|item| framed_len(text_len(item.as_str()))).sum(),
        _ => 0,
    }
}

fn i64_len(value: i64) -> usize {
    1 + varint_len(unsigned(value))
}

fn text_len(text: &str) -> usize {
    framed_len(text.len())
}

fn bool_value(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(&[tag_byte(2, VARINT), u8::from(value)]);
}

fn i64_value(out: &mut Vec<u8>, value: i64) {
    out.push(tag_byte(3, VARINT));
    varint(out, unsigned(value));
}

fn f64_value(out: &mut Vec<u8>, value: f64) {
    out.push(tag_byte(4, FIXED64));
    out.extend_from_slice(&value.to_le_bytes());
}

fn text_value(out: &mut Vec<u8>, text: &str) {
    bytes_field(out, 1, text.as_bytes());
}

#[cfg(test)]
mod tests;
