//! What the server makes of a trace as a whole.

use mlflow_tracing::MlflowSpanExt as _;
use serde_json::json;
use tracing::info_span;

use super::mlflow::Mlflow;
use super::program::Program;
use super::support::app;

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn session_user_tags_and_service_describe_the_trace() {
    let program = Program::with("describe", |builder| {
        builder.with_service_name("api").with_resource_attribute("deployment.region", "north")
    });
    let long = "é".repeat(300);
    let trace_id = program.run(|| {
        let span = info_span!(
            "agent",
            session.id = &*long,
            user.id = "anna",
            mlflow.traceTag.team = "blue",
            mlflow.traceTag.looks = r#"{"like": "an object"}"#,
            mlflow.traceTag.mlflow.artifactLocation = "elsewhere",
        );
        span.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    assert_eq!(trace.metadata["mlflow.trace.session"], "é".repeat(250));
    assert_eq!(trace.metadata["mlflow.trace.user"], "anna");
    assert_eq!(trace.tags["mlflow.traceName"], "agent");
    assert_eq!(trace.tags["team"], "blue");
    assert_eq!(trace.tags["looks"], r#"{"like": "an object"}"#);
    assert_eq!(trace.tags["service.name"], "api");
    assert_eq!(trace.tags["deployment.region"], "north");
    assert_ne!(trace.tags["mlflow.artifactLocation"], "elsewhere");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn tokens_are_summed_over_the_trace() {
    let program = Program::new("tokens");
    let trace_id = program.run(|| {
        let root = info_span!("agent").entered();
        for (input, output) in [(10, 5), (7, 3)] {
            let usage = json!({
                "input_tokens": input, "output_tokens": output, "total_tokens": input + output
            });
            info_span!("chat").set_json_attribute("mlflow.chat.tokenUsage", &usage);
        }
        root.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    let sum = json!({ "input_tokens": 17, "output_tokens": 8, "total_tokens": 25 });
    assert_eq!(trace.metadata_json("mlflow.trace.tokenUsage"), sum);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn an_error_of_the_root_is_the_state_of_the_trace() {
    #[tracing::instrument(err)]
    fn fails() -> Result<(), std::num::ParseIntError> {
        "ten".parse::<u8>().map(drop)
    }

    let program = Program::new("error");
    let trace_id = program.run(|| {
        let root = info_span!("agent").entered();
        let error = fails().unwrap_err();
        root.record_exception(&error).trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    let message = "invalid digit found in string";
    assert_eq!(trace.state, "ERROR");
    // `err` of `#[instrument]` does not know the type.
    for (name, status) in
        [("agent", format!("ParseIntError: {message}")), ("fails", message.into())]
    {
        let span = trace.span(name);
        assert_eq!((&*span.status, &span.message), ("ERROR", &status));
        assert_eq!(span.events.len(), 1);
        assert_eq!(span.events[0].name, "exception");
        assert_eq!(span.events[0].attributes["exception.message"], message);
    }
    let attributes = &trace.span("agent").events[0].attributes;
    assert_eq!(attributes["exception.type"], "core::num::error::ParseIntError");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_trace_that_was_seen_running_ends_well() {
    let program = Program::new("running");
    let trace_id = program.run(|| {
        let root = info_span!("agent", session.id = "s-1").entered();
        let trace_id = root.trace_id().unwrap();
        info_span!("early").in_scope(|| ());

        program.flush();
        let running = program.server.trace(&trace_id);
        assert_eq!(running.state, "IN_PROGRESS");
        assert_eq!(running.spans.len(), 1);
        assert_eq!(running.span("early").status, "OK");

        root.set_outputs("done");
        trace_id
    });
    let trace = program.stored(&trace_id);
    assert_eq!((&*trace.state, trace.spans.len()), ("OK", 2));
    assert_eq!(trace.tags["mlflow.traceName"], "agent");
    assert_eq!(trace.response_preview.as_deref(), Some(r#""done""#));
    assert_eq!(trace.span("early").parent_id.as_ref(), Some(&trace.span("agent").id));
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_name_may_hold_anything() {
    // PostgreSQL refuses what SQLite takes.
    for server in [Mlflow::plain(), Mlflow::with_password()] {
        check_names(&Program::on(server, "names", |builder| builder));
    }
}

fn check_names(program: &Program) {
    let long = "é".repeat(5000);
    let trace_ids: Vec<String> = program.run(|| {
        let name = |name: &str| info_span!("span", otel.name = name).trace_id().unwrap();
        ["with\0NUL", "", "{\"an\": \"object\"}", "🦀 日本", &long].map(name).into()
    });
    program.flush();
    let stored: Vec<_> = trace_ids.iter().map(|id| program.server.trace(id)).collect();
    let names: Vec<_> = stored.iter().map(|trace| trace.spans[0].name.as_str()).collect();
    assert_eq!(names, ["with\u{fffd}NUL", "", "{\"an\": \"object\"}", "🦀 日本", &long]);
    assert_eq!(stored[4].tags["mlflow.traceName"], "é".repeat(4096));
    app::conserved(&program.guard);
}
