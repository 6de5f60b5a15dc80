//! What a span of the scenario carries, said with this crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState as OtelTraceState,
};
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use mlflow_tracing::{
    Cost, LogLevel, MlflowSpanExt as _, TokenUsage, TraceContext, TraceState, update_current_trace,
};
use tracing::Span;

use super::json::Json;
use super::player::Made;
use super::scenario;
use super::value::{Given, attributes};

/// What is said before the children begin; a function's attributes are its own to say.
pub(crate) fn begin(span: &Span, told: &scenario::Span, made: &Made) {
    if let Some(inputs) = &told.inputs {
        span.set_inputs(&Given(inputs));
    }
    if !told.how.is_function() {
        for (key, value) in told.attributes.fields() {
            // The API wants a name that the program knows.
            span.set_json_attribute(key.clone().leak(), &Given(value));
        }
    }
    if let Some(text) = &told.description {
        span.set_description(text);
    }
    if let Some(level) = &told.log_level {
        span.set_log_level(log_level(level));
    }
    model(span, told);
    for link in &told.links {
        point(span, link, made);
    }
    for event in &told.events {
        let (name, attributes) = (event.name.clone(), attributes(&event.attributes));
        match event.time {
            Some(nanos) => span.add_event_with_timestamp(name, at(nanos), attributes),
            None => span.add_event(name, attributes),
        }
    }
}

fn model(span: &Span, told: &scenario::Span) {
    if let Some(name) = &told.model {
        span.set_model(name);
    }
    if let Some(name) = &told.provider {
        span.set_provider(name);
    }
    if let Some(format) = &told.message_format {
        span.set_message_format(format);
    }
    if let Some(told) = &told.usage {
        span.set_token_usage(&usage(told));
    }
    if let Some(told) = &told.cost {
        let cost = Cost::new(told.input_cost, told.output_cost).with_total(told.total_cost);
        span.set_cost(&cost);
    }
    if let Some(tools) = &told.tools {
        span.set_chat_tools(tools);
    }
}

fn usage(told: &scenario::Usage) -> TokenUsage {
    let usage = TokenUsage::new(told.input_tokens, told.output_tokens);
    let usage = usage.with_total(told.total_tokens);
    let usage = match told.cache_read_input_tokens {
        Some(tokens) => usage.with_cache_read(tokens),
        None => usage,
    };
    match told.cache_creation_input_tokens {
        Some(tokens) => usage.with_cache_creation(tokens),
        None => usage,
    }
}

/// What is said after the children have ended; a function returns its outputs.
pub(crate) fn end(span: &Span, told: &scenario::Span) {
    if let (Some(outputs), false) = (&told.outputs, told.how.is_function()) {
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

/// What is said of traces before they begin.
pub(crate) fn context(told: &scenario::TraceUpdate) -> TraceContext {
    let mut context = mlflow_tracing::context();
    if let Some(enabled) = told.enabled {
        context = context.enabled(enabled);
    }
    if let Some(id) = &told.session_id {
        context = context.session(id);
    }
    if let Some(id) = &told.user {
        context = context.user(id);
    }
    let tags = told.tags.iter();
    context = tags.fold(context, |context, (key, value)| context.tag(key, value));
    let metadata = told.metadata.iter();
    metadata.fold(context, |context, (key, value)| context.metadata(key, value))
}

/// Says something of the trace that is under way.
pub(crate) fn update(told: &scenario::TraceUpdate) {
    let trace = update_current_trace();
    if let Some(id) = &told.session_id {
        trace.session(id);
    }
    if let Some(id) = &told.user {
        trace.user(id);
    }
    if let Some(id) = &told.client_request_id {
        trace.client_request_id(id);
    }
    if let Some(text) = &told.request_preview {
        trace.request_preview(text);
    }
    if let Some(text) = &told.response_preview {
        trace.response_preview(text);
    }
    if let Some(id) = &told.model_id {
        trace.model_id(id);
    }
    if let Some(word) = &told.state {
        trace.state(state(word));
    }
    for (key, value) in &told.tags {
        trace.tag(key, value);
    }
    for (key, value) in &told.metadata {
        trace.metadata(key, value);
    }
}

fn state(word: &str) -> TraceState {
    match word {
        "OK" => TraceState::Ok,
        "ERROR" => TraceState::Error,
        unknown => panic!("no such state: {unknown}"),
    }
}

fn log_level(name: &str) -> LogLevel {
    match name {
        "DEBUG" => LogLevel::Debug,
        "INFO" => LogLevel::Info,
        "WARNING" => LogLevel::Warning,
        "ERROR" => LogLevel::Error,
        "CRITICAL" => LogLevel::Critical,
        unknown => panic!("no such level: {unknown}"),
    }
}

fn point(span: &Span, link: &scenario::Link, made: &Made) {
    if let Some(earlier) = &link.to {
        return span.add_link(made[earlier][0].clone());
    }
    let (trace_id, span_id) = (link.trace_id.as_ref().unwrap(), link.span_id.as_ref().unwrap());
    if link.attributes.fields().is_empty() {
        span.add_span_link(&format!("tr-{trace_id}"), span_id);
        return;
    }
    let target = SpanContext::new(
        TraceId::from_hex(trace_id).unwrap(),
        SpanId::from_hex(span_id).unwrap(),
        TraceFlags::SAMPLED,
        true,
        OtelTraceState::default(),
    );
    span.add_link_with_attributes(target, attributes(&link.attributes));
}

pub(crate) fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Texts, one after the other.
pub(crate) fn joined(items: &[Json]) -> String {
    items.iter().map(Json::text).collect()
}
