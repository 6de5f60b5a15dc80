//! No TLS: the feature `tls` is off, and `https://` is refused at set-up.

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::transport::connection::Tls;

/// Whether `https://` can be spoken.
pub(crate) const ENABLED: bool = false;

/// Never: no request gets as far as a certificate.
pub(crate) fn is_certificate_problem(_error: &ureq::Error) -> bool {
    false
}

/// Unknown, and of no use.
pub(crate) fn holds_certificate(_pem: &[u8]) -> bool {
    true
}

/// Unknown, and of no use.
pub(crate) fn holds_key(_pem: &[u8]) -> bool {
    true
}

/// Leaves the HTTP client's settings as they are.
pub(crate) fn apply(client: ConfigBuilder<AgentScope>, _tls: &Tls) -> ConfigBuilder<AgentScope> {
    client
}
