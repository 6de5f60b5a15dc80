//! The encoder that the tests run with: the official one when they are built with its feature.

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::{Builder, OtlpEncoder, Protocol};

use super::support::app;

pub(crate) const OFFICIAL: bool = cfg!(feature = "opentelemetry-otlp");

/// The features of that kind that examples are built with.
pub(crate) const FEATURES: &str = if OFFICIAL { "opentelemetry-otlp" } else { "" };

/// The protocols that it writes.
pub(crate) const PROTOCOLS: &[Protocol] = if OFFICIAL {
    &[Protocol::Grpc, Protocol::HttpProtobuf]
} else {
    &[Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson]
};

/// A builder that knows nothing of this process's environment.
pub(crate) fn builder() -> Builder {
    app::builder().with_otlp_encoder(if OFFICIAL {
        OtlpEncoder::Official
    } else {
        OtlpEncoder::Own
    })
}

/// What tells a program the same.
pub(crate) fn variable() -> (&'static str, &'static str) {
    ("MLFLOW_TRACING_OTLP_ENCODER", if OFFICIAL { "official" } else { "own" })
}

/// A destination at an address as `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
pub(crate) fn otlp(endpoint: &str, protocol: Protocol) -> Otlp {
    let path = if protocol == Protocol::Grpc { "" } else { "/v1/traces" };
    Otlp::new(format!("{endpoint}{path}")).with_protocol(protocol)
}
