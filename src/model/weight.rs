//! Memory that spans take.

use opentelemetry::{Array, Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

const PER_ATTRIBUTE: usize = 64;

/// Memory that an attribute takes whose key is its own, near enough.
pub(crate) fn of_entry(key: &Key, value: &Value) -> usize {
    PER_ATTRIBUTE + key.as_str().len() + value_weight(value)
}

/// Memory that a span takes, near enough.
pub(crate) fn of(span: &SpanData) -> usize {
    let attributes = |attributes: &[KeyValue]| -> usize {
        attributes.iter().map(|kv| PER_ATTRIBUTE + value_weight(&kv.value)).sum()
    };
    let events: usize = span
        .events
        .events
        .iter()
        .map(|event| PER_ATTRIBUTE + event.name.len() + attributes(&event.attributes))
        .sum();
    let links: usize =
        span.links.links.iter().map(|link| PER_ATTRIBUTE + attributes(&link.attributes)).sum();
    size_of::<SpanData>() + span.name.len() + attributes(&span.attributes) + events + links
}

fn value_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(items)) => {
            items.iter().map(|item| 24 + item.as_str().len()).sum()
        }
        Value::Array(Array::Bool(items)) => items.len(),
        Value::Array(Array::I64(items)) => items.len() * 8,
        Value::Array(Array::F64(items)) => items.len() * 8,
        _ => 0,
    }
}
