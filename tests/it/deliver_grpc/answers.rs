//! What becomes of the spans, by what the receiver says.

use std::time::Duration;

use mlflow_tracing::{Builder, DropReason};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tonic::Code;
use tracing::info_span;

use crate::support::app::Traced;
use crate::support::server::Route;
use crate::support::server::grpc::{Act, GrpcServer, Refusal};
use crate::support::time::{PATIENCE, timed};

/// A program whose server does `acts` with the first calls that carry spans.
fn after<A: Into<Act>>(acts: impl IntoIterator<Item = A>) -> Traced<GrpcServer> {
    let server = GrpcServer::collector();
    server.script(Route::Spans, acts);
    Traced::grpc_with(server, |builder| builder)
}

/// A program whose server does `act` with every call that carries spans.
fn always(act: impl Into<Act>, change: impl FnOnce(Builder) -> Builder) -> Traced<GrpcServer> {
    let server = GrpcServer::collector();
    server.always(Route::Spans, act);
    Traced::grpc_with(server, change)
}

fn calls(traced: &Traced<GrpcServer>) -> usize {
    traced.server.calls(Route::Spans).len()
}

/// Ends a span and sees that it arrives in the call after those that failed.
fn arrives_after(traced: &Traced<GrpcServer>, failures: usize) {
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(calls(traced), failures + 1);
    assert_eq!(traced.conserved().destinations[0].retries, failures as u64);
}

/// Ends a span that the server will not take, and sees that it is said so, with `advice`, at once;
/// then that the span arrives when the server is mended.
fn waits_for_a_person(act: impl Into<Act>, advice: &str) {
    let traced = always(act, |builder| builder);
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{advice}: {time:?}");
    assert!(words.contains(advice) && words.contains("1 pending"), "{words}");
    traced.server.always(Route::Spans, Act::ok());
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn what_the_specification_lists_is_tried_again() {
    for code in [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
        Code::ResourceExhausted,
    ] {
        arrives_after(&after([code]), 1);
    }
}

#[test]
fn a_status_counts_wherever_it_stands() {
    let refusal = Refusal::new(Code::Unavailable, "starting");
    arrives_after(&after([refusal.clone(), refusal.after_headers()]), 2);
    let traced = after([Refusal::new(Code::InvalidArgument, "no").after_headers()]);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!(error.dropped(DropReason::Rejected), 1);
    traced.conserved();
}

#[test]
fn what_the_specification_does_not_list_is_not_tried_again() {
    for code in [
        Code::Unknown,
        Code::InvalidArgument,
        Code::AlreadyExists,
        Code::FailedPrecondition,
        Code::Internal,
    ] {
        let traced = after([Refusal::new(code, "a name is too odd")]);
        traced.end_span("span");
        let error = traced.guard.flush(PATIENCE).unwrap_err();
        assert_eq!(error.dropped(DropReason::Rejected), 1, "{code:?}");
        assert_eq!(calls(&traced), 1, "{code:?}");
        let (told, words) = (traced.server.told(), format!("gRPC {code:?}: a name is too odd"));
        assert!(told.iter().any(|line| line.contains(&words)), "{told:?}");
        traced.conserved();
    }
}

#[test]
fn what_a_person_must_mend_is_waited_for() {
    let (credentials, protocol) =
        ("set the credentials in OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL");
    for (code, advice) in [
        (Code::Unauthenticated, credentials),
        (Code::PermissionDenied, credentials),
        (Code::Unimplemented, protocol),
        (Code::NotFound, protocol),
    ] {
        waits_for_a_person(code, advice);
    }
}

#[test]
fn the_span_that_a_server_will_not_have_is_found_by_halves() {
    let server = GrpcServer::collector();
    server.always(Route::Setup, Act::Hold);
    server.judge(Route::Spans, |call| {
        let bad = call.spans().names().contains(&"bad");
        if bad { Code::InvalidArgument.into() } else { Act::ok() }
    });
    let traced = Traced::grpc_with(server, |builder| builder);
    for name in ["0", "1", "2", "bad", "4", "5", "6", "7"] {
        traced.end_span(name);
    }
    traced.flush_in_vain(Duration::from_millis(100));
    traced.server.release();
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 1));
    assert_eq!(traced.server.spans().sorted_names(), ["0", "1", "2", "4", "5", "6", "7"]);
    // 8, the first 4, 0 and 1, 2 and bad, each of them, the last 4.
    assert_eq!(calls(&traced), 7);
    traced.conserved();
}

#[test]
fn the_pause_that_a_server_asks_for_is_kept_even_when_a_flush_waits() {
    let pause = Duration::from_millis(1200);
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let traced = after([Refusal::new(code, "later").retry_in(pause)]);
        traced.end_span("span");
        traced.server.wait_for(Route::Spans, 1);
        assert_eq!(traced.delivered().names(), ["span"]);
        let calls = traced.server.calls(Route::Spans);
        let between = calls[1].at.duration_since(calls[0].at);
        assert!(between >= pause, "{code:?}: {between:?}");
        assert!(between < pause + PATIENCE / 4, "{code:?}: {between:?}");
    }
}

