//! The trace table: groups spans by trace and decides when they leave. Pure: `now` is given.
//!
//! A trace whose roots have ended leaves as a whole after a short wait for late children; a running
//! one leaves in parts. A trace whose root never ends gets a synthetic root from what its start
//! told, so that it does not stay "In progress" for ever.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;

use crate::model::trace_map::TraceMap;
use crate::process::roots::OpenRoot;
use crate::process::trace::{Lost, Trace, Weighed, is_local_root};
use crate::process::updates::{Gone, Unclaimed, Updates};

/// When traces leave the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableLimits {
    /// Wait for late children after the last root ended; none where many spans wait.
    pub(crate) finished: Duration,
    /// Longest time a span of a running trace is held.
    pub(crate) running: Duration,
    /// Silence after which a root is taken for lost.
    pub(crate) ttl: Duration,
    /// Open traces; beyond that the one that would leave next leaves at once.
    pub(crate) max_traces: usize,
    /// Whether spans of callers in other processes go somewhere else, so that a root of this
    /// process's part has to stand for the trace's.
    pub(crate) callers_elsewhere: bool,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self {
            finished: Duration::from_millis(200),
            running: Duration::from_secs(5),
            ttl: Duration::from_secs(3600),
            max_traces: 10_000,
            callers_elsewhere: false,
        }
    }
}

/// Spans of one trace that leave together, the root last. The last release may have none.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) trace_id: TraceId,
    pub(crate) spans: Vec<Weighed>,
    /// The table knows nothing more of the trace.
    pub(crate) finished: bool,
    /// Stands for a root that will not end.
    pub(crate) synthetic_root: Option<Box<SpanData>>,
}

/// Spans that may be held before finished traces leave without a wait for late children.
const MANY_SPANS: usize = 8192;
/// Traces that are not here of which something may have been said.
const MAX_UNCLAIMED: usize = 10_000;

#[derive(Debug)]
pub(crate) struct TraceTable {
    limits: TableLimits,
    traces: TraceMap<Trace>,
    /// Traces seen so far.
    seen: u64,
    /// Spans held.
    held: usize,
    /// When which trace is looked at: every trace once, and looks in vain. Removing one of those at
    /// once would cost more than looking.
    looks: BinaryHeap<Look>,
    /// What was said of traces that are not here.
    unclaimed: Unclaimed,
}

/// The nearest is the greatest.
type Look = Reverse<(Instant, [u8; 16])>;

/// Looks in vain that are kept for each trace, beside a few.
const MAX_VAIN: usize = 3;

impl TraceTable {
    pub(crate) fn new(limits: TableLimits) -> Self {
        Self {
            limits,
            traces: TraceMap::default(),
            seen: 0,
            held: 0,
            looks: BinaryHeap::new(),
            unclaimed: Unclaimed::new(MAX_UNCLAIMED, limits.ttl),
        }
    }

    /// Notes that a root of this process started; another trace may have to leave for it.
    pub(crate) fn started(&mut self, root: OpenRoot, now: Instant) -> Option<Release> {
        self.touch(root.trace_id, now, |trace, _| {
            trace.open_roots.push(root);
        })
    }

    /// Takes in what was said of a trace while it runs, known here or not.
    pub(crate) fn updated(&mut self, trace_id: TraceId, updates: Updates, now: Instant) {
        let Some(trace) = self.traces.get_mut(&trace_id) else {
            return self.unclaimed.keep(trace_id, updates, now);
        };
        trace.last_activity = now;
        let freed = trace.say(updates);
        self.unclaimed.freed(freed);
    }

    /// What became of updates since this was called last.
    pub(crate) fn take_gone(&mut self) -> Gone {
        self.unclaimed.take_gone()
    }

