//! The loop that joins everything: observe, decide, report, apply, wait.
//!
//! Only this module acts. `surroundings` gathers what is given, `errand` says what go is started with, `watching` listens to one
//! attempt, `between` waits between two, `progress` shows how far it is, `relaying` starts the relay and reads what it knows, `filling` starts the fill, `observe` turns the end of an
//! attempt into an observation, `speak` finds the words, `receipt` says what came of it, `leave` writes the report, the health and
//! the journal and tells how gox ends.

mod between;
mod ci;
mod errand;
mod filling;
mod leave;
mod observe;
mod progress;
mod receipt;
mod recording;
pub(crate) mod relaying;
mod scratch;
mod speak;
pub(crate) mod surroundings;
mod watching;
mod witness;

pub(crate) use filling::{Prepare, lacks_packages, lacks_version};

use crate::child::{self, Ended as ChildEnded, Outcome, StderrMode, Supervisor};
use crate::classify;
use crate::configuration::{Relay as RelayMode, Settings};
use crate::exit::{Exec, Exit, OWN_FAILURE};
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::List;
use crate::judgement::attempt::{
    self, AttemptEnd, Decision, Observation, Pause, Policy, Premises, Remedy, State, Step, Stop, decide,
};
use crate::machine::find_go::Nesting;
use crate::machine::go_env::GoEnv;
use crate::machine::limits;
use crate::machine::locale;
use crate::machine::names;
use crate::memory::health::{self, Health};
use crate::memory::report::Attempt;
use crate::module_cache::{Aside, Cache, Effect, Finding, Mark};
use crate::verb::Invocation;
use crate::words::{Text, faults, running, verdicts};
use recording::Recorder;
use relaying::Relaying;
use speak::{Level, Voice};
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use surroundings::Project;
use watching::Watching;

/// After this long without any movement the listed hosts are tried by TCP: longer than a slow TLS
/// handshake over a bad line, short against go's own 30 s.
const QUIET: Duration = Duration::from_secs(3);

/// However little of the budget is left, go may be silent for so long.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// Everything a supervised run needs.
#[derive(Debug)]
pub(crate) struct Job {
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
    /// What is done before gox becomes go.
    pub prepare: Prepare,
    /// gox was called through a link named go: programs may be what reads its lines.
    pub as_go: bool,
}

/// Runs the job to its end; the answer is how go ended.
pub(crate) fn run(job: Job) -> Exit {
    limits::survive_large_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return leave::before_begun(&job, faults::NO_START, &error),
    };
    let exit = runtime.block_on(async {
        match Supervisor::new() {
            Ok(supervisor) => drive(job, supervisor).await,
            Err(error) => leave::before_begun(&job, faults::NO_SIGNALS, &error),
        }
    });
    // A search of the cache or a look-up under way is not waited for.
    runtime.shutdown_background();
    exit
}

/// From the first attempt to the last.
async fn drive(job: Job, supervisor: Supervisor) -> Exit {
    let mut run = match Run::new(job, supervisor) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    match run.attempts().await {
        Ok(exit) => exit,
        Err(exit) => {
            // No attempt ended the run: it could not start, or a signal came between two of them.
            run.write_down(exit.status(), false);
            exit
        }
    }
}

/// A signal asked gox to end between two attempts.
#[derive(Clone, Copy, Debug)]
struct Interrupt(i32);

impl From<Interrupt> for Exit {
    fn from(interrupt: Interrupt) -> Exit {
        Exit::Signal(interrupt.0)
    }
}

struct Run {
    job: Rc<Job>,
    supervisor: Supervisor,
    voice: Voice,
    state_dir: Option<PathBuf>,
    project: Option<Rc<Project>>,
    /// go's settings, asked of go itself after the first failure.
    asked_go: Option<GoEnv>,
    /// What was done before the first attempt.
    opening: Vec<Remedy>,
    policy: Policy,
    history: Vec<Step>,
    attempts: Vec<Attempt>,
    findings: Vec<Finding>,
    /// What was moved aside for a fresh download; put back at the end of the run, however it comes.
    aside: Vec<Aside>,
    started: Instant,
    started_at: jiff::Timestamp,
    first_failure: Option<Instant>,
    relaying: Relaying,
    /// go may exit 0 although downloads failed.
    lenient: bool,
    /// A module without packages, for what needs none of the user's.
    scratch: Option<tempfile::TempDir>,
    /// The packages whose needs are fetched before the user's code runs.
    packages: Vec<String>,
    /// What may be fetched ahead.
    prospect: Option<filling::Prospect>,
    /// Something of go.mod's list was not here at the beginning, and go alone may have to fetch it.
    lacked: bool,
    /// What the progress lines look at.
    course: Rc<progress::Course>,
    recorder: Recorder,
}

