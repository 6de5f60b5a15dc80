//! The HTTP side: `POST /ask` with a question, answered whole or as a stream of events.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, middleware};
use mlflow_tracing::opentelemetry::trace::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::agent::{Agent, Caller};
use crate::{AnyError, trace_context};

const USER: &str = "x-user-id";
const SESSION: &str = "x-session-id";

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    question: String,
}

/// Serves until `stopped`, and then for at most `grace` what has been asked already.
pub async fn serve(
    listener: TcpListener,
    agent: Arc<Agent>,
    grace: Duration,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/ask", post(answer))
        .layer(middleware::from_fn(trace_context::accept))
        .with_state(agent);
    let (ending, ends) = oneshot::channel::<()>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
        stopped.await;
        drop(ending);
    });
    let patience = async {
        let _ = ends.await;
        sleep(grace).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = patience => Ok(()),
    }
}

async fn answer(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    Json(Question { question }): Json<Question>,
) -> Response {
    let caller = Caller { user: text(&headers, USER), session: text(&headers, SESSION) };
    if text(&headers, header::ACCEPT.as_str()).as_deref() == Some("text/event-stream") {
        return stream(agent, caller, question);
    }
    match agent.answer(&caller, &question, |_| ()).await {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// Sends the text as the model says it, then the trace's id, or what went wrong.
fn stream(agent: Arc<Agent>, caller: Caller, question: String) -> Response {
    let (send, events) = mpsc::unbounded_channel();
    let answering = async move {
        let said = |text: &str| drop(send.send(json!({ "text": text })));
        tokio::select! {
            outcome = agent.answer(&caller, &question, said) => {
                let last = match outcome {
                    Ok(answer) => json!({ "trace_id": answer.trace_id }),
                    Err(failure) => failure.json(),
                };
                drop(send.send(last));
            }
            // Nobody listens any more: the agent is dropped where it stands, and its spans end.
            () = send.closed() => {}
        }
    };
    // A task of its own does not inherit the caller's trace context; it has to be handed on.
    tokio::spawn(answering.with_current_context());
    let events = UnboundedReceiverStream::new(events);
    Sse::new(events.map(|event: Value| Event::default().json_data(event))).into_response()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
}

/// Asks the service at `address` as any client would; returns its answer and the trace's id.
pub async fn ask(address: SocketAddr, question: &str) -> Result<String, AnyError> {
    let post = reqwest::Client::new().post(format!("http://{address}/ask"));
    let request = post.header(USER, "anna").header(SESSION, "session-1");
    let response = request.json(&Question { question: question.to_owned() }).send().await?;
    let status = response.status();
    let body: Value = response.json().await?;
    let said = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    if status.is_success() {
        Ok(format!("{}\ntrace {}", said("answer"), said("trace_id")))
    } else {
        Err(format!("{status}: {} (trace {})", said("error"), said("trace_id")).into())
    }
}
