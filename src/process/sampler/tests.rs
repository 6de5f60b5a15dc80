use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
use opentelemetry_sdk::trace::SamplingDecision;
use proptest::prelude::*;

use super::*;
use crate::context::trace_context::context;
use crate::tests::cases;

/// A ratio of one half takes ids up to here.
const LOW: u128 = 1;
const HIGH: u128 = u64::MAX as u128;

fn sampler(configured: Sampler) -> MlflowSampler {
    MlflowSampler::new(configured, Arc::new(AtomicBool::new(true)), true)
}

fn takes(sampler: &MlflowSampler, parent: &Context, trace: u128, asked: &[f64]) -> bool {
    let asked: Vec<_> =
        asked.iter().map(|ratio| KeyValue::new(private::SAMPLING_RATIO, *ratio)).collect();
    let kind = SpanKind::Internal;
    let result = sampler.should_sample(Some(parent), trace.into(), "span", &kind, &asked, &[]);
    result.decision == SamplingDecision::RecordAndSample
}

fn below(flags: TraceFlags) -> Context {
    let state = TraceState::from_key_value([("k", "v")]).unwrap();
    let parent = SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, state);
    Context::new().with_remote_span_context(parent)
}

#[test]
fn a_root_that_asks_for_a_ratio_gets_that_instead_of_the_configured_sampler() {
    let root = Context::new();
    let off = sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    assert!(takes(&off, &root, HIGH, &[1.0]));
    assert!(!takes(&off, &root, LOW, &[]));
    let on = sampler(Sampler::AlwaysOn);
    assert!(!takes(&on, &root, LOW, &[0.0]));
    assert!(takes(&on, &root, LOW, &[0.5]));
    assert!(!takes(&on, &root, HIGH, &[0.5]));
    assert!(takes(&on, &root, HIGH, &[0.5, 1.0]), "the last that is asked");
}

#[test]
fn the_decision_of_a_parent_wins_over_a_ratio() {
    let configured = sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    assert!(takes(&configured, &below(TraceFlags::SAMPLED), HIGH, &[0.0]));
    assert!(!takes(&configured, &below(TraceFlags::default()), LOW, &[1.0]));
}

#[test]
fn nothing_is_taken_while_it_is_off() {
    let on = Arc::new(AtomicBool::new(false));
    let sampler = MlflowSampler::new(Sampler::AlwaysOn, Arc::clone(&on), true);
    let parent = below(TraceFlags::SAMPLED);
    assert!(!takes(&sampler, &parent, LOW, &[1.0]));
    on.store(true, Ordering::Relaxed);
    assert!(takes(&sampler, &parent, LOW, &[]));
}

#[test]
fn what_is_dropped_keeps_the_state_of_its_trace() {
    let sampler = MlflowSampler::new(Sampler::AlwaysOn, Arc::default(), true);
    let parent = below(TraceFlags::SAMPLED);
    let kind = SpanKind::Internal;
    let result = sampler.should_sample(Some(&parent), TraceId::from(1), "span", &kind, &[], &[]);
    assert_eq!(result.trace_state.get("k"), Some("v"));
}

#[test]
fn a_scope_says_whether_and_else_what_is_usual() {
    let usually_on = sampler(Sampler::AlwaysOn);
    let usually_off = MlflowSampler { usually: false, ..usually_on.clone() };
    let parent = Context::new();
    assert!(takes(&usually_on, &parent, LOW, &[]));
    assert!(!takes(&usually_off, &parent, LOW, &[]));
    context().enabled(false).in_scope(|| {
        assert!(!takes(&usually_on, &parent, LOW, &[1.0]), "though the parent knows no scope");
        context().session("s").in_scope(|| assert!(!takes(&usually_on, &parent, LOW, &[])));
        context().enabled(true).in_scope(|| assert!(takes(&usually_off, &parent, LOW, &[])));
    });
    context().session("s").in_scope(|| assert!(takes(&usually_on, &parent, LOW, &[])));
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn asking_for_a_ratio_is_what_a_sampler_of_that_ratio_does(
        trace in 1..u128::MAX,
        ratio in -0.5..1.5_f64,
    ) {
        let asked = takes(&sampler(Sampler::AlwaysOff), &Context::new(), trace, &[ratio]);
        let configured = sampler(Sampler::TraceIdRatioBased(ratio));
        prop_assert_eq!(asked, takes(&configured, &Context::new(), trace, &[]));
    }
}
