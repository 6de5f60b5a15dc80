//! The embedded default: files, and trees in the terminal.

use std::fs::{self, File};
use std::path::Path;

use mlflow_tracing::{Builder, Console, DropReason, TracingGuard};
use serde_json::{Value, json};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{NOTHING, builder, conserved, end_span};
use crate::support::child;
use crate::support::scratch::Scratch;
use crate::support::time::PATIENCE;
use crate::support::told::Ear;

const FULL: u64 = 16 * 1024 * 1024;

fn writing_to(directory: &Path) -> Builder {
    builder().with_local_directory(directory).with_console(Console::Never)
}

fn run(guard: &TracingGuard, app: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, app);
    guard.flush(PATIENCE).unwrap();
    conserved(guard);
}

/// The requests in a file, one a line.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_line_is_a_request_in_otlp_json() {
    let scratch = Scratch::new();
    let guard = writing_to(scratch.path()).with_service_name("api").build().unwrap();
    run(&guard, || {
        let root = info_span!(
            "agent",
            question = "why?",
            mlflow.spanType = "AGENT",
            ratio = 0.5,
            yes = true
        );
        root.in_scope(|| {
            info!(number = 7, "happened");
            drop(info_span!("step"));
        });
    });
    let lines = lines(&scratch.path().join("traces.jsonl"));
    let [request] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    let resource_spans = &request["resourceSpans"][0];
    let service = json!({ "key": "service.name", "value": { "stringValue": "api" } });
    assert!(resource_spans["resource"]["attributes"].as_array().unwrap().contains(&service));
    let scope_spans = &resource_spans["scopeSpans"][0];
    assert_eq!(scope_spans["scope"]["name"], "mlflow_tracing");
    let spans = scope_spans["spans"].as_array().unwrap();
    let [step, agent] = spans.as_slice() else { panic!("two spans, not {spans:?}") };
    assert_eq!((&step["name"], &agent["name"]), (&json!("step"), &json!("agent")));
    assert_eq!(step["parentSpanId"], agent["spanId"]);
    assert_eq!(step["traceId"], agent["traceId"]);
    assert_eq!(agent.get("parentSpanId"), None);
    assert_eq!(agent["traceId"].as_str().unwrap().len(), 32);
    let nanos = |key: &str| agent[key].as_str().unwrap().parse::<u64>().unwrap();
    assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"));
    let value = |key: &str| {
        let attributes = agent["attributes"].as_array().unwrap();
        attributes.iter().find(|kv| kv["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!(value("mlflow.spanType"), json!({ "stringValue": "AGENT" }));
    assert_eq!(value("ratio"), json!({ "doubleValue": 0.5 }));
    assert_eq!(value("yes"), json!({ "boolValue": true }));
    let inputs = value("mlflow.spanInputs")["stringValue"].as_str().unwrap().to_owned();
    assert_eq!(inputs, r#"{"question":"why?","ratio":0.5,"yes":true}"#);
    assert_eq!(agent["events"][0]["name"], "happened");
    let number = json!({ "key": "number", "value": { "intValue": "7" } });
    assert!(agent["events"][0]["attributes"].as_array().unwrap().contains(&number));
}

#[test]
fn every_trace_is_kept_across_restarts() {
    let scratch = Scratch::new();
    for number in 0..3 {
        let guard = writing_to(scratch.path()).build().unwrap();
        end_span(&guard, format!("run {number}"));
        guard.shutdown(PATIENCE).unwrap();
    }
    let lines = lines(&scratch.path().join("traces.jsonl"));
    let name = |line: &Value| line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"].clone();
    assert_eq!(lines.iter().map(name).collect::<Vec<_>>(), ["run 0", "run 1", "run 2"]);
    assert_eq!(names(scratch.path()), ["traces.jsonl"]);
}

/// A file of `length` bytes that begins with `mark`.
fn file_of(path: &Path, mark: &str, length: u64) {
    fs::write(path, mark).unwrap();
    File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn mark(directory: &Path, name: &str) -> String {
    let bytes = fs::read(directory.join(name)).unwrap();
    String::from_utf8_lossy(&bytes[..3]).into_owned()
}

#[test]
fn a_full_file_makes_way_and_four_are_kept() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    for (name, mark) in [
        ("traces.jsonl", "new"),
        ("traces.1.jsonl", "one"),
        ("traces.2.jsonl", "two"),
        ("traces.3.jsonl", "old"),
    ] {
        file_of(&scratch.path().join(name), mark, FULL - 10);
    }
    let guard = writing_to(scratch.path()).build().unwrap();
    end_span(&guard, "first of its file");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(
        names(scratch.path()),
        ["traces.1.jsonl", "traces.2.jsonl", "traces.3.jsonl", "traces.jsonl"]
    );
    let marks = ["traces.1.jsonl", "traces.2.jsonl", "traces.3.jsonl"]
        .map(|name| mark(scratch.path(), name));
    assert_eq!(marks, ["new", "one", "two"]);
    assert_eq!(lines(&scratch.path().join("traces.jsonl")).len(), 1);
    conserved(&guard);
}

#[test]
fn a_file_that_is_not_full_is_added_to() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    file_of(&scratch.path().join("traces.jsonl"), "new", FULL - 4096);
    let guard = writing_to(scratch.path()).build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(names(scratch.path()), ["traces.jsonl"]);
    let length = fs::metadata(scratch.path().join("traces.jsonl")).unwrap().len();
    assert!(length > FULL - 4096 && length <= FULL);
    conserved(&guard);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let directory = scratch.path().join("deeper");
    let guard = writing_to(&directory).build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&directory.join("traces.jsonl"))), (0o700, 0o600));
    conserved(&guard);
}

