//! What a trace carries beside its spans, in each of the three modes.

use std::collections::BTreeMap;

use mlflow_tracing::{MlflowSpanExt as _, TraceInfoMode};
use serde_json::{Map, Value, json};
use tracing::info_span;

use super::program::Program;
use super::python;
use super::stored::Trace;

/// The trace that `reference.py` makes with the Python SDK.
fn make_reference(program: &Program) -> String {
    program.run(|| {
        let agent = info_span!(
            "agent",
            mlflow.spanType = "AGENT",
            mlflow.clientRequestId = "request-1",
            mlflow.traceTag.team = "blue",
            mlflow.traceMetadata.build = "42",
            session.id = "s-1",
            user.id = "anna",
        )
        .entered();
        agent.set_inputs(&json!({ "question": "what?", "k": 3 }));
        let chat = info_span!("chat", mlflow.spanType = "CHAT_MODEL").entered();
        chat.set_inputs(&json!({ "messages": [{ "role": "user", "content": "what?" }] }))
            .set_json_attribute("mlflow.llm.model", "stand-in")
            .set_json_attribute("mlflow.chat.tokenUsage", &usage())
            .set_outputs("that");
        agent.set_outputs(&json!({ "answer": "that" }));
        agent.trace_id().unwrap()
    })
}

fn usage() -> Value {
    json!({ "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 })
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_trace_with_trace_info_is_what_the_python_sdk_would_have_made() {
    let program = Program::with("always", |builder| {
        // In place of the process's: the user that the Python SDK is told of, too.
        let builder = builder.with_environment([("USER", python::USER)]);
        builder.with_trace_info(TraceInfoMode::Always).with_print_url(false)
    });
    let ours = program.stored(&make_reference(&program));
    let theirs = python::make_trace(&program.server, &program.experiment.id);
    let theirs = program.stored(&theirs);

    assert_eq!(comparable(&ours), comparable(&theirs));
    for key in ["mlflow.traceInputs", "mlflow.traceOutputs", "mlflow.trace.tokenUsage"] {
        assert_eq!(ours.metadata_json(key), theirs.metadata_json(key));
    }
    let sizes = ours.metadata_json("mlflow.trace.sizeStats");
    assert_eq!(sizes["num_spans"], ours.spans.len());
    assert_eq!(keys(&sizes), keys(&theirs.metadata_json("mlflow.trace.sizeStats")));
    assert_eq!(sizes["total_size_bytes"].to_string(), ours.metadata["mlflow.trace.sizeBytes"]);
    assert!(!ours.metadata["mlflow.source.name"].is_empty());
    for (ours, theirs) in ours.spans.iter().zip(&theirs.spans) {
        assert_eq!((&ours.name, &ours.kind), (&theirs.name, &theirs.kind));
        assert_eq!((&ours.inputs, &ours.outputs), (&theirs.inputs, &theirs.outputs));
        assert_eq!((&ours.status, &ours.message), (&theirs.status, &theirs.message));
    }
    assert_eq!(attributes(&ours, "chat"), attributes(&theirs, "chat"));
}

/// What two traces with the same content have in common.
fn comparable(trace: &Trace) -> Value {
    // These differ in content or in white space, and are compared by themselves.
    const OWN: [&str; 6] = [
        "mlflow.source.name",
        "mlflow.trace.sizeBytes",
        "mlflow.trace.sizeStats",
        "mlflow.trace.tokenUsage",
        "mlflow.traceInputs",
        "mlflow.traceOutputs",
    ];
    let metadata: BTreeMap<&String, &str> = trace
        .metadata
        .iter()
        // We do not look for a repository; the SDK says that it found none.
        .filter(|(key, _)| !key.starts_with("mlflow.source.git."))
        .map(|(key, value)| (key, if OWN.contains(&key.as_str()) { "…" } else { value }))
        .collect();
    let tags: BTreeMap<&String, &String> =
        trace.tags.iter().filter(|(key, _)| *key != "mlflow.artifactLocation").collect();
    let preview = |text: &Option<String>| -> Value {
        serde_json::from_str(text.as_deref().unwrap()).unwrap()
    };
    json!({
        "client_request_id": trace.client_request_id,
        "state": trace.state,
        "request": preview(&trace.request_preview),
        "response": preview(&trace.response_preview),
        "metadata": metadata,
        "tags": tags,
    })
}

/// The attributes of a span, but for the id of its trace.
fn attributes(trace: &Trace, name: &str) -> Map<String, Value> {
    let mut attributes = trace.span(name).attributes.clone();
    assert_eq!(attributes.remove("mlflow.traceRequestId"), Some(json!(trace.id)));
    attributes
}

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn trace_info_is_sent_on_its_own_for_what_spans_cannot_carry() {
    let program = Program::new("auto");
    let long = "é".repeat(300);
    let trace_id = program.run(|| {
        let span = info_span!(
            "agent",
            mlflow.clientRequestId = &*long,
            mlflow.traceMetadata.long = &*long,
            mlflow.traceRequestPreview = "what was asked",
            mlflow.traceResponsePreview = "what was answered",
            mlflow.traceState = "ERROR",
        );
        span.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    assert_eq!(trace.client_request_id, Some("é".repeat(50)));
    assert_eq!(trace.metadata["long"], "é".repeat(250));
    assert_eq!(trace.request_preview.as_deref(), Some("what was asked"));
    assert_eq!(trace.response_preview.as_deref(), Some("what was answered"));
    assert_eq!((&*trace.state, &*trace.span("agent").status), ("ERROR", "OK"));
    assert_eq!(trace.tags["mlflow.traceName"], "agent");
    assert_eq!(trace.metadata_json("mlflow.trace.sizeStats")["num_spans"], 1);
    let left: Vec<_> = trace.span("agent").attributes.keys().collect();
    assert!(!left.iter().any(|key| key.contains("Metadata") || key.contains("clientRequest")));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn trace_info_is_not_sent_where_spans_say_everything() {
    for (mode, test) in [(TraceInfoMode::Auto, "auto, plain"), (TraceInfoMode::Never, "never")] {
        let program = Program::with(test, |builder| builder.with_trace_info(mode));
        let trace_id = program.run(|| {
            let asks = (mode == TraceInfoMode::Never).then_some("request-1");
            let span = info_span!("agent", mlflow.clientRequestId = asks, session.id = "s-1");
            span.set_inputs(&json!({ "question": "what?" })).trace_id().unwrap()
        });
        let trace = program.stored(&trace_id);
        assert!(!trace.metadata.contains_key("mlflow.trace_schema.version"), "{test}");
        assert_eq!(trace.client_request_id, None, "{test}");
        assert_eq!((&*trace.state, &*trace.tags["mlflow.traceName"]), ("OK", "agent"), "{test}");
        assert_eq!(trace.metadata["mlflow.trace.session"], "s-1", "{test}");
        assert_eq!(trace.request_preview.as_deref(), Some(r#"{"question":"what?"}"#), "{test}");
    }
}
