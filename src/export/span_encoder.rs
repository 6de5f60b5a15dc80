//! Spans in the words of a dialect → the bytes that an outbox keeps.

use std::sync::Arc;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::Resource;

use crate::error::Result;
use crate::export::dialect::Dialect;
use crate::export::form::Form;
use crate::export::frame::{self, Envelopes};
use crate::export::official::OfficialEncoder;
use crate::model::budget;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::span::Span;
use crate::transport::shared::Shared;
use crate::transport::{Body, Envelope, Payload};

/// Memory kept from one chunk to the next.
const MAX_SCRATCH: usize = 256 * 1024;

/// How often a span that is too large is written anew, each time with less in it.
const MAX_ATTEMPTS: usize = 8;
/// Bytes that a request needs to put a span between its surroundings.
const FRAMES: usize = 64;

/// Encodes each span once.
pub(crate) struct SpanEncoder {
    kind: Kind,
    /// Bytes that a request may have.
    max_bytes: usize,
    /// The spans of a chunk, one after the other.
    scratch: Vec<u8>,
}

enum Kind {
    /// In one pass of our own.
    Own(Form, Envelopes),
    /// With the official exporter.
    Official(OfficialEncoder),
}

impl SpanEncoder {
    /// The encoder of protobuf that was asked for.
    pub(crate) fn protobuf(encoder: OtlpEncoder) -> Result<Self> {
        match encoder {
            OtlpEncoder::Own => Ok(Self::own(Form::Protobuf)),
            OtlpEncoder::Official => {
                let kind = Kind::Official(OfficialEncoder::new()?);
                Ok(Self { kind, max_bytes: usize::MAX, scratch: Vec::new() })
            }
        }
    }

    pub(crate) fn own(form: Form) -> Self {
        let kind = Kind::Own(form, Envelopes::default());
        Self { kind, max_bytes: usize::MAX, scratch: Vec::new() }
    }

    /// Cuts the content of spans so that each fits into a request of `max_bytes`.
    pub(crate) fn fitting(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Encodes spans of a chunk, each with whether it ended, of a provider that describes itself as
    /// `resource`.
    pub(crate) fn encode<'a>(
        &mut self,
        dialect: &dyn Dialect,
        trace_id: TraceId,
        spans: impl Iterator<Item = (&'a Span, bool)>,
        resource: &Arc<Resource>,
    ) -> Vec<Payload> {
        self.scratch.clear();
        let written: Vec<_> = spans
            .map(|(span, counted)| {
                let start = self.scratch.len();
                let (envelope, frame) = self.write(dialect, span, resource);
                (envelope, start..self.scratch.len(), frame, counted)
            })
            .collect();
        // One copy of all of them, with no memory to spare.
        let buffer = Arc::from(self.scratch.as_slice());
        self.scratch.shrink_to(MAX_SCRATCH);
        let payload = |(envelope, framed, frame, counted)| Payload {
            trace_id,
            envelope,
            body: Body::Bytes(Shared::new(&buffer, framed, frame)),
            counted,
        };
        written.into_iter().map(payload).collect()
    }

    /// Writes a span, or as much of its content as fits into a request.
    fn write(
        &mut self,
        dialect: &dyn Dialect,
        span: &Span,
        resource: &Arc<Resource>,
    ) -> (Arc<Envelope>, usize) {
        let start = self.scratch.len();
        let (mut envelope, mut frame) = self.kind.write(&mut self.scratch, dialect, span, resource);
        let room = self.max_bytes.saturating_sub(FRAMES + envelope.len());
        if self.scratch.len() - start <= room {
            return (envelope, frame);
        }
        let mut short = span.clone();
        for attempt in 0..MAX_ATTEMPTS {
            // What is said twice, or with escapes, takes more than its size: so it is looked at again.
            budget::limit_span(&mut short, self.scratch.len() - start, room, attempt);
            self.scratch.truncate(start);
            (envelope, frame) = self.kind.write(&mut self.scratch, dialect, &short, resource);
            if self.scratch.len() - start <= room {
                break;
            }
        }
        (envelope, frame)
    }
}

impl Kind {
    /// Writes a span; returns what surrounds it, and how many bytes frame it.
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        dialect: &dyn Dialect,
        span: &Span,
        resource: &Arc<Resource>,
    ) -> (Arc<Envelope>, usize) {
        match self {
            Self::Own(form, envelopes) => {
                let frame = form.write(out, dialect, span);
                let scope = &span.data.instrumentation_scope;
                let make = |resource: &Resource, scope: &_| form.envelope(resource, scope);
                (envelopes.get(resource, scope, make), frame)
            }
            Self::Official(official) => {
                let mut envelope = Arc::default();
                let frame = frame::framed(out, |out| {
                    envelope = official.write(out, dialect, span, resource);
                });
                (envelope, frame)
            }
        }
    }
}

#[cfg(test)]
mod tests;
