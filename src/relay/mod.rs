//! The relay: a module proxy on the loopback interface, alive only while gox's child runs.
//!
//! go is given the relay as its GOPROXY. For each request the relay tries the user's upstreams
//! with Go's meaning of 404 and 410, repeats what fails on the way, continues a broken zip, asks
//! a second upstream when the first is late, stores the whole answer and checks it, and only then
//! lets go see it. It caches nothing, invents nothing and takes no check off go's hands.
//!
//! Reading order: [`path`] (what is asked), [`verify`] (is it right), `fetch` over `upstream`, `client` and
//! `body` (one try), `journey` (one request of go's), `server` (the loopback side), [`rewrite`] and [`stats`]
//! (what people see of it). What is done next is decided in [`crate::judgement::request`].
//!
//! ```no_run
//! use gox::relay::{self, Options, Surroundings};
//! let surroundings = Surroundings::capture(|name| std::env::var(name).ok());
//! let list = gox::formats::goproxy::List::parse("https://proxy.golang.org,direct");
//! let relay = relay::start(Options::new(list, surroundings))?;
//! let status = std::process::Command::new("go")
//!     .args(["mod", "download"])
//!     .env("GOPROXY", relay.goproxy())
//!     .status()?;
//! let stats = relay.stop();
//! eprintln!("{status}: {} requests, {} retries", stats.requests, stats.retries);
//! # Ok::<(), std::io::Error>(())
//! ```

mod body;
mod client;
mod fetch;
mod journey;
pub mod path;
pub mod rewrite;
mod server;
pub mod stats;
pub mod surroundings;
#[cfg(test)]
mod tests;
mod upstream;
pub mod verify;

pub use rewrite::Rewriter;
pub use stats::Stats;
pub use surroundings::Surroundings;

use crate::formats::goproxy::{Entry, List, Rotate, Separator};
use crate::judgement::privacy::Rules;
use crate::judgement::request::breaker::Breaker;
use crate::judgement::request::crossings::Crossings;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Looks up the `h1:` hashes that go.sum and go.work.sum hold for a module, a version, and its
/// go.mod (`true`) or zip (`false`). Empty where they hold none.
pub type GoSum = Arc<dyn Fn(&str, &str, bool) -> Vec<String> + Send + Sync>;

/// What a relay is told once.
#[derive(Clone)]
pub struct Options {
    /// go's effective GOPROXY. The relay serves what stands before the first `direct` or `off`.
    pub list: List,
    /// How far it may go beyond what go would do.
    pub rotate: Rotate,
    /// Mirrors that the caller permits; last before `direct`, never for likely private modules.
    pub mirrors: Vec<Entry>,
    /// Which modules are likely private.
    pub private: Rules,
    /// Known hashes.
    pub go_sum: GoSum,
    /// Where bodies are stored: on the module cache's file system.
    pub spool_dir: PathBuf,
    /// First ceiling of the backoff.
    pub backoff_base: Duration,
    /// Highest ceiling of the backoff.
    pub backoff_max: Duration,
    /// Tries of one request at an upstream that does nothing but fail; twice that at one which
    /// serves others well.
    pub attempts: u32,
    /// First patience with silence; the last is ten times that.
    pub stall: Duration,
    /// How long one request may be in trouble before no other try begins.
    pub budget: Duration,
    /// URLs (as in [`stats::Health::url`]) of upstreams that were down lately.
    pub initially_down: Vec<String>,
    /// The way out.
    pub surroundings: Surroundings,
    /// How it calls itself towards upstreams.
    pub user_agent: String,
}

