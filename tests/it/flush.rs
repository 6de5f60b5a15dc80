//! Flush tells the truth, and everything ends in time.

use std::sync::Arc;
use std::time::Duration;

use mlflow_tracing::DropReason;
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::info_span;

use crate::support::app::{Traced, builder, end_span};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, spawn, timed};

const SHORT: Duration = Duration::from_millis(300);

/// A server that never answers requests of `route`.
fn hanging(route: Route) -> Traced {
    let server = Server::mlflow();
    server.always(route, Act::Hold);
    Traced::mlflow_with(server, |builder| builder.with_drop_timeout(Duration::ZERO))
}

#[test]
fn flush_is_ok_only_after_the_acknowledgement() {
    let traced = Arc::new(hanging(Route::Spans));
    traced.end_span("span");
    let flush = spawn("flush", {
        let traced = Arc::clone(&traced);
        move || traced.guard.flush(PATIENCE)
    });
    traced.server.wait_for(Route::Spans, 1);
    assert!(!flush.is_finished());
    assert_eq!(traced.conserved().destinations[0].pending, 1);
    traced.server.release();
    flush.join().unwrap().unwrap();
    let account = &traced.conserved().destinations[0];
    assert_eq!((account.delivered, account.pending, account.pending_bytes), (1, 0, 0));
}

#[test]
fn flush_of_nothing_is_ok_at_once() {
    let traced = hanging(Route::Setup);
    let (time, result) = timed(|| traced.guard.flush(PATIENCE));
    assert!(result.is_ok() && time < SLACK, "{time:?}");
    traced.conserved();
}

#[test]
fn flush_ends_at_its_deadline_and_says_where_spans_are() {
    for route in [Route::Setup, Route::Spans] {
        let traced = hanging(route);
        traced.end_span("one");
        traced.end_span("two");
        let (time, result) = timed(|| traced.guard.flush(SHORT));
        let error = result.unwrap_err();
        assert!(time >= SHORT && time < SHORT + SLACK, "{route:?}: {time:?}");
        assert_eq!(error.pending(), 2);
        let words = error.to_string();
        let expected = format!("MLflow {}: 0 of 2 delivered, 2 pending", traced.server.url());
        assert!(words.contains(&expected), "{words}");
        traced.conserved();
        traced.server.release();
    }
}

#[test]
fn flush_without_patience_returns_at_once() {
    let traced = hanging(Route::Setup);
    traced.end_span("span");
    let (time, result) = timed(|| traced.guard.flush(Duration::ZERO));
    assert!(result.is_err() && time < SLACK, "{time:?}");
    traced.conserved();
}

