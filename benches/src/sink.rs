//! An OTLP/HTTP receiver on the loopback that counts and forgets.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
/// From a request to its spans: `resource_spans`, `scope_spans`, `spans`.
const SPANS: [u64; 3] = [1, 2, 2];

/// A receiver; its threads end with the process.
pub struct Sink {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    spans: AtomicU64,
    bytes: AtomicU64,
    requests: AtomicU64,
}

impl Sink {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&shared);
                // A connection that breaks is one whose spans are missed in the count.
                thread::spawn(move || serve(stream, &counts));
            }
        });
        Ok(Self { address, counts })
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Spans acknowledged so far.
    pub fn spans(&self) -> u64 {
        self.counts.spans.load(Ordering::Acquire)
    }

    /// Bytes of requests, heads included.
    pub fn bytes(&self) -> u64 {
        self.counts.bytes.load(Ordering::Acquire)
    }

    pub fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Acquire)
    }
}

fn serve(mut stream: TcpStream, counts: &Counts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut body = Vec::new();
    while let Some((head, length)) = read_head(&mut reader)? {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        counts.bytes.fetch_add((head + length) as u64, Ordering::Release);
        counts.requests.fetch_add(1, Ordering::Release);
        counts.spans.fetch_add(count(&body, &SPANS), Ordering::Release);
        stream.write_all(ANSWER)?;
    }
    Ok(())
}

/// Lengths of a request's head and of its body; `None` when the client is done.
fn read_head(reader: &mut impl io::BufRead) -> io::Result<Option<(usize, usize)>> {
    let (mut head, mut body) = (0, 0);
    let mut line = String::new();
    loop {
        line.clear();
        let read = reader.read_line(&mut line)?;
        head += read;
        match line.trim_end() {
            _ if read == 0 => return Ok(None),
            "" => return Ok(Some((head, body))),
            header => {
                if let Some((name, value)) = header.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    body = value.trim().parse().map_err(io::Error::other)?;
                }
            }
        }
    }
}

/// Messages at the end of `path` in a protobuf message.
fn count(message: &[u8], path: &[u64]) -> u64 {
    let Some((field, rest)) = path.split_first() else {
        return 1;
    };
    let inside = Fields(message).filter(|(number, _)| number == field);
    inside.map(|(_, message)| count(message, rest)).sum()
}

/// The length-delimited fields of a protobuf message; ends early at what it does not understand.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let tag = self.varint()?;
            let skipped = match tag & 7 {
                0 => {
                    self.varint()?;
                    0
                }
                1 => 8,
                2 => {
                    let length = usize::try_from(self.varint()?).ok()?;
                    return Some((tag >> 3, self.split(length)?));
                }
                5 => 4,
                _ => return None,
            };
            self.split(skipped)?;
        }
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.split(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn split(&mut self, at: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(at)?;
        self.0 = rest;
        Some(taken)
    }
}