impl Run {
    /// # Errors
    /// Where `--offline` cannot be.
    fn new(job: Job, supervisor: Supervisor) -> Result<Run, Exit> {
        let state_dir = health::state_dir(job.settings.state_dir.as_deref());
        let health = state_dir.as_deref().map(Health::load).unwrap_or_default();
        let scratch = scratch::of_a_version(&job);
        if job.prepare == Prepare::Version && scratch.is_none() {
            // Never in a folder of the user's.
            return Err(Exit::Go(Exec::plain(job.go, job.args, &job.nesting)));
        }
        let always = job.settings.relay == RelayMode::Always;
        // Nothing is read on the way to a clean first attempt: it would cost every command.
        let prospect = filling::prospect(&job);
        let all_here = matches!(prospect, Err(filling::NoFill::AllHere));
        let prospect = prospect.ok();
        let alone = job.settings.journal && job.settings.relay == RelayMode::Never;
        let lacked = prospect.is_some() || alone && !filling::has_whole_list(&job);
        let at = health::now();
        health.names_that_worked(at).for_each(|name| names::remember(&name));
        // What earlier runs met starts nothing where nothing can be missing.
        let chooses = job.settings.relay == RelayMode::Auto && filling::chooses(&job, all_here);
        let lenient = filling::hides_failures(&job) || job.prepare == Prepare::Packages;
        let quiet = health.is_quiet(at) || !always && !chooses && filling::lacks_nothing(&job);
        let early = always || chooses || prospect.is_some() || job.settings.offline || !quiet;
        let project = early.then(|| surroundings::read_project(&job.dir, &job.go_env));
        let premises = project.as_ref().map(|project| surroundings::premises(&job, &job.go_env, project));
        let offline = match &project {
            Some(project) if job.settings.offline => Some(offline_list(&job, project)?),
            _ => None,
        };
        let mut policy = surroundings::policy(&job, &health, premises, offline);
        (policy.fills, policy.chooses) = (prospect.is_some(), chooses);
        // go walks on behind an upstream that gox cannot talk to, and so runs alone.
        let proxies = List::parse(job.go_env.get("GOPROXY")).entries;
        let mut before = proxies.iter().rev().filter(|entry| entry.is_network_proxy()).skip(1);
        policy.relay &= !before.any(|entry| policy.left.contains(entry));
        if quiet {
            (policy.bad_lately, policy.resting) = (false, vec![]);
        }
        Ok(Run {
            voice: Voice::new(job.settings.verbosity, locale::language(job.settings.lang)),
            state_dir,
            project: project.map(Rc::new),
            asked_go: None,
            opening: attempt::opening(&policy),
            policy,
            history: vec![],
            attempts: vec![],
            findings: vec![],
            aside: vec![],
            started: Instant::now(),
            started_at: jiff::Timestamp::now(),
            first_failure: None,
            relaying: Relaying::default(),
            lenient,
            scratch,
            packages: prospect.as_ref().and_then(filling::Prospect::packages).unwrap_or_default(),
            prospect,
            lacked,
            course: Rc::default(),
            recorder: Recorder::new(job.settings.record.clone()),
            supervisor,
            job: Rc::new(job),
        })
    }

    /// What go's settings and the project's files say, with go's own word if it was asked.
    fn premises(&mut self) -> Premises {
        let job = self.job.clone();
        let go_env = self.asked_go.as_ref().unwrap_or(&job.go_env);
        let read = || Rc::new(surroundings::read_project(&job.dir, go_env));
        let project = self.project.get_or_insert_with(read);
        surroundings::premises(&job, go_env, project)
    }

    fn cache(&self) -> Option<Cache> {
        let go_env = self.asked_go.as_ref().unwrap_or(&self.job.go_env);
        let cache = Cache::new(go_env.mod_cache()?, go_env.gopath().map(|p| p.join("pkg/sumdb")));
        Some(match (go_env.build_cache(), go_env.get("GOVERSION")) {
            (Some(dir), release) if !release.is_empty() => cache.indexed_in(dir, release),
            _ => cache,
        })
    }

    /// GOMODCACHE.
    fn cache_folder(&self) -> Option<PathBuf> {
        self.asked_go.as_ref().unwrap_or(&self.job.go_env).mod_cache()
    }

    /// The hashes of go.sum and go.work.sum.
    fn sums(&self) -> GoSum {
        self.project.as_ref().map(|project| project.go_sum.clone()).unwrap_or_default()
    }

    fn state(&self) -> State {
        State::before(&self.policy, &self.history)
    }

