//! The layer in the wrappers that `tracing-subscriber` has: everything works in each.

use mlflow_tracing::opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::{EnvFilter, Layer};

use crate::support::app::Traced;
use crate::support::spans::{Spans, hex};

fn remote() -> SpanContext {
    SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128),
        SpanId::from(0xb7ad_6b71_6920_3331_u64),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

/// Uses every method of `OpenTelemetrySpanExt`; whether they work is seen at the server.
fn use_opentelemetry_ext() -> SpanContext {
    let span = info_span!("request", path = "/");
    span.set_parent(Context::new().with_remote_span_context(remote())).unwrap();
    span.set_attribute("app.late", 1);
    span.set_attribute("loose", "attribute");
    span.add_event("reached", vec![KeyValue::new("stage", 2)]);
    span.add_link(remote());
    span.set_status(Status::error("half done"));
    span.in_scope(|| drop(info_span!("below")));
    span.context().span().span_context().clone()
}

fn check_opentelemetry_ext(spans: &Spans, told: &SpanContext) {
    let request = spans.one("request");
    assert_eq!(request.trace_id(), remote().trace_id().to_string());
    assert_eq!(hex(&request.span.parent_span_id), remote().span_id().to_string());
    assert_eq!(request.span_id(), told.span_id().to_string());
    assert!(spans.one("below").is_child_of(request));
    assert_eq!(request.attribute("app.late"), Some(json!(1)));
    assert_eq!(request.attribute("loose"), Some(json!("attribute")));
    // What was set later is no argument.
    assert_eq!(request.inputs(), Some(json!({ "path": "/" })));
    let (name, attributes) = request.events().remove(0);
    assert_eq!((name, &attributes["stage"]), ("reached", &json!(2)));
    assert_eq!(request.span.links.len(), 1);
    assert_eq!(request.status(), ("ERROR", "half done"));
}

#[instrument(ret, err)]
fn halve(number: u64) -> Result<u64, String> {
    if number.is_multiple_of(2) { Ok(number / 2) } else { Err(format!("{number} is odd")) }
}

/// Runs the same program under any subscriber that has the layer in it.
fn everything_works<S: Subscriber + Send + Sync>(subscriber: impl FnOnce(&Traced) -> S) {
    let traced = Traced::otlp();
    let subscriber = subscriber(&traced);
    let told = tracing::subscriber::with_default(subscriber, || {
        info_span!("well").in_scope(|| drop(halve(4)));
        info_span!("failed").in_scope(|| drop(halve(5)));
        use_opentelemetry_ext()
    });
    let spans = traced.delivered();
    check_opentelemetry_ext(&spans, &told);
    let halve_in =
        |parent| spans.0.iter().find(|span| span.is_child_of(spans.one(parent))).unwrap();
    assert_eq!(halve_in("well").inputs(), Some(json!({ "number": 4 })));
    assert_eq!(halve_in("well").outputs(), Some(json!(2)));
    assert_eq!(halve_in("failed").status(), ("ERROR", "5 is odd"));
}

#[test]
fn everything_works_through_the_layer() {
    everything_works(|traced| tracing_subscriber::registry().with(traced.guard.layer()));
}

#[test]
fn everything_works_through_the_layer_in_a_box() {
    everything_works(|traced| {
        let boxed: Box<dyn Layer<Registry> + Send + Sync> = Box::new(traced.guard.layer());
        tracing_subscriber::registry().with(boxed)
    });
}

#[test]
fn everything_works_through_the_layer_with_a_filter() {
    everything_works(|traced| {
        tracing_subscriber::registry().with(traced.guard.layer().with_filter(LevelFilter::INFO))
    });
}

#[test]
fn everything_works_through_the_layer_in_a_list() {
    everything_works(|traced| {
        let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let layers = vec![traced.guard.layer().boxed(), fmt.boxed()];
        tracing_subscriber::registry().with(layers)
    });
}

#[test]
fn everything_works_through_the_layer_in_an_option() {
    everything_works(|traced| tracing_subscriber::registry().with(Some(traced.guard.layer())));
}

#[test]
fn everything_works_beside_other_layers_and_their_filters() {
    everything_works(|traced| {
        let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        tracing_subscriber::registry()
            .with(fmt.with_filter(EnvFilter::new("warn")))
            .with(traced.guard.layer())
    });
}

#[test]
fn the_filter_around_the_layer_filters() {
    let traced = Traced::otlp();
    let filter = EnvFilter::new("info,noisy=off");
    let subscriber = tracing_subscriber::registry().with(traced.guard.layer().with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        drop(info_span!(target: "noisy", "noise"));
        drop(info_span!("signal"));
    });
    assert_eq!(traced.delivered().names(), ["signal"]);
}
