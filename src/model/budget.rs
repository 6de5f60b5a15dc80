//! How much of a span is kept: content is cut, and what a trace is read by is not.
//!
//! Cut are inputs, outputs, what the GenAI conventions have for them, the program's own attributes, and
//! the texts of events and links; only when that is not enough, what a status says. Never cut are type,
//! model, usage, cost, ids, and whatever describes the trace. What was cut is named in an attribute of
//! the span, with its size before.

use opentelemetry::trace::{Event, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::Map;

use crate::model::shorten::{either, level};
use crate::model::span::Span;
use crate::model::text::Content;
use crate::semconv::{otel, span as keys};

/// What attributes begin with that are MLflow's, the conventions', or ours.
const RESERVED: [&str; 5] = ["mlflow.", "gen_ai.", "session.id", "user.id", "mlflow_tracing."];

/// Content among them.
const CONTENT: [&str; 8] = [
    keys::CHAT_TOOLS,
    keys::DESCRIPTION,
    otel::GEN_AI_INPUT_MESSAGES,
    otel::GEN_AI_OUTPUT_MESSAGES,
    otel::GEN_AI_INSTRUCTIONS,
    otel::GEN_AI_TOOL_DEFINITIONS,
    otel::GEN_AI_TOOL_ARGUMENTS,
    otel::GEN_AI_TOOL_RESULT,
];

/// To how much values are cut one after the other, before the next kind is touched, and before any is
/// left out.
const LEAST: [usize; 2] = [1024, 64];

/// Bytes that an attribute takes beside key and value.
const PER_ATTRIBUTE: usize = 16;
/// Bytes that a number takes.
const PER_NUMBER: usize = 12;

/// What attributes of a span are never cut off or cut short for.
pub(crate) fn is_reserved(key: &str) -> bool {
    RESERVED.iter().any(|prefix| key.starts_with(prefix))
}

fn is_content(key: &str) -> bool {
    !is_reserved(key) || CONTENT.contains(&key)
}

/// Cuts every value that is longer than `max` bytes.
pub(crate) fn limit_values(span: &mut Span, max: usize) {
    let mut cuts = Cuts::default();
    for kind in [Kind::Content, Kind::Attribute, Kind::Event] {
        each(span, kind, &mut |name, value| cuts.cut(name, value, max));
    }
    cuts.mark(span);
}

/// Whether inputs or outputs are longer than `max` bytes. They are made of attributes, and can be longer
/// than these.
pub(crate) fn has_long_content(span: &Span, max: usize) -> bool {
    let is_long = |content: &Option<Content>| {
        content.as_ref().is_some_and(|content| content.as_str().len() > max)
    };
    is_long(&span.inputs) || is_long(&span.outputs)
}

/// Cuts a span that is written in `bytes`, so that it can be written in about `max`; more than that
/// with every further attempt.
pub(crate) fn limit_span(span: &mut Span, bytes: usize, max: usize, attempt: usize) {
    let too_much = bytes.saturating_sub(max) * (2 + attempt) / 2;
    // A byte that is escaped, or said twice, is written as several.
    let of_written = |size: usize| size.min(bytes).saturating_mul(too_much) / bytes.max(1);
    let mut excess = of_written(size(span)).max(too_much.min(1));
    let mut cuts = Cuts::default();
    for least in LEAST {
        for kind in [Kind::Content, Kind::Attribute, Kind::Event, Kind::Status] {
            if excess == 0 {
                break;
            }
            let mut sizes = Vec::new();
            each(span, kind, &mut |_, value| sizes.push(value.bytes()));
            let all: usize = sizes.iter().sum();
            let length = level(&sizes, all.saturating_sub(excess), least).unwrap_or(least);
            let mut left = 0;
            each(span, kind, &mut |name, mut value| {
                cuts.cut(name, value.again(), length);
                left += value.bytes();
            });
            excess = excess.saturating_sub(all.saturating_sub(left));
        }
    }
    if excess > 0 {
        leave_out(span, too_much, bytes);
    }
    cuts.mark(span);
}

/// All that can be cut, in bytes.
fn size(span: &mut Span) -> usize {
    let mut all = 0;
    for kind in [Kind::Content, Kind::Attribute, Kind::Event, Kind::Status] {
        each(span, kind, &mut |_, value| all += value.bytes());
    }
    all
}

/// Kinds of what can be cut, in the order in which it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Content,
    Attribute,
    Event,
    Status,
}

/// Something that can be cut.
enum Cuttable<'a> {
    Content(&'a mut Content),
    Value(&'a mut Value),
    Status(&'a mut Status),
}

impl Cuttable<'_> {
    fn again(&mut self) -> Cuttable<'_> {
        match self {
            Self::Content(content) => Cuttable::Content(content),
            Self::Value(value) => Cuttable::Value(value),
            Self::Status(status) => Cuttable::Status(status),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Content(content) => content.as_str().len(),
            Self::Value(value) => bytes_of(value),
            Self::Status(Status::Error { description }) => description.len(),
            Self::Status(_) => 0,
        }
    }

    fn cut(self, max: usize) {
        match self {
            Self::Content(content) => content.shorten(max),
            Self::Value(Value::String(text)) => {
                *text = StringValue::from(either(text.as_str(), max).into_owned());
            }
            Self::Value(Value::Array(array)) => cut_array(array, max),
            Self::Status(Status::Error { description }) => {
                *description = either(description, max).into_owned().into();
            }
            Self::Value(_) | Self::Status(_) => {}
        }
    }
}

