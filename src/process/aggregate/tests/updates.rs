//! What is said of a trace while it runs is on its root when that leaves.

use std::collections::BTreeMap;

use opentelemetry::Value;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;

fn said(key: &'static str, value: &str) -> Updates {
    let mut updates = Updates::default();
    updates.say(KeyValue::new(key, value.to_owned()));
    updates
}

fn trace(id: u128) -> TraceId {
    TraceId::from(id)
}

/// The root's attributes in the one release that has it.
fn on_root(releases: &[Release]) -> Vec<(String, String)> {
    let spans = releases.iter().flat_map(|release| &release.spans);
    let mut roots = spans.filter(|weighed| is_local_root(&weighed.span.data));
    let root = roots.next().unwrap();
    assert!(roots.next().is_none());
    pairs(&root.span.data.attributes)
}

fn pairs(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let pair = |kv: &KeyValue| (kv.key.as_str().to_owned(), kv.value.as_str().into_owned());
    attributes.iter().map(pair).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn in_vain(table: &mut TraceTable) -> u64 {
    table.take_gone().in_vain
}

#[test]
fn the_last_update_wins_over_what_the_root_has_until_the_trace_leaves() {
    let (mut table, t0) = table();
    let attributes = vec![KeyValue::new("user.id", "root's"), KeyValue::new("other", "stays")];
    let root = in_trace(1, SpanData { attributes, ..root(1) });
    table.started(OpenRoot::told(root.clone()), t0);
    table.updated(trace(1), said("user.id", "first"), t0);
    table.ended(ended(in_trace(1, span_data("child", 2, 1))), t0);
    table.ended(ended(root), t0 + SECOND);
    table.updated(trace(1), said("user.id", "last"), t0 + SECOND + 199 * MILLI);
    let releases = table.due(t0 + SECOND + 200 * MILLI);
    assert_eq!(on_root(&releases), owned(&[("other", "stays"), ("user.id", "last")]));
    assert!(releases[0].spans[0].span.data.attributes.is_empty(), "the child has nothing of it");
    assert_eq!(in_vain(&mut table), 0);
}

#[test]
fn parts_of_a_running_trace_leave_without_it_and_a_flush_takes_it_along() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.updated(trace(1), said("a", "1"), t0);
    table.ended(ended(in_trace(1, span_data("child", 2, 1))), t0);
    assert!(table.flush()[0].spans[0].span.data.attributes.is_empty());
    table.ended(ended(in_trace(1, root(1))), t0);
    assert_eq!(on_root(&table.flush()), owned(&[("a", "1")]));
}

#[test]
fn of_a_trace_that_comes_from_another_process_the_root_here_gets_it() {
    let (mut table, t0) = table();
    let handler = || in_trace(1, remote(1, 99));
    table.started(OpenRoot::told(handler()), t0);
    table.updated(trace(1), said("a", "1"), t0);
    table.ended(ended(handler()), t0);
    assert_eq!(on_root(&table.flush()), owned(&[("a", "1")]));
}

#[test]
fn where_the_whole_trace_is_here_only_its_root_gets_it() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.started(OpenRoot::told(in_trace(1, remote(2, 1))), t0);
    table.updated(trace(1), said("a", "1"), t0);
    table.ended(ended(in_trace(1, remote(2, 1))), t0);
    assert!(table.flush()[0].spans[0].span.data.attributes.is_empty());
    table.ended(ended(in_trace(1, root(1))), t0);
    assert_eq!(on_root(&table.flush()), owned(&[("a", "1")]));
}

#[test]
fn a_root_that_is_made_up_has_it_too() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.updated(trace(1), said("a", "1"), t0);
    let releases = table.close();
    let made_up = releases[0].synthetic_root.as_ref().unwrap();
    assert!(pairs(&made_up.attributes).contains(&("a".to_owned(), "1".to_owned())));
    assert_eq!(in_vain(&mut table), 0);
}

