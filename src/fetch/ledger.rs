//! What the fetcher knows and tells: counts, hosts, failures cured and not, the health of each
//! upstream.

use super::question::{File, Kind};
use super::upstream::Upstream;
use crate::formats::goproxy::Entry;
use crate::judgement::attempt::Settled;
use crate::judgement::request::UpstreamId;
use crate::judgement::request::breaker::Breaker;
use crate::judgement::request::hedge::Latencies;
use crate::judgement::request::policy::Condition;
use crate::machine::dial::{self, Connection};
use crate::vocabulary::{Cause, Failure};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Failures kept between two snapshots; more are counted, not kept.
const KEPT_FAILURES: usize = 1000;

/// Different pinned modules that a host must have refused, and served none, before its refusals
/// count as the host's own trouble.
const REFUSALS_TO_PASS: usize = 2;

/// Whole answers of an upstream after which its usual first byte is known.
const ANSWERS_TO_KNOW: u64 = 8;

/// While nothing was asked for longer than this (a compilation, say), nothing was in trouble either.
/// It is twice the longest wait between two attempts.
const PAUSE: Duration = Duration::from_secs(30);

/// What one host did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct HostTally {
    /// Requests it was sent.
    pub(crate) requests: u64,
    /// Whole answers it gave, refusals included.
    pub(crate) answers: u64,
    /// Requests that it answered in no usable way.
    pub(crate) faults: u64,
    /// Bytes of whole answers.
    pub(crate) bytes: u64,
    /// Pinned modules that it refused, as far as they matter.
    #[serde(skip)]
    refused: BTreeSet<String>,
    /// Files of modules that it served.
    #[serde(skip)]
    served: bool,
}

impl HostTally {
    /// Notes that it sent a file of a module.
    pub(super) fn serve(&mut self) {
        self.served = true;
    }

    /// Notes that it refused a module that go.sum pins.
    pub(super) fn refuse(&mut self, module: &str) {
        if self.refused.len() < REFUSALS_TO_PASS {
            self.refused.insert(module.to_owned());
        }
    }

    /// True where it refused two different pinned modules and served none.
    pub(super) fn refuses_all(&self) -> bool {
        !self.served && self.refused.len() >= REFUSALS_TO_PASS
    }
}

/// Files of modules by kind, as far as they never change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// `.info`
    pub(crate) infos: u64,
    /// `.mod`
    pub(crate) mods: u64,
    /// `.zip`
    pub(crate) zips: u64,
}

/// The report on one upstream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct UpstreamReport {
    /// Who it is, secrets included.
    #[serde(skip)]
    pub(crate) entry: Entry,
    /// Its URL with port and path, without secrets.
    pub(crate) url: String,
    /// Its breaker is open: the next run had better not begin with it.
    pub(crate) down: bool,
    /// It is left to go as a whole, and go did not fail there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) left: bool,
    /// Why.
    pub(crate) cause: Option<Cause>,
    /// Whole answers in this run.
    pub(crate) served: u64,
    /// Faults in this run.
    pub(crate) faults: u64,
    /// It refused two different pinned modules and served none, so that others were asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) refuses: bool,
}

