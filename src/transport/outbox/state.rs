//! What an outbox knows, and the moves that keep its account right. The caller holds the lock.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use opentelemetry::trace::TraceId;

use super::backlog::{Backlog, Fetched, Run, Wanted};
use super::batch::{Batch, Origin, counted, fitting, weight};
use crate::stats::{DropReason, Dropped};
use crate::transport::log::{Evicted, Log, Orphan, Read};
use crate::transport::outbox::backlog::Count;
use crate::transport::{Limits, Parcel, Payload, record};

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
    /// Whether one more parcel has room beside these.
    fn has_room(&self, bytes: usize, spans: u64, parcels: usize) -> bool {
        bytes <= self.bytes && !self.is_exceeded(spans, parcels)
    }

    fn is_exceeded(&self, spans: u64, parcels: usize) -> bool {
        self.spans.is_some_and(|max| spans > max) || self.parcels.is_some_and(|max| parcels > max)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Queued>,
    /// What is on disk only, and how many spans that are.
    pub(super) backlog: Backlog,
    pub(super) spooled: u64,
    pub(super) recovered: u64,
    /// When the first of the queue has waited long enough for others to come along.
    pub(super) due: Option<Instant>,
    /// Of the queue and of the batch under way.
    pub(super) bytes: usize,
    pub(super) under_way: UnderWay,
    pub(super) pending: u64,
    pub(super) delivered: u64,
    pub(super) filtered: u64,
    pub(super) dropped: Dropped,
    pub(super) retries: u64,
    pub(super) duplicates: u64,
    /// Parcels handed in, and parcels that are settled.
    pub(super) handed_in: u64,
    pub(super) settled: u64,
    pub(super) broken: HashSet<TraceId>,
    /// Calls that want an attempt at once, what had been handed in at the last of them, and the last
    /// that met a refusal.
    pub(super) demands: u64,
    pub(super) demanded: u64,
    pub(super) refused: u64,
    pub(super) ready: bool,
    pub(super) last_problem: Option<String>,
    pub(super) closing: Option<Instant>,
    pub(super) ended: bool,
    /// Whether that is all that was to be done.
    pub(super) gone: bool,
}

/// The batch that the sender has.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    pub(super) bytes: usize,
    /// When the oldest of its parcels was handed in.
    since: Option<Instant>,
    /// Whether all of it is on disk too.
    is_stored: bool,
    /// Whether a part of it stays there.
    pub(super) stays: bool,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) parcel: Parcel,
    pub(super) since: Instant,
    /// Its record on disk, if it has one.
    origin: Option<Origin>,
}

impl State {
    /// Takes in a parcel; the oldest make room when it does not fit, unless it is on disk as the
    /// record `stored`: then it waits there.
    pub(super) fn hand_in(
        &mut self,
        parcel: Parcel,
        stored: Option<u64>,
        capacity: &Capacity,
        now: Instant,
    ) {
        self.filtered += parcel.filtered;
        if parcel.is_empty() {
            return;
        }
        let bytes = weight(&parcel.spans);
        let spans = counted(&parcel.spans);
        self.handed_in += 1;
        if let Some(last) = stored {
            let parcels = self.queue.len() + 1;
            let room = capacity.has_room(self.bytes + bytes, self.pending + spans, parcels);
            if self.ended || self.backlog.holds(Log::Own) || !room {
                let count = Count { records: 1, spans };
                self.backlog.push(Log::Own, Run { last, count, since: now });
                self.spooled += spans;
                return;
            }
        }
        self.pending += spans;
        if self.ended {
            return self.refuse(&parcel, DropReason::Shutdown);
        }
        // What would not fit beside what is under way makes no room for itself in vain, and what is on
        // disk too is not given up for what is not.
        let makes_room = self.queue.front().is_none_or(|oldest| oldest.origin.is_none());
        let beside = if makes_room { self.under_way.bytes } else { self.bytes };
        if beside + bytes > capacity.bytes {
            return self.refuse(&parcel, DropReason::OutboxFull);
        }
        while self.bytes + bytes > capacity.bytes && self.drop_oldest(DropReason::OutboxFull) {}
        self.bytes += bytes;
        let origin = stored.map(|sequence| (Log::Own, sequence));
        self.queue.push_back(Queued { parcel, since: now, origin });
        // The newest stays, however few may wait.
        while self.queue.len() > 1
            && capacity.is_exceeded(self.pending, self.queue.len())
            && self.drop_oldest(DropReason::OutboxFull)
        {}
    }

    fn refuse(&mut self, parcel: &Parcel, reason: DropReason) {
        self.drop_spans(&parcel.spans, reason);
        self.settled += 1;
    }

