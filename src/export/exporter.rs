//! Any exporter of the official SDK as a destination: spans wait in our outbox as they are.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::export::dialect::Dialect as _;
use crate::export::otlp::Collector;
use crate::export::{Destination, Encoder, TraceChunk};
use crate::finding::Finding;
use crate::model::span::Span;
use crate::model::weight;
use crate::semconv::metrics::EXPORTER_TYPE;
use crate::sync::{after, block_on, lock, now};
use crate::transport::{Body, Epilogue, Limits, Parcel, Payload, Repeat, Verdict, Wire};

/// An exporter of a type that is forgotten here, because the official trait cannot be an object.
#[derive(Clone)]
pub(crate) struct ExporterSettings {
    name: String,
    exporter: Arc<dyn Exports>,
}

trait Exports: Send + Sync {
    fn export(&self, spans: Vec<SpanData>, timeout: Duration) -> OTelSdkResult;
    fn set_resource(&self, resource: &Resource);
    fn shutdown(&self, timeout: Duration);
}

/// The lock is taken by one sender only; it is there because a resource is set by `&mut`.
struct Plugged<E>(Mutex<E>);

impl<E: SpanExporter> Exports for Plugged<E> {
    fn export(&self, spans: Vec<SpanData>, timeout: Duration) -> OTelSdkResult {
        let exporter = lock(&self.0);
        let deadline = after(now(), timeout);
        block_on(exporter.export(spans), deadline).unwrap_or(Err(OTelSdkError::Timeout(timeout)))
    }

    fn set_resource(&self, resource: &Resource) {
        lock(&self.0).set_resource(resource);
    }

    fn shutdown(&self, timeout: Duration) {
        // What it could not deliver it was given by us: that is in our account.
        let _ = lock(&self.0).shutdown_with_timeout(timeout);
    }
}

impl ExporterSettings {
    pub(crate) fn new(name: String, exporter: impl SpanExporter + 'static) -> Self {
        Self { name, exporter: Arc::new(Plugged(Mutex::new(exporter))) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for ExporterSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exporter").field(&self.name).finish()
    }
}

pub(crate) fn destination(settings: ExporterSettings) -> Destination {
    let ExporterSettings { name, exporter } = settings;
    let wire = ExporterWire { exporter, in_use: false, resource: None };
    let name = format!("exporter {name}");
    Destination::new(name, EXPORTER_TYPE, Box::new(ExporterEncoder), Box::new(wire))
}

/// The same in a child process, which has neither the exporter's threads nor all of its locks.
pub(crate) fn left_behind(settings: &ExporterSettings) -> Destination {
    let name = format!("exporter {}", settings.name);
    Destination::new(name, EXPORTER_TYPE, Box::new(ExporterEncoder), Box::new(LeftBehind))
}

struct ExporterEncoder;

impl Encoder for ExporterEncoder {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel> {
        let parcel = |chunk: &TraceChunk<'_>| {
            let payload = |span: &&Span| {
                let span = Box::new(Collector.data(span));
                let weight = weight::of(&span);
                let body = Body::Span { span, resource: Arc::clone(resource), weight };
                Payload { trace_id: chunk.trace_id, envelope: Arc::default(), body, counted: true }
            };
            Parcel { spans: chunk.spans.iter().map(payload).collect(), ..Parcel::default() }
        };
        chunks.iter().map(parcel).collect()
    }
}

struct ExporterWire {
    exporter: Arc<dyn Exports>,
    /// Whether a pipe uses it. What was only looked at is the program's still.
    in_use: bool,
    resource: Option<Arc<Resource>>,
}

impl ExporterWire {
    fn export(&mut self, payloads: &[Payload], timeout: Duration) -> OTelSdkResult {
        let mut spans = Vec::with_capacity(payloads.len());
        for payload in payloads {
            if let Body::Span { span, resource, .. } = &payload.body {
                if !self.resource.as_ref().is_some_and(|known| Arc::ptr_eq(known, resource)) {
                    self.exporter.set_resource(resource);
                    self.resource = Some(Arc::clone(resource));
                }
                spans.push(SpanData::clone(span));
            }
        }
        self.exporter.export(spans, timeout)
    }
}

impl Wire for ExporterWire {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        self.in_use = true;
        Verdict::delivered()
    }

    fn examine(&mut self, _timeout: Duration) -> Vec<Finding> {
        vec![Finding::ok(
            "an exporter of the program's own, which can be asked nothing without spans",
        )]
    }

    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict {
        // A panic of somebody else's code must not end this destination.
        let exported = catch_unwind(AssertUnwindSafe(|| self.export(spans, timeout)));
        match exported {
            Ok(Ok(())) => Verdict::delivered(),
            Ok(Err(error)) => {
                let in_doubt = matches!(error, OTelSdkError::Timeout(_));
                Verdict::Failed { repeat: Repeat::Soon, problem: error.to_string(), in_doubt }
            }
            Err(_) => Verdict::again(
                Repeat::Soon,
                "the exporter panicked; does it need a runtime of its own?",
            ),
        }
    }

    /// The official trait has nothing that follows a trace.
    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    /// An export ends by its timeout, which is short when the program ends.
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

struct LeftBehind;

impl Wire for LeftBehind {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn examine(&mut self, _timeout: Duration) -> Vec<Finding> {
        Vec::new()
    }

    fn deliver(&mut self, spans: &[Payload], _timeout: Duration) -> Verdict {
        let note = "an exporter does not work in a process that was made by fork: set tracing up again \
                    in it, and give it an exporter of its own";
        let rejected = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        Verdict::Delivered { rejected, note: Some(note.to_owned()) }
    }

    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// The sender drops its wire when it ends.
impl Drop for ExporterWire {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if !self.in_use {
            return;
        }
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown(PATIENCE)));
    }
}
