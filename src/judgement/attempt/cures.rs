//! What one failure asks for.

use super::places::{entry_of, may_turn, placed};
use super::{AttemptEnd, Observation, Policy, Proven, Repair, State, Step, Stop, integrity, private};
use crate::formats::goproxy::{Entry, Separator};
use crate::judgement::table::{self, Class, Row, Trouble};
use crate::vocabulary::{Action, Detail, Failure, Source, UserAction};
use crate::words::{self, Text, verdicts};
use std::collections::BTreeSet;
use std::time::Duration;

/// One failure's demand on the next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// The fault of one place: ask the next, or the same later.
    Transport {
        /// The place.
        entry: Entry,
        /// It cannot be talked to at all just now.
        dead: bool,
    },
    /// The place sent wrong bytes: it rests.
    BadBytes {
        /// The place.
        entry: Entry,
    },
    /// The place counts requests.
    TooMany {
        /// The place.
        entry: Entry,
    },
    /// Local damage.
    Evict(Vec<Repair>),
    /// GOPRIVATE for a pattern.
    Private(Proven),
    /// GONOPROXY for a pattern.
    NoProxy(Proven),
    /// Another address of the same checksum database.
    Sumdb(Proven),
    /// The same once more.
    Again,
    /// What was there once is asked for again after this time.
    Missing(Duration),
}

/// The one other address of sum.golang.org that go itself knows (same key).
const SUMDB_MIRROR: &str = "sum.golang.google.cn";

fn stop(reason: impl Into<Text>) -> Result<Cure, Stop> {
    Err(Stop::because(reason))
}

/// Texts that name no cause, and a 403 of a host that is not known to serve anything, need one
/// diagnostic attempt before they are judged.
pub(super) fn wants_diagnosis(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
) -> bool {
    if policy.offline.is_some()
        || state.premises.vendored
        || observation.relayed
        || state.attempts_without_progress >= policy.attempts
        || policy.verifying && failures.iter().any(|f| found_by_verify(f).is_some())
    {
        return false;
    }
    failures.iter().enumerate().any(|(i, f)| {
        let repaired = observation.repairs.iter().any(|r| r.failure == i);
        let unknown = f.row().class == Class::Refusal
            && f.source == Some(Source::Proxy)
            && !serves(state, &entry_of(state, f))
            && state.list().reachable().len() > 1;
        f.rule.is_none() && !repaired && (is_hidden(state, f) || unknown)
    })
}

/// Words that name no cause, and an origin's word that stands where a pipe may have hidden another
/// failure: the error of `direct` is the one that go prints.
fn is_hidden(state: &State, failure: &Failure) -> bool {
    let list = state.list();
    let direct = list.entries.iter().position(|e| *e == Entry::Direct).unwrap_or(0);
    let piped = list.separators.iter().take(direct).any(|s| *s == Separator::Pipe);
    failure.hides()
        && match failure.row().action() {
            Action::Retry | Action::Repair | Action::Reroute => true,
            Action::Stop => failure.detail == Detail::NoMetaTags && piped,
            Action::Private => false,
        }
}

/// The row of what `go mod verify` found to be changed. It may be evidence.
fn found_by_verify(failure: &Failure) -> Option<Row> {
    let row = table::row(failure.cause, failure.source, Detail::Verify);
    (row != failure.row() || failure.detail == Detail::Verify).then_some(row)
}

/// What a diagnostic attempt that succeeded shows to be well again: words that named no cause, and
/// whatever a proxy or an origin had refused. A compile error or the checksum database's word stays.
pub(super) fn is_of_the_network(failure: &Failure) -> bool {
    let elsewhere =
        matches!(failure.source, Some(Source::Proxy | Source::Direct | Source::Vcs | Source::Toolchain));
    failure.rule.is_none() && (failure.detail == Detail::Hidden || elsewhere)
}

/// What `direct` alone has to answer for.
pub(super) fn is_of_the_origin(failure: &Failure) -> bool {
    matches!(failure.source, Some(Source::Direct | Source::Vcs | Source::Toolchain))
        && failure.row().class != Class::Mismatch
}

