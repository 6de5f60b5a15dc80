use opentelemetry::{KeyValue, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
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
        chunks in vec(vec(0..9_000_usize, 0..4), 0..24),
    ) {
        let spans_of = |lengths: &Vec<usize>| lengths.iter().map(|bytes| long("x", *bytes)).collect();
        let spans: Vec<Vec<Span>> = chunks.iter().map(spans_of).collect();
        let chunks: Vec<_> = spans.iter().map(|spans| chunk(spans, true)).collect();
        let resource = Arc::new(Resource::builder_empty().build());
        for form in [Form::Protobuf, Form::Json] {
            let mut encoder = SpanEncoder::own(form);
            let mut encode = |chunks: &[TraceChunk<'_>]| {
                encoder.encode(&Collector, chunks, TraceChunk::ended, &resource)
            };
            let bytes = |lists: Vec<Vec<Payload>>| -> Vec<Vec<Vec<u8>>> {
                let list = |list: &Vec<Payload>| list.iter().map(|it| it.bytes().to_vec()).collect();
                lists.iter().map(list).collect()
            };
            let together = encode(&chunks);
            let blocks = together.concat().chunk_by(follows).count();
            let size: usize = together.iter().flatten().map(|payload| payload.bytes().len()).sum();
            prop_assert!(blocks <= 1 + size / 50_000, "{blocks} blocks for {size} bytes");
            let apart = chunks.chunks(1).flat_map(&mut encode).collect();
            prop_assert_eq!(bytes(together), bytes(apart));
        }
    }
}

/// Whether `next` comes after `span` in one buffer.
fn follows(span: &Payload, next: &Payload) -> bool {
    span.shared().zip(next.shared()).is_some_and(|(span, next)| span.is_followed_by(next))
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
