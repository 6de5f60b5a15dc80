//! TLS on gRPC, when the feature `tls` is on.

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Error, Identity};

use crate::transport::connection::Tls;

/// Prepares `endpoint`, whose address decides whether TLS is spoken.
pub(super) fn apply(endpoint: Endpoint, tls: &Tls) -> Result<Endpoint, Error> {
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let mut config = match &tls.authorities {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_webpki_roots(),
    };
    if let Some(identity) = &tls.identity {
        config = config.identity(Identity::from_pem(&identity.certificate, &identity.key));
    }
    endpoint.tls_config(config)
}
