//! Encoded spans of one destination, in memory, bounded in bytes, with the account of each.
//!
//! INVARIANT: `handed in + recovered = delivered + pending + spooled + dropped` whenever the lock is
//! free. When a parcel does not fit, the oldest leave and are counted; what is under way is never taken
//! back.
//!
//! With a spool, each parcel is written to disk before it is handed in. What has no room in memory then
//! waits on disk, and is read back when it is its turn; what is delivered is noted there, so that the
//! next process does not send it again.

mod backlog;
mod batch;
mod state;
mod way_in;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::TraceId;

use crate::stats::{DestinationStats, DropReason};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, now, wait};
use crate::transport::spool::Spool;
use crate::transport::{Limits, Payload};
use state::State;

pub(crate) use batch::{Batch, counted};
pub(crate) use state::Capacity;
pub(crate) use way_in::Linger;

#[derive(Debug)]
pub(crate) struct Outbox {
    name: String,
    capacity: Capacity,
    linger: Option<Linger>,
    spool: Option<Spool>,
    /// Of the spool, as last seen: whoever asks must not wait for a disk.
    spooled_bytes: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

/// Time between two looks for what others left on disk.
const ADOPTION_INTERVAL: Duration = Duration::from_secs(60);
/// Before what could not be read is read again.
const READ_PAUSE: Duration = Duration::from_secs(1);

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
    pub(crate) fn new(
        name: String,
        capacity: Capacity,
        linger: Option<Linger>,
        spool: Option<Spool>,
    ) -> Self {
        Self {
            name,
            capacity,
            linger,
            spool,
            spooled_bytes: AtomicU64::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits for spans and takes as many as one request may carry; `None` once closed and empty.
    pub(crate) fn take(&self, limits: Limits) -> Option<Batch> {
        let mut is_stuck = false;
        loop {
            self.adopt(now());
            let mut state = self.wait_for_work(limits)?;
            match (&self.spool, state.wanted(limits).filter(|_| !is_stuck)) {
                (Some(spool), Some(wanted)) => {
                    drop(state);
                    let read = spool.read(wanted.log, wanted.after, limits.max_bytes);
                    is_stuck = read.is_stuck();
                    let lost = lock(&self.state).fetched(wanted, read);
                    if let Some((log, through)) = lost {
                        spool.settled(log, through);
                    }
                }
                _ if !state.queue.is_empty() => return Some(state.take(limits)),
                _ if is_stuck => {
                    let seen = state.demands;
                    drop(state);
                    self.pause(seen, now() + READ_PAUSE);
                    is_stuck = false;
                }
                _ => {}
            }
        }
    }

    /// Until there is something to send, or time to look what others have left.
    fn wait_for_work(&self, limits: Limits) -> Option<MutexGuard<'_, State>> {
        let until = self.spool.is_some().then(|| now() + ADOPTION_INTERVAL);
        let mut state = lock(&self.state);
        loop {
            let now = now();
            let has_work = state.has_work();
            if state.is_over(now) || (state.closing.is_some() && !has_work) {
                return None;
            }
            if until.is_some_and(|until| until <= now)
                || (has_work && (state.closing.is_some() || state.is_due(limits, now)))
            {
                return Some(state);
            }
            let due = state.due.filter(|_| has_work);
            state = wait(&self.changed, state, due.into_iter().chain(until).min());
        }
    }

    /// Whether what waits is on disk, too.
    pub(crate) fn is_stored(&self) -> bool {
        self.spool.is_some()
    }

    /// Takes over what processes that are no more have left for this destination.
    fn adopt(&self, now: Instant) {
        let Some(spool) = &self.spool else { return };
        let orphans = spool.adopt(now);
        self.see_bytes(spool);
        let mut state = lock(&self.state);
        for orphan in orphans {
            state.adopt(&orphan, now);
        }
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
        lock(&self.state).give_up_spans(spans, reason);
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

    /// Counts spans that are sent again though the destination may have them.
    pub(crate) fn count_duplicates(&self, spans: u64) {
        lock(&self.state).duplicates += spans;
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
        let stays = std::mem::take(&mut state.under_way).stays;
        if !stays {
            state.settled += batch.parcels;
        }
        self.changed.notify_all();
        drop(state);
        if let Some(spool) = self.spool.as_ref().filter(|_| !stays) {
            for (log, through) in &batch.origins {
                spool.settled(*log, *through);
            }
            self.see_bytes(spool);
        }
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
        state.demanded = state.handed_in;
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

    /// Drops what is left and is not on disk; so it goes with whatever is handed in from now on.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        while state.leave_oldest() {}
        state.ended = true;
        drop(state);
        if let Some(spool) = &self.spool {
            spool.close();
        }
        lock(&self.state).gone = true;
        self.changed.notify_all();
    }

    /// Waits until the sender has ended, or `deadline`; says whether it has.
    pub(crate) fn wait_ended(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.gone);
        lock(&self.state).gone
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
            at_risk: if self.spool.is_some() { state.at_risk() } else { state.pending },
            spooled: state.spooled,
            recovered: state.recovered,
            filtered: state.filtered,
            dropped: state.dropped,
            retries: state.retries,
            duplicates: state.duplicates,
            pending_bytes: state.bytes,
            spooled_bytes: self.spooled_bytes.load(Ordering::Relaxed),
            oldest_pending: state.oldest().map(|since| now.saturating_duration_since(since)),
            last_problem: state.last_problem.clone(),
            ..DestinationStats::default()
        }
    }
}

#[cfg(test)]
mod tests;
