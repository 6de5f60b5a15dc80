//! What is kept of many items, and of large ones.

use mlflow_tracing::trace;
use serde_json::{Value, json};

use crate::support::app::{Traced, captured};
use crate::support::spans::Got;

const KIB: usize = 1024;

#[trace]
fn count(to: u64) -> impl Iterator<Item = u64> {
    0..to
}

#[trace]
fn texts(number: usize, bytes: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n("x".repeat(bytes), number)
}

fn indexes(span: &Got) -> Vec<usize> {
    let number = |name: &str| name.strip_prefix("mlflow.chunk.item.").unwrap().parse().unwrap();
    span.events().into_iter().map(|(name, _)| number(name)).collect()
}

#[test]
fn of_many_items_the_first_and_the_last_are_events_and_all_are_outputs() {
    for to in [127, 128, 129, 1_000] {
        let spans = captured(|| assert_eq!(count(to).count() as u64, to));
        let span = spans.one("count");
        let to = usize::try_from(to).unwrap();
        let expected: Vec<usize> = (0..64.min(to)).chain(64.max(to - 64)..to).collect();
        assert_eq!(indexes(span), expected);
        assert_eq!(span.attribute("mlflow_tracing.chunks"), Some(json!(to)));
        assert_eq!(span.outputs(), Some((0..to).collect::<Vec<_>>().into()));
        let times = span.span.events.iter().map(|event| event.time_unix_nano);
        assert!(times.is_sorted());
    }
}

#[test]
fn no_items_are_an_empty_list() {
    let spans = captured(|| assert_eq!(count(0).count(), 0));
    let span = spans.one("count");
    assert_eq!(span.outputs(), Some(json!([])));
    assert_eq!(span.attribute("mlflow_tracing.chunks"), Some(json!(0)));
    assert_eq!(span.attribute("mlflow_tracing.time_to_first_chunk_ms"), None);
}

#[test]
fn of_more_than_can_be_kept_the_first_are_outputs_and_it_is_said_what_is_missing() {
    // What goes on to be cut is no business of the stream's.
    let roomy = 16 * 1024 * KIB;
    let traced = Traced::otlp_with(|it| it.with_content_limit(roomy).with_request_limit(roomy));
    traced.run(|| assert_eq!(texts(5, 1_000 * KIB).count(), 5));
    let spans = traced.delivered();
    let span = spans.one("texts");
    let outputs = span.outputs().unwrap();
    let items = outputs.as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert!(items[..4].iter().all(|item| item.as_str().unwrap().len() == 1_000 * KIB));
    assert_eq!(items[4], format!("<1 more items of {} bytes>", 1_000 * KIB + 2));
    assert_eq!(span.attribute("mlflow_tracing.missing_chunks"), Some(json!(1)));
    assert_eq!(span.attribute("mlflow_tracing.chunks"), Some(json!(5)));
}

#[test]
fn one_item_that_cannot_be_kept_leaves_no_half() {
    let spans = captured(|| assert_eq!(texts(1, 5_000 * KIB).count(), 1));
    let expected = format!("<1 more items of {} bytes>", 5_000 * KIB + 2);
    assert_eq!(spans.one("texts").outputs(), Some(json!([expected])));
}

#[test]
fn a_large_item_is_told_by_its_size_in_its_event() {
    for (bytes, whole) in [(16 * KIB - 2, true), (16 * KIB - 1, false)] {
        let spans = captured(|| assert_eq!(texts(1, bytes).count(), 1));
        let value = spans.one("texts").events()[0].1["mlflow.chunk.value"].clone();
        let value: Value = serde_json::from_str(value.as_str().unwrap()).unwrap();
        let shown = value.as_str().unwrap();
        assert_eq!(shown.len() == bytes, whole);
        assert_eq!(shown == format!("<chunk of {} bytes>", bytes + 2), !whole);
    }
}

#[test]
fn a_reducer_gets_the_items_that_are_kept() {
    #[trace(outputs = <[String]>::len)]
    fn reduced() -> impl Iterator<Item = String> {
        std::iter::repeat_n("x".repeat(1_000 * KIB), 6)
    }
    let spans = captured(|| assert_eq!(reduced().count(), 6));
    let span = spans.one("reduced");
    assert_eq!(span.outputs(), Some(json!(4)));
    assert_eq!(span.attribute("mlflow_tracing.missing_chunks"), Some(json!(2)));
}
