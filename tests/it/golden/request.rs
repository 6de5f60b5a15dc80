//! A request of the Python SDK, as OTLP/JSON.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::parity::tree::{Node, tree};

pub(super) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/otlp")
}

/// Resource, scope and spans of requests that make one trace.
pub(super) fn read(files: &[String]) -> Value {
    let requests: Vec<Value> = files.iter().map(|file| parsed(file)).collect();
    let resource = object(&requests[0]["resourceSpans"][0]["resource"]["attributes"]);
    let scopes: Vec<&Value> = requests
        .iter()
        .flat_map(|request| items(&request["resourceSpans"]))
        .flat_map(|resource| items(&resource["scopeSpans"]))
        .collect();
    let name = scopes[0]["scope"]["name"].as_str().unwrap_or_default();
    let nodes = scopes.iter().flat_map(|scope| items(&scope["spans"])).map(node).collect();
    json!({ "resource": resource, "scope": name, "spans": tree(nodes) })
}

fn parsed(file: &str) -> Value {
    let text = fs::read_to_string(directory().join(format!("{file}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn node(span: &Value) -> Node {
    let text = |key: &str| span[key].as_str().map(str::to_owned);
    let time = |key: &str| span[key].as_str().unwrap().parse().unwrap();
    let status = &span["status"];
    let attributes = object(&span["attributes"]).into_iter();
    let event = |event: &Value| json!({ "name": event["name"], "attributes": object(&event["attributes"]) });
    let content = json!({
        "kind": span["kind"].as_str().unwrap_or("SPAN_KIND_UNSPECIFIED"),
        "status": status["code"].as_str().unwrap_or("STATUS_CODE_UNSET").replace("STATUS_CODE_", ""),
        "message": status["message"].as_str().unwrap_or_default(),
        "attributes": attributes.map(|(key, value)| (key, unpacked(value))).collect::<Map<_, _>>(),
        "events": items(&span["events"]).map(event).collect::<Vec<_>>(),
    });
    Node {
        id: text("spanId").unwrap(),
        parent: text("parentSpanId"),
        name: text("name").unwrap(),
        start: time("startTimeUnixNano"),
        end: time("endTimeUnixNano"),
        content: content.as_object().unwrap().clone(),
    }
}

/// The server takes text that is a JSON object, array or string for what it says.
pub(super) fn unpacked(value: Value) -> Value {
    let is_packed = |text: &&str| text.starts_with(['{', '[', '"']);
    let packed = value.as_str().filter(is_packed);
    packed.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value)
}

fn object(attributes: &Value) -> Map<String, Value> {
    let pairs = items(attributes);
    pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), any(&pair["value"]))).collect()
}

/// A value, of which there may be none.
fn any(value: &Value) -> Value {
    let Some((kind, content)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "kvlistValue" => object(&content["values"]).into(),
        "arrayValue" => items(&content["values"]).map(any).collect(),
        "intValue" => content.as_str().unwrap().parse::<i64>().unwrap().into(),
        _ => content.clone(),
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
