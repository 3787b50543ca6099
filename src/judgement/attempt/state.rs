//! The folds over a run's history.

use super::{AttemptEnd, Observation, Policy, Premises, Proofs, Remedy, Step, places};
use crate::formats::goproxy::{Entry, List};
use crate::judgement::table::Setting;
use std::sync::Arc;
use std::time::Duration;

/// Where a run stands: computed, never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// What go's settings and the project say; nothing before it was read.
    pub premises: Arc<Premises>,
    /// The graph holds a likely private module that GONOPROXY does not cover, or may hold one: the
    /// list is not reordered across separators.
    pub graph_private: bool,
    /// Every module that is known of the graph is plainly public.
    pub graph_public: bool,
    /// go.sum holds both hashes of every module that is known of, and no version is chosen anew.
    pub graph_pinned: bool,
    /// What gox itself saw in this run.
    pub proofs: Proofs,
    /// Mirrors that this run may ask.
    pub mirrors: Vec<Entry>,
    /// Why no relay can serve.
    pub no_relay: Option<String>,
    /// Entries known to have served something in this run.
    pub serving: Vec<Entry>,
    /// A diagnostic attempt has been made in this run.
    pub diagnosed: bool,
    /// The entry the list starts with now; `None` while the list is the user's own.
    pub rotated_to: Option<Entry>,
    /// Entries that rest for this run.
    pub resting: Vec<Entry>,
    /// Entries tried since the cache last grew or the list last wrapped around.
    pub tried: Vec<Entry>,
    /// Entries tried at all.
    pub ever_tried: Vec<Entry>,
    /// Delays waited since the cache last grew: the index into the delay series.
    pub waits: u32,
    /// Attempts since the cache last grew, the one just seen included.
    pub attempts_without_progress: u32,
    /// Stalls at the present first entry since the cache last grew.
    pub stalls: u32,
    /// HTTP/2 faults seen before this attempt.
    pub http2_faults: u32,
    /// HTTP/2 is off.
    pub http1: bool,
    /// Turning HTTP/2 off was tried and taken back.
    pub http1_failed: bool,
    /// Post-quantum key exchange is off.
    pub no_mlkem: bool,
    /// git has its own patience.
    pub git_patience: bool,
    /// The relay serves.
    pub relay: bool,
    /// GOSUMDB, if changed.
    pub sumdb: Option<String>,
    /// Patterns added to GOPRIVATE.
    pub private: Vec<String>,
    /// Patterns added to GONOPROXY.
    pub no_proxy: Vec<String>,
    /// Paths evicted, each as often as it was.
    pub evicted: Vec<std::path::PathBuf>,
}

impl State {
    /// The state before the first attempt.
    pub(crate) fn start(policy: &Policy) -> State {
        let mut state = State::given(policy);
        state.apply(&opening(policy), false);
        state
    }

    /// The state before anything was done at all.
    fn given(policy: &Policy) -> State {
        let mut state = State::default();
        if let Some(premises) = &policy.premises {
            state.take(policy, premises);
        }
        state
    }

    /// The state after the attempts of `history`, each with what was decided.
    pub(crate) fn before(policy: &Policy, history: &[Step]) -> State {
        let mut state = State::start(policy);
        for step in history {
            state.see(policy, &step.observation);
            if step.observation.failures.iter().any(|f| f.row().setting == Some(Setting::Http1)) {
                state.http2_faults += 1;
            }
            state.apply(&step.retry.remedies, step.retry.pause.is_delay());
        }
        state
    }

    /// The state once `observation` was made too and nothing decided yet.
    pub(crate) fn after(policy: &Policy, history: &[Step], observation: &Observation) -> State {
        let mut state = State::before(policy, history);
        state.see(policy, observation);
        state
    }

    /// The user's own list.
    pub(crate) fn list(&self) -> &List {
        &self.premises.list
    }

