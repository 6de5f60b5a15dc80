#[cfg(feature = "spool")]
mod durable;
mod random;

use std::sync::Arc;

use opentelemetry::trace::TraceId;

use super::*;
use crate::sync::clock::waited;
use crate::transport::Body;
use crate::transport::{Envelope, Epilogue, Parcel};

/// More than any test takes, so that a wait that should not happen is seen as one.
const LONG: Duration = Duration::from_secs(60);
const UNLIMITED: Limits = Limits { max_spans: 1000, max_bytes: 1 << 30 };

#[test]
fn the_oldest_make_room_and_are_counted() {
    let outbox = outbox(3 * size(100));
    for id in 1..=5 {
        hand_in(&outbox, [parcel(id, &[id])], now());
    }
    assert_eq!(dropped(&outbox, DropReason::OutboxFull), 2);
    let batch = outbox.take(UNLIMITED).unwrap();
    assert_eq!(ids(&batch), [3, 4, 5]);
    assert_eq!([1, 2, 3].map(|id| outbox.is_broken(trace(id))), [true, true, false]);
}

#[test]
fn what_is_under_way_is_never_taken_back() {
    let outbox = outbox(3 * size(100));
    hand_in(&outbox, [parcel(1, &[1, 2])], now());
    let batch = outbox.take(UNLIMITED).unwrap();
    hand_in(&outbox, [parcel(2, &[3])], now());
    // There is room for one beside what is under way.
    hand_in(&outbox, [parcel(3, &[4])], now());
    outbox.expire(Duration::ZERO, now());
    outbox.end();
    assert_eq!(outbox.stats(now()).pending, 2);

    outbox.count_delivered(2);
    outbox.close_batch(&batch);
    let stats = outbox.stats(now());
    assert_eq!((stats.delivered, stats.pending, stats.pending_bytes), (2, 0, 0));
    assert!(stats.conserves(4) && outbox.is_idle());
}

#[test]
fn a_parcel_that_could_never_fit_pushes_nothing_out() {
    let outbox = outbox(3 * size(100));
    hand_in(&outbox, [parcel(1, &[1])], now());
    hand_in(&outbox, [parcel(2, &[2, 3, 4, 5])], now());
    let stats = outbox.stats(now());
    assert_eq!((stats.pending, dropped(&outbox, DropReason::OutboxFull)), (1, 4));
    assert!(outbox.is_broken(trace(2)) && !outbox.is_broken(trace(1)));
}

#[test]
fn a_parcel_that_does_not_fit_beside_what_is_under_way_pushes_nothing_out() {
    let outbox = outbox(3 * size(100));
    hand_in(&outbox, [parcel(1, &[1, 2])], now());
    outbox.take(UNLIMITED).unwrap();
    hand_in(&outbox, [parcel(2, &[3])], now());
    hand_in(&outbox, [parcel(3, &[4, 5])], now());
    assert_eq!(dropped(&outbox, DropReason::OutboxFull), 2);
    assert_eq!([2, 3].map(|id| outbox.is_broken(trace(id))), [false, true]);
}

#[test]
fn a_request_takes_whole_parcels_while_they_fit() {
    let outbox = outbox(1 << 20);
    for (trace, ids) in [(1, &[1, 2][..]), (2, &[3]), (3, &[4, 5]), (4, &[6])] {
        hand_in(&outbox, [parcel(trace, ids)], now());
    }
    let by_count = Limits { max_spans: 4, ..UNLIMITED };
    let by_size = Limits { max_bytes: 2 * size(100), ..UNLIMITED };
    // The third parcel would have to be cut, so it waits.
    assert_eq!(ids(&outbox.take(by_count).unwrap()), [1, 2, 3]);
    assert_eq!(ids(&outbox.take(by_size).unwrap()), [4, 5]);
    assert_eq!(ids(&outbox.take(by_size).unwrap()), [6]);
}

