//! The OTLP dialect → the span as it was captured, so that a destination gets what it gets live.
//!
//! The dialect of collectors repeats in attributes what the inputs say, and adds words of the GenAI
//! conventions; an MLflow server is sent neither. Pure.

use std::collections::VecDeque;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::export::otlp::additions;
use crate::model::span::Span;
use crate::model::text::{Content, json_of};
use crate::process::meaning;
use crate::semconv::{private, span as keys};

/// What the dialect adds begins with this, and comes last.
const ADDED_PREFIX: &str = "gen_ai.";
const MOST_ADDED: usize = 8;

/// The span with notes as the capturing layer makes them, and without what the dialect added.
pub(super) fn as_captured(mut data: SpanData) -> SpanData {
    let may_be_added = |kv: &KeyValue| kv.key.as_str().starts_with(ADDED_PREFIX);
    let said = data.attributes.iter().rposition(|kv| !may_be_added(kv)).map_or(0, |at| at + 1);
    let mut last = VecDeque::from(data.attributes.split_off(said));
    let mut span = meaning::of(data);
    // The first of them may have been said: added is what the dialect adds to all that was.
    while !last.is_empty() && (last.len() > MOST_ADDED || last != additions(&span)) {
        span.data.attributes.extend(last.pop_front());
    }

    let arguments = span
        .inputs
        .as_ref()
        .and_then(|inputs| Arguments::that_say(inputs.as_str(), &span.data.attributes));
    let Span { mut data, inputs, outputs, json_keys, .. } = span;
    let attributes = &mut data.attributes;
    attributes
        .extend(json_keys.into_iter().map(|key| KeyValue::new(private::JSON, String::from(key))));
    attributes.extend(outputs.map(|outputs| content(keys::OUTPUTS, outputs)));
    match arguments {
        Some(arguments) => attributes.extend(arguments.into_notes()),
        None => attributes.extend(inputs.map(|inputs| content(keys::INPUTS, inputs))),
    }
    data
}

/// Text says the same as the typed value that it was made of.
fn content(key: &'static str, content: Content) -> KeyValue {
    let (Content::Json(text) | Content::Text(text)) = content;
    KeyValue::new(key, text)
}

/// Names of attributes that were arguments.
#[derive(Debug, Default, PartialEq)]
struct Arguments {
    fields: Vec<StringValue>,
    /// Those that were integers too large for an attribute.
    integers: Vec<StringValue>,
}

impl Arguments {
    /// The first attributes, when the inputs are made of them, byte for byte.
    fn that_say(inputs: &str, attributes: &[KeyValue]) -> Option<Self> {
        let mut arguments = Self::default();
        let mut rest = inputs.strip_prefix('{')?;
        for kv in attributes {
            let name = StringValue::from(kv.key.as_str().to_owned());
            rest = rest.strip_prefix(&json_of(&Value::String(name.clone())))?.strip_prefix(':')?;
            rest = match (rest.strip_prefix(&json_of(&kv.value)), &kv.value) {
                (Some(rest), _) => rest,
                (None, Value::String(text)) if is_large(text.as_str()) => {
                    arguments.integers.push(name.clone());
                    rest.strip_prefix(text.as_str())?
                }
                _ => return None,
            };
            arguments.fields.push(name);
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        // The parts of an error are no argument, whatever else they are.
        let is_error = |name: &StringValue| {
            let chain = format!("{name}.chain");
            attributes.iter().any(|kv| kv.key.as_str() == chain)
        };
        let made_of_them = rest == "}" && !arguments.fields.is_empty();
        (made_of_them && !arguments.fields.iter().any(is_error)).then_some(arguments)
    }

    fn into_notes(self) -> [KeyValue; 2] {
        let names = |names| Value::Array(Array::String(names));
        [
            KeyValue::new(private::FIELDS, names(self.fields)),
            KeyValue::new(private::INTEGERS, names(self.integers)),
        ]
    }
}

/// Whether `text` is an integer that needs all of 64 bits without sign.
fn is_large(text: &str) -> bool {
    text.parse::<u64>().is_ok() && text.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests;
