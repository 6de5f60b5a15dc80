//! Builder, then the environment, then the default: for every setting that is explained.

use super::files::Files;
use super::*;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::protocol::Protocol;

/// A value that is written, with how it is shown.
type Written = (&'static str, &'static str);
/// A method, a call of it, and how that is shown.
type Built = (&'static str, fn(Builder) -> Builder, &'static str);

struct Case {
    setting: &'static str,
    /// What must be set for the setting to count.
    given: &'static [(&'static str, &'static str)],
    default: Option<String>,
    /// In the order in which one wins over the next.
    variables: Vec<(&'static str, Written)>,
    builder: Option<Built>,
}

#[test]
fn the_builder_wins_over_variables_and_variables_over_the_default() {
    for case in cases() {
        let Case { setting: name, given, default, variables, builder } = case;
        let read = |more: &[(&str, Written)], build: fn(Builder) -> Builder| {
            let more = more.iter().map(|(name, (value, _))| (*name, *value));
            let all: Vec<_> = given.iter().copied().chain(more).collect();
            setting(build(Builder::new(Env::from_pairs(all))), name)
        };
        let expected = default.map(|value| (value, Source::Default));
        assert_eq!(read(&[], |builder| builder), expected, "{name} by default");
        for (index, (variable, (_, shown))) in variables.iter().enumerate() {
            let expected = Some(((*shown).to_owned(), Source::Variable(variable)));
            let alone = read(&variables[index..=index], |builder| builder);
            assert_eq!(alone, expected, "{name} by {variable} alone");
            let before_others = read(&variables[index..], |builder| builder);
            assert_eq!(before_others, expected, "{name} by {variable} before others");
        }
        if let Some((method, build, shown)) = builder {
            let expected = Some((shown.to_owned(), Source::Builder(method)));
            assert_eq!(read(&[], build), expected, "{name} by the builder alone");
            assert_eq!(read(&variables, build), expected, "{name} by the builder before all");
        }
    }
}

fn cases() -> Vec<Case> {
    [general(), of_mlflow(), of_otlp(), of_proxies()].into_iter().flatten().collect()
}

fn general() -> Vec<Case> {
    vec![
        Case {
            setting: "tracing",
            given: &[],
            default: Some("on".to_owned()),
            variables: vec![("OTEL_SDK_DISABLED", ("true", "off"))],
            builder: None,
        },
        Case {
            setting: "local directory",
            given: &[],
            default: Some("./mlflow-traces".to_owned()),
            variables: vec![("MLFLOW_TRACING_DIRECTORY", ("/var/traces", "/var/traces"))],
            builder: Some(("with_local_directory", |b| b.with_local_directory("/mine"), "/mine")),
        },
        Case {
            setting: "encoder",
            given: &[],
            default: Some("own".to_owned()),
            variables: vec![("MLFLOW_TRACING_OTLP_ENCODER", ("Own", "own"))],
            builder: Some(("with_otlp_encoder", |b| b.with_otlp_encoder(OtlpEncoder::Own), "own")),
        },
        Case {
            setting: "service",
            given: &[],
            default: Some(format!("unknown_service:{}", env::target())),
            variables: vec![
                ("OTEL_SERVICE_NAME", ("api", "api")),
                ("OTEL_RESOURCE_ATTRIBUTES", ("service.name=res", "res")),
            ],
            builder: Some(("with_service_name", |b| b.with_service_name("built"), "built")),
        },
        Case {
            setting: "sampler",
            given: &[],
            default: Some("parentbased_always_on".to_owned()),
            variables: vec![
                ("MLFLOW_TRACE_SAMPLING_RATIO", ("0.5", "0.5 of the traces")),
                ("OTEL_TRACES_SAMPLER", ("always_off", "always_off")),
            ],
            builder: Some(("with_sampler", |b| b.with_sampler(Sampler::AlwaysOn), "AlwaysOn")),
        },
        Case {
            setting: "timeout",
            given: &[OTLP],
            default: Some("30000 ms".to_owned()),
            variables: vec![
                ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", ("1000", "1000 ms")),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", ("2000", "2000 ms")),
                ("OTEL_BSP_EXPORT_TIMEOUT", ("4000", "4000 ms")),
            ],
            builder: Some(("with_timeout", |b| b.with_timeout(Duration::from_secs(3)), "3000 ms")),
        },
    ]
}

