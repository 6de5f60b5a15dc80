//! What can be known to be wrong without the network names the place, the value and the fix.

use super::files::Files;
use super::*;
use crate::config::destination::Mlflow;
use crate::config::spool::Spool;
use crate::config::variable::Support;

/// What else is set, the bad variable and its value, the fix.
type Case = (&'static [Pair], &'static str, &'static str, &'static str);

const BOOLEAN: &str = "write true or false";
const MILLISECONDS: &str = "write a whole number of milliseconds";
const SECONDS: &str = "write a number of seconds";
const COUNT: &str = "write a whole number, such as";
const SIZE: &str = "write a whole number above 0";
const RATIO: &str = "write a number from 0 to 1";
const PROXIES: &str = "only proxies that are themselves spoken to by http://";
const UNREADABLE: &str = "the file cannot be read";
const NO_CERTIFICATE: &str = "the file holds no certificate; it must be PEM text";
const NO_KEY: &str = "the file holds no private key; it must be PEM text";
const SAMPLERS: &str = "write always_on, always_off or traceidratio";

const HTTPS: Pair = ("MLFLOW_TRACKING_URI", "https://mlflow");

#[test]
fn a_bad_variable_is_an_error_that_says_how_to_mend_it() {
    let files = Files::new();
    for (given, name, value, fix) in cases() {
        let text = error(files.env(given.iter().chain([&(name, value)])));
        let value = files.fill(value);
        assert!(text.starts_with(&format!("{name} is `{value}`: ")), "{text}");
        assert!(text.contains(fix), "{text}");
    }
}