#[test]
fn a_parcel_larger_than_a_request_is_split_in_order_and_its_epilogue_comes_last() {
    let outbox = outbox(1 << 20);
    hand_in(&outbox, [with_epilogue(parcel(1, &[1, 2, 3, 4, 5]))], now());
    hand_in(&outbox, [with_epilogue(parcel(2, &[6]))], now());
    let limits = Limits { max_spans: 2, ..UNLIMITED };
    let mark = outbox.demand();
    let mut sent = Vec::new();
    for _ in 0..3 {
        assert!(!outbox.wait_settled(mark, now()));
        let batch = outbox.take(limits).unwrap();
        let traces: Vec<_> = batch.epilogues.iter().map(|epilogue| epilogue.trace_id).collect();
        sent.push((ids(&batch), traces));
        outbox.count_delivered(counted(&batch.spans));
        outbox.close_batch(&batch);
    }
    assert_eq!(
        sent,
        [(vec![1, 2], vec![]), (vec![3, 4], vec![]), (vec![5, 6], vec![trace(1), trace(2)])]
    );
    assert!(outbox.wait_settled(mark, now()));
}

#[test]
fn a_span_larger_than_a_request_makes_one_of_its_own() {
    let outbox = outbox(1 << 20);
    hand_in(&outbox, [with_epilogue(parcel(1, &[1, 2]))], now());
    hand_in(&outbox, [parcel(2, &[3])], now());
    let limits = Limits { max_bytes: 10, ..UNLIMITED };
    let sent: Vec<_> = (0..3)
        .map(|_| outbox.take(limits).unwrap())
        .map(|batch| (ids(&batch), batch.epilogues.len()))
        .collect();
    assert_eq!(sent, [(vec![1], 0), (vec![2], 1), (vec![3], 0)]);
}

#[test]
fn a_span_made_up_is_sent_but_not_counted() {
    let outbox = outbox(1 << 20);
    let mut made_up = parcel(1, &[1, 2]);
    made_up.spans[1].counted = false;
    hand_in(&outbox, [made_up.clone()], now());
    assert_eq!(outbox.stats(now()).pending, 1);
    let batch = outbox.take(UNLIMITED).unwrap();
    assert_eq!((ids(&batch), counted(&batch.spans)), (vec![1, 2], 1));
    outbox.count_dropped(&batch.spans, DropReason::Rejected);
    assert!(outbox.stats(now()).conserves(1));
}

