//! One request of go's from its arrival to its answer: asks the policy, asks upstreams, hedges,
//! checks, keeps the books.

use super::body::{Delivery, Stored};
use super::fetch::{Ended, Missed, fetch};
use super::path::{Kind, Wanted};
use super::stats::{KEPT_FAILURES, State};
use super::upstream::{Part, Progress};
use super::{Shared, rewrite};
use crate::judgement::request::hedge;
use crate::judgement::request::policy::{self, Allowance, Asked, Condition, Outcome, Step, Try, Wait};
use crate::vocabulary::{Action, Cause, Detail, Failure, Source};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;

/// How often a running fetch is looked at once it may be late.
const LOOK: Duration = Duration::from_millis(250);

/// Patience for an upstream's first byte where another may be asked instead; doubled each time.
const IMPATIENCE: Duration = Duration::from_secs(5);

/// The last try at an upstream waits this many times `stall`: the relay must not fail where go
/// alone would get through.
const LAST_PATIENCE: u32 = 10;

/// A pause longer than any run.
const FOR_EVER: Duration = Duration::from_secs(1 << 31);

/// What go gets.
pub(super) enum Answer {
    /// 200 and these bytes.
    Body(Delivery),
    /// Another status, with words for people.
    Status(u16, Vec<u8>),
}

type Running<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// Serves one request.
pub(super) async fn serve(shared: &Shared, wanted: Wanted) -> Answer {
    let private = match wanted.kind {
        Kind::Sumdb => wanted.looked_up().is_some_and(|module| shared.private.likely_private(&module)),
        Kind::SumdbSupported => false,
        _ => shared.private.likely_private(&wanted.module),
    };
    let (mut only, wanted) = match route(shared, wanted) {
        Ok(routed) => routed,
        Err(answer) => return answer,
    };
    // The database may be carried by somebody whom go would not have asked. A private name does not
    // go there: it takes the way from the first upstream on that go itself takes.
    if private && wanted.kind == Kind::Sumdb {
        only = None;
    }
    shared.ledger.lock().stats.requests += 1;
    let asked = Asked {
        pinned: wanted.kind.is_pinned(),
        private,
        only,
        attempts: shared.attempts,
        backoff_base: shared.backoff_base,
        backoff_max: shared.backoff_max,
    };
    let mut journey = Journey {
        shared,
        asked,
        wanted,
        tries: Vec::new(),
        missed: Vec::new(),
        parts: HashMap::new(),
        rests: HashMap::new(),
        trouble: None,
    };
    journey.run().await
}

/// Who alone may answer, where that is settled already.
fn route(shared: &Shared, wanted: Wanted) -> Result<(Option<usize>, Wanted), Answer> {
    let state = shared.ledger.lock();
    let known = match wanted.kind {
        Kind::List | Kind::Latest | Kind::Query => state.answered_by.get(&wanted.module).copied(),
        Kind::Sumdb | Kind::SumdbSupported => state.databases.get(&wanted.module).copied(),
        _ => None,
    };
    match (&wanted.kind, known) {
        // go asks `supported` first; without an answer to that nobody carries the database.
        (Kind::Sumdb, None) => {
            Err(Answer::Status(404, b"no upstream carries this checksum database".to_vec()))
        }
        _ => Ok((known, wanted)),
    }
}

struct Journey<'a> {
    shared: &'a Shared,
    asked: Asked,
    wanted: Wanted,
    tries: Vec<Try>,
    missed: Vec<Missed>,
    /// Broken bodies that their upstream may continue.
    parts: HashMap<usize, Part>,
    /// Until when this request shall leave an upstream alone.
    rests: HashMap<usize, Instant>,
    /// Since when this request is in trouble.
    trouble: Option<Instant>,
}

