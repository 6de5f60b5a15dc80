//! Why an operation failed.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use opentelemetry::trace::{SpanRef, Status};
use opentelemetry::{KeyValue, StringValue, Value};

use crate::capture::event::causes;
use crate::semconv::otel;

/// What a span is told of a failure.
#[derive(Debug)]
pub struct Exception {
    kind: &'static str,
    message: String,
    causes: Vec<StringValue>,
}

impl Exception {
    /// A failure of type `kind`, of which no more is known than words.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new() }
    }

    /// An error with the errors that caused it.
    pub fn of_error<E: Error + ?Sized>(kind: &'static str, error: &E) -> Self {
        let mut chain = Vec::new();
        if let Some(cause) = error.source() {
            chain.push(StringValue::from(said(format_args!("{cause}"))));
            chain.extend(causes(cause));
        }
        Self { kind, message: said(format_args!("{error}")), causes: chain }
    }

    /// The same, told by the debug form of `error`.
    #[must_use]
    pub fn in_debug<E: Debug + ?Sized>(mut self, error: &E) -> Self {
        self.message = said(format_args!("{error:?}"));
        self
    }

    /// Writes it down as an event and as the span's status.
    pub(crate) fn record(self, span: &SpanRef<'_>) {
        let mut attributes = vec![
            KeyValue::new(otel::EXCEPTION_MESSAGE, self.message.clone()),
            KeyValue::new(otel::EXCEPTION_TYPE, self.kind),
        ];
        if !self.causes.is_empty() {
            let chain = Value::Array(self.causes.into());
            attributes.push(KeyValue::new(otel::EXCEPTION_STACKTRACE, chain));
        }
        span.add_event(otel::EXCEPTION, attributes);
        span.set_status(Status::error(self.message));
    }
}

/// Text of a program's code; what that refuses to write is left out, where `to_string` panics.
pub(crate) fn said(what: std::fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    let _ = text.write_fmt(what);
    text
}
