//! A server that is not there, does not answer, or breaks off: spans wait and arrive.

use std::time::Duration;

use crate::support::app::{NOTHING, Traced, builder};
use crate::support::http::Answer;
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, timed};

const SHORT: Duration = Duration::from_millis(300);

/// A program whose server does `acts` with the first requests that carry spans.
fn after<A: Into<Act>>(acts: impl IntoIterator<Item = A>) -> Traced {
    let server = Server::mlflow();
    server.script(Route::Spans, acts);
    Traced::mlflow_with(server, |builder| builder.with_timeout(SHORT))
}

/// Ends one span and sees that it arrives, once, in the second request.
fn arrives_at_the_second_attempt(traced: &Traced) {
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 2);
    assert_eq!(traced.conserved().destinations[0].retries, 1);
}

#[test]
fn spans_wait_for_a_server_that_is_down() {
    let port = DeadPort::reserve();
    let guard = builder().with_environment(NOTHING).with_tracking_uri(port.url()).build().unwrap();
    crate::support::app::end_span(&guard, "early");
    let words = guard.flush(SHORT).unwrap_err().to_string();
    assert!(words.contains("1 pending"), "{words}");
    assert!(words.contains("is the MLflow server running there?"), "{words}");
    let server = port.open();
    let traced = Traced::new(guard, server);
    traced.end_span("late");
    assert_eq!(traced.delivered().sorted_names(), ["early", "late"]);
}

#[test]
fn trouble_is_told_once_and_its_end_too() {
    let port = DeadPort::reserve();
    let ear = port.ear();
    let guard = builder().with_environment(NOTHING).with_tracking_uri(port.url()).build().unwrap();
    crate::support::app::end_span(&guard, "span");
    for _ in 0..3 {
        guard.flush(Duration::from_millis(50)).unwrap_err();
    }
    let traced = Traced::new(guard, port.open());
    traced.delivered();
    let told = ear.lines();
    let [trouble, end] = told.as_slice() else { panic!("two lines, not {told:#?}") };
    assert!(trouble.contains("spans wait in memory and are sent again"), "{trouble}");
    assert!(end.ends_with("works again"), "{end}");
}

#[test]
fn a_server_that_hangs_is_asked_again() {
    arrives_at_the_second_attempt(&after([Act::Hold]));
}

#[test]
fn a_server_that_answers_without_end_is_asked_again() {
    arrives_at_the_second_attempt(&after([Act::Drip]));
}

#[test]
fn a_server_that_closes_without_an_answer_is_asked_again() {
    arrives_at_the_second_attempt(&after([Act::Close]));
}

#[test]
fn a_server_that_resets_the_connection_is_asked_again() {
    arrives_at_the_second_attempt(&after([Act::Reset]));
}

#[test]
fn a_server_that_breaks_off_in_the_status_line_is_asked_again() {
    arrives_at_the_second_attempt(&after([Act::HalfStatusLine]));
}

#[test]
fn a_server_that_breaks_off_after_the_status_has_accepted() {
    let accepted = Answer::new(200).body("application/json", "{");
    let traced = after([Act::HalfAnswer(accepted)]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
}

#[test]
fn a_server_that_says_200_and_junk_has_accepted() {
    let traced = after([Answer::new(200).body("application/x-protobuf", [0xff, 0xfe, 0x00])]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_costs_nothing() {
    let traced = Traced::mlflow();
    traced.end_span("first");
    traced.flush();
    traced.server.close_connections();
    traced.end_span("second");
    assert_eq!(traced.delivered().names(), ["first", "second"]);
}

#[test]
fn a_setup_that_fails_for_a_while_is_repeated() {
    let server = Server::mlflow();
    server.script(Route::Setup, [Act::Close, 503.into()]);
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment("rag"));
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    // Two in vain, one by name, one that makes it.
    assert_eq!(traced.server.requests(Route::Setup).len(), 4);
}

#[test]
fn a_span_is_given_up_when_the_retry_window_is_over() {
    let server = Server::mlflow();
    server.always(Route::Spans, 503);
    let traced = Traced::mlflow_with(server, |builder| builder.with_retry_window(SHORT));
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{time:?}");
    assert!(words.contains("dropped retry_expired 1"), "{words}");
    assert!(traced.conserved().destinations[0].retries >= 1);
}