#[test]
fn parcels_that_waited_for_the_window_expire() {
    let outbox = outbox(1 << 20);
    let t0 = now();
    hand_in(&outbox, [parcel(1, &[1])], t0);
    hand_in(&outbox, [parcel(2, &[2])], t0 + LONG);
    outbox.expire(LONG, t0 + LONG.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(outbox.stats(now()).pending, 2);
    outbox.expire(LONG, t0 + LONG);
    assert_eq!(dropped(&outbox, DropReason::RetryExpired), 1);
    let batch = outbox.take(UNLIMITED).unwrap();
    assert_eq!((ids(&batch), batch.since), (vec![2], Some(t0 + LONG)));
}

#[test]
fn a_pause_ends_at_its_time_on_demand_or_when_closing_time_is_over() {
    let outbox = outbox(1 << 20);
    let seen = outbox.demands();
    assert_eq!(outbox.pause(seen, now()), Woken::Elapsed);
    outbox.demand();
    assert_eq!(outbox.pause(seen, now() + LONG), Woken::Demanded);
    assert_eq!(outbox.pause(outbox.demands(), now()), Woken::Elapsed, "it was answered");
    // Closing is a demand too, and what is closed pauses no more.
    let seen = outbox.demands();
    outbox.close(now() + LONG);
    assert_eq!(outbox.pause(seen, now() + LONG), Woken::Demanded);
    outbox.close(now());
    assert_eq!(outbox.pause(outbox.demands(), now() + LONG), Woken::Closed);
}

#[test]
fn a_refusal_answers_the_demands_before_it_and_no_later_one() {
    let outbox = outbox(1 << 20);
    hand_in(&outbox, [parcel(1, &[1])], now());
    let first = outbox.demand();
    let seen = outbox.demands();
    let second = outbox.demand();
    outbox.note_problem("HTTP 401", Some(seen));
    assert!(!outbox.wait_settled(first, now() + LONG), "the wait ends, for nothing");
    assert_eq!(outbox.wait_ready(first, now() + LONG), Err("HTTP 401".to_owned()));
    let begun = now();
    assert!(!outbox.wait_settled(second, begun + Duration::from_millis(5)));
    assert!(now() >= begun + Duration::from_millis(5), "waits for an attempt of its own");
}

#[test]
fn a_destination_is_ready_from_its_first_success_to_a_refusal() {
    let outbox = outbox(1 << 20);
    let mark = outbox.demand();
    assert_eq!(outbox.wait_ready(mark, now()), Err("no answer yet".to_owned()));
    assert!(outbox.note_success(), "news");
    assert!(!outbox.note_success(), "no news");
    assert_eq!(outbox.wait_ready(mark, now() + LONG), Ok(()));
    // Trouble that passes by itself does not make it unready.
    outbox.note_problem("HTTP 503", None);
    assert_eq!(outbox.wait_ready(mark, now() + LONG), Ok(()));
    assert_eq!(outbox.stats(now()).last_problem.as_deref(), Some("HTTP 503"));
    assert!(outbox.note_success());
    assert_eq!(outbox.stats(now()).last_problem, None);
    outbox.note_problem("HTTP 403", Some(outbox.demands()));
    assert_eq!(outbox.wait_ready(mark, now() + LONG), Err("HTTP 403".to_owned()));
}

#[test]
fn closing_lets_the_queue_drain_until_its_deadline() {
    let outbox = outbox(1 << 20);
    hand_in(&outbox, [parcel(1, &[1])], now());
    hand_in(&outbox, [parcel(2, &[2])], now());
    outbox.close(now() + LONG);
    let one = Limits { max_spans: 1, ..UNLIMITED };
    assert_eq!(ids(&outbox.take(one).unwrap()), [1]);
    // The earlier of two deadlines holds.
    outbox.close(now());
    outbox.close(now() + LONG);
    assert!(outbox.take(one).is_none());

    assert!(!outbox.wait_ended(now()));
    outbox.end();
    assert!(outbox.wait_ended(now() + LONG));
    hand_in(&outbox, [parcel(3, &[3])], now());
    assert_eq!(dropped(&outbox, DropReason::Shutdown), 2);
    assert!(outbox.stats(now()).conserves(3), "one is under way");
}

#[test]
fn an_empty_outbox_that_closes_has_nothing_to_take() {
    let outbox = outbox(1 << 20);
    outbox.close(now() + LONG);
    assert!(outbox.take(UNLIMITED).is_none());
}

fn outbox(max_bytes: usize) -> Outbox {
    let capacity = Capacity { bytes: max_bytes, spans: None, parcels: None };
    Outbox::new("test".to_owned(), capacity, None, None)
}

/// Memory of a payload with `bytes` bytes.
fn size(bytes: usize) -> usize {
    bytes + size_of::<Payload>()
}

/// A parcel of spans of 100 bytes that begin with their ids.
fn parcel(trace_id: u8, ids: &[u8]) -> Parcel {
    let spans = ids.iter().map(|id| payload(trace_id, *id, 100)).collect();
    Parcel { spans, ..Parcel::default() }
}

fn payload(trace_id: u8, id: u8, bytes: usize) -> Payload {
    let envelope = Arc::new(Envelope::default());
    Payload {
        trace_id: trace(trace_id),
        envelope,
        body: Body::Bytes(vec![id; bytes].into()),
        counted: true,
    }
}

fn with_epilogue(parcel: Parcel) -> Parcel {
    let trace_id = parcel.spans[0].trace_id;
    Parcel { epilogue: Some(Epilogue { trace_id, text: String::new() }), ..parcel }
}

fn trace(id: u8) -> TraceId {
    TraceId::from(u128::from(id))
}

fn ids(batch: &Batch) -> Vec<u8> {
    batch.spans.iter().map(|span| span.bytes()[0]).collect()
}

fn dropped(outbox: &Outbox, reason: DropReason) -> u64 {
    outbox.stats(now()).dropped.get(reason)
}

fn hand_in(outbox: &Outbox, parcels: impl IntoIterator<Item = Parcel>, now: Instant) {
    outbox.hand_in(outbox.prepare(parcels.into_iter().collect(), now), now);
}

#[test]
fn a_pause_ends_at_its_time_or_when_closing_time_is_over_whichever_is_earlier() {
    let outbox = outbox(1 << 20);
    let pause = |length| waited(|| outbox.pause(u64::MAX, now() + length));
    assert_eq!(pause(LONG), (LONG, Woken::Elapsed));
    outbox.close(now() + LONG / 2);
    // The clock goes on between here and there.
    let (time, woken) = pause(LONG);
    assert_eq!(woken, Woken::Closed);
    assert!(time <= LONG / 2 && time > LONG / 4, "{time:?}");
    assert_eq!(pause(LONG / 8), (LONG / 8, Woken::Elapsed));
    outbox.end();
    assert_eq!(pause(LONG), (Duration::ZERO, Woken::Closed));
}
