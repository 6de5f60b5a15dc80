//! Ranges of spans: every kind of value, every optional part there or not, ids and texts at random.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::collection::vec;
use proptest::prelude::*;

/// Spans of one provider, each with one of at most `scopes` scopes.
pub(crate) fn batch(scopes: usize) -> impl Strategy<Value = (Resource, Vec<SpanData>)> {
    let spans = vec((span(), any::<prop::sample::Index>()), 1..8);
    (resource(), vec(scope(), 1..=scopes), spans).prop_map(|(resource, scopes, spans)| {
        let spans = spans.into_iter().map(|(span, index)| SpanData {
            instrumentation_scope: index.get(&scopes).clone(),
            ..span
        });
        (resource, spans.collect())
    })
}

fn span() -> impl Strategy<Value = SpanData> {
    let times = (time(), time());
    let counts = (count(), count(), count());
    let lists = (attributes(4), vec(event(), 0..3), vec(link(), 0..3));
    let parent = prop_oneof![Just(0), any::<u64>()];
    (span_context(), parent, any::<bool>(), kind(), text(), times, counts, lists, status())
        .prop_map(
            |(span_context, parent, remote, span_kind, name, times, counts, lists, status)| {
                let mut events = SpanEvents::default();
                events.events = lists.1;
                events.dropped_count = counts.1;
                let mut links = SpanLinks::default();
                links.links = lists.2;
                links.dropped_count = counts.2;
                SpanData {
                    span_context,
                    parent_span_id: SpanId::from(parent),
                    parent_span_is_remote: remote,
                    span_kind,
                    name: name.into(),
                    start_time: times.0,
                    end_time: times.1,
                    attributes: lists.0,
                    dropped_attributes_count: counts.0,
                    events,
                    links,
                    status,
                    instrumentation_scope: InstrumentationScope::default(),
                }
            },
        )
}

fn span_context() -> impl Strategy<Value = SpanContext> {
    let ids = (any::<u128>(), any::<u64>());
    (ids, any::<u8>(), any::<bool>(), trace_state()).prop_map(
        |((trace, span), flags, remote, state)| {
            let (trace, span) = (TraceId::from(trace), SpanId::from(span));
            SpanContext::new(trace, span, TraceFlags::new(flags), remote, state)
        },
    )
}

fn trace_state() -> impl Strategy<Value = TraceState> {
    vec(("[a-z][a-z0-9]{0,9}", "[a-zA-Z0-9]{1,12}"), 0..3)
        .prop_map(|members| TraceState::from_key_value(members).unwrap())
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop_oneof![
        Just(SpanKind::Internal),
        Just(SpanKind::Server),
        Just(SpanKind::Client),
        Just(SpanKind::Producer),
        Just(SpanKind::Consumer),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Unset), Just(Status::Ok), text().prop_map(Status::error)]
}

fn event() -> impl Strategy<Value = Event> {
    (text(), time(), attributes(3), count())
        .prop_map(|(name, time, attributes, dropped)| Event::new(name, time, attributes, dropped))
}

fn link() -> impl Strategy<Value = Link> {
    (span_context(), attributes(3), count())
        .prop_map(|(context, attributes, dropped)| Link::new(context, attributes, dropped))
}

/// Mostly nothing; otherwise small or as large as can be.
fn count() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => 1..300_u32, 1 => Just(u32::MAX)]
}

/// From 1970 to 2554, and a moment before it.
fn time() -> impl Strategy<Value = SystemTime> {
    prop_oneof![
        9 => any::<u64>().prop_map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos)),
        1 => Just(UNIX_EPOCH - Duration::from_secs(1)),
    ]
}

fn attributes(most: usize) -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = (text(), value()).prop_map(|(key, value)| KeyValue::new(key, value));
    vec(attribute, 0..=most)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        integer().prop_map(Value::I64),
        float().prop_map(Value::F64),
        text().prop_map(|text| Value::String(text.into())),
        vec(any::<bool>(), 0..4).prop_map(|items| Value::Array(Array::Bool(items))),
        vec(integer(), 0..4).prop_map(|items| Value::Array(Array::I64(items))),
        vec(float(), 0..4).prop_map(|items| Value::Array(Array::F64(items))),
        vec(text().prop_map(StringValue::from), 0..4)
            .prop_map(|items| Value::Array(Array::String(items))),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), prop::sample::select(vec![0, 1, -1, 127, 128, i64::MIN, i64::MAX]),]
}

fn float() -> impl Strategy<Value = f64> {
    let odd = vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE / 2.0];
    prop_oneof![any::<f64>(), prop::sample::select(odd)]
}

/// Any characters, from none to more than a one-byte length can say.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        6 => "[a-z.]{1,12}",
        6 => vec(any::<char>(), 0..10).prop_map(String::from_iter),
        1 => (40..100_usize).prop_map(|length| "é".repeat(length)),
    ]
}

/// Text with what JSON treats specially, and with characters of every length.
pub(crate) fn words() -> impl Strategy<Value = String> {
    let pieces =
        vec!["{", "}", "[", "]", "\"", "\\", ",", ":", "a", "1", "é", "漢", "🦀", "\n", " "];
    vec(prop::sample::select(pieces), 0..16).prop_map(|pieces| pieces.concat())
}

/// A scope compares by value, so it has no NaN.
fn scope() -> impl Strategy<Value = InstrumentationScope> {
    let attribute = ("[a-z]{1,8}", any::<i64>()).prop_map(|(key, n)| KeyValue::new(key, n));
    let parts = (prop::option::of(text()), prop::option::of(text()), vec(attribute, 0..3));
    (text(), parts).prop_map(|(name, (version, schema_url, attributes))| {
        let mut scope = InstrumentationScope::builder(name).with_attributes(attributes);
        if let Some(version) = version {
            scope = scope.with_version(version);
        }
        if let Some(schema_url) = schema_url {
            scope = scope.with_schema_url(schema_url);
        }
        scope.build()
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(4), text()).prop_map(|(attributes, schema_url)| {
        Resource::builder_empty().with_schema_url(attributes, schema_url).build()
    })
}
