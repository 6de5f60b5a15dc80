//! Works the capturing layer's notes into a span. Pure.
//!
//! The OTel layer writes every field of a `tracing` span as an attribute, unsigned integers as
//! text. The notes (`semconv::private`) say which attributes were fields, which of them were
//! integers, and what `#[instrument(ret)]` returned. A span without notes, such as one made with
//! the `OpenTelemetry` API, keeps its attributes as they are.

use std::collections::HashSet;

use opentelemetry::{Array, Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::span::Span;
use crate::model::text::{Content, json_of};
use crate::semconv::{private, span as keys};

/// Attributes up to which comparing each with each is cheaper than hashing.
const FEW: usize = 24;

/// Notes of the capturing layer on one span.
#[derive(Default)]
struct Notes {
    fields: Vec<String>,
    integers: Vec<String>,
    returned: Option<Value>,
    json_keys: Vec<Key>,
}

/// The span with its notes worked in and taken out.
pub(crate) fn of(mut data: SpanData) -> Span {
    let mut notes = Notes::default();
    let mut attributes = std::mem::take(&mut data.attributes);
    if attributes.iter().any(|kv| kv.key.as_str().starts_with(private::PREFIX)) {
        attributes = attributes.into_iter().filter_map(|kv| notes.keep(kv)).collect();
    }
    let mut attributes = last_of_each_key(attributes);
    notes.retype(&mut attributes);

    let arguments = notes.take_arguments(&mut attributes);
    let mut take = |key| take_attribute(&mut attributes, key).map(Content::from_value);
    let given = take(keys::INPUTS);
    let outputs = take(keys::OUTPUTS).or_else(|| notes.returned.map(Content::from_value));
    let inputs_are_arguments = given.is_none();
    let inputs = given.or_else(|| inputs_of(&arguments, &notes.integers));
    data.attributes = attributes;
    Span { data, arguments, inputs, outputs, inputs_are_arguments, json_keys: notes.json_keys }
}

impl Notes {
    /// Reads a note; any other attribute passes.
    fn keep(&mut self, kv: KeyValue) -> Option<KeyValue> {
        match kv.key.as_str() {
            private::FIELDS => self.fields.extend(strings(&kv.value)),
            private::INTEGERS => self.integers.extend(strings(&kv.value)),
            private::RETURN => self.returned = Some(kv.value),
            private::JSON => self.json_keys.extend(strings(&kv.value).map(Key::from)),
            _ => return Some(kv),
        }
        None
    }

    /// Gives integers that became text their type back, where it can hold them.
    fn retype(&self, attributes: &mut [KeyValue]) {
        for name in &self.integers {
            let attribute = attributes.iter_mut().find(|kv| kv.key.as_str() == name);
            let integer = attribute.as_ref().and_then(|kv| kv.value.as_str().parse().ok());
            if let (Some(attribute), Some(integer)) = (attribute, integer) {
                attribute.value = Value::I64(integer);
            }
        }
    }

    /// Takes out the attributes that were fields, in the order the fields were declared.
    ///
    /// A field that held an error was expanded by the OTel layer into several attributes, which
    /// belong together: it is no argument.
    fn take_arguments(&self, attributes: &mut Vec<KeyValue>) -> Vec<KeyValue> {
        let mut arguments = Vec::new();
        for name in &self.fields {
            let chain = format!("{name}.chain");
            if attributes.iter().any(|kv| kv.key.as_str() == chain) {
                continue;
            }
            if let Some(at) = attributes.iter().position(|kv| kv.key.as_str() == name) {
                arguments.push(attributes.remove(at));
            }
        }
        arguments
    }
}

/// Arguments as one JSON object; none when there are none.
fn inputs_of(arguments: &[KeyValue], integers: &[String]) -> Option<Content> {
    if arguments.is_empty() {
        return None;
    }
    let entries: Vec<String> = arguments
        .iter()
        .map(|kv| {
            let name = json_of(&Value::from(kv.key.as_str().to_owned()));
            format!("{name}:{}", json_of_argument(kv, integers))
        })
        .collect();
    Some(Content::Json(format!("{{{}}}", entries.join(","))))
}

/// The value as JSON; a `u64` that no attribute can hold is still a number there.
fn json_of_argument(kv: &KeyValue, integers: &[String]) -> String {
    match &kv.value {
        Value::String(text)
            if integers.iter().any(|name| kv.key.as_str() == name)
                && text.as_str().parse::<u64>().is_ok() =>
        {
            text.as_str().to_owned()
        }
        value => json_of(value),
    }
}

/// Each key once, with the value that was set last, where it was set last.
fn last_of_each_key(mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    if attributes.len() <= FEW && !has_duplicates(&attributes) {
        return attributes;
    }
    let mut seen = HashSet::with_capacity(attributes.len());
    let mut kept: Vec<bool> =
        attributes.iter().rev().map(|kv| seen.insert(kv.key.as_str())).collect();
    attributes.retain(|_| kept.pop().unwrap_or(true));
    attributes
}

/// Cheaper than a set, for the few attributes that most spans have.
fn has_duplicates(attributes: &[KeyValue]) -> bool {
    let mut rest = attributes;
    while let Some((first, others)) = rest.split_first() {
        if others.iter().any(|other| other.key == first.key) {
            return true;
        }
        rest = others;
    }
    false
}

fn take_attribute(attributes: &mut Vec<KeyValue>, key: &str) -> Option<Value> {
    let at = attributes.iter().position(|kv| kv.key.as_str() == key)?;
    Some(attributes.remove(at).value)
}

fn strings(value: &Value) -> impl Iterator<Item = String> + '_ {
    let (one, many) = match value {
        Value::String(text) => (Some(text), [].as_slice()),
        Value::Array(Array::String(items)) => (None, items.as_slice()),
        _ => (None, [].as_slice()),
    };
    one.into_iter().chain(many).map(|text| text.as_str().to_owned())
}

#[cfg(test)]
mod tests;
