//! The separate trace-info call.

use mlflow_tracing::{Builder, TraceInfoMode};
use serde_json::{Value, json};
use tracing::info_span;

use crate::support::app::Traced;
use crate::support::server::{Route, Server};

fn traced(mode: TraceInfoMode) -> Traced {
    traced_with(|builder| builder.with_trace_info(mode))
}

fn traced_with(change: impl FnOnce(Builder) -> Builder) -> Traced {
    let variables = [("USER", "os-user")];
    Traced::mlflow_with(Server::mlflow(), |builder| change(builder.with_environment(variables)))
}

/// A trace that carries what spans cannot.
fn rich() {
    let root = info_span!(
        "agent",
        question = "why?",
        session.id = "s-1",
        user.id = "anna",
        mlflow.traceTag.team = "blue",
        mlflow.traceMetadata.release = "7",
        mlflow.clientRequestId = "r-1",
        mlflow.traceRequestPreview = "asked",
        mlflow.traceResponsePreview = "answered",
        mlflow.modelId = "m-1",
    );
    root.in_scope(|| drop(info_span!("step")));
}

fn plain() {
    info_span!("agent").in_scope(|| drop(info_span!("step")));
}

/// The trace infos that came.
fn infos(traced: &Traced) -> Vec<Value> {
    let requests = traced.server.requests(Route::TraceInfo);
    requests.iter().map(|request| request.json()["trace"]["trace_info"].clone()).collect()
}

#[test]
fn auto_makes_no_call_for_a_trace_that_spans_describe() {
    let traced = traced(TraceInfoMode::Auto);
    traced.run(plain);
    traced.delivered();
    assert!(infos(&traced).is_empty());
}

#[test]
fn auto_is_the_default() {
    let traced = traced_with(|builder| builder);
    traced.run(plain);
    traced.flush();
    assert!(infos(&traced).is_empty());
    traced.run(rich);
    traced.delivered();
    assert_eq!(infos(&traced).len(), 1);
}

