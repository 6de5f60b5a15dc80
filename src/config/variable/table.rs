//! The table of environment variables. The README shows it; a test compares them.

use super::{Support, Variable, names};

const fn yes(name: &'static str, default: &'static str, effect: &'static str) -> Variable {
    Variable { name, default, support: Support::Honoured, effect, harmless: &[] }
}

const fn mapped(name: &'static str, default: &'static str, effect: &'static str) -> Variable {
    Variable { name, default, support: Support::Mapped, effect, harmless: &[] }
}

const fn no(
    name: &'static str,
    harmless: &'static [&'static str],
    effect: &'static str,
) -> Variable {
    Variable { name, default: "", support: Support::Ignored, effect, harmless }
}

/// Every variable that is read, or known and ignored, in the order of the README.
///
/// `MLFLOW_*` and `OTEL_*` names mean what they mean to the Python SDK (mlflow 3.17.2) and to the
/// OpenTelemetry specification; names of our own begin with `MLFLOW_TRACING_`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{Support, VARIABLES};
/// let uri = VARIABLES.iter().find(|v| v.name == "MLFLOW_TRACKING_URI").unwrap();
/// assert_eq!(uri.support, Support::Honoured);
/// ```
#[rustfmt::skip]
pub static VARIABLES: &[Variable] = &[
    yes(names::MLFLOW_TRACKING_URI, "", "MLflow server that gets the traces, `http://` or `https://`"),
    yes(names::MLFLOW_EXPERIMENT_NAME, "", "experiment of the traces; made when it does not exist"),
    yes(names::MLFLOW_EXPERIMENT_ID, "0", "experiment of the traces; wins over the name"),
    yes(names::MLFLOW_TRACING_DESTINATION, "", "experiment id that wins over the two above, and over an OTLP endpoint"),
    yes(names::MLFLOW_TRACKING_USERNAME, "", "user for HTTP Basic authentication, with the password"),
    yes(names::MLFLOW_TRACKING_PASSWORD, "", "password for HTTP Basic authentication"),
    yes(names::MLFLOW_TRACKING_TOKEN, "", "token for Bearer authentication; user and password win over it"),
    yes(names::HOME, "", "where `.mlflow/credentials` may hold user and password"),
    yes(names::USERPROFILE, "", "the same, on Windows"),
    yes(names::MLFLOW_WORKSPACE, "", "workspace that the experiment belongs to"),
    yes(names::MLFLOW_TRACKING_SERVER_CERT_PATH, "", "PEM file of the authorities that the MLflow server's certificate is checked by"),
    yes(names::MLFLOW_TRACKING_CLIENT_CERT_PATH, "", "PEM file of certificate and key that prove who we are to the MLflow server"),
    yes(names::MLFLOW_TRACKING_INSECURE_TLS, "false", "`true` takes any certificate of the MLflow server"),
    yes(names::MLFLOW_ACTIVE_MODEL_ID, "", "model id of every trace; needs the trace-info call"),
    yes(names::MLFLOW_ENABLE_OTLP_EXPORTER, "true", "`false` leaves the OTLP endpoint aside"),
    yes(names::MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT, "false", "`true` sends to the MLflow server and to the OTLP receiver"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, "", "OTLP receiver that gets the traces; the complete address; over gRPC the path does not matter"),
    yes(names::OTEL_EXPORTER_OTLP_ENDPOINT, "", "OTLP receiver that gets the traces; over HTTP `/v1/traces` is appended"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, "`grpc` for port 4317, else `http/protobuf`", "`grpc`, `http/protobuf` or `http/json`"),
    yes(names::OTEL_EXPORTER_OTLP_PROTOCOL, "the same", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_HEADERS, "", "headers of every request to the OTLP receiver: `key=value,key=value`, values percent-encoded"),
    yes(names::OTEL_EXPORTER_OTLP_HEADERS, "", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, "30000", "milliseconds that one attempt may take"),
    yes(names::OTEL_EXPORTER_OTLP_TIMEOUT, "30000", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, "none", "`gzip` or `none`"),
    yes(names::OTEL_EXPORTER_OTLP_COMPRESSION, "none", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE, "", "PEM file of the authorities that the receiver's certificate is checked by"),
    yes(names::OTEL_EXPORTER_OTLP_CERTIFICATE, "", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE, "", "PEM file of the certificate that proves who we are"),
    yes(names::OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, "", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY, "", "PEM file of that certificate's key"),
    yes(names::OTEL_EXPORTER_OTLP_CLIENT_KEY, "", "the same, for all signals"),
    yes(names::OTEL_EXPORTER_OTLP_TRACES_INSECURE, "", "for a gRPC address without a scheme: `true` means `http://`, `false` means `https://`"),
    yes(names::OTEL_EXPORTER_OTLP_INSECURE, "", "the same, for all signals"),
    yes(names::OTEL_TRACES_EXPORTER, "", "`otlp` (without an endpoint, the one on this host), `console` (trees on stderr), `none`; several with commas"),
    yes(names::MLFLOW_ENABLE_OTEL_GENAI_SEMCONV, "false", "`true` gives OTLP receivers messages as `gen_ai.input.messages` and `gen_ai.output.messages` in place of `mlflow.spanInputs` and `mlflow.spanOutputs`"),
    yes(names::MLFLOW_TRACING_OTLP_ENCODER, "own", "`own` or `official`: whose encoder writes OTLP"),
    yes(names::HTTP_PROXY, "", "proxy for `http://` destinations; never for loopback"),
    yes(names::HTTPS_PROXY, "", "proxy for `https://` destinations"),
    yes(names::ALL_PROXY, "", "proxy for both"),
    yes(names::NO_PROXY, "", "hosts, `host:port`, networks or `*` that are reached without it, with commas"),
    yes(names::HTTP_PROXY_LOWER, "", "as `HTTP_PROXY`, which wins"),
    yes(names::HTTPS_PROXY_LOWER, "", "as `HTTPS_PROXY`, which wins"),
    yes(names::ALL_PROXY_LOWER, "", "as `ALL_PROXY`, which wins"),
    yes(names::NO_PROXY_LOWER, "", "as `NO_PROXY`, which wins"),
    yes(names::OTEL_SERVICE_NAME, "unknown_service:<program>", "name of the service; a tag of the trace in MLflow"),
    yes(names::OTEL_RESOURCE_ATTRIBUTES, "", "more attributes of the resource: `key=value,key=value`, values percent-encoded; tags in MLflow"),
    yes(names::OTEL_SDK_DISABLED, "false", "`true` turns tracing off"),
    yes(names::OTEL_PROPAGATORS, "tracecontext,baggage", "which of `tracecontext` and `baggage` `init` installs, or `none`"),
    yes(names::OTEL_TRACES_SAMPLER, "parentbased_always_on", "which traces are recorded: `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`"),
    yes(names::OTEL_TRACES_SAMPLER_ARG, "1", "share of the traces, for the ratio samplers"),
    yes(names::MLFLOW_TRACE_SAMPLING_RATIO, "1", "share of the traces that are recorded; wins over `OTEL_TRACES_SAMPLER`"),
    yes(names::OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, "", "attributes of a span; MLflow's and the GenAI conventions' do not count"),
    yes(names::OTEL_ATTRIBUTE_COUNT_LIMIT, "", "the same, and for events and links"),
    yes(names::OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, "", "characters of a text in an attribute; longer ones are cut"),
    yes(names::OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, "", "the same"),
    yes(names::OTEL_SPAN_EVENT_COUNT_LIMIT, "4096", "events of a span"),
    yes(names::OTEL_SPAN_LINK_COUNT_LIMIT, "128", "links of a span"),
    yes(names::OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, "128", "attributes of an event"),
    yes(names::OTEL_LINK_ATTRIBUTE_COUNT_LIMIT, "128", "attributes of a link"),
    yes(names::MLFLOW_ENABLE_ASYNC_TRACE_LOGGING, "true", "`false` makes the end of a root span wait for delivery, at most 5 s (`with_drop_timeout`)"),
    mapped(names::MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS, "5000", "spans of a running trace leave after this time, those of a finished one after this or 200 ms"),
    mapped(names::OTEL_BSP_SCHEDULE_DELAY, "5000", "the same; the one above wins"),
    mapped(names::MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE, "", "traces that may wait for a destination, beside the limit in bytes; the oldest are dropped and counted"),
    mapped(names::OTEL_BSP_MAX_QUEUE_SIZE, "", "spans that may wait for a destination, in the same way"),
    yes(names::OTEL_BSP_MAX_EXPORT_BATCH_SIZE, "512", "spans of one request"),
    mapped(names::OTEL_BSP_EXPORT_TIMEOUT, "30000", "as `OTEL_EXPORTER_OTLP_TIMEOUT`, which wins"),
    mapped(names::MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT, "900", "seconds that a span is tried before it is dropped and counted, on every path; with a spool, none unless set"),
    mapped(names::MLFLOW_TRACE_TIMEOUT_SECONDS, "", "after so many seconds of silence a trace whose root never ended is closed as an error"),
    mapped(names::MLFLOW_TRACE_BUFFER_TTL_SECONDS, "3600", "the same; the one above wins"),
    mapped(names::MLFLOW_TRACE_BUFFER_MAX_SIZE, "10000", "open traces; beyond that one leaves early, and is not lost"),
    yes(names::MLFLOW_HTTP_REQUEST_TIMEOUT, "30", "seconds that one attempt to the MLflow server may take"),
    mapped(names::MLFLOW_HTTP_REQUEST_MAX_RETRIES, "", "repetitions of a request to the MLflow server, and of the look before the first; without it, as many as 15 minutes allow"),
    mapped(names::MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, "0.5", "seconds before the first repetition at most; doubled each time, up to 120"),
    yes(names::MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER, "true", "`false` does not let the MLflow server say when to repeat"),
    yes(names::MLFLOW_TRACING_TRACE_INFO, "auto", "`auto`, `always` or `never`: the separate trace-info call"),
    yes(names::MLFLOW_TRACING_MAX_CONTENT_BYTES, "2097152", "bytes of one input, output, attribute or text of an event; a longer one is cut, and marked"),
    yes(names::MLFLOW_TRACING_MAX_REQUEST_BYTES, "4194304, over gRPC 3670016", "bytes of one request; content of a span that is larger is cut to fit"),
    yes(names::MLFLOW_TRACING_SPOOL_DIRECTORY, "", "directory that spans are in until they are delivered, by this process or the next; without it they are in memory only"),
    yes(names::MLFLOW_TRACING_SPOOL_MAX_BYTES, "536870912", "bytes there for each destination; beyond that the oldest are dropped and counted"),
    yes(names::MLFLOW_TRACING_SPOOL_SYNC_INTERVAL, "500", "milliseconds after which the device has what was written, or `always`"),
    yes(names::MLFLOW_TRACING_PRICE_TABLE, "", "file with what models cost by token: litellm's list, or MLflow's model catalog (a file, or its directory)"),
    yes(names::MLFLOW_TRACING_DIRECTORY, "./mlflow-traces", "where traces go when no destination is set"),
    yes(names::MLFLOW_TRACING_CONSOLE, "auto", "`auto` (stderr is a terminal), `always` or `never`: trees when no destination is set"),
    yes(names::MLFLOW_TRACING_PRINT_URL, "true", "`false` keeps the experiment's address from being printed at start"),
    yes(names::NO_COLOR, "", "any value: trees without colours"),
    yes(names::USER, "", "operating-system user, for `mlflow.user`"),
    no("MLFLOW_TRACKING_AUTH", &[], "plug-ins of Python cannot run here; use a token"),
    no("MLFLOW_TRACKING_AWS_SIGV4", &["false", "0"], "requests are not signed for AWS yet"),
    no("MLFLOW_USE_BATCH_SPAN_PROCESSOR", &["true", "1"], "spans always leave in batches"),
    no("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", &[], "each destination has one sender, which keeps the order"),
    no("MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE", &[], "a trace leaves whole; `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` bounds a request"),
    no("MLFLOW_TRACE_TIMEOUT_CHECK_INTERVAL_SECONDS", &[], "nothing is polled"),
    no("MLFLOW_TRACE_EXTRACT_ATTACHMENTS", &[], "attachments stay in the span; there is no upload yet"),
    no("MLFLOW_TRACE_MAX_ATTACHMENT_SIZE", &[], "there is no upload of attachments yet"),
    no("MLFLOW_USE_DEFAULT_TRACER_PROVIDER", &[], "`init` sets the global provider, `build` does not"),
    no("MLFLOW_TRACE_PROPAGATE_TO_OTEL_CONTEXT", &["true", "1"], "spans are always those of the OpenTelemetry context"),
    no("MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR", &[], "ids never come from a generator that the program seeds"),
    no("MLFLOW_RUN_CONTEXT", &[], "runs are not our business; use metadata of the trace"),
    no("MLFLOW_MODEL_CATALOG_URI", &[], "no price list is fetched behind your back; see `MLFLOW_TRACING_PRICE_TABLE`"),
    no("MLFLOW_LOGGING_LEVEL", &[], "what we say goes to the program's `tracing` subscriber, target `mlflow_tracing`"),
    no("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", &[], "the jitter is always the whole pause"),
    no("MLFLOW_HTTP_POOL_CONNECTIONS", &[], "each destination has one connection"),
    no("MLFLOW_HTTP_POOL_MAXSIZE", &[], "each destination has one connection"),
    no("MLFLOW_HTTP_TCP_KEEPALIVE", &[], "a connection idle for 4 s is not used again"),
    no("MLFLOW_ALLOW_HTTP_REDIRECTS", &["false", "0"], "a redirect that is followed turns a POST into a GET; set the address it leads to"),
    no("OTEL_LOG_LEVEL", &[], "what we say goes to the program's `tracing` subscriber, target `mlflow_tracing`"),
    no("OTEL_CONFIG_FILE", &[], "there is no file configuration yet"),
    no("OTEL_EXPERIMENTAL_CONFIG_FILE", &[], "there is no file configuration yet"),
    no("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", &[], "detectors are code here: `with_resource_detector`"),
];
