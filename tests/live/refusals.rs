//! What the user is told when a server does not take the spans.

use std::time::Duration;

use mlflow_tracing::{Builder, Protocol};

use super::encoder;
use super::mlflow::Mlflow;
use super::program::PATIENCE;
use super::rotel;
use super::support::app;
use super::support::time::timed;

/// A destination that is refused what it asks for.
pub(crate) fn refused(settings: Builder, expected: &[&str]) {
    let (time, ()) = timed(|| in_vain(settings, PATIENCE, expected));
    // Waiting mends nothing: both say so at once.
    assert!(time < PATIENCE / 4, "took {time:?}");
}

/// Ends a span. `ready` and `flush` must both say what is expected, and the span is kept: a person
/// may mend it.
fn in_vain(settings: Builder, patience: Duration, expected: &[&str]) {
    let guard = settings.build().unwrap();
    app::end_span(&guard, "kept");
    let ready = guard.ready(patience).unwrap_err();
    assert!(ready.is_not_ready());
    let flush = guard.flush(patience).unwrap_err();
    for said in [ready.to_string(), flush.to_string()] {
        assert!(expected.iter().all(|words| said.contains(words)), "{expected:?} not in: {said}");
    }
    let stats = app::conserved(&guard);
    assert_eq!((stats.ended, stats.destinations[0].pending), (1, 1), "{stats:?}");
    // A program that ends does not wait for that person.
    let (time, end) = timed(|| guard.shutdown(patience));
    assert!(end.unwrap_err().to_string().contains("dropped shutdown 1"));
    assert!(time < patience + Duration::from_secs(5), "took {time:?}");
}

fn to(server: &str) -> Builder {
    encoder::builder().with_tracking_uri(server)
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_wrong_path_is_told_with_the_variable_to_mend() {
    let nowhere = format!("{}/nowhere", Mlflow::plain().uri);
    let expected = ["HTTP 404", "check MLFLOW_TRACKING_URI", &nowhere];
    refused(to(&nowhere), &expected);
    refused(to(&nowhere).with_experiment("any"), &expected);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn an_experiment_that_does_not_exist_is_told() {
    let expected = ["there is no experiment with id 999999", "MLFLOW_EXPERIMENT_ID"];
    refused(to(&Mlflow::plain().uri).with_experiment_id("999999"), &expected);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_deleted_experiment_is_told() {
    let server = Mlflow::plain();
    let deleted = server.experiment("deleted");
    server.delete(&deleted);
    let by_id = format!("the experiment with id {} is deleted", deleted.id);
    refused(to(&server.uri).with_experiment_id(&deleted.id), &[&by_id, "restore it"]);
    let by_name = format!("the experiment `{}` is deleted", deleted.name);
    refused(to(&server.uri).with_experiment(&deleted.name), &[&by_name, "restore it"]);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn credentials_that_are_missing_or_wrong_are_told_and_not_shown() {
    let Mlflow { uri, credentials } = Mlflow::with_password();
    let (server, (user, _)) = (to(&uri), credentials.unwrap());
    let expected = ["HTTP 401", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"];
    refused(server.clone(), &expected);
    refused(server.clone().with_basic_auth(user, "wrong"), &expected);
    refused(server.with_token("wrong"), &expected);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn credentials_that_are_right_open_the_server() {
    let Mlflow { uri, credentials } = Mlflow::with_password();
    let (user, password) = credentials.unwrap();
    let in_address = uri.replace("://", &format!("://{user}:{}@", escaped(&password)));
    for settings in [to(&uri).with_basic_auth(user, password), to(&in_address)] {
        let guard = settings.build().unwrap();
        guard.ready(PATIENCE).unwrap();
        app::end_span(&guard, "welcome");
        guard.flush(PATIENCE).unwrap();
        assert_eq!(app::conserved(&guard).destinations[0].delivered, 1);
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_that_is_not_there_is_told() {
    // Nobody listens on port 1.
    let expected = ["http://127.0.0.1:1", "refused", "is the MLflow server running there?"];
    in_vain(to("http://127.0.0.1:1"), Duration::from_secs(1), &expected);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_collector_with_another_path_is_told() {
    let nowhere = format!("{}/nowhere", rotel::url(Protocol::HttpProtobuf));
    let expected = ["HTTP 404", "check the path", &nowhere];
    refused(encoder::builder().with_otlp_endpoint(&nowhere), &expected);
}

fn escaped(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}
