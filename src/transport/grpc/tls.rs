//! TLS on gRPC, when the feature `tls` is on.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};

use super::channel::Stream;
use crate::transport::connection::Tls;

/// HTTP/2's name among the protocols that are offered.
const H2: &[u8] = b"h2";

/// Speaks TLS over `socket` with the server that `host` names.
pub(super) async fn over(socket: TcpStream, host: &str, tls: &Tls) -> io::Result<Box<dyn Stream>> {
    let config = config(tls)
        .map_err(|error| io::Error::other(format!("the certificates cannot be used: {error}")))?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| {
        io::Error::other(format!("no certificate can be that of {host}: {error}"))
    })?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    if stream.get_ref().1.alpn_protocol() != Some(H2) {
        return Err(io::Error::other("the server does not speak HTTP/2, as gRPC does"));
    }
    Ok(Box::new(stream))
}

fn config(tls: &Tls) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    match &tls.authorities {
        Some(pem) => {
            roots.add_parsable_certificates(certificates(pem));
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    // The program's choice of cryptography, if it made one.
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match &tls.identity {
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(&identity.key);
            let key = key.map_err(|error| Error::General(error.to_string()))?;
            builder.with_client_auth_cert(certificates(&identity.certificate).collect(), key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten()
}
