//! What the Python SDK once sent, and what we send for the same work: `tests/golden/otlp`.

mod differences;
mod document;
mod request;

use std::fs;

use serde_json::{Value, json};

use crate::parity::difference::{self, Differences, Found};
use crate::parity::player::{Made, play};
use crate::parity::scenario::{self, Trace};
use crate::parity::tree::{Node, tree, without_times};
use crate::support::app::{Traced, to_mlflow};
use crate::support::server::Server;
use crate::support::spans::{Got, Spans, hex};

/// Requests of programs whose environment says who they are.
const WITH_ENVIRONMENT: &str = "20_resource_service_name";

#[test]
fn a_request_to_an_mlflow_server_differs_from_pythons_only_where_it_is_meant_to() {
    let mut found = Vec::new();
    for trace in scenario::traces().iter().filter(|trace| !trace.golden.is_empty()) {
        let ours = sent(&Traced::mlflow(), trace);
        trace.golden.iter().for_each(|files| found.extend(compared(files, &ours)));
    }
    found.extend(compared(&[WITH_ENVIRONMENT.to_owned()], &sent_with_environment()));
    difference::check(&found, &Differences::meant().golden);
}

#[test]
fn a_request_to_a_collector_differs_from_pythons_only_where_it_is_meant_to() {
    let mut found = Vec::new();
    for trace in scenario::traces().iter().filter(|it| !it.golden_of_collectors.is_empty()) {
        let ours = sent(&Traced::otlp(), trace);
        trace.golden_of_collectors.iter().for_each(|files| found.extend(compared(files, &ours)));
    }
    difference::check(&found, &Differences::meant().golden_of_collectors);
}

#[test]
fn every_request_that_is_kept_is_compared() {
    let mut kept: Vec<String> = fs::read_dir(request::directory())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let traces = scenario::traces();
    let compared =
        traces.iter().flat_map(|trace| trace.golden.iter().chain(&trace.golden_of_collectors));
    let mut compared: Vec<String> = compared.flatten().cloned().collect();
    compared.push(WITH_ENVIRONMENT.to_owned());
    kept.sort_unstable();
    compared.sort_unstable();
    assert_eq!(compared, kept);
}

#[test]
fn parity_md_says_what_differs() {
    let written = fs::read_to_string(document::path()).unwrap_or_default();
    let command = "cargo test --test it parity_md_is_written -- --ignored";
    assert!(written == document::text(), "docs/PARITY.md is old; write it anew: {command}");
}

#[test]
#[ignore = "writes docs/PARITY.md"]
fn parity_md_is_written() {
    fs::write(document::path(), document::text()).unwrap();
}

/// What a server gets of a trace.
fn sent(traced: &Traced, trace: &Trace) -> Value {
    traced.run(|| play(trace, &mut Made::new()));
    describe(&traced.delivered())
}

fn sent_with_environment() -> Value {
    let server = Server::mlflow();
    let builder = to_mlflow(&server).with_environment([
        ("OTEL_SERVICE_NAME", "my-svc"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod,service.version=1.2"),
    ]);
    let traced = Traced::new(builder.build().unwrap(), server);
    traced.run(|| drop(tracing::info_span!("r")));
    describe(&traced.delivered())
}

/// The differences of a request, or of several that make one trace, under the name of the first.
fn compared(files: &[String], ours: &Value) -> Vec<Found> {
    let python = request::read(files);
    let found = difference::between(&python, ours).into_iter();
    found.map(|found| Found { place: format!("{}/{}", files[0], found.place), ..found }).collect()
}

/// What we sent, in the words of `request::read`.
fn describe(spans: &Spans) -> Value {
    let nodes = spans.0.iter().map(node).collect();
    json!({ "resource": spans.0[0].resource, "scope": spans.0[0].scope.name, "spans": tree(nodes) })
}

fn node(got: &Got) -> Node {
    let (status, message) = got.status();
    let events = got.events().into_iter();
    let events = events.map(|(name, attributes)| json!({ "name": name, "attributes": attributes }));
    let attributes =
        got.attributes().into_iter().map(|(key, value)| (key, request::unpacked(value)));
    let content = json!({
        "kind": got.span.kind().as_str_name(),
        "status": status,
        "message": message,
        "attributes": without_times(attributes.collect()),
        "events": events.collect::<Vec<_>>(),
    });
    let parent = hex(&got.span.parent_span_id);
    Node {
        id: got.span_id(),
        parent: (!parent.is_empty()).then_some(parent),
        name: got.span.name.clone(),
        start: got.span.start_time_unix_nano,
        end: got.span.end_time_unix_nano,
        content: content.as_object().unwrap().clone(),
    }
}
