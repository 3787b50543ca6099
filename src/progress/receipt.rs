//! What gox saved, as a bound that was measured.

use std::time::Duration;

/// A smaller gain is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// The files that gox fetched for `go mod download`, and that go would have asked for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// `.info`: go asks for one after the other.
    pub(crate) infos: u64,
    /// `.mod`: as many at a time as GOMAXPROCS.
    pub(crate) mods: u64,
    /// `.zip`: the same.
    pub(crate) zips: u64,
}

impl Needed {
    /// Requests that go alone would have waited for one after the other, with so many at a time.
    fn in_a_row(self, at_a_time: u64) -> u64 {
        let width = at_a_time.max(1);
        self.infos + self.mods.div_ceil(width) + self.zips.div_ceil(width)
    }
}

/// How many round trips go alone would have waited for at least, where that is so much longer than the whole run
/// `took` that it is worth telling. No request of this run had an answer sooner than after `round_trip`.
///
/// Nothing else of go's time counts: neither connections nor transfer nor work, all of which it has as well.
pub(crate) fn receipt(needed: Needed, at_a_time: u64, round_trip: Duration, took: Duration) -> Option<u64> {
    let rounds = needed.in_a_row(at_a_time);
    let waits = round_trip.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
    (waits >= took + WORTH_TELLING).then_some(rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_waits_for_infos_in_turn_and_for_others_by_its_width() {
        // Measured: helm, 173 modules, 328 files go.mod, two processors.
        let helm = Needed { infos: 173, mods: 328, zips: 173 };
        assert_eq!((helm.in_a_row(2), helm.in_a_row(0)), (424, 674));
        assert_eq!(helm.in_a_row(64), 173 + 6 + 3);
    }

    #[test]
    fn less_than_five_seconds_are_not_told() {
        let needed = Needed { infos: 100, mods: 0, zips: 0 };
        let ms = Duration::from_millis;
        assert_eq!(receipt(needed, 4, ms(100), ms(5000)), Some(100));
        assert_eq!(receipt(needed, 4, ms(100), ms(5001)), None);
        assert_eq!(receipt(Needed::default(), 4, ms(100), ms(0)), None);
    }
}
