//! What the sender takes at once.

use std::time::Instant;

use crate::transport::log::Log;
use crate::transport::{Epilogue, Limits, Payload};

/// A log, and the record in it.
pub(super) type Origin = (Log, u64);

/// What the sender takes at once. Settle every span of it, then close it.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) spans: Vec<Payload>,
    pub(crate) epilogues: Vec<Epilogue>,
    /// When the oldest of its parcels was handed in.
    pub(crate) since: Option<Instant>,
    pub(super) bytes: usize,
    pub(super) parcels: u64,
    /// The last record of each log that is among them.
    pub(super) origins: Vec<Origin>,
}

impl Batch {
    /// Notes a parcel's record; false when it has none.
    pub(super) fn note(&mut self, origin: Option<Origin>) -> bool {
        let Some((log, sequence)) = origin else { return false };
        match self.origins.iter_mut().find(|(known, _)| *known == log) {
            Some((_, last)) => *last = sequence,
            None => self.origins.push((log, sequence)),
        }
        true
    }

    pub(super) fn add(&mut self, mut spans: Vec<Payload>) {
        self.bytes += weight(&spans);
        self.spans.append(&mut spans);
    }
}

/// How many of `spans` fit into `batch`.
pub(super) fn fitting(spans: &[Payload], limits: Limits, batch: &Batch) -> usize {
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
