//! Name look-up on the calling thread, remembered for a while.
//!
//! The client's own resolver starts a thread for every look-up, which the senders' rule forbids.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::sync::{lock, now};

/// Longer than a burst of requests, shorter than a fail-over.
const LIFETIME: Duration = Duration::from_secs(30);

/// Remembers the addresses of the one host that a destination talks to.
#[derive(Debug, Default)]
pub(crate) struct CachingResolver {
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    name: String,
    addresses: Vec<SocketAddr>,
    since: Instant,
}

/// Knows no host.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Err(ureq::Error::HostNotFound)
    }
}

impl Resolver for CachingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port =
            uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let name = format!("{host}:{port}");
        let now = now();
        let mut known = lock(&self.known);
        let fresh = known
            .as_ref()
            .is_some_and(|known| known.name == name && now.duration_since(known.since) < LIFETIME);
        if !fresh {
            let addresses = name.to_socket_addrs()?.collect();
            *known = Some(Known { name, addresses, since: now });
        }
        let _ = timeout;
        let mut resolved = self.empty();
        let wanted = known.iter().flat_map(|known| known.addresses.iter().copied());
        for address in config.ip_family().keep_wanted(wanted).take(16) {
            resolved.push(address);
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}
