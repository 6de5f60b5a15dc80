//! Any exporter of the official SDK as a destination.

use std::time::Duration;

use mlflow_tracing::destination::{Exporter, Otlp};
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::opentelemetry_sdk::Resource;
use mlflow_tracing::opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use mlflow_tracing::{Builder, DropReason, MlflowSpanExt as _, SpanType, TracingGuard};
use serde_json::json;
use tokio::runtime;
use tracing::{info_span, instrument};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{builder, conserved, end_span};
use crate::support::exporter::{Does, Scripted};
use crate::support::server::Server;
use crate::support::time::{PATIENCE, SLACK, timed, until, watched};

fn to(exporter: &Scripted) -> Builder {
    builder().with_destination(Exporter::new("mine", exporter.clone()))
}

fn after(script: impl IntoIterator<Item = Does>) -> (TracingGuard, Scripted) {
    let exporter = Scripted::new(script);
    (to(&exporter).build().unwrap(), exporter)
}

fn value(span: &SpanData, key: &str) -> Option<String> {
    let mut found = span.attributes.iter().filter(|kv| kv.key.as_str() == key);
    let value = found.next().map(|kv| kv.value.as_str().into_owned());
    assert!(found.next().is_none(), "{key} came twice");
    value
}

#[instrument(ret)]
fn retrieve(query: &str, top_k: u64) -> Vec<u64> {
    (0..top_k).collect()
}

