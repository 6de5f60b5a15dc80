//! The program of the README, as a stranger runs it.

use std::process::Command;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::mlflow::{Mlflow, unused_name};
use super::stored::Span;
use super::support::time::wall_clock;
use super::{encoder, example, python};

const QUESTION: &str = "What is the capital of France, and how warm is it there?";
const ANSWER: &str = "Paris, and it is 21.5 °C there.";
const NO_SUCH_CITY: &str = "no such city: Pariss";

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_quickstart_is_in_mlflow_as_it_ran() {
    let server = Mlflow::plain();
    let experiment = unused_name("quickstart");
    let before = nanoseconds();
    let said = run(&[
        ("MLFLOW_TRACKING_URI", &server.uri),
        ("MLFLOW_EXPERIMENT_NAME", &experiment),
        ("OTEL_SERVICE_NAME", "quickstart"),
    ]);
    let after = nanoseconds();

    let experiment_id = server.experiment_id(&experiment);
    let url = format!("{}/#/experiments/{experiment_id}/traces", server.uri);
    assert!(said.contains(&url), "{said}");
    let trace_ids = server.trace_ids(&experiment_id);
    assert_eq!(trace_ids.len(), 1);
    let trace = server.trace(&trace_ids[0]);
    assert_eq!(python::read(&server, &trace_ids[0]), trace);

    check(&trace.spans, "OK");
    let root = &trace.spans[0];
    assert!(before <= root.start && root.end <= after);
    assert_eq!((&*trace.state, &trace.experiment_id), ("OK", &experiment_id));
    assert_eq!(trace.duration_ms, Some(root.end / 1_000_000 - root.start / 1_000_000));
    let question = json!({ "question": QUESTION }).to_string();
    assert_eq!(trace.request_preview, Some(question));
    assert_eq!(trace.response_preview, Some(json!(ANSWER).to_string()));
    assert_eq!(trace.tags["mlflow.traceName"], "agent");
    assert_eq!(trace.tags["service.name"], "quickstart");
    assert_eq!(trace.metadata["mlflow.trace.session"], "s-1");
    assert_eq!(trace.metadata["mlflow.trace.user"], "anna");
    assert_eq!(trace.metadata_json("mlflow.trace.tokenUsage"), usage());
}

/// Runs the example with these variables and no others; returns what it wrote to stderr.
pub(crate) fn run(environment: &[(&str, &str)]) -> String {
    let mut quickstart = Command::new(example::built("quickstart", encoder::FEATURES));
    quickstart.env_clear().envs([encoder::variable()]).envs(environment.iter().copied());
    let output = quickstart.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), ANSWER);
    said
}

/// Compares spans, in the order they started, with what the example does. `fine` is the status of
/// a span that did not fail.
pub(crate) fn check(spans: &[Span], fine: &str) {
    let steps = steps();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, steps.iter().map(|step| step.0).collect::<Vec<_>>());
    let root = &spans[0];
    for (span, (name, kind, inputs, outputs, error)) in spans.iter().zip(steps) {
        assert_eq!((&span.kind, &span.inputs, &span.outputs), (&json!(kind), &inputs, &outputs));
        let status = if error.is_empty() { fine } else { "ERROR" };
        assert_eq!((span.status.as_str(), span.message.as_str()), (status, error), "{name}");
        let told: Vec<_> = span.events.iter().map(|e| (&*e.name, &e.attributes)).collect();
        let exception = json!({ "exception.message": error, "exception.type": "Error" });
        match error {
            "" => assert_eq!(told, []),
            _ => assert_eq!(told, [("exception", exception.as_object().unwrap())]),
        }
        assert!(span.events.iter().all(|e| span.start <= e.time && e.time <= span.end));
        let parent = (name != root.name).then(|| root.id.clone());
        assert_eq!(span.parent_id, parent, "{name}");
        assert!(root.start <= span.start && span.end <= root.end, "{name}");
    }
    assert!(spans[1..].windows(2).all(|pair| pair[0].end <= pair[1].start), "one after the other");
    assert_eq!(content_of(&spans[4].attributes["mlflow.chat.tokenUsage"]), usage());
}

/// Name, type, inputs, outputs and error of each span.
fn steps() -> [(&'static str, &'static str, Value, Value, &'static str); 5] {
    let documents = json!(["Paris is the capital of France.", "Lyon is not."]);
    let messages = json!([
        { "role": "system", "content": "Paris is the capital of France.\nLyon is not." },
        { "role": "user", "content": QUESTION },
        { "role": "tool", "content": NO_SUCH_CITY },
        { "role": "tool", "content": "21.5 °C" },
    ]);
    let message = json!({ "role": "assistant", "content": ANSWER });
    let answer = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
    let asked = json!({ "model": "stand-in", "messages": messages });
    let query = json!({ "query": QUESTION, "top_k": 2 });
    [
        ("agent", "AGENT", json!({ "question": QUESTION }), json!(ANSWER), ""),
        ("retrieve", "RETRIEVER", query, documents, ""),
        ("temperature", "TOOL", json!({ "city": "Pariss" }), Value::Null, NO_SUCH_CITY),
        ("temperature", "TOOL", json!({ "city": "Paris" }), json!(21.5), ""),
        ("chat", "CHAT_MODEL", asked, answer, ""),
    ]
}

fn usage() -> Value {
    json!({ "input_tokens": 96, "output_tokens": 12, "total_tokens": 108 })
}

/// A structure, whether it is stored as such or as JSON text.
fn content_of(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| serde_json::from_str(text).unwrap())
}

/// Now.
pub(crate) fn nanoseconds() -> u64 {
    let since = wall_clock().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}
