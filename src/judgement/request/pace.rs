//! How fast a host that limits requests is asked: how many at a time, or how many a second.
//!
//! Pure: times are given, as the time since the run began.
//!
//! A busy host refuses some requests whatever their number, and is not asked the slower for it. Where most are
//! refused it is a limit. Of two sorts: so many at a time (then those that it has taken are as many as it bears, and
//! no more are sent before their answers come), or so many a second (then it refuses one that is sent alone, or says
//! for how long it wants to be left in peace). What is found is tried anew all the time, a little above it. Where
//! asking less changes nothing, it was no limit.

use std::collections::VecDeque;
use std::time::Duration;

/// What is looked back at: the second that limits are told in.
const WINDOW: Duration = Duration::from_secs(1);

/// Of the last so many answers ...
const LATEST: u32 = 16;

/// ... so many are refusals where it is a limit. One host in a thousand that refuses every third request by chance
/// does so.
const LIMIT: u32 = 10;

/// How much faster it is asked each second in which it refused nothing ...
const GROWTH: f64 = 1.2;

/// ... while it was never too fast ...
const UNKNOWN: f64 = 2.0;

/// ... or with each good answer, where nothing is known of its limit.
const SEEKING: f64 = 2.0;

/// How much faster for [`KNOWN`] after it was too fast.
const NEAR: f64 = 1.1;

/// How long a limit that was found is stayed near.
const KNOWN: Duration = Duration::from_secs(4);

/// Requests a second that need no pace.
const FAST: f64 = 200.0;

/// Requests a second that are the fewest: at a host that refuses everything one asks for all.
const SLOW: f64 = 0.5;

/// A window in which so few fit that it is the rate that is too high.
const FEW: f64 = 3.0;

/// Requests at a time that need no window.
const WIDE: f64 = 64.0;

/// Answers that tell whether a lower rate has changed anything, and how long they are waited for.
const TELLING: usize = 5;

/// ... unless so many were refused, and none answered.
const NONE: usize = 4;

/// The pace of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// What it answered of late.
    answers: VecDeque<Answer>,
    /// The latest answers since the level was set, one bit each, set for a refusal; and how many they are.
    latest: (u64, u32),
    /// Requests that have no answer yet.
    open: usize,
    /// Most of them.
    window: Option<f64>,
    rate: Option<Rate>,
    /// The limit is further up, nobody knows how far.
    seeks: bool,
    /// Refusals are under way: until then nothing is sent.
    settles: Option<Duration>,
    /// When the next request is due.
    due: Duration,
    /// How often the level was set. What was sent before says nothing of it.
    level: u32,
    /// The share of refusals that has nothing to do with how fast it is asked.
    noise: f64,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Duration,
    well: bool,
    level: u32,
}

/// Requests a second.
#[derive(Clone, Copy, Debug)]
struct Rate {
    now: f64,
    /// Since when they are so many.
    since: Duration,
    /// Where the descent to them began.
    before: Option<Before>,
    /// When it was last found to be too fast.
    met: Option<Duration>,
}

/// A rate that was too high.
#[derive(Clone, Copy, Debug)]
struct Before {
    rate: f64,
    /// The share that was refused.
    share: f64,
    /// Answers a second.
    bore: f64,
}

/// A request that has its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    level: u32,
    sent: Duration,
    few: bool,
    last: bool,
}

/// Whether a request has its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// It has.
    Now(Ticket),
    /// Not before so long.
    In(Duration),
    /// Not before another has ended.
    Behind,
}

/// How a request ended, as far as the pace is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an answer.
    Well,
    /// Refused for the number of requests, with the pause that was asked for.
    Refused(Option<Duration>),
    /// In a way that says nothing of it.
    Otherwise,
}

