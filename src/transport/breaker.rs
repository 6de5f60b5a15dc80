//! Tries a little of what waits before all of it, once a destination has failed for a while. Pure: no
//! clock, no socket.
//!
//! ```text
//!  closed ──failed, three times in a row──▶ open ──pause──▶ a probe ──failed──▶ open
//!    ▲                                                         │
//!    └────────────────── stored, or judged ────────────────────┘
//! ```

use crate::transport::Payload;

/// Requests that fail in a row before the next is a probe.
pub(crate) const FAILURES: u32 = 3;
/// A trace of more is tried by its first span alone.
const LARGE_TRACE_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
}

impl Breaker {
    /// Nobody took a request, nor said what is wrong with it.
    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// A request was taken, or refused for what is in it.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
    }

    /// How many of `spans`, from the first, the next request may carry: all, or as few as make sense on
    /// their own. None is left out or overtaken: what follows them is sent after them.
    pub(crate) fn admits(&self, spans: &[Payload]) -> usize {
        let Some(first) = spans.first() else { return 0 };
        if self.failures < FAILURES {
            return spans.len();
        }
        let trace = spans.iter().take_while(|span| span.trace_id == first.trace_id);
        let (count, bytes) =
            trace.fold((0, 0), |(count, bytes), span| (count + 1, bytes + span.weight()));
        if bytes > LARGE_TRACE_BYTES { 1 } else { count }
    }
}

#[cfg(test)]
mod tests;
