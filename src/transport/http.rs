//! The only use of the HTTP client: one blocking request on the sender's thread.
//!
//! Settings that matter (each was a lost span once): statuses are answers, not errors; redirects
//! are not followed, because a followed 302 turns a POST into a GET; a connection idle for four
//! seconds is not reused, because the MLflow server closes it after five; no proxy is taken from
//! the environment behind our back.

use std::fmt;
use std::io::{ErrorKind, Read as _};
use std::time::{Duration, SystemTime};

use ureq::http::Uri;
use ureq::{Agent, Body, RequestBuilder, SendBody, Timeout};

use crate::model::time;
use crate::sync::wall_clock;
use crate::transport::connection::{Connection, speaks_of_certificates};
use crate::transport::endpoint::Credentials;
use crate::transport::headers::{Headers, Secrets};
use crate::transport::parts::Parts;
use crate::transport::proxy::Proxy;
use crate::transport::resolver::{CachingResolver, Nowhere};
use crate::transport::{retry, tls};

/// Longest part of an answer that is read.
const MAX_REPLY_BYTES: u64 = 64 * 1024;
/// Longest that is waited for the rest of an answer whose status is known.
const MAX_BODY_TIME: Duration = Duration::from_secs(5);
/// Longest part of an answer that is repeated to the user.
pub(crate) const MAX_REPLY_CHARS: usize = 300;
/// uvicorn, under the MLflow server, closes after 5 s.
pub(crate) const MAX_IDLE: Duration = Duration::from_secs(4);

pub(crate) const USER_AGENT: &str = concat!("mlflow-tracing-rust/", env!("CARGO_PKG_VERSION"));

/// A client with its own connections.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    agent: Agent,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a Headers,
    pub(crate) content_type: &'a str,
    pub(crate) content_encoding: Option<&'a str>,
    pub(crate) body: &'a Parts<'a>,
    pub(crate) timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    Failed(Failure),
}

/// An answer, whatever its status.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<String>,
    /// What time it is there.
    pub(crate) date: Option<SystemTime>,
    /// The proxies that the answer came through, where they say so.
    pub(crate) via: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Whether there was more of the body than what was read.
    pub(crate) cut_short: bool,
    pub(crate) secrets: Secrets,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There was no connection: nothing was sent.
    Unreached(String),
    /// The connection ended while the request was under way.
    CutOff(String),
    /// The request was sent, and there was no answer in time, or none that can be read.
    NoAnswer(String),
    /// No attempt can succeed: the TLS set-up or the address is wrong.
    Unusable(String),
}

impl Failure {
    /// Whether the request may have had its effect all the same.
    pub(crate) fn is_in_doubt(&self) -> bool {
        matches!(self, Self::CutOff(_) | Self::NoAnswer(_))
    }

    pub(crate) fn into_words(self) -> String {
        match self {
            Self::Unreached(text)
            | Self::CutOff(text)
            | Self::NoAnswer(text)
            | Self::Unusable(text) => text,
        }
    }
}

impl Http {
    pub(crate) fn new(connection: &Connection) -> Self {
        let config = tls::apply(Agent::config_builder(), &connection.tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_age(MAX_IDLE)
            .max_idle_connections(2)
            .max_idle_connections_per_host(2)
            .proxy(connection.proxy.as_ref().and_then(tunnel))
            .user_agent(USER_AGENT)
            .build();
        set_up_process();
        let connector = ureq::unversioned::transport::DefaultConnector::default();
        Self { agent: Agent::with_parts(config, connector, CachingResolver::default()) }
    }

    /// Sends and reads the answer within `request.timeout`.
    pub(crate) fn send(&self, request: &Request<'_>) -> Outcome {
        match self.exchange(request) {
            Ok(reply) => Outcome::Reply(reply),
            Err(error) => Outcome::Failed(failure(&error)),
        }
    }

    fn exchange(&self, request: &Request<'_>) -> Result<Reply, ureq::Error> {
        let Request { timeout, .. } = *request;
        let response = match request.method {
            Method::Get => {
                let mut builder = limited(self.agent.get(request.url), timeout);
                for (name, value) in request.headers.iter() {
                    builder = builder.header(name, value);
                }
                builder.call()?
            }
            Method::Post => {
                let mut builder = limited(self.agent.post(request.url), timeout);
                for (name, value) in request.headers.iter() {
                    builder = builder.header(name, value);
                }
                if let Some(encoding) = request.content_encoding {
                    builder = builder.header("Content-Encoding", encoding);
                }
                // A body whose length is known is copied once; chunks would be copied twice.
                builder
                    .header("Content-Type", request.content_type)
                    .header("Content-Length", request.body.len())
                    .send(SendBody::from_reader(&mut request.body.reader()))?
            }
        };
        let (head, body) = response.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let (body, cut_short) = read(body);
        let date = header("date").and_then(time::of_http);
        Ok(Reply {
            status: head.status.as_u16(),
            retry_after: header("retry-after").and_then(|value| {
                // A date is meant by the server's clock, of which it tells the time.
                let now = date.unwrap_or_else(wall_clock);
                retry::retry_after(value, now)
            }),
            location: header("location").map(str::to_owned),
            date,
            via: header("via").map(str::to_owned),
            content_type: header("content-type").unwrap_or_default().to_owned(),
            body,
            cut_short,
            secrets: request.headers.secrets(),
        })
    }

    /// Breaks off requests under way and refuses new ones.
    pub(crate) fn shutdown(&self) {
        self.agent.clone().shutdown();
    }
}

/// Has the client make, on the thread that sets up, what it makes once in a process: a child made by
/// `fork` while a sender is at it would wait for ever.
fn set_up_process() {
    let agent = Agent::with_parts(Agent::config_builder().proxy(None).build(), (), Nowhere);
    let _ = agent.get("http://nowhere.invalid").call();
}

impl Reply {
    /// The body as text, for looking into.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if it is that. All JSON is read as text: a second reader, of bytes, is code
    /// that every program would carry.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.text()).ok()
    }

