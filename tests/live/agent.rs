//! The trace of `examples/agent`, a service with everything that real ones have, is whole in every
//! receiver, on every protocol. It is built as its users build it, with our own encoder.

use std::fs;
use std::path::Path;
use std::process::Command;

use mlflow_tracing::Protocol;
use serde_json::{Value, json};

use super::example::cargo;
use super::mlflow::{Mlflow, unused_name};
use super::servers::told;
use super::stored::{Event, Span, Trace};
use super::support::time::until;
use super::{elastic, python, rotel};

const QUESTION: &str =
    "What is the capital of 日本, what is MLFLOW_EXPERIMENT_NUMBER, and how much is 2 KiB in B?";
/// One of them is asked for a variable that does not exist.
const STEPS: [(&str, &str); 8] = [
    ("agent", "AGENT"),
    ("retrieve", "RETRIEVER"),
    ("chat", "CHAT_MODEL"),
    ("variable", "TOOL"),
    ("convert", "TOOL"),
    ("chat", "CHAT_MODEL"),
    ("variable", "TOOL"),
    ("chat", "CHAT_MODEL"),
];
const NO_SUCH_VARIABLE: &str =
    "there is no variable MLFLOW_EXPERIMENT_NUMBER; did you mean MLFLOW_EXPERIMENT_NAME?";

/// Asks the agent, with these variables and no others; returns its answer and the trace's id.
fn ask(environment: &[(&str, &str)]) -> (String, String) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("agent");
    let mut build = cargo();
    build.args(["build", "--quiet", "--manifest-path", "examples/agent/Cargo.toml"]);
    assert!(build.arg("--target-dir").arg(&target).status().unwrap().success());

    let documents = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent-documents");
    fs::create_dir_all(&documents).unwrap();
    let text =
        "# 日本\n\nThe capital of 日本 is \"東京\" 🗼. It is no \\ in a path, and no <script>.\n";
    fs::write(documents.join("cities.md"), text).unwrap();

    let mut agent = Command::new(target.join("debug/agent"));
    agent.args(["--once", QUESTION]).env_clear().env("AGENT_DOCUMENTS", documents);
    let output = agent.envs(environment.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !said.contains("warning"), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (answer, trace_id) = printed.trim_end().rsplit_once("\ntrace ").unwrap();
    (answer.to_owned(), trace_id.to_owned())
}

/// The spans without what another run has otherwise.
fn comparable(spans: &[Span]) -> Vec<Value> {
    let position = |id: &String| spans.iter().position(|span| span.id == *id).unwrap();
    let event = |event: &Event| json!({ "name": event.name, "attributes": event.attributes });
    let comparable = |span: &Span| {
        json!({
            "name": span.name,
            "parent": span.parent_id.as_ref().map(position),
            "type": span.kind,
            "inputs": span.inputs,
            "outputs": span.outputs,
            "failed": span.status == "ERROR",
            "message": span.message,
            "events": span.events.iter().map(event).collect::<Vec<_>>(),
            "attributes": span.attributes,
        })
    };
    spans.iter().map(comparable).collect()
}

fn check_same(spans: &[Span], reference: &[Span]) {
    assert_eq!(spans.len(), reference.len());
    for (span, reference) in comparable(spans).iter().zip(comparable(reference)) {
        assert_eq!(*span, reference);
    }
}

