//! The bounded queue between the callers' threads and the worker.
//!
//! INVARIANT: `ended = queued + with the worker + handed over` whenever the lock is free; what is
//! handed over is in the outboxes' accounts, and moves there under this lock, so that a snapshot
//! that holds it sees every span exactly once. Spans that do not fit are refused and counted.

use std::fmt;
use std::process;
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;

use crate::model::trace_map::TraceMap;
use crate::model::weight;
use crate::process::roots::OpenRoot;
use crate::process::spent::{SpentGroup, SpentPile};
use crate::process::updates::Updates;
use crate::stats::{DropReason, Dropped};
use crate::sync::{Condvar, Mutex, lock, lock_of, now, wait};

/// Something to do on the worker's thread.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(crate) struct Intake {
    max_bytes: usize,
    /// The process that has the worker.
    process: u32,
    state: Mutex<State>,
    /// For the worker: something to do.
    wake: Condvar,
    /// For those who flush: something was done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    arrivals: Arrivals,
    spent: SpentPile,
    /// Of the queue, of what the worker holds and of what is spent.
    bytes: usize,
    /// The part of it that is said of traces, here and with the worker.
    update_bytes: usize,
    ended: u64,
    /// Spans in the queue or with the worker.
    held: u64,
    dropped: Dropped,
    tasks: Tasks,
    /// The worker sleeps until its next deadline, which may be far away.
    asleep: bool,
    flushes_asked: u64,
    flushes_done: u64,
    closing: bool,
    closed: bool,
}

#[derive(Default)]
struct Tasks(Vec<Task>);

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks", self.0.len())
    }
}

/// What reaches the worker: lists of their own, because a span that ended is large
/// and should be moved once.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Roots of this process. Nothing that started after something here ended matters for it.
    pub(crate) started: Vec<OpenRoot>,
    pub(crate) ended: Vec<Ended>,
    /// What was said of traces before anything here ended, as far as matters.
    pub(crate) updates: TraceMap<Updates>,
}

/// A span with the memory that it takes.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) data: SpanData,
    pub(crate) bytes: usize,
}

impl Arrivals {
    pub(crate) fn is_empty(&self) -> bool {
        self.started.is_empty() && self.ended.is_empty() && self.updates.is_empty()
    }
}

/// Whether the worker hears of a span that ended, or that there was no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    InTime,
    /// The worker has ended, and the span is dropped.
    TooLate,
}

/// The part of the memory that spent spans may take while there is enough.
const SPENT_PART: usize = 2;
/// The part of the memory that may be taken by what is said of traces that run.
const UPDATE_PART: usize = 4;

/// What the worker is to do beside what arrived.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) tasks: Vec<Task>,
    /// Release everything: a flush waits for it, or memory is short.
    pub(crate) flush: bool,
    flush_number: u64,
    pub(crate) close: bool,
}

/// Counts of the spans that the outboxes do not know of.
#[derive(Debug, Default)]
pub(crate) struct IntakeStats {
    pub(crate) ended: u64,
    pub(crate) held: u64,
    pub(crate) dropped: Dropped,
}

