//! What to do next for one request, given everything that happened to it.
//!
//! Pure: no clock, no chance. Waits are given as a ceiling; the caller draws the jitter. Which
//! upstream may be asked after which is decided once, by [`Crossings`], from the user's list.

use super::crossings::Crossings;
use crate::formats::goproxy::{Entry, Separator};
use crate::vocabulary::Cause;
use std::time::Duration;

/// First ceiling of the backoff towards an upstream that otherwise serves: a single lost answer
/// says nothing about load, so the next try need not wait as long as after an outage.
pub const HEALTHY_BACKOFF: Duration = Duration::from_millis(20);

/// Retries that are always allowed, before the share of the requests counts.
pub const FREE_RETRIES: u64 = 50;

/// Longest chain of resumed pieces of one body.
pub const MAX_PIECES: usize = 64;

/// True while one more retry keeps them at half of the `requests` so far, plus a floor: an outage
/// is not made worse by those who suffer from it.
pub fn is_retry_affordable(retries: u64, requests: u64) -> bool {
    retries < FREE_RETRIES + requests / 2
}

/// What does not change while a request is worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its answer never changes: any upstream's copy will do, and hedging is allowed.
    pub pinned: bool,
    /// The module is likely private: go's own order, nothing else.
    pub private: bool,
    /// The one upstream that may answer (list, latest, branch once answered; the database).
    pub only: Option<usize>,
    /// Tries at one upstream that fails by itself, before the request is given up.
    pub attempts: u32,
    /// First ceiling of the backoff.
    pub backoff_base: Duration,
    /// Highest ceiling of the backoff.
    pub backoff_max: Duration,
}

/// How one try ended, where it did not simply succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 404 or 410.
    NotFound,
    /// Any other refusal that is the upstream's word on this request: 401, 403, 407, 4xx.
    Denied(u16),
    /// Nothing, or nothing whole, arrived.
    Fault {
        /// What happened.
        cause: Cause,
        /// A piece arrived that the same upstream can continue, more than the try before had.
        gained: bool,
    },
    /// The upstream asked for a pause.
    Limited {
        /// How long from then on; `None` where it did not say.
        pause: Option<Duration>,
    },
    /// A whole answer that cannot be right.
    Wrong {
        /// Digest of its bytes, to tell damage (differs) from a fact (stays).
        digest: [u8; 32],
        /// Its hash is known and differs, or it is no protocol data at all: every try is spent on
        /// it. Else (a fork's `module` line) a second equal copy settles it.
        hard: bool,
    },
}

/// One try of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Whom it asked.
    pub upstream: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// What is known of an upstream at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Its breaker is open.
    pub open: bool,
    /// It has given a meant answer in this run.
    pub served: bool,
    /// Most of its last answers were good.
    pub healthy: bool,
    /// What is left of a pause it asked for.
    pub rests: Duration,
}

/// What the run allows at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// One more retry is within the share.
    pub retry: bool,
    /// What is left of the recovery budget.
    pub time: Duration,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask this upstream after this wait.
    Ask(usize, Wait),
    /// Answer 404: nobody has it, or go's own rule leads on to `direct`.
    NotFound,
    /// Pass on what the try with this index was told.
    PassOn(usize),
    /// Give go the bytes of the try with this index, and let it judge.
    Deliver(usize),
    /// Answer 502.
    GiveUp,
}

/// How long to wait before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    None,
    /// A random time up to this.
    Backoff(Duration),
    /// Exactly as long as the upstream asked.
    Rest(Duration),
}

/// Decides.
pub fn next(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    allowance: Allowance,
) -> Step {
    let Some(last) = tries.last() else { return first(asked, crossings, conditions, allowance) };
    match &last.outcome {
        Outcome::NotFound => after_not_found(asked, crossings, tries, conditions, allowance),
        Outcome::Denied(status) => {
            match after_denied(asked, crossings, tries, conditions, last.upstream, *status) {
                Some(to) => Step::Ask(to, Wait::None),
                None => Step::PassOn(tries.len() - 1),
            }
        }
        _ => after_fault(asked, crossings, tries, conditions, allowance),
    }
}

/// The first upstream of the list, unless it is out of order and another may be asked instead.
fn first(asked: &Asked, crossings: &Crossings, conditions: &[Condition], allowance: Allowance) -> Step {
    if crossings.is_empty() {
        return Step::GiveUp;
    }
    let start = asked.only.unwrap_or(0);
    let fit = |i: &usize| !conditions[*i].open && conditions[*i].rests.is_zero();
    if asked.only.is_none() && !fit(&start) {
        let others = (start + 1..crossings.len()).filter(|j| crossings.may(asked, start, *j));
        if let Some(other) = others.into_iter().find(fit) {
            return Step::Ask(other, Wait::None);
        }
    }
    after_rest(asked, crossings, &[], start, conditions[start], allowance)
}

