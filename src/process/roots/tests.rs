use opentelemetry::KeyValue;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::*;
use crate::process::intake::Arrivals;
use crate::sync::now;
use crate::tests::{root_data, span_data};

#[test]
fn a_watched_root_is_known_as_it_is_while_it_lives() {
    let (intake, tracer) = (Intake::new(1 << 20), tracer(Sampler::AlwaysOn));
    let span = watched(Some(&intake), true, &mut || tracer.start("agent"));
    let root = started(&intake).pop().unwrap();
    assert!(root.is_whole);
    assert_eq!(root.data().unwrap().name, "agent");

    lock(&span).set_attribute(KeyValue::new("late", "x".repeat(2 * MAX_START_CHARS)));
    let data = root.data().unwrap();
    assert_eq!(data.span_context.span_id(), root.span_id);
    assert_eq!(data.attributes[0].value.as_str().len(), MAX_START_CHARS);

    lock(&span).end();
    assert!(root.data().is_none(), "what has ended comes by itself");
    drop(span);
    assert!(root.data().is_none());
}

#[test]
fn a_root_that_is_not_sampled_is_not_told_of() {
    let (intake, tracer) = (Intake::new(1 << 20), tracer(Sampler::AlwaysOff));
    watched(Some(&intake), true, &mut || tracer.start("agent"));
    assert!(started(&intake).is_empty());
}

#[test]
fn only_what_is_made_inside_is_watched() {
    assert!(!is_watched());
    let tracer = tracer(Sampler::AlwaysOn);
    watched(None, true, &mut || {
        assert!(is_watched());
        tracer.start("agent")
    });
    assert!(!is_watched());
}

#[test]
fn a_root_that_was_told_of_keeps_the_beginning_of_what_it_told() {
    let long = "x".repeat(2 * MAX_START_CHARS);
    let root = OpenRoot::told(root_data([KeyValue::new("k", long)]));
    assert!(root.is_whole);
    assert_eq!(root.data().unwrap().attributes[0].value.as_str().len(), MAX_START_CHARS);
    assert!(!OpenRoot::told(span_data("handler", 2, 9)).is_whole);
}

fn tracer(sampler: Sampler) -> opentelemetry_sdk::trace::SdkTracer {
    SdkTracerProvider::builder().with_sampler(sampler).build().tracer("test")
}

fn started(intake: &Intake) -> Vec<OpenRoot> {
    let mut arrivals = Arrivals::default();
    intake.take(&mut arrivals, Some(now()), true);
    arrivals.started
}
