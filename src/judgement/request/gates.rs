//! What an upstream that refuses whatever it is asked keeps from those behind it.
//!
//! Pure.

use super::UpstreamId;
use super::miss::Miss;
use super::policy::Situation;

impl Situation<'_> {
    /// Whether it has refused this request: no fault, which might lead on to another.
    pub(super) fn has_refused(&self, at: UpstreamId) -> bool {
        self.tries.iter().any(|t| t.upstream == at && matches!(t.miss, Miss::Denied { .. } | Miss::Odd))
    }

    /// Whether one stands between them in the list that refuses whatever it is asked, and that may not be passed: who
    /// is asked past it would hear what go, refused there, would not have told.
    pub(super) fn is_gated(&self, from: UpstreamId, to: UpstreamId) -> bool {
        let between = self.crossings.listed().filter(|at| from < *at && *at < to);
        let mut gates = between.filter(|at| self.condition(*at).refuses);
        gates.any(|at| !self.crossings.may_pass(self.terms, at, to))
    }
}

#[cfg(test)]
mod tests {
    use super::super::crossings::Crossings;
    use super::super::miss::Try;
    use super::super::policy::{Allowance, Condition, Move};
    use super::super::terms::Terms;
    use super::*;
    use crate::formats::goproxy::{List, Rotate};
    use std::time::Duration;

    #[test]
    fn what_one_lacks_that_was_passed_over_opens_no_gate() {
        let conditions = [Condition::default(); 3];
        let terms = Terms { fixed: true, pinned: true, attempts: 4, ..Terms::default() };
        let allowance = Allowance { retry: true, time: Duration::from_secs(60) };
        let said = |place, miss| Try { upstream: UpstreamId::at(place), miss, waited: false, alone: None };
        let crossings =
            Crossings::new(&List::parse("https://a.corp,https://b.corp,https://c.corp"), Rotate::Listed, &[]);
        // The first was down when this began, so the second was asked before it.
        for refusal in [Miss::Denied { blanket: false }, Miss::Denied { blanket: true }, Miss::Odd] {
            let tries = [said(1, refusal), said(0, Miss::NotFound)];
            let situation = Situation {
                terms: &terms,
                crossings: &crossings,
                tries: &tries,
                conditions: &conditions,
                allowance,
            };
            assert_eq!(situation.next(), Move::PassOn(0), "the second's word stands, as with go");
        }
    }

    #[test]
    fn a_gate_of_ones_own_is_asked_and_not_stepped_over() {
        let down = Condition { open: true, ..Condition::default() };
        let refuses = Condition { refuses: true, ..Condition::default() };
        let conditions = [down, refuses, Condition::default()];
        let terms = Terms { fixed: true, pinned: true, attempts: 4, ..Terms::default() };
        let allowance = Allowance { retry: true, time: Duration::from_secs(60) };
        let first = |list: &str| {
            let crossings = Crossings::new(&List::parse(list), Rotate::Listed, &[]);
            let situation = Situation {
                terms: &terms,
                crossings: &crossings,
                tries: &[],
                conditions: &conditions,
                allowance,
            };
            match situation.next() {
                Move::Ask(to, _) => to.place(),
                other => panic!("{other:?}"),
            }
        };
        assert_ne!(first("https://a.corp,https://b.corp,https://c.corp"), 2);
        assert_eq!(first("https://goproxy.cn,https://goproxy.io,https://proxy.golang.org"), 2);
    }
}
