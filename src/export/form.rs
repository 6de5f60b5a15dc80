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

    /// The body of a request with one resource, of which nothing is told and which has no spans.
    pub(crate) fn without_spans(self) -> Parts<'static> {
        match self {
            Self::Json => br#"{"resourceSpans":[{}]}"#.to_vec().into(),
            // Field 1, of no bytes.
            Self::Protobuf => vec![0x0a, 0].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_request_without_spans_has_one_resource_in_either_form() {
        let protobuf = Form::Protobuf.without_spans().to_vec();
        let json = Form::Json.without_spans().to_vec();
        let protobuf = ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap();
        let json: ExportTraceServiceRequest = serde_json::from_slice(&json).unwrap();
        assert_eq!((protobuf.resource_spans.len(), &protobuf), (1, &json));
        assert!(protobuf.resource_spans[0].scope_spans.is_empty());
    }
}
