use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::sync::now;
use crate::tests::cases;

#[derive(Clone, Debug)]
enum Step {
    /// So many records are written, each with so many spans, and are on disk only.
    Push(Vec<u32>),
    /// So many are written that stay in memory too: only where nothing is on disk alone.
    Pass(u64),
    /// So many are read; of those the ones at these places are damaged.
    Fetch(usize, Vec<usize>),
    /// The oldest records make room, up to the end of a run.
    Evict(usize),
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_record_is_fetched_once_in_order_or_counted_as_lost(steps in vec(step(), 0..40)) {
        let mut run = Disk::default();
        for step in steps {
            run.make(step);
            let inside = run.pushed - run.fetched - run.lost;
            let counted: u64 = run.backlog.parts.iter().flat_map(|part| &part.runs)
                .map(|run| run.count.spans).sum();
            prop_assert_eq!(counted, inside);
            prop_assert_eq!(run.backlog.next().is_some(), run.backlog.holds(Log::Own));
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(0..5_u32, 1..5).prop_map(Step::Push),
        1 => (1..4_u64).prop_map(Step::Pass),
        4 => (1..6_usize, vec(0..6_usize, 0..2)).prop_map(|(count, bad)| Step::Fetch(count, bad)),
        1 => (0..3_usize).prop_map(Step::Evict),
    ]
}

/// A log with its backlog, counted in spans.
#[derive(Default)]
struct Disk {
    backlog: Backlog,
    /// Spans of each record, from the first.
    records: Vec<u32>,
    evicted: u64,
    ends: Vec<u64>,
    pushed: u64,
    fetched: u64,
    lost: u64,
    last_fetched: u64,
}

impl Disk {
    fn make(&mut self, step: Step) {
        match step {
            Step::Push(spans) => self.push(spans),
            Step::Pass(count) if !self.backlog.holds(Log::Own) => {
                self.records.extend((0..count).map(|_| 1));
            }
            Step::Pass(_) => {}
            Step::Fetch(count, damaged) => self.fetch(count, &damaged),
            Step::Evict(nth) => self.evict(nth),
        }
    }

    fn push(&mut self, spans: Vec<u32>) {
        let count = Count {
            records: spans.len().try_into().unwrap(),
            spans: spans.iter().copied().map(u64::from).sum(),
        };
        self.pushed += count.spans;
        self.records.extend(spans);
        let last = self.records.len().try_into().unwrap();
        self.ends.push(last);
        self.backlog.push(Log::Own, Run { last, count, since: now() });
    }

    fn fetch(&mut self, count: usize, damaged: &[usize]) {
        let Some(wanted) = self.backlog.next() else { return };
        let after = wanted.after.max(self.evicted);
        let there = (1_u64..).zip(&self.records).filter(|(sequence, _)| *sequence > after);
        let read: Vec<(u64, u32)> =
            there.map(|(sequence, spans)| (sequence, *spans)).take(count).collect();
        let through = read.last().map_or(after, |(sequence, _)| *sequence);
        let records = read.iter().enumerate().filter(|(at, _)| !damaged.contains(at));
        let records = records
            .map(|(_, (sequence, spans))| Stored {
                sequence: *sequence,
                spans: *spans,
                payload: Vec::new(),
            })
            .collect();
        let end = through == u64::try_from(self.records.len()).unwrap();
        let fetched = self.backlog.fetched(wanted, Read { records, through, end });
        for (stored, _) in fetched.records {
            assert!(stored.sequence > self.last_fetched && stored.sequence > self.evicted);
            self.last_fetched = stored.sequence;
            self.fetched += u64::from(stored.spans);
        }
        self.lost += fetched.missing.spans;
    }

    fn evict(&mut self, nth: usize) {
        let Some(through) = self.ends.get(nth).copied() else { return };
        self.ends.drain(..=nth);
        self.evicted = self.evicted.max(through);
        self.lost += self.backlog.evict(Evicted { log: Log::Own, through }).spans;
    }
}

#[test]
fn what_was_given_up_while_it_was_read_is_not_fetched() {
    let mut backlog = Backlog::default();
    let count = Count { records: 1, spans: 2 };
    for last in [5, 6] {
        backlog.push(Log::Own, Run { last, count, since: now() });
    }
    let wanted = backlog.next().unwrap();
    assert_eq!(wanted.after, 4);
    let stored = |sequence| Stored { sequence, spans: 2, payload: Vec::new() };
    let read = Read { records: vec![stored(5), stored(6)], through: 6, end: true };
    assert_eq!(backlog.evict(Evicted { log: Log::Own, through: 5 }), count);
    let fetched = backlog.fetched(wanted, read);
    let sequences: Vec<u64> = fetched.records.iter().map(|(stored, _)| stored.sequence).collect();
    assert_eq!((sequences, fetched.missing), (vec![6], Count::default()));
    assert!(backlog.next().is_none());
}

#[test]
fn a_log_that_ends_too_early_has_lost_what_was_known_to_be_there_and_no_more() {
    let mut backlog = Backlog::default();
    let run = |last| Run { last, count: Count { records: 1, spans: 3 }, since: now() };
    backlog.push(Log::Own, run(1));
    let wanted = backlog.next().unwrap();
    // Written after the reader had seen the end.
    backlog.push(Log::Own, run(2));
    let fetched = backlog.fetched(wanted, Read { end: true, ..Read::default() });
    assert_eq!(fetched.missing, Count { records: 1, spans: 3 });
    assert_eq!(backlog.next().map(|wanted| wanted.after), Some(1));
}

#[test]
fn logs_are_fetched_one_after_the_other() {
    let mut backlog = Backlog::default();
    let run = |last| Run { last, count: Count { records: 1, spans: 1 }, since: now() };
    backlog.push(Log::Orphan(1), run(9));
    backlog.push(Log::Own, run(1));
    let logs = std::iter::from_fn(|| {
        let wanted = backlog.next()?;
        backlog.fetched(wanted, Read { end: true, ..Read::default() });
        Some(wanted.log)
    });
    assert_eq!(logs.collect::<Vec<_>>(), [Log::Orphan(1), Log::Own]);
}
