use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use opentelemetry::StringValue;
use proptest::{collection, prop_assert_eq, proptest};

use super::*;
use crate::tests::root_data;

#[test]
fn fields_become_inputs_in_the_order_they_were_declared() {
    let span = span([
        // Recorded late, so the attribute comes last of all but was declared first.
        KeyValue::new("question", "what?"),
        KeyValue::new("http.route", "/ask"),
        KeyValue::new("k", 3),
        KeyValue::new("ratio", 0.5),
        KeyValue::new("strict", true),
        note(private::FIELDS, &["k", "question", "never_set", "strict", "ratio"]),
    ]);
    assert_eq!(inputs(&span), Some(r#"{"k":3,"question":"what?","strict":true,"ratio":0.5}"#));
    assert_eq!(names(&span.arguments), ["k", "question", "strict", "ratio"]);
    assert!(span.inputs_are_arguments);
    assert_eq!(names(&span.data.attributes), ["http.route"]);
}

#[test]
fn names_and_texts_are_escaped_in_inputs() {
    let span = span([
        KeyValue::new("a\"b", "line\nbreak \"quoted\" {\"json\": 1}"),
        note(private::FIELDS, &["a\"b"]),
    ]);
    let inputs: serde_json::Value = serde_json::from_str(inputs(&span).unwrap()).unwrap();
    assert_eq!(
        inputs,
        serde_json::json!({ "a\"b": "line\nbreak \"quoted\" {\"json\": 1}" }),
        "text that is JSON is still an argument of type string"
    );
}

#[test]
fn integers_that_became_text_are_numbers_again_where_they_fit() {
    let names = ["small", "negative", "most", "beyond_i64", "beyond_u64"];
    let span = span([
        KeyValue::new("small", "7"),
        KeyValue::new("negative", "-5"),
        KeyValue::new("most", "9223372036854775807"),
        KeyValue::new("beyond_i64", "18446744073709551615"),
        KeyValue::new("beyond_u64", "18446744073709551616"),
        KeyValue::new("text", "8"),
        KeyValue::new("llm.max_tokens", "256"),
        KeyValue::new("llm.seed", "9223372036854775808"),
        note(private::FIELDS, &[names.as_slice(), &["text"]].concat()),
        note(private::INTEGERS, &[names.as_slice(), &["llm.max_tokens", "llm.seed"]].concat()),
    ]);
    assert_eq!(
        inputs(&span),
        Some(
            "{\"small\":7,\"negative\":-5,\"most\":9223372036854775807,\
             \"beyond_i64\":18446744073709551615,\"beyond_u64\":\"18446744073709551616\",\
             \"text\":\"8\"}"
        )
    );
    assert_eq!(span.attribute("llm.max_tokens"), Some(&Value::I64(256)));
    let seed = span.attribute("llm.seed");
    assert_eq!(
        seed,
        Some(&Value::from("9223372036854775808")),
        "no attribute holds it as a number"
    );
}

#[test]
fn the_last_value_of_a_key_wins() {
    let span = span([
        KeyValue::new("k", 1),
        KeyValue::new("gen_ai.model", "first"),
        KeyValue::new("k", 2),
        KeyValue::new("other", true),
        KeyValue::new("gen_ai.model", "last"),
        note(private::FIELDS, &["k"]),
    ]);
    assert_eq!(inputs(&span), Some(r#"{"k":2}"#));
    assert_eq!(names(&span.data.attributes), ["other", "gen_ai.model"]);
    assert_eq!(span.text("gen_ai.model"), Some("last"));
}

proptest! {
    /// However many there are, and however alike their keys.
    #[test]
    fn each_key_is_left_once_with_its_last_value(
        keys in collection::vec("(app\\.)?[ab]{0,3}(\\.attribute_name)?[ab]{0,2}", 0..80),
    ) {
        let numbered = keys.iter().zip(0_i64..);
        let told = span(numbered.clone().map(|(key, number)| KeyValue::new(key.clone(), number)));
        let last: BTreeMap<_, _> = numbered.collect();
        let mut last: Vec<_> = last.into_iter().map(|(key, number)| (number, key.as_str())).collect();
        last.sort_unstable();
        let left = told.data.attributes.iter().map(|kv| match kv.value {
            Value::I64(number) => (number, kv.key.as_str()),
            _ => (-1, ""),
        });
        prop_assert_eq!(left.collect::<Vec<_>>(), last);
    }
}

#[test]
fn an_error_in_a_field_is_no_argument() {
    let span = span([
        KeyValue::new("cause", "boom"),
        note("cause.chain", &["disk full"]),
        KeyValue::new("path", "/tmp"),
        note(private::FIELDS, &["cause", "path"]),
    ]);
    assert_eq!(inputs(&span), Some(r#"{"path":"/tmp"}"#));
    assert_eq!(names(&span.data.attributes), ["cause", "cause.chain"]);
}

#[test]
fn what_the_function_returned_becomes_the_outputs() {
    let outputs = |text: &'static str| span([KeyValue::new(private::RETURN, text)]).outputs;
    assert_eq!(outputs("[1,2]"), Some(Content::Json("[1,2]".to_owned())));
    assert_eq!(outputs("Answer { n: 1 }"), Some(Content::Text("Answer { n: 1 }".to_owned())));
    assert_eq!(span([]).outputs, None);
}

#[test]
fn explicit_inputs_and_outputs_win() {
    let span = span([
        KeyValue::new("k", 1),
        KeyValue::new(keys::INPUTS, r#"{"q":"explicit"}"#),
        KeyValue::new(private::RETURN, "returned"),
        KeyValue::new(keys::OUTPUTS, "first"),
        KeyValue::new(keys::OUTPUTS, 42),
        note(private::FIELDS, &["k"]),
    ]);
    assert_eq!(inputs(&span), Some(r#"{"q":"explicit"}"#));
    assert!(!span.inputs_are_arguments);
    assert_eq!(names(&span.arguments), ["k"]);
    assert_eq!(span.outputs, Some(Content::Json("42".to_owned())));
    assert_eq!(names(&span.data.attributes), Vec::<&str>::new());
}

#[test]
fn a_span_of_the_api_keeps_its_attributes_as_they_are() {
    let attributes = [
        KeyValue::new("user", "anna"),
        KeyValue::new("count", "7"),
        KeyValue::new("nested.key", Value::Array(Array::I64(vec![1, 2]))),
    ];
    let span = span(attributes.clone());
    assert_eq!(span.data.attributes, attributes);
    assert_eq!((&span.inputs, &span.outputs), (&None, &None));
    assert!(span.arguments.is_empty());
}

#[test]
fn keys_of_json_attributes_are_kept_apart() {
    // Each call leaves a note of its own, all under one key.
    let span = span([
        KeyValue::new("app.plan", "[1]"),
        KeyValue::new(private::JSON, "app.plan"),
        KeyValue::new("app.cost", "{}"),
        KeyValue::new(private::JSON, "app.cost"),
    ]);
    assert_eq!(span.json_keys, [Key::from("app.plan"), Key::from("app.cost")]);
    assert_eq!(names(&span.data.attributes), ["app.plan", "app.cost"]);
}

#[test]
fn what_a_span_says_of_its_beginning_is_taken_and_told_nobody() {
    let said = span([
        KeyValue::new(private::START_TIME, 1_500_000_000_000_000_001_i64),
        KeyValue::new(private::SAMPLING_RATIO, 0.5),
    ]);
    let since = said.data.start_time.duration_since(UNIX_EPOCH).unwrap();
    assert_eq!(since.as_nanos(), 1_500_000_000_000_000_001);
    assert_eq!(said.data.attributes, []);
}

fn span(attributes: impl IntoIterator<Item = KeyValue>) -> Span {
    of(root_data(attributes))
}

fn note(key: &'static str, names: &[&'static str]) -> KeyValue {
    let names = names.iter().copied().map(StringValue::from).collect();
    KeyValue::new(key, Value::Array(Array::String(names)))
}

fn inputs(span: &Span) -> Option<&str> {
    span.inputs.as_ref().map(Content::as_str)
}

fn names(attributes: &[KeyValue]) -> Vec<&str> {
    attributes.iter().map(|kv| kv.key.as_str()).collect()
}