#[test]
fn of_a_trace_that_is_not_known_yet_it_waits_for_the_root() {
    let (mut table, t0) = table();
    table.updated(trace(1), said("a", "1"), t0);
    // As with a batch processor, which hands over late, and children first.
    table.ended(ended(in_trace(1, span_data("child", 2, 1))), t0 + SECOND);
    table.due(t0 + 10 * SECOND);
    table.ended(ended(in_trace(1, root(1))), t0 + 20 * SECOND);
    assert_eq!(on_root(&table.due(t0 + 21 * SECOND)), owned(&[("a", "1")]));
    assert_eq!(in_vain(&mut table), 0);
}

#[test]
fn what_comes_too_late_is_given_up_and_counted_and_pushes_no_trace_out() {
    let limits = TableLimits { max_traces: 2, ..TableLimits::default() };
    let (mut table, t0) = (TraceTable::new(limits), now());
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.started(OpenRoot::told(in_trace(2, root(2))), t0);
    for late in 3..=6 {
        table.updated(trace(late), said("a", "1"), t0);
    }
    assert_eq!((in_vain(&mut table), table.traces.len()), (0, 2));
    table.due(t0 + limits.ttl);
    assert_eq!(in_vain(&mut table), 4);
    assert_eq!(table.next_due(), None);
}

#[test]
fn a_trace_that_is_pushed_out_keeps_what_was_said_of_it() {
    let limits = TableLimits { max_traces: 1, ..TableLimits::default() };
    let (mut table, t0) = (TraceTable::new(limits), now());
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.updated(trace(1), said("a", "1"), t0);
    table.started(OpenRoot::told(in_trace(2, root(2))), t0);
    table.updated(trace(1), said("b", "2"), t0);
    table.ended(ended(in_trace(1, root(1))), t0);
    assert_eq!(on_root(&table.flush()), owned(&[("a", "1"), ("b", "2")]));
    assert_eq!(in_vain(&mut table), 0);
}

/// Spans that stand for a root in each release, by id.
fn standing(releases: &[Release]) -> Vec<Vec<u64>> {
    let standing = |release: &Release| {
        let spans = release.spans.iter().filter(|weighed| weighed.span.stands_for_root);
        spans.map(|weighed| id_of(&weighed.span.data)).collect()
    };
    releases.iter().map(standing).collect()
}

fn elsewhere() -> (TraceTable, Instant) {
    let limits = TableLimits { callers_elsewhere: true, ..TableLimits::default() };
    (TraceTable::new(limits), now())
}

#[test]
fn where_callers_send_elsewhere_the_first_root_here_stands_for_theirs() {
    let (mut table, t0) = elsewhere();
    let late = SpanData { start_time: at(50), ..in_trace(1, remote(2, 98)) };
    table.ended(ended(late), t0);
    table.ended(ended(in_trace(1, span_data("child", 3, 1))), t0);
    table.ended(ended(in_trace(1, remote(1, 99))), t0);
    assert_eq!(standing(&table.flush()), [[1]]);
    // The caller calls again.
    table.ended(ended(in_trace(1, remote(4, 97))), t0);
    assert_eq!(standing(&table.flush()), [[4]]);
}

#[test]
fn what_may_be_below_a_root_of_this_process_does_not_stand_for_one() {
    let (mut table, t0) = elsewhere();
    for outer in [in_trace(1, root(1)), in_trace(1, remote(1, 99))] {
        table.started(OpenRoot::told(outer.clone()), t0);
        table.ended(ended(in_trace(1, remote(2, 3))), t0);
        assert_eq!(standing(&table.flush()), [[0; 0]]);
        table.ended(ended(outer.clone()), t0);
        table.ended(ended(in_trace(1, remote(4, 3))), t0);
        let expected: &[u64] = if outer.parent_span_is_remote { &[1] } else { &[] };
        assert_eq!(standing(&table.flush()), [expected]);
    }
}

#[test]
fn where_callers_send_elsewhere_a_root_of_theirs_is_made_up_too() {
    let (mut table, t0) = elsewhere();
    table.started(OpenRoot::told(in_trace(1, remote(1, 99))), t0);
    let releases = table.close();
    assert_eq!(releases[0].synthetic_root.as_ref().unwrap().parent_span_id, SpanId::INVALID);
}

