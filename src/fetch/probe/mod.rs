//! One look at one host, step by step: its name, the connection, TLS, the answer; and at whom it redirects to.
//!
//! The fetcher asks until it gets through; this asks once and tells how far it came. It goes the way that go
//! goes: through the same HTTP proxies, with the same roots and logins, over the one function that dials.

mod answer;
mod handshake;

use crate::fetch::fault::{Blame, Fault};
use crate::fetch::gate::Waiting;
use crate::fetch::line::{Asking, Duplex, Line, Opened, Over, Response, handshake_http1};
use crate::fetch::login::Login;
use crate::fetch::progress::Progress;
use crate::fetch::proxy::{self, Proxy, Scheme};
use crate::fetch::redirect::{User, is_within, resolve};
use crate::fetch::surroundings::{Netrc, Surroundings, Way};
use crate::fetch::tls::{Offer, Tls};
use crate::formats::authority::{self, Url};
use crate::judgement::diagnosis::{Found, Stage};
use crate::machine::dial::{Address, DialError, Purpose, dial};
use crate::machine::names;
use crate::redact;
use answer::Body;
use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderValue};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) use answer::Expect;

/// How long each step may take.
const STEP: Duration = Duration::from_secs(4);

/// The head of an answer: a proxy may have to fetch first.
const HEAD: Duration = Duration::from_secs(6);

/// Redirects that are followed, at most.
const REDIRECTS: usize = 5;

/// What a look asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The address, with the user's own login in it where it has one.
    pub(crate) url: String,
    /// What is to come.
    pub(crate) expect: Expect,
    /// The module whose name goes along, or nothing.
    pub(crate) module: String,
}

/// What was seen of one host.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Host, and port where the address has one.
    pub(crate) host: String,
    /// Over https.
    pub(crate) secure: bool,
    /// What became of it.
    pub(crate) found: Found,
    /// Who signed its certificate.
    pub(crate) issuer: Option<String>,
    /// By how many seconds this clock is ahead of the host's.
    pub(crate) clock: Option<i64>,
    /// An address was made up by a local proxy program.
    pub(crate) fake: bool,
    /// What its name resolved to.
    pub(crate) addresses: Vec<IpAddr>,
    /// What was reached, and how long it took.
    pub(crate) steps: Vec<String>,
    /// All of it.
    pub(crate) ms: u64,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

/// Looks at hosts.
pub(crate) struct Prober {
    surroundings: Surroundings,
    netrc: Netrc,
    tls: Tls,
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prober").finish_non_exhaustive()
    }
}

/// A hop at work.
struct Hop<'a> {
    prober: &'a Prober,
    uri: Uri,
    address: Address,
    https: bool,
    purpose: Purpose<'a>,
    until: Instant,
    sight: Sight,
}

/// Where an answer leads on to, and who logs in there.
type Next = (Uri, User);

/// An open connection, and who is asked for a whole URL over it.
type Opening = (Box<dyn Duplex>, Option<Proxy>);

impl Prober {
    /// Reads the roots and .netrc.
    ///
    /// # Errors
    /// What the TLS library says.
    pub(crate) fn new(surroundings: Surroundings) -> Result<Prober, String> {
        let tls = Tls::new(&surroundings)?;
        let netrc = surroundings.read_netrc();
        Ok(Prober { surroundings, netrc, tls, room: Arc::new(Semaphore::new(crate::fetch::CONNECTIONS)) })
    }

