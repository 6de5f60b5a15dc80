//! Order, size, duplicates, resources, and lines that are none.

use mlflow_tracing::Replay;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use serde_json::{Value, json};

use super::{
    REQUEST, append, collecting, directory, line, lines, newest, numbers, replay, root, sent, span,
    try_run,
};
use crate::support::app::{conserved, end_span, to_collector};
use crate::support::server::{Route, Server};
use crate::support::time::PATIENCE;

const MIB: usize = 1024 * 1024;

/// Requests that carried spans.
fn sizes(server: &Server) -> Vec<usize> {
    let requests = server.requests(Route::Spans);
    requests.iter().map(|request| request.spans().0.len()).collect()
}

fn with_load(mut span: Value, bytes: usize) -> Value {
    let load = json!({ "key": "load", "value": { "stringValue": "x".repeat(bytes) } });
    span["attributes"] = json!([load]);
    span
}

#[test]
fn the_oldest_file_is_sent_first_and_lines_keep_their_order() {
    let scratch = directory();
    append(&newest(&scratch), &lines(800..1000));
    append(&scratch.path().join("traces.1.jsonl"), &lines(700..800));
    append(&scratch.path().join("traces.2.jsonl"), &lines(1..700));
    let server = Server::collector();
    assert_eq!(sent(&scratch, &server).spans, 999);
    assert_eq!(numbers(&server.spans()), (1..1000).collect::<Vec<_>>());
    assert_eq!(sizes(&server), [REQUEST, 699 - REQUEST, 100, 200], "about a request's worth each");
}

#[test]
fn a_trace_that_many_lines_hold_arrives_together() {
    let scratch = directory();
    let child = |id: usize| line("api", [span(9, id, 1, &format!("span {id}"))]);
    append(&newest(&scratch), &(child(2) + &child(3) + &line("api", [root(7)]) + &child(4)));
    append(&newest(&scratch), &line("api", [span(9, 1, 0, "span 1")]));
    let server = Server::collector();
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.traces), (5, 2));
    assert_eq!(numbers(&server.spans()), [2, 3, 4, 1, 7]);
    assert_eq!(sizes(&server), [5]);
}

#[test]
fn a_span_that_is_there_twice_is_sent_once() {
    let scratch = directory();
    append(&scratch.path().join("traces.1.jsonl"), &line("api", [root(1), root(2), root(1)]));
    append(&newest(&scratch), &lines([3, 2, 4]));
    // The same span id in another trace is another span.
    append(&newest(&scratch), &line("api", [span(99, 4, 0, "span 5")]));
    let server = Server::collector();
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.duplicates, replayed.traces), (5, 2, 5));
    assert_eq!(numbers(&server.spans()), [1, 2, 3, 4, 5]);
}

#[test]
fn each_span_keeps_its_resource_and_the_guard_has_its_own_again() {
    let scratch = directory();
    append(&newest(&scratch), &line("one", [root(1)]));
    append(&newest(&scratch), &line("two", [root(2)]));
    append(&newest(&scratch), &line("one", [root(3)]));
    let server = Server::collector();
    let guard = to_collector(&server).with_service_name("own").build().unwrap();
    try_run(&replay(&scratch), &guard).unwrap();
    end_span(&guard, "span 4");
    guard.flush(PATIENCE).unwrap();
    let spans = server.spans();
    let services: Vec<_> = spans.0.iter().map(|got| got.resource["service.name"].clone()).collect();
    assert_eq!(
        (numbers(&spans), services),
        (vec![1, 2, 3, 4], ["one", "two", "one", "own"].map(Value::from).to_vec())
    );
    conserved(&guard);
}

#[test]
fn a_line_that_cannot_be_read_is_told_and_the_others_are_sent() {
    let scratch = directory();
    append(&scratch.path().join("traces.1.jsonl"), &lines(1..4));
    append(&scratch.path().join("traces.1.jsonl"), "\nno JSON\n");
    let mut bad = root(5);
    bad["traceId"] = json!("xyz");
    append(&newest(&scratch), &line("api", [root(4), bad, root(6)]));
    let server = Server::collector();
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.unreadable), (5, 2));
    let fault = replayed.first_fault.unwrap();
    assert!(fault.starts_with("traces.1.jsonl:5: no JSON"), "{fault}");
    assert_eq!(numbers(&server.spans()), [1, 2, 3, 4, 6]);
    // Passed over for good.
    assert_eq!(sent(&scratch, &server).unreadable, 0);
}

