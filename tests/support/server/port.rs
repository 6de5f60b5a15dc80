//! A server that is not there yet.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::told::Ear;
use super::Server;
use super::grpc::GrpcServer;
use super::mlflow::Store;

/// A port at which nobody listens.
///
/// It is none of those that the system gives to connections, so that none of them takes it, or
/// keeps it busy after its end.
pub(crate) struct DeadPort(SocketAddr);

impl DeadPort {
    pub(crate) fn reserve() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            // Far from the ports of other processes that do the same.
            let offset = (process::id() % 97) * 101 + number;
            let port = u16::try_from(20_000 + offset).unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if TcpListener::bind(address).is_ok() {
                return Self(address);
            }
        }
    }

    /// The port of a server that has ended.
    pub(super) fn left_by(address: SocketAddr) -> Self {
        Self(address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0)
    }

    /// Hears what is told about the port from now on.
    pub(crate) fn ear(&self) -> Ear {
        Ear::new(self.0.to_string())
    }

    /// Starts an MLflow server at the port.
    pub(crate) fn open(self) -> Server {
        Server::start(TcpListener::bind(self.0).unwrap(), Some(Store::default()))
    }

    /// Starts a gRPC receiver at the port.
    pub(crate) fn open_grpc(self) -> GrpcServer {
        GrpcServer::start(TcpListener::bind(self.0).unwrap())
    }
}
