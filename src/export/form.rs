//! The forms in which OTLP is written: protobuf and JSON.

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::export::{encode, frame, json};
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

    /// One span; `scratch` saves growing memory from nothing.
    pub(crate) fn span(self, scratch: &mut Vec<u8>, span: &SpanData) -> Vec<u8> {
        match self {
            Self::Json => json::span(span),
            Self::Protobuf => encode::span_bytes(scratch, span),
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
    pub(crate) fn request(self, spans: &[Payload]) -> Vec<u8> {
        match self {
            Self::Json => json::request_line(spans),
            Self::Protobuf => frame::request(spans),
        }
    }
}
