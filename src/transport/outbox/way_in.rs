//! The way into an outbox: to disk where there is a spool, then into the queue.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Outbox;
use crate::sync::lock;
use crate::transport::log::{Appended, NewRecord};
use crate::transport::spool::Spool;
use crate::transport::{Parcel, record};

/// How long a parcel waits for others to come along, by whether its trace is finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linger {
    pub(crate) finished: Duration,
    pub(crate) running: Duration,
}

impl Linger {
    fn of(self, parcel: &Parcel) -> Duration {
        if parcel.finished { self.finished } else { self.running }
    }
}

/// Parcels that are ready to be handed in.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Each with whether it was to be written.
    parcels: Vec<(Parcel, bool)>,
    written: Appended,
}

impl Outbox {
    /// Writes parcels to disk, where there is a spool. To be called before any lock is taken.
    pub(crate) fn prepare(&self, parcels: Vec<Parcel>, now: Instant) -> Prepared {
        let Some(spool) = &self.spool else {
            let parcels = parcels.into_iter().map(|parcel| (parcel, false)).collect();
            return Prepared { parcels, written: Appended::default() };
        };
        let largest = spool.max_payload();
        let mut records: Vec<NewRecord> = Vec::new();
        let parcels = parcels.into_iter().flat_map(record::pieces).map(|parcel| {
            let record = record::encode(&parcel).filter(|it| it.payload.len() <= largest);
            let is_written = record.is_some();
            records.extend(record);
            (parcel, is_written)
        });
        let parcels = parcels.collect();
        let written =
            if records.is_empty() { Appended::default() } else { spool.append(&records, now) };
        self.see_bytes(spool);
        Prepared { parcels, written }
    }

    pub(super) fn see_bytes(&self, spool: &Spool) {
        self.spooled_bytes.store(spool.bytes(), Ordering::Relaxed);
    }

    /// Takes in parcels; the oldest make room when they do not fit.
    pub(crate) fn hand_in(&self, prepared: Prepared, now: Instant) {
        let Prepared { parcels, written } = prepared;
        let mut state = lock(&self.state);
        for evicted in written.evicted {
            state.evict(evicted);
        }
        // The first so many were written.
        let count = u64::try_from(written.written).unwrap_or(0);
        let mut sequences = written.last.map_or(0..0, |last| last + 1 - count..last + 1);
        for (parcel, is_written) in parcels {
            let stored = if is_written { sequences.next() } else { None };
            let due = self.linger.map(|linger| now + linger.of(&parcel));
            state.due = state.due.into_iter().chain(due).min();
            state.hand_in(parcel, stored, &self.capacity, now);
        }
        self.changed.notify_all();
    }
}
