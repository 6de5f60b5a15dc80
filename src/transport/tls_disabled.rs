//! No TLS: the feature `tls` is off, and `https://` is refused at set-up.

/// Whether `https://` can be spoken.
pub(crate) const ENABLED: bool = false;

/// Never: no request gets as far as a certificate.
pub(crate) fn is_certificate_problem(_error: &ureq::Error) -> bool {
    false
}
