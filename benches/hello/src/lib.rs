//! One trace and nothing else, or, without features, nothing at all.

use std::error::Error;

#[cfg(any(feature = "bare", feature = "stock-capture"))]
#[tracing::instrument(ret)]
fn greet(name: &str) -> String {
    format!("hello {name}")
}

/// Sets tracing up, makes the trace and ends it.
#[cfg(feature = "bare")]
pub fn trace() -> Result<(), Box<dyn Error>> {
    let _guard = mlflow_tracing::init()?;
    greet("trace");
    Ok(())
}

/// Sets tracing up, makes the trace and ends it.
#[cfg(feature = "stock-capture")]
pub fn trace() -> Result<(), Box<dyn Error>> {
    use opentelemetry::trace::TracerProvider as _;
    use tracing_subscriber::prelude::*;

    let provider = provider()?;
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("hello"));
    tracing_subscriber::registry().with(layer).try_init()?;
    greet("trace");
    provider.shutdown()?;
    Ok(())
}

#[cfg(feature = "stock")]
fn provider()
-> Result<opentelemetry_sdk::trace::SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder();
    Ok(provider.with_batch_exporter(exporter).build())
}

#[cfg(all(feature = "stock-capture", not(feature = "stock")))]
fn provider() -> Result<opentelemetry_sdk::trace::SdkTracerProvider, std::convert::Infallible> {
    Ok(opentelemetry_sdk::trace::SdkTracerProvider::builder().build())
}

/// Does nothing.
#[cfg(not(any(feature = "bare", feature = "stock-capture")))]
pub fn trace() -> Result<(), Box<dyn Error>> {
    Ok(())
}
