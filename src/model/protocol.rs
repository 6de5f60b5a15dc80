//! The protocols of OTLP.

use std::fmt;

/// How spans are carried to an OTLP receiver.
///
/// Default: [`Protocol::Grpc`] for port 4317, which is gRPC's by convention, and
/// [`Protocol::HttpProtobuf`] for any other; `OTEL_EXPORTER_OTLP_PROTOCOL`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Protocol;
/// let explanation = mlflow_tracing::builder()
///     .with_otlp_endpoint("http://127.0.0.1:4318/v1/traces")
///     .with_protocol(Protocol::HttpJson)
///     .explain_config()?;
/// assert!(explanation.settings().any(|(name, value, _)| (name, value) == ("protocol", "http/json")));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
///
/// Source: OpenTelemetry specification, OTLP exporter, `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// `grpc`: protobuf over gRPC. The address's path does not matter. Needs the feature `grpc`.
    Grpc,
    /// `http/json`: OTLP/JSON over HTTP.
    HttpJson,
    /// `http/protobuf`: protobuf over HTTP.
    HttpProtobuf,
}

impl Protocol {
    /// Every protocol with the name that the specification gives it.
    pub(crate) const NAMES: [(&str, Self); 3] = [
        ("grpc", Self::Grpc),
        ("http/json", Self::HttpJson),
        ("http/protobuf", Self::HttpProtobuf),
    ];
}

/// The specification's name.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, protocol)| protocol == self);
        f.write_str(name.map_or("", |(name, _)| *name))
    }
}
