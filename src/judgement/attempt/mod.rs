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
pub mod overlay;
mod places;
mod private;
pub mod state;
#[cfg(test)]
mod tests;
mod types;

pub use places::{arrange, begin, entry_of};
pub use state::State;
pub use state::first_patience;
pub use types::*;

use crate::formats::goproxy::Entry;
use crate::vocabulary::Cause;
use cures::Cure;
use std::time::Duration;

/// Attempts without progress that end a run are counted from here: the budget of the settings
/// starts with the first failure, so a long and healthy download costs none of it.
fn exhausted(policy: &Policy, state: &State, observation: &Observation) -> Option<String> {
    if state.attempts_without_progress >= policy.attempts {
        let n = state.attempts_without_progress;
        return Some(format!("gave up after {n} attempt{} without progress", if n == 1 { "" } else { "s" }));
    }
    if observation.since_first_failure >= policy.budget {
        return Some(format!("gave up: the recovery budget of {} s is used up", policy.budget.as_secs()));
    }
    None
}

/// Decides what follows `observation`, given the settings and what this run did before.
///
/// A retry is decided only where every failure has a remedy left; one without ends the run at once.
pub fn decide(policy: &Policy, history: &[Step], observation: &Observation) -> Decision {
    match observation.ended {
        Ended::Code(0) => return Decision::done(),
        Ended::Interrupted => return Decision::stop("interrupted"),
        Ended::Signal(n) => return Decision::stop(format!("go was ended by signal {n}")),
        Ended::Code(_) | Ended::Stalled | Ended::NoConnection => {}
    }
    let state = State::after(policy, history, observation);
    let failures = observation.all_failures(&state);
    if failures.is_empty() {
        return Decision::stop("go failed for a cause that gox does not know");
    }
    if !observation.diagnosed && cures::wants_diagnosis(policy, &state, observation, &failures) {
        return Decision { verdict: Verdict::Diagnose, ..Decision::stop("the words name no cause") };
    }
    // While `direct` stands in for failing proxies, its own failure is no verdict on anything.
    let stand_in =
        state.first() == Some(&Entry::Direct) && policy.list.entries.first() != Some(&Entry::Direct);
    let mut cures = Vec::new();
    for (index, failure) in failures.iter().enumerate() {
        if observation.healed && cures::is_of_the_network(failure) {
            cures.push(Cure::Again);
            continue;
        }
        let cure = cures::cure(policy, history, &state, observation, index, failure);
        match cure {
            Cure::Stop { .. } if stand_in && cures::is_of_the_origin(failure) => {
                cures.push(Cure::Transport { entry: Entry::Direct, dead: false })
            }
            Cure::Stop { reason, hint } => return Decision { hint, ..Decision::stop(reason) },
            cure => cures.push(cure),
        }
    }
    if let Some(reason) = exhausted(policy, &state, observation) {
        let transport = failures.iter().find(|f| f.cause.is_transport() || f.cause == Cause::Stalled);
        let hint = integrity::unresolved(history, observation)
            .or_else(|| places::held_back(policy, &places::entry_of(policy, &state, transport?)));
        return Decision { hint, ..Decision::stop(reason) };
    }
    if observation.no_network.is_some()
        && failures.iter().all(|f| matches!(f.cause, Cause::Dns | Cause::Unreachable))
    {
        return Decision {
            verdict: Verdict::Retry,
            remedies: vec![],
            wait: Wait::default(),
            await_network: Some(Duration::from_secs(30)),
            patience: state.patience(policy),
            reason: format!("no network here ({})", observation.no_network.as_deref().unwrap_or("")),
            hint: None,
        };
    }
    places::compose(policy, &state, observation, &failures, cures)
}
