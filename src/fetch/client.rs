//! The kept HTTP client: dialing (through HTTP(S)_PROXY where set), TLS with the platform's
//! roots, HTTP/2, connection pools; and the translation of its errors into causes.

use super::surroundings::{Login, Netrc, Surroundings};
use crate::formats::authority;
use crate::vocabulary::Cause;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

type Secure = Client<HttpsConnector<Dialer>, Empty<Bytes>>;
type BoxError = Box<dyn StdError + Send + Sync>;

/// How the fetcher names itself: allow-lists know the first half.
const USER_AGENT: &str = concat!("Go-http-client/2.0 gox/", env!("CARGO_PKG_VERSION"));

/// go's own dial timeout.
const DIAL: Duration = Duration::from_secs(30);

/// HTTP/2 connections are pinged this often while requests are open, ...
const PING: Duration = Duration::from_secs(15);

/// ... and given up when the answer takes longer.
const PONG: Duration = Duration::from_secs(10);

/// The client. Cheap to share; one for the life of a relay.
pub(super) struct Http {
    surroundings: Arc<Surroundings>,
    netrc: OnceLock<Netrc>,
    plain: Client<Dialer, Empty<Bytes>>,
    /// Made when first needed: reading the platform's roots takes milliseconds.
    secure: OnceLock<Result<Secure, String>>,
    secure_http1: OnceLock<Result<Secure, String>>,
}

/// A request could not be answered.
#[derive(Debug)]
pub(super) struct Fault {
    /// What happened.
    pub(super) cause: Cause,
    /// In words, without secrets.
    pub(super) words: String,
    /// True where an HTTP proxy failed, not the host.
    pub(super) http_proxy: bool,
}

impl Http {
    pub(super) fn new(surroundings: Surroundings) -> Http {
        let surroundings = Arc::new(surroundings);
        let dialer = Dialer::new(surroundings.clone());
        Http {
            plain: builder().build(dialer),
            surroundings,
            netrc: OnceLock::new(),
            secure: OnceLock::new(),
            secure_http1: OnceLock::new(),
        }
    }

    /// The `Authorization` value of .netrc for an https URL.
    pub(super) fn netrc(&self, uri: &Uri) -> Option<HeaderValue> {
        let netrc = self.netrc.get_or_init(|| self.surroundings.read_netrc());
        netrc.for_url(uri.to_string().strip_prefix("https://")?).map(Login::header)
    }