    /// One attempt after the other, to the one that ends the run.
    async fn attempts(&mut self) -> Result<Exit, Exit> {
        if let Some(cache) = self.cache() {
            cache.put_back_abandoned();
        }
        if self.opening.contains(&Remedy::Relay) {
            self.start_relay();
        }
        if let Some(prospect) = self.prospect.take() {
            self.start_fill(prospect);
        }
        let mut patience = attempt::first_patience(&self.policy);
        self.show_progress();
        loop {
            let mark = self.cache().map(|cache| cache.mark());
            let state = self.state();
            let relay = self.relaying.serving(&state);
            let mut hooks = Watching::new(&self.job, &self.policy, state, relay, self.course.clone());
            let command = self.command();
            // What go cannot do it says when gox has become it.
            let hidden = matches!(self.job.prepare, Prepare::Packages | Prepare::Version);
            let mode = if hidden { StderrMode::Hidden } else { StderrMode::Live };
            // Silence is trouble from its beginning, and the budget bounds that as well.
            patience = patience.min(self.budget_left()).max(LEAST_PATIENCE);
            let watch = child::Watch { stall: Some(patience), quiet: QUIET };
            self.course.begins(self.attempts.len() + 1, patience, self.relaying.at_work());
            let started = self.supervisor.run(&command, mode, watch, &mut hooks).await;
            let mut outcome = started.map_err(|error| self.without_a_child(&error))?;
            self.name_upstreams(&mut outcome);
            let untouched = self.history.is_empty() && self.opening.is_empty() && !self.lenient;
            if outcome.ended == ChildEnded::Exited(0) && untouched {
                let observation = Observation::new(AttemptEnd::Code(0), vec![]);
                self.record(&observation, &Decision::Done);
                return Ok(self.leave(outcome, None, observation).await);
            }
            self.tell_beginning(&outcome, mark.as_ref());
            let notes = hooks.notes();
            let mut observation = self.observe(&outcome, notes, mark.as_ref(), patience).await?;
            self.witness(&mut observation).await?;
            let mut decision = self.decide(&observation);
            if decision == Decision::Diagnose {
                self.diagnose(&mut observation).await?;
                self.witness(&mut observation).await?;
                decision = self.decide(&observation);
            }
            let retry = match decision {
                Decision::Retry(retry) => retry,
                Decision::Done => return Ok(self.leave(outcome, None, observation).await),
                Decision::Stop(stop) => return Ok(self.leave(outcome, Some(stop), observation).await),
                Decision::Diagnose => {
                    let stop = Stop::because(verdicts::NAMELESS);
                    return Ok(self.leave(outcome, Some(stop), observation).await);
                }
            };
            patience = retry.patience;
            if outcome.asked {
                self.voice.say(&mut self.supervisor, Level::Always, &running::ASKED_SOMEBODY.into());
            }
            self.history.push(Step { observation, retry });
            let Some(waited) = self.apply().await? else {
                let stop =
                    Stop { told: true, ..Stop::with_hint(verdicts::STILL_NO_NETWORK, verdicts::PLUG_IN) };
                let observation = self.history.pop().expect("just pushed").observation;
                return Ok(self.leave(outcome, Some(stop), observation).await);
            };
            let exit = leave::exit_of(&outcome);
            self.attempts.extend(
                self.history.last().map(|step| Attempt::retried(self.attempts.len() + 1, step, exit, waited)),
            );
        }
    }

    fn decide(&mut self, observation: &Observation) -> Decision {
        let decision = decide(&self.policy, &self.history, observation);
        self.record(observation, &decision);
        decision
    }

    /// Writes a line of the record that the user asked for.
    fn record(&mut self, observation: &Observation, decision: &Decision) {
        if let Err((file, error)) = self.recorder.note(&self.policy, observation, decision) {
            let text = running::CANNOT_RECORD.with(&[("path", &file.display()), ("error", &error)]);
            self.voice.say(&mut self.supervisor, Level::Normal, &text);
        }
    }

    /// Whether nothing else was done before the first attempt than to start a relay beside a fill.
    fn opened_for_the_fill(&self) -> bool {
        self.opening == [Remedy::Relay] && self.policy.relays_for_the_fill()
    }

    /// Says what was done before the first attempt, if it mattered: go that needs no network has
    /// asked nobody.
    fn tell_beginning(&mut self, outcome: &Outcome, mark: Option<&Mark>) {
        if !self.history.is_empty() || self.opening.is_empty() || self.opened_for_the_fill() {
            return;
        }
        let grew = || Some(self.cache()?.grew_since(mark?));
        if outcome.ended != ChildEnded::Exited(0) || grew().unwrap_or(true) {
            let state = self.state();
            self.voice.opening(&mut self.supervisor, &self.opening, state.list());
        }
    }

