//! What earlier lines mean for later ones.

use super::envelope::Subject;
use super::owners::Place;

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
    /// The package that go was last looking for a module of.
    pub finding: Option<String>,
    /// The module whose JSON object is being read.
    pub object: Option<Subject>,
}

impl Context {
    /// Lines were left out; `in_test` tells whether a test began or ended in them.
    pub(super) fn skip(&mut self, in_test: Option<bool>) {
        self.place.skip(in_test);
        self.unsaid = None;
    }
}
