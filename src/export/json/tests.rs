//! The protobuf form, proven elsewhere, is the oracle: a line that is read back must be equal to it.

mod reader;

use std::sync::Arc;

use opentelemetry::StringValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::export::form::Form;
use crate::export::span_encoder::SpanEncoder;
use crate::tests::{cases, encoded, random, root_data, span_data};

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_line_says_value_by_value_what_the_protobuf_says((resource, spans) in random::batch(3)) {
        let line = line_of(&resource, &spans);
        let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(reader::request(&line).encode_to_vec(), protobuf(&resource, &spans));
    }
}

#[test]
fn values_are_written_as_the_specification_says() {
    let strings = |items: &[&'static str]| {
        Value::Array(Array::String(items.iter().copied().map(StringValue::from).collect()))
    };
    let cases = [
        (Value::Bool(false), json!({ "boolValue": false })),
        (Value::I64(i64::MIN), json!({ "intValue": "-9223372036854775808" })),
        (Value::F64(0.5), json!({ "doubleValue": 0.5 })),
        (Value::F64(f64::NAN), json!({ "doubleValue": "NaN" })),
        (Value::F64(f64::INFINITY), json!({ "doubleValue": "Infinity" })),
        (Value::F64(f64::NEG_INFINITY), json!({ "doubleValue": "-Infinity" })),
        (Value::from(""), json!({ "stringValue": "" })),
        (Value::from("{\"a\": 1}\n"), json!({ "stringValue": "{\"a\": 1}\n" })),
        (
            strings(&["x", ""]),
            json!({ "arrayValue": { "values": [{ "stringValue": "x" }, { "stringValue": "" }] } }),
        ),
        (
            Value::Array(Array::F64(vec![1.0, f64::NAN])),
            json!({ "arrayValue": { "values": [{ "doubleValue": 1.0 }, { "doubleValue": "NaN" }] } }),
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(any_value(&value), expected);
    }
}

#[test]
fn ids_are_hexadecimal_and_times_are_strings() {
    let data = span_data("step", 0xab, 0xcd);
    let object: serde_json::Value = serde_json::from_slice(&span(&data)).unwrap();
    assert_eq!(object["traceId"], "0123456789abcdeffedcba9876543210");
    assert_eq!(object["spanId"], "00000000000000ab");
    assert_eq!(object["parentSpanId"], "00000000000000cd");
    assert_eq!(object["startTimeUnixNano"], "1795363105000000000");
    let root: serde_json::Value = serde_json::from_slice(&span(&root_data([]))).unwrap();
    assert_eq!(root.get("parentSpanId"), None);
}

#[test]
fn a_request_is_one_line_whatever_its_texts_hold() {
    let data = root_data([KeyValue::new("line\nbreak", "\r\n\u{2028}")]);
    let resource = Resource::builder_empty().with_attribute(KeyValue::new("a\nb", "c\nd")).build();
    let line = line_of(&resource, &[data.clone(), data]);
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
}

fn line_of(resource: &Resource, spans: &[SpanData]) -> Vec<u8> {
    let mut encoder = SpanEncoder::own(Form::Json);
    request_line(&encoded(&mut encoder, &Arc::new(resource.clone()), spans))
}

fn protobuf(resource: &Resource, spans: &[SpanData]) -> Vec<u8> {
    let mut encoder = SpanEncoder::own(Form::Protobuf);
    let payloads = encoded(&mut encoder, &Arc::new(resource.clone()), spans);
    let body = frame::request(&payloads).to_vec();
    // Through the official types, as the line goes too.
    ExportTraceServiceRequest::decode(body.as_slice()).unwrap().encode_to_vec()
}
