//! Looks at hosts: each proxy of GOPROXY and the store behind it, the checksum database, and for the modules
//! that were asked about whom go would ask, in go's order.
//!
//! Nobody hears a name whom go would not tell it. A proxy is looked at with a module of this project that nothing
//! calls private, else with one that everybody knows.

mod beside;
mod database;
mod origin;

use super::{Check, Grounds, Wanted};
use crate::command_line::DoctorArguments;
use crate::configuration::Error;
use crate::fetch::probe::{Asked, Expect, Prober, Sight};
use crate::formats::goproxy::{Entry, List, PUBLIC_PROXY_HOSTS, Separator};
use crate::formats::{authority, escape, patterns};
use crate::judgement::attempt::database;
use crate::judgement::diagnosis::{self, Found, Look, Part};
use crate::judgement::privacy::Rules;
use crate::judgement::publicity::Publicity;
use crate::machine::{names, network};
use crate::run::relaying::surroundings;
use crate::vocabulary::Detail;
use crate::words::{Text, diagnosing as say, faults};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Modules that every public proxy has, and that tell nothing about whoever asks for them.
const KNOWN_TO_ALL: &[(&str, &str)] = &[("rsc.io/quote", "v1.5.2"), ("golang.org/x/text", "v0.3.0")];

/// Public hosts that are no proxies and no modules.
const PUBLIC_HOSTS: &[&str] = &["sum.golang.org", "sum.golang.google.cn", "storage.googleapis.com"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) no_route: bool,
    pub(super) no_name: bool,
    pub(super) now: String,
    pub(super) clock: Option<i64>,
    pub(super) mirror: Option<String>,
    pub(super) looks: Vec<Look>,
    pub(super) checks: Vec<Check>,
}

/// What a look needs.
#[derive(Clone)]
struct Way {
    prober: Arc<Prober>,
    until: Instant,
    list: Arc<List>,
    rules: Arc<Rules>,
    /// The checksum database, as go is told.
    gosumdb: String,
    /// Modules that proxies are looked at with.
    samples: Arc<[(String, String)]>,
}

/// What came of one task: for each host what was found, and how it is told.
#[derive(Default)]
struct Seen {
    looks: Vec<Look>,
    checks: Vec<Check>,
    clocks: Vec<i64>,
}

/// Looks at all of them at the same time.
///
/// # Errors
/// What the system says where no work can be begun at all.
pub(super) fn look(
    grounds: &Grounds<'_>,
    wanted: &[Wanted],
    arguments: &DoctorArguments,
) -> Result<Network, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Error::usage(faults::SAID_BY.with(&[("verb", &"doctor"), ("why", &error)])))?;
    let found = runtime.block_on(look_at_all(grounds, wanted, arguments));
    // A name that is still being looked up would hold the end up.
    runtime.shutdown_background();
    found.map_err(|error| Error::usage(faults::SAID_BY.with(&[("verb", &"doctor"), ("why", &error)])))
}