    /// The entry the list of the present attempt starts with.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.rotated_to.as_ref().or(self.list().entries.first())
    }

    /// True where names may go to others than go's own walk leads to: the fetcher decides for each module,
    /// and without it all of them are plainly public.
    pub(super) fn may_tell_others(&self, policy: &Policy) -> bool {
        !self.graph_private && (self.may_relay(policy) || self.graph_public)
    }

    /// True where a relay may serve.
    pub(crate) fn may_relay(&self, policy: &Policy) -> bool {
        policy.relay
            && self.no_relay.is_none()
            && policy.offline.is_none()
            && !self.premises.vendored
            && self.premises.unrelayable.is_none()
            && self.list().reachable().iter().any(Entry::is_network_proxy)
    }

    fn take(&mut self, policy: &Policy, premises: &Arc<Premises>) {
        self.premises = premises.clone();
        self.graph_private |=
            premises.doubt.is_some() || premises.hold_private(premises.modules.iter().chain(&policy.named));
        self.graph_public = premises.are_public(premises.modules.iter().chain(&policy.named));
        let pinned = |path: &String| premises.pinned.iter().any(|(module, _)| module == path);
        self.graph_pinned = policy.versions_fixed && premises.modules.iter().all(pinned);
        self.mirrors = if self.graph_private { vec![] } else { premises.permitted_mirrors(policy) };
    }

    fn see(&mut self, policy: &Policy, observation: &Observation) {
        if let Some(premises) = &observation.premises {
            self.take(policy, premises);
        }
        // A private module of which only go's words tell (an import that go.mod does not have yet)
        // keeps the list as it is from now on, like one that go.mod names.
        if self.premises.hold_private(observation.failures.iter().filter_map(|f| f.module.as_ref())) {
            self.graph_private = true;
            self.mirrors.clear();
        }
        self.graph_public &=
            self.premises.are_public(observation.failures.iter().filter_map(|f| f.module.as_ref()));
        self.proofs.add(&observation.proofs);
        if observation.no_relay.is_some() {
            self.no_relay.clone_from(&observation.no_relay);
        }
        self.diagnosed |= observation.diagnosed;
        for entry in &observation.serving {
            if !self.serving.contains(entry) {
                self.serving.push(entry.clone());
            }
        }
        if observation.progress {
            self.attempts_without_progress = 0;
            self.waits = 0;
            self.stalls = 0;
            self.tried.clear();
        }
        self.attempts_without_progress += 1;
        if observation.end == AttemptEnd::Stalled {
            self.stalls += 1;
        }
        if let Some(first) = self.first().cloned() {
            if !self.tried.contains(&first) {
                self.tried.push(first.clone());
            }
            if !self.ever_tried.contains(&first) {
                self.ever_tried.push(first);
            }
        }
    }

    fn apply(&mut self, remedies: &[Remedy], waited: bool) {
        if waited {
            self.waits += 1;
        }
        for remedy in remedies {
            match remedy {
                Remedy::Rotate(entry) => {
                    if self.first() != Some(entry) {
                        self.stalls = 0;
                    }
                    if waited {
                        self.tried.clear();
                    }
                    self.rotated_to = Some(entry.clone());
                }
                Remedy::Rest(entries) => {
                    for entry in entries {
                        if !self.resting.contains(entry) {
                            self.resting.push(entry.clone());
                        }
                    }
                }
                Remedy::Evict { path, .. } | Remedy::SetAside { path, .. } => self.evicted.push(path.clone()),
                Remedy::Private(pattern) => self.private.push(pattern.value().to_owned()),
                Remedy::NoProxy(pattern) => self.no_proxy.push(pattern.value().to_owned()),
                Remedy::Sumdb(value) => self.sumdb = Some(value.value().to_owned()),
                Remedy::Http1 => self.http1 = true,
                Remedy::Http2Again => {
                    self.http1 = false;
                    self.http1_failed = true;
                }
                Remedy::NoMlkem => self.no_mlkem = true,
                Remedy::GitPatience => self.git_patience = true,
                Remedy::Relay => self.relay = true,
            }
        }
    }

    /// The stall threshold of the attempt that would follow: it doubles with each stall at the same
    /// place, and the last attempt waits ten times as long, so that gox does not fail where go would
    /// get through.
    pub(crate) fn patience(&self, policy: &Policy) -> Duration {
        if self.attempts_without_progress + 1 >= policy.attempts {
            return policy.stall.saturating_mul(10);
        }
        policy.stall.saturating_mul(1 << self.stalls.min(5))
    }
}

/// What is done before the first attempt, for what earlier runs and the settings say.
pub(crate) fn opening(policy: &Policy) -> Vec<Remedy> {
    places::opening(policy, &State::given(policy))
}

/// The stall threshold of a first attempt.
pub(crate) fn first_patience(policy: &Policy) -> Duration {
    if policy.attempts <= 1 { policy.stall.saturating_mul(10) } else { policy.stall }
}
