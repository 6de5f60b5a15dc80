//! The forms in which OTLP is written: protobuf and JSON.

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use crate::export::dialect::Dialect;
use crate::export::{encode, frame, json};
use crate::model::span::Span;
use crate::transport::parts::Parts;
use crate::transport::{Envelope, Payload};

/// How a span becomes bytes, and how bytes become a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// The `Content-Type` of a request.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }

    /// Writes one span; returns how many bytes of it are what frames it in a request.
    pub(crate) fn write(self, out: &mut Vec<u8>, dialect: &dyn Dialect, span: &Span) -> usize {
        match self {
            Self::Json => {
                out.append(&mut json::span(&dialect.data(span)));
                0
            }
            Self::Protobuf => frame::framed(out, |out| encode::span(out, dialect, span)),
        }
    }

    /// What surrounds a span in a request.
    pub(crate) fn envelope(self, resource: &Resource, scope: &InstrumentationScope) -> Envelope {
        match self {
            Self::Json => json::envelope(resource, scope),
            Self::Protobuf => frame::protobuf(resource, scope),
        }
    }

    /// The body of a request with these spans.
    pub(crate) fn request(self, spans: &[Payload]) -> Parts<'_> {
        match self {
            Self::Json => json::request_line(spans).into(),
            Self::Protobuf => frame::request(spans),
        }
    }
}
