//! What can be known to be wrong without the network names the place, the value and the fix.

use super::*;

/// What else is set, the bad variable and its value, the fix.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str, &'static str);

#[test]
fn a_bad_variable_is_an_error_that_says_how_to_mend_it() {
    let cases: &[Case] = &[
        (&[], "OTEL_SDK_DISABLED", "maybe", "write true or false"),
        (&[], "MLFLOW_TRACKING_URI", "databricks", "use the http(s):// address"),
        (&[], "MLFLOW_TRACKING_URI", "databricks://profile", "use the http(s):// address"),
        (&[], "MLFLOW_TRACKING_URI", "arn:aws:sagemaker:x", "use the http(s):// address"),
        (&[], "MLFLOW_TRACKING_URI", "sqlite:///mlflow.db", "start `mlflow server` on it"),
        (&[], "MLFLOW_TRACKING_URI", "file:///tmp/mlruns", "start `mlflow server` on it"),
        (&[], "MLFLOW_TRACKING_URI", "./mlruns", "write it like http://127.0.0.1:5000"),
        (&[], "MLFLOW_TRACKING_URI", "localhost:5000", "write it like http://127.0.0.1:5000"),
        (&[], "MLFLOW_TRACKING_URI", "ftp://host", "use http:// or https://"),
        (&[MLFLOW], "MLFLOW_EXPERIMENT_ID", "rag", "for a name use MLFLOW_EXPERIMENT_NAME"),
        (&[MLFLOW], "MLFLOW_EXPERIMENT_ID", "-1", "for a name use MLFLOW_EXPERIMENT_NAME"),
        (&[MLFLOW], "MLFLOW_TRACING_TRACE_INFO", "sometimes", "write auto, always or never"),
        (&[MLFLOW], "MLFLOW_TRACING_PRINT_URL", "perhaps", "write true or false"),
        (&[], "MLFLOW_TRACING_CONSOLE", "loud", "write one of auto, always, never"),
        (&[], "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "write http:// or https://"),
        (&[], "OTEL_EXPORTER_OTLP_ENDPOINT", "tcp://host", "use http:// or https://"),
        (
            &[OTLP],
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http",
            "write one of grpc, http/json, http/protobuf",
        ),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "thrift", "write one of grpc"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "write one of gzip, none"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a whole number of milliseconds"),
        (&[OTLP], "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", "a whole number of milliseconds"),
    ];
    for (given, name, value, fix) in cases {
        let all: Vec<_> = given.iter().copied().chain([(*name, *value)]).collect();
        let text = error(Builder::new(Env::from_pairs(all)));
        assert!(text.starts_with(&format!("{name} is `{value}`: ")), "{text}");
        assert!(text.contains(fix), "{text}");
    }
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
        (env([]).with_timeout(Duration::ZERO), "with_timeout is `0`: "),
        (env([]).with_memory_limit(1000), "with_memory_limit is `1000`: "),
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
