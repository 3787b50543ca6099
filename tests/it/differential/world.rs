//! One server that plays every part: upstream, store, HTTP proxy, SOCKS proxy, with TLS and without. It writes down
//! by which way each request came, and which credentials came with it.

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ask {
    /// Each step before it, with the credentials of that step: `connect a.test:443 (user:pw)`, `tls a.test`.
    pub(super) way: Vec<String>,
    /// The host it names, in small letters.
    pub(super) host: String,
    /// Path and query.
    pub(super) path: String,
    /// The credentials that it brings.
    pub(super) login: String,
    /// How the client names itself.
    pub(super) agent: String,
}

impl Ask {
    /// Way, host, folder of the version and credentials: what must be the same for two clients.
    pub(super) fn route(&self) -> String {
        let folder = self.path.split("/@v/").next().unwrap_or_default();
        format!("{} > {}{folder} ({})", self.way.join(" > "), self.host, self.login)
    }
}

/// What is answered: all bytes.
type Answer = Arc<dyn Fn(&Ask) -> Vec<u8> + Send + Sync>;

/// How a certificate for a name is made; the CA signs what comes back.
pub(super) type Forge = fn(&str, &mut CertificateParams);

/// The server; its threads end with the test's process.
pub(super) struct World {
    port: u16,
    log: Arc<Mutex<Vec<Ask>>>,
    ca: PathBuf,
    _files: tempfile::TempDir,
}

impl World {
    /// Starts it; certificates are made as `forge` says.
    pub(super) fn start(forge: Forge, answer: impl Fn(&Ask) -> Vec<u8> + Send + Sync + 'static) -> World {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let files = tempfile::Builder::new().prefix("gox-world-").tempdir().expect("a temporary folder");
        let authority = Authority::new(forge);
        let ca = files.path().join("ca.pem");
        std::fs::write(&ca, &authority.pem).expect("a file in the temporary folder");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the library's own versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(authority));
        let log: Arc<Mutex<Vec<Ask>>> = Arc::default();
        let stage = Stage { tls: Arc::new(config), answer: Arc::new(answer), log: Arc::clone(&log) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stage = stage.clone();
                std::thread::spawn(move || {
                    // A client that is silent for so long has been forgotten by its test.
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                    stage.serve(Link::new(stream), Vec::new())
                });
            }
        });
        World { port, log, ca, _files: files }
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate that signs all others.
    pub(super) fn ca(&self) -> &Path {
        &self.ca
    }

    /// What was asked since the last call.
    pub(super) fn heard(&self) -> Vec<Ask> {
        std::mem::take(&mut *self.log.lock().expect("no test panics here"))
    }
}

/// What every connection knows.
#[derive(Clone)]
struct Stage {
    tls: Arc<rustls::ServerConfig>,
    answer: Answer,
    log: Arc<Mutex<Vec<Ask>>>,
}

impl Stage {
    /// Takes one layer after the other until a request comes, and answers that.
    fn serve(&self, mut link: Link, mut way: Vec<String>) -> Option<()> {
        loop {
            match link.peek()? {
                0x16 => {
                    let mut session = rustls::ServerConnection::new(Arc::clone(&self.tls)).ok()?;
                    while session.is_handshaking() {
                        if let Err(error) = session.complete_io(&mut link) {
                            way.push(format!("tls {} fails", session.server_name().unwrap_or_default()));
                            let ask = Ask { way, ..Ask::nothing() };
                            let _ = error;
                            self.note(&ask);
                            return None;
                        }
                    }
                    way.push(format!("tls {}", session.server_name().unwrap_or_default()));
                    link = Link::new(rustls::StreamOwned::new(session, link));
                }
                5 => way.push(socks(&mut link)?),
                _ => {
                    let head = link.head()?;
                    let line = head.lines().next()?.to_owned();
                    let mut words = line.split(' ');
                    let (method, target) = (words.next()?, words.next()?);
                    let through = login(&head, "proxy-authorization");
                    if method == "CONNECT" {
                        // Names mean the same in capitals.
                        let target = target.to_ascii_lowercase();
                        way.push(format!("connect {target} ({through})"));
                        if target.starts_with("denied") {
                            // Who has the answer may be gone and asked about in the same moment.
                            self.note(&Ask { way, ..Ask::nothing() });
                            let _ = link.write_all(b"HTTP/1.1 403 No\r\n\r\n");
                            return None;
                        }
                        link.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
                        continue;
                    }
                    let path = if let Some((_, rest)) = target.split_once("://") {
                        way.push(format!("proxy ({through})"));
                        rest.find('/').map_or("/", |at| &rest[at..])
                    } else {
                        // What is meant for a proxy has nothing to do here.
                        assert!(through.is_empty(), "{line}: {through}");
                        target
                    };
                    let host = field(&head, "host").unwrap_or_default().to_ascii_lowercase();
                    let agent = field(&head, "user-agent").unwrap_or_default().to_owned();
                    let login = login(&head, "authorization");
                    let ask = Ask { way, host, path: path.to_owned(), login, agent };
                    self.note(&ask);
                    link.write_all(&(self.answer)(&ask)).ok()?;
                    return link.flush().ok();
                }
            }
        }
    }