    /// Asks, following redirects: one sight for each host on the way.
    pub(crate) async fn look(&self, asked: &Asked, until: Instant) -> Vec<Sight> {
        let mut sights: Vec<Sight> = Vec::new();
        let (url, mut of_address) = without_login(&asked.url);
        let mut uri: Option<Uri> = url.parse().ok();
        let plainly = Url::split(&asked.url).filter(|parts| parts.user.is_some() && parts.scheme == "http");
        if let Some(parts) = plainly {
            // go refuses to send a password there, and asks nothing.
            return vec![Sight { found: Found::NeedsLogin, ..Sight::new(parts.host.to_owned(), false) }];
        }
        let secure = url.starts_with("https://");
        let first_host = uri.as_ref().and_then(Uri::host).unwrap_or_default().to_ascii_lowercase();
        // As with go: the login of .netrc stays within its host, that of an address with this address.
        let counts = secure && (of_address.is_none() || self.netrc.comes_first());
        let mut netrc = url.strip_prefix("https://").and_then(|rest| self.netrc.for_url(rest)).cloned();
        netrc = netrc.filter(|_| counts);
        for _ in 0..=REDIRECTS {
            let Some(at) = uri.take() else { break };
            let Some(mut hop) = Hop::new(self, at, &asked.module, until) else { break };
            let begun = Instant::now();
            let login = netrc.as_ref().or(of_address.as_ref()).map(Login::header);
            let next = hop.run(login.as_ref(), asked.expect).await;
            hop.sight.ms = millis(begun);
            match sights.last_mut() {
                Some(last) if last.host == hop.sight.host => {
                    let (ms, mut steps) = (last.ms, std::mem::take(&mut last.steps));
                    steps.append(&mut hop.sight.steps);
                    *last = Sight { ms: ms + hop.sight.ms, steps, ..hop.sight };
                }
                _ => sights.push(hop.sight),
            }
            let Some((next, user)) = next else { return sights };
            if secure && next.scheme_str() != Some("https") {
                // go does not follow such a one, nor does this.
                if let Some(last) = sights.last_mut() {
                    last.found = Found::Odd("redirects from https to http".into());
                }
                return sights;
            }
            if !is_within(&next.host().unwrap_or_default().to_ascii_lowercase(), &first_host) {
                netrc = None;
            }
            if let User::Other(login) = user {
                of_address = login;
            }
            uri = Some(next);
        }
        match sights.last_mut() {
            Some(last) => last.found = Found::Odd("redirects without an end".into()),
            None => sights.push(Sight {
                found: Found::Odd("no address".into()),
                ..Sight::new(redact::url(&url), false)
            }),
        }
        sights
    }
}

impl Sight {
    fn new(host: String, secure: bool) -> Sight {
        Sight {
            host,
            secure,
            found: Found::Well,
            issuer: None,
            clock: None,
            fake: false,
            addresses: Vec::new(),
            steps: Vec::new(),
            ms: 0,
            body: Vec::new(),
        }
    }
}

