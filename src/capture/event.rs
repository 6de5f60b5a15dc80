//! What a `tracing` event means for the span it happens in.

use opentelemetry::{KeyValue, Value};
use tracing::field::Field;
use tracing::{Event, Metadata};

use crate::capture::filter::is_infrastructure;
use crate::capture::values::{Reader, Take, text_of};

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
    let mut fields = Reader(Fields::default());
    event.record(&mut fields);
    let Reader(fields) = fields;
    match own {
        Some(RETURN) => return fields.first_text().map(Told::Returned),
        Some(ERROR) => return fields.first_text().map(Told::Failed),
        _ => {}
    }
    let metadata = event.metadata();
    let Fields { message, mut attributes, log_target } = fields;
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
struct Fields {
    message: Option<String>,
    attributes: Vec<KeyValue>,
    log_target: Option<String>,
}

impl Fields {
    fn first_text(self) -> Option<String> {
        self.attributes.into_iter().next().map(|kv| text_of(kv.value))
    }
}

impl Take for Fields {
    fn take(&mut self, field: &Field, value: Value) {
        match field.name() {
            MESSAGE => self.message = Some(text_of(value)),
            LOG_TARGET => self.log_target = Some(text_of(value)),
            name if name.starts_with(LOG_PREFIX) => {}
            name => self.attributes.push(KeyValue::new(name, value)),
        }
    }

    fn take_more(&mut self, more: KeyValue) {
        self.attributes.push(more);
    }
}
