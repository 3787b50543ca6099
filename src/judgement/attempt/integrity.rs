//! Checksum mismatches: chance, damage on the way, or a confirmed mismatch.
//!
//! gox never makes a mismatch pass. It only decides whether another, independent download is worth
//! asking for; go judges what comes, and a confirmed mismatch ends in go's SECURITY ERROR, whole.

use super::cures::Cure;
use super::places::{entry_of, may_turn, placed};
use super::{Observation, Policy, State, Step, Stop};
use crate::formats::goproxy::Entry;
use crate::judgement::table::Class;
use crate::vocabulary::Failure;
use crate::words::{self, Text, verdicts};

/// One earlier mismatch and the entry whose copy it was.
struct Earlier<'a> {
    failure: &'a Failure,
    entry: Option<Entry>,
}

fn earlier<'a>(policy: &Policy, history: &'a [Step]) -> Vec<Earlier<'a>> {
    let mut found = Vec::new();
    for (n, step) in history.iter().enumerate() {
        let state = State::after(policy, &history[..n], &step.observation);
        for failure in &step.observation.failures {
            let repaired = step
                .observation
                .repairs
                .iter()
                .any(|r| step.observation.failures.get(r.failure).is_some_and(|f| f == failure));
            if is_mismatch(failure) && !repaired {
                found.push(Earlier { failure, entry: Some(entry_of(&state, failure)) });
            }
        }
    }
    found
}

fn is_mismatch(failure: &Failure) -> bool {
    failure.row().class == Class::Mismatch
}

/// What go's words say was expected: shown, never used.
fn expected(failure: &Failure) -> String {
    failure.facts.expected.as_ref().map_or_else(|| "?".into(), ToString::to_string)
}

fn same_file(a: &Failure, b: &Failure) -> bool {
    a.module == b.module && a.version == b.version && a.facts.go_mod == b.facts.go_mod
}

/// What the fetcher found out for good about the file of this failure, in the words of a stop.
pub(super) fn settled(state: &State, observation: &Observation, failure: &Failure) -> Option<Stop> {
    let known = observation.settled.iter().find(|settled| settled.failure == *failure)?;
    if is_mismatch(failure) {
        return Some(Stop { told: true, ..confirmed(state, failure, known.tries, false) });
    }
    let reason = verdicts::SENDS_DAMAGED.with(&[
        ("host", &words::who(failure)),
        ("module", &words::module(failure)),
        ("why", &known.why),
        ("bytes", &known.bytes),
        ("tries", &known.tries),
    ]);
    let hint = Some(words::advice_on_what_stays_damaged(failure));
    Some(Stop { told: true, hint, ..Stop::because(reason) })
}

/// The cure for a mismatch whose cause is not a damaged local file.
pub(super) fn mismatch(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    failure: &Failure,
) -> Result<Cure, Stop> {
    let entry = entry_of(state, failure);
    let before = earlier(policy, history);
    let same: Vec<&Earlier<'_>> = before
        .iter()
        .filter(|e| same_file(e.failure, failure) && e.failure.facts.got == failure.facts.got)
        .collect();
    // The same bytes for two different modules: a login page, not an altered module.
    let now = observation.failures.iter().filter(|f| is_mismatch(f));
    let mut all = before.iter().map(|e| e.failure).chain(now);
    let page = failure.facts.got.as_deref().is_some_and(|got| {
        state.proofs.is_page(got)
            || all.any(|f| !same_file(f, failure) && f.facts.got.as_deref() == Some(got))
    });
    let downloads = u32::try_from(same.len() + 1).unwrap_or(u32::MAX);
    if !page {
        let another_host = same.iter().any(|e| e.entry.as_ref() != Some(&entry));
        // Other modules may come through meanwhile: that is no new chance for this one.
        let spent = state.attempts_without_progress.max(downloads) >= policy.attempts;
        if another_host || (spent && !same.is_empty()) {
            return Err(confirmed(state, failure, same.len() + 1, another_host));
        }
    }
    Ok(if has_other(policy, state, &entry) {
        Cure::BadBytes { entry }
    } else {
        Cure::Transport { entry, dead: false }
    })
}

fn has_other(policy: &Policy, state: &State, entry: &Entry) -> bool {
    let from = state.list().entries.iter().position(|e| e == entry);
    !state.graph_private
        && state.list().reachable().iter().enumerate().any(|(to, e)| {
            e != entry
                && e.is_network_proxy()
                && !state.resting.contains(e)
                && from.is_some_and(|f| may_turn(policy, state, f, to))
        })
}

fn confirmed(state: &State, failure: &Failure, downloads: usize, hosts: bool) -> Stop {
    let name = format!(
        "{}@{}{}",
        failure.module.as_deref().unwrap_or("module"),
        failure.version.as_deref().unwrap_or("?"),
        if failure.facts.go_mod { "/go.mod" } else { "" }
    );
    let phrase = if hosts { verdicts::WRONG_HASH_HOSTS } else { verdicts::WRONG_HASH };
    let reason = phrase.with(&[
        ("downloads", &downloads),
        ("module", &name),
        ("who", &words::who(&placed(state, failure))),
        ("got", &failure.facts.got.as_deref().unwrap_or("?")),
        ("expected", &expected(failure)),
    ]);
    Stop::with_hint(reason, words::advice(failure))
}

/// A last word for a run that ends with a mismatch which was never confirmed.
pub(super) fn unresolved(observation: &Observation) -> Option<Text> {
    observation.failures.iter().find(|f| is_mismatch(f)).map(|f| {
        verdicts::STILL_WRONG.with(&[
            ("module", &words::module(f)),
            ("got", &f.facts.got.as_deref().unwrap_or("?")),
            ("expected", &expected(f)),
        ])
    })
}
