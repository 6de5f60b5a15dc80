//! `SpanData` to OTLP protobuf bytes in one pass.
//!
//! Only the body of a message is written here; [`frame`](super::frame) puts bodies together.
//! Proven byte for byte against the official exporter by the tests below.
//!
//! Source: `opentelemetry-proto` 1.x `trace.proto`, `common.proto`, `resource.proto`.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

/// Scratch memory kept from one span to the next.
const MAX_SCRATCH: usize = 64 * 1024;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// Bits of `Span.flags` above the W3C trace flags.
const FLAG_HAS_IS_REMOTE: u32 = 0x100;
pub(crate) const FLAG_IS_REMOTE: u32 = 0x200;

/// Body of a `Span` message.
pub(crate) fn span(out: &mut Vec<u8>, span: &SpanData) {
    let context = &span.span_context;
    bytes_field(out, 1, &context.trace_id().to_bytes());
    bytes_field(out, 2, &context.span_id().to_bytes());
    str_field(out, 3, &context.trace_state().header());
    if span.parent_span_id != SpanId::INVALID {
        bytes_field(out, 4, &span.parent_span_id.to_bytes());
    }
    str_field(out, 5, &span.name);
    varint_field(out, 6, kind(&span.span_kind));
    fixed64_field(out, 7, nanos(span.start_time));
    fixed64_field(out, 8, nanos(span.end_time));
    span.attributes.iter().for_each(|kv| key_value(out, 9, kv));
    varint_field(out, 10, u64::from(span.dropped_attributes_count));
    span.events.events.iter().for_each(|item| nested(out, 11, |out| event(out, item)));
    varint_field(out, 12, u64::from(span.events.dropped_count));
    span.links.links.iter().for_each(|item| nested(out, 13, |out| link(out, item)));
    varint_field(out, 14, u64::from(span.links.dropped_count));
    nested(out, 15, |out| status(out, &span.status));
    fixed32_field(out, 16, flags(context.trace_flags().to_u8(), span.parent_span_is_remote));
}

/// Body of a `Span` message with no memory to spare. `scratch` saves growing it from nothing.
pub(crate) fn span_bytes(scratch: &mut Vec<u8>, data: &SpanData) -> Vec<u8> {
    scratch.clear();
    span(scratch, data);
    let bytes = scratch.as_slice().to_vec();
    scratch.shrink_to(MAX_SCRATCH);
    bytes
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

fn event(out: &mut Vec<u8>, event: &Event) {
    fixed64_field(out, 1, nanos(event.timestamp));
    str_field(out, 2, &event.name);
    event.attributes.iter().for_each(|kv| key_value(out, 3, kv));
    varint_field(out, 4, u64::from(event.dropped_attributes_count));
}

fn link(out: &mut Vec<u8>, link: &Link) {
    let context = &link.span_context;
    bytes_field(out, 1, &context.trace_id().to_bytes());
    bytes_field(out, 2, &context.span_id().to_bytes());
    str_field(out, 3, &context.trace_state().header());
    link.attributes.iter().for_each(|kv| key_value(out, 4, kv));
    varint_field(out, 5, u64::from(link.dropped_attributes_count));
    fixed32_field(out, 6, flags(context.trace_flags().to_u8(), context.is_remote()));
}

fn status(out: &mut Vec<u8>, status: &Status) {
    match status {
        Status::Unset => {}
        Status::Ok => varint_field(out, 3, 1),
        Status::Error { description } => {
            str_field(out, 2, description);
            varint_field(out, 3, 2);
        }
    }
}

/// The number of a span kind in OTLP.
pub(crate) fn kind(kind: &SpanKind) -> u64 {
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
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A `KeyValue` whose length is known before it is written, so that nothing is moved afterwards.
fn key_value(out: &mut Vec<u8>, field: u32, kv: &KeyValue) {
    let key = kv.key.as_str();
    let value_len = any_value_len(&kv.value);
    let key_len = if key.is_empty() { 0 } else { 1 + delimited_len(key.len()) };
    tag(out, field, BYTES);
    varint(out, len64(key_len + 1 + delimited_len(value_len)));
    str_field(out, 1, key);
    tag(out, 2, BYTES);
    varint(out, len64(value_len));
    any_value(out, &kv.value);
}

/// Body of an `AnyValue`, a `oneof`: zero and empty values are written too.
fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => bool_value(out, *value),
        Value::I64(value) => i64_value(out, *value),
        Value::F64(value) => f64_value(out, *value),
        Value::String(value) => str_value(out, value),
        Value::Array(array) => {
            tag(out, 5, BYTES);
            varint(out, len64(array_len(array)));
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
                Array::String(items) => array_items(out, items, str_len, str_value),
                _ => {}
            }
        }
        // A kind of value that this version of the API does not have.
        other => str_value(out, &StringValue::from(other.as_str().into_owned())),
    }
}

