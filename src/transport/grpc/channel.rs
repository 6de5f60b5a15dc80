//! One HTTP/2 connection to a server, as the gRPC client wants it.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tonic::client::GrpcService;
use ureq::http::header::{HeaderValue, USER_AGENT};
use ureq::http::{Request, Response, Uri};

use super::{socket, tls, tunnel};
use crate::transport::connection::Connection;
use crate::transport::http;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What HTTP/2 is spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Ends when a call on it fails; whoever has it then opens another.
pub(super) struct Channel(SendRequest<Body>);

impl Channel {
    /// Connects to `origin`, whose scheme decides whether TLS is spoken.
    pub(super) async fn open(origin: &Uri, connection: &Connection) -> Result<Self, AnyError> {
        let is_tls = origin.scheme_str() == Some("https");
        let host = origin.host().unwrap_or_default();
        let port = origin.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let socket = match &connection.proxy {
            Some(proxy) => tunnel::open(proxy, &format!("{host}:{port}")).await?,
            None => socket::open(host, port).await?,
        };
        let stream: Box<dyn Stream> =
            if is_tls { tls::over(socket, host, &connection.tls).await? } else { Box::new(socket) };
        let (requests, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // What ends it is told to the call that it ends.
        tokio::spawn(async { drop(driver.await) });
        Ok(Self(requests))
    }
}

impl GrpcService<Body> for Channel {
    type ResponseBody = Incoming;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let name = HeaderValue::from_static(http::USER_AGENT);
        request.headers_mut().insert(USER_AGENT, name);
        Box::pin(self.0.send_request(request))
    }
}
