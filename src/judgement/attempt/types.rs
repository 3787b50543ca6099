//! What goes into a decision and what comes out of it.

use super::{Premises, Proofs, Proven, State};
use crate::formats::goproxy::Entry;
use crate::vocabulary::{Cause, Failure, Source};
use crate::words::Text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AttemptEnd {
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

/// A local file that was found for a failure and can be repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repair {
    /// Index of the failure it belongs to.
    pub failure: usize,
    /// How.
    pub kind: RepairKind,
    /// `MODULE@VERSION`, or what else names it for people.
    pub what: String,
    /// The file or folder.
    pub path: PathBuf,
}

/// How a local file is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RepairKind {
    /// It is damaged in itself and goes.
    Evict,
    /// Only this go.sum disagrees with it: it is moved aside, and put back unless a fresh copy comes.
    SetAside,
}

/// A file that stays as it is at its upstream, as the fetcher found out: final, go has the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// What is wrong, where, for which module.
    #[serde(with = "super::whole::Fields")]
    pub failure: Failure,
    /// What is wrong with the bytes, in words.
    pub why: Text,
    /// Their number.
    pub bytes: u64,
    /// How often they came.
    pub tries: usize,
}

/// What was seen of one attempt, and what was learned with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observation {
    /// How it ended.
    pub end: AttemptEnd,
    /// What go said.
    #[serde(with = "super::whole")]
    pub failures: Vec<Failure>,
    /// go exits 0 all the same, and what it printed lacks what these failures kept from it.
    #[serde(default)]
    pub incomplete: bool,
    /// The module cache grew.
    pub progress: bool,
    /// How long the attempt took.
    pub elapsed: Duration,
    /// Time since the run's first failure (zero at the first).
    pub since_first_failure: Duration,
    /// Entries of the list that refused a TCP connection just now.
    pub dead: Vec<Entry>,
    /// Entries of the list that are known to have served something meanwhile.
    pub serving: Vec<Entry>,
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
    /// What the traces of a diagnostic attempt tell that a proxy refused: evidence on the proxy, no
    /// failures of this attempt.
    pub refusals: Vec<Failure>,
    /// The diagnostic attempt succeeded: what failed is well again.
    pub healed: bool,
    /// What go itself says of its settings, and the project's files under them: read once, after the
    /// first failure.
    pub premises: Option<Arc<Premises>>,
    /// The relay cannot serve any more, and why.
    pub no_relay: Option<String>,
    /// What the fetcher found out about files that it handed on as they were.
    #[serde(default)]
    pub settled: Vec<Settled>,
    /// What gox itself saw of those whom the failures name.
    #[serde(default)]
    pub proofs: Proofs,
}

impl Observation {
    /// An observation of which only the end and the failures are known.
    pub(crate) fn new(end: AttemptEnd, failures: Vec<Failure>) -> Observation {
        Observation {
            end,
            failures,
            incomplete: false,
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
            refusals: vec![],
            healed: false,
            premises: None,
            no_relay: None,
            settled: vec![],
            proofs: Proofs::default(),
        }
    }

    /// The failures, and the one that gox itself made by ending go.
    pub(crate) fn all_failures(&self, state: &State) -> Vec<Failure> {
        let mut failures = self.failures.clone();
        let (cause, words) = match self.end {
            AttemptEnd::Stalled => (Cause::Stalled, "nothing moved"),
            AttemptEnd::NoConnection => (Cause::Timeout, "no TCP connection"),
            AttemptEnd::Code(_) | AttemptEnd::Signal(_) | AttemptEnd::Interrupted => return failures,
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
pub(crate) enum Remedy {
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
    /// One file that only this go.sum disagrees with is moved aside for a fresh download.
    SetAside {
        /// `MODULE@VERSION`.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// GOPRIVATE gains a pattern.
    Private(Proven),
    /// GONOPROXY gains a pattern.
    NoProxy(Proven),
    /// GOSUMDB is this.
    Sumdb(Proven),
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
    /// True for one that a report names.
    pub(crate) fn is_reported(&self) -> bool {
        match self {
            Remedy::Rest(_) | Remedy::Http2Again => false,
            Remedy::Rotate(_)
            | Remedy::Evict { .. }
            | Remedy::SetAside { .. }
            | Remedy::Private(_)
            | Remedy::NoProxy(_)
            | Remedy::Sumdb(_)
            | Remedy::Http1
            | Remedy::NoMlkem
            | Remedy::GitPatience
            | Remedy::Relay => true,
        }
    }
}

impl fmt::Display for Remedy {
    /// The spelling in reports and records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |entry: &Entry| entry.host().unwrap_or_else(|| entry.shown());
        match self {
            Remedy::Rotate(entry) => write!(f, "rotate:{}", host(entry)),
            Remedy::Rest(entries) => {
                write!(f, "rest:{}", entries.iter().map(host).collect::<Vec<_>>().join(","))
            }
            Remedy::Evict { what, .. } => write!(f, "evict:{what}"),
            Remedy::SetAside { what, .. } => write!(f, "aside:{what}"),
            Remedy::Private(pattern) | Remedy::NoProxy(pattern) => write!(f, "private:{pattern}"),
            Remedy::Sumdb(value) => write!(f, "sumdb:{value}"),
            Remedy::Http1 => f.write_str("http1"),
            Remedy::Http2Again => f.write_str("http2"),
            Remedy::NoMlkem => f.write_str("no-mlkem"),
            Remedy::GitPatience => f.write_str("git-patience"),
            Remedy::Relay => f.write_str("relay"),
        }
    }
}

/// What is waited for between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
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
    #[cfg(test)]
    /// None at all.
    pub(crate) const NONE: Pause = Pause::up_to(Duration::ZERO);

    #[cfg(test)]
    /// Any time up to `ceiling`.
    pub(crate) const fn up_to(ceiling: Duration) -> Pause {
        Pause::Delay { floor: Duration::ZERO, ceiling }
    }

    /// True for a delay that takes time, and thereby counts as one of the series.
    pub(super) fn is_delay(self) -> bool {
        matches!(self, Pause::Delay { ceiling, .. } if ceiling > Duration::ZERO)
    }
}

/// What follows an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
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
pub(crate) struct Stop {
    /// In one clause for people.
    pub reason: Text,
    /// What the user can do, where a hint surely helps.
    pub hint: Option<Text>,
    /// The relay spent time on finding it out: told even where no attempt was repeated.
    pub told: bool,
}

/// How go is run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// What is done first, in this order.
    pub remedies: Vec<Remedy>,
    /// What is waited for then.
    pub pause: Pause,
    /// The stall threshold of the attempt.
    pub patience: Duration,
    /// Why, in one clause for people.
    pub reason: Text,
}

impl Stop {
    /// One without a hint.
    pub(crate) fn because(reason: impl Into<Text>) -> Stop {
        Stop { reason: reason.into(), hint: None, told: false }
    }

    /// One with a hint.
    pub(crate) fn with_hint(reason: impl Into<Text>, hint: impl Into<Text>) -> Stop {
        Stop { reason: reason.into(), hint: Some(hint.into()), told: false }
    }
}

/// One attempt of the past, and how it was followed up.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What was seen.
    pub observation: Observation,
    /// What was done about it.
    pub retry: Retry,
}
