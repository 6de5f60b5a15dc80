//! How a destination is reached, beside its address: certificates and proxy.

use std::fmt;

use crate::transport::proxy::Proxy;

/// Everything that shapes a connection, already checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) tls: Tls,
    pub(crate) proxy: Option<Proxy>,
}

/// What TLS trusts and shows, as PEM text.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// Authorities that are trusted in place of the built-in roots.
    pub(crate) authorities: Option<Vec<u8>>,
    /// Who we are, for servers that ask.
    pub(crate) identity: Option<Identity>,
    /// Whether any certificate will do.
    pub(crate) insecure: bool,
}

/// A client certificate and its key, as PEM text.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Whether a failed connection is one that no attempt can mend until a certificate changes: the
/// server's is not trusted, or the server wants another of us. Clients hand on rustls' words.
pub(crate) fn speaks_of_certificates(error: &str) -> bool {
    ["certificate", "Certificate", "UnknownCA"].iter().any(|words| error.contains(words))
}

/// Keys are not shown.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .field("insecure", &self.insecure)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::speaks_of_certificates;

    #[test]
    fn a_refused_certificate_is_told_from_a_server_that_is_away() {
        for said in [
            "io: invalid peer certificate: UnknownIssuer",
            "io: received fatal alert: CertificateRequired",
            "connection error: received fatal alert: BadCertificate",
            "io: received fatal alert: UnknownCA",
        ] {
            assert!(speaks_of_certificates(said), "{said}");
        }
        for said in ["io: Connection refused (os error 111)", "io: peer closed connection"] {
            assert!(!speaks_of_certificates(said), "{said}");
        }
    }
}
