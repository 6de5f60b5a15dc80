//! Settings that are one of a few words.

/// Whether finished traces are drawn in the terminal when no destination is set.
///
/// Default: [`Console::Auto`]; `MLFLOW_TRACING_CONSOLE`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Console;
/// assert_eq!(Console::default(), Console::Auto);
/// let builder = mlflow_tracing::builder().with_console(Console::Never);
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Console {
    /// Always, without colours unless stderr is a terminal.
    Always,
    /// When stderr is a terminal.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// Compression of the requests to an OTLP receiver.
///
/// Default: [`Compression::None`]; `OTEL_EXPORTER_OTLP_COMPRESSION`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Compression;
/// let explanation = mlflow_tracing::builder()
///     .with_otlp_endpoint("http://127.0.0.1:4318/v1/traces")
///     .with_compression(Compression::Gzip)
///     .explain_config()?;
/// assert!(explanation.settings().any(|(name, value, _)| (name, value) == ("compression", "gzip")));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip at its fastest level.
    Gzip,
    /// None.
    #[default]
    None,
}
