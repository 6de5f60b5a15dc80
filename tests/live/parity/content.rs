//! What a span of the scenario carries, said with this crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState,
};
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use mlflow_tracing::{MlflowSpanExt as _, semconv};
use tracing::Span;

use super::json::Json;
use super::player::Made;
use super::scenario::{self, TraceUpdate};
use super::value::{Given, attributes};

/// What is said before the children begin.
pub(crate) fn begin(span: &Span, told: &scenario::Span, made: &Made) {
    use semconv::span as keys;
    if let Some(inputs) = &told.inputs {
        span.set_inputs(&Given(inputs));
    }
    for (key, value) in told.attributes.fields() {
        // The API wants a name that the program knows.
        span.set_json_attribute(key.clone().leak(), &Given(value));
    }
    for (key, text) in [
        (keys::DESCRIPTION, &told.description),
        (keys::MODEL, &told.model),
        (keys::PROVIDER, &told.provider),
        (keys::MESSAGE_FORMAT, &told.message_format),
    ] {
        if let Some(text) = text {
            span.set_attribute(key, text.clone());
        }
    }
    for (key, structure) in [
        (keys::TOKEN_USAGE, &told.usage),
        (keys::COST, &told.cost),
        (keys::CHAT_TOOLS, &told.tools),
    ] {
        if let Some(structure) = structure {
            span.set_json_attribute(key, structure);
        }
    }
    if let Some(level) = &told.log_level {
        span.set_attribute(keys::LOG_LEVEL, log_level(level));
    }
    for link in &told.links {
        span.add_link_with_attributes(target(link, made), attributes(&link.attributes));
    }
    for event in &told.events {
        let (name, attributes) = (event.name.clone(), attributes(&event.attributes));
        match event.time {
            Some(nanos) => span.add_event_with_timestamp(name, at(nanos), attributes),
            None => span.add_event(name, attributes),
        }
    }
}

/// What is said after the children have ended.
pub(crate) fn end(span: &Span, told: &scenario::Span) {
    if let Some(outputs) = &told.outputs {
        span.set_outputs(&Given(outputs));
    }
    if let Some(status) = &told.status {
        span.set_status(match status.code.as_str() {
            "OK" => Status::Ok,
            "ERROR" => Status::error(status.message.clone()),
            unknown => panic!("no such status: {unknown}"),
        });
    }
}

/// Says something of the trace as a whole, on its root.
pub(crate) fn update(root: &Span, told: &TraceUpdate) {
    use semconv::trace as keys;
    for (key, text) in [
        (keys::SESSION, &told.session_id),
        (keys::USER, &told.user),
        (keys::CLIENT_REQUEST_ID, &told.client_request_id),
        (keys::REQUEST_PREVIEW, &told.request_preview),
        (keys::RESPONSE_PREVIEW, &told.response_preview),
        (keys::STATE, &told.state),
        (keys::MODEL_ID, &told.model_id),
    ] {
        if let Some(text) = text {
            root.set_attribute(key, text.clone());
        }
    }
    for (prefix, entries) in
        [(keys::TAG_PREFIX, &told.tags), (keys::METADATA_PREFIX, &told.metadata)]
    {
        for (key, value) in entries {
            root.set_attribute(format!("{prefix}{key}"), value.clone());
        }
    }
}

/// The numbers of Python's `logging`.
fn log_level(name: &str) -> i64 {
    match name {
        "DEBUG" => 10,
        "INFO" => 20,
        "WARNING" => 30,
        "ERROR" => 40,
        "CRITICAL" => 50,
        unknown => panic!("no such level: {unknown}"),
    }
}

fn target(link: &scenario::Link, made: &Made) -> SpanContext {
    if let Some(earlier) = &link.to {
        return made[earlier][0].clone();
    }
    SpanContext::new(
        TraceId::from_hex(link.trace_id.as_ref().unwrap()).unwrap(),
        SpanId::from_hex(link.span_id.as_ref().unwrap()).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

pub(crate) fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Texts, one after the other.
pub(crate) fn joined(items: &[Json]) -> String {
    items.iter().map(Json::text).collect()
}
