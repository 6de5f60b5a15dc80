//! Traces without ids, times and sizes, so that those of two runs can be compared.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::parity::tree::{self, Node, places, tree};
use super::stored::{Event, Link, Span, Trace};

/// Metadata that is JSON text, in which white space does not matter.
const JSON_METADATA: [&str; 4] =
    ["mlflow.traceInputs", "mlflow.traceOutputs", "mlflow.trace.tokenUsage", "mlflow.trace.cost"];

/// Where each span is, by id.
type Places = HashMap<String, String>;

pub(crate) fn comparable(traces: &BTreeMap<String, Result<Trace, String>>) -> Value {
    let none = Places::new();
    let mut all = Places::new();
    for (name, trace) in traces {
        let Ok(trace) = trace else { continue };
        let here = places(&nodes(trace, &none));
        all.extend(here.into_iter().map(|(id, place)| (id, format!("{name}: {place}"))));
    }
    let value = |trace: &Result<Trace, String>| match trace {
        Ok(trace) => compared(trace, &all),
        Err(why) => json!(format!("cannot be read: {}", why.trim().replace('\n', " "))),
    };
    Value::Object(traces.iter().map(|(name, trace)| (name.clone(), value(trace))).collect())
}

fn compared(trace: &Trace, places: &Places) -> Value {
    let root = trace.spans.iter().find(|span| span.parent_id.is_none());
    let mut compared = json!({
        "state": trace.state,
        "tags": tags(trace),
        "metadata": metadata(trace),
        "request_time": root.map_or("", |root| request_time(trace, root)),
        "duration": root.map_or("", |root| duration(trace, root)),
        "spans": tree(nodes(trace, places)),
    });
    for (key, text) in [
        ("client_request_id", &trace.client_request_id),
        ("request_preview", &trace.request_preview),
        ("response_preview", &trace.response_preview),
    ] {
        if let Some(text) = text {
            compared[key] = json_or_text(text);
        }
    }
    compared
}

fn tags(trace: &Trace) -> Map<String, Value> {
    let place = format!("/{}/", trace.experiment_id);
    let without_ids =
        |text: &str| text.replace(&trace.id, "(id)").replace(&place, "/(experiment)/");
    trace.tags.iter().map(|(key, text)| (key.clone(), without_ids(text).into())).collect()
}

fn metadata(trace: &Trace) -> Map<String, Value> {
    let value = |key: &str, text: &str| match key {
        "mlflow.trace.sizeBytes" if text.parse::<u64>().is_ok() => json!("(size)"),
        "mlflow.trace.sizeStats" => sizes(text),
        key if JSON_METADATA.contains(&key) => json_or_text(text),
        _ => json!(text),
    };
    trace.metadata.iter().map(|(key, text)| (key.clone(), value(key, text))).collect()
}

/// The statistics, of which only the number of spans is no size.
fn sizes(text: &str) -> Value {
    let stats: Map<String, Value> = serde_json::from_str(text).unwrap();
    let stats = stats.into_iter().map(|(key, value)| {
        let is_size = key != "num_spans" && value.is_u64();
        (key, if is_size { json!("(size)") } else { value })
    });
    Value::Object(stats.collect())
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

/// Seconds and milliseconds tell the moment well enough.
fn request_time(trace: &Trace, root: &Span) -> &'static str {
    let millis = root.start / 1_000_000 % 60_000;
    let at = format!("{:02}.{:03}Z", millis / 1000, millis % 1000).replace(".000Z", "Z");
    if trace.request_time.ends_with(&at) { "when the root began" } else { "another" }
}

fn duration(trace: &Trace, root: &Span) -> &'static str {
    // Some round the difference, some the times.
    let exact = (root.end - root.start) / 1_000_000;
    match trace.duration_ms {
        None => "none",
        Some(duration) if duration.abs_diff(exact) <= 1 => "that of the root",
        Some(_) => "another",
    }
}

fn nodes(trace: &Trace, places: &Places) -> Vec<Node> {
    trace.spans.iter().map(|span| node(span, places)).collect()
}

fn node(span: &Span, places: &Places) -> Node {
    let mut content = Map::new();
    let mut put = |key: &str, value: Value| content.insert(key.to_owned(), value);
    let mut attributes = span.attributes.clone();
    attributes.remove("mlflow.traceRequestId");
    put("status", json!(span.status));
    put("message", json!(span.message));
    put("attributes", tree::without_times(attributes).into());
    put("events", span.events.iter().map(event).collect());
    put("links", span.links.iter().map(|it| link(it, places)).collect());
    Node {
        id: span.id.clone(),
        parent: span.parent_id.clone(),
        name: span.name.clone(),
        start: span.start,
        end: span.end,
        content,
    }
}

fn event(event: &Event) -> Value {
    let mut said = json!({ "name": event.name, "attributes": event.attributes });
    if let Some(time) = tree::said(event.time) {
        said["time"] = time;
    }
    said
}

fn link(link: &Link, places: &Places) -> Value {
    let to = match places.get(&link.span_id) {
        Some(place) => json!(place),
        None => json!(format!("{} {}", link.trace_id, link.span_id)),
    };
    json!({ "to": to, "attributes": link.attributes })
}
