//! Spans for the unit tests: made by hand here, at random in [`random`].

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::test_runner::{Config, RngSeed};

use crate::export::TraceChunk;
use crate::export::dialect::{Dialect, Say};
use crate::export::span_encoder::SpanEncoder;
use crate::model::said::Said;
use crate::model::span::Span;
use crate::process::aggregate::TableLimits;
use crate::process::limits::SpanTrim;
use crate::process::pipeline::PipelineSettings;
use crate::transport::Payload;

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

/// Of a pipe with 1 MiB of memory and everything else as usual.
pub(crate) fn pipeline_settings() -> PipelineSettings {
    PipelineSettings {
        max_bytes: 1 << 20,
        table: TableLimits::default(),
        trim: SpanTrim::default(),
        prices: None,
        max_spans: None,
        max_traces: None,
        spool: None,
        drop_callback: None,
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
    Span::plain(data)
}

/// The words of a receiver that wants a span as it is.
pub(crate) struct AsItIs;

impl Dialect for AsItIs {
    fn attributes(&self, span: &Span, say: &mut Say<'_>) {
        for kv in &span.data.attributes {
            say(kv.key.as_str(), Said::As(&kv.value));
        }
    }
}

/// Part of the trace that its first span belongs to.
pub(crate) fn chunk(spans: &[Span], finished: bool) -> TraceChunk<'_> {
    let trace_id =
        spans.first().map_or(TraceId::from(TRACE), |span| span.data.span_context.trace_id());
    TraceChunk { trace_id, spans: spans.iter().collect(), finished, synthetic_root: None }
}

/// Spans as they are, each encoded by itself.
pub(crate) fn encoded(
    encoder: &mut SpanEncoder,
    resource: &Arc<Resource>,
    spans: &[SpanData],
) -> Vec<Payload> {
    let encode = |data: &SpanData| {
        let span = [plain(data.clone())];
        let chunks = [chunk(&span, true)];
        encoder.encode(&AsItIs, &chunks, TraceChunk::ended, resource)
    };
    spans.iter().flat_map(encode).flatten().collect()
}

pub(crate) fn context(trace: u128, id: u64, is_remote: bool) -> SpanContext {
    let (trace, id) = (TraceId::from(trace), SpanId::from(id));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, is_remote, TraceState::default())
}
