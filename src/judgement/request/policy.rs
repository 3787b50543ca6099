//! What to do next for one request, given everything that happened to it.
//!
//! Pure: no clock, no chance. Waits are given as a ceiling; the caller draws the jitter. Which
//! upstream may be asked after which is [`Crossings`]' business.

use super::UpstreamId;
pub(crate) use super::condition::{Allowance, Condition};
use super::crossings::Crossings;
use super::miss::{Flaw, Miss, Try};
use super::terms::Terms;
use crate::formats::goproxy::Separator;
use crate::judgement::backoff;
use crate::judgement::table::{Class, is_of_a_server, row};
use crate::vocabulary::{Cause, Detail, Source};
use std::time::Duration;

/// First ceiling of the backoff towards an upstream that otherwise serves: a single lost answer
/// says nothing about load, so the next try need not wait as long as after an outage.
const HEALTHY_BACKOFF: Duration = Duration::from_millis(20);

/// Longest chain of resumed pieces of one body.
pub(crate) const MAX_PIECES: usize = 64;

/// Patience for an upstream's first byte where another may be asked instead; doubled each time.
const IMPATIENCE: Duration = Duration::from_secs(5);

/// The last try at an upstream waits this many times the stall setting: gox must not fail where go
/// alone would get through.
const LAST_PATIENCE: u32 = 10;

/// Fetches after which the same wrong hash from one upstream is confirmed, the last of them over a
/// fresh connection.
const CONFIRMING: usize = 3;

/// Time over which they are spread: the last comes this long after the one before.
const APART: Duration = Duration::from_secs(2);

/// When a file that go.sum pins is asked for again after 404 or 410 from the last who may be asked,
/// counted from the first such answer of that upstream: 2, 5 and 10 s after the one before. It was
/// there once; Athens and goproxy say so too while their own upstream fails.
const ABSENT: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(7), Duration::from_secs(17)];

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Ask this upstream after this pause.
    Ask(UpstreamId, Pause),
    /// Give go the address at this upstream, to ask there itself.
    Leave(UpstreamId),
    /// Answer 404: nobody has it, or go's own rule leads on to `direct`.
    NotFound,
    /// Pass on what the try with this index was told.
    PassOn(usize),
    /// Give go the bytes of the try with this index, and let it judge.
    Deliver(usize),
    /// Answer that all was in vain.
    GiveUp,
}

/// How long to wait before a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Not at all.
    None,
    /// A random time up to this.
    Backoff(Duration),
    /// Exactly as long as the upstream asked.
    Rest(Duration),
}

fn is_certificate(cause: Cause) -> bool {
    row(cause, Some(Source::Proxy), Detail::Plain).class == Class::Certificate
}

/// Everything that is known of one request at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// What it brings along.
    pub(crate) terms: &'a Terms,
    /// Who may be asked after whom.
    pub(crate) crossings: &'a Crossings,
    /// What was tried, in order.
    pub(crate) tries: &'a [Try],
    /// The upstreams, by their place.
    pub(crate) conditions: &'a [Condition],
    /// What the run allows.
    pub(crate) allowance: Allowance,
}

