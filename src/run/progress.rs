//! How far the run is, for the person who waits: gathers what is known and gives it to the child's teller.

use super::Run;
use crate::child::{Seen, Teller, Told};
use crate::configuration::Verbosity;
use crate::fetch::Fetcher;
use crate::fetch::under_way::{Pause, UnderWay};
use crate::fill::Counts;
use crate::machine::locale;
use crate::progress::{self, Facts, Pace, Slow, Wait};
use crate::redact;
use crate::words::Language;
use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first look: most runs are over by then, and have paid nothing.
const FIRST: Duration = Duration::from_secs(1);

/// Between two looks on a terminal.
const PERIOD: Duration = Duration::from_millis(200);

/// Between two looks elsewhere, where one line each half minute is all that may come of it.
const RARELY: Duration = Duration::from_secs(1);

/// Trouble that is younger is none for a person.
const TROUBLE: Duration = Duration::from_secs(3);

/// What the run and the teller share.
#[derive(Default)]
pub(super) struct Course {
    fetcher: RefCell<Option<Arc<Fetcher>>>,
    fill: RefCell<Option<Arc<Counts>>>,
    attempt: Cell<usize>,
    stall: Cell<Duration>,
    wait: Cell<Option<Until>>,
    /// What a go without the fetcher said last, if it was that it downloads something.
    word: RefCell<Option<String>>,
    /// A go without the fetcher said at any time that it downloads something.
    downloaded: Cell<bool>,
}

/// How go begins to say that it downloads something.
const DOWNLOADS: &[u8] = b"go: downloading ";

/// What the run itself waits for, and until when.
#[derive(Clone, Copy)]
enum Until {
    Attempt(Instant),
    Network(Instant),
}

impl Course {
    /// An attempt begins, with so much patience; numbers come from there.
    pub(super) fn begins(
        &self,
        attempt: usize,
        stall: Duration,
        (fetcher, fill): (Option<Arc<Fetcher>>, Option<Arc<Counts>>),
    ) {
        self.attempt.set(attempt);
        self.stall.set(stall);
        self.wait.set(None);
        *self.word.borrow_mut() = None;
        *self.fetcher.borrow_mut() = fetcher;
        *self.fill.borrow_mut() = fill;
    }

    /// go, which asks for itself, said this.
    pub(super) fn hears(&self, bytes: &[u8]) {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let last = whole.rsplit(|byte| *byte == b'\n').next().and_then(|line| line.strip_prefix(DOWNLOADS));
        *self.word.borrow_mut() = last.map(|line| String::from_utf8_lossy(line).into_owned());
        if !self.downloaded.get() {
            self.downloaded.set(whole.split(|byte| *byte == b'\n').any(|line| line.starts_with(DOWNLOADS)));
        }
    }

    /// Whether go said that it downloads something, without the fetcher.
    pub(super) fn has_downloaded(&self) -> bool {
        self.downloaded.get()
    }

    /// The next attempt begins then.
    pub(super) fn waits_for_the_next(&self, until: Instant) {
        self.wait.set(Some(Until::Attempt(until)));
    }

    /// Until then a network is waited for.
    pub(super) fn waits_for_a_network(&self, until: Instant) {
        self.wait.set(Some(Until::Network(until)));
    }
}

impl Run {
    /// Shows from now on how far the run is, where somebody may want to see it.
    pub(super) fn show_progress(&mut self) {
        let settings = &self.job.settings;
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !settings.progress || settings.verbosity == Verbosity::Quiet || dumb {
            return;
        }
        let terminal = std::io::stderr().is_terminal();
        if !terminal && self.job.as_go {
            return;
        }
        let now = Instant::now();
        let reporter = Reporter {
            course: self.course.clone(),
            pace: Pace::default(),
            language: locale::language(settings.lang),
            terminal,
            haste: haste(),
            budget: self.policy.budget,
            begun: self.started,
            due: now.max(self.started + FIRST / haste()),
        };
        self.supervisor.has_told_by(Box::new(reporter), terminal);
    }
}

/// For tests: how many times faster time goes here. A gox that is released has no such ear.
fn haste() -> u32 {
    let told = || std::env::var("GOX_TEST_HASTE").ok()?.parse().ok();
    cfg!(debug_assertions).then(told).flatten().unwrap_or(1)
}

