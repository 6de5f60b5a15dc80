//! What is said of whole traces, as a server stores it.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState as W3cState,
};
use mlflow_tracing::{MlflowSpanExt as _, TraceState, context, update_current_trace};
use serde_json::json;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::program::Program;

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn scopes_and_updates_are_stored_with_the_last_word_on_each_key() {
    let program = Program::new("context");
    let trace_id = program.run(|| {
        let said = context().session("scope").user("anna").tag("team", "blue").tag("kept", "yes");
        said.metadata("release", "7").in_scope(|| {
            let root = info_span!("root", question = "why?");
            root.in_scope(|| {
                info_span!("step").in_scope(|| {
                    update_current_trace()
                        .session("update")
                        .tag("team", "x".repeat(5000))
                        .tag("k".repeat(300), "long")
                        .tag("mlflow.trace.spansLocation", "refused")
                        .tag("mlflow.traceName", "renamed")
                        .client_request_id("r".repeat(60))
                        .request_preview("ä".repeat(3000))
                        .response_preview("answered")
                        .state(TraceState::Error);
                });
            });
            root.trace_id().unwrap()
        })
    });
    let trace = program.stored(&trace_id);
    assert_eq!(trace.state, "ERROR");
    assert_eq!(trace.span("root").status, "OK");
    assert_eq!(trace.metadata["mlflow.trace.session"], "update");
    assert_eq!(trace.metadata["mlflow.trace.user"], "anna");
    assert_eq!(trace.metadata["release"], "7");
    assert_eq!(trace.tags["mlflow.traceName"], "renamed");
    assert_eq!(trace.tags["kept"], "yes");
    assert_eq!(trace.tags["team"].len(), 4096);
    assert_eq!(trace.tags[&"k".repeat(250)], "long");
    assert_eq!(trace.client_request_id.unwrap().len(), 50);
    assert_eq!(trace.request_preview.unwrap().chars().count(), 1000);
    assert_eq!(trace.response_preview.unwrap(), "answered");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_trace_whose_caller_sends_elsewhere_is_complete_if_that_is_said() {
    let handled = |elsewhere: bool, number: u128| {
        let change = |builder: mlflow_tracing::Builder| builder.with_callers_elsewhere(elsewhere);
        let program = Program::with("callers", change);
        let ids = (
            TraceId::from(number << 64 | program.experiment.id.parse::<u128>().unwrap()),
            SpanId::from(7_u64),
        );
        let parent = SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, true, W3cState::default());
        let trace_id = program.run(|| {
            let handler = info_span!("handler");
            handler.set_parent(Context::new().with_remote_span_context(parent)).unwrap();
            handler.set_inputs(&json!({ "q": 1 })).update_trace().session("s").tag("team", "blue");
            handler.in_scope(|| drop(info_span!("step")));
            handler.trace_id().unwrap()
        });
        program.stored(&trace_id)
    };
    let alone = handled(false, 1);
    assert_eq!((&*alone.state, alone.request_preview), ("IN_PROGRESS", None));
    assert!(!alone.tags.contains_key("mlflow.traceName"));
    assert_eq!(alone.metadata["mlflow.trace.session"], "s", "taken of any span");

    let complete = handled(true, 2);
    assert_eq!(complete.state, "OK");
    assert_eq!(complete.request_preview.as_deref(), Some("{\"q\":1}"));
    assert_eq!(complete.tags["mlflow.traceName"], "handler");
    assert_eq!(complete.tags["team"], "blue");
    assert_eq!(complete.span("handler").parent_id, None);
    assert_eq!(complete.span("step").parent_id.as_ref(), Some(&complete.span("handler").id));
}
