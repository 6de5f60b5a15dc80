//! An exporter of your own as a destination, beside others or alone.
//!
//! It only has to be a `SpanExporter` of the official SDK. It is called on a thread of its own; what
//! it fails to export is kept, and given to it again. `cargo run --example custom_exporter`

use std::io::{Write as _, stdout};
use std::time::Duration;

use mlflow_tracing::destination::Exporter;
use mlflow_tracing::opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use mlflow_tracing::opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::instrument;

/// Prints a line of comma-separated values for each span.
#[derive(Debug)]
struct Csv;

impl SpanExporter for Csv {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            let value = |key: &str| {
                let found = span.attributes.iter().find(|kv| kv.key.as_str() == key);
                found.map(|kv| kv.value.to_string()).unwrap_or_default()
            };
            let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
            let (kind, outputs) = (value("mlflow.spanType"), value("mlflow.spanOutputs"));
            writeln!(stdout(), "{},{kind},{},{outputs}", span.name, took.as_millis())
                .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _guard = mlflow_tracing::builder().with_destination(Exporter::new("csv", Csv)).init()?;

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = agent("Why is the sky blue?") => {}
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
    Ok(()) // The guard is dropped here, and exports what is left.
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
