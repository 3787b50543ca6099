//! A small model of plain go: which host it tells which module name.
//!
//! Pure, and a specification rather than a program: [`told`] walks through what the go command does in a
//! [`Situation`] (settings, GOPROXY list, module graph, verb, what each host answers) as cmd/go's own
//! sources have it, and notes every (host, name) that leaves the machine. It knows nothing of gox and
//! nothing of the lab. `tests/it/privacy` first holds it against real go releases, and then gox against it.
//!
//! - `situation`: what the model needs to be told;
//! - `go`: the walk over the GOPROXY list, the checksum database, the origin;
//! - `query`: the latest version, and which module provides a package;
//! - `verbs`: which files a verb asks for, in which order;
//! - `permit`: what gox may tell beyond that (the design's section on remedies);
//! - `random`: situations from a seed.
//!
//! Left out, since no name hangs on it: which version is told, how often, and in which order.

mod go;
pub(crate) mod permit;
mod query;
pub(crate) mod random;
pub(crate) mod situation;
mod verbs;

pub(crate) use go::{Answer, Failure, File, StandIn, is_of_known_forge};
use situation::{Host, Situation};
use std::collections::BTreeSet;

/// What plain go tells in a situation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Who hears which module path.
    pub(crate) names: BTreeSet<(Host, String)>,
    /// The same, with those who took no connection and so heard nothing.
    pub(crate) asked: BTreeSet<(Host, String)>,
    /// What failed, as far as nothing else made up for it.
    pub(crate) failures: Vec<Failure>,
    /// go ends at once where bytes contradict go.sum, and what its other threads had asked by then is
    /// chance: a run may then tell less.
    pub(crate) cut_short: bool,
}

/// Whether what failed came in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Healed {
    /// Nobody helps: plain go.
    No,
    /// After each walk that fails the verb goes on as if the file had come, so that every name turns up that
    /// go itself would ask for once its trouble is over. Who is asked about a name is as with plain go.
    Yes,
}

/// What plain go tells whom.
pub(crate) fn told(situation: &Situation, healed: Healed) -> Told {
    verbs::run(situation, healed, None)
}

/// The same where somebody stands in the list; what that one tells is its own account.
pub(crate) fn told_beside(situation: &Situation, stand_in: &mut dyn StandIn) -> Told {
    verbs::run(situation, Healed::No, Some(stand_in))
}

/// Whom a walk for one name asks, all by itself. A query for a package asks for all shorter paths in step, and
/// ends for all of them where one is found.
pub(crate) fn asked_alone(situation: &Situation, name: &str) -> BTreeSet<(Host, String)> {
    verbs::walk_alone(situation, name)
}
