//! What a receiver that shares no code with us decodes, to the last bit, on every protocol.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlflow_tracing::opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Array, Context, KeyValue, StringValue, Value as Any};
use mlflow_tracing::{Builder, TracingGuard};
use serde_json::{Value, json};

use super::elastic;
use super::encoder::{self, PROTOCOLS, otlp};
use super::mlflow::unused_name;
use super::program::PATIENCE;
use super::support::app;
use super::support::time::until;

/// 2026-11-22, a time of which no part is zero.
const START: u64 = 1_795_363_577_123_456_789;
const TEXT: &str = "héllo 🦀 日本 \u{202e} \"quoted\" \\ \n\t \u{1} </script>";

fn at(offset: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(START + offset)
}

fn nanoseconds(offset: u64) -> String {
    (START + offset).to_string()
}

/// Every kind of value that the OpenTelemetry API has, and what OTLP/JSON makes of it.
fn attributes() -> Vec<(&'static str, Any, Value)> {
    let list = |values: Value| json!({ "arrayValue": { "values": values } });
    let texts =
        |texts: &[&'static str]| texts.iter().map(|text| StringValue::from(*text)).collect();
    vec![
        ("yes", true.into(), json!({ "boolValue": true })),
        ("no", false.into(), json!({ "boolValue": false })),
        ("nought", 0.into(), json!({ "intValue": "0" })),
        ("least", i64::MIN.into(), json!({ "intValue": i64::MIN.to_string() })),
        ("most", i64::MAX.into(), json!({ "intValue": i64::MAX.to_string() })),
        ("beyond a double", ((1 << 53) + 1).into(), json!({ "intValue": "9007199254740993" })),
        ("tenth", 0.1.into(), json!({ "doubleValue": 0.1 })),
        // JavaScript writes no point where it can do without.
        ("whole", 3.0.into(), json!({ "doubleValue": 3 })),
        ("huge", f64::MAX.into(), json!({ "doubleValue": f64::MAX })),
        ("tiny", 5e-324.into(), json!({ "doubleValue": 5e-324 })),
        ("not a number", f64::NAN.into(), json!({ "doubleValue": "NaN" })),
        ("endless", f64::INFINITY.into(), json!({ "doubleValue": "Infinity" })),
        ("beginningless", f64::NEG_INFINITY.into(), json!({ "doubleValue": "-Infinity" })),
        ("empty", "".into(), json!({ "stringValue": "" })),
        ("text", TEXT.into(), json!({ "stringValue": TEXT })),
        (TEXT, "key".into(), json!({ "stringValue": "key" })),
        ("no items", Any::Array(Array::I64(Vec::new())), json!({ "arrayValue": {} })),
        (
            "bools",
            Any::Array(vec![true, false].into()),
            list(json!([{ "boolValue": true }, { "boolValue": false }])),
        ),
        (
            "ints",
            Any::Array(vec![0, i64::MIN].into()),
            list(json!([{ "intValue": "0" }, { "intValue": i64::MIN.to_string() }])),
        ),
        (
            "doubles",
            Any::Array(vec![0.0, 1e-7].into()),
            list(json!([{ "doubleValue": 0 }, { "doubleValue": 1e-7 }])),
        ),
        (
            "texts",
            Any::Array(Array::String(texts(&["", TEXT]))),
            list(json!([{ "stringValue": "" }, { "stringValue": TEXT }])),
        ),
    ]
}

fn set() -> Vec<KeyValue> {
    attributes().into_iter().map(|(key, value, _)| KeyValue::new(key, value)).collect()
}

fn sent() -> Value {
    attributes().into_iter().map(|(key, _, value)| json!({ "key": key, "value": value })).collect()
}

/// A span of another program, which ours continues.
fn remote() -> SpanContext {
    let state = TraceState::from_key_value([("vendor", "a:b"), ("other", "1")]).unwrap();
    let (trace, span) = (TraceId::from(0xfe << 120 | 1), SpanId::from(0xfe << 56 | 1));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state)
}

