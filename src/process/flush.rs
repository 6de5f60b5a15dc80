//! What a flush could not say yes to.

use std::fmt;

use crate::stats::{DestinationStats, DropReason, Stats};

/// Not every span that ended before the flush was acknowledged by every destination.
///
/// Says where the others are: `stats` is the account at the moment the flush gave up. Spans that
/// are pending are still being sent, and a later flush may succeed; spans on disk are sent later, by
/// the next process if this one ends; spans that were dropped are gone, and every later flush says so
/// too.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::DropReason;
/// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
/// use std::time::Duration;
///
/// // Nothing listens on this port.
/// let tracing = mlflow_tracing::builder()
///     .with_otlp_endpoint("http://127.0.0.1:9/v1/traces")
///     .with_drop_timeout(Duration::ZERO)
///     .build()?;
/// tracing.provider().tracer("app").in_span("work", |_| ());
/// let error = tracing.flush(Duration::from_millis(200)).unwrap_err();
/// assert_eq!((error.pending(), error.dropped(DropReason::QueueFull)), (1, 0));
/// assert!(error.to_string().contains("127.0.0.1:9"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushError {
    /// The account of every destination when the flush gave up.
    pub stats: Stats,
}

impl FlushError {
    /// Spans that at least one destination has not acknowledged yet and may: the worst destination's
    /// count of those in memory and on disk.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let waiting = |destination: &DestinationStats| destination.pending + destination.spooled;
        self.stats.destinations.iter().map(waiting).max().unwrap_or(0)
    }

    /// Spans that a destination will never get, for `reason`, summed over the destinations.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.stats.destinations.iter().map(|destination| destination.dropped.get(reason)).sum()
    }
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not every span was delivered")?;
        for destination in &self.stats.destinations {
            let dropped = destination.dropped.total();
            if destination.pending + destination.spooled + dropped == 0 {
                continue;
            }
            let all = self.stats.ended + destination.recovered;
            let DestinationStats { name, delivered, pending, .. } = destination;
            write!(f, "; {name}: {delivered} of {all} delivered, {pending} pending")?;
            if destination.spooled > 0 {
                write!(f, ", {} on disk", destination.spooled)?;
            }
            if dropped > 0 {
                write!(f, ", dropped {}", destination.dropped)?;
            }
            if let Some(problem) = &destination.last_problem {
                write!(f, " ({problem})")?;
            }
        }
        Ok(())
    }
}

/// The message: it is what a program that returns the error from `main` prints.
impl fmt::Debug for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FlushError {}

#[cfg(test)]
mod tests;
