//! No TLS on gRPC: the feature `tls` is off, and `https://` is refused at set-up.

use tonic::transport::{Endpoint, Error};

use crate::transport::connection::Tls;

/// Leaves `endpoint` as it is.
#[expect(clippy::unnecessary_wraps, reason = "its twin with the feature can fail")]
pub(super) fn apply(endpoint: Endpoint, _tls: &Tls) -> Result<Endpoint, Error> {
    Ok(endpoint)
}