impl Situation<'_> {
    /// Decides for gox alone.
    pub(super) fn consider(&self) -> Move {
        let Some(last) = self.tries.last() else { return self.first() };
        match last.miss {
            Miss::NotFound => self.after_not_found(),
            Miss::Denied { blanket } => self.after_refusal(last.upstream, blanket),
            Miss::Odd => {
                let serves = self.condition(last.upstream).usual.is_some();
                let first = self.at(last.upstream).filter(|t| t.miss == Miss::Odd).count() == 1;
                if serves && first && self.allowance.retry && !self.allowance.time.is_zero() {
                    Move::Ask(last.upstream, Pause::Backoff(self.terms.backoff_base))
                } else {
                    self.after_refusal(last.upstream, false)
                }
            }
            Miss::Fault { .. } | Miss::Limited { .. } | Miss::Wrong { .. } => self.after_fault(last),
        }
    }

    /// The next upstream where this refusal may be passed, else its words.
    fn after_refusal(&self, from: UpstreamId, blanket: bool) -> Move {
        match self.after_denied(from, blanket) {
            Some(to) => Move::Ask(to, Pause::None),
            None => Move::PassOn(self.tries.len() - 1),
        }
    }

    /// The upstream that a hedge beside `running` would ask, where one may be asked: the next that is
    /// in order.
    pub(crate) fn hedge_target(&self, running: UpstreamId) -> Option<UpstreamId> {
        if !self.terms.fixed || self.terms.is_private() || self.terms.only.is_some() {
            return None;
        }
        self.behind(running).find(|to| {
            *to != running
                && self.crossings.may(self.terms, running, *to)
                && self.is_led_to(*to)
                && !self.has_spoken(*to)
                && !self.condition(*to).left
                && self.is_fit(*to)
        })
    }

    /// Whether nobody else may be asked after a fault of `upstream`. Then it is not hung up on: what is thinking
    /// would begin anew, and go waits too.
    pub(crate) fn is_alone(&self, upstream: UpstreamId) -> bool {
        let others = |to: &UpstreamId| *to != upstream && self.crossings.may(self.terms, upstream, *to);
        self.terms.only.is_some() || !self.crossings.upstreams().any(|to| others(&to))
    }

    /// How long to wait for the first byte of `upstream`; `stall` is the setting of that name.
    pub(crate) fn patience(&self, upstream: UpstreamId, stall: Duration) -> Duration {
        let asked = self.at(upstream).filter(|t| !t.waited).count() as u32;
        if asked + 1 >= self.terms.attempts {
            return stall * LAST_PATIENCE;
        }
        let others = self.terms.only.is_none()
            && self
                .crossings
                .upstreams()
                .any(|to| to != upstream && self.crossings.may(self.terms, upstream, to));
        // One that answers others within milliseconds has lost this request.
        let start = match self.condition(upstream).usual {
            Some(usual) => IMPATIENCE.max(usual * 10).min(stall),
            None if others => IMPATIENCE.min(stall),
            None => stall,
        };
        start * 2u32.pow(asked.min(8))
    }

    pub(super) fn condition(&self, at: UpstreamId) -> Condition {
        self.conditions[at.place()]
    }

    fn is_fit(&self, at: UpstreamId) -> bool {
        let condition = self.condition(at);
        !condition.open && condition.rests.is_zero()
    }

    pub(super) fn at(&self, upstream: UpstreamId) -> impl Iterator<Item = &Try> {
        self.tries.iter().filter(move |t| t.upstream == upstream)
    }

    pub(super) fn is_untried(&self, upstream: UpstreamId) -> bool {
        self.at(upstream).next().is_none()
    }

    fn has_spoken(&self, upstream: UpstreamId) -> bool {
        self.at(upstream).any(|t| t.miss.is_word())
    }

    /// Whether everybody before `to` in the list lets the request go on to it: each has said that it
    /// has the file not, or may be left for `to` after a fault. What an own proxy keeps to itself does
    /// not get out by way of another.
    fn is_led_to(&self, to: UpstreamId) -> bool {
        if self.terms.only.is_some() {
            return true;
        }
        let lacks = |at: UpstreamId| self.at(at).any(|t| t.miss == Miss::NotFound);
        // As go does: over a pipe to the next, whose own answer then counts.
        let left = |at: UpstreamId| {
            !self.is_untried(at) && self.crossings.go_walks(at, UpstreamId::at(at.place() + 1))
        };
        let passes = |at: UpstreamId| {
            self.at(at).any(|t| t.miss == Miss::Denied { blanket: true })
                && self.crossings.may_pass(self.terms, at, to)
        };
        let mut before = self.crossings.listed().take_while(|at| *at < to);
        let may = |at: UpstreamId| !self.has_refused(at) && self.crossings.may(self.terms, at, to);
        before.all(|at| lacks(at) || left(at) || may(at) || passes(at))
    }

    /// All upstreams, those behind `from` first.
    fn behind(&self, from: UpstreamId) -> impl Iterator<Item = UpstreamId> + use<> {
        let total = self.crossings.len();
        (1..=total).map(move |step| UpstreamId::at((from.place() + step) % total))
    }

    /// The first upstream of the list, unless it is out of order and another may be asked instead.
    /// Health never decides who hears a private name.
    fn first(&self) -> Move {
        let Some(head) = self.crossings.upstreams().next() else { return Move::GiveUp };
        let start = self.terms.only.unwrap_or(head);
        let condition = self.condition(start);
        if self.terms.only.is_none() && !self.terms.is_private() {
            let passable = |to: &UpstreamId| {
                let refused = condition.refuses && self.crossings.may_pass(self.terms, start, *to);
                let unfit = !self.is_fit(start) && self.crossings.may(self.terms, start, *to);
                refused || unfit
            };
            let fit = |to: &UpstreamId| self.is_fit(*to) && !self.condition(*to).refuses;
            let mut others = self.crossings.upstreams().skip(1).filter(passable);
            if let Some(other) = others.find(|to| fit(to) && !self.is_gated(start, *to)) {
                return Move::Ask(other, Pause::None);
            }
        }
        self.after_rest(start)
    }

    /// Asks once the pause that the upstream wanted is over, unless that is too far away.
    fn after_rest(&self, to: UpstreamId) -> Move {
        let rests = self.condition(to).rests;
        if rests.is_zero() {
            Move::Ask(to, Pause::None)
        } else if rests <= self.allowance.time {
            Move::Ask(to, Pause::Rest(rests))
        } else {
            self.give_up()
        }
    }

    /// 404 and 410 lead to the next entry over any separator, as in go; then to those that were
    /// passed over, or failed, because they stand before it in the user's list.
    fn after_not_found(&self) -> Move {
        if self.terms.only.is_some() {
            return Move::NotFound;
        }
        let last = self.tries[self.tries.len() - 1].upstream;
        let untried = |at: &UpstreamId| self.is_untried(*at) && self.is_led_to(*at);
        if let Some(next) = self.crossings.listed().find(|at| *at > last && untried(at)) {
            return self.after_rest(next);
        }
        // One that is down, and whose failure leads go to `direct` anyhow, need not be waited for.
        let matters = |at: UpstreamId| {
            self.terms.is_private() || !self.condition(at).open || !self.crossings.leads_on(at)
        };
        if let Some(passed) = self.crossings.listed().find(|at| untried(at) && matters(*at)) {
            return self.after_rest(passed);
        }
        let failed = |at: UpstreamId| !self.is_untried(at) && !self.has_spoken(at) && matters(at);
        let faulty = self.tries.iter().rev().find(|t| failed(t.upstream));
        match (faulty, self.held_by_refusal()) {
            (Some(last), _) => self.after_fault(last),
            (None, Some(refusal)) => Move::PassOn(refusal),
            (None, None) => self.after_absence(last),
        }
    }

    /// A refusal that ends go's walk where it stands, though another was asked after it: one before it in the
    /// list, which had been passed over.
    fn held_by_refusal(&self) -> Option<usize> {
        let goes_on = |at: UpstreamId| {
            self.crossings.leads_on(at) || self.crossings.go_walks(at, UpstreamId::at(at.place() + 1))
        };
        let listed = |at: UpstreamId| self.crossings.listed().any(|of_list| of_list == at);
        let passed = |at: UpstreamId| self.crossings.listed().any(|to| to > at && !self.is_untried(to));
        let held = |t: &Try| {
            let refused = match t.miss {
                Miss::Denied { blanket } => !(blanket && passed(t.upstream)),
                Miss::Odd => true,
                Miss::NotFound | Miss::Fault { .. } | Miss::Limited { .. } | Miss::Wrong { .. } => false,
            };
            refused && listed(t.upstream) && !goes_on(t.upstream)
        };
        self.tries.iter().position(held)
    }

    /// What go.sum pins was there once: asked for again where nobody else may be asked, go's `direct`
    /// included.
    fn after_absence(&self, last: UpstreamId) -> Move {
        let leads_on = self.crossings.goes_on();
        let since =
            self.condition(last).absent.filter(|_| self.terms.pinned && self.terms.fixed && !leads_on);
        let due = since.and_then(|since| ABSENT.iter().find(|due| **due > since).map(|due| (*due, since)));
        match due {
            Some((due, since)) if due <= self.allowance.time => Move::Ask(last, Pause::Rest(due - since)),
            Some(_) | None => Move::NotFound,
        }
    }

    /// True where the next fetch settles a mismatch: it goes over a connection of its own, past whatever
    /// the old one leads through.
    pub(crate) fn confirms(&self) -> bool {
        let Some(Try { miss: Miss::Wrong { digest, flaw: Flaw::Hash }, .. }) = self.tries.last() else {
            return false;
        };
        self.equal(digest).count() + 1 == CONFIRMING
    }

    /// The tries that brought these wrong bytes.
    fn equal(&self, digest: &[u8; 32]) -> impl Iterator<Item = &Try> {
        self.tries.iter().filter(move |t| matches!(&t.miss, Miss::Wrong { digest: d, .. } if d == digest))
    }

    /// A refusal is the host's word, and stops as in go. Pipes lead on; so does a public proxy that
    /// refuses whatever it is asked. Who was passed over for bad health is asked before go is told.
    fn after_denied(&self, from: UpstreamId, blanket: bool) -> Option<UpstreamId> {
        if self.terms.only.is_some() {
            return None;
        }
        let usable = |to: &UpstreamId| {
            self.is_untried(*to) && self.is_led_to(*to) && (self.terms.is_private() || self.is_fit(*to))
        };
        let leads = |to: &UpstreamId| {
            self.crossings.go_walks(from, *to) || blanket && self.crossings.may_pass(self.terms, from, *to)
        };
        let passed_over = || {
            let mut before = self.crossings.listed().take_while(|at| *at < from);
            before.find(|at| self.is_untried(*at) && self.is_led_to(*at))
        };
        self.crossings.upstreams().filter(usable).find(leads).or_else(passed_over)
    }

    /// `last` is the latest try that met a fault: a 404 after it does not widen what may be asked.
    fn after_fault(&self, last: &Try) -> Move {
        if let Some(settled) = self.agreement() {
            return Move::Deliver(settled);
        }
        // A refusal by the server that told how long: not a fault to be counted, a wait to be kept.
        let told = last.is_told();
        if self.allowance.time.is_zero() {
            return self.give_up();
        }
        if !self.allowance.retry && !told {
            // Whom go would ask next is no retry.
            let next = self.candidate(last.upstream).filter(|to| self.is_untried(*to));
            return next.map_or_else(|| self.give_up(), |to| Move::Ask(to, Pause::None));
        }
        if let Miss::Fault { gained: true, .. } = last.miss {
            let pieces =
                self.tries.iter().filter(|t| matches!(t.miss, Miss::Fault { gained: true, .. })).count();
            return if pieces >= MAX_PIECES { self.give_up() } else { self.after_rest(last.upstream) };
        }
        let Some(to) = self.candidate(last.upstream) else { return self.give_up() };
        if !self.condition(to).rests.is_zero() {
            return self.after_rest(to);
        }
        Move::Ask(to, self.pause(to, last))
    }

    /// The one that is best asked after a fault at `from`.
    fn candidate(&self, from: UpstreamId) -> Option<UpstreamId> {
        // The one that may answer may stand beside the list (a checksum database itself).
        let total = if self.terms.only.is_some() { 1 } else { self.crossings.len() };
        let candidates = self
            .behind(from)
            .take(total)
            .map(|at| self.terms.only.unwrap_or(at))
            .filter(|to| self.crossings.may(self.terms, from, *to) && self.is_led_to(*to))
            .filter(|to| !self.has_spoken(*to) && self.spent(*to) < self.limit_at(*to));
        // A likely private module gets a second chance where it is before anybody else learns of it.
        let stays = self.terms.is_private() && self.spent(from) < 2;
        candidates.min_by_key(|to| {
            let condition = self.condition(*to);
            let open = condition.open && !self.terms.is_private();
            let late = open || condition.rests > self.allowance.time;
            (stays && *to != from, late && total > 1, !condition.rests.is_zero(), self.spent(*to))
        })
    }

    fn spent(&self, at: UpstreamId) -> u32 {
        self.at(at).filter(|t| t.miss.counts() && !t.waited).count() as u32
    }

    fn limit_at(&self, at: UpstreamId) -> u32 {
        let certificate = |t: &Try| matches!(t.miss, Miss::Fault { cause, .. } if is_certificate(cause));
        // A rejected certificate is rejected again; once more for a middlebox in between.
        if !self.is_untried(at) && self.at(at).all(certificate) { 2 } else { self.limit(at) }
    }

    /// Tries at an upstream that says nothing of use. One that works otherwise gets more of them:
    /// each is likely to succeed.
    fn limit(&self, at: UpstreamId) -> u32 {
        let attempts = self.terms.attempts;
        if self.terms.patient && self.condition(at).down {
            return u32::MAX;
        }
        if let Some(few) = self.limit_of_nonsense(at) {
            return few;
        }
        // What others get there may be unknown there in its own way.
        let trouble = |t: &Try| matches!(t.miss, Miss::Fault { cause, .. } if is_of_a_server(cause));
        match (self.condition(at).healthy, self.terms.chosen) {
            (true, true) if self.at(at).all(trouble) => attempts,
            (true, _) => attempts.saturating_mul(2),
            (false, true) => attempts.saturating_sub(1).max(1),
            (false, false) => attempts,
        }
    }

    fn pause(&self, to: UpstreamId, last: &Try) -> Pause {
        if self.confirms() {
            return Pause::Rest(APART.min(self.allowance.time));
        }
        match self.spent(to) {
            0 => Pause::None,
            // The second try at once, unless the upstream just asked to be left alone.
            1 if !matches!(last.miss, Miss::Limited { .. }) => Pause::None,
            n => {
                let terms = self.terms;
                // The same wrong bytes again and again come from something that stays for a while.
                let stays = n >= terms.attempts && self.is_repeated_wrong();
                let quick = self.condition(to).healthy && !stays;
                let base = if quick { HEALTHY_BACKOFF.min(terms.backoff_base) } else { terms.backoff_base };
                let ceiling = backoff::ceiling(base, terms.backoff_max, n.saturating_sub(2));
                Pause::Backoff(self.until_plain(to).map_or(ceiling, |left| ceiling.min(left.max(base))))
            }
        }
    }

    fn is_repeated_wrong(&self) -> bool {
        let [.., before, last] = self.tries else { return false };
        matches!(last.miss, Miss::Wrong { .. }) && before.miss == last.miss
    }

    /// The try whose wrong bytes are settled as what the upstreams really hold.
    fn agreement(&self) -> Option<usize> {
        let last = self.tries.last()?;
        let Miss::Wrong { digest, flaw } = &last.miss else { return None };
        let equal = self.equal(digest).count();
        let from_two = self.equal(digest).any(|t| t.upstream != last.upstream);
        // A machine on the way may damage many answers in the same manner. Where most others arrive
        // sound, even two hosts agreeing is not yet proof.
        let healthy = self.tries.iter().any(|t| self.condition(t.upstream).healthy);
        let doomed = self.condition(last.upstream).settled && self.is_alone(last.upstream);
        let enough = match flaw {
            Flaw::Page => return None,
            // The run ends with the verdict on another file: nothing is won by being sure of this one too.
            Flaw::Doubt | Flaw::Hash | Flaw::Shape if doomed => 1,
            Flaw::Doubt => 2,
            Flaw::Hash | Flaw::Shape if from_two && !healthy => 2,
            Flaw::Hash => CONFIRMING,
            Flaw::Shape => self.limit(last.upstream).max(2) as usize,
        };
        (equal >= enough).then_some(self.tries.len() - 1)
    }

    /// The end: 404 where go's own walk of the list would have left every failed upstream for
    /// `direct`; else the last refusal that somebody gave; else that all was in vain.
    fn give_up(&self) -> Move {
        let mut failed = self.tries.iter().filter(|t| !self.has_spoken(t.upstream)).peekable();
        let somebody_failed = failed.peek().is_some();
        // Who was not asked at all has not said that it lacks the file either.
        let mut silent = self.crossings.listed().filter(|at| self.is_untried(*at));
        let walked = failed.all(|t| self.crossings.leads_on(t.upstream))
            && silent.all(|at| self.terms.only.is_some() || self.crossings.leads_on(at));
        // A list of mixed separators shows go a comma; a pipe inside it is kept by saying 404.
        let comma_shown =
            self.crossings.goes_on() && matches!(self.crossings.tail(), Some((Separator::Comma, _)));
        let lacking = self.tries.iter().any(|t| t.miss == Miss::NotFound);
        if walked && (lacking || comma_shown && somebody_failed) {
            return Move::NotFound;
        }
        if let Some(denied) =
            self.tries.iter().rposition(|t| matches!(t.miss, Miss::Denied { .. } | Miss::Odd))
        {
            return Move::PassOn(denied);
        }
        // All that came was the same wrong answer, too seldom for certainty: go has the last word. What
        // nobody can verify has no other judge, whatever came.
        let judged = |t: &Try| match t.miss {
            Miss::Wrong { flaw, .. } => flaw != Flaw::Page || !self.terms.fixed,
            Miss::NotFound | Miss::Denied { .. } | Miss::Odd | Miss::Fault { .. } | Miss::Limited { .. } => {
                false
            }
        };
        let equal = self.tries.windows(2).all(|two| two[0].miss == two[1].miss) || !self.terms.fixed;
        if !self.tries.is_empty() && self.tries.iter().all(judged) && equal {
            return Move::Deliver(self.tries.len() - 1);
        }
        Move::GiveUp
    }
}
