//! Values of the scenario as the crate is given them.

use mlflow_tracing::opentelemetry::{Array, KeyValue, StringValue, Value as OtelValue};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A value with floats that JSON has no words for: `{"$float": "NaN"}`.
pub(crate) struct Given<'a>(pub(crate) &'a Value);

impl Serialize for Given<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Given)),
            Value::Object(object) => match object.get("$float") {
                Some(text) => serializer.serialize_f64(text.as_str().unwrap().parse().unwrap()),
                None => {
                    serializer.collect_map(object.iter().map(|(key, value)| (key, Given(value))))
                }
            },
            other => other.serialize(serializer),
        }
    }
}

/// Attributes of an event or a link.
pub(crate) fn attributes(attributes: &Map<String, Value>) -> Vec<KeyValue> {
    attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), of(value))).collect()
}

fn of(value: &Value) -> OtelValue {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.clone().into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap().into(),
        },
        Value::Array(items) => OtelValue::Array(array(items)),
        other => panic!("an event cannot carry {other}"),
    }
}

fn array(items: &[Value]) -> Array {
    if items.iter().all(Value::is_i64) {
        Array::I64(items.iter().filter_map(Value::as_i64).collect())
    } else {
        let texts = items.iter().map(|item| item.as_str().unwrap().to_owned());
        Array::String(texts.map(StringValue::from).collect())
    }
}
