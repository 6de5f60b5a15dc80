//! Locks that survive a panic elsewhere, waits that end at a deadline, and the one clock.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Locks; a panic of another holder does not matter, because every holder only moves fields.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a signal, at most until `deadline` (for ever without one).
pub(crate) fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> MutexGuard<'a, T> {
    match deadline {
        None => condvar.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(deadline) => {
            let patience = deadline.saturating_duration_since(now());
            condvar.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner).0
        }
    }
}

/// The time, for the threads' loops and the public rim; everything between is given it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
