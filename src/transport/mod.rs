//! Moves encoded spans from memory to a destination: outbox → sender → wire.
//!
//! ```text
//!  worker ──parcels──▶ outbox (bytes capped) ──batch──▶ sender thread ──▶ Wire::deliver
//!                        ▲                                   │
//!                        └── delivered / dropped{reason} ◀── Verdict (delivered, split, repeat)
//! ```
//!
//! Bytes and counts only: what a span means is settled before it gets here. A [`Wire`] says what
//! one request looks like and judges the answer; when to repeat it is decided here.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::finding::Finding;
use crate::stats::DropReason;

pub(crate) mod breaker;
pub(crate) mod checkup;
pub(crate) mod connection;
pub(crate) mod endpoint;
#[cfg(feature = "grpc")]
pub(crate) mod grpc;
#[cfg(feature = "gzip")]
pub(crate) mod gzip;
#[cfg(not(feature = "gzip"))]
#[path = "gzip_disabled.rs"]
pub(crate) mod gzip;
pub(crate) mod halves;
pub(crate) mod headers;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod outbox;
#[cfg(not(unix))]
#[path = "owner_only_elsewhere.rs"]
pub(crate) mod owner_only;
#[cfg(unix)]
#[path = "owner_only_unix.rs"]
pub(crate) mod owner_only;
pub(crate) mod parts;
pub(crate) mod proxy;
pub(crate) mod record;
pub(crate) mod resolver;
pub(crate) mod retry;
pub(crate) mod sender;
pub(crate) mod shared;
#[cfg(feature = "spool")]
pub(crate) mod spool;
#[cfg(not(feature = "spool"))]
#[path = "spool_disabled.rs"]
pub(crate) mod spool;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_disabled.rs"]
pub(crate) mod tls;
pub(crate) mod trouble;

use shared::Shared;

/// One span in the form its destination understands.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) trace_id: TraceId,
    /// What surrounds the span in a request; equal for most spans.
    pub(crate) envelope: Arc<Envelope>,
    pub(crate) body: Body,
    /// Whether the span is one that ended, and not one made up in its place.
    pub(crate) counted: bool,
}

/// A span on its way.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Encoded, once.
    Bytes(Shared),
    /// As it is, for an exporter that encodes by itself.
    Span { span: Box<SpanData>, resource: Arc<Resource>, weight: usize },
}

impl Payload {
    /// The encoded span; none where an exporter encodes by itself.
    pub(crate) fn shared(&self) -> Option<&Shared> {
        match &self.body {
            Body::Bytes(shared) => Some(shared),
            Body::Span { .. } => None,
        }
    }

    /// The encoded span; empty where an exporter encodes by itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.shared().map_or(&[], |shared| shared)
    }

    /// Memory that the span takes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.body {
                Body::Bytes(bytes) => bytes.len(),
                Body::Span { weight, .. } => *weight,
            }
    }
}

/// Encoded resource and scope of a span.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) resource: Vec<u8>,
    pub(crate) resource_schema_url: String,
    pub(crate) scope: Vec<u8>,
    pub(crate) scope_schema_url: String,
}

impl Envelope {
    /// Bytes it takes in a request.
    pub(crate) fn len(&self) -> usize {
        let schemas = self.resource_schema_url.len() + self.scope_schema_url.len();
        self.resource.len() + self.scope.len() + schemas
    }
}

/// Spans of one trace that leave together, root last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parcel {
    pub(crate) spans: Vec<Payload>,
    /// What to send once the spans of this parcel, and all before it, are settled.
    pub(crate) epilogue: Option<Epilogue>,
    /// Spans that the destination does not want.
    pub(crate) filtered: u64,
    /// Whether nothing more is expected of the trace.
    pub(crate) finished: bool,
}

impl Parcel {
    /// Whether there is nothing in it to deliver.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.epilogue.is_none()
    }
}

/// A message that follows a trace's last span.
#[derive(Clone, Debug)]
pub(crate) struct Epilogue {
    pub(crate) trace_id: TraceId,
    pub(crate) text: String,
}

/// What a destination made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Acknowledged; `rejected` spans of it were refused (OTLP partial success).
    Delivered { rejected: u64, note: Option<String> },
    /// Refused as a whole for something in it: send the halves, give up what cannot be halved.
    Split { reason: DropReason, problem: String, in_doubt: bool },
    /// Nothing wrong with the spans: keep them and repeat. Without an answer it is `in_doubt` whether they
    /// were stored all the same.
    Failed { repeat: Repeat, problem: String, in_doubt: bool },
}

/// When to repeat a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// After a pause that grows.
    Soon,
    /// After the pause that the server asked for.
    After(Duration),
    /// Now and then: a person must mend something first.
    WhenMended,
    /// At once, and without a word: the connection was an old one, which the server may have closed.
    AtOnce,
}

impl Verdict {
    pub(crate) fn delivered() -> Self {
        Self::Delivered { rejected: 0, note: None }
    }

    /// The server said so, or was not reached.
    pub(crate) fn again(repeat: Repeat, problem: impl Into<String>) -> Self {
        Self::Failed { repeat, problem: problem.into(), in_doubt: false }
    }

    pub(crate) fn when_mended(problem: impl Into<String>) -> Self {
        Self::again(Repeat::WhenMended, problem)
    }

    /// The server said so.
    pub(crate) fn split(reason: DropReason, problem: impl Into<String>) -> Self {
        Self::Split { reason, problem: problem.into(), in_doubt: false }
    }

    /// Adds what a person can do about a failure.
    pub(crate) fn advised(mut self, advice: &str) -> Self {
        if let Self::Failed { problem, .. } = &mut self
            && !advice.is_empty()
        {
            problem.push_str("; ");
            problem.push_str(advice);
        }
        self
    }
}

/// How much one request may carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_spans: usize,
    pub(crate) max_bytes: usize,
}

impl Limits {
    /// Where neither the protocol nor the configuration says otherwise.
    pub(crate) const USUAL: Self = Self { max_spans: 512, max_bytes: 4 * 1024 * 1024 };
    /// Over gRPC: servers refuse messages of more than 4 MiB unless told otherwise, and framing needs
    /// some of it.
    pub(crate) const GRPC: Self = Self { max_bytes: 7 * 1024 * 1024 / 2, ..Self::USUAL };
}

/// The seam between this module and a destination's protocol. No default bodies: a wrapper that
/// forgets one does not compile.
pub(crate) trait Wire: Send {
    /// How much one request may carry.
    fn limits(&self) -> Limits;
    /// Finds out whether the destination can be used; called until it says so, before any span.
    fn prepare(&mut self, timeout: Duration) -> Verdict;
    /// Looks at what [`prepare`](Self::prepare) and [`deliver`](Self::deliver) will need, one step after
    /// the other as long as they make sense. Makes nothing, sends no span, and tells nobody else.
    fn examine(&mut self, timeout: Duration) -> Vec<Finding>;
    /// Sends spans as one request.
    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict;
    /// Sends what follows a trace; `whole` is false when a span of it was dropped.
    fn finish(&mut self, epilogue: &Epilogue, whole: bool, timeout: Duration) -> Verdict;
    /// A handle that breaks off a request under way, from another thread.
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync>;
}