/// What the agent did is in the spans.
fn check(spans: &[Span], answer: &str) {
    let steps: Vec<_> = spans.iter().map(|s| (&*s.name, s.kind.as_str().unwrap())).collect();
    assert_eq!(steps, STEPS);
    let (root, children) = spans.split_first().unwrap();
    assert_eq!((&root.parent_id, &root.outputs), (&None, &json!(answer)));
    assert!(answer.contains("東京"), "{answer}");
    assert_eq!(root.inputs, json!({ "question": QUESTION }));
    assert!(children.iter().all(|child| child.parent_id.as_ref() == Some(&root.id)));
    assert!(children.windows(2).all(|pair| pair[0].end <= pair[1].start), "one after the other");
    let failed = spans.iter().filter(|span| span.status == "ERROR");
    assert_eq!(failed.map(|span| &*span.message).collect::<Vec<_>>(), [NO_SUCH_VARIABLE]);
    assert_eq!(spans[4].outputs, json!({ "quantity": 2048.0, "unit": "B" }));
    assert_eq!(spans[7].inputs["messages"].as_array().unwrap().len(), 7);
    assert_eq!(spans[7].outputs["choices"][0]["message"]["content"], answer);
}

/// What MLflow makes of the trace as a whole.
fn check_trace(server: &Mlflow, trace: &Trace, answer: &str) {
    assert_eq!(python::read(server, &trace.id), *trace);
    assert_eq!(trace.state, "OK");
    assert_eq!(trace.metadata["mlflow.trace.user"], "anna");
    assert_eq!(trace.metadata["mlflow.trace.session"], "session-1");
    let tokens = trace.metadata_json("mlflow.trace.tokenUsage")["total_tokens"].clone();
    assert!(tokens.as_u64().unwrap() > 100, "{tokens}");
    check(&trace.spans, answer);
}

/// Runs the agent against this endpoint; returns its spans as `read` finds them.
fn send(
    endpoint: &str,
    protocol: Protocol,
    compression: &str,
    read: impl Fn(&str) -> Vec<Span>,
) -> Vec<Span> {
    let service = unused_name(&format!("agent {protocol} {compression}"));
    let (answer, _) = ask(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", &protocol.to_string()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ("OTEL_SERVICE_NAME", &service),
    ]);
    until("the receiver has written", || read(&service).len() >= STEPS.len());
    let spans = read(&service);
    check(&spans, &answer);
    spans
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_agents_trace_is_the_same_in_every_collector_on_every_protocol() {
    let reference =
        send(&elastic::url(Protocol::HttpJson), Protocol::HttpJson, "none", elastic::spans_of);
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        for compression in ["none", "gzip"] {
            let spans = send(&rotel::url(protocol), protocol, compression, rotel::spans_of);
            check_same(&spans, &reference);
        }
    }
    for (protocol, compression) in
        [(Protocol::Grpc, "none"), (Protocol::Grpc, "gzip"), (Protocol::HttpProtobuf, "none")]
    {
        let url = elastic::url(protocol);
        let spans = send(&url, protocol, compression, elastic::spans_of);
        check_same(&spans, &reference);
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_agents_trace_is_whole_in_mlflow_behind_a_grpc_gateway() {
    let (answer, trace_id) = ask(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &told("GATEWAY_TEST_GRPC_URL")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_SERVICE_NAME", &unused_name("agent")),
    ]);
    let server = Mlflow::plain();
    let has_it = || server.trace_ids("0").contains(&trace_id);
    until("the gateway has passed it on", has_it);
    check_trace(&server, &server.trace(&trace_id), &answer);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_agents_trace_is_whole_in_every_mlflow() {
    for server in [Mlflow::plain(), Mlflow::with_password()] {
        let (user, password) = server.credentials.clone().unwrap_or_default();
        let experiment = unused_name("agent");
        let mut environment =
            vec![("MLFLOW_TRACKING_URI", &*server.uri), ("MLFLOW_EXPERIMENT_NAME", &experiment)];
        if server.credentials.is_some() {
            environment.push(("MLFLOW_TRACKING_USERNAME", &user));
            environment.push(("MLFLOW_TRACKING_PASSWORD", &password));
        }
        let (answer, trace_id) = ask(&environment);
        assert_eq!(server.trace_ids(&server.experiment_id(&experiment)), [&*trace_id]);
        let trace = server.trace(&trace_id);
        assert_eq!(trace.tags["mlflow.traceName"], "agent");
        check_trace(&server, &trace, &answer);
    }
}
