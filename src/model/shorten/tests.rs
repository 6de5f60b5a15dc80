use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::json as short_json;
use super::*;
use crate::tests::cases;
use crate::tests::random::words;

/// Values of every kind, with long texts among them, and lists of many items.
fn document() -> impl Strategy<Value = Value> {
    let long = (words(), 1..60_usize).prop_map(|(words, times)| words.repeat(times));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        long.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 120, 12, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Value::from),
            btree_map(words(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

/// The text of a document: dense, indented, with blanks around it, or with every character beyond
/// ASCII escaped.
fn written() -> impl Strategy<Value = String> {
    (document(), 0..4_u8).prop_map(|(value, how)| match how {
        0 => value.to_string(),
        1 => format!("{value:#}"),
        2 => format!("\t \r\n{value}     "),
        _ => escaped(&value.to_string()),
    })
}

fn escaped(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

fn same_kind(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn short_json_is_json_of_the_same_kind_within_the_limit(text in written(), max in 0..700_usize) {
        let Some(short) = short_json(&text, max) else {
            prop_assert!(max < 2);
            return Ok(());
        };
        prop_assert!(short.len() <= max, "{} > {max}", short.len());
        if text.len() <= max {
            prop_assert_eq!(&*short, &text);
            return Ok(());
        }
        let value: Value = serde_json::from_str(&text).unwrap();
        let cut: Value = serde_json::from_str(&short).unwrap();
        if value.is_array() || value.is_object() || value.is_string() {
            prop_assert!(same_kind(&value, &cut), "{value} became {cut}");
        }
        // What fits stays, and what was cut can be cut again without losing the first mark.
        prop_assert_eq!(short_json(&short, max).unwrap(), &*short);
        let again = short_json(&short, max / 2);
        if let Some(again) = again {
            prop_assert!(again.len() <= max / 2 && is_json(&again), "{again}");
        }
    }

    #[test]
    fn short_text_is_a_beginning_and_a_mark_within_the_limit(text in "\\PC{0,200}", max in 0..200_usize) {
        let short = super::text(&text, max);
        prop_assert!(short.len() <= max);
        if text.len() <= max {
            prop_assert_eq!(&*short, &text);
        } else {
            let mark = format!("… [{} bytes in all]", text.len());
            let words = short.strip_suffix(&mark).unwrap_or(&short);
            prop_assert!(text.starts_with(words));
            prop_assert_eq!(words.len() == short.len(), max < mark.len());
            let again = super::text(&short, max - 1);
            prop_assert!(again.len() < max && (max <= mark.len() || again.ends_with(&mark)));
        }
    }

    #[test]
    fn a_level_is_the_highest_that_fits(sizes in vec(0..50_usize, 0..8), max in 0..200_usize, least in 0..20_usize) {
        let sum = |level: usize| sizes.iter().map(|size| (*size).min(level)).sum::<usize>();
        match level(&sizes, max, least) {
            None => prop_assert!(sum(least) > max),
            Some(found) => {
                prop_assert!(found >= least && sum(found) <= max);
                let longest = sizes.iter().copied().max().unwrap_or(0);
                prop_assert!(found >= longest || sum(found + 1) > max);
            }
        }
    }
}

fn value(text: &str, max: usize) -> Value {
    serde_json::from_str(&short_json(text, max).unwrap()).unwrap()
}

#[test]
fn long_strings_are_cut_before_anything_is_left_out() {
    let chat = json!({ "model": "m", "messages": [
        { "role": "user", "content": "é".repeat(1000) }, { "role": "user", "content": "short" }] });
    let cut = value(&chat.to_string(), 500);
    assert_eq!(cut["model"], "m");
    assert_eq!(cut["messages"][1], chat["messages"][1]);
    let content = cut["messages"][0]["content"].as_str().unwrap();
    assert!(content.starts_with("éé") && content.ends_with("é… [2000 bytes in all]"), "{content}");
}

#[test]
fn arrays_and_objects_say_how_many_there_were() {
    let numbers = json!({ "all": (0..1000).collect::<Vec<_>>(), "name": "n" });
    let cut = value(&numbers.to_string(), 200);
    let items = cut["all"].as_array().unwrap();
    assert_eq!(items.last().unwrap(), "… [1000 items in all]");
    assert_eq!(items[..3], [json!(0), json!(1), json!(2)]);
    assert_eq!(cut["name"], "n");
    let entries: Value = (0..1000).map(|n| (format!("k{n:04}"), n)).collect();
    let cut = value(&entries.to_string(), 200);
    assert_eq!(cut["…"], "[1000 entries in all]");
    assert_eq!(cut["k0000"], 0);
}

#[test]
fn marks_keep_their_first_numbers() {
    let list = json!(vec!["x".repeat(500); 300]).to_string();
    let once = short_json(&list, 5_000).unwrap().into_owned();
    let twice = value(&once, 500);
    assert_eq!(twice.as_array().unwrap().last().unwrap(), "… [300 items in all]");
    let text = json!("x".repeat(5_000)).to_string();
    let once = short_json(&text, 500).unwrap().into_owned();
    assert!(value(&once, 100).as_str().unwrap().ends_with("x… [5000 bytes in all]"));
    let once = super::text(&"x".repeat(5_000), 500).into_owned();
    assert!(super::text(&once, 100).ends_with("x… [5000 bytes in all]"));
}

#[test]
fn blanks_around_a_value_are_the_first_to_go() {
    let padded = r#"           "        ""#;
    assert_eq!(short_json(padded, 16).unwrap(), r#""        ""#);
}

#[test]
fn numbers_stay_as_they_are_written() {
    let text = format!("[340282366920938463463374607431768211455,1.10,{}]", json!("x".repeat(500)));
    let short = short_json(&text, 300).unwrap();
    assert!(short.starts_with("[340282366920938463463374607431768211455,1.10,\"xx"), "{short}");
}

#[test]
fn a_pair_of_escapes_is_one_character() {
    let text = format!("\"{}\"", "\\ud83e\\udd80".repeat(100));
    for max in 50..150 {
        let cut = value(&text, max);
        let (crabs, mark) = cut.as_str().unwrap().split_once('…').unwrap();
        assert!(crabs.chars().all(|c| c == '🦀') && mark == " [400 bytes in all]", "{cut}");
    }
}

#[test]
fn text_that_is_no_json_is_cut_as_text() {
    let broken = "[".repeat(300);
    assert_eq!(short_json(&broken, 100), None);
    assert!(either(&broken, 100).ends_with("[… [300 bytes in all]"));
    let list = json!(vec![1; 300]).to_string();
    assert!(either(&list, 100).ends_with("\"… [300 items in all]\"]"));
    assert_eq!(either("plain", 100), "plain");
}
