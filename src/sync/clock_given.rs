//! The clock of the unit tests: the monotonic one, or one that a test gives its thread, on which time
//! passes only by waiting. Deadlines are then exact, and cost nothing.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{Condvar, MutexGuard, wait_at_most};

thread_local! {
    static GIVEN: Cell<Option<Instant>> = const { Cell::new(None) };
}

#[expect(clippy::disallowed_methods, reason = "the monotonic clock, for tests")]
pub(crate) fn now() -> Instant {
    GIVEN.get().unwrap_or_else(Instant::now)
}

/// Waits for a signal, for at most `patience`; on a given clock that is over at once.
pub(super) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> MutexGuard<'a, T> {
    match GIVEN.get() {
        Some(time) => {
            GIVEN.set(time.checked_add(patience));
            guard
        }
        None => wait_at_most(condvar, guard, patience),
    }
}

/// How long `action` waits, by a clock of its own, and what comes of it.
pub(crate) fn waited<T>(action: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    GIVEN.set(Some(start));
    let result = action();
    let waited = now().duration_since(start);
    GIVEN.set(None);
    (waited, result)
}
