//! The calls that carry spans.

use std::time::Duration;

use mlflow_tracing::{Builder, Compression, MlflowSpanExt as _};
use tracing::info_span;

use crate::support::app::{Traced, builder, to_grpc};
use crate::support::server::Route;
use crate::support::server::grpc::{Act, Call, GrpcServer};
use crate::support::time::PATIENCE;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn with(change: impl FnOnce(Builder) -> Builder) -> Traced<GrpcServer> {
    Traced::grpc_with(GrpcServer::collector(), change)
}

/// A server that lets nothing through before it is released, so that spans pile up.
fn held() -> Traced<GrpcServer> {
    let server = GrpcServer::collector();
    server.always(Route::Setup, Act::Hold);
    Traced::grpc_with(server, |builder| builder)
}

fn only_call(traced: &Traced<GrpcServer>) -> Call {
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    let mut calls = traced.server.calls(Route::Spans);
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

#[test]
fn a_call_is_one_of_the_trace_service_and_says_who_calls() {
    let call = only_call(&Traced::grpc());
    assert_eq!(call.head.method, "POST");
    assert_eq!(call.head.uri.path(), EXPORT);
    assert_eq!(call.metadata("content-type"), Some("application/grpc"));
    assert_eq!(call.metadata("te"), Some("trailers"));
    let agent = call.metadata("user-agent").unwrap();
    let ours = concat!("mlflow-tracing-rust/", env!("CARGO_PKG_VERSION"));
    assert!(agent.starts_with(ours), "{agent}");
}

#[test]
fn the_path_of_the_endpoint_does_not_matter() {
    for path in ["/", "/v1/traces", "/some/where"] {
        let server = GrpcServer::collector();
        let endpoint = format!("{}{path}", server.url());
        let guard = to_grpc(&server).with_otlp_endpoint(endpoint).build().unwrap();
        let call = only_call(&Traced::new(guard, server));
        assert_eq!(call.head.uri.path(), EXPORT);
    }
}

#[test]
fn the_environment_alone_is_enough() {
    for endpoint in ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        let server = GrpcServer::collector();
        let variables = [
            (endpoint, format!("{}/v1/traces", server.url())),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned()),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".to_owned()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "X-Tenant=a%2Cb".to_owned()),
            ("OTEL_SERVICE_NAME", "genai-app".to_owned()),
        ];
        let guard = builder().with_environment(variables).build().unwrap();
        let call = only_call(&Traced::new(guard, server));
        assert_eq!(call.head.uri.path(), EXPORT);
        assert!(call.compressed);
        assert_eq!(call.metadata("x-tenant"), Some("a,b"));
        assert_eq!(call.spans().0[0].resource["service.name"], "genai-app");
    }
}

#[test]
fn headers_are_metadata_of_every_call() {
    let traced = with(|builder| {
        builder.with_otlp_header("X-Tenant", "a").with_otlp_header("Authorization", "Bearer t-1")
    });
    let call = only_call(&traced);
    for call in [call, traced.server.calls(Route::Setup).remove(0)] {
        assert_eq!(call.metadata("x-tenant"), Some("a"));
        assert_eq!(call.metadata("authorization"), Some("Bearer t-1"));
    }
}

#[test]
fn messages_are_compressed_when_asked_for() {
    let call = only_call(&Traced::grpc());
    assert_eq!((call.compressed, call.metadata("grpc-encoding")), (false, None));
    let traced = with(|builder| builder.with_compression(Compression::Gzip));
    traced.run(|| info_span!("span").set_inputs(&"word ".repeat(10_000)).clone());
    assert_eq!(traced.delivered().one("span").inputs().unwrap(), "word ".repeat(10_000));
    let call = traced.server.calls(Route::Spans).remove(0);
    assert!(call.compressed);
    assert!(call.sent_bytes < call.message.len() / 20, "{} bytes", call.sent_bytes);
}

#[test]
fn a_receiver_is_asked_without_spans_before_it_gets_any() {
    let traced = Traced::grpc();
    traced.guard.ready(PATIENCE).unwrap();
    assert_eq!(traced.server.calls(Route::Setup).len(), 1);
    assert_eq!(traced.server.calls(Route::Spans).len(), 0);
}

#[test]
fn calls_share_a_connection() {
    let traced = Traced::grpc();
    for number in 0..5 {
        traced.end_span(format!("{number}"));
        traced.flush();
    }
    let calls = traced.server.calls(Route::Spans);
    assert_eq!(calls.iter().map(|call| call.connection).collect::<Vec<_>>(), [0; 5]);
    assert_eq!(traced.delivered().0.len(), 5);
}

#[test]
fn many_traces_go_in_one_call() {
    let traced = held();
    for number in 0..50 {
        traced.end_span(format!("{number}"));
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
    assert_eq!(traced.delivered().0.len(), 50);
    assert_eq!(traced.server.calls(Route::Spans).len(), 1);
}

#[test]
fn a_large_trace_goes_in_calls_of_at_most_512_spans_with_its_root_last() {
    let traced = Traced::grpc();
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
    let calls = traced.server.calls(Route::Spans);
    assert!(calls.iter().all(|call| call.spans().0.len() <= 512));
}
