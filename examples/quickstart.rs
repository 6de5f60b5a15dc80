//! An agent with a retriever, a tool and a model, traced. No server is needed.
//!
//! `cargo run --example quickstart` draws the trace in the terminal and keeps it in
//! `./mlflow-traces`. With `MLFLOW_TRACKING_URI` or `OTEL_EXPORTER_OTLP_ENDPOINT` set it goes there.

use std::time::Duration;

use mlflow_tracing::{MlflowSpanExt as _, TokenUsage, trace, update_current_trace};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::Span;

type AnyError = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), AnyError> {
    let _guard = mlflow_tracing::init()?;

    let question = "What is the capital of France, and how warm is it there?";
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        answer = agent(question, "anna") => println!("{}", answer?),
        _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
        _ = terminate.recv() => eprintln!("terminated"),
    }
    Ok(()) // Whichever way it ended: the guard is dropped here, and delivers what is left.
}

#[trace(span_type = Agent, skip(user))]
async fn agent(question: &str, user: &str) -> Result<String, AnyError> {
    update_current_trace().user(user).session("s-1");
    let documents = retrieve(question, 2).await;
    let mut messages = vec![
        json!({ "role": "system", "content": documents.join("\n") }),
        json!({ "role": "user", "content": question }),
    ];
    if let Err(error) = temperature("Pariss").await {
        messages.push(json!({ "role": "tool", "content": error.to_string() }));
    }
    let celsius = temperature("Paris").await?;
    messages.push(json!({ "role": "tool", "content": format!("{celsius} °C") }));
    chat(&messages).await
}

#[trace(span_type = Retriever)]
async fn retrieve(query: &str, top_k: usize) -> Vec<&'static str> {
    sleep(Duration::from_millis(25)).await;
    ["Paris is the capital of France.", "Lyon is not."].into_iter().take(top_k).collect()
}

#[trace(span_type = Tool)]
async fn temperature(city: &str) -> Result<f64, AnyError> {
    sleep(Duration::from_millis(15)).await;
    if city == "Paris" { Ok(21.5) } else { Err(format!("no such city: {city}").into()) }
}

/// Stands in for a model: it always answers the same.
#[trace(span_type = ChatModel, inputs = json!({ "model": "stand-in", "messages": messages }))]
async fn chat(messages: &[Value]) -> Result<String, AnyError> {
    sleep(Duration::from_millis(80)).await;
    let content = "Paris, and it is 21.5 °C there.";
    let message = json!({ "role": "assistant", "content": content });
    Span::current()
        .set_outputs(&json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }))
        .set_model("stand-in")
        .set_token_usage(&TokenUsage::new(96, 12));
    Ok(content.to_owned())
}