    /// Takes in a span that ended; another trace may have to leave for it.
    pub(crate) fn ended(&mut self, weighed: Weighed, now: Instant) -> Option<Release> {
        let trace_id = weighed.span.data.span_context.trace_id();
        self.held += 1;
        self.touch(trace_id, now, |trace, limits| {
            let data = &weighed.span.data;
            if is_local_root(data) {
                trace.open_roots.remove(data.span_context.span_id());
                trace.root_ended = true;
            }
            trace.latest_end = trace.latest_end.max(data.end_time);
            let first = trace.spans.is_empty();
            trace.spans.push(weighed);
            if trace.is_finished() {
                // The wait begins once: children that trickle in cannot draw it out.
                let due = *trace.leaves.get_or_insert(now + limits.finished);
                trace.due = due;
            } else if first {
                trace.due = now + limits.running.min(limits.ttl);
            }
        })
    }

    /// Traces, or parts of them, whose time has come. Where many spans wait, finished traces do not.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Release> {
        let mut releases = Vec::new();
        self.unclaimed.expire(now);
        if self.held > MANY_SPANS {
            let finished = self.in_order(|trace| trace.leaves.is_some());
            releases.extend(finished.into_iter().filter_map(|(_, id)| self.release(id, None)));
        }
        while let Some((_, trace_id)) = self.nearest().filter(|(due, _)| *due <= now) {
            self.looks.pop();
            releases.extend(self.release_due(trace_id, now));
        }
        releases
    }

    /// When a trace is due first, and which.
    fn nearest(&mut self) -> Option<(Instant, TraceId)> {
        if self.traces.is_empty() {
            self.looks.clear();
        }
        while let Some(Reverse((look, id))) = self.looks.peek().copied() {
            let trace_id = TraceId::from_bytes(id);
            let trace = self.traces.get_mut(&trace_id).filter(|trace| trace.look == look);
            match trace {
                Some(trace) if trace.due == look => return Some((look, trace_id)),
                Some(trace) => {
                    trace.look = trace.due;
                    self.looks.pop();
                    self.looks.push(Reverse((trace.due, id)));
                }
                None => {
                    self.looks.pop();
                }
            }
        }
        None
    }

    /// Notes that a trace is looked at then, and not at any other time.
    fn look_at(&mut self, trace_id: TraceId, look: Instant) {
        const FEW: usize = 64;
        if let Some(trace) = self.traces.get_mut(&trace_id) {
            trace.look = look;
        }
        if self.looks.len() > self.traces.len() * (1 + MAX_VAIN) + FEW {
            let traces = &self.traces;
            self.looks.retain(|Reverse((look, id))| {
                traces.get(&TraceId::from_bytes(*id)).is_some_and(|trace| trace.look == *look)
            });
        }
        self.looks.push(Reverse((look, trace_id.to_bytes())));
    }

    /// Everything that has ended, whether its time has come or not.
    pub(crate) fn flush(&mut self) -> Vec<Release> {
        let ids = self.in_order(|trace| !trace.spans.is_empty());
        ids.into_iter().filter_map(|(_, id)| self.release(id, None)).collect()
    }

    /// Everything, with a synthetic root for each trace whose root has not ended.
    pub(crate) fn close(&mut self) -> Vec<Release> {
        let ids = self.in_order(|_| true);
        self.unclaimed.close();
        ids.into_iter().filter_map(|(_, id)| self.release(id, Some(Lost::Shutdown))).collect()
    }

    fn in_order(&self, wanted: impl Fn(&Trace) -> bool) -> Vec<(u64, TraceId)> {
        let wanted = self.traces.iter().filter(|(_, trace)| wanted(trace));
        let mut ids: Vec<_> = wanted.map(|(id, trace)| (trace.number, *id)).collect();
        ids.sort_unstable_by_key(|(number, _)| *number);
        ids
    }

    /// When [`TraceTable::due`] should be asked next.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        let trace = self.nearest().map(|(due, _)| due);
        trace.into_iter().chain(self.unclaimed.next_due()).min()
    }

    fn touch(
        &mut self,
        trace_id: TraceId,
        now: Instant,
        change: impl FnOnce(&mut Trace, &TableLimits),
    ) -> Option<Release> {
        let full = self.traces.len() >= self.limits.max_traces;
        let evicted =
            if full && !self.traces.contains_key(&trace_id) { self.evict() } else { None };
        let ttl = self.limits.ttl;
        let mut new = false;
        let trace = self.traces.entry(trace_id).or_insert_with(|| {
            new = true;
            self.seen += 1;
            Trace::new(self.seen, now, ttl, self.unclaimed.claim(trace_id))
        });
        trace.last_activity = now;
        change(trace, &self.limits);
        // Most traces have a span before long: looking that early at first saves looking twice.
        let look = if new { trace.due.min(now + self.limits.running) } else { trace.due };
        if new || look < trace.look {
            self.look_at(trace_id, look);
        }
        evicted
    }

    /// Makes room: the trace that would be looked at next leaves now.
    fn evict(&mut self) -> Option<Release> {
        let (_, trace_id) = self.nearest()?;
        let release = self.release(trace_id, None);
        let announced = self.traces.get(&trace_id).is_some_and(|trace| trace.announced);
        self.forget(trace_id, None);
        match release {
            Some(release) => Some(Release { finished: true, ..release }),
            None => announced.then(|| Release::end_of(trace_id)),
        }
    }

    fn release_due(&mut self, trace_id: TraceId, now: Instant) -> Option<Release> {
        let ttl = self.limits.ttl;
        let trace = self.traces.get_mut(&trace_id)?;
        let expires = trace.last_activity + ttl;
        if trace.spans.is_empty() && now < expires {
            trace.due = expires;
            self.look_at(trace_id, expires);
            return None;
        }
        let lost = (now >= expires).then_some(Lost::Expired);
        self.release(trace_id, lost)
    }

    /// Lets go of a trace's spans, and of the trace when nothing more is expected of it.
    fn release(&mut self, trace_id: TraceId, lost: Option<Lost>) -> Option<Release> {
        let ttl = self.limits.ttl;
        let trace = self.traces.get_mut(&trace_id)?;
        let mut spans = std::mem::take(&mut trace.spans);
        self.held -= spans.len();
        // A sort that keeps order: children as they ended, then the root.
        spans.sort_by_key(|weighed| is_local_root(&weighed.span.data));
        let elsewhere = self.limits.callers_elsewhere;
        let mut synthetic_root =
            lost.and_then(|lost| trace.synthetic_root(lost, ttl, elsewhere)).map(Box::new);
        if elsewhere && synthetic_root.is_none() {
            trace.choose_root(&mut spans);
        }
        trace.write_updates(&mut spans, synthetic_root.as_deref_mut());
        let finished = lost.is_some() || trace.open_roots.is_empty();
        let empty = spans.is_empty() && synthetic_root.is_none();
        let untold = empty && !(finished && trace.announced);
        if finished {
            self.forget(trace_id, lost);
        } else {
            trace.announced |= !empty;
            trace.leaves = None;
            let due = trace.last_activity + ttl;
            trace.due = due;
            self.look_at(trace_id, due);
        }
        (!untold).then_some(Release { trace_id, spans, finished, synthetic_root })
    }

    /// Knows nothing more of a trace. What was said of it waits for its root, if that may come.
    fn forget(&mut self, trace_id: TraceId, lost: Option<Lost>) {
        let Some(trace) = self.traces.remove(&trace_id) else { return };
        let last_activity = trace.last_activity;
        let (updates, written) = trace.into_updates();
        if updates.is_empty() || written || lost.is_some() {
            self.unclaimed.let_go(&updates, !written);
        } else {
            self.unclaimed.keep(trace_id, updates, last_activity);
        }
    }
}

impl Release {
    /// Tells only that nothing more will come of a trace.
    fn end_of(trace_id: TraceId) -> Self {
        Self { trace_id, spans: Vec::new(), finished: true, synthetic_root: None }
    }
}

#[cfg(test)]
mod tests;
