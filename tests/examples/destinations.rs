//! The examples that show where traces can go.

use std::process::Output;

use serde_json::json;

use super::program::{experiment_made, run, text};
use super::support::server::port::DeadPort;
use super::support::server::{Route, Server};
use super::support::spans::Spans;

const ANSWER: &str = "You ask: Why is the sky blue?";

fn check(spans: &Spans) {
    assert_eq!(spans.sorted_names(), ["agent", "chat"]);
    let (agent, chat) = (spans.one("agent"), spans.one("chat"));
    assert!(agent.is_root() && chat.is_child_of(agent));
    for (span, kind) in [(agent, "AGENT"), (chat, "CHAT_MODEL")] {
        assert_eq!(span.attribute("mlflow.spanType"), Some(json!(kind)));
        assert_eq!(span.inputs(), Some(json!({ "question": "Why is the sky blue?" })));
        assert_eq!(span.outputs(), Some(json!(ANSWER)));
    }
}

/// The lines that a program which did its work wrote.
fn said(output: &Output) -> Vec<&str> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().collect()
}

#[test]
fn the_collector_gets_the_trace_with_the_headers_and_the_compression_that_were_set() {
    let server = Server::collector();
    let output = run("otlp_collector", &[&format!("{}/v1/traces", server.url())], &[]);
    assert_eq!(said(&output), [ANSWER]);
    check(&server.spans());
    let requests = server.requests(Route::Spans);
    assert_eq!(requests[0].head.header("authorization"), Some("Bearer token"));
    assert_eq!(requests[0].head.header("content-encoding"), Some("gzip"));
    assert_eq!(server.spans().one("agent").resource["service.name"], "genai-app");
}

#[test]
fn a_collector_that_refuses_is_a_failure_of_the_program() {
    let server = Server::collector();
    server.always(Route::Spans, 400);
    let output = run("otlp_collector", &[&format!("{}/v1/traces", server.url())], &[]);
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout), format!("{ANSWER}\n"));
    let why = text(&output.stderr);
    assert!(why.contains("0 of 2 delivered") && why.contains("rejected 2"), "{why}");
}

#[test]
fn both_get_every_trace() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let traces = format!("{}/v1/traces", collector.url());
    let output = run("dual_export", &[&mlflow.url(), &traces], &[]);
    let first = format!("2 of 2 spans at MLflow {}", mlflow.url());
    let second = format!("2 of 2 spans at OTLP {traces}");
    assert_eq!(said(&output), [ANSWER, &first, &second]);
    check(&mlflow.spans());
    check(&collector.spans());
    assert_eq!(experiment_made(&mlflow), "dual-export");
}

#[test]
fn one_that_is_down_costs_the_other_nothing() {
    let mlflow = Server::mlflow();
    let traces = format!("{}/v1/traces", DeadPort::reserve().url());
    let output = run("dual_export", &[&mlflow.url(), &traces], &[]);
    let first = format!("2 of 2 spans at MLflow {}", mlflow.url());
    let second = format!("0 of 2 spans at OTLP {traces}");
    assert_eq!(said(&output), [ANSWER, &first, &second]);
    check(&mlflow.spans());
}

#[test]
fn an_exporter_of_ones_own_gets_every_span_as_it_would_be_sent() {
    let output = run("custom_exporter", &[], &[]);
    let rows: Vec<Vec<&str>> = said(&output).iter().map(|line| line.split(',').collect()).collect();
    let [chat, agent] = rows.as_slice() else { panic!("two rows, not {rows:?}") };
    assert_eq!((chat[0], chat[1], chat[3]), ("chat", "CHAT_MODEL", ANSWER));
    assert_eq!((agent[0], agent[1], agent[3]), ("agent", "AGENT", ANSWER));
    let took = |row: &[&str]| row[2].parse::<u32>().unwrap();
    assert!(20 <= took(chat) && took(chat) <= took(agent), "{rows:?}");
}

#[test]
fn the_official_exporter_writes_what_the_collector_gets() {
    let server = Server::collector();
    let output = run("official_exporter", &[&format!("{}/v1/traces", server.url())], &[]);
    assert_eq!(said(&output), [ANSWER]);
    let explained = text(&output.stderr).lines().find(|line| line.starts_with("encoder"));
    assert!(explained.is_some_and(|line| line.contains("official")), "{}", text(&output.stderr));
    check(&server.spans());
}

#[test]
fn the_doctor_says_whether_the_spans_would_get_there_by_its_status() {
    let server = Server::mlflow();
    let to = |url: &str| run("doctor", &[], &[("MLFLOW_TRACKING_URI", url)]);
    let output = to(&server.url());
    let lines = said(&output).join("\n");
    assert!(lines.contains("(MLFLOW_TRACKING_URI)") && lines.contains("takes spans"), "{lines}");
    let output = to(&DeadPort::reserve().url());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("is the MLflow server running there?"));
}
