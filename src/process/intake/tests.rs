use opentelemetry::KeyValue;
use opentelemetry::trace::{Event, Link};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::process::trace::Weighed;
use crate::tests::{at, cases, context, plain, root_data, span_data};

#[test]
fn what_does_not_fit_is_refused_and_counted() {
    let span = || span_data("span", 2, 1);
    let intake = Intake::new(2 * weight::of(&span()));
    (0..5).for_each(|_| assert_eq!(intake.ended(span()), Taken::InTime));
    let stats = account(&intake);
    assert_eq!((stats.ended, stats.held), (5, 2));
    assert_eq!(stats.dropped.get(DropReason::QueueFull), 3);
    // What the worker took takes memory until it is handed over.
    let (taken, _) = take(&intake);
    intake.ended(span());
    assert_eq!(account(&intake).dropped.get(DropReason::QueueFull), 4);
    intake.hand_over(2, spent(taken.ended), || ());
    intake.ended(span());
    assert_eq!(account(&intake).held, 1);
}

#[test]
fn when_memory_is_short_starts_are_left_out_and_everything_leaves() {
    let intake = Intake::new(3 * weight::of(&root_data([])));
    intake.started(OpenRoot::told(root_data([])));
    intake.ended(root_data([]));
    let (arrivals, orders) = take(&intake);
    assert_eq!((arrivals.started.len(), arrivals.ended.len(), orders.flush), (1, 1, false));
    intake.ended(root_data([]));
    intake.started(OpenRoot::told(root_data([])));
    let (arrivals, orders) = take(&intake);
    assert!(arrivals.started.is_empty(), "more than half is taken");
    assert_eq!((arrivals.ended.len(), orders.flush), (1, true));
}

#[test]
fn a_flush_is_done_once_the_worker_has_carried_it_out() {
    let intake = Intake::new(1 << 20);
    assert!(!intake.flush(now()), "nobody has done anything");
    let (_, orders) = take(&intake);
    assert!(orders.flush);
    // Asked for after the orders were given: the next round.
    assert!(!intake.flush(now()));
    intake.carried_out(&orders);
    let (_, orders) = take(&intake);
    assert!(orders.flush);
    intake.carried_out(&orders);
    assert!(!take(&intake).1.flush);
}

#[test]
fn tasks_run_once_and_only_while_the_worker_lives() {
    let intake = Intake::new(1 << 20);
    intake.run(Box::new(|| ()));
    assert_eq!(take(&intake).1.tasks.len(), 1);
    assert_eq!(take(&intake).1.tasks.len(), 0);
    intake.close(now());
    intake.run(Box::new(|| ()));
    assert_eq!(take(&intake).1.tasks.len(), 0);
}

#[test]
fn nothing_is_kept_for_later_once_it_is_closed() {
    let intake = Intake::new(1 << 20);
    for _ in 0..2 {
        intake.ended(root_data([]));
    }
    let (mut taken, _) = take(&intake);
    let late = taken.ended.split_off(1);
    intake.hand_over(1, spent(taken.ended), || ());
    assert!(lock(&intake.state).spent.bytes() > 0, "who ends the next span frees it");
    intake.close(now());
    assert_eq!(lock(&intake.state).spent.bytes(), 0);
    intake.hand_over(1, spent(late), || ());
    let state = lock(&intake.state);
    assert_eq!((state.spent.bytes(), state.bytes, state.held), (0, 0, 0));
}

#[test]
fn a_worker_closes_when_nothing_has_come_in_since() {
    let intake = Intake::new(1 << 20);
    intake.ended(root_data([]));
    lock(&intake.state).closing = true;
    let (items, orders) = take(&intake);
    assert!(orders.close);
    intake.ended(root_data([]));
    intake.carried_out(&orders);
    assert!(!intake.is_closed(), "one is in the queue");
    let (more, orders) = take(&intake);
    intake.carried_out(&orders);
    assert!(intake.is_closed());
    assert_eq!((items.ended.len(), more.ended.len()), (1, 1));
}

#[test]
fn what_comes_after_the_end_is_counted_as_such() {
    let intake = Intake::new(1 << 20);
    intake.ended(root_data([]));
    intake.close(now());
    intake.ended(root_data([]));
    intake.started(OpenRoot::told(root_data([])));
    let stats = account(&intake);
    assert_eq!((stats.ended, stats.held), (2, 0));
    assert_eq!(stats.dropped.get(DropReason::Shutdown), 1);
    assert_eq!(stats.dropped.get(DropReason::AfterShutdown), 1);
    assert!(intake.flush(now()), "there is nothing to wait for");
    assert!(take(&intake).0.is_empty());
}

#[test]
fn what_is_said_of_traces_takes_a_quarter_of_the_memory_and_no_more() {
    const MAX_BYTES: usize = 8000;
    let intake = Intake::new(MAX_BYTES);
    let said = |trace: u128, key: String| {
        intake.updated(TraceId::from(trace), KeyValue::new(key, "x".repeat(100)))
    };
    let weight = weight::of_entry(&"key-00".into(), &"x".repeat(100).into());
    let fit = MAX_BYTES / UPDATE_PART / weight;
    let taken = (0..20).filter(|number| said(1, format!("key-{number:02}"))).count();
    assert_eq!(taken, fit);
    assert!(said(1, "key-00".to_owned()), "what is said anew takes the place of what was said");
    assert!(!said(2, "key-00".to_owned()));

    let (arrivals, _) = take(&intake);
    assert_eq!(arrivals.updates.len(), 1, "nothing is kept of what was refused");
    assert!(!said(2, "key-00".to_owned()), "what the worker has takes memory, too");
    intake.updates_gone(weight);
    assert!(said(2, "key-00".to_owned()));
    intake.close(now());
    let state = lock(&intake.state);
    assert_eq!((state.bytes, state.update_bytes), ((fit - 1) * weight, (fit - 1) * weight));
}

