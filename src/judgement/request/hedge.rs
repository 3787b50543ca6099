//! When a second upstream is asked although the first has not failed.
//!
//! Pure. Latency is hedged at the 95th percentile of this run, so that about one request in
//! twenty is asked twice; a hard share keeps it there when the whole network slows down.

use std::time::Duration;

/// The first byte is never called late before this.
pub(crate) const FLOOR: Duration = Duration::from_secs(1);

/// A transfer is slow below this rate, in bytes a second, ...
pub(crate) const SLOW_RATE: f64 = 16.0 * 1024.0;

/// ... where its end is further away than this.
pub(crate) const FAR_END: Duration = Duration::from_secs(10);

/// Hedges that are always allowed, so that a short run may hedge at all.
pub(crate) const FREE_HEDGES: u64 = 8;

/// Latencies of the last first bytes, as a ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    ring: Vec<Duration>,
    next: usize,
}

/// How many latencies count.
const WINDOW: usize = 128;

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, latency: Duration) {
        if self.ring.len() < WINDOW {
            self.ring.push(latency);
        } else {
            self.ring[self.next] = latency;
        }
        self.next = (self.next + 1) % WINDOW;
    }

    /// The value that `percent` of them do not exceed; `None` before the first.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.ring.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied()
    }

    /// When a first byte counts as late: the 95th percentile, not below [`FLOOR`].
    pub(crate) fn late(&self) -> Duration {
        self.percentile(95).unwrap_or(FLOOR).max(FLOOR)
    }
}

/// How far one fetch has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moved {
    /// Since it was asked.
    pub(crate) elapsed: Duration,
    /// Since its headers arrived; `None` before.
    pub(crate) body: Option<Duration>,
    /// Body bytes that arrived in that time.
    pub(crate) bytes: u64,
    /// The body's length, where the upstream told it.
    pub(crate) total: Option<u64>,
}

/// Whether a fetch is late enough to ask another upstream as well.
pub(crate) fn is_late(moved: Moved, late: Duration) -> bool {
    let Some(body) = moved.body else { return moved.elapsed >= late };
    let seconds = body.as_secs_f64();
    // A rate needs some time to mean anything.
    if seconds < FLOOR.as_secs_f64() {
        return false;
    }
    let rate = moved.bytes as f64 / seconds;
    if rate >= SLOW_RATE {
        return false;
    }
    match moved.total {
        Some(total) => {
            let left = total.saturating_sub(moved.bytes) as f64;
            left > 0.0 && left > rate * FAR_END.as_secs_f64()
        }
        None => true,
    }
}

/// Silence of a host that nobody else can stand in for, before it is asked for the same file once more beside
/// the first request, ...
const SILENT: Duration = Duration::from_secs(5);

/// ... how long such a request waits, and how long after it the next one follows, ...
pub(crate) const BESIDE: Duration = Duration::from_secs(10);

/// ... and silence after which it is asked at once, where it has answered somebody who asked later.
const PASSED_OVER: Duration = Duration::from_secs(2);

/// Whether a request that stands still is to be sent once more beside itself: `silent` since something last
/// moved, after `before` such requests. A body that pauses is given more time: it would come from its start.
pub(crate) fn asks_beside(silent: Duration, before: u32, in_body: bool, passed_over: bool) -> bool {
    let patience = SILENT + BESIDE * (before + u32::from(in_body));
    silent >= patience || passed_over && !in_body && silent >= PASSED_OVER
}

/// Whether one more hedge keeps the share of 5% of `requests` (plus the first few).
pub(crate) fn is_affordable(hedges: u64, requests: u64) -> bool {
    hedges < FREE_HEDGES.max(requests / 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_the_95th_percentile_but_not_below_the_floor() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.late(), FLOOR);
        for ms in 1..=100 {
            latencies.add(Duration::from_millis(ms));
        }
        assert_eq!(latencies.percentile(95), Some(Duration::from_millis(95)));
        assert_eq!(latencies.late(), FLOOR);
        for _ in 0..WINDOW {
            latencies.add(Duration::from_secs(3));
        }
        assert_eq!(latencies.late(), Duration::from_secs(3));
    }

    #[test]
    fn silence_and_slow_far_ends_are_late() {
        let late = Duration::from_secs(1);
        let at = |elapsed, body: Option<u64>, bytes, total| Moved {
            elapsed: Duration::from_millis(elapsed),
            body: body.map(Duration::from_millis),
            bytes,
            total,
        };
        assert!(!is_late(at(999, None, 0, None), late));
        assert!(is_late(at(1000, None, 0, None), late));
        assert!(!is_late(at(1500, Some(900), 0, Some(1 << 20)), late));
        assert!(is_late(at(2100, Some(2000), 2048, Some(1 << 20)), late));
        assert!(!is_late(at(2100, Some(2000), 2048, Some(4096)), late), "nearly there");
        assert!(!is_late(at(2100, Some(2000), 1 << 20, Some(1 << 30)), late), "long but fast");
    }

    #[test]
    fn a_silent_host_is_asked_again_beside_the_first_request() {
        let at = |seconds, before, in_body, passed_over| {
            asks_beside(Duration::from_secs(seconds), before, in_body, passed_over)
        };
        assert!(!at(4, 0, false, false) && at(5, 0, false, false));
        assert!(!at(14, 1, false, false) && at(15, 1, false, false) && !at(14, 0, true, false));
        assert!(!at(1, 0, false, true) && at(2, 3, false, true) && !at(2, 0, true, true));
    }

    #[test]
    fn hedges_stay_a_small_share() {
        assert!(is_affordable(7, 10) && !is_affordable(8, 10));
        assert!(is_affordable(49, 1000) && !is_affordable(50, 1000));
    }
}
