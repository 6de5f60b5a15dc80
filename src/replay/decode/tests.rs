use opentelemetry::{Array, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::tests::{line_of, scope_of};
use super::*;
use crate::export::json;
use crate::model::text::json_of;
use crate::tests::{cases, random, root_data, span_data};

const IDS: &str = r#""traceId":"0123456789abcdeffedcba9876543210","spanId":"00000000000000ab""#;

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn spans_that_were_written_are_read_as_they_were((resource, spans) in random::batch(3)) {
        let decoded = line(&line_of(&resource, &spans));
        prop_assert_eq!(decoded.faults, Vec::<String>::new());
        let mut read = Vec::new();
        for group in decoded.groups {
            prop_assert_eq!(sorted(&group.resource), sorted(&resource));
            prop_assert_eq!(group.resource.schema_url(), resource.schema_url());
            read.extend(group.spans.iter().map(told));
        }
        // The writer puts spans of one scope together.
        let mut expected: Vec<_> = spans.iter().map(told).collect();
        expected.sort();
        read.sort();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn nothing_that_is_read_is_a_panic(
        (resource, spans) in random::batch(2),
        cut in any::<prop::sample::Index>(),
        changed in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = line_of(&resource, &spans);
        for (at, byte) in changed {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        line(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let decoded = line(&bytes);
        prop_assert!(bytes.trim_ascii().is_empty() || !decoded.faults.is_empty());
    }
}

/// Everything that a span says, as text.
fn told(span: &SpanData) -> (String, Vec<u8>) {
    let text = String::from_utf8(json::span(span)).unwrap();
    (text, scope_of(&span.instrumentation_scope).scope)
}

fn sorted(resource: &Resource) -> Vec<String> {
    let mut all: Vec<_> =
        resource.iter().map(|(key, value)| format!("{key} {}", json_of(value))).collect();
    all.sort();
    all
}

/// The one span of a line with the ids and `fields`.
fn span_with(fields: &str) -> SpanData {
    let decoded = line(request(&format!("{{{IDS}{fields}}}")).as_bytes());
    assert_eq!(decoded.faults, Vec::<String>::new());
    decoded.groups[0].spans[0].clone()
}

fn request(spans: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#)
}

/// The attribute `a` with this value.
fn value_of(value: &serde_json::Value) -> Option<Value> {
    let attributes = json!([{ "key": "a", "value": value }]);
    let span = span_with(&format!(r#","attributes":{attributes}"#));
    let found = span.attributes.into_iter().find(|kv| kv.key.as_str() == "a");
    found.map(|kv| kv.value)
}

#[test]
fn what_is_missing_or_null_has_its_default() {
    let all_null = r#","parentSpanId":null,"flags":null,"name":null,"kind":null,"attributes":null,
        "startTimeUnixNano":null,"endTimeUnixNano":null,"events":null,"links":null,"status":null,
        "traceState":null,"droppedAttributesCount":null"#;
    for fields in ["", all_null, r#","status":{},"events":[],"parentSpanId":"""#] {
        let span = span_with(fields);
        assert_eq!(span.parent_span_id, SpanId::INVALID);
        assert_eq!((span.span_kind, span.status), (SpanKind::Internal, Status::Unset));
        assert_eq!((span.start_time, span.end_time), (UNIX_EPOCH, UNIX_EPOCH));
        assert!(span.name.is_empty() && span.attributes.is_empty() && !span.parent_span_is_remote);
        assert!(span.events.is_empty() && span.links.is_empty());
        assert_eq!(span.instrumentation_scope.name(), "");
    }
}

#[test]
fn integers_are_texts_or_numbers_and_enums_are_names_or_numbers() {
    let as_texts = r#","startTimeUnixNano":"1795363105000000001","kind":"SPAN_KIND_CLIENT",
        "status":{"code":"STATUS_CODE_ERROR","message":"no"},"droppedEventsCount":"3"#;
    let as_numbers = r#","startTimeUnixNano":1795363105000000001,"kind":3,
        "status":{"code":2,"message":"no"},"droppedEventsCount":3"#;
    for fields in [format!("{as_texts}\""), as_numbers.to_owned()] {
        let span = span_with(&fields);
        let since = span.start_time.duration_since(UNIX_EPOCH).unwrap();
        assert_eq!(since.as_nanos(), 1_795_363_105_000_000_001);
        assert_eq!((span.span_kind, span.status), (SpanKind::Client, Status::error("no")));
        assert_eq!(span.events.dropped_count, 3);
    }
    assert_eq!(span_with(r#","status":{"code":"STATUS_CODE_OK"}"#).status, Status::Ok);
    assert_eq!(span_with(r#","kind":"SPAN_KIND_LATER","status":{"code":9}"#.replace("\"SPAN_KIND_LATER\"", "17").as_str()).span_kind, SpanKind::Internal);
}

#[test]
fn ids_are_hexadecimal_in_either_case() {
    let decoded = line(
        request(r#"{"traceId":"0123456789ABCDEFFEDCBA9876543210","spanId":"00000000000000Ab"}"#)
            .as_bytes(),
    );
    let context = &decoded.groups[0].spans[0].span_context;
    assert_eq!(context.trace_id().to_string(), "0123456789abcdeffedcba9876543210");
    assert_eq!(context.span_id().to_string(), "00000000000000ab");
}

#[test]
fn a_value_is_what_an_attribute_can_hold_of_it() {
    let strings = |items: &[&'static str]| {
        Value::Array(Array::String(items.iter().copied().map(Into::into).collect()))
    };
    let cases = [
        (json!({ "intValue": 7 }), Some(Value::I64(7))),
        (json!({ "intValue": "-9223372036854775808" }), Some(Value::I64(i64::MIN))),
        (json!({ "doubleValue": 2 }), Some(Value::F64(2.0))),
        (json!({ "doubleValue": "0.5" }), Some(Value::F64(0.5))),
        (json!({ "doubleValue": "-Infinity" }), Some(Value::F64(f64::NEG_INFINITY))),
        (json!({ "bytesValue": "AAEC" }), Some(Value::from("AAEC"))),
        (json!({ "stringValue": null, "intValue": "1" }), Some(Value::I64(1))),
        (json!({}), None),
        (json!(null), None),
        (json!({ "arrayValue": {} }), Some(strings(&[]))),
        (
            json!({ "arrayValue": { "values": [{ "stringValue": "x" }, { "bytesValue": "AA==" }] } }),
            Some(strings(&["x", "AA=="])),
        ),
        (
            json!({ "arrayValue": { "values": [{ "intValue": 1 }, { "doubleValue": 0.5 }, {}] } }),
            Some(Value::from("[1,0.5,null]")),
        ),
        (
            json!({ "kvlistValue": { "values": [
                { "key": "text", "value": { "stringValue": "a\"b" } },
                { "key": "list", "value": { "arrayValue": { "values": [{ "boolValue": true }] } } },
                { "key": "none" },
            ] } }),
            Some(Value::from(r#"{"list":[true],"none":null,"text":"a\"b"}"#)),
        ),
        (json!({ "laterValue": 1 }), Some(Value::from(r#"{"laterValue":1}"#))),
    ];
    for (value, expected) in cases {
        assert_eq!(value_of(&value), expected, "{value}");
    }
}

#[test]
fn structure_is_noted_as_json() {
    let structure = json!({ "kvlistValue": { "values": [] } });
    let attributes =
        json!([{ "key": "a", "value": structure }, { "key": "b", "value": { "intValue": 1 } }]);
    let span = span_with(&format!(r#","attributes":{attributes}"#));
    let notes = span.attributes.iter().filter(|kv| kv.key.as_str() == private::JSON);
    assert_eq!(notes.map(|kv| kv.value.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn flags_tell_whether_the_parent_is_elsewhere() {
    let span = span_with(r#","parentSpanId":"00000000000000cd","flags":769"#);
    assert!(span.parent_span_is_remote && span.span_context.is_sampled());
    let span = span_with(r#","parentSpanId":"00000000000000cd","flags":256"#);
    assert!(!span.parent_span_is_remote && !span.span_context.is_sampled());
}

#[test]
fn a_span_that_cannot_be_read_does_not_cost_its_neighbours() {
    let good = format!("{{{IDS}}}");
    let cases = [
        ("{}", "traceId or spanId is missing"),
        (r#"{"traceId":"12","spanId":"00000000000000ab"}"#, "traceId is not 32 hexadecimal digits"),
        (r#"{"traceId":"0123456789abcdeffedcba987654321é","spanId":"1"}"#, "traceId is not 32"),
        (r#"{IDS,"name":7}"#, "name is no string"),
        (r#"{IDS,"kind":"NO_KIND"}"#, "kind is no unsigned integer"),
        (r#"{IDS,"endTimeUnixNano":-1}"#, "endTimeUnixNano is no unsigned integer"),
        (r#"{IDS,"droppedLinksCount":"99999999999"}"#, "droppedLinksCount does not fit"),
        (r#"{IDS,"attributes":{}}"#, "attributes is no array"),
        (r#"{IDS,"attributes":[{"key":"a","value":{"intValue":"x"}}]}"#, "intValue is no 64-bit"),
        (r#"{IDS,"attributes":[{"key":"a","value":{"doubleValue":"x"}}]}"#, "doubleValue is no"),
        (r#"{IDS,"attributes":[{"key":"a","value":{"boolValue":1}}]}"#, "boolValue is of another"),
        (r#"{IDS,"attributes":[{"key":"a","value":3}]}"#, "value is no object"),
        ("3", "traceId or spanId is missing"),
    ];
    for (bad, fault) in cases {
        let bad = bad.replace("IDS", IDS);
        let decoded = line(request(&[&good, &bad, &good].map(String::as_str).join(",")).as_bytes());
        assert_eq!(decoded.groups[0].spans.len(), 2, "{bad}");
        assert_eq!(decoded.faults.len(), 1, "{bad}");
        assert!(decoded.faults[0].contains(fault), "{bad}: {:?}", decoded.faults);
    }
}

#[test]
fn a_line_that_is_no_request_says_why() {
    for (bad, fault) in [
        ("hello", "no JSON"),
        ("[]", "no OTLP request"),
        ("{\"resourceSpans\":[", "no JSON"),
        (r#"{"resourceSpans":{}}"#, "resourceSpans is no array"),
        (r#"{"resourceSpans":[{"resource":[]}]}"#, "resource is no object"),
        (r#"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":1},"spans":[]}]}]}"#, "name is no"),
    ] {
        let decoded = line(bad.as_bytes());
        assert!(decoded.groups.is_empty(), "{bad}");
        assert!(decoded.faults[0].contains(fault), "{bad}: {:?}", decoded.faults);
    }
    for nothing in ["", "\n", " \r\n", "{}", r#"{"resourceSpans":[]}"#] {
        let decoded = line(nothing.as_bytes());
        assert!(decoded.groups.is_empty() && decoded.faults.is_empty(), "{nothing:?}");
    }
}

#[test]
fn a_line_that_was_appended_to_half_a_line_is_read() {
    let resource = Resource::builder_empty().build();
    let first = line_of(&resource, &[root_data([KeyValue::new("a", "{\"resourceSpans\":[")])]);
    let second = line_of(&resource, &[span_data("second", 2, 1)]);
    for cut in [1, 20, first.len() / 2, first.len() - 2] {
        let decoded = line(&[&first[..cut], &second].concat());
        assert_eq!(decoded.faults.len(), 1, "the first half is lost, and told");
        assert_eq!(decoded.groups[0].spans[0].name, "second");
    }
}

#[test]
fn spans_of_one_resource_stay_together_and_others_apart() {
    let resource = |name: &'static str| {
        Resource::builder_empty().with_attribute(KeyValue::new("service.name", name)).build()
    };
    let inner = |name, span| {
        let bytes = line_of(&resource(name), &[span_data(span, 2, 1)]);
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        json["resourceSpans"][0].clone()
    };
    let request = json!({ "resourceSpans": [inner("a", "1"), inner("a", "2"), inner("b", "3")] });
    let decoded = line(request.to_string().as_bytes());
    let groups: Vec<_> = decoded.groups.iter().map(|group| group.spans.len()).collect();
    assert_eq!(groups, [2, 1]);
    assert_eq!(decoded.groups[1].resource, resource("b"));
}