impl Journey<'_> {
    async fn run(&mut self) -> Answer {
        loop {
            let step = {
                let state = self.shared.ledger.lock();
                let allowance = Allowance {
                    retry: policy::is_retry_affordable(state.stats.retries, state.stats.requests),
                    time: self.trouble.map_or(self.shared.budget, |since| {
                        self.shared.budget.saturating_sub(since.elapsed())
                    }),
                };
                let conditions = self.conditions(&state);
                policy::next(&self.asked, &self.shared.crossings, &self.tries, &conditions, allowance)
            };
            match step {
                Step::Ask(upstream, wait) => {
                    match wait {
                        Wait::None => {}
                        // Full jitter: those that failed together shall not come back together.
                        Wait::Backoff(ceiling) => tokio::time::sleep(ceiling.mul_f64(fastrand::f64())).await,
                        Wait::Rest(rest) => {
                            let spread = Duration::from_millis(fastrand::u64(0..50));
                            tokio::time::sleep(rest + spread).await;
                        }
                    }
                    if let Some((upstream, body)) = self.ask(upstream).await {
                        return self.deliver(upstream, body);
                    }
                }
                Step::NotFound => {
                    self.close(|stats| stats.not_found += 1, true);
                    // The words of the last who has it not; go shows them.
                    let said = self.missed.iter_mut().rfind(|m| m.outcome == Outcome::NotFound);
                    let reply = said.and_then(|m| Some((m.status?, m.reply.take()?)));
                    let (status, words) = reply.unwrap_or((404, b"not found".to_vec()));
                    return Answer::Status(status, words);
                }
                Step::PassOn(index) => {
                    self.close(|_| {}, false);
                    let missed = &mut self.missed[index];
                    let status = missed.status.unwrap_or(502);
                    return Answer::Status(status, missed.reply.take().unwrap_or_default());
                }
                Step::Deliver(index) => {
                    let upstream = self.tries[index].upstream;
                    let copy = self.missed[index].copy.take();
                    return match copy.map(Stored::into_body) {
                        Some(Ok(body)) => {
                            self.close(|_| {}, false);
                            self.name(upstream);
                            Answer::Body(body)
                        }
                        _ => self.give_up(),
                    };
                }
                Step::GiveUp => return self.give_up(),
            }
        }
    }

    fn conditions(&self, state: &State) -> Vec<Condition> {
        let now = self.shared.started.elapsed();
        let own = |at| self.rests.get(&at).map_or(Duration::ZERO, |u| u.duration_since(Instant::now()));
        state
            .breakers
            .iter()
            .enumerate()
            .map(|(at, breaker)| Condition {
                open: breaker.is_open(now),
                served: breaker.answers() > 0,
                healthy: breaker.is_healthy(),
                rests: breaker.rests(now).max(own(at)),
            })
            .collect()
    }

    /// Asks one upstream, and another beside it when the first is late. The good answer, or
    /// `None` with the tries noted.
    async fn ask(&mut self, first: usize) -> Option<(usize, Stored)> {
        let progress = Progress::new();
        let patience = self.patience(first);
        let part = self.parts.remove(&first);
        let is_retry = !self.tries.is_empty();
        let shared = self.shared;
        let wanted = self.wanted.clone();
        let late = {
            let mut state = shared.ledger.lock();
            state.stats.retries += u64::from(is_retry);
            state.latencies.late()
        };
        let mut main: Running<'_> = Box::pin(fetch(shared, &wanted, first, patience, part, &progress));
        let look = tokio::time::sleep_until(progress.asked + late);
        tokio::pin!(look);
        let second = loop {
            tokio::select! {
                biased;
                ended = &mut main => return self.note(ended),
                () = &mut look => {
                    look.as_mut().reset(Instant::now() + LOOK);
                    if hedge::is_late(progress.moved(), late)
                        && let Some(second) = self.may_hedge(first)
                    {
                        break second;
                    }
                }
            }
        };
        let other = Progress::new();
        let patience = self.patience(second);
        let part = self.parts.remove(&second);
        let mut beside: Running<'_> = Box::pin(fetch(shared, &wanted, second, patience, part, &other));
        let (ended, loser, mut rest) = tokio::select! {
            ended = &mut main => (ended, second, beside),
            ended = &mut beside => (ended, first, main),
        };
        if ended.result.is_ok() {
            if loser == first {
                // Late enough to lose: three of these in a row, and nobody begins with it.
                let words = format!("{} was faster", shared.urls[second]);
                let missed = Missed::fault(Cause::Timeout, shared.upstream(loser).host(), words);
                shared.ledger.lock().breakers[loser].fault(shared.started.elapsed(), Cause::Timeout);
                self.keep(loser, missed);
            }
            drop(rest);
            return self.note(ended);
        }
        self.note(ended);
        let ended = rest.as_mut().await;
        self.note(ended)
    }

    fn may_hedge(&self, first: usize) -> Option<usize> {
        let mut state = self.shared.ledger.lock();
        if !hedge::is_affordable(state.stats.hedged, state.stats.requests) {
            return None;
        }
        let conditions = self.conditions(&state);
        let second =
            policy::hedge_target(&self.asked, &self.shared.crossings, &self.tries, &conditions, first)?;
        state.stats.hedged += 1;
        Some(second)
    }

    fn patience(&self, upstream: usize) -> Duration {
        let asked = self.tries.iter().filter(|t| t.upstream == upstream).count() as u32;
        if asked + 1 >= self.asked.attempts {
            return self.shared.stall * LAST_PATIENCE;
        }
        let others = self.asked.only.is_none()
            && (0..self.shared.crossings.len())
                .any(|j| j != upstream && self.shared.crossings.may(&self.asked, upstream, j));
        let usual = {
            let state = self.shared.ledger.lock();
            let known = state.breakers[upstream].answers() >= 8;
            state.latencies.percentile(95).filter(|_| known)
        };
        // One that answers others within milliseconds has lost this request.
        let start = match usual {
            Some(p95) => IMPATIENCE.max(p95 * 10).min(self.shared.stall),
            None if others => IMPATIENCE.min(self.shared.stall),
            None => self.shared.stall,
        };
        start * 2u32.pow(asked.min(8))
    }

    /// Notes how a fetch ended.
    fn note(&mut self, ended: Ended) -> Option<(usize, Stored)> {
        if let Some(part) = ended.part {
            self.parts.insert(ended.upstream, part);
        }
        match ended.result {
            Ok(body) => Some((ended.upstream, body)),
            Err(missed) => {
                self.keep(ended.upstream, missed);
                None
            }
        }
    }

    fn keep(&mut self, upstream: usize, missed: Missed) {
        if !matches!(missed.outcome, Outcome::NotFound) {
            self.trouble.get_or_insert_with(Instant::now);
        }
        if let Outcome::Limited { pause } = missed.outcome {
            let pause = pause.unwrap_or(self.asked.backoff_base);
            // A pause beyond every clock is as good as the longest one.
            let until = Instant::now().checked_add(pause).unwrap_or_else(|| Instant::now() + FOR_EVER);
            self.rests.insert(upstream, until);
        }
        // One wrong copy is enough to hand over; older ones would only hold memory.
        if missed.copy.is_some() {
            self.missed.iter_mut().for_each(|m| m.copy = None);
        }
        self.tries.push(Try { upstream, outcome: missed.outcome.clone() });
        self.missed.push(missed);
    }

    fn deliver(&mut self, upstream: usize, body: Stored) -> Answer {
        {
            let mut state = self.shared.ledger.lock();
            match self.wanted.kind {
                Kind::List | Kind::Latest | Kind::Query => {
                    state.answered_by.entry(self.wanted.module.clone()).or_insert(upstream);
                }
                Kind::SumdbSupported => {
                    state.databases.entry(self.wanted.module.clone()).or_insert(upstream);
                }
                _ => {}
            }
        }
        self.name(upstream);
        self.close(|_| {}, true);
        match body.into_body() {
            Ok(body) => Answer::Body(body),
            Err(error) => Answer::Status(502, format!("gox relay: {error}").into_bytes()),
        }
    }

    /// Remembers whose words go is about to repeat.
    fn name(&self, upstream: usize) {
        rewrite::remember(&self.shared.names, &self.wanted.raw, upstream);
    }

    /// Enters the failures of this request into the books.
    fn close(&mut self, count: impl FnOnce(&mut super::stats::Stats), cured: bool) {
        if let Some(last) = self.tries.last()
            && !cured
        {
            self.name(last.upstream);
        }
        let failures: Vec<Failure> = self
            .tries
            .iter()
            .zip(&self.missed)
            .filter(|(t, _)| !cured || t.outcome != Outcome::NotFound)
            .map(|(t, missed)| self.failure(t, missed))
            .collect();
        let mut state = self.shared.ledger.lock();
        let stats = &mut state.stats;
        count(stats);
        let kept = if cured { &mut stats.cured } else { &mut stats.failed };
        kept.extend(failures.into_iter().take(KEPT_FAILURES.saturating_sub(kept.len())));
    }

    fn failure(&self, at: &Try, missed: &Missed) -> Failure {
        let action = match at.outcome {
            Outcome::NotFound => Action::Private,
            Outcome::Denied(_) => Action::Reroute,
            _ => Action::Retry,
        };
        let sumdb = self.wanted.kind.is_sumdb();
        let source = if sumdb {
            Source::Sumdb
        } else if self.wanted.module == "golang.org/toolchain" {
            Source::Toolchain
        } else {
            Source::Proxy
        };
        let url = format!("{}/{}", self.shared.upstream(at.upstream).shown(), self.wanted.raw);
        let evidence = format!("{url}: {}", missed.words);
        Failure {
            module: (!sumdb).then(|| self.wanted.module.clone()),
            version: (!sumdb && !self.wanted.version.is_empty()).then(|| self.wanted.version.clone()),
            host: Some(missed.host.clone()),
            url: Some(url),
            detail: Detail {
                status: missed.status,
                got: missed.got.clone(),
                go_mod: self.wanted.kind == Kind::Mod,
                http_proxy: missed.http_proxy,
                ..Detail::default()
            },
            ..Failure::new(missed.cause, Some(source), action, evidence)
        }
    }

    /// 502, and what was tried: go prints up to eight lines of it as `server response:`.
    fn give_up(&mut self) -> Answer {
        self.close(|stats| stats.gave_up += 1, false);
        let mut lines: Vec<(String, u32)> = Vec::new();
        for (at, missed) in self.tries.iter().zip(&self.missed) {
            let line = format!("{}: {}", self.shared.upstream(at.upstream).shown(), missed.words);
            match lines.iter_mut().find(|(l, _)| *l == line) {
                Some((_, times)) => *times += 1,
                None => lines.push((line, 1)),
            }
        }
        let mut text = format!("gox tried {} times:\n", self.tries.len());
        // go prints eight lines and 648 bytes; one line of each is the heading.
        let start = lines.len().saturating_sub(7);
        for (line, times) in &lines[start..] {
            let line: String = line.chars().filter(|c| !c.is_control()).take(160).collect();
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            text.push_str(&format!("{line}{times}\n"));
        }
        Answer::Status(502, text.into_bytes())
    }
}
