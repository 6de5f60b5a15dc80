//! How much of a span is kept.

use mlflow_tracing::MlflowSpanExt as _;
use mlflow_tracing::opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value as Json, json};
use tracing::info_span;

use super::with;
use crate::support::server::{Route, Server};
use crate::support::spans::Got;

const TEXT: &str = "äöüß 1234";

fn attributes() -> Vec<KeyValue> {
    (0..5).map(|number| KeyValue::new(format!("a{number}"), TEXT)).collect()
}

/// A span with five of everything, and one attribute of MLflow's, as it arrives.
fn limited(variables: &[(&str, &str)]) -> Got {
    let traced = with(Server::collector(), variables);
    let elsewhere = |number: u64| {
        let (trace, span) = (TraceId::from(u128::from(number)), SpanId::from(number));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
    };
    let links = (1..=5).map(|number| Link::new(elsewhere(number), attributes(), 0)).collect();
    let api = traced.guard.provider().tracer("test");
    let builder = api.span_builder("span").with_attributes(attributes()).with_links(links);
    let mut span = api.build(builder);
    span.set_attribute(KeyValue::new("mlflow.spanType", "RETRIEVER"));
    let list = Array::String(vec![StringValue::from(TEXT); 2]);
    span.set_attribute(KeyValue::new("mlflow.spanOutputs", TEXT));
    span.set_attribute(KeyValue::new("list", Value::Array(list)));
    for number in 0..5 {
        span.add_event(format!("e{number}"), attributes());
    }
    span.end();
    traced.delivered().one("span").clone()
}

/// Attributes of the user's, and how many went.
fn own(span: &Span) -> (usize, u32) {
    let own = span.attributes.iter().filter(|kv| kv.key.starts_with('a') || kv.key == "list");
    (own.count(), span.dropped_attributes_count)
}

/// Number of events and links, and how many of each went.
fn lists(span: &Span) -> [(usize, u32); 2] {
    [(span.events.len(), span.dropped_events_count), (span.links.len(), span.dropped_links_count)]
}

/// Attributes of the first event and of the first link.
fn inner(span: &Span) -> [usize; 2] {
    [span.events[0].attributes.len(), span.links[0].attributes.len()]
}

#[test]
fn without_limits_everything_is_kept() {
    let got = limited(&[]);
    assert_eq!((own(&got.span), lists(&got.span), inner(&got.span)), ((6, 0), [(5, 0); 2], [5; 2]));
    assert_eq!(got.attribute("a0"), Some(json!(TEXT)));
}

#[test]
fn attributes_of_a_span_are_counted_without_mlflows() {
    let got = limited(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2")]);
    assert_eq!((own(&got.span), inner(&got.span)), ((2, 4), [5; 2]));
    assert_eq!(got.attribute("mlflow.spanType"), Some(json!("RETRIEVER")));
    assert!(got.attribute("a0").is_some() && got.attribute("a1").is_some());
    let none = limited(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0")]);
    assert_eq!(own(&none.span), (0, 6));
    assert_eq!(none.attribute("mlflow.spanOutputs"), Some(json!(TEXT)));
}

#[test]
fn the_general_count_is_for_events_and_links_too_unless_they_have_their_own() {
    let got = limited(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "3")]);
    assert_eq!((own(&got.span), inner(&got.span)), ((3, 3), [3; 2]));
    let got = limited(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "4"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "2"),
    ]);
    assert_eq!((own(&got.span), inner(&got.span)), ((4, 2), [1, 2]));
}

#[test]
fn events_and_links_are_counted() {
    let got = limited(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "2"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "3")]);
    assert_eq!(lists(&got.span), [(2, 3), (3, 2)]);
}

#[test]
fn more_events_are_kept_than_the_sdk_would() {
    let traced = with(Server::collector(), &[]);
    let mut span = traced.guard.provider().tracer("test").start("span");
    for number in 0..1_000 {
        span.add_event(format!("{number}"), Vec::new());
    }
    span.end();
    assert_eq!(traced.delivered().one("span").span.events.len(), 1_000);
}

