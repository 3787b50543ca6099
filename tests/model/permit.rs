//! What gox may tell beyond plain go: the design's rules on rotation, mirrors, private modules and the
//! checksum database, as one question: may this host hear this name?

use super::go::matches;
use super::situation::{Behaviour, Hop, Host, Pin, Separator, Situation, Sums};
use super::{Healed, asked_alone};
use std::collections::BTreeSet;

/// How far gox may reorder the list (`rotate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotate {
    Listed,
    Go,
    Never,
}

/// gox's settings and surroundings, as far as they say who may hear what.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The host name of each module proxy of [`Situation::proxies`] that goes by one.
    pub(crate) names: Vec<Option<&'static str>>,
    /// `rotate`.
    pub(crate) rotate: Rotate,
    /// The mirrors that `mirrors` names by hand, by their numbers.
    pub(crate) mirrors: Vec<usize>,
    /// The proxies that an earlier run could not talk to a moment ago.
    pub(crate) resting: Vec<usize>,
    /// `private`: patterns of the user's own.
    pub(crate) private: String,
    /// `host/owner` of the working folder's git origin.
    pub(crate) origin: Option<&'static str>,
}

/// Proxies that serve anyone and public modules only.
pub(crate) const PUBLIC_PROXIES: [&str; 3] = ["proxy.golang.org", "goproxy.cn", "goproxy.io"];

/// Forges that serve anyone, and vanity hosts that everybody knows.
pub(crate) const PUBLIC_HOSTS: [&str; 2] = ["github.com", "golang.org"];

/// Suffixes of host names that no public name server resolves.
const PRIVATE_SUFFIXES: [&str; 9] = [
    ".internal",
    ".corp",
    ".lan",
    ".local",
    ".intranet",
    ".home.arpa",
    ".localdomain",
    ".private",
    ".ts.net",
];

/// Holds gox's telling against the rules.
pub(crate) struct Permit<'a> {
    situation: &'a Situation,
    surroundings: &'a Surroundings,
    /// Whom plain go would ask about what, its troubles overcome.
    plain: BTreeSet<(Host, String)>,
}

