//! A server in this process that does what it is told, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::io::Write as _;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::http::{self, Answer, Head};
use super::spans::Spans;
use super::time::{PATIENCE, now, spawn};
use super::told::Ear;

pub(crate) mod grpc;
pub(crate) mod mlflow;
pub(crate) mod port;
mod request;

use mlflow::Store;
pub(crate) use request::{Act, Request, Route};

type Standing = Box<dyn Fn(&Request) -> Act + Send>;

pub(crate) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    ear: Ear,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    store: Option<Store>,
    scripts: HashMap<Route, VecDeque<Act>>,
    standing: HashMap<Route, Standing>,
    reset_above: Option<usize>,
    requests: Vec<Request>,
    released: bool,
    closing: bool,
    connections: HashMap<usize, TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

fn any_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

impl Server {
    /// A collector: 200 to everything.
    pub(crate) fn collector() -> Self {
        Self::start(any_port(), None)
    }

    /// A small MLflow server.
    pub(crate) fn mlflow() -> Self {
        Self::start(any_port(), Some(Store::default()))
    }

    fn start(listener: TcpListener, store: Option<Store>) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Mutex::new(State { store, ..State::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let acceptor = spawn("server", {
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { shared, address, ear: Ear::new(address.to_string()), acceptor: Some(acceptor) }
    }

    /// The address without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn is_mlflow(&self) -> bool {
        self.shared.lock().store.is_some()
    }

    /// What the crate told about this server since it started.
    pub(crate) fn told(&self) -> Vec<String> {
        self.ear.lines()
    }

    /// Does `acts` with the next requests of `route`, in order.
    pub(crate) fn script<A: Into<Act>>(&self, route: Route, acts: impl IntoIterator<Item = A>) {
        let acts = acts.into_iter().map(Into::into);
        self.shared.lock().scripts.entry(route).or_default().extend(acts);
    }

    /// What is done with requests of `route` that no script is left for.
    pub(crate) fn always(&self, route: Route, act: impl Into<Act>) {
        let act = act.into();
        self.judge(route, move |_| act.clone());
    }

    /// Like [`always`](Self::always), by what the request says.
    pub(crate) fn judge(&self, route: Route, judge: impl Fn(&Request) -> Act + Send + 'static) {
        self.shared.lock().standing.insert(route, Box::new(judge));
    }

    /// Forgets what it was told to do with requests of `route`.
    pub(crate) fn as_usual(&self, route: Route) {
        self.shared.lock().standing.remove(&route);
    }

    /// Resets connections on which more than `bytes` are about to come.
    pub(crate) fn reset_above(&self, bytes: usize) {
        self.shared.lock().reset_above = Some(bytes);
    }

    /// Answers what is held, and holds nothing more.
    pub(crate) fn release(&self) {
        self.shared.lock().released = true;
        self.shared.changed.notify_all();
    }

    /// Closes the connections that are open, as a server does with idle ones.
    pub(crate) fn close_connections(&self) {
        for connection in self.shared.lock().connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Changes what the MLflow server holds.
    pub(crate) fn with_store(&self, change: impl FnOnce(&mut Store)) {
        change(self.shared.lock().store.as_mut().unwrap());
    }

    /// Waits until `count` requests of `route` have come.
    pub(crate) fn wait_for(&self, route: Route, count: usize) {
        let deadline = now() + PATIENCE;
        let mut state = self.shared.lock();
        while state.requests.iter().filter(|request| request.route == route).count() < count {
            let left = deadline.saturating_duration_since(now());
            assert!(
                !left.is_zero(),
                "{count} {route:?} requests did not come: {:?}",
                state.heads()
            );
            state = self.shared.wait(state, left);
        }
    }

    /// The requests of `route` that came so far.
    pub(crate) fn requests(&self, route: Route) -> Vec<Request> {
        let state = self.shared.lock();
        state.requests.iter().filter(|request| request.route == route).cloned().collect()
    }

    /// How many requests came, of any kind.
    pub(crate) fn asked(&self) -> usize {
        self.shared.lock().requests.len()
    }

    /// The spans of the requests that were accepted, in order.
    pub(crate) fn spans(&self) -> Spans {
        let requests = self.requests(Route::Spans);
        let accepted = requests.iter().filter(|request| request.is_accepted());
        Spans::of(accepted.map(Request::message))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.changed.notify_all();
        for connection in state.connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        let acceptor = self.acceptor.take().unwrap().join();
        let threads = std::mem::take(&mut self.shared.lock().threads);
        let all = threads.into_iter().map(JoinHandle::join).chain([acceptor]);
        let panicked = all.filter(Result::is_err).count();
        assert!(panicked == 0 || std::thread::panicking(), "a thread of the server panicked");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for number in 0.. {
            let (stream, _) = listener.accept().unwrap();
            let mut state = self.lock();
            if state.closing {
                return;
            }
            state.connections.insert(number, stream.try_clone().unwrap());
            let shared = Arc::clone(&self);
            state.threads.push(spawn("connection", move || {
                while shared.serve(&stream, number).is_some() {}
                // While another handle is open the connection is too.
                shared.lock().connections.remove(&number);
            }));
        }
    }

    /// Serves one request; `None` when the connection is to end.
    fn serve(&self, stream: &TcpStream, number: usize) -> Option<()> {
        let head = http::read_head(stream).ok()??;
        let route = self.route(&head);
        let length = head.length();
        let mut state = self.lock();
        let scripted = state.scripts.get_mut(&route).and_then(VecDeque::pop_front);
        let large = state.reset_above.is_some_and(|limit| length > limit);
        drop(state);
        if large || matches!(scripted, Some(Act::Reset)) {
            self.record(Request { route, head, body: Vec::new(), status: None, at: now() });
            // The end of a connection with bytes unread is a reset.
            assert!(length > 0, "there is nothing to leave unread");
            stream.peek(&mut [0]).ok()?;
            self.lock().connections.remove(&number);
            return None;
        }
        let body = http::read_body(stream, &head).ok()?;
        let mut request = Request { route, head, body, status: None, at: now() };
        let act = scripted.unwrap_or_else(|| self.standing(&request));
        if let Act::Answer(answer) | Act::HalfAnswer(answer) | Act::EndlessAnswer(answer) = &act {
            request.status = Some(answer.status);
        }
        let index = self.record(request);
        self.perform(act, stream, index)
    }

    fn route(&self, head: &Head) -> Route {
        let is_mlflow = self.lock().store.is_some();
        match (head.method.as_str(), head.path.as_str()) {
            ("POST", _) if !is_mlflow && is_look(head) => Route::Setup,
            ("POST", _) if !is_mlflow => Route::Spans,
            ("POST", path) if path.ends_with("/v1/traces") => Route::Spans,
            ("POST", path) if path.ends_with("/api/3.0/mlflow/traces") => Route::TraceInfo,
            (_, path) if path.contains("/api/2.0/mlflow/experiments/") => Route::Setup,
            ("GET", path) if path.ends_with("/version") => Route::Version,
            _ => Route::Other,
        }
    }

    fn standing(&self, request: &Request) -> Act {
        let mut state = self.lock();
        if let Some(judge) = state.standing.get(&request.route) {
            return judge(request);
        }
        state.ordinary(request).into()
    }

    fn record(&self, request: Request) -> usize {
        let mut state = self.lock();
        state.requests.push(request);
        self.changed.notify_all();
        state.requests.len() - 1
    }

    fn perform(&self, act: Act, mut stream: &TcpStream, index: usize) -> Option<()> {
        match act {
            Act::Answer(answer) => answer.write(stream).ok(),
            Act::Close | Act::Reset => None,
            Act::HalfStatusLine => stream.write_all(b"HTTP/1.1 20").ok().and(None),
            Act::Raw(bytes) => stream.write_all(bytes).ok().and(None),
            Act::HalfAnswer(answer) => {
                stream.write_all(&answer.bytes(answer.body.len() + 100)).ok().and(None)
            }
            Act::Drip => {
                stream.write_all(b"HTTP/1.1 200 Said\r\nX-Drip: ").ok()?;
                self.drip(stream)
            }
            Act::EndlessAnswer(answer) => {
                stream.write_all(&answer.bytes(usize::MAX >> 1)).ok()?;
                self.drip(stream)
            }
            Act::Hold => {
                while !self.pause(PATIENCE) {}
                let mut state = self.lock();
                if state.closing {
                    return None;
                }
                let request = state.requests[index].clone();
                let answer = state.ordinary(&request);
                state.requests[index].status = Some(answer.status);
                drop(state);
                answer.write(stream).ok()
            }
        }
    }

    fn drip(&self, mut stream: &TcpStream) -> Option<()> {
        while !self.pause(Duration::from_millis(10)) {
            stream.write_all(b"x").ok()?;
        }
        None
    }

    /// Waits for [`Server::release`] or the end; says whether it came.
    fn pause(&self, time: Duration) -> bool {
        let mut state = self.lock();
        let deadline = now() + time;
        while !state.released && !state.closing && now() < deadline {
            state = self.wait(state, deadline.saturating_duration_since(now()));
        }
        state.released || state.closing
    }
}

/// Whether a request to a collector is too short for a span.
fn is_look(head: &Head) -> bool {
    let is_json = head.header("content-type") == Some("application/json");
    head.length() < if is_json { 64 } else { 4 }
}

impl State {
    /// What a server says when nobody tells it otherwise.
    fn ordinary(&mut self, request: &Request) -> Answer {
        match self.store.as_mut() {
            Some(store) if request.route == Route::Setup => store.answer(request),
            Some(_) if request.route == Route::Version => {
                Answer::new(200).body("text/plain", "3.17.2")
            }
            _ => Answer::new(200),
        }
    }

    fn heads(&self) -> Vec<(Route, Option<u16>)> {
        self.requests.iter().map(|request| (request.route, request.status)).collect()
    }
}