impl Pace {
    /// Asks for a turn.
    pub(crate) fn turn(&mut self, now: Duration) -> Turn {
        self.forget(now);
        if let Some(until) = self.settles {
            if now < until {
                return Turn::In(until - now);
            }
            self.settles = None;
            // Those that it still has are those that it took.
            self.window = Some(self.open.max(1) as f64);
            self.seeks = self.open == 0;
            self.raise_level();
        }
        if self.window.is_some_and(|most| self.open >= (most as usize).max(1)) {
            return Turn::Behind;
        }
        if now < self.due {
            return Turn::In(self.due - now);
        }
        if self.rate.is_some() {
            self.look_back(now);
        }
        if let Some(rate) = &self.rate {
            self.due = now + Duration::from_secs_f64(1.0 / rate.now);
        }
        self.open += 1;
        let last = self.window.is_some_and(|most| self.open >= (most as usize).max(1));
        Turn::Now(Ticket { level: self.level, sent: now, few: self.open <= 2, last })
    }

    /// Notes how a request ended that had its turn.
    pub(crate) fn ended(&mut self, ticket: Ticket, how: Ended, now: Duration) {
        self.open = self.open.saturating_sub(1);
        let refused = match how {
            Ended::Well => false,
            Ended::Refused(_) => true,
            Ended::Otherwise => return,
        };
        self.answers.push_back(Answer { at: now, well: !refused, level: ticket.level });
        self.forget(now);
        if ticket.level == self.level {
            self.latest = (self.latest.0 << 1 | u64::from(refused), self.latest.1 + 1);
        }
        match how {
            Ended::Refused(pause) => self.refused(ticket, pause, now),
            Ended::Well | Ended::Otherwise => self.bore(now),
        }
    }

    /// Whether it answers some and refuses others, so that a refusal is not to be taken for an outage.
    pub(crate) fn is_busy(&self, now: Duration) -> bool {
        self.answers.iter().any(|answer| answer.well && now.saturating_sub(answer.at) <= WINDOW)
    }

    /// Whether a limit of its own is kept to: a refusal says nothing of the request that met it.
    pub(crate) fn is_limited(&self) -> bool {
        self.window.is_some() || self.rate.is_some() || self.settles.is_some()
    }

    fn refused(&mut self, ticket: Ticket, pause: Option<Duration>, now: Duration) {
        if ticket.level < self.level || self.settles.is_some() {
            return;
        }
        let most = self.refusals() >= LIMIT.max((self.noise * f64::from(LATEST)) as u32 + 1);
        match (&self.rate, &mut self.window) {
            (Some(_), _) => {
                self.seeks &= self.of_level().0 == 0;
                self.judge(pause, now);
            }
            (None, Some(window)) if *window < FEW && ticket.few => self.find_rate(pause, now),
            _ if most && pause.is_some_and(|pause| pause >= WINDOW) => self.find_rate(pause, now),
            _ if most => {
                // What was sent with it is on its way back.
                let way = now.saturating_sub(ticket.sent);
                self.settles = Some(now + way + way / 2 + Duration::from_millis(5));
            }
            (None, Some(window)) if self.seeks || ticket.last => {
                // It was well before the last step.
                *window = (if self.seeks { *window / 2.0 } else { *window - 1.0 }).max(1.0);
                self.seeks = false;
                self.level += 1;
            }
            (None, _) => {}
        }
    }

    /// It has answered one more.
    fn bore(&mut self, now: Duration) {
        if let Some(rate) = self.rate.as_mut().filter(|rate| self.seeks || rate.now < 1.0) {
            rate.now = (rate.now * SEEKING).min(FAST);
            rate.since = now;
            // What was refused before was refused by another host, so to speak.
            self.raise_level();
        }
        let quiet = self.refusals() == 0;
        if let Some(window) = self.window.as_mut().filter(|_| quiet) {
            *window += if self.seeks { 1.0 } else { 1.0 / *window };
            if *window >= WIDE {
                self.window = None;
            }
        }
    }

    /// It is asked as often a second as it has just borne.
    fn find_rate(&mut self, pause: Option<Duration>, now: Duration) {
        let borne = |answer: &&Answer| answer.well && now.saturating_sub(answer.at) <= WINDOW;
        let good = self.answers.iter().filter(borne).count();
        self.window = None;
        self.set_rate(good as f64, None, None, now);
        self.seeks = good == 0;
        self.due = self.due.max(now.saturating_add(pause.unwrap_or_default()));
    }

