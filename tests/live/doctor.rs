//! What the doctor says of real servers.

use mlflow_tracing::{Builder, Protocol, Severity};

use super::encoder::{self, PROTOCOLS};
use super::mlflow::{Mlflow, unused_name};
use super::program::PATIENCE;
use super::rotel;
use super::servers::told;

fn mlflow(server: &Mlflow) -> Builder {
    let builder = encoder::builder().with_tracking_uri(&server.uri);
    match &server.credentials {
        Some((user, password)) => builder.with_basic_auth(user, password),
        None => builder,
    }
}

fn otlp(url: &str, protocol: Protocol) -> Builder {
    encoder::builder()
        .with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", url)])
        .with_protocol(protocol)
}

fn ill(settings: &Builder, expected: &[&str]) {
    let diagnosis = settings.diagnose(PATIENCE);
    assert_eq!(diagnosis.severity(), Severity::Error, "{diagnosis}");
    let text = diagnosis.to_string();
    assert!(expected.iter().all(|words| text.contains(words)), "{expected:?} not in: {text}");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn servers_that_are_well_are_found_so_and_left_as_they_are() {
    let plain = Mlflow::plain();
    let new = unused_name("doctor");
    let mut settings = vec![
        mlflow(&plain),
        mlflow(&plain).with_experiment(&new),
        mlflow(&Mlflow::with_password()),
        mlflow(&Mlflow::with_password()).with_experiment(&new),
    ];
    for &protocol in PROTOCOLS {
        settings.push(otlp(&rotel::url(protocol), protocol));
    }
    settings.push(otlp(&told("ELASTIC_TEST_URL"), Protocol::HttpProtobuf));
    settings.push(otlp(&told("ELASTIC_TEST_GRPC_URL"), Protocol::Grpc));
    let as_otlp = otlp(&plain.uri, Protocol::HttpProtobuf);
    settings.push(as_otlp.clone().with_otlp_header("x-mlflow-experiment-id", "0"));
    settings.push(otlp(&told("GATEWAY_TEST_GRPC_URL"), Protocol::Grpc));
    for settings in settings {
        let diagnosis = settings.diagnose(PATIENCE);
        assert_eq!(diagnosis.severity(), Severity::Ok, "{diagnosis}");
    }
    // Without the header it takes nothing, and says so.
    let headless = as_otlp.diagnose(PATIENCE);
    assert_eq!(headless.severity(), Severity::Warning, "{headless}");
    assert!(headless.to_string().contains("x-mlflow-experiment-id"), "{headless}");
    // None was made: it still is to be.
    let again = mlflow(&plain).with_experiment(&new).diagnose(PATIENCE).to_string();
    assert!(again.contains(&format!("the experiment `{new}` is not there yet")), "{again}");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn servers_that_refuse_are_told_with_the_fix() {
    let plain = Mlflow::plain();
    let with_password = Mlflow::with_password();
    let nowhere = Mlflow { uri: format!("{}/nowhere", plain.uri), credentials: None };
    ill(&mlflow(&nowhere), &["HTTP 404", "check MLFLOW_TRACKING_URI"]);
    ill(
        &mlflow(&Mlflow { credentials: None, ..with_password }),
        &["HTTP 401", "MLFLOW_TRACKING_USERNAME"],
    );
    ill(&mlflow(&plain).with_experiment_id("999999"), &["there is no experiment with id 999999"]);
    let deleted = plain.experiment("deleted");
    plain.delete(&deleted);
    ill(&mlflow(&plain).with_experiment(&deleted.name), &["is deleted; restore it"]);
    let lost = format!("{}/nowhere", rotel::url(Protocol::HttpProtobuf));
    ill(&otlp(&lost, Protocol::HttpProtobuf), &["HTTP 404", "check the path"]);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn protocols_that_are_mixed_up_are_found_out() {
    let (http, grpc) = (rotel::url(Protocol::HttpProtobuf), rotel::url(Protocol::Grpc));
    ill(&otlp(&grpc, Protocol::HttpProtobuf), &["OTEL_EXPORTER_OTLP_PROTOCOL=grpc"]);
    ill(&otlp(&http, Protocol::Grpc), &["OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"]);
    let secure = Mlflow { uri: told("MLFLOW_TEST_TLS_URI"), credentials: None };
    ill(&mlflow(&secure), &["UnknownIssuer", "MLFLOW_TRACKING_SERVER_CERT_PATH"]);
    let plain = Mlflow { uri: secure.uri.replace("https:", "http:"), credentials: None };
    ill(&mlflow(&plain), &["write https://"]);
    let tls = Mlflow { uri: Mlflow::plain().uri.replace("http:", "https:"), credentials: None };
    ill(&mlflow(&tls), &["write http:// in place of https://"]);
}
