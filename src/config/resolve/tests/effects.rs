//! Every variable of the table that is not ignored makes a difference.

use super::files::Files;
use super::*;
use crate::config::variable::Support;

/// Where a setting is seen.
type Look = fn(&Config) -> String;
/// What else is set, the variable and its value, where to look, what is seen without it and with it.
type Row = (&'static [Pair], Pair, Look, &'static str, &'static str);

const FAILS: &str = "cannot be set up";

#[test]
fn every_variable_that_is_not_ignored_has_an_effect() {
    let files = Files::new();
    for (given, variable, look, without, with) in rows() {
        let seen = |variables: &[Pair]| match Config::resolve(&files.env(variables)) {
            Ok(config) => look(&config),
            Err(_) => FAILS.to_owned(),
        };
        let (name, value) = variable;
        assert_eq!(seen(given), without, "without {name}");
        assert_eq!(seen(&[given, &[variable]].concat()), with, "with {name}={value}");
    }
}

#[test]
fn every_variable_that_is_not_ignored_has_a_row() {
    let known = VARIABLES.iter().filter(|variable| variable.support != Support::Ignored);
    let mut known: Vec<_> = known.map(|variable| variable.name).collect();
    // Shown where it is read: whether there is a terminal is not for a test to say.
    known.retain(|name| *name != "NO_COLOR");
    let mut tested: Vec<_> = rows().into_iter().map(|(_, (name, _), ..)| name).collect();
    known.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, known);
}

/// Kind and address of every destination.
fn places(config: &Config) -> String {
    let place = |destination: &DestinationConfig| match &destination.kind {
        KindConfig::Mlflow(settings) => format!("MLflow {}", settings.endpoint.url()),
        KindConfig::Otlp(settings) => format!("OTLP {}", settings.url),
        KindConfig::Exporter(settings) => format!("exporter {}", settings.name()),
        KindConfig::Local(settings) => match &settings.directory {
            Some(directory) => format!("local {}", directory.display()),
            None => "console".to_owned(),
        },
    };
    config.destinations.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn mlflow(config: &Config) -> &MlflowSettings {
    let KindConfig::Mlflow(settings) = &config.destinations[0].kind else { panic!("no MLflow") };
    settings
}

fn otlp(config: &Config) -> &OtlpSettings {
    let KindConfig::Otlp(settings) = &config.destinations[0].kind else { panic!("no OTLP") };
    settings
}

fn local(config: &Config) -> &LocalSettings {
    let KindConfig::Local(settings) = &config.destinations[0].kind else { panic!("no files") };
    settings
}

fn headers(headers: &crate::transport::headers::Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn mlflow_headers(config: &Config) -> String {
    headers(&mlflow(config).headers)
}

fn otlp_headers(config: &Config) -> String {
    headers(&otlp(config).headers)
}

fn tls_of(tls: &crate::transport::connection::Tls) -> String {
    let has = [
        tls.authorities.as_ref().map(|_| "authorities"),
        tls.identity.as_ref().map(|_| "identity"),
        tls.insecure.then_some("insecure"),
    ];
    has.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn mlflow_tls(config: &Config) -> String {
    tls_of(&mlflow(config).connection.tls)
}

fn otlp_tls(config: &Config) -> String {
    tls_of(&otlp(config).connection.tls)
}

fn proxy(config: &Config) -> String {
    let proxy = mlflow(config).connection.proxy.as_ref();
    proxy.map(|proxy| proxy.url().to_owned()).unwrap_or_default()
}

fn attempt(config: &Config) -> String {
    format!("{:?}", config.destinations[0].retry.attempt)
}

fn resource(config: &Config) -> String {
    let of = |key: &'static str| config.resource.get(&key.into());
    let shown = |key| of(key).map(|value| value.as_str().into_owned()).unwrap_or_default();
    format!("{} {}", shown("service.name").replace(env::target(), "program"), shown("team"))
}

fn sampler(config: &Config) -> String {
    format!("{:?}", config.sampler)
}

fn attributes(config: &Config) -> String {
    let limits = &config.span_limits;
    format!(
        "{:?} {} {}",
        config.pipeline.trim.max_attributes,
        limits.max_attributes_per_event,
        limits.max_attributes_per_link
    )
}

fn times(config: &Config) -> String {
    let table = &config.pipeline.table;
    format!("{:?} {:?} {:?}", table.finished, table.running, table.ttl)
}

fn rows() -> Vec<Row> {
    [mlflow_rows(), otlp_rows(), tls_rows(), proxy_rows(), trace_rows(), pipe_rows(), local_rows()]
        .concat()
}

const TLS_MLFLOW: Pair = ("MLFLOW_TRACKING_URI", "https://mlflow");

fn mlflow_rows() -> Vec<Row> {
    const ANNA: &str = "Authorization: Basic YW5uYTpwdw==\n";
    const USER: Pair = ("MLFLOW_TRACKING_USERNAME", "anna");
    const PASSWORD: Pair = ("MLFLOW_TRACKING_PASSWORD", "pw");
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
    const IN_URI: &str = "MLflow http://mlflow:5000";
    const LOCAL: &str = "local ./mlflow-traces";
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
        (
            &[MLFLOW],
            ("MLFLOW_TRACKING_TOKEN", "t"),
            mlflow_headers,
            "",
            "Authorization: Bearer t\n",
        ),
        (&[MLFLOW], ("HOME", "@"), mlflow_headers, "", ANNA),
        (&[MLFLOW], ("USERPROFILE", "@"), mlflow_headers, "", ANNA),
        (&[MLFLOW], ("MLFLOW_WORKSPACE", "team"), mlflow_headers, "", "X-MLFLOW-WORKSPACE: team\n"),
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
        (&[OTLP], ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=1"), otlp_headers, "", "a: 1\n"),
        (&[OTLP], ("OTEL_EXPORTER_OTLP_HEADERS", "b=%32"), otlp_headers, "", "b: 2\n"),
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
    let waits: Look = |config| config.waits_for_delivery.to_string();
    let max_traces: Look = |config| format!("{:?}", config.pipeline.max_traces);
    let max_spans: Look = |config| format!("{:?}", config.pipeline.max_spans);
    let open: Look = |config| config.pipeline.table.max_traces.to_string();
    let batch: Look = |config| otlp(config).max_spans.to_string();
    let window: Look = |config| format!("{:?}", config.destinations[0].retry.window);
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
