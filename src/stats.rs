//! The account of every span that ended: where it is, or why it is lost.

use std::fmt;
use std::time::Duration;

/// A consistent snapshot of what became of every span that ended.
///
/// For every destination `ended + recovered = delivered + pending + spooled + filtered + dropped` holds
/// in every snapshot ([`DestinationStats::conserves`]); a test that ends with it cannot lose a span
/// unseen.
///
/// # Examples
///
/// ```
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-stats");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let stats = tracing.stats();
/// assert_eq!(stats.ended, 0);
/// assert!(stats.destinations.iter().all(|d| d.conserves(stats.ended)));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sampled spans that ended since set-up.
    pub ended: u64,
    /// One entry per destination, in the order they were configured.
    pub destinations: Vec<DestinationStats>,
}

/// What one destination did with the spans that ended.
///
/// # Examples
///
/// ```
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-destination-stats");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let stats = tracing.stats();
/// assert!(stats.destinations[0].name.starts_with("local "));
/// assert_eq!(stats.destinations[0].pending, 0);
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DestinationStats {
    /// Kind and address, without credentials.
    pub name: String,
    /// Spans the destination acknowledged.
    pub delivered: u64,
    /// Spans in memory or under way.
    pub pending: u64,
    /// Spans of those that the end of the process at this moment would lose: with a spool, what has not
    /// reached it yet.
    pub at_risk: u64,
    /// Spans that are on disk only: they are sent when their turn comes, in this process or the next.
    pub spooled: u64,
    /// Spans that processes which are no more left on disk, taken over by this one. They are beside
    /// [`Stats::ended`].
    pub recovered: u64,
    /// Spans that the destination's filter left out.
    pub filtered: u64,
    /// Spans given up, by reason.
    pub dropped: Dropped,
    /// Requests repeated after a failure.
    pub retries: u64,
    /// Spans sent again after an attempt that was cut off or not answered: the destination may have them
    /// twice. One that keeps spans by their ids, as MLflow does, has them once.
    pub duplicates: u64,
    /// Encoded bytes in memory for this destination.
    pub pending_bytes: usize,
    /// Bytes on disk for this destination, of spans in memory too.
    pub spooled_bytes: u64,
    /// How long the oldest of the pending spans has waited to be delivered.
    pub oldest_pending: Option<Duration>,
    /// What the destination last said when it did not accept, credentials masked.
    pub last_problem: Option<String>,
}

impl DestinationStats {
    /// Whether every one of `ended` spans, and of those recovered, is accounted for.
    #[must_use]
    pub fn conserves(&self, ended: u64) -> bool {
        let settled = self.delivered + self.filtered + self.dropped.total();
        ended + self.recovered == settled + self.pending + self.spooled
    }
}

/// Why a span was given up.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::DropReason;
/// assert_eq!(DropReason::QueueFull.to_string(), "queue_full");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The span ended after the guard was dropped or shut down.
    AfterShutdown,
    /// The destination's share of memory was full; its oldest spans made room.
    OutboxFull,
    /// Spans ended faster than the worker could take them; the newest was refused.
    QueueFull,
    /// The destination refused this span for what it contains.
    Rejected,
    /// The destination failed for the whole retry window (15 minutes).
    RetryExpired,
    /// The guard's deadline passed before the destination acknowledged.
    Shutdown,
    /// What was on disk could not be read back: a record that is damaged counts as the spans it says it
    /// held, or as one.
    SpoolDamaged,
    /// The destination's share of the disk was full; its oldest spans made room.
    SpoolFull,
    /// The span alone is larger than the destination accepts.
    TooLarge,
}

impl DropReason {
    /// Every reason, in alphabetical order.
    pub const ALL: [Self; 9] = [
        Self::AfterShutdown,
        Self::OutboxFull,
        Self::QueueFull,
        Self::Rejected,
        Self::RetryExpired,
        Self::Shutdown,
        Self::SpoolDamaged,
        Self::SpoolFull,
        Self::TooLarge,
    ];

    /// The reason in `snake_case`, as used in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AfterShutdown => "after_shutdown",
            Self::OutboxFull => "outbox_full",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::RetryExpired => "retry_expired",
            Self::Shutdown => "shutdown",
            Self::SpoolDamaged => "spool_damaged",
            Self::SpoolFull => "spool_full",
            Self::TooLarge => "too_large",
        }
    }

    /// What can be done about it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::DropReason;
    /// assert!(DropReason::QueueFull.advice().contains("with_memory_limit()"));
    /// ```
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::AfterShutdown => "keep the guard until the last span has ended",
            Self::OutboxFull => {
                "mend the destination, or allow more memory by with_memory_limit(): it was away, or slow, \
                 for longer than its memory lasts"
            }
            Self::QueueFull => {
                "allow more memory by with_memory_limit(), or sample: spans end faster than they are encoded"
            }
            Self::Rejected => "look at what they contain, and at the destination's log",
            Self::RetryExpired => "mend the destination, or try longer by with_retry_window()",
            Self::Shutdown => "give the end more time by with_drop_timeout(), or flush() before it",
            Self::SpoolDamaged => "look at the disk: what was written could not be read back",
            Self::SpoolFull => {
                "mend the destination, or allow more disk: it was away for longer than its share lasts"
            }
            Self::TooLarge => {
                "have content cut by with_content_limit(), or let the destination take larger requests"
            }
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Number of spans given up, by [`DropReason`].
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{DropReason, Dropped};
/// let nothing = Dropped::default();
/// assert_eq!((nothing.total(), nothing.get(DropReason::Rejected)), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// Spans given up for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.iter().find(|(candidate, _)| *candidate == reason).map_or(0, |(_, count)| count)
    }

    /// Spans given up for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0)
    }

    pub(crate) fn add(&mut self, reason: DropReason, count: u64) {
        for (candidate, slot) in DropReason::ALL.into_iter().zip(&mut self.0) {
            if candidate == reason {
                *slot += count;
            }
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (reason, count) in other.iter() {
            self.add(reason, count);
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, count) in self.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{reason} {count}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// Spans that a destination will never get; what
/// [`with_drop_callback`](crate::Builder::with_drop_callback) is told.
///
/// # Examples
///
/// ```
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-loss");
/// use mlflow_tracing::Loss;
/// let tell = |loss: &Loss| eprintln!("{loss}"); // "MLflow http://…: dropped 3 spans (shutdown): …"
/// let tracing = mlflow_tracing::builder()
///     .with_drop_callback(tell)
///     .with_local_directory(&directory)
///     .build()?;
/// assert_eq!(tracing.stats().destinations[0].dropped.total(), 0);
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// [`DestinationStats::name`].
    pub destination: String,
    /// Why they were given up.
    pub reason: DropReason,
    /// How many.
    pub spans: u64,
    /// What the destination last said when it did not accept, credentials masked.
    pub last_problem: Option<String>,
}

/// What was lost, why, and what to do.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, reason, spans, last_problem } = self;
        let noun = if *spans == 1 { "span" } else { "spans" };
        write!(f, "{destination}: dropped {spans} {noun} ({reason})")?;
        if let Some(problem) = last_problem {
            write!(f, ": {problem}")?;
        }
        write!(f, "; {}", reason.advice())
    }
}

#[cfg(test)]
mod tests;
