//! What came, and what is done with it.

use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::super::http::{Answer, Head};
use super::super::spans::Spans;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// What is asked before any span is sent: the experiment, or an empty OTLP request.
    Setup,
    Spans,
    TraceInfo,
    /// Which version an MLflow server has.
    Version,
    /// Anything that nobody should ask for.
    Other,
}

/// What is done with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Answer(Answer),
    /// Reads the request and closes the connection.
    Close,
    /// Sends an answer whose head never ends, byte by byte.
    Drip,
    /// Sends an answer whose body never ends, byte by byte.
    EndlessAnswer(Answer),
    /// Breaks off in the middle of the answer's body.
    HalfAnswer(Answer),
    /// Breaks off in the middle of the status line.
    HalfStatusLine,
    /// Answers 200, but not before [`Server::release`].
    Hold,
    /// Sends something else than HTTP and closes the connection.
    Raw(&'static [u8]),
    /// Resets the connection with the body unread.
    Reset,
}

impl From<u16> for Act {
    fn from(status: u16) -> Self {
        Self::Answer(Answer::new(status))
    }
}

impl From<Answer> for Act {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A request that came, in full.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) route: Route,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// What was answered, if anything.
    pub(crate) status: Option<u16>,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The OTLP request, in whichever form it came.
    pub(crate) fn message(&self) -> ExportTraceServiceRequest {
        match self.head.header("content-type") {
            Some("application/json") => serde_json::from_slice(&self.body).unwrap(),
            _ => ExportTraceServiceRequest::decode(self.body.as_slice()).unwrap(),
        }
    }

    pub(crate) fn spans(&self) -> Spans {
        Spans::of([self.message()])
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| status < 300)
    }
}
