//! The clock of the models: it stands still, until a model lets some time pass, once.

use std::sync::{OnceLock, PoisonError};
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicBool, Ordering};

use super::{Condvar, MutexGuard};

/// What is due later than this is never due.
pub(crate) const SOME_TIME: Duration = Duration::from_secs(60 * 60);

loom::lazy_static! {
    static ref PASSED: AtomicBool = AtomicBool::new(false);
}

#[expect(clippy::disallowed_methods, reason = "the moment at which all models begin")]
pub(crate) fn now() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    if PASSED.load(Ordering::Acquire) { start + SOME_TIME } else { start }
}

/// Lets time pass.
pub(crate) fn pass() {
    PASSED.store(true, Ordering::Release);
}

/// Waits for a signal, for at most `patience`.
pub(super) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner).0
}
