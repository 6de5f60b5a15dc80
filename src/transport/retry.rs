//! Decides what an answer means and how long to wait. Pure: no clock, no socket.
//!
//! Source: `OTLP` 1.x §failures; MLflow server 3.17.2, observed: it answers 400 and 422 for the
//! content of one span but also for a locked database, and refuses the whole request.

use std::time::Duration;

use crate::stats::DropReason;
use crate::transport::http::{Failure, Outcome, Reply};
use crate::transport::{Repeat, Verdict};

/// Whose rules an answer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// An MLflow server: 500 passes, and so do 400 and 422 that speak of the database.
    Mlflow,
    /// An OTLP receiver: only the statuses that the specification lists pass.
    Otlp,
}

/// Words by which an MLflow server says that its database, not the request, is the trouble.
const TRANSIENT_WORDS: [&str; 6] = [
    "database is locked",
    "deadlock",
    "UniqueViolation",
    "UNIQUE constraint failed",
    "could not serialize",
    "TEMPORARILY_UNAVAILABLE",
];

/// A request larger than this that is cut off while being sent is taken for too large.
const LARGE_BODY_BYTES: usize = 1024 * 1024;

/// Says what `outcome` means for the spans of a request of `body_bytes`.
pub(crate) fn classify(outcome: &Outcome, receiver: Receiver, body_bytes: usize) -> Verdict {
    match outcome {
        Outcome::Reply(reply) => classify_reply(reply, receiver),
        Outcome::Failed(failure) => classify_failure(failure, body_bytes),
    }
}

/// Says what it means for the spans of a request of `body_bytes` that there is no answer.
pub(crate) fn classify_failure(failure: &Failure, body_bytes: usize) -> Verdict {
    match failure {
        Failure::CutOff(text) if body_bytes > LARGE_BODY_BYTES => Verdict::Split {
            reason: DropReason::TooLarge,
            problem: format!("{text} while sending {body_bytes} bytes"),
        },
        Failure::CutOff(text) | Failure::NoAnswer(text) => {
            Verdict::Failed { repeat: Repeat::Soon, problem: text.clone() }
        }
        Failure::Unusable(text) => Verdict::when_mended(text),
    }
}

fn classify_reply(reply: &Reply, receiver: Receiver) -> Verdict {
    let problem = reply.to_string();
    let again = reply.retry_after.map_or(Repeat::Soon, Repeat::After);
    match reply.status {
        200..=299 => Verdict::delivered(),
        408 | 425 | 429 | 502 | 503 | 504 => Verdict::Failed { repeat: again, problem },
        500 if receiver == Receiver::Mlflow => Verdict::Failed { repeat: again, problem },
        400..=499 if receiver == Receiver::Mlflow && speaks_of_database(reply) => {
            Verdict::Failed { repeat: again, problem }
        }
        400 if reply.misses_certificate() => Verdict::when_mended(problem),
        300..=399 | 401 | 403 | 404 | 405 | 407 | 501 => Verdict::when_mended(problem),
        413 => Verdict::Split { reason: DropReason::TooLarge, problem },
        _ => Verdict::Split { reason: DropReason::Rejected, problem },
    }
}

fn speaks_of_database(reply: &Reply) -> bool {
    let text = reply.text();
    TRANSIENT_WORDS.iter().any(|word| text.contains(word))
}

/// Pauses between attempts: full jitter under a doubling ceiling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// Ceiling of the first pause.
    pub(crate) base: Duration,
    /// Ceiling of every pause.
    pub(crate) max: Duration,
    /// Pause of a destination that waits for a person.
    pub(crate) waiting: Duration,
    /// How long a span is tried before it is given up.
    pub(crate) window: Duration,
    /// Time one attempt may take.
    pub(crate) attempt: Duration,
    /// How often a request is repeated within the window; without it there is no limit.
    pub(crate) max_retries: Option<u32>,
    /// Whether a server may say how long to wait.
    pub(crate) respect_retry_after: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            max: Duration::from_secs(30),
            waiting: Duration::from_secs(30),
            window: Duration::from_secs(15 * 60),
            attempt: Duration::from_secs(30),
            max_retries: None,
            respect_retry_after: true,
        }
    }
}

impl RetryPolicy {
    /// Whether the `failures`-th failure in a row is the last; what a person must mend is no failure
    /// of that kind.
    pub(crate) fn is_exhausted(&self, failures: u32, repeat: Repeat) -> bool {
        repeat != Repeat::WhenMended && self.max_retries.is_some_and(|max| failures > max)
    }

    /// Pause after the `failures`-th failure in a row (from 1); `random` picks a point between
    /// nothing and the ceiling of a pause that grows.
    pub(crate) fn pause(&self, failures: u32, repeat: Repeat, random: u64) -> Duration {
        match repeat {
            Repeat::After(asked) if self.respect_retry_after => asked.min(self.window),
            Repeat::WhenMended => self.waiting,
            Repeat::Soon | Repeat::After(_) => {
                let doublings = failures.saturating_sub(1).min(16);
                let ceiling = self.base.saturating_mul(1 << doublings).min(self.max);
                ceiling.mul_f64(fraction(random))
            }
        }
    }
}

/// Maps the whole range of `u64` onto `0.0..=1.0`; the low bits that a double cannot hold do not matter.
fn fraction(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests;
