//! Elastic's receiver, written in JavaScript: what it wrote of the requests that it got.
//!
//! `harness/elastic.js` says how.

use std::fs;

use mlflow_tracing::Protocol;
use serde_json::{Map, Value};

use super::servers::told;
use super::stored::{Event, Span};

/// The endpoint of this protocol, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it.
pub(crate) fn url(protocol: Protocol) -> String {
    told(if protocol == Protocol::Grpc { "ELASTIC_TEST_GRPC_URL" } else { "ELASTIC_TEST_URL" })
}

/// Headers, or metadata, and path of the requests whose header `x-test` has this value.
pub(crate) fn requests_of(test: &str) -> Vec<(Map<String, Value>, String)> {
    let headers = |line: &Value| line["headers"].as_object().unwrap().clone();
    let requests = lines("request");
    let requests = requests.iter().map(|line| (headers(line), text(&line["path"])));
    requests.filter(|(headers, _)| headers.get("x-test") == Some(&test.into())).collect()
}

/// Requests of a service as it decoded them: each as its list of `resourceSpans`.
pub(crate) fn traces_of(service: &str) -> Vec<Value> {
    let mut traces = lines("trace");
    traces.retain(|trace| {
        let resources =
            items(&trace["resourceSpans"]).map(|spans| object(&spans["resource"]["attributes"]));
        resources.into_iter().any(|resource| resource.get("service.name") == Some(&service.into()))
    });
    traces.iter_mut().map(|trace| trace["resourceSpans"].take()).collect()
}

/// Spans that a service sent, in the order they started.
pub(crate) fn spans_of(service: &str) -> Vec<Span> {
    let traces = traces_of(service);
    let scopes = traces.iter().flat_map(items).flat_map(|resource| items(&resource["scopeSpans"]));
    let mut spans: Vec<Span> = scopes.flat_map(|scope| items(&scope["spans"])).map(span).collect();
    spans.sort_by_key(|span| span.start);
    spans
}

fn lines(kind: &str) -> Vec<Value> {
    let received = fs::read_to_string(told("ELASTIC_TEST_LOG")).unwrap();
    // It may be writing another one.
    let whole = received.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if let Some(line) = lines.iter().find(|line| line["kind"] == "uncaught") {
        panic!("it could not decode what it got: {line}");
    }
    lines.into_iter().filter(|line| line["kind"] == kind).collect()
}

fn span(sent: &Value) -> Span {
    let attributes = object(&sent["attributes"]);
    let attribute = |key: &str| attributes.get(key).cloned().unwrap_or_default();
    Span {
        id: text(&sent["spanId"]),
        parent_id: sent["parentSpanId"].as_str().map(str::to_owned),
        name: text(&sent["name"]),
        kind: attribute("mlflow.spanType"),
        inputs: content(attribute("mlflow.spanInputs")),
        outputs: content(attribute("mlflow.spanOutputs")),
        status: ["UNSET", "OK", "ERROR"][number(&sent["status"]["code"])].to_owned(),
        message: sent["status"]["message"].as_str().unwrap_or_default().to_owned(),
        start: nanoseconds(&sent["startTimeUnixNano"]),
        end: nanoseconds(&sent["endTimeUnixNano"]),
        events: items(&sent["events"]).map(event).collect(),
        // No test that reads here makes any.
        links: Vec::new(),
        attributes,
    }
}

fn event(sent: &Value) -> Event {
    Event {
        name: text(&sent["name"]),
        time: nanoseconds(&sent["timeUnixNano"]),
        attributes: object(&sent["attributes"]),
    }
}

fn object(attributes: &Value) -> Map<String, Value> {
    let pairs = items(attributes).map(|pair| (text(&pair["key"]), any(&pair["value"])));
    let object: Map<String, Value> = pairs.collect();
    assert_eq!(object.len(), items(attributes).count(), "a key came twice: {attributes}");
    object
}

fn any(value: &Value) -> Value {
    let (kind, content) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "intValue" => text(content).parse::<i64>().unwrap().into(),
        // No JSON number, or written without a point.
        "doubleValue" => content.as_f64().map_or_else(|| content.clone(), Value::from),
        "arrayValue" => items(&content["values"]).map(any).collect::<Vec<_>>().into(),
        "stringValue" | "boolValue" => content.clone(),
        other => panic!("not sent by this crate: {other}"),
    }
}

/// Structure travels as JSON text.
fn content(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or(value)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// What is nought is left out.
fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_default()).unwrap()
}

fn nanoseconds(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}
