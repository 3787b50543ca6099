//! The circuit breaker of one upstream: whether it is worth asking just now.
//!
//! Pure: time is a [`Duration`] since the relay started. A breaker never forbids an upstream that
//! stands alone; the policy reads it where another upstream may be asked instead.

use crate::judgement::table;
use crate::vocabulary::{Cause, Detail, Source};
use std::time::Duration;

/// Faults in a row that open a breaker. One is chance, two may be one bad connection that two
/// requests shared.
pub(crate) const FAULTS_TO_OPEN: u32 = 3;

/// How long an open breaker keeps requests away before one may probe.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(30);

/// Bodies slower than this, in bytes a second, count as dripping.
pub(crate) const DRIP_RATE: f64 = 16.0 * 1024.0;

/// Time that dripping bodies may have cost, in seconds, before their upstream is passed over.
pub(crate) const DRIP_PATIENCE: f64 = 1.5;

/// Requests to pause in a row, no answer between them, after which every request keeps the pause.
/// Those who limit a rate refuse all; one refusal among answers would cost all the others a second. At one that
/// refuses each tenth by chance so many come in a row once in ten thousand requests; ...
pub(crate) const REFUSALS_TO_REST: u32 = 4;

/// ... where it has answered nothing yet, so many are enough.
const FIRST_REFUSALS: u32 = 2;

/// What is known of one upstream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    in_a_row: u32,
    opened: Option<Duration>,
    cause: Option<Cause>,
    /// What tells of the latest fault whether it passes.
    detail: Option<Detail>,
    probing: bool,
    served: u64,
    failed: u64,
    /// One bit for each of the last requests, set for a fault.
    recent: u64,
    drip_bytes: f64,
    drip_seconds: f64,
    rest_until: Option<Duration>,
    refusals: u32,
}

impl Breaker {
    /// A breaker that an earlier run left open.
    pub(crate) fn opened_before() -> Breaker {
        Breaker { opened: Some(Duration::ZERO), ..Breaker::default() }
    }

    /// Notes an answer that the upstream meant (404 included), whole.
    pub(crate) fn served(&mut self) {
        *self = Breaker {
            served: self.served + 1,
            failed: self.failed,
            recent: self.recent << 1,
            drip_bytes: self.drip_bytes,
            drip_seconds: self.drip_seconds,
            rest_until: self.rest_until,
            // A drip is no reason to close again: its answers do arrive, too late.
            opened: self.opened.filter(|_| self.cause == Some(Cause::Stalled)),
            cause: self.cause.filter(|c| *c == Cause::Stalled),
            ..Breaker::default()
        };
    }

    /// Notes a fault at `now`.
    pub(crate) fn fault(&mut self, now: Duration, cause: Cause, detail: Detail) {
        self.failed += 1;
        self.in_a_row += 1;
        self.recent = self.recent << 1 | 1;
        self.probing = false;
        if self.in_a_row >= FAULTS_TO_OPEN || self.opened.is_some() {
            self.opened = Some(now);
            self.cause = Some(cause);
            self.detail = Some(detail);
        }
    }

    /// Notes how long a body of `bytes` took, in seconds after its headers.
    pub(crate) fn body(&mut self, now: Duration, bytes: u64, seconds: f64) {
        // Short bodies arrive with their headers; what they took is the machine's noise.
        if seconds < 0.03 {
            return;
        }
        if bytes as f64 / seconds >= DRIP_RATE {
            (self.drip_bytes, self.drip_seconds) = (0.0, 0.0);
            return;
        }
        self.drip_bytes += bytes as f64;
        self.drip_seconds += seconds;
        if self.drip_seconds >= DRIP_PATIENCE {
            (self.drip_bytes, self.drip_seconds) = (0.0, 0.0);
            self.opened = Some(now);
            self.cause = Some(Cause::Stalled);
        }
    }

