//! The decision: what is done after an attempt of go.
//!
//! One pure function, [`decide`]: no clock, no file, no randomness. The history of the run is the
//! only state; which proxy stands first, what was evicted and how long was waited are folds over
//! it ([`State`]). The caller acts: it applies the remedies, waits (its jitter only shortens), and
//! runs go again.
//!
//! - `places`: which entry of the list is asked next, and how the list is written for go.
//! - `cures`: what one failure asks for; `integrity` and `private` hold the longer answers.
//! - [`state`]: the folds.
//! - [`overlay`]: the environment of the next attempt.

mod cures;
mod integrity;
pub(crate) mod overlay;
mod places;
mod premises;
mod private;
pub(crate) mod proof;
#[cfg(test)]
mod properties;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod types;
mod whole;

pub(crate) use places::{arrange, database, entry_of};
pub(crate) use premises::{Policy, Premises};
pub(crate) use proof::{Proofs, Proven};
pub(crate) use state::{State, first_patience, opening};
pub(crate) use types::*;

use crate::formats::goproxy::Entry;
use crate::judgement::table::{self, Trouble};
use crate::vocabulary::{Cause, Detail, Failure, Source};
use crate::words::{self, Text, verdicts};
use cures::Cure;
use std::collections::BTreeSet;
use std::time::Duration;

/// Attempts without progress that end a run are counted from here: the budget of the settings
/// starts with the first failure, so a long and healthy download costs none of it.
fn exhausted(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
) -> Option<Text> {
    let waits = policy.patient && failures.iter().all(|f| is_waited_out(policy, state, observation, f));
    let bound = bound(policy, state, observation, failures);
    let spent = state.attempts_without_progress >= bound && !waits;
    let late = observation.since_first_failure >= policy.budget;
    let spent = spent || is_nonsense_for_good(policy, state, observation, failures);
    (spent || late).then(|| gave_up(state, observation, failures, (late && !spent).then_some(policy.budget)))
}

/// Answers that are wrong and came at once are asked for again for so long.
const NONSENSE: Duration = Duration::from_secs(6);

/// Whether all that came for longer than that, and in two attempts, was no file of a module proxy's: a page, a
/// damaged file. Nobody is away who would come back.
fn is_nonsense_for_good(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
) -> bool {
    let nonsense = |f: &Failure| {
        let damaged = f.row().class == table::Class::Damage;
        (damaged || table::is_certain_to_stay(f.cause)) && f.source == Some(Source::Proxy)
    };
    policy.patient
        && state.attempts_without_progress >= 2
        && observation.since_first_failure >= NONSENSE
        && failures.iter().all(|f| nonsense(f) && !is_waited_out(policy, state, observation, f))
}

/// What happened, to how many modules, and how long it was tried.
fn gave_up(state: &State, observation: &Observation, failures: &[Failure], budget: Option<Duration>) -> Text {
    let first = places::placed(state, &failures[table::dominant(failures).unwrap_or(0)]);
    let modules: BTreeSet<&str> = failures.iter().filter_map(|f| f.module.as_deref()).collect();
    let what = words::happened(&first);
    let what = match modules.len() {
        0 | 1 => what,
        many => verdicts::OF_MODULES.with(&[("what", &what), ("modules", &many)]),
    };
    let seconds = observation.since_first_failure.max(observation.elapsed).as_secs_f64();
    let tries = state.attempts_without_progress;
    let phrase = match budget {
        Some(_) => verdicts::GAVE_UP_BUDGET,
        None if tries == 1 => verdicts::GAVE_UP_ONCE,
        None => verdicts::GAVE_UP,
    };
    phrase.with(&[
        ("what", &what),
        ("tries", &tries),
        ("seconds", &format!("{seconds:.1}")),
        ("budget", &budget.unwrap_or_default().as_secs()),
    ])
}

/// Attempts of a command that chooses versions, where all that failed is at hosts that served nothing: the
/// relay has asked several times in each, and go alone would have failed at once.
const LOOK_UPS: u32 = 2;

/// The same where no relay asks, for names that do not resolve.
const UNRESOLVED: u32 = 3;

/// Attempts without progress that end this run. Whoever mistyped a name, a port or a version is waiting to
/// hear so, and waiting cures none of it.
fn bound(policy: &Policy, state: &State, observation: &Observation, failures: &[Failure]) -> u32 {
    let serves = |f: &Failure| {
        let entry = entry_of(state, f);
        observation.serving.contains(&entry) || state.serving.contains(&entry)
    };
    let of_proxies = || failures.iter().all(|f| f.source == Some(Source::Proxy));
    // Trouble that one serving others has with one module is most likely that it knows it not.
    let of_modules = || failures.iter().all(|f| f.facts.status.is_some_and(|status| status >= 500));
    let settled =
        !policy.patient || observation.progress || failures.iter().all(|f| exists(policy, state, f));
    if settled || failures.iter().any(serves) && !of_modules() {
        policy.attempts
    } else if state.relay && of_proxies() {
        policy.attempts.min(LOOK_UPS)
    } else if failures.iter().all(|f| f.cause == Cause::Dns) {
        policy.attempts.min(UNRESOLVED)
    } else {
        policy.attempts
    }
}

