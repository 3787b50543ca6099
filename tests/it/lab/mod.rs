//! A misbehaving module proxy, with all that belongs to one, on loopback.
//!
//! ```ignore
//! let lab = Lab::new().modules(100).seed(7).fault(Fault::Eof, rate(0.05)).start();
//! lab.goproxy(); // http://127.0.0.1:PORT
//! ```
//!
//! Reading order: `fault` (what goes wrong, and when), `modules` (what is served), `reply` (how an answer
//! is spoiled), `limits` (what is too much), `scripted` (answers by hand), `site` (what one server does with a request), `h1` and `h2`
//! (how it is sent), `sockets` (servers that never get so far), `record` (what was seen).

mod entry;
mod fault;
mod front;
mod h1;
mod h2;
mod limits;
mod modules;
mod names;
mod real;
mod record;
mod reply;
mod running;
mod scripted;
mod site;
mod sockets;
mod sumdb;
mod tls;

pub(crate) use entry::Entry;
pub(crate) use fault::{Draw, Fault, Place, When, always, first, first_of_each, nth, outage, rate};
pub(crate) use front::Front;
pub(crate) use limits::Limits;
pub(crate) use modules::{Files, Module, Shape, Shelf, escape};
pub(crate) use real::{REAL_PROGRAM, REAL_ROOTS, modules_below, real_go_mod};
pub(crate) use record::Seen;
pub(crate) use running::Running;
pub(crate) use scripted::Say;
pub(crate) use site::SIGNATURE;
pub(crate) use sumdb::{NAME as SUMDB_NAME, tile_path};

use entry::Kind;
use fault::Rule;
use modules::Recipe;
use scripted::Script;
use site::{Shared, Site, State};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// No lab lives longer than this, whatever happens to the test that started it.
const LIFE: Duration = Duration::from_secs(900);

/// The plan of a lab: what it serves, where, and what goes wrong.
#[derive(Clone)]
pub(crate) struct Lab {
    recipe: Recipe,
    given: Vec<Module>,
    entries: Vec<Entry>,
    rules: Vec<Rule>,
    latency: Duration,
    keep_alive: bool,
    ranges: Ranges,
    limits: Limits,
    storage: bool,
    sumdb: Sumdb,
    lies: Vec<String>,
    names: Vec<(String, Place)>,
    pages: BTreeMap<String, String>,
    script: Option<Script>,
    away: Duration,
}

/// What a server makes of `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranges {
    /// It gives what was asked for.
    Given,
    /// It says nothing of ranges, and ignores them.
    Unknown,
    /// It says that it gives them, and does not.
    Ignored,
    /// It gives other bytes than it says.
    Shifted,
}

/// Whether and where there is a checksum database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sumdb {
    None,
    Alone,
    ThroughProxies,
}

impl Lab {
    /// Three flat modules at v1.0.0 behind one plain proxy, and no fault.
    pub(crate) fn new() -> Lab {
        Lab {
            recipe: Recipe {
                count: 3,
                seed: 1,
                shape: Shape::Flat,
                versions: vec!["v1.0.0".to_owned()],
                size: 0,
                big: BTreeMap::new(),
                host: "example.test".to_owned(),
            },
            given: Vec::new(),
            entries: Vec::new(),
            rules: Vec::new(),
            latency: Duration::ZERO,
            keep_alive: false,
            ranges: Ranges::Given,
            limits: Limits::default(),
            storage: false,
            sumdb: Sumdb::None,
            lies: Vec::new(),
            names: Vec::new(),
            pages: BTreeMap::new(),
            script: None,
            away: Duration::ZERO,
        }
    }

    /// So many generated modules, `example.test/m000` and on.
    pub(crate) fn modules(mut self, count: usize) -> Lab {
        self.recipe.count = count;
        self
    }

    /// What the draws of faults and the filler of modules start from.
    pub(crate) fn seed(mut self, seed: u64) -> Lab {
        self.recipe.seed = seed;
        self
    }

