//! Spans for the unit tests: made by hand here, at random in [`random`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::test_runner::{Config, RngSeed};

use crate::model::span::Span;

pub(crate) mod random;

/// A trace id with every digit its own.
pub(crate) const TRACE: u128 = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;

/// As many cases in every run, and the same ones.
pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(0x6d6c_666c_6f77),
        failure_persistence: None,
        ..Config::default()
    }
}

/// `millis` after 2026-11-22T15:58:25Z.
pub(crate) fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_795_363_105_000 + millis)
}

/// A span of [`TRACE`] from 0 to 100 ms with nothing on it; parent 0 makes it a root.
pub(crate) fn span_data(name: &str, id: u64, parent: u64) -> SpanData {
    SpanData {
        span_context: context(TRACE, id, false),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.to_owned().into(),
        start_time: at(0),
        end_time: at(100),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("scope").build(),
    }
}

/// A root of [`TRACE`] with these attributes.
pub(crate) fn root_data(attributes: impl IntoIterator<Item = KeyValue>) -> SpanData {
    SpanData { attributes: attributes.into_iter().collect(), ..span_data("root", 1, 0) }
}

/// A span without arguments, inputs and outputs.
pub(crate) fn plain(data: SpanData) -> Span {
    Span {
        data,
        arguments: Vec::new(),
        inputs: None,
        outputs: None,
        inputs_are_arguments: false,
        json_keys: Vec::new(),
    }
}

pub(crate) fn context(trace: u128, id: u64, is_remote: bool) -> SpanContext {
    let (trace, id) = (TraceId::from(trace), SpanId::from(id));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, is_remote, TraceState::default())
}