async fn look_at_all(
    grounds: &Grounds<'_>,
    wanted: &[Wanted],
    arguments: &DoctorArguments,
) -> Result<Network, String> {
    let until = Instant::from_std(grounds.until);
    let list = &grounds.list;
    let mut network = Network {
        now: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        ..Network::default()
    };
    let asks = list.reachable().iter().any(|e| e.is_network_proxy() || *e == Entry::Direct);
    if !asks {
        return Ok(network);
    }
    network.no_route = no_route(list);
    let way = Way {
        prober: Arc::new(Prober::new(surroundings(&grounds.around.go_env))?),
        until,
        list: Arc::new(list.clone()),
        rules: Arc::new(grounds.rules.clone()),
        gosumdb: grounds.around.go_env.get("GOSUMDB").to_owned(),
        samples: samples(grounds).into(),
    };
    let mut tasks = Vec::new();
    if !way.samples.is_empty() {
        for (at, entry) in list.reachable().iter().enumerate().filter(|(_, e)| e.is_network_proxy()) {
            tasks.push(tokio::spawn(proxy(way.clone(), at, entry.clone())));
        }
        tasks.push(tokio::spawn(self::database::look(way.clone())));
    }
    for module in direct(grounds) {
        tasks.push(tokio::spawn(own_host(way.clone(), module)));
    }
    for wanted in wanted {
        tasks.push(tokio::spawn(module(way.clone(), wanted.clone())));
    }
    let mirrors = arguments.mirrors.then(|| beside::mirrors(&way, &grounds.around.settings.mirrors));
    let resolver = arguments.resolver.map(|to| beside::resolver(&way, to));
    for task in tasks {
        let seen = task.await.unwrap_or_default();
        network.looks.extend(seen.looks);
        network.checks.extend(seen.checks);
        // One host whose own clock is wrong proves nothing: whoever agrees most with this one counts.
        network.clock = seen.clocks.into_iter().chain(network.clock).min_by_key(|by| by.unsigned_abs());
    }
    refused_alone(&mut network.looks);
    for checks in mirrors.into_iter().chain(resolver) {
        network.checks.extend(checks.await.unwrap_or_default());
    }
    let is_well = |check: &&Check| check.name == "mirror" && check.ok;
    network.mirror = network.checks.iter().find(is_well).and_then(|check| check.host.clone());
    if let Some(look) = network.looks.iter().find(|look| look.found == Found::NoName) {
        let (all, name) = (settings_names(&way), authority::name(&look.host));
        let asked = names::detail(&all, name);
        let end = until.max(Instant::now() + Duration::from_millis(300));
        let detail = tokio::time::timeout_at(end, asked).await.unwrap_or_default();
        network.no_name = detail == Some(Detail::Resolver);
    }
    network.no_route &= !network.looks.iter().any(|look| look.found.answered());
    let route = Check {
        name: "route",
        host: None,
        ok: !network.no_route,
        ms: None,
        detail: if network.no_route { say::NO_ROUTE.into() } else { say::LEADS_OUT.into() },
    };
    network.checks.insert(0, route);
    Ok(network)
}

/// Names that go's settings hold: of the proxies, and of the checksum database.
fn settings_names(way: &Way) -> Vec<String> {
    let proxies = way.list.reachable().iter().filter_map(Entry::host);
    let hosts = proxies.chain(database(&way.gosumdb).filter(|host| host.contains('.')));
    let names = hosts.map(|host| authority::name(&host).to_owned());
    names.filter(|name| name.parse::<std::net::IpAddr>().is_err()).collect()
}

/// No way leads out: to the addresses that go would dial, or to any.
fn no_route(list: &List) -> bool {
    let proxies = list.reachable().iter().filter(|entry| entry.is_network_proxy());
    let between = |entry: &Entry| network::http_proxy_for(&entry.to_string());
    let hosts: Vec<String> = proxies.filter_map(|entry| between(entry).or_else(|| entry.host())).collect();
    let here = |host: &String| authority::name(host) == "localhost";
    !hosts.iter().any(here) && network::no_network(&hosts, true).is_some_and(|why| why == "no route")
}

/// Own hosts that are looked at, at most.
const OWN_HOSTS: usize = 4;

/// Modules of this project that go fetches from their own hosts: one of each host, of each owner where the host
/// has many.
fn direct(grounds: &Grounds<'_>) -> Vec<String> {
    let first = grounds.list.entries.first() == Some(&Entry::Direct);
    let mut seen = std::collections::BTreeSet::new();
    let sums = &grounds.project.go_sum;
    sums.modules()
        .filter(|(module, version)| !sums.lookup(module, version, false).is_empty())
        .map(|(module, _)| module)
        .filter(|module| first || patterns::matches(&grounds.rules.no_proxy, module))
        .filter(|module| seen.insert(module.split('/').take(2).collect::<Vec<_>>()))
        .take(OWN_HOSTS)
        .map(str::to_owned)
        .collect()
}

