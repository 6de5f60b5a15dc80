//! A trace as a server stored it, whoever read it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A number with a point was a double, one without an integer.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Trace {
    pub(crate) id: String,
    pub(crate) experiment_id: String,
    pub(crate) client_request_id: Option<String>,
    pub(crate) state: String,
    pub(crate) request_time: String,
    /// `None` for a trace that nobody ended.
    pub(crate) duration_ms: Option<u64>,
    pub(crate) request_preview: Option<String>,
    pub(crate) response_preview: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// In the order they started.
    pub(crate) spans: Vec<Span>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Span {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: Value,
    pub(crate) inputs: Value,
    pub(crate) outputs: Value,
    /// `UNSET`, `OK` or `ERROR`.
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) time: u64,
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Link {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) attributes: Map<String, Value>,
}

impl Trace {
    /// The one span of this name.
    pub(crate) fn span(&self, name: &str) -> &Span {
        let mut found = self.spans.iter().filter(|span| span.name == name);
        let span = found.next().unwrap_or_else(|| panic!("no span {name} in {self:#?}"));
        assert!(found.next().is_none(), "several spans {name}");
        span
    }

    /// JSON text among the metadata.
    pub(crate) fn metadata_json(&self, key: &str) -> Value {
        serde_json::from_str(&self.metadata[key]).unwrap()
    }
}
