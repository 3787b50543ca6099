//! The parts of one body that come side by side: where each begins, and which are on their way.

use std::sync::{Mutex, MutexGuard};

/// A part of the whole.
pub(super) struct Segment {
    pub(super) begin: u64,
    pub(super) end: u64,
    /// It is on its way.
    pub(super) flows: bool,
}

/// The parts of one zip that others ask for.
#[derive(Default)]
pub(super) struct Parts(Mutex<Vec<Segment>>);

impl Parts {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Where the next begins that others bring, seen from here.
    pub(super) fn next_begin(&self, at: u64) -> Option<u64> {
        let segments = self.lock();
        segments.iter().find(|segment| segment.flows && segment.begin >= at).map(|segment| segment.begin)
    }
}
