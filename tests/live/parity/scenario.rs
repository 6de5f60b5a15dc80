//! What is done: `scenario.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::json::Json;

/// One trace of each root.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) about: String,
    /// Requests to an MLflow server that the Python SDK once made of this, each in one or more files.
    #[serde(default)]
    pub(crate) golden: Vec<Vec<String>>,
    /// The same for other receivers.
    #[serde(default)]
    pub(crate) golden_of_collectors: Vec<Vec<String>>,
    /// Whether the Python SDK may lose with it what it sends at the same time.
    #[serde(default)]
    pub(crate) spoils: bool,
    /// What is said around the trace, before it begins.
    #[serde(default)]
    pub(crate) context: TraceUpdate,
    pub(crate) spans: Vec<Span>,
}

/// What is said of a trace as a whole.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceUpdate {
    pub(crate) enabled: Option<bool>,
    pub(crate) session_id: Option<String>,
    pub(crate) user: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) client_request_id: Option<String>,
    pub(crate) request_preview: Option<String>,
    pub(crate) response_preview: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) model_id: Option<String>,
}

/// In the order in which it happens: inputs, attributes, model, links, events, children, outputs,
/// status, exception, error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) how: How,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) log_level: Option<String>,
    /// In nanoseconds since 1970, as is `end_time`.
    pub(crate) start_time: Option<u64>,
    pub(crate) end_time: Option<u64>,
    /// Of a function or stream.
    #[serde(default)]
    pub(crate) arguments: Json,
    #[serde(default, deserialize_with = "present")]
    pub(crate) inputs: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) outputs: Option<Json>,
    #[serde(default)]
    pub(crate) attributes: Json,
    pub(crate) trace: Option<TraceUpdate>,
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) message_format: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cost: Option<Cost>,
    pub(crate) tools: Option<Json>,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) children: Vec<Self>,
    pub(crate) status: Option<Status>,
    /// Recorded, not raised.
    pub(crate) exception: Option<Error>,
    pub(crate) error: Option<Error>,
    /// Whether the parent goes on after the error.
    #[serde(default)]
    pub(crate) caught: bool,
    /// Of a stream.
    #[serde(default)]
    pub(crate) items: Vec<Json>,
    pub(crate) reducer: Option<Reducer>,
    /// After so many items the reader of a stream leaves.
    pub(crate) taken: Option<usize>,
}

/// How a span comes about.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// It is the current one while its content happens.
    #[default]
    Scope,
    /// It is never the current one.
    Detached,
    /// The root of a trace of its own in the middle of another.
    Root,
    /// It ends after the root.
    Late,
    /// On a thread of its own.
    Thread,
    /// Under a parent that is known by the headers of a request.
    Remote,
    Function,
    #[serde(rename = "async function")]
    AsyncFunction,
    /// An async function that is dropped while it waits, or, without arguments, such a block.
    Cancelled,
    Stream,
}

impl How {
    /// Whether what it returns are its outputs.
    pub(crate) fn is_function(self) -> bool {
        matches!(self, Self::Function | Self::AsyncFunction | Self::Cancelled)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "as MLflow names them")]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) total_tokens: u64,
    pub(crate) cache_read_input_tokens: Option<u64>,
    pub(crate) cache_creation_input_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "as MLflow names them")]
pub(crate) struct Cost {
    pub(crate) input_cost: f64,
    pub(crate) output_cost: f64,
    pub(crate) total_cost: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reducer {
    /// Texts, one after the other.
    Join,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// The first root of an earlier trace of the scenario, or:
    pub(crate) to: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) span_id: Option<String>,
    #[serde(default)]
    pub(crate) attributes: Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) attributes: Json,
    /// In nanoseconds since 1970.
    pub(crate) time: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Error {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) cause: Option<Box<Self>>,
}

/// Every trace of the scenario.
pub(crate) fn traces() -> Vec<Trace> {
    #[derive(Deserialize)]
    struct Scenario {
        traces: Vec<Trace>,
    }
    let written: Json = serde_json::from_str(include_str!("scenario.json")).unwrap();
    let in_full = serde_json::to_string(&written.in_full()).unwrap();
    serde_json::from_str::<Scenario>(&in_full).unwrap().traces
}

/// `null` is a value, too.
fn present<'a, D: Deserializer<'a>>(value: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(value).map(Some)
}
