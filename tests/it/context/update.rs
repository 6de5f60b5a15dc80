//! What is said of a trace while it runs.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceContextExt as _, TraceFlags, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use mlflow_tracing::{MlflowSpanExt as _, TraceState, context, update_current_trace};
use serde_json::json;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{infos, remote, session};
use crate::support::app::{Traced, to_mlflow};
use crate::support::server::Server;
use crate::support::time::{PATIENCE, spawn};
use crate::support::told::Ear;

#[test]
fn everything_that_can_be_said_reaches_the_server() {
    let traced = Traced::mlflow();
    traced.run(|| {
        info_span!("root", x = 1).in_scope(|| {
            info_span!("child").in_scope(|| {
                update_current_trace()
                    .session("s")
                    .user("u")
                    .tag("team", "blue")
                    .tag("mlflow.traceName", "renamed")
                    .metadata("release", "7")
                    .client_request_id("r")
                    .model_id("m")
                    .source_run("run")
                    .request_preview("asked")
                    .response_preview("é".repeat(3000))
                    .state(TraceState::Error);
            });
        });
    });
    let spans = traced.delivered();
    let root = spans.one("root");
    assert_eq!((session(root), root.attribute("user.id")), (json!("s"), Some(json!("u"))));
    assert_eq!(root.attribute("mlflow.traceTag.mlflow.traceName"), Some(json!("renamed")));
    assert_eq!(root.status().0, "OK", "the span itself went well");
    let info = infos(&traced).remove(0);
    assert_eq!(info["state"], "ERROR");
    assert_eq!(info["client_request_id"], "r");
    assert_eq!(info["request_preview"], "asked");
    assert_eq!(info["response_preview"].as_str().unwrap().chars().count(), 1000);
    assert_eq!(info["tags"], json!({ "mlflow.traceName": "renamed", "team": "blue" }));
    let metadata = &info["trace_metadata"];
    for (key, value) in [
        ("mlflow.trace.session", "s"),
        ("mlflow.trace.user", "u"),
        ("release", "7"),
        ("mlflow.modelId", "m"),
        ("mlflow.sourceRun", "run"),
    ] {
        assert_eq!(metadata[key], value, "{key}");
    }
}

#[test]
fn the_last_call_wins_whoever_makes_it_and_over_what_the_root_has() {
    let traced = Traced::otlp();
    let dispatch = traced.dispatch.clone();
    traced.run(|| {
        let root = info_span!("root", session.id = "own", user.id = "own");
        let scoped = context().tag("scope", "scope").tag("team", "scope");
        scoped.in_scope(|| {
            root.in_scope(|| {
                update_current_trace().session("first").tag("team", "1");
            });
        });
        let child = info_span!(parent: &root, "child");
        let thread = spawn("elsewhere", move || {
            tracing::dispatcher::with_default(&dispatch, || {
                child.in_scope(|| {
                    update_current_trace().session("last");
                });
                drop(child);
            });
        });
        thread.join().unwrap();
        // What the root says of itself later does not count.
        root.set_attribute("session.id", "own again");
    });
    let spans = traced.delivered();
    let root = spans.one("root");
    let of = |key: &str| root.attribute(key);
    assert_eq!((of("session.id"), of("user.id")), (Some(json!("last")), Some(json!("own"))));
    assert_eq!(of("mlflow.traceTag.team"), Some(json!("1")));
    assert_eq!(of("mlflow.traceTag.scope"), Some(json!("scope")));
    assert!(spans.one("child").attribute("session.id").is_none());
}

#[test]
fn a_span_at_hand_tells_its_trace() {
    let traced = Traced::otlp();
    traced.run(|| {
        let (one, two) = (info_span!("one"), info_span!("two"));
        one.in_scope(|| {
            two.in_scope(|| {
                one.update_trace().session("one");
            });
        });
        let child = info_span!(parent: &two, "child");
        drop(two);
        child.update_trace().session("two");
        tracing::Span::none().update_trace().session("nobody's");
    });
    let spans = traced.delivered();
    assert_eq!(session(spans.one("one")), "one");
    // `two` is in the trace of the span that it was made in, if it is in one: here it is not.
    assert_eq!(session(spans.one("two")), "two");
}

#[test]
fn it_can_be_kept_and_sent_to_a_thread_that_knows_nothing_of_the_trace() {
    let traced = Traced::otlp();
    let root = traced.run(|| info_span!("root"));
    let update = root.update_trace();
    let thread = spawn("elsewhere", move || {
        update.session("s");
    });
    thread.join().unwrap();
    traced.run(|| drop(root));
    assert_eq!(session(traced.delivered().one("root")), "s");
}

