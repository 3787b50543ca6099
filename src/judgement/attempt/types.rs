//! What goes into a decision and what comes out of it.

use super::State;
use crate::formats::goproxy::{Entry, List, Rotate};
use crate::judgement::privacy;
use crate::vocabulary::{Cause, Failure, Source};
use std::path::PathBuf;
use std::time::Duration;

/// Settings and surroundings of one run; they do not change while it lasts.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Attempts without progress.
    pub attempts: u32,
    /// Recovery budget, from the first failure.
    pub budget: Duration,
    /// Silence after which go counts as stalled, for a first attempt.
    pub stall: Duration,
    /// First delay.
    pub backoff_base: Duration,
    /// Longest delay.
    pub backoff_max: Duration,
    /// How far the list may be reordered.
    pub rotate: Rotate,
    /// The user's effective GOPROXY.
    pub list: List,
    /// Mirrors that this run may ask (rules on CI, the checksum database and the list applied by
    /// [`permitted_mirrors`]).
    pub mirrors: Vec<Entry>,
    /// What is known of private modules.
    pub private: privacy::Rules,
    /// The graph holds a likely private module that GONOPROXY does not cover: the list is not
    /// reordered across separators.
    pub graph_private: bool,
    /// A relay may serve this run.
    pub relay: bool,
    /// go's effective GOPRIVATE, GONOPROXY and GOSUMDB.
    pub goprivate: String,
    /// See `goprivate`.
    pub gonoproxy: String,
    /// See `goprivate`.
    pub gosumdb: String,
    /// The user's own GODEBUG.
    pub godebug: String,
    /// Major and minor of the running go, where known.
    pub release: Option<(u32, u32)>,
    /// Environment names that the user has set and that an overlay would otherwise set.
    pub user_env: Vec<String>,
    /// Modules (with versions) of which go.sum holds both hashes, that of the zip and that of go.mod.
    pub in_go_sum: Vec<(String, String)>,
    /// This is `go mod verify`: what it finds may be evidence and is never cured.
    pub verifying: bool,
    /// What earlier runs teach, applied before the first attempt (see [`super::begin`]).
    pub initial: Vec<Remedy>,
    /// `GOPROXY` while `--offline` was asked for.
    pub offline: Option<String>,
    /// `-mod=vendor` is in force: go asks nobody for modules, so gox makes no diagnostic attempt
    /// that would.
    pub vendored: bool,
}

/// The mirrors that may be asked at all: only where every listed entry is a known public proxy or
/// `direct`, the checksum database is on, no likely private module is in the graph, and either no
/// CI is detected or the user named the mirrors by hand.
pub fn permitted_mirrors(
    list: &List,
    mirrors: &[Entry],
    by_hand: bool,
    ci: bool,
    gosumdb: &str,
    graph_private: bool,
    rotate: Rotate,
) -> Vec<Entry> {
    let allowed = rotate == Rotate::Listed
        && list.all_public()
        && gosumdb != "off"
        && !graph_private
        && (!ci || by_hand);
    if !allowed {
        return vec![];
    }
    mirrors
        .iter()
        .filter(|m| m.is_network_proxy() && list.entries.iter().all(|e| e.host() != m.host()))
        .cloned()
        .collect()
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// go's own status.
    Code(i32),
    /// A signal that gox did not send.
    Signal(i32),
    /// gox ended go: nothing moved.
    Stalled,
    /// gox ended go: its first proxy took no TCP connection while another listed one did.
    NoConnection,
    /// The user or the system ended the run.
    Interrupted,
}

/// A damaged local file that was found for a failure and can be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Index of the failure it belongs to.
    pub failure: usize,
    /// `MODULE@VERSION`, or what else names it for people.
    pub what: String,
    /// The file or folder.
    pub path: PathBuf,
}

/// What was seen of one attempt.
#[derive(Clone, Debug)]
pub struct Observation {
    /// How it ended.
    pub end: AttemptEnd,
    /// What go said.
    pub failures: Vec<Failure>,
    /// The module cache grew.
    pub progress: bool,
    /// How long the attempt took.
    pub elapsed: Duration,
    /// Time since the run's first failure (zero at the first).
    pub since_first_failure: Duration,
    /// Entries of the list that refused a TCP connection just now.
    pub dead: Vec<Entry>,
    /// Hosts known to have served something in this run.
    pub serving: Vec<String>,
    /// A diagnostic attempt has been made for this attempt (its failures are in `failures`).
    pub diagnosed: bool,
    /// Local damage found for the failures.
    pub repairs: Vec<Repair>,
    /// No route or no resolver here, in words.
    pub no_network: Option<String>,
    /// The longest Retry-After that the relay saw.
    pub retry_after: Option<Duration>,
    /// The relay served this attempt.
    pub relayed: bool,
    /// The diagnostic attempt succeeded: what failed is well again.
    pub healed: bool,
}

impl Observation {
    /// An observation of which only the end and the failures are known.
    pub fn new(end: AttemptEnd, failures: Vec<Failure>) -> Observation {
        Observation {
            end,
            failures,
            progress: false,
            elapsed: Duration::ZERO,
            since_first_failure: Duration::ZERO,
            dead: vec![],
            serving: vec![],
            diagnosed: false,
            repairs: vec![],
            no_network: None,
            retry_after: None,
            relayed: false,
            healed: false,
        }
    }