fn serves(state: &State, entry: &Entry) -> bool {
    state.serving.contains(entry)
}

/// The cure for one failure.
pub(super) fn cure(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    index: usize,
    failure: &Failure,
) -> Result<Cure, Stop> {
    match failure.rule {
        Some(UserAction::Stop) => return stop(verdicts::YOUR_RULE),
        Some(UserAction::Retry) => return Ok(Cure::Again),
        None => {}
    }
    if policy.verifying
        && let Some(row) = found_by_verify(failure)
    {
        return row_stop(state, &row, failure);
    }
    if let Some(stop) = integrity::settled(state, observation, failure) {
        let entry = entry_of(state, failure);
        return if direct_is_left(policy, state, &entry, failure) {
            Ok(Cure::Transport { entry, dead: false })
        } else {
            Err(stop)
        };
    }
    let repairs: Vec<Repair> = observation.repairs.iter().filter(|r| r.failure == index).cloned().collect();
    if !repairs.is_empty() {
        return evict(state, repairs);
    }
    let entry = entry_of(state, failure);
    let row = failure.row();
    match row.class {
        Class::Again => Ok(Cure::Transport { entry, dead: observation.end == AttemptEnd::NoConnection }),
        Class::Way => Ok(Cure::Transport { entry, dead: false }),
        Class::Elsewhere => Ok(Cure::Transport { entry, dead: true }),
        Class::Certificate => certificate(policy, state, observation, entry, &row, failure),
        Class::Slower => Ok(Cure::TooMany { entry }),
        Class::Origin => Ok(Cure::Transport { entry: Entry::Direct, dead: false }),
        Class::Database => database(state, &row, failure),
        Class::Mismatch => integrity::mismatch(policy, history, state, observation, failure),
        Class::Damage => unlocated_damage(policy, history, state, failure, entry),
        Class::Refusal => refusal(policy, history, state, observation, failure, entry),
        Class::Absence => private::verdict(policy, state, failure)
            .or_else(|stop| absence(policy, history, state, observation, failure, stop)),
        Class::Login => private::verdict(policy, state, failure),
        Class::Repeats => repeats(state, failure, &entry),
        Class::Toolchain => toolchain(state, observation, &row, failure, entry),
        Class::Stop => row_stop(state, &row, failure),
    }
}

/// A version that go.sum pins was there once: Athens and goproxy say so as well while their own upstream
/// fails. It is asked for again, by the fetcher where that can serve, before its absence counts.
fn absence(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    failure: &Failure,
    stop: Stop,
) -> Result<Cure, Stop> {
    let pinned = failure.version.is_some() && private::knows_hash(state, failure);
    let last = state.list().reachable().iter().rfind(|e| **e != Entry::Off).cloned();
    if !pinned
        || failure.source != Some(Source::Proxy)
        || policy.offline.is_some()
        || !last.is_some_and(|last| last.is_network_proxy())
    {
        return Err(stop);
    }
    let same = |f: &Failure| f.row().class == Class::Absence && f.named() == failure.named();
    let before = history.iter().filter(|step| step.observation.failures.iter().any(same)).count();
    match ABSENT.get(before) {
        Some(wait) if !observation.relayed => Ok(Cure::Missing(*wait)),
        Some(_) | None => {
            let reason = verdicts::PINNED.with(&[("what", &stop.reason)]);
            Err(Stop { told: true, ..Stop::with_hint(reason, words::advice_on_what_was_there(failure)) })
        }
    }
}

/// Whether the origin may be asked for what is damaged at the proxies, and has not been. A mismatch that is
/// confirmed is nobody's to cure.
fn direct_is_left(policy: &Policy, state: &State, entry: &Entry, failure: &Failure) -> bool {
    let place = |wanted: &Entry| state.list().entries.iter().position(|e| e == wanted);
    let reachable = state.list().reachable().contains(&Entry::Direct);
    failure.row().class != Class::Mismatch
        && reachable
        && !state.graph_private
        && !state.ever_tried.contains(&Entry::Direct)
        && matches!((place(entry), place(&Entry::Direct)), (Some(from), Some(to)) if may_turn(policy, state, from, to))
}

