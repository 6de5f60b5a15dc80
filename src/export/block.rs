//! Spans that are written one after the other and kept in one buffer: memory is asked for once for
//! many, and a request of many goes out in few parts.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use opentelemetry::trace::TraceId;

use crate::transport::shared::Shared;
use crate::transport::{Body, Envelope, Payload};

/// A block of this size is not added to. It is counted by what is left of its spans, and kept until the
/// last of them is gone; an outbox lets go of spans in order, so that one block of it is kept in part.
const FULL: usize = 64 * 1024;
/// Memory that is kept to write in.
const MAX_SCRATCH: usize = 4 * FULL;

#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    spans: Vec<Written>,
    /// Where the spans of each trace end.
    traces: Vec<(TraceId, usize)>,
}

#[derive(Debug)]
struct Written {
    envelope: Arc<Envelope>,
    framed: Range<usize>,
    frame: usize,
    counted: bool,
}

impl Block {
    /// Adds a span that `write` writes: it returns what surrounds it, and how many bytes frame it.
    pub(super) fn add(
        &mut self,
        counted: bool,
        write: impl FnOnce(&mut Vec<u8>) -> (Arc<Envelope>, usize),
    ) {
        let start = self.bytes.len();
        let (envelope, frame) = write(&mut self.bytes);
        self.spans.push(Written { envelope, framed: start..self.bytes.len(), frame, counted });
    }

    /// The spans added since this was called last are those of a trace, or of a part of it.
    pub(super) fn end_trace(&mut self, trace_id: TraceId) {
        self.traces.push((trace_id, self.spans.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Takes out the spans, trace by trace.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Vec<Payload>> {
        // A copy without memory to spare: ends that were cut off in place would lie unused between blocks.
        let buffer = Arc::from(self.bytes.as_slice());
        self.bytes.clear();
        self.bytes.shrink_to(MAX_SCRATCH);
        let mut spans = self.spans.drain(..);
        let mut start = 0;
        self.traces.drain(..).map(move |(trace_id, end)| {
            let count = end - mem::replace(&mut start, end);
            let payload = |Written { envelope, framed, frame, counted }| Payload {
                trace_id,
                envelope,
                body: Body::Bytes(Shared::new(&buffer, framed, frame)),
                counted,
            };
            spans.by_ref().take(count).map(payload).collect()
        })
    }
}
