//! Every trace to an MLflow server and to a collector.
//!
//! `cargo run --example dual_export -- http://127.0.0.1:5000 http://127.0.0.1:4317`. Each has a queue,
//! a sender, retries and an account of its own: one that is down costs the other nothing. Without
//! code: `MLFLOW_TRACKING_URI`, `OTEL_EXPORTER_OTLP_ENDPOINT` and
//! `MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true`.

use std::io::{Write as _, stdout};
use std::time::Duration;

use mlflow_tracing::DestinationStats;
use mlflow_tracing::destination::{Mlflow, Otlp};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut next = |default: &str| addresses.next().unwrap_or_else(|| default.to_owned());
    let guard = mlflow_tracing::builder()
        .with_service_name("genai-app")
        .with_destination(Mlflow::new(next("http://127.0.0.1:5000")).with_experiment("dual-export"))
        .with_destination(Otlp::new(next("http://127.0.0.1:4317")))
        .init()?;

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        answer = agent("Why is the sky blue?") => println!("{answer}"),
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
    // Whether all was delivered or not: the account says what is where.
    let _ = guard.flush(Duration::from_secs(2));
    let stats = guard.stats();
    for destination in &stats.destinations {
        let DestinationStats { delivered, name, .. } = destination;
        writeln!(stdout(), "{delivered} of {} spans at {name}", stats.ended)?;
    }
    Ok(())
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
