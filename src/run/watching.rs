//! Listens to one attempt: classifies what go says, and looks at the listed hosts when it is silent.

use super::progress::Course;
use super::surroundings;
use super::{Job, Prepare};
use crate::child::{Hooks, Later, WatchedFolders};
use crate::classify::{Classifier, Reading, Stream};
use crate::formats::goproxy::Entry;
use crate::judgement::attempt::{Policy, State, arrange};
use crate::machine::network::{self, Probe};
use crate::relay::{Relay, Rewriter};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What was noted during one attempt.
pub(super) struct Notes {
    /// go's stderr, read.
    pub reading: Reading,
    /// Entries that took no TCP connection while go was silent.
    pub dead: Vec<Entry>,
}

/// The hooks of one attempt.
pub(super) struct Watching {
    job: Rc<Job>,
    classifier: Classifier,
    policy: Policy,
    /// Where the run stood before the attempt.
    state: State,
    dead: Rc<RefCell<Vec<Entry>>>,
    /// The relay that serves this attempt, and what puts the real names into go's words.
    relay: Option<(Rc<Relay>, Rewriter)>,
    /// Samples that found a request waiting in the relay.
    waits: u64,
    /// What the progress lines look at.
    course: Rc<Course>,
}

impl Watching {
    pub(super) fn new(
        job: &Rc<Job>,
        policy: &Policy,
        state: State,
        relay: Option<Rc<Relay>>,
        course: Rc<Course>,
    ) -> Watching {
        Watching {
            course,
            classifier: Classifier::new(&job.rules, Stream::Stderr),
            policy: policy.clone(),
            state,
            job: job.clone(),
            dead: Rc::default(),
            relay: relay.map(|relay| (relay.clone(), relay.rewriter())),
            waits: 0,
        }
    }

    pub(super) fn notes(self) -> Notes {
        Notes { reading: self.classifier.finish(), dead: self.dead.take() }
    }
}

impl Hooks for Watching {
    fn stderr(&mut self, bytes: &[u8]) {
        // With a relay the lines are read once they name the real upstream.
        match &mut self.relay {
            None => {
                self.classifier.push(bytes);
                self.course.hears(bytes);
            }
            // Nothing is shown, so no line passes by.
            Some((_, rewriter)) if matches!(self.job.prepare, Prepare::Packages | Prepare::Version) => {
                let real = rewriter.feed(bytes);
                self.classifier.push(&real);
            }
            Some(_) => {}
        }
    }

    fn rewrites(&self) -> bool {
        self.relay.is_some()
    }

    fn rewrite<'a>(&mut self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (_, rewriter) = self.relay.as_ref()?;
        let mut fresh = rewriter.clone();
        let mut real = fresh.feed(line);
        real.extend(fresh.finish());
        self.classifier.push(&real);
        (real != line).then_some(Cow::Owned(real))
    }

    /// Bytes that reach the relay are on their way to go. While one of go's requests waits in the
    /// relay, go waits by right: the relay bounds each by itself, and may be silent meanwhile. With
    /// the relay idle a silent go hangs elsewhere, in git for example.
    fn moved(&mut self) -> u64 {
        let Some((relay, _)) = &self.relay else { return 0 };
        self.waits += u64::from(relay.fetcher().in_flight() > 0);
        relay.fetcher().bytes_moving().wrapping_add(self.waits)
    }

    /// A black-holed first proxy costs go 30 s in every command. If it takes no connection now and
    /// another one that may be asked does, the attempt ends.
    fn on_quiet(&mut self) -> Option<Later<Option<String>>> {
        if self.relay.is_some() {
            // The relay finds out by itself.
            return None;
        }
        if self.state.list().entries.is_empty() {
            // Nothing has failed yet, so nothing was read.
            let project = surroundings::read_project(&self.job.dir, &self.job.go_env);
            let premises = surroundings::premises(&self.job, &self.job.go_env, &project);
            self.state = State::start(&Policy { premises: Some(Arc::new(premises)), ..self.policy.clone() });
        }
        let (policy, state) = (&self.policy, &self.state);
        if state.graph_private || policy.offline.is_some() || state.premises.vendored {
            return None;
        }
        let list = state.rotated_to.as_ref().map(|first| arrange(policy, state, first));
        let list = list.as_ref().unwrap_or(state.list());
        let first = list.reachable().first()?.clone();
        let user = state.list();
        let from = user.entries.iter().position(|e| *e == first)?;
        let others = user.reachable().iter().enumerate().filter(|(to, e)| {
            *to != from && e.is_network_proxy() && user.may_cross(policy.rotate, from, *to)
        });
        let mut asked = vec![first.clone()];
        asked.extend(others.map(|(_, e)| e.clone()));
        if asked.len() < 2 || !first.is_network_proxy() {
            return None;
        }
        let dead = self.dead.clone();
        Some(Box::pin(async move {
            let found = network::probe(&asked).await;
            let is = |e: &Entry, p: Probe| found.iter().any(|(entry, probe)| entry == e && *probe == p);
            let other = asked[1..].iter().find(|e| is(e, Probe::Connected))?;
            if !is(&first, Probe::Dead) {
                return None;
            }
            dead.borrow_mut().extend(found.iter().filter(|(_, p)| *p == Probe::Dead).map(|(e, _)| e.clone()));
            Some(format!("{} takes no connection, {} does", first.shown(), other.shown()))
        }))
    }

    fn growth(&mut self) -> Option<Later<Option<WatchedFolders>>> {
        let growth = WatchedFolders {
            modcache: self.job.go_env.mod_cache()?,
            gocache: self.job.go_env.build_cache().unwrap_or_default(),
        };
        Some(Box::pin(std::future::ready(Some(growth))))
    }
}
