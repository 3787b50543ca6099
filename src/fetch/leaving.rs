//! What is left to go: files of upstreams that gox cannot talk to as go may.

use super::fault::Blame;
use super::journey::Journey;
use super::one_try::Shortfall;
use super::question::Question;
use super::{Answer, Fetcher};
use crate::judgement::request::UpstreamId;
use crate::judgement::request::miss::{Alone, Miss, Try};
use crate::vocabulary::Detail;

/// Most files that are remembered to lead nowhere.
const KEPT_ASTRAY: usize = 4096;

impl Fetcher {
    /// The answer to a question whose address is known to lead nowhere, and which go has not asked for itself yet.
    pub(super) fn left_before(&self, question: &Question) -> Option<Answer> {
        let books = self.ledger.lock();
        let at = *books.astray.get(&question.path).filter(|at| !books.go_fails[at.place()])?;
        Some(Answer::Left { at, url: self.address_for_go(at, &question.path) })
    }
}

impl Journey<'_> {
    /// What gox alone has met there, of which go may hear nothing.
    pub(super) fn alone(&self, upstream: UpstreamId, short: &Shortfall) -> Option<Alone> {
        // What a store says to go, after a redirect, may be another thing than what it says to gox.
        let of_store = short.host != self.fetcher.upstream(upstream).host();
        let refused = matches!(short.facts.status, Some(400 | 401 | 403));
        match short.blame {
            Blame::Gox => Some(Alone::Unread),
            Blame::Distrust => Some(Alone::Distrust),
            Blame::Verdict | Blame::Refusal | Blame::Login => Some(Alone::Verdict),
            Blame::Host | Blame::Proxy => (of_store && refused).then_some(Alone::Verdict),
        }
    }

    /// Notes that only a go without the relay can ask whom gox cannot: others stand behind it in the list, and
    /// from a redirect go would not walk on to them.
    pub(super) fn note_step_back(&self) {
        let (Some(last), Some(short)) = (self.tries.last(), self.shortfalls.last()) else { return };
        let place = last.upstream.place();
        let mut books = self.fetcher.ledger.lock();
        let is_listed = self.fetcher.crossings.listed().any(|at| at == last.upstream);
        if last.alone.is_none() || !is_listed || books.go_fails[place] {
            return;
        }
        books.left[place] |= books.answered[place].is_none() && matches!(last.miss, Miss::Fault { .. });
        books.left_to_go[place].get_or_insert_with(|| short.words.clone());
        let why = format!(
            "it cannot talk to {}: {}; go may",
            self.fetcher.upstream(last.upstream).shown(),
            short.words
        );
        books.tally.steps_back.get_or_insert(why);
    }

    /// Leaves the file to go, at this upstream.
    pub(super) fn leave(&self, at: UpstreamId) -> Answer {
        self.end_look_up();
        self.close(false);
        {
            let mut books = self.fetcher.ledger.lock();
            let unread =
                |t: &&Try| t.upstream == at && t.alone.is_some() && matches!(t.miss, Miss::Fault { .. });
            let whole =
                books.answered[at.place()].is_none() && self.tries.last().as_ref().is_some_and(unread);
            books.left[at.place()] |= whole;
            if self.shortfalls.last().is_some_and(|short| short.detail == Detail::Astray)
                && books.astray.len() < KEPT_ASTRAY
            {
                books.astray.insert(self.question.path.clone(), at);
            }
            if let Some(short) = self.shortfalls.last() {
                books.left_to_go[at.place()].get_or_insert_with(|| short.words.clone());
            }
        }
        Answer::Left { at, url: self.fetcher.address_for_go(at, &self.question.path) }
    }
}
