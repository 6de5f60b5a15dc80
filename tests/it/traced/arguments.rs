//! How arguments and returned values are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mlflow_tracing::{MlflowSpanExt as _, trace};
use serde::Serialize;
use serde_json::json;

use crate::support::app::{Traced, captured};

#[derive(Debug, Serialize)]
struct Query {
    words: Vec<&'static str>,
    limit: u64,
}

#[derive(Debug)]
struct OnlyDebug {
    #[expect(dead_code, reason = "its `Debug` reads it")]
    set: BTreeSet<u8>,
}

struct Bare;

#[test]
fn values_are_structured_json_else_their_debug_else_their_types_name() {
    #[trace]
    fn search(query: &Query, debugged: OnlyDebug, bare: &Bare, maybe: Option<f64>) -> Query {
        let _ = (debugged, bare, maybe);
        Query { words: vec!["found"], limit: query.limit + 1 }
    }
    let spans = captured(|| {
        let query = Query { words: vec!["rust", "trace"], limit: u64::MAX - 1 };
        search(&query, OnlyDebug { set: BTreeSet::from([1, 2]) }, &Bare, Some(0.5))
    });
    let span = spans.one("search");
    assert_eq!(
        span.inputs(),
        Some(json!({
            "query": { "words": ["rust", "trace"], "limit": u64::MAX - 1 },
            "debugged": "OnlyDebug { set: {1, 2} }",
            "bare": format!("&{}", std::any::type_name::<Bare>()),
            "maybe": 0.5,
        }))
    );
    assert_eq!(span.outputs(), Some(json!({ "words": ["found"], "limit": u64::MAX })));
}

#[test]
fn a_debug_form_that_looks_like_json_is_text() {
    struct Braces;
    impl fmt::Debug for Braces {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("{1, 2}")
        }
    }
    #[trace]
    fn braces() -> Braces {
        Braces
    }
    let spans = captured(braces);
    assert_eq!(spans.one("braces").attribute("mlflow.spanOutputs"), Some(json!("{1, 2}")));
}

#[test]
fn what_a_pattern_binds_is_an_input_each() {
    struct Point {
        x: i8,
        y: (i8, i8),
    }
    #[trace]
    fn patterns(
        (first, [second, ..]): (u8, [u8; 3]),
        Point { x, y: (y, _) }: Point,
        &third: &u8,
        mut fourth: String,
        whole @ (_, inner): (u8, u8),
        _: u8,
        r#type: bool,
    ) {
        fourth.push('!');
        let _ = (first, second, x, y, third, whole, inner, r#type);
    }
    let spans = captured(|| {
        patterns((1, [2, 0, 0]), Point { x: 3, y: (4, 5) }, &6, "s".to_owned(), (7, 8), 9, true);
    });
    assert_eq!(
        spans.one("patterns").inputs(),
        Some(json!({
            "first": 1, "second": 2, "x": 3, "y": 4, "third": 6, "fourth": "s", "whole": [7, 8],
            "inner": 8, "type": true
        }))
    );
}

#[test]
fn what_cannot_be_serialised_is_replaced_by_the_reason_and_the_rest_stays() {
    struct Explosive;
    impl Serialize for Explosive {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("at once")
        }
    }
    #[trace]
    fn odd(map: BTreeMap<(u8, u8), u8>, explosive: Explosive, fine: u8) -> Explosive {
        let _ = (map, fine);
        explosive
    }
    let spans = captured(|| odd(BTreeMap::from([((1, 2), 3)]), Explosive, 4));
    let span = spans.one("odd");
    let inputs = span.inputs().unwrap();
    assert_eq!(inputs["fine"], 4);
    assert_eq!(inputs["explosive"], "<not serialisable: panicked: at once>");
    assert!(inputs["map"].as_str().unwrap().contains("key must be a string"), "{inputs}");
    assert_eq!(span.outputs(), Some(json!("<not serialisable: panicked: at once>")));
    assert_eq!(span.status().0, "UNSET");
}

#[test]
fn outputs_that_are_set_in_the_body_win() {
    #[trace]
    fn work() -> &'static str {
        tracing::Span::current().set_outputs("better");
        "returned"
    }
    let spans = captured(work);
    assert_eq!(spans.one("work").outputs(), Some(json!("better")));
}

#[test]
fn a_large_value_arrives_whole() {
    #[trace]
    fn echo(text: String) -> Vec<String> {
        vec![text; 2]
    }
    let text = "ä\"\n".repeat(100_000);
    let spans = captured(|| drop(echo(text.clone())));
    assert_eq!(spans.one("echo").inputs(), Some(json!({ "text": text })));
    assert_eq!(spans.one("echo").outputs(), Some(json!([text, text])));
}

#[test]
fn a_mlflow_server_gets_what_python_would_have_sent() {
    #[trace(span_type = ChatModel)]
    fn chat(question: &str, temperature: f32) -> Vec<String> {
        vec![format!("{question} {temperature}")]
    }
    let traced = Traced::mlflow();
    traced.run(|| chat("why?", 0.5));
    let spans = traced.delivered();
    let span = spans.one("chat");
    assert_eq!(span.inputs(), Some(json!({ "question": "why?", "temperature": 0.5 })));
    assert_eq!(span.outputs(), Some(json!(["why? 0.5"])));
    assert_eq!(span.attribute("mlflow.spanFunctionName"), Some(json!("chat")));
    assert_eq!(span.status().0, "OK");
}
