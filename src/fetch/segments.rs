//! The parts of one body that come side by side: where each begins, which are on their way, and whether they are
//! worth waiting for.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A part of the whole.
pub(super) struct Segment {
    pub(super) begin: u64,
    pub(super) end: u64,
    /// It is on its way, ...
    pub(super) flows: bool,
    /// ... and so much of it is here.
    pub(super) came: u64,
}

/// What is known of all parts.
#[derive(Default)]
pub(super) struct Known {
    /// Those that others ask for.
    pub(super) segments: Vec<Segment>,
    /// When they were asked for, and how far the first had come then.
    pub(super) since: Option<(Instant, u64)>,
}

/// The parts of one zip.
#[derive(Default)]
pub(super) struct Parts {
    known: Mutex<Known>,
    /// The others are not waited for any more.
    pub(super) given_up: Notify,
}

impl Parts {
    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Where the next begins that others bring, seen from here.
    pub(super) fn next_begin(&self, at: u64) -> Option<u64> {
        let known = self.lock();
        known
            .segments
            .iter()
            .find(|segment| segment.flows && segment.begin >= at)
            .map(|segment| segment.begin)
    }

    /// More of one part is here.
    pub(super) fn came(&self, n: usize, length: u64) {
        self.lock().segments[n].came += length;
    }

    /// Whether whoever has read to where the next part begins, `at`, stops there. He reads on, and the others are
    /// given up, where he would be through sooner by himself: a new connection that lost something in a full queue
    /// takes many round trips to come up to speed.
    pub(super) fn stops_at(&self, at: u64) -> bool {
        let mut known = self.lock();
        let Some((since, from)) = known.since else { return true };
        let stops = alone(&known.segments, since.elapsed(), at - from, at)
            >= others(&known.segments, since.elapsed(), at);
        if !stops {
            known.segments.iter_mut().for_each(|segment| segment.flows = false);
            self.given_up.notify_one();
        }
        stops
    }
}

/// How long all from here on takes at the rate of who has read `read` bytes in this time.
fn alone(segments: &[Segment], took: Duration, read: u64, at: u64) -> f64 {
    let end = segments.iter().map(|segment| segment.end).max().unwrap_or(at);
    took.as_secs_f64() * (end - at) as f64 / read.max(1) as f64
}

/// How long the slowest of the others still takes at its own rate.
fn others(segments: &[Segment], took: Duration, at: u64) -> f64 {
    let left = |s: &Segment| (s.end - s.begin).saturating_sub(s.came) as f64 / s.came.max(1) as f64;
    let ahead = segments.iter().filter(|segment| segment.flows && segment.begin >= at);
    took.as_secs_f64() * ahead.map(left).fold(0.0, f64::max)
}

/// Which part of a body is stored.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    /// All of it.
    Whole,
    /// From the beginning to where others go on, if they do.
    First(&'a Parts),
    /// One of those that others bring.
    Other(&'a Parts, usize),
}

impl Role<'_> {
    /// How far it is from here to where others begin.
    pub(super) fn left(self, at: u64) -> u64 {
        match self {
            Role::First(parts) => parts.next_begin(at).map_or(u64::MAX, |begin| begin - at),
            Role::Whole | Role::Other(..) => u64::MAX,
        }
    }

    /// Whether that is the end.
    pub(super) fn ends_at(self, begin: u64) -> bool {
        match self {
            Role::First(parts) => parts.stops_at(begin),
            Role::Whole | Role::Other(..) => true,
        }
    }

    pub(super) fn came(self, length: u64) {
        if let Role::Other(parts, n) = self {
            parts.came(n, length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four parts of 100 bytes, of the last three of which so much is here after a second.
    fn parts(came: [u64; 3]) -> Parts {
        let parts = Parts::default();
        let segments = came.iter().zip(1..);
        parts.lock().segments = segments
            .map(|(came, n)| Segment { begin: n * 100, end: n * 100 + 100, flows: true, came: *came })
            .collect();
        parts.lock().since = Some((Instant::now(), 0));
        parts
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_waited_for_while_they_are_sooner_through() {
        // Alone it would take three seconds more.
        for (came, stops) in
            [([100, 100, 100], true), ([90, 40, 30], true), ([100, 100, 20], false), ([100, 100, 0], false)]
        {
            let parts = parts(came);
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(parts.stops_at(100), stops, "{came:?}");
            assert_eq!(parts.next_begin(100), stops.then_some(100), "{came:?}");
        }
    }
}