/// Asks once the pause that the upstream wanted is over, unless that is too far away.
fn after_rest(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    to: usize,
    condition: Condition,
    allowance: Allowance,
) -> Step {
    if condition.rests.is_zero() {
        Step::Ask(to, Wait::None)
    } else if condition.rests <= allowance.time {
        Step::Ask(to, Wait::Rest(condition.rests))
    } else {
        give_up(asked, crossings, tries)
    }
}

fn has_spoken(tries: &[Try], upstream: usize) -> bool {
    tries
        .iter()
        .any(|t| t.upstream == upstream && matches!(t.outcome, Outcome::NotFound | Outcome::Denied(_)))
}

/// 404 and 410 lead to the next entry over any separator, as in go; then to those that were
/// passed over, or failed, because they stand before it in the user's list.
fn after_not_found(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    allowance: Allowance,
) -> Step {
    if asked.only.is_some() {
        return Step::NotFound;
    }
    let last = tries[tries.len() - 1].upstream;
    let untried = |j: &usize| !tries.iter().any(|t| t.upstream == *j);
    if let Some(next) = (last + 1..crossings.listed).find(untried) {
        return after_rest(asked, crossings, tries, next, conditions[next], allowance);
    }
    // One that is down, and whose failure may lead to `direct` anyhow, need not be waited for.
    let matters = |j: &usize| !(conditions[*j].open && crossings.leads_on(asked, *j));
    if let Some(passed) = (0..crossings.listed).find(|j| untried(j) && matters(j)) {
        return after_rest(asked, crossings, tries, passed, conditions[passed], allowance);
    }
    let failed = (0..crossings.listed).any(|j| !untried(&j) && !has_spoken(tries, j) && matters(&j));
    if failed { after_fault(asked, crossings, tries, conditions, allowance) } else { Step::NotFound }
}

/// A refusal is the upstream's word, and stops as in go: pipes lead on, and a comma is crossed
/// from an upstream that has refused everything so far.
fn after_denied(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    from: usize,
    status: u16,
) -> Option<usize> {
    if asked.only.is_some() {
        return None;
    }
    let blanket = matches!(status, 403 | 451) && !conditions[from].served && !asked.private;
    (0..crossings.len())
        .filter(|j| !tries.iter().any(|t| t.upstream == *j) && !conditions[*j].open)
        .find(|j| crossings.go_may(from, *j) && *j > from || blanket && crossings.may(asked, from, *j))
}

fn after_fault(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    allowance: Allowance,
) -> Step {
    if let Some(settled) = agreement(asked, tries, conditions) {
        return Step::Deliver(settled);
    }
    let last = &tries[tries.len() - 1];
    // A refusal by the server that told how long: not a fault to be counted, a wait to be kept.
    let told = matches!(last.outcome, Outcome::Limited { pause: Some(_) });
    if (!allowance.retry && !told) || allowance.time.is_zero() {
        return give_up(asked, crossings, tries);
    }
    if let Outcome::Fault { gained: true, .. } = last.outcome {
        let pieces =
            tries.iter().filter(|t| matches!(t.outcome, Outcome::Fault { gained: true, .. })).count();
        if pieces >= MAX_PIECES {
            return give_up(asked, crossings, tries);
        }
        let to = last.upstream;
        return after_rest(asked, crossings, tries, to, conditions[to], allowance);
    }
    // Where the last faulty try stood: a 404 on the way does not widen what may be asked.
    let from =
        tries.iter().rev().find(|t| !has_spoken(tries, t.upstream)).map_or(last.upstream, |t| t.upstream);
    let at = |i: usize| tries.iter().filter(move |t| t.upstream == i);
    let spent = |i: usize| at(i).filter(|t| counts(&t.outcome)).count() as u32;
    let limit = |i: usize| {
        let certificate = |t: &Try| matches!(t.outcome, Outcome::Fault { cause: Cause::TlsCert, .. });
        // A rejected certificate is rejected again; once more for a middlebox in between.
        if at(i).next().is_some() && at(i).all(certificate) { 2 } else { limit(asked, conditions[i]) }
    };
    // The one that may answer may stand beside the list (a checksum database itself).
    let total = if asked.only.is_some() { 1 } else { crossings.len() };
    let candidates = (0..total)
        .map(|step| asked.only.unwrap_or((from + 1 + step) % total))
        .filter(|j| crossings.may(asked, from, *j) && !has_spoken(tries, *j) && spent(*j) < limit(*j));
    // A likely private module gets a second chance where it is before anybody else learns of it.
    let stay_first = asked.private && spent(from) < 2;
    let best = candidates.min_by_key(|j| {
        let late = conditions[*j].open || conditions[*j].rests > allowance.time;
        let away = !(stay_first && *j == from);
        (late && total > 1, away && stay_first, !conditions[*j].rests.is_zero(), spent(*j))
    });
    let Some(to) = best else { return give_up(asked, crossings, tries) };
    if !conditions[to].rests.is_zero() {
        return after_rest(asked, crossings, tries, to, conditions[to], allowance);
    }
    let wait = match spent(to) {
        0 => Wait::None,
        // The second try at once, unless the upstream just asked to be left alone.
        1 if !matches!(last.outcome, Outcome::Limited { .. }) => Wait::None,
        n => {
            // The same wrong bytes again and again come from something that stays for a while.
            let quick = conditions[to].healthy && !(n >= asked.attempts && is_repeated_wrong(tries));
            let base = if quick { HEALTHY_BACKOFF.min(asked.backoff_base) } else { asked.backoff_base };
            let doubled = base.saturating_mul(1 << n.saturating_sub(2).min(16));
            Wait::Backoff(doubled.min(asked.backoff_max))
        }
    };
    Step::Ask(to, wait)
}

