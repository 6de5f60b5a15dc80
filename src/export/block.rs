//! Spans that are written one after the other and kept in one buffer: memory is asked for once for
//! many, and a request of many goes out in few parts.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use opentelemetry::trace::TraceId;

use crate::transport::shared::Shared;
use crate::transport::{Body, Envelope, Payload};

/// A block of this size is not added to, and a trace of this size has a buffer of its own. An outbox
/// counts the spans that it has, but a buffer lives until the last of its spans goes: where one trace
/// is refused and its neighbour is not, no more than this stays uncounted.
pub(super) const FULL: usize = 32 * 1024;
/// Memory that is kept to write in,
const MAX_SCRATCH: usize = 8 * FULL;
/// and spans that there is room for.
const MAX_SPANS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    spans: Vec<Written>,
    traces: Vec<Ended>,
}

/// A trace, or a part of it, of which everything is written.
#[derive(Debug)]
struct Ended {
    trace_id: TraceId,
    /// How many spans there are up to its end.
    spans: usize,
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

    /// The spans added since the last trace ended are those of this one, or of a part of it.
    pub(super) fn end_trace(&mut self, trace_id: TraceId) {
        self.traces.push(Ended { trace_id, spans: self.spans.len() });
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Takes out the spans, trace by trace.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Vec<Payload>> {
        let cut = self.cut();
        let (small, large) = self.bytes.split_at(cut);
        let buffers: [Arc<[u8]>; 2] = [small.into(), large.into()];
        self.bytes.clear();
        self.bytes.shrink_to(MAX_SCRATCH);
        self.spans.shrink_to(MAX_SPANS);
        self.traces.shrink_to(MAX_SPANS);
        let mut spans = self.spans.drain(..);
        let mut start = 0;
        self.traces.drain(..).map(move |Ended { trace_id, spans: end }| {
            let count = end - mem::replace(&mut start, end);
            let payload = |written: Written| written.payload(trace_id, &buffers, cut);
            spans.by_ref().take(count).map(payload).collect()
        })
    }

    /// Where the last trace begins if it is large, or else the end.
    fn cut(&self) -> usize {
        let before = if let [.., before, _] = self.traces.as_slice() { before.spans } else { 0 };
        let end = self.bytes.len();
        let start = self.spans.get(before).map_or(end, |first| first.framed.start);
        if end - start >= FULL { start } else { end }
    }
}

impl Written {
    /// The span in the first buffer, or in the second, which begins at `cut`.
    fn payload(self, trace_id: TraceId, [small, large]: &[Arc<[u8]>; 2], cut: usize) -> Payload {
        let Self { envelope, framed: Range { start, end }, frame, counted } = self;
        let shared = if start < cut {
            Shared::new(small, start..end, frame)
        } else {
            Shared::new(large, start - cut..end - cut, frame)
        };
        Payload { trace_id, envelope, body: Body::Bytes(shared), counted }
    }
}
