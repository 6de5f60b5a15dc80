//! Settings that the program makes; they win over the environment.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::Sampler;
use tracing::level_filters::LevelFilter;

use crate::config::choice::{Compression, Console};
use crate::config::destination::{Destination, Local, Mlflow, Named, Otlp};
use crate::config::env::Env;
use crate::config::spool::Spool;
use crate::context::trace_context::TraceContext;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::price_table::PriceTable;
use crate::model::protocol::Protocol;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::process::account::DropCallback;
use crate::stats::Loss;

/// Sets up tracing; made by [`builder`](crate::builder).
///
/// Every setting that is not made here comes from the environment
/// ([`VARIABLES`](crate::VARIABLES)), and else has its default. Naming a destination here, with
/// [`with_tracking_uri`](Self::with_tracking_uri),
/// [`with_otlp_endpoint`](Self::with_otlp_endpoint),
/// [`with_local_directory`](Self::with_local_directory) or
/// [`with_destination`](Self::with_destination), means that destinations in the environment are
/// not used; naming several sends every trace to each.
///
/// # Examples
///
/// ```
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-builder");
/// let tracing = mlflow_tracing::builder()
///     .with_service_name("api")
///     .with_local_directory(&directory)
///     .build()?;
/// assert_eq!(tracing.stats().destinations.len(), 1);
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is set up until `init` or `build` is called"]
pub struct Builder {
    pub(crate) env: Env,
    /// What the shorthands and the environment set, one destination of each kind.
    pub(crate) mlflow: Mlflow,
    pub(crate) otlp: Otlp,
    pub(crate) local: Local,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) otlp_encoder: Option<OtlpEncoder>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) service_name: Option<String>,
    pub(crate) resource_attributes: Vec<(String, String)>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) trace_context: TraceContext,
    pub(crate) callers_elsewhere: bool,
    pub(crate) async_trace_logging: Option<bool>,
    pub(crate) memory_limit: Option<usize>,
    pub(crate) prices: Option<PriceTable>,
    pub(crate) content_limit: Option<usize>,
    pub(crate) request_limit: Option<usize>,
    pub(crate) retry_window: Option<Duration>,
    pub(crate) spool: Spool,
    pub(crate) drop_timeout: Option<Duration>,
    pub(crate) drop_callback: Option<DropCallback>,
    pub(crate) max_level: Option<LevelFilter>,
    pub(crate) infrastructure_spans: bool,
    pub(crate) strict: Option<Duration>,
    pub(crate) flush_on_panic: Option<Duration>,
    pub(crate) shutdown_on_signal: Option<Duration>,
}