    /// Takes parcels, and the first part of one that alone is too large, in order.
    pub(super) fn take(&mut self, limits: Limits) -> Batch {
        let mut batch = Batch::default();
        let mut is_stored = true;
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
                let Some(Queued { parcel, origin, .. }) = self.queue.pop_front() else {
                    break;
                };
                batch.add(parcel.spans);
                is_stored &= batch.note(origin);
                batch.epilogues.extend(parcel.epilogue);
                batch.parcels += 1;
            } else {
                is_stored &= queued.origin.is_some();
                batch.add(queued.parcel.spans.drain(..fits).collect());
                break;
            }
        }
        let Batch { bytes, since, .. } = batch;
        self.under_way = UnderWay { bytes, since, is_stored, stays: false };
        // What a request had no room for has waited with it.
        self.due = self.queue.front().and(batch.since);
        batch
    }

    /// When the oldest of what is under way or waits was handed in.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let queued = self.queue.front().map(|queued| queued.since);
        self.under_way.since.into_iter().chain(queued).chain(self.backlog.oldest()).min()
    }

    /// Spans in memory that are not on disk, too.
    pub(super) fn at_risk(&self) -> u64 {
        let (mut queued, mut stored) = (0, 0);
        for Queued { parcel, origin, .. } in &self.queue {
            let spans = counted(&parcel.spans);
            queued += spans;
            stored += if origin.is_some() { spans } else { 0 };
        }
        let under_way = if self.under_way.is_stored { self.pending - queued } else { 0 };
        self.pending - stored - under_way
    }

    /// Whether there is something to send, now or later.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.backlog.next().is_some()
    }

    /// Whether to send now, and not wait for more to come along.
    pub(super) fn is_due(&self, limits: Limits, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
            || self.settled < self.demanded
            || self.bytes >= limits.max_bytes
            || self.pending >= u64::try_from(limits.max_spans).unwrap_or(u64::MAX)
            || self.backlog.next().is_some()
    }

    /// What is to be read from disk before the next batch: memory has less than a request's worth.
    pub(super) fn wanted(&self, limits: Limits) -> Option<Wanted> {
        self.backlog.next().filter(|_| self.bytes < limits.max_bytes)
    }

    /// Takes in what was read; returns what nobody will settle but the caller.
    pub(super) fn fetched(&mut self, wanted: Wanted, read: Read) -> Option<Origin> {
        let Fetched { records, mut missing, made_room } = self.backlog.fetched(wanted, read);
        let mut last = None;
        for (stored, since) in records {
            let spans = u64::from(stored.spans);
            last = Some((wanted.log, stored.sequence));
            let Some(parcel) = record::decode(&stored.payload) else {
                missing.add(Count { records: 1, spans });
                continue;
            };
            self.spooled -= spans;
            self.pending += counted(&parcel.spans);
            self.bytes += weight(&parcel.spans);
            self.due = Some(since);
            self.queue.push_back(Queued { parcel, since, origin: last });
        }
        self.give_up(missing, DropReason::SpoolDamaged);
        self.give_up(made_room, DropReason::SpoolFull);
        last.filter(|_| self.queue.back().is_none_or(|newest| newest.origin != last))
    }

    /// Takes in what a process that is no more left.
    pub(super) fn adopt(&mut self, orphan: &Orphan, now: Instant) {
        let Orphan { log, first, last, records, spans, .. } = *orphan;
        if records > 0 {
            let count = Count { records, spans };
            self.backlog.take_over(log, first, Run { last, count, since: now });
            self.handed_in += records;
            self.spooled += spans;
            self.recovered += spans;
        }
        self.recovered += orphan.damaged_spans;
        self.dropped.add(DropReason::SpoolDamaged, orphan.damaged_spans);
    }

    /// Gives up what made room on disk.
    pub(super) fn evict(&mut self, evicted: Evicted) {
        let gone = self.backlog.evict(evicted);
        self.give_up(gone, DropReason::SpoolFull);
    }

    /// Counts what was on disk only and is lost.
    fn give_up(&mut self, count: Count, reason: DropReason) {
        self.spooled -= count.spans;
        self.dropped.add(reason, count.spans);
        self.settled += count.records;
    }

    /// Leaves the oldest parcel on disk, or drops it when it is not there; false when there is none.
    pub(super) fn leave_oldest(&mut self) -> bool {
        if self.queue.front().is_none_or(|oldest| oldest.origin.is_none()) {
            return self.drop_oldest(DropReason::Shutdown);
        }
        let Some(oldest) = self.queue.pop_front() else { return false };
        self.bytes -= weight(&oldest.parcel.spans);
        self.leave(&oldest.parcel.spans);
        true
    }

    /// Gives up spans under way; where they are on disk and only time is short, they stay there.
    pub(super) fn give_up_spans(&mut self, spans: &[Payload], reason: DropReason) {
        if reason == DropReason::Shutdown && self.under_way.is_stored {
            self.under_way.stays = true;
            self.leave(spans);
        } else {
            self.drop_spans(spans, reason);
        }
    }

    fn leave(&mut self, spans: &[Payload]) {
        let count = counted(spans);
        self.pending -= count;
        self.spooled += count;
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
