//! The loop that joins everything: observe, decide, report, apply, wait.
//!
//! Only this module acts. `surroundings` gathers what does not change, `watching` listens to one
//! attempt, `relaying` starts the relay and reads what it knows, `observe` turns the end of an
//! attempt into an observation, `speak` finds the words, `leave` writes the report, the health and
//! the journal and ends the process as go ended.

mod leave;
mod observe;
mod relaying;
mod speak;
mod surroundings;
mod watching;

use crate::child::{self, Command, Ended as ChildEnded, Outcome, StderrMode, StdoutMode, Supervisor};
use crate::classify;
use crate::configuration::{Relay as RelayMode, Settings};
use crate::judgement::attempt::{
    self, Decision, Observation, Policy, Remedy, State, Step, Verdict, decide, overlay,
};
use crate::machine::find_go::{MARKER, Nesting};
use crate::machine::go_env::GoEnv;
use crate::machine::network;
use crate::memory::health::{self, Health};
use crate::memory::report::Attempt;
use crate::module_cache::{Cache, Damaged, Mark};
use crate::verb::Invocation;
use relaying::Relaying;
use speak::{Level, Voice};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use surroundings::Project;
use watching::Watching;

/// After this long without any movement the listed hosts are tried by TCP: longer than a slow TLS
/// handshake over a bad line, short against go's own 30 s.
const QUIET: Duration = Duration::from_secs(3);

/// How often is looked for a network while there is none.
const NETWORK_POLL: Duration = Duration::from_millis(500);

/// Everything a supervised run needs.
#[derive(Debug)]
pub struct Job {
    /// The real go.
    pub go: PathBuf,
    /// Who is gox.
    pub nesting: Nesting,
    /// go's arguments, unchanged.
    pub args: Vec<OsString>,
    /// The same, understood.
    pub invocation: Invocation,
    /// gox's settings.
    pub settings: Settings,
    /// The rules of the user's own.
    pub rules: classify::Rules,
    /// go's settings as far as they can be read without running go.
    pub go_env: GoEnv,
    /// Where go works: the current folder, or that of `-C`.
    pub dir: PathBuf,
    /// The arguments run the user's code: gox only fetches the toolchain they need, with
    /// `go version`, and then becomes go.
    pub prepare: bool,
}

/// Runs the job to its end and leaves as go left.
pub fn run(job: Job) -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => fail(125, &format!("cannot start: {error}")),
    };
    runtime.block_on(async {
        let supervisor = match Supervisor::new() {
            Ok(supervisor) => supervisor,
            Err(error) => fail(125, &format!("cannot listen to signals: {error}")),
        };
        Run::new(job, supervisor).drive().await
    })
}

/// Says why gox itself failed and ends with its status.
pub fn fail(code: i32, why: &str) -> ! {
    use std::io::Write;
    // Nobody may be listening: the status is what counts.
    let _ = writeln!(std::io::stderr(), "gox: {why}");
    std::process::exit(code)
}

struct Run {
    job: Rc<Job>,
    supervisor: Supervisor,
    voice: Voice,
    state_dir: Option<PathBuf>,
    known_health: Health,
    project: Option<Rc<Project>>,
    /// go's settings, asked of go itself after the first failure.
    asked_go: Option<GoEnv>,
    policy: Policy,
    history: Vec<Step>,
    attempts: Vec<Attempt>,
    damaged: Vec<Damaged>,
    serving: Vec<String>,
    started: Instant,
    started_at: jiff::Timestamp,
    first_failure: Option<Instant>,
    diagnosed: bool,
    relaying: Relaying,
}

impl Run {
    fn new(job: Job, supervisor: Supervisor) -> Run {
        let state_dir = health::state_dir(job.settings.state_dir.as_deref());
        let known_health = state_dir.as_deref().map(Health::load).unwrap_or_default();
        let always = job.settings.relay == RelayMode::Always;
        let mut run = Run {
            voice: Voice::new(job.settings.verbosity),
            state_dir,
            project: None,
            asked_go: None,
            policy: Policy::plain(job.settings.attempts, job.settings.budget, job.settings.stall),
            history: vec![],
            attempts: vec![],
            damaged: vec![],
            serving: vec![],
            started: Instant::now(),
            started_at: jiff::Timestamp::now(),
            first_failure: None,
            diagnosed: false,
            relaying: Relaying::default(),
            supervisor,
            job: Rc::new(job),
            known_health,
        };
        // Nothing is gathered on the way to a clean first attempt: it would cost every command.
        if always || run.job.settings.offline || !run.known_health.is_quiet(health::now()) {
            run.gather(always);
        }
        run
    }

