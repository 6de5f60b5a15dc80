//! `SpanData` to OTLP/JSON: the form kept in local files.
//!
//! Source: OTLP 1.x §JSON protobuf encoding: ids in hexadecimal, 64-bit integers as strings,
//! names in lowerCamelCase, enums as numbers.

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use serde_json::json;

use crate::export::encode::{kind, nanos};
use crate::export::frame;
use crate::model::text;
use crate::transport::{Envelope, Payload};

/// One span as a JSON object.
pub(crate) fn span(span: &SpanData) -> Vec<u8> {
    let mut object = json!({
        "traceId": span.span_context.trace_id().to_string(),
        "spanId": span.span_context.span_id().to_string(),
        "name": span.name,
        "kind": kind(&span.span_kind),
        "startTimeUnixNano": nanos(span.start_time).to_string(),
        "endTimeUnixNano": nanos(span.end_time).to_string(),
        "attributes": attributes(span.attributes.iter()),
        "status": status(&span.status),
    });
    let optional = [
        (
            "parentSpanId",
            (span.parent_span_id != SpanId::INVALID)
                .then(|| json!(span.parent_span_id.to_string())),
        ),
        (
            "events",
            non_empty(
                span.events
                    .events
                    .iter()
                    .map(|event| {
                        json!({
                            "timeUnixNano": nanos(event.timestamp).to_string(),
                            "name": event.name,
                            "attributes": attributes(event.attributes.iter()),
                        })
                    })
                    .collect(),
            ),
        ),
        (
            "links",
            non_empty(
                span.links
                    .links
                    .iter()
                    .map(|link| {
                        json!({
                            "traceId": link.span_context.trace_id().to_string(),
                            "spanId": link.span_context.span_id().to_string(),
                            "attributes": attributes(link.attributes.iter()),
                        })
                    })
                    .collect(),
            ),
        ),
    ];
    if let Some(entries) = object.as_object_mut() {
        entries
            .extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    object.to_string().into_bytes()
}

/// The JSON envelope: a `resource` and a `scope` object.
pub(crate) fn envelope(resource: &Resource, scope: &InstrumentationScope) -> Envelope {
    let resource_attributes =
        resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let resource_attributes: Vec<KeyValue> = resource_attributes.collect();
    let scope_object = json!({
        "name": scope.name(),
        "version": scope.version().unwrap_or_default(),
        "attributes": attributes(scope.attributes()),
    });
    Envelope {
        resource: json!({ "attributes": attributes(resource_attributes.iter()) })
            .to_string()
            .into_bytes(),
        scope: scope_object.to_string().into_bytes(),
        ..Envelope::default()
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
        let bodies: Vec<&[u8]> = spans.iter().map(|span| span.bytes.as_slice()).collect();
        line.extend_from_slice(&bodies.join(&b','));
        line.extend_from_slice(b"]}]}");
    }
    line.extend_from_slice(b"]}\n");
    line
}

fn attributes<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<serde_json::Value> {
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

fn non_empty(values: Vec<serde_json::Value>) -> Option<serde_json::Value> {
    (!values.is_empty()).then_some(serde_json::Value::Array(values))
}
