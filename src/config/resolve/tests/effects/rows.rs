//! The rows: one for every variable.

use super::*;

pub(super) fn rows() -> Vec<Row> {
    [mlflow_rows(), otlp_rows(), tls_rows(), proxy_rows(), trace_rows(), pipe_rows(), local_rows()]
        .concat()
}

const TLS_MLFLOW: Pair = ("MLFLOW_TRACKING_URI", "https://mlflow");

fn mlflow_rows() -> Vec<Row> {
    const ANNA: &str = "Authorization: Basic YW5uYTpwdw==";
    const USER: Pair = ("MLFLOW_TRACKING_USERNAME", "anna");
    const PASSWORD: Pair = ("MLFLOW_TRACKING_PASSWORD", "pw");
    const IN_URI: &str = "MLflow http://mlflow:5000";
    const LOCAL: &str = "local ./mlflow-traces";
    let experiment: Look = |config| format!("{:?}", mlflow(config).experiment);
    let user: Look = |config| format!("{:?}", mlflow(config).user);
    let model: Look = |config| format!("{:?}", mlflow(config).model_id);
    let trace_info: Look = |config| format!("{:?}", mlflow(config).trace_info);
    let print: Look = |config| mlflow(config).print_url.to_string();
    let retries: Look = |config| format!("{:?}", config.destinations[0].retry.max_retries);
    let pauses: Look = |config| {
        let retry = config.destinations[0].retry;
        format!("{:?} {:?}", retry.base, retry.max)
    };
    let respect: Look = |config| config.destinations[0].retry.respect_retry_after.to_string();
    vec![
        (&[], MLFLOW, places, LOCAL, IN_URI),
        (&[MLFLOW], ("MLFLOW_EXPERIMENT_NAME", "rag"), experiment, r#"Id("0")"#, r#"Name("rag")"#),
        (&[MLFLOW], ("MLFLOW_EXPERIMENT_ID", "7"), experiment, r#"Id("0")"#, r#"Id("7")"#),
        (
            &[MLFLOW, OTLP],
            ("MLFLOW_TRACING_DESTINATION", "8"),
            places,
            "OTLP http://otlp:4318/v1/traces",
            IN_URI,
        ),
        (&[MLFLOW, PASSWORD], USER, mlflow_headers, "", ANNA),
        (&[MLFLOW, USER], PASSWORD, mlflow_headers, "", ANNA),
        (&[MLFLOW], ("MLFLOW_TRACKING_TOKEN", "t"), mlflow_headers, "", "Authorization: Bearer t"),
        (&[MLFLOW], ("HOME", "@"), mlflow_headers, "", ANNA),
        (&[MLFLOW], ("USERPROFILE", "@"), mlflow_headers, "", ANNA),
        (&[MLFLOW], ("MLFLOW_WORKSPACE", "team"), mlflow_headers, "", "X-MLFLOW-WORKSPACE: team"),
        (&[MLFLOW], ("MLFLOW_ACTIVE_MODEL_ID", "m-1"), model, "None", r#"Some("m-1")"#),
        (&[MLFLOW], ("USER", "anna"), user, "None", r#"Some("anna")"#),
        (&[MLFLOW], ("MLFLOW_TRACING_TRACE_INFO", "never"), trace_info, "Auto", "Never"),
        (&[MLFLOW], ("MLFLOW_TRACING_PRINT_URL", "false"), print, "true", "false"),
        (&[MLFLOW], ("MLFLOW_HTTP_REQUEST_TIMEOUT", "1.5"), attempt, "30s", "1.5s"),
        (&[MLFLOW], ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"), retries, "None", "Some(0)"),
        (&[MLFLOW], ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "2"), pauses, "500ms 30s", "2s 120s"),
        (&[MLFLOW], ("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false"), respect, "true", "false"),
    ]
}

fn otlp_rows() -> Vec<Row> {
    const BARE: Pair = ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp:4317");
    const LOCAL: &str = "local ./mlflow-traces";
    let protocol: Look = |config| otlp(config).protocol.to_string();
    let gzip: Look = |config| otlp(config).gzip.to_string();
    let words: Look = |config| otlp(config).gen_ai_messages.to_string();
    let encoder: Look = |config| format!("{:?}", otlp(config).encoder);
    let url = "OTLP http://otlp:4318/v1/traces";
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otlp:4318");
    vec![
        (&[OTLP], ("MLFLOW_ENABLE_OTLP_EXPORTER", "false"), places, url, LOCAL),
        (
            &[MLFLOW, OTLP],
            ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true"),
            places,
            url,
            "MLflow http://mlflow:5000, OTLP http://otlp:4318/v1/traces",
        ),
        (&[], OTLP, places, LOCAL, url),
        (&[], general, places, LOCAL, url),
        (&[], ("OTEL_TRACES_EXPORTER", "console"), places, LOCAL, "console"),
        (
            &[OTLP],
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            protocol,
            "http/protobuf",
            "grpc",
        ),
        (
            &[OTLP],
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            protocol,
            "http/protobuf",
            "http/json",
        ),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=1"), otlp_headers, "", "a: 1"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_HEADERS", "b=%32"), otlp_headers, "", "b: 2"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1000"), attempt, "30s", "1s"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"), attempt, "30s", "2s"),
        (&[OTLP], ("OTEL_BSP_EXPORT_TIMEOUT", "3000"), attempt, "30s", "3s"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"), gzip, "false", "true"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), gzip, "false", "true"),
        (
            &[BARE],
            ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true"),
            places,
            FAILS,
            "OTLP http://otlp:4317",
        ),
        (&[BARE], ("OTEL_EXPORTER_OTLP_INSECURE", "true"), places, FAILS, "OTLP http://otlp:4317"),
        (&[OTLP], ("MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", "true"), words, "false", "true"),
        (&[OTLP], ("MLFLOW_TRACING_OTLP_ENCODER", "official"), encoder, "Own", "Official"),
    ]
}

fn tls_rows() -> Vec<Row> {
    const CERTIFICATE: Pair = ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "@/client.pem");
    const KEY: Pair = ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "@/client.key");
    const TRACES_CERTIFICATE: Pair =
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "@/client.pem");
    const TRACES_KEY: Pair = ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "@/client.key");
    let ca = |name| (name, "@/ca.pem");
    vec![
        (&[MLFLOW], ca("MLFLOW_TRACKING_SERVER_CERT_PATH"), mlflow_tls, "", "authorities"),
        (&[MLFLOW], ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "@/both.pem"), mlflow_tls, "", "identity"),
        (&[MLFLOW], ("MLFLOW_TRACKING_INSECURE_TLS", "true"), mlflow_tls, "", "insecure"),
        (&[OTLP], ca("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"), otlp_tls, "", "authorities"),
        (&[OTLP], ca("OTEL_EXPORTER_OTLP_CERTIFICATE"), otlp_tls, "", "authorities"),
        (&[OTLP, KEY], CERTIFICATE, otlp_tls, FAILS, "identity"),
        (&[OTLP, CERTIFICATE], KEY, otlp_tls, FAILS, "identity"),
        (&[OTLP, TRACES_KEY], TRACES_CERTIFICATE, otlp_tls, FAILS, "identity"),
        (&[OTLP, TRACES_CERTIFICATE], TRACES_KEY, otlp_tls, FAILS, "identity"),
    ]
}

