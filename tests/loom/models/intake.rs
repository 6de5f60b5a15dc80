//! The intake, between threads that end spans, those that flush and close, and a worker.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;

use super::{Count, PREEMPTIONS, model, never, root, soon};
use crate::model::span::Span;
use crate::model::weight;
use crate::process::intake::{Arrivals, Intake, Taken};
use crate::process::spent::SpentGroup;
use crate::process::trace::Weighed;
use crate::stats::DropReason;
use crate::sync::clock::pass;
use crate::sync::{Condvar, Mutex, lock, now, wait};

const ROOMY: usize = 1 << 20;

/// An intake and what left it.
#[derive(Clone)]
struct Pipe {
    intake: Arc<Intake>,
    handed_over: Count,
}

/// When the worker's table lets spans go.
#[derive(Clone, Copy, PartialEq)]
enum Table {
    AtOnce,
    /// When it is told to.
    Keeps,
}

impl Pipe {
    fn new(max_bytes: usize) -> Self {
        Self { intake: Arc::new(Intake::new(max_bytes)), handed_over: Count::default() }
    }

    /// The rounds of `process::worker`, without its table and its encoders.
    fn worker(&self, table: Table) -> JoinHandle<()> {
        let pipe = self.clone();
        thread::spawn(move || {
            let mut arrivals = Arrivals::default();
            let mut kept = Vec::new();
            let mut busy = false;
            while !pipe.intake.is_closed() {
                // A tick is over at once.
                let orders = pipe.intake.take(&mut arrivals, busy.then(now), busy);
                busy = !arrivals.is_empty();
                let bytes = arrivals.updates.drain().map(|(_, said)| said.bytes()).sum();
                if bytes > 0 {
                    pipe.intake.updates_gone(bytes);
                }
                kept.append(&mut arrivals.ended);
                if table == Table::AtOnce || orders.flush || orders.close {
                    pipe.hand_over(kept.drain(..).map(|ended| (ended.data, ended.bytes)));
                }
                pipe.intake.carried_out(&orders);
            }
            pipe.hand_over(kept.drain(..).map(|ended| (ended.data, ended.bytes)));
        })
    }

    /// Does something on a thread of its own.
    fn spawn<T: 'static>(&self, act: impl FnOnce(&Self) -> T + 'static) -> JoinHandle<T> {
        let pipe = self.clone();
        thread::spawn(move || act(&pipe))
    }

    fn hand_over(&self, ended: impl Iterator<Item = (SpanData, usize)>) {
        let mut spent = SpentGroup::default();
        let mut spans = 0;
        for (data, bytes) in ended {
            spent.add(Weighed { span: Box::new(Span::plain(data)), bytes });
            spans += 1;
        }
        if spans > 0 {
            self.intake.hand_over(spans, spent, || self.handed_over.add(spans));
        }
    }

    /// That every span which ended is in one place, whoever does what meanwhile.
    fn conserves(&self) -> bool {
        let (stats, handed_over) = self.intake.snapshot(|| self.handed_over.get());
        stats.ended == stats.held + stats.dropped.total() + handed_over
    }

    /// The account when no thread is left.
    fn assert_settled(&self, ended: u64) {
        let (stats, handed_over) = self.intake.snapshot(|| self.handed_over.get());
        assert_eq!((stats.ended, stats.held), (ended, 0));
        assert_eq!(handed_over + stats.dropped.total(), ended);
    }
}

pub fn a_worker_that_sleeps_hears_of_every_span() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let arrived = Arc::new((Mutex::<usize>::default(), Condvar::new()));
        let worker = {
            let (pipe, arrived) = (pipe.clone(), Arc::clone(&arrived));
            thread::spawn(move || {
                let mut arrivals = Arrivals::default();
                let mut seen = 0;
                let mut busy = false;
                while seen < 2 {
                    let orders = pipe.intake.take(&mut arrivals, busy.then(now), busy);
                    busy = !arrivals.is_empty();
                    seen += arrivals.ended.drain(..).count();
                    pipe.intake.carried_out(&orders);
                }
                *lock(&arrived.0) = seen;
                arrived.1.notify_all();
            })
        };
        let caller = pipe.spawn(|pipe| pipe.intake.ended(root(1)));
        pipe.intake.ended(root(2));
        // Nobody flushes, and nobody closes.
        let mut seen = lock(&arrived.0);
        while *seen < 2 {
            seen = wait(&arrived.1, seen, None);
        }
        drop(seen);
        assert_eq!(caller.join().unwrap(), Taken::InTime);
        worker.join().unwrap();
    });
}

pub fn after_a_flush_everything_before_it_is_handed_over() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let flusher = pipe.spawn(|pipe| {
            pipe.intake.ended(root(1));
            assert!(pipe.intake.flush(never()));
            assert!(pipe.handed_over.get() >= 1);
        });
        pipe.intake.ended(root(2));
        flusher.join().unwrap();
        pipe.intake.close(never());
        worker.join().unwrap();
        assert_eq!(pipe.handed_over.get(), 2);
        pipe.assert_settled(2);
    });
}

