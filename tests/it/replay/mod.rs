//! Files of the embedded default, sent to a server.

use std::fs::{self, File};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use mlflow_tracing::{Replay, ReplayError, Replayed, TracingGuard};
use serde_json::{Value, json};

use crate::support::app::{builder, conserved, to_collector};
use crate::support::scratch::Scratch;
use crate::support::server::Server;
use crate::support::spans::Spans;

mod content;
mod resume;
mod same;
mod stop;

/// Spans of about one request.
const REQUEST: usize = 512;

/// A directory with nothing in it.
fn directory() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    scratch
}

/// A root span as OTLP/JSON; the number makes its ids.
fn root(number: usize) -> Value {
    span(number, number, 0, &format!("span {number}"))
}

fn span(trace: usize, id: usize, parent: usize, name: &str) -> Value {
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": "1795363105000000000",
        "endTimeUnixNano": "1795363105000000001",
    })
}

/// A line with these spans of a service.
fn line(service: &str, spans: impl IntoIterator<Item = Value>) -> String {
    let name = json!({ "key": "service.name", "value": { "stringValue": service } });
    let spans: Vec<Value> = spans.into_iter().collect();
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": [name] },
        "scopeSpans": [{ "scope": { "name": "app" }, "spans": spans }],
    }] });
    format!("{request}\n")
}

/// One line for each number of `numbers`.
fn lines(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| line("api", [root(number)])).collect()
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn newest(directory: &Scratch) -> std::path::PathBuf {
    directory.path().join("traces.jsonl")
}

fn collecting(server: &Server) -> TracingGuard {
    to_collector(server).with_drop_timeout(Duration::ZERO).build().unwrap()
}

fn replay(directory: &Scratch) -> Replay {
    Replay::from_directory(directory.path())
}

fn try_run(replay: &Replay, guard: &TracingGuard) -> Result<Replayed, Box<ReplayError>> {
    let result = replay.run(guard, |_| ControlFlow::Continue(()));
    conserved(guard);
    result
}

/// Replays everything in `directory` to `server`.
fn sent(directory: &Scratch, server: &Server) -> Replayed {
    let replayed = try_run(&replay(directory), &collecting(server)).unwrap();
    assert!(replayed.complete);
    replayed
}

fn numbers(spans: &Spans) -> Vec<usize> {
    spans.names().iter().map(|name| name["span ".len()..].parse().unwrap()).collect()
}

/// The error of a replay that cannot begin.
fn refused(replay: &Replay, guard: &TracingGuard) -> String {
    let error = try_run(replay, guard).unwrap_err();
    assert_eq!(error.replayed(), &Replayed::default());
    assert!(error.flush_error().is_none());
    error.to_string()
}

#[test]
fn a_directory_without_traces_is_an_error_that_names_it() {
    let server = Server::collector();
    let guard = collecting(&server);
    let empty = directory();
    let error = refused(&replay(&empty), &guard);
    assert!(error.contains("has no traces.jsonl") && error.contains("scratch"), "{error}");
    let error = refused(&Replay::from_directory(empty.path().join("none")), &guard);
    assert!(error.contains("cannot read") && error.contains("none"), "{error}");
    let error = refused(&Replay::from_file(empty.path().join("none.jsonl")), &guard);
    assert!(error.contains("none.jsonl"), "{error}");
    assert!(server.spans().0.is_empty());
}

#[test]
fn a_directory_is_not_replayed_into_itself() {
    let directory = directory();
    append(&newest(&directory), &lines(0..3));
    let before = fs::read(newest(&directory)).unwrap();
    // The same directory, called otherwise.
    let other = directory.path().join("..").join(directory.path().file_name().unwrap());
    let guard = builder().with_local_directory(other).build().unwrap();
    let error = refused(&replay(&directory), &guard);
    assert!(error.contains("set MLFLOW_TRACKING_URI"), "{error}");
    assert_eq!(fs::read(newest(&directory)).unwrap(), before);
}

#[test]
fn where_tracing_is_off_nothing_can_be_sent() {
    let directory = directory();
    append(&newest(&directory), &lines(1..3));
    let guard = builder().with_environment([("OTEL_SDK_DISABLED", "true")]).build().unwrap();
    let error = refused(&replay(&directory), &guard);
    assert!(error.contains("tracing is off"), "{error}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_known_before_anything_is_sent() {
    let directory = directory();
    append(&newest(&directory), &lines(1..3));
    let server = Server::collector();
    sent(&directory, &server);
    // A directory in its place: nothing can be written there, not even by the superuser.
    let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let checkpoint = names.into_iter().find(|path| path.extension().unwrap() == "json").unwrap();
    fs::create_dir(checkpoint.with_extension("json.new")).unwrap();
    let error = try_run(&replay(&directory).with_restart(true), &collecting(&server)).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert_eq!(server.spans().0.len(), 2, "those of the first run");
}