    /// True while requests had better go elsewhere.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        self.opened.is_some_and(|at| self.probing || now.saturating_sub(at) < COOL_DOWN)
    }

    /// True where its last requests all failed, several in a row, for a trouble of its own that may pass.
    pub(crate) fn is_down(&self) -> bool {
        let detail = self.detail.unwrap_or(Detail::Plain);
        let passes = |cause| table::is_waited_out(cause, Some(Source::Proxy), detail);
        self.in_a_row >= FAULTS_TO_OPEN && self.cause.is_some_and(passes)
    }

    /// Tells the breaker that a request goes out: after the cool-down the first is the probe, and
    /// the others keep away until it is answered.
    pub(crate) fn asking(&mut self, now: Duration) {
        if self.opened.is_some() && !self.is_open(now) {
            self.probing = true;
        }
    }

    /// Notes that the upstream asked for a pause until `until` (429, 503 with Retry-After).
    pub(crate) fn rest(&mut self, until: Duration) {
        self.refusals += 1;
        self.rest_until = Some(self.rest_until.map_or(until, |u| u.max(until)));
    }

    /// What is left of the pause it asked for, for all requests: it refused [`REFUSALS_TO_REST`] in
    /// a row. A single refusal among answers concerns the request that met it.
    pub(crate) fn rests(&self, now: Duration) -> Duration {
        let enough = if self.served == 0 { FIRST_REFUSALS } else { REFUSALS_TO_REST };
        let until = self.rest_until.filter(|_| self.refusals >= enough);
        until.map_or(Duration::ZERO, |until| until.saturating_sub(now))
    }

    /// Meant answers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.served
    }

    /// Faults so far.
    pub(crate) fn faults(&self) -> u64 {
        self.failed
    }

    /// True where it has answered and at least half of the last 64 requests went well: a fault is
    /// then chance, and a short wait before the next try is enough. In a shorter stretch one fault in
    /// five, all by chance, looks like an outage a few times in a hundred downloads.
    pub(crate) fn is_healthy(&self) -> bool {
        self.served > 0 && self.recent.count_ones() <= u64::BITS / 2
    }

    /// Why it is, or was last, open.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_host_whose_resolver_is_away_is_down_and_a_wrong_name_is_not() {
        for (cause, detail, down) in [
            (Cause::Dns, Detail::Resolver, true),
            (Cause::Dns, Detail::Unknown, true),
            (Cause::Dns, Detail::Plain, false),
            (Cause::Dns, Detail::Away, false),
            // No way there, and a network here; and none here.
            (Cause::Unreachable, Detail::Away, true),
            (Cause::Unreachable, Detail::Plain, false),
        ] {
            let mut breaker = Breaker::default();
            (0..3).for_each(|_| breaker.fault(s(1), cause, detail));
            assert_eq!(breaker.is_down(), down, "{cause:?} {detail:?}");
        }
    }

    #[test]
    fn three_in_a_row_open_it_and_one_probe_closes_it() {
        let mut breaker = Breaker::default();
        breaker.fault(s(1), Cause::Eof, Detail::Plain);
        breaker.fault(s(1), Cause::Eof, Detail::Plain);
        breaker.served();
        breaker.fault(s(2), Cause::Eof, Detail::Plain);
        breaker.fault(s(2), Cause::Eof, Detail::Plain);
        assert!(!breaker.is_open(s(2)));
        breaker.fault(s(3), Cause::ConnRefused, Detail::Plain);
        assert!(breaker.is_open(s(4)) && breaker.is_open(s(32)));
        assert!(!breaker.is_open(s(33)));
        breaker.asking(s(33));
        assert!(breaker.is_open(s(33)), "others wait for the probe");
        breaker.fault(s(34), Cause::ConnRefused, Detail::Plain);
        assert!(breaker.is_open(s(60)));
        breaker.asking(s(64));
        breaker.served();
        assert!(!breaker.is_open(s(64)));
        assert_eq!((breaker.answers(), breaker.faults()), (2, 6));
    }

    #[test]
    fn a_drip_opens_it_although_everything_arrives() {
        let mut breaker = Breaker::default();
        for _ in 0..2 {
            breaker.body(s(1), 500, 0.5);
            breaker.served();
            assert!(!breaker.is_open(s(1)));
        }
        breaker.body(s(2), 500, 0.5);
        breaker.served();
        assert!(breaker.is_open(s(2)));
        let mut fast = Breaker::default();
        for _ in 0..50 {
            fast.body(s(1), 400_000, 1.0);
            fast.body(s(1), 200, 0.01);
        }
        assert!(!fast.is_open(s(1)));
    }

    #[test]
    fn rests_are_shared_and_only_grow() {
        let mut breaker = Breaker::default();
        breaker.rest(s(5));
        breaker.rest(s(3));
        assert_eq!(breaker.rests(s(2)), s(3));
        assert_eq!(breaker.rests(s(6)), Duration::ZERO);
        breaker.served();
        breaker.rest(s(9));
        assert_eq!(breaker.rests(s(6)), Duration::ZERO, "one alone, between answers");
    }

    #[test]
    fn a_bad_stretch_is_chance_and_a_long_one_is_none() {
        let mut breaker = Breaker::default();
        assert!(!breaker.is_healthy(), "nothing is known yet");
        (0..64).for_each(|_| breaker.served());
        (0..32).for_each(|_| breaker.fault(s(1), Cause::Eof, Detail::Plain));
        assert!(breaker.is_healthy());
        breaker.fault(s(1), Cause::Eof, Detail::Plain);
        assert!(!breaker.is_healthy());
        (0..32).for_each(|_| breaker.served());
        assert!(breaker.is_healthy());
    }

    #[test]
    fn what_an_earlier_run_left_open_is_open_from_the_first_byte() {
        assert!(Breaker::opened_before().is_open(Duration::ZERO));
        assert!(!Breaker::opened_before().is_open(COOL_DOWN));
    }
}
