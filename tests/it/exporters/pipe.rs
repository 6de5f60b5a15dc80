//! Our pipe behind parts of the official SDK: the exporter, the processor, the layer, each alone.

use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use mlflow_tracing::opentelemetry_sdk::Resource;
use mlflow_tracing::opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanExporter as _,
};
use serde_json::json;
use tracing::{info_span, instrument};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::Traced;
use crate::support::server::Route;
use crate::support::time::watched;

fn billing() -> Resource {
    Resource::builder_empty().with_attribute(KeyValue::new("service.name", "billing")).build()
}

/// Five traces of two spans each.
fn work(provider: &SdkTracerProvider) {
    let tracer = provider.tracer("mine");
    for _ in 0..5 {
        tracer.in_span("outer", |cx| {
            cx.span().set_attribute(KeyValue::new("plain", 1));
            tracer.in_span("inner", |_| ());
        });
    }
}

fn check(traced: &Traced) {
    let spans = traced.delivered();
    assert_eq!(spans.sorted_names(), [["inner"; 5], ["outer"; 5]].concat());
    for got in &spans.0 {
        assert_eq!(
            (got.resource["service.name"].as_str(), got.scope.name.as_str()),
            (Some("billing"), "mine")
        );
    }
    let outer = spans.0.iter().find(|got| got.span.name == "outer").unwrap();
    assert_eq!(outer.attribute("plain"), Some(json!(1)));
    assert_eq!(traced.conserved().ended, 10);
}

#[test]
fn the_exporter_works_behind_the_official_batch_processor() {
    for traced in [Traced::otlp(), Traced::mlflow()] {
        let config = BatchConfigBuilder::default().with_max_export_batch_size(3).build();
        let processor =
            BatchSpanProcessor::builder(traced.guard.exporter()).with_batch_config(config).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(billing())
            .with_span_processor(processor)
            .build();
        work(&provider);
        provider.force_flush().unwrap();
        check(&traced);
        provider.shutdown().unwrap();
    }
}

#[test]
fn the_exporter_works_behind_the_official_simple_processor() {
    for traced in [Traced::otlp(), Traced::mlflow()] {
        let provider = SdkTracerProvider::builder()
            .with_resource(billing())
            .with_simple_exporter(traced.guard.exporter())
            .build();
        work(&provider);
        check(&traced);
    }
}

#[test]
fn the_exporter_puts_a_trace_together_again_that_came_in_parts() {
    let traced = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_simple_exporter(traced.guard.exporter()).build();
    work(&provider);
    let spans = traced.delivered();
    for root in spans.0.iter().filter(|got| got.is_root()) {
        let last = spans.0.iter().rfind(|got| got.trace_id() == root.trace_id()).unwrap();
        assert!(last.is_root());
    }
    assert_eq!(traced.server.requests(Route::Spans).len(), 1);
}

#[test]
fn flush_of_the_exporter_waits_for_delivery_and_says_what_failed() {
    let traced = Traced::otlp();
    let exporter = traced.guard.exporter();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    work(&provider);
    exporter.force_flush().unwrap();
    assert_eq!(traced.server.spans().0.len(), 10);
    traced.server.always(Route::Spans, 401);
    work(&provider);
    let words = exporter.force_flush().unwrap_err().to_string();
    assert!(words.contains("HTTP 401") && words.contains("10 pending"), "{words}");
    traced.server.as_usual(Route::Spans);
    traced.flush();
    traced.conserved();
}

#[test]
fn shutting_the_provider_down_delivers_what_is_left() {
    for batch in [true, false] {
        let traced = Traced::otlp();
        let exporter = traced.guard.exporter();
        let builder = SdkTracerProvider::builder();
        let builder = if batch {
            builder.with_batch_exporter(exporter)
        } else {
            builder.with_simple_exporter(exporter)
        };
        let provider = builder.build();
        work(&provider);
        provider.shutdown().unwrap();
        assert_eq!(traced.server.spans().0.len(), 10, "batch: {batch}");
        // What ends now is in the account, too.
        traced.end_span("late");
        assert_eq!(traced.conserved().ended, 11);
    }
}

#[test]
fn the_exporter_needs_no_runtime_and_disturbs_none() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let traced = Traced::otlp();
            let provider =
                SdkTracerProvider::builder().with_batch_exporter(traced.guard.exporter()).build();
            work(&provider);
            provider.force_flush().unwrap();
            assert_eq!(traced.delivered().0.len(), 10);
        });
    });
}

#[test]
fn a_trace_may_come_by_the_processor_and_the_exporter_at_once() {
    let traced = Traced::otlp();
    let by_exporter =
        SdkTracerProvider::builder().with_simple_exporter(traced.guard.exporter()).build();
    let by_processor =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    let root = by_processor.tracer("a").start("root");
    let context = Context::new().with_span(root);
    drop(by_exporter.tracer("b").start_with_context("child", &context));
    drop(context);
    let spans = traced.delivered();
    assert!(spans.one("child").is_child_of(spans.one("root")));
    assert_eq!(spans.names().last(), Some(&"root"));
}

#[instrument(ret)]
fn retrieve(query: &str, top_k: u64) -> Vec<u64> {
    (0..top_k).collect()
}

/// Somebody else's provider, layer and exporter; of ours there is only the capturing layer.
#[test]
fn the_capturing_layer_alone_does_no_harm_to_a_provider_that_is_not_ours() {
    let traced = Traced::otlp();
    let theirs = crate::support::exporter::Scripted::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("theirs"));
    let subscriber = tracing_subscriber::registry().with(traced.guard.capture_layer()).with(otel);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("outer").in_scope(|| drop(retrieve("rust", 2)));
    });
    assert_eq!(theirs.names(), ["retrieve", "outer"]);
    let seen = theirs.seen();
    let [retrieve, outer] = seen.spans.as_slice() else { panic!("two spans") };
    assert_eq!(retrieve.parent_span_id, outer.span_context.span_id());
    // Nothing of it is ours.
    assert_eq!(traced.conserved().ended, 0);
}

#[test]
fn our_layer_works_beside_a_provider_that_is_not_ours() {
    let traced = Traced::otlp();
    let theirs = crate::support::exporter::Scripted::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
    traced.run(|| {
        info_span!("ours").in_scope(|| provider.tracer("theirs").in_span("theirs", |_| ()));
    });
    let spans = traced.delivered();
    let ours = spans.one("ours");
    // One context for all: their span is the child of ours, and goes their way.
    let seen = theirs.seen();
    assert_eq!(seen.spans[0].parent_span_id.to_string(), ours.span_id());
    assert_eq!(seen.spans[0].span_context.trace_id().to_string(), ours.trace_id());
}
