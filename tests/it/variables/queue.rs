//! How much waits, and how long.

use std::time::Duration;

use mlflow_tracing::DropReason;
use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use serde_json::json;

use super::{environment, with};
use crate::support::app::{Traced, builder, conserved};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, until};

/// Nothing leaves before its time.
const NEVER: &str = "3600000";

#[test]
fn a_request_has_no_more_spans_than_it_may() {
    for server in [Server::collector(), Server::mlflow()] {
        server.always(Route::Setup, Act::Hold);
        let traced = with(server, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")]);
        for number in 0..25 {
            traced.end_span(format!("{number}"));
        }
        traced.flush_in_vain(Duration::from_millis(500));
        traced.server.release();
        assert_eq!(traced.delivered().0.len(), 25);
        let requests = traced.server.requests(Route::Spans);
        let sizes: Vec<_> = requests.iter().map(|request| request.spans().0.len()).collect();
        assert_eq!(sizes, [10, 10, 5]);
    }
}

/// Ends rounds of ten traces of two spans for a server that is not there, and starts it; returns
/// what it gets, and how many spans were dropped.
fn after_an_outage(variable: (&str, &str), dropped_a_round: u64) -> Vec<String> {
    const ROUNDS: u64 = 4;
    let port = DeadPort::reserve();
    let url = port.url();
    let variables = [("MLFLOW_TRACKING_URI", url.as_str()), variable];
    let guard = builder().with_environment(variables).build().unwrap();
    let api = guard.provider().tracer("test");
    for round in 0..ROUNDS {
        for _ in 0..10 {
            api.in_span(format!("{round}"), |_| api.in_span(format!("{round}"), |_| ()));
        }
        // All of a round are in before the next comes: what is dropped is the oldest.
        until("the round is in its place", || {
            let account = conserved(&guard).destinations.remove(0);
            account.pending_bytes > 0 && account.dropped.total() == round * dropped_a_round
        });
    }
    let traced = Traced::new(guard, port.open());
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    let dropped = error.dropped(DropReason::OutboxFull);
    assert_eq!(dropped, (ROUNDS - 1) * dropped_a_round);
    let spans = traced.server.spans();
    assert_eq!(traced.conserved().ended, dropped + spans.0.len() as u64);
    spans.names().into_iter().map(str::to_owned).collect()
}

#[test]
fn of_more_spans_than_may_wait_the_oldest_are_dropped_and_counted() {
    assert_eq!(after_an_outage(("OTEL_BSP_MAX_QUEUE_SIZE", "20"), 20), ["3"; 20]);
}

#[test]
fn of_more_traces_than_may_wait_the_oldest_are_dropped_and_counted() {
    let variable = ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", "10");
    assert_eq!(after_an_outage(variable, 20), ["3"; 20]);
}

#[test]
fn the_newest_stays_however_few_may_wait() {
    let port = DeadPort::reserve();
    let url = port.url();
    for name in ["OTEL_BSP_MAX_QUEUE_SIZE", "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE"] {
        let variables = [("MLFLOW_TRACKING_URI", url.as_str()), (name, "1")];
        let builder = builder().with_environment(variables).with_drop_timeout(Duration::ZERO);
        let guard = builder.build().unwrap();
        let api = guard.provider().tracer("test");
        api.in_span("root", |_| (0..4).for_each(|_| api.in_span("child", |_| ())));
        guard.flush(Duration::from_millis(100)).unwrap_err();
        let account = conserved(&guard).destinations.remove(0);
        assert_eq!((account.pending, account.dropped.total()), (5, 0), "{name}");
    }
}

#[test]
fn spans_of_a_running_trace_leave_after_the_interval() {
    for name in ["MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", "OTEL_BSP_SCHEDULE_DELAY"] {
        let traced = with(Server::collector(), &[(name, "100")]);
        let api = traced.guard.provider().tracer("test");
        let root = Context::new().with_span(api.start("root"));
        let (time, ()) = timed(|| {
            drop(api.start_with_context("child", &root));
            traced.server.wait_for(Route::Spans, 1);
        });
        // The default is five seconds.
        assert!(time < Duration::from_secs(4), "{name}: {time:?}");
        assert_eq!(traced.server.spans().names(), ["child"]);
        drop(root);
        assert_eq!(traced.delivered().names(), ["child", "root"]);
    }
}

#[test]
fn a_finished_trace_does_not_wait_for_a_long_interval() {
    let variable = ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", NEVER);
    let traced = with(Server::collector(), &[variable]);
    traced.server.wait_for(Route::Setup, 1);
    traced.end_span("span");
    traced.server.wait_for(Route::Spans, 1);
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn a_root_that_never_ends_is_closed_after_the_timeout() {
    for name in ["MLFLOW_TRACE_TIMEOUT_SECONDS", "MLFLOW_TRACE_BUFFER_TTL_SECONDS"] {
        let traced = with(Server::mlflow(), &[(name, "0.3")]);
        let api = traced.guard.provider().tracer("test");
        let root = Context::new().with_span(api.start("root"));
        let (time, ()) = timed(|| {
            drop(api.start_with_context("child", &root));
            until("the root is made up", || traced.server.spans().names().contains(&"root"));
        });
        // Sooner than a part of a running trace leaves.
        assert!(time < Duration::from_secs(4), "{time:?}");
        let spans = traced.server.spans();
        let made_up = spans.one("root");
        assert!(made_up.attribute("mlflow_tracing.synthetic").is_some(), "{name}");
        assert_eq!(made_up.status().0, "ERROR");
        assert_eq!(traced.conserved().ended, 1);
        // The real one comes after all, and is the truth.
        drop(root);
        traced.flush();
        let spans = traced.server.spans();
        let last = spans.0.last().unwrap();
        assert_eq!((last.span.name.as_str(), last.status().0), ("root", "OK"));
        assert_eq!(last.attribute("mlflow_tracing.synthetic"), None);
        traced.conserved();
    }
}

#[test]
fn of_more_open_traces_than_allowed_one_leaves_early_and_nothing_is_lost() {
    let variables = [
        ("MLFLOW_TRACE_BUFFER_MAX_SIZE", "2"),
        ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", NEVER),
    ];
    let traced = with(Server::collector(), &variables);
    let api = traced.guard.provider().tracer("test");
    let roots: Vec<_> = (0..4)
        .map(|number| {
            let root = Context::new().with_span(api.start(format!("root {number}")));
            drop(api.start_with_context(format!("child {number}"), &root));
            root
        })
        .collect();
    // Nothing else would make them leave.
    traced.server.wait_for(Route::Spans, 1);
    drop(roots);
    let spans = traced.delivered();
    assert_eq!(spans.0.len(), 8);
    for number in 0..4 {
        let root = spans.one(&format!("root {number}")).clone();
        assert!(spans.one(&format!("child {number}")).is_child_of(&root));
    }
}

#[test]
fn the_caller_never_waits_for_a_queue_that_is_full() {
    let server = Server::collector();
    server.always(Route::Setup, Act::Hold);
    let builder = environment(&server, &[("OTEL_BSP_MAX_QUEUE_SIZE", "1")]);
    let guard = builder.with_drop_timeout(Duration::ZERO).build().unwrap();
    let traced = Traced::new(guard, server);
    let (time, ()) =
        timed(|| (0..200).for_each(|number| traced.end_span(json!(number).to_string())));
    assert!(time < SLACK, "{time:?}");
    traced.conserved();
}
