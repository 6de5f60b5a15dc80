use opentelemetry::KeyValue;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::process::intake::Arrivals;
use crate::sync::now;
use crate::tests::{cases, root_data, span_data};

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

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn open_roots_are_in_the_order_in_which_they_started(
        steps in vec((any::<bool>(), 1..6_u64), 0..24),
    ) {
        let (mut roots, mut expected) = (OpenRoots::default(), Vec::new());
        for (starts, id) in steps {
            if starts && !expected.contains(&id) {
                roots.push(OpenRoot::told(span_data("root", id, 0)));
                expected.push(id);
            } else {
                roots.remove(SpanId::from(id));
                expected.retain(|open| *open != id);
            }
            let open = roots.iter().map(|root| u64::from_be_bytes(root.span_id.to_bytes()));
            prop_assert_eq!(open.collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(roots.is_empty(), expected.is_empty());
        }
    }
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
