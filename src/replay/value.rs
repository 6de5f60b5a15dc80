//! OTLP/JSON values → attribute values. What an attribute cannot hold becomes JSON text.

use opentelemetry::{Array, KeyValue, Value};
use serde_json::Value as Json;

use super::field::{self, Result};
use crate::model::text::json_of;

/// Attributes, and the keys of those whose text is JSON.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) all: Vec<KeyValue>,
    pub(super) json_keys: Vec<String>,
}

pub(super) fn attributes(parent: &Json) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    for item in field::list(parent, "attributes")? {
        let key = field::text(item, "key")?.to_owned();
        let Some(value) = field::object(item, "value")? else {
            continue;
        };
        let value = match scalar(value)? {
            Some(value) => value,
            None => match structure(value)? {
                Structure::Nothing => continue,
                Structure::Array(array) => Value::Array(array),
                Structure::Json(json) => {
                    attributes.json_keys.push(key.clone());
                    Value::String(json.to_string().into())
                }
            },
        };
        attributes.all.push(KeyValue::new(key, value));
    }
    Ok(attributes)
}

enum Structure {
    /// A value that is none.
    Nothing,
    Array(Array),
    /// Objects, and arrays of more than one type.
    Json(Json),
}

/// The value when it is neither structure nor none. Bytes are their base64 text, as they came.
fn scalar(value: &Json) -> Result<Option<Value>> {
    let Some((kind, content)) = kind(value) else {
        return Ok(None);
    };
    let scalar = match (kind, content) {
        ("stringValue" | "bytesValue", Json::String(text)) => Value::String(text.clone().into()),
        ("boolValue", Json::Bool(value)) => Value::Bool(*value),
        ("intValue", content) => Value::I64(integer(content)?),
        ("doubleValue", content) => Value::F64(double(content)?),
        ("stringValue" | "bytesValue" | "boolValue", _) => {
            return Err(format!("{kind} is of another type"));
        }
        _ => return Ok(None),
    };
    Ok(Some(scalar))
}

fn structure(value: &Json) -> Result<Structure> {
    match kind(value) {
        None => Ok(Structure::Nothing),
        Some(("arrayValue", content)) => {
            let items = field::list(content, "values")?;
            let scalars = items.iter().map(scalar).collect::<Result<Option<Vec<_>>>>()?;
            match scalars.as_deref().and_then(array) {
                Some(array) => Ok(Structure::Array(array)),
                None => Ok(Structure::Json(plain(value)?)),
            }
        }
        Some(_) => Ok(Structure::Json(plain(value)?)),
    }
}

/// The one field of a value.
fn kind(value: &Json) -> Option<(&str, &Json)> {
    let (kind, content) = value.as_object()?.iter().find(|(_, content)| !content.is_null())?;
    Some((kind, content))
}

fn integer(content: &Json) -> Result<i64> {
    let integer = match content {
        Json::String(text) => text.parse().ok(),
        json => json.as_i64(),
    };
    integer.ok_or_else(|| "intValue is no 64-bit integer".to_owned())
}

fn double(content: &Json) -> Result<f64> {
    let double = match content {
        Json::String(text) => match text.as_str() {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        json => json.as_f64(),
    };
    double.ok_or_else(|| "doubleValue is no number".to_owned())
}

/// Items of one type; none when they are of several.
fn array(items: &[Value]) -> Option<Array> {
    fn all<T>(items: &[Value], item: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
        items.iter().map(item).collect()
    }
    let text = |item: &Value| match item {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let boolean = |item: &Value| if let Value::Bool(value) = item { Some(*value) } else { None };
    let integer = |item: &Value| if let Value::I64(value) = item { Some(*value) } else { None };
    let double = |item: &Value| if let Value::F64(value) = item { Some(*value) } else { None };
    all(items, text)
        .map(Array::String)
        .or_else(|| all(items, boolean).map(Array::Bool))
        .or_else(|| all(items, integer).map(Array::I64))
        .or_else(|| all(items, double).map(Array::F64))
}

/// The value as the JSON that it means. What this version of OTLP does not know stays as it is.
fn plain(value: &Json) -> Result<Json> {
    if let Some(scalar) = scalar(value)? {
        let json = json_of(&scalar);
        return Ok(serde_json::from_str(&json).unwrap_or(Json::Null));
    }
    match kind(value) {
        None => Ok(Json::Null),
        Some(("arrayValue", content)) => {
            field::list(content, "values")?.iter().map(plain).collect()
        }
        Some(("kvlistValue", content)) => {
            let entries = field::list(content, "values")?.iter().map(|entry| {
                let value = entry.get("value").map_or(Ok(Json::Null), plain)?;
                Ok((field::text(entry, "key")?.to_owned(), value))
            });
            Ok(Json::Object(entries.collect::<Result<_>>()?))
        }
        Some(_) => Ok(value.clone()),
    }
}
