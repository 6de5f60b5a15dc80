//! TLS, when the feature `tls` is on.

/// Whether `https://` can be spoken.
pub(crate) const ENABLED: bool = true;

/// Whether no attempt can succeed until the certificates change.
pub(crate) fn is_certificate_problem(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Rustls(_) | ureq::Error::Pem(_))
}
