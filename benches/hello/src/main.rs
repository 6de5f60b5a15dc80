//! One trace and nothing else, or, without features, nothing at all.

#[cfg(any(feature = "light", feature = "stock-capture"))]
#[tracing::instrument(ret)]
fn greet(name: &str) -> String {
    format!("hello {name}")
}

#[cfg(feature = "light")]
fn main() -> Result<(), mlflow_tracing::Error> {
    let _guard = mlflow_tracing::init()?;
    greet("trace");
    Ok(())
}

#[cfg(feature = "stock-capture")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
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

#[cfg(not(any(feature = "light", feature = "stock-capture")))]
fn main() {}
