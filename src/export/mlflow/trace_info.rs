//! The trace-info call: what a trace is, beside its spans.
//!
//! Source: mlflow 3.17.2 `POST /api/3.0/mlflow/traces` (`StartTraceV3`), captured. Every value of
//! tags and metadata is a string: with any other type the server silently drops the fields after it.

use opentelemetry::Value as OtelValue;
use opentelemetry::trace::TraceId;
use serde_json::{Map, Value, json};

use super::dialect::travels_in_trace_info;
use super::preview::{self, Speaker};
use super::roll_up::RollUp;
use crate::model::id::mlflow_trace_id;
use crate::model::span::Span;
use crate::model::text::{Content, column, cut_with_dots};
use crate::model::time;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv::{metadata, otel, tag, trace};
use crate::transport::Epilogue;

const MAX_KEY_CHARS: usize = 250;
const MAX_METADATA_CHARS: usize = 250;
const MAX_TAG_CHARS: usize = 4096;
const MAX_CLIENT_REQUEST_ID_CHARS: usize = 50;

/// What the program says about itself.
#[derive(Clone, Debug)]
pub(super) struct ProcessInfo {
    pub(super) user: Option<String>,
    pub(super) source_name: Option<String>,
    /// Of traces that name none.
    pub(super) model_id: Option<String>,
}

/// The body of the call, but for the experiment, which the sender knows.
#[derive(Debug)]
pub(super) struct TraceInfo(Map<String, Value>);

impl TraceInfo {
    /// The call that `root` asks for; `None` when the spans say everything.
    pub(super) fn of(root: &Span, mode: TraceInfoMode, process: &ProcessInfo) -> Option<Self> {
        let asked = || root.data.attributes.iter().any(|kv| travels_in_trace_info(kv.key.as_str()));
        let due = match mode {
            TraceInfoMode::Always => true,
            TraceInfoMode::Auto => process.model_id.is_some() || asked(),
            TraceInfoMode::Never => false,
        };
        due.then(|| Self::describe(root, process))
    }

    fn describe(root: &Span, process: &ProcessInfo) -> Self {
        let data = &root.data;
        let mut info = Map::new();
        let mut put = |key: &str, value: Value| info.insert(key.to_owned(), value);
        let elapsed = data.end_time.duration_since(data.start_time).unwrap_or_default();
        let state = match root.text(trace::STATE) {
            Some(state @ ("OK" | "ERROR")) => state,
            _ if root.is_error() => "ERROR",
            _ => "OK",
        };
        put("trace_id", mlflow_trace_id(data.span_context.trace_id()).into());
        put("request_time", time::timestamp(data.start_time).into());
        put("execution_duration", time::duration(elapsed).into());
        put("state", state.into());
        put("trace_metadata", Value::Object(describe_metadata(root, process)));
        put("tags", Value::Object(describe_tags(root)));
        if let Some(id) = root.attribute(trace::CLIENT_REQUEST_ID) {
            put("client_request_id", column(&id.as_str(), MAX_CLIENT_REQUEST_ID_CHARS).into());
        }
        for (key, attribute, content, speaker) in [
            ("request_preview", trace::REQUEST_PREVIEW, &root.inputs, Speaker::User),
            ("response_preview", trace::RESPONSE_PREVIEW, &root.outputs, Speaker::Assistant),
        ] {
            let own = root.text(attribute).map(preview::fitted);
            let preview =
                own.or_else(|| content.as_ref().map(|content| preview::of(content, speaker)));
            if let Some(preview) = preview {
                put(key, preview.into());
            }
        }
        Self(info)
    }

    /// Adds sums and size statistics, and makes the message that follows the trace's last span.
    pub(super) fn into_epilogue(self, trace_id: TraceId, sums: &RollUp) -> Epilogue {
        let Self(mut info) = self;
        if let Some(entries) = info.get_mut("trace_metadata").and_then(Value::as_object_mut) {
            sums.describe(entries);
        }
        Epilogue { trace_id, text: Value::Object(info).to_string() }
    }
}

/// The request body: the info with its experiment, without statistics that are no longer true.
pub(super) fn request_body(epilogue: &Epilogue, experiment_id: &str, whole: bool) -> Vec<u8> {
    let mut info: Value = serde_json::from_str(&epilogue.text).unwrap_or_default();
    let broken = info.get_mut("trace_metadata").filter(|_| !whole).and_then(Value::as_object_mut);
    if let Some(entries) = broken {
        entries.remove(metadata::SIZE_STATS);
        entries.remove(metadata::SIZE_BYTES);
    }
    if let Some(info) = info.as_object_mut() {
        let location = json!({
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": experiment_id },
        });
        info.insert("trace_location".to_owned(), location);
    }
    json!({ "trace": { "trace_info": info } }).to_string().into_bytes()
}

fn describe_metadata(root: &Span, process: &ProcessInfo) -> Map<String, Value> {
    let mut entries = Map::new();
    let mut put = |key: &str, value: &str| {
        entries.insert(
            column(key, MAX_KEY_CHARS).into_owned(),
            column(value, MAX_METADATA_CHARS).into(),
        );
    };
    put(metadata::SCHEMA_VERSION, "3");
    put(metadata::SOURCE_TYPE, "LOCAL");
    process.user.iter().for_each(|user| put(metadata::PROCESS_USER, user));
    process.source_name.iter().for_each(|name| put(metadata::SOURCE_NAME, name));
    let content = |content: &Option<Content>| {
        let json = content.as_ref().map(Content::to_json).unwrap_or_default();
        cut_with_dots(&json, MAX_METADATA_CHARS)
    };
    process.model_id.iter().for_each(|id| put(trace::MODEL_ID, id));
    put(metadata::INPUTS, &content(&root.inputs));
    put(metadata::OUTPUTS, &content(&root.outputs));
    for (key, attributes) in [
        (metadata::SESSION, [trace::SESSION, otel::GEN_AI_CONVERSATION].as_slice()),
        (metadata::USER, &[trace::USER]),
        (trace::MODEL_ID, &[trace::MODEL_ID]),
        (trace::SOURCE_RUN, &[trace::SOURCE_RUN]),
    ] {
        if let Some(value) = attributes.iter().find_map(|attribute| root.attribute(attribute)) {
            put(key, &value.as_str());
        }
    }
    prefixed(root, trace::METADATA_PREFIX)
        .filter(|(key, _)| !key.is_empty() && !metadata::is_reserved(key))
        .for_each(|(key, value)| put(key, &value.as_str()));
    entries
}

fn describe_tags(root: &Span) -> Map<String, Value> {
    let mut tags = Map::new();
    tags.insert(tag::TRACE_NAME.to_owned(), column(&root.data.name, MAX_TAG_CHARS).into());
    for (key, value) in prefixed(root, trace::TAG_PREFIX) {
        if !tag::is_reserved(key) && !key.is_empty() {
            let value = column(&value.as_str(), MAX_TAG_CHARS).into();
            tags.insert(column(key, MAX_KEY_CHARS).into_owned(), value);
        }
    }
    tags
}

fn prefixed<'a>(root: &'a Span, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a OtelValue)> {
    let attributes = root.data.attributes.iter();
    attributes.filter_map(move |kv| Some((kv.key.as_str().strip_prefix(prefix)?, &kv.value)))
}

#[cfg(test)]
mod tests;
