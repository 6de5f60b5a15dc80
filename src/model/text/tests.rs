use opentelemetry::StringValue;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::tests::cases;
use crate::tests::random::words;

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_cut_is_the_first_characters_and_no_more(text in words(), max in 0..12_usize) {
        let expected: String = text.chars().take(max).collect();
        prop_assert_eq!(cut(&text, max), expected);
    }

    #[test]
    fn three_dots_stand_for_what_is_missing(text in words(), max in 3..12_usize) {
        let short = cut_with_dots(&text, max);
        if text.chars().count() <= max {
            prop_assert_eq!(short, text);
        } else {
            prop_assert_eq!(short.chars().count(), max);
            prop_assert!(text.starts_with(short.strip_suffix("...").unwrap()));
        }
    }

    #[test]
    fn depth_counts_levels_and_is_not_deceived_by_strings(value in document()) {
        prop_assert_eq!(depth(&value.to_string()), levels(&value));
        prop_assert_eq!(depth(&format!("{value:#}")), levels(&value));
    }

    #[test]
    fn flat_text_is_json_no_deeper_than_allowed_and_says_the_same(
        value in document(), max in 0..4_usize
    ) {
        let flat: Json = serde_json::from_str(&flatten(&value.to_string(), max)).unwrap();
        prop_assert!(levels(&flat) <= max);
        prop_assert_eq!(unfold(flat, max, &value), value);
    }

    #[test]
    fn what_64_bits_hold_is_left_as_it_is(value in document()) {
        for text in [json!([value]).to_string(), format!("{:#}", json!({ "k": value }))] {
            prop_assert_eq!(large_integers_as_text(&text), text.as_str());
        }
    }

    #[test]
    fn text_is_json_when_a_full_parser_says_so(value in document(), at in any::<prop::sample::Index>()) {
        let whole = value.to_string();
        prop_assert!(is_json(&whole));
        let mut broken: Vec<char> = whole.chars().collect();
        broken.remove(at.index(broken.len()));
        let broken = String::from_iter(broken);
        prop_assert_eq!(is_json(&broken), serde_json::from_str::<Json>(&broken).is_ok());
    }

    #[test]
    fn a_number_keeps_its_value(number in any::<f64>(), integer in any::<i64>()) {
        prop_assert_eq!(
            Content::Json(json!(number).to_string()).said().map(Value::from), Some(Value::F64(number))
        );
        prop_assert_eq!(
            Content::Json(json!(integer).to_string()).said().map(Value::from), Some(Value::I64(integer))
        );
    }
}