    /// Sends one GET and returns with its headers. `http1` keeps it from HTTP/2.
    pub(super) async fn get(
        &self,
        uri: Uri,
        headers: &HeaderMap,
        http1: bool,
    ) -> Result<Response<Incoming>, Fault> {
        let https = uri.scheme_str() == Some("https");
        let mut request = Request::get(uri.clone()).body(Empty::new()).map_err(|e| Fault {
            cause: Cause::Other,
            words: e.to_string(),
            http_proxy: false,
        })?;
        let map = request.headers_mut();
        map.extend(headers.iter().map(|(k, v)| (k.clone(), v.clone())));
        map.insert(hyper::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        // A module proxy's answers are compressed already; and a length must be the length.
        map.insert(hyper::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let answer = if https {
            let http1 = http1 || self.surroundings.http1_only;
            let (cell, h2) = if http1 { (&self.secure_http1, false) } else { (&self.secure, true) };
            let client = cell.get_or_init(|| {
                let tls = tls(&self.surroundings)?;
                let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
                let dialer = Dialer::new(self.surroundings.clone());
                let connector = if h2 {
                    builder.enable_http1().enable_http2().wrap_connector(dialer)
                } else {
                    builder.enable_http1().wrap_connector(dialer)
                };
                Ok(self::builder().build(connector))
            });
            match client {
                Ok(client) => client.request(request).await,
                Err(words) => {
                    return Err(Fault { cause: Cause::TlsCert, words: words.clone(), http_proxy: false });
                }
            }
        } else {
            if let Some(proxy) = proxy_of(&self.surroundings, &uri)
                && let Some(value) = proxy_auth(&proxy)
            {
                map.insert(hyper::header::PROXY_AUTHORIZATION, value);
            }
            self.plain.request(request).await
        };
        answer.map_err(|error| fault(&error))
    }
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .http1_max_buf_size(64 << 10)
        .http2_max_header_list_size(64 << 10)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(8 << 20);
    builder
}

/// The roots that go would use: SSL_CERT_FILE and SSL_CERT_DIR each replace their own default.
fn tls(surroundings: &Surroundings) -> Result<rustls::ClientConfig, String> {
    let mut store = rustls::RootCertStore::empty();
    let custom = surroundings.cert_file.is_some() || surroundings.cert_dirs.is_some();
    let mut add = |result: rustls_native_certs::CertificateResult| {
        store.add_parsable_certificates(result.certs);
    };
    if custom {
        const FILES: [&str; 4] = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        ];
        let file =
            surroundings.cert_file.as_deref().or_else(|| FILES.iter().map(Path::new).find(|p| p.exists()));
        add(rustls_native_certs::load_certs_from_paths(file, None));
        match &surroundings.cert_dirs {
            Some(dirs) => {
                for dir in dirs.split(':').filter(|d| !d.is_empty()) {
                    add(rustls_native_certs::load_certs_from_paths(None, Some(Path::new(dir))));
                }
            }
            None => {
                for dir in ["/etc/ssl/certs", "/etc/pki/tls/certs"] {
                    add(rustls_native_certs::load_certs_from_paths(None, Some(Path::new(dir))));
                }
            }
        }
    } else {
        add(rustls_native_certs::load_native_certs());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())
        .map(|config| config.with_root_certificates(store).with_no_client_auth())
}

fn proxy_of(surroundings: &Surroundings, uri: &Uri) -> Option<Uri> {
    let host = uri.host()?.trim_matches(['[', ']']);
    let scheme = uri.scheme_str()?;
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    surroundings.proxy_for(scheme, host, port)?.parse().ok()
}

fn proxy_auth(proxy: &Uri) -> Option<HeaderValue> {
    user_info(proxy).map(|login| login.header())
}

/// User and password of a URL, unescaped.
fn user_info(uri: &Uri) -> Option<Login> {
    Login::of_user_info(authority::split_user(uri.authority()?.as_str()).0?)
}

/// Opens connections: straight, through an HTTP proxy (absolute form for http, CONNECT for
/// https), or through SOCKS.
#[derive(Clone)]
struct Dialer {
    surroundings: Arc<Surroundings>,
    tcp: HttpConnector,
}

impl Dialer {
    fn new(surroundings: Arc<Surroundings>) -> Dialer {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(DIAL));
        Dialer { surroundings, tcp }
    }
}

impl Service<Uri> for Dialer {
    type Response = Line;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        let Some(proxy) = proxy_of(&self.surroundings, &uri) else {
            return Box::pin(async move { Ok(Line { io: Box::new(tcp.call(uri).await?), absolute: false }) });
        };
        let surroundings = self.surroundings.clone();
        Box::pin(
            async move { through(proxy, uri, tcp, &surroundings).await.map_err(|e| ProxyFault(e).into()) },
        )
    }
}

async fn through(
    proxy: Uri,
    uri: Uri,
    tcp: HttpConnector,
    surroundings: &Surroundings,
) -> Result<Line, BoxError> {
    let auth = proxy_auth(&proxy);
    let secure = uri.scheme_str() == Some("https");
    let scheme = proxy.scheme_str().unwrap_or("http").to_owned();
    // The address alone: user and password travel in a header.
    let authority = proxy.authority().map(|a| a.as_str()).unwrap_or_default();
    let (_, bare) = authority::split_user(authority);
    let address = |default_port: u16| -> Result<Uri, BoxError> {
        let has_port = proxy.port_u16().is_some();
        let scheme = if scheme == "https" { "https" } else { "http" };
        let authority = if has_port { bare.to_owned() } else { format!("{bare}:{default_port}") };
        Ok(Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build()?)
    };
    let boxed = |io: Box<dyn Duplex>, absolute| Line { io, absolute };
    match scheme.as_str() {
        "socks5" | "socks5h" => {
            let mut socks = SocksV5::new(address(1080)?, tcp);
            if let Some(Login { user, password }) = user_info(&proxy) {
                socks = socks.with_auth(String::from_utf8(user)?, String::from_utf8(password)?);
            }
            Ok(boxed(Box::new(socks.call(uri).await?), false))
        }
        "http" if secure => {
            let mut tunnel = Tunnel::new(address(80)?, tcp);
            if let Some(auth) = auth {
                tunnel = tunnel.with_auth(auth);
            }
            Ok(boxed(Box::new(tunnel.call(uri).await?), false))
        }
        "http" => {
            let mut tcp = tcp;
            Ok(boxed(Box::new(tcp.call(address(80)?).await?), true))
        }
        "https" => {
            let mut tls = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(self::tls(surroundings)?)
                .https_only()
                .enable_http1()
                .wrap_connector(tcp);
            if !secure {
                return Ok(boxed(Box::new(tls.call(address(443)?).await?), true));
            }
            let mut tunnel = Tunnel::new(address(443)?, tls);
            if let Some(auth) = auth {
                tunnel = tunnel.with_auth(auth);
            }
            Ok(boxed(Box::new(tunnel.call(uri).await?), false))
        }
        other => Err(format!("unknown scheme of a proxy: {other}").into()),
    }
}

