//! The separate trace-info call.

use mlflow_tracing::destination::{Destination, Mlflow};
use mlflow_tracing::{Builder, Cost, MlflowSpanExt as _, TokenUsage, TraceInfoMode};
use serde_json::{Value, json};
use tracing::info_span;

use crate::support::app::{Traced, builder};
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

/// A chat whose agent reports what its calls took together, and another call beside.
fn chat() {
    let ask = json!({ "messages": [{ "role": "user", "content": "why?" }] });
    let answer = json!({ "choices": [{ "message": { "role": "assistant", "content": "so" } }] });
    let root = info_span!("chat");
    root.set_inputs(&ask).set_outputs(&answer);
    root.in_scope(|| {
        let agent = info_span!("agent");
        agent.set_token_usage(&TokenUsage::new(10, 5).with_cache_read(4));
        agent.in_scope(|| {
            let call = info_span!("call");
            call.set_token_usage(&TokenUsage::new(10, 5)).set_cost(&Cost::new(0.25, 0.5));
        });
        let judge = info_span!("judge");
        judge.set_token_usage(&TokenUsage::new(1, 1)).set_cost(&Cost::new(1.0, 0.0));
    });
}

#[test]
fn the_call_tells_what_the_trace_took_and_what_was_said() {
    let traced = traced(TraceInfoMode::Always);
    traced.run(chat);
    traced.delivered();
    let info = infos(&traced).remove(0);
    assert_eq!(
        (&info["request_preview"], &info["response_preview"]),
        (&json!("why?"), &json!("so"))
    );
    let sums = |key: &str| -> Value {
        serde_json::from_str(info["trace_metadata"][key].as_str().unwrap()).unwrap()
    };
    let usage = json!({
        "input_tokens": 11, "output_tokens": 6, "total_tokens": 17, "cache_read_input_tokens": 4,
    });
    assert_eq!(sums("mlflow.trace.tokenUsage"), usage);
    let cost = json!({ "input_cost": 1.25, "output_cost": 0.5, "total_cost": 1.75 });
    assert_eq!(sums("mlflow.trace.cost"), cost);
}

#[test]
fn spans_that_a_filter_keeps_back_are_not_counted() {
    let server = Server::mlflow();
    let destination = Mlflow::new(server.url()).with_trace_info(TraceInfoMode::Always);
    let destination = Destination::from(destination).with_filter(|span| span.name != "judge");
    let guard = builder().with_destination(destination).build().unwrap();
    let traced = Traced::new(guard, server);
    traced.run(chat);
    traced.flush();
    traced.conserved();
    let metadata = infos(&traced).remove(0)["trace_metadata"].clone();
    assert!(metadata["mlflow.trace.sizeStats"].as_str().unwrap().contains("\"num_spans\":3"));
    assert!(metadata["mlflow.trace.tokenUsage"].as_str().unwrap().contains("\"input_tokens\":10"));
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
