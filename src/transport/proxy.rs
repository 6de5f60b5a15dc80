//! Which proxy a destination is reached through, if any. Pure.
//!
//! Source: the convention that curl and the Python SDK's `requests` follow. `NO_PROXY` holds hosts
//! (with their subdomains), `host:port`, addresses and CIDR blocks, or `*`. A loopback address is
//! never reached through a proxy.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::transport::endpoint::{Credentials, Endpoint, masked};

/// What to do when a proxy does not know who is asking.
pub(crate) const CREDENTIALS: &str =
    "set user and password in the proxy's address (HTTPS_PROXY or HTTP_PROXY)";

/// An HTTP proxy, which is asked for a tunnel (`CONNECT`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy(Endpoint);

impl Proxy {
    /// Parses the address that `where_set` holds; without a scheme it is an `http://` one.
    pub(crate) fn parse(where_set: &str, value: &str) -> Result<Self> {
        let address =
            if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        if !address.to_ascii_lowercase().starts_with("http://") {
            let fix = "only proxies that are themselves spoken to by http:// are supported";
            return Err(Error::config(where_set, &masked(value), fix));
        }
        Endpoint::parse(where_set, &address).map(Self)
    }

    /// The proxy's address, safe to show.
    pub(crate) fn url(&self) -> &str {
        self.0.url()
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.0.credentials()
    }
}

/// Whether `url` is to be reached without a proxy, for `NO_PROXY` or because it is loopback.
pub(crate) fn is_exempt(url: &str, no_proxy: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return true };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default_port);
    let is_loopback = address.map_or_else(
        || host == "localhost" || host.ends_with(".localhost"),
        |address| address.is_loopback(),
    );
    is_loopback
        || no_proxy
            .split([',', ' '])
            .map(|entry| entry.trim().to_ascii_lowercase())
            .filter(|entry| !entry.is_empty())
            .any(|entry| covers(&entry, &host, address, port))
}

fn covers(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
        return in_network(address, network, bits);
    }
    let name = match entry.rsplit_once(':') {
        // More than one colon is an address of version 6.
        Some((name, wanted)) if !name.contains(':') => {
            if wanted.parse() != Ok(port) {
                return false;
            }
            name
        }
        _ => entry,
    };
    let name = name.trim_start_matches('*').trim_start_matches('.');
    // An address has no subdomains.
    let is_below = || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    host == name || (address.is_none() && is_below())
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let host_bits = width - bits.min(width);
    address.checked_shr(host_bits) == network.checked_shr(host_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_never_reached_through_a_proxy() {
        for url in [
            "http://localhost:5000",
            "http://127.0.0.2:80",
            "https://[::1]:4317",
            "http://a.localhost",
        ] {
            assert!(is_exempt(url, ""), "{url}");
        }
        assert!(!is_exempt("http://mlflow:5000", ""));
    }

    #[test]
    fn no_proxy_names_hosts_their_subdomains_ports_and_networks() {
        for entry in [
            "*",
            "example.com",
            ".example.com",
            "*.example.com",
            "x, EXAMPLE.com",
            "api.example.com:8080",
        ] {
            assert!(is_exempt("http://api.example.com:8080", entry), "{entry}");
        }
        for entry in ["ple.com", "example.org", "api.example.com:80", "com.example"] {
            assert!(!is_exempt("http://api.example.com:8080", entry), "{entry}");
        }
        assert!(is_exempt("http://10.1.2.3", "10.0.0.0/8"));
        assert!(is_exempt("http://10.1.2.3", "10.1.2.3"));
        assert!(!is_exempt("http://10.1.2.3", "2.3"));
        assert!(is_exempt("https://[fd00::1]", "fd00::/8"));
        assert!(!is_exempt("http://11.1.2.3", "10.0.0.0/8"));
        assert!(is_exempt("http://11.1.2.3", "0.0.0.0/0"));
    }

    #[test]
    fn a_proxy_is_an_http_address_whose_password_is_not_shown() {
        let proxy = Proxy::parse("HTTP_PROXY", "anna:secret@proxy:3128").unwrap();
        assert_eq!(proxy.url(), "http://proxy:3128");
        assert!(proxy.credentials().is_some() && !format!("{proxy:?}").contains("secret"));
        let error = Proxy::parse("ALL_PROXY", "socks5://proxy:1080").unwrap_err().to_string();
        assert!(error.contains("ALL_PROXY") && error.contains("socks5"), "{error}");
    }
}