    /// The failures, and the one that gox itself made by ending go.
    pub fn all_failures(&self, state: &State) -> Vec<Failure> {
        let mut failures = self.failures.clone();
        let (cause, words) = match self.end {
            AttemptEnd::Stalled => (Cause::Stalled, "nothing moved"),
            AttemptEnd::NoConnection => (Cause::Timeout, "no TCP connection"),
            _ => return failures,
        };
        if failures.iter().any(|f| f.cause == cause && f.evidence == words) {
            return failures;
        }
        // What go had said before it was ended is no verdict of its own any more.
        failures.retain(|f| f.cause == Cause::ChecksumMismatch);
        let mut own = Failure::new(cause, Some(Source::Proxy), words);
        own.host = state.first().and_then(Entry::host);
        failures.push(own);
        failures
    }
}

/// One thing done between two attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The list now starts with this entry.
    Rotate(Entry),
    /// These entries rest: dead (leave the list), or sent a bad copy.
    Rest(Vec<Entry>),
    /// One damaged file goes.
    Evict {
        /// `MODULE@VERSION` or another name for people.
        what: String,
        /// The file or folder.
        path: PathBuf,
    },
    /// GOPRIVATE gains a pattern.
    Private(String),
    /// GONOPROXY gains a pattern.
    NoProxy(String),
    /// GOSUMDB is this.
    Sumdb(String),
    /// HTTP/2 off.
    Http1,
    /// HTTP/2 on again: turning it off did not help.
    Http2Again,
    /// Post-quantum key exchange off: some middleboxes drop large ClientHellos.
    NoMlkem,
    /// git over HTTP/1.1 and with an end to its own stalls.
    GitPatience,
    /// The relay serves from now on.
    Relay,
}

impl Remedy {
    /// The spelling in the report, where the remedy has one there.
    pub fn report(&self) -> Option<String> {
        Some(match self {
            Remedy::Rotate(entry) => format!("rotate:{}", entry.host().unwrap_or_else(|| entry.shown())),
            Remedy::Evict { what, .. } => format!("evict:{what}"),
            Remedy::Private(pattern) | Remedy::NoProxy(pattern) => format!("private:{pattern}"),
            Remedy::Sumdb(value) => format!("sumdb:{value}"),
            Remedy::Http1 => "http1".into(),
            Remedy::NoMlkem => "no-mlkem".into(),
            Remedy::GitPatience => "git-patience".into(),
            Remedy::Relay => "relay".into(),
            Remedy::Rest(_) | Remedy::Http2Again => return None,
        })
    }
}

/// What is waited for between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// A moment that the caller picks between `floor` and `ceiling`.
    Delay {
        /// Never sooner.
        floor: Duration,
        /// Never later.
        ceiling: Duration,
    },
    /// A network, up to this long; none by then is a stop.
    Network(Duration),
}

impl Pause {
    /// None at all.
    pub const NONE: Pause = Pause::up_to(Duration::ZERO);

    /// Any time up to `ceiling`.
    pub const fn up_to(ceiling: Duration) -> Pause {
        Pause::Delay { floor: Duration::ZERO, ceiling }
    }

    /// True for a delay that takes time, and thereby counts as one of the series.
    pub(super) fn is_delay(self) -> bool {
        matches!(self, Pause::Delay { ceiling, .. } if ceiling > Duration::ZERO)
    }
}

/// What follows an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// go succeeded.
    Done,
    /// The run ends with go's status.
    Stop(Stop),
    /// Another attempt.
    Retry(Retry),
    /// A diagnostic attempt is needed first; decide again with what it tells.
    Diagnose,
}

/// Why a run ends without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// In one clause for people.
    pub reason: String,
    /// What the user can do, where a hint surely helps.
    pub hint: Option<String>,
}

/// How go is run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// What is done first, in this order.
    pub remedies: Vec<Remedy>,
    /// What is waited for then.
    pub pause: Pause,
    /// The stall threshold of the attempt.
    pub patience: Duration,
    /// Why, in one clause for people.
    pub reason: String,
}

impl Stop {
    /// One without a hint.
    pub(crate) fn because(reason: impl Into<String>) -> Stop {
        Stop { reason: reason.into(), hint: None }
    }

    /// One with a hint.
    pub(super) fn with_hint(reason: impl Into<String>, hint: impl Into<String>) -> Stop {
        Stop { reason: reason.into(), hint: Some(hint.into()) }
    }
}

/// One attempt of the past, and how it was followed up.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was seen.
    pub observation: Observation,
    /// What was done about it.
    pub retry: Retry,
}

impl Policy {
    /// The policy of an attempt about which nothing is known yet: no list, no rules. Enough for an
    /// attempt that succeeds; after a failure the loop gathers the rest.
    pub fn plain(attempts: u32, budget: Duration, stall: Duration) -> Policy {
        Policy {
            attempts,
            budget,
            stall,
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            rotate: Rotate::Never,
            list: List::default(),
            mirrors: vec![],
            private: privacy::Rules::default(),
            graph_private: false,
            relay: false,
            goprivate: String::new(),
            gonoproxy: String::new(),
            gosumdb: String::new(),
            godebug: String::new(),
            release: None,
            user_env: vec![],
            in_go_sum: vec![],
            verifying: false,
            initial: vec![],
            offline: None,
            vendored: false,
        }
    }
}
