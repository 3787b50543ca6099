//! The open connections to one origin: which of them takes a request, and when there may be one more.

use super::body::Idle;
use super::crowd::Crowd;
use super::fault::Fault;
use super::gate::{Gate, Waiting};
use super::line::{Http2, Line};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Requests of the fill that HTTP/1.1 connections to one origin carry at a time. With those that go waits for
/// beside them an origin sees eight at most on the two cores of a runner.
const HTTP1_FILLS: usize = 6;

/// The open connections to one origin.
pub(super) struct Lines {
    /// Held while the first connection is made: where it speaks HTTP/2, it is the only one. Who waited
    /// while that failed has failed with it.
    pub(super) opening: tokio::sync::Mutex<Option<(Instant, Fault)>>,
    kept: Mutex<Kept>,
    pub(super) idle: Arc<Idle>,
    /// Those that speak HTTP/1.1.
    pub(super) crowd: Arc<Crowd>,
    /// Turns of the fill on HTTP/1.1.
    pub(super) fills: Arc<Semaphore>,
}

/// Those that are kept.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) http2: Vec<Http2>,
    /// It chose HTTP/1.1: connections need not wait for each other.
    pub(super) speaks_http1: bool,
}

impl Lines {
    pub(super) fn new() -> Arc<Lines> {
        let crowd: Arc<Crowd> = Arc::default();
        Arc::new(Lines {
            opening: tokio::sync::Mutex::new(None),
            kept: Mutex::default(),
            idle: Idle::new(crowd.clone()),
            crowd,
            fills: Arc::new(Semaphore::new(HTTP1_FILLS)),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A kept connection, if one can take a request: of the first `most` where they speak HTTP/2. Those beyond, opened
    /// for parts of large files, may carry little.
    pub(super) async fn kept(&self, waiting: Waiting, most: usize) -> Option<Line> {
        if let Some(sender) = self.idle.take() {
            return Some(Line::Http1(sender, None));
        }
        let http2 = {
            let mut kept = self.lock();
            kept.http2.retain(|http2| !http2.gate.is_shut());
            kept.http2.iter().take(most).min_by_key(|http2| http2.gate.open())?.clone()
        };
        let Http2 { sender, gate } = http2;
        let permit = gate.enter(waiting, || sender.current_max_send_streams()).await?;
        Some(Line::Http2(sender, permit, gate))
    }

    /// What is done over a new HTTP/1.1 connection that `may_be_left`; `None` where that is one too many, as it seems.
    pub(super) async fn unless_silent<T>(
        &self,
        may_be_left: bool,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        if !may_be_left {
            return Some(work.await);
        }
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.crowd.others_are_served(|| self.idle.has_one()) => None,
        }
    }

    /// Whether all of its HTTP/2 connections carry so many streams, and there may be `allowed`.
    pub(super) fn may_grow(&self, allowed: usize, busy: usize) -> bool {
        let kept = self.lock();
        let open = kept.http2.iter().filter(|http2| !http2.gate.is_shut());
        let least = open.clone().map(|http2| http2.gate.open()).min();
        open.count() < allowed && least.is_some_and(|streams| streams >= busy)
    }

    /// Sends nothing new over a connection; what it carries may still arrive.
    pub(super) fn retire(&self, gate: &Arc<Gate>) {
        self.lock().http2.retain(|http2| !Arc::ptr_eq(&http2.gate, gate));
    }

    /// Sends nothing new over any connection that is there; what they carry may still arrive.
    pub(super) fn retire_all(&self) {
        self.retire_all_but(None);
    }

    /// The same, one of them left out.
    pub(super) fn retire_all_but(&self, kept: Option<&Arc<Gate>>) {
        self.lock().http2.retain(|http2| kept.is_some_and(|gate| Arc::ptr_eq(&http2.gate, gate)));
        while self.idle.close_one() {}
    }

    /// Closes one connection that nobody uses.
    pub(super) fn close_idle(&self) -> bool {
        let unused = {
            let mut kept = self.lock();
            let at = kept.http2.iter().position(|http2| http2.gate.open() == 0);
            at.map(|at| kept.http2.swap_remove(at))
        };
        unused.is_some() || self.idle.close_one()
    }
}