impl Intake {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            process: process::id(),
            state: Mutex::default(),
            wake: Condvar::new(),
            done: Condvar::new(),
        }
    }

    /// Takes in a span that ended. Never waits for the worker.
    #[inline]
    pub(crate) fn ended(&self, data: SpanData) -> Taken {
        let bytes = weight::of(&data);
        // It belongs to the process that this one was forked from.
        let Some(mut state) = lock_of(&self.state, self.process) else { return Taken::InTime };
        let spent = state.spent.pop();
        state.bytes -= spent.as_ref().map_or(0, |spent| spent.bytes);
        let is_full = state.bytes + bytes > self.max_bytes;
        let all_spent = is_full.then(|| state.take_spent());
        state.ended += 1;
        let taken = if state.closed { Taken::TooLate } else { Taken::InTime };
        if taken == Taken::TooLate {
            state.dropped.add(DropReason::AfterShutdown, 1);
        } else if state.bytes + bytes > self.max_bytes {
            state.dropped.add(DropReason::QueueFull, 1);
            self.rouse(&mut state);
        } else {
            state.bytes += bytes;
            state.held += 1;
            state.arrivals.ended.push(Ended { data, bytes });
            self.rouse(&mut state);
        }
        // Freed without the lock.
        drop(state);
        drop((spent, all_spent));
        taken
    }

    /// Takes in that a root started. It is only an aid: left out when memory is short.
    pub(crate) fn started(&self, root: OpenRoot) {
        let mut state = lock(&self.state);
        if !state.closed && !self.is_short(&state) {
            state.arrivals.started.push(root);
            self.rouse(&mut state);
        }
    }

    /// Takes in what is said of a trace that runs; says whether there was room for it.
    pub(crate) fn updated(&self, trace_id: TraceId, said: KeyValue) -> bool {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.closed {
            return true;
        }
        let updates = state.arrivals.updates.entry(trace_id).or_default();
        let more = weight::of_entry(&said.key, &said.value);
        let less = updates.bytes_of(&said.key);
        let has_room = state.bytes + more <= self.max_bytes + less
            && state.update_bytes + more <= self.max_bytes / UPDATE_PART + less;
        if has_room {
            updates.say(said);
            state.bytes = state.bytes + more - less;
            state.update_bytes = state.update_bytes + more - less;
        } else if updates.is_empty() {
            state.arrivals.updates.remove(&trace_id);
        }
        self.rouse(state);
        has_room
    }

    /// For the worker: what was said of traces takes less memory now.
    pub(crate) fn updates_gone(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.bytes -= bytes;
        state.update_bytes -= bytes;
    }

    /// Runs `task` on the worker's thread, soon.
    pub(crate) fn run(&self, task: Task) {
        let mut state = lock(&self.state);
        if !state.closed {
            state.tasks.0.push(task);
            self.rouse(&mut state);
        }
    }

    /// Wakes a worker that sleeps for long; one that looks every few milliseconds is left alone.
    fn rouse(&self, state: &mut State) {
        if state.asleep || self.is_short(state) {
            state.asleep = false;
            self.wake.notify_one();
        }
    }

    /// Whether memory is short, so that running traces must leave early.
    fn is_short(&self, state: &State) -> bool {
        state.bytes - state.spent.bytes() > self.max_bytes / 2
    }

    /// For the worker: swaps what has come into `arrivals`, after waiting for it until `until`.
    ///
    /// `soon` tells that `until` is near, so that new ones need not wake the worker.
    pub(crate) fn take(
        &self,
        arrivals: &mut Arrivals,
        until: Option<Instant>,
        soon: bool,
    ) -> Orders {
        let mut state = lock(&self.state);
        state.asleep = !soon;
        if !soon && state.spent.bytes() > 0 {
            // Nobody comes to free it.
            let spent = state.take_spent();
            drop(state);
            drop(spent);
            state = lock(&self.state);
        }
        while !(state.has_orders()
            || (!state.arrivals.is_empty() && (!soon || self.is_short(&state))))
        {
            if until.is_some_and(|until| now() >= until) {
                break;
            }
            state = wait(&self.wake, state, until);
        }
        state.asleep = false;
        std::mem::swap(&mut state.arrivals, arrivals);
        Orders {
            tasks: std::mem::take(&mut state.tasks.0),
            flush: state.flushes_asked > state.flushes_done || self.is_short(&state),
            flush_number: state.flushes_asked,
            close: state.closing,
        }
    }

    /// For the worker: moves `spans` into the outboxes' accounts, which `hand_in` does, and gives
    /// back what is left of them.
    pub(crate) fn hand_over(&self, spans: u64, spent: SpentGroup, hand_in: impl FnOnce()) {
        let mut state = lock(&self.state);
        hand_in();
        state.held -= spans;
        // After the end nobody comes to free it.
        let room = if state.closed { 0 } else { self.max_bytes / SPENT_PART };
        let (bytes, rest) = state.spent.add(spent, room);
        state.bytes -= bytes;
        drop(state);
        drop(rest);
    }

    /// For the worker: the orders are carried out.
    pub(crate) fn carried_out(&self, orders: &Orders) {
        let mut state = lock(&self.state);
        state.flushes_done = orders.flush_number;
        state.closed |= orders.close && state.arrivals.is_empty();
        self.done.notify_all();
    }

    /// For the worker: whether it may end.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Waits until everything taken in so far is in the outboxes, or `deadline`; says whether it is.
    pub(crate) fn flush(&self, deadline: Instant) -> bool {
        let mut state = lock(&self.state);
        state.flushes_asked += 1;
        let number = state.flushes_asked;
        state.asleep = false;
        self.wake.notify_one();
        while state.flushes_done < number && !state.closed && now() < deadline {
            state = wait(&self.done, state, Some(deadline));
        }
        state.flushes_done >= number || state.closed
    }

    /// Lets the worker end when it has handed everything over; waits for it until `deadline`.
    pub(crate) fn close(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        state.closing = true;
        state.asleep = false;
        self.wake.notify_one();
        while !state.closed && now() < deadline {
            state = wait(&self.done, state, Some(deadline));
        }
        // A worker that did not make it may still hand over what it holds; nothing new gets in.
        state.closed = true;
        let Arrivals { ended: late, updates, .. } = std::mem::take(&mut state.arrivals);
        let updates: usize = updates.values().map(Updates::bytes).sum();
        state.update_bytes -= updates;
        let bytes = updates + late.iter().map(|ended| ended.bytes).sum::<usize>();
        let count = u64::try_from(late.len()).unwrap_or(u64::MAX);
        state.held -= count;
        state.bytes -= bytes;
        state.dropped.add(DropReason::Shutdown, count);
        // A subscriber may keep the pipe for as long as the program runs.
        let spent = state.take_spent();
        drop(state);
        drop((late, spent));
    }

    /// This queue's account, and whatever `read` reads while nothing can move.
    pub(crate) fn snapshot<T>(&self, read: impl FnOnce() -> T) -> (IntakeStats, T) {
        let account = lock(&self.state);
        let stats =
            IntakeStats { ended: account.ended, held: account.held, dropped: account.dropped };
        (stats, read())
    }
}

impl State {
    fn take_spent(&mut self) -> SpentPile {
        self.bytes -= self.spent.bytes();
        std::mem::take(&mut self.spent)
    }

    fn has_orders(&self) -> bool {
        !self.tasks.0.is_empty() || self.flushes_asked > self.flushes_done || self.closing
    }
}

#[cfg(test)]
mod tests;
