//! OTLP over HTTP as JSON: the same spans in another form.

use std::time::Duration;

use mlflow_tracing::destination::{Destination, Otlp};
use mlflow_tracing::opentelemetry::trace::{
    Link, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Array, Context, KeyValue, Value as Any};
use mlflow_tracing::{
    Builder, Compression, DropReason, MlflowSpanExt as _, OtlpEncoder, Protocol, TracingGuard,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{Traced, builder, conserved, to_collector};
use crate::support::http::Answer;
use crate::support::server::grpc::GrpcServer;
use crate::support::server::{Act, Request, Route, Server};
use crate::support::spans::Spans;
use crate::support::time::{PATIENCE, timed};

const JSON: &str = "application/json";

/// The official encoder writes protobuf only.
fn as_json(builder: Builder) -> Builder {
    builder.with_protocol(Protocol::HttpJson).with_otlp_encoder(OtlpEncoder::Own)
}

fn with(change: impl FnOnce(Builder) -> Builder) -> Traced {
    Traced::otlp_with(|builder| change(as_json(builder)))
}

fn after<A: Into<Act>>(acts: impl IntoIterator<Item = A>) -> Traced {
    let server = Server::collector();
    server.script(Route::Spans, acts);
    Traced::new(as_json(to_collector(&server)).build().unwrap(), server)
}

fn only_request(traced: &Traced) -> Request {
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    traced.server.requests(Route::Spans).remove(0)
}

fn partial_success(rejected: &Value, message: &str) -> Answer {
    let partial = json!({ "rejectedSpans": rejected, "errorMessage": message });
    Answer::new(200).json(&json!({ "partialSuccess": partial }))
}

/// A trace with one of everything that OTLP can say, but for NaN and infinity: the official messages
/// cannot read them from JSON (opentelemetry-proto 0.33).
fn end_one_of_everything(guard: &TracingGuard) {
    let tracer = guard.provider().tracer("test");
    let first = tracer.start("first");
    let why = vec![KeyValue::new("why", "it came before")];
    let link = Link::new(first.span_context().clone(), why, 0);
    drop(first);
    let strings = Array::String(vec!["x".into(), "".into()]);
    let root = tracer
        .span_builder("root \"with\" quotes\n")
        .with_kind(SpanKind::Server)
        .with_links(vec![link])
        .with_attributes([
            KeyValue::new("text", "é漢🦀\u{0}\u{2028}{\"a\": 1}"),
            KeyValue::new("empty", ""),
            KeyValue::new("bool", true),
            KeyValue::new("large", i64::MAX),
            KeyValue::new("small", i64::MIN),
            KeyValue::new("float", 0.1),
            KeyValue::new("whole", 3.0),
            KeyValue::new("strings", Any::Array(strings)),
            KeyValue::new("floats", Any::Array(Array::F64(vec![1.0, -0.0]))),
            KeyValue::new("nothing", Any::Array(Array::I64(Vec::new()))),
        ])
        .start(&tracer);
    let cx = Context::new().with_span(root);
    cx.span().add_event("token", vec![KeyValue::new("index", 1)]);
    let child = tracer.start_with_context("child", &cx);
    drop(child);
    cx.span().set_status(Status::error("no \"luck\""));
    cx.span().end();
}

#[test]
fn every_protocol_says_the_same_of_a_trace() {
    let (json, protobuf, grpc) =
        (Server::collector(), Server::collector(), GrpcServer::collector());
    let to = |url: String, protocol| Destination::from(Otlp::new(url).with_protocol(protocol));
    let guard = builder()
        .with_otlp_encoder(OtlpEncoder::Own)
        .with_destination(to(format!("{}/v1/traces", json.url()), Protocol::HttpJson))
        .with_destination(to(format!("{}/v1/traces", protobuf.url()), Protocol::HttpProtobuf))
        .with_destination(to(grpc.url(), Protocol::Grpc))
        .build()
        .unwrap();
    end_one_of_everything(&guard);
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        let agent = info_span!("agent", question = "why?", top_k = 3, user.id = "anna");
        agent.in_scope(|| {
            info!(step = 1, "thinking");
            info_span!("tool").set_outputs(&json!({ "found": [1, 2.5, null] })).clone()
        });
    });
    guard.flush(PATIENCE).unwrap();
    let of_json: Vec<_> = json.requests(Route::Spans).iter().map(Request::message).collect();
    let of_protobuf: Vec<_> =
        protobuf.requests(Route::Spans).iter().map(Request::message).collect();
    let decode = |message: Vec<u8>| ExportTraceServiceRequest::decode(message.as_slice()).unwrap();
    let of_grpc = grpc.calls(Route::Spans).into_iter().map(|call| decode(call.message));
    assert_eq!(by_name(of_json), by_name(of_protobuf.clone()));
    assert_eq!(by_name(of_grpc), by_name(of_protobuf));
    let stats = conserved(&guard);
    assert!(stats.destinations.iter().all(|d| d.delivered == 5), "{stats:?}");
}