    /// Reads the project and joins the policy, with what go itself said of its settings if asked.
    fn gather(&mut self, always: bool) {
        let job = self.job.clone();
        let go_env = self.asked_go.as_ref().unwrap_or(&job.go_env);
        let project =
            self.project.get_or_insert_with(|| Rc::new(surroundings::read_project(&job.dir, go_env))).clone();
        let initial = std::mem::take(&mut self.policy.initial);
        let offline = self.policy.offline.take();
        let mut policy =
            surroundings::policy(&job.settings, go_env, &project, &job.dir, &job.invocation, false);
        policy.relay = self.relaying.may_serve(&job.settings, go_env, &policy);
        policy.offline = offline;
        if job.settings.offline && policy.offline.is_none() {
            policy.offline = Some(self.offline_list(&project));
        }
        policy.initial = initial;
        if self.history.is_empty() && self.first_failure.is_none() {
            let at = health::now();
            let resting = self.known_health.resting(policy.list.reachable(), at);
            policy.initial = attempt::begin(&policy, &resting, self.known_health.bad_lately(at), always);
        }
        self.policy = policy;
    }

    /// The GOPROXY of `--offline`, or the end of gox where it cannot be.
    fn offline_list(&self, project: &Project) -> String {
        let invocation = &self.job.invocation;
        if !invocation.versions_fixed {
            fail(
                125,
                "--offline: this command chooses versions; only commands whose versions go.mod fixes can run offline",
            );
        }
        let Some(root) = self.job.go_env.mod_cache() else {
            fail(125, "--offline: no module cache is known")
        };
        let cache = Cache::new(&root, None);
        let sums = &project.go_sum;
        let lacking = sums
            .modules()
            .filter(|(m, v)| !sums.lookup(m, v, false).is_empty())
            .find(|(m, v)| !cache.complete_for(sums, &[((*m).to_owned(), (*v).to_owned())]));
        if let Some((module, version)) = lacking {
            fail(
                125,
                &format!(
                    "--offline: the module cache has no whole {module}@{version}; run gox mod download first"
                ),
            );
        }
        let path = root.join("cache/download").display().to_string().replace('%', "%25").replace(' ', "%20");
        format!("file://{path},off")
    }

    fn cache(&self) -> Option<Cache> {
        let go_env = self.asked_go.as_ref().unwrap_or(&self.job.go_env);
        Some(Cache::new(go_env.mod_cache()?, go_env.gopath().map(|p| p.join("pkg/sumdb"))))
    }

    fn state(&self) -> State {
        State::before(&self.policy, &self.history)
    }

