//! The fetcher's own connections: opened once where HTTP/2 carries many requests, kept, counted, and
//! never more than there are descriptors for.

use super::crowd::{self, Member};
use super::fault::{Blame, Fault};
use super::gate::Waiting;
use super::line::{Asking, Duplex, Http2, Line, Opened, Over, Response, handshake_http1, handshake_http2};
use super::lines::Lines;
use super::login::Login;
use super::proxy::{self, Entrance, Proxy, Scheme};
use super::surroundings::{Netrc, Surroundings, Way};
use super::tls::{Offer, Tls};
use crate::machine::dial::{Address, Purpose, dial};
use crate::vocabulary::Cause;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::{OnceCell, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// go's own patience with a TLS handshake, ...
const HANDSHAKE: Duration = Duration::from_secs(10);

/// ... and with a proxy's answer to CONNECT: what stands behind it may take long to reach.
const GREETING: Duration = Duration::from_secs(60);

/// How often an idle connection is looked for while all descriptors are in use.
const CROWDED: Duration = Duration::from_millis(50);

/// Most HTTP/2 connections to one origin, where each was found to bring more.
pub(super) const MOST_HTTP2: usize = 4;

/// Streams that the least busy connection carries before another is opened beside it.
const BUSY: usize = 4;

/// A request that a kept connection did not take is sent anew this often: more than go does, for more are sent at a
/// time to a peer that takes few over each connection.
const ANEW: usize = 8;

/// Who is spoken to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    https: bool,
    address: Address,
    offer: Offer,
}