/// The own host of a module that go fetches from there.
async fn own_host(way: Way, module: String) -> Seen {
    let mut seen = Seen::default();
    origin::look(&way, &module, None, &mut seen).await;
    seen
}

/// Modules that proxies may be asked for: of this project where nothing calls them private.
fn samples(grounds: &Grounds<'_>) -> Vec<(String, String)> {
    let open = |module: &str| !grounds.rules.likely_private(module);
    let sums = &grounds.project.go_sum;
    let mut found: Vec<(String, String)> = sums
        .modules()
        .filter(|(module, version)| open(module) && !sums.lookup(module, version, false).is_empty())
        .map(|(module, version)| (module.to_owned(), version.to_owned()))
        .collect();
    found.sort_by_key(|(module, _)| grounds.rules.publicity(module) != Publicity::PlainlyPublic);
    found.truncate(2);
    let known = KNOWN_TO_ALL.iter().filter(|(module, _)| open(module));
    found.extend(known.map(|(m, v)| ((*m).to_owned(), (*v).to_owned())));
    found
}

/// The address of a file of a module at a proxy.
fn file_at(entry: &Entry, module: &str, rest: &str) -> Option<String> {
    let url = entry.to_string();
    let (base, query) = url.split_once('?').map_or((url.as_str(), ""), |(base, query)| (base, query));
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    Some(format!("{}/{}/{rest}{query}", base.trim_end_matches('/'), escape::path(module)?))
}

/// One proxy, and the store that it redirects to.
async fn proxy(way: Way, at: usize, entry: Entry) -> Seen {
    let mut seen = Seen::default();
    let Some((module, version)) = way.samples.first() else { return seen };
    let zip = escape::version(version).map(|version| format!("@v/{version}.zip"));
    let Some(url) = zip.and_then(|zip| file_at(&entry, module, &zip)) else { return seen };
    let asked = Asked { url, expect: Expect::Zip, module: module.clone() };
    let mut sights = way.prober.look(&asked, way.until).await;
    if let [only] = sights.as_mut_slice()
        && let Found::Status(status @ (403 | 451), words) = only.found.clone()
        && let Some((other, version)) = way.samples.get(1)
        && let Some(url) =
            escape::version(version).and_then(|version| file_at(&entry, other, &format!("@v/{version}.mod")))
    {
        // Whether it refuses this one or whatever it is asked for.
        let asked = Asked { url, expect: Expect::Anything, module: other.clone() };
        let second = way.prober.look(&asked, way.until).await;
        only.found = match second.last().map(|sight| &sight.found) {
            Some(found) if found.is_well() => Found::Well,
            _ if words.is_empty() => Found::Status(status, words),
            _ => Found::Gate(status, words),
        };
    }
    let first = sights.first().map(|sight| sight.host.clone()).unwrap_or_default();
    let last = sights.len().saturating_sub(1);
    for (place, sight) in sights.into_iter().enumerate() {
        let part = if place == 0 { Part::Proxy(at) } else { Part::Store(at, first.clone()) };
        // Between the proxy and the store there may be others that lead on.
        if place == 0 || place == last {
            let name = if place == 0 { "proxy" } else { "store" };
            seen.add(&way, name, part, None, sight);
        }
    }
    seen
}

