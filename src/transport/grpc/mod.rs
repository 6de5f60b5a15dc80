//! The only use of the gRPC client: one unary call at a time, on a runtime of the sender's own.
//!
//! The runtime is made, driven and dropped on the sender's thread, so that neither needs nor
//! disturbs one of the program's. Between calls nothing drives it: a connection that was idle for
//! long is therefore not trusted, and neither is one on which a call failed. The runtime goes with
//! it, so that nothing of it lingers.

mod channel;
mod codec;
mod failure;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(not(feature = "gzip"))]
#[path = "gzip_disabled.rs"]
mod gzip;
pub(crate) mod refusal;
mod socket;
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
use tonic::{Code, Request, Status};
use ureq::http::Uri;
use ureq::http::uri::{InvalidUri, PathAndQuery};

use crate::diagnostics;
use crate::model::text::cut;
use crate::sync::now;
use crate::transport::connection::Connection;
use crate::transport::headers::Headers;
use crate::transport::http::{Failure, MAX_IDLE, MAX_REPLY_CHARS};
use channel::Channel;
use codec::BytesCodec;
use failure::failure;
use refusal::Refusal;

/// A client with its own connection.
pub(crate) struct Grpc {
    origin: String,
    headers: Headers,
    gzip: bool,
    connection: Connection,
    stop: watch::Sender<bool>,
    /// The connection of the last call, and when that was.
    open: Option<(Link, Instant)>,
}

/// Longest answer that is read; no server's limit on requests is such a number.
const MAX_ANSWER_BYTES: usize = 64 * 1024 + 1;

type Client = tonic::client::Grpc<Channel>;

/// A connection, and the runtime that drives it.
struct Link {
    runtime: Option<Runtime>,
    client: Option<Client>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Bytes),
    /// One that nobody needs to read: an answer says next to nothing.
    TooLong,
    Refused(Refusal),
    Failed(Failure),
    /// The same, on a connection of before: whether an idle one still works shows when it is used.
    Stale(Failure),
}

impl Link {
    fn new() -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("could not start a runtime: {error}"))?;
        Ok(Self { runtime: Some(runtime), client: None })
    }
}

/// Waits for nothing: a name may be looked up for longer than anybody has time.
impl Drop for Link {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            diagnostics::unheard(|| runtime.shutdown_background());
        }
    }
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
        Self { origin, headers, gzip, connection, stop, open: None }
    }

    /// Calls `path` with a finished message and reads the answer within `timeout`.
    pub(crate) fn call(
        &mut self,
        path: &'static str,
        message: Vec<u8>,
        timeout: Duration,
    ) -> Outcome {
        let start = now();
        self.open.take_if(|(_, last_used)| start.duration_since(*last_used) >= MAX_IDLE);
        let was_open = self.open.is_some();
        match self.attempt(path, Bytes::from(message), timeout) {
            Outcome::Failed(failure)
                if was_open
                    && !matches!(failure, Failure::Unusable(_))
                    && now().duration_since(start) < timeout =>
            {
                Outcome::Stale(failure)
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
        let mut link = match self.open.take() {
            Some((link, _)) => link,
            None => Link::new()?,
        };
        let mut stopped = self.stop.subscribe();
        let Link { runtime: Some(runtime), client } = &mut link else {
            return Err("there is no runtime".to_owned());
        };
        let exchange = async {
            tokio::select! {
                outcome = tokio::time::timeout(timeout, self.answer(client, request, path)) => {
                    outcome.unwrap_or_else(|_| Outcome::Failed(Failure::NoAnswer(format!(
                        "no answer within {} ms",
                        timeout.as_millis()
                    ))))
                }
                _ = stopped.wait_for(|stopped| *stopped) => {
                    Outcome::Failed(Failure::NoAnswer("the program ends".to_owned()))
                }
            }
        };
        let outcome = diagnostics::unheard(|| runtime.block_on(exchange));
        if !matches!(outcome, Outcome::Failed(_)) {
            self.open = Some((link, now()));
        }
        Ok(outcome)
    }

    /// What comes of a call by `client`, which is connected if there is none.
    async fn answer(
        &self,
        client: &mut Option<Client>,
        request: Request<Bytes>,
        path: &'static str,
    ) -> Outcome {
        let client = match client {
            Some(client) => client,
            None => match self.connect().await {
                Ok(connected) => client.insert(connected),
                Err(failure) => return Outcome::Failed(failure),
            },
        };
        if let Err(error) = client.ready().await {
            return Outcome::Failed(failure(Some(&error), false));
        }
        let path = PathAndQuery::from_static(path);
        match client.unary(request, path, BytesCodec).await {
            Ok(answer) => Outcome::Answer(answer.into_inner()),
            Err(status) if is_too_long(&status) => Outcome::TooLong,
            Err(status) => self.outcome(&status),
        }
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let origin: Uri = self
            .origin
            .parse()
            .map_err(|error: InvalidUri| Failure::Unusable(error.to_string()))?;
        let channel = Channel::open(&origin, &self.connection).await;
        let channel = channel.map_err(|error| failure(Some(error.as_ref()), false))?;
        let client = Client::with_origin(channel, origin);
        let client = client.max_decoding_message_size(MAX_ANSWER_BYTES);
        Ok(if self.gzip { gzip::apply(client) } else { client })
    }

    /// A status with a source is the connection's, whatever its code says.
    fn outcome(&self, status: &Status) -> Outcome {
        if status.source().is_some() {
            return Outcome::Failed(failure(status.source(), true));
        }
        let message = self.mask(status.message());
        Outcome::Refused(Refusal {
            code: status.code(),
            message: cut(&message, MAX_REPLY_CHARS).to_owned(),
            details: status.details().to_vec(),
        })
    }
}

/// Whether the client stopped at the answer's length; a server has the same words for a request's.
fn is_too_long(status: &Status) -> bool {
    let is_ours = |start| status.message().contains(&format!("{start}{MAX_ANSWER_BYTES} bytes"));
    match status.code() {
        Code::OutOfRange => is_ours("the limit is: "),
        Code::ResourceExhausted => is_ours("size limit, of "),
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_connection_is_given_up_though_a_name_is_still_looked_up() {
        let link = Link::new().unwrap();
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let looks_up = move || {
            begun.send(()).unwrap();
            let _ = ends.recv();
        };
        link.runtime.as_ref().unwrap().spawn_blocking(looks_up);
        begins.recv().unwrap();
        drop(link);
        drop(end);
    }
}
