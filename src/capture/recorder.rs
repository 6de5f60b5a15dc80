//! How the setters write: on spans that are recorded, and on no others.

use std::sync::Mutex;

use opentelemetry::trace::{SpanContext, SpanRef, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue, Value};
use serde_core::Serialize;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::capture::exception::Exception;
use crate::capture::json::Json;
use crate::capture::repeated;
use crate::diagnostics::{self, Throttle};
use crate::model::cost::Cost;
use crate::model::id;
use crate::model::text::{Content, first_byte};
use crate::semconv::{private, span as keys};

static WRONG: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));

/// The span's OTel context, when what is written there is kept. Starts the span: before that nobody
/// knows whether it is sampled.
pub(crate) fn recording(span: &Span) -> Option<Context> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    context.span().is_recording().then_some(context)
}

/// Text, which needs a copy at most: the span is not started for it.
pub(crate) fn set_text(span: &Span, key: &'static str, text: &str) {
    if !span.is_disabled() {
        span.set_attribute(key, Value::String(repeated::value(text)));
    }
}

/// JSON in an attribute that is known to hold it.
pub(crate) fn set_content<T: Serialize + ?Sized>(span: &Span, key: &'static str, value: &T) {
    if let Some(context) = recording(span) {
        context.span().set_attribute(KeyValue::new(key, to_json(value)));
    }
}

/// JSON in any attribute.
pub(crate) fn set_json<T: Serialize + ?Sized>(span: &Span, key: &'static str, value: &T) {
    if let Some(context) = recording(span) {
        write_json(&context.span(), key, to_json(value));
    }
}

/// A scalar typed, a structure as its text, which is noted.
pub(crate) fn write_json(span: &SpanRef<'_>, key: &'static str, json: String) {
    let structured = matches!(first_byte(&json), Some(b'{' | b'['));
    if let Some(value) = Content::from_text(json).said() {
        span.set_attribute(KeyValue::new(key, Value::from(value)));
    }
    if structured {
        span.set_attribute(KeyValue::new(private::JSON, key));
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

/// An exception event, and the status that goes with it.
pub(crate) fn record_exception(span: &Span, exception: impl FnOnce() -> Exception) {
    if let Some(context) = recording(span) {
        exception().record(&context.span());
    }
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut json = Json::default();
    json.value(value);
    json.into_text()
}

fn warn(text: &str) {
    diagnostics::warn_rarely(&WRONG, text);
}
