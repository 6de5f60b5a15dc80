//! OTLP over gRPC: the same messages as over HTTP, as a unary call.

use std::time::Duration;

use super::{CERTIFICATES, OtlpSettings, http};
use crate::error::Result;
use crate::export::{frame, reply};
use crate::finding::Finding;
use crate::transport::checkup;
use crate::transport::grpc::{Grpc, Outcome};
use crate::transport::http::Failure;
use crate::transport::retry::classify_failure;
use crate::transport::{Epilogue, Limits, Payload, Repeat, Verdict, Wire};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[expect(clippy::unnecessary_wraps, reason = "its twin without the feature fails")]
pub(super) fn wire(settings: OtlpSettings) -> Result<Box<dyn Wire>> {
    let grpc = client(&settings);
    Ok(Box::new(GrpcWire { grpc, settings }))
}

/// Whether a server is there that speaks gRPC, whatever it answers.
pub(super) fn is_spoken(settings: &OtlpSettings, timeout: Duration) -> bool {
    let outcome = client(settings).call(EXPORT, Vec::new(), timeout);
    !matches!(outcome, Outcome::Failed(_))
}

fn client(settings: &OtlpSettings) -> Grpc {
    let OtlpSettings { url, headers, gzip, connection, .. } = settings;
    // Scheme, host and port: gRPC has paths of its own.
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Grpc::new(origin, headers.clone(), *gzip, connection.clone())
}

struct GrpcWire {
    grpc: Grpc,
    settings: OtlpSettings,
}

impl GrpcWire {
    fn export(&mut self, message: Vec<u8>, timeout: Duration) -> Verdict {
        let bytes = message.len();
        let outcome = self.grpc.call(EXPORT, message, timeout);
        self.verdict(&outcome, bytes)
    }

    fn verdict(&self, outcome: &Outcome, bytes: usize) -> Verdict {
        match outcome {
            Outcome::Answer(answer) => {
                let partial = reply::partial_success_of(answer, |words| self.grpc.mask(words));
                partial.unwrap_or_else(|| reply::odd("gRPC OK and an answer that cannot be read"))
            }
            Outcome::TooLong => reply::odd("gRPC OK and an answer that is too long"),
            Outcome::Refused(refusal) => refusal.verdict(reply::retry_after(&refusal.details)),
            Outcome::Stale(failure) => Verdict::Failed {
                repeat: Repeat::AtOnce,
                in_doubt: failure.is_in_doubt(),
                problem: failure.clone().into_words(),
            },
            Outcome::Failed(failure) => classify_failure(failure, bytes).advised(match failure {
                Failure::Unusable(_) => CERTIFICATES,
                _ => LISTENING,
            }),
        }
    }
}

impl Wire for GrpcWire {
    fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// An empty request: receivers answer it with success, or at least tell what is wrong.
    fn prepare(&mut self, timeout: Duration) -> Verdict {
        match self.export(Vec::new(), timeout) {
            Verdict::Split { .. } => Verdict::delivered(),
            other => other,
        }
    }

    fn examine(&mut self, timeout: Duration) -> Vec<Finding> {
        let outcome = self.grpc.call(EXPORT, Vec::new(), timeout);
        let verdict = self.verdict(&outcome, 0);
        let mut findings = checkup::between(self.settings.connection.proxy.as_ref(), None);
        findings.push(checkup::finding(verdict, "takes OTLP over gRPC"));
        if matches!(outcome, Outcome::Failed(_)) && http::is_spoken(&self.settings, timeout) {
            findings.push(Finding::error(format!("HTTP is spoken there; {TAKE_HTTP}")));
        }
        findings
    }

    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict {
        self.export(frame::request(spans).to_vec(), timeout)
    }

    /// OTLP has nothing that follows a trace.
    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        self.grpc.interrupter()
    }
}

const TAKE_HTTP: &str = "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
const LISTENING: &str = "is a collector listening there for gRPC? For HTTP set \
                         OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
