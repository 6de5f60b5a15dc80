//! Who hears of losses: the program's callback of each, people once a minute of each reason.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use mlflow_tracing::{Builder, DropReason, Loss, TracingGuard};

use crate::support::app::{builder, conserved, end_span, to_collector};
use crate::support::http::Answer;
use crate::support::server::port::DeadPort;
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, until};

const LIMIT: usize = 1024 * 1024;

/// A program whose losses are sent here, with the threads that told them.
fn heard(builder: Builder) -> (TracingGuard, Receiver<(Loss, ThreadId)>) {
    let (tell, told) = channel();
    let hear = move |loss: &Loss| {
        // After the end of a test nobody listens.
        let _ = tell.send((loss.clone(), thread::current().id()));
    };
    (builder.with_drop_callback(hear).build().unwrap(), told)
}

fn next(told: &Receiver<(Loss, ThreadId)>) -> Loss {
    told.recv_timeout(PATIENCE).unwrap().0
}

fn end_large_span(guard: &TracingGuard) {
    guard.provider().tracer("test").in_span("large", |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(LIMIT)));
    });
}

#[test]
fn a_span_that_is_refused_is_told_with_the_servers_words() {
    let server = Server::collector();
    server.script(Route::Spans, [Answer::new(400).body("text/plain", "a name is too odd")]);
    let (guard, told) = heard(to_collector(&server));
    end_span(&guard, "odd");
    guard.flush(PATIENCE).unwrap_err();
    let loss = next(&told);
    assert_eq!((loss.reason, loss.spans), (DropReason::Rejected, 1));
    assert_eq!(loss.destination, conserved(&guard).destinations[0].name);
    assert_eq!(loss.last_problem.as_deref(), Some("HTTP 400: a name is too odd"));
    // What comes after is delivered, and nothing is told twice.
    end_span(&guard, "fine");
    guard.flush(PATIENCE).unwrap_err();
    assert_eq!(server.spans().names(), ["fine"]);
    assert!(told.try_recv().is_err());
}

#[test]
fn what_the_callers_queue_refuses_is_told_to_each_destination_without_a_flush() {
    let (one, other) = (Server::collector(), Server::collector());
    let to = |server: &Server| {
        mlflow_tracing::destination::Otlp::new(format!("{}/v1/traces", server.url()))
    };
    let builder = builder().with_destination(to(&one)).with_destination(to(&other));
    let (guard, told) = heard(builder.with_memory_limit(LIMIT));
    end_large_span(&guard);
    let losses = [next(&told), next(&told)];
    for (loss, server) in losses.iter().zip([&one, &other]) {
        assert_eq!((loss.reason, loss.spans), (DropReason::QueueFull, 1));
        assert!(loss.destination.contains(&server.address().to_string()));
        until("people are told, too", || {
            let told = server.told();
            told.iter().any(|line| {
                line.contains("dropped 1 span (queue_full)")
                    && line.contains(DropReason::QueueFull.advice())
            })
        });
    }
}

#[test]
fn a_reason_is_warned_of_once_whatever_the_server_says_of_each_span() {
    let server = Server::collector();
    let words = ["first", "second", "third"];
    server.script(
        Route::Spans,
        words.map(|words| Answer::new(400).body("text/plain", format!("{words}: bad"))),
    );
    let (guard, told) = heard(to_collector(&server));
    for name in words {
        end_span(&guard, name);
        guard.flush(PATIENCE).unwrap_err();
        let loss = next(&told);
        assert!(loss.last_problem.unwrap().contains(name));
    }
    let lines = server.told();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("dropped 1 span (rejected): HTTP 400: first: bad; "), "{lines:?}");
}

#[test]
fn what_makes_room_and_what_the_end_costs_are_told_with_why_the_destination_did_not_take_it() {
    let port = DeadPort::reserve();
    let ear = port.ear();
    let settings = builder().with_tracking_uri(port.url()).with_memory_limit(LIMIT);
    let (guard, told) = heard(settings);
    until("the outbox is full", || {
        for _ in 0..8 {
            guard.provider().tracer("test").in_span("one of many", |cx| {
                cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(LIMIT / 64)));
            });
        }
        let _ = guard.flush(Duration::from_millis(20));
        conserved(&guard).destinations[0].dropped.get(DropReason::OutboxFull) > 0
    });
    let full = next(&told);
    assert_eq!(full.reason, DropReason::OutboxFull);
    assert!(full.last_problem.unwrap().contains("is the MLflow server running there?"));
    let error = guard.shutdown(Duration::ZERO).unwrap_err();
    let mut sums = [full.spans, 0];
    for (loss, _) in told.try_iter() {
        sums[usize::from(loss.reason == DropReason::Shutdown)] += loss.spans;
    }
    assert_eq!(sums, [DropReason::OutboxFull, DropReason::Shutdown].map(|it| error.dropped(it)));
    // The end is told by one line that has it all.
    let of_the_end =
        ear.lines().into_iter().filter(|line| line.contains("shutdown")).collect::<Vec<_>>();
    assert_eq!(of_the_end.len(), 1, "{of_the_end:?}");
    assert!(of_the_end[0].contains("not every span was delivered"));
}

#[test]
fn what_ends_too_late_is_told_on_the_thread_that_ends_it() {
    let server = Server::collector();
    let (guard, told) = heard(to_collector(&server));
    let other = SdkTracerProvider::builder().with_span_processor(guard.processor()).build();
    guard.shutdown(PATIENCE).unwrap();
    other.tracer("test").in_span("late", |_| ());
    let (loss, thread) = told.try_recv().unwrap();
    assert_eq!((loss.reason, loss.spans), (DropReason::AfterShutdown, 1));
    assert_eq!(thread, thread::current().id());
}

#[test]
fn a_callback_that_panics_ends_nothing_and_one_that_asks_waits_for_nothing() {
    let server = Server::collector();
    server.script(Route::Spans, [400]);
    let program: Arc<OnceLock<Weak<TracingGuard>>> = Arc::default();
    let (tell, told) = channel();
    let hear = {
        let program = Arc::clone(&program);
        move |loss: &Loss| {
            let guard = program.get().and_then(Weak::upgrade).unwrap();
            // The account is free, and has what is told.
            let dropped = conserved(&guard).destinations[0].dropped.get(loss.reason);
            end_span(&guard, "made in the callback");
            tell.send(dropped).unwrap();
            panic!("as the test wants it");
        }
    };
    let guard = Arc::new(to_collector(&server).with_drop_callback(hear).build().unwrap());
    program.set(Arc::downgrade(&guard)).unwrap();
    end_span(&guard, "refused");
    guard.flush(PATIENCE).unwrap_err();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(1));
    end_span(&guard, "fine");
    guard.flush(PATIENCE).unwrap_err();
    assert_eq!(server.spans().names(), ["fine"]);
    assert_eq!(conserved(&guard).ended, 2, "a span of the callback is not recorded");
}
