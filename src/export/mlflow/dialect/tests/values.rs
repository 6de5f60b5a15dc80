//! What the server makes of a value must be what the program meant.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::model::text::depth;
use crate::tests::cases;
use crate::tests::random::words;

/// A value as the server stores it.
///
/// Source: mlflow 3.17.2, observed: typed values stay; text that is a JSON object, array or quoted
/// string is unwrapped one level; all other text stays.
fn stored_as(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(text) => match serde_json::from_str(text.as_str()) {
            Ok(unwrapped @ (Json::Object(_) | Json::Array(_) | Json::String(_))) => unwrapped,
            _ => json!(text.as_str()),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn scalars_stay_typed() {
    for value in [Value::Bool(false), Value::I64(i64::MIN), Value::F64(0.1)] {
        let data = sent([KeyValue::new("app.value", value.clone())]);
        assert_eq!(self::value(&data, "app.value"), Some(&value));
    }
}

#[test]
fn strings_that_only_look_like_json_are_quoted_once() {
    for (text, quoted) in [
        (r#"{"z":1}"#, r#""{\"z\":1}""#),
        (" [1]", r#"" [1]""#),
        (r#""q""#, r#""\"q\"""#),
        ("{not json", r#""{not json""#),
    ] {
        let data = sent([KeyValue::new("note", text)]);
        assert_eq!(value(&data, "note"), Some(&Value::from(quoted)));
    }
    for text in ["123", "true", "null", "", "hello", "a {\"z\":1}"] {
        let data = sent([KeyValue::new("note", text)]);
        assert_eq!(value(&data, "note"), Some(&Value::from(text)));
    }
}

#[test]
fn text_that_only_begins_like_json_is_not_mended() {
    let text = "[INFO] took 99999999999999999999 ns";
    let span =
        Span { outputs: Some(Content::from_text(text.to_owned())), ..span_of(root_data([])) };
    let data = apply(&span, TraceInfoMode::Auto);
    assert_eq!(stored_as(value(&data, keys::OUTPUTS).unwrap()), json!(text));
}

#[test]
fn json_in_attributes_that_are_json_is_sent_as_it_is() {
    let text = r#"{"a": "{\"nested\": [1]}", "b": "\"q\""}"#;
    let keys = ["mlflow.chat.tokenUsage", "gen_ai.input.messages", "llm.tools", "ai.prompt"];
    let data = sent(keys.map(|key| KeyValue::new(key, text)));
    for key in keys {
        assert_eq!(value(&data, key), Some(&Value::from(text)), "{key}");
    }
    let span = Span {
        json_keys: vec![Key::from("app.plan")],
        ..span_of(root_data([KeyValue::new("app.plan", text), KeyValue::new("app.other", text)]))
    };
    let data = apply(&span, TraceInfoMode::Auto);
    assert_eq!(value(&data, "app.plan"), Some(&Value::from(text)));
    assert_eq!(stored_as(value(&data, "app.other").unwrap()), json!(text), "nobody said JSON");
}

#[test]
fn text_in_attributes_that_may_be_json_stays_text() {
    for text in ["gpt-4o", "4", "true", "{broken", "[also broken"] {
        let data = sent([KeyValue::new("gen_ai.request.model", text)]);
        assert_eq!(stored_as(value(&data, "gen_ai.request.model").unwrap()), json!(text));
    }
}

#[test]
fn inputs_and_outputs_keep_their_types() {
    let stored = |content: Content| {
        let span = Span { outputs: Some(content), ..span_of(root_data([])) };
        value(&apply(&span, TraceInfoMode::Auto), keys::OUTPUTS).map(stored_as)
    };
    let json = |json: Json| stored(Content::Json(json.to_string()));
    for said in [
        json!({ "z": 1, "nested": { "text": "{\"a\":1}" } }),
        json!([1, "[2]", null]),
        json!(4),
        json!(0.5),
        json!(true),
        json!("plain"),
        // The text of a string may be JSON too: it is a string all the same.
        json!("{\"a\":1}"),
        json!("[1]"),
        json!("\"q\""),
    ] {
        assert_eq!(json(said.clone()), Some(said));
    }
    assert_eq!(json(Json::Null), None);
    for text in ["Answer { n: 1 }", "{ n: 1 }", "[a]", "\"open", ""] {
        assert_eq!(stored(Content::Text(text.to_owned())), Some(json!(text)));
    }
}

#[test]
fn inputs_come_before_outputs_and_both_after_the_type() {
    let span = Span {
        inputs: Some(Content::Text("in".to_owned())),
        outputs: Some(Content::Text("out".to_owned())),
        ..span_of(root_data([KeyValue::new("k.v", 1), KeyValue::new(keys::TYPE, "TOOL")]))
    };
    let data = apply(&span, TraceInfoMode::Auto);
    let keys: Vec<&str> = data.attributes.iter().map(|kv| kv.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "mlflow.spanType",
            "mlflow.spanInputs",
            "mlflow.spanOutputs",
            "k.v",
            "mlflow.spanLogLevel",
            TRACE_NAME
        ]
    );
}

#[test]
fn structure_is_sent_no_deeper_than_the_server_reads() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let sent_as = |json: String| {
        let span = Span {
            inputs: Some(Content::Json(json.clone())),
            ..span_of(root_data([KeyValue::new("gen_ai.input.messages", json)]))
        };
        let data = apply(&span, TraceInfoMode::Auto);
        let text = |key| value(&data, key).unwrap().as_str().into_owned();
        let inputs = text(keys::INPUTS);
        assert_eq!(text("gen_ai.input.messages"), inputs);
        inputs
    };
    assert_eq!(sent_as(nested(24)), nested(24));
    assert_eq!(depth(&sent_as(nested(25))), 24);
    let flat = sent_as(nested(30));
    assert_eq!(depth(&flat), 24);
    assert!(flat.contains("\"[[[[[[]]]]]]\""), "{flat}");
    // Too deep to be taken apart at all.
    let flat = sent_as(nested(500));
    assert_eq!(serde_json::from_str::<String>(&flat).unwrap(), nested(500));
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_string_is_stored_as_it_is(text in words()) {
        let data = sent([KeyValue::new("note", text.clone())]);
        prop_assert_eq!(stored_as(value(&data, "note").unwrap()), json!(text));
    }

    #[test]
    fn text_that_a_function_returned_is_stored_as_it_is(text in words()) {
        let said = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        let span = Span {
            outputs: Some(Content::from_text(text)),
            ..span_of(root_data([]))
        };
        let data = apply(&span, TraceInfoMode::Auto);
        let stored = value(&data, keys::OUTPUTS).map(stored_as);
        prop_assert_eq!(stored.unwrap_or_default(), said);
    }
}
