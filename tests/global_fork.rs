//! Children made by `fork`: each starts clean, sends its own spans and none of its parent's.
#![cfg(test)]
#![cfg(unix)]

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fork::{Fork, fork, waitpid_nohang};
use mlflow_tracing::TracingGuard;
use mlflow_tracing::destination::Exporter;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use tracing::{Dispatch, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use support::app::{NOTHING, builder, conserved, end_span};
use support::child;
use support::exporter::Scripted;
use support::server::Server;
use support::server::grpc::GrpcServer;
use support::spans::Spans;
use support::time::{PATIENCE, SLACK, now, spawn, timed};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

const CHILDREN: usize = 60;

/// Runs `body` in a child, which ends with it; says whether it went well, and in time.
#[expect(clippy::exit, reason = "a child must not go on with its parent's test")]
fn in_child(body: impl FnOnce()) {
    match fork().unwrap() {
        Fork::Child => {
            let went_well = catch_unwind(AssertUnwindSafe(body)).is_ok();
            std::process::exit(i32::from(!went_well));
        }
        Fork::Parent(child) => {
            let start = now();
            let status = loop {
                assert!(start.elapsed() < PATIENCE / 2, "a child hangs");
                match waitpid_nohang(child).unwrap() {
                    Some(status) => break status,
                    None => std::thread::park_timeout(Duration::from_millis(1)),
                }
            };
            assert_eq!(status, 0, "a child failed");
        }
    }
}

/// Threads that trace all the time, so that locks are held when the process forks.
fn load(guard: &Arc<TracingGuard>) -> (Arc<AtomicBool>, Vec<JoinHandle<usize>>) {
    let stop = Arc::new(AtomicBool::new(false));
    let threads = (0..3).map(|thread| {
        let (stop, guard) = (Arc::clone(&stop), Arc::clone(guard));
        spawn("load", move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..10 {
                    end_span(&guard, format!("parent {thread}.{number}"));
                    number += 1;
                }
                std::thread::park_timeout(Duration::from_millis(5));
            }
            number
        })
    });
    let threads = threads.collect();
    (stop, threads)
}

fn forks_under_load() {
    let guard = Arc::new(mlflow_tracing::builder().with_print_url(false).build().unwrap());
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(guard.layer()));
    let (stop, threads) = load(&guard);
    // The random numbers of this thread have begun: its children go on with copies of them.
    end_span(&guard, "parent itself");
    for number in 0..CHILDREN {
        in_child(|| {
            if number % 2 == 0 {
                tracing::dispatcher::with_default(&dispatch, || {
                    info_span!("child", number).in_scope(|| drop(info_span!("inner")));
                });
            } else {
                guard.provider().tracer("test").in_span("child", |_| ());
            }
            guard.flush(PATIENCE).unwrap();
            let stats = conserved(&guard);
            assert_eq!(stats.ended, if number % 2 == 0 { 2 } else { 1 });
        });
    }
    stop.store(true, Ordering::Relaxed);
    let of_threads: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let ended = 1 + of_threads;
    guard.flush(PATIENCE).unwrap();
    assert_eq!(conserved(&guard).ended, ended as u64);
    end_span(&guard, format!("{ended} of the parent"));
    guard.flush(PATIENCE).unwrap();
}

/// Nothing is lost, nothing is sent twice, and ids are everybody's own.
fn assert_complete(spans: &Spans) {
    let count = |name: &str| spans.names().iter().filter(|it| **it == name).count();
    assert_eq!((count("child"), count("inner")), (CHILDREN, CHILDREN / 2));
    let of_parent = spans.names().into_iter().filter(|name| name.starts_with("parent ")).count();
    assert_eq!(count(&format!("{of_parent} of the parent")), 1, "{of_parent} arrived");
    let ids: HashSet<_> = spans.0.iter().map(|span| (span.trace_id(), span.span_id())).collect();
    assert_eq!(ids.len(), spans.0.len());
    let traces: HashSet<_> = spans.0.iter().map(support::spans::Got::trace_id).collect();
    assert_eq!(traces.len(), spans.0.len() - CHILDREN / 2);
}

#[test]
fn children_of_a_busy_process_deliver_their_own_spans_over_http() {
    const TEST: &str = "children_of_a_busy_process_deliver_their_own_spans_over_http";
    let server = Server::mlflow();
    let url = server.url();
    if child::run(TEST, &[("MLFLOW_TRACKING_URI", &url)], forks_under_load).is_some() {
        assert_complete(&server.spans());
    }
}

#[test]
fn children_of_a_busy_process_deliver_their_own_spans_over_grpc() {
    const TEST: &str = "children_of_a_busy_process_deliver_their_own_spans_over_grpc";
    let server = GrpcServer::collector();
    let url = server.url();
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), protocol];
    if child::run(TEST, &environment, forks_under_load).is_some() {
        assert_complete(&server.spans());
    }
}

#[test]
fn a_child_that_traces_nothing_ends_at_once_and_sends_nothing() {
    const TEST: &str = "a_child_that_traces_nothing_ends_at_once_and_sends_nothing";
    let server = Server::mlflow();
    let url = server.url();
    let ran = child::run(TEST, &[("MLFLOW_TRACKING_URI", &url)], || {
        let mut guard = Some(mlflow_tracing::builder().with_print_url(false).build().unwrap());
        for _ in 0..10 {
            end_span(guard.as_ref().unwrap(), "of the parent");
            in_child(|| {
                let (time, ()) = timed(|| drop(guard.take()));
                assert!(time < SLACK / 5, "{time:?}");
            });
        }
        guard.unwrap().shutdown(PATIENCE).unwrap();
    });
    if ran.is_some() {
        assert_eq!(server.spans().names(), vec!["of the parent"; 10]);
    }
}

#[test]
fn a_span_that_is_open_is_the_parents_and_a_grandchild_starts_clean_too() {
    const TEST: &str = "a_span_that_is_open_is_the_parents_and_a_grandchild_starts_clean_too";
    let server = Server::collector();
    let url = server.url();
    let ran = child::run(TEST, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)], || {
        let guard = mlflow_tracing::builder().build().unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(guard.layer()));
        tracing::dispatcher::with_default(&dispatch, || {
            let mut open = Some(info_span!("open").entered());
            in_child(|| {
                drop(open.take());
                drop(info_span!("child"));
                in_child(|| {
                    drop(info_span!("grandchild"));
                    guard.flush(PATIENCE).unwrap();
                    assert_eq!(conserved(&guard).ended, 1);
                });
                guard.flush(PATIENCE).unwrap();
                assert_eq!(conserved(&guard).ended, 1);
            });
            drop(open);
        });
        guard.flush(PATIENCE).unwrap();
        assert_eq!(conserved(&guard).ended, 1);
    });
    if ran.is_some() {
        assert_eq!(server.spans().sorted_names(), ["child", "grandchild", "open"]);
    }
}

#[test]
fn what_an_exporter_cannot_get_in_a_child_is_counted() {
    child::run("what_an_exporter_cannot_get_in_a_child_is_counted", &[], || {
        let exporter = Scripted::new([]);
        let builder = builder().with_environment(NOTHING);
        let builder = builder.with_destination(Exporter::new("recorder", exporter));
        let guard = builder.build().unwrap();
        in_child(|| {
            end_span(&guard, "span");
            let error = guard.flush(PATIENCE).unwrap_err();
            assert_eq!(error.dropped(mlflow_tracing::DropReason::Rejected), 1);
            conserved(&guard);
        });
        end_span(&guard, "span");
        guard.flush(PATIENCE).unwrap();
    });
}