impl Options {
    /// The defaults of gox for a list.
    pub fn new(list: List, surroundings: Surroundings) -> Options {
        Options {
            list,
            rotate: Rotate::Listed,
            mirrors: Vec::new(),
            private: Rules::default(),
            go_sum: Arc::new(|_, _, _| Vec::new()),
            spool_dir: std::env::temp_dir(),
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            attempts: 4,
            stall: Duration::from_secs(30),
            budget: Duration::from_secs(300),
            initially_down: Vec::new(),
            surroundings,
            user_agent: concat!("gox/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.list.entries.iter().map(Entry::shown).collect();
        f.debug_struct("Options").field("list", &shown).field("rotate", &self.rotate).finish_non_exhaustive()
    }
}

/// Whether a relay can stand in for this list; the error says why not, in one line for people.
pub fn relayable(list: &List, surroundings: &Surroundings) -> Result<(), String> {
    let proxies: Vec<&Entry> =
        list.reachable().iter().filter(|entry| matches!(entry, Entry::Proxy(_))).collect();
    if proxies.is_empty() {
        return Err("the list holds no module proxy".into());
    }
    if surroundings.needs_go_for_auth() {
        return Err("GOAUTH asks for credentials that only go can get".into());
    }
    for entry in proxies {
        upstream::Upstream::new(&entry.to_string())?;
    }
    Ok(())
}

/// What the tasks of a running relay share.
struct Shared {
    secret: String,
    http: client::Http,
    /// Those of the list, then the mirrors.
    upstreams: Vec<upstream::Upstream>,
    urls: Vec<String>,
    crossings: Crossings,
    private: Rules,
    go_sum: GoSum,
    spool: Arc<body::Spool>,
    backoff_base: Duration,
    backoff_max: Duration,
    attempts: u32,
    stall: Duration,
    budget: Duration,
    started: Instant,
    ledger: stats::Ledger,
    names: rewrite::Names,
    /// Turns at checking zips.
    checks: tokio::sync::Semaphore,
}

impl Shared {
    fn upstream(&self, index: usize) -> &upstream::Upstream {
        &self.upstreams[index]
    }

    fn new(options: Options, secret: String) -> Result<Shared, String> {
        relayable(&options.list, &options.surroundings)?;
        let crossings = Crossings::new(&options.list, options.rotate, options.mirrors.len());
        let listed = options.list.reachable().iter().filter(|e| matches!(e, Entry::Proxy(_)));
        let mut upstreams = Vec::new();
        for entry in listed.chain(&options.mirrors) {
            upstreams.push(upstream::Upstream::new(&entry.to_string())?);
        }
        let urls: Vec<String> = upstreams.iter().map(|u| u.shown().to_owned()).collect();
        let breakers = urls
            .iter()
            .map(|url| {
                if options.initially_down.contains(url) {
                    Breaker::opened_before()
                } else {
                    Breaker::default()
                }
            })
            .collect();
        let ledger = stats::Ledger::new(breakers);
        Ok(Shared {
            secret,
            http: client::Http::new(options.surroundings, &options.user_agent),
            upstreams,
            urls,
            crossings,
            private: options.private,
            go_sum: options.go_sum,
            spool: body::Spool::new(options.spool_dir),
            backoff_base: options.backoff_base,
            backoff_max: options.backoff_max,
            attempts: options.attempts.max(1),
            stall: options.stall,
            budget: options.budget,
            started: Instant::now(),
            ledger,
            names: rewrite::Names::default(),
            checks: tokio::sync::Semaphore::new(2),
        })
    }
}

/// A running relay. Dropping it stops it.
pub struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Starts a relay on 127.0.0.1, a free port, below a path that nobody can guess.
///
/// Fails where [`relayable`] does, and where there is no loopback interface, free port, thread or
/// random number to be had. The caller then goes the plain way.
pub fn start(options: Options) -> io::Result<Relay> {
    let mut secret = [0u8; 16];
    getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let shared = Arc::new(Shared::new(options, secret).map_err(io::Error::other)?);
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = watch::channel(false);
    let serving = shared.clone();
    let thread = std::thread::Builder::new().name("relay".into()).spawn(move || {
        runtime.block_on(server::run(listener, serving, stopped));
        // Open connections end with their tasks; a zip under check is not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Relay { shared, address, stop, thread: Some(thread) })
}

impl Relay {
    /// The value for the child's GOPROXY: the relay, then what stays go's (`direct`, `off`) with
    /// the separator that the user put before it.
    pub fn goproxy(&self) -> String {
        let tail = match &self.shared.crossings.tail {
            None => String::new(),
            Some((Separator::Comma, entry)) => format!(",{entry}"),
            Some((Separator::Pipe, entry)) => format!("|{entry}"),
        };
        format!("http://{}/{}{tail}", self.address, self.shared.secret)
    }

    /// Rewrites a stream of go's words so that it names the real upstreams.
    pub fn rewriter(&self) -> Rewriter {
        Rewriter::new(
            self.address.to_string(),
            &self.shared.secret,
            self.shared.urls.clone().into(),
            self.shared.names.clone(),
        )
    }

    /// Everything counted so far; failures since the last call only.
    pub fn snapshot(&self) -> Stats {
        self.shared.ledger.snapshot(&self.shared.urls, self.shared.started.elapsed())
    }

    /// Bytes that upstreams have sent so far: grows while go itself still gets nothing.
    pub fn bytes_moving(&self) -> u64 {
        self.shared.ledger.bytes.load(Ordering::Relaxed)
    }

    /// Requests of go that wait for their answer now. Each is bounded here, in time and in tries, so
    /// that a go which waits for one has not stalled, however silent it is.
    pub fn requests_in_flight(&self) -> usize {
        self.shared.ledger.in_flight()
    }

    /// Stops listening, ends every connection, and returns the last numbers.
    pub fn stop(mut self) -> Stats {
        self.end();
        self.snapshot()
    }

    fn end(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}
