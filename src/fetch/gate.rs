//! How many requests one HTTP/2 connection carries at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Most streams of one connection, whatever the peer would take.
const STREAMS: usize = 64;

/// Streams that are kept for what go waits for.
const KEPT: usize = 4;

/// How often a peer's SETTINGS are looked for before they are here, ...
const SOON: Duration = Duration::from_millis(5);

/// ... and whether they have changed, afterwards.
const LATER: Duration = Duration::from_millis(100);

/// Streams that are allowed before the peer has said how many it takes, a round trip later: as many as fit into
/// what it may send by then. go allows a hundred. Who takes fewer refuses the others, which are sent anew.
pub(super) const BEFORE_SETTINGS: usize = 16;

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// go does: nothing else comes before it.
    #[default]
    Go,
    /// Nobody yet: the file will be needed.
    Fill,
}

#[derive(Debug)]
struct Count {
    open: usize,
    /// What the peer has shown it bears; below its SETTINGS where it refused streams.
    bears: usize,
}

/// The permits of one connection.
#[derive(Debug)]
pub(super) struct Gate {
    count: Mutex<Count>,
    freed: Notify,
    shut: AtomicBool,
    /// An answer has come, and before it what the peer takes.
    answered: AtomicBool,
}

/// The right to one stream; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    /// The peer had not said how many it takes.
    early: bool,
}

impl Permit {
    /// Notes that the peer has answered on this connection: by then it has said how many streams it takes.
    pub(super) fn answered(&self) {
        self.gate.answered.store(true, Ordering::Relaxed);
    }

    /// Notes that the peer refused the stream: it bears fewer than are open now. What it could not say in time is no
    /// sign of that.
    pub(super) fn refused(&self) {
        if !self.early {
            self.gate.narrow();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.lock().open -= 1;
        self.gate.freed.notify_waiters();
    }
}

impl Gate {
    pub(super) fn new() -> Arc<Gate> {
        Arc::new(Gate {
            count: Mutex::new(Count { open: 0, bears: STREAMS }),
            freed: Notify::new(),
            shut: AtomicBool::new(false),
            answered: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for a stream; `settings` tells what the peer allows now. `None` where the connection has
    /// ended.
    pub(super) async fn enter(
        self: &Arc<Gate>,
        waiting: Waiting,
        settings: impl Fn() -> usize,
    ) -> Option<Permit> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.is_shut() {
                return None;
            }
            let allowed = settings();
            // A peer may take just as many as are allowed before.
            let early = allowed == BEFORE_SETTINGS && !self.answered.load(Ordering::Relaxed);
            {
                let mut count = self.lock();
                let most = STREAMS.min(count.bears).min(allowed).max(1);
                let most = match waiting {
                    Waiting::Go => most,
                    Waiting::Fill => most.saturating_sub(KEPT).max(1),
                };
                if count.open < most {
                    count.open += 1;
                    return Some(Permit { gate: self.clone(), early });
                }
            }
            let look = if early { SOON } else { LATER };
            tokio::select! {
                () = freed => {}
                () = tokio::time::sleep(look) => {}
            }
        }
    }

    fn narrow(&self) {
        let mut count = self.lock();
        count.bears = (count.open.min(count.bears) / 2).max(1);
    }

    /// Streams that are open now.
    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    /// Ends the waiting for good: the connection has ended.
    pub(super) fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
        self.freed.notify_waiters();
    }

    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    async fn fill(gate: &Arc<Gate>, waiting: Waiting, allowed: usize) -> Vec<Permit> {
        let mut permits = Vec::new();
        while let Ok(permit) =
            tokio::time::timeout(Duration::from_millis(1), gate.enter(waiting, || allowed)).await
        {
            permits.push(permit.unwrap());
        }
        permits
    }

    #[tokio::test(start_paused = true)]
    async fn streams_stay_below_the_peers_limit_and_some_are_gos() {
        for (allowed, go, others) in [(usize::MAX, 64, 60), (100, 64, 60), (10, 10, 6), (1, 1, 1), (0, 1, 1)]
        {
            assert_eq!(fill(&Gate::new(), Waiting::Go, allowed).await.len(), go, "{allowed}");
            let gate = Gate::new();
            let taken = fill(&gate, Waiting::Fill, allowed).await;
            assert_eq!(taken.len(), others, "{allowed}");
            assert_eq!(fill(&gate, Waiting::Go, allowed).await.len(), go - others, "{allowed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_freed_stream_new_settings_and_the_end_wake_who_waits() {
        let gate = Gate::new();
        let allowed = Arc::new(AtomicUsize::new(1));
        let first = gate.enter(Waiting::Go, || 1).await.unwrap();
        let waiter = |gate: Arc<Gate>, allowed: Arc<AtomicUsize>| {
            tokio::spawn(async move {
                gate.enter(Waiting::Go, || allowed.load(Ordering::Relaxed)).await.map(std::mem::forget)
            })
        };
        let second = waiter(gate.clone(), allowed.clone());
        tokio::task::yield_now().await;
        drop(first);
        assert!(second.await.unwrap().is_some());
        let third = waiter(gate.clone(), allowed.clone());
        tokio::task::yield_now().await;
        allowed.store(2, Ordering::Relaxed);
        assert!(third.await.unwrap().is_some());
        let fourth = waiter(gate.clone(), allowed);
        tokio::task::yield_now().await;
        gate.shut();
        assert!(fourth.await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_before_the_peer_could_say_how_many_it_takes_is_no_sign() {
        let gate = Gate::new();
        let early = fill(&gate, Waiting::Go, BEFORE_SETTINGS).await;
        assert_eq!(early.len(), BEFORE_SETTINGS);
        early.iter().for_each(Permit::refused);
        drop(early);
        let later = fill(&gate, Waiting::Go, 100).await;
        assert_eq!(later.len(), STREAMS);
        later[0].refused();
        drop(later);
        assert_eq!(fill(&gate, Waiting::Go, 100).await.len(), STREAMS / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_as_many_as_are_sent_before_is_believed_once_it_has_answered() {
        let gate = Gate::new();
        let all = fill(&gate, Waiting::Go, BEFORE_SETTINGS).await;
        all[0].answered();
        drop(all);
        let all = fill(&gate, Waiting::Go, BEFORE_SETTINGS).await;
        assert_eq!(all.len(), BEFORE_SETTINGS);
        all[0].refused();
        drop(all);
        assert_eq!(fill(&gate, Waiting::Go, BEFORE_SETTINGS).await.len(), BEFORE_SETTINGS / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_refuses_streams_gets_fewer() {
        let gate = Gate::new();
        let permits = fill(&gate, Waiting::Go, 100).await;
        gate.narrow();
        drop(permits);
        assert_eq!(fill(&gate, Waiting::Go, 100).await.len(), 32);
        (0..9).for_each(|_| gate.narrow());
        assert_eq!(fill(&Gate::new(), Waiting::Go, 100).await.len(), 64);
    }
}