impl<'a> Permit<'a> {
    pub(crate) fn new(situation: &'a Situation, surroundings: &'a Surroundings) -> Permit<'a> {
        let mut asked = super::told(situation, Healed::Yes).asked;
        asked.extend(super::told(situation, Healed::No).asked);
        // A page in place of a file is an error, whatever go makes of it: over a pipe the walk goes on.
        let mut honest = situation.clone();
        for server in honest.proxies.iter_mut().filter(|server| server.behaviour == Behaviour::Portal) {
            server.behaviour = Behaviour::Broken;
        }
        asked.extend(super::told(&honest, Healed::Yes).asked);
        let mut names: BTreeSet<String> = asked.iter().map(|(_, name)| name.clone()).collect();
        // A look-up that go gets to with gox's help asks for the paths above as well.
        for name in names.clone() {
            names.extend(name.match_indices('/').map(|(at, _)| name[..at].to_owned()));
        }
        let mut permit = Permit { situation, surroundings, plain: asked };
        // The fetcher walks for each name by itself.
        for name in names.iter().filter(|name| !permit.likely_private(name)).cloned().collect::<Vec<_>>() {
            permit.plain.extend(asked_alone(situation, &name));
        }
        permit
    }

    /// The same beside a request to a module proxy that is late: lateness is trouble.
    pub(crate) fn forbids_beside(&self, late: usize, host: &Host, name: &str) -> Option<&'static str> {
        let mut surroundings = self.surroundings.clone();
        surroundings.resting.push(late);
        Permit { surroundings: &surroundings, plain: self.plain.clone(), ..*self }.forbids(host, name)
    }

    /// Why this host must not hear this name; `None` where it may.
    pub(crate) fn forbids(&self, host: &Host, name: &str) -> Option<&'static str> {
        if self.plain.contains(&(host.clone(), name.to_owned())) {
            return None;
        }
        match host {
            Host::Proxy(n) if self.place_in_list(*n).is_some() => self.forbids_listed(*n, name),
            Host::Proxy(n) => self.forbids_mirror(*n, name),
            Host::Database(database) => self.forbids_database(database, name),
            Host::Origin(_) => self.forbids_origin(name),
        }
    }

    fn likely_private(&self, name: &str) -> bool {
        let settings = &self.situation.settings;
        let host = name.split('/').next().unwrap_or(name);
        matches(settings.no_proxy(), name)
            || matches(&settings.goprivate, name)
            || matches(settings.no_sums(), name)
            || matches(&self.surroundings.private, name)
            || !host.contains('.')
            || PRIVATE_SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
            || self.surroundings.origin.is_some_and(|origin| self.is_of_origin(origin, host, name))
    }

    /// Of the owner of the origin; of its host where that is no public forge.
    fn is_of_origin(&self, origin: &str, host: &str, name: &str) -> bool {
        let forge = origin.split('/').next().unwrap_or(origin);
        matches(origin, name) || (!PUBLIC_HOSTS.contains(&forge) && host == forge)
    }

    fn plainly_public(&self, name: &str) -> bool {
        let host = name.split('/').next().unwrap_or(name);
        !self.likely_private(name) && PUBLIC_HOSTS.contains(&host)
    }

    fn is_pinned(&self, name: &str) -> bool {
        self.situation.go_sum.get(name) == Some(&Pin::Both)
    }

    fn is_public_proxy(&self, n: usize) -> bool {
        let name = self.surroundings.names.get(n).copied().flatten();
        name.is_some_and(|name| PUBLIC_PROXIES.contains(&name))
    }

    fn place_in_list(&self, n: usize) -> Option<usize> {
        self.situation.settings.goproxy.iter().position(|(hop, _)| *hop == Hop::Proxy(n))
    }

    /// go itself would go on from one to the other after any error.
    fn only_pipes(&self, from: usize, to: usize) -> bool {
        let list = &self.situation.settings.goproxy;
        match (self.place_in_list(from), self.place_in_list(to)) {
            (Some(from), Some(to)) if from < to => list[from..to].iter().all(|(hop, separator)| {
                matches!(hop, Hop::Proxy(_) | Hop::Folder) && *separator == Separator::Pipe
            }),
            _ => false,
        }
    }

    fn ends_with(&self, wall: Hop) -> Option<usize> {
        self.situation.settings.goproxy.iter().position(|(hop, _)| *hop == wall)
    }

    /// A proxy's behaviour is trouble on the way, or damage; a refusal and "not found" are answers.
    fn is_trouble(&self, n: usize, name: &str) -> bool {
        let server = &self.situation.proxies[n];
        match server.behaviour {
            Behaviour::Refused | Behaviour::Broken | Behaviour::Portal => true,
            Behaviour::Cut => server.knows.contains(name),
            Behaviour::Serves | Behaviour::Missing(_) | Behaviour::Forbidden => false,
        }
    }

    /// The proxies that plain go asks about the name and that are in trouble, or were lately; with `refusing` also those
    /// that answer 403 to everything.
    fn troubled(&self, name: &str, refusing: bool) -> Vec<usize> {
        let asked = |n: &usize| self.plain.contains(&(Host::Proxy(*n), name.to_owned()));
        let fails = |n: &usize| {
            self.is_trouble(*n, name)
                || self.surroundings.resting.contains(n)
                || (refusing && self.situation.proxies[*n].behaviour == Behaviour::Forbidden)
        };
        (0..self.situation.proxies.len()).filter(|n| asked(n) && fails(n)).collect()
    }

    fn forbids_listed(&self, n: usize, name: &str) -> Option<&'static str> {
        // A pipe means any error, and a page in place of a file is one, whatever go makes of it.
        let piped = |from: &usize| self.only_pipes(*from, n) && self.is_trouble(*from, name);
        if self.troubled(name, false).iter().any(piped) {
            return None;
        }
        if self.likely_private(name) {
            return Some("a likely private name crossed to an entry that go would not have asked");
        }
        let (place, off) = (self.place_in_list(n), self.ends_with(Hop::Off));
        if off.is_some_and(|off| place > Some(off)) {
            return Some("off is a wall");
        }
        if self.troubled(name, false).into_iter().any(|from| self.only_pipes(from, n)) {
            return None;
        }
        if self.surroundings.rotate != Rotate::Listed {
            return Some("rotate does not allow a comma to be crossed");
        }
        if self.ends_with(Hop::Direct).is_some_and(|direct| place > Some(direct)) {
            return match self.is_pinned(name) && self.plainly_public(name) {
                true => None,
                false => Some("an entry behind direct hears of pinned, plainly public modules alone"),
            };
        }
        let crosses = self.troubled(name, true).into_iter().any(|from| {
            match (self.is_public_proxy(from), self.is_public_proxy(n)) {
                (true, true) => true,
                (false, false) => {
                    // One that took no connection a moment ago is passed over before it can refuse.
                    let refuses = self.situation.proxies[from].behaviour == Behaviour::Forbidden
                        && !self.surroundings.resting.contains(&from);
                    self.is_pinned(name) && !refuses
                }
                _ => false,
            }
        });
        if crosses { None } else { Some("a comma was crossed that is not to be crossed") }
    }

    fn forbids_mirror(&self, n: usize, name: &str) -> Option<&'static str> {
        let settings = &self.situation.settings;
        if !self.surroundings.mirrors.contains(&n) {
            return Some("a proxy of no list was asked");
        }
        let listed = |hop: &Hop| match hop {
            Hop::Proxy(n) => self.is_public_proxy(*n),
            Hop::Direct => true,
            Hop::Folder | Hop::StandIn | Hop::Off => false,
        };
        let alone = settings.goproxy.iter().all(|(hop, _)| *hop == Hop::Direct);
        if alone || !settings.goproxy.iter().all(|(hop, _)| listed(hop)) {
            return Some("a mirror was asked beside a list that is not public");
        }
        if settings.gosumdb == Sums::Off {
            return Some("a mirror was asked without a checksum database");
        }
        if self.surroundings.rotate != Rotate::Listed {
            return Some("a mirror was asked although rotate says no");
        }
        if !self.plainly_public(name) {
            return Some("a mirror heard a name that is not plainly public");
        }
        match self.troubled(name, true).is_empty() {
            false => None,
            true => Some("a mirror was asked without need"),
        }
    }

    fn forbids_database(&self, database: &str, name: &str) -> Option<&'static str> {
        if self.situation.settings.gosumdb != Sums::Public || database != "sum.golang.google.cn" {
            return Some("a checksum database was asked that plain go would not have asked");
        }
        // The same database at its other address: for a run in which it hears of no likely private name.
        let told = |other: &&(Host, String)| matches!(other.0, Host::Database(_));
        if self.plain.iter().filter(told).any(|(_, name)| self.likely_private(name)) {
            return Some("the database's other address was asked in a run with likely private names");
        }
        let asked = self.plain.iter().filter(told).any(|(_, other)| other == name);
        if asked {
            None
        } else {
            Some("the database's other address heard a name that it would not have heard")
        }
    }

    fn forbids_origin(&self, name: &str) -> Option<&'static str> {
        let settings = &self.situation.settings;
        let direct = self.ends_with(Hop::Direct);
        if matches!(settings.goproxy.first(), Some((Hop::Off, _))) {
            return Some("off is obeyed");
        }
        // GOPRIVATE or GONOPROXY for what the user named, or what is private by its spelling or origin.
        if matches(&self.surroundings.private, name) {
            return None;
        }
        if self.ends_with(Hop::Off).is_some_and(|off| direct.is_none_or(|direct| direct > off)) {
            return Some("off is a wall");
        }
        if direct.is_some() && self.likely_private(name) {
            return None;
        }
        if direct.is_none() {
            return Some("the origin was asked, and the list has no direct");
        }
        // go's own walk over pipes, from one that is in trouble or was a moment ago.
        let piped = |from: usize| {
            let (from, list) = (self.place_in_list(from), &settings.goproxy);
            matches!((from, direct), (Some(from), Some(direct)) if from < direct
            && list[from..direct].iter().all(|(hop, separator)| {
                matches!(hop, Hop::Proxy(_) | Hop::Folder) && *separator == Separator::Pipe
            }))
        };
        if self.troubled(name, false).into_iter().any(piped) {
            return None;
        }
        let crosses = self.troubled(name, true).into_iter().any(|from| self.is_public_proxy(from));
        match (crosses, self.is_pinned(name), self.surroundings.rotate) {
            (true, true, Rotate::Listed) => None,
            (true, false, _) => Some("the origin heard of a module that is not pinned"),
            _ => match settings.goproxy.first() {
                Some((Hop::Direct, _)) => None,
                _ => Some("the origin was asked in place of proxies that do not lead there"),
            },
        }
    }
}