fn of_mlflow() -> Vec<Case> {
    vec![
        Case {
            setting: "MLflow server",
            given: &[],
            default: None,
            variables: vec![("MLFLOW_TRACKING_URI", ("http://env:1/", "http://env:1"))],
            builder: Some((
                "with_tracking_uri",
                |b| b.with_tracking_uri("http://built:1/pre"),
                "http://built:1/pre",
            )),
        },
        Case {
            setting: "experiment",
            given: &[MLFLOW],
            default: Some("id 0".to_owned()),
            variables: vec![
                ("MLFLOW_TRACING_DESTINATION", ("8", "id 8")),
                ("MLFLOW_EXPERIMENT_ID", ("7", "id 7")),
                ("MLFLOW_EXPERIMENT_NAME", ("rag", "`rag`")),
            ],
            builder: Some(("with_experiment_id", |b| b.with_experiment_id("9"), "id 9")),
        },
        Case {
            setting: "timeout",
            given: &[MLFLOW],
            default: Some("30000 ms".to_owned()),
            variables: vec![("MLFLOW_HTTP_REQUEST_TIMEOUT", ("1.5", "1500 ms"))],
            builder: Some(("with_timeout", |b| b.with_timeout(Duration::from_secs(3)), "3000 ms")),
        },
        Case {
            setting: "workspace",
            given: &[MLFLOW],
            default: None,
            variables: vec![("MLFLOW_WORKSPACE", ("team", "team"))],
            builder: Some(("with_workspace", |b| b.with_workspace("mine"), "mine")),
        },
        Case {
            setting: "credentials",
            given: &[MLFLOW],
            default: None,
            variables: vec![("MLFLOW_TRACKING_TOKEN", ("secret", "Bearer ****"))],
            builder: Some((
                "with_basic_auth",
                |b| b.with_token("secret").with_basic_auth("anna", "secret"),
                "Basic anna:****",
            )),
        },
        Case {
            setting: "trace info",
            given: &[MLFLOW],
            default: Some("auto".to_owned()),
            variables: vec![("MLFLOW_TRACING_TRACE_INFO", ("Always", "always"))],
            builder: Some((
                "with_trace_info",
                |b| b.with_trace_info(TraceInfoMode::Never),
                "never",
            )),
        },
    ]
}

fn of_otlp() -> Vec<Case> {
    vec![
        Case {
            setting: "OTLP receiver",
            given: &[],
            default: None,
            variables: vec![
                (
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                    ("http://traces/as/it/is", "http://traces/as/it/is"),
                ),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ("http://all/base/", "http://all/base/v1/traces")),
            ],
            builder: Some((
                "with_otlp_endpoint",
                |b| b.with_otlp_endpoint("http://built/x"),
                "http://built/x",
            )),
        },
        Case {
            setting: "protocol",
            given: &[OTLP],
            default: Some("http/protobuf".to_owned()),
            variables: vec![
                ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ("http/json", "http/json")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", ("grpc", "grpc")),
            ],
            builder: Some(("with_protocol", |b| b.with_protocol(Protocol::HttpJson), "http/json")),
        },
        Case {
            setting: "headers",
            given: &[OTLP],
            default: None,
            variables: vec![
                ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", ("a=secret", "a=****")),
                ("OTEL_EXPORTER_OTLP_HEADERS", ("b=secret", "b=****")),
            ],
            builder: Some(("with_otlp_header", |b| b.with_otlp_header("A", "secret"), "A=****")),
        },
        Case {
            setting: "compression",
            given: &[OTLP],
            default: Some("none".to_owned()),
            variables: vec![
                ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", ("gzip", "gzip")),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", ("none", "none")),
            ],
            builder: Some(("with_compression", |b| b.with_compression(Compression::None), "none")),
        },
    ]
}

