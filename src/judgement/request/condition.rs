//! What is known of each upstream, and what the run allows, while one request is worked on.

use std::time::Duration;

/// What is known of an upstream at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Its breaker is open.
    pub(crate) open: bool,
    /// It answers nobody just now.
    pub(crate) down: bool,
    /// It refuses every module that go.sum pins.
    pub(crate) refuses: bool,
    /// Most of its last answers were good.
    pub(crate) healthy: bool,
    /// What is left of a pause it asked for.
    pub(crate) rests: Duration,
    /// How long the slowest of its first bytes took (95 of 100), once it has served some.
    pub(crate) usual: Option<Duration>,
    /// How long ago it first had not what go.sum pins; one series of questions for all such files.
    pub(crate) absent: Option<Duration>,
    /// It has answered in this run.
    pub(crate) answers: bool,
    /// gox cannot talk to it: go asks it itself.
    pub(crate) left: bool,
    /// go could not talk to it either.
    pub(crate) go_fails: bool,
    /// How long ago it first sent what is no file of a module proxy's, if asking again has cured none of it since.
    pub(crate) nonsense: Option<Duration>,
    /// It was found to have a file for good that go will reject: the run ends with that.
    pub(crate) settled: bool,
}

/// What the run allows at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// One more retry is within the share.
    pub(crate) retry: bool,
    /// What is left of the recovery budget.
    pub(crate) time: Duration,
}