    /// Whether it is a page for people, which no receiver of spans answers with.
    pub(crate) fn is_page(&self) -> bool {
        self.content_type.starts_with("text/html")
    }

    /// Whether nginx says that it got no client certificate, or not the right one.
    pub(crate) fn misses_certificate(&self) -> bool {
        self.status == 400 && self.text().contains("SSL certificate")
    }

    /// Words of the answer, for showing.
    pub(crate) fn masked(&self, words: &str) -> String {
        self.secrets.mask(words)
    }
}

/// The status and the first words of the answer.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(location) = &self.location {
            write!(f, " to {}", self.masked(location))?;
        }
        let text = self.masked(&self.text());
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return write!(f, " ({} bytes of {})", self.body.len(), self.content_type);
        }
        match words.char_indices().nth(MAX_REPLY_CHARS) {
            _ if words.is_empty() => Ok(()),
            Some((end, _)) => write!(f, ": {}…", words.get(..end).unwrap_or_default()),
            None => write!(f, ": {words}"),
        }
    }
}

/// The client's form of a proxy.
fn tunnel(proxy: &Proxy) -> Option<ureq::Proxy> {
    let address: Uri = proxy.url().parse().ok()?;
    let builder = ureq::Proxy::builder(ureq::ProxyProtocol::Http)
        .host(address.host()?)
        .port(address.port_u16().unwrap_or(80));
    let builder = match proxy.credentials() {
        Some(Credentials::Basic { user, password }) => builder.username(user).password(password),
        Some(Credentials::Bearer(_)) | None => builder,
    };
    builder.build().ok()
}

/// Ends the request at its time; whether it was sent then shows by which time is over.
fn limited<T>(request: RequestBuilder<T>, timeout: Duration) -> RequestBuilder<T> {
    request
        .config()
        .timeout_global(Some(timeout))
        .timeout_connect(Some(timeout.saturating_sub(Duration::from_millis(1))))
        .timeout_recv_body(Some(timeout.min(MAX_BODY_TIME)))
        .build()
}

/// What comes of the body in time, and whether there was more. The status has decided already: a body that
/// breaks off or never ends changes nothing.
fn read(mut body: Body) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let whole = body.as_reader().take(MAX_REPLY_BYTES).read_to_end(&mut bytes);
    (bytes, !whole.is_ok_and(|length| (length as u64) < MAX_REPLY_BYTES))
}

fn failure(error: &ureq::Error) -> Failure {
    let text = error.to_string();
    match error {
        ureq::Error::Io(_) if speaks_of_certificates(&text) => Failure::Unusable(text),
        ureq::Error::Io(io) => match io.kind() {
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Failure::CutOff(text),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::NoAnswer(text),
            // Of connecting, and of looking the name up.
            _ => Failure::Unreached(text),
        },
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_) => Failure::Unreached(text),
        ureq::Error::Tls(_)
        | ureq::Error::TlsRequired
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::InvalidProxyUrl => Failure::Unusable(text),
        other if tls::is_certificate_problem(other) => Failure::Unusable(text),
        _ => Failure::NoAnswer(text),
    }
}
