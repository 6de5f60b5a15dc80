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

use crate::error::Result;
use crate::export::dialect::Dialect;
use crate::export::form::Form;
use crate::export::span_encoder::SpanEncoder;
use crate::export::{Destination, Encoder, TraceChunk};
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::protocol::Protocol;
use crate::semconv::metrics;
use crate::transport::connection::Connection;
use crate::transport::headers::Headers;
use crate::transport::{Limits, Parcel, Wire};

use dialect::GenAi;
pub(crate) use dialect::{Collector, Unmistakable, additions};

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
    /// How much one request may carry.
    pub(crate) limits: Limits,
    pub(crate) encoder: OtlpEncoder,
    /// Whether messages are written in the words of the GenAI conventions.
    pub(crate) gen_ai_messages: bool,
}

pub(crate) fn destination(settings: OtlpSettings) -> Result<Destination> {
    let name = format!("OTLP {}", settings.url);
    let stored_as = format!("{name} {}", settings.protocol);
    let (form, encoder) = match settings.protocol {
        Protocol::HttpJson => (Form::Json, SpanEncoder::own(Form::Json)),
        Protocol::HttpProtobuf | Protocol::Grpc => {
            (Form::Protobuf, SpanEncoder::protobuf(settings.encoder)?)
        }
    };
    let encoder = encoder.fitting(settings.limits.max_bytes);
    let dialect: Box<dyn Dialect + Send> =
        if settings.gen_ai_messages { Box::new(GenAi) } else { Box::new(Collector) };
    let component_type = match settings.protocol {
        Protocol::Grpc => metrics::OTLP_GRPC_TYPE,
        Protocol::HttpJson => metrics::OTLP_HTTP_JSON_TYPE,
        Protocol::HttpProtobuf => metrics::OTLP_HTTP_TYPE,
    };
    let wire: Box<dyn Wire> = match settings.protocol {
        Protocol::Grpc => grpc::wire(settings)?,
        Protocol::HttpJson | Protocol::HttpProtobuf => {
            Box::new(http::HttpWire::new(settings, form))
        }
    };
    let encoder = Box::new(Otlp { encoder, dialect });
    Ok(Destination::new(name, component_type, encoder, wire).stored_as(stored_as))
}

struct Otlp {
    encoder: SpanEncoder,
    dialect: Box<dyn Dialect + Send>,
}

impl Encoder for Otlp {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel> {
        // Nobody waits for a root that has not ended: what stands for one is MLflow's alone.
        let encoded = self.encoder.encode(&*self.dialect, chunks, TraceChunk::ended, resource);
        encoded.into_iter().map(|spans| Parcel { spans, ..Parcel::default() }).collect()
    }
}
