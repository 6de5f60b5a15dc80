//! Which parts of a context `init` passes on.

use std::collections::HashMap;

use mlflow_tracing::opentelemetry::baggage::BaggageExt as _;
use mlflow_tracing::opentelemetry::propagation::TextMapPropagator;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue, global};

use crate::support::app::conserved;
use crate::support::child;
use crate::support::scratch::Scratch;
use crate::support::time::PATIENCE;

/// Checks in a process of its own which headers a context becomes.
fn becomes(test: &str, value: Option<&str>, expected: &[&str]) -> Option<child::Said> {
    let scratch = Scratch::new();
    let directory = ("MLFLOW_TRACING_DIRECTORY", scratch.path().to_str().unwrap());
    let value = value.map(|value| ("OTEL_PROPAGATORS", value));
    let environment: Vec<_> = [directory].into_iter().chain(value).collect();
    child::run(&format!("variables::propagators::{test}"), &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        let span = guard.provider().tracer("test").start("span");
        let context = Context::new().with_span(span).with_baggage([KeyValue::new("key", "value")]);
        let mut headers = HashMap::new();
        global::get_text_map_propagator(|propagator: &dyn TextMapPropagator| {
            propagator.inject_context(&context, &mut headers);
        });
        let mut names: Vec<_> =
            headers.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, expected);
        drop(context);
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
    })
}

#[test]
fn by_default_both() {
    becomes("by_default_both", None, &["baggage", "traceparent"]);
}

#[test]
fn one_of_them_alone() {
    becomes("one_of_them_alone", Some("tracecontext"), &["traceparent"]);
}

#[test]
fn the_other_alone() {
    becomes("the_other_alone", Some("baggage"), &["baggage"]);
}

#[test]
fn none() {
    becomes("none", Some("none"), &[]);
}

#[test]
fn what_needs_a_crate_of_its_own_is_told() {
    let test = "what_needs_a_crate_of_its_own_is_told";
    let said = becomes(test, Some("b3,tracecontext"), &["traceparent"]);
    let Some(said) = said else { return };
    assert!(said.stderr.contains("OTEL_PROPAGATORS names `b3`"), "{said:?}");
}