    /// Announces and carries out the retry that was decided last; returns how long was waited, `None`
    /// where there is no network to try it on.
    async fn apply(&mut self) -> Result<Option<Duration>, Interrupt> {
        let Some(Step { observation, retry }) = self.history.last().cloned() else { return Ok(None) };
        let delay = jitter(retry.pause);
        // What is said to be removed has been.
        let mut said = retry.clone();
        for remedy in &retry.remedies {
            match remedy {
                Remedy::Evict { path, .. } | Remedy::SetAside { path, .. } => {
                    if !self.repair(path).await? {
                        said.remedies.retain(|other| other != remedy);
                    }
                }
                Remedy::Relay
                | Remedy::Rotate(_)
                | Remedy::Rest(_)
                | Remedy::Private(_)
                | Remedy::NoProxy(_)
                | Remedy::Sumdb(_)
                | Remedy::Http1
                | Remedy::Http2Again
                | Remedy::NoMlkem
                | Remedy::GitPatience => {}
            }
        }
        let State { mirrors, premises, .. } = self.state();
        if let (1, Some(why)) = (self.history.len(), &premises.doubt) {
            let words = running::ASKING_NOBODY_ELSE.with(&[("why", why)]);
            self.voice.say(&mut self.supervisor, Level::Normal, &words);
        }
        self.voice.retry(&mut self.supervisor, &mirrors, &said, self.history.len() + 1, delay);
        if retry.remedies.contains(&Remedy::Relay) {
            self.start_relay();
        }
        if let Pause::Network(patience) = retry.pause {
            return self.await_network(patience, &observation).await;
        }
        Ok(Some(self.back_off(delay, &observation).await?))
    }

    async fn sleep(&mut self, length: Duration) -> Result<(), Interrupt> {
        self.unless_interrupted(tokio::time::sleep(length)).await
    }

    /// What `work` yields, unless gox is asked to end before that.
    async fn unless_interrupted<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupt> {
        tokio::select! {
            done = work => Ok(done),
            signal = self.supervisor.interrupted() => Err(Interrupt(signal)),
        }
    }

    /// Does away with what was found at `path`; where nothing was found there, nothing is done. False where
    /// the file is as it was.
    async fn repair(&mut self, path: &std::path::Path) -> Result<bool, Interrupt> {
        let found = self.findings.iter().position(|finding| finding.path() == path);
        let (Some(found), Some(cache)) = (found, self.cache()) else { return Ok(false) };
        let finding = self.findings.swap_remove(found);
        let task = tokio::task::spawn_blocking(move || cache.repair(finding));
        match self.unless_interrupted(task).await? {
            Ok(Ok(Effect::SetAside(aside))) => self.aside.push(*aside),
            Ok(Ok(Effect::Removed | Effect::Renamed)) => {}
            // Somebody else was faster.
            Ok(Ok(Effect::Nothing)) | Err(_) => return Ok(false),
            // The next attempt will meet the same damage and speak for itself.
            Ok(Err(error)) => {
                self.voice.say(&mut self.supervisor, Level::Normal, &Text::plain(error.to_string()));
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The GOPROXY of `--offline`, or the end of gox where it cannot be.
fn offline_list(job: &Job, project: &Project) -> Result<String, Exit> {
    let language = locale::language(job.settings.lang);
    let failed =
        |text: Text| Err(Exit::Failed { code: OWN_FAILURE, why: text.in_language(language).to_owned() });
    if !job.invocation.versions_fixed {
        return failed(verdicts::OFFLINE_CHOOSES.into());
    }
    let Some(root) = job.go_env.mod_cache() else {
        return failed(verdicts::OFFLINE_NO_CACHE.into());
    };
    let cache = Cache::new(&root, None);
    let sums = &project.go_sum;
    let lacking = sums
        .modules()
        .filter(|(m, v)| !sums.lookup(m, v, false).is_empty())
        .find(|(m, v)| !cache.complete_for(sums, &[((*m).to_owned(), (*v).to_owned())]));
    if let Some((module, version)) = lacking {
        return failed(verdicts::OFFLINE_LACKS.with(&[("module", &module), ("version", &version)]));
    }
    let path = root.join("cache/download").display().to_string().replace('%', "%25").replace(' ', "%20");
    Ok(format!("file://{path},off"))
}

/// Full jitter between floor and ceiling: it only shortens.
fn jitter(pause: Pause) -> Duration {
    let Pause::Delay { floor, ceiling } = pause else { return Duration::ZERO };
    floor + ceiling.saturating_sub(floor).mul_f64(fastrand::f64())
}

/// Whether gox itself was asked to end while go ran.
fn is_interrupt(outcome: &Outcome) -> bool {
    matches!(outcome.ended, ChildEnded::Interrupted(_))
}
