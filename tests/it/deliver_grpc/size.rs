//! Messages that are too long for the receiver.

use std::time::Duration;

use mlflow_tracing::DropReason;
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use tonic::Code;

use crate::support::app::Traced;
use crate::support::server::Route;
use crate::support::server::grpc::{Act, GrpcServer, Refusal};
use crate::support::time::PATIENCE;

const KIB: usize = 1024;
const LIMIT: usize = 300 * KIB;

/// How servers say that a message is too long, by what they are made with.
const WORDS: [(Code, &str); 5] = [
    // tonic
    (
        Code::OutOfRange,
        "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes",
    ),
    // grpc-go, the C core, grpc-js
    (Code::ResourceExhausted, "grpc: received message larger than max (9 vs. 4)"),
    (
        Code::ResourceExhausted,
        "grpc: received message after decompression larger than max (9 vs. 4)",
    ),
    // grpc-java
    (Code::ResourceExhausted, "gRPC message exceeds maximum size 4: 9"),
    // grpc-dotnet
    (Code::ResourceExhausted, "Received message exceeds the maximum configured message size."),
];

fn end_large_span(traced: &Traced<GrpcServer>, name: String, bytes: usize) {
    traced.guard.provider().tracer("test").in_span(name, |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(bytes)));
    });
}

/// Ends `count` spans of `bytes` each, and lets them out in as few calls as they go in.
fn send_together(server: GrpcServer, count: usize, bytes: usize) -> Traced<GrpcServer> {
    server.always(Route::Setup, Act::Hold);
    let traced = Traced::grpc_with(server, |builder| builder);
    for number in 0..count {
        end_large_span(&traced, format!("{number}"), bytes);
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
    traced
}

#[test]
fn a_message_holds_less_than_three_and_a_half_mebibytes() {
    let traced = send_together(GrpcServer::collector(), 12, 1000 * KIB);
    assert_eq!(traced.delivered().0.len(), 12);
    let calls = traced.server.calls(Route::Spans);
    assert!(calls.iter().all(|call| call.sent_bytes < 7 * KIB * KIB / 2));
    assert_eq!(calls.len(), 4);
}

#[test]
fn a_message_that_is_too_long_is_halved() {
    for (code, words) in WORDS {
        let server = GrpcServer::collector();
        server.judge(Route::Spans, move |call| {
            let too_long = call.sent_bytes > LIMIT;
            if too_long { Refusal::new(code, words).into() } else { Act::ok() }
        });
        let traced = send_together(server, 16, 64 * KIB);
        assert_eq!(traced.delivered().0.len(), 16);
        // 16, 8 and 8, then fours.
        assert_eq!(traced.server.calls(Route::Spans).len(), 7, "{words}");
    }
}

#[test]
fn a_message_that_is_refused_before_it_has_come_in_full_is_halved() {
    for (code, words) in WORDS {
        let server = GrpcServer::collector();
        server.refuse_above(LIMIT, Refusal::new(code, words));
        let traced = send_together(server, 30, 100 * KIB);
        assert_eq!(traced.delivered().0.len(), 30);
        assert_eq!(traced.conserved().destinations[0].dropped.total(), 0);
    }
}

#[test]
fn a_message_that_a_proxy_finds_too_long_is_halved() {
    for body in ["", "<html>413 Request Entity Too Large</html>"] {
        let server = GrpcServer::collector();
        server.judge(Route::Spans, move |call| {
            if call.sent_bytes > LIMIT { Act::Http(413, body) } else { Act::ok() }
        });
        let traced = send_together(server, 16, 64 * KIB);
        assert_eq!(traced.delivered().0.len(), 16);
    }
}

#[test]
fn a_span_that_alone_is_too_long_is_dropped_and_counted() {
    for (code, words) in WORDS {
        let server = GrpcServer::collector();
        server.refuse_above(LIMIT, Refusal::new(code, words));
        let traced = Traced::grpc_with(server, |builder| builder);
        end_large_span(&traced, "huge".to_owned(), 400 * KIB);
        traced.end_span("small");
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!(error.dropped(DropReason::TooLarge), 1, "{error}");
        assert_eq!(traced.server.spans().names(), ["small"]);
        traced.conserved();
    }
}
