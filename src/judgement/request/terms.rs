//! What does not change while one request is worked on.

use super::UpstreamId;
use crate::judgement::publicity::Publicity;
use std::time::Duration;

/// Retries that are always allowed, before the share of the requests counts.
const FREE_RETRIES: u64 = 50;

/// True while one more retry keeps them at half of the `requests` so far, plus a floor: an outage
/// is not made worse by those who suffer from it.
pub(crate) fn is_retry_affordable(retries: u64, requests: u64) -> bool {
    retries < FREE_RETRIES + requests / 2
}

/// The terms under which one request is worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Its answer never changes: any upstream's copy will do, and hedging is allowed.
    pub(crate) fixed: bool,
    /// go.sum holds both hashes of the module version.
    pub(crate) pinned: bool,
    /// Who may hear the name that it carries.
    pub(crate) publicity: Publicity,
    /// The one upstream that may answer (list, latest, branch once answered; a checksum database).
    pub(crate) only: Option<UpstreamId>,
    /// Tries at one upstream that fails by itself, before the request is given up.
    pub(crate) attempts: u32,
    /// The command chooses versions: the name may be mistyped, and an upstream that served nothing is asked less often.
    pub(crate) chosen: bool,
    /// A host that answers nobody is asked until the budget ends, whatever `attempts` says.
    pub(crate) patient: bool,
    /// First ceiling of the backoff.
    pub(crate) backoff_base: Duration,
    /// Highest ceiling of the backoff.
    pub(crate) backoff_max: Duration,
}

impl Terms {
    /// True where go's own walk of the list is the only way.
    pub(crate) fn is_private(&self) -> bool {
        self.publicity == Publicity::LikelyPrivate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stay_at_half_of_the_requests_and_a_floor() {
        assert!(is_retry_affordable(50 + 449, 900) && !is_retry_affordable(50 + 450, 900));
    }
}
