//! How long is waited before the same place is asked again: one series for the loop and the fetcher.
//!
//! Pure. Exponential with factor 2 from a base, capped; without jitter, which the caller applies and which
//! only shortens (full jitter: any moment up to the ceiling).

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// Beyond this many doublings every series has long met its cap.
const DOUBLINGS: u32 = 32;

/// The ceiling of the `n`-th delay, from 0.
pub(crate) fn ceiling(base: Duration, max: Duration, n: u32) -> Duration {
    let max = max.max(base);
    let delay = ExponentialBuilder::default()
        .with_min_delay(base)
        .with_max_delay(max)
        .with_factor(2.0)
        .without_max_times()
        .build()
        .nth(n.min(DOUBLINGS) as usize)
        .unwrap_or(max);
    // The series is computed with floating point; settings are whole milliseconds.
    Duration::from_millis(u64::try_from((delay.as_micros() + 500) / 1000).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_no_number_is_too_large() {
        let at = |n| ceiling(Duration::from_millis(500), Duration::from_secs(15), n).as_millis();
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(at), [500, 1000, 2000, 4000, 8000, 15000, 15000]);
        assert_eq!(at(u32::MAX), 15000);
        let day = Duration::from_secs(86400);
        assert_eq!(ceiling(day, Duration::from_secs(1), 3), day, "a base above the cap");
        assert_eq!(ceiling(Duration::ZERO, Duration::ZERO, 9), Duration::ZERO);
    }
}
