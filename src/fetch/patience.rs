//! How a question waits: for its turn, for a host that answers nobody, and beside a request that stands still.

use super::gate::Waiting;
use super::journey::Journey;
use super::line::Over;
use super::pacing::Turn as PaceTurn;
use super::progress::Progress;
use super::under_way;
use crate::judgement::backoff;
use crate::judgement::request::UpstreamId;
use crate::judgement::request::hedge;
use crate::judgement::request::policy::Pause;
use std::time::Duration;
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Longest pause before a host that answers nobody is asked once more, by one question for all.
const PROBE_PAUSE: Duration = Duration::from_secs(3);

/// The place of a file that rests, which another has meanwhile.
struct GivenUp<'a>(&'a Semaphore);

impl<'a> GivenUp<'a> {
    fn new(places: &'a Semaphore) -> GivenUp<'a> {
        places.add_permits(1);
        GivenUp(places)
    }

    /// Waits for a place.
    async fn take_back(self) {
        if let Ok(place) = self.0.acquire().await {
            place.forget();
        }
        std::mem::forget(self);
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        // Whoever has the place will give it back once more.
        self.0.forget_permits(1);
    }
}

/// The right to ask a silent host once more; nobody's in particular where it answers others.
pub(super) struct Turn<'a>(Option<SemaphorePermit<'a>>);

impl Turn<'_> {
    /// Which connection the request goes over: where the host answers others those that are there lead to it, and
    /// are perhaps full; more of them would be too many.
    pub(super) fn over(&self) -> Over {
        if self.0.is_some() { Over::Beside } else { Over::Any }
    }
}

impl<'a> Journey<'a> {
    /// Notes whom this question is about, for those who look.
    pub(super) fn is_at(&self, upstream: UpstreamId, pause: under_way::Pause) {
        let met = self.shortfalls.last().map(|short| short.cause);
        self.listed.is_at(self.fetcher.upstream(upstream).host(), pause, self.tries.len(), met);
    }

    async fn sleep(&self, upstream: UpstreamId, length: Duration) {
        // One beyond every clock is as long as any run.
        let until = Instant::now().checked_add(length);
        self.is_at(upstream, until.map_or(under_way::Pause::ForAnother, under_way::Pause::Until));
        tokio::time::sleep(length).await;
    }

    /// Waits as long as was decided.
    pub(super) async fn pause(&self, upstream: UpstreamId, pause: Pause) {
        match pause {
            Pause::None => {}
            // Full jitter: those that failed together shall not come back together.
            Pause::Backoff(ceiling) => self.sleep(upstream, ceiling.mul_f64(fastrand::f64())).await,
            Pause::Rest(rest) => {
                let spread = Duration::from_millis(fastrand::u64(0..50));
                let given = self.errand.places.as_deref().map(GivenUp::new);
                self.sleep(upstream, rest + spread).await;
                if let Some(place) = given {
                    place.take_back().await;
                }
            }
        }
    }

    /// Waits for a turn at an upstream that limits how many requests it takes; then it is asked.
    pub(super) async fn keep_pace(&self, upstream: UpstreamId, waiting: Waiting) -> PaceTurn<'a> {
        let fetcher = self.fetcher;
        let waits = |until: Option<Instant>| {
            self.is_at(upstream, until.map_or(under_way::Pause::ForAnother, under_way::Pause::Until));
        };
        let host = fetcher.upstream(upstream).host();
        let turn = fetcher.paces.turn(host, waiting, self.time_left(), waits).await;
        self.is_at(upstream, under_way::Pause::None);
        turn
    }

    /// Whether an upstream answers nobody just now.
    pub(super) fn is_down(&self, upstream: UpstreamId) -> bool {
        self.fetcher.ledger.lock().is_down(upstream)
    }

    /// What is left of the budget.
    pub(super) fn time_left(&self) -> Duration {
        let books = self.fetcher.ledger.lock();
        self.situation(&books, &[]).allowance.time
    }

    /// Waits for the turn to ask a host that answers nobody.
    pub(super) async fn turn_to_probe(&self, upstream: UpstreamId) -> MutexGuard<'a, u32> {
        self.is_at(upstream, under_way::Pause::ForAnother);
        self.fetcher.probes[upstream.place()].lock().await
    }

    /// Waits before a host that answers nobody is asked once more, for all who wait: not so long that much
    /// is lost once it is well again.
    pub(super) async fn probe(&self, upstream: UpstreamId, asked: &mut u32) {
        let ceiling = backoff::ceiling(self.terms.backoff_base, PROBE_PAUSE, *asked);
        *asked = asked.saturating_add(1);
        let pause = ceiling.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.sleep(upstream, pause.min(self.time_left())).await;
    }

    /// Whether nobody else may be asked after a fault of this one.
    pub(super) fn is_alone(&self, upstream: UpstreamId) -> bool {
        let books = self.fetcher.ledger.lock();
        self.situation(&books, &[]).is_alone(upstream)
    }

    /// Whether a request that stands still at a host that nobody can stand in for is sent once more: the host
    /// may have forgotten it, and answer others. The turn is held meanwhile.
    pub(super) fn may_ask_beside(
        &self,
        upstream: UpstreamId,
        progress: &Progress,
        before: u32,
    ) -> Option<Turn<'a>> {
        let moved = progress.moved();
        let passed_over = self.fetcher.ledger.lock().answered[upstream.place()] > Some(progress.asked);
        if !hedge::asks_beside(progress.silent_for(), before, moved.body.is_some(), passed_over) {
            return None;
        }
        if passed_over {
            return Some(Turn(None));
        }
        self.fetcher.beside.try_acquire().ok().map(|turn| Turn(Some(turn)))
    }
}