/// Hands out everything of a kind, with its name.
fn each(span: &mut Span, kind: Kind, take: &mut dyn FnMut(Name<'_>, Cuttable<'_>)) {
    match kind {
        Kind::Content => {
            for (key, content) in
                [(keys::INPUTS, &mut span.inputs), (keys::OUTPUTS, &mut span.outputs)]
            {
                if let Some(content) = content {
                    take(Name::Own(key), Cuttable::Content(content));
                }
            }
        }
        Kind::Attribute => {
            let own = span.data.attributes.iter_mut().filter(|kv| is_content(kv.key.as_str()));
            for kv in span.arguments.iter_mut().chain(own) {
                take(Name::Own(kv.key.as_str()), Cuttable::Value(&mut kv.value));
            }
        }
        Kind::Event => {
            let events = span.data.events.events.iter_mut().map(|event| &mut event.attributes);
            let links = span.data.links.links.iter_mut().map(|link| &mut link.attributes);
            let places = events.enumerate().map(|(at, list)| ("events", at, list));
            for (place, at, list) in
                places.chain(links.enumerate().map(|(at, list)| ("links", at, list)))
            {
                for kv in list {
                    take(Name::In(place, at, kv.key.as_str()), Cuttable::Value(&mut kv.value));
                }
            }
        }
        Kind::Status => take(Name::Own("status"), Cuttable::Status(&mut span.data.status)),
    }
}

/// What a value is called.
#[derive(Clone, Copy)]
enum Name<'a> {
    Own(&'a str),
    /// An attribute of the event or link at a place.
    In(&'static str, usize, &'a str),
}

/// Names of what was cut, and sizes before.
#[derive(Default)]
struct Cuts(Map<String, serde_json::Value>);

impl Cuts {
    /// Names in the mark: of very many events not each is worth its place.
    const MAX: usize = 128;

    fn cut(&mut self, name: Name<'_>, value: Cuttable<'_>, max: usize) {
        let bytes = value.bytes();
        if bytes <= max {
            return;
        }
        if self.0.len() < Self::MAX {
            let name = match name {
                Name::Own(key) => key.to_owned(),
                Name::In(place, at, key) => format!("{place}.{at}.{key}"),
            };
            self.0.entry(name).or_insert_with(|| bytes.into());
        }
        value.cut(max);
    }

    /// Writes down what was cut; what was cut before keeps its first size.
    fn mark(mut self, span: &mut Span) {
        if self.0.is_empty() {
            return;
        }
        let attributes = &mut span.data.attributes;
        if let Some(at) = attributes.iter().position(|kv| kv.key.as_str() == keys::TRUNCATED) {
            let before = attributes.remove(at).value;
            let before: Option<Map<_, _>> = serde_json::from_str(&before.as_str()).ok();
            self.0.extend(before.unwrap_or_default());
        }
        let json = serde_json::Value::Object(self.0).to_string();
        attributes.push(KeyValue::new(keys::TRUNCATED, json));
    }
}

/// Leaves out the last events, and then the last of the program's attributes, until as great a part of
/// them is gone as `excess` is of `bytes`; they are counted as dropped.
fn leave_out(span: &mut Span, excess: usize, bytes: usize) {
    let of = |kv: &KeyValue| PER_ATTRIBUTE + kv.key.as_str().len() + bytes_of(&kv.value);
    let of_event = |event: &Event| {
        PER_ATTRIBUTE + event.name.len() + event.attributes.iter().map(of).sum::<usize>()
    };
    let events = &mut span.data.events;
    let own = span.data.attributes.iter().filter(|kv| !is_reserved(kv.key.as_str()));
    let all = own.chain(&span.arguments).map(of).sum::<usize>()
        + events.events.iter().map(of_event).sum::<usize>();
    let mut left = all.saturating_mul(excess) / bytes.max(1) + 1;
    while left > 0 {
        let Some(event) = events.events.pop() else { break };
        left = left.saturating_sub(of_event(&event));
        events.dropped_count = events.dropped_count.saturating_add(1);
    }
    let dropped = &mut span.data.dropped_attributes_count;
    let mut keep = |kv: &KeyValue| {
        let keep = left == 0 || is_reserved(kv.key.as_str());
        if !keep {
            left = left.saturating_sub(of(kv));
            *dropped = dropped.saturating_add(1);
        }
        keep
    };
    for list in [&mut span.data.attributes, &mut span.arguments] {
        let mut kept: Vec<bool> = list.iter().rev().map(&mut keep).collect();
        list.retain(|_| kept.pop().unwrap_or(true));
    }
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(items)) => {
            items.iter().map(|item| PER_NUMBER + item.as_str().len()).sum()
        }
        Value::Array(Array::Bool(items)) => items.len() * PER_NUMBER,
        Value::Array(Array::I64(items)) => items.len() * PER_NUMBER,
        Value::Array(Array::F64(items)) => items.len() * PER_NUMBER,
        _ => PER_NUMBER,
    }
}

/// Texts are cut short before any is left out; of numbers the last are.
fn cut_array(array: &mut Array, max: usize) {
    let count = max / PER_NUMBER;
    match array {
        Array::Bool(items) => items.truncate(count),
        Array::I64(items) => items.truncate(count),
        Array::F64(items) => items.truncate(count),
        Array::String(items) => {
            const LEAST: usize = 48;
            items.truncate(max / (PER_NUMBER + LEAST));
            let sizes: Vec<usize> = items.iter().map(|item| item.as_str().len()).collect();
            let room = max.saturating_sub(items.len() * PER_NUMBER);
            let length = level(&sizes, room, LEAST).unwrap_or(LEAST);
            for item in items {
                *item = StringValue::from(either(item.as_str(), length).into_owned());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
