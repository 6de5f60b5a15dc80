//! What set-up says: readiness, strictness, and where each setting comes from.

use std::time::Duration;

use mlflow_tracing::{Builder, Source};
use tracing::info_span;

use crate::support::app::{NOTHING, Traced, builder, conserved, end_span, to_collector, to_mlflow};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed};
use crate::support::told::Ear;

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn ready_is_ok_once_every_destination_answered() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let guard = to_collector(&collector).with_tracking_uri(mlflow.url()).build().unwrap();
    guard.ready(PATIENCE).unwrap();
    assert_eq!(
        (mlflow.requests(Route::Setup).len(), collector.requests(Route::Setup).len()),
        (1, 1)
    );
    conserved(&guard);
}

#[test]
fn ready_says_who_is_not_and_what_to_do() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    mlflow.always(Route::Setup, 401);
    let guard = to_collector(&collector).with_tracking_uri(mlflow.url()).build().unwrap();
    let (time, result) = timed(|| guard.ready(PATIENCE));
    let error = result.unwrap_err();
    assert!(error.is_not_ready() && time < PATIENCE / 2, "{time:?}");
    let words = error.to_string();
    assert!(
        words.starts_with(&format!("MLflow {} is not ready: HTTP 401", mlflow.url())),
        "{words}"
    );
    assert!(words.contains("set MLFLOW_TRACKING_USERNAME"), "{words}");
    conserved(&guard);
}

#[test]
fn ready_ends_at_its_deadline() {
    let server = Server::mlflow();
    server.always(Route::Setup, Act::Hold);
    let traced = Traced::mlflow_with(server, |builder| builder.with_drop_timeout(Duration::ZERO));
    let (time, result) = timed(|| traced.guard.ready(SHORT));
    assert!(result.unwrap_err().is_not_ready());
    assert!(time >= SHORT && time < SHORT + SLACK, "{time:?}");
    traced.conserved();
}

#[test]
fn ready_becomes_ok_when_it_is_mended() {
    let server = Server::collector();
    server.script(Route::Setup, [403]);
    let guard = to_collector(&server).build().unwrap();
    server.wait_for(Route::Setup, 1);
    guard.ready(PATIENCE).unwrap();
    conserved(&guard);
}

#[test]
fn ready_of_the_embedded_default_is_ok() {
    let scratch = crate::support::scratch::Scratch::new();
    let guard = builder().with_local_directory(scratch.path()).build().unwrap();
    guard.ready(PATIENCE).unwrap();
    conserved(&guard);
}

#[test]
fn set_up_does_not_wait_for_the_network() {
    let server = Server::mlflow();
    server.always(Route::Setup, Act::Hold);
    let builder = to_mlflow(&server).with_drop_timeout(Duration::ZERO);
    let (time, guard) = timed(|| builder.build().unwrap());
    assert!(time < SLACK, "{time:?}");
    conserved(&guard);
}

#[test]
fn strict_set_up_fails_where_a_destination_refuses() {
    let server = Server::mlflow();
    server.always(Route::Setup, 403);
    let (time, result) = timed(|| to_mlflow(&server).with_strict(PATIENCE).build());
    let error = result.unwrap_err();
    assert!(error.is_not_ready() && time < PATIENCE / 2, "{time:?}");
    assert!(error.to_string().contains("HTTP 403"), "{error}");
}

#[test]
fn strict_set_up_fails_at_its_deadline_where_nobody_listens() {
    let port = DeadPort::reserve();
    let (time, result) =
        timed(|| builder().with_tracking_uri(port.url()).with_strict(SHORT).build());
    let error = result.unwrap_err();
    assert!(error.is_not_ready() && time < SHORT + 2 * SLACK, "{time:?}");
    assert!(error.to_string().contains("is the MLflow server running there?"), "{error}");
}

#[test]
fn strict_set_up_succeeds_where_all_is_well() {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| builder.with_strict(PATIENCE));
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn disabled_tracing_captures_nothing_and_asks_nobody() {
    let server = Server::collector();
    let builder = to_collector(&server).with_environment([("OTEL_SDK_DISABLED", "true")]);
    let traced = Traced::new(builder.build().unwrap(), server);
    traced.run(|| drop(info_span!("span")));
    traced.end_span("api");
    let stats = traced.conserved();
    assert_eq!((stats.ended, stats.destinations.len()), (0, 0));
    let Traced { guard, server, .. } = traced;
    // Nothing to wait for: no thread is there that could answer.
    let (time, ()) = timed(|| {
        guard.flush(PATIENCE).unwrap();
        guard.ready(PATIENCE).unwrap();
        guard.shutdown(PATIENCE).unwrap();
    });
    assert!(time < SLACK, "{time:?}");
    assert_eq!(server.asked(), 0);
}

