use opentelemetry::KeyValue;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::tests::{plain, span_data};

/// A span that reports these.
fn span(id: u64, parent: u64, attributes: &[(&'static str, String)]) -> Span {
    let mut data = span_data("span", id, parent);
    data.attributes =
        attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone())).collect();
    plain(data)
}

fn usage(input: u64) -> (&'static str, String) {
    (keys::TOKEN_USAGE, json!({ "input_tokens": input, "output_tokens": 1 }).to_string())
}

fn cost(input: f64) -> (&'static str, String) {
    (keys::COST, json!({ "input_cost": input, "output_cost": 1.0 }).to_string())
}

fn model() -> (&'static str, String) {
    (keys::MODEL, "gpt-4o".to_owned())
}

fn rolled_up(spans: &[Span]) -> RollUp {
    let mut all = RollUp::default();
    for span in spans {
        all.add(span, 100);
    }
    all
}

#[test]
fn usage_and_cost_are_each_counted_where_they_are_said_first() {
    let all = rolled_up(&[
        span(4, 3, &[usage(100), cost(8.0)]),
        span(3, 2, &[usage(10)]),
        span(5, 2, &[usage(20), cost(16.0)]),
        span(2, 1, &[]),
        span(1, 0, &[]),
    ]);
    assert_eq!(all.usage(), Some(TokenUsage::new(30, 2)));
    assert_eq!(all.cost(), Some(Cost::new(24.0, 2.0)));
}

#[test]
fn a_trace_that_reports_nothing_has_no_sums() {
    let all = rolled_up(&[span(2, 1, &[model()]), span(1, 0, &[])]);
    assert!(all.usage().is_none() && all.cost().is_none());
    let mut entries = Map::new();
    all.describe(&mut entries);
    let told: Vec<_> = entries.keys().collect();
    assert_eq!(told, ["mlflow.trace.sizeBytes", "mlflow.trace.sizeStats"]);
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let broken = (keys::TOKEN_USAGE, "{\"input_tokens\":[]}".to_owned());
    let all = rolled_up(&[span(2, 1, &[broken]), span(3, 1, &[usage(7)]), span(1, 0, &[])]);
    assert_eq!(all.usage(), Some(TokenUsage::new(7, 1)));
}

#[test]
fn a_sum_that_lacks_a_part_the_server_may_know_is_not_told() {
    let known = span(2, 1, &[usage(1), model(), cost(1.0)]);
    let open = span(3, 1, &[usage(1), model()]);
    assert_eq!(rolled_up(&[known.clone(), open.clone()]).cost(), None);
    assert_eq!(rolled_up(&[open]).cost(), None);
    let without_model = span(3, 1, &[usage(1)]);
    let without_price = span(4, 1, &[usage(1), model(), (keys::COST, "null".to_owned())]);
    let below = span(5, 2, &[usage(1), model()]);
    let all = rolled_up(&[known, without_model, without_price, below]);
    assert_eq!(all.cost(), Some(Cost::new(1.0, 1.0)));
}

#[test]
fn nothing_is_told_of_a_trace_that_is_too_large() {
    let mut all = RollUp::default();
    let (one, other) = (span(1, 0, &[usage(1)]), span(2, 1, &[]));
    all.add(&one, 1);
    for _ in 1..MAX_SPANS {
        all.add(&other, 1);
    }
    assert_eq!((all.usage(), all.len()), (Some(TokenUsage::new(1, 1)), MAX_SPANS));
    all.add(&one, 1);
    all.add(&one, 1);
    assert_eq!((all.usage(), all.len()), (None, 0));
    let mut entries = Map::new();
    all.describe(&mut entries);
    assert!(entries.is_empty());
}

proptest! {
    #[test]
    fn counts_of_the_genai_conventions_are_usage(input in 0..1_000_i64, cached in 0..9_i64) {
        let mut data = span_data("span", 1, 0);
        data.attributes = vec![
            KeyValue::new("gen_ai.usage.input_tokens", input),
            KeyValue::new("gen_ai.usage.cache_write.input_tokens", cached),
        ];
        let counted = TokenUsage::new(u64::try_from(input).unwrap(), 0);
        let counted = counted.with_cache_creation(u64::try_from(cached).unwrap());
        prop_assert_eq!(rolled_up(&[plain(data)]).usage(), Some(counted));
    }
}