/// What happened, at whom.
pub(super) fn told(state: &State, failure: &Failure) -> Text {
    words::happened(&placed(state, failure))
}

/// The stop that a row gives in its own words.
fn row_stop(state: &State, row: &Row, failure: &Failure) -> Result<Cure, Stop> {
    let what = told(state, failure);
    let reason = match row.reason {
        Some(phrase) => phrase.with(&[("what", &what)]),
        None if row.speaks => what,
        None => verdicts::HELPLESS.with(&[("what", &what)]),
    };
    Err(Stop { hint: private::hint(state, row, failure), ..Stop::because(reason) })
}

/// The same file found damaged a third time is being damaged by something else.
fn evict(state: &State, repairs: Vec<Repair>) -> Result<Cure, Stop> {
    if let Some(r) = repairs.iter().find(|r| state.evicted.iter().filter(|p| **p == r.path).count() >= 2) {
        return stop(verdicts::DAMAGED_AGAIN.with(&[("path", &r.path.display())]));
    }
    Ok(Cure::Evict(repairs))
}

/// A rejected certificate is rejected again, and who redirects in circles does it again. Where nobody else may be
/// asked it is still tried once more, for a middlebox in between, as the fetcher does.
fn certificate(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    entry: Entry,
    row: &Row,
    failure: &Failure,
) -> Result<Cure, Stop> {
    // The fetcher has gone astray there before go did.
    let twice = failure.detail == Detail::Astray && observation.relayed;
    let others = state.list().reachable().iter().filter(|e| **e != entry && !state.resting.contains(e));
    let from = state.list().entries.iter().position(|e| *e == entry);
    let somewhere = others.into_iter().any(|e| {
        let to = state.list().entries.iter().position(|x| x == e);
        matches!((from, to), (Some(f), Some(t)) if may_turn(policy, state, f, t))
    }) || (!state.mirrors.is_empty() && state.proofs.faulty(&entry).is_some());
    if somewhere && !state.graph_private {
        Ok(Cure::Transport { entry, dead: true })
    } else if state.attempts_without_progress < 2 && !twice {
        Ok(Cure::Transport { entry, dead: false })
    } else {
        row_stop(state, row, failure)
    }
}

/// Answers of the checksum database that are none, or do not fit its signed tree, before that is its word.
const UNFIT: u32 = 3;

/// The checksum database did not answer, or with something that is none.
fn database(state: &State, row: &Row, failure: &Failure) -> Result<Cure, Stop> {
    // A row with a reason is one for which there is only the other address.
    let untrusted = row.reason.is_some();
    if untrusted && state.premises.gosumdb != "sum.golang.org" {
        return row_stop(state, row, failure);
    }
    // It has answered: nobody is away who might come back, or whom another stands in for.
    if !untrusted && (failure.detail == Detail::Unfit || row.class == Class::Damage) {
        return if state.attempts_without_progress >= UNFIT {
            Err(Stop::with_hint(told(state, failure), words::advice(failure)))
        } else {
            Ok(Cure::Again)
        };
    }
    // The first failure of a database that can be reached at all may be chance.
    let hopeless = untrusted || row.is_dead_host() || row.trouble == Trouble::Silent;
    let known = state.premises.gosumdb == "sum.golang.org" && state.sumdb.is_none();
    let through_proxy = failure.url.as_deref().is_some_and(|u| u.contains("/sumdb/"));
    // The other address is told every name that go asks about: none while the graph may hold a private one.
    if known
        && !through_proxy
        && !state.graph_private
        && (hopeless || state.attempts_without_progress >= 2)
        && let Some(away) = state.proofs.database_away()
    {
        return Ok(Cure::Sumdb(away.allows(SUMDB_MIRROR)));
    }
    if untrusted {
        return row_stop(state, row, failure);
    }
    if through_proxy {
        return Ok(Cure::Transport { entry: entry_of(state, failure), dead: false });
    }
    Ok(Cure::Again)
}