/// Looks and tells.
struct Reporter {
    course: Rc<Course>,
    pace: Pace,
    language: Language,
    terminal: bool,
    haste: u32,
    budget: Duration,
    begun: Instant,
    due: Instant,
}

impl Teller for Reporter {
    fn due(&self) -> Instant {
        self.due
    }

    fn tell(&mut self, seen: Seen) -> Told {
        let now = Instant::now();
        self.due = now + if self.terminal { PERIOD } else { RARELY } / self.haste;
        let facts = self.facts(seen, now);
        let course = self.pace.look(now.duration_since(self.begun) * self.haste, &facts);
        if self.terminal {
            let shown = self.pace.shows(course, &facts);
            let lines = || progress::block(&facts, course, self.language, seen.columns);
            return Told::Block(if shown { lines() } else { vec![] });
        }
        if self.pace.tells(course) {
            let text = progress::line(&facts, course);
            return Told::Line(format!("gox: {}", redact::line(text.in_language(self.language))));
        }
        Told::Block(vec![])
    }
}

impl Reporter {
    fn facts(&self, seen: Seen, now: Instant) -> Facts {
        let course = &self.course;
        let fetcher = course.fetcher.borrow();
        let mut facts = Facts {
            attempt: course.attempt.get(),
            modules: course.fill.borrow().as_ref().map(|fill| fill.course()).filter(|(_, known)| *known > 0),
            silent: seen.silent * self.haste,
            in_company: seen.in_company,
            ..Facts::default()
        };
        if let Some(fetcher) = &*fetcher {
            let (answered, trouble) = fetcher.course();
            let under_way = fetcher.under_way();
            (facts.files, facts.bytes, facts.under_way) = (answered, fetcher.bytes_moving(), under_way.len());
            facts.left = (trouble >= TROUBLE).then(|| self.budget.saturating_sub(trouble));
            facts.slowest = slowest(&under_way, self.haste);
            facts.wait = host(&under_way, now);
        }
        match course.wait.get() {
            Some(Until::Attempt(until)) => {
                facts.wait = Some(Wait::Attempt { left: until.saturating_duration_since(now) });
            }
            Some(Until::Network(until)) => {
                facts.wait = Some(Wait::Network { left: until.saturating_duration_since(now) });
            }
            None if facts.under_way == 0 => {
                let still = seen.still.filter(|still| *still >= progress::SILENCE);
                let stuck = still.map(|still| Wait::Go { still, stall: course.stall.get() });
                // What it compiles or asks git for, its children do.
                let word = course.word.borrow().clone().filter(|_| seen.still.is_some() && !seen.in_company);
                facts.wait = stuck.or(word.map(|name| Wait::Word { name }));
            }
            None => {}
        }
        facts
    }
}

/// The one that has been at it for the longest time.
fn slowest(under_way: &[UnderWay], haste: u32) -> Option<Slow> {
    let asks = |it: &&UnderWay| it.stage.as_ref().is_some_and(|stage| stage.pause == Pause::None);
    let oldest = under_way.iter().find(asks).or(under_way.first())?;
    let host = oldest.stage.as_ref().map(|stage| stage.host.clone()).unwrap_or_default();
    Some(Slow { name: oldest.name.clone(), host, age: oldest.since.elapsed() * haste })
}

/// The host that all who are under way wait for, the one that is asked again first; `None` where some of them
/// ask.
fn host(under_way: &[UnderWay], now: Instant) -> Option<Wait> {
    let n = under_way.iter().map(|it| it.failed).max().unwrap_or(0) + 1;
    let mut first: Option<(Option<Instant>, Wait)> = None;
    for it in under_way {
        let stage = it.stage.as_ref()?;
        let until = match stage.pause {
            Pause::None => return None,
            Pause::Until(until) => Some(until.into_std()),
            Pause::ForAnother => None,
        };
        let sooner = match (&first, until) {
            (None, _) | (Some((None, _)), Some(_)) => true,
            (Some((Some(known), _)), Some(until)) => until < *known,
            (Some(_), None) => false,
        };
        if sooner {
            let left = until.map(|until| until.saturating_duration_since(now));
            first = Some((until, Wait::Host { host: stage.host.clone(), left, n, cause: it.met }));
        }
    }
    first.map(|(_, wait)| wait)
}
