//! What an MLflow server is sent, by variable.

use std::fs;

use mlflow_tracing::semconv;
use serde_json::{Value, json};

use super::{environment, with};
use crate::support::app::{Traced, builder, conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::{Route, Server};
use crate::support::time::PATIENCE;

const ALWAYS: (&str, &str) = ("MLFLOW_TRACING_TRACE_INFO", "always");
const BASIC: &str = "Basic YW5uYTpwdw==";

/// The header on every request of a program that makes every kind of them.
fn header(variables: &[(&str, &str)], name: &str) -> Option<String> {
    let variables = [variables, &[ALWAYS]].concat();
    let traced = with(Server::mlflow(), &variables);
    traced.end_span("span");
    traced.delivered();
    let mut values: Vec<_> = [Route::Setup, Route::Spans, Route::TraceInfo]
        .into_iter()
        .flat_map(|route| {
            let requests = traced.server.requests(route);
            assert!(!requests.is_empty(), "{route:?}");
            requests.into_iter().map(|request| request.head.header(name).map(str::to_owned))
        })
        .collect();
    values.dedup();
    assert_eq!(values.len(), 1, "{values:?}");
    values.remove(0)
}

fn authorization(variables: &[(&str, &str)]) -> Option<String> {
    header(variables, "authorization")
}

/// The trace-info call of one span, if it is made.
fn trace_info(variables: &[(&str, &str)]) -> Option<Value> {
    let traced = with(Server::mlflow(), variables);
    traced.end_span("span");
    traced.delivered();
    let requests = traced.server.requests(Route::TraceInfo);
    assert!(requests.len() <= 1);
    Some(requests.first()?.json()["trace"]["trace_info"].clone())
}

#[test]
fn the_workspace_is_a_header_of_every_request() {
    let name = semconv::http::WORKSPACE_HEADER;
    assert_eq!(header(&[("MLFLOW_WORKSPACE", "team a")], name).as_deref(), Some("team a"));
    assert_eq!(header(&[], name), None);
}

#[test]
fn credentials_are_a_header_of_every_request() {
    let user = ("MLFLOW_TRACKING_USERNAME", "anna");
    let password = ("MLFLOW_TRACKING_PASSWORD", "pw");
    let token = ("MLFLOW_TRACKING_TOKEN", "t-1");
    assert_eq!(authorization(&[]), None);
    assert_eq!(authorization(&[token]).as_deref(), Some("Bearer t-1"));
    assert_eq!(authorization(&[user, password, token]).as_deref(), Some(BASIC));
}

/// A home whose credentials file holds `text`.
fn home(text: &str) -> Scratch {
    let home = Scratch::new();
    fs::create_dir_all(home.path().join(".mlflow")).unwrap();
    fs::write(home.path().join(".mlflow/credentials"), text).unwrap();
    home
}

#[test]
fn a_file_at_home_may_hold_the_credentials() {
    let home = home("[mlflow]\nmlflow_tracking_username = anna\nmlflow_tracking_password = pw\n");
    let path = home.path().to_str().unwrap();
    let elsewhere = Scratch::new();
    let elsewhere = elsewhere.path().to_str().unwrap();
    for name in ["HOME", "USERPROFILE"] {
        assert_eq!(authorization(&[(name, path)]).as_deref(), Some(BASIC), "{name}");
        assert_eq!(authorization(&[(name, elsewhere)]), None, "{name}");
    }
    assert_eq!(authorization(&[("HOME", elsewhere), ("USERPROFILE", path)]), None);
    // Each variable wins on its own.
    let carl = ("MLFLOW_TRACKING_USERNAME", "carl");
    assert_eq!(authorization(&[("HOME", path), carl]).as_deref(), Some("Basic Y2FybDpwdw=="));
    let token = ("MLFLOW_TRACKING_TOKEN", "t-1");
    assert_eq!(authorization(&[("HOME", path), token]).as_deref(), Some(BASIC));
}

#[test]
fn a_credentials_file_that_cannot_be_read_is_told() {
    let home = Scratch::new();
    // A folder in its place.
    fs::create_dir_all(home.path().join(".mlflow/credentials")).unwrap();
    let server = Server::mlflow();
    let builder = environment(&server, &[("HOME", home.path().to_str().unwrap())]);
    let explanation = builder.explain_config().unwrap();
    let warnings: Vec<_> = explanation.warnings().collect();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("~/.mlflow/credentials cannot be read"),
        "{warnings:?}"
    );
}

