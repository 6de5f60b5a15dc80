//! MLflow's documented example for production: who asked, from where, and how it went, as tags of
//! the trace; a failure is recorded and goes on to the caller.
//!
//! `cargo run --example production -- "What is MLflow?"` needs a server (`mlflow server`).

use std::any::type_name_of_val;
use std::fmt;
use std::time::Duration;

use mlflow_tracing::{trace, update_current_trace};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

type AnyError = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AnyError> {
    let _guard = mlflow_tracing::builder()
        .with_tracking_uri(setting("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000"))
        .with_experiment(setting("MLFLOW_EXPERIMENT_NAME", "production-genai-app"))
        .init()?;

    let message = std::env::args().nth(1).unwrap_or_else(|| "What is MLflow?".to_owned());
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        response = handle_user_request("user-123", "session-456", &message) => println!("{}", response?),
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
    Ok(()) // Whichever way it ended: the guard is dropped here, and delivers what is left.
}

#[expect(clippy::disallowed_methods, reason = "an application reads its own environment")]
fn setting(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

#[trace]
async fn handle_user_request(
    user_id: &str,
    session_id: &str,
    message: &str,
) -> Result<String, ChatError> {
    let trace = update_current_trace();
    trace
        .user(user_id)
        .session(session_id)
        .tag("user_id", user_id)
        .tag("session_id", session_id)
        .tag("environment", "production")
        .tag("service_version", env!("CARGO_PKG_VERSION"));
    let outcome = process_chat_request(message).await;
    match &outcome {
        Ok(response) => trace
            .tag("response_length", response.chars().count().to_string())
            .tag("processing_successful", "true"),
        Err(error) => trace
            .tag("error", "true")
            .tag("error_type", type_name_of_val(error))
            .tag("error_message", error.to_string()),
    };
    outcome
}

/// Stands in for what the application does.
#[trace(span_type = Llm)]
async fn process_chat_request(message: &str) -> Result<String, ChatError> {
    sleep(Duration::from_millis(40)).await;
    if message.trim().is_empty() { Err(ChatError) } else { Ok(format!("You said: {message}")) }
}

#[derive(Debug)]
struct ChatError;

impl std::error::Error for ChatError {}

impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no message to answer")
    }
}
