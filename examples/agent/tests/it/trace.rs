//! The spans that a service left in its folder.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    pub trace_id: String,
    pub id: String,
    pub parent_id: String,
    /// `CLIENT` is 3.
    pub kind: u64,
    pub start: u64,
    pub end: u64,
    /// The message, if it failed.
    pub error: Option<String>,
    pub attributes: Map<String, Value>,
    /// Names and attributes.
    pub events: Vec<(String, Map<String, Value>)>,
}

impl Span {
    pub fn span_type(&self) -> &str {
        self.attributes["mlflow.spanType"].as_str().unwrap()
    }

    /// A structure in an attribute.
    pub fn json(&self, key: &str) -> Value {
        let text = self.attributes[key].as_str().unwrap();
        serde_json::from_str(text).unwrap_or_else(|_| text.into())
    }

    pub fn inputs(&self) -> Value {
        self.json("mlflow.spanInputs")
    }

    pub fn outputs(&self) -> Value {
        self.json("mlflow.spanOutputs")
    }
}

/// Every span in the folder, in the order in which they started.
pub fn read(folder: &Path) -> Vec<Span> {
    let text = fs::read_to_string(folder.join("traces.jsonl")).unwrap_or_default();
    let requests = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut spans = Vec::new();
    for request in requests {
        for resource_spans in request["resourceSpans"].as_array().unwrap() {
            for scope_spans in resource_spans["scopeSpans"].as_array().unwrap() {
                spans.extend(scope_spans["spans"].as_array().unwrap().iter().map(span));
            }
        }
    }
    spans.sort_by_key(|span: &Span| span.start);
    spans
}

fn span(json: &Value) -> Span {
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let time = |key: &str| text(key).parse().unwrap();
    let failed = json["status"]["code"] == 2;
    Span {
        name: text("name"),
        trace_id: text("traceId"),
        id: text("spanId"),
        parent_id: text("parentSpanId"),
        kind: json["kind"].as_u64().unwrap(),
        start: time("startTimeUnixNano"),
        end: time("endTimeUnixNano"),
        error: failed.then(|| json["status"]["message"].as_str().unwrap().to_owned()),
        attributes: attributes(&json["attributes"]),
        events: json["events"].as_array().into_iter().flatten().map(event).collect(),
    }
}

fn event(json: &Value) -> (String, Map<String, Value>) {
    (json["name"].as_str().unwrap().to_owned(), attributes(&json["attributes"]))
}

fn attributes(pairs: &Value) -> Map<String, Value> {
    let pairs = pairs.as_array().into_iter().flatten();
    pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), value(&pair["value"]))).collect()
}

fn value(json: &Value) -> Value {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "arrayValue" => value["values"].as_array().into_iter().flatten().map(self::value).collect(),
        "intValue" => value.as_str().unwrap().parse::<i64>().unwrap().into(),
        _ => value.clone(),
    }
}