#[test]
fn texts_are_cut_by_characters_wherever_they_stand() {
    for name in ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"] {
        let got = limited(&[(name, "3")]);
        assert_eq!(got.attribute("a0"), Some(json!("äöü")), "{name}");
        assert_eq!(got.attribute("list"), Some(json!(["äöü", "äöü"])), "{name}");
        assert_eq!(got.events()[0].1["a0"], "äöü", "{name}");
        let of_link = got.span.links[0].attributes[0].value.as_ref().unwrap();
        assert_eq!(of_link.value, Some(Any::StringValue("äöü".to_owned())), "{name}");
        assert_eq!(got.attribute("mlflow.spanOutputs"), Some(json!("äöü")), "{name}");
        assert_eq!(got.attribute("mlflow.spanType"), Some(json!("RETRIEVER")), "{name}");
        assert_eq!(own(&got.span), (6, 0), "{name}");
    }
    let got = limited(&[
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"),
    ]);
    assert_eq!(got.attribute("a0"), Some(json!("äöüß")));
}

#[test]
fn a_value_that_is_too_long_is_cut_and_named() {
    for server in [Server::collector(), Server::mlflow()] {
        let traced = with(server, &[("MLFLOW_TRACING_MAX_CONTENT_BYTES", "2000")]);
        let chat =
            json!({ "model": "m", "messages": [{ "role": "user", "content": "é".repeat(5000) }] });
        traced.run(|| {
            let span = info_span!("span", app.text = "x".repeat(3000));
            span.set_inputs(&chat).set_model("gpt-4o");
        });
        let spans = traced.delivered();
        let got = spans.one("span");
        let inputs = got.inputs().unwrap();
        assert_eq!(inputs["model"], "m");
        let content = inputs["messages"][0]["content"].as_str().unwrap();
        assert!(content.ends_with("é… [10000 bytes in all]"), "{content}");
        assert_eq!(got.attribute("mlflow.llm.model"), Some(json!("gpt-4o")));
        let told = got.attribute("mlflow_tracing.truncated").unwrap();
        let told: Json = serde_json::from_str(told.as_str().unwrap()).unwrap();
        assert_eq!(told, json!({ "app.text": 3000, "mlflow.spanInputs": chat.to_string().len() }));
    }
}

#[test]
fn a_span_larger_than_a_request_is_cut_to_fit() {
    for server in [Server::collector(), Server::mlflow()] {
        server.judge(Route::Spans, |request| {
            if request.body.len() > 100_000 { 413.into() } else { 200.into() }
        });
        let traced = with(server, &[("MLFLOW_TRACING_MAX_REQUEST_BYTES", "100000")]);
        traced.run(|| drop(info_span!("span").set_outputs(&vec!["x".repeat(900); 1000]).clone()));
        let spans = traced.delivered();
        let outputs = spans.one("span").outputs().unwrap();
        assert!(
            outputs
                .as_array()
                .unwrap()
                .iter()
                .all(|item| item.as_str().unwrap().starts_with('x')
                    || item == "… [1000 items in all]")
        );
        assert!(outputs.as_array().unwrap().len() > 100);
    }
}

#[test]
fn limits_hold_for_captured_spans_and_mlflow_too() {
    let variables =
        [("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")];
    let traced = with(Server::mlflow(), &variables);
    traced.run(|| drop(info_span!("span", app.one = "123456", app.two = "2", query = "abcdef")));
    let spans = traced.delivered();
    let got = spans.one("span");
    assert_eq!(got.span.dropped_attributes_count, 2);
    assert_eq!(got.attribute("app.two"), None);
    // What it was given is meaning, and cut, not dropped; it is JSON still.
    assert_eq!(got.inputs(), Some(json!({})));
}
