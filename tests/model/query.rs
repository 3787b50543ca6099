//! Version queries: what is the latest, and which module provides a package.

use super::go::{Answer, Entry, File, Go};
use super::situation::Replacement;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// This version.
    Exactly(&'static str),
    /// The latest that nobody has retracted (`CheckAllowed`).
    Latest,
    /// The latest, retracted or not (`queryLatestVersionIgnoringRetractions`).
    LatestOfAll,
}

impl Query {
    /// As it stands behind the `@`.
    pub(super) fn parse(word: &'static str) -> Query {
        if word == "latest" { Query::Latest } else { Query::Exactly(word) }
    }
}

impl Go<'_> {
    /// A query by way of one entry, and the version that it gives (`queryProxy`).
    fn query(&mut self, entry: Entry, module: &str, query: Query) -> (Answer, Option<&'static str>) {
        let version = match query {
            Query::Exactly(version) => version,
            Query::Latest | Query::LatestOfAll => match self.ask(entry, module, File::List) {
                Answer::Found => *self.situation.modules[module].versions.last().expect("one at least"),
                // A page lists no version, and what is asked then is no JSON.
                Answer::Page => return (self.ask(entry, module, File::Latest), None),
                other => return (other, None),
            },
        };
        if query == Query::Latest {
            self.read_retractions(module);
        }
        let file = File::Info(version);
        if self.has(module, file) {
            return (Answer::Found, Some(version));
        }
        let answer = self.ask(entry, module, file);
        if answer != Answer::Found {
            return (answer, None);
        }
        self.remember(module, file);
        (answer, Some(version))
    }

    /// The go.mod of the latest version tells what is retracted and deprecated (`CheckRetractions`). Most who
    /// want to know ignore that it does not come.
    pub(super) fn read_retractions(&mut self, module: &str) -> Answer {
        let mut of_module = self.situation.requirements.iter().filter(|r| r.path == module);
        if of_module.any(|r| r.replacement != Replacement::Nothing) {
            return Answer::Found;
        }
        let mut latest = None;
        let answer = self.try_entries(|go, entry| {
            let (answer, version) = go.query(entry, module, Query::LatestOfAll);
            latest = version;
            answer
        });
        match latest.or_else(|| self.healed_version(module, Query::LatestOfAll)) {
            Some(version) => self.file(module, File::Mod(version)),
            None => answer,
        }
    }

    /// The version that a failed query would have given.
    fn healed_version(&self, module: &str, query: Query) -> Option<&'static str> {
        let module = self.situation.modules.get(module).filter(|_| self.is_healed())?;
        match query {
            Query::Exactly(version) => module.versions.contains(&version).then_some(version),
            Query::Latest | Query::LatestOfAll => module.versions.last().copied(),
        }
    }

    /// Which module provides a package: its path and every shorter one are asked for at once, by way of one
    /// entry after the other (`QueryPattern`).
    pub(super) fn query_pattern(&mut self, package: &str, query: Query) -> Option<&'static str> {
        let shorter = package.rmatch_indices('/').map(|(at, _)| &package[..at]);
        let prefixes: Vec<&str> = std::iter::once(package).chain(shorter).collect();
        let mut resolved = None;
        let answer = self.try_entries(|go, entry| {
            let (mut found, mut failed) = (false, false);
            for module in &prefixes {
                let (mut answer, version) = go.query(entry, module, query);
                if let Some(version) = version {
                    answer = go.file(module, File::Zip(version));
                    resolved = Some(version);
                }
                match answer {
                    Answer::Found => found = true,
                    Answer::Missing => {}
                    // What a longer path provides makes the trouble of a shorter one irrelevant.
                    Answer::Failed | Answer::Page => failed |= !found,
                }
            }
            match (failed, found) {
                (true, _) => Answer::Failed,
                (false, true) => Answer::Found,
                (false, false) => Answer::Missing,
            }
        });
        if answer == Answer::Found {
            return resolved;
        }
        let version = self.healed_version(package, query)?;
        self.file(package, File::Info(version));
        self.file(package, File::Zip(version));
        self.read_retractions(package);
        Some(version)
    }
}
