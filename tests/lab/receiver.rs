//! A receiver that counts and forgets, so that hours of load leave no trace in its memory.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message as _;

use super::support::http::{Answer, read_body, read_head};
use super::support::time::spawn;

/// Of every so many requests one is refused, one is left without an answer.
const REFUSED: u64 = 20;
const UNANSWERED: u64 = 45;

/// What it does with requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Takes,
    Refuses,
    /// Takes most of them.
    Fails,
}

/// Takes spans whose names are numbers.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mood: Mutex<Mood>,
    requests: AtomicU64,
    seen: Mutex<Seen>,
}

/// Which numbers came, a bit for each.
#[derive(Default)]
struct Seen {
    bits: Vec<u64>,
    distinct: u64,
    again: u64,
}

impl Receiver {
    /// Has room for `spans` from the beginning. Takes connections until the process ends.
    pub(crate) fn start(mood: Mood, spans: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let bits = vec![0; usize::try_from(spans / 64 + 1).unwrap()];
        let shared = Arc::new(Shared {
            mood: Mutex::new(mood),
            requests: AtomicU64::new(0),
            seen: Mutex::new(Seen { bits, ..Seen::default() }),
        });
        spawn("receiver", {
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let shared = Arc::clone(&shared);
                    spawn("connection", move || while shared.serve(&stream).is_some() {});
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many spans came, and how many came once more.
    pub(crate) fn spans(&self) -> (u64, u64) {
        let seen = lock(&self.shared.seen);
        (seen.distinct, seen.again)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Serves one request; `None` when the connection is to end.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let head = read_head(stream).ok()??;
        let body = read_body(stream, &head).ok()?;
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mood = *lock(&self.mood);
        if matches!(mood, Mood::Refuses)
            || (matches!(mood, Mood::Fails) && number.is_multiple_of(REFUSED))
        {
            return Answer::new(503).write(stream).ok();
        }
        let request = Request::decode(body.as_slice()).unwrap();
        let scopes = request.resources.into_iter().flat_map(|resource| resource.scopes);
        let mut seen = lock(&self.seen);
        scopes.flat_map(|scope| scope.spans).for_each(|span| seen.note(span.name.parse().unwrap()));
        drop(seen);
        if matches!(mood, Mood::Fails) && number.is_multiple_of(UNANSWERED) {
            return None;
        }
        Answer::new(200).write(stream).ok()
    }
}

impl Seen {
    fn note(&mut self, number: u64) {
        let place = usize::try_from(number / 64).unwrap();
        if place >= self.bits.len() {
            self.bits.resize(place + 1, 0);
        }
        let bit = 1 << (number % 64);
        if self.bits[place] & bit == 0 {
            self.distinct += 1;
        } else {
            self.again += 1;
        }
        self.bits[place] |= bit;
    }
}

// As much of OTLP's messages as is counted: decoding all of them would be most of the load.

#[derive(prost::Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(prost::Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(prost::Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(prost::Message)]
struct Span {
    #[prost(string, tag = "5")]
    name: String,
}
