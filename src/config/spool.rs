//! Where spans are on disk until they are delivered, as a value.

use std::path::PathBuf;
use std::time::Duration;

/// A directory in which spans are from their end until they are delivered, so that they outlive the
/// process: durable delivery, in place of best effort.
///
/// A span that ended is handed to the operating system within 10 ms, so that the end of the process by
/// whatever cause (a signal, an abort, lack of memory) loses no more than that; and to the device within
/// the sync interval, which bounds what a loss of power costs. What was not delivered is delivered by
/// the next process that has the same destination and this directory. Processes may share it: each
/// writes files of its own, and takes over those of processes that are no more. While a
/// destination is dead, what memory does not hold waits here.
///
/// A destination may get a span twice, never silently not at all: ids stay the same, and an MLflow server
/// keeps a span by its id. The content of spans is in the files, readable by their owner only;
/// credentials are not.
///
/// Needs the feature `spool` (on by default). Local files, the console and exporters of
/// the program's own have no spool.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Spool;
/// use std::time::Duration;
///
/// let spool = Spool::new("/var/lib/app/spans")
///     .with_limit(1 << 30)
///     .with_sync_interval(Duration::from_secs(1));
/// let explanation = mlflow_tracing::builder()
///     .with_tracking_uri("http://127.0.0.1:5000")
///     .with_spool(spool)
///     .explain_config()?;
/// let delivery = explanation.settings().find(|(name, ..)| *name == "delivery");
/// assert_eq!(delivery.map(|(_, value, _)| value), Some("durable, in /var/lib/app/spans"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spool {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) limit: Option<u64>,
    pub(crate) sync_interval: Option<Duration>,
}

impl Spool {
    /// A spool in this directory, which is made when it does not exist
    /// (`MLFLOW_TRACING_SPOOL_DIRECTORY`). It must outlive the process to be of use: in a container,
    /// on a volume.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..Self::default() }
    }

    /// Bytes on disk for each destination; beyond that the oldest are dropped and counted
    /// (`spool_full`, `MLFLOW_TRACING_SPOOL_MAX_BYTES`). Default: 512 MiB. Limits: at least 64 MiB.
    #[must_use]
    pub fn with_limit(self, bytes: u64) -> Self {
        Self { limit: Some(bytes), ..self }
    }

    /// How soon the device has what was written (`MLFLOW_TRACING_SPOOL_SYNC_INTERVAL`, milliseconds
    /// or `always`). Default: 500 ms. Zero: with every write, which on most disks takes some
    /// milliseconds of the worker's time, none of the program's.
    #[must_use]
    pub fn with_sync_interval(self, interval: Duration) -> Self {
        Self { sync_interval: Some(interval), ..self }
    }
}

impl<P: Into<PathBuf>> From<P> for Spool {
    fn from(directory: P) -> Self {
        Self::new(directory)
    }
}
