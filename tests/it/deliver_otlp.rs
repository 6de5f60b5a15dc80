//! What an OTLP receiver is sent, and what comes of its answers.

use std::time::Duration;

use mlflow_tracing::{Builder, Compression, DropReason, MlflowSpanExt as _, SpanType};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use serde_json::json;
use tracing::info_span;

use crate::support::app::{Traced, builder, conserved, end_span, to_collector};
use crate::support::http::Answer;
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Request, Route, Server};
use crate::support::time::{PATIENCE, timed};

const PROTOBUF: &str = "application/x-protobuf";

fn only_request(traced: &Traced) -> Request {
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    traced.server.requests(Route::Spans).remove(0)
}

fn from_environment(server: Server, variables: &[(&str, &str)]) -> Traced {
    let variables =
        variables.iter().map(|(name, value)| (*name, value.replace("{url}", &server.url())));
    Traced::new(builder().with_environment(variables).build().unwrap(), server)
}

fn after<A: Into<Act>>(acts: impl IntoIterator<Item = A>) -> Traced {
    let traced = Traced::otlp();
    traced.server.script(Route::Spans, acts);
    traced
}

#[test]
fn the_endpoint_of_the_builder_is_used_as_it_is() {
    let server = Server::collector();
    let endpoint = format!("{}/custom/path", server.url());
    let traced = Traced::new(builder().with_otlp_endpoint(endpoint).build().unwrap(), server);
    assert_eq!(only_request(&traced).head.path, "/custom/path");
}

#[test]
fn the_endpoint_of_all_signals_gets_the_path_of_traces() {
    for value in ["{url}", "{url}/", "{url}/tenant"] {
        let traced =
            from_environment(Server::collector(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", value)]);
        let prefix = value.trim_start_matches("{url}").trim_end_matches('/');
        assert_eq!(only_request(&traced).head.path, format!("{prefix}/v1/traces"));
    }
}

#[test]
fn the_endpoint_of_traces_is_used_as_it_is_and_wins() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "{url}/all"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "{url}/only/traces"),
    ];
    let traced = from_environment(Server::collector(), &variables);
    assert_eq!(only_request(&traced).head.path, "/only/traces");
}

#[test]
fn headers_of_the_builder_are_on_every_request() {
    let traced = Traced::otlp_with(|builder| {
        builder.with_otlp_header("X-Tenant", "a").with_otlp_header("api-key", "k")
    });
    let request = only_request(&traced);
    for request in [request, traced.server.requests(Route::Setup).remove(0)] {
        assert_eq!(request.head.header("x-tenant"), Some("a"));
        assert_eq!(request.head.header("api-key"), Some("k"));
        assert_eq!(request.head.header("content-type"), Some(PROTOBUF));
    }
}

#[test]
fn headers_of_the_environment_are_decoded_and_the_builders_win() {
    let server = Server::collector();
    let variables = [("OTEL_EXPORTER_OTLP_HEADERS", "X-Tenant=a%2Cb, x-other=1")];
    let builder =
        to_collector(&server).with_environment(variables).with_otlp_header("X-OTHER", "2");
    let request = only_request(&Traced::new(builder.build().unwrap(), server));
    assert_eq!(request.head.header("x-tenant"), Some("a,b"));
    let others =
        request.head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-other"));
    assert_eq!(others.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn requests_are_compressed_when_asked_for() {
    let encoding = |change: fn(Builder) -> Builder| {
        let request = only_request(&Traced::otlp_with(change));
        request.head.header("content-encoding").map(str::to_owned)
    };
    assert_eq!(encoding(|builder| builder), None);
    assert_eq!(encoding(|builder| builder.with_compression(Compression::Gzip)).unwrap(), "gzip");
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "{url}"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    let request = only_request(&from_environment(Server::collector(), &variables));
    assert_eq!(request.head.header("content-encoding"), Some("gzip"));
}

#[test]
fn compression_makes_large_requests_small() {
    let traced = Traced::otlp_with(|builder| builder.with_compression(Compression::Gzip));
    traced.run(|| info_span!("span").set_inputs(&"word ".repeat(10_000)).clone());
    traced.delivered();
    let request = traced.server.requests(Route::Spans).remove(0);
    assert!(request.head.length() < request.body.len() / 20);
}

#[test]
fn spans_say_the_same_in_the_words_of_the_genai_conventions() {
    let traced = Traced::otlp();
    traced.run(|| {
        info_span!("chat", mlflow.llm.model = "m-1", mlflow.llm.provider = "p-1")
            .set_span_type(SpanType::ChatModel)
            .set_outputs(&json!({ "choices": [{ "finish_reason": "stop" }] }))
            .set_json_attribute(
                "mlflow.chat.tokenUsage",
                &json!({ "input_tokens": 3, "output_tokens": 4 }),
            )
            .clone()
    });
    let spans = traced.delivered();
    let chat = spans.one("chat");
    for (key, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!("m-1")),
        ("gen_ai.provider.name", json!("p-1")),
        ("gen_ai.usage.input_tokens", json!(3)),
        ("gen_ai.usage.output_tokens", json!(4)),
        ("gen_ai.response.finish_reasons", json!(["stop"])),
        ("mlflow.llm.model", json!("m-1")),
    ] {
        assert_eq!(chat.attribute(key), Some(value), "{key}");
    }
    assert_eq!(chat.status(), ("UNSET", ""));
}

#[test]
fn a_tool_is_named_in_the_words_of_the_genai_conventions() {
    let traced = Traced::otlp();
    traced.run(|| {
        drop(info_span!("search", mlflow.spanType = "TOOL"));
        drop(info_span!("other", mlflow.spanType = "TOOL", gen_ai.tool.name = "own"));
    });
    let spans = traced.delivered();
    let name = |span: &str| spans.one(span).attribute("gen_ai.tool.name");
    assert_eq!((name("search"), name("other")), (Some(json!("search")), Some(json!("own"))));
}

fn partial_success(rejected_spans: i64, message: &str) -> Answer {
    let error_message = message.to_owned();
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
    let response = ExportTraceServiceResponse { partial_success };
    Answer::new(200).body(PROTOBUF, response.encode_to_vec())
}

/// A `google.rpc.Status`, by hand: the official messages of OTLP do not have it.
fn rpc_status(code: u8, message: &str) -> Vec<u8> {
    let length = u8::try_from(message.len()).unwrap();
    [&[0x08, code, 0x12, length], message.as_bytes()].concat()
}

#[test]
fn spans_that_a_partial_success_refuses_are_counted_as_rejected() {
    let traced = after([partial_success(2, "names too long")]);
    traced.run(|| info_span!("a").in_scope(|| drop((info_span!("b"), info_span!("c")))));
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 2));
    assert_eq!(traced.conserved().destinations[0].delivered, 1);
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
    let told = traced.server.told();
    assert!(told[0].contains("2 spans of a request were refused: names too long"), "{told:?}");
}

