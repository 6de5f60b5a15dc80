//! Certificates: whom we trust, and who we are, by variables and by the program.

mod secure;

use std::time::Duration;

use mlflow_tracing::destination::{Destination, Mlflow, Otlp};
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{Protocol, Severity};

use crate::proxy::Proxy;
use crate::support::app::{builder, conserved, end_span};
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, until};
use secure::{Secure, built, url};

const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/ca.pem");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/client.pem");
const CLIENT_KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/client.key");
const CLIENT_BOTH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/client_both.pem");

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SHORT: Duration = Duration::from_millis(500);

#[test]
fn an_authority_that_is_named_is_trusted() {
    let mlflow = Secure::new(Server::mlflow());
    mlflow.takes(mlflow.with(&[("MLFLOW_TRACKING_SERVER_CERT_PATH", CA)])).unwrap();
    let collector = Secure::new(Server::collector());
    for name in ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"] {
        collector.takes(collector.with(&[(name, CA)])).unwrap();
    }
}

#[test]
fn an_authority_that_nobody_named_is_not_trusted_and_the_span_waits() {
    for (secure, other, fix) in [
        (Secure::new(Server::mlflow()), CLIENT, "MLFLOW_TRACKING_SERVER_CERT_PATH"),
        (Secure::new(Server::collector()), CLIENT, "OTEL_EXPORTER_OTLP_CERTIFICATE"),
    ] {
        for builder in [secure.with(&[]), secure.with(&[(fix, other)])] {
            let words = secure.takes(builder).unwrap_err();
            assert!(words.contains("certificate") && words.contains(fix), "{words}");
        }
        assert_eq!(secure.server.asked(), 0);
    }
}

#[test]
fn the_name_in_the_certificate_counts() {
    let server = Server::collector();
    let secure = Secure::new(server);
    let proxy = Proxy::start(secure.front.address(), 200);
    for name in ["HTTPS_PROXY", "https_proxy"] {
        for (host, fits) in [("collector.test", true), ("other.test", false)] {
            let variables = [
                (ENDPOINT, format!("https://{host}:4318")),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", CA.to_owned()),
                (name, proxy.url()),
            ];
            let result = secure.takes(builder().with_environment(variables));
            assert_eq!(result.is_ok(), fits, "{host}: {result:?}");
            assert!(proxy.targets().contains(&format!("{host}:4318")), "{:?}", proxy.targets());
        }
    }
}

#[test]
fn an_insecure_mlflow_takes_any_certificate_and_it_is_told() {
    let secure = Secure::new(Server::mlflow());
    let builder = || secure.with(&[("MLFLOW_TRACKING_INSECURE_TLS", "true")]);
    secure.takes(builder()).unwrap();
    let explanation = builder().explain_config().unwrap();
    let warnings: Vec<_> = explanation.warnings().collect();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("MLFLOW_TRACKING_INSECURE_TLS is true"),
        "{warnings:?}"
    );
    secure.takes(secure.with(&[("MLFLOW_TRACKING_INSECURE_TLS", "false")])).unwrap_err();
}

#[test]
fn a_server_that_asks_learns_who_we_are() {
    let mlflow = Secure::mutual(Server::mlflow());
    let ca = ("MLFLOW_TRACKING_SERVER_CERT_PATH", CA);
    mlflow.takes(mlflow.with(&[ca, ("MLFLOW_TRACKING_CLIENT_CERT_PATH", CLIENT_BOTH)])).unwrap();
    let collector = Secure::mutual(Server::collector());
    let ca = ("OTEL_EXPORTER_OTLP_CERTIFICATE", CA);
    let general = [
        ca,
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CLIENT),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", CLIENT_KEY),
    ];
    collector.takes(collector.with(&general)).unwrap();
    let traces = [
        ca,
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", CLIENT),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", CLIENT_KEY),
    ];
    collector.takes(collector.with(&traces)).unwrap();
}

