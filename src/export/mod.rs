//! From spans to what a destination wants: dialect → encoding → request.
//!
//! An [`Encoder`] runs on the worker and turns a chunk of a trace into bytes, once; a
//! [`Wire`] runs on the destination's sender and frames those bytes.
//! A destination is the pair.

use std::sync::Arc;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::Resource;

use crate::model::span::Span;
use crate::transport::{Parcel, Wire};

pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod json;
pub(crate) mod local;
#[cfg(feature = "mlflow")]
pub(crate) mod mlflow;
#[cfg(not(feature = "mlflow"))]
#[path = "mlflow_disabled.rs"]
pub(crate) mod mlflow;
pub(crate) mod mlflow_settings;
pub(crate) mod otlp;
pub(crate) mod reply;
pub(crate) mod tree;

/// Spans of one trace that are released together, root last.
#[derive(Clone, Debug)]
pub(crate) struct TraceChunk {
    pub(crate) trace_id: TraceId,
    pub(crate) spans: Vec<Span>,
    /// The trace's root is among the spans, or will never come.
    pub(crate) finished: bool,
    /// Stands for a root that never ended. Not one of the spans that are accounted for.
    pub(crate) synthetic_root: Option<Span>,
}

/// Turns chunks into the bytes of one dialect. Called on the worker's thread only.
pub(crate) trait Encoder: Send {
    /// Encodes a chunk; `resource` is what the spans' provider describes itself as.
    fn encode(&mut self, chunk: TraceChunk, resource: &Arc<Resource>) -> Parcel;
}

/// Where spans go: a name for people, a dialect, a protocol.
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) wire: Box<dyn Wire>,
}
