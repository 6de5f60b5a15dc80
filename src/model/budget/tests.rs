use opentelemetry::trace::Event;
use opentelemetry_sdk::trace::SpanEvents;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::model::text::is_json;
use crate::tests::random::words;
use crate::tests::{at, cases, plain, root_data};

fn span(attributes: impl IntoIterator<Item = (&'static str, String)>) -> Span {
    plain(root_data(attributes.into_iter().map(|(key, value)| KeyValue::new(key, value))))
}

fn event(text: String) -> Event {
    Event::new("happened", at(1), vec![KeyValue::new("text", text)], 0)
}

fn with_events(mut span: Span, texts: Vec<String>) -> Span {
    let mut events = SpanEvents::default();
    events.events = texts.into_iter().map(event).collect();
    span.data.events = events;
    span
}

/// What is said to be cut.
fn told(span: &Span) -> Json {
    span.text(keys::TRUNCATED).map_or(Json::Null, |text| serde_json::from_str(text).unwrap())
}

fn x(times: usize) -> String {
    "x".repeat(times)
}

#[test]
fn what_fits_is_not_touched() {
    let mut kept = with_events(span([("a", x(100))]), vec![x(100)]);
    kept.inputs = Some(Content::Text(x(100)));
    let before = format!("{kept:?}");
    limit_values(&mut kept, 100);
    limit_span(&mut kept, 100, 100, 0);
    assert_eq!(format!("{kept:?}"), before);
}

#[test]
fn every_value_that_is_too_long_is_cut_and_named() {
    let mut cut = with_events(span([("a", x(200)), ("b", x(90))]), vec![x(90), x(300)]);
    cut.inputs = Some(Content::Json(json!({ "q": x(400) }).to_string()));
    cut.outputs = Some(Content::Text(x(500)));
    cut.arguments = vec![KeyValue::new("arg", x(600))];
    cut.data.attributes.push(KeyValue::new("gen_ai.input.messages", json!([x(700)]).to_string()));
    let list = Array::String(vec![x(300).into(), "short".into()]);
    cut.data.attributes.push(KeyValue::new("list", Value::Array(list)));
    cut.data.attributes.push(KeyValue::new("numbers", Value::Array(vec![1.5; 100].into())));
    limit_values(&mut cut, 100);
    assert_eq!(
        told(&cut),
        json!({
            "a": 200, "arg": 600, "events.1.text": 300, "gen_ai.input.messages": 704, "list": 329,
            "mlflow.spanInputs": 408, "mlflow.spanOutputs": 500, "numbers": 1200,
        })
    );
    let Some(Content::Json(inputs)) = &cut.inputs else { panic!("no JSON") };
    assert!(is_json(inputs) && inputs.ends_with("… [400 bytes in all]\"}"), "{inputs}");
    assert!(is_json(cut.text("gen_ai.input.messages").unwrap()));
    assert!(cut.text("b").unwrap().len() == 90 && size(&mut cut) < 1000);
    for kind in [Kind::Content, Kind::Attribute, Kind::Event] {
        each(&mut cut, kind, &mut |_, value| assert!(value.bytes() <= 100));
    }
}

#[test]
fn what_a_trace_is_read_by_is_never_cut() {
    let keys = [
        "mlflow.spanType",
        "mlflow.chat.tokenUsage",
        "mlflow.llm.model",
        "mlflow.llm.cost",
        "gen_ai.response.id",
        "session.id",
        "user.id",
        "mlflow.traceTag.team",
        "mlflow.traceMetadata.release",
    ];
    let mut kept = span(keys.map(|key| (key, x(5000))));
    kept.data.name = x(5000).into();
    let before = format!("{kept:?}");
    limit_values(&mut kept, 10);
    limit_span(&mut kept, 50_000, 100, 0);
    assert_eq!(format!("{kept:?}"), before);
}

#[test]
fn content_is_cut_before_attributes_and_these_before_events() {
    let make = || {
        let mut full = with_events(span([("a", x(10_000))]), vec![x(10_000)]);
        full.inputs = Some(Content::Text(x(10_000)));
        full.outputs = Some(Content::Text(x(2_000)));
        full.data.status = Status::error(x(10_000));
        full
    };
    let cut_to = |max| {
        let mut short = make();
        let bytes = size(&mut short);
        limit_span(&mut short, bytes, max, 0);
        assert!(size(&mut short) <= max, "{max}");
        let told = told(&short);
        let mut names: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
        names.sort();
        (short, names.join(" "))
    };
    let (short, names) = cut_to(40_000);
    assert_eq!(names, "mlflow.spanInputs");
    assert_eq!(short.inputs.unwrap().as_str().len(), 8_000);
    assert_eq!(cut_to(33_000).1, "mlflow.spanInputs mlflow.spanOutputs");
    assert_eq!(cut_to(25_000).1, "a mlflow.spanInputs mlflow.spanOutputs");
    assert_eq!(cut_to(15_000).1, "a events.0.text mlflow.spanInputs mlflow.spanOutputs");
    let (short, names) = cut_to(600);
    assert_eq!(names, "a events.0.text mlflow.spanInputs mlflow.spanOutputs status");
    assert!(short.is_error());
}

#[test]
fn what_was_cut_twice_is_named_with_its_first_size() {
    let mut cut = span([("a", x(5_000)), ("b", x(800))]);
    limit_values(&mut cut, 1_000);
    limit_values(&mut cut, 500);
    assert_eq!(told(&cut), json!({ "a": 5_000, "b": 800 }));
    assert!(cut.text("a").unwrap().ends_with("… [5000 bytes in all]"));
    let marks = cut.data.attributes.iter().filter(|kv| kv.key.as_str() == keys::TRUNCATED);
    assert_eq!(marks.count(), 1);
}

#[test]
fn when_cutting_is_not_enough_the_last_are_left_out_and_counted() {
    let keys: Vec<&'static str> = (0..200).map(|n| &*format!("key {n:05}").leak()).collect();
    let mut many = with_events(span(keys.iter().map(|key| (*key, x(50)))), vec![x(50); 100]);
    many.data.attributes.push(KeyValue::new("mlflow.spanType", "TOOL"));
    limit_span(&mut many, 30_000, 10_000, 0);
    assert_eq!((many.data.events.events.len(), many.data.events.dropped_count), (0, 100));
    let kept = many.data.attributes.len();
    assert!((50..150).contains(&kept), "{kept}");
    assert_eq!(many.data.dropped_attributes_count as usize, 201 - kept);
    assert_eq!(many.text("mlflow.spanType"), Some("TOOL"));
    assert!(many.text("key 00000").is_some() && many.text("key 00199").is_none());
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn cutting_a_span_keeps_within_the_limit_and_json_json(
        texts in vec((words(), 1..300_usize), 1..8),
        lists in vec(vec(words(), 0..200), 1..4),
        max in 2_000..20_000_usize,
    ) {
        let mut cut = span([]);
        let texts: Vec<String> = texts.into_iter().map(|(words, times)| words.repeat(times)).collect();
        cut.inputs = Some(Content::Json(json!({ "lists": lists, "texts": texts }).to_string()));
        cut.outputs = Some(Content::Json(json!(texts).to_string()));
        for text in texts {
            cut.data.attributes.push(KeyValue::new("text", text));
        }
        let json = Value::from(json!(lists).to_string());
        cut.data.attributes.push(KeyValue::new("json", json));
        let before = size(&mut cut);
        limit_span(&mut cut, before, max, 0);
        prop_assert!(size(&mut cut) <= max.max(before.min(max)));
        prop_assert_eq!(before > max, cut.text(keys::TRUNCATED).is_some());
        for content in [&cut.inputs, &cut.outputs] {
            let Some(Content::Json(json)) = content else { panic!("no JSON") };
            prop_assert!(is_json(json), "{json}");
        }
        prop_assert!(is_json(cut.text("json").unwrap()));
    }
}