impl Origin {
    fn of(asking: &Asking<'_>) -> Option<Origin> {
        let https = asking.uri.scheme_str()? == "https";
        let host = asking.uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = asking.uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Some(Origin { https, address: Address { host, port }, offer: asking.offer })
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

/// All connections of a fetcher.
pub(super) struct Connections {
    surroundings: Surroundings,
    netrc: OnceLock<Netrc>,
    /// Made when first needed.
    tls: OnceCell<Tls>,
    origins: Mutex<HashMap<Origin, Arc<Lines>>>,
    /// Descriptors.
    room: Arc<Semaphore>,
    /// How many were opened.
    opened: AtomicU64,
    /// HTTP/2 connections that one origin may have now.
    allowed: AtomicUsize,
    /// Held while a proxy is spoken to that has let nobody through yet, so that a wrong password is
    /// tried once.
    entrance: Arc<tokio::sync::Mutex<Entrance>>,
    /// What proxies have refused for good: everything, or a host.
    verdicts: Mutex<HashMap<Option<Address>, Fault>>,
}

impl Connections {
    /// At most `room` connections at a time.
    pub(super) fn new(surroundings: Surroundings, room: usize) -> Connections {
        Connections {
            surroundings,
            netrc: OnceLock::new(),
            tls: OnceCell::new(),
            origins: Mutex::default(),
            room: Arc::new(Semaphore::new(room)),
            opened: AtomicU64::new(0),
            allowed: AtomicUsize::new(1),
            entrance: Arc::default(),
            verdicts: Mutex::default(),
        }
    }

    /// How many have been opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// HTTP/2 connections that one origin may have from now on.
    pub(super) fn allow(&self, connections: usize) {
        self.allowed.store(connections.clamp(1, MOST_HTTP2), Ordering::Relaxed);
    }

    /// What .netrc has for an https URL.
    pub(super) fn login(&self, url: &str) -> Option<&Login> {
        self.netrc().for_url(url.strip_prefix("https://")?)
    }

    /// Whether .netrc comes before the login of a URL.
    pub(super) fn netrc_comes_first(&self) -> bool {
        self.netrc().comes_first()
    }

    fn netrc(&self) -> &Netrc {
        self.netrc.get_or_init(|| self.surroundings.read_netrc())
    }

    /// Sends one GET and returns with its head.
    pub(super) async fn send(&self, asking: &Asking<'_>) -> Result<Response, Fault> {
        let origin = Origin::of(asking)
            .ok_or_else(|| Fault::new(Cause::Other, "an address without a host").blaming(Blame::Verdict))?;
        // As it is spelt: for go `localhost` in capitals is no loopback.
        let host = asking.uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let spelt = Address { host, port: origin.address.port };
        let way = self.surroundings.way(origin.scheme(), &spelt)?;
        self.check_verdict(&way, &origin.address)?;
        let absolute = match &way {
            Way::Through(proxy) if !origin.https && proxy.scheme != Scheme::Socks5 => Some(proxy),
            Way::Through(_) | Way::Straight => None,
        };
        let mut first = match &absolute {
            Some(_) if asking.over != Over::Beside => self.first_through_proxy().await?,
            Some(_) | None => None,
        };
        self.check_verdict(&way, &origin.address)?;
        let lines = {
            let mut origins = self.origins.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            origins.entry(origin.clone()).or_insert_with(Lines::new).clone()
        };
        if asking.over == Over::Fresh {
            lines.retire_all();
        }
        let mut anew = 0;
        let mut spent = Duration::ZERO;
        // When it left a connection that may be one too many.
        let mut moved = None;
        loop {
            let line = self.line(&lines, &origin, &way, asking, &mut spent, moved).await;
            let line =
                line.inspect_err(|fault| first.iter_mut().for_each(|entrance| entrance.fails(fault)))?;
            let Some((line, is_kept)) = line else {
                moved = Some(Instant::now());
                continue;
            };
            let gate = line.gate();
            let sent = Instant::now();
            let may_move = !is_kept && gate.is_none() && moved.is_none() && asking.over == Over::Any;
            let answer = asking.within(&mut spent, line.send(&lines.idle, asking, absolute));
            let Some(answer) = lines.unless_silent(may_move, answer).await else {
                moved = Some(Instant::now());
                continue;
            };
            match answer {
                Ok(response) => {
                    if gate.is_none() {
                        lines.crowd.answered();
                        if moved.is_some() && is_kept && sent.elapsed() < crowd::SILENT {
                            lines.crowd.is_all_it_serves();
                        }
                    }
                    let settled = self.settle(response, absolute)?;
                    if let Some(entrance) = &mut first {
                        entrance.is_open = true;
                    }
                    if asking.over == Over::Beside {
                        // They are not known to lead anywhere.
                        lines.retire_all_but(gate.as_ref());
                    }
                    return Ok(settled);
                }
                Err(unanswered) if unanswered.untouched && is_kept && anew < ANEW => anew += 1,
                Err(unanswered) => {
                    // It may be dead without a sign: the next request does not wait for its PING.
                    if let Some(gate) = gate.filter(|_| unanswered.fault.cause == Cause::Timeout) {
                        lines.retire(&gate);
                    }
                    first.iter_mut().for_each(|entrance| entrance.fails(&unanswered.fault));
                    return Err(unanswered.fault);
                }
            }
        }
    }

    /// What the status says about a proxy that was asked for a whole URL.
    fn settle(&self, response: Response, absolute: Option<&Proxy>) -> Result<Response, Fault> {
        let Some(proxy) = absolute else { return Ok(response) };
        if response.status != 407 {
            return Ok(response);
        }
        let words = format!("HTTP proxy {} wants other credentials: 407", proxy.address);
        let fault = Fault::new(Cause::Http403, words).blaming(Blame::Login);
        self.keep_verdict(None, &fault);
        Err(fault)
    }

    fn check_verdict(&self, way: &Way, to: &Address) -> Result<(), Fault> {
        if *way == Way::Straight {
            return Ok(());
        }
        let verdicts = self.verdicts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        verdicts.get(&None).or_else(|| verdicts.get(&Some(to.clone()))).map_or(Ok(()), |f| Err(f.clone()))
    }

    fn keep_verdict(&self, about: Option<Address>, fault: &Fault) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        verdicts.insert(about, fault.clone());
    }

    /// Waits until a proxy is known to work, or gives the right to find out.
    async fn first_through_proxy(&self) -> Result<Option<OwnedMutexGuard<Entrance>>, Fault> {
        let since = Instant::now();
        let guard = self.entrance.clone().lock_owned().await;
        match &guard.failed {
            _ if guard.is_open => Ok(None),
            Some((when, fault)) if *when > since => Err(fault.clone()),
            Some(_) | None => Ok(Some(guard)),
        }
    }

    /// A connection for the request, and whether it was there before. `None` where a new one may be too many, and
    /// the request has not `moved` yet.
    async fn line(
        &self,
        lines: &Arc<Lines>,
        origin: &Origin,
        way: &Way,
        asking: &Asking<'_>,
        spent: &mut Duration,
        moved: Option<Instant>,
    ) -> Result<Option<(Line, bool)>, Fault> {
        if asking.over == Over::Beside {
            return Ok(Some((self.opened_line(lines, origin, way, asking, spent).await?, false)));
        }
        let since = Instant::now();
        let mut turn = None;
        loop {
            let http1 = !origin.https || origin.offer == Offer::Http1 || lines.lock().speaks_http1;
            if http1 && asking.waiting == Waiting::Fill && turn.is_none() {
                turn = match asking.over == Over::Own {
                    // It is not needed: it takes nobody's turn.
                    true => Some(lines.fills.clone().try_acquire_owned().map_err(|_| no_room())?),
                    false => lines.fills.clone().acquire_owned().await.ok(),
                };
            }
            let (most, busy) = match asking.over == Over::Own {
                true => (MOST_HTTP2, 1),
                false => (self.allowed.load(Ordering::Relaxed), BUSY),
            };
            if asking.waiting == Waiting::Fill && lines.may_grow(most, busy) {
                let opening = match asking.over == Over::Own {
                    true => Some(lines.opening.lock().await),
                    // Whoever opens one already opens it for all.
                    false => lines.opening.try_lock().ok(),
                };
                if let Some(_opening) = opening.filter(|_| lines.may_grow(most, busy)) {
                    match self.opened_line(lines, origin, way, asking, spent).await {
                        Ok(line) => return Ok(Some((line, false))),
                        // One that is there is enough.
                        Err(_) if asking.over == Over::Own => return Err(no_room()),
                        Err(_) => self.allow(1),
                    }
                }
            }
            if let Some(line) = lines.kept(asking.waiting, most).await {
                return Ok(Some((line.in_turn(turn), true)));
            }
            let waits = moved.is_some_and(|since| since.elapsed() < crowd::FOR_A_KEPT_ONE);
            if http1 && asking.over == Over::Any && (waits || lines.crowd.is_full()) {
                lines.crowd.change().await;
                continue;
            }
            if http1 {
                let may_move = moved.is_none() && asking.over == Over::Any;
                let opened = self.opened_line(lines, origin, way, asking, spent);
                let Some(line) = lines.unless_silent(may_move, opened).await else { return Ok(None) };
                return Ok(Some((line?.in_turn(turn), false)));
            }
            let mut opening = lines.opening.lock().await;
            if let Some(line) = lines.kept(asking.waiting, most).await {
                return Ok(Some((line.in_turn(turn), true)));
            }
            if let Some((when, fault)) = &*opening
                && *when > since
            {
                return Err(fault.clone());
            }
            if lines.lock().speaks_http1 {
                continue;
            }
            let opened = self.opened_line(lines, origin, way, asking, spent).await;
            if let Err(fault) = &opened {
                *opening = Some((Instant::now(), fault.clone()));
            }
            return Ok(Some((opened?, false)));
        }
    }

    /// A new connection for the request; others learn of it.
    async fn opened_line(
        &self,
        lines: &Lines,
        origin: &Origin,
        way: &Way,
        asking: &Asking<'_>,
        spent: &mut Duration,
    ) -> Result<Line, Fault> {
        let held = (self.room().await, lines.crowd.join());
        let opened = asking.within(spent, self.open(origin, way, asking, held)).await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        let http2 = match opened {
            Opened::Http1(sender) => {
                lines.lock().speaks_http1 = true;
                return Ok(Line::Http1(sender, None));
            }
            Opened::Http2(http2) => http2,
        };
        lines.lock().http2.push(http2.clone());
        let Http2 { sender, gate } = http2;
        let permit = gate.enter(asking.waiting, || sender.current_max_send_streams()).await;
        let permit = permit.ok_or_else(|| Fault::new(Cause::Eof, "the connection ended at once"))?;
        Ok(Line::Http2(sender, permit, gate))
    }

    /// A descriptor; where all are in use an idle connection gives its own.
    async fn room(&self) -> OwnedSemaphorePermit {
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            return permit;
        }
        loop {
            let all: Vec<Arc<Lines>> = {
                let origins = self.origins.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                origins.values().cloned().collect()
            };
            // One is enough, and there may be none.
            let _ = all.iter().any(|lines| lines.close_idle());
            // Others may fall idle while this waits.
            if let Ok(permit) = tokio::time::timeout(CROWDED, self.room.clone().acquire_owned()).await {
                return permit.expect("the semaphore is never closed");
            }
        }
    }

