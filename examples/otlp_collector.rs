//! Traces to an OpenTelemetry collector, over gRPC or HTTP.
//!
//! `cargo run --example otlp_collector -- http://127.0.0.1:4318/v1/traces`. Variables say the same
//! without code, such as `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317`; `init()` reads them.

use std::time::Duration;

use mlflow_tracing::Compression;
use mlflow_tracing::destination::Otlp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 4317 means gRPC, any other `http/protobuf`, unless `with_protocol` says what it is.
    let endpoint = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:4317".to_owned());
    let collector = Otlp::new(endpoint)
        .with_compression(Compression::Gzip)
        .with_header("authorization", "Bearer token");
    let guard = mlflow_tracing::builder()
        .with_service_name("genai-app")
        .with_destination(collector)
        .init()?;

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        answer = agent("Why is the sky blue?") => println!("{answer}"),
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
    // Ok: the collector has acknowledged every span. Dropping the guard does the same, and is silent.
    Ok(guard.shutdown(Duration::from_secs(5))?)
}

#[instrument(fields(mlflow.spanType = "AGENT"), ret)]
async fn agent(question: &str) -> String {
    chat(question).await
}

#[instrument(fields(mlflow.spanType = "CHAT_MODEL"), ret)]
async fn chat(question: &str) -> String {
    sleep(Duration::from_millis(20)).await;
    format!("You ask: {question}")
}
