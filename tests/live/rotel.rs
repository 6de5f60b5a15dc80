//! The collector rotel: what its log says of the spans it got.
//!
//! Its log has a line for every value, with its type: `     -> top_k: Int(2)`.

use std::fs;

use mlflow_tracing::Protocol;
use serde_json::{Map, Value};

use super::servers::told;
use super::stored::{Event, Span};

/// The endpoint of this protocol, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it; port 4317 for gRPC.
pub(crate) fn url(protocol: Protocol) -> String {
    told(if protocol == Protocol::Grpc { "ROTEL_TEST_GRPC_URL" } else { "ROTEL_TEST_URL" })
}

/// Spans that a service sent, in the order they started.
pub(crate) fn spans_of(service: &str) -> Vec<Span> {
    let log = fs::read_to_string(told("ROTEL_TEST_LOG")).unwrap();
    let mut spans = Vec::new();
    for request in log.split("ResourceSpans #").skip(1) {
        let (resource, rest) = request.split_once("ScopeSpans #").unwrap();
        if attributes(resource, "     -> ").get("service.name") != Some(&service.into()) {
            continue;
        }
        spans.extend(rest.split("\nSpan #").skip(1).map(span));
    }
    spans.sort_by_key(|span| span.start);
    spans
}

fn span(text: &str) -> Span {
    let (text, events) = text.split_once("\nEvents:\n").unwrap_or((text, ""));
    let attributes = attributes(text, "     -> ");
    let attribute = |key: &str| attributes.get(key).cloned().unwrap_or_default();
    let status = value_of(text, "    Status code    :");
    let parent_id = value_of(text, "    Parent ID      :");
    Span {
        id: value_of(text, "    ID             :").to_owned(),
        parent_id: (!parent_id.is_empty()).then(|| parent_id.to_owned()),
        name: value_of(text, "    Name           :").to_owned(),
        kind: attribute("mlflow.spanType"),
        inputs: content(attribute("mlflow.spanInputs")),
        outputs: content(attribute("mlflow.spanOutputs")),
        status: status.strip_prefix("STATUS_CODE_").unwrap().to_owned(),
        message: value_of(text, "    Status message :").to_owned(),
        start: value_of(text, "Start time:").parse().unwrap(),
        end: value_of(text, "End time:").parse().unwrap(),
        events: events.split("SpanEvent #").skip(1).map(event).collect(),
        // No test that reads here makes any.
        links: Vec::new(),
        attributes,
    }
}

fn event(text: &str) -> Event {
    Event {
        name: value_of(text, "     -> Name:").to_owned(),
        time: value_of(text, "     -> Timestamp:").parse().unwrap(),
        attributes: attributes(text, "          -> "),
    }
}

/// What follows `label` on its line.
fn value_of<'a>(text: &'a str, label: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(label));
    found.unwrap_or_else(|| panic!("no {label} in {text}")).trim()
}

fn attributes(text: &str, indent: &str) -> Map<String, Value> {
    // A text may go on for several lines.
    let start = format!("\n{indent}");
    let pairs = text.split(&start).skip(1);
    let pairs = pairs.filter_map(|pair| pair.trim_end_matches('\n').split_once(": "));
    pairs.map(|(key, value)| (key.to_owned(), typed(value))).collect()
}

/// Lists have one item in these tests; kinds that they do not need stay as the log has them.
fn typed(value: &str) -> Value {
    let (kind, content) = value.split_once('(').unwrap_or(("", value));
    let content = content.strip_suffix(')').unwrap_or(content);
    match kind {
        "Str" => content.into(),
        "Int" => content.parse::<i64>().unwrap().into(),
        "Double" => content.parse::<f64>().unwrap().into(),
        "Slice" => vec![typed(content)].into(),
        "Bool" => content.parse::<bool>().unwrap().into(),
        _ => value.into(),
    }
}

/// Structure travels as JSON text.
fn content(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or(value)
}
