//! Text that is JSON, may be JSON, or only looks like JSON.

use std::borrow::Cow;

use opentelemetry::{Array, Value};
use serde_core::de::IgnoredAny;

use crate::model::json;
use crate::model::said::Said;
use crate::model::shorten;

/// What a span was given or returned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// JSON text: an object or array by its first byte, or a valid scalar.
    Json(String),
    /// Any other text.
    Text(String),
}

impl Content {
    /// Takes text for what MLflow reads `mlflow.spanInputs` as: JSON, or else a string.
    ///
    /// An object or array is not parsed: it stays the same text either way, and may be long.
    pub(crate) fn from_text(text: String) -> Self {
        let structured = matches!(first_byte(&text), Some(b'{' | b'['));
        if structured || is_json(&text) { Self::Json(text) } else { Self::Text(text) }
    }

    pub(crate) fn from_value(value: Value) -> Self {
        match value {
            Value::String(text) => Self::from_text(text.into()),
            other => Self::Json(json_of(&other)),
        }
    }

    /// The content as an attribute: scalars typed, strings as they are, structure as JSON text.
    pub(crate) fn said(&self) -> Option<Said<'_>> {
        match self {
            Self::Text(text) => Some(text.as_str().into()),
            Self::Json(json) => match first_byte(json) {
                Some(b'{' | b'[') => Some(json.as_str().into()),
                Some(b'n') => None,
                _ => Some(Said::Made(scalar(json))),
            },
        }
    }

    /// The same, but a JSON string that would be taken for JSON without its quotes keeps them.
    pub(crate) fn unmistakable(&self) -> Option<Said<'_>> {
        let quoted = matches!(self, Self::Json(json) if first_byte(json) == Some(b'"'));
        match serde_json::from_str(self.as_str()).map(Self::from_text) {
            Ok(Self::Json(_)) if quoted => Some(self.as_str().into()),
            _ => self.said(),
        }
    }

    /// Cuts the content to at most `max` bytes; what is valid JSON stays so.
    pub(crate) fn shorten(&mut self, max: usize) {
        let short = match self {
            Self::Json(json) => {
                shorten::json(json, max).map(|short| Self::Json(short.into_owned()))
            }
            Self::Text(_) => None,
        };
        *self = short.unwrap_or_else(|| Self::Text(shorten::text(self.as_str(), max).into_owned()));
    }

    /// The content as JSON text: what only begins like JSON is as it is.
    pub(crate) fn to_json(&self) -> Cow<'_, str> {
        match self {
            Self::Json(json) => Cow::Borrowed(json),
            Self::Text(text) => Cow::Owned(json::of_text(text)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Json(text) | Self::Text(text) => text,
        }
    }
}

/// A JSON scalar as a typed value; a number that no type holds stays text.
fn scalar(json: &str) -> Value {
    let text = || Value::from(json.to_owned());
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Bool(value)) => Value::Bool(value),
        Ok(serde_json::Value::String(text)) => Value::String(text.into()),
        Ok(serde_json::Value::Number(_)) if is_large_integer(json.trim()) => text(),
        Ok(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(integer) => Value::I64(integer),
            None => number.as_f64().map_or_else(text, Value::F64),
        },
        _ => text(),
    }
}

/// Whether `text` is one valid JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    let may_be = matches!(
        first_byte(text),
        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
    );
    may_be && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// First byte that JSON would not skip.
pub(crate) fn first_byte(text: &str) -> Option<u8> {
    text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Equal for equal texts, and for few others: short texts differ in how they begin, how they end, or
/// how long they are.
pub(crate) fn fingerprint(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let word = |chunk: Option<&[u8; 8]>| chunk.map(|word| u64::from_le_bytes(*word));
    let ends = word(bytes.first_chunk()).zip(word(bytes.last_chunk()));
    let mixed = match ends {
        Some((first, last)) => first.rotate_left(32) ^ last,
        None => bytes.iter().fold(0, |mixed, byte| (mixed << 8) | u64::from(*byte)),
    };
    mixed.wrapping_add(u64::try_from(bytes.len()).unwrap_or(0))
}

/// An attribute value as JSON text. JSON has no NaN and no infinity: they become strings.
pub(crate) fn json_of(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::I64(_) => value.as_str().into_owned(),
        Value::F64(number) if number.is_finite() => {
            serde_json::to_string(number).unwrap_or_default()
        }
        Value::Array(array) => json_of_array(array),
        text => json::of_text(&text.as_str()),
    }
}

fn json_of_array(array: &Array) -> String {
    let items: Vec<String> = items(array).iter().map(json_of).collect();
    format!("[{}]", items.join(","))
}

/// The items of an array, one value each.
pub(crate) fn items(array: &Array) -> Vec<Value> {
    match array {
        Array::Bool(items) => items.iter().copied().map(Value::Bool).collect(),
        Array::I64(items) => items.iter().copied().map(Value::I64).collect(),
        Array::F64(items) => items.iter().copied().map(Value::F64).collect(),
        Array::String(items) => items.iter().cloned().map(Value::String).collect(),
        _ => Vec::new(),
    }
}

/// The first `max` characters of `text`, always valid UTF-8.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// Like [`cut`], with three dots in place of what is missing.
pub(crate) fn cut_with_dots(text: &str, max: usize) -> String {
    if text.char_indices().nth(max).is_none() {
        return text.to_owned();
    }
    format!("{}...", cut(text, max.saturating_sub(3)))
}

/// Text for a column of `max` characters.
pub(crate) fn column(text: &str, max: usize) -> Cow<'_, str> {
    without_nul(cut(text, max))
}

/// PostgreSQL refuses NUL in text, and with it everything that is stored together.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// How deep the objects and arrays of JSON text are nested.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// JSON text in which every integer that 64 bits with sign cannot hold is its own text.
///
/// `json` is an object or an array. Nothing else in it is touched.
pub(crate) fn large_integers_as_text(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut number, mut in_string, mut escaped) = (0, None, false, false);
    for (at, byte) in json.bytes().enumerate() {
        let numeric = matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        if numeric && !in_string {
            number = number.or(Some(at));
            continue;
        }
        let found = number.take().and_then(|start| Some((start, json.get(start..at)?)));
        if let Some((start, literal)) = found.filter(|(_, literal)| is_large_integer(literal)) {
            let before = json.get(copied..start).unwrap_or_default();
            out.extend([before, "\"", literal, "\""]);
            copied = at;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(json.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

fn is_large_integer(literal: &str) -> bool {
    const DIGITS_THAT_ALWAYS_FIT: usize = 18;
    literal.len() > DIGITS_THAT_ALWAYS_FIT
        && !literal.contains(['.', 'e', 'E'])
        && literal.parse::<i64>().is_err()
}

/// JSON text in which whatever lies deeper than `max` levels is replaced by its own text.
///
/// Text too deep to be read at all is returned as one JSON string.
pub(crate) fn flatten(json: &str, max: usize) -> String {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(mut value) => {
            flatten_value(&mut value, max);
            value.to_string()
        }
        Err(_) => json::of_text(json),
    }
}

fn flatten_value(value: &mut serde_json::Value, levels: usize) {
    let is_structure = value.is_object() || value.is_array();
    if is_structure && levels == 0 {
        *value = serde_json::Value::String(value.to_string());
        return;
    }
    match value {
        serde_json::Value::Array(items) => {
            for item in items {
                flatten_value(item, levels - 1);
            }
        }
        serde_json::Value::Object(entries) => {
            for entry in entries.values_mut() {
                flatten_value(entry, levels - 1);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
