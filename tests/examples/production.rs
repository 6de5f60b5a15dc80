//! `examples/production.rs`

use std::process::Output;

use serde_json::{Map, Value, json};

use super::program::{experiment_made, run, text};
use super::support::server::Server;
use super::support::spans::{Got, Spans};

fn handle(server: &Server, message: &str, more: &[(&str, &str)]) -> Output {
    let url = server.url();
    let environment = [&[("MLFLOW_TRACKING_URI", &*url)], more].concat();
    run("production", &[message], &environment)
}

/// The trace's tags without their prefix.
fn tags(span: &Got) -> Map<String, Value> {
    let attributes = span.attributes().into_iter();
    attributes
        .filter_map(|(key, value)| Some((key.strip_prefix("mlflow.traceTag.")?.to_owned(), value)))
        .filter(|(key, _)| key != "mlflow.traceName")
        .collect()
}

/// The root, which says for whom the request was, whatever came of it.
fn root(spans: &Spans) -> &Got {
    let root = spans.one("handle_user_request");
    assert!(root.is_root());
    assert_eq!(root.attribute("user.id"), Some(json!("user-123")));
    assert_eq!(root.attribute("session.id"), Some(json!("session-456")));
    assert!(spans.one("process_chat_request").is_child_of(root));
    root
}

#[test]
fn a_request_that_is_answered_is_tagged_with_how_it_went() {
    let server = Server::mlflow();
    let output = handle(&server, "Größe?", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "You said: Größe?\n");
    let spans = server.spans();
    let root = root(&spans);
    assert_eq!(
        root.inputs(),
        Some(json!({ "user_id": "user-123", "session_id": "session-456", "message": "Größe?" }))
    );
    assert_eq!(root.outputs(), Some(json!("You said: Größe?")));
    assert_eq!(root.status(), ("OK", ""));
    let expected = json!({
        "user_id": "user-123",
        "session_id": "session-456",
        "environment": "production",
        "service_version": env!("CARGO_PKG_VERSION"),
        "response_length": "16",
        "processing_successful": "true",
    });
    assert_eq!(Value::from(tags(root)), expected);
}

#[test]
fn a_request_that_fails_is_tagged_with_why_and_the_caller_is_told() {
    let server = Server::mlflow();
    let output = handle(&server, " ", &[]);
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("Error: ChatError"), "{}", text(&output.stderr));
    let spans = server.spans();
    let root = root(&spans);
    let why = "there is no message to answer";
    let said = format!("ChatError: {why}");
    assert_eq!((root.outputs(), root.status()), (None, ("ERROR", said.as_str())));
    let expected = json!({
        "user_id": "user-123",
        "session_id": "session-456",
        "environment": "production",
        "service_version": env!("CARGO_PKG_VERSION"),
        "error": "true",
        "error_type": "production::ChatError",
        "error_message": why,
    });
    assert_eq!(Value::from(tags(root)), expected);
}

#[test]
fn the_experiment_is_the_environments_or_the_default() {
    let made = |environment: &[(&str, &str)]| {
        let server = Server::mlflow();
        assert!(handle(&server, "Hello", environment).status.success());
        experiment_made(&server)
    };
    assert_eq!(made(&[]), "production-genai-app");
    assert_eq!(made(&[("MLFLOW_EXPERIMENT_NAME", "checkout")]), "checkout");
}
