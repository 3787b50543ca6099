//! The relay as the loop sees it: whether it may serve, its start, and what it knows afterwards.

use super::speak::Level;
use super::{Run, health, observe, witness};
use crate::child::Outcome;
use crate::fetch::{self, Engine, Fetcher, Options, Surroundings, Tally};
use crate::fill::{Counts, Fill};
use crate::formats::authority;
use crate::formats::goproxy::{Entry, List, Rotate};
use crate::judgement::attempt::{Observation, Settled, State};
use crate::judgement::table::{self, Class};
use crate::machine::go_env::GoEnv;
use crate::machine::limits;
use crate::memory::health::Health;
use crate::memory::report::Fetched;
use crate::relay::{CONNECTIONS, Relay};
use crate::vocabulary::{Behind, Cause, Detail, Failure, Source};
use crate::words::running;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The relay of a run.
#[derive(Default)]
pub(super) struct Relaying {
    /// The fill beside it; ends before it.
    fill: Option<Fill>,
    relay: Option<Rc<Relay>>,
    fetcher: Option<Arc<Fetcher>>,
    /// The thread that does the fetcher's work; ends after the relay.
    engine: Option<Engine>,
    /// Why it must not serve (any more).
    refused: Option<String>,
    /// What it counted, as of the last look.
    tally: Option<Tally>,
    /// Modules of which it took a copy with the wrong hash and then a right one.
    mismatches: Vec<String>,
}

/// The way out as go takes it.
pub(crate) fn surroundings(go_env: &GoEnv) -> Surroundings {
    let captured = Surroundings::capture(|name| match name {
        // `go env -w` may have set it.
        "GOAUTH" => Some(go_env.raw("GOAUTH").to_owned()),
        _ => std::env::var_os(name),
    });
    Surroundings { release: go_env.release(), ..captured }
}

/// Why no relay can stand in for `list`, where none can.
pub(super) fn obstacle(list: &List, go_env: &GoEnv) -> Option<String> {
    if go_env.raw("GOPROXY").to_str().is_none() {
        // Of a list that is no text there is only a likeness.
        return Some("GOPROXY is not valid UTF-8".into());
    }
    fetch::can_serve(list, &surroundings(go_env)).err()
}

/// What go says of a file that the fetcher knows to be as it is at its upstream is not the cache's trouble,
/// nor anybody's else.
fn take_settled(observation: &mut Observation, mut settled: Settled) {
    let known = &settled.failure;
    let of_it = |f: &Failure| {
        let damage = f.hides() || matches!(f.row().class, Class::Mismatch | Class::Damage | Class::Way);
        let same = f.module == known.module && (f.version.is_none() || f.version == known.version);
        damage && (same || f.module.is_none() && f.detail == Detail::Hidden)
    };
    let Some(at) = observation.failures.iter().position(of_it) else { return };
    let told = observation.failures.remove(at);
    observation.failures.retain(|f| !of_it(f));
    settled.failure.facts.expected = told.facts.expected;
    observation.failures.insert(at.min(observation.failures.len()), settled.failure.clone());
    observation.settled.push(settled);
}

impl Relaying {
    /// The relay that serves the next attempt, if one does.
    pub(super) fn serving(&self, state: &State) -> Option<Rc<Relay>> {
        let aside = state.rotated_to == Some(Entry::Direct);
        self.relay.clone().filter(|_| !aside && self.refused.is_none())
    }

    /// The GOPROXY that leads to it.
    pub(super) fn goproxy(&self) -> Option<String> {
        self.relay.as_ref().filter(|_| self.refused.is_none()).map(|relay| relay.goproxy())
    }

