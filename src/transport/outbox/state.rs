//! What an outbox knows, and the moves that keep its account right. The caller holds the lock.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use opentelemetry::trace::TraceId;

use crate::stats::{DropReason, Dropped};
use crate::transport::{Epilogue, Limits, Parcel, Payload};

/// Traces remembered for having lost a span, so that their epilogue tells no untruth.
const MAX_BROKEN_TRACES: usize = 4096;

/// How much may wait for one destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    pub(crate) bytes: usize,
    pub(crate) spans: Option<u64>,
    pub(crate) parcels: Option<usize>,
}

impl Capacity {
    fn is_exceeded(&self, spans: u64, parcels: usize) -> bool {
        self.spans.is_some_and(|max| spans > max) || self.parcels.is_some_and(|max| parcels > max)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Queued>,
    /// Of the queue and of the batch under way.
    pub(super) bytes: usize,
    /// Of the batch under way alone.
    pub(super) under_way: usize,
    /// When the oldest of its parcels was handed in.
    pub(super) under_way_since: Option<Instant>,
    pub(super) pending: u64,
    pub(super) delivered: u64,
    pub(super) filtered: u64,
    pub(super) dropped: Dropped,
    pub(super) retries: u64,
    /// Parcels handed in, and parcels that are settled.
    pub(super) handed_in: u64,
    pub(super) settled: u64,
    pub(super) broken: HashSet<TraceId>,
    /// Calls that want an attempt at once, and the last of them that met a refusal.
    pub(super) demands: u64,
    pub(super) refused: u64,
    pub(super) ready: bool,
    pub(super) last_problem: Option<String>,
    pub(super) closing: Option<Instant>,
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) parcel: Parcel,
    pub(super) since: Instant,
}

/// What the sender takes at once. Settle every span of it, then close it.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) spans: Vec<Payload>,
    pub(crate) epilogues: Vec<Epilogue>,
    /// When the oldest of its parcels was handed in.
    pub(crate) since: Option<Instant>,
    pub(super) bytes: usize,
    pub(super) parcels: u64,
}

impl State {
    /// Takes in a parcel; the oldest make room when it does not fit.
    pub(super) fn hand_in(&mut self, parcel: Parcel, capacity: &Capacity, now: Instant) {
        self.filtered += parcel.filtered;
        if parcel.spans.is_empty() && parcel.epilogue.is_none() {
            return;
        }
        let bytes = weight(&parcel.spans);
        self.handed_in += 1;
        self.pending += counted(&parcel.spans);
        // What would not fit beside what is under way makes no room for itself in vain.
        if self.ended || self.under_way + bytes > capacity.bytes {
            let reason = if self.ended { DropReason::Shutdown } else { DropReason::OutboxFull };
            self.drop_spans(&parcel.spans, reason);
            self.settled += 1;
            return;
        }
        while self.bytes + bytes > capacity.bytes && self.drop_oldest(DropReason::OutboxFull) {}
        self.bytes += bytes;
        self.queue.push_back(Queued { parcel, since: now });
        // The newest stays, however few may wait.
        while self.queue.len() > 1
            && capacity.is_exceeded(self.pending, self.queue.len())
            && self.drop_oldest(DropReason::OutboxFull)
        {}
    }

    /// Takes parcels, and the first part of one that alone is too large, in order.
    pub(super) fn take(&mut self, limits: Limits) -> Batch {
        let mut batch = Batch::default();
        while let Some(queued) = self.queue.front_mut() {
            let mut fits = fitting(&queued.parcel.spans, limits, &batch);
            if batch.spans.is_empty() {
                // A span larger than a request makes one of its own.
                fits = fits.max(1);
            }
            let whole = fits >= queued.parcel.spans.len();
            if !whole && !batch.spans.is_empty() {
                break;
            }
            batch.since.get_or_insert(queued.since);
            if whole {
                let Some(Queued { parcel, .. }) = self.queue.pop_front() else {
                    break;
                };
                batch.add(parcel.spans);
                batch.epilogues.extend(parcel.epilogue);
                batch.parcels += 1;
            } else {
                batch.add(queued.parcel.spans.drain(..fits).collect());
                break;
            }
        }
        self.under_way += batch.bytes;
        self.under_way_since = batch.since;
        batch
    }

    /// When the oldest of what is under way or waits was handed in.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.under_way_since.or_else(|| self.queue.front().map(|queued| queued.since))
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ended || self.closing.is_some_and(|deadline| now >= deadline)
    }

    /// Drops the oldest parcel; false when there is none.
    pub(super) fn drop_oldest(&mut self, reason: DropReason) -> bool {
        let Some(oldest) = self.queue.pop_front() else {
            return false;
        };
        self.bytes -= weight(&oldest.parcel.spans);
        self.drop_spans(&oldest.parcel.spans, reason);
        self.settled += 1;
        true
    }

    pub(super) fn drop_spans(&mut self, spans: &[Payload], reason: DropReason) {
        let count = counted(spans);
        self.pending -= count;
        self.dropped.add(reason, count);
        if self.broken.len() >= MAX_BROKEN_TRACES {
            self.broken.clear();
        }
        self.broken.extend(spans.iter().map(|span| span.trace_id));
    }
}

impl Batch {
    fn add(&mut self, mut spans: Vec<Payload>) {
        self.bytes += weight(&spans);
        self.spans.append(&mut spans);
    }
}

/// How many of `spans` fit into `batch`.
fn fitting(spans: &[Payload], limits: Limits, batch: &Batch) -> usize {
    let mut bytes = batch.bytes;
    spans
        .iter()
        .take(limits.max_spans.saturating_sub(batch.spans.len()))
        .take_while(|span| {
            bytes += weight(std::slice::from_ref(span));
            bytes <= limits.max_bytes
        })
        .count()
}

/// Spans that ended, among `spans`.
pub(crate) fn counted(spans: &[Payload]) -> u64 {
    spans.iter().map(|span| u64::from(span.counted)).sum()
}

/// Memory that `spans` take.
pub(super) fn weight(spans: &[Payload]) -> usize {
    spans.iter().map(Payload::weight).sum()
}
