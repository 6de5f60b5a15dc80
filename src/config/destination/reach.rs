//! How a destination in the network is reached, beside its address.

use std::path::PathBuf;
use std::time::Duration;

/// What may be said of that in code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    pub(crate) timeout: Option<Duration>,
    /// File of the authorities that are trusted.
    pub(crate) authorities: Option<PathBuf>,
    /// Files of certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    pub(crate) proxy: Option<Proxy>,
    /// Bytes of one request.
    pub(crate) request_limit: Option<usize>,
}

/// A proxy's address, which may hold a password.
#[derive(Clone)]
pub(crate) struct Proxy(pub(crate) String);

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::transport::endpoint::masked(&self.0))
    }
}

/// The settings of a [`Reach`], for a destination that has one.
macro_rules! reached_as {
    () => {
        /// Time that one attempt may take. Default: 30 s.
        #[must_use]
        pub fn with_timeout(mut self, timeout: Duration) -> Self {
            self.reach.timeout = Some(timeout);
            self
        }

        /// PEM file of the authorities that are trusted in place of the built-in ones.
        #[must_use]
        pub fn with_ca_certificate(mut self, path: impl Into<PathBuf>) -> Self {
            self.reach.authorities = Some(path.into());
            self
        }

        /// PEM files of the certificate and key that prove who we are.
        #[must_use]
        pub fn with_client_certificate(
            mut self,
            certificate: impl Into<PathBuf>,
            key: impl Into<PathBuf>,
        ) -> Self {
            self.reach.identity = Some((certificate.into(), key.into()));
            self
        }

        /// HTTP proxy that is asked for a tunnel, `http://user:password@host:port`; the user and
        /// password may be left out. Default: none.
        #[must_use]
        pub fn with_proxy(mut self, url: impl Into<String>) -> Self {
            self.reach.proxy = Some($crate::config::destination::reach::Proxy(url.into()));
            self
        }

        /// Bytes that one request may have; a span that is larger is cut to fit. Default: 4 MiB, over
        /// gRPC 3.5 MiB, which is what servers take. Limits: at least 64 KiB.
        #[must_use]
        pub fn with_request_limit(mut self, bytes: usize) -> Self {
            self.reach.request_limit = Some(bytes);
            self
        }
    };
}
pub(crate) use reached_as;