/// A URL without its login, and the login; go sends none over plain http.
fn without_login(url: &str) -> (String, Option<Login>) {
    let Some(parts) = Url::split(url) else { return (url.to_owned(), None) };
    let login = parts.user.filter(|_| parts.scheme == "https").and_then(Login::of_user_info);
    (format!("{}://{}{}", parts.scheme, parts.host, parts.path), login)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Where an error of a connection leaves a look that had come so far.
fn of_io(kind: io::ErrorKind, stage: Stage) -> Found {
    match kind {
        io::ErrorKind::ConnectionRefused => Found::Refused,
        io::ErrorKind::TimedOut => Found::Silent(stage),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => Found::NoRoute,
        _ => Found::Broken(stage),
    }
}

/// By how many seconds this clock is ahead of that of who sent this head.
fn ahead_of(headers: &HeaderMap) -> Option<i64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let there = httpdate::parse_http_date(date).ok()?;
    let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
    Some(match SystemTime::now().duration_since(there) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}

impl<'a> Hop<'a> {
    fn new(prober: &'a Prober, uri: Uri, module: &'a str, until: Instant) -> Option<Hop<'a>> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let shown = authority::split_user(uri.authority()?.as_str()).1.to_ascii_lowercase();
        let sight = Sight::new(shown, https);
        let address = Address { host, port };
        Some(Hop { prober, uri, address, https, purpose: Purpose::Look(module), until, sight })
    }

    /// Within a step's time, and within all of it.
    async fn within<T>(&self, most: Duration, work: impl Future<Output = T>) -> Option<T> {
        let end = self.until.min(Instant::now() + most);
        tokio::time::timeout_at(end, work).await.ok()
    }

    /// Asks; gives where the answer leads on to.
    async fn run(&mut self, credential: Option<&HeaderValue>, expect: Expect) -> Option<Next> {
        match self.steps(credential, expect).await {
            Ok(next) => next,
            Err(found) => {
                self.sight.found = found;
                None
            }
        }
    }

    async fn steps(
        &mut self,
        credential: Option<&HeaderValue>,
        expect: Expect,
    ) -> Result<Option<Next>, Found> {
        let (stream, absolute) = self.open().await?;
        let opened = if self.https {
            self.shake_hands(stream).await?
        } else {
            let room = self.prober.room.clone().acquire_owned().await.ok();
            let room = room.ok_or(Found::Broken(Stage::Http))?;
            Opened::Http1(handshake_http1(stream, room).await.map_err(|_| Found::Broken(Stage::Http))?)
        };
        let begun = Instant::now();
        let response = self.ask(self.uri.clone(), opened, absolute.as_ref(), credential).await?;
        self.sight.steps.push(format!("HTTP {} {} ms", response.status, millis(begun)));
        self.sight.clock = ahead_of(&response.headers);
        if matches!(response.status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.headers.get(header::LOCATION)
        {
            let next = location.to_str().ok().and_then(|location| resolve(&self.uri, location));
            return next.map(Some).ok_or_else(|| Found::Odd("redirects to no address".into()));
        }
        if response.status == 407 && absolute.is_some() {
            return Err(Found::HttpProxyLogin("407".into()));
        }
        self.read(response, expect).await
    }

    /// A connection to the host, or to the HTTP proxy that leads there.
    async fn open(&mut self) -> Result<Opening, Found> {
        let scheme = if self.https { "https" } else { "http" };
        let way = self.prober.surroundings.way(scheme, &self.address);
        let way = way.map_err(|fault| Found::HttpProxy(fault.words))?;
        let proxy = match way {
            Way::Straight => {
                self.resolve().await?;
                let begun = Instant::now();
                let dialled = self.within(STEP, dial(&self.address, self.purpose)).await;
                let stream = match dialled {
                    None => return Err(Found::Silent(Stage::Dial)),
                    Some(Ok(stream)) => stream,
                    Some(Err(DialError::Name(_))) => return Err(Found::NoName),
                    Some(Err(DialError::Resolver(_))) => return Err(Found::NoResolver),
                    Some(Err(DialError::Connect(error))) => return Err(of_io(error.kind(), Stage::Dial)),
                };
                self.sight.steps.push(format!("TCP {} ms", millis(begun)));
                return Ok((Box::new(stream), None));
            }
            Way::Through(proxy) => proxy,
        };
        let begun = Instant::now();
        let through = self.within(STEP, self.through(&proxy)).await;
        let stream =
            through.unwrap_or_else(|| Err(Found::HttpProxy(format!("{} does not answer", proxy.address))))?;
        self.sight.steps.push(format!("HTTP proxy {} {} ms", proxy.address, millis(begun)));
        let absolute = (!self.https && proxy.scheme != Scheme::Socks5).then_some(proxy);
        Ok((stream, absolute))
    }

    /// The host's addresses: whether there are any, and for people.
    async fn resolve(&mut self) -> Result<(), Found> {
        if self.address.host.parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        let begun = Instant::now();
        let host = self.address.host.clone();
        match self.within(STEP, names::resolve(&host, self.address.port)).await {
            None => Err(Found::NoResolver),
            Some(Err(error)) if names::is_resolvers(&host, &error) => Err(Found::NoResolver),
            Some(Err(_)) => Err(Found::NoName),
            Some(Ok(found)) if found.is_empty() => Err(Found::NoName),
            Some(Ok(found)) => {
                self.sight.fake = found.iter().any(|address| authority::is_made_up(address.ip()));
                self.sight.addresses = found.iter().map(SocketAddr::ip).collect();
                let mut shown: Vec<String> = found.iter().map(|a| a.ip().to_string()).collect();
                shown.dedup();
                let more = if shown.len() > 2 { ", ..." } else { "" };
                shown.truncate(2);
                self.sight.steps.push(format!("DNS {} ms ({}{more})", millis(begun), shown.join(", ")));
                Ok(())
            }
        }
    }

    /// A way through an HTTP or SOCKS proxy.
    async fn through(&self, proxy: &Proxy) -> Result<Box<dyn Duplex>, Found> {
        let told = |fault: Fault| match fault.blame {
            Blame::Login => Found::HttpProxyLogin(fault.words),
            Blame::Host => Found::Silent(Stage::Dial),
            Blame::Proxy | Blame::Refusal | Blame::Gox | Blame::Verdict | Blame::Distrust => {
                Found::HttpProxy(fault.words)
            }
        };
        let dialled = dial(&proxy.address, self.purpose).await;
        let stream = dialled
            .map_err(|error| Found::HttpProxy(Fault::of_dial(&proxy.address.to_string(), &error).words))?;
        let mut stream: Box<dyn Duplex> = Box::new(stream);
        if proxy.scheme == Scheme::Https {
            let secure = self.prober.tls.connect(&proxy.address.host, Offer::Http1, stream).await;
            stream = Box::new(secure.map_err(|fault| Found::HttpProxy(fault.words))?);
        }
        match proxy.scheme {
            Scheme::Socks5 => proxy::socks5(&mut stream, &self.address, proxy).await.map_err(told)?,
            Scheme::Http | Scheme::Https if self.https => {
                proxy::tunnel(&mut stream, &self.address, proxy).await.map_err(told)?;
            }
            Scheme::Http | Scheme::Https => {}
        }
        Ok(stream)
    }

    /// Sends the request.
    async fn ask(
        &self,
        uri: Uri,
        opened: Opened,
        absolute: Option<&Proxy>,
        credential: Option<&HeaderValue>,
    ) -> Result<Response, Found> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(crate::fetch::USER_AGENT));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(credential) = credential {
            headers.insert(header::AUTHORIZATION, credential.clone());
        }
        let progress = Progress::new();
        let asking = Asking {
            uri,
            headers,
            offer: Offer::Http2,
            waiting: Waiting::Go,
            over: Over::Fresh,
            purpose: self.purpose,
            patience: HEAD,
            progress: &progress,
        };
        let sent = async {
            let line = match opened {
                Opened::Http1(sender) => Line::Http1(sender, None),
                Opened::Http2(http2) => {
                    let sender = http2.sender;
                    let permit = http2.gate.enter(Waiting::Go, || sender.current_max_send_streams()).await;
                    Line::Http2(sender, permit?, http2.gate)
                }
            };
            Some(line.send(&Arc::default(), &asking, absolute).await)
        };
        match self.within(HEAD, sent).await {
            None => Err(Found::Silent(Stage::Http)),
            Some(None) => Err(Found::Broken(Stage::Http)),
            Some(Some(Ok(response))) => Ok(response),
            Some(Some(Err(unanswered))) => Err(match unanswered.fault.blame {
                Blame::Gox => Found::Odd(unanswered.fault.words),
                Blame::Host
                | Blame::Proxy
                | Blame::Refusal
                | Blame::Login
                | Blame::Verdict
                | Blame::Distrust => Found::Broken(Stage::Http),
            }),
        }
    }

    /// Reads what an answer is worth.
    async fn read(&mut self, response: Response, expect: Expect) -> Result<Option<Next>, Found> {
        let status = response.status;
        let page = answer::is_page(&response.headers);
        let begun = Instant::now();
        let body = self.within(STEP, answer::read(response.body, expect)).await.unwrap_or(Body::Silent);
        let (bytes, whole) = match body {
            Body::Silent => return Err(Found::Silent(Stage::Body)),
            Body::Broken => return Err(Found::Broken(Stage::Body)),
            Body::Read(bytes) => (bytes, millis(begun)),
        };
        if let Some(rate) = answer::rate(bytes.len(), whole) {
            self.sight.steps.push(rate);
        }
        let mut found = answer::judge(status, page, &bytes, expect);
        if found == Found::NeedsLogin && self.prober.surroundings.needs_go_for_auth() {
            // It serves, and who gets in only go can tell.
            self.sight.steps.push("GOAUTH".into());
            found = Found::Well;
        }
        self.sight.body = bytes;
        if found == Found::Well { Ok(None) } else { Err(found) }
    }
}
