//! Puts a situation of the model on the lab's stage, and reads from its log who heard what.

use super::model::is_of_known_forge;
use super::model::random::MODULES;
use super::model::situation::{
    Behaviour, FIRST, Hop, Host, Pin, Replacement, Separator, Situation, Sums, Verb,
};
use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Module, Place, Running, Seen, always, escape};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where nobody listens: port 1 belongs to a service of the seventies.
const CLOSED: &str = "127.0.0.1:1";

/// A situation with servers and files.
pub(super) struct Stage {
    lab: Running,
    hosts: Vec<Host>,
    database: String,
    /// The host names that exist, if only to refuse.
    known: Vec<String>,
}

impl Stage {
    /// Opens every host of a situation. `names` gives a module proxy another address than its own port.
    pub(super) fn new(situation: &Situation, names: &[Option<&str>]) -> Stage {
        let mut lab = Lab::new().modules(0).given(modules(situation));
        let mut hosts = Vec::new();
        for (n, server) in situation.proxies.iter().enumerate() {
            let refused = server.behaviour == Behaviour::Refused;
            lab = lab.entry(match (refused, names.get(n).copied().flatten()) {
                (true, None) => Entry::closed(),
                // The HTTP proxy in between knows no such name.
                (true, Some(name)) => Entry::literal(&format!("https://{name}")),
                (false, None) => Entry::plain(),
                (false, Some(name)) => Entry::tls().named(name),
            });
            hosts.push(server.host.clone());
        }
        for (host, server) in &situation.origins {
            lab = match server.behaviour {
                Behaviour::Refused => lab.entry(Entry::literal(&format!("https://{host}"))),
                _ => lab.entry(Entry::tls().named(host)),
            };
            hosts.push(server.host.clone());
        }
        // Some name at least, so that no real host is ever looked for.
        lab = database(lab, situation).name("anchor.example.test", Place::Web);
        let other = if situation.settings.gosumdb == Sums::Mirror { Sums::Public } else { Sums::Mirror };
        let other = other.host().expect("a host of its own");
        lab = lab.entry(Entry::tls().named(other));
        hosts.push(Host::Database(other.to_owned()));
        for (n, server) in situation.proxies.iter().chain(situation.origins.values()).enumerate() {
            if matches!(server.behaviour, Behaviour::Serves | Behaviour::Cut) {
                let unknown = MODULES.iter().filter(|m| !server.knows.contains(**m));
                let unknown = unknown.map(|module| format!("^{}/@", regex::escape(&escape(module))));
                for path in unknown.chain((!server.carries_sums).then(|| "^sumdb/".to_owned())) {
                    lab = lab.fault(Fault::Status(404), always().proxy(n).path(&path));
                }
            }
            if let Some(fault) = fault(server.behaviour) {
                lab = lab.fault(fault, always().proxy(n));
            }
        }
        let pages = situation.modules.iter().filter(|(path, module)| module.page && !is_of_known_forge(path));
        for (path, _) in pages {
            let (host, rest) = path.split_once('/').expect("a path of two elements");
            if situation.origins[host].knows.contains(path) {
                lab = lab.page(rest, &page(host, path));
            }
        }
        let database = situation.settings.gosumdb.host().unwrap_or_default().to_owned();
        let named = names.iter().flatten().map(|name| (*name).to_owned());
        let known = named.chain(situation.origins.keys().cloned()).chain([database.clone()]).collect();
        Stage { lab: lab.start(), hosts, database, known }
    }

