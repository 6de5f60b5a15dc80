//! HTTP/1.1 as far as the scripted server needs it.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use flate2::read::GzDecoder;

/// Everything before the body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// What is sent back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn length(&self) -> usize {
        assert!(self.header("transfer-encoding").is_none(), "bodies have a length");
        self.header("content-length").map_or(0, |length| length.parse().unwrap())
    }
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.header("Content-Type", content_type) }
    }

    pub(crate) fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// The bytes of the answer, whose body says that it has `length` bytes.
    pub(crate) fn bytes(&self, length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let _ = write!(out, "HTTP/1.1 {} Said\r\nContent-Length: {length}\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }

    pub(crate) fn write(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.write_all(&self.bytes(self.body.len()))
    }
}

/// Reads up to the empty line and not one byte further: a body that is never read makes the end of
/// the connection a reset. `None` when the client has closed it.
pub(crate) fn read_head(mut stream: &TcpStream) -> io::Result<Option<Head>> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        text.extend_from_slice(&byte);
    }
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let headers = lines.map(|line| line.split_once(':').unwrap());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Ok(Some(Head { method, path, headers: headers.collect() }))
}

/// Reads the body, and unpacks it.
pub(crate) fn read_body(mut stream: &TcpStream, head: &Head) -> io::Result<Vec<u8>> {
    let mut body = vec![0; head.length()];
    stream.read_exact(&mut body)?;
    match head.header("content-encoding") {
        None => Ok(body),
        Some("gzip") => {
            let mut unpacked = Vec::new();
            GzDecoder::new(body.as_slice()).read_to_end(&mut unpacked)?;
            Ok(unpacked)
        }
        Some(other) => panic!("unknown content encoding {other}"),
    }
}