/// Whether a try is one of those that are limited: not a body that moved on, nor a pause that was
/// asked for in whole seconds and kept.
fn counts(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Fault { gained, .. } => !gained,
        Outcome::Limited { pause } => pause.is_none_or(|p| p < Duration::from_secs(1)),
        _ => true,
    }
}

fn is_repeated_wrong(tries: &[Try]) -> bool {
    let [.., before, last] = tries else { return false };
    matches!(last.outcome, Outcome::Wrong { .. }) && before.outcome == last.outcome
}

/// Tries at an upstream that says nothing of use. One that works otherwise gets more of them:
/// each is likely to succeed.
fn limit(asked: &Asked, condition: Condition) -> u32 {
    if condition.healthy { asked.attempts.saturating_mul(2) } else { asked.attempts }
}

/// The try whose wrong bytes are settled as what the upstreams really hold.
fn agreement(asked: &Asked, tries: &[Try], conditions: &[Condition]) -> Option<usize> {
    let last = tries.len() - 1;
    let Outcome::Wrong { digest, hard } = &tries[last].outcome else { return None };
    let same = |t: &&Try| matches!(&t.outcome, Outcome::Wrong { digest: d, .. } if d == digest);
    let equal = tries.iter().filter(same).count() as u32;
    let from_two = tries.iter().filter(same).any(|t| t.upstream != tries[last].upstream);
    // A machine on the way may damage many answers in the same manner. Where most others arrive
    // sound, even two hosts agreeing is not yet proof.
    let healthy = tries.iter().any(|t| conditions[t.upstream].healthy);
    let enough = match hard {
        false => 2,
        true if from_two && !healthy => 2,
        true => limit(asked, conditions[tries[last].upstream]).max(2),
    };
    (equal >= enough).then_some(last)
}

/// The end: 404 where go's own walk of the list, or the rotation, would have left every failed
/// upstream for `direct`; else the last refusal that somebody gave; else 502.
fn give_up(asked: &Asked, crossings: &Crossings, tries: &[Try]) -> Step {
    let failed = || tries.iter().filter(|t| !has_spoken(tries, t.upstream));
    let someone_lacks_it = tries.iter().any(|t| t.outcome == Outcome::NotFound);
    if someone_lacks_it && failed().all(|t| crossings.leads_on(asked, t.upstream)) {
        return Step::NotFound;
    }
    // A list of mixed separators shows go a comma; a pipe inside it is kept by saying 404.
    let comma_shown = matches!(crossings.tail, Some((Separator::Comma, Entry::Direct)));
    if comma_shown && failed().all(|t| crossings.pipes_on(t.upstream)) && failed().next().is_some() {
        return Step::NotFound;
    }
    if let Some(denied) = tries.iter().rposition(|t| matches!(t.outcome, Outcome::Denied(_))) {
        return Step::PassOn(denied);
    }
    // All that came was the same wrong answer, too seldom for certainty: go has the last word.
    let wrongs: Vec<_> = tries.iter().filter(|t| matches!(t.outcome, Outcome::Wrong { .. })).collect();
    if !wrongs.is_empty()
        && wrongs.len() == tries.len()
        && wrongs.windows(2).all(|w| w[0].outcome == w[1].outcome)
    {
        return Step::Deliver(tries.len() - 1);
    }
    Step::GiveUp
}

/// The upstream a hedge would ask, where one may be asked: the next that is in order.
pub fn hedge_target(
    asked: &Asked,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    running: usize,
) -> Option<usize> {
    if !asked.pinned || asked.private || asked.only.is_some() {
        return None;
    }
    (1..crossings.len()).map(|step| (running + step) % crossings.len()).find(|j| {
        crossings.may(asked, running, *j)
            && !has_spoken(tries, *j)
            && !conditions[*j].open
            && conditions[*j].rests.is_zero()
    })
}
