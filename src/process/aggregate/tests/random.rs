//! Whatever happens in whatever order: no span is lost, doubled or kept for ever.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;

const MAX_TRACES: usize = 3;
const LIMITS: TableLimits = TableLimits {
    finished: Duration::from_millis(200),
    running: Duration::from_secs(5),
    ttl: Duration::from_secs(30),
    max_traces: MAX_TRACES,
    callers_elsewhere: false,
};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A root starts; whether it is the true one.
    Started(u128, bool),
    /// The oldest open root of the trace ends.
    RootEnded(u128),
    /// A span ends that is no root.
    ChildEnded(u128),
    Wait(u64),
    Flush,
    Close,
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_span_that_went_in_comes_out_once(steps in vec(step(), 0..60)) {
        let mut run = Run::new();
        for step in steps {
            run.make(step);
            run.check();
        }
        // What is left leaves by itself when its time has come.
        run.pass(LIMITS.running + LIMITS.ttl);
        run.check();
        prop_assert_eq!(run.inside, 0);
        prop_assert!(run.table.traces.is_empty());
        prop_assert!(run.announced.is_empty(), "nobody waits for an end");
        prop_assert_eq!(run.table.next_due(), None);
    }
}

fn step() -> impl Strategy<Value = Step> {
    let trace = || 1..6_u128;
    prop_oneof![
        4 => (trace(), any::<bool>()).prop_map(|(trace, is_true)| Step::Started(trace, is_true)),
        4 => trace().prop_map(Step::RootEnded),
        6 => trace().prop_map(Step::ChildEnded),
        4 => prop_oneof![1..400_u64, 1000..8000_u64, 20_000..40_000_u64].prop_map(Step::Wait),
        1 => Just(Step::Flush),
        1 => Just(Step::Close),
    ]
}

struct Run {
    table: TraceTable,
    now: Instant,
    last_id: u64,
    /// Roots that have not ended, as the program sees it.
    open: BTreeMap<u128, Vec<SpanData>>,
    /// How often each span came out.
    came_out: BTreeMap<u64, usize>,
    inside: usize,
    /// Traces of which a part has left, and not the last.
    announced: HashSet<TraceId>,
}

impl Run {
    fn new() -> Self {
        let table = TraceTable::new(LIMITS);
        let (open, came_out, announced) = (BTreeMap::new(), BTreeMap::new(), HashSet::new());
        Self { table, now: now(), last_id: 0, open, came_out, inside: 0, announced }
    }

    fn make(&mut self, step: Step) {
        match step {
            Step::Started(trace, is_true) => {
                let id = self.next_id();
                let span = in_trace(trace, if is_true { root(id) } else { remote(id, 999) });
                self.open.entry(trace).or_default().push(span.clone());
                let evicted = self.table.started(OpenRoot::told(span), self.now);
                self.take(evicted);
            }
            Step::RootEnded(trace) => {
                let open = self.open.entry(trace).or_default();
                if !open.is_empty() {
                    let span = open.remove(0);
                    self.end(span);
                }
            }
            Step::ChildEnded(trace) => {
                let id = self.next_id();
                self.end(in_trace(trace, span_data("child", id, 998)));
            }
            Step::Wait(millis) => self.pass(Duration::from_millis(millis)),
            Step::Flush => {
                let releases = self.table.flush();
                self.take(releases);
                assert_eq!(self.inside, 0, "a flush leaves no span inside");
            }
            Step::Close => {
                let releases = self.table.close();
                assert!(releases.iter().all(|release| release.finished));
                self.take(releases);
                assert!(self.table.traces.is_empty());
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn end(&mut self, span: SpanData) {
        self.came_out.insert(id_of(&span), 0);
        self.inside += 1;
        let evicted = self.table.ended(ended(span), self.now);
        self.take(evicted);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let releases = self.table.due(self.now);
        self.take(releases);
    }

    fn take(&mut self, releases: impl IntoIterator<Item = Release>) {
        for release in releases {
            let empty = release.spans.is_empty() && release.synthetic_root.is_none();
            let known = !self.announced.insert(release.trace_id);
            assert!(!empty || (release.finished && known), "an end only of what was begun");
            if release.finished {
                self.announced.remove(&release.trace_id);
            }
            let roots = release.spans.iter().map(|weighed| is_local_root(&weighed.span.data));
            assert!(roots.is_sorted(), "roots are last");
            for Weighed { span, .. } in &release.spans {
                assert_eq!(span.data.span_context.trace_id(), release.trace_id);
                *self.came_out.get_mut(&id_of(&span.data)).expect("it went in") += 1;
                self.inside -= 1;
            }
            if let Some(made_up) = &release.synthetic_root {
                assert!(release.finished);
                assert_eq!(made_up.parent_span_id, SpanId::INVALID);
                assert!(!self.came_out.contains_key(&id_of(made_up)), "it has not ended");
            }
        }
    }

    fn check(&self) {
        let table = &self.table;
        assert!(table.traces.len() <= MAX_TRACES);
        for (id, trace) in &table.traces {
            assert!(trace.look <= trace.due, "nothing is looked at too late");
            let looks = table.looks.iter().filter(|look| look.0 == (trace.look, id.to_bytes()));
            assert!(looks.count() >= 1, "every trace is looked at");
        }
        assert!(table.looks.len() <= 65 + 4 * table.traces.len(), "looks in vain are few");
        let kept: usize = table.traces.values().map(|trace| trace.spans.len()).sum();
        assert_eq!((kept, table.held), (self.inside, self.inside));
        assert!(self.came_out.values().all(|times| *times <= 1));
        let out: usize = self.came_out.values().sum();
        assert_eq!(out + kept, self.came_out.len());
    }
}