    /// Why it must not serve any more.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.clone()
    }

    /// Whether go asks nobody before it.
    pub(super) fn begins_the_list(&self) -> bool {
        self.fetcher.as_ref().is_some_and(|fetcher| fetcher.begins_the_list())
    }

    /// Whether one was started in this run.
    pub(super) fn has_served(&self) -> bool {
        self.relay.is_some()
    }

    fn start(&mut self, mut options: Options) -> Result<(), String> {
        if let Some(most) = limits::few_processes() {
            return Err(format!("only {most} processes may run here (ulimit -u), which go needs itself"));
        }
        // A request takes up to three: go's connection to the relay, the relay's to an upstream, and
        // the file that stores its answer.
        let share = (limits::descriptors() / 3).max(1);
        options.room = options.room.min(share);
        let fetcher = Arc::new(Fetcher::new(options)?);
        let told = |error: std::io::Error| error.to_string();
        let engine = Engine::start().map_err(told)?;
        self.fetcher = Some(fetcher.clone());
        self.relay = Some(Rc::new(Relay::start(&engine, fetcher, CONNECTIONS.min(share)).map_err(told)?));
        self.engine = Some(engine);
        Ok(())
    }

    /// Whether any upstream failed it, as of the last look.
    pub(super) fn met_faults(&self) -> bool {
        self.tally.iter().flat_map(|tally| &tally.upstreams).any(|u| u.faults > 0 || u.down)
    }

    /// Starts a fill with the fetcher that serves the relay.
    pub(super) fn fill(&mut self, start: impl FnOnce(&Engine, Arc<Fetcher>) -> Fill) {
        if let (Some(engine), Some(fetcher)) = (&self.engine, &self.fetcher) {
            self.fill = Some(start(engine, fetcher.clone()));
        }
    }

    /// The fetcher, and what the fill counts, for those who look on.
    pub(super) fn at_work(&self) -> (Option<Arc<Fetcher>>, Option<Arc<Counts>>) {
        let serves = self.refused.is_none();
        (self.fetcher.clone().filter(|_| serves), self.fill.as_ref().map(Fill::counts))
    }

    /// What was fetched, for the report.
    pub(super) fn fetched(&self) -> Option<Fetched> {
        let (tally, fetcher) = (self.tally.as_ref()?, self.fetcher.as_ref()?);
        Some(Fetched {
            requests: tally.asked,
            bytes: tally.bytes,
            filled: self.fill.as_ref().map_or(0, Fill::filled),
            unused: fetcher.untaken(),
            cured: tally.mended,
            connections: tally.opened,
            left_to_go: tally.left_to_go.clone(),
        })
    }

    /// What the fill left to go, and why.
    pub(super) fn left_to_go(&self) -> Vec<String> {
        self.fill.as_ref().map(Fill::left_to_go).unwrap_or_default()
    }

    /// Its numbers for the report.
    pub(super) fn report(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self.tally.as_ref()?).ok()
    }
}

/// Whether words about `host`, with its port or without, may be about this entry.
fn is_at(entry: &Entry, host: &str) -> bool {
    entry.host().is_some_and(|at| at == host || authority::split_port(&at).0 == host)
}

impl Run {
    /// How requests of gox's own leave this machine: as go's do.
    pub(super) fn way_out(&self) -> Surroundings {
        surroundings(self.asked_go.as_ref().unwrap_or(&self.job.go_env))
    }

    /// Starts the relay; where that fails the run goes on without, for the cost of a line.
    pub(super) fn start_relay(&mut self) {
        if self.relaying.relay.is_some() {
            return;
        }
        let go_env = self.asked_go.as_ref().unwrap_or(&self.job.go_env);
        let policy = &self.policy;
        let state = self.state();
        let mut options = Options::new(state.list().clone(), surroundings(go_env));
        // Where names may have been missed, the list is walked as go walks it.
        options.rotate = if state.premises.doubt.is_some() { Rotate::Never } else { policy.rotate };
        options.mirrors = state.mirrors.clone();
        options.private = state.premises.private.clone();
        options.replaced.clone_from(&state.premises.replaced);
        options.required = state.premises.required.iter().cloned().collect();
        options.go_sum = Arc::new(self.sums());
        if let Some(cache) = go_env.mod_cache() {
            // Also before the cache is there: its file system has the room, TMPDIR's may not.
            options.spool_dir = cache.join("cache/download");
        }
        options.backoff_base = policy.backoff_base;
        options.backoff_max = policy.backoff_max;
        options.attempts = policy.attempts;
        options.patient = policy.patient;
        options.names = observe::known_names(&state);
        options.versions_fixed = policy.versions_fixed;
        options.stall = policy.stall;
        // One budget: what the run used up before it, its requests have not.
        options.budget =
            policy.budget.saturating_sub(self.first_failure.map_or(Duration::ZERO, |at| at.elapsed()));
        options.resting = state.resting;
        options.left.clone_from(&policy.left);
        if let Err(why) = self.relaying.start(options) {
            self.do_without_relay(&why);
        }
    }

    fn do_without_relay(&mut self, why: &str) {
        self.relaying.refused = Some(why.to_owned());
        // go is not to wait for locks of a fetcher that cannot serve it.
        self.relaying.fill = None;
        self.voice.say(&mut self.supervisor, Level::Normal, &running::WITHOUT_RELAY.with(&[("why", &why)]));
    }

