//! The clock of the models: it stands still, until a model lets some time pass, once.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicBool, Ordering};

pub(super) use super::wait_at_most as wait_for;

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
