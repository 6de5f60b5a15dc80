//! What of a trace's context is one thing in the whole process.
#![cfg(test)]

use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use mlflow_tracing::{MlflowSpanExt as _, context, last_trace_id, update_current_trace};
use tracing::info_span;

use support::app::{Traced, builder};
use support::child;
use support::spans::Got;
use support::told::Ear;

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

fn id_of(span: &Got) -> String {
    format!("tr-{}", span.trace_id())
}

#[test]
fn the_last_trace_is_the_one_whose_root_ended_last() {
    child::run("the_last_trace_is_the_one_whose_root_ended_last", &[], || {
        assert_eq!(last_trace_id(), None);
        // A destination that is no MLflow server is as good.
        let traced = Traced::otlp();
        let (first, second) = traced.run(|| (info_span!("first"), info_span!("second")));
        let ids = (first.trace_id(), second.trace_id());
        traced.run(|| {
            drop(info_span!(parent: &second, "a child is no root"));
            assert_eq!(last_trace_id(), None);
            drop(second);
            assert_eq!(last_trace_id(), ids.1, "at once, before it is delivered");
            drop(first);
            assert_eq!(last_trace_id(), ids.0);
            context().enabled(false).in_scope(|| drop(info_span!("not recorded")));
            assert_eq!(last_trace_id(), ids.0);
        });
        traced.end_span("api");
        let api = last_trace_id();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(traced.guard.exporter()).build();
        provider.tracer("mine").in_span("held back", |_| ());
        assert_eq!(last_trace_id(), api);
        provider.force_flush().unwrap();
        let spans = traced.delivered();
        assert_eq!(api, Some(id_of(spans.one("api"))));
        assert_eq!(last_trace_id(), Some(id_of(spans.one("held back"))));
    });
}

#[test]
fn an_update_outside_of_every_trace_does_nothing_and_says_so_once() {
    child::run("an_update_outside_of_every_trace_does_nothing_and_says_so_once", &[], || {
        let guard = builder().with_otlp_endpoint("http://127.0.0.1:9").build().unwrap();
        let ear = Ear::new("update_current_trace() does nothing");
        for _ in 0..3 {
            update_current_trace().session("s");
        }
        let lines = ear.lines();
        let [line] = lines.as_slice() else { panic!("one line, not {lines:#?}") };
        assert!(line.contains("no layer of mlflow-tracing"), "{line}");
        drop(guard);
    });
}

#[test]
fn updates_that_come_too_late_are_told_when_they_are_given_up() {
    child::run("updates_that_come_too_late_are_told_when_they_are_given_up", &[], || {
        let ear = Ear::new("updated in vain");
        let traced = Traced::otlp();
        let root = traced.run(|| info_span!("root"));
        let update = root.update_trace();
        traced.run(|| drop(root));
        assert_eq!(traced.delivered().names(), ["root"]);
        let Traced { guard, server, .. } = traced;
        update.session("too late");
        assert!(ear.lines().is_empty(), "the trace might still come");
        drop(guard);
        assert_eq!(ear.lines().len(), 1);
        assert!(server.spans().one("root").attribute("session.id").is_none());
    });
}

#[test]
fn updates_while_tracing_is_off_say_nothing() {
    let said = child::run("updates_while_tracing_is_off_say_nothing", &[], || {
        let traced = Traced::otlp();
        traced.guard.set_enabled(false);
        let update = || {
            info_span!("span").in_scope(|| {
                update_current_trace().session("s");
            });
        };
        traced.run(update);
        traced.guard.set_enabled(true);
        traced.run(update);
        assert_eq!(traced.delivered().names(), ["span"]);
    });
    // A subscriber that does not listen to the crate: what it says is on stderr.
    assert!(!said.is_some_and(|said| said.stderr.contains("does nothing")));
}
