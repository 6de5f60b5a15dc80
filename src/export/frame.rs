//! Puts encoded spans into one OTLP request: resource → scope → spans, only lengths.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use crate::export::encode;
use crate::export::protobuf::{bytes_field, framed_len, message_header, nested, str_field};
use crate::transport::parts::Parts;
use crate::transport::shared::Shared;
use crate::transport::{Envelope, Payload};

/// `ScopeSpans.spans`.
const SPANS_FIELD: u32 = 2;
/// Room for the frame of a span that is neither very short nor very long.
const USUAL_FRAME: usize = 3;

/// Writes a span with `write`, and what frames it in a request; returns the length of the latter.
pub(crate) fn framed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> usize {
    nested(out, SPANS_FIELD, USUAL_FRAME, write)
}

/// Body of an `ExportTraceServiceRequest`. Spans of one envelope stay together, in order.
pub(crate) fn request(spans: &[Payload]) -> Parts<'_> {
    let mut parts = Parts::default();
    for (envelope, spans) in by_envelope(spans) {
        resource_spans(&mut parts, envelope, &spans);
    }
    parts
}

fn resource_spans<'a>(parts: &mut Parts<'a>, envelope: &'a Envelope, spans: &[&'a Payload]) {
    let str_len = |text: &str| {
        if text.is_empty() { 0 } else { framed_len(text.len()) }
    };
    let spans_len: usize = spans.iter().map(|span| framed_len(span.bytes().len())).sum();
    let scope_spans_len =
        framed_len(envelope.scope.len()) + spans_len + str_len(&envelope.scope_schema_url);
    let len = framed_len(envelope.resource.len())
        + framed_len(scope_spans_len)
        + str_len(&envelope.resource_schema_url);
    message_header(parts.own(), 1, len);
    bytes_field(parts.own(), 1, &envelope.resource);
    message_header(parts.own(), 2, scope_spans_len);
    bytes_field(parts.own(), 1, &envelope.scope);
    let spans: Vec<&Shared> = spans.iter().filter_map(|span| span.shared()).collect();
    for run in spans.chunk_by(|span, next| span.is_framed() && span.is_followed_by(next)) {
        match run {
            [first, .., last] => parts.lend(first.through(last)),
            [span] if span.is_framed() => parts.lend(span.through(span)),
            [span] => {
                message_header(parts.own(), SPANS_FIELD, span.len());
                parts.lend(span);
            }
            [] => {}
        }
    }
    str_field(parts.own(), 3, &envelope.scope_schema_url);
    str_field(parts.own(), 3, &envelope.resource_schema_url);
}

/// Groups spans by envelope, in the order of their first span.
pub(crate) fn by_envelope(spans: &[Payload]) -> Vec<(&Envelope, Vec<&Payload>)> {
    let mut groups: Vec<(&Envelope, Vec<&Payload>)> = Vec::new();
    for span in spans {
        match groups.iter_mut().find(|(envelope, _)| same(envelope, &span.envelope)) {
            Some((_, group)) => group.push(span),
            None => groups.push((&span.envelope, vec![span])),
        }
    }
    groups
}

fn same(one: &Envelope, other: &Envelope) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// Remembers the envelope of the last scope: nearly all spans share one.
#[derive(Debug, Default)]
pub(crate) struct Envelopes {
    last: Option<(Arc<Resource>, InstrumentationScope, Arc<Envelope>)>,
}

impl Envelopes {
    /// The envelope of a span; `make` encodes it when it is not the last one.
    pub(crate) fn get(
        &mut self,
        resource: &Arc<Resource>,
        scope: &InstrumentationScope,
        make: impl FnOnce(&Resource, &InstrumentationScope) -> Envelope,
    ) -> Arc<Envelope> {
        match &self.last {
            Some((last_resource, last_scope, envelope))
                if Arc::ptr_eq(last_resource, resource) && is_same(last_scope, scope) =>
            {
                Arc::clone(envelope)
            }
            _ => {
                let envelope = Arc::new(make(resource, scope));
                self.last = Some((Arc::clone(resource), scope.clone(), Arc::clone(&envelope)));
                envelope
            }
        }
    }
}

/// Clones of one scope share its name and its version: that is seen without reading them.
fn is_same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    let ends = |text: Option<&str>| text.map(|text| text.as_bytes().as_ptr_range());
    let plain = |scope: &InstrumentationScope| {
        scope.schema_url().is_none() && scope.attributes().next().is_none()
    };
    ends(Some(one.name())) == ends(Some(other.name()))
        && ends(one.version()) == ends(other.version())
        && plain(one)
        && plain(other)
        || one == other
}

/// The protobuf envelope of OTLP.
pub(crate) fn protobuf(resource: &Resource, scope: &InstrumentationScope) -> Envelope {
    let mut envelope = Envelope {
        resource_schema_url: resource.schema_url().unwrap_or_default().to_owned(),
        scope_schema_url: scope.schema_url().unwrap_or_default().to_owned(),
        ..Envelope::default()
    };
    encode::resource(&mut envelope.resource, resource);
    encode::scope(&mut envelope.scope, scope);
    envelope
}

#[cfg(test)]
mod tests;
