//! How far a run has come: what is known of it, when it is shown, and as which lines.
//!
//! Pure: time comes in as the time since the run began. [`Facts`] are a look at one moment, [`Pace`] decides
//! from one look after the other when something is seen, `lines` finds the words and fits them into a width, `receipt` counts what was
//! saved in the end.
//!
//! On a terminal a block of lines below go's own says how far the run is, from [`FILLING`] or [`SILENCE`] on and
//! for as long as the network is waited for. Elsewhere one plain line tells of it, after [`PLAIN`] and then each
//! time as much again has gone by.

mod lines;
mod receipt;

pub(crate) use lines::{block, line, span, volume};
pub(crate) use receipt::{Needed, receipt};

use crate::vocabulary::Cause;
use std::collections::VecDeque;
use std::time::Duration;

/// A fill that is at work this long after the run began is shown.
pub(crate) const FILLING: Duration = Duration::from_secs(1);

/// After this long without a word of go's, a run that waits for the network is shown.
pub(crate) const SILENCE: Duration = Duration::from_secs(3);

/// After this long, and each time as much again has gone by, a line tells of the network where no terminal is.
pub(crate) const PLAIN: Duration = Duration::from_secs(30);

/// A shorter time without any request under way is none: the next one is being prepared.
const GAP: Duration = Duration::from_secs(2);

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(4);

/// A look at a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The number of the attempt that runs.
    pub(crate) attempt: usize,
    /// Modules that are here, and how many there will be, where that is known.
    pub(crate) modules: Option<(u64, u64)>,
    /// Requests that were answered.
    pub(crate) files: u64,
    /// Bytes that came.
    pub(crate) bytes: u64,
    /// Requests that are under way.
    pub(crate) under_way: usize,
    /// The request that has been under way for the longest time.
    pub(crate) slowest: Option<Slow>,
    /// What else is waited for.
    pub(crate) wait: Option<Wait>,
    /// What is left of the budget, while nothing moves but it.
    pub(crate) left: Option<Duration>,
    /// For how long go has said nothing.
    pub(crate) silent: Duration,
    /// Something runs below go that may talk to the person at the terminal.
    pub(crate) in_company: bool,
}

/// A request that takes long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slow {
    /// The module and its version, or the file.
    pub(crate) name: String,
    /// Whom it was sent to.
    pub(crate) host: String,
    /// For how long it has been under way.
    pub(crate) age: Duration,
}

/// What is waited for besides bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The next attempt.
    Attempt {
        /// Until it begins.
        left: Duration,
    },
    /// Any network.
    Network {
        /// Until gox gives up.
        left: Duration,
    },
    /// A host that failed or asked to wait.
    Host {
        /// Whom.
        host: String,
        /// Until it is asked again; `None` while another request asks it for all.
        left: Option<Duration>,
        /// Which try that will be.
        n: usize,
        /// What it did at the last one; `None` where it has not failed.
        cause: Option<Cause>,
    },
    /// A go that runs without the fetcher and moves: for a large file, maybe.
    Word {
        /// What it said last that it downloads.
        name: String,
    },
    /// A go that runs without the fetcher, and does not move.
    Go {
        /// For how long nothing has moved.
        still: Duration,
        /// After how long it counts as stalled.
        stall: Duration,
    },
}

/// When what is seen. One for a run.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Since when the network is waited for.
    since: Option<Duration>,
    /// When it was last seen to be waited for.
    busy: Duration,
    /// Lines that were told of the present wait.
    told: u32,
    /// The block is up.
    shown: bool,
    /// Bytes by time.
    samples: VecDeque<(Duration, u64)>,
    /// When a byte last came.
    moved: Duration,
}

/// What [`Pace`] adds to a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// Since the run began.
    pub(crate) now: Duration,
    /// Bytes a second, where some came lately.
    pub(crate) rate: u64,
    /// For how long no byte has come.
    pub(crate) still: Duration,
    /// For how long the network is waited for.
    pub(crate) waiting: Duration,
}

impl Pace {
    /// Takes a look; to be called for each, also where nothing is shown.
    pub(crate) fn look(&mut self, now: Duration, facts: &Facts) -> Course {
        let before = self.samples.back().map_or(0, |(_, bytes)| *bytes);
        if facts.bytes > before || facts.under_way == 0 {
            self.moved = now;
        }
        self.samples.push_back((now, facts.bytes));
        while self.samples.len() > 2 && self.samples[1].0 + WINDOW <= now {
            self.samples.pop_front();
        }
        if facts.under_way > 0 || facts.wait.is_some() {
            self.since.get_or_insert(now);
            self.busy = now;
        } else if now.saturating_sub(self.busy) > GAP {
            (self.since, self.told) = (None, 0);
        }
        let (first, bytes) = self.samples[0];
        let span = now.saturating_sub(first).as_millis();
        let came = u128::from(facts.bytes.saturating_sub(bytes)) * 1000;
        let rate = came.checked_div(span).unwrap_or(0);
        Course {
            now,
            rate: u64::try_from(rate).unwrap_or(u64::MAX),
            still: now.saturating_sub(self.moved),
            waiting: self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since)),
        }
    }

    /// Whether a block is to be seen after this look.
    pub(crate) fn shows(&mut self, course: Course, facts: &Facts) -> bool {
        let begins = match &facts.wait {
            Some(Wait::Attempt { .. } | Wait::Network { .. }) => true,
            Some(Wait::Go { still, .. }) => *still >= SILENCE,
            Some(Wait::Word { .. }) => facts.silent >= SILENCE,
            Some(Wait::Host { .. }) | None => {
                let fills = facts.modules.is_some_and(|(done, known)| done < known);
                fills && course.now >= FILLING || facts.silent >= SILENCE && course.waiting >= SILENCE
            }
        };
        let goes_on = self.shown && self.since.is_some();
        self.shown = self.since.is_some() && !facts.in_company && (begins || goes_on);
        self.shown
    }

    /// Whether a plain line is to be told after this look, where there is no terminal.
    pub(crate) fn tells(&mut self, course: Course) -> bool {
        let due = course.waiting >= PLAIN * (self.told + 1);
        self.told += u32::from(due);
        due
    }
}

#[cfg(test)]
mod tests;
