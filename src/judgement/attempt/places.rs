//! Where the next attempt asks: which entry stands first, what leaves the list, how long is waited.

use super::{Cure, Observation, Pause, Policy, Remedy, Repair, RepairKind, Retry, State};
use crate::formats::authority;
use crate::formats::goproxy::{Entry, List, Separator};
use crate::judgement::backoff;
use crate::judgement::table::Setting;
use crate::vocabulary::{Failure, Source};
use crate::words::{self, Text, running, verdicts};
use std::time::Duration;

/// Writes the list for go with `first` in front. Resting entries leave it, or, where what stands
/// behind them may not be asked without their answer, stay right before that.
pub(crate) fn arrange(policy: &Policy, state: &State, first: &Entry) -> List {
    let user = state.list();
    let index = |e: &Entry| user.entries.iter().position(|x| x == e);
    let reachable = user.reachable();
    let rests = |e: &Entry| state.resting.contains(e);
    let mut rest: Vec<&Entry> = reachable.iter().filter(|e| *e != first && !rests(e)).collect();
    for entry in reachable.iter().filter(|e| *e != first && rests(e)) {
        let at = index(entry).unwrap_or(0);
        let keeps_back = rest.iter().position(|later| {
            index(later)
                .is_some_and(|i| i > at && **later != Entry::Off && !user.may_cross(policy.rotate, at, i))
        });
        if let Some(position) = keeps_back {
            rest.insert(position, entry);
        }
    }
    let mut list = List { entries: vec![first.clone()], separators: vec![] };
    for entry in rest {
        let before = list.entries.last().expect("starts with one");
        let piped = match (index(before), index(entry)) {
            (Some(a), Some(b)) => user.only_pipes(a, b),
            _ => false,
        };
        list.separators.push(if piped { Separator::Pipe } else { Separator::Comma });
        list.entries.push(entry.clone());
    }
    list
}

/// The entry of the list in force that a failure speaks of: by URL, then by host, then the first.
/// Proxies redirect zips to storage hosts, so an unknown host counts for the first entry.
pub(crate) fn entry_of(state: &State, failure: &Failure) -> Entry {
    let known = || state.list().entries.iter().chain(&state.mirrors);
    if matches!(failure.source, Some(Source::Direct | Source::Vcs)) {
        return Entry::Direct;
    }
    if let Some(url) = &failure.url
        && let Some(entry) = known()
            .filter(|e| e.is_network_proxy() && url.starts_with(&e.shown()))
            .max_by_key(|e| e.shown().len())
    {
        return entry.clone();
    }
    if let Some(host) = &failure.host {
        let name = |h: &str| authority::name(h).to_ascii_lowercase();
        let exact = known().find(|e| e.host().as_deref() == Some(&host.to_ascii_lowercase()));
        let by_name =
            || known().find(|e| e.host().is_some_and(|h| !host.contains(':') && name(&h) == name(host)));
        if let Some(entry) = exact.or_else(by_name) {
            return entry.clone();
        }
    }
    state.first().cloned().unwrap_or(Entry::Direct)
}

/// The failure with the host that it must have been at, where go's words name none and the list leaves no doubt.
pub(super) fn placed(state: &State, failure: &Failure) -> Failure {
    let mut placed = failure.clone();
    if placed.host.is_none() {
        placed.host = match placed.source {
            Some(Source::Proxy) => entry_of(state, failure).host(),
            Some(Source::Sumdb) => database(&state.premises.gosumdb),
            _ => None,
        };
    }
    placed
}

/// The host of a GOSUMDB: of its URL, or its name without the key.
pub(crate) fn database(set: &str) -> Option<String> {
    let mut words = set.split(' ').filter(|word| !word.is_empty());
    let name = words.next()?.split('+').next()?;
    let url = words.next().and_then(|url| List::parse(url).entries.first()?.host());
    Some(url.unwrap_or_else(|| name.to_owned()))
}

