//! What each environment variable does, seen from outside.
//!
//! Where each is read, and which wins, is tested beside the code (`config/resolve/tests`).

mod covered;
mod limits;
mod mlflow;
mod otlp;
mod prices;
mod propagators;
mod queue;
mod retry;
mod sampling;
mod spool;
mod waiting;

use mlflow_tracing::Builder;

use crate::support::app::{Traced, builder};
use crate::support::server::Server;

/// Settings that send to `server` and have these variables beside.
fn environment(server: &Server, variables: &[(&str, &str)]) -> Builder {
    let name =
        if server.is_mlflow() { "MLFLOW_TRACKING_URI" } else { "OTEL_EXPORTER_OTLP_ENDPOINT" };
    let more = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
    builder().with_environment([(name, server.url())].into_iter().chain(more))
}

/// A program that sends to `server` and has these variables.
fn with(server: Server, variables: &[(&str, &str)]) -> Traced {
    Traced::new(environment(&server, variables).build().unwrap(), server)
}
