//! Something that stands before a server: takes connections, and hands each to a thread.

use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::time::spawn;

pub(crate) struct Front {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    closing: bool,
    open: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Front {
    /// Calls `serve` with each connection and one to the server at `behind`.
    pub(crate) fn start(
        behind: SocketAddr,
        serve: impl Fn(TcpStream, TcpStream) + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let acceptor = spawn("front", {
            let state = Arc::clone(&state);
            move || {
                for stream in listener.incoming() {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    if state.closing {
                        return;
                    }
                    let (stream, back) = (stream.unwrap(), TcpStream::connect(behind).unwrap());
                    state.open.extend([&stream, &back].map(|it| it.try_clone().unwrap()));
                    let serve = serve.clone();
                    state.threads.push(spawn("front", move || serve(stream, back)));
                }
            }
        });
        Self { address, state, acceptor: Some(acceptor) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closing = true;
        for stream in &state.open {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        let all = threads.into_iter().chain(self.acceptor.take()).map(JoinHandle::join);
        let panicked = all.filter(Result::is_err).count();
        assert!(panicked == 0 || std::thread::panicking(), "a thread of the front panicked");
    }
}

/// Carries bytes both ways until one end closes.
pub(crate) fn carry(one: &TcpStream, other: &TcpStream) {
    let half = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        }
    };
    let back = spawn("carry", half(other, one));
    half(one, other)();
    back.join().unwrap();
}
