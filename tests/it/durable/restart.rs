use std::time::Duration;

use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::{DropReason, TraceInfoMode};

use super::{program, segments, when};
use crate::support::app::{conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::port::DeadPort;
use crate::support::server::{Route, Server};

use crate::support::time::PATIENCE;

const SOON: Duration = Duration::from_millis(300);

#[test]
fn what_could_not_be_delivered_is_delivered_by_the_next_start() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let guard = program(&spool, &port.url()).build().unwrap();
    for name in ["one", "two", "three"] {
        end_span(&guard, name);
    }
    let error = guard.shutdown(SOON).unwrap_err();
    let account = &error.stats.destinations[0];
    assert_eq!((account.spooled, account.dropped.total()), (3, 0), "{error}");
    assert!(error.to_string().contains("3 on disk"), "{error}");

    let server = port.open();
    let guard = program(&spool, &server.url()).build().unwrap();
    let stats = when(&guard, "the three are delivered", |it| it.destinations[0].delivered == 3);
    assert_eq!((stats.ended, stats.destinations[0].recovered), (0, 3));
    assert_eq!(server.spans().names(), ["one", "two", "three"]);
    guard.shutdown(PATIENCE).unwrap();
    assert_eq!(segments(spool.path()), [] as [std::path::PathBuf; 0], "nothing is left");
}

#[test]
fn what_is_delivered_is_not_sent_again() {
    let spool = Scratch::new();
    let server = Server::mlflow();
    for start in 0..3 {
        let guard = program(&spool, &server.url()).build().unwrap();
        end_span(&guard, format!("span of start {start}"));
        guard.flush(PATIENCE).unwrap();
        // Not shut down: the process ends as by a kill, as far as the spool can tell.
        let stats = conserved(&guard);
        assert_eq!((stats.destinations[0].recovered, stats.destinations[0].delivered), (0, 1));
        drop(guard);
    }
    assert_eq!(server.spans().0.len(), 3);
}

#[test]
fn what_follows_a_trace_outlives_the_process_too() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let always = |url: &str| program(&spool, url).with_trace_info(TraceInfoMode::Always);
    let guard = always(&port.url()).build().unwrap();
    end_span(&guard, "work");
    guard.shutdown(SOON).unwrap_err();
    let server = port.open();
    let guard = always(&server.url()).build().unwrap();
    server.wait_for(Route::TraceInfo, 1);
    guard.shutdown(PATIENCE).unwrap();
    assert_eq!(server.requests(Route::TraceInfo).len(), 1);
}

#[test]
fn spans_meant_for_another_destination_are_left_alone() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let guard = program(&spool, &port.url()).with_experiment("one").build().unwrap();
    end_span(&guard, "for one");
    guard.shutdown(SOON).unwrap_err();

    let server = port.open();
    let url = server.url();
    let other = program(&spool, &url).with_experiment("other").build().unwrap();
    end_span(&other, "for the other");
    other.shutdown(PATIENCE).unwrap();
    assert_eq!(server.spans().names(), ["for the other"]);

    let one = program(&spool, &url).with_experiment("one").build().unwrap();
    when(&one, "it is delivered", |stats| stats.destinations[0].delivered == 1);
    assert_eq!(server.spans().names(), ["for the other", "for one"]);
}

#[test]
fn a_child_that_ended_is_on_disk_while_its_root_goes_on() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let guard = program(&spool, &port.url()).build().unwrap();
    let tracer = guard.provider().tracer("test");
    tracer.in_span("root", |_| {
        tracer.in_span("child", |_| ());
        when(&guard, "it is written", |stats| stats.destinations[0].spooled_bytes > 0);
    });
    drop(guard);
}

#[test]
fn a_trace_arrives_in_one_request_all_the_same() {
    let spool = Scratch::new();
    let server = Server::mlflow();
    let guard = program(&spool, &server.url()).build().unwrap();
    let tracer = guard.provider().tracer("test");
    tracer.in_span("root", |_| {
        tracer.in_span("child", |_| ());
        when(&guard, "it is written", |stats| stats.destinations[0].spooled_bytes > 0);
    });
    server.wait_for(Route::Spans, 1);
    assert_eq!(server.spans().names(), ["child", "root"]);
    assert_eq!(server.requests(Route::Spans).len(), 1);
    guard.shutdown(PATIENCE).unwrap();
}

#[test]
fn what_the_server_refuses_is_not_kept() {
    let spool = Scratch::new();
    let server = Server::mlflow();
    server.script(Route::Spans, [422]);
    let guard = program(&spool, &server.url()).build().unwrap();
    end_span(&guard, "poison");
    guard.flush(PATIENCE).unwrap_err();
    let error = guard.shutdown(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    let guard = program(&spool, &server.url()).build().unwrap();
    guard.flush(PATIENCE).unwrap();
    assert_eq!(conserved(&guard).destinations[0].recovered, 0);
}
