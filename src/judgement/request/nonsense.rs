//! Answers that are no file of a module proxy's, and names that nobody has: how long asking again may cure them.
//!
//! A login page, a proxy that lost its store, a zip that is none: it came at once and whole, so nobody is away who
//! would come back. What a machine in between did to a few answers is over in a moment, and found to be as soon as
//! one is cured. What stays longer stays, for each file, and is asked for once more and no oftener.

use super::UpstreamId;
use super::policy::Situation;
use std::time::Duration;

/// What a machine in between puts in the place of an answer is gone within so long, or it stays.
const STAYS: Duration = Duration::from_secs(5);

/// Tries at an upstream that has sent nonsense for longer.
const FEW: u32 = 2;

impl Situation<'_> {
    /// Tries at an upstream of which it is plain that its nonsense stays, where this request has met nothing else
    /// there.
    pub(super) fn limit_of_nonsense(&self, at: UpstreamId) -> Option<u32> {
        self.nonsense_since(at).filter(|since| *since >= STAYS).map(|_| self.terms.attempts.min(FEW))
    }

    /// How long it takes until that is plain: the last try comes no later.
    pub(super) fn until_plain(&self, at: UpstreamId) -> Option<Duration> {
        self.nonsense_since(at).map(|since| STAYS.saturating_sub(since))
    }

    /// Since when.
    fn nonsense_since(&self, at: UpstreamId) -> Option<Duration> {
        let all = self.at(at).all(|t| t.miss.is_nonsense());
        self.condition(at).nonsense.filter(|_| all && !self.is_untried(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::crossings::Crossings;
    use super::super::miss::{Flaw, Miss, Try};
    use super::super::policy::{Allowance, Condition, Move, Pause};
    use super::super::terms::Terms;
    use super::*;
    use crate::formats::goproxy::{List, Rotate};
    use crate::vocabulary::Cause;

    const A: UpstreamId = UpstreamId::at(0);

    fn next(list: &str, misses: &[Miss], condition: Condition) -> Move {
        let second = Duration::from_secs(1);
        let terms = Terms {
            fixed: true,
            pinned: true,
            attempts: 4,
            backoff_base: second / 2,
            backoff_max: second * 15,
            ..Terms::default()
        };
        let crossings = Crossings::new(&List::parse(list), Rotate::Listed, &[]);
        let tried = |miss: &Miss| Try { upstream: A, miss: miss.clone(), waited: false, alone: None };
        let tries: Vec<Try> = misses.iter().map(tried).collect();
        let conditions = vec![condition; crossings.len()];
        let allowance = Allowance { retry: true, time: second * 60 };
        let (terms, crossings) = (&terms, &crossings);
        Situation { terms, crossings, tries: &tries, conditions: &conditions, allowance }.next()
    }

    fn wrong(digest: u8, flaw: Flaw) -> Miss {
        Miss::Wrong { digest: [digest; 32], flaw }
    }

    fn of(cause: Cause) -> Miss {
        Miss::Fault { cause, gained: false }
    }

    #[test]
    fn what_stays_is_asked_for_once_more_and_what_may_pass_as_ever() {
        let healthy = Condition { healthy: true, ..Condition::default() };
        let lately = Condition { nonsense: Some(STAYS / 2), ..healthy };
        let long = Condition { nonsense: Some(STAYS), ..healthy };
        let list = "https://a.test";
        for miss in [wrong(1, Flaw::Shape), wrong(1, Flaw::Page), of(Cause::CaptiveOrHtml), of(Cause::Dns)] {
            for tries in 1..6 {
                let row = vec![miss.clone(); tries];
                let asks = |condition| matches!(next(list, &row, condition), Move::Ask(..));
                assert!(asks(lately) && asks(healthy), "{miss:?} {tries}");
                assert_eq!(asks(long), tries < 2, "{miss:?} {tries}");
            }
        }
        // The trouble of a host is none of this, nor is a request that has met other things too.
        for row in [vec![of(Cause::Eof); 5], vec![of(Cause::Eof), of(Cause::CaptiveOrHtml), of(Cause::Eof)]] {
            assert!(matches!(next(list, &row, long), Move::Ask(..)), "{row:?}");
        }
        // Another who may be asked is.
        let row = vec![of(Cause::CaptiveOrHtml); 2];
        assert_eq!(
            next("https://a.test|https://b.test", &row, long),
            Move::Ask(UpstreamId::at(1), Pause::None)
        );
    }

    #[test]
    fn nobody_waits_longer_than_until_it_is_plain() {
        let row = vec![wrong(1, Flaw::Page); 7];
        let wait = |since| {
            next("https://a.test", &row, Condition { healthy: true, nonsense: since, ..Condition::default() })
        };
        let Move::Ask(_, Pause::Backoff(long)) = wait(None) else { panic!("asks") };
        let Move::Ask(_, Pause::Backoff(short)) = wait(Some(STAYS * 3 / 4)) else { panic!("asks") };
        assert!(long > STAYS && short <= STAYS / 4, "{long:?} {short:?}");
    }

    #[test]
    fn a_run_that_ends_with_another_files_verdict_waits_for_none_of_this_ones() {
        let settled = Condition { settled: true, ..Condition::default() };
        for flaw in [Flaw::Hash, Flaw::Shape] {
            let row = [wrong(1, flaw)];
            assert!(matches!(next("https://a.test", &row, Condition::default()), Move::Ask(..)), "{flaw:?}");
            assert_eq!(next("https://a.test", &row, settled), Move::Deliver(0), "{flaw:?}");
            let two = next("https://a.test|https://b.test", &row, settled);
            assert!(matches!(two, Move::Ask(..)), "another may have it right");
        }
    }
}
