//! The fields of a span, and what an OTel layer does not tell of them: it writes unsigned and 128-bit
//! integers as text, and does not say which attributes were fields.

use std::cell::Cell;
use std::fmt;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use tracing::Metadata;
use tracing::field::{Field, Visit};
use tracing::span::Attributes;

use crate::capture::values::{Reader, Take};
use crate::context::scope;
use crate::semconv::private;

/// The fields whose last value was an integer that became text: a bit for each of the first 64, by its
/// place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Integers(u64);

impl Integers {
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn has(self, field: &Field) -> bool {
        self.0 & bit(field) != 0
    }

    fn add(&mut self, field: &Field) {
        self.0 |= bit(field);
    }

    fn remove(&mut self, field: &Field) {
        self.0 &= !bit(field);
    }
}

fn bit(field: &Field) -> u64 {
    u32::try_from(field.index()).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0)
}

impl Visit for Integers {
    fn record_u64(&mut self, field: &Field, _: u64) {
        self.add(field);
    }

    fn record_i128(&mut self, field: &Field, _: i128) {
        self.add(field);
    }

    fn record_u128(&mut self, field: &Field, _: u128) {
        self.add(field);
    }

    fn record_i64(&mut self, field: &Field, _: i64) {
        self.remove(field);
    }

    fn record_f64(&mut self, field: &Field, _: f64) {
        self.remove(field);
    }

    fn record_bool(&mut self, field: &Field, _: bool) {
        self.remove(field);
    }

    fn record_str(&mut self, field: &Field, _: &str) {
        self.remove(field);
    }

    // Never formats: the OTel layer does, once.
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.remove(field);
    }
}

/// Whether a program tells the OTel layer by this field how to make the span.
#[inline]
fn is_for_otel(field: &Field) -> bool {
    field.name().starts_with("otel.")
}

/// Whether a field of this name is an argument: a dotted name is an attribute's.
fn is_argument(name: &str) -> bool {
    !name.bytes().any(|byte| byte == b'.')
}

thread_local! {
    /// Callsites this thread met last, by their address, with whether they have arguments.
    static MET: [Cell<(usize, bool)>; 64] = const { [const { Cell::new((0, false)) }; 64] };
}

/// Whether a callsite has a field that is an argument.
pub(crate) fn has_arguments(callsite: &'static Metadata<'static>) -> bool {
    let address = std::ptr::from_ref(callsite).addr();
    let look = || callsite.fields().iter().any(|field| is_argument(field.name()));
    let known = MET.try_with(|met| {
        let place = met.get(address / align_of_val(callsite) % met.len())?;
        if place.get().0 != address {
            place.set((address, look()));
        }
        Some(place.get().1)
    });
    known.ok().flatten().unwrap_or_else(look)
}

/// What a new span says, in one pass over its fields.
pub(crate) struct Fields {
    pub(crate) attributes: Vec<KeyValue>,
    /// Integers that no attribute can hold.
    pub(crate) large: Integers,
    /// What is said to the OTel layer, such as the span's name: text of fields that are called so.
    pub(crate) otel: Vec<(Field, String)>,
}

impl Fields {
    pub(crate) fn of(new: &Attributes<'_>) -> Self {
        let callsite = new.metadata();
        let mut attributes = Vec::with_capacity(new.fields().len() + 1);
        if new.is_root() {
            attributes.extend(scope::said_of_explicit_root());
        }
        if has_arguments(callsite) {
            attributes.push(arguments(callsite));
        }
        let mut fields = Reader(Self { attributes, large: Integers::default(), otel: Vec::new() });
        new.record(&mut fields);
        fields.0
    }

    #[inline]
    fn say(&mut self, field: &Field, value: Value) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn take_otel(&mut self, field: &Field, value: Value) {
        match value {
            Value::String(text) => self.otel.push((field.clone(), text.into())),
            other => self.say(field, other),
        }
    }
}

impl Take for Fields {
    #[expect(clippy::inline_always, reason = "a twentieth of what reading a field costs")]
    #[inline(always)]
    fn take(&mut self, field: &Field, value: Value) {
        if is_for_otel(field) {
            self.take_otel(field, value);
        } else {
            self.say(field, value);
        }
    }

    fn take_wide(&mut self, field: &Field, typed: Option<i64>, text: &dyn fmt::Display) {
        match typed {
            _ if is_for_otel(field) => self.otel.push((field.clone(), text.to_string())),
            Some(integer) => self.say(field, integer.into()),
            None => {
                self.large.add(field);
                self.say(field, text.to_string().into());
            }
        }
    }

    fn take_more(&mut self, more: KeyValue) {
        self.attributes.push(more);
    }
}

/// The note that names a span's arguments.
pub(crate) fn arguments(callsite: &Metadata<'_>) -> KeyValue {
    let names = callsite.fields().iter().map(|field| field.name());
    note(private::FIELDS, names.filter(|name| is_argument(name)))
}

/// The note that names a span's integers.
pub(crate) fn integers(callsite: &Metadata<'_>, integers: Integers) -> KeyValue {
    let fields = callsite.fields().iter().filter(|field| integers.has(field));
    note(private::INTEGERS, fields.map(|field| field.name()))
}

fn note(key: &'static str, names: impl Iterator<Item = &'static str>) -> KeyValue {
    KeyValue::new(key, Value::Array(Array::String(names.map(StringValue::from).collect())))
}
