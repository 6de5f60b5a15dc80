//! The only use of the gRPC client: one unary call at a time, on a runtime of the sender's own.
//!
//! The runtime is made, driven and dropped on the sender's thread, so that neither needs nor
//! disturbs one of the program's. Between calls nothing drives it: a connection that was idle for
//! long is therefore not trusted, and neither is one on which a call failed.

mod codec;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(not(feature = "gzip"))]
#[path = "gzip_disabled.rs"]
mod gzip;
pub(crate) mod refusal;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_disabled.rs"]
mod tls;
mod tunnel;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use ureq::http::uri::PathAndQuery;

use crate::diagnostics;
use crate::model::text::cut;
use crate::sync::now;
use crate::transport::connection::{Connection, speaks_of_certificates};
use crate::transport::headers::Headers;
use crate::transport::http::{Failure, MAX_IDLE, MAX_REPLY_CHARS, USER_AGENT};
use codec::BytesCodec;
use refusal::Refusal;

/// A client with its own connection.
pub(crate) struct Grpc {
    origin: String,
    headers: Headers,
    gzip: bool,
    connection: Connection,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    open: Option<Open>,
}

struct Open {
    client: tonic::client::Grpc<Channel>,
    last_used: Instant,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Bytes),
    Refused(Refusal),
    Failed(Failure),
}

impl Grpc {
    /// A client of `origin`: scheme, host and port.
    pub(crate) fn new(
        origin: String,
        headers: Headers,
        gzip: bool,
        connection: Connection,
    ) -> Self {
        let stop = watch::Sender::new(false);
        Self { origin, headers, gzip, connection, stop, runtime: None, open: None }
    }

    /// Calls `path` with a finished message and reads the answer within `timeout`.
    pub(crate) fn call(
        &mut self,
        path: &'static str,
        message: Vec<u8>,
        timeout: Duration,
    ) -> Outcome {
        let message = Bytes::from(message);
        let start = now();
        self.open.take_if(|open| start.duration_since(open.last_used) >= MAX_IDLE);
        let was_open = self.open.is_some();
        let outcome = self.attempt(path, message.clone(), timeout);
        let left = timeout.saturating_sub(now().duration_since(start));
        match outcome {
            // Whether an idle connection still works shows when it is used.
            Outcome::Failed(Failure::CutOff(_) | Failure::NoAnswer(_))
                if was_open && !left.is_zero() =>
            {
                self.attempt(path, message, left)
            }
            outcome => outcome,
        }
    }

    /// Hides the values of headers in what the server said.
    pub(crate) fn mask(&self, words: &str) -> String {
        self.headers.secrets().mask(words)
    }

    /// A handle that breaks off a call under way and refuses new ones, from another thread.
    pub(crate) fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        let stop = self.stop.clone();
        Box::new(move || {
            stop.send_replace(true);
        })
    }

    /// A panic of somebody else's code must not end this destination: tonic 0.14 panics at details
    /// of a status that are not base64.
    fn attempt(&mut self, path: &'static str, message: Bytes, timeout: Duration) -> Outcome {
        match catch_unwind(AssertUnwindSafe(|| self.exchange(path, message, timeout))) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(problem)) => Outcome::Failed(Failure::Unusable(problem)),
            Err(_) => {
                self.runtime = None;
                let message = "the answer could not be read".to_owned();
                Outcome::Refused(Refusal { code: Code::DataLoss, message, details: Vec::new() })
            }
        }
    }

    fn exchange(
        &mut self,
        path: &'static str,
        message: Bytes,
        timeout: Duration,
    ) -> Result<Outcome, String> {
        let mut request = Request::new(message);
        *request.metadata_mut() = metadata(&self.headers)?;
        let mut client = self.open()?;
        let mut stopped = self.stop.subscribe();
        let Some(runtime) = &self.runtime else { return Err("there is no runtime".to_owned()) };
        let exchange = async {
            tokio::select! {
                answer = tokio::time::timeout(timeout, call(&mut client, request, path)) => match answer {
                    Ok(Ok(answer)) => Outcome::Answer(answer),
                    Ok(Err(status)) => self.outcome(&status),
                    Err(_) => Outcome::Failed(Failure::NoAnswer(format!(
                        "no answer within {} ms",
                        timeout.as_millis()
                    ))),
                },
                _ = stopped.wait_for(|stopped| *stopped) => {
                    Outcome::Failed(Failure::NoAnswer("the program ends".to_owned()))
                }
            }
        };
        let outcome = diagnostics::unheard(|| runtime.block_on(exchange));
        if !matches!(outcome, Outcome::Failed(_)) {
            self.open = Some(Open { client, last_used: now() });
        }
        Ok(outcome)
    }

    /// The client of the last call, or a new one.
    fn open(&mut self) -> Result<tonic::client::Grpc<Channel>, String> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| format!("could not start a runtime: {error}"))?,
        };
        let runtime = self.runtime.insert(runtime);
        if let Some(open) = self.open.take() {
            return Ok(open.client);
        }
        let _entered = runtime.enter();
        let channel = channel(&self.origin, &self.connection)?;
        let client = tonic::client::Grpc::new(channel);
        Ok(if self.gzip { gzip::apply(client) } else { client })
    }

    /// A status with a source is the connection's, whatever its code says.
    fn outcome(&self, status: &Status) -> Outcome {
        if status.source().is_some() {
            return Outcome::Failed(failure(status));
        }
        let message = self.mask(status.message());
        Outcome::Refused(Refusal {
            code: status.code(),
            message: cut(&message, MAX_REPLY_CHARS).to_owned(),
            details: status.details().to_vec(),
        })
    }
}

async fn call(
    client: &mut tonic::client::Grpc<Channel>,
    request: Request<Bytes>,
    path: &'static str,
) -> Result<Bytes, Status> {
    client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let path = PathAndQuery::from_static(path);
    client.unary(request, path, BytesCodec).await.map(tonic::Response::into_inner)
}

fn channel(origin: &str, connection: &Connection) -> Result<Channel, String> {
    let endpoint = Endpoint::from_shared(origin.to_owned())
        .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
        .and_then(|endpoint| tls::apply(endpoint, &connection.tls))
        .map_err(|error| chain(&error))?;
    tunnel::channel(&endpoint, connection.proxy.as_ref())
}

/// Header names are lower case on this wire.
fn metadata(headers: &Headers) -> Result<MetadataMap, String> {
    let mut metadata = MetadataMap::new();
    for (name, value) in headers.iter() {
        let key = AsciiMetadataKey::from_str(&name.to_ascii_lowercase());
        let value = AsciiMetadataValue::try_from(value);
        match (key, value) {
            (Ok(key), Ok(value)) => metadata.insert(key, value),
            _ => return Err(format!("the header `{name}` cannot be sent over gRPC")),
        };
    }
    Ok(metadata)
}

fn failure(status: &Status) -> Failure {
    let text = chain(status);
    if speaks_of_certificates(&text) {
        return Failure::Unusable(text);
    }
    let cut_off = ["connection reset", "broken pipe", "closed"];
    if cut_off.iter().any(|words| text.to_ascii_lowercase().contains(words)) {
        return Failure::CutOff(text);
    }
    Failure::NoAnswer(text)
}

/// An error and what it came from, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