    /// A new connection to the origin.
    async fn open(
        &self,
        origin: &Origin,
        way: &Way,
        asking: &Asking<'_>,
        held: (OwnedSemaphorePermit, Member),
    ) -> Result<Opened, Fault> {
        let stream: Box<dyn Duplex> = match way {
            Way::Straight => {
                let dialled = dial(&origin.address, asking.purpose).await;
                Box::new(dialled.map_err(|error| Fault::of_dial(&origin.address.to_string(), &error))?)
            }
            Way::Through(proxy) => {
                let greets = origin.https || proxy.scheme == Scheme::Socks5;
                let first = if greets && asking.over != Over::Beside {
                    self.first_through_proxy().await?
                } else {
                    None
                };
                self.check_verdict(way, &origin.address)?;
                let through = self.through(origin, proxy, asking.purpose).await;
                if let Some(mut entrance) = first {
                    match &through {
                        Ok(_) => entrance.is_open = true,
                        Err(fault) => entrance.fails(fault),
                    }
                }
                through?
            }
        };
        if !origin.https {
            return Ok(Opened::Http1(handshake_http1(stream, held).await?));
        }
        let tls = self.tls().await?;
        let secure = in_time(tls.connect(&origin.address.host, origin.offer, stream)).await?;
        if secure.get_ref().1.alpn_protocol() == Some(b"h2") {
            Ok(Opened::Http2(handshake_http2(Box::new(secure), held).await?))
        } else {
            Ok(Opened::Http1(handshake_http1(Box::new(secure), held).await?))
        }
    }