    /// The main module, with an environment that leads to this stage.
    pub(super) fn project(&self, situation: &Situation) -> Project {
        let settings = &situation.settings;
        let mut project = Project::without_files(&self.lab).shared_build_cache();
        let folder = project.root().join("folder");
        fill(&folder, &self.lab, &situation.folder);
        let mut list = String::new();
        for (n, (hop, separator)) in settings.goproxy.iter().enumerate() {
            list.push_str(&match hop {
                Hop::Proxy(n) => self.lab.url(*n).to_owned(),
                Hop::Folder => format!("file://{}", folder.display()),
                Hop::Direct => "direct".to_owned(),
                Hop::StandIn => unreachable!("gox puts its relay there itself"),
                Hop::Off => "off".to_owned(),
            });
            if n + 1 < settings.goproxy.len() {
                list.push(if *separator == Separator::Pipe { '|' } else { ',' });
            }
        }
        project = project
            .env("GOPROXY", list)
            .env("GOPRIVATE", &settings.goprivate)
            .env("GOSUMDB", self.gosumdb(situation))
            .env("GIT_SSL_CAINFO", self.lab.ca_file());
        for (key, value) in [("GONOPROXY", &settings.gonoproxy), ("GONOSUMDB", &settings.gonosumdb)] {
            if let Some(value) = value {
                project = project.env(key, value);
            }
        }
        if let Some(flag) = settings.mod_flag {
            project = project.env("GOFLAGS", format!("-mod={}", format!("{flag:?}").to_lowercase()));
        }
        let mut source = "package app\n\n".to_owned();
        let imported = situation.requirements.iter().filter(|r| r.imported).map(|r| &r.path);
        for path in imported.chain(&situation.new_imports) {
            let _ = writeln!(source, "import _ {path:?}");
        }
        for requirement in situation.requirements.iter().filter(|r| r.replacement == Replacement::Folder) {
            let path = &requirement.path;
            project = project
                .file(&format!("local/{path}/go.mod"), format!("module {path}\n\ngo 1.21\n"))
                .file(&format!("local/{path}/local.go"), "package local\n");
        }
        project
            .file("go.mod", go_mod(situation))
            .file("go.sum", go_sum(&self.lab, situation))
            .file("app.go", source)
    }

    fn gosumdb(&self, situation: &Situation) -> String {
        match situation.settings.gosumdb {
            Sums::Off => "off".to_owned(),
            Sums::OwnAt if situation.database.behaviour == Behaviour::Refused => {
                let value = self.lab.gosumdb();
                let (key, _) = value.split_once(' ').expect("a key and an address");
                format!("{key} http://{CLOSED}")
            }
            // The lab's value is the key, and its address where it stands alone.
            Sums::Own | Sums::OwnAt => self.lab.gosumdb(),
            Sums::Public | Sums::Mirror => self.database.clone(),
        }
    }

    /// Who heard which name so far. A request that cannot be read is a failure of the test.
    pub(super) fn heard(&self) -> BTreeSet<(Host, String)> {
        let seen = self.lab.requests();
        let referred: Vec<Seen> = seen.iter().filter_map(referred).collect();
        seen.iter().chain(&referred).filter_map(|seen| self.name_in(seen)).collect()
    }

    /// What a run remembers to which these proxies took no connection a moment ago.
    pub(super) fn bad_health(&self, dead: &[usize]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let of = |n: &usize| {
            (self.lab.url(*n).to_owned(), serde_json::json!({ "failed": now, "worked": 0, "dead": true }))
        };
        let upstreams: serde_json::Map<_, _> = dead.iter().map(of).collect();
        serde_json::json!({ "schema": 1, "upstreams": upstreams, "network_failed": now }).to_string()
    }

    /// Forgets what was asked so far.
    pub(super) fn forget(&self) {
        self.lab.forget();
    }

    /// Hosts that are no part of the situation and that somebody wanted.
    pub(super) fn strangers(&self) -> BTreeSet<String> {
        let known = |host: &String| self.known.iter().any(|name| *host == format!("{name}:443"));
        self.lab.strangers().into_iter().filter(|host| !known(host)).collect()
    }

    /// What was asked so far, for people.
    pub(super) fn log(&self) -> String {
        let mut text = String::new();
        for seen in self.lab.requests() {
            let query = seen.query.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {:?} {} {query} -> {}", seen.place, seen.path, seen.status);
        }
        text
    }

