//! What follows a failed request: who is asked next, after which wait, and when it is enough.
//!
//! Pure. `terms` is what a request brings along, `miss` how a try of it ended, `crossings` who may be asked after whom,
//! `policy` the decision itself, `gates` what may not be stepped over, `nonsense` how long an answer that is none may
//! be cured, `step_back` when it is go's; `condition` is what it knows of the upstreams, by `breaker`, `pace` and `hedge`.

pub(crate) mod breaker;
mod condition;
pub(crate) mod crossings;
mod gates;
pub(crate) mod hedge;
pub(crate) mod miss;
mod nonsense;
pub(crate) mod pace;
pub(crate) mod policy;
mod step_back;
pub(crate) mod terms;
#[cfg(test)]
mod tests;

/// One upstream of a run: its place among those that may be asked, the user's list first, in its
/// order, then the mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UpstreamId(usize);

impl UpstreamId {
    /// The upstream at this place, from 0.
    pub(crate) const fn at(place: usize) -> UpstreamId {
        UpstreamId(place)
    }

    /// Its place, from 0.
    pub(crate) const fn place(self) -> usize {
        self.0
    }
}