/// Whether the version that failed was not chosen by this command, which may have got it wrong.
fn exists(policy: &Policy, state: &State, failure: &Failure) -> bool {
    policy.versions_fixed || private::knows_hash(state, failure) || private::is_required(state, failure)
}

/// Whether waiting can cure a failure: the own trouble of a host that answers nobody just now. What is said of one
/// module by a host that serves others is that module's; versions that are being chosen may not exist at all, and
/// whoever mistyped a name wants to hear so.
fn is_waited_out(policy: &Policy, state: &State, observation: &Observation, failure: &Failure) -> bool {
    // There is a network here, and so it is the host that is away.
    let away = observation.no_network.is_none() && failure.row().trouble == Trouble::Network;
    let detail = if away && failure.detail == Detail::Plain { Detail::Away } else { failure.detail };
    if !table::is_waited_out(failure.cause, failure.source, detail) {
        return false;
    }
    let serves = || observation.serving.contains(&entry_of(state, failure));
    let exists = || exists(policy, state, failure);
    match failure.source {
        Some(Source::Proxy | Source::Toolchain) => !observation.progress && exists() && !serves(),
        Some(Source::Direct | Source::Vcs) => !observation.progress && exists(),
        // go has the module already, and wants its record. A status may be the database's word on it.
        Some(Source::Sumdb) => failure.facts.status.is_none(),
        Some(Source::Cache | Source::Local) | None => false,
    }
}

/// Whether another attempt is worth as much waiting as the budget allows: nothing but hosts that answer nobody
/// stands in its way.
pub(crate) fn is_worth_waiting(policy: &Policy, history: &[Step], observation: &Observation) -> bool {
    let state = State::after(policy, history, observation);
    let failures = observation.all_failures(&state);
    policy.patient && failures.iter().all(|f| is_waited_out(policy, &state, observation, f))
}

/// How long is waited for a network where there is none, ...
const NETWORK_PATIENCE: Duration = Duration::from_secs(30);

/// ... and by a command that chooses versions: somebody has typed it and looks on.
const NETWORK_GLANCE: Duration = Duration::from_secs(8);

/// Decides what follows `observation`, given the settings and what this run did before.
///
/// A retry is decided only where every failure has a remedy left; one without ends the run at once.
pub(crate) fn decide(policy: &Policy, history: &[Step], observation: &Observation) -> Decision {
    match observation.end {
        AttemptEnd::Code(0) if !observation.incomplete => return Decision::Done,
        AttemptEnd::Interrupted => return Decision::Stop(Stop::because(verdicts::INTERRUPTED)),
        AttemptEnd::Signal(n) => {
            return Decision::Stop(Stop::because(verdicts::ENDED_BY_SIGNAL.with(&[("signal", &n)])));
        }
        AttemptEnd::Code(_) | AttemptEnd::Stalled | AttemptEnd::NoConnection => {}
    }
    let state = State::after(policy, history, observation);
    let failures = observation.all_failures(&state);
    if failures.is_empty() {
        return Decision::Stop(Stop::because(verdicts::UNKNOWN));
    }
    if !state.diagnosed && cures::wants_diagnosis(policy, &state, observation, &failures) {
        return Decision::Diagnose;
    }
    match cure_all(policy, history, &state, observation, &failures) {
        Ok(retry) => Decision::Retry(retry),
        // go's status does not tell.
        Err(stop) => Decision::Stop(Stop { told: stop.told || observation.incomplete, ..stop }),
    }
}

/// The next attempt where every failure has a cure left, and the run's bounds allow one.
fn cure_all(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    failures: &[Failure],
) -> Result<Retry, Stop> {
    // While `direct` stands in for failing proxies, its own failure is no verdict on anything.
    let stand_in =
        state.first() == Some(&Entry::Direct) && state.list().entries.first() != Some(&Entry::Direct);
    let mut cures = Vec::new();
    for (index, failure) in failures.iter().enumerate() {
        if observation.healed && cures::is_of_the_network(failure) {
            cures.push(Cure::Again);
            continue;
        }
        cures.push(match cures::cure(policy, history, state, observation, index, failure) {
            Err(_) if stand_in && cures::is_of_the_origin(failure) => {
                Cure::Transport { entry: Entry::Direct, dead: false }
            }
            cure => cure?,
        });
    }
    if let Some(reason) = exhausted(policy, state, observation, failures) {
        let transport = failures.iter().find(|f| f.row().is_transport());
        let held_back = |f| places::held_back(policy, state, &places::entry_of(state, f));
        let hint = integrity::unresolved(observation).or_else(|| held_back(transport?)).or_else(|| {
            let f = places::placed(state, &failures[table::dominant(failures)?]);
            private::hint(state, &f.row(), &f)
        });
        return Err(Stop { hint, ..Stop::because(reason) });
    }
    let left = policy.budget.saturating_sub(observation.since_first_failure);
    if let Some(why) = &observation.no_network
        && failures.iter().all(|f| f.row().trouble == Trouble::Network)
    {
        let looks_on = !policy.versions_fixed && !policy.on_ci;
        let patience = if looks_on { NETWORK_GLANCE } else { NETWORK_PATIENCE };
        return Ok(Retry {
            remedies: vec![],
            pause: Pause::Network(patience.min(left)),
            patience: state.patience(policy),
            reason: verdicts::NO_NETWORK.with(&[("why", why)]),
        });
    }
    Ok(places::compose(policy, state, observation, failures, cures))
}
