//! How many HTTP/1.1 connections a host serves at once. Those beyond are taken, or left in its queue, and not
//! answered: what is asked over them moves to one that was answered, and no more are opened than that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A new connection that stays silent this long, ...
pub(super) const SILENT: Duration = Duration::from_secs(1);

/// ... while so many answers came over others, may be one too many.
const OTHERS: usize = 2;

/// How long what moved waits for a connection that was answered, before it opens another.
pub(super) const FOR_A_KEPT_ONE: Duration = Duration::from_secs(3);

/// How long it holds that a host serves so many: a load balancer, or a neighbour, may be another by then.
const HOLDS: Duration = Duration::from_secs(30);

/// Woken at the latest after this, whoever waits for a connection looks again.
const LOOK: Duration = Duration::from_millis(50);

/// The HTTP/1.1 connections to one origin.
#[derive(Default)]
pub(super) struct Crowd {
    open: AtomicUsize,
    answers: AtomicUsize,
    /// What was learned, and when.
    most: Mutex<Option<(usize, Instant)>>,
    changed: Notify,
}

/// One of them, from before it is dialled until it has ended.
pub(super) struct Member(Arc<Crowd>);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }
}

impl Crowd {
    /// One more.
    pub(super) fn join(self: &Arc<Crowd>) -> Member {
        self.open.fetch_add(1, Ordering::Relaxed);
        Member(self.clone())
    }

    /// An answer came over one of them.
    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends once [`SILENT`] has passed in which [`OTHERS`] were answered, or after which one `is_free`.
    pub(super) async fn others_are_served(&self, is_free: impl Fn() -> bool) {
        loop {
            let before = self.answers.load(Ordering::Relaxed);
            tokio::time::sleep(SILENT).await;
            if is_free() || self.answers.load(Ordering::Relaxed).wrapping_sub(before) >= OTHERS {
                return;
            }
        }
    }

    /// What moved was answered at once over a connection that was there: it serves no more than are open now.
    pub(super) fn is_all_it_serves(&self) {
        let open = self.open.load(Ordering::Relaxed).max(1);
        *self.most.lock().unwrap_or_else(PoisonError::into_inner) = Some((open, Instant::now()));
    }

    /// Whether one more would not be answered.
    pub(super) fn is_full(&self) -> bool {
        let most = *self.most.lock().unwrap_or_else(PoisonError::into_inner);
        most.is_some_and(|(most, since)| since.elapsed() < HOLDS && self.open.load(Ordering::Relaxed) >= most)
    }

    /// One of them was given back.
    pub(super) fn has_one_free(&self) {
        self.changed.notify_one();
    }

    /// Waits until one may be free, or has ended.
    pub(super) async fn change(&self) {
        // Whoever was woken may have come too late: a look costs little.
        let _ = tokio::time::timeout(LOOK, self.changed.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_is_too_many_while_others_are_answered_and_only_then() {
        let crowd = Arc::new(Crowd::default());
        let silent = tokio::time::timeout(SILENT * 10, crowd.others_are_served(|| false)).await;
        assert!(silent.is_err(), "nobody is answered: the host is away, or thinks");
        let answers = async {
            tokio::time::sleep(SILENT * 2 + SILENT / 2).await;
            (0..OTHERS).for_each(|_| crowd.answered());
            std::future::pending::<()>().await;
        };
        let begin = Instant::now();
        tokio::select! {
            () = crowd.others_are_served(|| false) => assert_eq!(begin.elapsed(), SILENT * 3),
            () = answers => {}
        }
        let begin = Instant::now();
        crowd.others_are_served(|| true).await;
        assert_eq!(begin.elapsed(), SILENT);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_opened_than_are_served_for_a_while() {
        let crowd = Arc::new(Crowd::default());
        let members: Vec<Member> = (0..3).map(|_| crowd.join()).collect();
        assert!(!crowd.is_full());
        crowd.is_all_it_serves();
        assert!(crowd.is_full());
        drop(members.into_iter().next());
        // Dropping the iterator has ended all three.
        assert!(!crowd.is_full());
        let again: Vec<Member> = (0..3).map(|_| crowd.join()).collect();
        assert!(crowd.is_full());
        tokio::time::advance(HOLDS).await;
        assert!(!crowd.is_full());
        drop(again);
        crowd.is_all_it_serves();
        assert!(!crowd.is_full(), "one is always allowed");
    }
}