/// Everything the fetcher counted.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct Tally {
    /// Questions.
    pub(crate) requests: u64,
    /// Requests to upstreams.
    pub(crate) asked: u64,
    /// Body bytes from upstreams, broken answers included.
    pub(crate) bytes: u64,
    /// Requests to upstreams that repeated another.
    pub(crate) retries: u64,
    /// Retries that continued a broken body.
    pub(crate) resumed: u64,
    /// Requests to a second upstream while the first was still at it.
    pub(crate) hedged: u64,
    /// Answers whose hash go.sum knew and which had it.
    pub(crate) verified: u64,
    /// Answers with the right structure, no hash being known.
    pub(crate) sound: u64,
    /// Questions that were answered well after a fault.
    pub(crate) mended: u64,
    /// Connections that were opened.
    pub(crate) opened: u64,
    /// Files that came.
    #[serde(skip)]
    pub(crate) files: Files,
    /// The shortest time from a request to its first byte.
    #[serde(skip)]
    pub(crate) shortest: Option<Duration>,
    /// For how long everything has failed.
    #[serde(skip)]
    pub(crate) trouble: Duration,
    /// The longest time for which everything failed in this run.
    #[serde(skip)]
    pub(crate) outage: Duration,
    /// Questions answered with 404.
    pub(crate) not_found: u64,
    /// Questions that were given up.
    pub(crate) gave_up: u64,
    /// By host, stores included.
    pub(crate) hosts: BTreeMap<String, HostTally>,
    /// The upstreams in order, mirrors last.
    pub(crate) upstreams: Vec<UpstreamReport>,
    /// Upstreams that the fetcher cannot talk to, each with the reason: go may think otherwise about a
    /// certificate, for example, and asks there itself.
    pub(crate) left_to_go: Vec<String>,
    /// Why go had better run without the fetcher: it walks on behind whom only go can ask.
    #[serde(skip)]
    pub(crate) steps_back: Option<String>,
    /// The latest connections that were tried.
    pub(crate) connections: Vec<Connection>,
    /// Faults since the last tally in questions that were then answered well.
    #[serde(skip)]
    pub(crate) cured: Vec<Failure>,
    /// Faults since the last tally in questions without a good answer.
    #[serde(skip)]
    pub(crate) failed: Vec<Failure>,
    /// What was found out for good since the last tally: files that stay as they are, handed on to go.
    #[serde(skip)]
    pub(crate) settled: Vec<Settled>,
}

impl Tally {
    /// Notes that a file came.
    pub(super) fn got(&mut self, file: &File) {
        match file {
            File::Module { kind: Kind::Info, .. } => self.files.infos += 1,
            File::Module { kind: Kind::Mod, .. } => self.files.mods += 1,
            File::Module { kind: Kind::Zip, .. } => self.files.zips += 1,
            File::Module { .. } | File::Database { .. } => {}
        }
    }

    /// Notes how long a first byte took.
    pub(super) fn took(&mut self, first_byte: Duration) {
        self.shortest = Some(self.shortest.map_or(first_byte, |known| known.min(first_byte)));
    }
}

/// What changes while the fetcher works.
pub(super) struct Ledger {
    books: Mutex<Books>,
    /// Body bytes from upstreams.
    pub(super) bytes: AtomicU64,
    /// Questions that have no answer yet.
    in_flight: AtomicUsize,
}

/// A question that has no answer yet; counted until it is dropped.
pub(super) struct InFlight<'a>(&'a Ledger);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.lock().idle_since = Some(Instant::now());
    }
}

/// Who carries a checksum database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    /// The upstream that said `supported`.
    pub(super) upstream: UpstreamId,
    /// Whether go's own walk of the list leads there.
    pub(super) go_walks: bool,
}

/// A look-up of a likely private name.
pub(super) struct LookUp {
    /// The question it belongs to.
    pub(super) id: u64,
    pub(super) module: String,
    /// Who has said that it has it not.
    pub(super) lack: Vec<UpstreamId>,
    /// It is over then: an empty list is followed by another question.
    pub(super) until: Option<Instant>,
}

/// The numbers, and what was learned.
pub(super) struct Books {
    pub(super) tally: Tally,
    /// Those of its retries that came when the host had said; they use up nothing.
    pub(super) told: u64,
    pub(super) breakers: Vec<Breaker>,
    /// The breakers of the stores that upstreams redirect to, by upstream: a store's trouble is not
    /// the upstream's.
    pub(super) stores: Vec<Breaker>,
    /// Those of the HTTP or SOCKS proxy on the way to each upstream, which is the worse for none of its trouble:
    /// while it lets nobody through, it is waited for as an upstream is.
    pub(super) ways: Vec<Breaker>,
    /// Since when everything has failed.
    trouble: Option<Instant>,
    /// When something last moved.
    progressed: Option<Instant>,
    /// When a question was last answered.
    idle_since: Option<Instant>,
    pub(super) latencies: Latencies,
    /// Who answered the first changing question about a module.
    pub(super) answered_by: HashMap<String, UpstreamId>,
    /// Who carries a checksum database.
    pub(super) carriers: HashMap<String, Carrier>,
    /// When the latest request that was answered was sent, by upstream.
    pub(super) answered: Vec<Option<tokio::time::Instant>>,
    /// HTTP/2 faults in a row, by upstream.
    pub(super) http2_faults: Vec<u32>,
    /// Why files of an upstream are left to go.
    pub(super) left_to_go: Vec<Option<String>>,
    /// ... and which upstreams are as a whole, for they never answered in a way that could be read.
    pub(super) left: Vec<bool>,
    /// Where go failed as well.
    pub(super) go_fails: Vec<bool>,
    /// Which file a wrong copy was sent for; `None` for a page that came for several.
    pub(super) wrong: HashMap<[u8; 32], Option<String>>,
    /// Look-ups of likely private names that are under way, each with those that have it not.
    pub(super) look_ups: Vec<LookUp>,
    /// For which of such names go's walk ended at which upstream, and when.
    pub(super) known: Vec<(String, UpstreamId, Instant)>,
    /// Since when an upstream has not what go.sum pins.
    pub(super) absent: Vec<Option<Instant>>,
    /// Since when an upstream sends nonsense, asking again having cured none of it.
    pub(super) nonsense: Vec<Option<Instant>>,
    /// Files whose address leads nowhere, by the path at an upstream that was left to go with them: whoever asks for
    /// one again goes the same way.
    pub(super) astray: BTreeMap<String, UpstreamId>,
    /// Which upstreams hold a file for good that go rejects.
    pub(super) settled: Vec<bool>,
}