#[test]
fn spans_leave_no_room_for_what_is_said_of_traces_where_there_is_none() {
    let intake = Intake::new(weight::of(&root_data([])));
    intake.ended(root_data([]));
    assert!(!intake.updated(TraceId::from(1), KeyValue::new("k", "v")));
    assert!(take(&intake).0.updates.is_empty());
}

#[test]
fn a_span_weighs_what_it_holds() {
    let text = || "x".repeat(1000);
    let bare = weight::of(&root_data([]));
    let attribute = root_data([KeyValue::new("k", text())]);
    let mut event = root_data([]);
    event.events.events = vec![Event::new(text(), at(0), vec![KeyValue::new("k", text())], 0)];
    let mut link = root_data([]);
    link.links.links = vec![Link::new(context(1, 1, true), vec![KeyValue::new("k", text())], 0)];
    let named = SpanData { name: text().into(), ..root_data([]) };
    let array = opentelemetry::Value::Array(vec![1_i64; 125].into());
    let array = root_data([KeyValue::new("k", array)]);
    for (span, least) in
        [(attribute, 1000), (event, 2000), (link, 1000), (named, 996), (array, 1000)]
    {
        assert!(weight::of(&span) >= bare + least, "{} of {}", weight::of(&span), bare + least);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Started,
    /// Of one of a few traces, one of a few keys.
    Said(u128, usize, usize),
    /// The worker has done with what was said.
    LetGo,
    Ended(usize),
    Take,
    HandOver,
    Close,
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_span_that_ended_is_held_handed_over_or_dropped(steps in vec(step(), 0..60)) {
        const MAX_BYTES: usize = 8000;
        let intake = Intake::new(MAX_BYTES);
        let (mut ended, mut handed_over) = (0, 0);
        let mut with_worker = Vec::new();
        let mut told = Vec::new();
        for step in steps {
            match step {
                Step::Said(trace, key, size) => {
                    let said = KeyValue::new(key.to_string(), "x".repeat(size));
                    intake.updated(TraceId::from(trace), said);
                }
                Step::LetGo => {
                    let told: Vec<Updates> = std::mem::take(&mut told);
                    intake.updates_gone(told.iter().map(Updates::bytes).sum());
                }
                Step::Started => intake.started(OpenRoot::told(root_data([]))),
                Step::Ended(size) => {
                    ended += 1;
                    intake.ended(root_data([KeyValue::new("k", "x".repeat(size))]));
                }
                Step::Take => {
                    let (arrivals, _) = take(&intake);
                    with_worker.extend(arrivals.ended);
                    told.extend(arrivals.updates.into_values());
                }
                Step::HandOver => {
                    let ended = std::mem::take(&mut with_worker);
                    let spans = count_of(&ended);
                    intake.hand_over(spans, spent(ended), || handed_over += spans);
                }
                Step::Close => intake.close(now()),
            }
            let stats = account(&intake);
            prop_assert_eq!(stats.ended, ended);
            prop_assert_eq!(stats.ended, stats.held + stats.dropped.total() + handed_over);
            let state = lock(&intake.state);
            prop_assert_eq!(stats.held, count_of(&state.arrivals.ended) + count_of(&with_worker));
            let spent = state.spent.bytes();
            let held = bytes_of(&state.arrivals.ended) + bytes_of(&with_worker);
            let told = told.iter().chain(state.arrivals.updates.values());
            let told: usize = told.map(Updates::bytes).sum();
            prop_assert_eq!(state.update_bytes, told);
            prop_assert!(told <= MAX_BYTES / UPDATE_PART);
            prop_assert_eq!(state.bytes, held + spent + told);
            prop_assert!(spent <= MAX_BYTES / SPENT_PART);
            prop_assert!(state.bytes <= MAX_BYTES);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Started),
        6 => (1..4_u128, 0..4_usize, 0..400_usize)
            .prop_map(|(trace, key, size)| Step::Said(trace, key, size)),
        2 => Just(Step::LetGo),
        20 => (0..2000_usize).prop_map(Step::Ended),
        6 => Just(Step::Take),
        4 => Just(Step::HandOver),
        1 => Just(Step::Close),
    ]
}

/// What has come in, without waiting for more.
fn take(intake: &Intake) -> (Arrivals, Orders) {
    let mut arrivals = Arrivals::default();
    let orders = intake.take(&mut arrivals, Some(now()), true);
    (arrivals, orders)
}

fn account(intake: &Intake) -> IntakeStats {
    intake.snapshot(|| ()).0
}

fn count_of(ended: &[Ended]) -> u64 {
    u64::try_from(ended.len()).unwrap()
}

fn bytes_of(ended: &[Ended]) -> usize {
    ended.iter().map(|ended| ended.bytes).sum()
}

/// What is left of them.
fn spent(ended: Vec<Ended>) -> SpentGroup {
    let mut group = SpentGroup::default();
    for Ended { data, bytes } in ended {
        group.add(Weighed { span: Box::new(plain(data)), bytes });
    }
    group
}
