//! The id of the trace that the program is in.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, TraceFlags, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{MlflowSpanExt as _, context, current_trace_id};
use tracing::info_span;

use super::remote;
use crate::support::app::Traced;

#[test]
fn it_is_that_of_the_innermost_span_of_either_api() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    traced.run(|| {
        assert_eq!(current_trace_id(), None);
        let span = info_span!("span");
        span.in_scope(|| {
            assert_eq!(current_trace_id(), span.trace_id());
            let other = api.start_with_context("other", &Context::new());
            let other = Context::current_with_span(other);
            let id = format!("tr-{}", other.span().span_context().trace_id());
            let attached = other.attach();
            assert_eq!(current_trace_id(), Some(id));
            drop(attached);
            assert_eq!(current_trace_id(), span.trace_id());
        });
        assert_eq!(current_trace_id(), None);
    });
    assert_eq!(traced.delivered().0.len(), 2);
}

#[test]
fn a_trace_from_another_process_is_one_too() {
    let there = remote(TraceFlags::SAMPLED);
    let id = format!("tr-{}", there.span().span_context().trace_id());
    let _attached = there.attach();
    assert_eq!(current_trace_id(), Some(id));
}

#[test]
fn a_trace_that_is_not_recorded_is_none() {
    let traced = Traced::otlp();
    traced.run(|| {
        context().enabled(false).in_scope(|| {
            info_span!("span").in_scope(|| assert_eq!(current_trace_id(), None));
        });
    });
    traced.flush();
    assert_eq!(traced.conserved().ended, 0);
}
