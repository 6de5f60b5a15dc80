//! Replay: the lines that the embedded default wrote, sent to where spans go now.
//!
//! ```text
//!  files ──lines──▶ decode ──spans──▶ restore ──▶ run (batches) ──▶ feed ──▶ the pipe
//!                                                      └─ acknowledged ──▶ checkpoint
//! ```
//!
//! Spans enter the pipe where live ones do, so dialects, batching, retries and accounts are theirs.

mod checkpoint;
mod decode;
mod feed;
mod field;
mod files;
mod fingerprint;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod recent;
pub(crate) mod report;
mod restore;
mod run;
#[cfg(test)]
mod tests;
mod value;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::export::local;
use crate::guard::TracingGuard;
use checkpoint::Checkpoint;
use feed::{Feed, Stop};
use files::TraceFile;
use report::{ReplayError, ReplayProgress, Replayed};
use run::Run;

const PATIENCE: Duration = Duration::from_secs(60);

/// Sends traces that were kept in files to the destinations of a guard.
///
/// Reads what the embedded default writes (`traces.jsonl` and the older files beside it), and any
/// other file that has an OTLP/JSON request in each line. The oldest file goes first, line by line,
/// about one request's worth at a time; what a program is appending meanwhile is left for the next
/// run. A line that cannot be read is counted, told and left out. Each span keeps its resource and its
/// ids.
///
/// **Resumes.** After each batch that every destination has acknowledged, how far it is is written to
/// `replay-….json` beside the traces, one file for each set of destinations: their names, experiments
/// and workspaces. A run that was ended in any way, killed too, is continued by the next: nothing is
/// lost, and at most one batch is sent again, with the same ids. To send everything again, also to
/// a destination that differs in nothing but headers, use [`with_restart`](Self::with_restart).
///
/// **Use a guard of its own** ([`Builder::build`](crate::Builder::build)): while a replay runs, the
/// resource of every span that the guard delivers is that of the replayed ones.
///
/// **What differs from sending live**, on an MLflow server; everything else is equal:
/// - a trace whose root had not ended when its program did gets no made-up root;
/// - attributes set with [`set_json_attribute`](crate::MlflowSpanExt::set_json_attribute) under names
///   of your own are text, not structure;
/// - where a limit on the length of values has cut the inputs, the arguments are attributes, too;
/// - where the separate trace-info call is made, `mlflow.user` and `mlflow.source.name` in it are
///   those of the program that replays, root inputs and outputs that are strings are without quotes,
///   and the sizes of a trace that spans several batches are those of its last part.
///
/// # Examples
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use mlflow_tracing::Replay;
/// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
///
/// # let directory = std::env::temp_dir().join(format!("mlflow-tracing-doc-replay-{}", std::process::id()));
/// # let elsewhere = directory.join("elsewhere");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// tracing.provider().tracer("app").in_span("work", |_| ());
/// tracing.shutdown(Duration::from_secs(5))?;
///
/// // Later, with a server: `.with_tracking_uri("http://127.0.0.1:5000")`.
/// let server = mlflow_tracing::builder().with_local_directory(&elsewhere).build()?;
/// let replayed = Replay::from_directory(&directory).run(&server, |progress| {
///     println!("{} of {} bytes", progress.bytes, progress.total_bytes);
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!((replayed.spans, replayed.unreadable), (1, 0));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    source: Source,
    patience: Duration,
    restart: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Directory(PathBuf),
    File(PathBuf),
}

impl Replay {
    /// Everything that the embedded default has written to a directory.
    pub fn from_directory(directory: impl Into<PathBuf>) -> Self {
        Self::new(Source::Directory(directory.into()))
    }

    /// One file of OTLP/JSON lines.
    pub fn from_file(file: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(file.into()))
    }

    fn new(source: Source) -> Self {
        Self { source, patience: PATIENCE, restart: false }
    }

    /// How long one batch may take, failures and repetitions included. Default: 60 s.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether to send everything, and not only what earlier runs have left. Default: `false`.
    #[must_use]
    pub fn with_restart(self, restart: bool) -> Self {
        Self { restart, ..self }
    }

    /// Sends, on this thread, until everything is acknowledged.
    ///
    /// `watch` is called after each batch, and every two seconds while a destination makes it wait.
    /// When it returns `Break` the run ends there, which is no error:
    /// [`complete`](Replayed::complete) is then false.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]: there are no traces, a file cannot be read or the checkpoint not be written, or
    /// a destination did not acknowledge a batch within the patience. It has what was done before.
    pub fn run(
        &self,
        guard: &TracingGuard,
        mut watch: impl FnMut(&ReplayProgress) -> ControlFlow<()>,
    ) -> Result<Replayed, Box<ReplayError>> {
        let directory = self.directory();
        let mut checkpoint = Checkpoint::load(directory, &destinations(guard, directory)?)
            .map_err(|error| ReplayError::io("the checkpoint cannot be read", error))?;
        if self.restart {
            checkpoint.forget();
        }
        let files = self.files()?;
        let feed = Feed::new(&guard.pipeline, self.patience)
            .ok_or_else(|| ReplayError::usage("tracing is off: there is nowhere to send to"))?;
        let (replayed, result) = Run::new(feed, checkpoint, &mut watch).all(files);
        let error = match result {
            Ok(()) | Err(Stop::Asked) => return Ok(replayed),
            Err(Stop::Io(error)) => ReplayError::io("the replay stopped", error),
            Err(Stop::Undelivered(error)) => ReplayError::undelivered(error),
        };
        Err(Box::new(error.after(replayed)))
    }

    fn files(&self) -> Result<Vec<TraceFile>, ReplayError> {
        let (path, opened) = match &self.source {
            Source::Directory(directory) => (directory, files::of_directory(directory)),
            Source::File(file) => (file, TraceFile::open(file).map(|file| vec![file])),
        };
        match opened {
            Ok(files) if files.is_empty() => {
                Err(ReplayError::usage(format!("{} has no traces.jsonl", path.display())))
            }
            Ok(files) => Ok(files),
            Err(error) => Err(ReplayError::io(format!("cannot read {}", path.display()), error)),
        }
    }

    /// Where the checkpoint is.
    fn directory(&self) -> &Path {
        let parent = match &self.source {
            Source::Directory(directory) => return directory,
            Source::File(file) => file.parent(),
        };
        parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

/// What tells one set of destinations from another; an error when `directory` is one of them.
fn destinations(guard: &TracingGuard, directory: &Path) -> Result<String, ReplayError> {
    let mut parts: Vec<String> =
        guard.stats().destinations.into_iter().map(|destination| destination.name).collect();
    for written in parts.iter().filter_map(|name| local::directory_of(name)) {
        if written
            .canonicalize()
            .ok()
            .is_some_and(|path| directory.canonicalize().ok() == Some(path))
        {
            return Err(ReplayError::usage(format!(
                "{} is where traces are written to now: set MLFLOW_TRACKING_URI or \
                 OTEL_EXPORTER_OTLP_ENDPOINT to send them elsewhere",
                directory.display()
            )));
        }
    }
    let places = guard.explain_config().settings();
    parts.extend(
        places
            .filter(|(name, ..)| name.contains("experiment") || name.contains("workspace"))
            .map(|(name, value, _)| format!("{name} {value}")),
    );
    Ok(parts.join("\n"))
}
