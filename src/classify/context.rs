//! What earlier lines mean for later ones.

use super::envelope::Subject;

/// The state that the reader of messages carries along.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// A test is running: what is printed is its own.
    pub in_test: bool,
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
