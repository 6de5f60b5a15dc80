//! Parts of the crate in an application that has its own OpenTelemetry set-up.

use mlflow_tracing::opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use mlflow_tracing::opentelemetry_sdk::Resource;
use mlflow_tracing::opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample,
};
use serde_json::json;
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::Traced;

#[instrument(ret)]
fn retrieve(query: &str, top_k: u64) -> Vec<u64> {
    (0..top_k).collect()
}

#[test]
fn the_capturing_layer_and_the_processor_work_with_ones_own_layer_and_provider() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("mine"));
    let subscriber = tracing_subscriber::registry().with(traced.guard.capture_layer()).with(otel);
    tracing::subscriber::with_default(subscriber, || drop(retrieve("rust", 2)));
    let spans = traced.delivered();
    let span = spans.one("retrieve");
    assert_eq!(span.inputs(), Some(json!({ "query": "rust", "top_k": 2 })));
    assert_eq!(span.outputs(), Some(json!([0, 1])));
    assert_eq!(span.scope.name, "mine");
}

#[test]
fn the_processor_alone_takes_spans_of_ones_own_provider() {
    let traced = Traced::mlflow();
    let resource =
        Resource::builder_empty().with_attribute(KeyValue::new("service.name", "billing")).build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(traced.guard.processor())
        .build();
    provider.tracer("mine").in_span("outer", |cx| {
        cx.span().set_attribute(KeyValue::new("plain", 1));
        provider.tracer("mine").in_span("inner", |_| ());
    });
    let spans = traced.delivered();
    let outer = spans.one("outer");
    assert!(spans.one("inner").is_child_of(outer));
    assert_eq!(outer.attribute("plain"), Some(json!(1)));
    assert_eq!(outer.inputs(), None);
    assert_eq!(outer.resource["service.name"], "billing");
}

#[test]
fn force_flush_of_the_provider_is_a_flush() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    provider.tracer("mine").in_span("span", |_| ());
    provider.force_flush().unwrap();
    assert_eq!(traced.server.spans().names(), ["span"]);
    assert_eq!(traced.conserved().destinations[0].delivered, 1);
}

#[test]
fn shutting_ones_own_provider_down_delivers_what_is_left() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    provider.tracer("mine").in_span("span", |_| ());
    provider.shutdown().unwrap();
    assert_eq!(traced.server.spans().names(), ["span"]);
    traced.conserved();
}

#[derive(Clone, Debug)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[test]
fn spans_that_are_not_sampled_are_ignored() {
    let traced = Traced::otlp();
    let with_sampler = |sampler: Box<dyn ShouldSample>| {
        SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_span_processor(traced.guard.processor())
            .build()
    };
    let dropped = with_sampler(Box::new(Sampler::AlwaysOff));
    let recorded = with_sampler(Box::new(RecordOnly));
    let mut span = recorded.tracer("mine").start("recorded");
    assert!(span.is_recording());
    span.end();
    dropped.tracer("mine").in_span("dropped", |_| ());
    traced.flush();
    assert_eq!(traced.conserved().ended, 0);
    assert!(traced.server.spans().0.is_empty());
}

#[test]
fn a_remote_parent_that_is_not_sampled_is_obeyed() {
    let traced = Traced::otlp();
    let parent = SpanContext::new(
        TraceId::from(1_u128),
        SpanId::from(2_u64),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::default(),
    );
    let context = Context::new().with_remote_span_context(parent);
    traced.guard.provider().tracer("mine").start_with_context("child", &context).end();
    traced.flush();
    assert_eq!(traced.conserved().ended, 0);
}
