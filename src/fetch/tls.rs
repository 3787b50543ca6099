//! TLS as go would have it: the roots that go would use, the protocols that go would offer.

use super::certificate::{self, Lone, Trust};
use super::fault::{Blame, Fault};
use super::surroundings::Surroundings;
use crate::vocabulary::Cause;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
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
    http2: TlsConnector,
    http1: TlsConnector,
    /// `None` where there is no root.
    verifier: Option<Verifier>,
}

/// The certificates that a server showed, its own first.
pub(super) type Shown = Vec<CertificateDer<'static>>;

impl Tls {
    /// Reads the roots, which takes milliseconds.
    pub(super) fn new(surroundings: &Surroundings) -> Result<Tls, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let Roots { store, lone, all } = roots(surroundings);
        let verifier = if store.is_empty() {
            None
        } else {
            let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
            let chains = chains.map_err(|e| e.to_string())?;
            Some(Verifier { chains, roots: all.into(), lone: lone.into(), shown: None, at: None })
        };
        let config = config(verifier.clone())?;
        let offering = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        Ok(Tls { http2: offering(&[b"h2", b"http/1.1"]), http1: offering(&[b"http/1.1"]), verifier })
    }

    /// Shakes hands like [`Tls::connect`], and tells what the server showed, whatever came of it. With a time
    /// its certificate is judged as of then, and only then: what comes over such a connection tells the time.
    pub(super) async fn look<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
        at: Option<UnixTime>,
    ) -> (io::Result<TlsStream<S>>, Shown) {
        let shown: Arc<Mutex<Shown>> = Arc::default();
        let verifier = self.verifier.clone().map(|v| Verifier { shown: Some(shown.clone()), at, ..v });
        let made = ServerName::try_from(host.to_owned())
            .map_err(|error| error.to_string())
            .and_then(|name| Ok((name, config(verifier)?)));
        let (name, mut config) = match made {
            Ok(made) => made,
            Err(words) => return (Err(io::Error::new(io::ErrorKind::InvalidInput, words)), Shown::new()),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let result = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let shown = std::mem::take(&mut *shown.lock().unwrap_or_else(PoisonError::into_inner));
        (result, shown)
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
            .map_err(|fault| fault.blaming(Blame::Verdict))?;
        let connector = match offer {
            Offer::Http2 => &self.http2,
            Offer::Http1 => &self.http1,
        };
        let stream = connector.connect(name, stream).await.map_err(|error| {
            let fault = Fault::of(&error);
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match tls {
                Some(rustls::Error::InvalidCertificate(_) | rustls::Error::General(_)) => {
                    fault.blaming(Blame::Distrust)
                }
                // Whatever else this library holds against a host, go may see otherwise.
                _ => {
                    if fault.cause == Cause::TlsCert {
                        fault.blaming(Blame::Verdict)
                    } else {
                        fault
                    }
                }
            }
        })?;
        Ok(stream)
    }
}

/// The library's verifier, and beside it what go takes and the library does not: a certificate that is
/// one of the roots itself, whatever kind it is. Whoever trusts a server by its own certificate has such.
#[derive(Clone, Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    roots: Arc<[CertificateDer<'static>]>,
    /// Roots that are trusted for themselves alone.
    lone: Arc<[Lone]>,
    /// Where what was shown is kept.
    shown: Option<Arc<Mutex<Shown>>>,
    /// The time to judge by, in place of this clock's.
    at: Option<UnixTime>,
}

/// The client's side with this verifier; without one nobody is trusted.
fn config(verifier: Option<Verifier>) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(match verifier {
        None => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
        Some(verifier) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(shown) = &self.shown {
            let chain = std::iter::once(own).chain(others).map(|c| c.clone().into_owned());
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        }
        // The roots were valid a moment ago.
        if self.roots.iter().any(|root| root == own) && certificate::may_stand_alone(own) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.chains.verify_server_cert(own, others, name, ocsp, self.at.unwrap_or(now))?;
        let presented: Vec<&[u8]> = std::iter::once(own).chain(others).map(AsRef::as_ref).collect();
        if !certificate::are_presentable(&presented, &self.lone) {
            return Err(rustls::Error::General("a certificate such as go rejects".into()));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// What go would trust.
struct Roots {
    /// For the library.
    store: rustls::RootCertStore,
    /// Roots that are trusted for themselves alone.
    lone: Vec<Lone>,
    /// All of them, as they stand.
    all: Vec<CertificateDer<'static>>,
}

/// The roots that go would use: SSL_CERT_FILE and SSL_CERT_DIR each replace their own default.
fn roots(surroundings: &Surroundings) -> Roots {
    let mut roots = Roots { store: rustls::RootCertStore::empty(), lone: Vec::new(), all: Vec::new() };
    let now = SystemTime::now();
    for root in found(surroundings) {
        match certificate::trust(&root, now) {
            Trust::Signer => {}
            Trust::Itself(root) => roots.lone.push(root),
            Trust::No => continue,
        }
        roots.all.push(root.clone());
        // What the library cannot read it cannot trust either.
        let _ = roots.store.add(root);
    }
    roots
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