fn explained(builder: &Builder) -> (Vec<(&'static str, String, Source)>, Vec<String>) {
    let explanation = builder.explain_config().unwrap();
    let settings =
        explanation.settings().map(|(name, value, source)| (name, value.to_owned(), source));
    (settings.collect(), explanation.warnings().map(str::to_owned).collect())
}

#[test]
fn explain_config_says_what_came_from_where() {
    let builder = builder()
        .with_environment([
            ("MLFLOW_TRACKING_URI", "http://anna:secret@host:5000/"),
            ("MLFLOW_EXPERIMENT_NAME", "rag"),
            ("OTEL_SERVICE_NAME", "from-environment"),
        ])
        .with_service_name("from-builder");
    let (settings, warnings) = explained(&builder);
    let setting = |name: &str| settings.iter().find(|(known, ..)| *known == name).unwrap();
    assert_eq!(setting("MLflow server").1, "http://host:5000");
    assert_eq!(setting("MLflow server").2, Source::Variable("MLFLOW_TRACKING_URI"));
    assert_eq!(
        setting("experiment"),
        &("experiment", "`rag`".to_owned(), Source::Variable("MLFLOW_EXPERIMENT_NAME"))
    );
    assert_eq!(
        setting("service"),
        &("service", "from-builder".to_owned(), Source::Builder("with_service_name"))
    );
    assert_eq!(setting("tracing"), &("tracing", "on".to_owned(), Source::Default));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn explain_config_shows_no_secret() {
    let builder = builder()
        .with_environment([
            ("MLFLOW_TRACKING_PASSWORD", "s3kr1t"),
            ("MLFLOW_TRACKING_USERNAME", "anna"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3kr1t"),
        ])
        .with_tracking_uri("http://host:5000")
        .with_otlp_endpoint("http://bob:s3kr1t@host:4318/v1/traces");
    let text = builder.explain_config().unwrap().to_string();
    assert!(!text.contains("s3kr1t"), "{text}");
    assert!(text.contains("Basic anna:****") && text.contains("api-key=****"), "{text}");
}

#[test]
fn the_guard_explains_the_same() {
    let server = Server::collector();
    let builder = to_collector(&server).with_service_name("api");
    let expected = builder.explain_config().unwrap();
    let guard = builder.build().unwrap();
    assert_eq!(guard.explain_config(), &expected);
    conserved(&guard);
}

#[test]
fn an_ignored_variable_is_told_with_the_reason() {
    let server = Server::collector();
    let variables = [("MLFLOW_HTTP_POOL_MAXSIZE", "7"), ("OTEL_TRACES_EXPORTER", "otlp")];
    let builder = to_collector(&server).with_environment(variables);
    let (_, warnings) = explained(&builder);
    assert_eq!(
        warnings,
        ["MLFLOW_HTTP_POOL_MAXSIZE has no effect: each destination has one connection"]
    );
    let ear = Ear::new("MLFLOW_HTTP_POOL_MAXSIZE");
    let guard = builder.build().unwrap();
    assert_eq!(ear.lines(), warnings);
    conserved(&guard);
}

#[test]
fn of_two_destinations_in_the_environment_otlp_wins_and_it_is_told() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let variables =
        [("MLFLOW_TRACKING_URI", mlflow.url()), ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
    let builder = builder().with_environment(variables);
    assert!(explained(&builder).1[0].contains("traces go to the OTLP receiver only"));
    let guard = builder.build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!((collector.spans().0.len(), mlflow.asked()), (1, 0));
    conserved(&guard);
}

#[test]
fn a_destination_of_the_builder_wins_over_those_of_the_environment() {
    let (theirs, ours) = (Server::collector(), Server::mlflow());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", theirs.url())];
    let guard = to_mlflow(&ours).with_environment(variables).build().unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!((ours.spans().0.len(), theirs.asked()), (1, 0));
    conserved(&guard);
}

#[test]
fn a_value_that_cannot_work_is_an_error_that_names_the_variable_and_the_fix() {
    for (name, value, fix) in [
        ("MLFLOW_TRACKING_URI", "databricks", "use the http(s):// address of an MLflow server"),
        ("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db", "start `mlflow server`"),
        ("MLFLOW_TRACKING_URI", "localhost:5000", "write it like http://127.0.0.1:5000"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "host:4317", "OTEL_EXPORTER_OTLP_INSECURE"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "host:4318", "http://"),
        ("OTEL_SDK_DISABLED", "maybe", "write true or false"),
    ] {
        let error = builder().with_environment([(name, value)]).build().unwrap_err();
        let words = error.to_string();
        assert!(error.is_config());
        assert!(words.contains(name) && words.contains(value) && words.contains(fix), "{words}");
    }
}

#[test]
fn a_builder_can_be_used_twice() {
    let server = Server::collector();
    let builder = to_collector(&server).with_environment(NOTHING);
    let (one, other) = (builder.clone().build().unwrap(), builder.build().unwrap());
    end_span(&one, "one");
    end_span(&other, "other");
    one.flush(PATIENCE).unwrap();
    other.flush(PATIENCE).unwrap();
    assert_eq!(server.spans().sorted_names(), ["one", "other"]);
    assert_eq!((conserved(&one).ended, conserved(&other).ended), (1, 1));
}
