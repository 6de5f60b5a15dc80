//! Runs that end early, and what the next run does.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{
    REQUEST, append, collecting, directory, lines, newest, numbers, replay, sent, try_run,
};
use crate::support::app::conserved;
use crate::support::scratch::Scratch;
use crate::support::server::{Act, Route, Server};
use crate::support::spans::Spans;
use crate::support::time::{PATIENCE, timed};

/// Five requests' worth of spans.
fn five_requests() -> Scratch {
    let scratch = directory();
    append(&newest(&scratch), &lines(1..=5 * REQUEST));
    scratch
}

fn all() -> Vec<usize> {
    (1..=5 * REQUEST).collect()
}

#[test]
fn a_run_that_was_cut_off_is_continued_with_no_more_than_a_batch_twice() {
    let scratch = five_requests();
    let server = Server::collector();
    server.script(Route::Spans, [200, 200]);
    // Perhaps stored, but nobody hears of it.
    server.always(Route::Spans, Act::Close);
    let impatient = replay(&scratch).with_patience(Duration::from_millis(300));
    let error = try_run(&impatient, &collecting(&server)).unwrap_err();
    assert_eq!(error.replayed().spans, 2 * REQUEST as u64);
    assert!(!error.replayed().complete);
    assert_eq!(error.flush_error().unwrap().pending(), REQUEST as u64);
    let text = error.to_string();
    assert!(text.contains(&server.url()) && text.contains("sent again by the next run"), "{text}");

    server.as_usual(Route::Spans);
    assert_eq!(sent(&scratch, &server).spans, 3 * REQUEST as u64);
    let requests = server.requests(Route::Spans);
    let came = Spans::decode(requests.iter().map(|request| request.body.as_slice()));
    let mut got = numbers(&came);
    let unconfirmed = 2 * REQUEST + 1..=3 * REQUEST;
    let once = got.iter().filter(|number| !unconfirmed.contains(*number)).count();
    assert_eq!(once, 4 * REQUEST, "spans of confirmed batches come once");
    got.sort_unstable();
    got.dedup();
    assert_eq!(got, all(), "nothing is lost");
}

#[test]
fn the_same_guard_may_go_on_and_no_request_has_a_span_twice() {
    let scratch = directory();
    append(&newest(&scratch), &lines(1..100));
    let server = Server::collector();
    // Nothing is sent before the server is known to work: the first run leaves its batch in memory.
    server.always(Route::Setup, 503);
    let guard = collecting(&server);
    let impatient = replay(&scratch).with_patience(Duration::from_millis(300));
    let error = try_run(&impatient, &guard).unwrap_err();
    assert_eq!((error.replayed().spans, error.flush_error().unwrap().pending()), (0, 99));
    server.as_usual(Route::Setup);
    assert_eq!(try_run(&replay(&scratch), &guard).unwrap().spans, 99);
    let requests = server.requests(Route::Spans);
    let sent: Vec<_> = requests.iter().map(|request| numbers(&request.spans())).collect();
    // A server on PostgreSQL refuses a request that has a span twice.
    assert_eq!(sent, [(1..100).collect::<Vec<_>>(), (1..100).collect()]);
}

#[test]
fn a_refusal_ends_the_run_at_once() {
    let scratch = five_requests();
    let server = Server::collector();
    server.always(Route::Spans, 401);
    let guard = collecting(&server);
    let (took, result) = timed(|| try_run(&replay(&scratch).with_patience(PATIENCE), &guard));
    let error = result.unwrap_err().to_string();
    assert!(error.contains("401") && error.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{error}");
    assert!(took < PATIENCE / 2, "{took:?}");
}

#[test]
fn a_server_that_is_busy_for_a_moment_gets_everything_in_order() {
    let scratch = five_requests();
    let server = Server::collector();
    server.script(Route::Spans, [200, 503, 200, 503, 503]);
    assert_eq!(sent(&scratch, &server).spans, 5 * REQUEST as u64);
    assert_eq!(numbers(&server.spans()), all());
}

#[test]
fn the_program_may_end_the_run_between_two_batches() {
    let scratch = five_requests();
    let server = Server::collector();
    let guard = collecting(&server);
    let mut told = Vec::new();
    let replayed = replay(&scratch)
        .run(&guard, |progress| {
            told.push((progress.bytes, progress.total_bytes, progress.spans, progress.traces));
            if told.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    conserved(&guard);
    assert_eq!((replayed.spans, replayed.complete), (2 * REQUEST as u64, false));
    assert_eq!(sent(&scratch, &server).spans, 3 * REQUEST as u64);
    assert_eq!(numbers(&server.spans()), all());
    let total = newest(&scratch).metadata().unwrap().len();
    let request = REQUEST as u64;
    let [first, second] = told[..] else { panic!("two batches, not {told:?}") };
    assert_eq!((first.1, first.2, first.3), (total, request, request));
    assert_eq!((second.1, second.2, second.3), (total, 2 * request, 2 * request));
    assert!(0 < first.0 && first.0 < second.0 && second.0 < total);
}

#[test]
fn progress_begins_where_the_last_run_ended_and_ends_at_the_end() {
    let scratch = five_requests();
    let server = Server::collector();
    sent(&scratch, &server);
    let done = newest(&scratch).metadata().unwrap().len();
    append(&newest(&scratch), &lines(1..=REQUEST));
    let total = newest(&scratch).metadata().unwrap().len();
    let guard = collecting(&server);
    let mut told = Vec::new();
    let run = replay(&scratch).run(&guard, |progress| {
        told.push((progress.bytes, progress.total_bytes));
        ControlFlow::Continue(())
    });
    conserved(&guard);
    assert!(run.unwrap().complete);
    assert!(done < total);
    assert_eq!(told, [(total, total)]);
}

#[test]
fn the_program_may_end_the_run_while_a_destination_makes_it_wait() {
    let scratch = five_requests();
    let server = Server::collector();
    server.script(Route::Spans, [200]);
    server.always(Route::Spans, 503);
    let guard = collecting(&server);
    let asked = AtomicUsize::new(0);
    let (took, replayed) = timed(|| {
        let patient = replay(&scratch).with_patience(10 * PATIENCE);
        patient.run(&guard, |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        })
    });
    conserved(&guard);
    let replayed = replayed.unwrap();
    assert_eq!((replayed.spans, replayed.complete), (REQUEST as u64, false));
    assert!(took < PATIENCE, "{took:?}");
    drop(guard);
    server.as_usual(Route::Spans);
    assert_eq!(sent(&scratch, &server).spans, 4 * REQUEST as u64);
    let mut got = numbers(&server.spans());
    got.sort_unstable();
    assert_eq!(got, all());
}