    async fn through(
        &self,
        origin: &Origin,
        proxy: &Proxy,
        purpose: Purpose<'_>,
    ) -> Result<Box<dyn Duplex>, Fault> {
        let dialled = dial(&proxy.address, purpose).await;
        let stream = dialled
            .map_err(|error| Fault::of_dial(&proxy.address.to_string(), &error).blaming(Blame::Proxy))?;
        let mut stream: Box<dyn Duplex> = Box::new(stream);
        if proxy.scheme == Scheme::Https {
            let tls = self.tls().await?;
            let secure = in_time(tls.connect(&proxy.address.host, Offer::Http1, stream)).await;
            stream = Box::new(secure.map_err(|fault| match fault.blame {
                Blame::Host => fault.blaming(Blame::Proxy),
                Blame::Proxy
                | Blame::Refusal
                | Blame::Login
                | Blame::Gox
                | Blame::Verdict
                | Blame::Distrust => fault,
            })?);
        }
        let greeting = async {
            match proxy.scheme {
                Scheme::Socks5 => proxy::socks5(&mut stream, &origin.address, proxy).await,
                Scheme::Http | Scheme::Https if origin.https => {
                    proxy::tunnel(&mut stream, &origin.address, proxy).await
                }
                Scheme::Http | Scheme::Https => Ok(()),
            }
        };
        let greeted = tokio::time::timeout(GREETING, greeting).await.unwrap_or_else(|_| {
            let words = format!("proxy {}: no answer within {} s", proxy.address, GREETING.as_secs());
            Err(Fault::new(Cause::Timeout, words).blaming(Blame::Proxy))
        });
        if let Err(fault) = &greeted {
            match fault.blame {
                Blame::Refusal => self.keep_verdict(Some(origin.address.clone()), fault),
                Blame::Login => self.keep_verdict(None, fault),
                Blame::Host | Blame::Proxy | Blame::Gox | Blame::Verdict | Blame::Distrust => {}
            }
        }
        greeted.map(|()| stream)
    }

    async fn tls(&self) -> Result<&Tls, Fault> {
        let make = || async {
            let surroundings = self.surroundings.clone();
            match tokio::task::spawn_blocking(move || Tls::new(&surroundings)).await {
                Ok(made) => made,
                Err(error) => Err(error.to_string()),
            }
        };
        self.tls
            .get_or_try_init(make)
            .await
            .map_err(|words| Fault::new(Cause::TlsCert, words).blaming(Blame::Verdict))
    }
}

fn no_room() -> Fault {
    Fault::new(Cause::Other, "no connection is free").blaming(Blame::Verdict)
}

async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(HANDSHAKE, work).await {
        Ok(result) => result,
        Err(_) => Err(Fault::new(Cause::Timeout, "handshake timeout")),
    }
}
