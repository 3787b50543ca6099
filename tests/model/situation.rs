//! What the model needs to be told: settings, hosts, modules, and what is asked for.

use super::go::{Answer, File};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who may hear a module's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    /// A module proxy, by its number in [`Situation::proxies`].
    Proxy(usize),
    /// A checksum database, by its host name.
    Database(String),
    /// Where a module's path itself leads.
    Origin(String),
}

/// How a host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// What it knows; 404 for the rest.
    Serves,
    /// Takes no connection, and so hears nothing.
    Refused,
    /// This status to everything: 404 or 410.
    Missing(u16),
    /// 403 to everything.
    Forbidden,
    /// 500 to everything.
    Broken,
    /// Bodies that end in the middle.
    Cut,
    /// 200 and a login page to everything.
    Portal,
}

impl Behaviour {
    /// The answer to a request for something that the host has or not.
    pub(crate) fn answer(self, has: bool) -> Answer {
        match self {
            Behaviour::Serves if has => Answer::Found,
            Behaviour::Cut if has => Answer::Failed,
            Behaviour::Serves | Behaviour::Cut | Behaviour::Missing(_) => Answer::Missing,
            Behaviour::Refused | Behaviour::Forbidden | Behaviour::Broken => Answer::Failed,
            Behaviour::Portal => Answer::Page,
        }
    }
}

/// One host.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Its name in the log.
    pub(crate) host: Host,
    /// How it answers.
    pub(crate) behaviour: Behaviour,
    /// The modules that it has.
    pub(crate) knows: BTreeSet<String>,
    /// Whether it passes the checksum database on.
    pub(crate) carries_sums: bool,
}

/// An entry of GOPROXY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A module proxy, by its number.
    Proxy(usize),
    /// A folder: `file://`.
    Folder,
    /// gox's own relay.
    StandIn,
    /// The origin.
    Direct,
    /// Nobody.
    Off,
}

/// What stands behind an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// The next one after 404 and 410.
    Comma,
    /// The next one after any error.
    Pipe,
}

/// GOSUMDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// `off`.
    Off,
    /// A key of one's own: asked through proxies that pass it on, else at [`OWN_DATABASE`].
    Own,
    /// The same with a URL: asked there and nowhere else.
    OwnAt,
    /// `sum.golang.org`, whose key nobody here has: each look-up fails after it was told.
    Public,
    /// `sum.golang.google.cn`: the same key at an address of its own.
    Mirror,
}

/// The name of a database with a key of one's own.
pub(crate) const OWN_DATABASE: &str = "sum.example.test";

impl Sums {
    /// The host of the database itself.
    pub(crate) fn host(self) -> Option<&'static str> {
        match self {
            Sums::Off => None,
            Sums::Own | Sums::OwnAt => Some(OWN_DATABASE),
            Sums::Public => Some("sum.golang.org"),
            Sums::Mirror => Some("sum.golang.google.cn"),
        }
    }

    /// Whether it is asked at its own address in any case.
    pub(crate) fn bypasses_proxies(self) -> bool {
        matches!(self, Sums::OwnAt | Sums::Mirror)
    }

    /// Whether its answers can be verified here.
    pub(crate) fn verifies(self) -> bool {
        matches!(self, Sums::Own | Sums::OwnAt)
    }
}

/// `-mod` in GOFLAGS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModFlag {
    /// `-mod=mod`.
    Mod,
    /// `-mod=readonly`.
    Readonly,
    /// `-mod=vendor`.
    Vendor,
}

/// go's settings. The lists are glob patterns as in GOPRIVATE.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// GOPROXY: each entry with what stands behind it.
    pub(crate) goproxy: Vec<(Hop, Separator)>,
    /// GOPRIVATE.
    pub(crate) goprivate: String,
    /// GONOPROXY, where it is set for itself.
    pub(crate) gonoproxy: Option<String>,
    /// GONOSUMDB, where it is set for itself.
    pub(crate) gonosumdb: Option<String>,
    /// GOSUMDB.
    pub(crate) gosumdb: Sums,
    /// GOFLAGS.
    pub(crate) mod_flag: Option<ModFlag>,
}

impl Settings {
    /// GONOPROXY as go takes it: GOPRIVATE is its default.
    pub(crate) fn no_proxy(&self) -> &str {
        self.gonoproxy.as_deref().unwrap_or(&self.goprivate)
    }

    /// GONOSUMDB as go takes it.
    pub(crate) fn no_sums(&self) -> &str {
        self.gonosumdb.as_deref().unwrap_or(&self.goprivate)
    }
}

/// A module that exists somewhere: one package, at its root.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Ascending; the first is [`FIRST`].
    pub(crate) versions: Vec<&'static str>,
    /// Its go.mod says `go 1.17` or later: what it requires need not be read to know the graph.
    pub(crate) pruned: bool,
    /// The modules that it requires (at [`FIRST`]) and imports.
    pub(crate) requires: Vec<String>,
    /// Its origin has a page that leads to a proxy of its own.
    pub(crate) page: bool,
}

/// The version that is required wherever a module is required.
pub(crate) const FIRST: &str = "v1.0.0";

/// `replace` of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// None.
    Nothing,
    /// By a folder.
    Folder,
    /// By another module at [`FIRST`].
    Module(String),
}

/// A line of the main module's `require`.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    /// The module.
    pub(crate) path: String,
    /// Its `replace`.
    pub(crate) replacement: Replacement,
    /// Whether the main package imports it.
    pub(crate) imported: bool,
}

/// What go.sum holds of a module at [`FIRST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// The hash of its go.mod.
    GoMod,
    /// Both hashes.
    Both,
}

/// What go is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `go mod download`.
    Download,
    /// `go mod download M@V`.
    DownloadOf(String, &'static str),
    /// `go get M@V`, V a version or `latest`.
    Get(String, &'static str),
    /// `go list -m -versions M`.
    ListVersions(String),
    /// `go mod tidy`.
    Tidy,
    /// `go build ./...`.
    Build,
}

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    /// The minor number of the go release.
    pub(crate) release: u32,
    /// go's settings.
    pub(crate) settings: Settings,
    /// Every module proxy, also those that no list names.
    pub(crate) proxies: Vec<Server>,
    /// The checksum database of `settings`, at its own address.
    pub(crate) database: Server,
    /// Every origin by host name.
    pub(crate) origins: BTreeMap<String, Server>,
    /// The modules in the folder of [`Hop::Folder`].
    pub(crate) folder: BTreeSet<String>,
    /// The modules that exist.
    pub(crate) modules: BTreeMap<String, Module>,
    /// The main module's go.mod.
    pub(crate) requirements: Vec<Requirement>,
    /// go.sum.
    pub(crate) go_sum: BTreeMap<String, Pin>,
    /// What the main package imports that nothing requires yet.
    pub(crate) new_imports: Vec<String>,
    /// The command.
    pub(crate) verb: Verb,
}

impl Situation {
    /// `-mod=vendor` is in force: for the verbs that build or list, the others have no such flag or change
    /// it to `mod`.
    pub(crate) fn is_vendored(&self) -> bool {
        self.settings.mod_flag == Some(ModFlag::Vendor)
            && matches!(self.verb, Verb::Build | Verb::ListVersions(_))
    }

    /// Whether there is such a file at all.
    pub(crate) fn exists(&self, module: &str, file: File) -> bool {
        let Some(module) = self.modules.get(module) else { return false };
        match file {
            File::List | File::Latest => true,
            File::Info(version) | File::Mod(version) | File::Zip(version) => {
                module.versions.contains(&version)
            }
        }
    }
}