/// A module that was asked about: go's own walk along the list.
async fn module(way: Way, wanted: Wanted) -> Seen {
    let mut seen = Seen::default();
    let module = &wanted.module;
    let file = match &wanted.version {
        None => Some("@v/list".to_owned()),
        Some(version) if version == "latest" => Some("@latest".to_owned()),
        Some(version) => escape::version(version).map(|version| format!("@v/{version}.info")),
    };
    let Some(file) = file else { return seen };
    let expect = if file == "@v/list" { Expect::Anything } else { Expect::Info };
    if patterns::matches(&way.rules.no_proxy, module) {
        let detail = say::NOT_ASKED.with(&[("why", &say::PRIVATE_NAME)]);
        seen.checks.push(Check {
            name: "module",
            host: Some(wanted.name.clone()),
            ok: true,
            ms: None,
            detail,
        });
        origin::look(&way, module, Some(&wanted.name), &mut seen).await;
        return seen;
    }
    let list = Arc::clone(&way.list);
    for (at, entry) in list.reachable().iter().enumerate() {
        let url = match entry {
            Entry::Off => return seen,
            Entry::Direct => {
                origin::look(&way, module, Some(&wanted.name), &mut seen).await;
                return seen;
            }
            Entry::Proxy(_) if !entry.is_network_proxy() => continue,
            Entry::Proxy(_) => file_at(entry, module, &file),
        };
        let Some(url) = url else { return seen };
        let sights = way.prober.look(&Asked { url, expect, module: module.clone() }, way.until).await;
        let Some(sight) = sights.into_iter().next_back() else { return seen };
        let found = sight.found.clone();
        seen.add(&way, "module", Part::Proxy(at), Some(&wanted.name), sight);
        let goes_on = match found {
            Found::Well => false,
            Found::Absent(_) => true,
            _ => list.separators.get(at) == Some(&Separator::Pipe),
        };
        if !goes_on {
            return seen;
        }
    }
    seen
}

/// A refusal of a module by a proxy that serves others is about that module.
fn refused_alone(looks: &mut [Look]) {
    let serving: Vec<Part> = looks
        .iter()
        .filter(|look| look.module.is_none() && look.found.is_well())
        .map(|look| look.part.clone())
        .collect();
    for look in looks.iter_mut().filter(|look| look.module.is_some() && serving.contains(&look.part)) {
        if let Found::Status(status @ (403 | 451), words) = &look.found {
            look.found = Found::RefusesThis(*status, words.clone());
        }
    }
}

/// True for a host that is known to all.
fn is_public(way: &Way, bare: &str) -> bool {
    PUBLIC_PROXY_HOSTS.contains(&bare)
        || PUBLIC_HOSTS.contains(&bare)
        || way.rules.publicity(&format!("{bare}/x")) == Publicity::PlainlyPublic
}

impl Seen {
    /// Notes what was seen of a host.
    fn add(&mut self, way: &Way, name: &'static str, part: Part, module: Option<&str>, sight: Sight) {
        self.clocks.extend(sight.clock);
        let bare = authority::name(&sight.host);
        let public = is_public(way, bare);
        let mut sight = sight;
        let here = |ip: &std::net::IpAddr| ip.is_loopback() || ip.is_unspecified();
        if let Some(address) = sight.addresses.first().filter(|_| sight.addresses.iter().all(here))
            && public
            && !sight.found.is_well()
        {
            sight.found = Found::Misled(address.to_string());
        }
        let look = Look {
            part,
            host: sight.host.clone(),
            module: module.map(str::to_owned),
            found: sight.found.clone(),
            public,
            secure: sight.secure,
            issuer: sight.issuer.clone(),
            ms: sight.ms,
        };
        let mut words = Vec::new();
        if let Some(module) = module {
            words.push(Text::plain(module));
        }
        words.extend(sight.steps.iter().map(Text::plain));
        if sight.fake {
            words.push(say::FAKE_ADDRESS.into());
        }
        match &sight.found {
            Found::Absent(status) => words.push(say::HAS_IT_NOT.with(&[("status", status)])),
            _ => words.extend(diagnosis::what(&look)),
        }
        let joined = |of: &dyn Fn(&Text) -> &str| words.iter().map(of).collect::<Vec<_>>().join(", ");
        let detail = Text { en: joined(&|text| &text.en), zh: joined(&|text| &text.zh) };
        let ok = look.found == Found::Well || look.module.is_none() && look.found.is_well();
        self.checks.push(Check { name, host: Some(sight.host), ok, ms: Some(sight.ms), detail });
        self.looks.push(look);
    }
}
