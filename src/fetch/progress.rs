//! How far one try has come.

use crate::judgement::request::hedge::Moved;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How far a fetch has come; read by the one who may hedge it.
#[derive(Debug)]
pub(super) struct Progress {
    /// When it was asked for.
    pub(super) asked: Instant,
    /// When something was first done for it, in microseconds after that: it may have to wait its turn.
    begun_after_us: AtomicU64,
    /// When the headers were here, in the same way.
    headers_after_us: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) total: AtomicU64,
    /// When a byte last came, in the same way.
    moved_after_us: AtomicU64,
}

/// Not yet.
const NEVER: u64 = u64::MAX;

impl Progress {
    pub(super) fn new() -> Progress {
        Progress {
            asked: Instant::now(),
            begun_after_us: AtomicU64::new(NEVER),
            headers_after_us: AtomicU64::new(NEVER),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(NEVER),
            moved_after_us: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.asked.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    /// Something is done for it from now on, if nothing was before.
    pub(super) fn begin(&self) {
        self.begun_after_us.fetch_min(self.now(), Ordering::Relaxed);
    }

    pub(super) fn headers_are_here(&self) {
        self.headers_after_us.store(self.now(), Ordering::Relaxed);
        self.moves();
    }

    /// Notes that a byte came.
    pub(super) fn moves(&self) {
        self.moved_after_us.store(self.now(), Ordering::Relaxed);
    }

    /// For how long nothing has come; nothing while it waits for its turn.
    pub(super) fn silent_for(&self) -> Duration {
        let begun = self.begun_after_us.load(Ordering::Relaxed);
        let since = self.moved_after_us.load(Ordering::Relaxed).max(begun);
        Duration::from_micros(self.now().saturating_sub(since))
    }

    /// Time from the beginning to the headers, once they are here.
    pub(super) fn first_byte(&self) -> Option<Duration> {
        let begun = self.begun_after_us.load(Ordering::Relaxed);
        let us = self.headers_after_us.load(Ordering::Relaxed);
        (us != NEVER).then(|| Duration::from_micros(us.saturating_sub(begun)))
    }

    /// The same for the rules of hedging.
    pub(super) fn moved(&self) -> Moved {
        let begun = self.begun_after_us.load(Ordering::Relaxed);
        let elapsed = Duration::from_micros(self.now().saturating_sub(begun));
        let total = self.total.load(Ordering::Relaxed);
        Moved {
            elapsed,
            body: self.first_byte().map(|first| elapsed.saturating_sub(first)),
            bytes: self.bytes.load(Ordering::Relaxed),
            total: (total != NEVER).then_some(total),
        }
    }
}
