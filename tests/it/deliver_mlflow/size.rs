//! Requests that are too large for the server.

use std::time::Duration;

use mlflow_tracing::DropReason;
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};

use crate::support::app::Traced;
use crate::support::server::{Act, Route, Server};
use crate::support::time::PATIENCE;

const KIB: usize = 1024;

fn end_large_span(traced: &Traced, name: String, bytes: usize) {
    traced.guard.provider().tracer("test").in_span(name, |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(bytes)));
    });
}

/// Ends `count` spans of `bytes` each, and lets them out in as few requests as they go in.
fn send_together(traced: &Traced, count: usize, bytes: usize) {
    for number in 0..count {
        end_large_span(traced, format!("{number}"), bytes);
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
}

fn held(server: Server) -> Traced {
    server.always(Route::Setup, Act::Hold);
    Traced::mlflow_with(server, |builder| builder)
}

#[test]
fn a_request_holds_at_most_four_mebibytes() {
    let traced = held(Server::mlflow());
    send_together(&traced, 12, 1000 * KIB);
    assert_eq!(traced.delivered().0.len(), 12);
    let requests = traced.server.requests(Route::Spans);
    assert!(requests.iter().all(|request| request.body.len() <= 4 * KIB * KIB));
    assert_eq!(requests.len(), 3);
}

#[test]
fn a_request_that_is_too_large_is_halved() {
    let server = Server::mlflow();
    server.judge(Route::Spans, |request| {
        if request.body.len() > 300 * KIB { 413.into() } else { 200.into() }
    });
    let traced = held(server);
    send_together(&traced, 16, 64 * KIB);
    assert_eq!(traced.delivered().0.len(), 16);
    // 16, 8 and 8, then fours.
    assert_eq!(traced.server.requests(Route::Spans).len(), 7);
}

#[test]
fn a_span_that_alone_is_too_large_is_dropped_and_counted() {
    let server = Server::mlflow();
    server.judge(Route::Spans, |request| {
        if request.body.len() > 300 * KIB { 413.into() } else { 200.into() }
    });
    let traced = Traced::mlflow_with(server, |builder| builder);
    end_large_span(&traced, "huge".to_owned(), 400 * KIB);
    traced.end_span("small");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::TooLarge), 1);
    assert_eq!(traced.server.spans().names(), ["small"]);
    traced.conserved();
}

#[test]
fn a_reset_while_a_large_body_is_sent_means_too_large() {
    let server = Server::mlflow();
    server.reset_above(1200 * KIB);
    let traced = held(server);
    send_together(&traced, 30, 100 * KIB);
    assert_eq!(traced.delivered().0.len(), 30);
    assert_eq!(traced.conserved().destinations[0].dropped.total(), 0);
}
