//! OTLP over gRPC: the same messages as over HTTP, as a unary call.

use std::time::Duration;

use super::{CERTIFICATES, OtlpSettings};
use crate::error::Result;
use crate::export::{frame, reply};
use crate::transport::grpc::{Grpc, Outcome};
use crate::transport::http::Failure;
use crate::transport::retry::classify_failure;
use crate::transport::{Epilogue, Limits, Payload, Repeat, Verdict, Wire};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[expect(clippy::unnecessary_wraps, reason = "its twin without the feature fails")]
pub(super) fn wire(settings: OtlpSettings) -> Result<Box<dyn Wire>> {
    let OtlpSettings { url, headers, gzip, connection, limits, .. } = settings;
    // Scheme, host and port: gRPC has paths of its own.
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Ok(Box::new(GrpcWire { grpc: Grpc::new(origin, headers, gzip, connection), limits }))
}

struct GrpcWire {
    grpc: Grpc,
    limits: Limits,
}

impl GrpcWire {
    fn export(&mut self, message: Vec<u8>, timeout: Duration) -> Verdict {
        let bytes = message.len();
        match self.grpc.call(EXPORT, message, timeout) {
            Outcome::Answer(answer) => {
                let partial = reply::partial_success_of(&answer, |words| self.grpc.mask(words));
                partial.unwrap_or_else(|| reply::odd("gRPC OK and an answer that cannot be read"))
            }
            Outcome::TooLong => reply::odd("gRPC OK and an answer that is too long"),
            Outcome::Refused(refusal) => refusal.verdict(reply::retry_after(&refusal.details)),
            Outcome::Stale(failure) => Verdict::Failed {
                repeat: Repeat::AtOnce,
                in_doubt: failure.is_in_doubt(),
                problem: failure.into_words(),
            },
            Outcome::Failed(failure) => classify_failure(&failure, bytes).advised(match failure {
                Failure::Unusable(_) => CERTIFICATES,
                _ => {
                    "is a collector listening there for gRPC? For HTTP set \
                     OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
                }
            }),
        }
    }
}

impl Wire for GrpcWire {
    fn limits(&self) -> Limits {
        self.limits
    }

    /// An empty request: receivers answer it with success, or at least tell what is wrong.
    fn prepare(&mut self, timeout: Duration) -> Verdict {
        match self.export(Vec::new(), timeout) {
            Verdict::Split { .. } => Verdict::delivered(),
            other => other,
        }
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