/// How long after an answer that it is not there what go.sum pins is asked for again.
const ABSENT: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)];

/// Pinned modules that a public proxy must have refused, and served none, before another public one is
/// asked instead: one alone is a verdict on that module.
const REFUSED: usize = 2;

/// 403 is a verdict on one module; on everything from here where a proxy of gox's table refused several
/// that go.sum pins and served none. A proxy of the user's own is obeyed, and no hint opens it.
fn refusal(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    let refused: BTreeSet<&str> = history
        .iter()
        .map(|step| &step.observation)
        .chain([observation])
        .flat_map(|o| o.failures.iter().chain(&o.refusals))
        .filter(|f| f.row().class == Class::Refusal && f.source == Some(Source::Proxy))
        .filter(|f| entry_of(state, f) == entry && private::knows_hash(state, f))
        .filter_map(|f| f.module.as_deref())
        .filter(|module| state.proofs.refused_by(&entry, module))
        .collect();
    let from = state.list().entries.iter().position(|e| *e == entry);
    let elsewhere = state.list().reachable().iter().enumerate().any(|(to, e)| {
        *e != entry
            && e.is_public_proxy()
            && !state.resting.contains(e)
            && from.is_some_and(|from| state.list().may_cross(policy.rotate, from, to))
    });
    let everything = refused.len() >= REFUSED && entry.is_public_proxy() && !serves(state, &entry);
    if everything && elsewhere && !state.graph_private {
        return Ok(Cure::Transport { entry, dead: true });
    }
    // One alone may be a verdict on that module: the fetcher, which asks whom go asks, sees what becomes of
    // the others.
    let first = refused.len() == 1 && entry.is_public_proxy() && !serves(state, &entry);
    if first && elsewhere && !state.graph_private && !state.relay && state.may_relay(policy) {
        return Ok(Cure::Transport { entry, dead: false });
    }
    private::verdict(policy, state, failure)
}

/// A status without a meaning of its own, from a host that serves others: chance, if it passes the
/// second time.
fn repeats(state: &State, failure: &Failure, entry: &Entry) -> Result<Cure, Stop> {
    if serves(state, entry) && state.attempts_without_progress < 2 {
        return Ok(Cure::Again);
    }
    Err(Stop::with_hint(told(state, failure), words::advice(failure)))
}

/// Damage in words (`zip: not a valid zip file`, a vanished cache file) that no look at the cache
/// confirmed: it came over the network, or it healed; either way once more is safe.
fn unlocated_damage(
    policy: &Policy,
    history: &[Step],
    state: &State,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    if failure.source == Some(Source::Sumdb) {
        return database(state, &failure.row(), failure);
    }
    let before = history
        .iter()
        .filter(|s| {
            s.observation.failures.iter().any(|f| f.cause == failure.cause && f.evidence == failure.evidence)
        })
        .count();
    if failure.facts.path.is_some() || failure.source == Some(Source::Local) {
        return if before == 0 {
            Ok(Cure::Again)
        } else {
            stop(verdicts::SAME_DAMAGE.with(&[("what", &told(state, failure))]))
        };
    }
    if state.list().reachable().iter().any(Entry::is_network_proxy)
        && state.attempts_without_progress <= policy.attempts
    {
        return Ok(Cure::Transport { entry, dead: false });
    }
    stop(verdicts::UNLOCATED.with(&[("what", &told(state, failure))]))
}

/// `toolchain not available` hides 404 as well as every network fault under `direct`.
fn toolchain(
    state: &State,
    observation: &Observation,
    row: &Row,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    let proxy_down = !observation.dead.is_empty() || observation.no_network.is_some();
    if !state.list().is_off() && proxy_down {
        return Ok(Cure::Transport { entry, dead: true });
    }
    row_stop(state, row, failure)
}
