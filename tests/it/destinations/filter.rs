//! What a destination's filter leaves out is counted, and missed by nobody.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlflow_tracing::destination::{Destination, Exporter, Mlflow, Otlp};
use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use mlflow_tracing::opentelemetry_sdk::trace::SpanData;
use mlflow_tracing::{DestinationStats, TraceInfoMode, TracingGuard};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{builder, conserved, end_span};
use crate::support::exporter::Scripted;
use crate::support::server::port::DeadPort;
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed};

fn otlp(server: &Server) -> Destination {
    Otlp::new(format!("{}/v1/traces", server.url())).into()
}

fn named(name: &'static str) -> impl Fn(&SpanData) -> bool + Send + Sync + 'static {
    move |span| span.name == name
}

/// Delivered, pending, filtered.
fn counts(account: &DestinationStats) -> (u64, u64, u64) {
    (account.delivered, account.pending, account.filtered)
}

fn all_counts(guard: &TracingGuard) -> Vec<(u64, u64, u64)> {
    conserved(guard).destinations.iter().map(counts).collect()
}

#[test]
fn each_destination_gets_what_its_filter_keeps_and_counts_the_rest() {
    let (all, tools, agents) = (Server::collector(), Server::collector(), Server::collector());
    let guard = builder()
        .with_destination(otlp(&all))
        .with_destination(otlp(&tools).with_filter(named("tool")))
        .with_destination(otlp(&agents).with_filter(named("agent")))
        .build()
        .unwrap();
    let tracer = guard.provider().tracer("test");
    for _ in 0..4 {
        tracer.in_span("agent", |_| {
            tracer.in_span("tool", |_| ());
            tracer.in_span("tool", |_| ());
        });
    }
    guard.flush(PATIENCE).unwrap();
    assert_eq!(all_counts(&guard), [(12, 0, 0), (8, 0, 4), (4, 0, 8)]);
    assert_eq!(tools.spans().names(), ["tool"; 8]);
    assert_eq!(agents.spans().names(), ["agent"; 4]);
    assert_eq!(all.spans().0.len(), 12);
    // Whoever is left out stays the parent.
    let parents: Vec<_> = agents.spans().0.iter().map(|got| got.span.span_id.clone()).collect();
    let tools = tools.spans();
    assert!(tools.0.iter().all(|got| parents.contains(&got.span.parent_span_id)));
    guard.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_filter_that_panics_keeps_the_span() {
    let server = Server::collector();
    let filter = |span: &SpanData| match span.name.as_ref() {
        "bad" => panic!("as the test wants it"),
        name => name == "good",
    };
    let guard = builder().with_destination(otlp(&server).with_filter(filter)).build().unwrap();
    for name in ["good", "bad", "other", "good"] {
        end_span(&guard, name);
    }
    guard.flush(PATIENCE).unwrap();
    assert_eq!(server.spans().sorted_names(), ["bad", "good", "good"]);
    assert_eq!(all_counts(&guard), [(3, 0, 1)]);
}

#[test]
fn what_is_filtered_out_whole_does_not_wait_for_a_dead_destination() {
    const SPANS: u64 = 2_000;
    let port = DeadPort::reserve();
    let otlp = Otlp::new(format!("{}/v1/traces", port.url()));
    // The call that follows a trace must not wait there either.
    let mlflow =
        Mlflow::new(port.url()).with_trace_info(TraceInfoMode::Always).with_print_url(false);
    for dead in [Destination::from(otlp), mlflow.into()] {
        let guard = builder().with_destination(dead.with_filter(|_| false)).build().unwrap();
        for number in 0..SPANS {
            end_span(&guard, format!("{number}"));
        }
        // It cannot be delivered to, so this is only because there is nothing to deliver.
        let (time, result) = timed(|| guard.flush(PATIENCE));
        assert!(result.is_ok() && time < PATIENCE / 2, "{time:?}");
        assert_eq!(all_counts(&guard), [(0, 0, SPANS)]);
        assert_eq!(guard.stats().destinations[0].pending_bytes, 0);
        let (time, result) = timed(|| guard.shutdown(PATIENCE));
        assert!(result.is_ok() && time < PATIENCE / 2, "{time:?}");
    }
}

/// A span's name and the keys of its attributes.
type Shown = (String, Vec<String>);

#[test]
fn a_filter_is_shown_the_span_as_the_program_made_it() {
    let seen: Arc<Mutex<Vec<Shown>>> = Arc::default();
    let filter = {
        let seen = Arc::clone(&seen);
        move |span: &SpanData| {
            let mut keys: Vec<_> =
                span.attributes.iter().map(|kv| kv.key.as_str().to_owned()).collect();
            keys.sort();
            seen.lock().unwrap().push((span.name.clone().into_owned(), keys));
            true
        }
    };
    let exporter = Scripted::default();
    let destination = Destination::from(Exporter::new("mine", exporter)).with_filter(filter);
    let guard = builder().with_destination(destination).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        drop(info_span!("captured", query = "q", top_k = 3_u64, app.team = "blue"));
    });
    guard.provider().tracer("test").in_span("api", |cx| {
        cx.span().set_attribute(KeyValue::new("plain", 1));
    });
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(
        seen,
        [("api".to_owned(), keys(&["plain"])), ("captured".to_owned(), keys(&["app.team"]))]
    );
}

#[test]
fn a_root_made_up_at_the_end_passes_the_filter_too() {
    for keep in [true, false] {
        let server = Server::mlflow();
        let mlflow = Destination::from(Mlflow::new(server.url()).with_print_url(false));
        let filter = move |span: &SpanData| keep || span.name == "child";
        let guard = builder().with_destination(mlflow.with_filter(filter)).build().unwrap();
        let tracer = guard.provider().tracer("test");
        let context = Context::new().with_span(tracer.start("never ends"));
        tracer.start_with_context("child", &context).end();
        guard.shutdown(PATIENCE).unwrap();
        let expected: &[&str] = if keep { &["child", "never ends"] } else { &["child"] };
        assert_eq!(server.spans().sorted_names(), expected);
        drop(context);
    }
}

#[test]
fn a_slow_filter_is_the_workers_business_and_not_the_callers() {
    let server = Server::collector();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let filter = move |_: &SpanData| held.lock().unwrap().recv_timeout(PATIENCE).is_ok();
    let guard = builder().with_destination(otlp(&server).with_filter(filter)).build().unwrap();
    let (time, ()) = timed(|| (0..100).for_each(|number| end_span(&guard, format!("{number}"))));
    assert!(time < SLACK, "{time:?}");
    let error = guard.flush(Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.pending(), 100);
    conserved(&guard);
    (0..100).for_each(|_| release.send(()).unwrap());
    guard.flush(PATIENCE).unwrap();
    assert_eq!((server.spans().0.len(), server.requests(Route::Other).len()), (100, 0));
    conserved(&guard);
}