    /// Module N requires module N+1, and the main module the first alone.
    pub(crate) fn chain(mut self) -> Lab {
        self.recipe.shape = Shape::Chain;
        self
    }

    /// The versions in which each generated module exists; the project requires the first.
    pub(crate) fn versions(mut self, versions: &[&str]) -> Lab {
        self.recipe.versions = versions.iter().map(|&v| v.to_owned()).collect();
        self
    }

    /// Bytes of filler in each generated module.
    pub(crate) fn size(mut self, bytes: usize) -> Lab {
        self.recipe.size = bytes;
        self
    }

    /// Bytes of filler in the n-th generated module.
    pub(crate) fn big(mut self, n: usize, bytes: usize) -> Lab {
        self.recipe.big.insert(n, bytes);
        self
    }

    /// The first element of the generated module paths, instead of `example.test`.
    pub(crate) fn module_host(mut self, host: &str) -> Lab {
        self.recipe.host = host.to_owned();
        self
    }

    /// A module of one's own, beside the generated ones.
    pub(crate) fn module(mut self, module: Module) -> Lab {
        self.given.push(module);
        self
    }

    /// Several of them.
    pub(crate) fn given(mut self, modules: Vec<Module>) -> Lab {
        self.given.extend(modules);
        self
    }

    /// One more entry of the GOPROXY list; without any there is one [`Entry::plain`].
    pub(crate) fn entry(mut self, entry: Entry) -> Lab {
        self.entries.push(entry);
        self
    }

    /// One fault; rules are asked in the order in which they were given.
    pub(crate) fn fault(self, fault: Fault, when: When) -> Lab {
        self.faults(&[fault], when)
    }

    /// One of several faults, drawn each time.
    pub(crate) fn faults(mut self, faults: &[Fault], when: When) -> Lab {
        self.rules.push(Rule { faults: faults.to_vec(), when, done: 0 });
        self
    }

    /// Waits so long before each answer.
    pub(crate) fn latency(mut self, latency: Duration) -> Lab {
        self.latency = latency;
        self
    }

    /// Keeps HTTP/1.1 connections for further requests. Off by default: on a connection that was used
    /// before, go's HTTP client itself repeats a request that got no answer, and hides the fault.
    pub(crate) fn keep_alive(mut self) -> Lab {
        self.keep_alive = true;
        self
    }

    /// Ignores `Range`, as simple proxies do.
    pub(crate) fn no_ranges(mut self) -> Lab {
        self.ranges = Ranges::Unknown;
        self
    }

    /// Says that it knows `Range`, and ignores it, or gives other bytes than it says.
    pub(crate) fn ranges(mut self, ranges: Ranges) -> Lab {
        self.ranges = ranges;
        self
    }

    /// What each of its servers bears.
    pub(crate) fn limits(mut self, limits: Limits) -> Lab {
        self.limits = limits;
        self
    }

    /// Redirects zips to another host, with a signed query, as proxies with cloud storage do.
    pub(crate) fn storage(mut self) -> Lab {
        self.storage = true;
        self
    }

    /// A checksum database at an address of its own; its faults are those at [`Place::Sumdb`].
    pub(crate) fn sumdb(mut self) -> Lab {
        self.sumdb = Sumdb::Alone;
        self
    }

    /// A checksum database that all proxies of the list pass on (`/sumdb/NAME/`), and nobody else.
    pub(crate) fn sumdb_through_proxies(mut self) -> Lab {
        self.sumdb = Sumdb::ThroughProxies;
        self
    }

    /// The database has other hashes for this module than the module has.
    pub(crate) fn sumdb_lies_about(mut self, path: &str) -> Lab {
        self.lies.push(path.to_owned());
        self
    }

