//! Destinations as values, for programs that send to several places at once.

mod mlflow;
mod otlp;
pub(crate) mod reach;

use std::path::PathBuf;
use std::sync::Arc;

use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::config::choice::Console;
use crate::export::SpanFilter;
use crate::export::exporter::ExporterSettings;

pub use mlflow::Mlflow;
pub use otlp::Otlp;
use reach::{Reach, reached_as};

/// A place that spans go to, with a memory, a sender, retries and an account of its own.
///
/// Made from [`Mlflow`], [`Otlp`], [`Local`] or [`Exporter`] and given to
/// [`Builder::with_destination`](crate::Builder::with_destination). It is complete as it is: the
/// environment adds nothing to it.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::destination::{Destination, Local, Mlflow, Otlp};
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-destination");
/// let slow = |span: &opentelemetry_sdk::trace::SpanData| {
///     span.end_time.duration_since(span.start_time).is_ok_and(|took| took.as_secs() >= 1)
/// };
/// let explanation = mlflow_tracing::builder()
///     .with_destination(Mlflow::new("http://127.0.0.1:5000").with_experiment("rag"))
///     .with_destination(Destination::from(Otlp::new("http://127.0.0.1:4317")).with_filter(slow))
///     .with_destination(Local::new(&directory))
///     .explain_config()?;
/// assert!(explanation.settings().any(|(name, value, _)| (name, value) == ("protocol", "grpc")));
/// # use opentelemetry_sdk;
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Destination {
    pub(crate) kind: Kind,
    pub(crate) filter: Option<SpanFilter>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Exporter(Exporter),
    Local(Local),
    Mlflow(Box<Mlflow>),
    Otlp(Box<Otlp>),
}

impl Destination {
    /// Sends only the spans for which `keep` says so; the others are counted as
    /// [`filtered`](crate::DestinationStats::filtered).
    ///
    /// Runs on the worker's thread, after the capturing layer's notes were worked in: attributes
    /// are those set and the dotted fields, without arguments, inputs and outputs. Children of a
    /// span that is left out keep its id as their parent's. A `keep` that panics keeps the span.
    #[must_use]
    pub fn with_filter(mut self, keep: impl Fn(&SpanData) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(SpanFilter(Arc::new(keep)));
        self
    }
}

impl From<Mlflow> for Destination {
    fn from(mlflow: Mlflow) -> Self {
        Self { kind: Kind::Mlflow(Box::new(mlflow)), filter: None }
    }
}

impl From<Otlp> for Destination {
    fn from(otlp: Otlp) -> Self {
        Self { kind: Kind::Otlp(Box::new(otlp)), filter: None }
    }
}

impl From<Local> for Destination {
    fn from(local: Local) -> Self {
        Self { kind: Kind::Local(local), filter: None }
    }
}

impl From<Exporter> for Destination {
    fn from(exporter: Exporter) -> Self {
        Self { kind: Kind::Exporter(exporter), filter: None }
    }
}

/// Files in a directory, and trees in the terminal; see [`Destination`].
#[derive(Clone, Debug, Default)]
pub struct Local {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) console: Option<Console>,
}

impl Local {
    /// OTLP/JSON lines in rotated files in this directory, which is made when it does not exist.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), console: None }
    }

    /// Whether traces are drawn on stderr, too. Default: when it is a terminal.
    #[must_use]
    pub fn with_console(self, console: Console) -> Self {
        Self { console: Some(console), ..self }
    }
}

/// Any exporter of the official SDK; see [`Destination`].
///
/// It is called on a thread of its own, never by two at once. What it fails to export is kept and
/// given to it again, so it may get a span twice; one that panics has failed. Its future is driven
/// as the SDK's batch processor does it, without a runtime: an exporter that needs one brings it
/// along. One whose connection lives on the program's current-thread runtime cannot deliver while
/// that thread waits in a flush.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::destination::Exporter;
/// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
/// use opentelemetry_sdk::error::OTelSdkResult;
/// use opentelemetry_sdk::trace::{SpanData, SpanExporter};
///
/// #[derive(Debug)]
/// struct Names(std::sync::mpsc::Sender<String>);
///
/// impl SpanExporter for Names {
///     async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
///         batch.into_iter().for_each(|span| drop(self.0.send(span.name.into_owned())));
///         Ok(())
///     }
/// }
///
/// let (sender, names) = std::sync::mpsc::channel();
/// let tracing = mlflow_tracing::builder()
///     .with_destination(Exporter::new("names", Names(sender)))
///     .build()?;
/// tracing.provider().tracer("app").in_span("work", |_| ());
/// tracing.flush(std::time::Duration::from_secs(5))?;
/// assert_eq!(names.recv()?, "work");
/// # use {opentelemetry, opentelemetry_sdk};
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exporter(pub(crate) ExporterSettings);

impl Exporter {
    /// `exporter` under a name for messages and counts.
    pub fn new(name: impl Into<String>, exporter: impl SpanExporter + 'static) -> Self {
        Self(ExporterSettings::new(name.into(), exporter))
    }
}

/// A text with the method that was given it, for errors.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) method: &'static str,
    pub(crate) text: String,
}

impl Named {
    pub(crate) fn new(method: &'static str, text: impl Into<String>) -> Self {
        Self { method, text: text.into() }
    }
}
