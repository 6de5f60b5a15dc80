//! Which traces are recorded.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::Sampler;

use super::{environment, with};
use crate::support::app::{Traced, conserved};
use crate::support::server::Server;
use crate::support::time::PATIENCE;

const ROOTS: usize = 400;

/// Traces of two spans each; returns how many of them arrived, and checks that they did whole.
fn recorded(traced: &Traced) -> usize {
    let api = traced.guard.provider().tracer("test");
    for _ in 0..ROOTS {
        api.in_span("root", |_| api.in_span("child", |_| ()));
    }
    let spans = traced.delivered();
    assert_eq!(traced.conserved().ended, spans.0.len() as u64);
    let roots: Vec<_> = spans.0.iter().filter(|got| got.is_root()).collect();
    assert_eq!(spans.0.len(), 2 * roots.len());
    for child in spans.0.iter().filter(|got| !got.is_root()) {
        assert!(roots.iter().any(|root| child.is_child_of(root)));
    }
    roots.len()
}

fn recorded_with(variables: &[(&str, &str)]) -> usize {
    recorded(&with(Server::collector(), variables))
}

/// Half of the traces, as far as chance may be off once in a universe.
fn is_half(roots: usize) -> bool {
    (ROOTS / 4..=ROOTS * 3 / 4).contains(&roots)
}

#[test]
fn the_sampler_and_its_argument_decide() {
    for prefix in ["", "parentbased_"] {
        let of = |sampler: &str, argument: &str| {
            let sampler = format!("{prefix}{sampler}");
            recorded_with(&[
                ("OTEL_TRACES_SAMPLER", &sampler),
                ("OTEL_TRACES_SAMPLER_ARG", argument),
            ])
        };
        assert_eq!(of("always_on", "0.5"), ROOTS);
        assert_eq!(of("always_off", "0.5"), 0);
        assert_eq!(of("traceidratio", ""), ROOTS);
        assert_eq!(of("traceidratio", "0"), 0);
        assert!(is_half(of("TraceIdRatio", "0.5")));
    }
}

#[test]
fn mlflows_ratio_wins_over_the_sampler() {
    let of = |ratio, sampler| {
        recorded_with(&[("MLFLOW_TRACE_SAMPLING_RATIO", ratio), ("OTEL_TRACES_SAMPLER", sampler)])
    };
    assert_eq!(of("0.0", "always_on"), 0);
    assert_eq!(of("1", "always_off"), ROOTS);
    assert!(is_half(of("0.5", "always_off")));
}

#[test]
fn the_sampler_of_the_program_wins_over_both() {
    let server = Server::collector();
    let variables = [("MLFLOW_TRACE_SAMPLING_RATIO", "0"), ("OTEL_TRACES_SAMPLER", "always_off")];
    let guard = environment(&server, &variables).with_sampler(Sampler::AlwaysOn).build().unwrap();
    assert_eq!(recorded(&Traced::new(guard, server)), ROOTS);
}

/// Whether a child of a span in another process arrives.
fn follows(variable: (&str, &str), parent: TraceFlags) -> bool {
    let server = Server::collector();
    let guard = environment(&server, &[variable]).build().unwrap();
    let parent = SpanContext::new(
        TraceId::from(7_u128),
        SpanId::from(7_u64),
        parent,
        true,
        TraceState::default(),
    );
    let context = Context::new().with_remote_span_context(parent);
    drop(guard.provider().tracer("test").start_with_context("child", &context));
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    server.spans().names() == ["child"]
}

#[test]
fn a_sampler_that_looks_at_the_parent_does_as_it_did() {
    let (yes, no) = (TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED);
    let sampler = |name| ("OTEL_TRACES_SAMPLER", name);
    assert!(follows(sampler("parentbased_always_off"), yes));
    assert!(!follows(sampler("parentbased_always_on"), no));
    assert!(!follows(sampler("always_off"), yes));
    assert!(follows(sampler("always_on"), no));
    // MLflow's ratio decides for roots.
    assert!(follows(("MLFLOW_TRACE_SAMPLING_RATIO", "0"), yes));
    assert!(!follows(("MLFLOW_TRACE_SAMPLING_RATIO", "1"), no));
}
