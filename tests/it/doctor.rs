//! What the doctor finds, at destinations that are well and at those that are not.

use std::fs;
use std::time::Duration;

use mlflow_tracing::destination::{Exporter, Local};
use mlflow_tracing::{Builder, OtlpEncoder, Protocol, Severity};

use crate::proxy::Proxy;
use crate::support::app::{builder, conserved, end_span, to_collector, to_grpc, to_mlflow};
use crate::support::exporter::Scripted;
use crate::support::http::Answer;
use crate::support::scratch::Scratch;
use crate::support::server::grpc::GrpcServer;
use crate::support::server::mlflow::refusal;
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, wall_clock};

/// What is found beside the configuration, which nothing is wrong with.
fn found(settings: &Builder) -> Vec<(Severity, String)> {
    let diagnosis = settings.diagnose(PATIENCE);
    let (first, rest) = diagnosis.findings().split_first().unwrap();
    assert_eq!(
        (first.severity, first.subject.as_str()),
        (Severity::Ok, "configuration"),
        "{diagnosis}"
    );
    rest.iter().map(|finding| (finding.severity, finding.text.clone())).collect()
}

/// Everything is well, and these words say so.
fn well(settings: &Builder, expected: &[&str]) {
    let found = found(settings);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((severity, text), words) in found.iter().zip(expected) {
        assert!(*severity == Severity::Ok && text.contains(words), "{words} not in {found:?}");
    }
}

/// The last that is found is an error, with these words.
fn ill(settings: &Builder, expected: &[&str]) {
    let found = found(settings);
    let (severity, text) = found.last().unwrap();
    assert_eq!(*severity, Severity::Error, "{found:?}");
    assert!(expected.iter().all(|words| text.contains(words)), "{expected:?} not in {found:?}");
}

#[test]
fn an_mlflow_server_that_is_well_is_looked_at_and_nothing_is_made_or_sent() {
    let server = Server::mlflow();
    let fine = ["MLflow 3.17.2 answers", "the experiment with id 0 is there", "takes spans"];
    well(&to_mlflow(&server), &fine);
    let new = ["MLflow 3.17.2", "the experiment `rag` is not there yet", "takes spans"];
    well(&to_mlflow(&server).with_experiment("rag"), &new);
    let id = {
        let mut id = String::new();
        server.with_store(|store| id = store.add("rag"));
        id
    };
    let known = format!("the experiment with id {id} is there");
    well(&to_mlflow(&server).with_experiment("rag"), &["MLflow 3.17.2", &known, "takes spans"]);
    let heads = server.requests(Route::Setup);
    assert!(heads.iter().all(|request| request.head.method == "GET"));
    assert!(server.requests(Route::Spans).iter().all(|request| request.body.is_empty()));
    assert!(server.told().is_empty(), "what is found is returned, and told nowhere else");
}

#[test]
fn a_collector_that_is_well_takes_an_empty_request_by_each_protocol() {
    let (server, grpc) = (Server::collector(), GrpcServer::collector());
    well(&to_collector(&server), &["takes OTLP as application/x-protobuf"]);
    // The official encoder writes no JSON.
    let json = to_collector(&server).with_otlp_encoder(OtlpEncoder::Own);
    let json = json.with_protocol(Protocol::HttpJson);
    well(&json, &["takes OTLP as application/json"]);
    well(&to_grpc(&grpc), &["takes OTLP over gRPC"]);
    assert_eq!((server.spans().0.len(), grpc.spans().0.len()), (0, 0));
}

#[test]
fn a_port_at_which_nobody_listens_is_told_with_what_to_start() {
    let url = DeadPort::reserve().url();
    let refused = "Connection refused";
    ill(&builder().with_tracking_uri(&url), &[refused, "is the MLflow server running there?"]);
    ill(
        &builder().with_otlp_endpoint(&url),
        &[refused, "is a collector listening there for HTTP?"],
    );
    let grpc = builder().with_otlp_endpoint(&url).with_protocol(Protocol::Grpc);
    ill(&grpc, &[refused, "is a collector listening there for gRPC?"]);
    ill(&builder().with_tracking_uri("http://mlflow.invalid:5000"), &["lookup address"]);
}