impl Builder {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            mlflow: Mlflow::default(),
            otlp: Otlp::default(),
            local: Local::default(),
            destinations: Vec::new(),
            otlp_encoder: None,
            timeout: None,
            service_name: None,
            resource_attributes: Vec::new(),
            sampler: None,
            trace_context: TraceContext::default(),
            callers_elsewhere: false,
            async_trace_logging: None,
            memory_limit: None,
            prices: None,
            content_limit: None,
            request_limit: None,
            retry_window: None,
            spool: Spool::default(),
            drop_timeout: None,
            drop_callback: None,
            max_level: None,
            infrastructure_spans: false,
            strict: None,
            flush_on_panic: None,
            shutdown_on_signal: None,
        }
    }

    /// Uses these variables in place of the process's environment.
    ///
    /// For programs that keep their settings elsewhere, and for tests.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = mlflow_tracing::builder()
    ///     .with_environment([("MLFLOW_TRACKING_URI", "databricks")])
    ///     .build()
    ///     .unwrap_err();
    /// assert!(error.to_string().contains("MLFLOW_TRACKING_URI"));
    /// ```
    pub fn with_environment<K: Into<String>, V: Into<String>>(
        self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self { env: Env::from_pairs(variables), ..self }
    }

    /// Sends traces to the MLflow server at this address (`MLFLOW_TRACKING_URI`).
    ///
    /// A path in it is kept; a user and password in it are used and never shown.
    pub fn with_tracking_uri(self, uri: impl Into<String>) -> Self {
        let uri = Some(Named::new("with_tracking_uri", uri));
        Self { mlflow: Mlflow { uri, ..self.mlflow }, ..self }
    }

    /// Name of the experiment, which is made when it does not exist (`MLFLOW_EXPERIMENT_NAME`).
    pub fn with_experiment(self, name: impl Into<String>) -> Self {
        Self { mlflow: self.mlflow.with_experiment(name), ..self }
    }

    /// Id of the experiment, a number; wins over the name (`MLFLOW_EXPERIMENT_ID`, default `0`).
    pub fn with_experiment_id(self, id: impl Into<String>) -> Self {
        Self { mlflow: self.mlflow.with_experiment_id(id), ..self }
    }

    /// User and password of the MLflow server (`MLFLOW_TRACKING_USERNAME`, `…_PASSWORD`).
    pub fn with_basic_auth(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { mlflow: self.mlflow.with_basic_auth(user, password), ..self }
    }

    /// Bearer token of the MLflow server (`MLFLOW_TRACKING_TOKEN`).
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { mlflow: self.mlflow.with_token(token), ..self }
    }

    /// When the separate trace-info call is made (`MLFLOW_TRACING_TRACE_INFO`, default auto).
    pub fn with_trace_info(self, mode: TraceInfoMode) -> Self {
        Self { mlflow: self.mlflow.with_trace_info(mode), ..self }
    }

    /// Whether the experiment's address in the UI is printed once at start
    /// (`MLFLOW_TRACING_PRINT_URL`, default true).
    pub fn with_print_url(self, print: bool) -> Self {
        Self { mlflow: self.mlflow.with_print_url(print), ..self }
    }

    /// Sends traces to the OTLP/HTTP receiver at this address, path included
    /// (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    pub fn with_otlp_endpoint(self, url: impl Into<String>) -> Self {
        let endpoint = Some(Named::new("with_otlp_endpoint", url));
        Self { otlp: Otlp { endpoint, ..self.otlp }, ..self }
    }

    /// Adds a header to every request to the OTLP receiver (`OTEL_EXPORTER_OTLP_TRACES_HEADERS`,
    /// whose header of the same name it replaces).
    pub fn with_otlp_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { otlp: self.otlp.with_header(name, value), ..self }
    }

    /// The protocol of the OTLP receiver (`OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, default gRPC for
    /// port 4317 and `http/protobuf` for any other).
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        Self { otlp: self.otlp.with_protocol(protocol), ..self }
    }

    /// Compresses requests to the OTLP receiver (`OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, default none).
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { otlp: self.otlp.with_compression(compression), ..self }
    }

    /// Workspace of the MLflow server that the experiment belongs to (`MLFLOW_WORKSPACE`).
    pub fn with_workspace(self, name: impl Into<String>) -> Self {
        Self { mlflow: self.mlflow.with_workspace(name), ..self }
    }

    /// Adds a destination; any number may be added. It is complete as it is: the environment adds
    /// nothing to it, and destinations in the environment are not used.
    pub fn with_destination(mut self, destination: impl Into<Destination>) -> Self {
        self.destinations.push(destination.into());
        self
    }

    /// Which encoder writes OTLP, for every destination (`MLFLOW_TRACING_OTLP_ENCODER`, default own).
    pub fn with_otlp_encoder(self, encoder: OtlpEncoder) -> Self {
        Self { otlp_encoder: Some(encoder), ..self }
    }

    /// Time that one attempt may take, unless a destination says otherwise
    /// (`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `MLFLOW_HTTP_REQUEST_TIMEOUT`, default 30 s).
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Name of the service (`OTEL_SERVICE_NAME`); in MLflow a tag of every trace.
    pub fn with_service_name(self, name: impl Into<String>) -> Self {
        Self { service_name: Some(name.into()), ..self }
    }

    /// Adds an attribute to the resource (`OTEL_RESOURCE_ATTRIBUTES`); in MLflow a tag of every trace.
    pub fn with_resource_attribute(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.resource_attributes.push((key.into(), value.into()));
        self
    }

    /// Adds what a resource detector finds; in MLflow a tag of every trace for each attribute.
    pub fn with_resource_detector(self, detector: &dyn ResourceDetector) -> Self {
        let found = detector.detect();
        found.iter().fold(self, |builder, (key, value)| {
            builder.with_resource_attribute(key.as_str(), value.as_str())
        })
    }

    /// Which traces are recorded (`OTEL_TRACES_SAMPLER`, `MLFLOW_TRACE_SAMPLING_RATIO`, default all
    /// but those whose parent, in another process, is not).
    pub fn with_sampler(self, sampler: Sampler) -> Self {
        Self { sampler: Some(sampler), ..self }
    }

    /// What is said of every trace: session, user, tags, metadata, ids. Where a scope or the root
    /// itself says otherwise, that wins. With [`enabled(false)`](TraceContext::enabled) only spans in
    /// scopes with `enabled(true)` are recorded. Default: nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-usual");
    /// let tracing = mlflow_tracing::builder()
    ///     .with_trace_context(mlflow_tracing::context().tag("region", "eu"))
    ///     .with_local_directory(&directory)
    ///     .build()?;
    /// assert!(tracing.is_enabled());
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn with_trace_context(self, trace_context: TraceContext) -> Self {
        Self { trace_context, ..self }
    }

    /// Whether the programs that call this one send their spans somewhere else. Default: false.
    ///
    /// A trace that comes in with a caller's `traceparent` has its root there. An MLflow server that
    /// never gets that root leaves the trace "In progress", without name, previews and tags, as it
    /// does with Python's SDK. With true the first span here stands for the root at MLflow servers:
    /// the trace is complete, and its tags, metadata and previews are those of this program. Other
    /// receivers still get the span below its caller's.
    ///
    /// Wrong where callers send to the same server: their root then gives the trace its name, its
    /// tags and its times, whenever it comes, but this span stays a second root, and state and
    /// previews stay this program's unless the caller makes the trace-info call (mlflow 3.17.2).
    ///
    /// # Examples
    ///
    /// ```
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-callers");
    /// let tracing = mlflow_tracing::builder()
    ///     .with_callers_elsewhere(true)
    ///     .with_local_directory(&directory)
    ///     .build()?;
    /// assert!(tracing.explain_config().settings().any(|(name, ..)| name == "callers"));
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn with_callers_elsewhere(self, elsewhere: bool) -> Self {
        Self { callers_elsewhere: elsewhere, ..self }
    }

    /// Whether spans are delivered behind the program's back
    /// (`MLFLOW_ENABLE_ASYNC_TRACE_LOGGING`, default true). With false the end of a root span waits
    /// for delivery, on its thread, for at most the drop timeout: for scripts, not for servers.
    pub fn with_async_trace_logging(self, is_async: bool) -> Self {
        Self { async_trace_logging: Some(is_async), ..self }
    }

    /// Where traces go when no destination is set (`MLFLOW_TRACING_DIRECTORY`, default
    /// `./mlflow-traces`). Named here, it is a destination as good as the others.
    pub fn with_local_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { local: Local { directory: Some(directory.into()), ..self.local }, ..self }
    }

    /// Whether traces are drawn in the terminal when no destination is set
    /// (`MLFLOW_TRACING_CONSOLE`, default auto).
    pub fn with_console(self, console: Console) -> Self {
        Self { local: self.local.with_console(console), ..self }
    }

    /// Bytes that spans may take: those that wait for a destination together with those that are yet
    /// to be encoded. Each further destination may take as much again.
    ///
    /// Default: 64 MiB. Limits: at least 1 MiB. Five eighths may wait for a destination; then the
    /// oldest are dropped. Three eighths are for spans that are yet to be encoded, where programs may
    /// be faster; then the newest are dropped. Both are counted.
    pub fn with_memory_limit(self, bytes: usize) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// Gives every span that says model and tokens what they cost (`MLFLOW_TRACING_PRICE_TABLE`, a
    /// path). Default: none; an MLflow server computes it for the models it knows.
    pub fn with_price_table(self, prices: PriceTable) -> Self {
        Self { prices: Some(prices), ..self }
    }

    /// Bytes of one input, output, attribute or text of an event; a longer one is cut, and marked with
    /// its size before (`MLFLOW_TRACING_MAX_CONTENT_BYTES`).
    ///
    /// JSON stays JSON of the same shape: its long strings are shortened first. Type, model, usage, cost
    /// and what describes the trace are never cut. Default: 2 MiB. Limits: at least 1 KiB.
    pub fn with_content_limit(self, bytes: usize) -> Self {
        Self { content_limit: Some(bytes), ..self }
    }

    /// Bytes that one request may have, unless a destination says otherwise; content of a span that is
    /// larger is cut to fit (`MLFLOW_TRACING_MAX_REQUEST_BYTES`).
    ///
    /// Default: 4 MiB, over gRPC 3.5 MiB. Limits: at least 64 KiB. Set it to what a proxy on the way lets
    /// through: nginx takes 1 MiB unless told otherwise.
    pub fn with_request_limit(self, bytes: usize) -> Self {
        Self { request_limit: Some(bytes), ..self }
    }

    /// Keeps spans on disk until they are delivered, by this process or the next
    /// (`MLFLOW_TRACING_SPOOL_DIRECTORY`). Default: they are in memory only.
    pub fn with_spool(self, spool: impl Into<Spool>) -> Self {
        Self { spool: spool.into(), ..self }
    }

    /// How long a span is tried before it is dropped and counted. Default: 15 minutes; with a spool, for
    /// as long as there is room for it.
    pub fn with_retry_window(self, window: Duration) -> Self {
        Self { retry_window: Some(window), ..self }
    }

    /// How long dropping the guard may take to deliver what is left. Default: 5 s.
    pub fn with_drop_timeout(self, timeout: Duration) -> Self {
        Self { drop_timeout: Some(timeout), ..self }
    }

    /// Calls `callback` with every loss: spans that a destination will never get. What it is told adds
    /// up to [`DestinationStats::dropped`](crate::DestinationStats::dropped), always.
    ///
    /// Default: none; a warning per reason and minute says the same. Losses of one reason at about the
    /// same time are one call; there is no other limit on calls. They come from threads of ours, of which
    /// a slow callback delays one: spans then wait, and may be lost for it. What is lost at the end is
    /// told by the thread that drops the guard, what ends after that by the thread that ends it. Calls may
    /// overlap. Spans made in it are not recorded, and a panic of it is caught. It must not wait for a
    /// flush, which may be waiting for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::{DropReason, Loss};
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// use std::time::Duration;
    ///
    /// // Nothing listens on this port.
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let tracing = mlflow_tracing::builder()
    ///     .with_tracking_uri("http://127.0.0.1:9")
    ///     .with_drop_callback(move |loss: &Loss| drop(tell.send(loss.clone())))
    ///     .build()?;
    /// tracing.provider().tracer("app").in_span("work", |_| ());
    /// tracing.shutdown(Duration::ZERO).unwrap_err();
    /// let loss = told.recv()?;
    /// assert_eq!((loss.reason, loss.spans), (DropReason::Shutdown, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_drop_callback(self, callback: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        Self { drop_callback: Some(DropCallback(Arc::new(callback))), ..self }
    }

    /// Least severe level of `tracing` spans and events that are captured. Default: INFO.
    pub fn with_max_level(self, level: LevelFilter) -> Self {
        Self { max_level: Some(level), ..self }
    }

    /// Whether spans of crates that carry requests (hyper, h2, tonic, tower, rustls, …) are captured.
    /// Default: false.
    pub fn with_infrastructure_spans(self, capture: bool) -> Self {
        Self { infrastructure_spans: capture, ..self }
    }

    /// Makes set-up wait until every destination is known to work, and fail when one is not within
    /// this time. Default: set-up never fails for what the network says.
    pub fn with_strict(self, patience: Duration) -> Self {
        Self { strict: Some(patience), ..self }
    }

    /// Has every panic wait until what has ended is delivered, for at most `patience`, on the thread
    /// that panics. Default: off.
    ///
    /// For programs that a panic ends before the guard is dropped: built with `panic = "abort"`, or
    /// with a guard that is never dropped. With `panic = "abort"` spans that are open never end: they
    /// are lost, and MLflow is told of a root in their place, as at [`shutdown`](crate::TracingGuard::shutdown).
    /// Where panics are caught, as in the tasks of tokio, each of them waits: choose little patience.
    ///
    /// The hook that was set before runs first; one that is set later replaces this one, unless it
    /// calls it. The hook itself waits for other threads only, whatever this one holds. Panics in what
    /// our own threads call, a filter or an exporter, are not waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// use std::time::Duration;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-panic");
    /// let tracing = mlflow_tracing::builder()
    ///     .with_local_directory(&directory)
    ///     .with_flush_on_panic(Duration::from_secs(2))
    ///     .build()?;
    /// tracing.provider().tracer("app").in_span("work", |_| ());
    /// let _ = std::panic::catch_unwind(|| panic!("as the example wants it"));
    /// assert_eq!(tracing.stats().destinations[0].delivered, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn with_flush_on_panic(self, patience: Duration) -> Self {
        Self { flush_on_panic: Some(patience), ..self }
    }

    /// Has SIGTERM and SIGINT deliver what is left, as [`shutdown`](crate::TracingGuard::shutdown) does, for
    /// at most `patience`; then the signal ends the program as it does by default, so that the status
    /// says so. A second signal ends it at once. Default: off. Needs the feature `signal`, and Unix.
    ///
    /// For programs that have no way to end by themselves: spans that are open are lost, nothing else
    /// of the program is cleaned up. One that handles signals (`tokio::signal`, axum's graceful
    /// shutdown) should not ask for this, but return from `main`, where the guard is dropped.
    ///
    /// When the guard is gone the signals act at once again. In a child that `fork` makes nobody waits
    /// for them: they do nothing until its first root span begins, and act at once then. Another handler of the program is still
    /// called, but the program ends nevertheless.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-signal");
    /// let builder = mlflow_tracing::builder()
    ///     .with_local_directory(&directory)
    ///     .with_shutdown_on_signal(Duration::from_secs(5));
    /// match builder.build() {
    ///     Ok(tracing) => assert!(tracing.is_enabled()),
    ///     Err(error) => assert!(error.to_string().contains("`signal`")), // the feature is off
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`build`](Self::build) fails where there is no such feature or system, or where the system
    /// refuses to have the signals handled.
    pub fn with_shutdown_on_signal(self, patience: Duration) -> Self {
        Self { shutdown_on_signal: Some(patience), ..self }
    }
}

/// Shows what was set; credentials and header values are masked.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("mlflow", &self.mlflow)
            .field("otlp", &self.otlp)
            .field("local", &self.local)
            .field("destinations", &self.destinations)
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}
