//! An MLflow server: many traces a request to `/v1/traces`, and the trace-info call where it is due.

mod dialect;
mod trace_info;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::trace::TraceId;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;

use crate::error::Result;
use crate::export::frame::{self, Envelopes};
use crate::export::mlflow_settings::MlflowSettings;
use crate::export::{Destination, Encoder, TraceChunk, encode};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv;
use crate::transport::{Envelope, Epilogue, Parcel, Payload};
use trace_info::{ProcessInfo, Sizes, TraceInfo};

#[expect(clippy::unnecessary_wraps, reason = "its twin without the feature fails")]
pub(crate) fn destination(settings: MlflowSettings) -> Result<Destination> {
    let process =
        ProcessInfo { user: settings.user.clone(), source_name: settings.source_name.clone() };
    let encoder = MlflowEncoder {
        mode: settings.trace_info,
        process,
        envelopes: Envelopes::default(),
        scratch: Vec::new(),
        running: HashMap::new(),
    };
    Ok(Destination {
        name: format!("MLflow {}", settings.endpoint.url()),
        encoder: Box::new(encoder),
        wire: Box::new(wire::MlflowWire::new(settings)),
    })
}

struct MlflowEncoder {
    mode: TraceInfoMode,
    process: ProcessInfo,
    envelopes: Envelopes,
    scratch: Vec<u8>,
    running: HashMap<TraceId, Running>,
}

/// What is to be said of a trace of which a part has left, once it is finished.
#[derive(Debug, Default)]
struct Running {
    info: Option<TraceInfo>,
    sizes: Sizes,
}

impl Encoder for MlflowEncoder {
    fn encode(&mut self, chunk: TraceChunk, resource: &Arc<Resource>) -> Parcel {
        let TraceChunk { trace_id, spans, finished, synthetic_root } = chunk;
        let all = || spans.iter().chain(&synthetic_root);
        let info = all()
            .find(|span| span.is_root())
            .and_then(|root| TraceInfo::of(root, self.mode, &self.process));
        let made_up = synthetic_root.map(|span| (span, false));
        let payloads: Vec<Payload> = spans
            .into_iter()
            .map(|span| (span, true))
            .chain(made_up)
            .map(|(span, counted)| {
                let data = dialect::apply(span, self.mode);
                let bytes = encode::span_bytes(&mut self.scratch, &data);
                let envelope = self.envelopes.get(resource, &data.instrumentation_scope, envelope);
                Payload { trace_id, envelope, bytes, counted }
            })
            .collect();
        let epilogue = self.epilogue(trace_id, &payloads, finished, info);
        Parcel { spans: payloads, epilogue }
    }
}

impl MlflowEncoder {
    fn epilogue(
        &mut self,
        trace_id: TraceId,
        payloads: &[Payload],
        finished: bool,
        info: Option<TraceInfo>,
    ) -> Option<Epilogue> {
        if self.mode == TraceInfoMode::Never {
            return None;
        }
        let Running { info: known, mut sizes } = self.running.remove(&trace_id).unwrap_or_default();
        for payload in payloads {
            sizes.add(payload.bytes.len());
        }
        let info = info.or(known);
        if !finished {
            self.running.insert(trace_id, Running { info, sizes });
            return None;
        }
        info.map(|info| info.into_epilogue(trace_id, &sizes))
    }
}

/// Keeps of the resource what the server should make tags of: it makes one of every attribute.
fn envelope(resource: &Resource, scope: &InstrumentationScope) -> Envelope {
    let made_up_name = |key: &str, value: &str| {
        key == semconv::otel::SERVICE_NAME && value.starts_with("unknown_service")
    };
    let kept = resource
        .iter()
        .filter(|(key, value)| !made_up_name(key.as_str(), &value.as_str()))
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let resource = Resource::builder_empty().with_attributes(kept).build();
    frame::protobuf(&resource, scope)
}

#[cfg(test)]
mod tests;