/// The line that would allow more than the list does: what stands behind `failing` may not be asked in its
/// place. `None` where nothing is held back, and where a private name would go along.
pub(super) fn held_back(policy: &Policy, state: &State, failing: &Entry) -> Option<Text> {
    let reachable = state.list().reachable();
    let from = reachable.iter().position(|e| e == failing)?;
    let held = reachable
        .iter()
        .enumerate()
        .skip(from + 1)
        .any(|(to, e)| *e != Entry::Off && !state.list().may_cross(policy.rotate, from, to));
    if !held || state.graph_private {
        return None;
    }
    let shown: Vec<String> = reachable.iter().map(Entry::shown).collect();
    Some(verdicts::OPEN_LIST.with(&[("list", &shown.join("|"))]))
}

/// Where the next attempt goes after a transport failure or damaged bytes of `failing`.
struct Place {
    first: Entry,
    wait: bool,
}

/// May the list of the next attempt begin with its entry `to` in place of `from`, which failed?
///
/// Where go's own walk leads there, by the words of the failure alone; over a comma, or back, only where
/// gox met the fault itself. A list is one for all modules, so without the fetcher, which decides for each
/// module, all of them must be such as anybody may hear of.
pub(super) fn may_turn(policy: &Policy, state: &State, from: usize, to: usize) -> bool {
    let list = state.list();
    if from == to {
        return true;
    }
    if !list.may_cross(policy.rotate, from, to) {
        return false;
    }
    if to > from && list.only_pipes(from, to) {
        return true;
    }
    let public = list.entries[from].is_public_proxy() && list.entries[to].is_public_proxy();
    let fetched = state.may_relay(policy) && list.entries[to] != Entry::Direct;
    // A comma before an entry of one's own, or before `direct`, is crossed by proven bytes alone.
    let own_vcs = list.entries[to] == Entry::Direct && !state.premises.govcs.is_empty();
    let proven_bytes = public || fetched || (state.graph_pinned && !own_vcs);
    state.proofs.faulty(&list.entries[from]).is_some() && state.may_tell_others(policy) && proven_bytes
}

fn next_place(policy: &Policy, state: &State, failing: &Entry) -> Place {
    let user = state.list();
    let first = state.first().cloned().unwrap_or(Entry::Direct);
    let stay = || Place { first: first.clone(), wait: true };
    if state.graph_private {
        return stay();
    }
    let resting = |e: &Entry| state.resting.contains(e);
    let reachable = user.reachable();
    let proxies: Vec<&Entry> = reachable.iter().filter(|e| e.is_network_proxy()).collect();
    // A stand-in (a mirror, or `direct` for the proxies) that failed: as if the last listed proxy had.
    let from = user
        .entries
        .iter()
        .position(|e| e == failing)
        .or_else(|| proxies.last().and_then(|p| user.entries.iter().position(|e| e == *p)));
    let Some(from) = from else { return stay() };
    let allowed = |e: &Entry| {
        user.entries.iter().position(|x| x == e).is_some_and(|to| may_turn(policy, state, from, to))
    };
    if *failing == Entry::Direct && first != Entry::Direct {
        // The proxies have answered (not found); only the origin failed.
        return stay();
    }

    // In the user's order, beginning behind the failing entry.
    let turned = proxies.iter().cycle().skip(proxies.iter().position(|e| *e == failing).map_or(0, |i| i + 1));
    let others: Vec<&Entry> =
        turned.take(proxies.len()).copied().filter(|e| *e != failing && !resting(e) && allowed(e)).collect();
    if let Some(next) = others.iter().find(|e| !state.tried.contains(e)) {
        return Place { first: (*next).clone(), wait: false };
    }
    let all_rest = proxies.iter().all(|e| resting(e));
    let mirrors = state.proofs.faulty(failing).filter(|_| state.may_tell_others(policy));
    let extras = state
        .mirrors
        .iter()
        .filter(|_| mirrors.is_some())
        .chain(reachable.iter().filter(|e| **e == Entry::Direct && allowed(e)))
        .find(|e| !state.ever_tried.contains(e) && !resting(e));
    if (state.waits > 0 || all_rest)
        && let Some(extra) = extras
    {
        return Place { first: extra.clone(), wait: false };
    }
    // The list wraps around: waiting begins.
    // Words that name a proxy further back do not put it first.
    let stays = |e: &Entry| *e == *failing && (*e == first || user.only_pipes(0, from));
    let mut candidates =
        proxies.iter().filter(|e| (stays(e) || (***e != *failing && allowed(e))) && !resting(e));
    match candidates.next() {
        Some(next) => Place { first: (*next).clone(), wait: true },
        // All of them rest: the one that rests may be back, there is nobody else.
        None => Place {
            first: proxies
                .first()
                .map_or(first.clone(), |p| if allowed(p) { (*p).clone() } else { first.clone() }),
            wait: true,
        },
    }
}