pub fn of_two_who_flush_each_has_its_spans_handed_over() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let ended = Count::default();
        let flush = {
            let (pipe, ended) = (pipe.clone(), ended.clone());
            move |trace| {
                pipe.intake.ended(root(trace));
                ended.add(1);
                let before = ended.get();
                assert!(pipe.intake.flush(never()));
                assert!(pipe.handed_over.get() >= before);
            }
        };
        let other = thread::spawn({
            let flush = flush.clone();
            move || flush(1)
        });
        flush(2);
        other.join().unwrap();
        pipe.intake.close(never());
        worker.join().unwrap();
        pipe.assert_settled(2);
    });
}

pub fn a_flush_that_has_no_time_says_so_or_has_handed_over() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let time = thread::spawn(pass);
        pipe.intake.ended(root(1));
        if pipe.intake.flush(soon()) {
            assert_eq!(pipe.handed_over.get(), 1);
        }
        assert!(pipe.conserves());
        pipe.intake.close(never());
        time.join().unwrap();
        worker.join().unwrap();
        pipe.assert_settled(1);
    });
}

pub fn a_span_that_ends_while_the_pipe_closes_is_handed_over_or_counted() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let caller = pipe.spawn(|pipe| {
            let taken = [1, 2].map(|trace| pipe.intake.ended(root(trace)));
            taken.into_iter().filter(|taken| *taken == Taken::TooLate).count() as u64
        });
        pipe.intake.close(never());
        assert!(pipe.conserves());
        let late = caller.join().unwrap();
        worker.join().unwrap();
        pipe.assert_settled(2);
        // With time to close, only what comes after the end is lost, and its thread hears of it.
        assert_eq!(pipe.handed_over.get(), 2 - late);
        let (stats, ()) = pipe.intake.snapshot(|| ());
        assert_eq!(stats.dropped.get(DropReason::AfterShutdown), late);
    });
}

pub fn what_closes_without_time_is_counted_all_the_same() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let caller = pipe.spawn(|pipe| {
            pipe.intake.ended(root(1));
            pass();
            pipe.intake.ended(root(2));
        });
        pipe.intake.close(soon());
        assert!(pipe.conserves());
        caller.join().unwrap();
        worker.join().unwrap();
        pipe.assert_settled(2);
    });
}

pub fn a_flush_during_the_end_ends_and_nothing_is_missing_then() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let worker = pipe.worker(Table::Keeps);
        let flusher = pipe.spawn(|pipe| {
            pipe.intake.ended(root(1));
            assert!(pipe.intake.flush(never()));
            let (stats, handed_over) = pipe.intake.snapshot(|| pipe.handed_over.get());
            assert_eq!(handed_over + stats.dropped.total(), 1);
        });
        pipe.intake.close(never());
        flusher.join().unwrap();
        worker.join().unwrap();
        pipe.assert_settled(1);
    });
}

pub fn what_finds_no_room_is_counted_and_the_rest_handed_over() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(weight::of(&root(1)));
        let worker = pipe.worker(Table::AtOnce);
        let caller = pipe.spawn(|pipe| {
            pipe.intake.ended(root(1));
            assert!(pipe.conserves());
        });
        pipe.intake.ended(root(2));
        caller.join().unwrap();
        pipe.intake.close(never());
        worker.join().unwrap();
        pipe.assert_settled(2);
        let (stats, ()) = pipe.intake.snapshot(|| ());
        assert!(stats.dropped.get(DropReason::QueueFull) < 2, "there is room for one");
    });
}

pub fn what_is_said_of_a_trace_reaches_the_worker_no_later_than_its_root() {
    model(PREEMPTIONS, || {
        let pipe = Pipe::new(ROOMY);
        let caller = pipe.spawn(|pipe| {
            assert!(pipe.intake.updated(TraceId::from(1), KeyValue::new("k", "v")));
            pipe.intake.ended(root(1));
        });
        let other = pipe
            .spawn(|pipe| assert!(pipe.intake.updated(TraceId::from(2), KeyValue::new("k", "v"))));
        let mut arrivals = Arrivals::default();
        let (mut said, mut bytes, mut roots) = (false, 0, 0);
        while roots == 0 {
            let _ = pipe.intake.take(&mut arrivals, None, false);
            said |= arrivals.updates.contains_key(&TraceId::from(1));
            bytes += arrivals.updates.drain().map(|(_, said)| said.bytes()).sum::<usize>();
            let ended = std::mem::take(&mut arrivals.ended);
            roots += ended.len();
            assert!(said || roots == 0, "the root came first");
            pipe.hand_over(ended.into_iter().map(|ended| (ended.data, ended.bytes)));
        }
        caller.join().unwrap();
        other.join().unwrap();
        // Never more than was taken: it would wrap.
        pipe.intake.updates_gone(bytes);
        pipe.assert_settled(1);
    });
}
