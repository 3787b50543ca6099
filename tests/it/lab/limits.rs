//! What a server bears: requests a second, requests and connections at a time, requests over one connection,
//! and what one connection carries.

use super::reply::Answer;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The limits of each server of a lab; none of them by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    rate: Option<(f64, f64)>,
    at_once: Option<usize>,
    connections: Option<usize>,
    leaves: bool,
    each: Option<usize>,
    ceiling: Option<f64>,
    status: Option<u16>,
    retry_after: Option<u32>,
}

impl Limits {
    /// So many requests a second, and so many at a time before that counts: a bucket of tokens.
    pub(crate) fn rate(mut self, a_second: f64, burst: f64) -> Limits {
        self.rate = Some((a_second, burst));
        self
    }

    /// So many requests that have no whole answer yet.
    pub(crate) fn at_once(mut self, requests: usize) -> Limits {
        self.at_once = Some(requests);
        self
    }

    /// So many connections; more are closed unheard.
    pub(crate) fn connections(mut self, most: usize) -> Limits {
        self.connections = Some(most);
        self
    }

    /// Connections beyond the limit are left open and unanswered, as in a queue that is never served.
    pub(crate) fn leaves_the_others(mut self) -> Limits {
        self.leaves = true;
        self
    }

    /// So many requests over one connection, then it is taken leave of: GOAWAY in peace, or `connection: close`.
    pub(crate) fn each(mut self, requests: usize) -> Limits {
        self.each = Some(requests);
        self
    }

    /// Bytes a second that one connection carries, all of its streams together.
    pub(crate) fn ceiling(mut self, bytes: u32) -> Limits {
        self.ceiling = Some(f64::from(bytes));
        self
    }

    /// What is answered beyond a limit, instead of 429.
    pub(crate) fn status(mut self, status: u16) -> Limits {
        self.status = Some(status);
        self
    }

    /// The answer beyond a limit names so many seconds.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Limits {
        self.retry_after = Some(seconds);
        self
    }

    /// Whether one connection too many stays open.
    pub(super) fn leaves(&self) -> bool {
        self.leaves
    }

    /// How many requests one connection is good for.
    pub(super) fn of_each(&self) -> usize {
        self.each.unwrap_or(usize::MAX)
    }
}

/// The limits of one server, with what counts against them.
pub(super) struct Counting {
    limits: Limits,
    tokens: Mutex<(f64, Instant)>,
    at_once: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

/// One of those that are counted; dropped, it counts no more.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn one_more(of: &Arc<AtomicUsize>, most: Option<usize>) -> Option<Counted> {
    let before = of.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(of.clone());
    (before < most.unwrap_or(usize::MAX)).then_some(counted)
}

impl Counting {
    pub(super) fn new(limits: Limits) -> Counting {
        let full = limits.rate.map_or(0.0, |(_, burst)| burst);
        let tokens = Mutex::new((full, Instant::now()));
        Counting { limits, tokens, at_once: Arc::default(), connections: Arc::default() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes a connection; `None` where it is one too many.
    pub(super) fn connection(&self) -> Option<Counted> {
        one_more(&self.connections, self.limits.connections)
    }

    /// Takes a request; what is answered where it is one too many.
    pub(super) fn request(&self) -> Result<Counted, Answer> {
        let counted = one_more(&self.at_once, self.limits.at_once).filter(|_| self.has_token());
        counted.ok_or_else(|| {
            let mut answer = Answer::text(self.limits.status.unwrap_or(429), "too many requests\n");
            let pause = self.limits.retry_after.map(|seconds| ("retry-after".into(), seconds.to_string()));
            answer.headers.extend(pause);
            answer
        })
    }

    fn has_token(&self) -> bool {
        let Some((rate, burst)) = self.limits.rate else { return true };
        let mut tokens = self.tokens.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = Instant::now();
        let (left, since) = *tokens;
        let left = (left + (now - since).as_secs_f64() * rate).min(burst);
        let enough = left >= 1.0;
        *tokens = (if enough { left - 1.0 } else { left }, now);
        enough
    }

    /// What one more connection may carry.
    pub(super) fn ceiling(&self) -> Ceiling {
        Ceiling { rate: self.limits.ceiling, due: Arc::new(Mutex::new(Instant::now())) }
    }
}

/// What one connection carries.
#[derive(Clone)]
pub(super) struct Ceiling {
    rate: Option<f64>,
    due: Arc<Mutex<Instant>>,
}

impl Ceiling {
    /// Waits until so many bytes are through.
    pub(super) async fn carry(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let due = {
            let mut due = self.due.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            *due = (*due).max(Instant::now()) + Duration::from_secs_f64(bytes as f64 / rate);
            *due
        };
        tokio::time::sleep_until(due).await;
    }
}