/// Every span with what surrounded it: the destinations may have cut the requests elsewhere.
fn by_name(requests: impl IntoIterator<Item = ExportTraceServiceRequest>) -> Vec<String> {
    let spans = Spans::of(requests);
    let mut all: Vec<_> =
        spans.0.iter().map(|got| format!("{:?} {got:?}", got.span.name)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_request_says_that_it_is_json() {
    let traced = with(|builder| builder.with_otlp_header("X-Tenant", "a"));
    let request = only_request(&traced);
    for request in [&request, &traced.server.requests(Route::Setup)[0]] {
        assert_eq!(request.head.method, "POST");
        assert_eq!(request.head.path, "/v1/traces");
        assert_eq!(request.head.header("content-type"), Some(JSON));
        assert_eq!(request.head.header("content-encoding"), None);
        assert_eq!(request.head.header("x-tenant"), Some("a"));
        assert!(request.json()["resourceSpans"].is_array());
    }
    let span = &request.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["name"], "span");
    let trace_id = span["traceId"].as_str().unwrap();
    assert_eq!(trace_id, request.spans().0[0].trace_id());
}

#[test]
fn the_environment_alone_is_enough() {
    let server = Server::collector();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", server.url()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()),
    ];
    let builder = builder().with_otlp_encoder(OtlpEncoder::Own).with_environment(variables);
    let request = only_request(&Traced::new(builder.build().unwrap(), server));
    assert_eq!(request.head.path, "/v1/traces");
    assert_eq!(request.head.header("content-type"), Some(JSON));
}

#[test]
fn requests_are_compressed_when_asked_for() {
    let traced = with(|builder| builder.with_compression(Compression::Gzip));
    traced.run(|| info_span!("span").set_inputs(&"word ".repeat(10_000)).clone());
    assert_eq!(traced.delivered().one("span").inputs().unwrap(), "word ".repeat(10_000));
    let request = traced.server.requests(Route::Spans).remove(0);
    assert_eq!(request.head.header("content-encoding"), Some("gzip"));
    assert!(request.head.length() < request.body.len() / 20);
}

#[test]
fn a_request_holds_at_most_four_mebibytes() {
    const MIB: usize = 1024 * 1024;
    let server = Server::collector();
    server.always(Route::Setup, Act::Hold);
    let traced = Traced::new(as_json(to_collector(&server)).build().unwrap(), server);
    for number in 0..12 {
        traced.guard.provider().tracer("test").in_span(format!("{number}"), |cx| {
            cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(1000 * 1024)));
        });
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
    assert_eq!(traced.delivered().0.len(), 12);
    let requests = traced.server.requests(Route::Spans);
    assert!(requests.iter().all(|request| request.body.len() <= 4 * MIB));
    assert_eq!(requests.len(), 3);
}

#[test]
fn spans_that_a_partial_success_refuses_are_counted_as_rejected() {
    // 64-bit integers are strings in OTLP/JSON, and may be numbers.
    for rejected in [json!("2"), json!(2)] {
        let traced = after([partial_success(&rejected, "names too long")]);
        traced.run(|| info_span!("a").in_scope(|| drop((info_span!("b"), info_span!("c")))));
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 2));
        assert_eq!(traced.conserved().destinations[0].delivered, 1);
        assert_eq!(traced.server.requests(Route::Spans).len(), 1);
        let told = traced.server.told();
        let words = "2 spans of a request were refused: names too long";
        assert!(told[0].contains(words), "{told:?}");
    }
}

#[test]
fn a_partial_success_that_claims_too_much_cannot_break_the_account() {
    let traced = after([partial_success(&json!("100"), "all of them")]);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    traced.conserved();
}

#[test]
fn whatever_else_a_server_says_with_200_is_a_success() {
    for answer in [
        Answer::new(200).json(&json!({})),
        Answer::new(200).json(&json!({ "partialSuccess": {} })),
        partial_success(&json!("0"), "slow down, please"),
        partial_success(&json!(-1), "odd"),
        partial_success(&json!("many"), "odd"),
        Answer::new(200).body(JSON, "{"),
        Answer::new(200).body("text/plain", "ok"),
    ] {
        let traced = after([answer]);
        assert_eq!(only_request(&traced).status, Some(200));
    }
}

#[test]
fn a_refusal_is_shown_in_its_words() {
    let refusal = json!({ "code": 3, "message": "span names are too long" });
    let traced = after([Answer::new(400).json(&refusal)]);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    let told = traced.server.told();
    assert!(
        told[0].contains("HTTP 400") && told[0].contains("span names are too long"),
        "{told:?}"
    );
    traced.conserved();
}

#[test]
fn a_server_that_does_not_take_json_is_told_of() {
    let traced = after([415]);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    traced.conserved();
}

#[test]
fn what_the_specification_lists_is_tried_again() {
    let traced = after([503, 429]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.requests(Route::Spans).len(), 3);
}

#[test]
fn what_a_person_must_mend_is_waited_for() {
    for status in [401, 404] {
        let traced = with(|builder| builder);
        traced.server.always(Route::Spans, status);
        traced.end_span("span");
        let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
        assert!(time < PATIENCE / 2, "{status}: {time:?}");
        assert!(words.contains("OTEL_EXPORTER_OTLP_"), "{words}");
        traced.server.always(Route::Spans, 200);
        assert_eq!(traced.delivered().names(), ["span"]);
    }
}
