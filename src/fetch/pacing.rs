//! The turns of requests at hosts that limit them, by host: whatever upstream or store a request is for, and
//! whoever waits for it.

use super::gate::Waiting;
use crate::judgement::request::pace::{Ended, Pace, Ticket, Turn as Due};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often is looked whether a turn has come of which nobody tells.
const LOOK: Duration = Duration::from_secs(1);

/// Longest time that a store is waited for once its upstream has sent a request there.
pub(super) const AT_STORE: Duration = Duration::from_secs(10);

/// The paces of all hosts, by name and port.
pub(super) struct Paces {
    started: Instant,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Default)]
struct Host {
    pace: Pace,
    /// Requests that go waits for, and that wait for their turn.
    gos: usize,
    freed: Arc<Notify>,
}

/// A turn at a host. Dropped without an end it says nothing of the host.
pub(super) struct Turn<'a> {
    paces: &'a Paces,
    host: String,
    ticket: Option<Ticket>,
}

impl Turn<'_> {
    /// Notes how its request ended.
    pub(super) fn ended(mut self, how: Ended) {
        self.end(how);
    }

    fn end(&mut self, how: Ended) {
        let Some(ticket) = self.ticket.take() else { return };
        let now = self.paces.started.elapsed();
        let mut hosts = self.paces.lock();
        if let Some(host) = hosts.get_mut(&self.host) {
            host.pace.ended(ticket, how, now);
            host.freed.notify_waiters();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end(Ended::Otherwise);
    }
}

/// go waits for its turn.
struct Go<'a>(&'a Paces, &'a str);

impl Drop for Go<'_> {
    fn drop(&mut self) {
        if let Some(host) = self.0.lock().get_mut(self.1) {
            host.gos -= 1;
            host.freed.notify_waiters();
        }
    }
}

impl Paces {
    pub(super) fn new() -> Paces {
        Paces { started: Instant::now(), hosts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for a turn, and not longer than `longest`; what go waits for comes first. `waits` is told until when,
    /// where that is known.
    pub(super) async fn turn(
        &self,
        host: &str,
        waiting: Waiting,
        longest: Duration,
        waits: impl Fn(Option<Instant>),
    ) -> Turn<'_> {
        let until = Instant::now() + longest.min(Duration::from_secs(1 << 31));
        let mut go = None;
        loop {
            let freed = self.lock().entry(host.to_owned()).or_default().freed.clone();
            let told = freed.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            let now = Instant::now();
            let due = {
                let mut hosts = self.lock();
                let host = hosts.entry(host.to_owned()).or_default();
                if waiting == Waiting::Fill && host.gos > 0 {
                    Due::Behind
                } else {
                    host.pace.turn(now - self.started)
                }
            };
            let pause = match due {
                Due::Now(ticket) => {
                    return Turn { paces: self, host: host.to_owned(), ticket: Some(ticket) };
                }
                _ if now >= until => return Turn { paces: self, host: host.to_owned(), ticket: None },
                Due::In(pause) => {
                    waits(Some(now + pause));
                    pause
                }
                Due::Behind => {
                    waits(None);
                    LOOK
                }
            };
            if waiting == Waiting::Go && go.is_none() {
                self.lock().entry(host.to_owned()).or_default().gos += 1;
                go = Some(Go(self, host));
            }
            tokio::select! {
                () = told => {}
                () = tokio::time::sleep_until((now + pause).min(until)) => {}
            }
        }
    }

    /// Whether a host answers some requests and refuses others.
    pub(super) fn is_busy(&self, host: &str) -> bool {
        let now = self.started.elapsed();
        self.lock().get(host).is_some_and(|host| host.pace.is_busy(now))
    }

    /// Whether a limit of the host is kept to.
    pub(super) fn is_limited(&self, host: &str) -> bool {
        self.lock().get(host).is_some_and(|host| host.pace.is_limited())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "a.test:443";

    async fn turn<'a>(paces: &'a Paces, host: &str, waiting: Waiting) -> Turn<'a> {
        paces.turn(host, waiting, LOOK * 3600, |_| ()).await
    }

    /// A host that lets one request a second through.
    async fn limited() -> Paces {
        let paces = Paces::new();
        for _ in 0..16 {
            turn(&paces, HOST, Waiting::Fill).await.ended(Ended::Refused(Some(LOOK)));
        }
        assert!(paces.is_limited(HOST) && !paces.is_busy(HOST));
        paces
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_a_host_wants_is_kept_by_all_who_ask_it_and_by_nobody_else() {
        let paces = limited().await;
        let start = Instant::now();
        turn(&paces, "b.test:443", Waiting::Fill).await.ended(Ended::Well);
        assert!(start.elapsed() < LOOK / 2);
        let (one, two) = tokio::join!(turn(&paces, HOST, Waiting::Fill), turn(&paces, HOST, Waiting::Fill));
        assert!(start.elapsed() > LOOK * 3 / 2, "{:?}", start.elapsed());
        drop((one, two));
    }

    #[tokio::test(start_paused = true)]
    async fn what_go_waits_for_comes_first() {
        let paces = limited().await;
        let order = Mutex::new(Vec::new());
        let one = async |waiting| {
            let turn = turn(&paces, HOST, waiting).await;
            order.lock().unwrap().push(waiting);
            turn.ended(Ended::Well);
        };
        tokio::join!(one(Waiting::Fill), one(Waiting::Fill), one(Waiting::Go), one(Waiting::Fill));
        assert_eq!(order.lock().unwrap()[0], Waiting::Go);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_he_may() {
        let paces = limited().await;
        let start = Instant::now();
        let turn = paces.turn(HOST, Waiting::Go, LOOK / 4, |until| assert!(until.is_some())).await;
        assert!(start.elapsed() <= LOOK / 3 && turn.ticket.is_none());
    }
}
