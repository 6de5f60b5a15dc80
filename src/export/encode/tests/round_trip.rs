//! What a receiver reads, with the official messages, is what the span was.

use opentelemetry_proto::tonic::common::v1::{KeyValue as ReadKeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as Read;

use super::*;

/// A value as text that tells kinds apart, and one NaN from another.
fn shown(value: &Value) -> String {
    match value {
        Value::F64(value) => format!("F64 {:x}", value.to_bits()),
        Value::Array(Array::F64(items)) => {
            format!("[{}]", items.iter().map(|item| shown(&Value::F64(*item))).collect::<String>())
        }
        Value::Array(Array::Bool(items)) => list(items.iter().map(|item| Value::Bool(*item))),
        Value::Array(Array::I64(items)) => list(items.iter().map(|item| Value::I64(*item))),
        Value::Array(Array::String(items)) => list(items.iter().cloned().map(Value::String)),
        other => format!("{other:?}"),
    }
}

fn list(items: impl Iterator<Item = Value>) -> String {
    format!("[{}]", items.map(|item| shown(&item)).collect::<String>())
}

fn read_value(value: any_value::Value) -> String {
    match value {
        any_value::Value::StringValue(text) => shown(&Value::from(text)),
        any_value::Value::BoolValue(value) => shown(&Value::Bool(value)),
        any_value::Value::IntValue(value) => shown(&Value::I64(value)),
        any_value::Value::DoubleValue(value) => shown(&Value::F64(value)),
        any_value::Value::ArrayValue(array) => {
            let items = array.values.into_iter().map(|item| read_value(item.value.unwrap()));
            format!("[{}]", items.collect::<String>())
        }
        other => panic!("never written: {other:?}"),
    }
}

fn pairs(attributes: &[KeyValue]) -> Vec<(String, String)> {
    attributes.iter().map(|kv| (kv.key.to_string(), shown(&kv.value))).collect()
}

fn read_pairs(attributes: Vec<ReadKeyValue>) -> Vec<(String, String)> {
    let value = |kv: ReadKeyValue| (kv.key, read_value(kv.value.unwrap().value.unwrap()));
    attributes.into_iter().map(value).collect()
}

fn ids(context: &SpanContext) -> (Vec<u8>, Vec<u8>, String) {
    let (trace, span) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
    (trace.to_vec(), span.to_vec(), context.trace_state().header())
}

fn check(read: Read, span: &SpanData) {
    assert_eq!((read.trace_id, read.span_id, read.trace_state), ids(&span.span_context));
    let parent = span.parent_span_id;
    let parent = if parent == SpanId::INVALID { Vec::new() } else { parent.to_bytes().to_vec() };
    assert_eq!((read.parent_span_id, read.name.as_str()), (parent, &*span.name));
    assert_eq!(read.kind, i32::from(kind(&span.span_kind)));
    let times = (nanos(span.start_time), nanos(span.end_time));
    assert_eq!((read.start_time_unix_nano, read.end_time_unix_nano), times);
    assert_eq!(read_pairs(read.attributes), pairs(&span.attributes));
    let dropped =
        (span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count);
    let read_dropped =
        (read.dropped_attributes_count, read.dropped_events_count, read.dropped_links_count);
    assert_eq!(read_dropped, dropped);
    let status = read.status.map(|status| (status.code, status.message));
    let (code, message) = match &span.status {
        Status::Unset => (0, String::new()),
        Status::Ok => (1, String::new()),
        Status::Error { description } => (2, description.to_string()),
    };
    assert_eq!(status, Some((code, message)));
    assert_eq!(read.events.len(), span.events.events.len());
    for (read, event) in read.events.into_iter().zip(&span.events.events) {
        assert_eq!(
            (read.time_unix_nano, read.name.as_str()),
            (nanos(event.timestamp), &*event.name)
        );
        assert_eq!(read_pairs(read.attributes), pairs(&event.attributes));
    }
    assert_eq!(read.links.len(), span.links.links.len());
    for (read, link) in read.links.into_iter().zip(&span.links.links) {
        assert_eq!((read.trace_id, read.span_id, read.trace_state), ids(&link.span_context));
        assert_eq!(read_pairs(read.attributes), pairs(&link.attributes));
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_span_is_read_as_what_it_was((resource, spans) in random::batch(1)) {
        let mut encoder = SpanEncoder::own(Form::Protobuf);
        let payloads = encoded(&mut encoder, &Arc::new(resource), &spans);
        prop_assert_eq!(payloads.len(), spans.len());
        for (payload, span) in payloads.iter().zip(&spans) {
            check(Read::decode(payload.bytes()).unwrap(), span);
        }
    }
}
