//! Settings that the program makes; they win over the environment.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::config::env::Env;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::transport::endpoint::{MASK, masked};
use crate::transport::headers::Headers;

/// Whether finished traces are drawn in the terminal when no destination is set.
///
/// Default: [`Console::Auto`]; `MLFLOW_TRACING_CONSOLE`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Console;
/// assert_eq!(Console::default(), Console::Auto);
/// let builder = mlflow_tracing::builder().with_console(Console::Never);
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Console {
    /// Always, without colours unless stderr is a terminal.
    Always,
    /// When stderr is a terminal.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// Compression of the requests to an OTLP receiver.
///
/// Default: [`Compression::None`]; `OTEL_EXPORTER_OTLP_COMPRESSION`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Compression;
/// let explanation = mlflow_tracing::builder()
///     .with_otlp_endpoint("http://127.0.0.1:4318/v1/traces")
///     .with_compression(Compression::Gzip)
///     .explain_config()?;
/// assert!(explanation.settings().any(|(name, value, _)| (name, value) == ("compression", "gzip")));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip at its fastest level.
    Gzip,
    /// None.
    #[default]
    None,
}

/// Sets up tracing; made by [`builder`](crate::builder).
///
/// Every setting that is not made here comes from the environment
/// ([`VARIABLES`](crate::VARIABLES)), and else has its default. Naming a destination here, with
/// [`with_tracking_uri`](Self::with_tracking_uri) or
/// [`with_otlp_endpoint`](Self::with_otlp_endpoint), means that destinations in the environment are
/// not used; naming both sends every trace to both.
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
    pub(crate) tracking_uri: Option<String>,
    pub(crate) experiment: Option<String>,
    pub(crate) experiment_id: Option<String>,
    pub(crate) basic_auth: Option<(String, String)>,
    pub(crate) token: Option<String>,
    pub(crate) trace_info: Option<TraceInfoMode>,
    pub(crate) print_url: Option<bool>,
    pub(crate) otlp_endpoint: Option<String>,
    pub(crate) otlp_headers: Headers,
    pub(crate) compression: Option<Compression>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) service_name: Option<String>,
    pub(crate) resource_attributes: Vec<(String, String)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) console: Option<Console>,
    pub(crate) memory_limit: Option<usize>,
    pub(crate) retry_window: Option<Duration>,
    pub(crate) drop_timeout: Option<Duration>,
    pub(crate) max_level: Option<LevelFilter>,
    pub(crate) infrastructure_spans: bool,
    pub(crate) strict: Option<Duration>,
}

impl Builder {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            tracking_uri: None,
            experiment: None,
            experiment_id: None,
            basic_auth: None,
            token: None,
            trace_info: None,
            print_url: None,
            otlp_endpoint: None,
            otlp_headers: Headers::default(),
            compression: None,
            timeout: None,
            service_name: None,
            resource_attributes: Vec::new(),
            directory: None,
            console: None,
            memory_limit: None,
            retry_window: None,
            drop_timeout: None,
            max_level: None,
            infrastructure_spans: false,
            strict: None,
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
        Self { tracking_uri: Some(uri.into()), ..self }
    }

    /// Name of the experiment, which is made when it does not exist (`MLFLOW_EXPERIMENT_NAME`).
    pub fn with_experiment(self, name: impl Into<String>) -> Self {
        Self { experiment: Some(name.into()), ..self }
    }

    /// Id of the experiment, a number; wins over the name (`MLFLOW_EXPERIMENT_ID`, default `0`).
    pub fn with_experiment_id(self, id: impl Into<String>) -> Self {
        Self { experiment_id: Some(id.into()), ..self }
    }

    /// User and password of the MLflow server (`MLFLOW_TRACKING_USERNAME`, `…_PASSWORD`).
    pub fn with_basic_auth(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { basic_auth: Some((user.into(), password.into())), ..self }
    }

    /// Bearer token of the MLflow server (`MLFLOW_TRACKING_TOKEN`).
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// When the separate trace-info call is made (`MLFLOW_TRACING_TRACE_INFO`, default auto).
    pub fn with_trace_info(self, mode: TraceInfoMode) -> Self {
        Self { trace_info: Some(mode), ..self }
    }

    /// Whether the experiment's address in the UI is printed once at start
    /// (`MLFLOW_TRACING_PRINT_URL`, default true).
    pub fn with_print_url(self, print: bool) -> Self {
        Self { print_url: Some(print), ..self }
    }

    /// Sends traces to the OTLP/HTTP receiver at this address, path included
    /// (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    pub fn with_otlp_endpoint(self, url: impl Into<String>) -> Self {
        Self { otlp_endpoint: Some(url.into()), ..self }
    }

    /// Adds a header to every request to the OTLP receiver (`OTEL_EXPORTER_OTLP_TRACES_HEADERS`,
    /// whose header of the same name it replaces).
    pub fn with_otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.otlp_headers.set(name, value);
        self
    }

    /// Compresses requests to the OTLP receiver (`OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, default none).
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression: Some(compression), ..self }
    }

    /// Time that one attempt may take (`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, default 30 s).
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

    /// Where traces go when no destination is set (`MLFLOW_TRACING_DIRECTORY`, default
    /// `./mlflow-traces`). Named here, it is a destination as good as the others.
    pub fn with_local_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..self }
    }

    /// Whether traces are drawn in the terminal when no destination is set
    /// (`MLFLOW_TRACING_CONSOLE`, default auto).
    pub fn with_console(self, console: Console) -> Self {
        Self { console: Some(console), ..self }
    }

    /// Bytes that spans may take before they are encoded, and again for each destination.
    ///
    /// Default: 64 MiB. Limits: at least 1 MiB. When a destination's share is full its oldest spans
    /// are dropped; when spans end faster than they are encoded the newest are. Both are counted.
    pub fn with_memory_limit(self, bytes: usize) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// How long a span is tried before it is dropped and counted. Default: 15 minutes.
    pub fn with_retry_window(self, window: Duration) -> Self {
        Self { retry_window: Some(window), ..self }
    }

    /// How long dropping the guard may take to deliver what is left. Default: 5 s.
    pub fn with_drop_timeout(self, timeout: Duration) -> Self {
        Self { drop_timeout: Some(timeout), ..self }
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
}

/// Shows what was set; credentials and header values are masked.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("tracking_uri", &self.tracking_uri.as_deref().map(masked))
            .field("experiment", &self.experiment)
            .field("experiment_id", &self.experiment_id)
            .field("basic_auth", &self.basic_auth.as_ref().map(|_| MASK))
            .field("token", &self.token.as_ref().map(|_| MASK))
            .field("otlp_endpoint", &self.otlp_endpoint.as_deref().map(masked))
            .field("otlp_headers", &self.otlp_headers)
            .field("service_name", &self.service_name)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
