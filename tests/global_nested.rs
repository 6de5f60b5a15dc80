//! Values that make spans and events of their own while they are formatted: under a global subscriber
//! those pass through the same layers, in the middle of the other span's way through them.
#![cfg(test)]

use std::fmt;

use mlflow_tracing::TracingGuard;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, debug_span, error, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt::layer, registry};

use support::app::conserved;
use support::child;
use support::time::PATIENCE;

#[path = "support/global.rs"]
mod global;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

/// Is not quiet while it is formatted.
struct Noisy;

impl fmt::Debug for Noisy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info_span!("noise").in_scope(|| info!("formatted"));
        error!("formatted");
        f.write_str("noisy")
    }
}

/// Runs the same program in a process whose subscriber `install` sets.
fn nothing_goes_wrong<S>(test: &str, subscriber: impl FnOnce(&TracingGuard) -> S)
where
    S: Subscriber + Send + Sync + 'static,
{
    let said = child::run(test, &[], || {
        let (guard, server) = global::install(subscriber);
        for _ in 0..3 {
            // Not captured, but what is told while it is formatted is.
            let unseen = debug_span!("unseen", value = ?Noisy).entered();
            info!(value = ?Noisy, "unseen");
            drop(unseen);
            let outer = info_span!("outer", value = ?Noisy).entered();
            info!(value = ?Noisy, "happened");
            outer.set_attribute("app.late", 1);
            info_span!("inner").in_scope(|| ());
        }
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
        let spans = server.spans();
        let outer: Vec<_> = spans.0.iter().filter(|it| it.span.name == "outer").collect();
        assert_eq!(outer.len(), 3);
        for outer in outer {
            assert_eq!(outer.inputs(), Some(json!({ "value": "noisy" })));
            assert_eq!(outer.attribute("app.late"), Some(json!(1)));
            assert_eq!(outer.status().0, "UNSET");
            let events: Vec<_> = outer.events().into_iter().map(|(name, _)| name).collect();
            assert_eq!(events.iter().filter(|name| **name == "happened").count(), 1, "{events:?}");
            assert!(spans.0.iter().any(|it| it.span.name == "inner" && it.is_child_of(outer)));
        }
        assert!(!spans.names().contains(&"unseen"));
        assert!(spans.names().contains(&"noise"));
    });
    if let Some(said) = said {
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    }
}

#[test]
fn the_layer_alone() {
    nothing_goes_wrong("the_layer_alone", |guard| registry().with(guard.layer()));
}

#[test]
fn after_a_layer_that_formats() {
    nothing_goes_wrong("after_a_layer_that_formats", |guard| {
        let fmt = layer().with_writer(std::io::sink);
        registry().with(fmt).with(guard.layer())
    });
}

#[test]
fn after_a_layer_that_formats_and_has_a_filter() {
    nothing_goes_wrong("after_a_layer_that_formats_and_has_a_filter", |guard| {
        let fmt = layer().with_writer(std::io::sink).with_filter(LevelFilter::TRACE);
        registry().with(fmt).with(guard.layer())
    });
}

#[test]
fn before_a_layer_that_formats() {
    nothing_goes_wrong("before_a_layer_that_formats", |guard| {
        let fmt = layer().with_writer(std::io::sink).with_filter(LevelFilter::TRACE);
        registry().with(guard.layer()).with(fmt)
    });
}