    /// Takes what the relay knows into the observation: it saw each request, go only its answers.
    pub(super) fn read_relay(&mut self, observation: &mut Observation) {
        let Some(relay) = self.relaying.relay.clone() else { return };
        let tally = relay.fetcher().tally();
        // What go found wrong, gox looks at first from now on.
        relay.fetcher().mistrust();
        observation.relayed = true;
        // One budget: what its requests have waited, the run has.
        observation.since_first_failure = observation.since_first_failure.max(tally.trouble);
        for failure in tally.cured.iter().filter(|f| f.cause == Cause::ChecksumMismatch) {
            let name = failure.named();
            if !self.relaying.mismatches.contains(&name) {
                self.relaying.mismatches.push(name);
            }
        }
        witness::of_ledger(&tally, &mut observation.proofs);
        let gave_up = |f: &Failure| f.source != Some(Source::Direct) && f.cause == Cause::Http5xx;
        if !tally.failed.is_empty() && observation.failures.iter().any(gave_up) {
            observation.failures.retain(|f| !gave_up(f));
            for failure in &tally.failed {
                let known = |f: &Failure| {
                    f.cause == failure.cause && f.module == failure.module && f.host == failure.host
                };
                if !observation.failures.iter().any(known) {
                    observation.failures.push(failure.clone());
                }
            }
        }
        name_stores(&mut observation.failures, &tally);
        for settled in tally.settled.clone() {
            take_settled(observation, settled);
        }
        // go tells of one refused module, the relay of all of them, also where another gave the file.
        let refused = tally.failed.iter().chain(&tally.cured).filter(|f| f.cause == Cause::Http403);
        observation.refusals.extend(refused.cloned());
        for upstream in &tally.upstreams {
            if upstream.served > 0 {
                observation.serving.push(upstream.entry.clone());
            }
            if upstream.down && !observation.dead.contains(&upstream.entry) {
                observation.dead.push(upstream.entry.clone());
            }
        }
        // go's own words on those that it asked itself: what ends there for it as well is no oddity of gox's.
        let failing = |entry: &Entry| {
            let failed = |f: &Failure| {
                table::is_of_talking(f.cause) && f.host.as_deref().is_some_and(|host| is_at(entry, host))
            };
            observation.failures.iter().any(failed)
        };
        relay.fetcher().go_fails_at(failing);
        if let Some(why) = &tally.steps_back {
            self.do_without_relay(why);
        }
        self.relaying.tally = Some(tally);
    }

    /// Faults that go never saw, because the fetcher asked again in time.
    pub(super) fn cured(&self) -> &[Failure] {
        self.relaying.tally.as_ref().map_or(&[], |tally| &tally.cured)
    }

    /// Checksum mismatches that go never saw, because the relay fetched a right copy in time.
    pub(super) fn cured_mismatches(&self) -> &[String] {
        &self.relaying.mismatches
    }

    /// What the fetcher counted, as of the last look.
    pub(super) fn tally(&self) -> Option<&Tally> {
        self.relaying.tally.as_ref()
    }

    /// What it fetched.
    pub(super) fn fetched(&self) -> Option<Fetched> {
        self.relaying.fetched()
    }

    /// The mirrors that the relay asked.
    pub(super) fn mirrors_asked(&self) -> Vec<String> {
        let state = self.state();
        let listed = state.list();
        let upstreams = self.relaying.tally.iter().flat_map(|tally| &tally.upstreams);
        upstreams
            .filter(|u| u.served + u.faults > 0 && !listed.entries.contains(&u.entry))
            .map(|u| u.url.clone())
            .collect()
    }

    /// What the relay learned of each upstream, for the next runs.
    pub(super) fn relay_news(&self, news: &mut Health) {
        let Some(tally) = &self.relaying.tally else { return };
        let at = health::now();
        for upstream in &tally.upstreams {
            let entry = &upstream.entry;
            if upstream.left {
                news.note_left(entry, at);
            }
            if upstream.down {
                news.note_failure(entry, Cause::Timeout, at);
            } else if upstream.served > 0 {
                news.note_success(entry, at);
            }
            if upstream.faults > 0 {
                news.network_failed = news.network_failed.max(at);
            }
        }
    }

    /// Puts the real upstreams' names where go's stdout holds a URL of the relay's: in the errors of
    /// `-json` and of templates, for example.
    pub(super) fn name_upstreams(&self, outcome: &mut Outcome) {
        let Some(relay) = self.relaying.relay.as_ref() else { return };
        let mut rewriter = relay.rewriter();
        let real = outcome.stdout.rewritten(|piece| match piece {
            Some(bytes) => rewriter.feed(bytes),
            None => rewriter.finish(),
        });
        // A spool that cannot be read back cannot be delivered either, and says so then.
        if let Ok(real) = real {
            outcome.stdout = real;
        }
    }
}

/// go names the proxy that was asked; where that sent gox on and another host refused, both are told.
fn name_stores(failures: &mut [Failure], tally: &Tally) {
    let listed = |host: &str| tally.upstreams.iter().any(|upstream| is_at(&upstream.entry, host));
    for failure in failures.iter_mut().filter(|f| f.source == Some(Source::Proxy) && f.facts.behind.is_none())
    {
        let same = |f: &&Failure| f.cause == failure.cause && f.module == failure.module;
        let hosts = tally.failed.iter().filter(same).filter_map(|f| f.host.as_deref());
        let store = hosts.filter(|host| failure.host.as_deref() != Some(host)).find(|host| !listed(host));
        failure.facts.behind = store.map(|host| Behind::Store(host.to_owned()));
    }
}
