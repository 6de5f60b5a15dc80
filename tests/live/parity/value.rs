//! Values of the scenario as the crate is given them.

use mlflow_tracing::opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::{Serialize, Serializer};

use super::json::Json;

/// A value with floats that JSON has no words for: `{"$float": "NaN"}`.
pub(crate) struct Given<'a>(pub(crate) &'a Json);

impl Serialize for Given<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::List(items) => serializer.collect_seq(items.iter().map(Given)),
            Json::Object(fields) => match &**fields {
                [(key, text)] if key == "$float" => {
                    serializer.serialize_f64(text.text().parse().unwrap())
                }
                fields => {
                    serializer.collect_map(fields.iter().map(|(key, value)| (key, Given(value))))
                }
            },
            other => other.serialize(serializer),
        }
    }
}

/// Attributes of an event or a link.
pub(crate) fn attributes(attributes: &Json) -> Vec<KeyValue> {
    let fields = attributes.fields().iter();
    fields.map(|(key, value)| KeyValue::new(key.clone(), of(value))).collect()
}

fn of(value: &Json) -> Value {
    match value {
        Json::Bool(flag) => (*flag).into(),
        Json::Text(text) => text.clone().into(),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap().into(),
        },
        Json::List(items) => Value::Array(array(items)),
        other => panic!("an event cannot carry {other:?}"),
    }
}

fn array(items: &[Json]) -> Array {
    let integer = |item: &Json| match item {
        Json::Number(number) => number.as_i64(),
        _ => None,
    };
    let text = |item: &Json| StringValue::from(item.text().to_owned());
    let integers: Option<Vec<i64>> = items.iter().map(integer).collect();
    integers.map_or_else(|| Array::String(items.iter().map(text).collect()), Array::I64)
}
