//! A gRPC receiver in this process that does what it is told, and remembers what it was asked.
//!
//! A thread with a runtime of its own, so that it serves whatever the tests do to theirs.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;
use tonic::Code;
use tracing::subscriber::NoSubscriber;

use super::super::spans::Spans;
use super::super::time::{PATIENCE, now, spawn};
use super::super::told::Ear;
use super::port::DeadPort;
use super::request::Route;

mod call;
mod connection;

pub(crate) use call::{Act, Call, Refusal};

type Standing = Box<dyn Fn(&Call) -> Act + Send>;

pub(crate) struct GrpcServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    ear: Ear,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    orders: watch::Sender<Orders>,
}

/// What the connections are told.
#[derive(Clone, Default)]
struct Orders {
    released: bool,
    closing: bool,
    /// How often the connections that are open were to be closed, or to go away.
    closed: usize,
    gone_away: usize,
}

#[derive(Default)]
struct State {
    scripts: HashMap<Route, VecDeque<Act>>,
    standing: HashMap<Route, Standing>,
    /// The longest message that is taken, and how a longer one is refused.
    limit: Option<(usize, Refusal)>,
    calls: Vec<Call>,
    panicked: bool,
}

impl GrpcServer {
    /// A collector: OK to everything.
    pub(crate) fn collector() -> Self {
        Self::start(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    pub(super) fn start(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (orders, _) = watch::channel(Orders::default());
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), orders });
        let (tell, told) = mpsc::channel();
        let thread = spawn("grpc server", {
            let shared = Arc::clone(&shared);
            move || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                let runtime = builder.enable_io().build().unwrap();
                tell.send(()).unwrap();
                // Another program's spans, were it not for the test, are not this program's.
                tracing::subscriber::with_default(NoSubscriber::new(), || {
                    runtime.block_on(shared.accept(listener));
                });
            }
        });
        // Whatever a runtime opens is open then.
        told.recv_timeout(PATIENCE).unwrap();
        Self { shared, address, ear: Ear::new(address.to_string()), thread: Some(thread) }
    }

    /// The address without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the crate told about this server since it started.
    pub(crate) fn told(&self) -> Vec<String> {
        self.ear.lines()
    }

    /// Does `acts` with the next calls of `route`, in order.
    pub(crate) fn script<A: Into<Act>>(&self, route: Route, acts: impl IntoIterator<Item = A>) {
        let acts = acts.into_iter().map(Into::into);
        self.shared.lock().scripts.entry(route).or_default().extend(acts);
    }

    /// What is done with calls of `route` that no script is left for.
    pub(crate) fn always(&self, route: Route, act: impl Into<Act>) {
        let act = act.into();
        self.judge(route, move |_| act.clone());
    }

    /// Like [`always`](Self::always), by what the call says.
    pub(crate) fn judge(&self, route: Route, judge: impl Fn(&Call) -> Act + Send + 'static) {
        self.shared.lock().standing.insert(route, Box::new(judge));
    }

    /// Refuses messages of more than `bytes` before they have come in full.
    pub(crate) fn refuse_above(&self, bytes: usize, refusal: Refusal) {
        self.shared.lock().limit = Some((bytes, refusal));
    }

    /// Answers what is held, and holds nothing more.
    pub(crate) fn release(&self) {
        self.shared.orders.send_modify(|orders| orders.released = true);
    }

    /// Closes the connections that are open.
    pub(crate) fn close_connections(&self) {
        self.shared.orders.send_modify(|orders| orders.closed += 1);
    }

    /// Tells the connections that are open that they take no more calls, and ends them after those
    /// under way.
    pub(crate) fn go_away(&self) {
        self.shared.orders.send_modify(|orders| orders.gone_away += 1);
    }

    /// Ends the server; nobody listens at its port then.
    pub(crate) fn stop(self) -> DeadPort {
        let address = self.address;
        drop(self);
        DeadPort::left_by(address)
    }

    /// Waits until `count` calls of `route` have come.
    pub(crate) fn wait_for(&self, route: Route, count: usize) {
        let deadline = now() + PATIENCE;
        let mut state = self.shared.lock();
        while state.calls.iter().filter(|call| call.route == route).count() < count {
            let left = deadline.saturating_duration_since(now());
            assert!(!left.is_zero(), "{count} {route:?} calls did not come: {:?}", state.codes());
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The calls of `route` that came so far.
    pub(crate) fn calls(&self, route: Route) -> Vec<Call> {
        let state = self.shared.lock();
        state.calls.iter().filter(|call| call.route == route).cloned().collect()
    }

    /// The spans of the calls that were accepted, in order.
    pub(crate) fn spans(&self) -> Spans {
        let calls = self.calls(Route::Spans);
        let accepted = calls.iter().filter(|call| call.code == Some(Code::Ok));
        Spans::decode(accepted.map(|call| call.message.as_slice()))
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        self.shared.orders.send_modify(|orders| orders.closing = true);
        let ended = self.thread.take().unwrap().join();
        let panicked = ended.is_err() || self.shared.lock().panicked;
        assert!(!panicked || std::thread::panicking(), "a task of the server panicked");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut orders = self.orders.subscribe();
        for number in 0.. {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.unwrap();
                    tokio::spawn(connection::serve(Arc::clone(&self), stream, number));
                }
                _ = orders.wait_for(|orders| orders.closing) => return,
            }
        }
    }

    fn decide(&self, call: &Call) -> Act {
        let mut state = self.lock();
        let route = call.route;
        let scripted = state.scripts.get_mut(&route).and_then(VecDeque::pop_front);
        let standing = || state.standing.get(&route).map(|judge| judge(call));
        scripted.or_else(standing).unwrap_or_else(Act::ok)
    }

    fn record(&self, call: Call) -> usize {
        let mut state = self.lock();
        state.calls.push(call);
        self.changed.notify_all();
        state.calls.len() - 1
    }
}

impl State {
    fn too_long(&self, bytes: usize) -> Option<Refusal> {
        self.limit.as_ref().filter(|(limit, _)| bytes > *limit).map(|(_, refusal)| refusal.clone())
    }

    fn codes(&self) -> Vec<(Route, Option<Code>)> {
        self.calls.iter().map(|call| (call.route, call.code)).collect()
    }
}
