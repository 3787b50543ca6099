//! What earlier lines mean for later ones.

use super::envelope::Subject;
use super::owners::Place;
use std::collections::VecDeque;

/// Downloads that are remembered: go runs about as many at once.
const MAX_DOWNLOADS: usize = 64;

/// The state that the reader of messages carries along.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Where in a log the reader is.
    pub place: Place,
    /// A command of git's that go echoed, without what git said.
    pub unsaid: Option<String>,
    /// go has told of a failure. One whose hash does not fit ends it at once, so none comes after.
    pub spoken: bool,
    /// Below a `# package` heading of the compiler.
    pub heading: bool,
    /// The package that GOPATH-mode go was fetching.
    pub fetching: Option<String>,
    /// The modules that go was last downloading, with their versions.
    pub downloading: VecDeque<(String, String)>,
    /// The package that go was last looking for a module of.
    pub finding: Option<String>,
    /// The module whose JSON object is being read.
    pub object: Option<Subject>,
}

impl Context {
    /// go began to download a module.
    pub(super) fn downloads(&mut self, module: &str, version: &str) {
        if self.downloading.len() >= MAX_DOWNLOADS {
            self.downloading.pop_front();
        }
        self.downloading.push_back((module.to_owned(), version.to_owned()));
    }

    /// The module of which go downloads this version, where it is one only.
    pub(super) fn downloaded(&self, version: &str) -> Option<&str> {
        let mut of_version = self.downloading.iter().filter(|(_, v)| v == version).map(|(m, _)| m.as_str());
        let first = of_version.next()?;
        of_version.all(|other| other == first).then_some(first)
    }

    /// Lines were left out; `in_test` tells whether a test began or ended in them.
    pub(super) fn skip(&mut self, in_test: Option<bool>) {
        self.place.skip(in_test);
        self.unsaid = None;
    }
}
