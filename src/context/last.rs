//! The trace whose root ended last in this process.
//!
//! Every root that ends writes here, on its own thread: nobody may wait. An id is two words, which
//! are written between two steps of a counter; whoever finds the counter odd leaves the writing to
//! the one who is at it, because of roots that end at the same time any is the last.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use opentelemetry::trace::TraceId;

use crate::model::id::mlflow_trace_id;

static LAST: Last = Last::new();

/// The id of the trace that ended last in this process, `tr-` and 32 hexadecimal digits; `None`
/// before one has.
///
/// A trace counts when its root ends, before it is delivered: [`flush`](crate::TracingGuard::flush)
/// before asking a server for it. When the trace was continued from another process, it counts when
/// this process's part ends. Works whatever the destination is; traces that are not recorded do not
/// count. Process-wide: where requests run side by side, use
/// [`current_trace_id`](crate::current_trace_id) inside of the one that is meant.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{MlflowSpanExt as _, last_trace_id};
/// use tracing_subscriber::prelude::*;
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-last");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let span = tracing::info_span!("work");
///     let trace_id = span.trace_id();
///     drop(span);
///     assert_eq!(last_trace_id(), trace_id);
/// });
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[must_use]
pub fn last_trace_id() -> Option<String> {
    LAST.get().map(mlflow_trace_id)
}

/// Notes that a root ended.
pub(crate) fn note(trace_id: TraceId) {
    LAST.set(trace_id);
}

#[derive(Debug)]
struct Last {
    /// Odd while the words are written.
    steps: AtomicU64,
    high: AtomicU64,
    low: AtomicU64,
}

impl Last {
    const fn new() -> Self {
        Self { steps: AtomicU64::new(0), high: AtomicU64::new(0), low: AtomicU64::new(0) }
    }

    fn set(&self, trace_id: TraceId) {
        let (high, low) = words(trace_id);
        let steps = self.steps.load(Ordering::Relaxed);
        let mine = steps.is_multiple_of(2)
            && self
                .steps
                .compare_exchange(steps, steps + 1, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if mine {
            // The odd step is seen before the words are, the even one after them.
            fence(Ordering::Release);
            self.high.store(high, Ordering::Relaxed);
            self.low.store(low, Ordering::Relaxed);
            self.steps.store(steps + 2, Ordering::Release);
        }
    }

    fn get(&self) -> Option<TraceId> {
        loop {
            let before = self.steps.load(Ordering::Acquire);
            let (high, low) = (self.high.load(Ordering::Relaxed), self.low.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.steps.load(Ordering::Relaxed) == before {
                let id = TraceId::from(u128::from(high) << 64 | u128::from(low));
                return (id != TraceId::INVALID).then_some(id);
            }
            std::hint::spin_loop();
        }
    }
}

fn words(trace_id: TraceId) -> (u64, u64) {
    let id = u128::from_be_bytes(trace_id.to_bytes());
    let word = |part: u128| u64::try_from(part & u128::from(u64::MAX)).unwrap_or(0);
    (word(id >> 64), word(id))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn nothing_is_the_last_before_something_was() {
        let last = Last::new();
        assert_eq!(last.get(), None);
        last.set(TraceId::from(7_u128 << 64 | 9));
        assert_eq!(last.get(), Some(TraceId::from(7_u128 << 64 | 9)));
    }

    #[test]
    fn an_id_is_never_made_of_two() {
        let last = Arc::new(Last::new());
        std::thread::scope(|threads| {
            for number in 1..=4_u128 {
                let last = Arc::clone(&last);
                threads.spawn(move || {
                    for step in 0..20_000_u128 {
                        let word = number << 32 | step;
                        last.set(TraceId::from(word << 64 | word));
                    }
                });
            }
            for _ in 0..20_000 {
                if let Some(id) = last.get() {
                    let (high, low) = words(id);
                    assert_eq!(high, low);
                }
            }
        });
    }
}
