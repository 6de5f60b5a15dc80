//! A destination that takes nothing costs bounded memory, and the caller no time.

use std::time::Duration;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{DropReason, TracingGuard};

use crate::support::app::{Traced, builder, conserved};
use crate::support::server::port::DeadPort;
use crate::support::time::{PATIENCE, timed, until};

const KIB: usize = 1024;
const LIMIT: usize = 1024 * KIB;

fn end_span_of(guard: &TracingGuard, name: String, bytes: usize) {
    guard.provider().tracer("test").in_span(name, |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(bytes)));
    });
}

#[test]
fn the_oldest_spans_make_room_and_are_counted() {
    const ROUNDS: u64 = 16;
    const SPANS: u64 = 20;
    let port = DeadPort::reserve();
    let guard = builder().with_tracking_uri(port.url()).with_memory_limit(LIMIT).build().unwrap();
    for round in 0..ROUNDS {
        for number in 0..SPANS {
            end_span_of(&guard, format!("{round}.{number}"), 8 * KIB);
        }
        // The next spans are not to meet these in the queue.
        guard.flush(Duration::from_millis(40)).unwrap_err();
        assert!(conserved(&guard).destinations[0].pending_bytes <= LIMIT);
    }
    let dropped = guard.stats().destinations[0].dropped;
    assert_eq!(dropped.total(), dropped.get(DropReason::OutboxFull));
    let traced = Traced::new(guard, port.open());
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::OutboxFull)), (0, dropped.total()));
    let spans = traced.server.spans();
    let rounds = || {
        spans
            .names()
            .into_iter()
            .map(|name| name.split('.').next().unwrap().parse::<u64>().unwrap())
    };
    // What is left are the last rounds, whole but for the first of them.
    let first = rounds().min().unwrap();
    assert!(first > 0);
    for round in first + 1..ROUNDS {
        assert_eq!(rounds().filter(|found| *found == round).count() as u64, SPANS, "{round}");
    }
    assert_eq!(traced.conserved().destinations[0].delivered + dropped.total(), ROUNDS * SPANS);
}

#[test]
fn a_burst_is_counted_where_it_does_not_fit_and_never_waited_for() {
    let port = DeadPort::reserve();
    let builder = builder().with_tracking_uri(port.url()).with_memory_limit(LIMIT);
    let guard = builder.with_drop_timeout(Duration::ZERO).build().unwrap();
    let (time, ()) = timed(|| {
        for number in 0..5000 {
            end_span_of(&guard, format!("{number}"), 2 * KIB);
        }
    });
    // Far more than it takes without a destination, far less than one attempt.
    assert!(time < Duration::from_secs(5), "{time:?}");
    let stats = conserved(&guard);
    assert_eq!(stats.ended, 5000);
    until("the worker has caught up", || {
        let account = &conserved(&guard).destinations[0];
        account.pending_bytes <= LIMIT && account.dropped.total() > 4000
    });
}

#[test]
fn the_memory_of_spans_that_were_delivered_is_free_again() {
    let traced = Traced::otlp_with(|builder| builder.with_memory_limit(LIMIT));
    for round in 0..8 {
        for number in 0..40 {
            end_span_of(&traced.guard, format!("{round}.{number}"), 8 * KIB);
        }
        traced.flush();
        assert_eq!(traced.conserved().destinations[0].pending_bytes, 0);
    }
    assert_eq!(traced.delivered().0.len(), 320);
}

#[test]
fn a_span_larger_than_all_memory_is_refused_before_it_is_encoded() {
    let traced = Traced::otlp_with(|builder| builder.with_memory_limit(LIMIT));
    end_span_of(&traced.guard, "huge".to_owned(), 2 * LIMIT);
    traced.end_span("small");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::QueueFull), 1);
    assert_eq!(traced.server.spans().names(), ["small"]);
    traced.conserved();
}

#[test]
fn less_memory_than_a_request_needs_is_an_error() {
    let error = builder().with_memory_limit(LIMIT - 1).build().unwrap_err();
    assert!(error.is_config());
    assert!(error.to_string().contains("with_memory_limit is `1048575`"), "{error}");
}
