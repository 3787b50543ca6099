//! Takes the samples for the judge, at a price that stays small, and asks the hooks.

use super::growth::{WatchedFolders, fingerprint};
use super::locks::waits_for_stranger;
use super::person::Desk;
use super::stall::{Judge, Sample};
use super::tree::Tree;
use super::{Hooks, Later, Watch};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Nothing is looked at before an attempt is this old: most are over by then.
const FIRST: Duration = Duration::from_secs(1);

/// Between two samples.
const PERIOD: Duration = Duration::from_millis(500);

/// A sample may cost one part in this many of the time; on a machine with many thousand
/// processes samples become rarer instead of dearer.
const SHARE: u32 = 50;

/// Samples are never rarer than this, or the judge would think gox had been stopped.
const LONGEST_PERIOD: Duration = Duration::from_secs(4);

/// Folders that are not found within this time, and a look at them that takes longer, say nothing any more.
const LONGEST_WALK: Duration = Duration::from_secs(15);

/// What came back from something that was asked or started.
pub(super) enum News {
    /// The answer of [`Hooks::on_quiet`].
    Answer(Option<String>),
    /// The answer of [`Hooks::growth`].
    Folders(Option<WatchedFolders>),
    /// A finished look at the folders.
    Grown(Option<u64>),
}

enum Folders {
    Unknown,
    Asked(Instant, Later<Option<WatchedFolders>>),
    Known(WatchedFolders),
    None,
}

/// Watches one attempt.
pub(super) struct Watcher {
    watch: Watch,
    begin: Instant,
    due: Instant,
    judge: Judge,
    desk: Desk,
    /// Somebody was asked something.
    somebody_asked: bool,
    /// [`Hooks::on_quiet`] was asked in the present silence.
    asked: bool,
    question: Option<Later<Option<String>>>,
    folders: Folders,
    walk: Option<(Instant, JoinHandle<u64>)>,
}

impl Watcher {
    pub(super) fn new(watch: Watch, begin: Instant, root: i32) -> Watcher {
        Watcher {
            watch,
            begin,
            due: begin + FIRST,
            judge: Judge::new(root),
            desk: Desk::now(),
            somebody_asked: false,
            asked: false,
            question: None,
            folders: Folders::Unknown,
            walk: None,
        }
    }

    /// How long nothing has moved.
    pub(super) fn still(&self) -> Duration {
        self.judge.still_for(self.begin.elapsed())
    }

    /// Whether somebody at the terminal was asked something.
    pub(super) fn has_asked(&self) -> bool {
        self.somebody_asked
    }

    /// When the next sample is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Waits for whatever was asked or started. Losing the future loses nothing.
    pub(super) async fn news(&mut self) -> News {
        let Watcher { question, folders, walk, .. } = self;
        tokio::select! {
            answer = some(question.as_mut()) => News::Answer(answer),
            found = some(match folders { Folders::Asked(_, later) => Some(later), _ => None }) => News::Folders(found),
            grown = some(walk.as_mut().map(|(_, walk)| walk)) => News::Grown(grown.ok()),
        }
    }

    /// Takes news; a reason ends the attempt.
    pub(super) fn take(&mut self, news: News) -> Option<String> {
        match news {
            News::Answer(reason) => {
                self.question = None;
                return reason;
            }
            News::Folders(found) => self.folders = found.map_or(Folders::None, Folders::Known),
            News::Grown(grown) => {
                self.walk = None;
                if let Some(fingerprint) = grown {
                    self.judge.observe_growth(self.begin.elapsed(), fingerprint);
                }
            }
        }
        None
    }

    /// Takes a sample and does what follows from it; true if go is stalled.
    pub(super) fn look(&mut self, tree: &mut Tree, relayed: u64, hooks: &mut impl Hooks) -> bool {
        let before = Instant::now();
        let at = before.duration_since(self.begin);
        let processes = tree.look();
        let pids: Vec<i32> = processes.iter().flatten().map(|process| process.pid).collect();
        let relayed = relayed.wrapping_add(hooks.moved());
        let asks = processes.as_deref().is_some_and(|all| self.desk.is_somebody_asked(all, tree.root()));
        self.somebody_asked |= asks;
        // A person is waited for as a lock is.
        self.judge.observe(Sample { at, processes, relayed }, || asks || waits_for_stranger(&pids));
        let now = Instant::now();
        self.due = now + (now.duration_since(before) * SHARE).clamp(PERIOD, LONGEST_PERIOD);

        let still = self.judge.still_for(at);
        if still < self.watch.quiet {
            self.asked = false;
            self.question = None;
        } else if !self.asked {
            self.asked = true;
            self.question = hooks.on_quiet();
            if let Folders::Unknown = self.folders {
                self.folders = hooks.growth().map_or(Folders::None, |later| Folders::Asked(now, later));
            }
        }
        let Some(stall) = self.watch.stall else { return false };
        if let (Folders::Known(growth), None) = (&self.folders, &self.walk)
            && self.judge.wants_growth(at, stall)
        {
            // Beside the loop, since a large cache takes a while; the thread starts no process.
            let growth = growth.clone();
            self.walk = Some((now, tokio::task::spawn_blocking(move || fingerprint(&growth))));
        }
        // Neither folders that are being found for long nor a file server that does not answer may keep a
        // stalled go alive; but a busy machine may have asked for them this moment.
        let hangs = |since: &Instant| since.elapsed() > LONGEST_WALK;
        let watches_growth = match &self.folders {
            Folders::Known(_) => !self.walk.as_ref().is_some_and(|(since, _)| hangs(since)),
            Folders::Asked(since, _) => !hangs(since),
            Folders::Unknown | Folders::None => false,
        };
        self.judge.is_stalled(at, stall, watches_growth)
    }
}

/// Waits for a future that may not be there.
async fn some<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
