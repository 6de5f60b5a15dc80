//! nginx in front of the servers, with TLS and with mutual TLS.

use mlflow_tracing::destination::{Destination, Mlflow as MlflowServer, Otlp};
use mlflow_tracing::{Builder, Protocol};

use super::mlflow::{Mlflow, unused_name};
use super::program::PATIENCE;
use super::refusals::refused;
use super::servers::told;
use super::support::app;
use super::support::time::until;
use super::{quickstart, rotel};

const PROTOCOLS: [Protocol; 3] = [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson];

/// The collector on this wire, at an address that [`told`] knows.
fn collector(address: &str, protocol: Protocol) -> Otlp {
    let url = told(address);
    let endpoint = if protocol == Protocol::Grpc { url } else { format!("{url}/v1/traces") };
    Otlp::new(endpoint).with_protocol(protocol)
}

fn to(destination: impl Into<Destination>) -> Builder {
    app::builder().with_destination(destination)
}