/// A span with everything, and a child with nothing.
fn record(guard: &TracingGuard) -> (SpanContext, SpanContext) {
    let tracer = guard.provider().tracer("exact");
    let parent = Context::new().with_remote_span_context(remote());
    let link = SpanContext::new(
        TraceId::from(2),
        SpanId::from(3),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let full = tracer
        .span_builder(TEXT)
        .with_kind(SpanKind::Client)
        .with_start_time(at(0))
        .with_attributes(set())
        .with_events(vec![Event::new("first", at(1), set(), 0)])
        .with_links(vec![Link::new(remote(), set(), 0), Link::new(link, Vec::new(), 0)]);
    let mut full = full.start_with_context(&tracer, &parent);
    let plain = tracer.span_builder("plain").with_start_time(at(5));
    let context = Context::new().with_remote_span_context(full.span_context().clone());
    let mut plain = plain.start_with_context(&tracer, &context);
    plain.end_with_timestamp(at(5));
    full.add_event_with_timestamp(TEXT, at(2), Vec::new());
    full.set_status(Status::error(TEXT));
    full.end_with_timestamp(at(u64::from(u32::MAX)));
    (full.span_context().clone(), plain.span_context().clone())
}

fn expected(full: &SpanContext, plain: &SpanContext) -> [Value; 2] {
    let everything = json!({
        "traceId": "fe000000000000000000000000000001",
        "spanId": full.span_id().to_string(),
        "parentSpanId": "fe00000000000001",
        "traceState": "vendor=a:b,other=1",
        "flags": 0x301,
        "name": TEXT,
        "kind": 3,
        "startTimeUnixNano": nanoseconds(0),
        "endTimeUnixNano": nanoseconds(u64::from(u32::MAX)),
        "attributes": sent(),
        "events": [
            { "name": "first", "timeUnixNano": nanoseconds(1), "attributes": sent() },
            { "name": TEXT, "timeUnixNano": nanoseconds(2) },
        ],
        "links": [
            {
                "traceId": "fe000000000000000000000000000001",
                "spanId": "fe00000000000001",
                "traceState": "vendor=a:b,other=1",
                "flags": 0x301,
                "attributes": sent(),
            },
            { "traceId": format!("{:032x}", 2), "spanId": format!("{:016x}", 3), "flags": 0x100 },
        ],
        "status": { "code": 2, "message": TEXT },
    });
    let nothing = json!({
        "traceId": "fe000000000000000000000000000001",
        "spanId": plain.span_id().to_string(),
        "parentSpanId": full.span_id().to_string(),
        "traceState": "vendor=a:b,other=1",
        "flags": 0x101,
        "name": "plain",
        "kind": 1,
        "startTimeUnixNano": nanoseconds(5),
        "endTimeUnixNano": nanoseconds(5),
        "status": {},
    });
    [nothing, everything]
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn every_value_is_exact_in_a_receiver_of_another_language_on_every_protocol() {
    let service = unused_name("exact");
    let destinations = PROTOCOLS.iter().map(|&protocol| otlp(&elastic::url(protocol), protocol));
    let builder = encoder::builder().with_service_name(&service);
    let guard = destinations.fold(builder, Builder::with_destination).build().unwrap();
    let (full, plain) = record(&guard);
    guard.flush(PATIENCE).unwrap();
    assert_eq!(app::conserved(&guard).ended, 2);

    let spans = |trace: &Value| trace[0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    until("the receiver has written", || elastic::spans_of(&service).len() == 2 * PROTOCOLS.len());
    let traces = elastic::traces_of(&service);
    assert_eq!(traces.len(), PROTOCOLS.len());
    assert!(traces.iter().all(|trace| *trace == traces[0]), "{traces:#?}");
    assert_eq!(spans(&traces[0]), expected(&full, &plain));
}
