//! An HTTP server on the loopback that answers at once and counts.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::otlp;

/// A server; its threads end with the process.
pub struct Server {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    spans: AtomicU64,
    bytes: AtomicU64,
    requests: AtomicU64,
}

/// A request's first line and body.
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub body: &'a [u8],
}

pub struct Answer {
    pub content_type: &'static str,
    pub body: String,
}

impl Server {
    pub fn start(answer: fn(&Request<'_>) -> Answer) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&shared);
                // A connection that breaks is one whose spans are missed in the count.
                thread::spawn(move || serve(stream, &counts, answer));
            }
        });
        Ok(Self { address, counts })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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

/// A URL on which nobody listens.
pub fn dead_url(scheme: &str, path: &str) -> io::Result<String> {
    // The port was free a moment ago, and the system does not give it away again soon.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    Ok(format!("{scheme}://{address}{path}"))
}

fn serve(
    mut stream: TcpStream,
    counts: &Counts,
    answer: fn(&Request<'_>) -> Answer,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut body = Vec::new();
    while let Some(head) = Head::read(&mut reader)? {
        body.resize(head.body_bytes, 0);
        reader.read_exact(&mut body)?;
        let mut words = head.first_line.split(' ');
        let [method, path] = [words.next().unwrap_or(""), words.next().unwrap_or("")];
        let request = Request { method, path, body: &body };
        counts.bytes.fetch_add((head.bytes + body.len()) as u64, Ordering::Release);
        counts.requests.fetch_add(1, Ordering::Release);
        if path.ends_with(otlp::PATH) {
            counts.spans.fetch_add(otlp::spans(&body), Ordering::Release);
        }
        let Answer { content_type, body: said } = answer(&request);
        let length = said.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{said}"
        );
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

struct Head {
    first_line: String,
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// The head of the next request; `None` when the client is done.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self { first_line: String::new(), bytes: 0, body_bytes: 0 };
        head.bytes += reader.read_line(&mut head.first_line)?;
        let mut line = String::new();
        loop {
            line.clear();
            let read = reader.read_line(&mut line)?;
            head.bytes += read;
            match line.trim_end() {
                _ if read == 0 => return Ok(None),
                "" => return Ok(Some(head)),
                header => {
                    if let Some((name, value)) = header.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        head.body_bytes = value.trim().parse().map_err(io::Error::other)?;
                    }
                }
            }
        }
    }
}