fn proxy_rows() -> Vec<Row> {
    const THERE: &str = "http://there:1";
    const PROXIED: &[Pair] = &[MLFLOW, ("HTTP_PROXY", THERE)];
    vec![
        (&[MLFLOW], ("HTTP_PROXY", THERE), proxy, "", THERE),
        (&[MLFLOW], ("http_proxy", THERE), proxy, "", THERE),
        (&[TLS_MLFLOW], ("HTTPS_PROXY", THERE), proxy, "", THERE),
        (&[TLS_MLFLOW], ("https_proxy", THERE), proxy, "", THERE),
        (&[TLS_MLFLOW], ("ALL_PROXY", THERE), proxy, "", THERE),
        (&[TLS_MLFLOW], ("all_proxy", THERE), proxy, "", THERE),
        (PROXIED, ("NO_PROXY", "mlflow"), proxy, THERE, ""),
        (PROXIED, ("no_proxy", "mlflow"), proxy, THERE, ""),
    ]
}

fn trace_rows() -> Vec<Row> {
    const BY_RATIO: Pair = ("OTEL_TRACES_SAMPLER", "traceidratio");
    const ALWAYS: &str = "ParentBased(AlwaysOn)";
    let propagation: Look = |config| format!("{:?}", config.propagation);
    let length: Look = |config| format!("{:?}", config.pipeline.trim.max_chars);
    let events: Look = |config| config.span_limits.max_events_per_span.to_string();
    let links: Look = |config| config.span_limits.max_links_per_span.to_string();
    let disabled: Look = |config| config.disabled.to_string();
    vec![
        (&[], ("OTEL_SERVICE_NAME", "api"), resource, "unknown_service:program ", "api "),
        (
            &[],
            ("OTEL_RESOURCE_ATTRIBUTES", "team=blue"),
            resource,
            "unknown_service:program ",
            "unknown_service:program blue",
        ),
        (&[], ("OTEL_SDK_DISABLED", "true"), disabled, "false", "true"),
        (
            &[],
            ("OTEL_PROPAGATORS", "baggage"),
            propagation,
            "Propagation { trace_context: true, baggage: true }",
            "Propagation { trace_context: false, baggage: true }",
        ),
        (&[], ("OTEL_TRACES_SAMPLER", "always_off"), sampler, ALWAYS, "AlwaysOff"),
        (
            &[BY_RATIO],
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            sampler,
            "TraceIdRatioBased(1.0)",
            "TraceIdRatioBased(0.25)",
        ),
        (
            &[],
            ("MLFLOW_TRACE_SAMPLING_RATIO", "0.5"),
            sampler,
            ALWAYS,
            "ParentBased(TraceIdRatioBased(0.5))",
        ),
        (
            &[],
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "9"),
            attributes,
            "None 128 128",
            "Some(9) 128 128",
        ),
        (&[], ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"), attributes, "None 128 128", "Some(9) 9 9"),
        (&[], ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "9"), attributes, "None 128 128", "None 9 128"),
        (&[], ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "9"), attributes, "None 128 128", "None 128 9"),
        (&[], ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9"), length, "None", "Some(9)"),
        (&[], ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9"), length, "None", "Some(9)"),
        (&[], ("OTEL_SPAN_EVENT_COUNT_LIMIT", "9"), events, "4096", "9"),
        (&[], ("OTEL_SPAN_LINK_COUNT_LIMIT", "9"), links, "128", "9"),
    ]
}

