//! How the setters write: on spans that are recorded, and on no others.

use std::error::Error;
use std::sync::Mutex;

use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue, StringValue, Value};
use serde_core::Serialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::capture::event::causes;
use crate::diagnostics::{self, Throttle};
use crate::model::cost::Cost;
use crate::model::id;
use crate::model::json;
use crate::model::text::{Content, first_byte};
use crate::semconv::{otel, private, span as keys};

/// `exception.type` of an error whose type is not known.
pub(crate) const UNKNOWN_TYPE: &str = "Error";

static WRONG: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));

/// The span's OTel context, when what is written there is kept. Starts the span: before that nobody
/// knows whether it is sampled.
fn recording(span: &Span) -> Option<Context> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    context.span().is_recording().then_some(context)
}

/// Text, which needs no more than a copy: the span is not started for it.
pub(crate) fn set_text(span: &Span, key: &'static str, text: &str) {
    if !span.is_disabled() {
        span.set_attribute(key, text.to_owned());
    }
}

/// JSON in an attribute that is known to hold it.
pub(crate) fn set_content<T: Serialize + ?Sized>(span: &Span, key: &'static str, value: &T) {
    if let Some(context) = recording(span) {
        context.span().set_attribute(KeyValue::new(key, to_json(value)));
    }
}

/// JSON in any attribute, which is noted where it is structure.
pub(crate) fn set_json<T: Serialize + ?Sized>(span: &Span, key: &'static str, value: &T) {
    let Some(context) = recording(span) else { return };
    let json = to_json(value);
    let structured = matches!(first_byte(&json), Some(b'{' | b'['));
    if let Some(value) = Content::from_text(json).said() {
        context.span().set_attribute(KeyValue::new(key, Value::from(value)));
    }
    if structured {
        context.span().set_attribute(KeyValue::new(private::JSON, key));
    }
}

pub(crate) fn set_cost(span: &Span, cost: &Cost) {
    if span.is_disabled() {
        return;
    }
    if cost.is_finite() {
        set_content(span, keys::COST, cost);
    } else {
        warn(&format!("set_cost({cost:?}) has no effect: give amounts that are finite"));
    }
}

pub(crate) fn add_link(span: &Span, trace_id: &str, span_id: &str) {
    if span.is_disabled() {
        return;
    }
    match (id::parse_trace_id(trace_id), id::parse_span_id(span_id)) {
        (Some(trace), Some(id)) => {
            span.add_link(SpanContext::new(
                trace,
                id,
                TraceFlags::default(),
                true,
                TraceState::NONE,
            ));
        }
        (None, _) => warn(&format!(
            "add_span_link: the trace id {trace_id:?} has no effect: give `tr-` and 32 hexadecimal digits"
        )),
        (_, None) => warn(&format!(
            "add_span_link: the span id {span_id:?} has no effect: give 16 hexadecimal digits"
        )),
    }
}

pub(crate) fn record_error(span: &Span, kind: &'static str, error: &(dyn Error + 'static)) {
    if !span.is_disabled() {
        record_failure(span, kind, &error.to_string(), causes(error));
    }
}

/// An exception event, and the status that goes with it.
pub(crate) fn record_failure(
    span: &Span,
    kind: &'static str,
    message: &str,
    causes: Vec<StringValue>,
) {
    let Some(context) = recording(span) else { return };
    let attributes = vec![
        KeyValue::new(otel::EXCEPTION_MESSAGE, message.to_owned()),
        KeyValue::new(otel::EXCEPTION_TYPE, kind),
        KeyValue::new(otel::EXCEPTION_STACKTRACE, Value::Array(causes.into())),
    ];
    context.span().add_event(otel::EXCEPTION, attributes);
    context.span().set_status(Status::error(message.to_owned()));
}

/// JSON text, or the reason why there is none.
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    json::to_string(value).unwrap_or_else(|error| format!("<not serialisable: {error}>"))
}

fn warn(text: &str) {
    diagnostics::warn_rarely(&WRONG, text);
}
