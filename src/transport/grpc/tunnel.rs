//! A gRPC channel, straight or through a proxy's tunnel.

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use tonic::transport::{Channel, Endpoint};
use ureq::http::{HeaderValue, Uri};

use crate::transport::proxy::Proxy;

/// A channel that connects when it is first used.
pub(super) fn channel(endpoint: &Endpoint, proxy: Option<&Proxy>) -> Result<Channel, String> {
    let Some(proxy) = proxy else { return Ok(endpoint.connect_lazy()) };
    let invalid = |_| format!("the proxy {} cannot be used", proxy.url());
    let address: Uri = proxy.url().parse().map_err(invalid)?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut tunnel = Tunnel::new(address, connector);
    if let Some(credentials) = proxy.credentials() {
        if let Ok(value) = HeaderValue::from_str(&credentials.header_value()) {
            tunnel = tunnel.with_auth(value);
        }
    }
    Ok(endpoint.connect_with_connector_lazy(tunnel))
}
