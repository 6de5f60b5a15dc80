//! What is said of a trace while it runs, until its root leaves.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use opentelemetry::trace::TraceId;
use opentelemetry::{Key, KeyValue, Value};

use crate::model::trace_map::TraceMap;
use crate::model::weight;

/// The last word on each key.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    words: BTreeMap<Key, Value>,
    bytes: usize,
}

impl Updates {
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Memory that what is said under this key takes already.
    pub(crate) fn bytes_of(&self, key: &Key) -> usize {
        self.words.get(key).map_or(0, |value| weight::of_entry(key, value))
    }

    /// Takes the last word on a key; returns how much memory the one before gives back.
    pub(crate) fn say(&mut self, said: KeyValue) -> usize {
        let KeyValue { key, value, .. } = said;
        let freed = self.bytes_of(&key);
        self.bytes += weight::of_entry(&key, &value);
        self.bytes -= freed;
        self.words.insert(key, value);
        freed
    }

    /// Takes what was said later; returns how much memory is given back.
    pub(crate) fn say_all(&mut self, later: Self) -> usize {
        if self.is_empty() {
            *self = later;
            return 0;
        }
        later.words.into_iter().map(|(key, value)| self.say(KeyValue::new(key, value))).sum()
    }

    /// Writes them over a root's attributes.
    pub(crate) fn write(&self, attributes: &mut Vec<KeyValue>) {
        attributes.retain(|kv| !self.words.contains_key(&kv.key));
        let words = self.words.iter();
        attributes.extend(words.map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    }
}

/// What is said of traces of which nothing else is known: their roots may still come, from a
/// processor that holds them back or after they were given up for room, or have long left.
#[derive(Debug)]
pub(crate) struct Unclaimed {
    max_traces: usize,
    ttl: Duration,
    updates: TraceMap<(Updates, Instant)>,
    /// Traces in the order in which they came, and some that were claimed since.
    order: VecDeque<(Instant, TraceId)>,
    /// What became of updates since this was asked last.
    gone: Gone,
}

/// What is no longer held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) bytes: usize,
    /// Traces of which something was said in vain.
    pub(crate) in_vain: u64,
}

impl Unclaimed {
    pub(crate) fn new(max_traces: usize, ttl: Duration) -> Self {
        Self {
            max_traces,
            ttl,
            updates: TraceMap::default(),
            order: VecDeque::new(),
            gone: Gone::default(),
        }
    }

    /// Keeps what is said of a trace until somebody claims it; may give up the oldest for it.
    pub(crate) fn keep(&mut self, trace_id: TraceId, updates: Updates, now: Instant) {
        const FEW: usize = 64;
        if let Some((known, _)) = self.updates.get_mut(&trace_id) {
            self.gone.bytes += known.say_all(updates);
            return;
        }
        if self.updates.len() >= self.max_traces {
            self.give_up_oldest();
        }
        if self.order.len() > 2 * self.updates.len() + FEW {
            let updates = &self.updates;
            self.order.retain(|(came, id)| updates.get(id).is_some_and(|(_, kept)| kept == came));
        }
        self.updates.insert(trace_id, (updates, now));
        self.order.push_back((now, trace_id));
    }

    /// What was said of a trace that is known now.
    pub(crate) fn claim(&mut self, trace_id: TraceId) -> Updates {
        if self.updates.is_empty() {
            return Updates::default();
        }
        self.updates.remove(&trace_id).map(|(updates, _)| updates).unwrap_or_default()
    }

    /// Gives up what has waited too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(oldest) =
            self.order.front().copied().filter(|(came, _)| self.ends(*came) <= now)
        {
            self.order.pop_front();
            self.give_up(oldest);
        }
    }

    /// When something will have waited too long.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.order.front().map(|(came, _)| self.ends(*came))
    }

    /// Gives up everything.
    pub(crate) fn close(&mut self) {
        while self.give_up_oldest() {}
    }

    /// Notes that updates are no longer held.
    pub(crate) fn let_go(&mut self, updates: &Updates, in_vain: bool) {
        self.gone.bytes += updates.bytes();
        self.gone.in_vain += u64::from(in_vain && !updates.is_empty());
    }

    /// Notes that memory is no longer taken.
    pub(crate) fn freed(&mut self, bytes: usize) {
        self.gone.bytes += bytes;
    }

    /// What became of updates since this was called last.
    pub(crate) fn take_gone(&mut self) -> Gone {
        std::mem::take(&mut self.gone)
    }

    fn ends(&self, came: Instant) -> Instant {
        came + self.ttl
    }

    /// Whether there was one.
    fn give_up_oldest(&mut self) -> bool {
        while let Some(oldest) = self.order.pop_front() {
            if self.give_up(oldest) {
                return true;
            }
        }
        false
    }

    /// Whether it was still here.
    fn give_up(&mut self, (came, trace_id): (Instant, TraceId)) -> bool {
        let is_here = self.updates.get(&trace_id).is_some_and(|(_, kept)| *kept == came);
        if let Some((updates, _)) = is_here.then(|| self.updates.remove(&trace_id)).flatten() {
            self.let_go(&updates, true);
        }
        is_here
    }
}

#[cfg(test)]
mod tests;