/// Values that may hold a secret are hidden, but for the name that stands before one.
#[test]
fn a_bad_variable_that_may_hold_a_secret_is_named_without_it() {
    for (given, name, value, shown, fix) in [
        (OTLP, "OTEL_EXPORTER_OTLP_HEADERS", "secret", "****", "write key=value pairs"),
        (OTLP, "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "=secret", "****", "write key=value pairs"),
        (OTLP, "OTEL_EXPORTER_OTLP_HEADERS", "a b=secret", "a b", "not a header name"),
        (OTLP, "OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0A", "****", "that HTTP does not allow"),
        (OTLP, "OTEL_EXPORTER_OTLP_HEADERS", "a=secret%FF", "a=****", "is not UTF-8"),
        (OTLP, "OTEL_RESOURCE_ATTRIBUTES", "secret", "****", "write key=value pairs"),
        (MLFLOW, "MLFLOW_TRACKING_TOKEN", "sec\nret", "****", "that HTTP does not allow"),
        (MLFLOW, "MLFLOW_WORKSPACE", "sec\nret", "****", "that HTTP does not allow"),
    ] {
        let text = error(env([given, (name, value)]));
        assert!(text.starts_with(&format!("{name} is `{shown}`: ")), "{text}");
        assert!(text.contains(fix) && !text.contains("ret"), "{text}");
    }
}

#[test]
fn every_variable_that_can_be_bad_has_a_case() {
    let secret = [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_RESOURCE_ATTRIBUTES",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_WORKSPACE",
    ];
    // Any text will do.
    let free = [
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "HOME",
        "USERPROFILE",
        "MLFLOW_ACTIVE_MODEL_ID",
        "NO_PROXY",
        "no_proxy",
        "OTEL_SERVICE_NAME",
        // A directory that cannot be written is told when it is tried.
        "MLFLOW_TRACING_DIRECTORY",
        "MLFLOW_TRACING_SPOOL_DIRECTORY",
        "NO_COLOR",
        "USER",
    ];
    let cases = cases();
    let tested: Vec<&str> =
        cases.iter().map(|(_, name, ..)| *name).chain(secret).chain(free).collect();
    for variable in VARIABLES.iter().filter(|variable| variable.support != Support::Ignored) {
        assert!(tested.contains(&variable.name), "no case for {}", variable.name);
    }
}

fn cases() -> Vec<Case> {
    [places(), of_otlp(), certificates(), switches(), numbers()].concat()
}

fn places() -> Vec<Case> {
    const FIX: &str = "use the http(s):// address";
    const START: &str = "start `mlflow server` on it";
    const WRITE: &str = "write it like http://127.0.0.1:5000";
    vec![
        (&[], "MLFLOW_TRACKING_URI", "databricks", FIX),
        (&[], "MLFLOW_TRACKING_URI", "databricks://profile", FIX),
        (&[], "MLFLOW_TRACKING_URI", "databricks-uc", FIX),
        (&[], "MLFLOW_TRACKING_URI", "arn:aws:sagemaker:x", FIX),
        (&[], "MLFLOW_TRACKING_URI", "sqlite:///mlflow.db", START),
        (&[], "MLFLOW_TRACKING_URI", "file:///tmp/mlruns", START),
        (&[], "MLFLOW_TRACKING_URI", "./mlruns", WRITE),
        (&[], "MLFLOW_TRACKING_URI", "localhost:5000", WRITE),
        (&[], "MLFLOW_TRACKING_URI", "ftp://host", "use http:// or https://"),
        (&[], "MLFLOW_TRACKING_URI", "http://host:99999", "from 1 to 65535"),
        (&[MLFLOW], "MLFLOW_EXPERIMENT_ID", "rag", "for a name use MLFLOW_EXPERIMENT_NAME"),
        (&[MLFLOW], "MLFLOW_EXPERIMENT_ID", "-1", "for a name use MLFLOW_EXPERIMENT_NAME"),
        (&[MLFLOW], "MLFLOW_TRACING_DESTINATION", "catalog.schema", "Unity Catalog"),
        (&[], "MLFLOW_TRACING_DESTINATION", "7", "MLFLOW_TRACKING_URI must name"),
        (&[MLFLOW], "MLFLOW_TRACING_TRACE_INFO", "sometimes", "write auto, always or never"),
        (&[], "MLFLOW_TRACING_CONSOLE", "loud", "write one of auto, always, never"),
        (&[], "MLFLOW_TRACING_PRICE_TABLE", "@/missing.json", UNREADABLE),
        (&[], "MLFLOW_TRACING_PRICE_TABLE", "@/text.pem", "it is no JSON"),
        (&[], "MLFLOW_TRACING_PRICE_TABLE", "@/.mlflow", "no .json file in it"),
        (&[], "OTEL_TRACES_EXPORTER", "jaeger", "write one of otlp, console, none"),
        (&[], "OTEL_TRACES_EXPORTER", "otlp,none", "`none` stands alone"),
        (&[MLFLOW], "HTTP_PROXY", "socks5://proxy:1", PROXIES),
        (&[MLFLOW], "http_proxy", "socks5://proxy:1", PROXIES),
        (&[MLFLOW], "ALL_PROXY", "https://proxy:1", PROXIES),
        (&[MLFLOW], "all_proxy", "http://proxy:99999", "from 1 to 65535"),
        (&[HTTPS], "HTTPS_PROXY", "https://proxy:1", PROXIES),
        (&[HTTPS], "https_proxy", "socks4://proxy:1", PROXIES),
    ]
}

fn of_otlp() -> Vec<Case> {
    const PROTOCOLS: &str = "write one of grpc, http/json, http/protobuf";
    vec![
        (&[], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "write http:// or https://"),
        (&[], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "OTEL_EXPORTER_OTLP_INSECURE"),
        (&[], "OTEL_EXPORTER_OTLP_ENDPOINT", "tcp://host", "use http:// or https://"),
        (&[], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "write http:// or https://"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_PROTOCOL", "http", PROTOCOLS),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "thrift", PROTOCOLS),
        (&[OTLP], "OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "write one of gzip, none"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "9", "write one of gzip, none"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TIMEOUT", "10s", MILLISECONDS),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", MILLISECONDS),
        (&[OTLP], "OTEL_BSP_EXPORT_TIMEOUT", "-1", MILLISECONDS),
        (&[OTLP], "OTEL_EXPORTER_OTLP_INSECURE", "yes", BOOLEAN),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_INSECURE", "no", BOOLEAN),
        (&[], "MLFLOW_TRACING_OTLP_ENCODER", "theirs", "write one of official, own"),
        (
            &[OTLP, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
            "MLFLOW_TRACING_OTLP_ENCODER",
            "official",
            "use it with http/protobuf or grpc",
        ),
    ]
}

fn certificates() -> Vec<Case> {
    const CERTIFICATE: Pair = ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "@/client.pem");
    const KEY: Pair = ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "@/client.key");
    const MISSING: &str = "@/missing.pem";
    const TEXT: &str = "@/text.pem";
    const ALONE: &str = "a certificate and its key belong together; set OTEL_EXPORTER_OTLP_TRACES";
    let of = |given: &'static [Pair], name| -> [Case; 2] {
        [(given, name, MISSING, UNREADABLE), (given, name, TEXT, NO_CERTIFICATE)]
    };
    let mut cases: Vec<Case> = [
        of(&[OTLP], "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        of(&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"),
        of(&[OTLP, KEY], "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        of(&[OTLP, KEY], "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"),
        of(&[MLFLOW], "MLFLOW_TRACKING_SERVER_CERT_PATH"),
        of(&[MLFLOW], "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
    ]
    .concat();
    cases.extend([
        (&[OTLP, CERTIFICATE] as &[Pair], "OTEL_EXPORTER_OTLP_CLIENT_KEY", MISSING, UNREADABLE),
        (&[OTLP, CERTIFICATE], "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", MISSING, UNREADABLE),
        (&[OTLP, CERTIFICATE], "OTEL_EXPORTER_OTLP_CLIENT_KEY", "@/client.pem", NO_KEY),
        (&[OTLP], "OTEL_EXPORTER_OTLP_CLIENT_KEY", "@/client.key", ALONE),
        (&[OTLP], "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "@/client.pem", ALONE),
        // The Python SDK's one file holds both.
        (&[MLFLOW], "MLFLOW_TRACKING_CLIENT_CERT_PATH", "@/client.pem", NO_KEY),
        (
            &[MLFLOW, ("MLFLOW_TRACKING_SERVER_CERT_PATH", "@/ca.pem")],
            "MLFLOW_TRACKING_INSECURE_TLS",
            "true",
            "unset it, or the CA certificate",
        ),
    ]);
    cases
}

fn switches() -> Vec<Case> {
    vec![
        (&[], "OTEL_SDK_DISABLED", "maybe", BOOLEAN),
        (&[MLFLOW], "MLFLOW_TRACKING_INSECURE_TLS", "yes", BOOLEAN),
        (&[MLFLOW], "MLFLOW_TRACING_PRINT_URL", "perhaps", BOOLEAN),
        (&[MLFLOW], "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "2", BOOLEAN),
        (&[], "MLFLOW_ENABLE_OTLP_EXPORTER", "off", BOOLEAN),
        (&[], "MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "on", BOOLEAN),
        (&[], "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "never", BOOLEAN),
        (&[OTLP], "MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", "y", BOOLEAN),
        (&[], "OTEL_PROPAGATORS", "tracecontext,w3c", "write tracecontext, baggage or none"),
        (&[], "OTEL_TRACES_SAMPLER", "sometimes", SAMPLERS),
        (&[], "OTEL_TRACES_SAMPLER", "parentbased_", SAMPLERS),
        (&[("OTEL_TRACES_SAMPLER", "traceidratio")], "OTEL_TRACES_SAMPLER_ARG", "1.5", RATIO),
        (&[("OTEL_TRACES_SAMPLER", "traceidratio")], "OTEL_TRACES_SAMPLER_ARG", "NaN", RATIO),
        (&[], "MLFLOW_TRACE_SAMPLING_RATIO", "50%", RATIO),
        (&[], "MLFLOW_TRACE_SAMPLING_RATIO", "-0.1", RATIO),
    ]
}

fn numbers() -> Vec<Case> {
    const SPOOL: Pair = ("MLFLOW_TRACING_SPOOL_DIRECTORY", "/spool");
    vec![
        (&[], "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1", COUNT),
        (&[], "OTEL_ATTRIBUTE_COUNT_LIMIT", "many", COUNT),
        (&[], "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1.5", COUNT),
        (&[], "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1k", COUNT),
        (&[], "OTEL_SPAN_EVENT_COUNT_LIMIT", "99999999999", COUNT),
        (&[], "OTEL_SPAN_LINK_COUNT_LIMIT", "x", COUNT),
        (&[], "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "x", COUNT),
        (&[], "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "x", COUNT),
        (&[], "MLFLOW_TRACING_MAX_CONTENT_BYTES", "1023", "allow at least 1024 bytes"),
        (&[], "MLFLOW_TRACING_MAX_CONTENT_BYTES", "2 MiB", SIZE),
        (&[OTLP], "MLFLOW_TRACING_MAX_REQUEST_BYTES", "65535", "allow at least 65536 bytes"),
        (&[MLFLOW], "MLFLOW_TRACING_MAX_REQUEST_BYTES", "0", SIZE),
        (
            &[OTLP, SPOOL],
            "MLFLOW_TRACING_SPOOL_MAX_BYTES",
            "1000000",
            "allow at least 67108864 bytes",
        ),
        (&[OTLP, SPOOL], "MLFLOW_TRACING_SPOOL_MAX_BYTES", "1 GiB", SIZE),
        (&[OTLP, SPOOL], "MLFLOW_TRACING_SPOOL_SYNC_INTERVAL", "0", "500, or always"),
        (&[OTLP, SPOOL], "MLFLOW_TRACING_SPOOL_SYNC_INTERVAL", "never", "500, or always"),
        (&[MLFLOW], "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "-1", COUNT),
        (&[], "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", "1s", MILLISECONDS),
        (&[], "OTEL_BSP_SCHEDULE_DELAY", "0", MILLISECONDS),
        (&[], "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", "0", SIZE),
        (&[], "OTEL_BSP_MAX_QUEUE_SIZE", "-2048", SIZE),
        (&[OTLP], "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", SIZE),
        (&[MLFLOW], "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "few", SIZE),
        (&[], "MLFLOW_TRACE_BUFFER_MAX_SIZE", "0", SIZE),
        (&[], "MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT", "never", SECONDS),
        (&[], "MLFLOW_TRACE_TIMEOUT_SECONDS", "0", SECONDS),
        (&[], "MLFLOW_TRACE_BUFFER_TTL_SECONDS", "inf", SECONDS),
        (&[MLFLOW], "MLFLOW_HTTP_REQUEST_TIMEOUT", "-1", SECONDS),
        (&[MLFLOW], "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "NaN", SECONDS),
    ]
}

#[test]
fn a_bad_builder_value_is_an_error_that_names_the_method() {
    let mlflow = || env([MLFLOW]);
    let otlp = || env([OTLP]);
    for (builder, text) in [
        (env([]).with_tracking_uri("sqlite:///x.db"), "with_tracking_uri is `sqlite:///x.db`: "),
        (env([]).with_otlp_endpoint("host:4318"), "with_otlp_endpoint is `host:4318`: "),
        (mlflow().with_experiment_id("rag"), "with_experiment_id is `rag`: "),
        // The server takes an empty id, and drops the spans.
        (mlflow().with_experiment_id(""), "with_experiment_id is ``: "),
        (mlflow().with_experiment(" "), "with_experiment is ` `: "),
        (otlp().with_otlp_header("two words", "x"), "with_otlp_header is `two words`: "),
        (env([]).with_destination(Mlflow::default()), "Mlflow::new is ``: "),
        (env([]).with_timeout(Duration::ZERO), "with_timeout is `0`: "),
        (env([]).with_memory_limit(1000), "with_memory_limit is `1000`: "),
        (env([]).with_spool(""), "with_spool is ``: "),
        (otlp().with_spool(Spool::new("/spool").with_limit(1000)), "Spool::with_limit is `1000`: "),
    ] {
        let said = error(builder);
        assert!(said.starts_with(text), "{said}");
    }
}

#[test]
fn no_error_shows_a_secret() {
    let headers = |value| env([OTLP, ("OTEL_EXPORTER_OTLP_HEADERS", value)]);
    for builder in [
        env([("MLFLOW_TRACKING_URI", "postgresql://mlflow:secret@db/mlflow")]),
        env([("MLFLOW_TRACKING_URI", "databricks://anna:secret@host")]),
        env([("MLFLOW_TRACKING_URI", "anna:secret@host:5000")]),
        env([("MLFLOW_TRACKING_URI", "http://anna:secret/1@host:5000")]),
        env([("OTEL_EXPORTER_OTLP_ENDPOINT", "https://host/v1/traces?api_key=secret")]),
        env([MLFLOW]).with_token("line\nbreak-secret"),
        headers("secret"),
        headers("two words=secret"),
        headers("key=secret%0A"),
        headers("key=secret%FF"),
        env([OTLP]).with_otlp_header("key", "secret\n"),
        env([("OTEL_RESOURCE_ATTRIBUTES", "secret")]),
    ] {
        let text = error(builder);
        assert!(!text.contains("secret"), "{text}");
    }
}
