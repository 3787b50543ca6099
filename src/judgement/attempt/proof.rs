//! What gox itself saw, which alone moves trust: words say where to look, and nothing more.
//!
//! [`Proofs`] is what the loop's own requests and connections showed, or the fetcher's ledger. What
//! sets GOPRIVATE, GONOPROXY or GOSUMDB is a [`Proven`], and asking another host than go's own walk
//! leads to takes a [`Faulty`]: neither can be made but from a proof, and proofs are written down in
//! one place alone, `run::witness` (a test searches for it).

use crate::formats::goproxy::Entry;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What gox itself saw of proxies and of the checksum database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proofs {
    /// Modules that the list's own proxies refused, or have not, each with who said so.
    refused: Vec<(Entry, String)>,
    /// Proxies that took no connection, or whose answer broke, or was no answer.
    faulty: Vec<Entry>,
    /// Hashes of bytes that were a page where a module's file was due.
    #[serde(default)]
    pages: Vec<String>,
    /// The checksum database took no connection, or gave no answer.
    database_away: bool,
    /// Everything: to find out whether looking could change anything.
    #[serde(skip)]
    supposed: bool,
}

/// gox asked for a module itself, or its fetcher did, and was refused, by everybody whom go would have asked.
#[derive(Debug)]
pub(crate) struct Refused(());

/// gox met a fault of this proxy itself.
#[derive(Debug)]
pub(crate) struct Faulty(());

/// gox tried the checksum database itself, in vain.
#[derive(Debug)]
pub(crate) struct Away(());

/// A setting of the child's that a proof allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven(String);

impl Refused {
    /// The pattern of a list that a refusal allows to be longer.
    pub(super) fn allows(self, pattern: String) -> Proven {
        Proven(pattern)
    }
}

impl Away {
    /// The other address of the same database.
    pub(super) fn allows(self, address: &str) -> Proven {
        Proven(address.to_owned())
    }
}

impl Proven {
    /// The value.
    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    /// One for tests of what only shows it.
    pub(crate) fn example(value: &str) -> Proven {
        Proven(value.to_owned())
    }
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Proofs {
    /// As if everything had been seen: what is decided then, and not without, is worth a look. Never
    /// decides anything itself.
    pub(crate) fn supposed() -> Proofs {
        Proofs { supposed: true, ..Proofs::default() }
    }

    /// Writes down that `entry`, the last whom go would have asked, refused `module` or has it not.
    pub(crate) fn witness_refusal(&mut self, entry: &Entry, module: &str) {
        let seen = (entry.clone(), module.to_owned());
        if !self.refused.contains(&seen) {
            self.refused.push(seen);
        }
    }

    /// Writes down a fault of `entry` that gox met itself.
    pub(crate) fn witness_fault(&mut self, entry: &Entry) {
        if !self.faulty.contains(entry) {
            self.faulty.push(entry.clone());
        }
    }

    /// Writes down that the checksum database could not be reached from here.
    pub(crate) fn witness_database_away(&mut self) {
        self.database_away = true;
    }

    /// Writes down that what has this hash is a page.
    pub(crate) fn witness_page(&mut self, hash: &str) {
        if !self.pages.iter().any(|known| known == hash) {
            self.pages.push(hash.to_owned());
        }
    }

    /// Adds what was seen later.
    pub(super) fn add(&mut self, more: &Proofs) {
        more.refused.iter().for_each(|(entry, module)| self.witness_refusal(entry, module));
        more.faulty.iter().for_each(|entry| self.witness_fault(entry));
        more.pages.iter().for_each(|hash| self.witness_page(hash));
        self.database_away |= more.database_away;
        self.supposed |= more.supposed;
    }

    /// Whether somebody refused `module`.
    pub(super) fn refused(&self, module: &str) -> Option<Refused> {
        (self.supposed || self.refused.iter().any(|(_, refused)| refused == module)).then_some(Refused(()))
    }

    /// Whether `entry` refused `module`.
    pub(super) fn refused_by(&self, entry: &Entry, module: &str) -> bool {
        self.supposed || self.refused.iter().any(|(by, refused)| by == entry && refused == module)
    }

    /// Whether `entry` failed.
    pub(super) fn faulty(&self, entry: &Entry) -> Option<Faulty> {
        (self.supposed || self.faulty.contains(entry)).then_some(Faulty(()))
    }

    /// Whether what has this hash is a page.
    pub(super) fn is_page(&self, hash: &str) -> bool {
        self.pages.iter().any(|known| known == hash)
    }

    /// Whether the checksum database is away.
    pub(super) fn database_away(&self) -> Option<Away> {
        (self.supposed || self.database_away).then_some(Away(()))
    }
}