#[test]
fn scalars_are_typed_and_structure_stays_text() {
    let typed = |text: &str| Content::from_text(text.to_owned()).said().map(Value::from);
    assert_eq!(typed("true"), Some(Value::Bool(true)));
    assert_eq!(typed(" 4 "), Some(Value::I64(4)));
    assert_eq!(typed("-1.5e3"), Some(Value::F64(-1500.0)));
    assert_eq!(typed(r#""a \"b\" \u00e9""#), Some(Value::from("a \"b\" é")));
    assert_eq!(typed("null"), None);
    assert_eq!(typed(" {\"a\": 1}"), Some(Value::from(" {\"a\": 1}")));
    assert_eq!(typed("[]"), Some(Value::from("[]")));
    for text in ["", " ", "nope", "{a}", "01", "1 2", "NaN", "'a'", "tru"] {
        assert_eq!(typed(text), Some(Value::from(text.to_owned())), "{text:?} is no JSON");
    }
}

#[test]
fn a_number_that_no_type_holds_stays_text() {
    for number in ["9223372036854775808", "18446744073709551615", "1e999"] {
        let content = Content::from_text(number.to_owned());
        assert_eq!(content, Content::Json(number.to_owned()));
        assert_eq!(content.said().map(Value::from), Some(Value::from(number)));
    }
}

#[test]
fn an_integer_that_64_bits_cannot_hold_becomes_text_in_its_place() {
    for (json, sent) in [
        ("[9223372036854775808]", "[\"9223372036854775808\"]"),
        ("{\"a\":-9223372036854775809,\"b\":1}", "{\"a\":\"-9223372036854775809\",\"b\":1}"),
        ("[ 18446744073709551615 , 2]", "[ \"18446744073709551615\" , 2]"),
        (
            "[9223372036854775807,-9223372036854775808]",
            "[9223372036854775807,-9223372036854775808]",
        ),
        ("[0.12345678901234567890123,1e400,1.5E-30]", "[0.12345678901234567890123,1e400,1.5E-30]"),
        ("[\"9223372036854775808\"]", "[\"9223372036854775808\"]"),
        (r#"["\\",9223372036854775808]"#, r#"["\\","9223372036854775808"]"#),
        (r#"["\"",9223372036854775808]"#, r#"["\"","9223372036854775808"]"#),
        ("[true,false,null]", "[true,false,null]"),
    ] {
        assert_eq!(large_integers_as_text(json), sent);
    }
}

#[test]
fn nul_is_replaced_and_the_column_is_not_overrun() {
    assert_eq!(column("a\0bc", 3), "a\u{fffd}b");
    assert_eq!(column("ééé", 2), "éé");
    assert_eq!(without_nul("plain"), "plain");
}

#[test]
fn attribute_values_become_json() {
    let json = |value: Value| match Content::from_value(value) {
        Content::Json(json) => json,
        Content::Text(text) => panic!("{text:?} is no JSON"),
    };
    assert_eq!(json(Value::Bool(true)), "true");
    assert_eq!(json(Value::I64(i64::MIN)), "-9223372036854775808");
    assert_eq!(json(Value::F64(1.0)), "1.0");
    assert_eq!(json(Value::F64(f64::NAN)), "\"NaN\"");
    assert_eq!(json(Value::F64(f64::NEG_INFINITY)), "\"-inf\"");
    assert_eq!(json(Value::Array(Array::Bool(vec![true, false]))), "[true,false]");
    assert_eq!(json(Value::Array(Array::I64(vec![]))), "[]");
    assert_eq!(json(Value::Array(Array::F64(vec![0.5, f64::INFINITY]))), "[0.5,\"inf\"]");
    let strings = vec![StringValue::from("a\"b"), StringValue::from("{}")];
    assert_eq!(json(Value::Array(Array::String(strings))), r#"["a\"b","{}"]"#);
    assert_eq!(json(Value::from("[1]")), "[1]");
    assert_eq!(json_of(&Value::from("[1]")), "\"[1]\"");
    assert_eq!(Content::from_value(Value::from("hello")), Content::Text("hello".to_owned()));
}

#[test]
fn text_too_deep_to_be_read_becomes_one_string() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert!(is_json(&deep));
    assert_eq!(depth(&deep), 1000);
    assert_eq!(serde_json::from_str::<String>(&flatten(&deep, 24)).unwrap(), deep);
}

/// How deep a value is, the slow way.
fn levels(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Json::Object(entries) => 1 + entries.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// Reads back, where `original` has structure at level `max`, the text that stands for it.
fn unfold(flat: Json, max: usize, original: &Json) -> Json {
    match (flat, original) {
        (Json::String(text), Json::Array(_) | Json::Object(_)) if max == 0 => {
            serde_json::from_str(&text).unwrap()
        }
        (Json::Array(items), Json::Array(originals)) => items
            .into_iter()
            .zip(originals)
            .map(|(item, original)| unfold(item, max - 1, original))
            .collect(),
        (Json::Object(entries), Json::Object(originals)) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = unfold(value, max - 1, &originals[&key]);
                (key, value)
            })
            .collect(),
        (other, _) => other,
    }
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        words().prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            btree_map(words(), inner, 0..4).prop_map(Json::from_iter),
        ]
    })
}

#[test]
fn a_string_that_looks_like_json_keeps_its_quotes_where_they_matter() {
    let kept = |json: &str| Content::Json(json.to_owned()).unmistakable().map(Value::from).unwrap();
    for mistakable in
        [r#""42""#, r#""[1]""#, r#""{\"a\":1}""#, r#""null""#, r#"" {""#, r#""\"x\"""#]
    {
        assert_eq!(kept(mistakable), Value::from(mistakable.to_owned()));
        // Read back it is what it was.
        assert_eq!(Content::from_value(kept(mistakable)), Content::Json(mistakable.to_owned()));
    }
    assert_eq!(kept(r#""Paris""#), Value::from("Paris"));
    assert_eq!(kept("[1]"), Value::from("[1]"));
    assert_eq!(kept("42"), Value::I64(42));
}