    /// The host and the name that it heard.
    fn name_in(&self, seen: &Seen) -> Option<(Host, String)> {
        let path = seen.path.as_str();
        let host = match seen.place {
            Place::Proxy(n) => self.hosts[n].clone(),
            Place::Sumdb => Host::Database(self.database.clone()),
            place => panic!("{place:?} is not on this stage"),
        };
        let below = path.strip_prefix("sumdb/").map(|rest| rest.split_once('/').map_or("", |(_, rest)| rest));
        if let (Some(rest), _) | (None, (Host::Database(_), rest)) = (below, (&host, path)) {
            let module = rest.strip_prefix("lookup/")?.rsplit_once('@').expect("lookup/M@V").0;
            return Some((host, unescape(module)));
        }
        if let Some((module, _)) = path.split_once("/@v/").or_else(|| path.split_once("/@latest")) {
            return Some((host, unescape(module)));
        }
        let Host::Origin(name) = &host else { panic!("what is {path:?} at {host:?}?") };
        // `?go-get=1`, and what git and go ask of a repository.
        let path = path.strip_suffix("/info/refs").unwrap_or(path);
        let module = if path.is_empty() { name.clone() } else { format!("{name}/{path}") };
        Some((host, module))
    }
}

fn fault(behaviour: Behaviour) -> Option<Fault> {
    match behaviour {
        Behaviour::Serves | Behaviour::Refused => None,
        Behaviour::Missing(status) => Some(Fault::Status(status)),
        Behaviour::Forbidden => Some(Fault::Status(403)),
        Behaviour::Broken => Some(Fault::Status(500)),
        Behaviour::Cut => Some(Fault::EofInBody),
        Behaviour::Portal => Some(Fault::Html),
    }
}

fn database(mut lab: Lab, situation: &Situation) -> Lab {
    let server = &situation.database;
    let sums = situation.settings.gosumdb;
    lab = if sums == Sums::OwnAt { lab.sumdb() } else { lab.sumdb_through_proxies() };
    if let (false, Some(host)) = (server.behaviour == Behaviour::Refused, sums.host()) {
        lab = lab.name(host, Place::Sumdb);
    }
    // What a proxy says that passes on a database which the lab cannot sign for.
    lab = lab.page("sumdb/sum.golang.org/supported", "");
    for module in MODULES.iter().filter(|m| !server.knows.contains(**m)) {
        let path = format!("lookup/{}@", regex::escape(&escape(module)));
        lab = lab.fault(Fault::Status(404), always().at(Place::Anywhere).path(&path));
    }
    match fault(server.behaviour) {
        Some(fault) => lab.fault(fault, always().at(Place::Sumdb)),
        None => lab,
    }
}

fn modules(situation: &Situation) -> Vec<Module> {
    let mut all = Vec::new();
    for (path, module) in &situation.modules {
        let mut go_mod = format!("module {path}\n\ngo {}\n", if module.pruned { "1.21" } else { "1.16" });
        let mut source = "package leaf\n\n".to_owned();
        for required in &module.requires {
            let _ = write!(go_mod, "\nrequire {required} {FIRST}\n");
            let _ = writeln!(source, "import _ {required:?}");
        }
        for version in &module.versions {
            let files = vec![("leaf.go".to_owned(), source.clone().into_bytes())];
            all.push(Module::new(path, version, &go_mod, files));
        }
    }
    all
}

/// The tag stands in the second half, so that half a page has none.
fn page(host: &str, path: &str) -> String {
    let tag = format!("<meta name=\"go-import\" content=\"{path} mod https://{host}\">");
    let filler = "x".repeat(200);
    format!("<html><head><!-- {filler} -->{tag}</head></html>\n")
}

fn go_mod(situation: &Situation) -> String {
    let mut text = "module example.test/main\n\ngo 1.21\n\n".to_owned();
    for requirement in &situation.requirements {
        let _ = writeln!(text, "require {} {FIRST}", requirement.path);
    }
    for requirement in &situation.requirements {
        let path = &requirement.path;
        let _ = match &requirement.replacement {
            Replacement::Nothing => Ok(()),
            Replacement::Folder => writeln!(text, "replace {path} => ./local/{path}"),
            Replacement::Module(other) => writeln!(text, "replace {path} => {other} {FIRST}"),
        };
    }
    text
}

