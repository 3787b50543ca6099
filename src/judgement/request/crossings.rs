//! Which upstream may be asked after which, decided once from the user's list.
//!
//! Pure. What may be crossed is [`List::may_cross`]'s business; here it is laid out for the
//! upstreams of a relay, its mirrors, and what stays go's.

use super::policy::Asked;
use crate::formats::goproxy::{Entry, List, Rotate, Separator};

/// Who may be asked after whom, for the upstreams of a list and the mirrors behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossings {
    /// Number of upstreams that stand in the user's list; those after are mirrors.
    pub listed: usize,
    /// `any[i][j]`: after a fault at `i`, `j` may be asked for a public module.
    any: Vec<Vec<bool>>,
    /// The same by go's own rule: pipes only.
    go: Vec<Vec<bool>>,
    /// `direct[i]`: go itself would go on to `direct` after an error at `i` (pipes only).
    direct: Vec<bool>,
    /// `direct` as the rotation allows it.
    any_direct: Vec<bool>,
    /// The separator that go gets to see after the relay, where anything comes after it.
    pub tail: Option<(Separator, Entry)>,
}

impl Crossings {
    /// Reads `list` up to its first `direct` or `off`; `mirrors` more upstreams follow.
    pub fn new(list: &List, rotate: Rotate, mirrors: usize) -> Crossings {
        // A list that stays as it is means go's own walk, and pipes are part of that.
        let rotate = if rotate == Rotate::Never { Rotate::Go } else { rotate };
        let reachable = list.reachable();
        let listed = reachable.iter().filter(|e| matches!(e, Entry::Proxy(_))).count();
        let total = listed + mirrors;
        let matrix = |rotate: Rotate, mirrors_too: bool| -> Vec<Vec<bool>> {
            let may = |i: usize, j: usize| {
                i == j
                    || if i < listed && j < listed {
                        list.may_cross(rotate, i, j)
                    } else {
                        mirrors_too && rotate == Rotate::Listed
                    }
            };
            (0..total).map(|i| (0..total).map(|j| may(i, j)).collect()).collect()
        };
        let to_direct = |rotate: Rotate| -> Vec<bool> {
            let has_direct = reachable.get(listed) == Some(&Entry::Direct);
            // What a mirror said is judged as if the last entry had said it.
            (0..total)
                .map(|i| has_direct && list.may_cross(rotate, i.min(listed.saturating_sub(1)), listed))
                .collect()
        };
        let all_pipes = listed > 0 && reachable.len() > listed && list.only_pipes(0, listed);
        let separator = if all_pipes { Separator::Pipe } else { Separator::Comma };
        Crossings {
            listed,
            any: matrix(rotate, true),
            go: matrix(Rotate::Go, false),
            direct: to_direct(Rotate::Go),
            any_direct: to_direct(rotate),
            tail: reachable.get(listed).map(|entry| (separator, entry.clone())),
        }
    }

    /// Number of upstreams, mirrors included.
    pub fn len(&self) -> usize {
        self.any.len()
    }

    /// True where there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty()
    }

    /// Does a failure of this upstream lead to `direct`: by the rotation, for a likely private
    /// module by go's own rule?
    pub fn leads_on(&self, asked: &Asked, upstream: usize) -> bool {
        let by = if asked.private { &self.direct } else { &self.any_direct };
        by.get(upstream).copied().unwrap_or(false)
    }

    /// Would go itself, without the relay, go on to `direct` after a failure of this upstream?
    pub fn pipes_on(&self, upstream: usize) -> bool {
        self.direct.get(upstream).copied().unwrap_or(false)
    }

    /// Would go itself ask `to` after an error at `from`, were it not for 404: pipes only?
    pub fn go_may(&self, from: usize, to: usize) -> bool {
        self.go[from][to]
    }

    /// May `to` be asked for this request after a fault at `from`?
    pub fn may(&self, asked: &Asked, from: usize, to: usize) -> bool {
        from == to || if asked.private { self.go[from][to] && to < self.listed } else { self.any[from][to] }
    }
}
