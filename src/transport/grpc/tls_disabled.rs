//! No TLS on gRPC: the feature `tls` is off, and `https://` is refused at set-up.

use std::io;

use tokio::net::TcpStream;

use super::channel::Stream;
use crate::transport::connection::Tls;

/// Never: no address gets as far as this.
#[expect(clippy::unused_async, reason = "its twin with the feature waits for the server")]
pub(super) async fn over(
    _socket: TcpStream,
    _host: &str,
    _tls: &Tls,
) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::other("https needs the feature `tls` of mlflow-tracing; enable it"))
}
