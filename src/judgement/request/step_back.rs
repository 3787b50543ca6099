//! Whom go asks itself: an upstream that gox cannot talk to as go may.
//!
//! A handshake that only this TLS library refuses, a head that only this HTTP library cannot read, a login that a
//! proxy wants of gox: none of it says anything of the network, and go may well get through. So go gets the
//! address in place of the file. It has the last word in the attempt that runs, and no fault is held against
//! anybody.

use super::UpstreamId;
use super::miss::{Alone, Miss, Try};
use super::policy::{Move, Situation};
use crate::judgement::table;

/// Unreadable answers in a row after which an upstream is left to go that has answered nothing yet: what a
/// middlebox put in the place of one answer is gone with the next.
const UNREADABLE: usize = 2;

/// The same at an upstream that has answered others: what is odd there may well be damage.
const UNREADABLE_HERE: usize = 3;

impl Situation<'_> {
    /// What is done next, with go's last word where gox alone has failed.
    pub(crate) fn next(&self) -> Move {
        if let Some(at) = self.unreadable() {
            return Move::Leave(at);
        }
        let considered = self.consider();
        let alone = |at: &Try| at.alone.is_some() && self.is_gos_to_ask(at.upstream);
        match considered {
            Move::Ask(to, _) if self.condition(to).left && self.is_gos_to_ask(to) => Move::Leave(to),
            Move::PassOn(index) if alone(&self.tries[index]) => Move::Leave(self.tries[index].upstream),
            Move::GiveUp => self
                .tries
                .last()
                .filter(|last| alone(last))
                .map_or(Move::GiveUp, |last| Move::Leave(last.upstream)),
            Move::Ask(..) | Move::Leave(_) | Move::NotFound | Move::PassOn(_) | Move::Deliver(_) => {
                considered
            }
        }
    }

    /// Whether go may be sent there: it has not failed there as well, and nobody stands behind it in the list.
    /// Past another, go would not walk on from a redirect.
    fn is_gos_to_ask(&self, at: UpstreamId) -> bool {
        self.crossings.listed().next_back() == Some(at) && !self.condition(at).go_fails
    }

    /// The upstream whose answers gox cannot read.
    fn unreadable(&self) -> Option<UpstreamId> {
        let last = self.tries.last()?;
        let of_gox = |t: &&Try| {
            t.upstream == last.upstream && t.alone.is_some() && matches!(t.miss, Miss::Fault { .. })
        };
        let row = self.tries.iter().rev().take_while(of_gox).count();
        let astray = matches!(&last.miss, Miss::Fault { cause, .. } if table::is_certain_to_stay(*cause));
        let enough = match (last.alone?, self.condition(last.upstream).answers) {
            (Alone::Verdict, false) => 1,
            // An address that leads nowhere: go walks that way too, and so it is walked twice.
            (Alone::Verdict, true) if astray => 1,
            // Once more for a middlebox in between.
            (Alone::Verdict, true) => 2,
            (Alone::Unread, false) => UNREADABLE,
            (Alone::Unread, true) => UNREADABLE_HERE,
            (Alone::Distrust, _) => return None,
        };
        (row >= enough && self.is_gos_to_ask(last.upstream)).then_some(last.upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::super::crossings::Crossings;
    use super::super::policy::{Allowance, Condition};
    use super::super::terms::Terms;
    use super::*;
    use crate::formats::goproxy::{List, Rotate};
    use crate::judgement::publicity::Publicity;
    use crate::vocabulary::Cause;
    use std::time::Duration;

    const A: UpstreamId = UpstreamId::at(0);
    const B: UpstreamId = UpstreamId::at(1);

    fn tried(upstream: UpstreamId, alone: Option<Alone>, cause: Cause) -> Try {
        Try { upstream, miss: Miss::Fault { cause, gained: false }, waited: false, alone }
    }

    fn next(list: &str, tries: &[Try], conditions: [Condition; 2]) -> Move {
        let second = Duration::from_secs(1);
        let terms = Terms {
            chosen: false,
            fixed: true,
            pinned: true,
            publicity: Publicity::PlainlyPublic,
            only: None,
            attempts: 4,
            patient: false,
            backoff_base: second,
            backoff_max: second,
        };
        let crossings = Crossings::new(&List::parse(list), Rotate::Listed, &[]);
        let allowance = Allowance { retry: true, time: second * 60 };
        Situation { terms: &terms, crossings: &crossings, tries, conditions: &conditions, allowance }.next()
    }

    #[test]
    fn go_asks_whom_gox_cannot_talk_to() {
        let fresh = Condition::default();
        let answers = Condition { answers: true, ..fresh };
        let verdict = tried(A, Some(Alone::Verdict), Cause::TlsCert);
        let unread = tried(A, Some(Alone::Unread), Cause::CaptiveOrHtml);
        let (one, two) = ("https://a.test", "https://a.test|https://b.test");
        for (condition, row, leaves) in [
            (fresh, vec![verdict.clone()], true),
            (answers, vec![verdict.clone()], false),
            (answers, vec![verdict.clone(); 2], true),
            (fresh, vec![unread.clone()], false),
            (fresh, vec![unread.clone(); 2], true),
            (answers, vec![unread.clone(); 2], false),
            (answers, vec![unread.clone(); 3], true),
            (fresh, vec![tried(A, None, Cause::Eof); 3], false),
            (Condition { left: true, ..fresh }, vec![], true),
            (Condition { left: true, go_fails: true, ..fresh }, vec![], false),
            (Condition { go_fails: true, ..fresh }, vec![verdict.clone()], false),
        ] {
            assert!(!matches!(next(two, &row, [condition, fresh]), Move::Leave(_)), "go walks on from there");
            assert_eq!(
                next(one, &row, [condition, fresh]) == Move::Leave(A),
                leaves,
                "{condition:?} {row:?}"
            );
        }
    }

    #[test]
    fn a_certificate_is_left_to_go_once_nobody_else_may_be_asked() {
        let fresh = Condition::default();
        let distrust = tried(A, Some(Alone::Distrust), Cause::TlsCert);
        let row = [distrust.clone(), distrust];
        let second = next("https://a.test|https://b.test", &row, [fresh; 2]);
        assert!(matches!(second, Move::Ask(B, _)), "{second:?}");
        assert_eq!(next("https://a.test", &row, [fresh; 2]), Move::Leave(A));
    }
}
