//! The official exporter as an encoder: it writes, our outbox keeps, retries and sends.
//!
//! Its client is one that keeps what it is to send. A request of one span is taken apart into the
//! span and what surrounds it, so that everything after this file is the same for both encoders.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};

use crate::diagnostics;
use crate::error::{Error, Result};
use crate::export::decode::fields;
use crate::export::dialect::Dialect;
use crate::export::encode;
use crate::export::form::Form;
use crate::model::span::Span;
use crate::sync::lock;
use crate::transport::Envelope;

/// Never connected to: the client keeps what it gets.
const NOWHERE: &str = "http://127.0.0.1:9/v1/traces";

pub(crate) struct OfficialEncoder {
    exporter: SpanExporter,
    kept: Keeper,
    resource: Option<Arc<Resource>>,
    envelope: Arc<Envelope>,
}

impl OfficialEncoder {
    pub(crate) fn new() -> Result<Self> {
        let kept = Keeper::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(NOWHERE)
            .with_http_client(kept.clone())
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| Error::config("the OTLP encoder", "official", error))?;
        Ok(Self { exporter, kept, resource: None, envelope: Arc::default() })
    }

    /// Writes a span; returns what surrounds it.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        dialect: &dyn Dialect,
        span: &Span,
        resource: &Arc<Resource>,
    ) -> Arc<Envelope> {
        if !self.resource.as_ref().is_some_and(|known| Arc::ptr_eq(known, resource)) {
            self.exporter.set_resource(resource);
            self.resource = Some(Arc::clone(resource));
        }
        let (envelope, mut bytes) = self.written(dialect.data(span)).unwrap_or_else(|| {
            diagnostics::warn("the official encoder refused a span; our own wrote it");
            let envelope = Form::Protobuf.envelope(resource, &span.data.instrumentation_scope);
            let mut bytes = Vec::new();
            encode::span(&mut bytes, dialect, span);
            (envelope, bytes)
        });
        if *self.envelope != envelope {
            self.envelope = Arc::new(envelope);
        }
        out.append(&mut bytes);
        Arc::clone(&self.envelope)
    }

    fn written(&self, span: SpanData) -> Option<(Envelope, Vec<u8>)> {
        // The client answers at once, so the exporter never waits.
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.exporter.export(vec![span])).poll(&mut context) {
            Poll::Ready(Ok(())) => take_apart(&std::mem::take(&mut *lock(&self.kept.0))),
            Poll::Ready(Err(_)) | Poll::Pending => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Keeper(Arc<Mutex<Bytes>>);

#[async_trait]
impl HttpClient for Keeper {
    async fn send_bytes(
        &self,
        request: Request<Bytes>,
    ) -> std::result::Result<Response<Bytes>, HttpError> {
        *lock(&self.0) = request.into_body();
        Ok(Response::new(Bytes::new()))
    }
}

/// The one span of a request, and what surrounds it.
fn take_apart(request: &[u8]) -> Option<(Envelope, Vec<u8>)> {
    let mut envelope = Envelope::default();
    let mut span = None;
    let resource_spans = fields(request)?.into_iter().find(|(number, _)| *number == 1)?.1;
    for (number, value) in fields(resource_spans.bytes()?)? {
        match number {
            1 => envelope.resource = value.bytes()?.to_vec(),
            3 => value.text()?.clone_into(&mut envelope.resource_schema_url),
            2 => {
                for (number, value) in fields(value.bytes()?)? {
                    match number {
                        1 => envelope.scope = value.bytes()?.to_vec(),
                        2 => span = Some(value.bytes()?.to_vec()),
                        3 => value.text()?.clone_into(&mut envelope.scope_schema_url),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some((envelope, span?))
}

#[cfg(test)]
mod tests;
