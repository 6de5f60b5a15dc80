//! The monotonic clock.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{Condvar, MutexGuard};

#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits for a signal, for at most `patience`.
pub(super) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner).0
}