fn pipe_rows() -> Vec<Row> {
    const INTERVAL: &str = "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS";
    const USUAL: &str = "200ms 5s 3600s";
    const SPOOL: Pair = ("MLFLOW_TRACING_SPOOL_DIRECTORY", "/spool");
    let spool: Look = |config| match &config.pipeline.spool {
        Some(SpoolSettings { directory, max_bytes, sync }) => {
            format!("{} {max_bytes} {sync:?}", directory.display())
        }
        None => "None".to_owned(),
    };
    let waits: Look = |config| config.waits_for_delivery.to_string();
    let max_traces: Look = |config| format!("{:?}", config.pipeline.max_traces);
    let max_spans: Look = |config| format!("{:?}", config.pipeline.max_spans);
    let content: Look = |config| format!("{:?}", config.pipeline.trim.content_bytes);
    let request: Look = |config| otlp(config).limits.max_bytes.to_string();
    let prices: Look =
        |config| format!("{:?}", config.pipeline.prices.as_ref().map(PriceTable::len));
    let open: Look = |config| config.pipeline.table.max_traces.to_string();
    let batch: Look = |config| otlp(config).limits.max_spans.to_string();
    let window: Look = |config| format!("{:?}", config.destinations[0].retry.window(false));
    vec![
        (&[], ("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false"), waits, "false", "true"),
        (&[], (INTERVAL, "100"), times, USUAL, "100ms 100ms 3600s"),
        (&[], ("OTEL_BSP_SCHEDULE_DELAY", "1000"), times, USUAL, "200ms 1s 3600s"),
        (&[], ("MLFLOW_TRACE_TIMEOUT_SECONDS", "60"), times, USUAL, "200ms 5s 60s"),
        (&[], ("MLFLOW_TRACE_BUFFER_TTL_SECONDS", "90"), times, USUAL, "200ms 5s 90s"),
        (&[], ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", "9"), max_traces, "None", "Some(9)"),
        (&[], ("OTEL_BSP_MAX_QUEUE_SIZE", "9"), max_spans, "None", "Some(9)"),
        (&[OTLP], ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"), batch, "512", "9"),
        (&[], ("MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT", "9"), window, "900s", "9s"),
        (&[], ("MLFLOW_TRACE_BUFFER_MAX_SIZE", "9"), open, "10000", "9"),
        (&[], ("MLFLOW_TRACING_MAX_CONTENT_BYTES", "1024"), content, "Some(2097152)", "Some(1024)"),
        (&[OTLP], ("MLFLOW_TRACING_MAX_REQUEST_BYTES", "65536"), request, "4194304", "65536"),
        (&[OTLP], SPOOL, spool, "None", "/spool 536870912 Every(500ms)"),
        (
            &[OTLP, SPOOL],
            ("MLFLOW_TRACING_SPOOL_MAX_BYTES", "67108864"),
            spool,
            "/spool 536870912 Every(500ms)",
            "/spool 67108864 Every(500ms)",
        ),
        (
            &[OTLP, SPOOL],
            ("MLFLOW_TRACING_SPOOL_SYNC_INTERVAL", "always"),
            spool,
            "/spool 536870912 Every(500ms)",
            "/spool 536870912 Always",
        ),
        (&[], ("MLFLOW_TRACING_PRICE_TABLE", "@/prices.json"), prices, "None", "Some(1)"),
    ]
}

fn local_rows() -> Vec<Row> {
    const NEVER: &[Pair] = &[("MLFLOW_TRACING_CONSOLE", "never")];
    let console: Look = |config| local(config).console.to_string();
    vec![
        (
            &[],
            ("MLFLOW_TRACING_DIRECTORY", "/var/traces"),
            places,
            "local ./mlflow-traces",
            "local /var/traces",
        ),
        (NEVER, ("MLFLOW_TRACING_CONSOLE", "always"), console, "false", "true"),
    ]
}
