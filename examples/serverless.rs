//! A serverless function: each call's trace is delivered before the answer is given, because the
//! process may be frozen, or ended, right after it.
//!
//! ```sh
//! MLFLOW_TRACKING_URI=http://127.0.0.1:5000 cargo run --example serverless --features tower
//! ```
//!
//! With `lambda_runtime` the handler is wrapped in the same way:
//! `lambda_runtime::run(FlushLayer::new(&tracing, patience).layer(service_fn(handler)))`.

use std::error::Error;
use std::future::Future;
use std::io::{Write as _, stdout};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mlflow_tracing::{FlushLayer, trace};
use tower_layer::Layer as _;
use tower_service::Service;

#[trace]
async fn answer(question: String) -> Result<String, std::io::Error> {
    Ok(format!("{question} Paris."))
}

/// What the platform calls.
#[derive(Clone)]
struct Handler;

impl Service<String> for Handler {
    type Response = String;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<String, std::io::Error>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, question: String) -> Self::Future {
        Box::pin(answer(question))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let tracing = mlflow_tracing::init()?;
    // Longer than the back end takes, shorter than the platform lets a call take.
    let mut handler = FlushLayer::new(&tracing, Duration::from_secs(2)).layer(Handler);
    for question in ["What is the capital of France?", "And its largest city?"] {
        let reply = handler.call(question.to_owned()).await?;
        let delivered = tracing.stats().destinations.first().map_or(0, |it| it.delivered);
        writeln!(stdout(), "{reply} ({delivered} spans delivered)")?;
    }
    Ok(())
}
