//! Spans in the words of a dialect → the bytes that an outbox keeps.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::error::Result;
use crate::export::form::Form;
use crate::export::frame::Envelopes;
use crate::export::official::OfficialEncoder;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::transport::{Body, Payload};

/// Encodes each span once.
pub(crate) enum SpanEncoder {
    /// In one pass of our own.
    Own(OwnEncoder),
    /// With the official exporter.
    Official(OfficialEncoder),
}

/// Our encoder, with what it keeps from one span to the next.
pub(crate) struct OwnEncoder {
    form: Form,
    envelopes: Envelopes,
    scratch: Vec<u8>,
}

impl SpanEncoder {
    /// The encoder of protobuf that was asked for.
    pub(crate) fn protobuf(encoder: OtlpEncoder) -> Result<Self> {
        match encoder {
            OtlpEncoder::Own => Ok(Self::own(Form::Protobuf)),
            OtlpEncoder::Official => OfficialEncoder::new().map(Self::Official),
        }
    }

    pub(crate) fn own(form: Form) -> Self {
        Self::Own(OwnEncoder { form, envelopes: Envelopes::default(), scratch: Vec::new() })
    }

    /// Encodes a span of a provider that describes itself as `resource`; `counted` tells whether it
    /// is one that ended.
    pub(crate) fn encode(
        &mut self,
        span: &SpanData,
        resource: &Arc<Resource>,
        counted: bool,
    ) -> Payload {
        let trace_id = span.span_context.trace_id();
        let (envelope, bytes) = match self {
            Self::Own(own) => {
                let scope = &span.instrumentation_scope;
                let make = |resource: &Resource, scope: &_| own.form.envelope(resource, scope);
                let envelope = own.envelopes.get(resource, scope, make);
                (envelope, own.form.span(&mut own.scratch, span))
            }
            Self::Official(official) => official.encode(span, resource),
        };
        Payload { trace_id, envelope, body: Body::Bytes(bytes), counted }
    }
}
