//! `SpanData` to OTLP/JSON: the form kept in local files.
//!
//! Source: OTLP 1.x §JSON protobuf encoding: ids in hexadecimal, 64-bit integers as strings,
//! names in lowerCamelCase, enums as numbers.

use opentelemetry::trace::{Event, Link, SpanId, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use serde_json::json;

use crate::export::encode::{flags, kind, nanos};
use crate::export::frame;
use crate::model::text;
use crate::transport::{Envelope, Payload};

/// One span as a JSON object.
pub(crate) fn span(span: &SpanData) -> Vec<u8> {
    let context = &span.span_context;
    let parent = (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string());
    object([
        ("traceId", json!(context.trace_id().to_string())),
        ("spanId", json!(context.span_id().to_string())),
        ("traceState", json!(context.trace_state().header())),
        ("parentSpanId", json!(parent)),
        ("flags", json!(flags(context.trace_flags().to_u8(), span.parent_span_is_remote))),
        ("name", json!(span.name)),
        ("kind", json!(kind(&span.span_kind))),
        ("startTimeUnixNano", json!(nanos(span.start_time).to_string())),
        ("endTimeUnixNano", json!(nanos(span.end_time).to_string())),
        ("attributes", attributes(span.attributes.iter())),
        ("droppedAttributesCount", json!(span.dropped_attributes_count)),
        ("events", span.events.events.iter().map(event).collect()),
        ("droppedEventsCount", json!(span.events.dropped_count)),
        ("links", span.links.links.iter().map(link).collect()),
        ("droppedLinksCount", json!(span.links.dropped_count)),
        ("status", status(&span.status)),
    ])
    .to_string()
    .into_bytes()
}

/// The JSON envelope: a `resource` and a `scope` object.
pub(crate) fn envelope(resource: &Resource, scope: &InstrumentationScope) -> Envelope {
    let resource_attributes: Vec<KeyValue> =
        resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let resource_object = object([("attributes", attributes(resource_attributes.iter()))]);
    let scope_object = object([
        ("name", json!(scope.name())),
        ("version", json!(scope.version())),
        ("attributes", attributes(scope.attributes())),
    ]);
    Envelope {
        resource: resource_object.to_string().into_bytes(),
        resource_schema_url: resource.schema_url().unwrap_or_default().to_owned(),
        scope: scope_object.to_string().into_bytes(),
        scope_schema_url: scope.schema_url().unwrap_or_default().to_owned(),
    }
}

/// One line: an `ExportTraceServiceRequest` as JSON.
pub(crate) fn request_line(spans: &[Payload]) -> Vec<u8> {
    let mut line = b"{\"resourceSpans\":[".to_vec();
    for (index, (envelope, spans)) in frame::by_envelope(spans).into_iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        line.extend_from_slice(b"{\"resource\":");
        line.extend_from_slice(&envelope.resource);
        line.extend_from_slice(b",\"scopeSpans\":[{\"scope\":");
        line.extend_from_slice(&envelope.scope);
        line.extend_from_slice(b",\"spans\":[");
        let bodies: Vec<&[u8]> = spans.iter().map(|span| span.bytes()).collect();
        line.extend_from_slice(&bodies.join(&b','));
        line.push(b']');
        push_schema_url(&mut line, &envelope.scope_schema_url);
        line.extend_from_slice(b"}]");
        push_schema_url(&mut line, &envelope.resource_schema_url);
        line.push(b'}');
    }
    line.extend_from_slice(b"]}\n");
    line
}

fn push_schema_url(line: &mut Vec<u8>, url: &str) {
    if !url.is_empty() {
        line.extend_from_slice(b",\"schemaUrl\":");
        line.extend_from_slice(json!(url).to_string().as_bytes());
    }
}

/// An object without the fields that have their default, as in protobuf.
fn object<const N: usize>(fields: [(&str, serde_json::Value); N]) -> serde_json::Value {
    let is_default = |value: &serde_json::Value| match value {
        serde_json::Value::Null => true,
        serde_json::Value::Number(number) => number.as_u64() == Some(0),
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Bool(_) | serde_json::Value::Object(_) => false,
    };
    let mut said = serde_json::Map::new();
    for (key, value) in fields.into_iter().filter(|(_, value)| !is_default(value)) {
        said.insert(key.to_owned(), value);
    }
    serde_json::Value::Object(said)
}

fn event(event: &Event) -> serde_json::Value {
    object([
        ("timeUnixNano", json!(nanos(event.timestamp).to_string())),
        ("name", json!(event.name)),
        ("attributes", attributes(event.attributes.iter())),
        ("droppedAttributesCount", json!(event.dropped_attributes_count)),
    ])
}

fn link(link: &Link) -> serde_json::Value {
    let context = &link.span_context;
    object([
        ("traceId", json!(context.trace_id().to_string())),
        ("spanId", json!(context.span_id().to_string())),
        ("traceState", json!(context.trace_state().header())),
        ("attributes", attributes(link.attributes.iter())),
        ("droppedAttributesCount", json!(link.dropped_attributes_count)),
        ("flags", json!(flags(context.trace_flags().to_u8(), context.is_remote()))),
    ])
}

fn attributes<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> serde_json::Value {
    attributes.map(|kv| json!({ "key": kv.key.as_str(), "value": any_value(&kv.value) })).collect()
}

fn any_value(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::I64(value) => json!({ "intValue": value.to_string() }),
        Value::F64(value) if value.is_finite() => json!({ "doubleValue": value }),
        Value::F64(value) if value.is_nan() => json!({ "doubleValue": "NaN" }),
        Value::F64(value) => {
            json!({ "doubleValue": if *value > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        Value::Array(array) => json!({ "arrayValue": { "values": array_values(array) } }),
        other => json!({ "stringValue": other.as_str() }),
    }
}

fn array_values(array: &Array) -> Vec<serde_json::Value> {
    text::items(array).iter().map(any_value).collect()
}

fn status(status: &Status) -> serde_json::Value {
    match status {
        Status::Unset => json!({}),
        Status::Ok => json!({ "code": 1 }),
        Status::Error { description } => json!({ "code": 2, "message": description }),
    }
}

#[cfg(test)]
mod tests;
