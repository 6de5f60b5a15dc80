//! Certificates and proxies of a destination.

use std::path::Path;

use super::Resolver;
use crate::config::destination::reach::Reach;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::transport::connection::{Connection, Identity, Tls};
use crate::transport::proxy::{Proxy, is_exempt};
use crate::transport::tls;

/// The names under which one destination's certificates are found.
pub(super) struct TlsNames {
    pub(super) authorities: &'static [&'static str],
    pub(super) certificate: &'static [&'static str],
    /// None where the key stands in the certificate's file.
    pub(super) key: &'static [&'static str],
    pub(super) insecure: Option<&'static str>,
}

pub(super) const MLFLOW: TlsNames = TlsNames {
    authorities: &[var::MLFLOW_TRACKING_SERVER_CERT_PATH],
    certificate: &[var::MLFLOW_TRACKING_CLIENT_CERT_PATH],
    key: &[],
    insecure: Some(var::MLFLOW_TRACKING_INSECURE_TLS),
};

pub(super) const OTLP: TlsNames = TlsNames {
    authorities: &[var::OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE, var::OTEL_EXPORTER_OTLP_CERTIFICATE],
    certificate: &[
        var::OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
        var::OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
    ],
    key: &[var::OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY, var::OTEL_EXPORTER_OTLP_CLIENT_KEY],
    insecure: None,
};

/// A file that `place` names.
struct Named<'a> {
    place: &'static str,
    path: &'a Path,
}

impl Resolver<'_> {
    /// How `url` is reached.
    pub(super) fn connection(
        &mut self,
        url: &str,
        reach: &Reach,
        names: &TlsNames,
        env: &Env,
    ) -> Result<Connection> {
        Ok(Connection { tls: self.tls(reach, names, env)?, proxy: self.proxy(url, reach, env)? })
    }

    fn tls(&mut self, reach: &Reach, names: &TlsNames, env: &Env) -> Result<Tls> {
        let mut tls = Tls::default();
        let authorities = named("with_ca_certificate", reach.authorities.as_deref())
            .or_else(|| of_variable(names.authorities, env));
        if let Some(file) = &authorities {
            self.explanation.note("CA certificate", file.shown(), file.source());
            tls.authorities = Some(file.read("a certificate", tls::holds_certificate)?);
        }
        tls.identity = self.identity(reach, names, env)?;
        if let Some(name) = names.insecure {
            tls.insecure = parse::flag(env, name, false)?;
            if tls.insecure && authorities.is_some() {
                let fix = "no certificate is checked then; unset it, or the CA certificate";
                return Err(Error::config(name, "true", fix));
            }
            if tls.insecure {
                self.explanation.warn(format!(
                    "{name} is true: the server's certificate is not checked, and anybody in between \
                     can read the traces"
                ));
            }
        }
        Ok(tls)
    }

    fn identity(&mut self, reach: &Reach, names: &TlsNames, env: &Env) -> Result<Option<Identity>> {
        let built = reach.identity.as_ref().map(|(certificate, key)| (&**certificate, &**key));
        let method = "with_client_certificate";
        let certificate = named(method, built.map(|(certificate, _)| certificate))
            .or_else(|| of_variable(names.certificate, env));
        let key = named(method, built.map(|(_, key)| key)).or_else(|| of_variable(names.key, env));
        let (certificate, key) = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(both), None) if names.key.is_empty() => {
                let key = Named { place: both.place, path: both.path };
                (both, key)
            }
            (Some(lone), None) => return Err(lone.incomplete(names.key)),
            (None, Some(lone)) => return Err(lone.incomplete(names.certificate)),
        };
        self.explanation.note("client certificate", certificate.shown(), certificate.source());
        Ok(Some(Identity {
            certificate: certificate.read("a certificate", tls::holds_certificate)?,
            key: key.read("a private key", tls::holds_key)?,
        }))
    }

    /// Source: the convention of curl: upper or lower case, the scheme's own before the general.
    fn proxy(&mut self, url: &str, reach: &Reach, env: &Env) -> Result<Option<Proxy>> {
        if let Some(address) = &reach.proxy {
            let proxy = Proxy::parse("with_proxy", &address.0)?;
            self.explanation.note("proxy", proxy.url(), Source::Builder("with_proxy"));
            return Ok(Some(proxy));
        }
        let names: &[&'static str] = if url.starts_with("https://") {
            &[var::HTTPS_PROXY, var::HTTPS_PROXY_LOWER, var::ALL_PROXY, var::ALL_PROXY_LOWER]
        } else {
            &[var::HTTP_PROXY, var::HTTP_PROXY_LOWER, var::ALL_PROXY, var::ALL_PROXY_LOWER]
        };
        let Some((name, value)) = env.first(names) else { return Ok(None) };
        let exempt = env.first(&[var::NO_PROXY, var::NO_PROXY_LOWER]);
        if is_exempt(url, exempt.map_or("", |(_, value)| value)) {
            return Ok(None);
        }
        let proxy = Proxy::parse(name, value)?;
        self.explanation.note("proxy", proxy.url(), Source::Variable(name));
        Ok(Some(proxy))
    }
}

fn named<'a>(method: &'static str, path: Option<&'a Path>) -> Option<Named<'a>> {
    path.map(|path| Named { place: method, path })
}

fn of_variable<'a>(names: &[&'static str], env: &'a Env) -> Option<Named<'a>> {
    env.first(names).map(|(place, path)| Named { place, path: Path::new(path) })
}

impl Named<'_> {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn source(&self) -> Source {
        if self.place.starts_with("with_") {
            Source::Builder(self.place)
        } else {
            Source::Variable(self.place)
        }
    }

    fn read(&self, what: &str, holds: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
        let pem = std::fs::read(self.path).map_err(|error| {
            Error::config(self.place, &self.shown(), format!("the file cannot be read: {error}"))
        })?;
        if holds(&pem) {
            return Ok(pem);
        }
        let fix =
            format!("the file holds no {}; it must be PEM text", what.trim_start_matches("a "));
        Err(Error::config(self.place, &self.shown(), fix))
    }

    fn incomplete(&self, others: &[&'static str]) -> Error {
        let other = others.first().copied().unwrap_or_default();
        let fix = format!("a certificate and its key belong together; set {other}, too");
        Error::config(self.place, &self.shown(), fix)
    }
}
