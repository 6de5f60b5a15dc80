//! An outbox without a spool, between a worker, a sender and those who wait.

use std::sync::Arc;
use std::time::Duration;

use loom::thread::{self, JoinHandle};
use opentelemetry::trace::TraceId;

use super::{Count, PREEMPTIONS, model, never, soon};
use crate::stats::DropReason;
use crate::sync::clock::{SOME_TIME, pass};
use crate::sync::now;
use crate::transport::outbox::{Capacity, Linger, Outbox, Woken};
use crate::transport::{Body, Envelope, Limits, Parcel, Payload};

const ONE_BY_ONE: Limits = Limits { max_spans: 1, max_bytes: 1 << 20 };

fn outbox(bytes: usize, linger: Option<Duration>) -> Arc<Outbox> {
    let capacity = Capacity { bytes, spans: None, parcels: None };
    let linger = linger.map(|time| Linger { finished: time, running: time });
    Arc::new(Outbox::new("model".to_owned(), capacity, linger, None))
}

fn roomy() -> Arc<Outbox> {
    outbox(1 << 20, None)
}

fn payload(trace: u8) -> Payload {
    Payload {
        trace_id: TraceId::from(u128::from(trace)),
        envelope: Arc::new(Envelope::default()),
        body: Body::Bytes(vec![trace; 10].into()),
        counted: true,
    }
}

fn hand_in(outbox: &Outbox, trace: u8) {
    let parcel = Parcel { spans: vec![payload(trace)], ..Parcel::default() };
    outbox.hand_in(outbox.prepare(vec![parcel], now()), now());
}

/// The rounds of `transport::sender`, with a destination that takes everything.
fn sender(outbox: &Arc<Outbox>) -> (JoinHandle<()>, Count) {
    sender_of(outbox, u64::MAX)
}

/// The same, which ends by itself after so many spans.
fn sender_of(outbox: &Arc<Outbox>, enough: u64) -> (JoinHandle<()>, Count) {
    let delivered = Count::default();
    let (outbox, counted) = (Arc::clone(outbox), delivered.clone());
    let thread = thread::spawn(move || {
        while counted.get() < enough
            && let Some(batch) = outbox.take(ONE_BY_ONE)
        {
            let spans = batch.spans.len().try_into().unwrap();
            counted.add(spans);
            outbox.count_delivered(spans);
            outbox.close_batch(&batch);
        }
        outbox.end();
    });
    (thread, delivered)
}

/// Of so many that were handed in.
fn assert_conserves(outbox: &Outbox, handed_in: u64) {
    let stats = outbox.stats(now());
    assert_eq!(stats.delivered + stats.pending + stats.dropped.total(), handed_in);
}

pub fn a_sender_that_sleeps_hears_of_every_parcel() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        let (sender, delivered) = sender_of(&outbox, 2);
        let worker = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || hand_in(&outbox, 1))
        };
        hand_in(&outbox, 2);
        worker.join().unwrap();
        // Nobody demands anything, and nobody closes.
        sender.join().unwrap();
        assert_eq!(delivered.get(), 2);
        assert_conserves(&outbox, 2);
    });
}

pub fn of_two_who_wait_each_sees_what_was_handed_in_before_delivered() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        let (sender, delivered) = sender(&outbox);
        let handed_in = Count::default();
        let flush = {
            let (outbox, delivered) = (Arc::clone(&outbox), delivered.clone());
            move |trace| {
                hand_in(&outbox, trace);
                handed_in.add(1);
                let before = handed_in.get();
                assert!(outbox.wait_settled(outbox.demand(), never()));
                assert!(delivered.get() >= before);
            }
        };
        let other = thread::spawn({
            let flush = flush.clone();
            move || flush(1)
        });
        flush(2);
        other.join().unwrap();
        outbox.close(never());
        sender.join().unwrap();
        assert!(outbox.is_idle());
        assert_conserves(&outbox, 2);
    });
}

