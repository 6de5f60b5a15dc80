//! Any OTLP/HTTP receiver: `http/protobuf`, headers, gzip.
//!
//! Dialect: everything MLflow knows, and the GenAI conventions beside it; arguments stay
//! attributes, because people search by them; the status stays what the application set.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::export::frame::{self, Envelopes};
use crate::export::{Destination, Encoder, TraceChunk, encode, reply};
use crate::model::span::Span;
use crate::semconv::{otel, span as keys};
use crate::transport::headers::Headers;
use crate::transport::http::{Http, Method, Outcome, Request};
use crate::transport::retry::{Receiver, classify};
use crate::transport::{Epilogue, Limits, Parcel, Payload, Verdict, Wire};

const LIMITS: Limits = Limits { max_spans: 512, max_bytes: 4 * 1024 * 1024 };
pub(crate) const PROTOBUF: &str = "application/x-protobuf";

/// Where and how to send, already checked.
#[derive(Clone, Debug)]
pub(crate) struct OtlpSettings {
    /// Complete address, path included.
    pub(crate) url: String,
    pub(crate) headers: Headers,
    pub(crate) gzip: bool,
}

pub(crate) fn destination(settings: OtlpSettings) -> Destination {
    Destination {
        name: format!("OTLP {}", settings.url),
        encoder: Box::new(OtlpEncoder::default()),
        wire: Box::new(OtlpWire { http: Http::new(), settings }),
    }
}

#[derive(Debug, Default)]
struct OtlpEncoder {
    envelopes: Envelopes,
    scratch: Vec<u8>,
}

impl Encoder for OtlpEncoder {
    fn encode(&mut self, chunk: TraceChunk, resource: &Arc<Resource>) -> Parcel {
        let spans = chunk.spans.into_iter().map(|span| {
            let data = dialect(span);
            let bytes = encode::span_bytes(&mut self.scratch, &data);
            let scope = &data.instrumentation_scope;
            let envelope = self.envelopes.get(resource, scope, frame::protobuf);
            Payload { trace_id: chunk.trace_id, envelope, bytes, counted: true }
        });
        Parcel { spans: spans.collect(), epilogue: None }
    }
}

/// The span with its whole meaning in its attributes.
pub(crate) fn dialect(span: Span) -> SpanData {
    let mut additions = gen_ai(&span);
    additions.retain(|added| span.attribute(added.key.as_str()).is_none());
    let Span { mut data, mut arguments, inputs, outputs, .. } = span;
    arguments.append(&mut data.attributes);
    data.attributes = arguments;
    for (key, content) in [(keys::INPUTS, inputs), (keys::OUTPUTS, outputs)] {
        if let Some(value) = content.and_then(super::super::model::text::Content::into_value) {
            data.attributes.push(KeyValue::new(key, value));
        }
    }
    data.attributes.append(&mut additions);
    data
}

/// What the span says in MLflow's words, in the words of the GenAI conventions.
fn gen_ai(span: &Span) -> Vec<KeyValue> {
    let mut said = Vec::new();
    if let Some(operation) = span.span_type().operation() {
        said.push(KeyValue::new(otel::GEN_AI_OPERATION, operation));
    }
    if let Some(model) = span.text(keys::MODEL) {
        said.push(KeyValue::new(otel::GEN_AI_REQUEST_MODEL, model.to_owned()));
    }
    if let Some(provider) = span.text(keys::PROVIDER) {
        said.push(KeyValue::new(otel::GEN_AI_PROVIDER, provider.to_owned()));
    }
    if let Some(usage) = span.token_usage() {
        said.push(KeyValue::new(otel::GEN_AI_INPUT_TOKENS, usage.input));
        said.push(KeyValue::new(otel::GEN_AI_OUTPUT_TOKENS, usage.output));
    }
    let reasons = finish_reasons(span);
    if !reasons.is_empty() {
        said.push(KeyValue::new(otel::GEN_AI_FINISH_REASONS, Value::Array(Array::String(reasons))));
    }
    said
}

/// Finish reasons of a model's answer in OpenAI's or Anthropic's shape.
fn finish_reasons(span: &Span) -> Vec<StringValue> {
    let speaks = matches!(span.span_type().operation(), Some("chat" | "generate_content"));
    let Some(outputs) = span.outputs.as_ref().filter(|_| speaks) else {
        return Vec::new();
    };
    let named = ["finish_reason", "stop_reason"].iter().any(|name| outputs.as_str().contains(name));
    if !named {
        return Vec::new();
    }
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(outputs.as_str()) else {
        return Vec::new();
    };
    let choices = answer.get("choices").and_then(serde_json::Value::as_array);
    choices
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("finish_reason"))
        .chain(answer.get("stop_reason"))
        .filter_map(serde_json::Value::as_str)
        .map(|reason| StringValue::from(reason.to_owned()))
        .collect()
}

#[derive(Debug)]
struct OtlpWire {
    http: Http,
    settings: OtlpSettings,
}

impl OtlpWire {
    fn post(&self, body: &[u8], timeout: Duration) -> (Verdict, Outcome) {
        let compressed = if self.settings.gzip { gzip(body) } else { None };
        let sent = compressed.as_deref().unwrap_or(body);
        let outcome = reply::readable(self.http.send(&Request {
            method: Method::Post,
            url: &self.settings.url,
            headers: &self.settings.headers,
            content_type: PROTOBUF,
            content_encoding: compressed.as_ref().map(|_| "gzip"),
            body: sent,
            timeout,
        }));
        (advise(classify(&outcome, Receiver::Otlp, sent.len()), &outcome), outcome)
    }
}

impl Wire for OtlpWire {
    fn limits(&self) -> Limits {
        LIMITS
    }

    /// An empty request: receivers answer it with success, or at least tell what is wrong.
    fn prepare(&mut self, timeout: Duration) -> Verdict {
        match self.post(&[], timeout).0 {
            Verdict::Split { .. } => Verdict::delivered(),
            other => other,
        }
    }

    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict {
        let (verdict, outcome) = self.post(&frame::request(spans), timeout);
        match (verdict, outcome) {
            (Verdict::Delivered { .. }, Outcome::Reply(reply)) => reply::partial_success(&reply),
            (verdict, _) => verdict,
        }
    }

    /// OTLP has nothing that follows a trace.
    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        let http = self.http.clone();
        Box::new(move || http.shutdown())
    }
}

/// Adds what a person can do about it.
fn advise(verdict: Verdict, outcome: &Outcome) -> Verdict {
    let Verdict::Failed { repeat, problem } = verdict else {
        return verdict;
    };
    let advice = match outcome {
        Outcome::Failed(_) => "is a collector listening there?",
        Outcome::Reply(reply) => match reply.status {
            300..=399 => "redirects are not followed; set the address they lead to",
            401 | 403 | 407 => "set the credentials in OTEL_EXPORTER_OTLP_HEADERS",
            404 | 405 => {
                "check the path: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is, \
                 OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended"
            }
            _ => return Verdict::Failed { repeat, problem },
        },
    };
    Verdict::Failed { repeat, problem: format!("{problem}; {advice}") }
}

/// `None` when there is nothing to gain.
fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
