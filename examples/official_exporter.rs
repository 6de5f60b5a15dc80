//! The official exporter writes the requests; this crate keeps, repeats and accounts for them.
//!
//! `cargo run --features opentelemetry-otlp --example official_exporter -- http://127.0.0.1:4317`.
//! Without code: `MLFLOW_TRACING_OTLP_ENCODER=official`. For who has a batch processor already there is
//! the other way round: `SdkTracerProvider::builder().with_batch_exporter(guard.exporter())`.

use std::io::{Write as _, stderr};
use std::time::Duration;

use mlflow_tracing::OtlpEncoder;
use mlflow_tracing::destination::Otlp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:4317".to_owned());
    let guard = mlflow_tracing::builder()
        .with_service_name("genai-app")
        .with_otlp_encoder(OtlpEncoder::Official)
        .with_destination(Otlp::new(endpoint))
        .init()?;
    writeln!(stderr(), "{}", guard.explain_config())?;

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        answer = agent("Why is the sky blue?") => println!("{answer}"),
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
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
