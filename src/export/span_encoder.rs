//! Spans in the words of a dialect → the bytes that an outbox keeps.

use std::sync::Arc;

use opentelemetry_sdk::Resource;

use crate::error::Result;
use crate::export::TraceChunk;
use crate::export::block::Block;
use crate::export::dialect::Dialect;
use crate::export::form::Form;
use crate::export::frame::{self, Envelopes};
use crate::export::official::OfficialEncoder;
use crate::model::budget;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::span::Span;
use crate::transport::{Envelope, Payload};

/// How often a span that is too large is written anew, each time with less in it.
const MAX_ATTEMPTS: usize = 8;
/// Bytes that a request needs to put a span between its surroundings.
const FRAMES: usize = 64;

/// Encodes each span once.
pub(crate) struct SpanEncoder {
    kind: Kind,
    /// Bytes that a request may have.
    max_bytes: usize,
    block: Block,
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
            OtlpEncoder::Official => Ok(Self::of(Kind::Official(OfficialEncoder::new()?))),
        }
    }

    pub(crate) fn own(form: Form) -> Self {
        Self::of(Kind::Own(form, Envelopes::default()))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, max_bytes: usize::MAX, block: Block::default() }
    }

    /// Cuts the content of spans so that each fits into a request of `max_bytes`.
    pub(crate) fn fitting(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Encodes of each chunk what `spans` gives of it, each span with whether it ended: a list for each
    /// chunk, in their order. `resource` is what the spans' provider describes itself as.
    pub(crate) fn encode<'c, 'a: 'c, S>(
        &mut self,
        dialect: &dyn Dialect,
        chunks: &'c [TraceChunk<'a>],
        spans: impl Fn(&'c TraceChunk<'a>) -> S,
        resource: &Arc<Resource>,
    ) -> Vec<Vec<Payload>>
    where
        S: Iterator<Item = (&'a Span, bool)>,
    {
        let mut encoded = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            for (span, counted) in spans(chunk) {
                let write =
                    |out: &mut Vec<u8>| self.kind.fit(out, dialect, span, resource, self.max_bytes);
                self.block.add(counted, write);
            }
            self.block.end_trace(chunk.trace_id);
            if self.block.is_full() {
                encoded.extend(self.block.take());
            }
        }
        encoded.extend(self.block.take());
        encoded
    }
}

impl Kind {
    /// Writes a span, or as much of its content as fits into a request of `max_bytes`.
    fn fit(
        &mut self,
        out: &mut Vec<u8>,
        dialect: &dyn Dialect,
        span: &Span,
        resource: &Arc<Resource>,
        max_bytes: usize,
    ) -> (Arc<Envelope>, usize) {
        let start = out.len();
        let (mut envelope, mut frame) = self.write(out, dialect, span, resource);
        let room = max_bytes.saturating_sub(FRAMES + envelope.len());
        if out.len() - start <= room {
            return (envelope, frame);
        }
        let mut short = span.clone();
        for attempt in 0..MAX_ATTEMPTS {
            // What is said twice, or with escapes, takes more than its size: so it is looked at again.
            budget::limit_span(&mut short, out.len() - start, room, attempt);
            out.truncate(start);
            (envelope, frame) = self.write(out, dialect, &short, resource);
            if out.len() - start <= room {
                break;
            }
        }
        (envelope, frame)
    }

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