    fn note(&self, ask: &Ask) {
        self.log.lock().expect("no test panics here").push(ask.clone());
    }
}

impl Ask {
    /// What never came so far as to ask.
    fn nothing() -> Ask {
        Ask {
            way: Vec::new(),
            host: String::new(),
            path: String::new(),
            login: String::new(),
            agent: String::new(),
        }
    }
}

/// The value of a header.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// What a Basic header holds.
fn login(head: &str, name: &str) -> String {
    let Some(value) = field(head, name) else { return String::new() };
    let bytes =
        value.strip_prefix("Basic ").and_then(|v| base64::engine::general_purpose::STANDARD.decode(v).ok());
    bytes.map_or_else(|| value.to_owned(), |bytes| bytes.escape_ascii().to_string())
}

/// The greeting of SOCKS 5; every password is right, and every address can be reached.
fn socks(link: &mut Link) -> Option<String> {
    let [_, methods] = link.exactly::<2>()?;
    let mut offered = vec![0; methods.into()];
    link.read_exact(&mut offered).ok()?;
    let mut login = String::new();
    if offered.contains(&2) {
        link.write_all(&[5, 2]).ok()?;
        let [_, length] = link.exactly::<2>()?;
        let user = link.text(length)?;
        let [length] = link.exactly::<1>()?;
        login = format!("{user}:{}", link.text(length)?);
        link.write_all(&[1, 0]).ok()?;
    } else {
        link.write_all(&[5, 0]).ok()?;
    }
    let [_, _, _, kind] = link.exactly::<4>()?;
    let host = match kind {
        1 => Ipv4Addr::from(link.exactly::<4>()?).to_string(),
        4 => std::net::Ipv6Addr::from(link.exactly::<16>()?).to_string(),
        _ => {
            let [length] = link.exactly::<1>()?;
            link.text(length)?
        }
    };
    let port = u16::from_be_bytes(link.exactly::<2>()?);
    link.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    Some(format!("socks {host} {port} ({login})"))
}

/// A connection, or a layer in it.
trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

/// A connection whose next byte can be looked at.
struct Link {
    inner: Box<dyn Duplex>,
    next: Option<u8>,
}

impl Link {
    fn new(inner: impl Duplex + 'static) -> Link {
        Link { inner: Box::new(inner), next: None }
    }

    fn peek(&mut self) -> Option<u8> {
        if self.next.is_none() {
            let mut byte = [0];
            self.inner.read_exact(&mut byte).ok()?;
            self.next = Some(byte[0]);
        }
        self.next
    }

    fn exactly<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn text(&mut self, length: u8) -> Option<String> {
        let mut bytes = vec![0; length.into()];
        self.read_exact(&mut bytes).ok()?;
        Some(bytes.escape_ascii().to_string())
    }

    /// The head of a request, as text.
    fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.exactly::<1>()?);
        }
        String::from_utf8(head).ok()
    }
}

impl Read for Link {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.next.take().filter(|_| !into.is_empty()) {
            Some(byte) => {
                into[0] = byte;
                Ok(1)
            }
            None => self.inner.read(into),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Signs a certificate for each name that is asked for.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    forge: Forge,
}

impl Authority {
    fn new(forge: Forge) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names, no wrong names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of the world");
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { pem, issuer: Issuer::new(params, key), forge }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or("127.0.0.1");
        let mut params = CertificateParams::new(vec![name.to_owned()]).ok()?;
        (self.forge)(name, &mut params);
        let key = KeyPair::generate().ok()?;
        let certificate = params.signed_by(&key, &self.issuer).ok()?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).ok()?;
        let provider = rustls::crypto::ring::default_provider();
        Some(Arc::new(CertifiedKey::from_der(chain, key, &provider).ok()?))
    }
}
