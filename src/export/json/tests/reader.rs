//! Reads OTLP/JSON into the official messages. A field it does not know is a mistake.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::Value;

pub(crate) fn request(json: &Value) -> ExportTraceServiceRequest {
    let mut message = ExportTraceServiceRequest::default();
    each(json, |key, value| match key {
        "resourceSpans" => message.resource_spans = list(value, resource_spans),
        _ => unknown(key),
    });
    message
}

fn resource_spans(json: &Value) -> ResourceSpans {
    let mut message = ResourceSpans::default();
    each(json, |key, value| match key {
        "resource" => message.resource = Some(resource(value)),
        "scopeSpans" => message.scope_spans = list(value, scope_spans),
        "schemaUrl" => message.schema_url = text(value),
        _ => unknown(key),
    });
    message
}

fn resource(json: &Value) -> Resource {
    let mut message = Resource::default();
    each(json, |key, value| match key {
        "attributes" => message.attributes = list(value, key_value),
        _ => unknown(key),
    });
    message
}

fn scope_spans(json: &Value) -> ScopeSpans {
    let mut message = ScopeSpans::default();
    each(json, |key, value| match key {
        "scope" => message.scope = Some(scope(value)),
        "spans" => message.spans = list(value, span),
        "schemaUrl" => message.schema_url = text(value),
        _ => unknown(key),
    });
    message
}

fn scope(json: &Value) -> InstrumentationScope {
    let mut message = InstrumentationScope::default();
    each(json, |key, value| match key {
        "name" => message.name = text(value),
        "version" => message.version = text(value),
        "attributes" => message.attributes = list(value, key_value),
        _ => unknown(key),
    });
    message
}

fn span(json: &Value) -> Span {
    let mut message = Span::default();
    each(json, |key, value| match key {
        "traceId" => message.trace_id = hex(value),
        "spanId" => message.span_id = hex(value),
        "traceState" => message.trace_state = text(value),
        "parentSpanId" => message.parent_span_id = hex(value),
        "flags" => message.flags = small(value),
        "name" => message.name = text(value),
        "kind" => message.kind = i32::try_from(small(value)).unwrap(),
        "startTimeUnixNano" => message.start_time_unix_nano = number(value),
        "endTimeUnixNano" => message.end_time_unix_nano = number(value),
        "attributes" => message.attributes = list(value, key_value),
        "droppedAttributesCount" => message.dropped_attributes_count = small(value),
        "events" => message.events = list(value, event),
        "droppedEventsCount" => message.dropped_events_count = small(value),
        "links" => message.links = list(value, link),
        "droppedLinksCount" => message.dropped_links_count = small(value),
        "status" => message.status = Some(status(value)),
        _ => unknown(key),
    });
    message
}

fn event(json: &Value) -> Event {
    let mut message = Event::default();
    each(json, |key, value| match key {
        "timeUnixNano" => message.time_unix_nano = number(value),
        "name" => message.name = text(value),
        "attributes" => message.attributes = list(value, key_value),
        "droppedAttributesCount" => message.dropped_attributes_count = small(value),
        _ => unknown(key),
    });
    message
}

fn link(json: &Value) -> Link {
    let mut message = Link::default();
    each(json, |key, value| match key {
        "traceId" => message.trace_id = hex(value),
        "spanId" => message.span_id = hex(value),
        "traceState" => message.trace_state = text(value),
        "attributes" => message.attributes = list(value, key_value),
        "droppedAttributesCount" => message.dropped_attributes_count = small(value),
        "flags" => message.flags = small(value),
        _ => unknown(key),
    });
    message
}

fn status(json: &Value) -> Status {
    let mut message = Status::default();
    each(json, |key, value| match key {
        "code" => message.code = i32::try_from(small(value)).unwrap(),
        "message" => message.message = text(value),
        _ => unknown(key),
    });
    message
}

fn key_value(json: &Value) -> KeyValue {
    let mut message = KeyValue::default();
    each(json, |key, value| match key {
        "key" => message.key = text(value),
        "value" => message.value = Some(any_value(value)),
        _ => unknown(key),
    });
    message
}

fn any_value(json: &Value) -> AnyValue {
    let mut message = AnyValue::default();
    each(json, |key, value| {
        let value = match key {
            "boolValue" => any_value::Value::BoolValue(value.as_bool().unwrap()),
            "intValue" => any_value::Value::IntValue(text(value).parse().unwrap()),
            "doubleValue" => any_value::Value::DoubleValue(double(value)),
            "stringValue" => any_value::Value::StringValue(text(value)),
            "arrayValue" => {
                let values = list(&value["values"], any_value);
                any_value::Value::ArrayValue(ArrayValue { values })
            }
            _ => return unknown(key),
        };
        assert_eq!(message.value.replace(value), None, "an AnyValue is one value");
    });
    message
}

fn double(json: &Value) -> f64 {
    match json {
        Value::String(word) => match word.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => panic!("{word} is no number"),
        },
        number => number.as_f64().unwrap(),
    }
}

fn each(json: &Value, mut field: impl FnMut(&str, &Value)) {
    json.as_object().unwrap().iter().for_each(|(key, value)| field(key, value));
}

fn list<T>(json: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    json.as_array().unwrap().iter().map(item).collect()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap().to_owned()
}

/// 64 bits: as text.
fn number(json: &Value) -> u64 {
    json.as_str().unwrap().parse().unwrap()
}

/// 32 bits: as a number.
fn small(json: &Value) -> u32 {
    u32::try_from(json.as_u64().unwrap()).unwrap()
}

fn hex(json: &Value) -> Vec<u8> {
    let text = text(json);
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn unknown(key: &str) {
    panic!("OTLP has no field {key} here");
}
