//! Our `ShouldSample`: what of tracing can be switched, in front of the configured sampler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use crate::context::scope;
use crate::semconv::private;

/// Decides which spans are recorded; made by [`TracingGuard::sampler`](crate::TracingGuard::sampler).
///
/// Not those that begin while tracing is off
/// ([`set_enabled`](crate::TracingGuard::set_enabled)) or in a scope where it is
/// ([`TraceContext::enabled`](crate::TraceContext::enabled)); of the others those that the
/// configured sampler takes.
#[derive(Clone, Debug)]
pub struct MlflowSampler {
    configured: Sampler,
    on: Arc<AtomicBool>,
    /// Whether spans are recorded where no scope says.
    usually: bool,
}

impl MlflowSampler {
    pub(crate) fn new(configured: Sampler, on: Arc<AtomicBool>, usually: bool) -> Self {
        Self { configured, on, usually }
    }

    fn is_enabled(&self, parent: Option<&Context>) -> bool {
        self.on.load(Ordering::Relaxed)
            && parent.and_then(scope::is_enabled).unwrap_or(self.usually)
    }
}

impl ShouldSample for MlflowSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let decided_by = |sampler: &Sampler| {
            sampler.should_sample(parent, trace_id, name, kind, attributes, links)
        };
        if !self.is_enabled(parent) {
            return decided_by(&Sampler::AlwaysOff);
        }
        let is_root = parent.is_none_or(|parent| !parent.span().span_context().is_valid());
        let asked = if is_root { asked_ratio(attributes) } else { None };
        match asked {
            Some(ratio) => decided_by(&Sampler::TraceIdRatioBased(ratio)),
            None => decided_by(&self.configured),
        }
    }
}

/// The part of its traces that a root asks to be recorded.
fn asked_ratio(attributes: &[KeyValue]) -> Option<f64> {
    let asked = attributes.iter().rfind(|kv| kv.key.as_str() == private::SAMPLING_RATIO)?;
    match asked.value {
        Value::F64(ratio) => Some(ratio),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
