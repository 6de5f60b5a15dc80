//! What each status means.

use std::time::Duration;

use mlflow_tracing::DropReason;

use crate::support::app::Traced;
use crate::support::http::Answer;
use crate::support::server::mlflow::refusal;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, timed};

fn after<A: Into<Act>>(acts: impl IntoIterator<Item = A>) -> Traced {
    let server = Server::mlflow();
    server.script(Route::Spans, acts);
    Traced::mlflow_with(server, |builder| builder)
}

#[test]
fn what_passes_is_tried_again() {
    let traced = after([503, 500, 502, 504, 408, 425, 429]);
    traced.end_span("span");
    for _ in 0..7 {
        traced.end_span("more");
        let _ = traced.guard.flush(Duration::from_millis(200));
    }
    assert_eq!(traced.delivered().0.len(), 8);
    assert_eq!(traced.conserved().destinations[0].retries, 7);
}

/// Refuses spans with `status` until it is mended.
fn waits_until_mended(status: u16, advice: &str) {
    let server = Server::mlflow();
    server.always(Route::Spans, status);
    let traced = Traced::mlflow_with(server, |builder| builder);
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{status}: {time:?}");
    assert!(words.contains(&format!("HTTP {status}")) && words.contains(advice), "{words}");
    let account = &traced.conserved().destinations[0];
    assert_eq!((account.pending, account.dropped.total()), (1, 0));
    assert!(account.last_problem.as_ref().unwrap().contains(advice));
    traced.server.always(Route::Spans, 200);
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.conserved().destinations[0].last_problem, None);
}

#[test]
fn after_401_spans_wait_until_it_is_mended() {
    waits_until_mended(401, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
}

#[test]
fn after_403_spans_wait_until_it_is_mended() {
    waits_until_mended(403, "may not write to this experiment");
}

#[test]
fn after_404_spans_wait_until_it_is_mended() {
    waits_until_mended(404, "the server must be MLflow 3.6 or newer");
}

#[test]
fn after_405_spans_wait_until_it_is_mended() {
    waits_until_mended(405, "a proxy before it must route /v1/traces");
}

#[test]
fn after_407_spans_wait_until_it_is_mended() {
    waits_until_mended(407, "set user and password in the proxy's address");
}

#[test]
fn after_501_spans_wait_until_it_is_mended() {
    waits_until_mended(501, "start it with a database as backend store");
}

#[test]
fn a_refusal_during_setup_is_told_and_waited_for_too() {
    let server = Server::mlflow();
    server.always(Route::Setup, 401);
    let traced = Traced::mlflow_with(server, |builder| builder);
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{time:?}");
    assert!(words.contains("HTTP 401") && words.contains("MLFLOW_TRACKING_TOKEN"), "{words}");
    traced.conserved();
    traced.server.as_usual(Route::Setup);
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let server = Server::mlflow();
    server.always(Route::Spans, Answer::new(302).header("Location", "/login"));
    let traced = Traced::mlflow_with(server, |builder| builder);
    traced.end_span("span");
    let words = traced.flush_in_vain(PATIENCE);
    assert!(words.contains("HTTP 302 to /login"), "{words}");
    assert!(words.contains("set MLFLOW_TRACKING_URI to where it leads"), "{words}");
    assert!(traced.server.requests(Route::Other).is_empty());
    traced.server.always(Route::Spans, 200);
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn retry_after_is_obeyed_even_when_a_flush_waits() {
    let seconds = |status| Answer::new(status).header("Retry-After", "1");
    // By the server's clock, which may be years off.
    let date = Answer::new(503)
        .header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .header("Retry-After", "Sunday, 06-Nov-94 08:49:38 GMT");
    for answer in [seconds(429), seconds(503), date] {
        let told = format!("{answer:?}");
        let traced = after([answer]);
        traced.end_span("span");
        traced.server.wait_for(Route::Spans, 1);
        assert_eq!(traced.delivered().names(), ["span"]);
        let requests = traced.server.requests(Route::Spans);
        let pause = requests[1].at.duration_since(requests[0].at);
        assert!(pause >= Duration::from_secs(1) && pause < PATIENCE / 2, "{told}: {pause:?}");
    }
}

#[test]
fn a_flush_whose_time_is_shorter_than_retry_after_says_so() {
    let server = Server::mlflow();
    server.always(Route::Spans, Answer::new(429).header("Retry-After", "60"));
    let traced = Traced::mlflow_with(server, |builder| builder.with_drop_timeout(Duration::ZERO));
    traced.end_span("span");
    let words = traced.flush_in_vain(Duration::from_millis(300));
    assert!(words.contains("1 pending") && words.contains("HTTP 429"), "{words}");
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
    traced.conserved();
}

/// A program whose server refuses every request that has a span named `poison` in it.
fn poisoned(status: u16) -> Traced {
    let server = Server::mlflow();
    server.always(Route::Setup, Act::Hold);
    server.judge(Route::Spans, move |request| {
        let poison = request.spans().names().contains(&"poison");
        if poison { refusal(status, "INVALID_PARAMETER_VALUE").into() } else { 200.into() }
    });
    Traced::mlflow_with(server, |builder| builder)
}

#[test]
fn only_the_span_that_is_refused_is_dropped() {
    for status in [400, 422] {
        let traced = poisoned(status);
        for number in 0..40 {
            traced.end_span(if number == 23 { "poison".to_owned() } else { format!("{number}") });
        }
        // All in one request.
        traced.flush_in_vain(Duration::from_millis(100));
        traced.server.release();
        let words = traced.flush_in_vain(PATIENCE);
        assert!(words.contains("39 of 40 delivered, 0 pending, dropped rejected 1"), "{words}");
        let told = traced.server.told();
        assert!(told.iter().any(|line| line.contains("INVALID_PARAMETER_VALUE")), "{told:?}");
        assert_eq!(traced.server.spans().0.len(), 39);
        // Halved until the span was alone.
        let requests = traced.server.requests(Route::Spans).len();
        assert!((8..=2 * 7).contains(&requests), "{requests}");
        assert_eq!(traced.conserved().destinations[0].dropped.get(DropReason::Rejected), 1);
    }
}

#[test]
fn spans_after_a_refused_one_are_delivered_and_every_flush_tells_of_the_loss() {
    let traced = poisoned(422);
    traced.server.release();
    traced.end_span("poison");
    traced.flush_in_vain(PATIENCE);
    traced.end_span("good");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 1));
    assert_eq!(traced.server.spans().names(), ["good"]);
    traced.conserved();
}

#[test]
fn a_refusal_that_speaks_of_the_database_passes() {
    let locked = |status| Answer::new(status).body("text/plain", "(sqlite3) database is locked");
    let traced = after([locked(400), locked(422)]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 3);
}
