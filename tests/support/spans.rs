//! What a server was sent, decoded with the official messages.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use prost::Message as _;
use serde_json::{Map, Value, json};

/// Spans in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(pub(crate) Vec<Got>);

/// A span with what surrounded it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) span: Span,
    pub(crate) resource: Map<String, Value>,
    pub(crate) scope: InstrumentationScope,
}

impl Spans {
    pub(crate) fn decode<'a>(bodies: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let decode = |body| ExportTraceServiceRequest::decode(body).unwrap();
        Self::of(bodies.into_iter().map(decode))
    }

    pub(crate) fn of(requests: impl IntoIterator<Item = ExportTraceServiceRequest>) -> Self {
        let mut all = Vec::new();
        for request in requests {
            for resource_spans in request.resource_spans {
                let resource = object(&resource_spans.resource.unwrap().attributes);
                for scope_spans in resource_spans.scope_spans {
                    let scope = scope_spans.scope.unwrap();
                    all.extend(scope_spans.spans.into_iter().map(|span| Got {
                        span,
                        resource: resource.clone(),
                        scope: scope.clone(),
                    }));
                }
            }
        }
        Self(all)
    }

    /// The one span of this name.
    pub(crate) fn one(&self, name: &str) -> &Got {
        let mut found = self.0.iter().filter(|got| got.span.name == name);
        let got = found.next().unwrap_or_else(|| panic!("no span {name} among {:?}", self.names()));
        assert!(found.next().is_none(), "several spans {name}");
        got
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|got| got.span.name.as_str()).collect()
    }

    /// The names in alphabetical order.
    pub(crate) fn sorted_names(&self) -> Vec<&str> {
        let mut names = self.names();
        names.sort_unstable();
        names
    }
}

impl Got {
    /// A number with a point was a double, one without an integer.
    pub(crate) fn attributes(&self) -> Map<String, Value> {
        object(&self.span.attributes)
    }

    pub(crate) fn attribute(&self, key: &str) -> Option<Value> {
        let mut found = self.span.attributes.iter().filter(|kv| kv.key == key);
        let value = found.next().map(|kv| json_of(kv.value.as_ref()));
        assert!(found.next().is_none(), "{key} came twice");
        value
    }

    /// `mlflow.spanInputs`, read as MLflow reads it.
    pub(crate) fn inputs(&self) -> Option<Value> {
        self.attribute("mlflow.spanInputs").map(content)
    }

    /// `mlflow.spanOutputs`, read as MLflow reads it.
    pub(crate) fn outputs(&self) -> Option<Value> {
        self.attribute("mlflow.spanOutputs").map(content)
    }

    /// `UNSET`, `OK` or `ERROR`, and the message.
    pub(crate) fn status(&self) -> (&'static str, &str) {
        match &self.span.status {
            None => ("UNSET", ""),
            Some(status) => {
                let name = status.code().as_str_name().trim_start_matches("STATUS_CODE_");
                (name, status.message.as_str())
            }
        }
    }

    /// Name and attributes of each event.
    pub(crate) fn events(&self) -> Vec<(&str, Map<String, Value>)> {
        let pair = |event: &'_ Event| object(&event.attributes);
        self.span.events.iter().map(|event| (event.name.as_str(), pair(event))).collect()
    }

    pub(crate) fn is_child_of(&self, parent: &Self) -> bool {
        self.span.parent_span_id == parent.span.span_id
            && self.span.trace_id == parent.span.trace_id
    }

    pub(crate) fn is_root(&self) -> bool {
        self.span.parent_span_id.is_empty()
    }

    pub(crate) fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(crate) fn span_id(&self) -> String {
        hex(&self.span.span_id)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Text that is JSON is what it says; other values are themselves.
fn content(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or(value)
}

fn object(attributes: &[KeyValue]) -> Map<String, Value> {
    attributes.iter().map(|kv| (kv.key.clone(), json_of(kv.value.as_ref()))).collect()
}

fn json_of(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()).unwrap() {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(value) => json!(value),
        Any::IntValue(value) => json!(value),
        Any::DoubleValue(value) => json!(value),
        Any::ArrayValue(array) => {
            array.values.iter().map(|item| json_of(Some(item))).collect::<Vec<_>>().into()
        }
        other => panic!("not sent by this crate: {other:?}"),
    }
}