    fn set_rate(&mut self, rate: f64, before: Option<Before>, met: Option<Duration>, now: Duration) {
        let rate = rate.clamp(SLOW, FAST);
        self.rate = Some(Rate { now: rate, since: now, before, met });
        self.due = now + Duration::from_secs_f64(1.0 / rate);
        self.level += 1;
        self.latest = (0, 0);
    }

    /// Whether it is still asked too often.
    fn judge(&mut self, pause: Option<Duration>, now: Duration) {
        let Some(rate) = self.rate else { return };
        let (good, bad) = self.of_level();
        let share = bad as f64 / (good + bad).max(1) as f64;
        let none = good == 0 && bad >= NONE;
        if good + bad < TELLING && !none {
            return;
        }
        let told = good + bad >= 2 * TELLING;
        let borne = good as f64 / now.saturating_sub(rate.since).as_secs_f64();
        let as_before = |before: Before| {
            rate.now * 3.0 < before.rate && share >= before.share * 0.75 && borne < before.bore * 0.6
        };
        let unchanged = rate.before.is_some_and(as_before);
        if told && good > 0 && unchanged && share > 1.0 / 3.0 {
            // Far less was asked, the same share refused, and so far less answered: that is no limit.
            self.noise = (share * 1.4).min(0.9);
            self.rate = None;
            self.raise_level();
        } else if none || (told || rate.before.is_none()) && share > self.noise.max(1.0 / 3.0) {
            self.cut(share, now);
            self.due = self.due.max(now.saturating_add(pause.unwrap_or_default()));
        }
    }

    /// It is asked as often as it answered, if it did.
    fn cut(&mut self, share: f64, now: Duration) {
        let Some(rate) = self.rate else { return };
        let (good, _) = self.of_level();
        let over = now.saturating_sub(rate.since).max(Duration::from_millis(50)).as_secs_f64();
        let borne = good as f64 / over;
        let least = if good > 0 { 1.0 } else { SLOW };
        let slower = borne.clamp(rate.now / 2.0, rate.now * 0.95).max(least);
        let before = rate.before.unwrap_or(Before { rate: rate.now, share, bore: borne });
        self.set_rate(slower, Some(before).filter(|_| good > 0), Some(now), now);
        self.seeks = good == 0;
    }

    /// Once a second: whether the rate is right.
    fn look_back(&mut self, now: Duration) {
        let Some(rate) = self.rate else { return };
        let (good, bad) = self.of_level();
        let share = bad as f64 / (good + bad).max(1) as f64;
        if now.saturating_sub(rate.since) < WINDOW || good == 0 || bad > 0 && good + bad < TELLING {
            return;
        }
        if share > self.noise {
            let level = self.level;
            self.judge(None, now);
            if self.level == level {
                self.cut(share, now);
            }
            return;
        }
        let growth = match rate.met {
            None => UNKNOWN,
            Some(at) if now.saturating_sub(at) < KNOWN => NEAR,
            Some(_) => GROWTH,
        };
        let grown = rate.now * growth;
        self.rate = (grown < FAST).then_some(Rate { now: grown, since: now, before: None, ..rate });
        self.raise_level();
    }

    /// What was answered well of what was sent at this level, and what refused.
    fn of_level(&self) -> (usize, usize) {
        let of = |well: bool| self.answers.iter().filter(|a| a.level == self.level && a.well == well).count();
        (of(true), of(false))
    }

    /// Refusals among the latest answers.
    fn refusals(&self) -> u32 {
        (self.latest.0 & ((1 << LATEST) - 1)).count_ones()
    }

    fn raise_level(&mut self) {
        self.level += 1;
        self.latest = (0, 0);
    }

    fn forget(&mut self, now: Duration) {
        while self.answers.front().is_some_and(|answer| now.saturating_sub(answer.at) > KNOWN * 3) {
            self.answers.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