#[test]
fn the_call_carries_what_spans_cannot() {
    let traced = traced(TraceInfoMode::Auto);
    traced.run(rich);
    let spans = traced.delivered();
    let info = infos(&traced).remove(0);
    assert_eq!(info["trace_id"], format!("tr-{}", spans.one("agent").trace_id()));
    assert_eq!(info["state"], "OK");
    assert_eq!(info["client_request_id"], "r-1");
    assert_eq!(
        (&info["request_preview"], &info["response_preview"]),
        (&json!("asked"), &json!("answered"))
    );
    assert_eq!(info["tags"], json!({ "mlflow.traceName": "agent", "team": "blue" }));
    let metadata = &info["trace_metadata"];
    assert_eq!(metadata["release"], "7");
    assert_eq!(metadata["mlflow.modelId"], "m-1");
    assert_eq!(metadata["mlflow.trace.session"], "s-1");
    assert_eq!(metadata["mlflow.trace.user"], "anna");
    assert_eq!(metadata["mlflow.user"], "os-user");
    assert_eq!(metadata["mlflow.trace_schema.version"], "3");
    assert_eq!(metadata["mlflow.traceInputs"], r#"{"question":"why?"}"#);
    assert_eq!(info["trace_location"]["mlflow_experiment"]["experiment_id"], "0");
}

#[test]
fn what_the_call_carries_is_not_repeated_in_the_spans() {
    let traced = traced(TraceInfoMode::Auto);
    traced.run(rich);
    let spans = traced.delivered();
    let root = spans.one("agent");
    for key in ["mlflow.traceMetadata.release", "mlflow.clientRequestId", "mlflow.modelId"] {
        assert_eq!(root.attribute(key), None, "{key}");
    }
    assert_eq!(root.attribute("session.id"), Some(json!("s-1")));
}

#[test]
fn always_makes_the_call_for_every_trace() {
    let traced = traced(TraceInfoMode::Always);
    traced.run(plain);
    traced.run(plain);
    let spans = traced.delivered();
    let mut told: Vec<_> = infos(&traced).iter().map(|info| info["trace_id"].to_string()).collect();
    let roots = spans.0.iter().filter(|span| span.is_root());
    let mut ids: Vec<_> = roots.map(|span| format!("\"tr-{}\"", span.trace_id())).collect();
    told.sort();
    ids.sort();
    assert_eq!(told, ids);
}

#[test]
fn the_call_counts_the_spans_and_their_bytes() {
    let traced = traced(TraceInfoMode::Always);
    traced.run(plain);
    traced.delivered();
    let info = infos(&traced).remove(0);
    let stats = info["trace_metadata"]["mlflow.trace.sizeStats"].as_str().unwrap();
    let stats: Value = serde_json::from_str(stats).unwrap();
    assert_eq!(stats["num_spans"], 2);
    assert_eq!(
        info["trace_metadata"]["mlflow.trace.sizeBytes"],
        stats["total_size_bytes"].to_string()
    );
}

#[test]
fn never_makes_no_call_and_leaves_the_attributes_in_the_spans() {
    let traced = traced(TraceInfoMode::Never);
    traced.run(rich);
    let spans = traced.delivered();
    assert!(infos(&traced).is_empty());
    let root = spans.one("agent");
    assert_eq!(root.attribute("mlflow.traceMetadata.release"), Some(json!("7")));
    assert_eq!(root.attribute("mlflow.clientRequestId"), Some(json!("r-1")));
}

#[test]
fn a_trace_that_failed_says_so() {
    #[tracing::instrument(err, fields(mlflow.clientRequestId = "r-1"))]
    fn fail() -> Result<(), String> {
        Err("no".to_owned())
    }
    let traced = traced(TraceInfoMode::Auto);
    traced.run(fail).unwrap_err();
    traced.delivered();
    assert_eq!(infos(&traced)[0]["state"], "ERROR");
}

#[test]
fn a_state_of_ones_own_wins() {
    let traced = traced(TraceInfoMode::Auto);
    traced.run(|| drop(info_span!("root", mlflow.traceState = "ERROR")));
    let spans = traced.delivered();
    assert_eq!(infos(&traced)[0]["state"], "ERROR");
    assert_eq!(spans.one("root").status().0, "OK");
}

#[test]
fn the_call_comes_after_the_spans_are_stored() {
    let traced = traced(TraceInfoMode::Always);
    traced.server.script(Route::Spans, [503, 503]);
    traced.run(plain);
    traced.delivered();
    let stored = traced.server.requests(Route::Spans).last().unwrap().at;
    assert_eq!(traced.server.requests(Route::Spans).len(), 3);
    assert!(traced.server.requests(Route::TraceInfo)[0].at >= stored);
}

#[test]
fn a_call_that_fails_for_a_while_is_repeated() {
    let traced = traced(TraceInfoMode::Always);
    traced.server.script(Route::TraceInfo, [503, 500]);
    traced.run(plain);
    traced.delivered();
    assert_eq!(infos(&traced).len(), 3);
}

#[test]
fn a_call_that_is_refused_takes_no_span_with_it() {
    let traced = traced(TraceInfoMode::Always);
    traced.server.always(Route::TraceInfo, 400);
    traced.run(plain);
    assert_eq!(traced.delivered().0.len(), 2);
    let told = traced.server.told();
    assert!(told.iter().any(|line| line.contains("was not stored")), "{told:?}");
}

#[test]
fn a_call_about_a_trace_that_lost_a_span_makes_no_statistics() {
    let traced = traced(TraceInfoMode::Always);
    traced.server.judge(Route::Spans, |request| {
        if request.spans().names().contains(&"step") { 422.into() } else { 200.into() }
    });
    traced.run(plain);
    traced.flush_in_vain(crate::support::time::PATIENCE);
    let info = infos(&traced).remove(0);
    assert_eq!(info["trace_metadata"].get("mlflow.trace.sizeStats"), None);
    assert_eq!(traced.server.spans().names(), ["agent"]);
    traced.conserved();
}