#[test]
fn it_gets_spans_with_their_meaning_and_the_resource() {
    let exporter = Scripted::default();
    let builder = to(&exporter).with_service_name("api").with_resource_attribute("team", "blue");
    let guard = builder.build().unwrap();
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        let agent = info_span!("agent");
        agent.set_span_type(SpanType::Agent).set_outputs(&json!({ "answer": 42 }));
        agent.in_scope(|| drop(retrieve("rust", 2)));
    });
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    assert_eq!(exporter.names(), ["retrieve", "agent"]);
    let seen = exporter.seen();
    let [retrieve, agent] = seen.spans.as_slice() else { panic!("two spans") };
    assert_eq!(value(agent, "mlflow.spanType").as_deref(), Some("AGENT"));
    assert_eq!(value(agent, "mlflow.spanOutputs").as_deref(), Some(r#"{"answer":42}"#));
    assert_eq!(value(agent, "gen_ai.operation.name").as_deref(), Some("invoke_agent"));
    let inputs = value(retrieve, "mlflow.spanInputs");
    assert_eq!(inputs.as_deref(), Some(r#"{"query":"rust","top_k":2}"#));
    assert_eq!(value(retrieve, "mlflow.spanOutputs").as_deref(), Some("[0, 1]"));
    assert_eq!(retrieve.parent_span_id, agent.span_context.span_id());
    // What the layer notes for the worker stays in the process.
    let keys = seen.spans.iter().flat_map(|span| &span.attributes).map(|kv| kv.key.as_str());
    assert_eq!(keys.filter(|key| key.starts_with("mlflow_tracing.")).count(), 0);
    let resource = seen.resource.as_ref().unwrap();
    let of = |key: &'static str| resource.get(&key.into()).map(|value| value.to_string());
    assert_eq!(of("service.name").as_deref(), Some("api"));
    assert_eq!(of("team").as_deref(), Some("blue"));
    assert_eq!(seen.resources_set, 1);
}

#[test]
fn it_gets_the_resource_of_whose_spans_they_are() {
    let (guard, exporter) = after([]);
    end_span(&guard, "ours");
    guard.flush(PATIENCE).unwrap();
    let billing =
        Resource::builder_empty().with_attribute(KeyValue::new("service.name", "billing")).build();
    let provider = SdkTracerProvider::builder()
        .with_resource(billing.clone())
        .with_span_processor(guard.processor())
        .build();
    provider.tracer("mine").in_span("theirs", |_| ());
    guard.flush(PATIENCE).unwrap();
    assert_eq!(exporter.names(), ["ours", "theirs"]);
    assert_eq!(exporter.seen().resource, Some(billing));
    conserved(&guard);
}

#[test]
fn it_gets_traces_whole_with_the_root_last() {
    let (guard, exporter) = after([]);
    let tracer = guard.provider().tracer("test");
    tracer.in_span("root", |_| {
        for number in 0..600 {
            tracer.in_span(format!("{number}"), |_| ());
        }
    });
    guard.flush(PATIENCE).unwrap();
    let names = exporter.names();
    let expected: Vec<_> = (0..600).map(|n| n.to_string()).chain(["root".to_owned()]).collect();
    assert_eq!(names, expected);
    assert!(exporter.seen().attempts.iter().all(|batch| batch.len() <= 512));
    conserved(&guard);
}

#[test]
fn what_fails_is_exported_again() {
    for does in [Does::Fails("no room"), Does::Panics, Does::AlreadyShutdown] {
        let (guard, exporter) = after([does, does]);
        let tracer = guard.provider().tracer("test");
        tracer.in_span("root", |_| tracer.in_span("child", |_| ()));
        guard.flush(PATIENCE).unwrap();
        assert_eq!(exporter.names(), ["child", "root"], "{does:?}");
        let account = conserved(&guard).destinations.remove(0);
        assert_eq!((account.delivered, account.retries), (2, 2), "{does:?}");
        let attempts: Vec<Vec<_>> = exporter
            .seen()
            .attempts
            .iter()
            .map(|batch| batch.iter().map(|span| span.name.clone()).collect())
            .collect();
        // The same spans each time, not what was added meanwhile.
        assert!(attempts.windows(2).take(2).all(|pair| pair[0] == pair[1]), "{attempts:?}");
    }
}

#[test]
fn what_fails_is_told_in_its_words() {
    for (does, words) in [
        (Does::Fails("no room"), "no room"),
        (Does::Panics, "the exporter panicked"),
        (Does::AlreadyShutdown, "shut"),
    ] {
        let exporter = Scripted::new([does; 99]);
        let guard = to(&exporter).with_drop_timeout(Duration::ZERO).build().unwrap();
        end_span(&guard, "span");
        until("it is told", || guard.stats().destinations[0].last_problem.is_some());
        let error = guard.flush(Duration::from_millis(100)).unwrap_err().to_string();
        assert!(error.contains("exporter mine: 0 of 1 delivered, 1 pending"), "{error}");
        assert!(error.to_lowercase().contains(words), "{error}");
        conserved(&guard);
    }
}

#[test]
fn what_fails_for_the_whole_window_is_dropped_and_counted() {
    let exporter = Scripted::new([Does::Fails("never"); 99]);
    let builder = to(&exporter).with_retry_window(Duration::from_millis(100));
    let guard = builder.build().unwrap();
    end_span(&guard, "span");
    until("it is given up", || {
        let _ = guard.flush(Duration::from_millis(20));
        conserved(&guard).destinations[0].dropped.get(DropReason::RetryExpired) == 1
    });
    assert!(exporter.names().is_empty());
}

#[test]
fn it_may_be_woken_from_another_thread() {
    let (guard, exporter) = after([Does::Later]);
    end_span(&guard, "span");
    let (time, result) = timed(|| guard.flush(PATIENCE));
    assert!(result.is_ok() && time < PATIENCE / 2, "{time:?}");
    assert_eq!(exporter.names(), ["span"]);
    assert_eq!(conserved(&guard).destinations[0].retries, 0);
}

#[test]
fn an_export_that_never_ends_is_ended_by_the_timeout_and_tried_again() {
    let exporter = Scripted::new([Does::Never]);
    let patience = Duration::from_millis(200);
    let guard = to(&exporter).with_timeout(patience).build().unwrap();
    end_span(&guard, "span");
    let (time, result) = timed(|| guard.flush(PATIENCE));
    assert!(result.is_ok() && time >= patience, "{time:?}");
    assert_eq!(exporter.names(), ["span"]);
    let account = conserved(&guard).destinations.remove(0);
    assert_eq!((account.delivered, account.retries), (1, 1));
}

#[test]
fn it_is_shut_down_once_at_the_end_after_the_last_span() {
    let (guard, exporter) = after([]);
    end_span(&guard, "span");
    assert!(exporter.seen().shutdowns.is_empty());
    guard.shutdown(PATIENCE).unwrap();
    exporter.wait_until("it is shut down", |seen| !seen.shutdowns.is_empty());
    let seen = exporter.seen();
    assert_eq!((seen.shutdowns.len(), seen.spans.len()), (1, 1));
}

#[test]
fn it_is_shut_down_when_the_guard_is_dropped() {
    let (guard, exporter) = after([]);
    end_span(&guard, "span");
    drop(guard);
    exporter.wait_until("it is shut down", |seen| !seen.shutdowns.is_empty());
    assert_eq!((exporter.names().len(), exporter.seen().shutdowns.len()), (1, 1));
}

#[test]
fn one_that_never_ends_does_not_hold_up_the_end() {
    let exporter = Scripted::new([Does::Never; 99]);
    let guard = to(&exporter).build().unwrap();
    end_span(&guard, "span");
    exporter.wait_until("it hangs", |seen| !seen.attempts.is_empty());
    let patience = Duration::from_millis(200);
    let (time, result) = timed(|| guard.shutdown(patience));
    assert!(time < patience + 2 * SLACK, "{time:?}");
    let stats = result.unwrap_err().stats;
    assert!(stats.destinations.iter().all(|d| d.conserves(stats.ended)), "{stats:?}");
    assert_eq!(stats.destinations[0].delivered, 0);
}

#[test]
fn it_works_inside_a_runtime_of_the_programs() {
    watched(|| {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (guard, exporter) = after([Does::Later]);
            end_span(&guard, "span");
            guard.flush(PATIENCE).unwrap();
            assert_eq!(exporter.names(), ["span"]);
            conserved(&guard);
        });
    });
}

#[test]
fn it_stands_beside_others_and_several_of_it_are_told_apart() {
    let (server, one, other) = (Server::collector(), Scripted::default(), Scripted::default());
    let guard = builder()
        .with_destination(Exporter::new("one", one.clone()))
        .with_destination(Otlp::new(format!("{}/v1/traces", server.url())))
        .with_destination(Exporter::new("other", other.clone()))
        .build()
        .unwrap();
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!([one.names(), other.names()], [["span"], ["span"]]);
    assert_eq!(server.spans().names(), ["span"]);
    let stats = conserved(&guard);
    let names: Vec<_> = stats.destinations.iter().map(|d| d.name.as_str()).collect();
    assert_eq!((names[0], names[2]), ("exporter one", "exporter other"));
}
