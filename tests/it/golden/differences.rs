//! The comparison itself: what counts as a difference, and as one that is meant.

use serde_json::{Value, json};

use crate::parity::difference::{Meant, between, check};

fn meant(place: &str, python: Value, ours: Value) -> Meant {
    Meant { place: place.to_owned(), python, ours, reason: String::new() }
}

/// What the check of two values says against the differences that are meant.
fn complaint(python: &Value, ours: &Value, meant: &[Meant]) -> String {
    let found = between(python, ours);
    let complaint = std::panic::catch_unwind(|| check(&found, meant)).err();
    complaint.map_or_else(String::new, |it| it.downcast_ref::<String>().unwrap().clone())
}

#[test]
fn a_difference_is_found_in_its_place() {
    let python = json!({ "a": { "b": [1, { "c": "x" }], "only": 1 }, "same": [1] });
    let ours = json!({ "a": { "b": [1, { "c": 2 }], "other": null }, "same": [1] });
    let found = between(&python, &ours);
    let found: Vec<_> = found.into_iter().map(|it| (it.place, it.python, it.ours)).collect();
    let place = |place: &str, python, ours| (place.to_owned(), python, ours);
    let expected = [
        place("a/b/1/c", Some(json!("x")), Some(json!(2))),
        place("a/only", Some(json!(1)), None),
        place("a/other", None, Some(Value::Null)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_whole_number_is_no_float() {
    assert_eq!(between(&json!({ "n": 2 }), &json!({ "n": 2.0 })).len(), 1);
}

#[test]
fn a_difference_that_is_not_meant_is_said_with_both_sides() {
    let said = complaint(&json!({ "a": 1 }), &json!({ "a": "x" }), &[]);
    assert!(said.contains("a\n    Python: 1\n    ours:   \"x\""), "{said}");
}

#[test]
fn a_difference_that_is_meant_must_be_there() {
    let listed = [meant("a", json!(1), json!("(anything)"))];
    assert_eq!(complaint(&json!({ "a": 1 }), &json!({ "a": 2 }), &listed), "");
    let said = complaint(&json!({ "a": 2 }), &json!({ "a": 2 }), &listed);
    assert!(said.contains("a\n    is in differences.json, but does not differ so"), "{said}");
}

#[test]
fn a_difference_is_meant_when_place_and_both_sides_are_as_listed() {
    let is_meant = |python: Value, ours: Value, meant| {
        complaint(&json!({ "x": { "y": python } }), &json!({ "x": { "y": ours } }), &[meant])
            .is_empty()
    };
    let texts =
        |python, ours| is_meant(json!("E: boom"), json!("boom"), meant("*/y", python, ours));
    assert!(texts(json!("E: boom"), json!("boom")));
    assert!(texts(json!("*: {ours}"), json!("*oo*")));
    assert!(!texts(json!("*; {ours}"), json!("*")));
    assert!(!texts(json!("(absent)"), json!("*")));
    assert!(!texts(json!("*"), json!("bo")));
    assert!(!is_meant(json!(1), json!(2), meant("*/z", json!(1), json!(2))));
    assert!(!is_meant(json!(1), json!(2), meant("*/y", json!(1), json!("*"))));
    assert!(is_meant(Value::Null, json!(2), meant("x/y", Value::Null, json!("(anything)"))));
}

#[test]
fn of_an_object_that_is_meant_the_listed_fields_count_however_deep() {
    let object = json!({ "a": { "b": "text", "c": 1 }, "d": 2 });
    let is_meant =
        |ours| complaint(&Value::Null, &object, &[meant("", Value::Null, ours)]).is_empty();
    assert!(is_meant(json!({ "a": { "b": "t*" } })));
    assert!(is_meant(json!({ "a": { "e": "(absent)" }, "d": 2 })));
    assert!(!is_meant(json!({ "a": { "b": "x*" } })));
    assert!(!is_meant(json!({ "a": { "e": 1 } })));
    assert!(!is_meant(json!({ "a": { "c": "(absent)" } })));
}
