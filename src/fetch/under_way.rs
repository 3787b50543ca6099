//! Questions that have no answer yet, for those who want to see what is being waited for.

use super::question::{File, Question};
use crate::vocabulary::Cause;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// A question under way.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    /// The module and its version; of a checksum database the file.
    pub(crate) name: String,
    /// Since when.
    pub(crate) since: Instant,
    /// Whom it was last about, and what it does there.
    pub(crate) stage: Option<Stage>,
    /// Tries that failed.
    pub(crate) failed: usize,
    /// What the last of them met.
    pub(crate) met: Option<Cause>,
}

/// What a question does.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// Whom it asks, or will ask.
    pub(crate) host: String,
    /// Whether it waits before it does.
    pub(crate) pause: Pause,
}

/// Whether a question waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It asks.
    None,
    /// Until then.
    Until(Instant),
    /// For another, which asks for all.
    ForAnother,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(super) struct List(Mutex<(u64, BTreeMap<u64, UnderWay>)>);

/// One of them; listed until it is dropped.
pub(super) struct Listed<'a> {
    list: &'a List,
    number: u64,
}

impl List {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, UnderWay>)> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lists a question.
    pub(super) fn add(&self, question: &Question) -> Listed<'_> {
        let name = match &question.file {
            File::Module { module, version, .. } if version.is_empty() => module.clone(),
            File::Module { module, version, .. } => format!("{module} {version}"),
            File::Database { .. } => question.path.clone(),
        };
        let (numbers, all) = &mut *self.lock();
        *numbers += 1;
        all.insert(*numbers, UnderWay { name, since: Instant::now(), stage: None, failed: 0, met: None });
        Listed { list: self, number: *numbers }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().1.len()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<UnderWay> {
        self.lock().1.values().cloned().collect()
    }
}

impl super::Fetcher {
    /// What is asked for now, the oldest question first.
    pub(crate) fn under_way(&self) -> Vec<UnderWay> {
        self.under_way.all()
    }

    /// Questions that were answered, and for how long all has failed since something was.
    pub(crate) fn course(&self) -> (u64, std::time::Duration) {
        let books = self.ledger.lock();
        let open = u64::try_from(self.under_way.len()).unwrap_or(u64::MAX);
        (books.tally.requests.saturating_sub(open), books.in_trouble())
    }
}

impl Listed<'_> {
    /// Notes whom it asks, or will ask once it has paused.
    pub(super) fn is_at(&self, host: &str, pause: Pause, failed: usize, met: Option<Cause>) {
        if let Some(it) = self.list.lock().1.get_mut(&self.number) {
            it.stage = Some(Stage { host: host.to_owned(), pause });
            (it.failed, it.met) = (failed, met);
        }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.list.lock().1.remove(&self.number);
    }
}
