//! The values of fields, of spans and of events, as those of attributes.

use std::error::Error;
use std::fmt::{self, Display, Write as _};

use opentelemetry::{KeyValue, StringValue, Value};
use tracing::field::{Field, Visit};

use crate::capture::{buffer, repeated};
use crate::semconv::otel;

/// Where values go.
pub(crate) trait Take {
    /// The value of a field: a number, where an attribute can hold it.
    fn take(&mut self, field: &Field, value: Value);

    /// An unsigned integer, or one of 128 bits, which an OTel layer takes for text; `typed` where an
    /// attribute can hold it.
    fn take_wide(&mut self, field: &Field, typed: Option<i64>, text: &dyn Display) {
        match typed {
            Some(integer) => self.take(field, integer.into()),
            None => self.take(field, text.to_string().into()),
        }
    }

    /// What an error says beside its message.
    fn take_more(&mut self, more: KeyValue);
}

/// Reads fields.
pub(crate) struct Reader<T>(pub(crate) T);

impl<T: Take> Visit for Reader<T> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.take(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.take_wide(field, i64::try_from(value).ok(), &value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.take_wide(field, i64::try_from(value).ok(), &value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.take_wide(field, i64::try_from(value).ok(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.take(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.take(field, Value::String(repeated::value(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.take(field, formatted(value).into());
    }

    /// The expansion that the OTel layer gives an error: message and chain of causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let message = value.to_string();
        let chain = Value::Array(causes(value).into());
        self.0.take_more(KeyValue::new(otel::EXCEPTION_MESSAGE, message.clone()));
        self.0.take_more(KeyValue::new(otel::EXCEPTION_STACKTRACE, chain.clone()));
        self.0.take(field, message.into());
        self.0.take_more(KeyValue::new(format!("{}.chain", field.name()), chain));
    }
}

/// The value's debug form.
fn formatted(value: &dyn fmt::Debug) -> String {
    let mut text = String::from_utf8(buffer::take()).unwrap_or_default();
    // What a value's own code refuses to write is left out.
    let _ = write!(text, "{value:?}");
    buffer::settled(text)
}

/// The messages of an error's causes, nearest first.
fn causes(error: &(dyn Error + 'static)) -> Vec<StringValue> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(StringValue::from(cause.to_string()));
        next = cause.source();
    }
    causes
}

/// The value as text, which it nearly always is.
pub(crate) fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text.into(),
        other => other.as_str().into_owned(),
    }
}
