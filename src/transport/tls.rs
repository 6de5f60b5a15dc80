//! TLS, when the feature `tls` is on.

use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;

use crate::transport::connection::Tls;

/// Whether `https://` can be spoken.
pub(crate) const ENABLED: bool = true;

/// Whether no attempt can succeed until the certificates change.
pub(crate) fn is_certificate_problem(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Rustls(_) | ureq::Error::Pem(_))
}

/// Whether `pem` holds a certificate.
pub(crate) fn holds_certificate(pem: &[u8]) -> bool {
    !certificates(pem).is_empty()
}

/// Whether `pem` holds a private key.
pub(crate) fn holds_key(pem: &[u8]) -> bool {
    key(pem).is_some()
}

/// The HTTP client's settings.
pub(crate) fn apply(client: ConfigBuilder<AgentScope>, tls: &Tls) -> ConfigBuilder<AgentScope> {
    let mut config = TlsConfig::builder().disable_verification(tls.insecure);
    if let Some(pem) = &tls.authorities {
        config = config.root_certs(RootCerts::new_with_certs(&certificates(pem)));
    }
    if let Some(identity) = &tls.identity {
        let chain = certificates(&identity.certificate);
        let client = key(&identity.key).map(|key| ClientCert::new_with_certs(&chain, key));
        config = config.client_cert(client);
    }
    client.tls_config(config.build())
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

fn key(pem: &[u8]) -> Option<PrivateKey<'static>> {
    parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    })
}