fn go_sum(lab: &Running, situation: &Situation) -> String {
    let mut text = String::new();
    for module in lab.modules().iter().filter(|m| m.version == FIRST) {
        let lines = module.go_sum();
        match situation.go_sum.get(&module.path) {
            Some(Pin::Both) => text.push_str(&lines),
            Some(Pin::GoMod) => text.extend(lines.lines().skip(1).map(|line| format!("{line}\n"))),
            None => {}
        }
    }
    text
}

/// The folder that `file://` leads to, in the shape of a module proxy.
fn fill(folder: &Path, lab: &Running, modules: &BTreeSet<String>) {
    for module in lab.modules().iter().filter(|m| modules.contains(&m.path)) {
        let dir = folder.join(escape(&module.path)).join("@v");
        let version = &module.version;
        let info = format!("{{\"Version\":{version:?},\"Time\":\"2024-01-02T03:04:05Z\"}}");
        let list = dir.join("list");
        let listed = fs::read_to_string(&list).unwrap_or_default() + version + "\n";
        fs::create_dir_all(&dir)
            .and_then(|()| fs::write(list, listed))
            .and_then(|()| fs::write(dir.join(format!("{version}.info")), info))
            .and_then(|()| fs::write(dir.join(format!("{version}.mod")), &module.go_mod))
            .and_then(|()| fs::write(dir.join(format!("{version}.zip")), module.zip()))
            .expect("files in a temporary folder");
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '!' => out.extend(characters.next().map(|c| c.to_ascii_uppercase())),
            c => out.push(c),
        }
    }
    out
}

/// The arguments of go.
pub(super) fn arguments(verb: &Verb) -> Vec<String> {
    let text = match verb {
        Verb::Download => "mod download".to_owned(),
        Verb::DownloadOf(module, version) => format!("mod download {module}@{version}"),
        Verb::Get(module, version) => format!("get {module}@{version}"),
        Verb::ListVersions(module) => format!("list -m -versions {module}"),
        Verb::Tidy => "mod tidy".to_owned(),
        Verb::Build => "build ./...".to_owned(),
    };
    text.split(' ').map(str::to_owned).collect()
}

/// A situation for people.
pub(super) fn shown(s: &Situation) -> String {
    let proxies: Vec<_> = s
        .proxies
        .iter()
        .map(|p| format!("\n  {:?} knows {:?} sums {}", p.behaviour, p.knows, p.carries_sums))
        .collect();
    let origins: Vec<_> =
        s.origins.iter().map(|(h, p)| format!("\n  {h} {:?} knows {:?}", p.behaviour, p.knows)).collect();
    let modules: Vec<_> = s.modules.iter().map(|(p, m)| format!("\n  {p} {m:?}")).collect();
    format!(
        "{:?}\n{:?}\nproxies {}\norigins {}\ndatabase {:?} knows {:?}\nfolder {:?}\nmodules {}\nrequires {:#?}\nnew {:?}\nsums {:?}\n",
        s.verb,
        s.settings,
        proxies.concat(),
        origins.concat(),
        s.database.behaviour,
        s.database.knows,
        s.folder,
        modules.concat(),
        s.requirements,
        s.new_imports,
        s.go_sum
    )
}

/// What `Referer` tells, as if it had been asked for: where go was sent on from, below the relay's secret where it
/// was that.
fn referred(seen: &Seen) -> Option<Seen> {
    let (_, rest) = seen.header("referer")?.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let is_secret = |first: &str| first.len() == 32 && first.bytes().all(|b| b.is_ascii_hexdigit());
    let path = path.split_once('/').filter(|(first, _)| is_secret(first)).map_or(path, |(_, below)| below);
    Some(Seen { path: path.to_owned(), query: query.map(str::to_owned), ..seen.clone() })
}