fn array_items<T>(
    out: &mut Vec<u8>,
    items: &[T],
    len: impl Fn(&T) -> usize,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    for item in items {
        tag(out, 1, BYTES);
        varint(out, len64(len(item)));
        write(out, item);
    }
}

fn any_value_len(value: &Value) -> usize {
    match value {
        Value::Bool(_) => 2,
        Value::I64(value) => i64_len(*value),
        Value::F64(_) => 9,
        Value::String(value) => str_len(value),
        Value::Array(array) => 1 + delimited_len(array_len(array)),
        other => 1 + delimited_len(other.as_str().len()),
    }
}

fn array_len(array: &Array) -> usize {
    let framed = |len: usize| 1 + delimited_len(len);
    match array {
        Array::Bool(items) => items.len() * framed(2),
        Array::I64(items) => items.iter().map(|item| framed(i64_len(*item))).sum(),
        Array::F64(items) => items.len() * framed(9),
        Array::String(items) => items.iter().map(|item| framed(str_len(item))).sum(),
        _ => 0,
    }
}

fn i64_len(value: i64) -> usize {
    1 + varint_len(unsigned(value))
}

fn str_len(value: &StringValue) -> usize {
    1 + delimited_len(value.as_str().len())
}

fn bool_value(out: &mut Vec<u8>, value: bool) {
    tag(out, 2, VARINT);
    out.push(u8::from(value));
}

fn i64_value(out: &mut Vec<u8>, value: i64) {
    tag(out, 3, VARINT);
    varint(out, unsigned(value));
}

fn f64_value(out: &mut Vec<u8>, value: f64) {
    tag(out, 4, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

fn str_value(out: &mut Vec<u8>, value: &StringValue) {
    tag(out, 1, BYTES);
    varint(out, len64(value.as_str().len()));
    out.extend_from_slice(value.as_str().as_bytes());
}

/// Writes a message of unknown length: leaves a byte for the length, and makes room if one is not enough.
fn nested(out: &mut Vec<u8>, field: u32, body: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, BYTES);
    let start = out.len();
    out.push(0);
    body(out);
    let len = out.len() - start - 1;
    let mut prefix = Vec::with_capacity(5);
    varint(&mut prefix, len64(len));
    out.splice(start..=start, prefix);
}

pub(crate) fn str_field(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes_field(out, field, value.as_bytes());
    }
}

pub(crate) fn bytes_field(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, BYTES);
    varint(out, len64(value.len()));
    out.extend_from_slice(value);
}

/// Tag and length of a message of `len` bytes that follows.
pub(crate) fn message_header(out: &mut Vec<u8>, field: u32, len: usize) {
    tag(out, field, BYTES);
    varint(out, len64(len));
}

/// Length of a message of `len` bytes with a one-byte tag and its length before it.
pub(crate) fn framed_len(len: usize) -> usize {
    1 + delimited_len(len)
}

fn varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

fn fixed64_field(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, FIXED64);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn fixed32_field(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, FIXED32);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// The two's complement form, as protobuf writes a negative number.
fn unsigned(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}

fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Length of `len` bytes with their length before them.
fn delimited_len(len: usize) -> usize {
    varint_len(len64(len)) + len
}

fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