#[test]
fn no_span_stands_for_a_root_unless_callers_send_elsewhere() {
    let (mut table, t0) = table();
    table.ended(ended(in_trace(1, remote(1, 99))), t0);
    assert_eq!(standing(&table.flush()), [[0; 0]]);
}

const KEYS: [&str; 3] = ["session.id", "user.id", "mlflow.traceTag.team"];
const TRACES: u128 = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Said(u128, usize),
    ChildEnded(u128),
    RootEnded(u128),
    Wait(u64),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let trace = || 1..=TRACES;
    prop_oneof![
        6 => (trace(), 0..KEYS.len()).prop_map(|(trace, key)| Step::Said(trace, key)),
        3 => trace().prop_map(Step::ChildEnded),
        2 => trace().prop_map(Step::RootEnded),
        2 => prop_oneof![1..400_u64, 1000..8000_u64].prop_map(Step::Wait),
        1 => Just(Step::Flush),
    ]
}

#[derive(Default)]
struct Expected {
    words: BTreeMap<&'static str, String>,
    ended: bool,
    left: bool,
}

/// A table that is too small for all traces at once, and what should come out of it.
struct Run {
    table: TraceTable,
    now: Instant,
    expected: BTreeMap<u128, Expected>,
    said: usize,
    bytes_in: usize,
}

impl Run {
    fn new() -> Self {
        let limits =
            TableLimits { max_traces: 2, ttl: 1000 * 3600 * SECOND, ..TableLimits::default() };
        let (table, now) = (TraceTable::new(limits), now());
        Self { table, now, expected: BTreeMap::new(), said: 0, bytes_in: 0 }
    }

    fn make(&mut self, step: Step) {
        let expected = |run: &mut Self, trace| run.expected.entry(trace).or_default().left;
        match step {
            Step::Said(id, key) if !expected(self, id) => {
                self.said += 1;
                let value = self.said.to_string();
                let updates = said(KEYS[key], &value);
                self.bytes_in += updates.bytes();
                self.table.updated(trace(id), updates, self.now);
                self.expected.entry(id).or_default().words.insert(KEYS[key], value);
            }
            Step::ChildEnded(id) => {
                self.end(in_trace(id, span_data("child", 100, 1)));
            }
            Step::RootEnded(id) if !self.expected.entry(id).or_default().ended => {
                self.expected.entry(id).or_default().ended = true;
                let own = KEYS.map(|key| KeyValue::new(key, "the root's own"));
                self.end(in_trace(id, SpanData { attributes: own.to_vec(), ..root(1) }));
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                let releases = self.table.due(self.now);
                self.check(releases);
            }
            Step::Flush => {
                let releases = self.table.flush();
                self.check(releases);
            }
            Step::Said(..) | Step::RootEnded(_) => {}
        }
    }

    fn end(&mut self, span: SpanData) {
        let evicted = self.table.ended(ended(span), self.now);
        self.check(evicted);
    }

    fn check(&mut self, releases: impl IntoIterator<Item = Release>) {
        for release in releases {
            let id = u128::from_be_bytes(release.trace_id.to_bytes());
            for Weighed { span, .. } in &release.spans {
                if !is_local_root(&span.data) {
                    assert!(span.data.attributes.is_empty());
                    continue;
                }
                let expected = self.expected.entry(id).or_default();
                expected.left = true;
                let mut keys = 0;
                for kv in &span.data.attributes {
                    let last = expected.words.get(kv.key.as_str()).map(String::as_str);
                    let last = Value::from(last.unwrap_or("the root's own").to_owned());
                    assert_eq!(kv.value, last, "{}", kv.key);
                    keys += 1;
                }
                assert_eq!(keys, KEYS.len(), "each key once");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn in_whatever_order_updates_and_ends_come_the_last_of_each_key_is_on_the_root(
        steps in vec(step(), 0..80),
    ) {
        let mut run = Run::new();
        for step in steps {
            run.make(step);
        }
        for id in 1..=TRACES {
            run.make(Step::RootEnded(id));
        }
        run.make(Step::Flush);
        prop_assert!(run.expected.values().all(|expected| expected.left));
        let gone = run.table.take_gone();
        prop_assert_eq!(gone, Gone { bytes: run.bytes_in, in_vain: 0 });
    }
}
