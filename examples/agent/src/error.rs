//! What can go wrong while a question is answered, and the status that says so.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mlflow_tracing::MlflowSpanExt as _;
use serde_json::{Value, json};
use thiserror::Error;
use tracing::Span;

#[derive(Debug, Error)]
pub enum Error {
    #[error("the question is empty")]
    NoQuestion,
    #[error("the model cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("the model refused with status {status}: {message}")]
    Refused { status: StatusCode, message: String },
    #[error("the model sent what is no chat completion: {text}")]
    Unreadable { text: String, source: serde_json::Error },
    #[error("the model broke off in the middle of its answer")]
    BrokenOff,
    #[error("no answer after {0} steps")]
    TooManySteps(usize),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoQuestion => StatusCode::BAD_REQUEST,
            Self::Refused { status, .. } if status.as_u16() == 429 => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::TooManySteps(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

/// An error with the trace in which it can be looked up.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct Failure {
    #[source]
    error: Error,
    trace_id: Option<String>,
}

impl Failure {
    pub fn json(&self) -> Value {
        json!({ "error": self.to_string(), "trace_id": self.trace_id })
    }
}

/// Made by `?` inside the traced function, where the trace is the current one.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, trace_id: Span::current().trace_id() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.error.status(), Json(self.json())).into_response()
    }
}