#[test]
fn a_partial_success_that_claims_too_much_cannot_break_the_account() {
    let traced = after([partial_success(100, "all of them")]);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    traced.conserved();
}

#[test]
fn a_partial_success_that_refuses_nothing_is_a_success() {
    let traced = after([partial_success(0, "slow down, please")]);
    assert_eq!(only_request(&traced).status, Some(200));
}

#[test]
fn a_protobuf_refusal_is_shown_in_its_words() {
    let status = rpc_status(8, "tenant is over its quota");
    let traced = Traced::otlp_with(|builder| builder.with_drop_timeout(Duration::ZERO));
    traced.server.always(Route::Spans, Answer::new(429).body(PROTOBUF, status));
    traced.end_span("span");
    let words = traced.flush_in_vain(Duration::from_millis(200));
    assert!(words.contains("HTTP 429: tenant is over its quota"), "{words}");
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
fn what_the_specification_does_not_list_is_not_tried_again() {
    for status in [400, 422, 500] {
        let traced = after([status]);
        traced.end_span("span");
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!(error.dropped(DropReason::Rejected), 1, "{status}");
        assert_eq!(traced.server.requests(Route::Spans).len(), 1, "{status}");
        traced.conserved();
    }
}

#[test]
fn what_a_person_must_mend_is_waited_for() {
    for (status, advice) in [
        (401, "set the credentials in OTEL_EXPORTER_OTLP_HEADERS"),
        (403, "set the credentials in OTEL_EXPORTER_OTLP_HEADERS"),
        (404, "check the path: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is"),
        (307, "set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to where it leads"),
        (407, "set user and password in the proxy's address (HTTPS_PROXY or HTTP_PROXY)"),
        (501, "does this address take traces?"),
    ] {
        let traced = Traced::otlp();
        traced.server.always(Route::Spans, status);
        traced.end_span("span");
        let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
        assert!(time < PATIENCE / 2, "{status}: {time:?}");
        assert!(words.contains(advice), "{words}");
        traced.server.always(Route::Spans, 200);
        assert_eq!(traced.delivered().names(), ["span"]);
    }
}

#[test]
fn an_attempt_takes_no_longer_than_it_may() {
    let server = Server::collector();
    server.script(Route::Spans, [Act::Hold]);
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "{url}"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "200")];
    let traced = from_environment(server, &variables);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    let requests = traced.server.requests(Route::Spans);
    assert!(requests[1].at.duration_since(requests[0].at) >= Duration::from_millis(200));
}

#[test]
fn two_destinations_get_the_same_spans() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let guard = to_collector(&collector).with_tracking_uri(mlflow.url()).build().unwrap();
    for number in 0..10 {
        end_span(&guard, format!("{number}"));
    }
    guard.flush(PATIENCE).unwrap();
    assert_eq!(mlflow.spans().sorted_names(), collector.spans().sorted_names());
    let stats = conserved(&guard);
    assert_eq!(stats.destinations.iter().map(|d| d.delivered).collect::<Vec<_>>(), [10, 10]);
}

#[test]
fn a_dead_destination_does_not_delay_the_other_and_has_counts_of_its_own() {
    let (dead, collector) = (DeadPort::reserve(), Server::collector());
    let both = to_collector(&collector).with_tracking_uri(dead.url());
    let guard = both.with_drop_timeout(Duration::ZERO).build().unwrap();
    for number in 0..10 {
        end_span(&guard, format!("{number}"));
    }
    let error = guard.flush(Duration::from_millis(500)).unwrap_err();
    assert_eq!(collector.spans().0.len(), 10);
    let words = error.to_string();
    assert!(
        words.contains(&format!("MLflow {}: 0 of 10 delivered, 10 pending", dead.url())),
        "{words}"
    );
    assert!(!words.contains(&collector.url()), "{words}");
    let counts: Vec<_> =
        conserved(&guard).destinations.iter().map(|d| (d.delivered, d.pending)).collect();
    assert_eq!(counts, [(0, 10), (10, 0)]);
}

#[test]
fn a_destination_that_refuses_does_not_take_from_the_other() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    mlflow.always(Route::Spans, 422);
    let guard = to_collector(&collector).with_tracking_uri(mlflow.url()).build().unwrap();
    end_span(&guard, "span");
    let error = guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    let counts: Vec<_> = conserved(&guard).destinations.iter().map(|d| d.delivered).collect();
    assert_eq!(counts, [0, 1]);
    assert_eq!(collector.spans().names(), ["span"]);
}
