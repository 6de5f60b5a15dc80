//! A receiver that is not there, does not answer, or breaks off: spans wait and arrive.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use h2::Reason;
use mlflow_tracing::destination::Otlp;
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{DropReason, Protocol, TracingGuard};
use tonic::Code;

use crate::support::app::{Traced, builder, conserved, end_span, to_collector, to_grpc};
use crate::support::server::grpc::{Act, GrpcServer, Refusal};
use crate::support::server::port::DeadPort;
use crate::support::server::{Route, Server};
use crate::support::time::{SLACK, timed};

const SHORT: Duration = Duration::from_millis(300);
/// More than a body that is cut off may have before it is taken for too large.
const LARGE: usize = 2 * 1024 * 1024;

/// A program whose server does `acts` with the first calls of `route`.
fn after<A: Into<Act>>(route: Route, acts: impl IntoIterator<Item = A>) -> Traced<GrpcServer> {
    let server = GrpcServer::collector();
    server.script(route, acts);
    Traced::grpc_with(server, |builder| builder.with_timeout(SHORT))
}

fn to_url(url: String) -> TracingGuard {
    let builder = builder().with_otlp_endpoint(url).with_protocol(Protocol::Grpc);
    builder.with_drop_timeout(Duration::ZERO).build().unwrap()
}

/// Ends one span and sees that it arrives though the server does `act` first, in whatever way
/// the connection came about.
fn is_asked_again(act: &Act) {
    // The first call goes over the connection of the look, and is made again over a new one.
    let traced = after(Route::Spans, [act.clone(), act.clone()]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"], "{act:?}");
    assert_eq!(traced.server.calls(Route::Spans).len(), 3, "{act:?}");
    assert_eq!(traced.conserved().destinations[0].retries, 1, "{act:?}");
}

fn end_large_span(traced: &Traced<GrpcServer>, name: &'static str) {
    traced.guard.provider().tracer("test").in_span(name, |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(LARGE)));
    });
}

#[test]
fn spans_wait_for_a_server_that_is_down() {
    let port = DeadPort::reserve();
    let guard = to_url(port.url());
    end_span(&guard, "early");
    let words = guard.flush(SHORT).unwrap_err().to_string();
    assert!(words.contains("1 pending"), "{words}");
    assert!(words.contains("is a collector listening there for gRPC?"), "{words}");
    let traced = Traced::new(guard, port.open_grpc());
    traced.end_span("late");
    assert_eq!(traced.delivered().sorted_names(), ["early", "late"]);
}

#[test]
fn a_server_that_comes_back_has_every_span() {
    let server = DeadPort::reserve().open_grpc();
    let mut traced = Traced::new(to_grpc(&server).build().unwrap(), server);
    let mut got = 0;
    for round in 0..3 {
        for number in 0..20 {
            traced.end_span(format!("up {round}.{number}"));
        }
        traced.flush();
        got += traced.server.spans().0.len();
        let Traced { guard, dispatch, server } = traced;
        let port = server.stop();
        for number in 0..20 {
            end_span(&guard, format!("down {round}.{number}"));
        }
        guard.flush(Duration::from_millis(50)).unwrap_err();
        traced = Traced { guard, dispatch, server: port.open_grpc() };
    }
    traced.flush();
    got += traced.server.spans().0.len();
    let account = &traced.conserved().destinations[0];
    assert_eq!((got, account.delivered, account.dropped.total()), (120, 120, 0));
}

#[test]
fn trouble_is_told_once_and_its_end_too() {
    let port = DeadPort::reserve();
    let ear = port.ear();
    let guard = to_url(port.url());
    end_span(&guard, "span");
    for _ in 0..3 {
        guard.flush(Duration::from_millis(50)).unwrap_err();
    }
    let traced = Traced::new(guard, port.open_grpc());
    traced.delivered();
    let told = ear.lines();
    let [trouble, end] = told.as_slice() else { panic!("two lines, not {told:#?}") };
    assert!(trouble.contains("spans wait in memory and are sent again"), "{trouble}");
    assert!(end.ends_with("works again"), "{end}");
}

#[test]
fn a_server_that_hangs_is_asked_again() {
    let traced = after(Route::Spans, [Act::Hold]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.calls(Route::Spans).len(), 2);
    assert_eq!(traced.conserved().destinations[0].retries, 1);
}

#[test]
fn a_server_that_closes_without_an_answer_is_asked_again() {
    is_asked_again(&Act::Close);
}

#[test]
fn a_server_that_breaks_off_in_its_answer_is_asked_again() {
    is_asked_again(&Act::Break);
}

#[test]
fn a_server_that_goes_away_without_an_answer_is_asked_again() {
    is_asked_again(&Act::GoAway);
}

#[test]
fn a_server_that_resets_the_stream_is_asked_again() {
    for reason in [
        Reason::REFUSED_STREAM,
        Reason::CANCEL,
        Reason::INTERNAL_ERROR,
        Reason::ENHANCE_YOUR_CALM,
        Reason::NO_ERROR,
    ] {
        is_asked_again(&Act::Reset(reason));
    }
}