#[test]
fn a_request_is_never_larger_than_a_live_one() {
    let scratch = directory();
    // One line that is too large for a request, as other programs may write it.
    let spans = (1..15).map(|number| with_load(root(number), MIB));
    append(&newest(&scratch), &line("api", spans));
    let server = Server::collector();
    assert_eq!(sent(&scratch, &server).spans, 14);
    assert_eq!(numbers(&server.spans()), (1..15).collect::<Vec<_>>());
    let requests = server.requests(Route::Spans);
    assert!(requests.iter().all(|request| request.body.len() <= 4 * MIB));
}

#[test]
fn a_line_that_is_larger_than_the_memory_is_sent_in_parts() {
    let scratch = directory();
    let spans = (1..100).map(|number| with_load(root(number), 50_000));
    append(&newest(&scratch), &line("api", spans));
    let server = Server::collector();
    let guard = to_collector(&server).with_memory_limit(MIB).build().unwrap();
    let replayed = try_run(&replay(&scratch), &guard).unwrap();
    assert_eq!((replayed.spans, replayed.refused), (99, 0));
    assert_eq!(numbers(&server.spans()), (1..100).collect::<Vec<_>>());
    assert_eq!(conserved(&guard).destinations[0].dropped.total(), 0);
}

#[test]
fn a_queue_that_is_shorter_than_a_line_loses_nothing() {
    for variable in ["OTEL_BSP_MAX_QUEUE_SIZE", "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE"] {
        let scratch = directory();
        append(&newest(&scratch), &line("api", (1..100).map(root)));
        let server = Server::collector();
        let guard = to_collector(&server).with_environment([(variable, "10")]).build().unwrap();
        assert_eq!(try_run(&replay(&scratch), &guard).unwrap().spans, 99, "{variable}");
        assert_eq!(numbers(&server.spans()), (1..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_span_that_nothing_can_take_is_counted_and_passed_over() {
    let scratch = directory();
    append(&newest(&scratch), &lines([1]));
    append(&newest(&scratch), &line("api", [root(2), with_load(root(3), 2 * MIB), root(4)]));
    let server = Server::collector();
    server.judge(Route::Spans, |request| {
        if request.spans().names().contains(&"span 2") { 400.into() } else { 200.into() }
    });
    let guard = to_collector(&server).with_memory_limit(MIB).build().unwrap();
    let replayed = try_run(&replay(&scratch), &guard).unwrap();
    assert_eq!((replayed.spans, replayed.refused, replayed.complete), (2, 2, true));
    assert_eq!(numbers(&server.spans()), [1, 4]);
    // A loss of long ago does not stop the next run.
    append(&newest(&scratch), &lines([5]));
    let replayed = try_run(&replay(&scratch), &guard).unwrap();
    assert_eq!((replayed.spans, replayed.refused), (1, 0));
}

#[test]
fn any_file_of_otlp_json_can_be_sent() {
    let scratch = directory();
    let path = scratch.path().join("from-a-collector.json");
    append(&path, &lines(1..4));
    let server = Server::collector();
    let replayed = try_run(&Replay::from_file(&path), &collecting(&server)).unwrap();
    assert_eq!((replayed.spans, replayed.complete), (3, true));
    assert_eq!(numbers(&server.spans()), [1, 2, 3]);
}

#[test]
fn spans_keep_their_ids() {
    let scratch = directory();
    append(&newest(&scratch), &line("api", [span(0xab, 0xcd, 0xef, "span 1")]));
    let server = Server::collector();
    let guard = collecting(&server);
    // Ids of the guard's own spans have nothing to do with it.
    guard.provider().tracer("own").in_span("span 2", |_| ());
    try_run(&replay(&scratch), &guard).unwrap();
    let spans = server.spans();
    let got = spans.one("span 1");
    assert_eq!(
        (got.trace_id(), got.span_id()),
        (format!("{:032x}", 0xab), format!("{:016x}", 0xcd))
    );
}
