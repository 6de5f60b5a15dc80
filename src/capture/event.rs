//! What a `tracing` event means for the span it happens in.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};

use opentelemetry::{KeyValue, StringValue, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use crate::capture::filter::is_infrastructure;
use crate::semconv::otel;

const MESSAGE: &str = "message";
const RETURN: &str = "return";
const ERROR: &str = "error";
/// Fields by which the `log` bridge says where a record comes from.
const LOG_PREFIX: &str = "log.";
const LOG_TARGET: &str = "log.target";

/// What an event tells.
pub(crate) enum Told {
    /// `#[instrument(ret)]`: what the function returned.
    Returned(String),
    /// `#[instrument(err)]`: why the function failed.
    Failed(String),
    /// Anything else that happened.
    Happened(Happening),
}

/// An event as `OpenTelemetry` knows it.
pub(crate) struct Happening {
    pub(crate) name: String,
    pub(crate) attributes: Vec<KeyValue>,
}

/// Reads an event that happened in a span with metadata `span`; `None` when it is not to be kept.
pub(crate) fn read(event: &Event<'_>, span: &Metadata<'_>) -> Option<Told> {
    let own = is_of_instrument(event.metadata(), span);
    let mut visitor = Visitor::default();
    event.record(&mut visitor);
    match own {
        Some(RETURN) => return visitor.first_text().map(Told::Returned),
        Some(ERROR) => return visitor.first_text().map(Told::Failed),
        _ => {}
    }
    let metadata = event.metadata();
    let Visitor { message, mut attributes, log_target } = visitor;
    let target = log_target.unwrap_or_else(|| metadata.target().to_owned());
    if is_infrastructure(&target) {
        return None;
    }
    attributes.push(KeyValue::new("level", metadata.level().as_str()));
    attributes.push(KeyValue::new("target", target));
    let name = message.unwrap_or_else(|| metadata.name().to_owned());
    Some(Told::Happened(Happening { name, attributes }))
}

/// The one field of an event that `#[instrument]` itself emits.
///
/// Its callsite has the place of the span's own, which no event in the function's body has; an
/// application may use the same field names.
fn is_of_instrument(event: &Metadata<'_>, span: &Metadata<'_>) -> Option<&'static str> {
    if event.line() != span.line() || event.file() != span.file() || event.fields().len() != 1 {
        return None;
    }
    event.fields().iter().next().map(|field| field.name())
}

#[derive(Default)]
struct Visitor {
    message: Option<String>,
    attributes: Vec<KeyValue>,
    log_target: Option<String>,
}

impl Visitor {
    fn first_text(self) -> Option<String> {
        self.attributes.into_iter().next().map(|kv| kv.value.as_str().into_owned())
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        let value = value.into();
        match field.name() {
            MESSAGE => self.message = Some(value.as_str().into_owned()),
            LOG_TARGET => self.log_target = Some(value.as_str().into_owned()),
            name if name.starts_with(LOG_PREFIX) => {}
            name => self.attributes.push(KeyValue::new(name, value)),
        }
    }
}

impl Visit for Visitor {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_integer(field, i64::try_from(value).ok(), &value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.record_integer(field, i64::try_from(value).ok(), &value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record_integer(field, i64::try_from(value).ok(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, formatted(value));
    }

    /// The same expansion as the OTel layer gives an error: message and chain of causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let message = value.to_string();
        let chain = Value::Array(causes(value).into());
        self.attributes.push(KeyValue::new(otel::EXCEPTION_MESSAGE, message.clone()));
        self.attributes.push(KeyValue::new(otel::EXCEPTION_STACKTRACE, chain.clone()));
        self.attributes.push(KeyValue::new(format!("{}.chain", field.name()), chain));
        self.add(field, message);
    }
}

impl Visitor {
    fn record_integer(&mut self, field: &Field, typed: Option<i64>, value: &dyn fmt::Display) {
        match typed {
            Some(integer) => self.add(field, integer),
            None => self.add(field, value.to_string()),
        }
    }
}

/// The value's debug form, without growing memory from nothing for each.
fn formatted(value: &dyn fmt::Debug) -> String {
    const MAX_KEPT: usize = 64 * 1024;
    thread_local! {
        static BUFFER: Cell<String> = const { Cell::new(String::new()) };
    }
    // Taken, not borrowed: formatting may run code of the program's, and events in it.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    // What a value's own code refuses to write is left out.
    let _ = write!(buffer, "{value:?}");
    let text = buffer.as_str().to_owned();
    if buffer.capacity() <= MAX_KEPT {
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    text
}

/// The messages of an error's causes, nearest first.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> Vec<StringValue> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(StringValue::from(cause.to_string()));
        next = cause.source();
    }
    causes
}
