//! Arguments of `#[instrument]`ed functions.

use std::fmt;

use serde_json::json;
use tracing::instrument;

use crate::support::app::{Traced, captured};

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Query {
    text: &'static str,
    limit: u8,
}

struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as displayed")
    }
}

#[instrument]
fn retrieve(query: &str, top_k: u64) {}

#[test]
fn a_span_is_named_after_its_function() {
    let spans = captured(|| retrieve("rust", 3));
    assert_eq!(spans.names(), ["retrieve"]);
}

#[test]
fn instrument_may_give_a_name() {
    #[instrument(name = "look up")]
    fn anything() {}
    assert_eq!(captured(anything).names(), ["look up"]);
}

#[test]
fn arguments_become_one_object_in_the_order_of_the_function() {
    let spans = captured(|| retrieve("rust", 3));
    let text = spans.one("retrieve").attribute("mlflow.spanInputs").unwrap();
    assert_eq!(text, r#"{"query":"rust","top_k":3}"#);
}

#[test]
fn numbers_booleans_and_strings_keep_their_types() {
    #[instrument]
    fn typed(yes: bool, byte: u8, small: i32, long: u64, size: usize, signed: i64, real: f64) {}
    #[instrument]
    fn texts(slice: &str, owned: &String, letter: char) {}
    let spans = captured(|| {
        typed(true, 200, -7, 1 << 53, 9, i64::MIN, 0.25);
        texts("a", &"b".to_owned(), 'c');
    });
    assert_eq!(
        spans.one("typed").inputs().unwrap(),
        json!({
            "yes": true, "byte": 200, "small": -7, "long": 1_u64 << 53, "size": 9,
            "signed": i64::MIN, "real": 0.25,
        })
    );
    // `#[instrument]` records a `char` by its `Debug`.
    assert_eq!(
        spans.one("texts").inputs().unwrap(),
        json!({ "slice": "a", "owned": "b", "letter": "'c'" })
    );
}

#[test]
fn debug_values_are_strings() {
    #[instrument]
    fn search(query: &Query, tags: &[&str], page: Option<u32>) {}
    let query = Query { text: "rust", limit: 5 };
    let spans = captured(|| search(&query, &["a"], None));
    assert_eq!(
        spans.one("search").inputs().unwrap(),
        json!({ "query": r#"Query { text: "rust", limit: 5 }"#, "tags": r#"["a"]"#, "page": "None" })
    );
}

#[test]
fn the_largest_unsigned_integer_stays_a_number_in_the_inputs() {
    #[instrument]
    fn count(from: u64, to: u64) {}
    let spans = captured(|| count(0, u64::MAX));
    let text = spans.one("count").attribute("mlflow.spanInputs").unwrap();
    assert_eq!(text, r#"{"from":0,"to":18446744073709551615}"#);
}

#[test]
fn wide_integers_stay_numbers_where_they_fit() {
    #[instrument]
    fn wide(small: i128, negative: i128, unsigned: u128, huge: u128) {}
    let spans = captured(|| wide(1, -2, u128::from(u64::MAX), u128::MAX));
    assert_eq!(
        spans.one("wide").inputs().unwrap(),
        json!({ "small": 1, "negative": -2, "unsigned": u64::MAX, "huge": u128::MAX.to_string() })
    );
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    #[instrument]
    fn look_up(id: &str) {}
    let spans = captured(|| look_up("18446744073709551615"));
    assert_eq!(spans.one("look_up").inputs().unwrap(), json!({ "id": "18446744073709551615" }));
}

#[test]
fn text_that_looks_like_json_stays_text() {
    #[instrument]
    fn parse(text: &str) {}
    let spans = captured(|| parse(r#"{"a": [1]}"#));
    assert_eq!(spans.one("parse").inputs().unwrap(), json!({ "text": r#"{"a": [1]}"# }));
}

#[test]
fn numbers_that_json_does_not_know_become_text() {
    #[instrument]
    fn score(value: f64, bound: f64) {}
    let spans = captured(|| score(f64::NAN, f64::INFINITY));
    assert_eq!(spans.one("score").inputs().unwrap(), json!({ "value": "NaN", "bound": "inf" }));
}

#[test]
fn skipped_arguments_are_not_inputs() {
    #[instrument(skip(secret))]
    fn log_in(user: &str, secret: &str) -> usize {
        secret.len()
    }
    let spans = captured(|| log_in("anna", "hidden"));
    assert_eq!(spans.one("log_in").inputs().unwrap(), json!({ "user": "anna" }));
    assert!(!format!("{spans:?}").contains("hidden"));
}

#[test]
fn a_function_that_skips_all_has_no_inputs() {
    #[instrument(skip_all)]
    fn log_in(user: &str, secret: &str) -> usize {
        user.len() + secret.len()
    }
    let spans = captured(|| log_in("anna", "hidden"));
    assert_eq!(spans.one("log_in").inputs(), None);
}

#[test]
fn fields_of_instrument_are_inputs_with_the_arguments() {
    #[instrument(skip(words), fields(count = words.len(), shown = %Shown))]
    fn join(words: &[&str], separator: &str) {}
    let spans = captured(|| join(&["a", "b"], "-"));
    assert_eq!(
        spans.one("join").inputs().unwrap(),
        json!({ "separator": "-", "count": 2, "shown": "as displayed" })
    );
}

#[test]
fn the_receiver_is_an_input_unless_skipped() {
    #[derive(Debug)]
    struct Agent;
    impl Agent {
        #[instrument]
        fn with_receiver(&self, step: i64) {}
        #[instrument(skip(self))]
        fn without_receiver(&self, step: i64) -> &Self {
            self
        }
    }
    let spans = captured(|| {
        Agent.with_receiver(1);
        Agent.without_receiver(2);
    });
    assert_eq!(spans.one("with_receiver").inputs().unwrap(), json!({ "self": "Agent", "step": 1 }));
    assert_eq!(spans.one("without_receiver").inputs().unwrap(), json!({ "step": 2 }));
}

#[test]
fn a_collector_gets_arguments_as_attributes_too() {
    let spans = captured(|| retrieve("rust", 3));
    let span = spans.one("retrieve");
    assert_eq!(span.attribute("query"), Some(json!("rust")));
    assert_eq!(span.attribute("top_k"), Some(json!(3)));
}

#[test]
fn mlflow_gets_arguments_as_inputs_only() {
    let traced = Traced::mlflow();
    traced.run(|| retrieve("rust", 3));
    let spans = traced.delivered();
    let span = spans.one("retrieve");
    assert_eq!(span.inputs().unwrap(), json!({ "query": "rust", "top_k": 3 }));
    assert_eq!((span.attribute("query"), span.attribute("top_k")), (None, None));
}
