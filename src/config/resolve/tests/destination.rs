//! Where traces go.

use super::*;
use crate::config::variable::Support;

/// Whether there is one of MLflow, of OTLP, and a local one.
fn kinds(builder: Builder) -> (bool, bool, bool) {
    let (mlflow, otlp, local) = chosen(builder);
    (!mlflow.is_empty(), !otlp.is_empty(), !local.is_empty())
}

#[test]
fn one_of_the_environment_is_taken() {
    assert_eq!(kinds(env([MLFLOW])), (true, false, false));
    assert_eq!(kinds(env([OTLP])), (false, true, false));
    assert_eq!(kinds(env([("MLFLOW_TRACKING_URI", " ")])), (false, false, true), "empty is unset");
}

#[test]
fn of_two_in_the_environment_otlp_wins_and_a_warning_says_so() {
    assert_eq!(kinds(env([MLFLOW, OTLP])), (false, true, false));
    let said = warnings(env([MLFLOW, OTLP]));
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("both MLFLOW_TRACKING_URI and an OTLP endpoint are set"),
        "{said:?}"
    );
    assert!(said[0].contains("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true"));
    // What is not used is not explained as if it were.
    assert_eq!(setting(env([MLFLOW, OTLP]), "MLflow server"), None);
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otlp:4318");
    assert_eq!(kinds(env([MLFLOW, general])), (false, true, false));
}

#[test]
fn what_the_builder_names_is_all_there_is() {
    let uri = |builder: Builder| builder.with_tracking_uri("http://built:5000");
    let otlp = |builder: Builder| builder.with_otlp_endpoint("http://built:4318/v1/traces");
    let local = |builder: Builder| builder.with_local_directory("mine");
    assert_eq!(kinds(uri(env([OTLP]))), (true, false, false));
    assert_eq!(kinds(otlp(env([MLFLOW]))), (false, true, false));
    assert_eq!(kinds(local(env([MLFLOW, OTLP]))), (false, false, true));
    assert_eq!(kinds(local(otlp(uri(env([]))))), (true, true, true));
    assert!(warnings(uri(env([MLFLOW, OTLP]))).is_empty());
}

#[test]
fn what_is_not_used_cannot_be_wrong() {
    // As a cluster sets it for programs that speak gRPC.
    let grpc = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
    let python = ("MLFLOW_TRACKING_URI", "databricks");
    assert_eq!(kinds(env([grpc]).with_tracking_uri("http://built:5000")), (true, false, false));
    assert_eq!(kinds(env([python, OTLP])), (false, true, false));
    assert_eq!(kinds(env([python, grpc]).with_local_directory("mine")), (false, false, true));
    let explained = resolved(env([OTLP]).with_tracking_uri("http://built:5000")).explanation;
    assert!(!explained.to_string().contains("OTLP"), "{explained}");
}

#[test]
fn an_ignored_variable_is_told_with_the_reason_unless_it_asks_for_nothing() {
    for variable in VARIABLES.iter().filter(|variable| variable.support == Support::Ignored) {
        let said = |value: &str| warnings(env([(variable.name, value)]));
        for harmless in variable.harmless {
            assert!(said(harmless).is_empty(), "{}={harmless}", variable.name);
            assert!(said(&harmless.to_uppercase()).is_empty(), "{}={harmless}", variable.name);
        }
        let expected = format!("{} has no effect: {}", variable.name, variable.effect);
        assert_eq!(said("something else"), [expected]);
    }
}