    /// Leads a host name (`https://NAME`) to a server of the lab: [`Place::Web`] or [`Place::Sumdb`].
    pub(crate) fn name(mut self, name: &str, place: Place) -> Lab {
        self.names.push((name.to_owned(), place));
        self
    }

    /// Nobody listens at the HTTP proxy that knows the names until so long after the start.
    pub(crate) fn http_proxy_away(mut self, outage: Duration) -> Lab {
        self.away = outage;
        self
    }

    /// A page of the web server, by path; `?go-get=1` asks for the path of a module without its host.
    pub(crate) fn page(mut self, path: &str, html: &str) -> Lab {
        self.pages.insert(path.to_owned(), html.to_owned());
        self
    }

    /// Answers every request as this says, which gets the request and the number of earlier ones for the same
    /// path; nothing else that was planned is served, and no fault happens.
    pub(crate) fn script(mut self, script: impl Fn(&Seen, usize) -> Say + Send + Sync + 'static) -> Lab {
        self.script = Some(Arc::new(script));
        self
    }

    /// Opens the sockets and serves until the handle is dropped.
    pub(crate) fn start(mut self) -> Running {
        if self.entries.is_empty() {
            self.entries.push(Entry::plain());
        }
        let mut all = self.recipe.generate();
        let required = self.requirements();
        all.append(&mut self.given);
        let database = (self.sumdb != Sumdb::None)
            .then(|| Arc::new(sumdb::Database::new(self.recipe.seed, &all, &self.lies)));
        let shared = Arc::new(Shared {
            seed: self.recipe.seed,
            started: Instant::now(),
            latency: self.latency,
            keep_alive: self.keep_alive,
            ranges: self.ranges,
            shelf: Shelf::new(all),
            database,
            script: self.script.clone(),
            state: Mutex::new(State {
                rules: std::mem::take(&mut self.rules),
                pages: std::mem::take(&mut self.pages).into_iter().collect(),
                ..State::default()
            }),
        });
        let files = tempfile::Builder::new().prefix("gox-lab-").tempdir().expect("a temporary folder");
        let authority = tls::Authority::new();
        let ca_file = files.path().join("ca.pem");
        std::fs::write(&ca_file, authority.pem()).expect("a file in the temporary folder");
        let (end, ended) = watch::channel(());
        let (ready, opened) = std::sync::mpsc::channel();
        let plan = self.clone();
        let serving = Arc::clone(&shared);
        let strangers = names::Strangers::default();
        let noting = Arc::clone(&strangers);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime of one thread");
            runtime.block_on(async move {
                let opened = open(&plan, &serving, &authority, noting).await;
                let _ = ready.send(opened);
                let mut ended = ended;
                // The handle's drop closes the channel.
                let _ = tokio::time::timeout(LIFE, async { while ended.changed().await.is_ok() {} }).await;
            });
            // Connections that hang are dropped with the runtime.
            runtime.shutdown_background();
        });
        let opened = opened.recv().expect("the lab's thread").expect("sockets on loopback");
        Running {
            shared,
            urls: opened.urls,
            separators: self.entries.iter().map(|entry| entry.separator).collect(),
            addresses: opened.addresses,
            sumdb: opened.sumdb,
            http_proxy: opened.http_proxy,
            strangers,
            ca_file,
            required,
            shape: self.recipe.shape,
            _files: files,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// What the main module requires: path and version.
    fn requirements(&self) -> Vec<(String, String)> {
        let Some(version) = self.recipe.versions.first() else { return Vec::new() };
        let count = if self.recipe.shape == Shape::Chain { 1 } else { self.recipe.count };
        (0..count.min(self.recipe.count)).map(|n| (self.recipe.path(n), version.clone())).collect()
    }
}

struct Opened {
    urls: Vec<String>,
    addresses: Vec<Option<SocketAddr>>,
    sumdb: Option<SocketAddr>,
    http_proxy: Option<SocketAddr>,
}

