//! The walk: one file of one module, over the GOPROXY list, past go.sum and the checksum database.
//!
//! The names in parentheses are those of cmd/go's sources, for who wants to compare.

use super::situation::{Behaviour, FIRST, Hop, Host, Pin, Separator, Server, Situation};
use super::{Healed, Told};
use std::collections::{BTreeMap, BTreeSet};

/// A file of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum File {
    /// `@v/list`.
    List,
    /// `@latest`.
    Latest,
    /// `@v/V.info`.
    Info(&'static str),
    /// `@v/V.mod`.
    Mod(&'static str),
    /// `@v/V.zip`.
    Zip(&'static str),
}

/// What comes of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is there.
    Found,
    /// 200 with a login page.
    Page,
    /// 404, 410, and whatever counts as such (`fs.ErrNotExist`).
    Missing,
    /// Any other error.
    Failed,
}

/// Somebody who stands in GOPROXY in place of hosts, and asks them by rules of its own.
pub(crate) trait StandIn {
    /// Gets a file of a module.
    fn ask(&mut self, module: &str, file: File) -> Answer;
}

/// A request that failed and was not made up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Who was asked.
    pub(crate) host: Host,
    /// About which module.
    pub(crate) name: String,
    /// How that host answers.
    pub(crate) behaviour: Behaviour,
    /// What came of it.
    pub(crate) answer: Answer,
}

/// An entry of the list as go has it: `noproxy` stands before all others where GONOPROXY says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    NoProxy,
    Listed(Hop),
}

/// Where go asks the checksum database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Itself,
    Through(usize),
    Nowhere,
}

/// From this release on (1.24 is before it) a repository that is not there is an error like any other: what
/// tells the two apart runs before go knows the URL that it would ask.
const MISSING_REPOSITORIES_FAIL: u32 = 25;

/// Forges of which go knows without asking that `HOST/OWNER/REPOSITORY` is a git repository (`vcsPaths`).
const KNOWN_FORGES: [&str; 2] = ["github.com", "bitbucket.org"];

/// Whether go takes a module for a repository of such a forge.
pub(crate) fn is_of_known_forge(module: &str) -> bool {
    KNOWN_FORGES.iter().any(|forge| module.split('/').next() == Some(forge))
}

/// One run of go.
pub(super) struct Go<'a> {
    pub(super) situation: &'a Situation,
    told: BTreeSet<(Host, String)>,
    asked: BTreeSet<(Host, String)>,
    failures: Vec<Failure>,
    stand_in: Option<&'a mut dyn StandIn>,
    cut_short: bool,
    healed: Healed,
    /// The module cache: what was fetched and accepted, be it a page.
    cache: BTreeMap<(String, File), Answer>,
    base: Option<Base>,
}

