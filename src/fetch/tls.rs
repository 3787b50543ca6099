//! TLS as go would have it: the roots that go would use, the protocols that go would offer.

use super::certificate::{self, Lone, Trust};
use super::fault::{Blame, Fault};
use super::surroundings::Surroundings;
use crate::vocabulary::Cause;
use rustls::pki_types::{CertificateDer, ServerName};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where go looks on Linux, in its order: the first bundle that is there ...
const FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// ... and all of these folders.
const DIRS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// What is offered in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Offer {
    /// HTTP/2, else HTTP/1.1.
    Http2,
    /// HTTP/1.1 alone.
    Http1,
}

/// The client's side of TLS.
pub(super) struct Tls {
    /// Roots that are trusted for themselves alone.
    lone: Vec<Lone>,
    http2: TlsConnector,
    http1: TlsConnector,
}

impl Tls {
    /// Reads the roots, which takes milliseconds.
    pub(super) fn new(surroundings: &Surroundings) -> Result<Tls, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (store, lone) = roots(surroundings);
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        let offering = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        Ok(Tls { lone, http2: offering(&[b"h2", b"http/1.1"]), http1: offering(&[b"http/1.1"]) })
    }

    /// Shakes hands with `host` over an open connection.
    pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        offer: Offer,
        stream: S,
    ) -> Result<TlsStream<S>, Fault> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::new(Cause::TlsCert, format!("{host} is no name for a certificate")))
            .map_err(|fault| fault.blaming(Blame::Gox))?;
        let connector = match offer {
            Offer::Http2 => &self.http2,
            Offer::Http1 => &self.http1,
        };
        let stream = connector.connect(name, stream).await.map_err(|error| {
            let fault = Fault::of(&error);
            // Whatever this library holds against a host, go may see otherwise.
            if fault.cause == Cause::TlsCert { fault.blaming(Blame::Gox) } else { fault }
        })?;
        let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let presented: Vec<&[u8]> = presented.iter().map(AsRef::as_ref).collect();
        if !certificate::are_presentable(&presented, &self.lone) {
            let words = format!("a certificate of {host} is such as go rejects");
            return Err(Fault::new(Cause::TlsCert, words).blaming(Blame::Gox));
        }
        Ok(stream)
    }
}

/// The roots that go would use: SSL_CERT_FILE and SSL_CERT_DIR each replace their own default. Beside
/// them those that are trusted for themselves alone.
fn roots(surroundings: &Surroundings) -> (rustls::RootCertStore, Vec<Lone>) {
    let mut store = rustls::RootCertStore::empty();
    let mut lone = Vec::new();
    let now = SystemTime::now();
    for root in found(surroundings) {
        match certificate::trust(&root, now) {
            Trust::Signer => {}
            Trust::Itself(root) => lone.push(root),
            Trust::No => continue,
        }
        // What the library cannot read it cannot trust either.
        let _ = store.add(root);
    }
    (store, lone)
}

fn found(surroundings: &Surroundings) -> Vec<CertificateDer<'static>> {
    if surroundings.cert_file.is_none() && surroundings.cert_dirs.is_none() {
        return rustls_native_certs::load_native_certs().certs;
    }
    let default = || FILES.iter().map(Path::new).find(|path| path.exists());
    let file = surroundings.cert_file.as_deref().or_else(default);
    let mut certs = rustls_native_certs::load_certs_from_paths(file, None).certs;
    let mut add = |dir: &str| {
        certs.extend(rustls_native_certs::load_certs_from_paths(None, Some(Path::new(dir))).certs);
    };
    match &surroundings.cert_dirs {
        Some(dirs) => dirs.split(':').filter(|dir| !dir.is_empty()).for_each(add),
        None => DIRS.iter().for_each(|dir| add(dir)),
    }
    certs
}
