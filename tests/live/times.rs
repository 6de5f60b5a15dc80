//! One trace, at an MLflow server and at a collector.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlflow_tracing::Protocol;
use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};

use super::mlflow::unused_name;
use super::program::Program;
use super::rotel;
use super::support::time::until;

/// 2026-11-22, a time of which no part is zero.
const START: u64 = 1_795_363_577_123_456_789;

fn at(offset: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(START + offset)
}

/// A root with a child; both with an event.
fn record(program: &Program) -> String {
    let tracer = program.guard.provider().tracer("clock");
    let root = tracer.span_builder("root").with_start_time(at(0)).start(&tracer);
    let trace_id = root.span_context().trace_id();
    let context = Context::current_with_span(root);
    let child = tracer.span_builder("child").with_start_time(at(1));
    let mut child = child.start_with_context(&tracer, &context);
    child.add_event_with_timestamp("inside", at(2), vec![KeyValue::new("count", 2)]);
    child.end_with_timestamp(at(3));
    context.span().add_event_with_timestamp("after", at(4), Vec::new());
    context.span().end_with_timestamp(at(270_000_001));
    format!("tr-{trace_id}")
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn every_destination_stores_the_same_times_to_the_nanosecond() {
    let service = unused_name("times");
    let program = Program::with("times", |builder| {
        let builder =
            builder.with_otlp_endpoint(format!("{}/v1/traces", rotel::url(Protocol::HttpProtobuf)));
        builder.with_service_name(&service)
    });
    let trace = program.stored(&record(&program));
    until("the collector has written", || rotel::spans_of(&service).len() == 2);

    assert_eq!(trace.request_time, "2026-11-22T16:06:17.123Z");
    assert_eq!(trace.duration_ms, Some(270));
    let collected = rotel::spans_of(&service);
    for spans in [&trace.spans, &collected] {
        let [root, child] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((&*root.name, root.start, root.end), ("root", START, START + 270_000_001));
        assert_eq!((&*child.name, child.start, child.end), ("child", START + 1, START + 3));
        assert_eq!((&root.parent_id, child.parent_id.as_ref()), (&None, Some(&root.id)));
        let told = |index: usize| (&*spans[index].events[0].name, spans[index].events[0].time);
        assert_eq!([told(0), told(1)], [("after", START + 4), ("inside", START + 2)]);
        assert_eq!(child.events[0].attributes["count"], 2);
    }
    let ids = |spans: &[super::stored::Span]| -> Vec<_> {
        spans.iter().map(|span| (span.id.clone(), span.parent_id.clone())).collect()
    };
    assert_eq!(ids(&trace.spans), ids(&collected));
}