/// What is done before the first attempt, for what earlier runs and the settings say; the list stays
/// where the relay serves, which passes over what rests by itself.
pub(super) fn opening(policy: &Policy, state: &State) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if policy.offline.is_some() {
        return remedies;
    }
    let list = state.list();
    let reachable = list.reachable();
    let rests = |e: &Entry| policy.resting.contains(e);
    let relay = (policy.bad_lately || policy.relay_always || policy.fills || policy.chooses)
        && state.may_relay(policy);
    let next = reachable
        .iter()
        .enumerate()
        .find(|(to, e)| e.is_network_proxy() && !rests(e) && list.may_cross(policy.rotate, 0, *to));
    let by_pipe = next.is_some_and(|(to, _)| list.only_pipes(0, to));
    if !state.graph_private
        && (by_pipe || state.may_tell_others(policy))
        && reachable.first().is_some_and(rests)
        && let Some((_, next)) = next
    {
        remedies.push(Remedy::Rest(reachable.iter().filter(|e| rests(e)).cloned().collect()));
        if !relay {
            remedies.push(Remedy::Rotate(next.clone()));
        }
    }
    if relay {
        remedies.push(Remedy::Relay);
    }
    remedies
}

/// Joins what the failures ask for into one decision.
// Long because all failures fill the same few values in turn; in pieces these would be passed along.
#[allow(clippy::too_many_lines)]
pub(super) fn compose(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
    cures: Vec<Cure>,
) -> Retry {
    let mut remedies: Vec<Remedy> = Vec::new();
    let mut add = |remedy: Remedy| {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    };
    let mut moving: Option<Entry> = None;
    let mut resting: Vec<Entry> = Vec::new();
    let mut too_many = false;
    let mut again = false;
    let mut missing: Option<Duration> = None;
    for cure in cures {
        match cure {
            Cure::Transport { entry, dead } => {
                let seen = observation.dead.contains(&entry) || state.proofs.faulty(&entry).is_some();
                if dead && seen && entry != Entry::Direct && !resting.contains(&entry) {
                    resting.push(entry.clone());
                }
                moving.get_or_insert(entry);
            }
            Cure::BadBytes { entry } => {
                let seen = state.proofs.faulty(&entry).is_some();
                if seen && entry != Entry::Direct && !resting.contains(&entry) {
                    resting.push(entry.clone());
                }
                moving.get_or_insert(entry);
            }
            Cure::TooMany { entry } => {
                too_many = true;
                moving.get_or_insert(entry);
            }
            Cure::Evict(repairs) => {
                for Repair { kind, what, path, .. } in repairs {
                    add(match kind {
                        RepairKind::Evict => Remedy::Evict { what, path },
                        RepairKind::SetAside => Remedy::SetAside { what, path },
                    });
                }
            }
            Cure::Private(pattern) => add(Remedy::Private(pattern)),
            Cure::NoProxy(pattern) => add(Remedy::NoProxy(pattern)),
            Cure::Sumdb(value) => add(Remedy::Sumdb(value)),
            Cure::Again => again = true,
            Cure::Missing(wait) => missing = missing.max(Some(wait)),
        }
    }

    settings_remedies(policy, state, observation, failures, &mut add);

    // The relay serves from the first network failure on; it then walks the list by itself.
    let network = moving.is_some() || missing.is_some();
    let may_relay = state.may_relay(policy);
    let turn_on_relay = network && may_relay && !state.relay;
    if turn_on_relay {
        add(Remedy::Relay);
    }

    let (mut floor, mut ceiling) = (Duration::ZERO, Duration::ZERO);
    let series = backoff::ceiling(policy.backoff_base, policy.backoff_max, state.waits);
    if let Some(failing) = moving {
        let mut seen = state.clone();
        for entry in observation.dead.iter().chain(&resting) {
            if !seen.resting.contains(entry) {
                seen.resting.push(entry.clone());
            }
        }
        // A lone proxy never rests: there is nobody else to ask.
        let proxies: Vec<&Entry> = state.list().reachable().iter().filter(|e| e.is_network_proxy()).collect();
        let fresh: Vec<Entry> = seen.resting.iter().filter(|e| !state.resting.contains(e)).cloned().collect();
        if !fresh.is_empty() && (proxies.len() > 1 || state.list().has_direct() || !state.mirrors.is_empty())
        {
            add(Remedy::Rest(fresh));
        }
        let place = next_place(policy, &seen, &failing);
        let moved = state.first() != Some(&place.first);
        // With the relay the order is the relay's business, except for `direct`; it begins by
        // passing over what rests.
        let relay_decides = ((state.relay && may_relay) || turn_on_relay) && place.first != Entry::Direct;
        let passed_over = turn_on_relay && seen.resting.contains(&failing);
        if moved && (!relay_decides || passed_over) {
            add(Remedy::Rotate(place.first.clone()));
        } else if relay_decides && state.rotated_to == Some(Entry::Direct) {
            add(Remedy::Rotate(state.list().entries[0].clone()));
        }
        if turn_on_relay {
            // Its first answer may come from anywhere: no reason to wait.
        } else if place.wait {
            ceiling = series;
        }
        if too_many {
            // A server that counts requests wants silence: at least a second, and the delay twice.
            ceiling = (series * 2).max(Duration::from_secs(1)).min(policy.backoff_max * 2);
            floor = ceiling / 2;
        }
        if let Some(after) = observation.retry_after {
            (floor, ceiling) = (after, after.max(ceiling));
        }
    } else if again {
        ceiling = series;
    }
    // The relay asks again by itself.
    if let Some(wait) = missing.filter(|_| !turn_on_relay) {
        (floor, ceiling) = (floor.max(wait), ceiling.max(wait));
    }
    // Nothing waits longer than the run has time to recover.
    let left = policy.budget.saturating_sub(observation.since_first_failure);
    (floor, ceiling) = (floor.min(left), ceiling.min(left));
    let mut after = state.clone();
    if let Some(Remedy::Rotate(_)) = remedies.iter().find(|r| matches!(r, Remedy::Rotate(_))) {
        after.stalls = 0;
    }
    Retry {
        patience: after.patience(policy),
        reason: reason(state, failures),
        remedies,
        pause: Pause::Delay { floor, ceiling },
    }
}

