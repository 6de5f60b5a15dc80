//! Decides what an answer means and how long to wait. Pure: no clock, no socket.
//!
//! Source: `OTLP` 1.x §failures; MLflow server 3.17.2, observed: it answers 400 and 422 for the
//! content of one span but also for a locked database, and refuses the whole request.
//!
//! | what happens to a request over HTTP | what becomes of its spans |
//! |---|---|
//! | 2xx | delivered; those that a partial success refuses are dropped as `rejected` |
//! | 2xx and a body that is junk, HTML, too long or breaks off | delivered, and told |
//! | 408, 425, 429, 502, 503, 504 | sent again, after `Retry-After` (seconds or a date) or `RetryInfo` |
//! | 500 from MLflow; 4xx from MLflow that speaks of its database | the same |
//! | 300–399, 401, 403, 404, 405, 407, 501; 400 for want of a client certificate | wait, with advice |
//! | 413 | halves; a single span is dropped as `too_large` |
//! | any other status | halves; a single span is dropped as `rejected` |
//! | no connection, or the name is not found | sent again; nobody has them |
//! | cut off, not answered in time, or not by HTTP | sent again, and counted as possible duplicates |
//! | cut off in a body of more than a mebibyte | halves, counted so; a single span after three attempts is dropped as `too_large` |
//! | TLS or the address cannot work | wait, with advice |
//!
//! An MLflow server is one that was configured as such, or is told MLflow's experiment in a header. What
//! waits or is sent again is given up when its window is over (`retry_expired`), or with the program
//! (`shutdown`). From the third failure in a row on [`breaker`](super::breaker) sends a little first.

use std::time::{Duration, SystemTime};

use crate::model::time;
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

/// Words, in lower case, by which an MLflow server says that its database, not the request, is the
/// trouble. A key that is there already is a race with another writer, which an upsert settles.
const TRANSIENT_WORDS: [&str; 20] = [
    // MLflow's own codes, and SQLAlchemy's pool
    "temporarily_unavailable",
    "could_not_acquire_lock",
    "queuepool limit",
    // SQLite
    "database is locked",
    "table is locked",
    "unique constraint failed",
    // PostgreSQL
    "deadlock",
    "uniqueviolation",
    "duplicate key value",
    "could not serialize",
    "lock timeout",
    "the database system is",
    "server closed the connection",
    "terminating connection",
    "connection already closed",
    "too many clients",
    // MySQL; its deadlocks are called so too
    "lock wait timeout",
    "duplicate entry",
    "server has gone away",
    "lost connection to",
];
/// Where SQLAlchemy ends with what the database said, and begins with what it was asked: with spans.
const STATEMENT: &str = "[SQL:";

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
        Failure::Unreached(text) => Verdict::again(Repeat::Soon, text),
        Failure::CutOff(text) if body_bytes > LARGE_BODY_BYTES => Verdict::Split {
            reason: DropReason::TooLarge,
            problem: format!("{text} while sending {body_bytes} bytes"),
            in_doubt: true,
        },
        Failure::CutOff(text) | Failure::NoAnswer(text) => {
            Verdict::Failed { repeat: Repeat::Soon, problem: text.clone(), in_doubt: true }
        }
        Failure::Unusable(text) => Verdict::when_mended(text),
    }
}

fn classify_reply(reply: &Reply, receiver: Receiver) -> Verdict {
    let problem = reply.to_string();
    let again = reply.retry_after.map_or(Repeat::Soon, Repeat::After);
    match reply.status {
        200..=299 => Verdict::delivered(),
        408 | 425 | 429 | 502 | 503 | 504 => Verdict::again(again, problem),
        500 if receiver == Receiver::Mlflow => Verdict::again(again, problem),
        400..=499 if receiver == Receiver::Mlflow && speaks_of_database(reply) => {
            Verdict::again(again, problem)
        }
        400 if reply.misses_certificate() => Verdict::when_mended(problem),
        300..=399 | 401 | 403 | 404 | 405 | 407 | 501 => Verdict::when_mended(problem),
        413 => Verdict::split(DropReason::TooLarge, problem),
        _ => Verdict::split(DropReason::Rejected, problem),
    }
}

fn speaks_of_database(reply: &Reply) -> bool {
    let text = reply.text();
    let said = text.split(STATEMENT).next().unwrap_or_default().to_ascii_lowercase();
    TRANSIENT_WORDS.iter().any(|words| said.contains(words))
}

/// The pause that the header `Retry-After` asks for: seconds, or a date, of which one that is over means
/// at once. `None` where it is neither.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let seconds = value.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| Some(time::of_http(value)?.duration_since(now).unwrap_or_default()))
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
    /// By default 15 minutes; for spans that are on disk there is no end.
    pub(crate) window: Option<Duration>,
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
            window: None,
            attempt: Duration::from_secs(30),
            max_retries: None,
            respect_retry_after: true,
        }
    }
}

impl RetryPolicy {
    /// How long a span is tried before it is given up.
    pub(crate) fn window(&self, is_stored: bool) -> Duration {
        const USUAL: Duration = Duration::from_secs(15 * 60);
        self.window.unwrap_or(if is_stored { Duration::MAX } else { USUAL })
    }

    /// Whether the `failures`-th failure in a row is the last; what a person must mend is no failure
    /// of that kind.
    pub(crate) fn is_exhausted(&self, failures: u32, repeat: Repeat) -> bool {
        repeat != Repeat::WhenMended && self.max_retries.is_some_and(|max| failures > max)
    }

    /// Pause after the `failures`-th failure in a row (from 1); `random` picks a point between
    /// nothing and the ceiling of a pause that grows.
    pub(crate) fn pause(&self, failures: u32, repeat: Repeat, random: u64) -> Duration {
        match repeat {
            Repeat::After(asked) if self.respect_retry_after => asked.min(self.window(false)),
            Repeat::WhenMended => self.waiting,
            Repeat::AtOnce => Duration::ZERO,
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
