//! The explanation, as it is printed.

use super::*;
use crate::config::destination::Otlp;

#[test]
fn every_setting_is_a_line_with_its_source() {
    let text = resolved(
        env([MLFLOW, ("MLFLOW_EXPERIMENT_NAME", "rag"), ("OTEL_LOG_LEVEL", "debug")])
            .with_service_name("api"),
    )
    .explanation
    .to_string();
    assert_eq!(
        text,
        "tracing        on  (default)\n\
         encoder        own  (default)\n\
         MLflow server  http://mlflow:5000  (MLFLOW_TRACKING_URI)\n\
         experiment     `rag`  (MLFLOW_EXPERIMENT_NAME)\n\
         trace info     auto  (default)\n\
         timeout        30000 ms  (default)\n\
         request limit  4194304 bytes  (default)\n\
         service        api  (builder, with_service_name)\n\
         sampler        parentbased_always_on  (default)\n\
         content limit  2097152 bytes  (default)\n\
         delivery       best_effort  (default)\n\
         warning: OTEL_LOG_LEVEL has no effect: what we say goes to the program's `tracing` \
         subscriber, target `mlflow_tracing`\n"
    );
}

#[test]
fn no_secret_is_shown_wherever_it_was_set() {
    let variables = env([
        ("MLFLOW_TRACKING_URI", "http://anna:secret@mlflow"),
        ("MLFLOW_TRACKING_USERNAME", "anna"),
        ("MLFLOW_TRACKING_PASSWORD", "secret"),
        ("MLFLOW_TRACKING_TOKEN", "secret"),
    ]);
    let program = env([])
        .with_tracking_uri("http://anna:secret@mlflow")
        .with_basic_auth("anna", "secret")
        .with_token("secret")
        .with_otlp_endpoint("http://anna:secret@otlp/v1/traces")
        .with_otlp_header("x-api-key", "secret");
    let listed = env([]).with_destination(
        Otlp::new("http://otlp/v1/traces").with_proxy("http://anna:secret@proxy:3128"),
    );
    let token_as_user = env([]).with_otlp_endpoint("http://secret@otlp/v1/traces");
    let headers = env([OTLP, ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret")]);
    for builder in [variables, program, listed, token_as_user, headers] {
        let explanation = resolved(builder.clone()).explanation;
        let text = format!("{explanation} {explanation:?}");
        assert!(!text.contains("secret"), "{text}");
        assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
    }
}