#[test]
fn the_experiment_is_found_by_id_or_made_by_name() {
    for (variables, id) in [
        (&[][..], "0"),
        (&[("MLFLOW_EXPERIMENT_NAME", "there")], "1"),
        (&[("MLFLOW_EXPERIMENT_NAME", "new")], "2"),
        (&[("MLFLOW_EXPERIMENT_ID", "1")], "1"),
        (&[("MLFLOW_EXPERIMENT_ID", "1"), ("MLFLOW_EXPERIMENT_NAME", "new")], "1"),
        (&[("MLFLOW_TRACING_DESTINATION", "1"), ("MLFLOW_EXPERIMENT_ID", "0")], "1"),
    ] {
        let server = Server::mlflow();
        server.with_store(|store| assert_eq!(store.add("there"), "1"));
        let traced = with(server, variables);
        traced.end_span("span");
        traced.delivered();
        let request = traced.server.requests(Route::Spans).remove(0);
        let header = request.head.header(semconv::http::EXPERIMENT_HEADER);
        assert_eq!(header, Some(id), "{variables:?}");
    }
}

#[test]
fn the_active_model_is_told_of_every_trace() {
    assert_eq!(trace_info(&[]), None);
    let model = ("MLFLOW_ACTIVE_MODEL_ID", "m-1");
    let info = trace_info(&[model]).unwrap();
    assert_eq!(info["trace_metadata"][semconv::trace::MODEL_ID], "m-1");
    assert_eq!(trace_info(&[model, ("MLFLOW_TRACING_TRACE_INFO", "never")]), None);
}

#[test]
fn the_trace_info_call_tells_who_ran_the_program() {
    let user = |variables: &[(&str, &str)]| {
        let info = trace_info(&[variables, &[ALWAYS]].concat()).unwrap();
        info["trace_metadata"]["mlflow.user"].clone()
    };
    assert_eq!(user(&[]), Value::Null);
    assert_eq!(user(&[("USER", "os-anna")]), json!("os-anna"));
    let tracking = ("MLFLOW_TRACKING_USERNAME", "anna");
    let password = ("MLFLOW_TRACKING_PASSWORD", "pw");
    assert_eq!(user(&[("USER", "os-anna"), tracking, password]), json!("anna"));
}

#[test]
fn the_address_of_the_experiment_is_told_unless_it_is_not_wanted() {
    for (value, told) in [(None, 1), (Some("true"), 1), (Some("false"), 0)] {
        // Listens, for all builders.
        drop(builder());
        let server = Server::mlflow();
        let uri = ("MLFLOW_TRACKING_URI", server.url());
        let print = value.map(|value| ("MLFLOW_TRACING_PRINT_URL", value.to_owned()));
        let variables = [uri].into_iter().chain(print);
        let guard = mlflow_tracing::builder().with_environment(variables).build().unwrap();
        end_span(&guard, "span");
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
        let lines = server.told();
        let address = format!("traces appear at {}/#/experiments/0/traces", server.url());
        assert_eq!(lines.iter().filter(|line| **line == address).count(), told, "{lines:?}");
    }
}

#[test]
fn a_tracking_uri_may_have_a_path_and_credentials() {
    let server = Server::mlflow();
    let uri = format!("{}/team/", server.url().replace("http://", "http://anna:p%77@"));
    let builder = builder().with_environment([("MLFLOW_TRACKING_URI", uri)]);
    let traced = Traced::new(builder.build().unwrap(), server);
    traced.end_span("span");
    traced.delivered();
    let request = traced.server.requests(Route::Spans).remove(0);
    assert_eq!(request.head.path, "/team/v1/traces");
    assert_eq!(request.head.header("authorization"), Some(BASIC));
}
