//! A program whose subscriber is that of its process.

use mlflow_tracing::TracingGuard;
use tracing::Subscriber;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::app::NOTHING;
use crate::support::server::Server;

/// Makes what `subscriber` returns the subscriber of the process; spans go to a collector.
pub(crate) fn install<S>(subscriber: impl FnOnce(&TracingGuard) -> S) -> (TracingGuard, Server)
where
    S: Subscriber + Send + Sync + 'static,
{
    let server = Server::collector();
    let builder = mlflow_tracing::builder().with_environment(NOTHING);
    let guard = builder.with_otlp_endpoint(server.url()).build().unwrap();
    subscriber(&guard).init();
    (guard, server)
}
