//! Works the capturing layer's notes into a span. Pure.
//!
//! The OTel layer writes every field of a `tracing` span as an attribute, unsigned integers as
//! text. The notes (`semconv::private`) say which attributes were fields, which of them were
//! integers, and what `#[instrument(ret)]` returned. A span without notes, such as one made with
//! the `OpenTelemetry` API, keeps its attributes as they are.

use std::collections::HashSet;
use std::mem;
use std::time::SystemTime;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::model::json;
use crate::model::seeded::Seeded;
use crate::model::span::Span;
use crate::model::text::{Content, fingerprint, json_of};
use crate::model::time;
use crate::semconv::{private, span as keys};

/// What the keys of everything that is read here begin with.
const OWN_PREFIX: &str = "mlflow";

/// Attributes up to which comparing each with each is cheaper than hashing.
const FEW: usize = 32;

/// What a span tells beside its attributes: the notes of the capturing layer, inputs and outputs.
#[derive(Default)]
struct Told {
    fields: Vec<StringValue>,
    integers: Vec<StringValue>,
    returned: Option<Value>,
    json_keys: Vec<Key>,
    inputs: Option<Value>,
    outputs: Option<Value>,
    start_time: Option<SystemTime>,
}

/// The span with its notes worked in and taken out.
pub(crate) fn of(data: SpanData) -> Span {
    let mut span = Span::plain(data);
    work_in(&mut span);
    span
}

/// Works the notes of a span in and takes them out.
pub(crate) fn work_in(span: &mut Span) {
    let data = &mut span.data;
    let mut told = Told::default();
    let mut keys = Keys::default();
    data.attributes.retain_mut(|kv| {
        let kept = !kv.key.as_str().starts_with(OWN_PREFIX) || told.leaves(kv);
        if kept {
            keys.add(kv.key.as_str());
        }
        kept
    });
    if keys.may_repeat && (data.attributes.len() > FEW || has_duplicates(&data.attributes)) {
        keep_last_of_each_key(&mut data.attributes);
    }
    told.retype(&mut data.attributes);
    data.start_time = told.start_time.unwrap_or(data.start_time);

    if !told.fields.is_empty() {
        span.arguments = told.take_arguments(&mut data.attributes);
    }
    let given = told.inputs.map(Content::from_value);
    span.outputs = told.outputs.or(told.returned).map(Content::from_value);
    span.inputs_are_arguments = given.is_none();
    span.inputs = given.or_else(|| inputs_of(&span.arguments, &told.integers));
    if !told.json_keys.is_empty() {
        span.json_keys = told.json_keys;
    }
}

impl Told {
    /// Takes what is told; whether the attribute is one like any other.
    fn leaves(&mut self, kv: &mut KeyValue) -> bool {
        let mut value = || mem::replace(&mut kv.value, Value::Bool(false));
        match kv.key.as_str() {
            keys::INPUTS => self.inputs = Some(value()),
            keys::OUTPUTS => self.outputs = Some(value()),
            private::FIELDS => self.fields.extend(strings(value())),
            private::INTEGERS => self.integers.extend(strings(value())),
            private::RETURN => self.returned = Some(value()),
            private::JSON => self.json_keys.extend(strings(value()).iter().map(key_named)),
            private::START_TIME => self.start_time = time::of_value(&kv.value),
            // The sampler has read it.
            private::SAMPLING_RATIO => {}
            _ => return true,
        }
        false
    }

    /// Gives integers that became text their type back, where it can hold them.
    fn retype(&self, attributes: &mut [KeyValue]) {
        for name in &self.integers {
            let attribute = attributes.iter_mut().find(|kv| kv.key.as_str() == name.as_str());
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
        let mut arguments = Vec::with_capacity(self.fields.len());
        for name in self.fields.iter().map(StringValue::as_str) {
            let is_error =
                |kv: &KeyValue| kv.key.as_str().strip_suffix(".chain").is_some_and(|it| it == name);
            if attributes.iter().any(is_error) {
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
fn inputs_of(arguments: &[KeyValue], integers: &[StringValue]) -> Option<Content> {
    if arguments.is_empty() {
        return None;
    }
    let mut object = Vec::new();
    for kv in arguments {
        object.push(if object.is_empty() { b'{' } else { b',' });
        json::write_text(&mut object, kv.key.as_str());
        object.push(b':');
        write_argument(&mut object, kv, integers);
    }
    object.push(b'}');
    String::from_utf8(object).ok().map(Content::Json)
}

/// The value as JSON; a `u64` that no attribute can hold is still a number there.
fn write_argument(object: &mut Vec<u8>, kv: &KeyValue, integers: &[StringValue]) {
    match &kv.value {
        Value::String(text) if !is_large(kv, text, integers) => {
            json::write_text(object, text.as_str());
        }
        Value::String(text) => object.extend_from_slice(text.as_str().as_bytes()),
        value => object.extend_from_slice(json_of(value).as_bytes()),
    }
}

fn is_large(kv: &KeyValue, text: &StringValue, integers: &[StringValue]) -> bool {
    integers.iter().any(|name| kv.key.as_str() == name.as_str())
        && text.as_str().parse::<u64>().is_ok()
}

/// Notices that a key came before; may be wrong, but never overlooks one.
#[derive(Default)]
struct Keys {
    seen: u64,
    may_repeat: bool,
}

impl Keys {
    fn add(&mut self, key: &str) {
        let last = key.as_bytes().last().copied().map_or(0, usize::from);
        let bit = 1_u64 << (((key.len() * 5) ^ last) & 63);
        self.may_repeat |= self.seen & bit != 0;
        self.seen |= bit;
    }
}

/// Whether a key comes twice among a few attributes: cheaper than a set.
fn has_duplicates(attributes: &[KeyValue]) -> bool {
    let mut prints = [0; FEW];
    for (at, kv) in attributes.iter().enumerate() {
        let print = fingerprint(kv.key.as_str());
        let alike = prints.get(..at).is_some_and(|before| before.contains(&print));
        if alike && attributes.iter().take(at).any(|other| other.key == kv.key) {
            return true;
        }
        if let Some(place) = prints.get_mut(at) {
            *place = print;
        }
    }
    false
}

/// Each key once, with the value that was set last, where it was set last.
fn keep_last_of_each_key(attributes: &mut Vec<KeyValue>) {
    let mut seen = HashSet::with_capacity_and_hasher(attributes.len(), Seeded::default());
    let mut kept: Vec<bool> =
        attributes.iter().rev().map(|kv| seen.insert(kv.key.as_str())).collect();
    attributes.retain(|_| kept.pop().unwrap_or(true));
}

fn key_named(name: &StringValue) -> Key {
    Key::from(name.as_str().to_owned())
}

fn strings(value: Value) -> Vec<StringValue> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(Array::String(items)) => items,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
