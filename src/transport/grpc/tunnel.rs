//! A connection through an HTTP proxy, which is asked for a tunnel.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use ureq::http::Uri;

use super::socket;
use crate::transport::proxy::Proxy;

/// Longest answer of a proxy that is read.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// A connection to `target`, a host and a port, through `proxy`.
pub(super) async fn open(proxy: &Proxy, target: &str) -> io::Result<TcpStream> {
    let bad = |what: String| io::Error::other(format!("the proxy {} {what}", proxy.url()));
    let address: Uri = proxy.url().parse().map_err(|_| bad("has no address".to_owned()))?;
    let host = address.host().unwrap_or_default();
    let stream = socket::open(host, address.port_u16().unwrap_or(80)).await;
    let mut stream = stream.map_err(|error| bad(format!("cannot be reached: {error}")))?;
    stream.write_all(request(proxy, target).as_bytes()).await?;
    match status(&mut stream).await? {
        Some(200..=299) => Ok(stream),
        Some(status) => Err(bad(format!("refused a tunnel: HTTP {status}"))),
        None => Err(bad("does not answer as a proxy does".to_owned())),
    }
}

fn request(proxy: &Proxy, target: &str) -> String {
    let authorization = proxy.credentials().map_or_else(String::new, |credentials| {
        format!("Proxy-Authorization: {}\r\n", credentials.header_value())
    });
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n")
}

/// Reads the head of an answer, and not a byte more: what follows is the server's, which may speak
/// at once.
async fn status(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<u16>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD_BYTES {
            return Ok(None);
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.strip_prefix("HTTP/1.").and_then(|head| head.lines().next());
    let mut words = line.unwrap_or_default().split(' ');
    Ok(words.nth(1).and_then(|status| status.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of `answer`, and what is left.
    fn read(mut answer: &[u8]) -> (Result<Option<u16>, io::ErrorKind>, &[u8]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let status = runtime.block_on(status(&mut answer));
        (status.map_err(|error| error.kind()), answer)
    }

    #[test]
    fn what_the_server_says_at_once_is_left_to_it() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nPRI";
        assert_eq!(read(answer), (Ok(Some(200)), &b"PRI"[..]));
    }

    #[test]
    fn the_status_is_found_with_words_and_without() {
        for (answer, status) in [
            ("HTTP/1.0 407 Who are you?\r\n\r\n", 407),
            ("HTTP/1.1 502 \r\n\r\n", 502),
            ("HTTP/1.1 204\r\n\r\n", 204),
        ] {
            assert_eq!(read(answer.as_bytes()).0, Ok(Some(status)), "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_has_no_status() {
        let endless = vec![b'x'; 2 * MAX_HEAD_BYTES];
        for answer in ["HTTP/2 200\r\n\r\n", "HTTP/1.1\r\n\r\n", "\r\n\r\n"] {
            assert_eq!(read(answer.as_bytes()).0, Ok(None), "{answer}");
        }
        assert_eq!(read(&endless).0, Ok(None));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n").0, Err(io::ErrorKind::UnexpectedEof));
    }
}
