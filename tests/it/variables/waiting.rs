//! `MLFLOW_ENABLE_ASYNC_TRACE_LOGGING=false`: the end of a root span waits for delivery.

use std::time::Duration;

use mlflow_tracing::destination::{Mlflow, Otlp};
use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::dispatcher::set_default;
use tracing::{info_span, instrument};

use super::{environment, with};
use crate::support::app::{Traced, builder, conserved, end_span};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, watched};

const WAITING: (&str, &str) = ("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false");
const SHORT: Duration = Duration::from_secs(1);

/// A program that waits for a server which never answers.
fn hanging() -> Traced {
    let server = Server::mlflow();
    server.always(Route::Spans, Act::Hold);
    let guard = environment(&server, &[WAITING]).with_drop_timeout(SHORT).build().unwrap();
    Traced::new(guard, server)
}

#[test]
fn a_root_that_has_ended_is_delivered() {
    for traced in [with(Server::mlflow(), &[WAITING]), with(Server::collector(), &[WAITING])] {
        for number in 1..=3 {
            traced.end_span("span");
            assert_eq!(traced.server.spans().0.len(), number);
        }
        traced.run(|| info_span!("root").in_scope(|| drop(info_span!("child"))));
        assert_eq!(traced.server.spans().0.len(), 5);
        assert_eq!(traced.conserved().destinations[0].delivered, 5);
    }
}

#[test]
fn by_default_nobody_waits() {
    let server = Server::mlflow();
    server.always(Route::Spans, Act::Hold);
    let guard = environment(&server, &[]).with_drop_timeout(SHORT).build().unwrap();
    let (time, ()) = timed(|| end_span(&guard, "span"));
    assert!(time < SHORT, "{time:?}");
    conserved(&guard);
}

#[test]
fn the_end_of_a_child_does_not_wait() {
    let traced = hanging();
    let api = traced.guard.provider().tracer("test");
    let root = Context::new().with_span(api.start("root"));
    let (time, ()) = timed(|| drop(api.start_with_context("child", &root)));
    assert!(time < SHORT, "{time:?}");
    let (time, ()) = timed(|| drop(root));
    assert!(time >= SHORT, "{time:?}");
    traced.conserved();
}

#[test]
fn the_wait_ends_at_its_deadline_and_the_span_is_still_tried() {
    let traced = hanging();
    let (time, ()) = timed(|| traced.end_span("span"));
    assert!(time >= SHORT && time < SHORT + SLACK, "{time:?}");
    assert_eq!(traced.conserved().destinations[0].pending, 1);
    traced.server.release();
    assert_eq!(traced.delivered().names(), ["span"]);
}

#[test]
fn the_wait_for_a_dead_destination_ends_at_its_deadline() {
    let port = DeadPort::reserve();
    let url = port.url();
    let variables = [("MLFLOW_TRACKING_URI", url.as_str()), WAITING];
    let guard = builder().with_environment(variables).with_drop_timeout(SHORT).build().unwrap();
    let (time, ()) = timed(|| end_span(&guard, "span"));
    assert!(time >= SHORT && time < SHORT + SLACK, "{time:?}");
    assert_eq!(conserved(&guard).destinations[0].pending, 1);
}

#[test]
fn the_wait_ends_when_waiting_does_not_help() {
    let server = Server::mlflow();
    server.always(Route::Spans, 401);
    let traced = with(server, &[WAITING]);
    // The deadline is five seconds.
    let (time, ()) = timed(|| traced.end_span("span"));
    assert!(time < Duration::from_secs(4), "{time:?}");
    assert_eq!(traced.conserved().destinations[0].pending, 1);
    traced.server.as_usual(Route::Spans);
    traced.flush();
}

#[test]
fn what_is_not_sampled_is_not_waited_for() {
    let server = Server::mlflow();
    server.always(Route::Setup, Act::Hold);
    let variables = [WAITING, ("OTEL_TRACES_SAMPLER", "always_off")];
    let guard = environment(&server, &variables).with_drop_timeout(SHORT).build().unwrap();
    let (time, ()) = timed(|| end_span(&guard, "span"));
    assert!(time < SHORT, "{time:?}");
    assert_eq!(conserved(&guard).ended, 0);
}

#[test]
fn the_root_of_this_processs_part_of_a_trace_waits_too() {
    let traced = with(Server::mlflow(), &[WAITING]);
    let parent = SpanContext::new(
        TraceId::from(7_u128),
        SpanId::from(7_u64),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let context = Context::new().with_remote_span_context(parent);
    drop(traced.guard.provider().tracer("test").start_with_context("part", &context));
    assert_eq!(traced.server.spans().names(), ["part"]);
    traced.conserved();
}

#[test]
fn every_destination_is_waited_for() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    let guard = builder()
        .with_environment([WAITING])
        .with_destination(Mlflow::new(mlflow.url()).with_print_url(false))
        .with_destination(Otlp::new(format!("{}/v1/traces", collector.url())))
        .build()
        .unwrap();
    end_span(&guard, "span");
    assert_eq!((mlflow.spans().names(), collector.spans().names()), (vec!["span"], vec!["span"]));
    conserved(&guard);
}

#[test]
fn the_program_wins_over_the_variable() {
    let server = Server::mlflow();
    let guard = environment(&server, &[]).with_async_trace_logging(false).build().unwrap();
    end_span(&guard, "span");
    assert_eq!(server.spans().names(), ["span"]);
    conserved(&guard);
    server.always(Route::Spans, Act::Hold);
    let builder = environment(&server, &[WAITING]).with_async_trace_logging(true);
    let guard = builder.with_drop_timeout(SHORT).build().unwrap();
    let (time, ()) = timed(|| end_span(&guard, "span"));
    assert!(time < SHORT, "{time:?}");
    conserved(&guard);
}

#[test]
fn the_processor_in_ones_own_provider_waits_too() {
    let traced = with(Server::collector(), &[WAITING]);
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    provider.tracer("mine").in_span("span", |_| ());
    assert_eq!(traced.server.spans().names(), ["span"]);
    traced.conserved();
}

#[instrument]
async fn step(number: u64) {
    tokio::task::yield_now().await;
}

#[test]
fn it_works_inside_a_runtime_of_one_thread() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let traced = with(Server::mlflow(), &[WAITING]);
            let _default = set_default(&traced.dispatch);
            for number in 1..=3 {
                step(number).await;
                assert_eq!(traced.server.spans().0.len() as u64, number);
            }
            traced.conserved();
            let hanging = hanging();
            let (time, ()) = timed(|| hanging.end_span("span"));
            assert!(time >= SHORT && time < PATIENCE / 2, "{time:?}");
            hanging.conserved();
        });
    });
}