/// Remedies of the child's settings that the kinds of failures call for.
fn settings_remedies(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
    add: &mut impl FnMut(Remedy),
) {
    let calls_for = |setting| failures.iter().any(|f| f.row().setting == Some(setting));
    let http2 = calls_for(Setting::Http1);
    let debug_is_ours = !policy.user_env.iter().any(|name| name == "GODEBUG");
    if debug_is_ours && http2 && state.http2_faults >= 1 && !state.http1 && !state.http1_failed {
        add(Remedy::Http1);
    }
    if state.http1 && !http2 && !observation.progress {
        add(Remedy::Http2Again);
    }
    if failures.iter().any(|f| f.source == Some(Source::Vcs)) && !state.git_patience {
        add(Remedy::GitPatience);
    }
    // Middleboxes that drop a large ClientHello kill handshakes of discovery (go >= 1.24).
    if debug_is_ours
        && state.attempts_without_progress >= 2
        && calls_for(Setting::NoMlkem)
        && !state.no_mlkem
        && state.premises.release.is_some_and(|r| r >= (1, 24))
    {
        add(Remedy::NoMlkem);
    }
}

/// What happened, in one clause: the first failure, and how many more there are.
fn reason(state: &State, failures: &[Failure]) -> Text {
    let what = words::happened(&placed(state, &failures[0]));
    match failures.len() - 1 {
        0 => what,
        others => running::AND_OTHERS.with(&[("what", &what), ("others", &others)]),
    }
}
