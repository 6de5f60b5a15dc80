//! What came over gRPC, and what is done with it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use h2::Reason;
use http::request::Parts;
use prost::Message;
use tonic::Code;

use super::super::super::spans::Spans;
use super::super::request::Route;

/// A call that came, in full.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) route: Route,
    pub(crate) head: Parts,
    /// Unpacked.
    pub(crate) message: Vec<u8>,
    /// How long the message was on its way, without the five bytes before it.
    pub(crate) sent_bytes: usize,
    pub(crate) compressed: bool,
    /// Counted from 0.
    pub(crate) connection: usize,
    /// What was answered, if anything.
    pub(crate) code: Option<Code>,
    pub(crate) at: Instant,
}

impl Call {
    pub(crate) fn metadata(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn spans(&self) -> Spans {
        Spans::decode([self.message.as_slice()])
    }
}

/// What is done with a call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// OK and a message.
    Answer(Vec<u8>),
    /// OK without the message that belongs to it: no success.
    AnswerNothing,
    /// Breaks the connection off, with half an answer sent.
    Break,
    /// Closes the connection without an answer.
    Close,
    /// Tells the connection's end (GOAWAY), and leaves the call unanswered.
    GoAway,
    /// Answers OK, but not before [`release`](super::GrpcServer::release).
    Hold,
    /// Answers as an HTTP server that knows nothing of gRPC.
    Http(u16, &'static str),
    Refuse(Refusal),
    /// Resets the stream.
    Reset(Reason),
}

impl Act {
    /// OK, as it is usual.
    pub(crate) fn ok() -> Self {
        Self::Answer(Vec::new())
    }

    pub(super) fn code(&self) -> Option<Code> {
        match self {
            Self::Answer(_) => Some(Code::Ok),
            Self::Refuse(refusal) => Some(refusal.code),
            _ => None,
        }
    }
}

impl From<Code> for Act {
    fn from(code: Code) -> Self {
        Refusal::new(code, "as the test wants it").into()
    }
}

impl From<Refusal> for Act {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// A status that is not OK.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    /// `grpc-status-details-bin`
    pub(super) details: Option<String>,
    /// Whether it comes without headers before it.
    pub(super) trailers_only: bool,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, trailers_only: true }
    }

    /// In trailers that follow headers, as after a handler has begun.
    pub(crate) fn after_headers(self) -> Self {
        Self { trailers_only: false, ..self }
    }

    /// With this in place of details.
    pub(crate) fn with_details(self, text: &str) -> Self {
        Self { details: Some(text.to_owned()), ..self }
    }

    /// With the time after which the server wants to be asked again.
    pub(crate) fn retry_in(self, pause: Duration) -> Self {
        let delay = ProtoDuration {
            seconds: pause.as_secs().try_into().unwrap(),
            nanos: pause.subsec_nanos().try_into().unwrap(),
        };
        let info = ProtoAny {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: RetryInfo { retry_delay: Some(delay) }.encode_to_vec(),
        };
        // As servers do that say more than that.
        let other = ProtoAny {
            type_url: "type.googleapis.com/google.rpc.DebugInfo".to_owned(),
            value: vec![0x0a, 0x01, b'x'],
        };
        let status = RpcStatus {
            code: self.code.into(),
            message: self.message.clone(),
            details: vec![other, info],
        };
        Self { details: Some(BASE64.encode(status.encode_to_vec())), ..self }
    }
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<ProtoAny>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct ProtoAny {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}
