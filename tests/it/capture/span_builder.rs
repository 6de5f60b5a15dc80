//! Spans described before they start, and ended at a time of one's own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, baggage::BaggageExt as _};
use mlflow_tracing::{MlflowSpanExt as _, SpanType, span_builder};
use tracing::{Instrument as _, info_span};

use crate::support::app::{Traced, captured};
use crate::support::time::spawn;

fn seconds(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_name_may_be_known_at_run_time_only() {
    let spans = captured(|| {
        for number in 0..3 {
            drop(span_builder(format!("step {number}")).start());
        }
    });
    assert_eq!(spans.sorted_names(), ["step 0", "step 1", "step 2"]);
}

#[test]
fn what_is_described_is_what_the_span_has_and_nothing_else() {
    let spans = captured(|| {
        let builder = span_builder("search").span_type(SpanType::Retriever);
        drop(builder.attribute("k", 3).start());
    });
    let attributes = spans.one("search").attributes();
    let mut keys: Vec<_> = attributes.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!((attributes["k"].clone(), keys), (3.into(), vec!["k", "mlflow.spanType"]));
    assert_eq!(attributes["mlflow.spanType"], "RETRIEVER");
}

#[test]
fn beginning_and_end_are_those_that_are_said() {
    let spans = captured(|| {
        let span = span_builder("replayed").start_time(seconds(1_700_000_000)).start();
        span.end_at(seconds(1_700_000_003));
        // It is over: what is set now belongs to no span.
        span.set_outputs("late");
    });
    let replayed = spans.one("replayed");
    assert_eq!(replayed.span.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(replayed.span.end_time_unix_nano, 1_700_000_003_000_000_000);
    assert_eq!(replayed.outputs(), None);
}

#[test]
fn a_time_before_1970_is_now() {
    let spans = captured(|| {
        drop(span_builder("old").start_time(UNIX_EPOCH - Duration::from_secs(1)).start());
    });
    let start = UNIX_EPOCH + Duration::from_nanos(spans.one("old").span.start_time_unix_nano);
    assert!(start > seconds(1_700_000_000));
}

#[test]
fn a_root_in_the_middle_of_a_trace_is_a_root_and_keeps_nobody_waiting() {
    let traced = Traced::otlp();
    let root =
        traced.run(|| info_span!("request").in_scope(|| span_builder("audit").root().start()));
    // `request` has ended, though what began in it has not.
    assert_eq!(traced.conserved().ended, 1);
    drop(root);
    let spans = traced.delivered();
    assert!(spans.one("audit").is_root());
    assert_ne!(spans.one("audit").trace_id(), spans.one("request").trace_id());
}

#[test]
fn a_root_keeps_what_else_the_context_holds() {
    use mlflow_tracing::opentelemetry::KeyValue;
    let traced = Traced::otlp();
    traced.run(|| {
        let context = Context::current_with_baggage([KeyValue::new("tenant", "blue")]);
        let _attached = context.attach();
        span_builder("audit").root().start().in_scope(|| {
            let tenant = Context::current().baggage().get("tenant").map(ToString::to_string);
            assert_eq!(tenant.as_deref(), Some("blue"));
        });
    });
    assert!(traced.delivered().one("audit").is_root());
}

#[test]
fn a_parent_may_be_another_span_than_the_current_one() {
    let spans = captured(|| {
        let parent = info_span!("parent");
        info_span!("other").in_scope(|| drop(span_builder("child").parent(&parent).start()));
    });
    assert!(spans.one("child").is_child_of(spans.one("parent")));
}

#[test]
fn a_parent_may_be_in_another_process() {
    let (trace_id, span_id) = (TraceId::from(7_u128), SpanId::from(9_u64));
    let remote =
        SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default());
    let spans = captured(|| drop(span_builder("served").remote_parent(remote).start()));
    let served = spans.one("served");
    assert_eq!(served.span.trace_id, trace_id.to_bytes());
    assert_eq!(served.span.parent_span_id, span_id.to_bytes());
}

#[test]
fn a_detached_span_is_not_current_and_ends_where_its_last_handle_does() {
    let traced = Traced::otlp();
    let span = traced.run(|| {
        let span = span_builder("detached").start();
        drop(info_span!("beside"));
        span
    });
    assert_eq!(traced.conserved().ended, 1);
    spawn("elsewhere", move || drop(span)).join().unwrap();
    let spans = traced.delivered();
    assert!(spans.one("beside").is_root());
    assert!(spans.one("detached").is_root());
}

#[tokio::test]
async fn a_future_may_run_in_it() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    async {
        tokio::task::yield_now().await;
        drop(info_span!("inside"));
    }
    .instrument(span_builder("scoped").start())
    .await;
    let spans = traced.delivered();
    assert!(spans.one("inside").is_child_of(spans.one("scoped")));
}

#[test]
fn spans_of_the_api_are_its_children() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    traced.run(|| span_builder("built").start().in_scope(|| api.in_span("api", |_| ())));
    let spans = traced.delivered();
    assert!(spans.one("api").is_child_of(spans.one("built")));
}
