//! Looks for the fields whose type the OTel layer loses: it writes unsigned and 128-bit integers as
//! text.

use std::fmt;

use tracing::field::{Field, Visit};

/// Names of the fields whose last value was such an integer.
#[derive(Debug, Default)]
pub(crate) struct Integers(pub(crate) Vec<&'static str>);

impl Integers {
    fn add(&mut self, field: &Field) {
        if !self.0.contains(&field.name()) {
            self.0.push(field.name());
        }
    }

    fn remove(&mut self, field: &Field) {
        self.0.retain(|name| *name != field.name());
    }
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
