//! The experiment that traces belong to.

use mlflow_tracing::semconv::http::EXPERIMENT_HEADER;

use crate::support::app::Traced;
use crate::support::http::Answer;
use crate::support::server::mlflow::refusal;
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, timed};

/// The experiments that requests with spans named.
fn experiments(server: &Server) -> Vec<String> {
    let requests = server.requests(Route::Spans);
    let header =
        |head: &crate::support::http::Head| head.header(EXPERIMENT_HEADER).unwrap().to_owned();
    requests.iter().map(|request| header(&request.head)).collect()
}

fn setup_paths(server: &Server) -> Vec<String> {
    let requests = server.requests(Route::Setup);
    let path = |path: &str| path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    requests.iter().map(|request| path(&request.head.path)).collect()
}

#[test]
fn without_a_name_it_is_the_default_experiment() {
    let traced = Traced::mlflow();
    traced.end_span("span");
    traced.delivered();
    assert_eq!(experiments(&traced.server), ["0"]);
}

#[test]
fn an_experiment_is_found_by_its_name() {
    let server = Server::mlflow();
    server.with_store(|store| drop(store.add("rag & co/1 ü")));
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment("rag & co/1 ü"));
    traced.end_span("span");
    traced.delivered();
    assert_eq!(experiments(&traced.server), ["1"]);
    assert_eq!(setup_paths(&traced.server), ["get-by-name"]);
}

#[test]
fn an_experiment_that_does_not_exist_is_made_once() {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| builder.with_experiment("new"));
    for number in 0..3 {
        traced.end_span(format!("span {number}"));
        traced.flush();
    }
    traced.delivered();
    assert_eq!(setup_paths(&traced.server), ["get-by-name", "create"]);
    assert_eq!(experiments(&traced.server), ["1", "1", "1"]);
}

#[test]
fn an_experiment_that_another_process_made_meanwhile_is_used() {
    let server = Server::mlflow();
    server.script(Route::Setup, [refusal(404, "RESOURCE_DOES_NOT_EXIST")]);
    server.with_store(|store| drop(store.add("raced")));
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment("raced"));
    traced.end_span("span");
    traced.delivered();
    assert_eq!(setup_paths(&traced.server), ["get-by-name", "create", "get-by-name"]);
    assert_eq!(experiments(&traced.server), ["1"]);
}

#[test]
fn spans_wait_for_a_deleted_experiment_to_be_restored() {
    let server = Server::mlflow();
    server.with_store(|store| {
        store.add("rag");
        store.set_deleted("rag", true);
    });
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment("rag"));
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{time:?}");
    assert!(words.contains("the experiment `rag` is deleted; restore it"), "{words}");
    assert!(traced.server.requests(Route::Spans).is_empty());
    assert_eq!(traced.conserved().destinations[0].pending, 1);
    traced.server.with_store(|store| store.set_deleted("rag", false));
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn an_id_that_does_not_exist_is_told_with_what_to_do() {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| builder.with_experiment_id("77"));
    traced.end_span("span");
    let words = traced.flush_in_vain(PATIENCE);
    assert!(words.contains("no experiment with id 77; set MLFLOW_EXPERIMENT_ID"), "{words}");
    traced.conserved();
}

#[test]
fn an_experiment_that_is_lost_on_the_way_is_looked_for_again() {
    let server = Server::mlflow();
    server.script(Route::Spans, [refusal(404, "RESOURCE_DOES_NOT_EXIST")]);
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment("rag"));
    traced.end_span("span");
    traced.server.wait_for(Route::Spans, 1);
    traced.delivered();
    assert_eq!(setup_paths(&traced.server), ["get-by-name", "create", "get-by-name"]);
}

#[test]
fn an_answer_that_is_not_mlflows_is_told() {
    for named in [true, false] {
        let server = Server::mlflow();
        let page = Answer::new(200).body("text/html", "<html>Welcome</html>");
        server.always(Route::Setup, page);
        let traced = Traced::mlflow_with(server, |builder| {
            if named { builder.with_experiment("rag") } else { builder.with_experiment_id("0") }
        });
        traced.end_span("span");
        let words = traced.flush_in_vain(PATIENCE);
        assert!(words.contains("the answer is not MLflow's; check the tracking URI"), "{words}");
        traced.conserved();
    }
}

#[test]
fn a_proxy_that_routes_spans_only_will_do() {
    let server = Server::mlflow();
    server.always(Route::Setup, 404);
    let traced = Traced::mlflow_with(server, |builder| builder);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn the_experiments_address_is_told_once() {
    let server = Server::mlflow();
    server.script(Route::Spans, [401, 200, 401, 200]);
    let traced =
        Traced::mlflow_with(server, |builder| builder.with_experiment("rag").with_print_url(true));
    traced.guard.ready(PATIENCE).unwrap();
    for number in 0..2 {
        traced.end_span(format!("span {number}"));
        traced.server.wait_for(Route::Spans, 2 * number + 1);
        traced.flush();
    }
    let address = format!("{}/#/experiments/1/traces", traced.server.url());
    let told = traced.server.told();
    let appear: Vec<_> = told.iter().filter(|line| line.contains("traces appear")).collect();
    assert_eq!(appear, [&format!("traces appear at {address}")]);
    traced.conserved();
}

#[test]
fn the_experiments_address_can_be_kept_quiet() {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| builder.with_print_url(false));
    traced.guard.ready(PATIENCE).unwrap();
    assert!(traced.server.told().is_empty());
    traced.conserved();
}
