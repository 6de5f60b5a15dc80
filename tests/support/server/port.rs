//! A server that is not there yet.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::Server;
use super::mlflow::Store;

/// A port at which nobody listens, kept from others.
pub(crate) struct DeadPort {
    stream: TcpStream,
    listener: TcpListener,
}

impl DeadPort {
    pub(crate) fn reserve() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // The connection's own port: taken, and not listened at.
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Self { stream, listener }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.stream.local_addr().unwrap())
    }

    /// Starts an MLflow server at the port.
    pub(crate) fn open(self) -> Server {
        let address = self.stream.local_addr().unwrap();
        let (other_end, _) = self.listener.accept().unwrap();
        // The end that closes first is the one that keeps its port waiting.
        drop(other_end);
        drop(self);
        Server::start(address, Some(Store::default()))
    }
}
