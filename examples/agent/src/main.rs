//! A small RAG service that answers questions about this repository, and every step of it traced.
//!
//! `agent` serves `POST /ask` until Ctrl-C or SIGTERM; `agent --once QUESTION` serves on a free
//! port, asks itself over HTTP, prints the answer and the trace's id, and ends. Everything about
//! tracing comes from the environment: with nothing set the trace is drawn in the terminal.

mod agent;
mod chat;
mod corpus;
mod error;
mod model;
mod retriever;
mod server;
mod settings;
mod sse;
mod stand_in;
mod tools;
mod trace_context;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::agent::Agent;
use crate::model::Model;
use crate::retriever::Retriever;
use crate::settings::Settings;

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    // Dropped when `main` returns, which it does on signals too: what is left is delivered then.
    let _tracing = mlflow_tracing::init()?;
    let settings = Settings::of_process()?;
    let stopped = stopped()?;

    let agent = Arc::new(Agent::new(
        Retriever::new(corpus::read(&settings.documents)?),
        Model::new(settings.model_url().await?, settings.model.clone()),
    ));
    let listener = TcpListener::bind(settings.address()).await?;
    let address = listener.local_addr()?;
    match settings.question {
        None => {
            println!("listening on http://{address}");
            server::serve(listener, agent, settings.grace, stopped).await?;
        }
        Some(question) => {
            let (finish, finished) = oneshot::channel::<()>();
            let until = async {
                tokio::select! {
                    () = stopped => {}
                    _ = finished => {}
                }
            };
            let ask = async {
                let answer = server::ask(address, &question).await;
                drop(finish);
                answer
            };
            let serving = server::serve(listener, agent, settings.grace, until);
            let (served, answer) = tokio::join!(serving, ask);
            served?;
            println!("{}", answer?);
        }
    }
    Ok(())
}

/// Ends when somebody wants the program to end.
fn stopped() -> Result<impl Future<Output = ()> + Send + 'static, AnyError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => eprintln!("terminated"),
            _ = interrupt.recv() => eprintln!("interrupted"),
        }
    })
}
