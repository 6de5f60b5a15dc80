//! Addresses and credentials, checked once and masked ever after.

use std::fmt;

use ureq::http::Uri;
use ureq::http::header::{HeaderName, HeaderValue};

use crate::error::{Error, Result};
use crate::model::{base64, percent};
use crate::transport::tls;

/// What stands for a secret in texts.
pub(crate) const MASK: &str = "****";

/// An `http://` or `https://` address without credentials, query or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    url: String,
    credentials: Option<Credentials>,
}

/// Proves who we are. `Debug` and `Display` hide the secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

impl Endpoint {
    /// Parses the address that `where_set` (a variable or a method) holds.
    pub(crate) fn parse(where_set: &str, value: &str) -> Result<Self> {
        let shown = masked(value);
        let bad = |fix: &str| Error::config(where_set, &shown, fix);
        let uri: Uri = value
            .trim()
            .parse()
            .map_err(|_| bad("not a URL; write it like http://127.0.0.1:5000"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if tls::ENABLED => {}
            Some("https") => {
                return Err(bad("https needs the feature `tls` of mlflow-tracing; enable it"));
            }
            Some(other) => {
                return Err(bad(&format!("`{other}` is not supported; use http:// or https://")));
            }
            None => {
                return Err(bad("the scheme is missing; write http:// or https:// before it"));
            }
        }
        let authority = uri.authority().ok_or_else(|| bad("the host is missing"))?.as_str();
        if has_stray_at_sign(value) {
            return Err(bad(
                "an @ follows credentials only; in a password write / as %2F, ? as %3F, # as %23",
            ));
        }
        if uri.query().is_some() {
            return Err(bad("a query cannot be part of it; remove everything from the `?` on"));
        }
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let name = uri.host().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| bad("the host is missing"))?;
        if host != name && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(bad("the port must be a number from 1 to 65535"));
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            url: format!("{scheme}://{host}{path}"),
            credentials: userinfo.map(Credentials::from_userinfo),
        })
    }

    /// The address, safe to show.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Credentials that stood in the address.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The address with `path` (which begins with a slash) after it.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Credentials {
    fn from_userinfo(userinfo: &str) -> Self {
        let decode = |part: &str| String::from_utf8_lossy(&percent::decode(part)).into_owned();
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Self::Basic { user: decode(user), password: decode(password) }
    }

    /// Value of the `Authorization` header.
    pub(crate) fn header_value(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without a password, the user is a token.
            Self::Basic { password, .. } if password.is_empty() => write!(f, "Basic {MASK}"),
            Self::Basic { user, .. } => write!(f, "Basic {user}:{MASK}"),
            Self::Bearer(_) => write!(f, "Bearer {MASK}"),
        }
    }
}

/// A URL with what may be secret hidden: everything before the last `@`, and the query.
///
/// It must hold for what is not a URL too, because that is when it is shown: an unescaped slash in
/// a password ends the part of the URL in which credentials stand.
pub(crate) fn masked(url: &str) -> String {
    let is_scheme = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        _ => (String::new(), url),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{MASK}@"), rest),
        None => (String::new(), rest),
    };
    match rest.split_once('?') {
        Some((address, _)) => format!("{scheme}{user}{address}?{MASK}"),
        None => format!("{scheme}{user}{rest}"),
    }
}

/// Whether an `@` stands after the part of the URL in which credentials stand.
fn has_stray_at_sign(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').is_some_and(|(before, _)| before.contains(['/', '?', '#']))
}

/// Checks that `name: value` can stand in a request; `where_set` is told when it cannot.
pub(crate) fn check_header(where_set: &str, name: &str, value: &str) -> Result<()> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(Error::config(where_set, name, "not a header name; write key=value pairs"));
    }
    if HeaderValue::from_str(value).is_err() {
        let fix =
            format!("the value of the header `{name}` holds characters that HTTP does not allow");
        return Err(Error::config(where_set, MASK, fix));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
