//! Puts encoded spans into one OTLP request: resource → scope → spans, only lengths and copies.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use crate::export::encode;
use crate::transport::{Envelope, Payload};

/// Body of an `ExportTraceServiceRequest`. Spans of one envelope stay together, in order.
pub(crate) fn request(spans: &[Payload]) -> Vec<u8> {
    let groups = by_envelope(spans);
    let size: usize = spans.iter().map(|span| span.bytes().len() + 8).sum();
    let mut out = Vec::with_capacity(size + groups.len() * 256);
    for (envelope, spans) in groups {
        resource_spans(&mut out, envelope, &spans);
    }
    out
}

fn resource_spans(out: &mut Vec<u8>, envelope: &Envelope, spans: &[&Payload]) {
    let str_len = |text: &str| {
        if text.is_empty() { 0 } else { encode::framed_len(text.len()) }
    };
    let spans_len: usize = spans.iter().map(|span| encode::framed_len(span.bytes().len())).sum();
    let scope_spans_len =
        encode::framed_len(envelope.scope.len()) + spans_len + str_len(&envelope.scope_schema_url);
    let len = encode::framed_len(envelope.resource.len())
        + encode::framed_len(scope_spans_len)
        + str_len(&envelope.resource_schema_url);
    encode::message_header(out, 1, len);
    encode::bytes_field(out, 1, &envelope.resource);
    encode::message_header(out, 2, scope_spans_len);
    encode::bytes_field(out, 1, &envelope.scope);
    for span in spans {
        encode::bytes_field(out, 2, span.bytes());
    }
    encode::str_field(out, 3, &envelope.scope_schema_url);
    encode::str_field(out, 3, &envelope.resource_schema_url);
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
                if Arc::ptr_eq(last_resource, resource) && last_scope == scope =>
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
