//! When a destination's trouble is told, and in which words: each kind of it now and then. Pure.

use std::time::{Duration, Instant};

use crate::diagnostics::{RARELY, Throttle};
use crate::stats::{DropReason, Dropped};

/// Kinds that are told apart; when there are more, the one that was seen longest ago is forgotten.
const MAX_KINDS: usize = 16;
/// How often answers are told of that are not OTLP's: the destination may be content with them.
const NOTE_INTERVAL: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    kinds: Vec<(String, Throttle)>,
    /// Drops that were told of.
    dropped: Dropped,
    /// What was said last when spans could not be sent, and when they were refused.
    last_failure: String,
    last_refusal: String,
    /// Whether a failure was told whose end was not.
    is_open: bool,
}

impl Trouble {
    /// What to say of a failure, if it is time to say it; its kind is what stands before the particulars.
    pub(crate) fn failure(&mut self, problem: &str, outlook: &str, now: Instant) -> Option<String> {
        problem.clone_into(&mut self.last_failure);
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

    /// Keeps what is said of spans that are refused, for when their drop is told of.
    pub(crate) fn refused(&mut self, problem: String) {
        self.last_refusal = problem;
    }

    /// What to say of the drops so far: of each reason those that were not told of. The end of the program
    /// tells of its own.
    pub(crate) fn drops(&mut self, dropped: &Dropped, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        for (reason, count) in dropped.iter().filter(|(reason, _)| *reason != DropReason::Shutdown)
        {
            let news = count - self.dropped.get(reason);
            if news > 0 && self.admit(reason.as_str(), RARELY, now).is_some() {
                self.dropped.add(reason, news);
                lines.push(self.drop_line(reason, news));
            }
        }
        lines
    }

    /// Whether a failure was told that is over now.
    pub(crate) fn ends(&mut self) -> bool {
        std::mem::take(&mut self.is_open)
    }

    fn drop_line(&self, reason: DropReason, count: u64) -> String {
        let words = match reason {
            DropReason::Rejected | DropReason::TooLarge => &self.last_refusal,
            _ => &self.last_failure,
        };
        let separator = if words.is_empty() { "" } else { ": " };
        let spans = if count == 1 { "span was" } else { "spans were" };
        format!("{count} {spans} dropped ({reason}){separator}{words}")
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