impl<'a> Go<'a> {
    pub(super) fn new(
        situation: &'a Situation,
        healed: Healed,
        stand_in: Option<&'a mut dyn StandIn>,
    ) -> Go<'a> {
        Go {
            situation,
            told: BTreeSet::new(),
            asked: BTreeSet::new(),
            failures: Vec::new(),
            stand_in,
            cut_short: false,
            healed,
            cache: BTreeMap::new(),
            base: None,
        }
    }

    pub(super) fn told(self) -> Told {
        Told { names: self.told, asked: self.asked, failures: self.failures, cut_short: self.cut_short }
    }

    /// Asks entry after entry (`TryProxies`). What is returned is what go would report: the error of the
    /// origin if there is one, else the last error that is more than "not found".
    pub(super) fn try_entries(&mut self, mut ask: impl FnMut(&mut Go<'a>, Entry) -> Answer) -> Answer {
        let list = &self.situation.settings.goproxy;
        let mut entries = Vec::new();
        // A list that is `direct` alone needs none.
        let direct_alone = matches!(list[..], [(Hop::Direct, _)]);
        if !self.situation.settings.no_proxy().is_empty() && !direct_alone {
            entries.push((Entry::NoProxy, Separator::Comma));
        }
        for (hop, separator) in list {
            // A separator behind `direct` or `off` means nothing: the list ends there.
            let ends = matches!(hop, Hop::Direct | Hop::Off);
            entries.push((Entry::Listed(*hop), if ends { Separator::Comma } else { *separator }));
            if ends {
                break;
            }
        }
        let (mut best, mut of_origin) = (Answer::Missing, false);
        let before = self.failures.len();
        for (entry, separator) in entries {
            let answer = ask(self, entry);
            if matches!(answer, Answer::Found | Answer::Page) {
                if answer == Answer::Found {
                    self.failures.truncate(before);
                }
                return answer;
            }
            match entry {
                Entry::Listed(Hop::Direct) => (best, of_origin) = (answer, true),
                // For a module that GONOPROXY does not match this is no word of the origin.
                Entry::NoProxy if answer == Answer::Failed => (best, of_origin) = (answer, true),
                _ if !of_origin && answer == Answer::Failed => best = answer,
                _ => {}
            }
            if answer == Answer::Failed && separator == Separator::Comma {
                break;
            }
        }
        best
    }

    /// One file by way of one entry (`Lookup`, and what follows).
    pub(super) fn ask(&mut self, entry: Entry, module: &str, file: File) -> Answer {
        if self.situation.is_vendored() {
            return Answer::Failed;
        }
        let no_proxy = matches(self.situation.settings.no_proxy(), module);
        match entry {
            Entry::NoProxy | Entry::Listed(Hop::Direct) if no_proxy => self.ask_origin(module, file),
            _ if no_proxy => Answer::Missing,
            Entry::NoProxy | Entry::Listed(Hop::Off) => Answer::Missing,
            Entry::Listed(Hop::Direct) => self.ask_origin(module, file),
            Entry::Listed(Hop::StandIn) => {
                self.stand_in.as_mut().map_or(Answer::Missing, |stand_in| stand_in.ask(module, file))
            }
            Entry::Listed(Hop::Proxy(n)) => self.ask_server(&self.situation.proxies[n], module, file),
            Entry::Listed(Hop::Folder) => {
                if self.situation.folder.contains(module) && self.situation.exists(module, file) {
                    Answer::Found
                } else {
                    Answer::Missing
                }
            }
        }
    }

    fn ask_server(&mut self, server: &Server, module: &str, file: File) -> Answer {
        let has = server.knows.contains(module) && self.situation.exists(module, file);
        let answer = self.hear(server, module, has);
        // No page is what `.info` and `@latest` should be: JSON.
        match (answer, file) {
            (Answer::Page, File::Info(_) | File::Latest) => Answer::Failed,
            _ => answer,
        }
    }

    /// A request for something of a module, at a server that has it or not.
    fn hear(&mut self, server: &Server, module: &str, has: bool) -> Answer {
        let pair = (server.host.clone(), module.to_owned());
        if server.behaviour != Behaviour::Refused {
            self.told.insert(pair.clone());
        }
        self.asked.insert(pair);
        let answer = server.behaviour.answer(has);
        if answer != Answer::Found {
            let (host, name) = (server.host.clone(), module.to_owned());
            self.failures.push(Failure { host, name, behaviour: server.behaviour, answer });
        }
        answer
    }

    /// The origin (`lookupDirect`).
    fn ask_origin(&mut self, module: &str, file: File) -> Answer {
        let host = module.split('/').next().unwrap_or(module);
        let Some(origin) = self.situation.origins.get(host) else { return Answer::Missing };
        if is_of_known_forge(module) {
            let mut elements = module.splitn(4, '/');
            let (Some(owner), Some(name)) = (elements.nth(1), elements.next()) else {
                // No repository has so short a name, and nobody is asked.
                return Answer::Missing;
            };
            let repository = format!("{host}/{owner}/{name}");
            // There are no git repositories here.
            return match self.hear(origin, &repository, false) {
                Answer::Page => Answer::Failed,
                Answer::Missing if self.situation.release >= MISSING_REPOSITORIES_FAIL => Answer::Failed,
                other => other,
            };
        }
        // `?go-get=1`: whatever goes wrong with it counts as "not found".
        let page =
            origin.knows.contains(module) && self.situation.modules.get(module).is_some_and(|m| m.page);
        match self.hear(origin, module, page) {
            Answer::Found => self.ask_server(origin, module, file),
            _ => Answer::Missing,
        }
    }

    /// A file of a version, from the cache or over the list, and whether go takes what came
    /// (`InfoFile`, `GoMod`, `DownloadZip`).
    pub(super) fn file(&mut self, module: &str, file: File) -> Answer {
        let key = (module.to_owned(), file);
        if let Some(answer) = self.cache.get(&key) {
            return *answer;
        }
        let mut answer = self.try_entries(|go, entry| {
            let answer = go.ask(entry, module, file);
            match file {
                // A go.mod is verified before the next entry's turn is over (`checkGoMod`).
                File::Mod(version) if matches!(answer, Answer::Found | Answer::Page) => {
                    go.verify(module, version, answer, Pin::GoMod)
                }
                _ => answer,
            }
        });
        if let File::Zip(version) = file {
            // A page is no zip, and that is found out first.
            answer = match answer {
                Answer::Found => self.verify(module, version, answer, Pin::Both),
                Answer::Page => Answer::Failed,
                other => other,
            };
        }
        match (answer, file) {
            (Answer::Found | Answer::Page, _) => drop(self.cache.insert(key, answer)),
            // What comes in the end is verified like any other.
            (_, File::Mod(version)) if self.is_healed() => {
                self.verify(module, version, Answer::Found, Pin::GoMod);
            }
            (_, File::Zip(version)) if self.is_healed() => {
                self.verify(module, version, Answer::Found, Pin::Both);
            }
            _ => {}
        }
        answer
    }

    /// Whether the verb has the file and goes on: it came, or it is taken as having come in the end.
    pub(super) fn get(&mut self, module: &str, file: File) -> bool {
        self.file(module, file) == Answer::Found || self.is_healed()
    }

    /// Whether failures are taken as overcome.
    pub(super) fn is_healed(&self) -> bool {
        self.healed == Healed::Yes
    }

    /// Remembers what was learnt by way of one entry (`writeDiskStat`).
    pub(super) fn remember(&mut self, module: &str, file: File) {
        self.cache.insert((module.to_owned(), file), Answer::Found);
    }

    /// Whether the cache has it.
    pub(super) fn has(&self, module: &str, file: File) -> bool {
        self.cache.contains_key(&(module.to_owned(), file))
    }

    /// go.sum and the checksum database (`checkModSum`).
    fn verify(&mut self, module: &str, version: &'static str, came: Answer, hash: Pin) -> Answer {
        if self.is_pinned(module, version, hash) {
            if came == Answer::Page {
                // SECURITY ERROR, and the end of the process.
                self.cut_short = true;
                return Answer::Failed;
            }
            return came;
        }
        let settings = &self.situation.settings;
        if settings.gosumdb.host().is_none() || matches(settings.no_sums(), module) {
            return came;
        }
        if self.look_up(module, version) && came == Answer::Found { Answer::Found } else { Answer::Failed }
    }

    /// Whether go.sum has the hash.
    pub(super) fn is_pinned(&self, module: &str, version: &str, hash: Pin) -> bool {
        version == FIRST
            && match self.situation.go_sum.get(module) {
                Some(Pin::Both) => true,
                Some(Pin::GoMod) => hash == Pin::GoMod,
                None => false,
            }
    }

    /// Asks the checksum database about a module; whether its answer can be verified (`lookupSumDB`).
    fn look_up(&mut self, module: &str, version: &'static str) -> bool {
        let base = match self.base {
            Some(base) => base,
            None => self.find_base(),
        };
        self.base = Some(base);
        let server = match base {
            Base::Nowhere => return false,
            Base::Itself => &self.situation.database,
            Base::Through(n) => &self.situation.proxies[n],
        };
        let has = self.situation.database.knows.contains(module)
            && self.situation.exists(module, File::Zip(version));
        self.hear(server, module, has) == Answer::Found && self.situation.settings.gosumdb.verifies()
    }

    /// Who passes the database on is found out once (`initBase`), and no name is told for it.
    fn find_base(&mut self) -> Base {
        if self.situation.settings.gosumdb.bypasses_proxies() {
            return Base::Itself;
        }
        let mut through = None;
        let answer = self.try_entries(|go, entry| {
            let Entry::Listed(Hop::Proxy(n)) = entry else { return Answer::Missing };
            let server = &go.situation.proxies[n];
            let answer = match server.behaviour {
                Behaviour::Serves | Behaviour::Cut if server.carries_sums => Answer::Found,
                Behaviour::Serves | Behaviour::Cut | Behaviour::Missing(_) => Answer::Missing,
                Behaviour::Refused | Behaviour::Forbidden | Behaviour::Broken => Answer::Failed,
                // Any 200 will do.
                Behaviour::Portal => Answer::Page,
            };
            if matches!(answer, Answer::Found | Answer::Page) {
                through = Some(n);
            }
            answer
        });
        match (through, answer) {
            (Some(n), _) => Base::Through(n),
            (None, Answer::Missing) => Base::Itself,
            (None, _) => Base::Nowhere,
        }
    }
}

/// Whether a list of patterns matches a module (`MatchPrefixPatterns`): a pattern of N elements is held
/// against the first N of the path. `*` is the only wildcard here.
pub(crate) fn matches(patterns: &str, module: &str) -> bool {
    patterns.split(',').filter(|p| !p.is_empty()).any(|pattern| {
        let mut elements = module.split('/');
        pattern.split('/').all(|wanted| elements.next().is_some_and(|element| like(wanted, element)))
    })
}

fn like(pattern: &str, element: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == element,
        Some((before, after)) => {
            element.len() >= before.len() + after.len()
                && element.starts_with(before)
                && element.ends_with(after)
        }
    }
}