#[test]
fn a_look_that_gets_no_answer_is_repeated() {
    let traced = after(Route::Setup, [Act::Close, Act::Hold, Code::Unavailable.into()]);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.server.calls(Route::Setup).len(), 4);
    assert_eq!(traced.server.calls(Route::Spans).len(), 1);
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_nothing() {
    for close in [GrpcServer::close_connections, GrpcServer::go_away] {
        let traced = Traced::grpc();
        traced.end_span("first");
        traced.flush();
        close(&traced.server);
        traced.end_span("second");
        assert_eq!(traced.delivered().names(), ["first", "second"]);
        close(&traced.server);
        end_large_span(&traced, "large");
        assert_eq!(traced.delivered().names(), ["first", "second", "large"]);
        let account = &traced.conserved().destinations[0];
        assert_eq!((account.retries, account.last_problem.as_deref()), (0, None));
    }
}

#[test]
fn a_call_under_way_is_answered_though_the_server_goes_away() {
    let server = GrpcServer::collector();
    server.script(Route::Spans, [Act::Hold]);
    let traced = Traced::grpc_with(server, |builder| builder);
    traced.end_span("first");
    traced.server.wait_for(Route::Spans, 1);
    traced.server.go_away();
    traced.server.release();
    assert_eq!(traced.delivered().names(), ["first"]);
    assert_eq!(traced.server.calls(Route::Spans).len(), 1);
    traced.end_span("second");
    assert_eq!(traced.delivered().names(), ["first", "second"]);
}

#[test]
fn an_attempt_takes_no_longer_than_it_may() {
    let server = GrpcServer::collector();
    server.script(Route::Spans, [Act::Hold]);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", server.url()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200".to_owned()),
    ];
    let traced = Traced::new(builder().with_environment(variables).build().unwrap(), server);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    let calls = traced.server.calls(Route::Spans);
    let between = calls[1].at.duration_since(calls[0].at);
    // The first of our own pauses takes half a second at most.
    assert!(between >= Duration::from_millis(200), "{between:?}");
    assert!(between < Duration::from_millis(700) + SLACK, "{between:?}");
}

#[test]
fn an_address_at_which_nobody_answers_is_told_and_asked_again() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let guard = builder()
        .with_otlp_endpoint(url)
        .with_protocol(Protocol::Grpc)
        .with_timeout(Duration::from_millis(50))
        .with_drop_timeout(Duration::ZERO)
        .build()
        .unwrap();
    end_span(&guard, "span");
    let words = guard.flush(SHORT).unwrap_err().to_string();
    assert!(words.contains("no answer within 50 ms"), "{words}");
    assert!(conserved(&guard).destinations[0].retries >= 1);
}

#[test]
fn a_server_of_http_is_told_from_one_of_grpc() {
    let server = Server::collector();
    let guard = to_url(server.url());
    end_span(&guard, "span");
    let words = guard.flush(SHORT).unwrap_err().to_string();
    assert!(words.contains("1 pending"), "{words}");
    assert!(words.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{words}");
    conserved(&guard);
}

#[test]
fn a_dead_destination_does_not_delay_the_other_and_has_counts_of_its_own() {
    let (dead, collector) = (DeadPort::reserve(), Server::collector());
    let dead_grpc = Otlp::new(dead.url()).with_protocol(Protocol::Grpc);
    let guard = to_collector(&collector).with_destination(dead_grpc);
    let guard = guard.with_drop_timeout(Duration::ZERO).build().unwrap();
    for number in 0..10 {
        end_span(&guard, format!("{number}"));
    }
    guard.flush(Duration::from_millis(500)).unwrap_err();
    assert_eq!(collector.spans().0.len(), 10);
    let mut counts: Vec<_> =
        conserved(&guard).destinations.iter().map(|d| (d.delivered, d.pending)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [(0, 10), (10, 0)]);
}

#[test]
fn shutdown_ends_at_its_deadline_and_says_what_was_lost() {
    for route in [Route::Setup, Route::Spans] {
        let server = GrpcServer::collector();
        server.always(route, Act::Hold);
        let Traced { guard, server, .. } = Traced::grpc_with(server, |builder| builder);
        end_span(&guard, "span");
        let (time, result) = timed(|| guard.shutdown(SHORT));
        let error = result.unwrap_err();
        // A call under way is broken off: nobody waits for its end.
        assert!(time < SHORT + SLACK, "{route:?}: {time:?}");
        assert_eq!((error.pending(), error.dropped(DropReason::Shutdown)), (0, 1));
        assert!(error.stats.destinations[0].conserves(error.stats.ended));
        drop(server);
    }
}

#[test]
fn a_pause_that_a_server_asks_for_does_not_outlast_the_program() {
    let server = GrpcServer::collector();
    let later = Refusal::new(Code::Unavailable, "later").retry_in(Duration::from_secs(60));
    server.always(Route::Spans, later);
    let Traced { guard, server, .. } = Traced::grpc_with(server, |builder| builder);
    end_span(&guard, "span");
    server.wait_for(Route::Spans, 1);
    let (time, result) = timed(|| guard.shutdown(SHORT));
    assert!(time < SHORT + SLACK, "{time:?}");
    let error = result.unwrap_err();
    assert_eq!((error.pending(), error.dropped(DropReason::Shutdown)), (0, 1));
    assert!(error.stats.destinations[0].conserves(error.stats.ended));
}
