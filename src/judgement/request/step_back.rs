//! Whom go asks itself: an upstream that gox cannot talk to as go may.
//!
//! A handshake that only this TLS library refuses, a head that only this HTTP library cannot read, a login that a
//! proxy wants of gox: none of it says anything of the network, and go may well get through. So go gets the
//! address in place of the file. It has the last word in the attempt that runs, and no fault is held against
//! anybody.

use super::UpstreamId;
use super::miss::{Alone, Miss, Try};
use super::policy::{Move, Situation};

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

    /// Whether go itself would come to ask it, and has not failed there as well.
    fn is_gos_to_ask(&self, at: UpstreamId) -> bool {
        self.crossings.listed().any(|listed| listed == at) && !self.condition(at).go_fails
    }

    /// The upstream whose answers gox cannot read.
    fn unreadable(&self) -> Option<UpstreamId> {
        let last = self.tries.last()?;
        let of_gox = |t: &&Try| {
            t.upstream == last.upstream && t.alone.is_some() && matches!(t.miss, Miss::Fault { .. })
        };
        let row = self.tries.iter().rev().take_while(of_gox).count();
        let enough = match (last.alone?, self.condition(last.upstream).answers) {
            (Alone::Verdict, false) => 1,
            // Once more for a middlebox in between.
            (Alone::Verdict, true) => 2,
            (Alone::Unread, false) => UNREADABLE,
            (Alone::Unread, true) => UNREADABLE_HERE,
            (Alone::Distrust, _) => return None,
        };
        (row >= enough && self.is_gos_to_ask(last.upstream)).then_some(last.upstream)
    }
}
