//! The table of environment variables. The README shows it; a test compares them.

/// An environment variable that this crate knows.
///
/// [`VARIABLES`] holds them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its exact name.
    pub name: &'static str,
    /// What holds when it is not set; empty for nothing.
    pub default: &'static str,
    /// What it does, in one line.
    pub effect: &'static str,
    /// Whether it is honoured. One that is not costs a warning when it is set.
    pub honoured: bool,
    /// Values that ask for nothing but the default, and cost no warning.
    pub harmless: &'static [&'static str],
}

const fn yes(name: &'static str, default: &'static str, effect: &'static str) -> Variable {
    Variable { name, default, effect, honoured: true, harmless: &[] }
}

const fn no(name: &'static str, harmless: &'static [&'static str]) -> Variable {
    Variable { name, default: "", effect: "known, not supported yet", honoured: false, harmless }
}

/// Every variable that is read, or known and not supported yet, in the order of the README.
///
/// `MLFLOW_*` and `OTEL_*` names mean what they mean to the Python SDK (mlflow 3.17.2) and to the
/// OpenTelemetry specification; names of our own begin with `MLFLOW_TRACING_`.
///
/// # Examples
///
/// ```
/// let uri = mlflow_tracing::VARIABLES.iter().find(|v| v.name == "MLFLOW_TRACKING_URI").unwrap();
/// assert!(uri.honoured);
/// ```
pub static VARIABLES: &[Variable] = &[
    yes(MLFLOW_TRACKING_URI, "", "MLflow server that gets the traces, `http://` or `https://`"),
    yes(MLFLOW_EXPERIMENT_NAME, "", "experiment of the traces; made when it does not exist"),
    yes(MLFLOW_EXPERIMENT_ID, "0", "experiment of the traces; wins over the name"),
    yes(MLFLOW_TRACKING_USERNAME, "", "user for HTTP Basic authentication, with the password"),
    yes(MLFLOW_TRACKING_PASSWORD, "", "password for HTTP Basic authentication"),
    yes(
        MLFLOW_TRACKING_TOKEN,
        "",
        "token for Bearer authentication; user and password win over it",
    ),
    yes(
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        "",
        "OTLP receiver that gets the traces; the complete address",
    ),
    yes(
        OTEL_EXPORTER_OTLP_ENDPOINT,
        "",
        "OTLP receiver that gets the traces; `/v1/traces` is appended",
    ),
    yes(
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
        "http/protobuf",
        "only `http/protobuf` yet; port 4317 without it is an error",
    ),
    yes(OTEL_EXPORTER_OTLP_PROTOCOL, "http/protobuf", "the same, for all signals"),
    yes(
        OTEL_EXPORTER_OTLP_TRACES_HEADERS,
        "",
        "headers of every request to the OTLP receiver: `key=value,key=value`, values percent-encoded",
    ),
    yes(OTEL_EXPORTER_OTLP_HEADERS, "", "the same, for all signals"),
    yes(OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, "30000", "milliseconds that one attempt may take"),
    yes(OTEL_EXPORTER_OTLP_TIMEOUT, "30000", "the same, for all signals"),
    yes(OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, "none", "`gzip` or `none`"),
    yes(OTEL_EXPORTER_OTLP_COMPRESSION, "none", "the same, for all signals"),
    yes(
        OTEL_SERVICE_NAME,
        "unknown_service:<program>",
        "name of the service; a tag of the trace in MLflow",
    ),
    yes(
        OTEL_RESOURCE_ATTRIBUTES,
        "",
        "more attributes of the resource: `key=value,key=value`, values percent-encoded; tags in MLflow",
    ),
    yes(OTEL_SDK_DISABLED, "false", "`true` turns tracing off"),
    yes(
        OTEL_TRACES_SAMPLER,
        "parentbased_always_on",
        "which traces are recorded; read by the OpenTelemetry SDK",
    ),
    yes(OTEL_TRACES_SAMPLER_ARG, "", "ratio for the ratio samplers; read by the OpenTelemetry SDK"),
    yes(
        MLFLOW_TRACING_TRACE_INFO,
        "auto",
        "`auto`, `always` or `never`: the separate trace-info call",
    ),
    yes(MLFLOW_TRACING_DIRECTORY, "./mlflow-traces", "where traces go when no destination is set"),
    yes(
        MLFLOW_TRACING_CONSOLE,
        "auto",
        "`auto` (stderr is a terminal), `always` or `never`: trees when no destination is set",
    ),
    yes(
        MLFLOW_TRACING_PRINT_URL,
        "true",
        "`false` keeps the experiment's address from being printed at start",
    ),
    yes(NO_COLOR, "", "any value: trees without colours"),
    yes(USER, "", "operating-system user, for `mlflow.user`"),
    no("MLFLOW_TRACING_DESTINATION", &[]),
    no("MLFLOW_TRACE_SAMPLING_RATIO", &["1", "1.0"]),
    no("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", &["true", "1"]),
    no("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", &[]),
    no("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", &["5000"]),
    no("MLFLOW_TRACE_TIMEOUT_SECONDS", &[]),
    no("MLFLOW_TRACE_BUFFER_TTL_SECONDS", &["3600"]),
    no("MLFLOW_TRACE_BUFFER_MAX_SIZE", &[]),
    no("MLFLOW_ENABLE_OTLP_EXPORTER", &["true", "1"]),
    no("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", &["false", "0"]),
    no("MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", &["false", "0"]),
    no("MLFLOW_ACTIVE_MODEL_ID", &[]),
    no("MLFLOW_WORKSPACE", &[]),
    no("MLFLOW_TRACKING_AUTH", &[]),
    no("MLFLOW_TRACKING_AWS_SIGV4", &["false", "0"]),
    no("MLFLOW_TRACKING_INSECURE_TLS", &["false", "0"]),
    no("MLFLOW_TRACKING_SERVER_CERT_PATH", &[]),
    no("MLFLOW_TRACKING_CLIENT_CERT_PATH", &[]),
    no("MLFLOW_HTTP_REQUEST_TIMEOUT", &[]),
    no("MLFLOW_HTTP_REQUEST_MAX_RETRIES", &[]),
    no("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", &[]),
    no("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", &[]),
    no("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", &["true", "1"]),
    no("OTEL_TRACES_EXPORTER", &["otlp"]),
    no("OTEL_PROPAGATORS", &["tracecontext,baggage", "tracecontext"]),
    no("OTEL_BSP_SCHEDULE_DELAY", &[]),
    no("OTEL_BSP_EXPORT_TIMEOUT", &[]),
    no("OTEL_BSP_MAX_QUEUE_SIZE", &[]),
    no("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &[]),
    no("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", &[]),
    no("OTEL_ATTRIBUTE_COUNT_LIMIT", &[]),
    no("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", &[]),
    no("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", &[]),
    no("OTEL_SPAN_EVENT_COUNT_LIMIT", &[]),
    no("OTEL_SPAN_LINK_COUNT_LIMIT", &[]),
    no("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", &[]),
    no("OTEL_EXPORTER_OTLP_CERTIFICATE", &[]),
    no("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", &[]),
    no("OTEL_EXPORTER_OTLP_CLIENT_KEY", &[]),
    no("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", &[]),
    no("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &[]),
    no("OTEL_EXPORTER_OTLP_TRACES_INSECURE", &["false"]),
    no("OTEL_EXPORTER_OTLP_INSECURE", &["false"]),
    no("HTTP_PROXY", &[]),
    no("HTTPS_PROXY", &[]),
    no("ALL_PROXY", &[]),
];

pub(crate) const MLFLOW_TRACKING_URI: &str = "MLFLOW_TRACKING_URI";
pub(crate) const MLFLOW_EXPERIMENT_NAME: &str = "MLFLOW_EXPERIMENT_NAME";
pub(crate) const MLFLOW_EXPERIMENT_ID: &str = "MLFLOW_EXPERIMENT_ID";
pub(crate) const MLFLOW_TRACKING_USERNAME: &str = "MLFLOW_TRACKING_USERNAME";
pub(crate) const MLFLOW_TRACKING_PASSWORD: &str = "MLFLOW_TRACKING_PASSWORD";
pub(crate) const MLFLOW_TRACKING_TOKEN: &str = "MLFLOW_TRACKING_TOKEN";
pub(crate) const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
pub(crate) const OTEL_EXPORTER_OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
pub(crate) const OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
pub(crate) const OTEL_EXPORTER_OTLP_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
pub(crate) const OTEL_EXPORTER_OTLP_TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
pub(crate) const OTEL_EXPORTER_OTLP_HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
pub(crate) const OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
pub(crate) const OTEL_EXPORTER_OTLP_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
pub(crate) const OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: &str =
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION";
pub(crate) const OTEL_EXPORTER_OTLP_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
pub(crate) const OTEL_SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
pub(crate) const OTEL_RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
pub(crate) const OTEL_SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
pub(crate) const OTEL_TRACES_SAMPLER: &str = "OTEL_TRACES_SAMPLER";
pub(crate) const OTEL_TRACES_SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
pub(crate) const MLFLOW_TRACING_TRACE_INFO: &str = "MLFLOW_TRACING_TRACE_INFO";
pub(crate) const MLFLOW_TRACING_DIRECTORY: &str = "MLFLOW_TRACING_DIRECTORY";
pub(crate) const MLFLOW_TRACING_CONSOLE: &str = "MLFLOW_TRACING_CONSOLE";
pub(crate) const MLFLOW_TRACING_PRINT_URL: &str = "MLFLOW_TRACING_PRINT_URL";
pub(crate) const NO_COLOR: &str = "NO_COLOR";
pub(crate) const USER: &str = "USER";
