//! On and off at run time: for the program, for a scope, for a part of the traces.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceContextExt as _, TraceFlags, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use mlflow_tracing::{context, span_builder, update_current_trace};
use serde_json::json;
use tracing::{Instrument as _, Span, info, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{family, remote};
use crate::support::app::{Traced, builder, conserved};
use crate::support::time::{spawn, watched};

const RATIO: &str = "mlflow_tracing.sampling_ratio";

/// Whether what goes on to other processes says that the trace is recorded.
fn is_passed_on_as_recorded() -> bool {
    Context::current().span().span_context().is_sampled()
}

#[test]
fn while_it_is_off_no_span_begins_and_then_they_do_again() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    let all = |suffix: &str| {
        traced.run(|| family(&format!("root {suffix}")));
        api.in_span(format!("api {suffix}"), |_| ());
    };
    assert!(traced.guard.is_enabled());
    all("before");
    traced.guard.set_enabled(false);
    assert!(!traced.guard.is_enabled());
    all("off");
    traced.guard.set_enabled(false);
    traced.guard.set_enabled(true);
    all("after");
    let mut names = traced.delivered().sorted_names().join(",");
    names.retain(|c| c != '\n');
    assert_eq!(names, "api after,api before,child,child,root after,root before");
}

#[test]
fn spans_that_have_begun_end_with_all_they_get() {
    #[instrument(skip_all, err)]
    fn fails(switch: impl FnOnce()) -> Result<(), &'static str> {
        switch();
        info!("an event");
        info_span!("unseen").in_scope(|| {
            update_current_trace().session("s");
        });
        Err("as the test wants it")
    }
    let traced = Traced::otlp();
    traced.run(|| fails(|| traced.guard.set_enabled(false)).unwrap_err());
    let spans = traced.delivered();
    assert_eq!(spans.names(), ["fails"]);
    let fails = spans.one("fails");
    assert_eq!(fails.status().0, "ERROR");
    let names: Vec<_> = fails.events().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["an event", "exception"]);
    assert_eq!(fails.attribute("session.id"), Some(json!("s")));
}

#[test]
fn ones_own_layer_and_provider_are_switched_with_the_sampler() {
    let traced = Traced::otlp();
    let provider = SdkTracerProvider::builder()
        .with_sampler(traced.guard.sampler())
        .with_span_processor(traced.guard.processor())
        .build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("mine"));
    let subscriber = tracing_subscriber::registry().with(traced.guard.capture_layer()).with(otel);
    tracing::subscriber::with_default(subscriber, || {
        traced.guard.set_enabled(false);
        family("off");
        traced.guard.set_enabled(true);
        context().enabled(false).in_scope(|| family("out of scope"));
        family("on");
    });
    assert_eq!(traced.delivered().sorted_names(), ["child", "on"]);
}

#[test]
fn what_the_environment_switched_off_stays_off() {
    let guard = builder()
        .with_environment([("OTEL_SDK_DISABLED", "true")])
        .with_otlp_endpoint("http://127.0.0.1:9")
        .build()
        .unwrap();
    assert!(!guard.is_enabled());
    guard.set_enabled(true);
    assert!(!guard.is_enabled());
    let mut span = guard.provider().tracer("api").start("span");
    assert!(!span.is_recording());
    span.end();
    assert_eq!(conserved(&guard).ended, 0);
}

#[test]
fn in_a_scope_that_is_off_nothing_is_recorded_and_nothing_else_is_different() {
    let traced = Traced::otlp();
    traced.run(|| {
        info_span!("root").in_scope(|| {
            assert!(is_passed_on_as_recorded());
            context().enabled(false).in_scope(|| {
                assert!(is_passed_on_as_recorded(), "the recorded span is still the current one");
                let off = info_span!("off");
                off.in_scope(|| {
                    assert_eq!(Span::current().metadata().unwrap().name(), "off");
                    assert!(Context::current().span().span_context().is_valid());
                    assert!(!is_passed_on_as_recorded());
                    family("below off");
                    context().enabled(true).in_scope(|| family("on below off"));
                });
                context().session("s").in_scope(|| family("off is inherited"));
                context().enabled(true).in_scope(|| drop(info_span!("on again")));
                drop(info_span!(parent: None, "root that is off"));
            });
            drop(info_span!("after"));
        });
    });
    let spans = traced.delivered();
    assert_eq!(spans.sorted_names(), ["after", "on again", "root"]);
    assert!(spans.one("on again").is_child_of(spans.one("root")));
}

