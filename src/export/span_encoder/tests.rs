use opentelemetry::trace::TraceId;
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::export::block::FULL;
use crate::export::otlp::Collector;
use crate::model::text::{Content, is_json};
use crate::semconv::span as keys;
use crate::tests::random::words;
use crate::tests::{cases, chunk, plain, root_data};

/// Encodes a span alone for requests of `max_bytes`; returns it with the request's size.
fn encoded(form: Form, span: &Span, max_bytes: usize) -> (Payload, usize) {
    let mut encoder = SpanEncoder::own(form).fitting(max_bytes);
    let resource = Resource::builder_empty();
    let resource = resource.with_attribute(KeyValue::new("team", "blue".repeat(100))).build();
    let chunks = [chunk(std::slice::from_ref(span), true)];
    let lists = encoder.encode(&Collector, &chunks, TraceChunk::ended, &Arc::new(resource));
    let payloads = lists.concat();
    (payloads[0].clone(), form.request(&payloads).len())
}

fn long(text: &str, times: usize) -> Span {
    let mut span = plain(root_data([KeyValue::new(keys::MODEL, "gpt-4o")]));
    span.inputs = Some(Content::Json(json!({ "q": text.repeat(times) }).to_string()));
    span.arguments = vec![KeyValue::new("q", text.repeat(times))];
    span
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn a_span_that_is_too_large_is_cut_to_fit_in_either_form(
        text in words(), times in 1..3_000_usize, others in vec((words(), 1..400_usize), 0..6),
        max in 65_536..100_000_usize,
    ) {
        let mut span = long(&text, times);
        for (words, times) in others {
            span.data.attributes.push(KeyValue::new("other", words.repeat(times)));
        }
        for form in [Form::Protobuf, Form::Json] {
            let (whole, bytes) = encoded(form, &span, usize::MAX);
            let (cut, cut_bytes) = encoded(form, &span, max);
            prop_assert!(cut_bytes <= max, "{cut_bytes} > {max}");
            if bytes + FRAMES < max {
                prop_assert_eq!(cut.bytes(), whole.bytes());
            }
            if bytes > max {
                let room = max - cut_bytes;
                prop_assert!(room < max / 2, "{room} of {max} are not used");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn chunks_become_the_same_together_as_each_by_itself(
        sizes in vec((vec((0..4_000_usize, any::<bool>()), 0..4), any::<bool>()), 0..24),
    ) {
        let span = |(bytes, scoped): &(usize, bool)| {
            let mut span = long("x", *bytes);
            let scope = InstrumentationScope::builder(if *scoped { "one" } else { "other" });
            span.data.instrumentation_scope = scope.build();
            span
        };
        let spans = sizes.iter().map(|(sizes, _)| sizes.iter().map(span).collect());
        let spans: Vec<Vec<Span>> = spans.collect();
        let root = plain(root_data([]));
        let chunks = (1_u128..).zip(spans.iter().zip(&sizes));
        let chunks = chunks.map(|(trace, (spans, (_, has_root)))| TraceChunk {
            trace_id: TraceId::from(trace),
            synthetic_root: Some(&root).filter(|_| *has_root),
            ..chunk(spans, true)
        });
        let chunks: Vec<_> = chunks.collect();
        let resource = Arc::new(Resource::builder_empty().build());
        for form in [Form::Protobuf, Form::Json] {
            let mut encoder = SpanEncoder::own(form);
            let mut encode = |chunks: &[TraceChunk<'_>]| {
                encoder.encode(&Collector, chunks, TraceChunk::all, &resource)
            };
            let together = encode(&chunks);
            let apart: Vec<_> = chunks.chunks(1).flat_map(&mut encode).collect();
            prop_assert_eq!(said(&together), said(&apart));
            let blocks = together.concat().chunk_by(follows).count();
            let size: usize = together.iter().flatten().map(|payload| payload.bytes().len()).sum();
            prop_assert!(blocks <= 1 + size / FULL + large(&together), "{blocks} of {size} bytes");
        }
    }
}

type Said = Vec<Vec<(TraceId, bool, Arc<Envelope>, Vec<u8>)>>;

/// All that is told of spans.
fn said(lists: &[Vec<Payload>]) -> Said {
    let said =
        |it: &Payload| (it.trace_id, it.counted, Arc::clone(&it.envelope), it.bytes().to_vec());
    lists.iter().map(|list| list.iter().map(said).collect()).collect()
}

/// How many traces are too large to share a buffer.
fn large(lists: &[Vec<Payload>]) -> usize {
    let size = |list: &Vec<Payload>| list.iter().map(|it| it.bytes().len() + FRAMES).sum::<usize>();
    lists.iter().filter(|list| size(list) >= FULL).count()
}

/// Whether `next` comes after `span` in one buffer.
fn follows(span: &Payload, next: &Payload) -> bool {
    span.shared().zip(next.shared()).is_some_and(|(span, next)| span.is_followed_by(next))
}

#[test]
fn who_keeps_a_small_trace_keeps_nothing_of_a_large_one() {
    let (small, large) = ([long("x", 1_000)], [long("x", 2 * FULL)]);
    let mut encoder = SpanEncoder::own(Form::Protobuf);
    let resource = Arc::new(Resource::builder_empty().build());
    let chunks = [&small, &small, &large, &small].map(|spans| chunk(spans, true));
    let lists = encoder.encode(&Collector, &chunks, TraceChunk::ended, &resource).concat();
    let together: Vec<usize> = lists.chunk_by(follows).map(<[Payload]>::len).collect();
    assert_eq!(together, [2, 1, 1]);
}

#[test]
fn what_was_cut_is_marked_and_the_rest_is_there() {
    let (payload, bytes) = encoded(Form::Json, &long("a \"quoted\" word", 20_000), 70_000);
    assert!(bytes <= 70_000);
    let span: serde_json::Value = serde_json::from_slice(payload.bytes()).unwrap();
    let text = |key: &str| {
        let attributes = span["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["key"] == key).unwrap();
        found["value"]["stringValue"].as_str().unwrap().to_owned()
    };
    assert_eq!(text(keys::MODEL), "gpt-4o");
    assert!(is_json(&text(keys::INPUTS)));
    assert!(text("q").ends_with("… [300000 bytes in all]"));
    let told: serde_json::Value = serde_json::from_str(&text(keys::TRUNCATED)).unwrap();
    assert_eq!(told["q"], 300_000);
}

#[test]
fn even_a_span_of_very_many_attributes_fits() {
    let number = |n: i64| KeyValue::new(format!("key {n}"), Value::I64(n));
    let span = plain(root_data((0..20_000).map(number)));
    let (payload, bytes) = encoded(Form::Protobuf, &span, 65_536);
    assert!(bytes <= 65_536 && payload.bytes().len() > 40_000, "{bytes}");
}
