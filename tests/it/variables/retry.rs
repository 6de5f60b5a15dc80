//! How often, how long and after which pause a request is repeated.

use std::time::Duration;

use mlflow_tracing::DropReason;

use super::{environment, with};
use crate::support::app::Traced;
use crate::support::http::Answer;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, timed};

/// Pauses so short that only their number counts.
const SHORT_PAUSES: (&str, &str) = ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.001");

#[test]
fn a_request_is_repeated_as_often_as_it_may_and_then_given_up() {
    for (value, requests) in [("0", 1), ("1", 2), ("4", 5)] {
        let server = Server::mlflow();
        server.always(Route::Spans, 503);
        let traced = with(server, &[("MLFLOW_HTTP_REQUEST_MAX_RETRIES", value), SHORT_PAUSES]);
        traced.end_span("span");
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!((error.pending(), error.dropped(DropReason::RetryExpired)), (0, 1), "{value}");
        assert_eq!(traced.server.requests(Route::Spans).len(), requests, "{value}");
        traced.conserved();
    }
}

#[test]
fn the_last_repetition_may_succeed() {
    let server = Server::mlflow();
    server.script(Route::Spans, [503, 503]);
    let traced = with(server, &[("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"), SHORT_PAUSES]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn what_a_person_must_mend_is_not_counted_as_a_repetition() {
    let server = Server::mlflow();
    server.always(Route::Spans, 401);
    let traced = with(server, &[("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")]);
    traced.end_span("span");
    for _ in 0..3 {
        assert_eq!(traced.guard.flush(PATIENCE).unwrap_err().pending(), 1);
    }
    traced.server.as_usual(Route::Spans);
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn repetitions_of_mlflow_are_no_business_of_a_collector() {
    let server = Server::collector();
    server.script(Route::Spans, [503, 503]);
    let traced = with(server, &[("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn pauses_are_as_long_as_the_factor_says() {
    const FAILURES: usize = 8;
    let server = Server::mlflow();
    server.script(Route::Spans, [503; FAILURES]);
    let traced = with(server, &[SHORT_PAUSES]);
    let (time, ()) = timed(|| {
        traced.end_span("span");
        // No flush: it would cut pauses short.
        traced.server.wait_for(Route::Spans, FAILURES + 1);
    });
    // By default the pauses would have a mean of more than half a minute.
    assert!(time < Duration::from_secs(5), "{time:?}");
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn the_server_says_when_to_repeat_unless_it_may_not() {
    for (value, obeys) in [(None, true), (Some("true"), true), (Some("false"), false)] {
        let server = Server::mlflow();
        server.script(Route::Spans, [Answer::new(503).header("Retry-After", "3600")]);
        let variable = value.map(|value| ("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", value));
        let variables: Vec<_> = variable.into_iter().chain([SHORT_PAUSES]).collect();
        let builder = environment(&server, &variables).with_drop_timeout(Duration::ZERO);
        let traced = Traced::new(builder.build().unwrap(), server);
        traced.end_span("span");
        traced.server.wait_for(Route::Spans, 1);
        if obeys {
            let error = traced.guard.flush(Duration::from_millis(700)).unwrap_err();
            assert_eq!(error.pending(), 1);
            assert_eq!(traced.server.requests(Route::Spans).len(), 1);
        } else {
            assert_eq!(traced.delivered().names(), ["span"]);
        }
        traced.conserved();
    }
}

#[test]
fn a_span_is_tried_for_as_long_as_the_window() {
    for server in [Server::mlflow(), Server::collector()] {
        server.always(Route::Spans, 503);
        let traced = with(server, &[("MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT", "0.2")]);
        traced.end_span("span");
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!((error.pending(), error.dropped(DropReason::RetryExpired)), (0, 1));
        assert!(!traced.server.requests(Route::Spans).is_empty());
        traced.conserved();
    }
}

#[test]
fn an_attempt_takes_no_longer_than_its_variable_says() {
    for (server, name, value) in [
        (Server::mlflow(), "MLFLOW_HTTP_REQUEST_TIMEOUT", "0.2"),
        (Server::collector(), "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "200"),
        (Server::collector(), "OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        (Server::collector(), "OTEL_BSP_EXPORT_TIMEOUT", "200"),
    ] {
        server.script(Route::Spans, [Act::Hold]);
        let traced = with(server, &[(name, value)]);
        traced.end_span("span");
        assert_eq!(traced.delivered().names(), ["span"], "{name}");
        let requests = traced.server.requests(Route::Spans);
        let gap = requests[1].at.duration_since(requests[0].at);
        assert!(gap >= Duration::from_millis(200) && gap < PATIENCE / 2, "{name}: {gap:?}");
    }
}