#[test]
fn a_directory_that_cannot_be_written_is_a_warning_and_no_failure() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    // Below a file there can be no directory, not even for the superuser.
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let directory = file.join("traces");
    let ear = Ear::new(directory.display().to_string());
    let guard = writing_to(&directory).build().unwrap();
    end_span(&guard, "span");
    let error = guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 1));
    let told = ear.lines();
    let warnings: Vec<_> = told.iter().filter(|line| line.contains("cannot write")).collect();
    assert_eq!(warnings.len(), 2, "{told:?}");
    assert!(warnings[0].contains("Set MLFLOW_TRACING_DIRECTORY"), "{warnings:?}");
    assert!(warnings[1].contains("dropped 1 span (rejected): cannot write"), "{warnings:?}");
    conserved(&guard);
}

#[test]
fn a_named_directory_is_a_destination_beside_others() {
    let scratch = Scratch::new();
    let server = crate::support::server::Server::collector();
    let guard = writing_to(scratch.path()).with_otlp_endpoint(server.url()).build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(server.spans().names(), ["span"]);
    assert_eq!(lines(&scratch.path().join("traces.jsonl")).len(), 1);
    assert_eq!(conserved(&guard).destinations.len(), 2);
}

/// What a program without a destination writes to stderr.
fn said(test: &str, console: &str) -> Option<String> {
    let scratch = Scratch::new();
    let directory = scratch.path().display().to_string();
    let environment =
        [("MLFLOW_TRACING_DIRECTORY", directory.as_str()), ("MLFLOW_TRACING_CONSOLE", console)];
    let said = child::run(test, &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        info_span!("agent").in_scope(|| drop(info_span!("step")));
        guard.shutdown(PATIENCE).unwrap();
    })?;
    assert_eq!(lines(&scratch.path().join("traces.jsonl")).len(), 1);
    Some(said.stderr)
}

#[test]
fn without_a_destination_one_line_says_where_traces_go() {
    let Some(said) = said("local::without_a_destination_one_line_says_where_traces_go", "never")
    else {
        return;
    };
    let [line] = said.lines().collect::<Vec<_>>()[..] else { panic!("one line, not {said}") };
    assert!(
        line.starts_with("mlflow-tracing: no destination is set: traces are written to"),
        "{line}"
    );
    assert!(line.contains("Set MLFLOW_TRACKING_URI or OTEL_EXPORTER_OTLP_ENDPOINT"), "{line}");
}

#[test]
fn no_tree_is_drawn_where_stderr_is_no_terminal() {
    let Some(said) = said("local::no_tree_is_drawn_where_stderr_is_no_terminal", "auto") else {
        return;
    };
    assert!(!said.contains("2 spans"), "{said}");
}

#[test]
fn a_tree_is_drawn_where_it_is_asked_for() {
    let Some(said) = said("local::a_tree_is_drawn_where_it_is_asked_for", "always") else { return };
    assert!(said.contains("2 spans") && said.contains("└─ step"), "{said}");
    assert!(!said.contains('\u{1b}'), "colours only in a terminal: {said:?}");
}

#[test]
fn nothing_is_written_to_stdout() {
    // The child's stdout is libtest's: a line of ours would stand between its own.
    let said = child::run(
        "local::nothing_is_written_to_stdout",
        &[("MLFLOW_TRACING_CONSOLE", "always")],
        || {
            let scratch = Scratch::new();
            let builder = mlflow_tracing::builder().with_environment(NOTHING);
            let guard = builder
                .with_local_directory(scratch.path())
                .with_console(Console::Always)
                .build()
                .unwrap();
            end_span(&guard, "agent");
            guard.shutdown(PATIENCE).unwrap();
        },
    );
    let Some(said) = said else { return };
    assert!(said.stderr.contains("agent"));
    assert!(!said.stdout.contains("agent") && !said.stdout.contains("mlflow-tracing"), "{said:?}");
}