#[test]
fn a_flush_cuts_a_pause_of_our_own_short() {
    // The ceiling of the last pause is 30 s.
    let traced = after([Code::Unavailable; 7]);
    traced.end_span("span");
    for failures in 1..=6 {
        traced.server.wait_for(Route::Spans, failures);
        traced.flush_in_vain(Duration::ZERO);
    }
    traced.server.wait_for(Route::Spans, 7);
    let (time, spans) = timed(|| traced.delivered());
    assert_eq!(spans.names(), ["span"]);
    assert!(time < PATIENCE / 2, "{time:?}");
}

#[test]
fn details_that_cannot_be_read_change_nothing() {
    let refusal = Refusal::new(Code::Unavailable, "later");
    let odd = ["//////8", "not base64", ""].map(|text| refusal.clone().with_details(text));
    arrives_after(&after(odd), 3);
}

fn partial_success(rejected_spans: i64, message: &str) -> Act {
    let error_message = message.to_owned();
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
    Act::Answer(ExportTraceServiceResponse { partial_success }.encode_to_vec())
}

#[test]
fn spans_that_a_partial_success_refuses_are_counted_as_rejected() {
    let traced = after([partial_success(2, "names too long")]);
    traced.run(|| info_span!("a").in_scope(|| drop((info_span!("b"), info_span!("c")))));
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Rejected)), (0, 2));
    assert_eq!(traced.conserved().destinations[0].delivered, 1);
    assert_eq!(calls(&traced), 1);
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
    arrives_after(&after([partial_success(0, "slow down, please")]), 0);
}

#[test]
fn a_server_that_says_ok_and_junk_has_accepted() {
    arrives_after(&after([Act::Answer(vec![0xff, 0xfe, 0x00])]), 0);
}

#[test]
fn a_gateway_that_finds_nobody_is_tried_again() {
    let html = "<html><body><h1>try again later</h1></body></html>";
    for status in [429, 502, 503, 504] {
        arrives_after(&after([Act::Http(status, ""), Act::Http(status, html)]), 2);
    }
}

#[test]
fn a_proxy_that_wants_credentials_says_so() {
    let html = "<html><body><h1>who are you?</h1></body></html>";
    for body in ["", html] {
        for status in [401, 403] {
            waits_for_a_person(Act::Http(status, body), "OTEL_EXPORTER_OTLP_HEADERS");
        }
        waits_for_a_person(Act::Http(404, body), "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
    }
}

#[test]
fn an_answer_that_is_not_that_of_a_grpc_server_costs_no_span() {
    let html = "<html><body><h1>it works</h1></body></html>";
    for (status, body) in [(200, html), (200, ""), (302, ""), (400, ""), (400, html), (500, html)] {
        waits_for_a_person(Act::Http(status, body), "not that of a gRPC server");
    }
}

#[test]
fn ok_without_a_message_costs_no_span() {
    waits_for_a_person(Act::AnswerNothing, "not that of a gRPC server");
}

#[test]
fn what_a_server_repeats_of_the_credentials_is_hidden() {
    let secret = "s3cret-token";
    let header = |builder: Builder| builder.with_otlp_header("x-key", secret);
    let refusal = Refusal::new(Code::Unauthenticated, format!("no such key: {secret}"));
    let traced = always(refusal, header);
    traced.end_span("span");
    let words = traced.flush_in_vain(PATIENCE);
    assert!(words.contains("no such key: ****"), "{words}");
    traced.server.always(Route::Spans, partial_success(1, &format!("spans of {secret}")));
    traced.flush_in_vain(PATIENCE);
    let told = traced.server.told();
    assert!(told.iter().any(|line| line.contains("spans of ****")), "{told:?}");
    assert!(told.iter().all(|line| !line.contains(secret)), "{told:?}");
    traced.conserved();
}

#[test]
fn a_look_that_is_refused_is_repeated_until_somebody_mends_it() {
    let server = GrpcServer::collector();
    server.always(Route::Setup, Code::Unauthenticated);
    let traced = Traced::grpc_with(server, |builder| builder);
    let error = traced.guard.ready(PATIENCE).unwrap_err().to_string();
    assert!(error.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{error}");
    traced.end_span("span");
    traced.flush_in_vain(PATIENCE);
    assert_eq!(calls(&traced), 0);
    traced.server.always(Route::Setup, Act::ok());
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn a_look_that_a_server_cannot_read_is_good_enough() {
    let server = GrpcServer::collector();
    server.always(Route::Setup, Code::InvalidArgument);
    let traced = Traced::grpc_with(server, |builder| builder);
    traced.guard.ready(PATIENCE).unwrap();
    arrives_after(&traced, 0);
}

#[test]
fn a_span_is_given_up_when_the_retry_window_is_over() {
    let window = Duration::from_millis(300);
    let traced = always(Code::Unavailable, |builder| builder.with_retry_window(window));
    traced.end_span("span");
    let (time, words) = timed(|| traced.flush_in_vain(PATIENCE));
    assert!(time < PATIENCE / 2, "{time:?}");
    assert!(words.contains("dropped retry_expired 1"), "{words}");
    assert!(traced.conserved().destinations[0].retries >= 1);
}
