//! A model whose part the test plays.

use std::convert::Infallible;

use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::service::within;

pub struct Model {
    pub url: String,
    calls: mpsc::UnboundedReceiver<Call>,
}

/// A request that waits for the test to answer it.
pub struct Call {
    pub headers: HeaderMap,
    pub body: Value,
    answer: oneshot::Sender<Response>,
}

/// An answer that is being streamed. Dropping it breaks the answer off.
pub struct Speech(mpsc::UnboundedSender<Value>);

impl Model {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (send, calls) = mpsc::unbounded_channel();
        let complete = async move |headers: HeaderMap, Json(body): Json<Value>| {
            let (answer, answered) = oneshot::channel();
            send.send(Call { headers, body, answer }).unwrap();
            answered.await.unwrap()
        };
        let routes = Router::new().route("/v1/chat/completions", post(complete));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, calls }
    }

    pub async fn called(&mut self) -> Call {
        within(self.calls.recv()).await.unwrap()
    }
}

impl Call {
    pub fn refuse(self, status: u16, body: &Value) {
        let status = StatusCode::from_u16(status).unwrap();
        self.answer.send((status, Json(body)).into_response()).unwrap();
    }

    pub fn speak(self) -> Speech {
        let (send, chunks) = mpsc::unbounded_channel();
        let chunks = UnboundedReceiverStream::new(chunks);
        let events = chunks.map(|chunk: Value| {
            let data = chunk.as_str().map_or_else(|| chunk.to_string(), ToOwned::to_owned);
            Ok::<_, Infallible>(Event::default().data(data))
        });
        self.answer.send(Sse::new(events).into_response()).unwrap();
        Speech(send)
    }

    /// Answers this, whole.
    pub fn say(self, text: &str) {
        let speech = self.speak();
        speech.say(text);
        speech.finish("stop");
    }

    /// Asks for a tool.
    pub fn ask_for(self, tool: &str, arguments: &str) {
        let speech = self.speak();
        let function = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "index": 0, "id": "call", "type": "function", "function": function });
        speech.delta(&json!({ "tool_calls": [call] }), None);
        speech.finish("tool_calls");
    }
}

impl Speech {
    pub fn say(&self, text: &str) {
        self.delta(&json!({ "content": text }), None);
    }

    pub fn finish(self, reason: &str) {
        self.delta(&json!({}), Some(reason));
        self.send(json!("[DONE]"));
    }

    /// Nobody listens any more.
    pub async fn closed(self) {
        within(self.0.closed()).await;
    }

    fn delta(&self, delta: &Value, reason: Option<&str>) {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        self.send(json!({ "id": "c", "model": "test", "choices": choices }));
    }

    fn send(&self, chunk: Value) {
        self.0.send(chunk).unwrap();
    }
}