#[test]
fn without_a_layer_the_guard_does_it() {
    let traced = Traced::otlp();
    let provider = traced.guard.provider();
    provider.tracer("api").in_span("root", |cx| {
        provider.tracer("api").in_span("child", |cx| {
            traced.guard.update_trace(&cx).user("u");
        });
        traced.guard.update_trace(&cx).session("s");
        traced.guard.update_trace(&Context::new()).session("nobody's");
    });
    let spans = traced.delivered();
    assert_eq!(session(spans.one("root")), "s");
    assert_eq!(spans.one("root").attribute("user.id"), Some(json!("u")));
    assert!(spans.one("child").attribute("user.id").is_none());
}

#[test]
fn with_ones_own_layer_and_provider_it_works_too() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("mine"));
    let subscriber = tracing_subscriber::registry().with(traced.guard.capture_layer()).with(otel);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("root").in_scope(|| {
            info_span!("child").in_scope(|| {
                update_current_trace().session("s");
            });
        });
    });
    assert_eq!(session(traced.delivered().one("root")), "s");
}

#[test]
fn a_batch_processor_that_holds_spans_back_does_not_matter() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(traced.guard.exporter()).build();
    provider.tracer("mine").in_span("root", |cx| {
        traced.guard.update_trace(&cx).session("s");
        traced.flush();
    });
    provider.force_flush().unwrap();
    assert_eq!(session(traced.delivered().one("root")), "s");
}

#[test]
fn of_a_trace_from_another_process_the_first_span_here_has_it() {
    let traced = Traced::otlp();
    traced.run(|| {
        let handler = info_span!("handler");
        handler.set_parent(remote(TraceFlags::SAMPLED)).unwrap();
        let child = handler.in_scope(|| info_span!("child"));
        child.update_trace().session("s");
    });
    assert_eq!(session(traced.delivered().one("handler")), "s");
}

#[test]
fn of_a_trace_that_is_not_recorded_nothing_is_said() {
    let traced = Traced::otlp();
    let unrecorded = remote(TraceFlags::NOT_SAMPLED);
    let id = unrecorded.span().span_context().trace_id();
    let api = traced.guard.provider().tracer("api");
    let mut span = api.start_with_context("child", &unrecorded);
    traced.guard.update_trace(&unrecorded).session("s");
    span.end();
    // A trace of the same id that is recorded would have it.
    let sampled = remote(TraceFlags::SAMPLED);
    assert_eq!(sampled.span().span_context().trace_id(), id);
    api.start_with_context("recorded", &sampled).end();
    assert_eq!(session(traced.delivered().one("recorded")), json!(null));
}

#[test]
fn a_name_that_is_the_servers_is_refused_with_one_warning() {
    let traced = Traced::mlflow();
    let ear = Ear::new("mlflow.trace.spansLocation");
    let other = Ear::new("mlflow.traceInputs");
    let root = traced.run(|| info_span!("root"));
    // Outside, because the subscriber there is the one that listens.
    for _ in 0..3 {
        root.update_trace()
            .tag("mlflow.trace.spansLocation", "x")
            .metadata("mlflow.traceInputs", "x")
            .metadata("mlflow.trace.session", "Python's way");
    }
    traced.run(|| drop(root));
    let spans = traced.delivered();
    assert_eq!(session(spans.one("root")), "Python's way");
    let attributes = spans.one("root").attributes();
    assert!(!attributes.keys().any(|key| key.contains("spansLocation")), "{attributes:?}");
    assert_eq!((ear.lines().len(), other.lines().len()), (1, 1));
}

#[test]
fn updates_without_end_take_bounded_memory_and_lose_no_span() {
    const LIMIT: usize = 1024 * 1024;
    let server = Server::mlflow();
    let guard = to_mlflow(&server).with_memory_limit(LIMIT).build().unwrap();
    let traced = Traced::new(guard, server);
    traced.run(|| {
        info_span!("many keys").in_scope(|| {
            for number in 0..20_000 {
                update_current_trace().tag(format!("tag-{number}"), "x".repeat(100));
            }
        });
        traced.flush();
        info_span!("one key").in_scope(|| {
            for number in 0..100_000 {
                update_current_trace().session(number.to_string());
            }
        });
        (0..100).for_each(|_| drop(info_span!("other")));
    });
    traced.guard.flush(PATIENCE).unwrap();
    let spans = traced.delivered();
    assert_eq!(spans.0.len(), 102);
    let tags = spans.one("many keys").attributes();
    let tags = tags.keys().filter(|key| key.starts_with("mlflow.traceTag.tag-")).count();
    // Each weighs between 100 and 200 bytes.
    assert!((LIMIT * 3 / 32 / 200..LIMIT * 3 / 32 / 100).contains(&tags), "{tags}");
    assert_eq!(session(spans.one("one key")), "99999");
}