#[test]
fn a_protocol_where_another_is_spoken_is_found_out() {
    let (server, grpc) = (Server::collector(), GrpcServer::collector());
    let by_http = builder().with_otlp_endpoint(grpc.url()).with_protocol(Protocol::HttpProtobuf);
    ill(&by_http, &["gRPC is spoken there", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"]);
    let by_grpc = builder().with_otlp_endpoint(server.url()).with_protocol(Protocol::Grpc);
    ill(&by_grpc, &["HTTP is spoken there", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"]);
    ill(&builder().with_tracking_uri(grpc.url()), &["is not plain HTTP"]);
    let tls = builder().with_otlp_endpoint(grpc.url().replace("http:", "https:"));
    let report = tls.with_protocol(Protocol::Grpc).diagnose(PATIENCE).to_string();
    assert!(report.contains("write http:// in place of https://"), "{report}");
}

#[test]
fn what_a_server_refuses_is_told_with_the_fix() {
    for (answer, mlflow, otlp) in [
        (Answer::new(401), "MLFLOW_TRACKING_USERNAME", "OTEL_EXPORTER_OTLP_HEADERS"),
        (Answer::new(403), "may not write", "OTEL_EXPORTER_OTLP_HEADERS"),
        (
            Answer::new(302).header("Location", "https://elsewhere"),
            "redirects are not followed",
            "redirects are not followed",
        ),
        (
            Answer::new(200).body("text/html", "<html>Welcome</html>"),
            "the answer is not MLflow's",
            "the answer is a page for people; check the path",
        ),
    ] {
        let server = Server::mlflow();
        server.always(Route::Version, answer.clone());
        ill(&to_mlflow(&server), &[mlflow]);
        assert_eq!(server.asked(), 1, "the rest would only say the same");
        let server = Server::collector();
        server.always(Route::Setup, answer);
        ill(&to_collector(&server), &[otlp]);
    }
    let server = Server::collector();
    server.always(Route::Setup, 404);
    ill(&to_collector(&server), &["HTTP 404", "check the path"]);
    // What refuses a request without spans, in both ways to make one, may take others.
    server.always(Route::Setup, 400);
    let before = server.asked();
    let found = found(&to_collector(&server));
    assert_eq!((found[0].0, server.asked() - before), (Severity::Warning, 2), "{found:?}");
    server.as_usual(Route::Setup);
    server.script(Route::Setup, [400]);
    well(&to_collector(&server), &["takes OTLP as application/x-protobuf"]);
}

#[test]
fn an_mlflow_server_that_is_too_old_or_has_not_what_spans_need_is_told() {
    let server = Server::mlflow();
    ill(&to_mlflow(&server).with_experiment_id("77"), &["there is no experiment with id 77"]);
    server.with_store(|store| store.set_deleted("Default", true));
    ill(&to_mlflow(&server), &["is deleted; restore it"]);
    server.with_store(|store| store.set_deleted("Default", false));
    server.always(Route::Spans, 404);
    ill(&to_mlflow(&server), &["HTTP 404", "MLflow 3.6 or newer"]);
    server.always(Route::Spans, Answer::new(403).body("text/plain", "Permission denied"));
    ill(&to_mlflow(&server), &["Permission denied", "may not write to this experiment"]);
    server.always(Route::Version, Answer::new(200).body("text/plain", "2.22.1"));
    ill(&to_mlflow(&server), &["MLflow 2.22.1 is too old", "3.6 or newer"]);
}

#[test]
fn a_proxy_that_routes_spans_only_is_worth_a_warning() {
    let server = Server::mlflow();
    server.always(Route::Version, 404);
    server.always(Route::Setup, 404);
    server.always(Route::Spans, refusal(400, "BAD_REQUEST"));
    let found = found(&to_mlflow(&server));
    assert_eq!(
        found.iter().map(|(severity, _)| *severity).max(),
        Some(Severity::Warning),
        "{found:?}"
    );
}

#[test]
fn what_stands_between_and_a_clock_that_is_off_are_told() {
    let server = Server::mlflow();
    let proxy = Proxy::start(server.address(), 200);
    let an_hour_ago = wall_clock() - Duration::from_secs(3600);
    let answer = Answer::new(200).body("text/plain", "3.17.2").header("Via", "1.1 gateway");
    server.always(Route::Version, answer.header("Date", httpdate::fmt_http_date(an_hour_ago)));
    let settings = builder()
        .with_environment([("HTTP_PROXY", proxy.url())])
        .with_tracking_uri("http://mlflow.test:5000");
    let found = found(&settings);
    assert!(found[0].1.contains(&format!("through the proxy {}", proxy.url())), "{found:?}");
    assert!(found[1].1.contains("Via: 1.1 gateway"), "{found:?}");
    let (severity, text) = &found[2];
    assert!(
        *severity == Severity::Warning && text.contains("s ahead of the server's"),
        "{found:?}"
    );
    assert!(found[3].1.contains("MLflow 3.17.2"), "{found:?}");
}

#[test]
fn patience_ends_and_no_destination_waits_for_another() {
    let (silent, well) = (Server::mlflow(), Server::collector());
    silent.always(Route::Version, Act::Hold);
    let patience = Duration::from_millis(400);
    let settings = builder()
        .with_tracking_uri(silent.url())
        .with_otlp_endpoint(format!("{}/v1/traces", well.url()));
    let (time, diagnosis) = timed(|| settings.diagnose(patience));
    assert!(time < patience + SLACK, "{time:?}");
    let severities: Vec<_> = diagnosis.findings().iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Ok, Severity::Error, Severity::Ok], "{diagnosis}");
    assert!(diagnosis.findings()[1].text.contains("timeout"), "{diagnosis}");
}

#[test]
fn a_value_that_cannot_work_is_all_that_is_found_and_one_without_effect_a_warning() {
    let diagnosis = builder().with_tracking_uri("databricks").diagnose(PATIENCE);
    assert_eq!((diagnosis.severity(), diagnosis.findings().len()), (Severity::Error, 1));
    assert!(diagnosis.to_string().starts_with("error    configuration: with_tracking_uri is"));
    let off = builder().with_environment([("OTEL_SDK_DISABLED", "true")]).diagnose(PATIENCE);
    assert_eq!((off.severity(), off.findings().len()), (Severity::Warning, 1), "{off}");
    let scratch = Scratch::new();
    let directory = scratch.path().display().to_string();
    let nowhere = builder().with_environment([("MLFLOW_TRACING_DIRECTORY", directory)]);
    let nowhere = nowhere.diagnose(PATIENCE);
    assert_eq!(nowhere.severity(), Severity::Warning);
    assert!(nowhere.to_string().contains("no destination is set"), "{nowhere}");
    let settings = builder().with_environment([
        ("MLFLOW_TRACKING_URI", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
    ]);
    let both = settings.diagnose(PATIENCE);
    let first = &both.findings()[0];
    assert!(first.severity == Severity::Warning && first.text.contains("both"), "{both}");
}

#[test]
fn a_directory_is_tried_out_and_left_as_it_was() {
    let scratch = Scratch::new();
    let nested = scratch.path().join("a/b");
    well(&builder().with_destination(Local::new(&nested)), &["can be written"]);
    assert!(!scratch.path().exists(), "what was made to try it is gone");
    fs::create_dir_all(&nested).unwrap();
    fs::write(nested.join("traces.jsonl"), "a line\n").unwrap();
    well(&builder().with_destination(Local::new(&nested)), &["can be written"]);
    assert_eq!(fs::read_to_string(nested.join("traces.jsonl")).unwrap(), "a line\n");
    // Below a file there can be no directory, not even for the superuser.
    let below = nested.join("traces.jsonl/directory");
    ill(
        &builder().with_destination(Local::new(below)),
        &["cannot write", "MLFLOW_TRACING_DIRECTORY"],
    );
}

#[test]
fn an_exporter_that_was_looked_at_can_be_used_afterwards() {
    let exporter = Scripted::new([]);
    let settings = builder().with_destination(Exporter::new("mine", exporter.clone()));
    well(&settings, &["can be asked nothing without spans"]);
    let guard = settings.build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    assert_eq!((exporter.names(), exporter.seen().shutdowns.len()), (vec!["span".to_owned()], 0));
}

#[tokio::test]
async fn the_programs_runtime_is_none_of_the_doctors_business() {
    let (server, grpc) = (Server::mlflow(), GrpcServer::collector());
    assert_eq!(to_mlflow(&server).diagnose(PATIENCE).severity(), Severity::Ok);
    assert_eq!(to_grpc(&grpc).diagnose(PATIENCE).severity(), Severity::Ok);
}

#[test]
fn a_report_has_the_settings_and_a_line_for_each_finding_and_no_secret() {
    let server = Server::mlflow();
    server.judge(Route::Version, |request| {
        let header = request.head.header("authorization").unwrap();
        Answer::new(401).body("text/plain", format!("bad credentials: {header}")).into()
    });
    let diagnosis = to_mlflow(&server).with_token("s3kr1t-t0ken").diagnose(PATIENCE);
    let report = diagnosis.to_string();
    assert!(!report.contains("s3kr1t-t0ken"), "{report}");
    let (settings, findings) = report.split_once("\n\n").unwrap();
    assert!(settings.contains("with_tracking_uri"), "{report}");
    assert_eq!(findings.lines().count(), diagnosis.findings().len(), "{report}");
    let line = format!("error    MLflow {}: HTTP 401: bad credentials", server.url());
    assert!(findings.contains(&line), "{report}");
}