#[test]
fn descendants_of_a_span_that_is_not_recorded_are_not_wherever_they_begin() {
    watched(|| {
        let traced = Traced::otlp_with(|builder| builder.with_sampler(Sampler::AlwaysOn));
        let off = traced.run(|| {
            let off = context().enabled(false).in_scope(|| info_span!("off"));
            off.in_scope(|| drop(info_span!("below")));
            drop(info_span!(parent: &off, "explicit"));
            off
        });
        let dispatch = traced.dispatch.clone();
        let thread = spawn("elsewhere", move || {
            tracing::dispatcher::with_default(&dispatch, || {
                off.in_scope(|| family("elsewhere"));
                drop(off);
            });
        });
        thread.join().unwrap();
        traced.multi_thread().block_on(async {
            let task = context().enabled(false).scope(async {
                tokio::spawn(async { family("spawned") }.instrument(info_span!("task"))).await
            });
            task.await.unwrap();
        });
        traced.run(|| family("on"));
        assert_eq!(traced.delivered().sorted_names(), ["child", "on"]);
    });
}

#[test]
fn a_span_that_was_made_before_the_scope_is_off_if_it_begins_in_it() {
    let traced = Traced::otlp();
    traced.run(|| {
        let early = info_span!("early");
        context().enabled(false).in_scope(|| early.in_scope(|| ()));
        let begun = info_span!("begun");
        begun.in_scope(|| ());
        context().enabled(false).in_scope(|| begun.in_scope(|| family("off")));
        let made = context().enabled(false).in_scope(|| info_span!(parent: None, "made"));
        made.in_scope(|| ());
        context().enabled(false).in_scope(|| span_builder("built").root().start()).in_scope(|| ());
    });
    assert_eq!(traced.delivered().names(), ["begun"]);
}

#[test]
fn off_as_usual_leaves_what_a_scope_switches_on() {
    let traced = Traced::otlp_with(|builder| builder.with_trace_context(context().enabled(false)));
    traced.run(|| {
        family("off");
        context().enabled(true).in_scope(|| family("on"));
    });
    traced.end_span("api");
    assert_eq!(traced.delivered().sorted_names(), ["child", "on"]);
}

#[test]
fn a_root_may_ask_for_a_part_of_its_traces() {
    let traced = Traced::otlp();
    let asks = |name: &'static str, ratio: f64| span_builder(name).attribute(RATIO, ratio).start();
    traced.run(|| {
        asks("never", 0.0).in_scope(|| drop(info_span!("below")));
        asks("always", 1.0).in_scope(|| drop(asks("a child has no say", 0.0)));
        for _ in 0..200 {
            drop(asks("sometimes", 0.5));
        }
    });
    let spans = traced.delivered();
    let sometimes = spans.names().into_iter().filter(|name| *name == "sometimes").count();
    // Of 200 coins fewer than 50 or more than 150 heads: once in 10^12.
    assert!((50..=150).contains(&sometimes), "{sometimes}");
    assert_eq!(spans.0.len(), sometimes + 2);
    assert!(spans.one("a child has no say").is_child_of(spans.one("always")));
    assert!(spans.0.iter().all(|span| span.attribute(RATIO).is_none()), "it stays here");
}

#[test]
fn a_root_that_asks_is_heard_whatever_the_sampler_and_a_caller_wins() {
    let traced = Traced::otlp_with(|builder| {
        builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
    });
    traced.run(|| {
        drop(info_span!("not sampled"));
        drop(span_builder("asks").attribute(RATIO, 1.0).start());
        for (name, flags) in
            [("called", TraceFlags::SAMPLED), ("called in vain", TraceFlags::NOT_SAMPLED)]
        {
            let span = span_builder(name).attribute(RATIO, 0.5).start();
            span.set_parent(remote(flags)).unwrap();
        }
    });
    assert_eq!(traced.delivered().sorted_names(), ["asks", "called"]);
}
