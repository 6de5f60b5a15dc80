//! The monotonic clock.

use std::time::Instant;

pub(super) use super::wait_at_most as wait_for;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
