//! What is said of a whole trace, before it begins and while it runs, and whether there is one.

mod callers;
mod ids;
mod scope;
mod switch;
mod tasks;
mod update;

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use serde_json::{Value, json};
use tracing::info_span;

use crate::support::app::Traced;
use crate::support::server::Route;
use crate::support::spans::{Got, Spans};

/// The trace infos that came.
fn infos(traced: &Traced) -> Vec<Value> {
    let requests = traced.server.requests(Route::TraceInfo);
    requests.iter().map(|request| request.json()["trace"]["trace_info"].clone()).collect()
}

/// A root of this name that has a child.
fn family(name: &str) {
    let root = info_span!("root", otel.name = name);
    root.in_scope(|| info_span!("child").in_scope(|| ()));
}

/// A parent in another process.
fn remote(flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(0x0102_u128), SpanId::from(0x03_u64));
    let parent = SpanContext::new(trace, span, flags, true, TraceState::default());
    Context::new().with_remote_span_context(parent)
}

fn session(span: &Got) -> Value {
    span.attribute("session.id").unwrap_or_default()
}

/// Session of the one span of each name.
fn sessions(spans: &Spans, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| session(spans.one(name))).collect()
}

fn said(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| if word.is_empty() { Value::Null } else { json!(word) }).collect()
}
