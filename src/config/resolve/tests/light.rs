//! What needs a feature that is off is refused by an error that names it.

use super::*;
use crate::config::destination::Otlp;

#[test]
fn gzip_is_refused_wherever_it_is_asked_for() {
    let refused = |builder, place: &str| {
        let fix = "it needs the feature `gzip` of mlflow-tracing; enable it";
        assert_eq!(error(builder), format!("{place} is `gzip`: {fix}"));
    };
    for name in ["OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"] {
        refused(env([OTLP, (name, "gzip")]), name);
        assert!(!otlp(env([OTLP, (name, "none")])).gzip);
    }
    refused(env([OTLP]).with_compression(Compression::Gzip), "with_compression");
    let listed = Otlp::new(OTLP.1).with_compression(Compression::Gzip);
    refused(env([]).with_destination(listed), "with_compression");
}

#[test]
fn tls_is_refused_wherever_it_is_asked_for() {
    let refused = |builder, place: &str| {
        let fix = "https needs the feature `tls` of mlflow-tracing; enable it";
        assert_eq!(error(builder), format!("{place} is `https://host`: {fix}"));
    };
    for name in ["MLFLOW_TRACKING_URI", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
        refused(env([(name, "https://host")]), name);
    }
    refused(env([]).with_tracking_uri("https://host"), "with_tracking_uri");
    refused(env([]).with_destination(Otlp::new("https://host")), "Otlp::new");
}

#[test]
fn grpc_is_refused_with_the_way_out() {
    let named = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let port = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://otlp:4317");
    for settings in [otlp(env([OTLP, named])), otlp(env([port]))] {
        let url = settings.url.clone();
        let error = crate::export::otlp::destination(settings).err().unwrap().to_string();
        assert!(error.contains(&url) && error.contains("the feature `grpc`"), "{error}");
        assert!(error.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{error}");
    }
}

#[test]
fn a_spool_is_refused_wherever_it_is_asked_for() {
    let name = "MLFLOW_TRACING_SPOOL_DIRECTORY";
    for (builder, place) in
        [(env([(name, "/spool")]), name), (env([]).with_spool("/spool"), "with_spool")]
    {
        let fix = "it needs the feature `spool` of mlflow-tracing; enable it";
        assert_eq!(error(builder), format!("{place} is `/spool`: {fix}"));
    }
}
