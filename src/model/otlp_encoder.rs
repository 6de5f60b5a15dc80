//! Who writes OTLP.

/// Which encoder turns spans into OTLP bytes.
///
/// Both write the same spans and share everything after that: memory, retry, accounting. Our own
/// costs about a tenth of the official one's instructions.
///
/// Default: [`OtlpEncoder::Own`]; `MLFLOW_TRACING_OTLP_ENCODER`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::OtlpEncoder;
/// let explanation = mlflow_tracing::builder()
///     .with_otlp_endpoint("http://127.0.0.1:4318/v1/traces")
///     .with_otlp_encoder(OtlpEncoder::Own)
///     .explain_config()?;
/// assert!(explanation.settings().any(|(name, value, _)| (name, value) == ("encoder", "own")));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpEncoder {
    /// That of the `opentelemetry-otlp` crate. Needs the feature `opentelemetry-otlp`; writes
    /// protobuf only.
    Official,
    /// The one-pass encoder of this crate.
    #[default]
    Own,
}
