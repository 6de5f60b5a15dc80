//! A span around an operation, from its beginning to its outcome.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use opentelemetry::trace::{SpanRef, Status, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue, Value};
use tracing::Span;

use crate::capture::exception::Exception;
use crate::capture::json::{Json, panic_message};
use crate::capture::recorder;
use crate::model::span_type::SpanType;
use crate::semconv::{private, span as keys};

/// A span that lasts as long as what it is about. Dropped before that, it was cancelled.
pub struct Scope {
    span: Span,
    /// Where to write; nothing, when nobody would read it.
    recording: Option<Context>,
    /// Other handles of the span do not keep it open.
    alone: bool,
    is_over: bool,
}

/// What a panic carries.
pub(crate) type Panic = Box<dyn Any + Send>;

impl Scope {
    /// The scope of a span that nobody else has: it ends with the scope, whatever its children do.
    #[must_use]
    pub fn open(span: Span) -> Self {
        Self::new(span, true)
    }

    /// The scope of a span of the program's, which ends with its last handle.
    pub(crate) fn of(span: Span) -> Self {
        Self::new(span, false)
    }

    fn new(span: Span, alone: bool) -> Self {
        Self { recording: recorder::recording(&span), span, alone, is_over: false }
    }

    /// Whether anything that is told will be kept.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    pub(crate) fn recording(&self) -> Option<SpanRef<'_>> {
        self.recording.as_ref().map(Context::span)
    }

    /// Sets the kind of operation.
    pub fn span_type<'a>(&self, span_type: impl Into<SpanType<'a>>) {
        self.set(keys::TYPE, span_type.into().as_str().to_owned());
    }

    /// Sets the kind of operation, by a name that is known.
    pub fn span_type_named(&self, name: &'static str) {
        self.set(keys::TYPE, name);
    }

    /// Says which function this is.
    pub fn function(&self, name: &'static str) {
        self.set(keys::FUNCTION_NAME, name);
    }

    /// Sets what the operation is given, argument by argument.
    pub fn arguments(&self, write: impl FnOnce(&mut Arguments)) {
        let mut arguments = Arguments::default();
        write(&mut arguments);
        self.set(keys::INPUTS, arguments.into_text());
    }

    /// Sets what the operation is given.
    pub fn inputs(&self, write: impl FnOnce(&mut Json)) {
        self.set(keys::INPUTS, text(write));
    }

    /// Sets an attribute to a value that needs no serialising.
    pub fn attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        self.set(key, value);
    }

    /// Sets an attribute to what is written: a scalar typed, a structure as such.
    pub fn json_attribute(&self, key: &'static str, write: impl FnOnce(&mut Json)) {
        let json = text(write);
        if let Some(span) = self.recording() {
            recorder::write_json(&span, key, json);
        }
    }

    /// Says what the operation returned; what the program has set as outputs wins.
    pub fn returned(&self, write: impl FnOnce(&mut Json)) {
        self.returned_text(text(write));
    }

    pub(crate) fn returned_text(&self, json: String) {
        const NOTHING: &str = "null";
        if json != NOTHING {
            self.set(private::RETURN, json);
        }
    }

    /// Says why the operation failed.
    pub fn failed(&self, exception: Exception) {
        if let Some(span) = self.recording() {
            exception.record(&span);
        }
    }

    /// Runs the operation in the span.
    pub fn run<T>(mut self, body: impl FnOnce() -> T) -> (Self, T) {
        match self.within(body) {
            Ok(value) => (self, value),
            Err(panic) => {
                self.tell_panic(&*panic);
                drop(self);
                // It goes on as it would without us: the hook has been called.
                resume_unwind(panic)
            }
        }
    }

    /// Runs a part of the operation in the span; a panic is caught only where it is told of.
    pub(crate) fn within<T>(&self, part: impl FnOnce() -> T) -> Result<T, Panic> {
        if !self.is_recording() {
            return Ok(self.span.in_scope(part));
        }
        self.span.in_scope(|| catch_unwind(AssertUnwindSafe(part)))
    }

    /// Runs a part of the operation in the span, while that is open. A panic ends it, and goes on.
    pub(crate) fn advance<T>(scope: &mut Option<Self>, part: impl FnOnce() -> T) -> T {
        let Some(open) = scope else { return part() };
        match open.within(part) {
            Ok(value) => value,
            Err(panic) => {
                open.tell_panic(&*panic);
                *scope = None;
                resume_unwind(panic)
            }
        }
    }

    /// Lets go of a part of the operation in the span. A panic goes on, as it would without us.
    pub(crate) fn release(&self, part: impl FnOnce()) {
        self.span.in_scope(part);
    }

    /// Ends the span with what a panic said.
    pub(crate) fn tell_panic(&mut self, panic: &(dyn Any + Send)) {
        const KIND: &str = "panic";
        self.failed(Exception::new(KIND, panic_message(panic)));
        self.end();
    }

    /// Ends the span.
    pub fn end(&mut self) {
        self.is_over = true;
        if let Some(context) = self.recording.take().filter(|_| self.alone) {
            context.span().end();
        }
    }

    fn set(&self, key: impl Into<Key>, value: impl Into<Value>) {
        if let Some(span) = self.recording() {
            span.set_attribute(KeyValue::new(key, value));
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(span) = self.recording() {
            span.set_attribute(KeyValue::new(keys::CANCELLED, true));
            span.set_status(Status::error("cancelled"));
        }
        self.end();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("span", &self.span).finish_non_exhaustive()
    }
}

/// Arguments as one JSON object.
#[derive(Debug, Default)]
pub struct Arguments(Json);

impl Arguments {
    /// Adds an argument.
    pub fn add(&mut self, name: &str, write: impl FnOnce(&mut Json)) {
        self.0.raw(if self.0.len() == 0 { "{" } else { "," });
        self.0.value(name);
        self.0.raw(":");
        write(&mut self.0);
    }

    fn into_text(mut self) -> String {
        self.0.raw(if self.0.len() == 0 { "{}" } else { "}" });
        self.0.into_text()
    }
}

/// What is written, unless the code that writes it panics.
fn text(write: impl FnOnce(&mut Json)) -> String {
    let mut json = Json::default();
    json.guarded(|json| {
        write(json);
        Ok(())
    });
    json.into_text()
}
