//! Why an operation failed.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanRef, Status};

use crate::semconv::otel;

/// `exception.type` of a failure whose type is not known, or says nothing: text, a boxed error.
const UNKNOWN_TYPE: &str = "Error";

/// What a span is told of a failure.
#[derive(Debug)]
pub struct Exception {
    kind: &'static str,
    message: String,
    /// The messages of what caused it, nearest first.
    causes: Vec<String>,
}

impl Exception {
    /// A failure of type `kind`, of which no more is known than words.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        let says_nothing = matches!(kind, "alloc::string::String" | "&str" | "()");
        let kind = if says_nothing || kind.contains("dyn ") { UNKNOWN_TYPE } else { kind };
        Self { kind, message: message.into(), causes: Vec::new() }
    }

    /// A failure of which no more is known than words.
    pub(crate) fn of_unknown_type(message: &str) -> Self {
        Self::new(UNKNOWN_TYPE, message)
    }

    /// An error with the errors that caused it.
    pub fn of_error<E: Error + ?Sized>(kind: &'static str, error: &E) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(said(format_args!("{cause}")));
            next = cause.source();
        }
        Self { causes, ..Self::new(kind, said(format_args!("{error}"))) }
    }

    /// The same, of an error whose type is not known.
    pub(crate) fn of_unknown_error(error: &(dyn Error + 'static)) -> Self {
        Self::of_error(UNKNOWN_TYPE, error)
    }

    /// The same, told by the debug form of `error`.
    #[must_use]
    pub fn in_debug<E: Debug + ?Sized>(mut self, error: &E) -> Self {
        self.message = said(format_args!("{error:?}"));
        self
    }

    /// Writes it down as an event and as the span's status.
    pub(crate) fn record(self, span: &SpanRef<'_>) {
        let description = self.description();
        let mut attributes = vec![
            KeyValue::new(otel::EXCEPTION_MESSAGE, self.message),
            KeyValue::new(otel::EXCEPTION_TYPE, self.kind),
        ];
        if !self.causes.is_empty() {
            let trace = format!("{description}\nCaused by: {}", self.causes.join("\nCaused by: "));
            attributes.push(KeyValue::new(otel::EXCEPTION_STACKTRACE, trace));
        }
        span.add_event(otel::EXCEPTION, attributes);
        span.set_status(Status::error(description));
    }

    /// As Python writes it: the type's own name, and the message. Not where the name says nothing,
    /// as most crates' `Error`, or where the message begins with it.
    fn description(&self) -> String {
        let path = self.kind.split('<').next().unwrap_or_default();
        let name = path.rsplit("::").next().unwrap_or(path);
        match self.message.as_str() {
            message if message == self.kind => name.to_owned(),
            message if name == UNKNOWN_TYPE || message.starts_with(name) => message.to_owned(),
            message => format!("{name}: {message}"),
        }
    }
}

/// Text of a program's code; what that refuses to write is left out, where `to_string` panics.
pub(crate) fn said(what: std::fmt::Arguments<'_>) -> String {
    let mut text = String::new();
    let _ = text.write_fmt(what);
    text
}
