//! What a destination gets by a replay is what it gets live.

use std::fmt::Debug;

use mlflow_tracing::opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Array, Context, KeyValue, Value as OtelValue};
use mlflow_tracing::{Builder, MlflowSpanExt as _, Replay, SpanType, TraceInfoMode, semconv};
use serde_json::{Value, json};
use tracing::{Span, error, info, info_span, instrument};

use super::{Scratch, try_run};
use crate::support::app::{Traced, conserved, to_collector, to_mlflow};
use crate::support::server::{Request, Route, Server};
use crate::support::spans::{Got, Spans};

#[instrument(ret, err, fields(mlflow.spanType = "TOOL"))]
fn tool(
    city: &str,
    count: u64,
    large: u64,
    ratio: f64,
    yes: bool,
) -> Result<String, std::io::Error> {
    if city == "Paris" {
        Ok(r#"{"looks": "like JSON"}"#.to_owned())
    } else {
        Err(std::io::Error::other("no such city"))
    }
}

#[instrument(skip_all, fields(kept = 1))]
fn chat() {
    let span = Span::current();
    let usage = json!({ "input_tokens": 96, "output_tokens": 12, "total_tokens": 108 });
    span.set_span_type(SpanType::ChatModel)
        .set_inputs(&json!({ "messages": [{ "role": "user", "content": "why?" }] }))
        .set_outputs(&json!({ "choices": [{ "finish_reason": "stop" }] }))
        .set_json_attribute(semconv::span::MODEL, "small")
        .set_json_attribute(semconv::span::TOKEN_USAGE, &usage);
    info!(number = 7, "half done");
    error!("not so good");
}

fn outputs(name: &'static str, value: &Value) {
    let span = info_span!("value", name);
    span.set_outputs(value);
}

/// A program with one of everything.
fn program(traced: &Traced) {
    traced.run(|| {
        let root = info_span!(
            "agent",
            question = "why?",
            session.id = "s-1",
            user.id = "anna",
            mlflow.spanType = "AGENT",
            mlflow.traceTag.team = "blue",
            mlflow.traceMetadata.release = "7",
            mlflow.clientRequestId = "r-1",
        );
        root.in_scope(|| {
            let _ = tool("Paris", 3, u64::MAX, 0.5, true);
            let _ = tool("Pariss", 3, 4, f64::NAN, false);
            chat();
            let values = [json!("42"), json!("[1]"), json!("plain"), json!(42), json!(0.5)];
            for value in values.iter().chain(&[json!(true), json!(null), json!([1, "a"])]) {
                outputs("o", value);
            }
        });
        root.set_outputs("\"quoted\"");
    });
    by_api(traced);
}

fn by_api(traced: &Traced) {
    let api = traced.guard.provider().tracer("api");
    let id = |number| (TraceId::from(number), SpanId::from(7));
    let context = |(trace, span), remote| {
        let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
        SpanContext::new(trace, span, TraceFlags::SAMPLED, remote, state)
    };
    let elsewhere = Context::new().with_remote_span_context(context(id(0xabcd), true));
    let span = api.span_builder("handler").with_kind(SpanKind::Server).with_links(vec![Link::new(
        context(id(0x1234), true),
        vec![KeyValue::new("why", "retry")],
        2,
    )]);
    let mut span = api.build_with_context(span, &elsewhere);
    span.set_attribute(KeyValue::new("looks.like", "{\"json\": 1}"));
    span.set_attribute(KeyValue::new("gen_ai.usage.input_tokens", 5));
    let items = vec![1, 2, 3];
    span.set_attribute(KeyValue::new("items", OtelValue::Array(Array::I64(items))));
    span.add_event("said", vec![KeyValue::new("ratio", 0.25)]);
    span.set_status(Status::error("refused"));
    span.end();
}

/// A span without what two encodings of it may differ in: the order of attributes.
fn comparable(got: &Got) -> impl PartialEq + Debug + use<> {
    let mut span = got.span.clone();
    span.attributes.sort_by(|one, other| one.key.cmp(&other.key));
    // A NaN is not equal to itself.
    (format!("{span:?}"), got.resource.clone(), format!("{:?}", got.scope))
}

fn by_id(spans: &Spans) -> Vec<impl PartialEq + Debug + use<>> {
    let mut sorted: Vec<_> = spans.0.iter().collect();
    sorted.sort_by_key(|got| got.span_id());
    sorted.into_iter().map(comparable).collect()
}

fn assert_same(replayed: &Server, live: &Server) {
    let (replayed, live) = (by_id(&replayed.spans()), by_id(&live.spans()));
    assert_eq!(replayed.len(), live.len());
    for (replayed, live) in replayed.iter().zip(&live) {
        assert_eq!(replayed, live);
    }
}

/// Runs the program live to one server, with files beside it, and replays those to another.
fn both(server: fn() -> Server, to: fn(&Server) -> Builder) -> (Traced, Server) {
    let scratch = Scratch::new();
    let named = |server: &Server| to(server).with_service_name("api");
    let first = server();
    let guard = named(&first).with_local_directory(scratch.path()).build().unwrap();
    let live = Traced::new(guard, first);
    program(&live);
    live.flush();

    let second = server();
    let guard = to(&second).with_service_name("replayer").build().unwrap();
    let replayed = try_run(&Replay::from_directory(scratch.path()), &guard).unwrap();
    assert_eq!(replayed.spans, live.conserved().ended);
    assert_eq!((replayed.traces, replayed.unreadable, replayed.duplicates), (2, 0, 0));
    conserved(&guard);
    (live, second)
}

#[test]
fn an_mlflow_server_gets_what_it_gets_live() {
    let (live, replayed) = both(Server::mlflow, to_mlflow);
    assert_same(&replayed, &live.server);
    assert_eq!(live.server.spans().one("agent").resource["service.name"], "api");
    // The server cannot read an integer of that size.
    let inputs = json!({
        "city": "Paris", "count": 3, "large": u64::MAX.to_string(), "ratio": 0.5, "yes": true,
    });
    assert!(replayed.spans().0.iter().any(|got| got.inputs().as_ref() == Some(&inputs)));
    let infos = |server: &Server| -> Vec<Value> {
        server.requests(Route::TraceInfo).iter().map(Request::json).collect()
    };
    let (live, replayed) = (infos(&live.server), infos(&replayed));
    assert_eq!(live.len(), 1, "one root has what spans cannot carry");
    let without_outputs = |mut info: Value| {
        // The strings of the root are without quotes in the second: said in the documentation.
        let metadata = info["trace"]["trace_info"]["trace_metadata"].as_object_mut().unwrap();
        metadata.remove(semconv::metadata::OUTPUTS);
        info
    };
    assert_eq!(
        replayed.into_iter().map(without_outputs).collect::<Vec<_>>(),
        live.into_iter().map(without_outputs).collect::<Vec<_>>()
    );
}

#[test]
fn a_collector_gets_what_it_gets_live() {
    let (live, replayed) = both(Server::collector, to_collector);
    assert_same(&replayed, &live.server);
}

#[test]
fn a_trace_info_call_is_made_of_a_replayed_root() {
    let scratch = super::directory();
    super::append(&super::newest(&scratch), &super::lines(1..3));
    let server = Server::mlflow();
    let guard = to_mlflow(&server).with_trace_info(TraceInfoMode::Always).build().unwrap();
    try_run(&super::replay(&scratch), &guard).unwrap();
    let requests = server.requests(Route::TraceInfo);
    let infos: Vec<Value> = requests.iter().map(Request::json).collect();
    let ids: Vec<_> = infos.iter().map(|info| &info["trace"]["trace_info"]["trace_id"]).collect();
    assert_eq!(ids, [&json!(format!("tr-{:032x}", 1)), &json!(format!("tr-{:032x}", 2))]);
}
