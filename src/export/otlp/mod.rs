//! Any OTLP receiver: gRPC, `http/protobuf`, `http/json`.

mod dialect;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(not(feature = "grpc"))]
#[path = "grpc_disabled.rs"]
mod grpc;
mod http;
mod messages;

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::error::Result;
use crate::export::form::Form;
use crate::export::span_encoder::SpanEncoder;
use crate::export::{Destination, Encoder, TraceChunk};
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::protocol::Protocol;
use crate::model::span::Span;
use crate::transport::connection::Connection;
use crate::transport::headers::Headers;
use crate::transport::{Parcel, Wire};

pub(crate) use dialect::{additions, apply as dialect};

/// What to do when no connection can come about.
const CERTIFICATES: &str = "check OTEL_EXPORTER_OTLP_CERTIFICATE (who is trusted), \
     OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY (who we are)";

/// Where and how to send, already checked.
#[derive(Clone, Debug)]
pub(crate) struct OtlpSettings {
    /// Complete address, path included; over gRPC the path does not matter.
    pub(crate) url: String,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Headers,
    pub(crate) gzip: bool,
    pub(crate) connection: Connection,
    pub(crate) max_spans: usize,
    pub(crate) encoder: OtlpEncoder,
    /// Whether messages are written in the words of the GenAI conventions.
    pub(crate) gen_ai_messages: bool,
}

pub(crate) fn destination(settings: OtlpSettings) -> Result<Destination> {
    let name = format!("OTLP {}", settings.url);
    let (form, encoder) = match settings.protocol {
        Protocol::HttpJson => (Form::Json, SpanEncoder::own(Form::Json)),
        Protocol::HttpProtobuf | Protocol::Grpc => {
            (Form::Protobuf, SpanEncoder::protobuf(settings.encoder)?)
        }
    };
    let words = if settings.gen_ai_messages { dialect::in_gen_ai_words } else { dialect };
    let wire: Box<dyn Wire> = match settings.protocol {
        Protocol::Grpc => grpc::wire(settings)?,
        Protocol::HttpJson | Protocol::HttpProtobuf => {
            Box::new(http::HttpWire::new(settings, form))
        }
    };
    Ok(Destination::new(name, Box::new(Otlp { encoder, words }), wire))
}

struct Otlp {
    encoder: SpanEncoder,
    words: fn(Span) -> SpanData,
}

impl Encoder for Otlp {
    fn encode(&mut self, chunk: TraceChunk, resource: &Arc<Resource>) -> Parcel {
        let spans = chunk.spans.into_iter();
        let spans =
            spans.map(|span| self.encoder.encode(&(self.words)(span), resource, true)).collect();
        Parcel { spans, ..Parcel::default() }
    }
}