#[test]
fn a_server_that_does_not_learn_who_we_are_refuses_and_the_span_waits() {
    for (server, ca, fix) in [
        (Server::mlflow(), "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
        (
            Server::collector(),
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ),
    ] {
        let secure = Secure::mutual(server);
        let words = secure.takes(secure.with(&[(ca, CA)])).unwrap_err();
        assert!(words.contains(fix), "{words}");
        assert_eq!(secure.server.asked(), 0);
    }
}

#[test]
fn a_listed_destination_has_certificates_of_its_own() {
    let (mlflow, collector) =
        (Secure::mutual(Server::mlflow()), Secure::mutual(Server::collector()));
    let mlflow_destination: Destination = Mlflow::new(url(&mlflow.front))
        .with_ca_certificate(CA)
        .with_client_certificate(CLIENT, CLIENT_KEY)
        .into();
    let endpoint = format!("{}/v1/traces", url(&collector.front));
    let otlp: Destination = Otlp::new(endpoint)
        .with_ca_certificate(CA)
        .with_client_certificate(CLIENT, CLIENT_KEY)
        .into();
    mlflow.takes(builder().with_destination(mlflow_destination)).unwrap();
    collector.takes(builder().with_destination(otlp)).unwrap();
    // The environment's are not its.
    let variables = [
        ("MLFLOW_TRACKING_SERVER_CERT_PATH", CA),
        ("MLFLOW_TRACKING_CLIENT_CERT_PATH", CLIENT_BOTH),
    ];
    let listed =
        builder().with_environment(variables).with_destination(Mlflow::new(url(&mlflow.front)));
    mlflow.takes(listed).unwrap_err();
}

#[test]
fn certificates_that_cannot_work_are_an_error_at_once() {
    let secure = Secure::new(Server::collector());
    let bad = |variables: &[(&'static str, &str)]| {
        let (time, result) = timed(|| secure.with(variables).build());
        assert!(time < SLACK, "{time:?}");
        let error = result.unwrap_err();
        assert!(error.is_config());
        error.to_string()
    };
    let missing = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/missing.pem");
    let name = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    for (value, problem) in
        [(missing, "the file cannot be read"), (CLIENT_KEY, "the file holds no certificate")]
    {
        let words = bad(&[(name, value)]);
        assert!(words.starts_with(&format!("{name} is `{value}`: {problem}")), "{words}");
    }
    for (name, value, other) in [
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            CLIENT_KEY,
            "set OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        ),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            CLIENT,
            "set OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        ),
    ] {
        let words = bad(&[(name, value)]);
        assert!(words.starts_with(name) && words.contains(other), "{words}");
    }
    assert_eq!(secure.server.asked(), 0);
}

#[test]
fn plain_http_to_a_server_of_tls_costs_no_span() {
    let secure = Secure::new(Server::collector());
    let url = url(&secure.front).replace("https://", "http://");
    let guard = built(builder().with_otlp_endpoint(url));
    end_span(&guard, "span");
    let error = guard.flush(SHORT).unwrap_err();
    assert_eq!((error.pending(), conserved(&guard).ended), (1, 1));
}

#[test]
fn grpc_trusts_and_proves_by_the_same_variables() {
    let secure = Secure::grpc(false);
    let ca = ("OTEL_EXPORTER_OTLP_CERTIFICATE", CA);
    secure.takes(secure.with(&[ca])).unwrap();
    let words = secure.takes(secure.with(&[])).unwrap_err();
    assert!(words.contains("certificate") && words.contains(ca.0), "{words}");
    let mutual = Secure::grpc(true);
    let identity = [
        ca,
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CLIENT),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", CLIENT_KEY),
    ];
    mutual.takes(mutual.with(&identity)).unwrap();
    // Whether the client reads why the connection ended, or only that it did, is a race: the span
    // waits either way, and sooner or later the reason is told.
    let guard = built(mutual.with(&[ca]));
    end_span(&guard, "span");
    until("the reason is told", || {
        let error = guard.flush(Duration::from_millis(100)).unwrap_err();
        assert_eq!((error.pending(), conserved(&guard).ended), (1, 1));
        error.to_string().contains("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
    });
    assert_eq!(mutual.server.spans().0.len(), 1);
}

#[test]
fn over_grpc_too_the_name_in_the_certificate_counts_and_a_proxy_does_not_see_inside() {
    let secure = Secure::grpc(false);
    let proxy = Proxy::start(secure.front.address(), 200);
    for (host, fits) in [("collector.test", true), ("other.test", false)] {
        let variables = [
            (ENDPOINT, format!("https://{host}:4317")),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", CA.to_owned()),
            ("HTTPS_PROXY", proxy.url()),
        ];
        let result = secure.takes(builder().with_environment(variables));
        assert_eq!(result.is_ok(), fits, "{host}: {result:?}");
        assert!(proxy.targets().contains(&format!("{host}:4317")), "{:?}", proxy.targets());
    }
}

#[test]
fn over_grpc_too_a_listed_destination_has_certificates_of_its_own() {
    let secure = Secure::grpc(true);
    let listed = || Otlp::new(url(&secure.front)).with_protocol(Protocol::Grpc);
    let known = listed().with_ca_certificate(CA).with_client_certificate(CLIENT, CLIENT_KEY);
    secure.takes(builder().with_destination(known)).unwrap();
    secure.takes(builder().with_destination(listed())).unwrap_err();
}

#[test]
fn megabytes_go_over_grpc_by_tls_and_the_connection_is_kept() {
    let secure = Secure::grpc(false);
    let guard = built(secure.with(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", CA)]));
    for number in 0..3 {
        guard.provider().tracer("test").in_span(format!("{number}"), |cx| {
            cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(3 * 1024 * 1024)));
        });
    }
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    assert_eq!(secure.server.spans().names(), ["0", "1", "2"]);
    assert!(secure.server.calls(Route::Spans).iter().all(|call| call.connection == 0));
}

#[test]
fn a_server_of_tls_that_does_not_speak_http2_is_told_from_one_of_grpc() {
    for (protocols, why) in [
        (&[][..], "the server does not speak HTTP/2"),
        (&["http/1.1"], "received fatal alert: NoApplicationProtocol"),
    ] {
        let secure = Secure::grpc_that_offers(false, protocols);
        let guard = built(secure.with(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", CA)]));
        end_span(&guard, "span");
        until("it is told", || guard.stats().destinations[0].last_problem.is_some());
        let error = guard.flush(SHORT).unwrap_err();
        assert_eq!((error.pending(), conserved(&guard).ended), (1, 1));
        let words = error.to_string();
        let advice = "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
        assert!(words.contains(why) && words.contains(advice), "{words}");
    }
}

#[test]
fn the_doctor_tells_where_tls_is_spoken_and_where_it_is_not() {
    let secure = Secure::new(Server::mlflow());
    let plain = format!("http://{}", secure.front.address());
    for (settings, expected) in [
        (secure.with(&[]), "UnknownIssuer; check MLFLOW_TRACKING_SERVER_CERT_PATH"),
        (builder().with_tracking_uri(&plain), "if it is TLS, write https://"),
        (builder().with_otlp_endpoint(&plain), "if it is TLS, write https://"),
    ] {
        let report = settings.diagnose(PATIENCE).to_string();
        assert!(report.contains("\nerror ") && report.contains(expected), "{report}");
    }
    let report = secure.with(&[("MLFLOW_TRACKING_SERVER_CERT_PATH", CA)]).diagnose(PATIENCE);
    assert_eq!(report.severity(), Severity::Ok, "{report}");
}
