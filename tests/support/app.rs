//! A traced program and the server that gets its spans.

use std::cell::Cell;
use std::time::Duration;

use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::{Builder, OtlpEncoder, Protocol, Stats, TracingGuard};
use tokio::runtime::Runtime;
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use super::server::Server;
use super::server::grpc::GrpcServer;
use super::spans::Spans;
use super::time::PATIENCE;
use super::told;

/// An environment in which nothing is set.
pub(crate) const NOTHING: [(&str, &str); 0] = [];

/// A builder that knows nothing of this process's environment.
pub(crate) fn builder() -> Builder {
    told::listen();
    let builder = mlflow_tracing::builder().with_environment(NOTHING).with_print_url(false);
    builder.with_otlp_encoder(encoder())
}

/// The encoder that the tests run with: `tests/all.sh` runs them with both.
#[expect(clippy::disallowed_methods, reason = "not a setting of the crate but of the tests")]
fn encoder() -> OtlpEncoder {
    match std::env::var_os("MLFLOW_TRACING_TEST_ENCODER") {
        None => OtlpEncoder::Own,
        Some(name) if name == "official" => OtlpEncoder::Official,
        Some(name) => panic!("MLFLOW_TRACING_TEST_ENCODER is {name:?}, not `official`"),
    }
}

/// Settings that send to `server`, a collector.
pub(crate) fn to_collector(server: &Server) -> Builder {
    builder().with_otlp_endpoint(format!("{}/v1/traces", server.url()))
}

/// Settings that send to `server`, a collector, over gRPC.
pub(crate) fn to_grpc(server: &GrpcServer) -> Builder {
    builder().with_otlp_endpoint(server.url()).with_protocol(Protocol::Grpc)
}

/// Settings that send to `server`, an MLflow server.
pub(crate) fn to_mlflow(server: &Server) -> Builder {
    builder().with_tracking_uri(server.url())
}

/// Checks that every span is accounted for, and returns the account.
pub(crate) fn conserved(guard: &TracingGuard) -> Stats {
    let stats = guard.stats();
    assert!(stats.destinations.iter().all(|d| d.conserves(stats.ended)), "{stats:?}");
    stats
}

/// A root span of this name that ends at once.
pub(crate) fn end_span(guard: &TracingGuard, name: impl Into<String>) {
    guard.provider().tracer("test").in_span(name.into(), |_| ());
}

/// What a scripted server has accepted.
pub(crate) trait Receiver {
    fn spans(&self) -> Spans;
}

impl Receiver for Server {
    fn spans(&self) -> Spans {
        self.spans()
    }
}

impl Receiver for GrpcServer {
    fn spans(&self) -> Spans {
        self.spans()
    }
}

/// A program with one destination.
pub(crate) struct Traced<S = Server> {
    pub(crate) guard: TracingGuard,
    /// A subscriber that has our layer and nothing else.
    pub(crate) dispatch: Dispatch,
    pub(crate) server: S,
}

impl Traced {
    /// Sends to a collector.
    pub(crate) fn otlp() -> Self {
        Self::otlp_with(|builder| builder)
    }

    pub(crate) fn otlp_with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let server = Server::collector();
        Self::new(change(to_collector(&server)).build().unwrap(), server)
    }

    /// Sends to an MLflow server.
    pub(crate) fn mlflow() -> Self {
        Self::mlflow_with(Server::mlflow(), |builder| builder)
    }

    pub(crate) fn mlflow_with(server: Server, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::new(change(to_mlflow(&server)).build().unwrap(), server)
    }
}

impl Traced<GrpcServer> {
    /// Sends to a collector over gRPC.
    pub(crate) fn grpc() -> Self {
        Self::grpc_with(GrpcServer::collector(), |builder| builder)
    }

    pub(crate) fn grpc_with(server: GrpcServer, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::new(change(to_grpc(&server)).build().unwrap(), server)
    }
}

impl<S: Receiver> Traced<S> {
    /// A program that sends to `server`.
    pub(crate) fn new(guard: TracingGuard, server: S) -> Self {
        let subscriber = tracing_subscriber::registry().with(guard.layer());
        Self { guard, dispatch: Dispatch::new(subscriber), server }
    }

    /// Runs `app` under the subscriber.
    ///
    /// A child has to be dropped there too: when it closes, its parent is looked for in the current
    /// subscriber (tracing-subscriber 0.3.23).
    pub(crate) fn run<T>(&self, app: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, app)
    }

    /// A runtime whose threads, and this one until the test ends, have the subscriber.
    pub(crate) fn multi_thread(&self) -> Runtime {
        let dispatch = self.dispatch.clone();
        adopt(&dispatch);
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).on_thread_start(move || adopt(&dispatch));
        builder.enable_time().build().unwrap()
    }

    /// A root span of this name that ends at once.
    pub(crate) fn end_span(&self, name: impl Into<String>) {
        end_span(&self.guard, name);
    }

    pub(crate) fn flush(&self) {
        self.guard.flush(PATIENCE).unwrap();
    }

    /// Flushes for at most `patience`, in vain; returns what was said.
    pub(crate) fn flush_in_vain(&self, patience: Duration) -> String {
        self.guard.flush(patience).unwrap_err().to_string()
    }

    /// Checks that every span is accounted for, and returns the account.
    pub(crate) fn conserved(&self) -> Stats {
        conserved(&self.guard)
    }

    /// Flushes, and returns the spans that the server accepted.
    pub(crate) fn delivered(&self) -> Spans {
        self.flush();
        let stats = self.conserved();
        let spans = self.server.spans();
        assert_eq!(stats.destinations[0].delivered, spans.0.len() as u64);
        spans
    }
}

/// Makes `dispatch` this thread's subscriber for as long as the thread lives.
fn adopt(dispatch: &Dispatch) {
    thread_local!(static ADOPTED: Cell<Option<DefaultGuard>> = const { Cell::new(None) });
    ADOPTED.set(Some(tracing::dispatcher::set_default(dispatch)));
}

/// What a collector gets of `app`.
pub(crate) fn captured<T>(app: impl FnOnce() -> T) -> Spans {
    let traced = Traced::otlp();
    traced.run(|| drop(app()));
    traced.delivered()
}
