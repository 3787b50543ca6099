//! What the relay knows and tells: counts, hosts, failures cured and not, the health of each
//! upstream.

use crate::judgement::request::breaker::Breaker;
use crate::judgement::request::hedge::Latencies;
use crate::vocabulary::{Cause, Failure};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Failures kept between two snapshots; more are counted, not kept.
pub(super) const KEPT_FAILURES: usize = 1000;

/// What one host did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Host {
    /// Requests it was sent.
    pub requests: u64,
    /// Whole answers it gave, refusals included.
    pub answers: u64,
    /// Requests that it answered in no usable way.
    pub faults: u64,
    /// Bytes of whole answers.
    pub bytes: u64,
}

/// The verdict on one upstream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Its URL with port and path, without secrets: the key under which it is remembered.
    pub url: String,
    /// Its breaker is open: the next run had better not begin with it.
    pub down: bool,
    /// Why.
    pub cause: Option<Cause>,
    /// Whole answers in this run.
    pub served: u64,
    /// Faults in this run.
    pub faults: u64,
}

/// Everything the relay counted.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Stats {
    /// Requests of go.
    pub requests: u64,
    /// Requests to upstreams.
    pub asked: u64,
    /// Body bytes from upstreams, broken answers included.
    pub bytes: u64,
    /// Requests to upstreams that repeated another.
    pub retries: u64,
    /// Retries that continued a broken body.
    pub resumed: u64,
    /// Requests to a second upstream while the first was still at it.
    pub hedged: u64,
    /// Answers whose hash go.sum knew and which had it.
    pub verified: u64,
    /// Answers with the right structure, no hash being known.
    pub sound: u64,
    /// Requests answered with 404.
    pub not_found: u64,
    /// Requests answered with 502.
    pub gave_up: u64,
    /// By host, storage hosts included.
    pub hosts: BTreeMap<String, Host>,
    /// The upstreams in order, mirrors last.
    pub upstreams: Vec<Health>,
    /// Upstreams whose certificate the relay's TLS library rejects: go may think otherwise, so
    /// the next attempt had better be without the relay.
    pub left_to_go: Vec<String>,
    /// Faults since the last snapshot in requests that were then answered well.
    #[serde(skip)]
    pub cured: Vec<Failure>,
    /// Faults since the last snapshot in requests that go was refused.
    #[serde(skip)]
    pub failed: Vec<Failure>,
}

/// What changes while the relay runs.
pub(super) struct Ledger {
    pub(super) now: Mutex<State>,
    /// Body bytes from upstreams.
    pub(super) bytes: AtomicU64,
    /// Requests of go that have no answer yet.
    in_flight: AtomicUsize,
}

/// A request of go's that has no answer yet; counted until it is dropped.
pub(super) struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) struct State {
    pub(super) stats: Stats,
    pub(super) breakers: Vec<Breaker>,
    pub(super) latencies: Latencies,
    /// Who answered the first changing question about a module.
    pub(super) answered_by: HashMap<String, usize>,
    /// Who carries a checksum database.
    pub(super) databases: HashMap<String, usize>,
    /// HTTP/2 faults in a row, by upstream.
    pub(super) http2_faults: Vec<u32>,
    /// Upstreams with a rejected certificate.
    pub(super) rejected: Vec<bool>,
}

impl Ledger {
    pub(super) fn new(breakers: Vec<Breaker>) -> Ledger {
        let n = breakers.len();
        Ledger {
            now: Mutex::new(State {
                stats: Stats::default(),
                breakers,
                latencies: Latencies::default(),
                answered_by: HashMap::new(),
                databases: HashMap::new(),
                http2_faults: vec![0; n],
                rejected: vec![false; n],
            }),
            bytes: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Counts a request until what is returned is dropped: with its answer, or with the connection.
    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// Requests that are counted now.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The state; a panic elsewhere has not made numbers useless.
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Everything so far; the failures only since the last call.
    pub(super) fn snapshot(&self, urls: &[String], since_start: Duration) -> Stats {
        let mut state = self.lock();
        let cured = std::mem::take(&mut state.stats.cured);
        let failed = std::mem::take(&mut state.stats.failed);
        let mut stats = state.stats.clone();
        stats.bytes = self.bytes.load(Ordering::Relaxed);
        stats.cured = cured;
        stats.failed = failed;
        for (url, breaker) in urls.iter().zip(&state.breakers) {
            stats.upstreams.push(Health {
                url: url.clone(),
                down: breaker.is_open(since_start),
                cause: breaker.cause(),
                served: breaker.answers(),
                faults: breaker.faults(),
            });
        }
        stats.left_to_go =
            urls.iter().zip(&state.rejected).filter(|(_, r)| **r).map(|(url, _)| url.clone()).collect();
        stats
    }
}
