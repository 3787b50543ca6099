//! Which upstream may be asked after which, decided once from the user's list.
//!
//! Pure. go itself goes on over any separator after 404 and 410, and over a pipe after any error.
//! What is allowed beyond that depends on where both stand, on what went wrong, and on the request:
//! whether go.sum pins its module, and who may hear its name.

use super::UpstreamId;
use super::terms::Terms;
use crate::formats::goproxy::{Entry, List, Rotate, Separator};
use crate::judgement::publicity::Publicity;

/// Who may be asked after whom, for the upstreams of a list and the mirrors behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crossings {
    /// Number of upstreams that stand in the user's list; those after are mirrors.
    listed: usize,
    total: usize,
    /// Whether commas may be crossed at all.
    crosses_commas: bool,
    /// `pipes[i]`: a pipe stands behind the upstream `i` of the list.
    pipes: Vec<bool>,
    /// `public[i]`: the upstream `i` is in gox's table of public proxies.
    public: Vec<bool>,
    /// What stays go's behind the upstreams (`direct`, `off`, a proxy that only go can ask), with the separator
    /// that go gets to see before it.
    tail: Option<(Separator, Entry)>,
}

impl Crossings {
    /// Reads all upstreams of a list.
    #[cfg(test)]
    pub(crate) fn new(list: &List, rotate: Rotate, mirrors: &[Entry]) -> Crossings {
        let listed = list.reachable().iter().take_while(|e| matches!(e, Entry::Proxy(_))).count();
        Crossings::of_first(listed, list, rotate, mirrors)
    }

    /// Reads the first `listed` entries of `list`, which are upstreams; the mirrors follow.
    pub(crate) fn of_first(listed: usize, list: &List, rotate: Rotate, mirrors: &[Entry]) -> Crossings {
        let reachable = list.reachable();
        let pipes: Vec<bool> = (0..listed)
            .map(|at| list.separators.get(at).is_some_and(|separator| *separator == Separator::Pipe))
            .collect();
        let all_pipes = listed > 0 && pipes.iter().all(|pipe| *pipe);
        let separator = if all_pipes { Separator::Pipe } else { Separator::Comma };
        Crossings {
            listed,
            total: listed + mirrors.len(),
            crosses_commas: rotate == Rotate::Listed,
            public: reachable[..listed].iter().chain(mirrors).map(Entry::is_public_proxy).collect(),
            tail: reachable.get(listed).map(|entry| (separator, entry.clone())),
            pipes,
        }
    }

    /// Everybody who may ever be asked, mirrors included.
    pub(crate) fn upstreams(&self) -> impl DoubleEndedIterator<Item = UpstreamId> + use<> {
        (0..self.total).map(UpstreamId::at)
    }

    /// Number of all upstreams.
    pub(crate) fn len(&self) -> usize {
        self.total
    }

    /// Those of the user's list.
    pub(crate) fn listed(&self) -> impl DoubleEndedIterator<Item = UpstreamId> + use<> {
        (0..self.listed).map(UpstreamId::at)
    }

    /// What go gets to see behind the upstreams, with its separator.
    pub(crate) fn tail(&self) -> Option<&(Separator, Entry)> {
        self.tail.as_ref()
    }

    /// True where go itself would ask `to` after an error at `from`: pipes only.
    pub(crate) fn go_walks(&self, from: UpstreamId, to: UpstreamId) -> bool {
        let (from, to) = (from.place(), to.place());
        from < to && to < self.listed && self.pipes[from..to].iter().all(|pipe| *pipe)
    }

    /// Whether go goes on behind the upstreams.
    pub(crate) fn goes_on(&self) -> bool {
        self.tail.as_ref().is_some_and(|(_, entry)| *entry != Entry::Off)
    }

    /// True where go itself would go on behind the upstreams after an error at `from`.
    pub(crate) fn leads_on(&self, from: UpstreamId) -> bool {
        // What a mirror said is judged as if the last entry had said it.
        let from = from.place().min(self.listed.saturating_sub(1));
        self.goes_on() && self.pipes[from..].iter().all(|pipe| *pipe)
    }

    /// May `to` be asked for this request after a transport fault, or damaged bytes, at `from`?
    pub(crate) fn may(&self, terms: &Terms, from: UpstreamId, to: UpstreamId) -> bool {
        if from == to || self.go_walks(from, to) {
            return true;
        }
        if terms.is_private() {
            return false;
        }
        // Back to one that go would have asked before.
        self.go_walks(to, from) || self.may_cross(terms, from, to)
    }

    /// May `to` be asked after `from` refused: every module so far, and without giving a reason?
    pub(crate) fn may_pass(&self, terms: &Terms, from: UpstreamId, to: UpstreamId) -> bool {
        terms.pinned
            && !terms.is_private()
            && self.public[from.place()]
            && self.public[to.place()]
            && self.may_cross(terms, from, to)
    }

    /// The rotation beyond go's own walk.
    fn may_cross(&self, terms: &Terms, from: UpstreamId, to: UpstreamId) -> bool {
        if !self.crosses_commas {
            return false;
        }
        let is_mirror = |at: UpstreamId| at.place() >= self.listed;
        if is_mirror(from) || is_mirror(to) {
            let list_is_public = self.public[..self.listed].iter().all(|public| *public);
            return list_is_public && terms.publicity == Publicity::PlainlyPublic;
        }
        let (from, to) = (from.place(), to.place());
        let passed = if to > from { &self.public[from..to] } else { &self.public[from..=from] };
        match (self.public[from], self.public[to]) {
            // An own one in between keeps what comes after it to itself.
            (true, true) => passed.iter().all(|public| *public),
            // A comma between two of one's own is a policy: only bytes that are proven cross it.
            (false, false) => terms.pinned,
            // Out of the house never, and nothing says that the house is meant to stand in for others.
            (false, true) | (true, false) => false,
        }
    }
}