fn of_proxies() -> Vec<Case> {
    vec![
        Case {
            setting: "proxy",
            given: &[MLFLOW],
            default: None,
            variables: vec![
                ("HTTP_PROXY", ("http://a:1", "http://a:1")),
                ("http_proxy", ("b:2", "http://b:2")),
                ("ALL_PROXY", ("c:3", "http://c:3")),
                ("all_proxy", ("anna:secret@d:4", "http://d:4")),
            ],
            builder: None,
        },
        Case {
            setting: "proxy",
            given: &[("MLFLOW_TRACKING_URI", "https://mlflow")],
            default: None,
            variables: vec![
                ("HTTPS_PROXY", ("a:1", "http://a:1")),
                ("https_proxy", ("b:2", "http://b:2")),
                ("ALL_PROXY", ("c:3", "http://c:3")),
                ("all_proxy", ("d:4", "http://d:4")),
            ],
            builder: None,
        },
    ]
}

/// Settings that are not explained: the first of two variables wins over the second.
#[test]
fn of_two_variables_for_one_thing_the_more_special_wins() {
    let look = |first: Pair, second: Pair| resolved(env([first, second]));
    let table = look(
        ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", "1000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "2000"),
    );
    assert_eq!(table.pipeline.table.running, Duration::from_secs(1));
    let table =
        look(("MLFLOW_TRACE_TIMEOUT_SECONDS", "60"), ("MLFLOW_TRACE_BUFFER_TTL_SECONDS", "90"));
    assert_eq!(table.pipeline.table.ttl, Duration::from_secs(60));
    let general = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9");
    let of_spans = look(("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5"), general);
    assert_eq!(of_spans.pipeline.trim.max_attributes, Some(5));
    assert_eq!(of_spans.span_limits.max_attributes_per_event, 9);
    let of_events = look(("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5"), general);
    assert_eq!(of_events.span_limits.max_attributes_per_event, 5);
    let of_links = look(("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"), general);
    assert_eq!(of_links.span_limits.max_attributes_per_link, 5);
    let lengths = look(
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9"),
    );
    assert_eq!(lengths.pipeline.trim.max_chars, Some(5));
    let proxied = [MLFLOW, ("HTTP_PROXY", "a:1"), ("NO_PROXY", "x"), ("no_proxy", "mlflow")];
    assert!(mlflow(env(proxied)).connection.proxy.is_some());
}

#[test]
fn certificates_of_the_program_win_over_the_variables() {
    let files = Files::new();
    let variables: [Pair; 4] = [
        ("MLFLOW_TRACKING_URI", "https://mlflow"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otlp/v1/traces"),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", "@/ca.pem"),
        ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "@/both.pem"),
    ];
    let of_mlflow = |name| setting(files.env(&variables[..1]), name);
    assert_eq!(of_mlflow("CA certificate"), None);
    let of_both = |name| {
        let others = [variables[0], variables[2], variables[3]];
        setting(files.env(&others), name)
    };
    let variable = |file, name| Some((files.fill(file), Source::Variable(name)));
    assert_eq!(of_both("CA certificate"), variable("@/ca.pem", "MLFLOW_TRACKING_SERVER_CERT_PATH"));
    assert_eq!(
        of_both("client certificate"),
        variable("@/both.pem", "MLFLOW_TRACKING_CLIENT_CERT_PATH")
    );
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "@/ca.pem");
    let general = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "@/missing.pem");
    let otlp = setting(files.env(&[variables[1], traces, general]), "CA certificate");
    assert_eq!(otlp, variable("@/ca.pem", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"));
}
