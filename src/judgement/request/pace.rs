//! How fast a host that limits requests is asked.
//!
//! Pure: times are given, as the time since the run began.

use std::collections::VecDeque;
use std::time::Duration;

/// What is looked back at: the second that limits are told in.
const WINDOW: Duration = Duration::from_secs(1);

/// Refusals in a window from which on it is a limit, where they are a third of all answers at least: a busy host
/// refuses some requests, whatever their number.
const LIMIT: usize = 5;

/// How much faster it is asked each second in which it refused nothing.
const GROWTH: f64 = 1.2;

/// Requests a second that need no pace.
const FAST: f64 = 200.0;

/// The pace of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// When it answered well, of late.
    good: VecDeque<Duration>,
    /// When it refused for the number of requests, of late.
    limited: VecDeque<Duration>,
    /// Requests a second, and since when they are so many.
    rate: Option<(f64, Duration)>,
    /// When the next request is due.
    due: Duration,
}

impl Pace {
    /// Notes a good answer.
    pub(crate) fn answered(&mut self, now: Duration) {
        self.good.push_back(now);
        self.forget(now);
    }

    /// Notes that it asked for a pause.
    pub(crate) fn limited(&mut self, now: Duration) {
        self.limited.push_back(now);
        self.forget(now);
        let (good, limited) = (self.good.len(), self.limited.len());
        // At a pace that was found, two refusals tell that it is too fast.
        let told = if self.rate.is_some() { limited >= 2 } else { limited >= LIMIT && limited * 2 >= good };
        if told {
            // As many as it has just borne.
            self.rate = Some((good.max(1) as f64 / WINDOW.as_secs_f64(), now));
        }
    }

    /// How long the next request has to wait for its turn, which is taken with that.
    pub(crate) fn turn(&mut self, now: Duration) -> Duration {
        self.forget(now);
        let Some((rate, since)) = self.rate else { return Duration::ZERO };
        let quiet = now.saturating_sub(since);
        let rate = if self.limited.is_empty() && quiet >= WINDOW {
            let grown = rate * GROWTH;
            self.rate = (grown < FAST).then_some((grown, now));
            grown
        } else {
            rate
        };
        let due = self.due.max(now);
        self.due = due + Duration::from_secs_f64(1.0 / rate);
        due - now
    }

    fn forget(&mut self, now: Duration) {
        for times in [&mut self.good, &mut self.limited] {
            while times.front().is_some_and(|then| now.saturating_sub(*then) > WINDOW) {
                times.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One who asks: rests after a refusal, then takes a turn, then asks.
    #[derive(Clone, Copy)]
    enum Asker {
        Rests(Duration),
        Waits(Duration),
    }

    /// A host that gives so many answers a second, asked by somebody with `requests` to make and 60 at a time: the
    /// refusals, and how long it took.
    fn against(limit: f64, requests: usize) -> (usize, Duration) {
        let mut pace = Pace::default();
        let (mut now, mut tokens, mut refusals, mut left) = (Duration::ZERO, limit, 0, requests);
        let mut askers = vec![Asker::Rests(Duration::ZERO); 60];
        while left > 0 {
            now += MS;
            tokens = (tokens + limit / 1000.0).min(limit);
            for asker in &mut askers {
                *asker = match *asker {
                    Asker::Rests(until) if until <= now => Asker::Waits(now + pace.turn(now)),
                    Asker::Waits(until) if until <= now && tokens >= 1.0 => {
                        tokens -= 1.0;
                        left = left.saturating_sub(1);
                        pace.answered(now);
                        Asker::Rests(now)
                    }
                    Asker::Waits(until) if until <= now => {
                        refusals += 1;
                        pace.limited(now);
                        Asker::Rests(now + WINDOW)
                    }
                    waiting => waiting,
                };
            }
            assert!(now < Duration::from_secs(600), "no end");
        }
        (refusals, now)
    }

    #[test]
    fn a_limit_is_found_and_kept_to() {
        for limit in [5.0, 20.0, 60.0] {
            let (refusals, time) = against(limit, 400);
            let least = Duration::from_secs_f64((400.0 - limit) / limit);
            assert!(refusals < 250, "{limit}: {refusals} refusals");
            assert!(time < least * 2, "{limit}: {time:?} of {least:?}");
        }
    }

    #[test]
    fn a_host_that_refuses_some_is_not_slowed() {
        let mut pace = Pace::default();
        for n in 0..1000u32 {
            let now = MS * n;
            if n % 10 == 0 {
                pace.limited(now)
            } else {
                pace.answered(now)
            }
            assert_eq!(pace.turn(now), Duration::ZERO, "{n}");
        }
    }
}
