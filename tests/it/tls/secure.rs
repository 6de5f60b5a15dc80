//! A server that is spoken to by TLS.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mlflow_tracing::{Builder, TracingGuard};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{CA, ENDPOINT};
use crate::support::app::{Receiver, builder, conserved, end_span};
use crate::support::front::Front;
use crate::support::server::Server;
use crate::support::server::grpc::GrpcServer;
use crate::support::time::{PATIENCE, timed};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/server.pem");
/// What servers of either kind offer.
const EITHER: [&str; 2] = ["h2", "http/1.1"];
const SERVER_KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/server.key");

/// A server that is spoken to by TLS, and the variables that send to it.
pub(super) struct Secure<S = Server> {
    pub(super) front: Front,
    pub(super) server: S,
    variables: Vec<(&'static str, String)>,
}

impl Secure {
    pub(super) fn new(server: Server) -> Self {
        Self::start(server, false)
    }

    /// One that wants to know who we are.
    pub(super) fn mutual(server: Server) -> Self {
        Self::start(server, true)
    }

    fn start(server: Server, mutual: bool) -> Self {
        let name = if server.is_mlflow() { "MLFLOW_TRACKING_URI" } else { ENDPOINT };
        let front = front(server.address(), config(mutual, &EITHER));
        let variables = vec![(name, url(&front))];
        Self { front, server, variables }
    }
}

impl Secure<GrpcServer> {
    pub(super) fn grpc(mutual: bool) -> Self {
        Self::grpc_that_offers(mutual, &EITHER)
    }

    /// One that names these protocols where TLS begins.
    pub(super) fn grpc_that_offers(mutual: bool, protocols: &[&str]) -> Self {
        let server = GrpcServer::collector();
        let front = front(server.address(), config(mutual, protocols));
        let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned());
        let variables = vec![(ENDPOINT, url(&front)), protocol];
        Self { front, server, variables }
    }
}

impl<S: Receiver> Secure<S> {
    pub(super) fn with(&self, variables: &[(&'static str, &str)]) -> Builder {
        let more = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        builder().with_environment(self.variables.iter().cloned().chain(more))
    }

    /// Whether a span gets there. One that does not waits, and a flush says why at once.
    pub(super) fn takes(&self, builder: Builder) -> Result<(), String> {
        let before = self.server.spans().0.len();
        let guard = built(builder);
        end_span(&guard, "span");
        let (time, result) = timed(|| guard.flush(PATIENCE));
        let account = conserved(&guard).destinations.remove(0);
        let after = self.server.spans().0.len();
        match result {
            Ok(()) => assert_eq!((account.delivered, after), (1, before + 1)),
            Err(error) => {
                assert!(time < PATIENCE / 2, "{time:?}");
                assert_eq!((account.pending, after), (1, before), "{error}");
                return Err(error.to_string());
            }
        }
        Ok(())
    }
}

/// Speaks TLS, by HTTP/1 or HTTP/2, before the server at this address.
fn front(server: SocketAddr, config: ServerConfig) -> Front {
    let config = Arc::new(config);
    Front::start(server, move |client, server| carry(&config, client, &server))
}

pub(super) fn url(front: &Front) -> String {
    format!("https://{}", front.address())
}

pub(super) fn built(builder: Builder) -> TracingGuard {
    builder.with_print_url(false).with_drop_timeout(Duration::ZERO).build().unwrap()
}

fn config(mutual: bool, protocols: &[&str]) -> ServerConfig {
    let certificates = |path| vec![CertificateDer::from_pem_file(path).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificates(CA).remove(0)).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if mutual {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(SERVER_KEY).unwrap();
    let mut config = builder.with_single_cert(certificates(SERVER), key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Carries bytes between a client of TLS and a server without, on one thread: the state of TLS is
/// one for both ways.
fn carry(config: &Arc<ServerConfig>, client: TcpStream, mut server: &TcpStream) {
    let turn = Some(Duration::from_millis(2));
    for stream in [&client, server] {
        stream.set_read_timeout(turn).unwrap();
    }
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut client = StreamOwned::new(connection, client);
    let mut buffer = [0; 16 * 1024];
    let nothing_yet = |kind| matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut);
    loop {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => server.write_all(&buffer[..length]).unwrap(),
            Err(error) if nothing_yet(error.kind()) => {}
            Err(_) => break,
        }
        match server.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                if client.write_all(&buffer[..length]).and_then(|()| client.flush()).is_err() {
                    break;
                }
            }
            Err(error) if nothing_yet(error.kind()) => {}
            Err(_) => break,
        }
    }
    let _ = client.sock.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