#[test]
fn flush_may_be_called_by_many_threads_at_once() {
    let traced = Arc::new(Traced::mlflow());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let traced = Arc::clone(&traced);
            spawn("flush", move || {
                for number in 0..20 {
                    traced.end_span(format!("{thread}.{number}"));
                    traced.guard.flush(PATIENCE).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let spans = traced.delivered();
    let mut names = spans.sorted_names();
    names.dedup();
    assert_eq!((spans.0.len(), names.len()), (160, 160));
}

#[test]
fn flush_delivers_what_has_ended_of_a_trace_that_still_runs() {
    let traced = Traced::mlflow();
    let root = traced.run(|| {
        let root = info_span!("root");
        root.in_scope(|| drop(info_span!("child")));
        root
    });
    assert_eq!(traced.delivered().names(), ["child"]);
    drop(root);
    assert_eq!(traced.delivered().names(), ["child", "root"]);
}

#[test]
fn spans_that_end_during_a_flush_do_not_make_it_fail() {
    let traced = Arc::new(hanging(Route::Spans));
    traced.server.judge(Route::Spans, |request| {
        if request.spans().names().contains(&"late") { 503.into() } else { Act::Hold }
    });
    // Children of a root that stays open: they leave by a flush, or after seconds.
    let root = traced.run(|| {
        let root = info_span!("root");
        root.in_scope(|| drop(info_span!("early")));
        root
    });
    let flush = spawn("flush", {
        let traced = Arc::clone(&traced);
        move || traced.guard.flush(PATIENCE)
    });
    traced.server.wait_for(Route::Spans, 1);
    traced.run(|| root.in_scope(|| drop(info_span!("late"))));
    traced.server.release();
    flush.join().unwrap().unwrap();
    assert_eq!(traced.server.spans().names(), ["early"]);
    assert_eq!(traced.conserved().destinations[0].pending, 1);
}

#[test]
fn what_was_lost_is_told_by_every_later_flush() {
    let server = Server::mlflow();
    server.script(Route::Spans, [422]);
    let traced = Traced::mlflow_with(server, |builder| builder);
    traced.end_span("lost");
    for number in 1..=2 {
        let words = traced.flush_in_vain(PATIENCE);
        assert!(words.contains("0 pending, dropped rejected 1"), "{words}");
        traced.end_span(format!("{number}"));
    }
    traced.conserved();
}

#[test]
fn shutdown_delivers_what_is_left() {
    let Traced { guard, server, .. } = Traced::mlflow();
    for number in 0..100 {
        end_span(&guard, format!("{number}"));
    }
    guard.shutdown(PATIENCE).unwrap();
    assert_eq!(server.spans().0.len(), 100);
}

#[test]
fn dropping_the_guard_delivers_what_is_left() {
    let Traced { guard, server, .. } = Traced::mlflow();
    end_span(&guard, "span");
    drop(guard);
    assert_eq!(server.spans().names(), ["span"]);
}

#[test]
fn dropping_the_guard_of_an_idle_program_takes_no_time() {
    let traced = Traced::mlflow();
    traced.guard.ready(PATIENCE).unwrap();
    let (time, ()) = timed(|| drop(traced.guard));
    assert!(time < SLACK, "{time:?}");
}

#[test]
fn shutdown_ends_at_its_deadline_and_says_what_was_lost() {
    for route in [Route::Setup, Route::Spans] {
        let Traced { guard, server, .. } = hanging(route);
        end_span(&guard, "span");
        let (time, result) = timed(|| guard.shutdown(SHORT));
        let error = result.unwrap_err();
        // A request under way is broken off: nobody waits for its end.
        assert!(time < SHORT + SLACK, "{route:?}: {time:?}");
        assert_eq!((error.pending(), error.dropped(DropReason::Shutdown)), (0, 1));
        assert!(error.stats.destinations[0].conserves(error.stats.ended));
        server.release();
    }
}

#[test]
fn dropping_the_guard_ends_at_its_deadline() {
    let server = Server::mlflow();
    server.always(Route::Spans, Act::Hold);
    let traced = Traced::mlflow_with(server, |builder| builder.with_drop_timeout(SHORT));
    traced.end_span("span");
    traced.server.wait_for(Route::Spans, 1);
    let (time, ()) = timed(|| drop(traced.guard));
    assert!(time < SHORT + SLACK, "{time:?}");
}

#[test]
fn dropping_the_guard_with_a_dead_destination_ends_at_its_deadline() {
    let port = DeadPort::reserve();
    let builder = builder().with_tracking_uri(port.url()).with_drop_timeout(SHORT);
    let guard = builder.build().unwrap();
    end_span(&guard, "span");
    let (time, ()) = timed(|| drop(guard));
    assert!(time < SHORT + SLACK, "{time:?}");
}

#[test]
fn a_root_that_has_not_ended_is_told_to_mlflow_at_shutdown() {
    let traced = Traced::mlflow();
    let root = traced.run(|| {
        let root = info_span!("agent", question = "why?");
        root.in_scope(|| drop(info_span!("step")));
        root
    });
    let Traced { guard, server, .. } = traced;
    guard.shutdown(PATIENCE).unwrap();
    drop(root);
    let spans = server.spans();
    assert_eq!(spans.names(), ["step", "agent"]);
    let agent = spans.one("agent");
    assert_eq!(agent.status(), ("ERROR", "tracing was shut down before the root span ended"));
    assert!(spans.one("step").is_child_of(agent));
}

#[test]
fn spans_that_end_after_the_shutdown_are_counted_as_such() {
    let traced = Traced::mlflow();
    let other = SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    traced.end_span("before");
    other.shutdown().unwrap();
    traced.end_span("after");
    let account = &traced.conserved().destinations[0];
    assert_eq!((account.delivered, account.dropped.get(DropReason::AfterShutdown)), (1, 1));
    let (time, result) = timed(|| traced.guard.flush(PATIENCE));
    assert!(time < SLACK, "{time:?}");
    assert_eq!(result.unwrap_err().dropped(DropReason::AfterShutdown), 1);
}
