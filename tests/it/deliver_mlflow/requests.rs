//! The requests that carry spans.

use std::time::Duration;

use mlflow_tracing::semconv;
use serde_json::json;
use tracing::info_span;

use crate::support::app::{Traced, to_mlflow};
use crate::support::server::{Act, Route, Server};

/// A server that lets nothing through before it is released, so that spans pile up.
fn held() -> Traced {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| builder);
    traced.server.wait_for(Route::Setup, 1);
    traced
}

#[test]
fn many_traces_go_in_one_request() {
    let server = Server::mlflow();
    server.always(Route::Setup, Act::Hold);
    let traced = Traced::mlflow_with(server, |builder| builder);
    for number in 0..50 {
        traced.end_span(format!("trace {number}"));
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
    assert_eq!(traced.delivered().0.len(), 50);
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
}

#[test]
fn a_trace_that_is_finished_leaves_without_a_flush() {
    let traced = held();
    traced.end_span("alone");
    traced.server.wait_for(Route::Spans, 1);
    assert_eq!(traced.delivered().names(), ["alone"]);
}

#[test]
fn a_short_trace_goes_in_one_request_with_its_root_last() {
    let traced = held();
    traced.run(|| {
        info_span!("root").in_scope(|| {
            for _ in 0..5 {
                drop(info_span!("child"));
            }
        });
    });
    traced.server.wait_for(Route::Spans, 1);
    let names = traced.delivered();
    assert_eq!(names.names(), ["child", "child", "child", "child", "child", "root"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
}

#[test]
fn a_large_trace_goes_in_requests_of_at_most_512_spans_with_its_root_last() {
    let traced = Traced::mlflow();
    traced.run(|| {
        info_span!("root").in_scope(|| {
            for _ in 0..1100 {
                drop(info_span!("child"));
            }
        });
    });
    let spans = traced.delivered();
    assert_eq!(spans.0.len(), 1101);
    assert_eq!(spans.0.last().unwrap().span.name, "root");
    let requests = traced.server.requests(Route::Spans);
    assert!(requests.iter().all(|request| request.spans().0.len() <= 512));
}

#[test]
fn a_request_says_what_it_is_and_where_its_traces_belong() {
    let server = Server::mlflow();
    server.with_store(|store| {
        store.add("one");
        store.add("two");
    });
    let traced = Traced::mlflow_with(server, |builder| builder.with_experiment_id("2"));
    traced.end_span("span");
    traced.flush();
    let request = traced.server.requests(Route::Spans).remove(0);
    assert_eq!(request.head.method, "POST");
    assert_eq!(request.head.path, "/v1/traces");
    assert_eq!(request.head.header(semconv::http::EXPERIMENT_HEADER), Some("2"));
    assert_eq!(request.head.header("content-type"), Some("application/x-protobuf"));
    let agent = request.head.header("user-agent").unwrap();
    assert_eq!(agent, concat!("mlflow-tracing-rust/", env!("CARGO_PKG_VERSION")));
    traced.conserved();
}

#[test]
fn a_path_in_the_tracking_uri_is_kept() {
    let server = Server::mlflow();
    let uri = format!("{}/team/mlflow/", server.url());
    let traced = Traced::new(to_mlflow(&server).with_tracking_uri(uri).build().unwrap(), server);
    traced.end_span("span");
    traced.flush();
    let paths = [Route::Setup, Route::Spans]
        .map(|route| traced.server.requests(route)[0].head.path.clone());
    assert_eq!(
        paths,
        ["/team/mlflow/api/2.0/mlflow/experiments/get?experiment_id=0", "/team/mlflow/v1/traces"]
    );
    traced.conserved();
}

#[test]
fn every_request_proves_who_we_are() {
    let basic =
        Traced::mlflow_with(Server::mlflow(), |builder| builder.with_basic_auth("anna", "pw"));
    let token = Traced::mlflow_with(Server::mlflow(), |builder| builder.with_token("t-1"));
    let server = Server::mlflow();
    let uri = server.url().replace("http://", "http://anna:p%77@");
    let in_uri = Traced::new(to_mlflow(&server).with_tracking_uri(uri).build().unwrap(), server);
    for (traced, expected) in
        [(basic, "Basic YW5uYTpwdw=="), (token, "Bearer t-1"), (in_uri, "Basic YW5uYTpwdw==")]
    {
        traced.run(|| {
            drop(info_span!("span", { semconv::trace::CLIENT_REQUEST_ID } = "r-1"));
        });
        traced.flush();
        for route in [Route::Setup, Route::Spans, Route::TraceInfo] {
            let request = traced.server.requests(route).remove(0);
            assert_eq!(request.head.header("authorization"), Some(expected), "{route:?}");
        }
        traced.conserved();
    }
}

#[test]
fn the_resource_names_the_service_and_what_it_is_made_of() {
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| {
        builder.with_service_name("api").with_resource_attribute("deployment.environment", "prod")
    });
    traced.end_span("span");
    let resource = traced.delivered().0.remove(0).resource;
    assert_eq!(resource["service.name"], "api");
    assert_eq!(resource["deployment.environment"], "prod");
    assert_eq!(resource["telemetry.sdk.language"], "rust");
}

#[test]
fn a_service_that_was_not_named_is_no_tag() {
    let traced = Traced::mlflow();
    traced.end_span("span");
    assert_eq!(traced.delivered().0.remove(0).resource.get("service.name"), None);
}

#[test]
fn the_root_carries_name_session_user_and_tags_of_its_trace() {
    let traced = Traced::mlflow();
    traced.run(|| {
        let root = info_span!(
            "agent",
            session.id = "s-1",
            user.id = "anna",
            mlflow.traceTag.team = "blue",
            mlflow.spanType = "AGENT",
        );
        root.in_scope(|| drop(info_span!("step")));
    });
    let spans = traced.delivered();
    let root = spans.one("agent");
    assert_eq!(root.attribute("session.id"), Some(json!("s-1")));
    assert_eq!(root.attribute("user.id"), Some(json!("anna")));
    assert_eq!(root.attribute("mlflow.traceTag.team"), Some(json!("blue")));
    assert_eq!(root.attribute("mlflow.traceTag.mlflow.traceName"), Some(json!("agent")));
    assert_eq!(root.attribute("mlflow.spanLogLevel"), Some(json!(20)));
    let step = spans.one("step");
    assert_eq!(step.attribute("mlflow.traceTag.mlflow.traceName"), None);
    assert_eq!(step.attribute("mlflow.spanType"), Some(json!("UNKNOWN")));
}

#[test]
fn tags_that_mlflow_keeps_for_itself_are_not_sent() {
    let traced = Traced::mlflow();
    traced.run(|| drop(info_span!("root", mlflow.traceTag.mlflow.artifactLocation = "elsewhere")));
    let spans = traced.delivered();
    assert_eq!(spans.one("root").attribute("mlflow.traceTag.mlflow.artifactLocation"), None);
}