async fn open(
    plan: &Lab,
    shared: &Arc<Shared>,
    authority: &tls::Authority,
    strangers: names::Strangers,
) -> io::Result<Opened> {
    let site = |place, entry: Option<&Entry>, storage: Option<String>| {
        Arc::new(Site {
            place,
            shared: Arc::clone(shared),
            prefix: match (place, entry) {
                (Place::Storage, _) => "/bucket".to_owned(),
                (_, Some(entry)) => entry.prefix.clone(),
                (_, None) => String::new(),
            },
            storage,
            credentials: entry.and_then(|e| e.credentials.clone()),
            sumdb_below: match (place, plan.sumdb) {
                (Place::Sumdb, _) => Some(String::new()),
                (Place::Proxy(_), Sumdb::ThroughProxies) => Some(format!("sumdb/{}/", sumdb::NAME)),
                _ => None,
            },
            serves_modules: matches!(place, Place::Proxy(_) | Place::Storage),
            counting: limits::Counting::new(plan.limits.clone()),
        })
    };
    let mut storages = [None, None];
    if plan.storage {
        // A redirect from https to http is refused by go, so that each sort has its own.
        let plain = sockets::plain(site(Place::Storage, None, None)).await?;
        let tls = sockets::tls(site(Place::Storage, None, None), authority.acceptor(true)).await?;
        storages = [Some(format!("http://{plain}/bucket")), Some(format!("https://{tls}/bucket"))];
    }
    let mut names = names::Names::new();
    let (mut urls, mut addresses) = (Vec::new(), Vec::new());
    for (index, entry) in plan.entries.iter().enumerate() {
        let place = Place::Proxy(index);
        let plain_site = || site(place, Some(entry), storages[0].clone());
        let tls_site = || site(place, Some(entry), storages[1].clone());
        let host: Vec<&str> = entry.name.as_deref().into_iter().chain(["localhost"]).collect();
        let (scheme, address) = match &entry.kind {
            Kind::Plain => ("http", sockets::plain(plain_site()).await?),
            Kind::Tls { http2 } => {
                ("https", sockets::tls(tls_site(), authority.acceptor_for(&host, *http2)).await?)
            }
            Kind::TlsWith(config) => {
                ("https", sockets::tls(tls_site(), TlsAcceptor::from(Arc::clone(config))).await?)
            }
            Kind::UntrustedTls => {
                ("https", sockets::tls(tls_site(), tls::Authority::new().acceptor_for(&host, true)).await?)
            }
            Kind::SilentTls => ("https", sockets::silent().await?),
            Kind::Closed => ("http", sockets::closed(None, plain_site())?),
            Kind::ClosedFor(outage) => ("http", sockets::closed(Some(*outage), plain_site())?),
            Kind::Blackhole => ("http", sockets::blackhole().await?),
            Kind::Literal(text) => {
                urls.push(text.clone());
                addresses.push(None);
                continue;
            }
        };
        let user = entry.credentials.as_ref().map(|text| format!("{text}@")).unwrap_or_default();
        let host = match &entry.name {
            None => address.to_string(),
            Some(name) => {
                let port = if scheme == "https" { 443 } else { 80 };
                names.insert(format!("{name}:{port}"), Some(address));
                name.clone()
            }
        };
        urls.push(format!("{scheme}://{user}{host}{}", entry.prefix));
        addresses.push(Some(address));
    }
    for (name, place) in &plan.names {
        let acceptor = authority.acceptor_for(&[name], true);
        let address = sockets::tls(site(*place, None, None), acceptor).await?;
        names.insert(format!("{name}:443"), Some(address));
    }
    let sumdb = match plan.sumdb {
        Sumdb::Alone => Some(sockets::plain(site(Place::Sumdb, None, None)).await?),
        _ => None,
    };
    let http_proxy = if names.is_empty() { None } else { Some(names::serve(names, strangers, plan.away)?) };
    Ok(Opened { urls, addresses, sumdb, http_proxy })
}