pub fn what_lingers_leaves_when_it_is_asked_for() {
    model(PREEMPTIONS, || {
        let outbox = outbox(1 << 20, Some(2 * SOME_TIME));
        let (sender, delivered) = sender(&outbox);
        hand_in(&outbox, 1);
        assert!(outbox.wait_settled(outbox.demand(), never()));
        assert_eq!(delivered.get(), 1);
        hand_in(&outbox, 2);
        outbox.close(never());
        sender.join().unwrap();
        assert_eq!(delivered.get(), 2);
    });
}

pub fn what_is_handed_in_while_it_closes_is_delivered_or_counted() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        let (sender, _) = sender(&outbox);
        let worker = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || [1, 2].map(|trace| hand_in(&outbox, trace)))
        };
        outbox.close(never());
        assert!(outbox.wait_ended(never()));
        worker.join().unwrap();
        sender.join().unwrap();
        let stats = outbox.stats(now());
        assert_eq!((stats.pending, stats.pending_bytes), (0, 0));
        assert_eq!(stats.delivered + stats.dropped.get(DropReason::Shutdown), 2);
        assert!(outbox.is_idle());
    });
}

pub fn an_end_in_the_middle_of_a_request_loses_no_count() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        hand_in(&outbox, 1);
        hand_in(&outbox, 2);
        let (sender, delivered) = sender(&outbox);
        let waiter = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                // Ends, because what it waits for is settled, or will never be.
                let settled = outbox.wait_settled(outbox.demand(), never());
                assert_conserves(&outbox, 2);
                settled
            })
        };
        outbox.end();
        assert_conserves(&outbox, 2);
        waiter.join().unwrap();
        sender.join().unwrap();
        let stats = outbox.stats(now());
        assert_eq!((stats.delivered, stats.pending), (delivered.get(), 0));
        assert_eq!(stats.delivered + stats.dropped.total(), 2);
    });
}

pub fn the_oldest_makes_room_but_not_what_is_under_way() {
    model(PREEMPTIONS, || {
        let outbox = outbox(2 * payload(1).weight(), None);
        let (sender, delivered) = sender(&outbox);
        let worker = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || [1, 2, 3].map(|trace| hand_in(&outbox, trace)))
        };
        worker.join().unwrap();
        assert!(outbox.wait_settled(outbox.demand(), never()));
        outbox.close(never());
        sender.join().unwrap();
        let stats = outbox.stats(now());
        assert_eq!((stats.delivered, stats.pending_bytes), (delivered.get(), 0));
        assert_eq!(stats.delivered + stats.dropped.get(DropReason::OutboxFull), 3);
        assert!(stats.delivered >= 2);
    });
}

pub fn a_pause_ends_when_an_attempt_is_demanded() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        let seen = outbox.demands();
        let flusher = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.demand())
        };
        assert_eq!(outbox.pause(seen, never()), Woken::Demanded);
        flusher.join().unwrap();
    });
}

pub fn a_pause_ends_when_the_time_to_close_is_over() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        let seen = outbox.demands();
        let closer = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                outbox.close(soon());
                pass();
            })
        };
        // To close is to demand a last attempt; then the pause ends with the time.
        match outbox.pause(seen, never()) {
            Woken::Demanded => {
                assert_eq!(outbox.pause(outbox.demands(), never()), Woken::Closed);
            }
            woken => assert_eq!(woken, Woken::Closed),
        }
        closer.join().unwrap();
    });
}

pub fn a_refusal_wakes_whoever_waits() {
    model(PREEMPTIONS, || {
        let outbox = roomy();
        hand_in(&outbox, 1);
        let waiter = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                let mark = outbox.demand();
                assert!(!outbox.wait_settled(mark, never()));
                outbox.wait_ready(mark, never())
            })
        };
        // A destination that refuses, and is asked again when it is demanded.
        let batch = outbox.take(ONE_BY_ONE).unwrap();
        let mut seen = outbox.demands();
        while seen == 0 {
            outbox.pause(seen, never());
            seen = outbox.demands();
        }
        outbox.note_problem("no", Some(seen));
        assert_eq!(waiter.join().unwrap(), Err("no".to_owned()));
        outbox.count_dropped(&batch.spans, DropReason::RetryExpired);
        outbox.close_batch(&batch);
        assert_conserves(&outbox, 1);
    });
}
