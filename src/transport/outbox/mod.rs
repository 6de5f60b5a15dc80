//! Encoded spans of one destination, in memory, bounded in bytes, with the account of each.
//!
//! INVARIANT: `handed in = delivered + pending + dropped` whenever the lock is free. When a parcel
//! does not fit, the oldest leave and are counted; what is under way is never taken back.

mod state;

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::trace::TraceId;

use crate::stats::{DestinationStats, DropReason};
use crate::sync::{lock, now, wait};
use crate::transport::{Limits, Parcel, Payload};
use state::State;

pub(crate) use state::{Batch, Capacity, counted};

#[derive(Debug)]
pub(crate) struct Outbox {
    name: String,
    capacity: Capacity,
    state: Mutex<State>,
    changed: Condvar,
}

/// A point in the outbox's history to wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    handed_in: u64,
    demand: u64,
}

/// Why a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Elapsed,
    Demanded,
    /// The time to close is over.
    Closed,
}

impl Outbox {
    pub(crate) fn new(name: String, capacity: Capacity) -> Self {
        Self { name, capacity, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes in parcels; the oldest make room when they do not fit.
    pub(crate) fn hand_in(&self, parcels: impl IntoIterator<Item = Parcel>, now: Instant) {
        let mut state = lock(&self.state);
        for parcel in parcels {
            state.hand_in(parcel, &self.capacity, now);
        }
        self.changed.notify_all();
    }

    /// Waits for spans and takes as many as one request may carry; `None` once closed and empty.
    pub(crate) fn take(&self, limits: Limits) -> Option<Batch> {
        let mut state = lock(&self.state);
        while state.queue.is_empty() {
            if state.closing.is_some() || state.ended {
                return None;
            }
            state = wait(&self.changed, state, None);
        }
        if state.is_over(now()) { None } else { Some(state.take(limits)) }
    }

    /// Sleeps until `until`, unless an attempt is demanded after `seen` or closing time is over.
    pub(crate) fn pause(&self, seen: u64, until: Instant) -> Woken {
        let mut state = lock(&self.state);
        loop {
            let now = now();
            if state.is_over(now) {
                return Woken::Closed;
            }
            if state.demands > seen {
                return Woken::Demanded;
            }
            if now >= until {
                return Woken::Elapsed;
            }
            let wake = state.closing.map_or(until, |deadline| deadline.min(until));
            state = wait(&self.changed, state, Some(wake));
        }
    }

    /// Number of demands so far; an attempt made now answers them all.
    pub(crate) fn demands(&self) -> u64 {
        lock(&self.state).demands
    }

    /// When the sender must have ended, if it must.
    pub(crate) fn closing(&self) -> Option<Instant> {
        lock(&self.state).closing
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing().is_some()
    }

    /// Whether the time to close is over.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        lock(&self.state).is_over(now)
    }

    /// Whether a span of the trace was dropped.
    pub(crate) fn is_broken(&self, trace_id: TraceId) -> bool {
        lock(&self.state).broken.contains(&trace_id)
    }

    pub(crate) fn count_delivered(&self, spans: u64) {
        let mut state = lock(&self.state);
        state.pending -= spans;
        state.delivered += spans;
    }

    pub(crate) fn count_dropped(&self, spans: &[Payload], reason: DropReason) {
        lock(&self.state).drop_spans(spans, reason);
    }

    /// Counts spans that the receiver refused without saying which.
    pub(crate) fn count_rejected(&self, spans: u64) {
        let mut state = lock(&self.state);
        state.pending -= spans;
        state.dropped.add(DropReason::Rejected, spans);
    }

    pub(crate) fn count_retry(&self) {
        lock(&self.state).retries += 1;
    }

    /// Notes that the destination works; true when that is news.
    pub(crate) fn note_success(&self) -> bool {
        let mut state = lock(&self.state);
        let news = state.last_problem.take().is_some() || !state.ready;
        state.ready = true;
        self.changed.notify_all();
        news
    }

    /// Notes what the destination said. When only a person can mend it, `refused` is the number of
    /// demands that this answers.
    pub(crate) fn note_problem(&self, problem: &str, refused: Option<u64>) {
        let mut state = lock(&self.state);
        state.last_problem = Some(problem.to_owned());
        if let Some(demands) = refused {
            state.ready = false;
            state.refused = demands;
        }
        self.changed.notify_all();
    }

    /// Frees the memory of a batch whose every span is settled.
    pub(crate) fn close_batch(&self, batch: &Batch) {
        let mut state = lock(&self.state);
        state.bytes -= batch.bytes;
        state.under_way -= batch.bytes;
        state.under_way_since = None;
        state.settled += batch.parcels;
        self.changed.notify_all();
    }

    /// Drops parcels that have waited for `window`.
    pub(crate) fn expire(&self, window: Duration, now: Instant) {
        let mut state = lock(&self.state);
        while state.queue.front().is_some_and(|oldest| now.duration_since(oldest.since) >= window) {
            state.drop_oldest(DropReason::RetryExpired);
        }
        self.changed.notify_all();
    }

    /// Asks for an attempt at once; the mark covers everything handed in so far.
    pub(crate) fn demand(&self) -> Mark {
        let mut state = lock(&self.state);
        state.demands += 1;
        self.changed.notify_all();
        Mark { handed_in: state.handed_in, demand: state.demands }
    }

    /// Waits until everything up to `mark` is settled, or refused, or `deadline`; says whether it is
    /// settled.
    pub(crate) fn wait_settled(&self, mark: Mark, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| {
            state.settled >= mark.handed_in || state.refused >= mark.demand || state.ended
        });
        lock(&self.state).settled >= mark.handed_in
    }

    /// Waits until the destination is known to work, or refuses, or `deadline`.
    pub(crate) fn wait_ready(&self, mark: Mark, deadline: Instant) -> Result<(), String> {
        self.wait_for(deadline, |state| state.ready || state.refused >= mark.demand || state.ended);
        let state = lock(&self.state);
        if state.ready {
            return Ok(());
        }
        Err(state.last_problem.clone().unwrap_or_else(|| "no answer yet".to_owned()))
    }

    /// Lets the sender end when the queue is empty, or at `deadline`.
    pub(crate) fn close(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        state.closing = Some(state.closing.map_or(deadline, |earlier| earlier.min(deadline)));
        state.demands += 1;
        self.changed.notify_all();
    }

    /// Whether everything that was handed in is settled.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.settled == state.handed_in
    }

    /// Drops what is left; whatever is handed in from now on is dropped too.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        while state.drop_oldest(DropReason::Shutdown) {}
        state.ended = true;
        self.changed.notify_all();
    }

    /// Waits until the sender has ended, or `deadline`; says whether it has.
    pub(crate) fn wait_ended(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.ended);
        lock(&self.state).ended
    }

    fn wait_for(&self, deadline: Instant, done: impl Fn(&State) -> bool) {
        let mut state = lock(&self.state);
        while !done(&state) && now() < deadline {
            state = wait(&self.changed, state, Some(deadline));
        }
    }

    /// This destination's account. The caller adds what has not been handed in yet.
    pub(crate) fn stats(&self, now: Instant) -> DestinationStats {
        let state = lock(&self.state);
        DestinationStats {
            name: self.name.clone(),
            delivered: state.delivered,
            pending: state.pending,
            filtered: state.filtered,
            dropped: state.dropped,
            retries: state.retries,
            pending_bytes: state.bytes,
            oldest_pending: state.oldest().map(|since| now.saturating_duration_since(since)),
            last_problem: state.last_problem.clone(),
            ..DestinationStats::default()
        }
    }
}

#[cfg(test)]
mod tests;
