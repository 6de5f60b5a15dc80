//! When a destination's trouble is told, and in which words: each kind of it now and then. Pure.

use std::time::{Duration, Instant};

use crate::diagnostics::{RARELY, Throttle};

/// Kinds that are told apart; when there are more, the one that was seen longest ago is forgotten.
const MAX_KINDS: usize = 16;
/// How often answers are told of that are not OTLP's: the destination may be content with them.
const NOTE_INTERVAL: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    kinds: Vec<(String, Throttle)>,
    /// Whether a failure was told whose end was not.
    is_open: bool,
}

impl Trouble {
    /// What to say of a failure, if it is time to say it; its kind is what stands before the particulars.
    pub(crate) fn failure(&mut self, problem: &str, outlook: &str, now: Instant) -> Option<String> {
        let kind = problem.split([':', ';']).next().unwrap_or_default();
        let text = self.now_and_then(kind, RARELY, &format!("{problem}{outlook}"), now)?;
        self.is_open = true;
        Some(text)
    }

    /// What to say of an answer that changes nothing.
    pub(crate) fn note(&mut self, note: &str, now: Instant) -> Option<String> {
        self.now_and_then("note", NOTE_INTERVAL, note, now)
    }

    /// What to say of a trace whose info was not stored.
    pub(crate) fn trace_info(&mut self, text: &str, now: Instant) -> Option<String> {
        self.now_and_then("trace info", RARELY, text, now)
    }

    /// Whether a failure was told that is over now.
    pub(crate) fn ends(&mut self) -> bool {
        std::mem::take(&mut self.is_open)
    }

    fn now_and_then(
        &mut self,
        kind: &str,
        interval: Duration,
        text: &str,
        now: Instant,
    ) -> Option<String> {
        Some(match self.admit(kind, interval, now)? {
            0 => text.to_owned(),
            suppressed => format!("{text} ({suppressed} more like it)"),
        })
    }

    fn admit(&mut self, kind: &str, interval: Duration, now: Instant) -> Option<u64> {
        let known = self.kinds.iter().position(|(name, _)| name == kind);
        let entry = known.map(|at| self.kinds.remove(at));
        if self.kinds.len() >= MAX_KINDS {
            self.kinds.remove(0);
        }
        let (kind, mut throttle) =
            entry.unwrap_or_else(|| (kind.to_owned(), Throttle::new(interval)));
        let admitted = throttle.admit(now);
        self.kinds.push((kind, throttle));
        admitted
    }
}

#[cfg(test)]
mod tests;