impl Books {
    /// Notes that something moved: what failed before is forgiven.
    pub(super) fn progress(&mut self) {
        self.tally.outage = self.tally.outage.max(self.in_trouble());
        self.trouble = None;
        self.progressed = Some(Instant::now());
    }

    /// Notes that something failed for which nothing came in so long: that was trouble already, if nothing else
    /// moved meanwhile.
    pub(super) fn fail(&mut self, silent: Duration) {
        let now = Instant::now();
        let since = now.checked_sub(silent).unwrap_or(now);
        let since = self.progressed.map_or(since, |moved| since.max(moved));
        self.trouble = Some(self.trouble.map_or(since, |known| known.min(since)));
    }

    /// For how long everything has failed.
    pub(super) fn in_trouble(&self) -> Duration {
        self.trouble.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether an upstream answers nobody just now, be it for its own trouble or for that of the way to it.
    pub(super) fn is_down(&self, upstream: UpstreamId) -> bool {
        self.breakers[upstream.place()].is_down() || self.ways[upstream.place()].is_down()
    }

    /// Whether any of them does.
    pub(super) fn any_down(&self) -> bool {
        self.breakers.iter().chain(&self.ways).any(Breaker::is_down)
    }

    /// What the decision wants to know of each upstream at `now`, for a question that `stores` may have
    /// to answer.
    pub(super) fn conditions(&self, upstreams: &[Upstream], stores: bool, now: Duration) -> Vec<Condition> {
        let usual = self.latencies.percentile(95);
        let of = |((breaker, store), upstream): ((&Breaker, &Breaker), &Upstream)| Condition {
            open: breaker.is_open(now) || stores && store.is_open(now),
            down: breaker.is_down(),
            refuses: self.tally.hosts.get(upstream.host()).is_some_and(HostTally::refuses_all),
            healthy: breaker.is_healthy(),
            rests: if stores { breaker.rests(now).max(store.rests(now)) } else { breaker.rests(now) },
            usual: usual.filter(|_| breaker.answers() >= ANSWERS_TO_KNOW),
            absent: None,
            answers: false,
            left: false,
            go_fails: false,
            nonsense: None,
            settled: false,
        };
        let mut conditions: Vec<Condition> =
            self.breakers.iter().zip(&self.stores).zip(upstreams).map(of).collect();
        for (place, condition) in conditions.iter_mut().enumerate() {
            condition.absent = self.absent[place].map(|since| since.elapsed());
            condition.down |= self.ways[place].is_down();
            condition.answers = self.answered[place].is_some();
            condition.left = self.left[place];
            condition.go_fails = self.go_fails[place];
            condition.nonsense = self.nonsense[place].map(|since| since.elapsed());
            condition.settled = self.settled[place];
        }
        // A pause that a host asked for is the host's, under whatever path it is asked.
        let rests: Vec<Duration> = conditions.iter().map(|condition| condition.rests).collect();
        for (condition, upstream) in conditions.iter_mut().zip(upstreams) {
            let same = upstreams.iter().zip(&rests).filter(|(other, _)| other.host() == upstream.host());
            condition.rests = same.map(|(_, rests)| *rests).max().unwrap_or_default();
        }
        conditions
    }

    /// Keeps failures, as many as there is room for.
    pub(super) fn keep(&mut self, failures: impl Iterator<Item = Failure>, cured: bool) {
        let kept = if cured { &mut self.tally.cured } else { &mut self.tally.failed };
        kept.extend(failures.take(KEPT_FAILURES.saturating_sub(kept.len())));
    }
}

impl Ledger {
    /// With the upstreams' breakers, and which of them are left to go from the start.
    pub(super) fn new(breakers: Vec<Breaker>, left: Vec<bool>) -> Ledger {
        let n = breakers.len();
        let known = |left: &bool| left.then(|| "as in an earlier run".to_owned());
        Ledger {
            books: Mutex::new(Books {
                tally: Tally::default(),
                told: 0,
                breakers,
                stores: vec![Breaker::default(); n],
                ways: vec![Breaker::default(); n],
                trouble: None,
                progressed: None,
                idle_since: None,
                latencies: Latencies::default(),
                answered_by: HashMap::new(),
                carriers: HashMap::new(),
                answered: vec![None; n],
                http2_faults: vec![0; n],
                left_to_go: left.iter().map(known).collect(),
                left,
                go_fails: vec![false; n],
                wrong: HashMap::new(),
                look_ups: Vec::new(),
                known: Vec::new(),
                absent: vec![None; n],
                nonsense: vec![None; n],
                astray: BTreeMap::new(),
                settled: vec![false; n],
            }),
            bytes: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Counts a question until what is returned is dropped: with its answer, or with whoever asked.
    pub(super) fn begin(&self) -> InFlight<'_> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            let mut books = self.lock();
            if books.idle_since.is_some_and(|since| since.elapsed() > PAUSE) {
                books.progress();
            }
        }
        InFlight(self)
    }