    /// The child's environment: the overlay and what every supervised child gets.
    fn envs(&self) -> Vec<(OsString, Option<OsString>)> {
        let mut envs: Vec<(OsString, Option<OsString>)> =
            overlay::overlay(&self.policy, &self.state(), self.relaying.goproxy().as_deref())
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value.into())))
                .collect();
        envs.push((MARKER.into(), Some(self.job.nesting.marker(true))));
        if self.job.invocation.english_git {
            // gox reads git's words; no compiler runs under these verbs.
            envs.push(("LC_ALL".into(), Some("C".into())));
        }
        envs
    }

    fn command(&self) -> Command {
        let Job { go, args, dir, prepare, .. } = &*self.job;
        let (args, dir) =
            if *prepare { (vec!["version".into()], Some(dir.clone())) } else { (args.clone(), None) };
        Command { program: go.clone(), args, envs: self.envs(), dir }
    }

    async fn drive(mut self) -> ! {
        if self.policy.initial.contains(&Remedy::Relay) {
            self.start_relay(&[]);
        }
        let mut patience = attempt::first_patience(&self.policy);
        loop {
            let mark = self.cache().map(|cache| cache.mark());
            let state = self.state();
            let mut hooks = Watching::new(&self.job, &self.policy, &state, self.relaying.serving(&state));
            let command = self.command();
            let watch = child::Watch { stall: Some(patience), quiet: QUIET };
            let started =
                self.supervisor.run(&command, StdoutMode::Spool, StderrMode::Live, watch, &mut hooks).await;
            let mut outcome = match started {
                Ok(outcome) => outcome,
                Err(error) => self.cannot_run(&error),
            };
            self.name_upstreams(&mut outcome);
            if outcome.ended == ChildEnded::Exited(0)
                && self.history.is_empty()
                && self.policy.initial.is_empty()
            {
                self.leave(
                    outcome,
                    Decision::done(),
                    Observation::new(attempt::Ended::Code(0), vec![]),
                    Duration::ZERO,
                )
                .await;
            }
            self.tell_beginning(&outcome, mark.as_ref());
            let heard = hooks.heard();
            let mut observation = self.observe(&outcome, heard, mark.as_ref()).await;
            let mut decision = decide(&self.policy, &self.history, &observation);
            if decision.verdict == Verdict::Diagnose {
                if let Err(signal) = self.diagnose(&mut observation).await {
                    self.interrupted(signal).await;
                }
                decision = decide(&self.policy, &self.history, &observation);
            }
            if decision.verdict != Verdict::Retry {
                self.leave(outcome, decision, observation, Duration::ZERO).await;
            }
            let Some(waited) = self.apply(&decision, &observation).await else {
                let decision = Decision::stop("still no network");
                self.leave(outcome, decision, observation, Duration::ZERO).await
            };
            let exit = leave::exit_of(&outcome);
            patience = decision.patience;
            let step = Step { observation, decision };
            self.attempts.push(Attempt::of(self.attempts.len() + 1, &step, exit, waited));
            self.history.push(step);
        }
    }

    /// Says what was done before the first attempt, if it mattered: go that needs no network has
    /// asked nobody.
    fn tell_beginning(&mut self, outcome: &Outcome, mark: Option<&Mark>) {
        if !self.history.is_empty() || self.policy.initial.is_empty() {
            return;
        }
        let grew = || Some(self.cache()?.grew_since(mark?));
        if outcome.ended != ChildEnded::Exited(0) || grew().unwrap_or(true) {
            self.voice.initial(&mut self.supervisor, &self.policy);
        }
    }

    /// Announces and carries out a retry; returns how long was waited, `None` where there is no
    /// network to try it on.
    async fn apply(&mut self, decision: &Decision, observation: &Observation) -> Option<Duration> {
        let wait = jitter(decision.wait);
        self.voice.retry(&mut self.supervisor, &self.policy, decision, self.attempts.len() + 2, wait);
        for remedy in decision.remedies.clone() {
            match &remedy {
                Remedy::Evict { path, .. } => self.evict(path).await,
                Remedy::Relay => self.start_relay(&decision.remedies),
                _ => {}
            }
        }
        if let Some(patience) = decision.await_network {
            let waited = self.await_network(patience, observation).await;
            if waited.is_none() {
                self.voice.say(&mut self.supervisor, Level::Normal, "still no network: giving up");
            }
            return waited;
        }
        if wait > Duration::ZERO {
            self.sleep(wait).await;
        }
        Some(wait)
    }

    async fn sleep(&mut self, length: Duration) {
        let signal = tokio::select! {
            () = tokio::time::sleep(length) => return,
            signal = self.supervisor.interrupted() => signal,
        };
        self.interrupted(signal).await;
    }

    /// Waits for a route and a resolver; `None` where none came.
    async fn await_network(&mut self, patience: Duration, observation: &Observation) -> Option<Duration> {
        let start = Instant::now();
        let (hosts, names) = observe::failing_hosts(&observation.failures);
        while start.elapsed() < patience {
            self.sleep(NETWORK_POLL).await;
            if network::no_network(&hosts, names).is_none() {
                return Some(start.elapsed());
            }
        }
        None
    }

    async fn evict(&mut self, path: &std::path::Path) {
        let found = self.damaged.iter().find(|d| d.damage.path() == path).cloned();
        let (Some(damaged), Some(cache)) = (found, self.cache()) else { return };
        let task = tokio::task::spawn_blocking(move || cache.evict(&damaged));
        let result = tokio::select! {
            result = task => result,
            signal = self.supervisor.interrupted() => self.interrupted(signal).await,
        };
        if let Ok(Err(error)) = result {
            // The next attempt will meet the same damage and speak for itself.
            self.voice.say(&mut self.supervisor, Level::Normal, &error.to_string());
        }
    }
}

/// Full jitter between floor and ceiling: it only shortens.
fn jitter(wait: attempt::Wait) -> Duration {
    let span = wait.ceiling.saturating_sub(wait.floor);
    wait.floor + span.mul_f64(fastrand::f64())
}

/// Whether gox itself was asked to end while go ran.
fn is_interrupt(outcome: &Outcome) -> bool {
    matches!(outcome.ended, ChildEnded::Interrupted(_))
}
