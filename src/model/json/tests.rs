use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::*;
use crate::tests::cases;

fn to_string<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut text = Vec::new();
    write(&mut text, value)?;
    Ok(String::from_utf8(text).unwrap())
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Inside<T>(T);

#[derive(Serialize)]
struct Pair<T>(T, T);

#[derive(Serialize)]
enum Shape<T> {
    Unit,
    Newtype(T),
    Tuple(T, T),
    Struct { x: T },
}

#[derive(Serialize)]
struct All<T> {
    number: T,
    small: f32,
    some: Option<T>,
    none: Option<T>,
    list: Vec<T>,
    tuple: (T, u8),
    map: BTreeMap<char, T>,
    unit: ((), Unit),
    inside: Inside<T>,
    pair: Pair<T>,
    shapes: Vec<Shape<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<T>,
    large: (u128, i128, i64, u64),
    small_ones: (i8, i16, i32, u8, u16, u32, bool, char),
    text: &'static str,
}

fn all(number: f64, small: f32) -> All<f64> {
    All {
        number,
        small,
        some: Some(number),
        none: None,
        list: vec![number, 1.5],
        tuple: (number, 1),
        map: BTreeMap::from([('k', number)]),
        unit: ((), Unit),
        inside: Inside(number),
        pair: Pair(number, 2.0),
        shapes: vec![
            Shape::Unit,
            Shape::Newtype(number),
            Shape::Tuple(number, 1.0),
            Shape::Struct { x: number },
        ],
        skipped: None,
        large: (u128::MAX, i128::MIN, i64::MIN, u64::MAX),
        small_ones: (-1, -2, -3, 1, 2, 3, true, 'é'),
        text: "\"\n",
    }
}

#[test]
fn what_is_finite_is_written_as_serde_json_does() {
    let value = all(0.1, 0.1);
    assert_eq!(to_string(&value).unwrap(), serde_json::to_string(&value).unwrap());
    let value = json!({ "a": [1, 2.5, null, { "b": "c" }] });
    assert_eq!(to_string(&value).unwrap(), value.to_string());
}

#[test]
fn what_is_not_finite_is_a_string_wherever_it_stands() {
    assert_eq!(to_string(&f64::NAN).unwrap(), r#""NaN""#);
    assert_eq!(to_string(&[f64::INFINITY, f64::NEG_INFINITY]).unwrap(), r#"["inf","-inf"]"#);
    let written = to_string(&all(f64::NAN, f32::INFINITY)).unwrap();
    let expected = serde_json::to_string(&all(0.25, 0.25)).unwrap();
    let expected = expected.replacen("\"small\":0.25", r#""small":"inf""#, 1);
    assert_eq!(written, expected.replace("0.25", r#""NaN""#));
}

/// Bytes as `serde_bytes` serialises them.
struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn bytes_are_an_array_of_numbers() {
    for bytes in [&b""[..], b"a", &[0, 34, 92, 255]] {
        assert_eq!(to_string(&Bytes(bytes)).unwrap(), to_string(bytes).unwrap());
    }
}

#[test]
fn raw_json_stays_as_it_is_wherever_it_stands() {
    let raw = || RawValue::from_string(r#"{"b":  1.50, "a": "\u00e9"}"#.to_owned()).unwrap();
    assert_eq!(to_string(&raw()).unwrap(), raw().get());
    let value = (Inside(raw()), BTreeMap::from([("\"", vec![Some(raw())])]), "\"");
    assert_eq!(to_string(&value).unwrap(), serde_json::to_string(&value).unwrap());
}

#[test]
fn what_cannot_be_written_is_an_error() {
    for error in [
        to_string(&BTreeMap::from([((1, 2), 3)])).unwrap_err(),
        to_string(&Entry(Bytes(b"a"))).unwrap_err(),
    ] {
        assert!(error.to_string().contains("key must be a string"), "{error}");
    }
}

/// A map of one entry, whose key need not be one that a map of the library could have.
struct Entry<K>(K);

impl<K: Serialize> Serialize for Entry<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(&self.0, "a")])
    }
}

/// Mostly what needs no escape, at lengths around those of the steps in which it is looked for.
fn text() -> impl Strategy<Value = String> {
    let plain = prop::char::ranges(vec![' '..='!', '#'..='[', ']'..='\u{7ff}'].into());
    let character = prop_oneof![40 => plain, 1 => any::<char>(), 1 => prop::char::range('\0', '"')];
    prop::collection::vec(character, 0..140).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn texts_are_written_as_serde_json_does(text in text(), other in text()) {
        let expected = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(of_text(&text), &*expected);
        let value = (&text, Entry(&other), Entry(Inside(&text)), Shape::Newtype(&other));
        prop_assert_eq!(to_string(&value).unwrap(), serde_json::to_string(&value).unwrap());
    }
}

#[test]
fn every_byte_is_escaped_as_serde_json_does_wherever_it_stands() {
    for byte in 0..=0x7f_u8 {
        for before in 0..70 {
            let text = format!("{}{}é", "x".repeat(before), char::from(byte));
            assert_eq!(of_text(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