/// Marks errors of an HTTP proxy.
#[derive(Debug)]
struct ProxyFault(BoxError);

impl std::fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HTTP proxy")
    }
}

impl StdError for ProxyFault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

trait Duplex: Read + Write + Send + Unpin {}
impl<T: Read + Write + Send + Unpin> Duplex for T {}

/// One connection.
struct Line {
    io: Box<dyn Duplex>,
    /// Requests on it name the whole URL (plain HTTP through a proxy).
    absolute: bool,
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.absolute)
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

/// Reads an error of the client, or of a body, from the inside out.
pub(super) fn fault(error: &(dyn StdError + 'static)) -> Fault {
    let mut cause = None;
    let mut words = Vec::new();
    let mut http_proxy = false;
    let mut link = Some(error);
    while let Some(error) = link {
        http_proxy |= error.is::<ProxyFault>();
        cause = cause_of(error).or(cause);
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        // An io::Error hides what it carries from `source`.
        link = match error.downcast_ref::<io::Error>().and_then(|e| e.get_ref()) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    // The innermost two say enough; what is outside is the library's own story.
    let from = words.len().saturating_sub(2);
    Fault {
        cause: cause.unwrap_or(Cause::Eof),
        words: crate::redact::text(&words[from..].join(": ")).into_owned(),
        http_proxy,
    }
}

fn cause_of(error: &(dyn StdError + 'static)) -> Option<Cause> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return match io.kind() {
            io::ErrorKind::ConnectionRefused => Some(Cause::ConnRefused),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Some(Cause::ConnReset)
            }
            io::ErrorKind::TimedOut => Some(Cause::Timeout),
            io::ErrorKind::UnexpectedEof => Some(Cause::Eof),
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::AddrNotAvailable => Some(Cause::Unreachable),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Cause::DiskFull),
            _ => None,
        };
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(match tls {
            // What stands in the way of the handshake, as a login page does, not a certificate.
            rustls::Error::InvalidMessage(_) => Cause::CaptiveOrHtml,
            // Bytes that were damaged on the way: no verdict on anybody's certificate.
            rustls::Error::DecryptError | rustls::Error::PeerSentOversizedRecord => Cause::ConnReset,
            _ => Cause::TlsCert,
        });
    }
    if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        return if hyper.is_timeout() {
            Some(Cause::Timeout)
        } else if hyper.is_parse() {
            Some(Cause::CaptiveOrHtml)
        } else if hyper.is_incomplete_message() || hyper.is_closed() || hyper.is_canceled() {
            Some(Cause::Eof)
        } else if hyper.to_string().contains("http2") {
            Some(Cause::Http2)
        } else {
            None
        };
    }
    let text = error.to_string();
    if text.contains("dns error") || text.contains("failed to lookup address") {
        return Some(Cause::Dns);
    }
    if text.contains("proxy authorization required") {
        return Some(Cause::Http403);
    }
    // The HTTP/2 library's own errors reach us as text only.
    (text.starts_with("stream error") || text.starts_with("connection error") || text.contains("go away"))
        .then_some(Cause::Http2)
}

/// The value of a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