    /// Questions that are counted now.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The books; a panic elsewhere has not made numbers useless.
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Everything so far; the failures only since the last call.
    pub(super) fn tally(&self, upstreams: &[Upstream], since_start: Duration) -> Tally {
        let mut books = self.lock();
        let cured = std::mem::take(&mut books.tally.cured);
        let failed = std::mem::take(&mut books.tally.failed);
        let settled = std::mem::take(&mut books.tally.settled);
        let mut tally = books.tally.clone();
        tally.bytes = self.bytes.load(Ordering::Relaxed);
        tally.cured = cured;
        tally.failed = failed;
        tally.settled = settled;
        for ((upstream, breaker), condition) in
            upstreams.iter().zip(&books.breakers).zip(books.conditions(upstreams, false, since_start))
        {
            tally.upstreams.push(UpstreamReport {
                entry: upstream.entry().clone(),
                url: upstream.shown().to_owned(),
                down: condition.open,
                left: condition.left && !condition.go_fails,
                cause: breaker.cause(),
                served: breaker.answers(),
                faults: breaker.faults(),
                refuses: condition.refuses,
            });
        }
        let left = upstreams.iter().zip(&books.left_to_go);
        tally.left_to_go = left
            .filter_map(|(upstream, why)| Some(format!("{}: {}", upstream.shown(), why.as_ref()?)))
            .collect();
        tally.trouble = books.in_trouble();
        tally.outage = tally.outage.max(tally.trouble);
        tally.connections = dial::connections();
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_trouble_from_its_beginning_and_what_moved_meanwhile_is_none() {
        let ledger = Ledger::new(vec![], vec![]);
        let mut books = ledger.lock();
        let silence = Duration::from_secs(20);
        books.fail(silence);
        assert!(books.in_trouble() >= silence);
        books.progress();
        books.fail(silence);
        assert!(books.in_trouble() < silence, "another file came later than that");
        // What failed at once after it does not shorten it.
        books.fail(Duration::ZERO);
        let before = books.in_trouble();
        assert!(before < silence && books.tally.outage >= silence);
    }

    #[test]
    fn an_upstream_behind_a_proxy_that_lets_nobody_through_answers_nobody() {
        let ledger = Ledger::new(vec![Breaker::default()], vec![false]);
        let mut books = ledger.lock();
        for _ in 0..3 {
            books.ways[0].fault(Duration::ZERO, Cause::ConnRefused, crate::vocabulary::Detail::Plain);
        }
        assert!(books.is_down(UpstreamId::at(0)) && books.any_down());
        assert!(!books.breakers[0].is_open(Duration::ZERO), "it is not the worse for it");
    }
}
