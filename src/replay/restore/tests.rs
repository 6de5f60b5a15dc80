use opentelemetry_sdk::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::decode;
use super::super::tests::line_of;
use super::*;
use crate::export::dialect::Dialect as _;
use crate::export::otlp;
use crate::semconv::{otel, private};
use crate::tests::{cases, random, root_data};

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_span_is_to_a_destination_what_it_was(attributes in captured()) {
        let live = meaning::of(root_data(attributes));
        let replayed = meaning::of(as_captured(kept(&live)));
        prop_assert_eq!(said(&replayed), said(&live));
        // And what collectors get of it.
        let to_collector = |span: &Span| otlp::Collector.data(span).attributes;
        prop_assert_eq!(sorted(&to_collector(&replayed)), sorted(&to_collector(&live)));
    }
}

/// What the local file gives back of a span.
fn kept(span: &Span) -> SpanData {
    let line = line_of(&Resource::builder_empty().build(), &[otlp::Unmistakable.data(span)]);
    decode::line(&line).groups[0].spans[0].clone()
}

/// What an MLflow server is told: attributes, inputs, outputs.
fn said(span: &Span) -> (Vec<String>, Option<Content>, Option<Content>) {
    let arguments = if span.inputs_are_arguments { &[][..] } else { &span.arguments };
    let attributes: Vec<_> = arguments.iter().chain(&span.data.attributes).cloned().collect();
    (sorted(&attributes), content(span.inputs.as_ref()), content(span.outputs.as_ref()))
}

/// A text is the JSON string of it, and null is nothing: no server tells them apart.
fn content(content: Option<&Content>) -> Option<Content> {
    match content?.clone() {
        Content::Json(json) if json.trim() == "null" => None,
        Content::Text(text) => Some(Content::Json(json!(text).to_string())),
        Content::Json(json) => match serde_json::from_str::<serde_json::Value>(&json) {
            Ok(value @ (serde_json::Value::String(_) | serde_json::Value::Number(_))) => {
                Some(Content::Json(value.to_string()))
            }
            _ => Some(Content::Json(json)),
        },
    }
}

fn sorted(attributes: &[KeyValue]) -> Vec<String> {
    let mut all: Vec<_> =
        attributes.iter().map(|kv| format!("{} {}", kv.key, json_of(&kv.value))).collect();
    all.sort();
    all
}

/// Attributes as the capturing layer leaves them: fields, what was set later, notes.
fn captured() -> impl Strategy<Value = Vec<KeyValue>> {
    let field = prop::sample::select(vec!["question", "k", "n", "error", "a\"b", "é"]);
    let fields = vec((field, argument()), 0..4);
    let later = vec(later(), 0..5);
    let returned = prop::option::of(text());
    (fields, later, returned).prop_map(|(fields, later, returned)| {
        let names: Vec<StringValue> =
            fields.iter().map(|(name, _)| StringValue::from(*name)).collect();
        let is_integer = |(_, value): &&(&str, Value)| value.as_str().parse::<u128>().is_ok();
        let integers = fields.iter().filter(is_integer).map(|(name, _)| StringValue::from(*name));
        let note = |key, names| KeyValue::new(key, Value::Array(Array::String(names)));
        let notes = [note(private::INTEGERS, integers.collect()), note(private::FIELDS, names)];
        let returned = returned.map(|text| KeyValue::new(private::RETURN, text));
        let fields = fields.into_iter().map(|(name, value)| KeyValue::new(name, value));
        fields.chain(later).chain(notes).chain(returned).collect()
    })
}

fn argument() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(|text| Value::String(text.into())),
        // Unsigned and 128-bit integers come as text.
        any::<u64>().prop_map(|number| Value::from(number.to_string())),
        any::<u128>().prop_map(|number| Value::from(number.to_string())),
    ]
}

/// What a program sets on a span.
fn later() -> impl Strategy<Value = KeyValue> {
    let usage = json!({ "input_tokens": 3, "output_tokens": 5 }).to_string();
    let choices = json!({ "choices": [{ "finish_reason": "stop" }] }).to_string();
    prop_oneof![
        text().prop_map(|text| KeyValue::new(keys::INPUTS, text)),
        text().prop_map(|text| KeyValue::new(keys::OUTPUTS, text)),
        Just(KeyValue::new(keys::OUTPUTS, choices)),
        any::<i64>().prop_map(|number| KeyValue::new(keys::OUTPUTS, number)),
        Just(KeyValue::new(keys::TYPE, "CHAT_MODEL")),
        Just(KeyValue::new(keys::MODEL, "small")),
        Just(KeyValue::new(keys::TOKEN_USAGE, usage)),
        Just(KeyValue::new("question.chain", "cause")),
        Just(KeyValue::new("http.route", "/ask")),
        Just(KeyValue::new(otel::GEN_AI_REQUEST_MODEL, "large")),
        Just(KeyValue::new(otel::GEN_AI_INPUT_TOKENS, 7)),
        Just(KeyValue::new(otel::GEN_AI_OUTPUT_TOKENS, 9)),
        Just(KeyValue::new("gen_ai.request.temperature", 0.5)),
    ]
}

/// Words, JSON, and words that look like JSON, quoted or not.
fn text() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        random::words(),
        prop::sample::select(vec!["1", "null", "true", "Paris", "", "{\"a\":1}", "[1]", "1e400"])
            .prop_map(str::to_owned),
        any::<u64>().prop_map(|number| number.to_string()),
    ];
    (plain, any::<bool>())
        .prop_map(|(text, quoted)| if quoted { json!(text).to_string() } else { text })
}

fn arguments(inputs: &str, attributes: &[(&'static str, Value)]) -> Option<Arguments> {
    let attributes: Vec<_> =
        attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone())).collect();
    Arguments::that_say(inputs, &attributes)
}

#[test]
fn inputs_made_of_the_first_attributes_were_arguments() {
    let large = u64::MAX.to_string();
    let inputs = format!(r#"{{"q":"why?","n":{large},"f":0.5}}"#);
    let attributes = [
        ("q", Value::from("why?")),
        ("n", Value::from(large)),
        ("f", Value::F64(0.5)),
        ("http.route", Value::from("/ask")),
    ];
    let found = arguments(&inputs, &attributes).unwrap();
    assert_eq!(found.fields, ["q".into(), "n".into(), "f".into()]);
    assert_eq!(found.integers, ["n".into()]);
}

#[test]
fn other_inputs_were_given() {
    let one = [("q", Value::from("why?"))];
    for inputs in ["", "{}", "{", r#"{"q":"when?"}"#, r#"{"q":"why?"} "#, r#"{"q":"why?","r":1}"#] {
        assert_eq!(arguments(inputs, &one), None, "{inputs}");
    }
    assert_eq!(arguments("{}", &[]), None);
    assert_eq!(arguments(r#"{"n":12}"#, &[("n", Value::I64(1))]), None);
    // A small number in text would become a number: it never was an argument like that.
    assert_eq!(arguments(r#"{"n":5}"#, &[("n", Value::from("5"))]), None);
    let error = [("e", Value::from("no")), ("e.chain", Value::from("cause"))];
    assert_eq!(arguments(r#"{"e":"no"}"#, &error), None);
}
