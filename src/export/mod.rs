//! From spans to what a destination wants: dialect → encoding → request.
//!
//! An [`Encoder`] runs on the worker and turns chunks of traces into bytes, once; a [`Wire`] runs on
//! the destination's sender and frames those bytes. A destination is the pair.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::model::span::Span;
use crate::transport::retry::RetryPolicy;
use crate::transport::{Parcel, Wire};

mod block;
pub(crate) mod decode;
pub(crate) mod dialect;
pub(crate) mod encode;
pub(crate) mod exporter;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod json;
pub(crate) mod local;
#[cfg(feature = "mlflow")]
pub(crate) mod mlflow;
#[cfg(not(feature = "mlflow"))]
#[path = "mlflow_disabled.rs"]
pub(crate) mod mlflow;
pub(crate) mod mlflow_settings;
#[cfg(feature = "opentelemetry-otlp")]
pub(crate) mod official;
#[cfg(not(feature = "opentelemetry-otlp"))]
#[path = "official_disabled.rs"]
pub(crate) mod official;
pub(crate) mod otlp;
pub(crate) mod protobuf;
pub(crate) mod reply;
pub(crate) mod span_encoder;
pub(crate) mod tree;

/// Spans of one trace that are released together, root last.
#[derive(Clone, Debug)]
pub(crate) struct TraceChunk<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) spans: Cow<'a, [&'a Span]>,
    /// The trace's root is among the spans, or will never come.
    pub(crate) finished: bool,
    /// Stands for a root that never ended. Not one of the spans that are accounted for.
    pub(crate) synthetic_root: Option<&'a Span>,
}

impl<'a> TraceChunk<'a> {
    /// The spans that ended, and that they did.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (&'a Span, bool)> + '_ {
        self.spans.iter().map(|span| (*span, true))
    }

    /// The spans that ended, and what stands for a root, each with whether it ended.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a Span, bool)> + '_ {
        self.ended().chain(self.synthetic_root.map(|root| (root, false)))
    }
}

/// Turns chunks into the bytes of one dialect. Called on the worker's thread only.
pub(crate) trait Encoder: Send {
    /// Encodes chunks: a parcel for each, in their order. `resource` is what the spans' provider
    /// describes itself as.
    fn encode(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel>;
}

/// Where spans go: a name for people, a dialect, a protocol, and what it wants of them.
pub(crate) struct Destination {
    pub(crate) name: String,
    /// One of those in [`semconv::metrics`](crate::semconv::metrics).
    pub(crate) component_type: &'static str,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) retry: RetryPolicy,
    pub(crate) filter: Option<SpanFilter>,
    /// What its bytes on disk are known by: they go nowhere but to where they were meant to go, in the
    /// form that they have. None where nothing is encoded, or where it goes is a disk.
    pub(crate) stored_as: Option<String>,
}

impl Destination {
    /// A destination that takes every span, and is tried as is usual.
    pub(crate) fn new(
        name: String,
        component_type: &'static str,
        encoder: Box<dyn Encoder>,
        wire: Box<dyn Wire>,
    ) -> Self {
        Self {
            name,
            component_type,
            encoder,
            wire,
            retry: RetryPolicy::default(),
            filter: None,
            stored_as: None,
        }
    }

    /// The same, of which spans can be kept on disk under a name.
    pub(crate) fn stored_as(self, name: String) -> Self {
        Self { stored_as: Some(name), ..self }
    }
}

/// Says which spans a destination gets.
#[derive(Clone)]
pub(crate) struct SpanFilter(pub(crate) Arc<dyn Fn(&SpanData) -> bool + Send + Sync>);

impl SpanFilter {
    /// What the destination gets of `chunk`.
    pub(crate) fn apply<'a>(&self, chunk: &TraceChunk<'a>) -> TraceChunk<'a> {
        // The program's own code: a panic of it must not end the worker, nor lose a span.
        let keep =
            |span: &&Span| catch_unwind(AssertUnwindSafe(|| (self.0)(&span.data))).unwrap_or(true);
        TraceChunk {
            spans: chunk.spans.iter().copied().filter(keep).collect(),
            synthetic_root: chunk.synthetic_root.filter(keep),
            ..*chunk
        }
    }
}

impl fmt::Debug for SpanFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpanFilter")
    }
}
