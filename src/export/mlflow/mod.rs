//! An MLflow server: many traces a request to `/v1/traces`, and the trace-info call where it is due.

mod dialect;
mod preview;
mod roll_up;
mod sizes;
mod trace_info;
mod wire;

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::error::Result;
use crate::export::mlflow_settings::MlflowSettings;
use crate::export::span_encoder::SpanEncoder;
use crate::export::{Destination, Encoder, TraceChunk};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::model::trace_map::TraceMap;
use crate::semconv;
use crate::transport::{Epilogue, Parcel, Payload};
use roll_up::RollUp;
use trace_info::{ProcessInfo, TraceInfo};

/// Spans of all running traces that are remembered for sums and statistics, about 40 MB. Beyond that
/// a trace goes without them.
const MAX_REMEMBERED: usize = 1_000_000;

pub(crate) fn destination(settings: MlflowSettings) -> Result<Destination> {
    let process = ProcessInfo {
        user: settings.user.clone(),
        source_name: settings.source_name.clone(),
        model_id: settings.model_id.clone(),
    };
    let encoder = MlflowEncoder {
        mode: settings.trace_info,
        process,
        spans: SpanEncoder::protobuf(settings.encoder)?.fitting(settings.limits.max_bytes),
        resources: Resources::default(),
        running: TraceMap::default(),
        remembered: 0,
    };
    let name = format!("MLflow {}", settings.endpoint.url());
    let stored_as = format!("{name} {}{}", settings.experiment, settings.workspace());
    let wire = Box::new(wire::MlflowWire::new(settings));
    let kind = semconv::metrics::OTLP_HTTP_TYPE;
    Ok(Destination::new(name, kind, Box::new(encoder), wire).stored_as(stored_as))
}

struct MlflowEncoder {
    mode: TraceInfoMode,
    process: ProcessInfo,
    spans: SpanEncoder,
    resources: Resources,
    running: TraceMap<Running>,
    /// Spans that the running traces remember.
    remembered: usize,
}

/// What is to be said of a trace of which a part has left, once it is finished.
#[derive(Debug, Default)]
struct Running {
    info: Option<TraceInfo>,
    sums: RollUp,
}

impl Encoder for MlflowEncoder {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel> {
        let resource = self.resources.get(resource);
        let words = dialect::Server(self.mode);
        let encoded = self.spans.encode(&words, chunks, TraceChunk::all, &resource);
        let parcel = |(chunk, spans): (&TraceChunk<'_>, Vec<Payload>)| {
            let epilogue = self.epilogue(chunk, &spans);
            Parcel { spans, epilogue, ..Parcel::default() }
        };
        chunks.iter().zip(encoded).map(parcel).collect()
    }
}

impl MlflowEncoder {
    fn epilogue(&mut self, chunk: &TraceChunk<'_>, payloads: &[Payload]) -> Option<Epilogue> {
        if self.mode == TraceInfoMode::Never {
            return None;
        }
        let root = chunk.all().map(|(span, _)| span).find(|span| span.is_root());
        let info = root.and_then(|root| TraceInfo::of(root, self.mode, &self.process));
        let mut running = self.running.remove(&chunk.trace_id).unwrap_or_default();
        self.remembered -= running.sums.len();
        running.info = info.or(running.info);
        if chunk.finished && running.info.is_none() {
            return None;
        }
        for ((span, _), payload) in chunk.all().zip(payloads) {
            running.sums.add(span, payload.bytes().len());
        }
        if chunk.finished {
            let Running { info, sums } = running;
            return info.map(|info| info.into_epilogue(chunk.trace_id, &sums));
        }
        if self.remembered + running.sums.len() > MAX_REMEMBERED {
            running.sums.give_up();
        }
        self.remembered += running.sums.len();
        self.running.insert(chunk.trace_id, running);
        None
    }
}

/// The last resource, and what is sent of it.
#[derive(Debug, Default)]
struct Resources(Option<(Arc<Resource>, Arc<Resource>)>);

impl Resources {
    /// What is sent of `resource`: the same value for as long as it is the same.
    fn get(&mut self, resource: &Arc<Resource>) -> Arc<Resource> {
        match &self.0 {
            Some((known, kept)) if Arc::ptr_eq(known, resource) => Arc::clone(kept),
            _ => {
                let kept = Arc::new(for_tags(resource));
                self.0 = Some((Arc::clone(resource), Arc::clone(&kept)));
                kept
            }
        }
    }
}

/// Keeps of the resource what the server should make tags of: it makes one of every attribute.
fn for_tags(resource: &Resource) -> Resource {
    let made_up_name = |key: &str, value: &str| {
        key == semconv::otel::SERVICE_NAME && value.starts_with("unknown_service")
    };
    let kept = resource
        .iter()
        .filter(|(key, value)| !made_up_name(key.as_str(), &value.as_str()))
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty().with_attributes(kept).build()
}

#[cfg(test)]
mod tests;
