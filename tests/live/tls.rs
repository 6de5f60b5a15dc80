//! nginx in front of the servers, with TLS and with mutual TLS.

use mlflow_tracing::destination::{Destination, Mlflow as MlflowServer, Otlp};
use mlflow_tracing::{Builder, Protocol};

use super::encoder::{self, PROTOCOLS, otlp};
use super::mlflow::{Mlflow, unused_name};
use super::program::PATIENCE;
use super::refusals::refused;
use super::servers::told;
use super::support::app;
use super::support::time::until;
use super::{quickstart, rotel};

/// nginx says so over HTTP, in a page; others break the handshake off.
const NGINX: &str = "No required SSL certificate was sent";

/// The collector at the address that `servers.py` tells, on this protocol.
fn collector(address: &str, protocol: Protocol) -> Otlp {
    otlp(&told(address), protocol)
}

/// MLflow on PostgreSQL, where `servers.py` tells.
fn mlflow(address: &str) -> MlflowServer {
    let (user, password) = Mlflow::with_password().credentials.unwrap();
    MlflowServer::new(told(address)).with_basic_auth(user, password).with_print_url(false)
}

fn to(destination: impl Into<Destination>) -> Builder {
    encoder::builder().with_destination(destination)
}

/// Every span gets there.
fn accepted(settings: Builder) {
    let guard = settings.build().unwrap();
    guard.ready(PATIENCE).unwrap();
    app::end_span(&guard, "welcome");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(app::conserved(&guard).destinations[0].delivered, 1);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_with_a_certificate_of_our_authority_gets_the_spans() {
    let authority = told("TLS_TEST_CA");
    for &protocol in PROTOCOLS {
        let service = unused_name("TLS");
        let collector = collector("ROTEL_TEST_TLS_URL", protocol).with_ca_certificate(&authority);
        accepted(to(collector).with_service_name(&service));
        until("the collector has written", || rotel::spans_of(&service).len() == 1);
    }
    accepted(to(mlflow("MLFLOW_TEST_TLS_URI").with_ca_certificate(&authority)));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_with_a_certificate_of_an_authority_that_nobody_knows_is_refused() {
    for &protocol in PROTOCOLS {
        let expected =
            ["invalid peer certificate: UnknownIssuer", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
        refused(to(collector("ROTEL_TEST_TLS_URL", protocol)), &expected);
    }
    let expected = ["invalid peer certificate: UnknownIssuer", "MLFLOW_TRACKING_SERVER_CERT_PATH"];
    refused(to(mlflow("MLFLOW_TEST_TLS_URI")), &expected);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn any_certificate_will_do_when_mlflows_variable_says_so() {
    let settings = encoder::builder().with_environment([
        ("MLFLOW_TRACKING_URI", told("MLFLOW_TEST_TLS_URI").as_str()),
        ("MLFLOW_TRACKING_INSECURE_TLS", "true"),
    ]);
    let (user, password) = Mlflow::with_password().credentials.unwrap();
    accepted(settings.with_basic_auth(user, password));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_that_wants_a_client_certificate_gets_ours() {
    let authority = told("TLS_TEST_CA");
    let (client, key) = (told("TLS_TEST_CLIENT"), told("TLS_TEST_CLIENT_KEY"));
    for &protocol in PROTOCOLS {
        let service = unused_name("mTLS");
        let collector = collector("ROTEL_TEST_MTLS_URL", protocol)
            .with_ca_certificate(&authority)
            .with_client_certificate(&client, &key);
        accepted(to(collector).with_service_name(&service));
        until("the collector has written", || rotel::spans_of(&service).len() == 1);
    }
    let server = mlflow("MLFLOW_TEST_MTLS_URI").with_ca_certificate(&authority);
    accepted(to(server.with_client_certificate(&client, &key)));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_that_misses_our_client_certificate_is_told() {
    let authority = told("TLS_TEST_CA");
    for &protocol in PROTOCOLS {
        let collector = collector("ROTEL_TEST_MTLS_URL", protocol).with_ca_certificate(&authority);
        // Over gRPC the client does not look into the page.
        let words = if protocol == Protocol::Grpc { "400 Bad Request" } else { NGINX };
        refused(to(collector), &[words, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"]);
    }
    let server = mlflow("MLFLOW_TEST_MTLS_URI").with_ca_certificate(&authority);
    refused(to(server), &[NGINX, "MLFLOW_TRACKING_CLIENT_CERT_PATH"]);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_handshake_that_fails_for_want_of_a_client_certificate_is_told() {
    let authority = told("TLS_TEST_CA");
    for &protocol in PROTOCOLS {
        let collector = collector("TLS_TEST_STRICT_URL", protocol).with_ca_certificate(&authority);
        let expected = ["CertificateRequired", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
        refused(to(collector), &expected);
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_variables_of_opentelemetry_open_a_server_with_mutual_tls() {
    for protocol in PROTOCOLS {
        let service = unused_name("mTLS by variables");
        quickstart::run(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &told("ROTEL_TEST_MTLS_URL")),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", &protocol.to_string()),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", &told("TLS_TEST_CA")),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &told("TLS_TEST_CLIENT")),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &told("TLS_TEST_CLIENT_KEY")),
            ("OTEL_SERVICE_NAME", &service),
        ]);
        until("the collector has written", || rotel::spans_of(&service).len() == 5);
        quickstart::check(&rotel::spans_of(&service), "UNSET");
    }
}

/// One file holds the client's certificate and key, as Python's `requests` wants it.
#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn the_variables_of_mlflow_open_a_server_with_mutual_tls() {
    let server = Mlflow::with_password();
    let (user, password) = server.credentials.clone().unwrap();
    let [certificate, key] =
        ["TLS_TEST_CLIENT", "TLS_TEST_CLIENT_KEY"].map(|file| std::fs::read(told(file)).unwrap());
    let both = format!("{}/client-both.pem", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&both, [certificate, key].concat()).unwrap();
    let experiment = unused_name("mTLS by variables");
    quickstart::run(&[
        ("MLFLOW_TRACKING_URI", &told("MLFLOW_TEST_MTLS_URI")),
        ("MLFLOW_TRACKING_USERNAME", &user),
        ("MLFLOW_TRACKING_PASSWORD", &password),
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", &told("TLS_TEST_CA")),
        ("MLFLOW_TRACKING_CLIENT_CERT_PATH", &both),
        ("MLFLOW_EXPERIMENT_NAME", &experiment),
    ]);
    let trace_ids = server.trace_ids(&server.experiment_id(&experiment));
    assert_eq!(trace_ids.len(), 1);
    quickstart::check(&server.trace(&trace_ids[0]).spans, "OK");
}
