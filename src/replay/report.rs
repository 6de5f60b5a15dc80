//! What a replay tells: on its way, at its end, and when it cannot go on.

use std::error::Error as StdError;
use std::fmt;

use crate::process::flush::FlushError;

/// How far a replay is.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::ReplayProgress;
/// fn percent(progress: &ReplayProgress) -> u64 {
///     progress.bytes * 100 / progress.total_bytes.max(1)
/// }
/// assert_eq!(percent(&ReplayProgress::default()), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayProgress {
    /// Bytes of the files that are done, in this run or an earlier one.
    pub bytes: u64,
    /// Bytes of the files when the run began.
    pub total_bytes: u64,
    /// Spans acknowledged in this run.
    pub spans: u64,
    /// Traces they belong to.
    pub traces: u64,
}

/// What a replay did.
///
/// # Examples
///
/// ```
/// let replayed = mlflow_tracing::Replayed::default();
/// assert_eq!((replayed.spans, replayed.first_fault), (0, None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Spans that every destination has acknowledged.
    pub spans: u64,
    /// Traces they belong to.
    pub traces: u64,
    /// Spans that were left out because the same span (trace id and span id) was sent before in this
    /// run. At least the last 131 072 spans are remembered.
    pub duplicates: u64,
    /// Spans that a destination refused for what they are; sending them again would not help.
    pub refused: u64,
    /// Lines, and spans within lines, that could not be read. They are left out for good.
    pub unreadable: u64,
    /// The first of them: file, line and why.
    pub first_fault: Option<String>,
    /// Bytes after the last line end: a line that is being written, left for the next run.
    pub unfinished_bytes: u64,
    /// Whether the run came to the end, and was not told to stop.
    pub complete: bool,
}

impl Replayed {
    /// Adds what one batch came to.
    pub(super) fn add(&mut self, batch: Self) {
        self.spans += batch.spans;
        self.traces += batch.traces;
        self.duplicates += batch.duplicates;
        self.refused += batch.refused;
        self.unreadable += batch.unreadable;
        self.first_fault = self.first_fault.take().or(batch.first_fault);
    }

    pub(super) fn fault(&mut self, place: impl FnOnce() -> String, why: &str) {
        self.unreadable += 1;
        if self.first_fault.is_none() {
            self.first_fault = Some(format!("{}: {why}", place()));
        }
    }
}

/// Why a replay did not come to the end. Running it again goes on where it stopped.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Replay;
/// use std::ops::ControlFlow;
///
/// let tracing = mlflow_tracing::builder().with_otlp_endpoint("http://127.0.0.1:9").build()?;
/// let replay = Replay::from_directory("/no/such/directory");
/// let error = replay.run(&tracing, |_| ControlFlow::Continue(())).unwrap_err();
/// assert!(error.to_string().contains("/no/such/directory"));
/// assert_eq!(error.replayed().spans, 0);
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Debug)]
pub struct ReplayError {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    replayed: Replayed,
}

impl ReplayError {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, replayed: Replayed::default() }
    }

    pub(super) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        let message = format!("{}: {source}", message.into());
        Self { message, source: Some(Box::new(source)), replayed: Replayed::default() }
    }

    pub(super) fn undelivered(source: Box<FlushError>) -> Self {
        let message = format!("{source}; what was not acknowledged is sent again by the next run");
        Self { message, source: Some(source), replayed: Replayed::default() }
    }

    pub(super) fn after(self, replayed: Replayed) -> Self {
        Self { replayed, ..self }
    }

    /// What was done before.
    #[must_use]
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    /// Where the spans are that were not acknowledged, when that is the reason.
    #[must_use]
    pub fn flush_error(&self) -> Option<&FlushError> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ReplayError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
