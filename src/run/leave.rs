//! The end of a run: stdout, last words, report, journal, health, and how gox ends.

use super::filling;
use super::speak::Level;
use super::surroundings::AFTER_IN_VAIN;
use super::{Job, Prepare, Run, ci};
use crate::child::{Delivered, Ended as ChildEnded, Outcome, Status};
use crate::configuration::{Key, Origin};
use crate::exit::{Exec, Exit, OWN_FAILURE};
use crate::judgement::attempt::{AttemptEnd, Observation, Remedy, State, Stop, entry_of};
use crate::judgement::table::{Class, Trouble};
use crate::memory::health::{self, Health};
use crate::memory::journal;
use crate::memory::report::{Attempt, Report, millis};
use crate::memory::sink::{self, Sink};
use crate::redact;
use crate::vocabulary::{Cause, Failure, Source};
use crate::words::{self, Phrase, Text, faults, running};
use std::io;
use std::io::Write as _;
use std::path::Path;

/// SIGPIPE, as every Unix numbers it.
const SIGPIPE: i32 = 13;

/// Statuses above this tell of a signal.
const SIGNALLED: i32 = 128;

/// The status of a run that gox gave up on after it had ended a stalled go itself: what go exits
/// with when a download fails.
const GAVE_UP: i32 = 1;

/// An attempt's exit status, 128+n for a signal.
pub(super) fn exit_of(outcome: &Outcome) -> i32 {
    match (&outcome.ended, outcome.go) {
        (ChildEnded::Stalled | ChildEnded::Hook(_), Status::Signaled(_)) => GAVE_UP,
        (ChildEnded::Interrupted(signal), Status::Signaled(_)) => 128 + signal,
        (_, Status::Exited(code)) => code,
        (_, Status::Signaled(signal)) => 128 + signal,
    }
}

/// Whether a child could not be started for want of what gox itself takes up: descriptors, processes, memory.
fn is_for_want(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let want = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| want.iter().any(|errno| errno.raw_os_error() == code))
}

/// The end where gox could not even begin.
pub(super) fn before_begun(job: &Job, phrase: Phrase, error: &io::Error) -> Exit {
    if is_for_want(error) {
        return Exit::Go(Exec::plain(job.go.clone(), job.args.clone(), &job.nesting));
    }
    Exit::failed(OWN_FAILURE, &phrase.with(&[("why", error)]))
}

impl Run {
    /// The end where go could not be started beside gox: in its place it can, if nothing was run before.
    pub(super) fn without_a_child(&self, error: &io::Error) -> Exit {
        if self.history.is_empty() && is_for_want(error) {
            return Exit::Go(Exec::plain(self.job.go.clone(), self.job.args.clone(), &self.job.nesting));
        }
        Exit::cannot_run(&self.job.go, error)
    }

    /// Ends the run with its last attempt: a good one, or one that the run stops at.
    pub(super) async fn leave(
        &mut self,
        outcome: Outcome,
        stop: Option<Stop>,
        observation: Observation,
    ) -> Exit {
        let status = exit_of(&outcome);
        let ended = matches!(observation.end, AttemptEnd::Interrupted | AttemptEnd::Signal(_));
        let becomes_go = match self.job.prepare {
            Prepare::Nothing => false,
            Prepare::Toolchain => status == 0,
            // go speaks for itself.
            Prepare::Packages | Prepare::Version => !ended,
        };
        let delivered =
            if becomes_go { Delivered::Whole } else { self.supervisor.deliver(&outcome.stdout).await };
        let recovered = stop.is_none() && !self.history.is_empty();
        self.attempts.push(Attempt::last(self.attempts.len() + 1, &observation, stop.as_ref(), status));
        self.last_words(stop.as_ref(), &observation, recovered);
        self.tell_ci(stop.as_ref(), &observation, recovered);
        let in_vain = stop.is_some() && observation.since_first_failure >= self.policy.budget;
        self.learn(&observation, in_vain);
        self.write_down(status, recovered);
        match delivered {
            Delivered::Whole => {}
            Delivered::Broken => return Exit::Signal(SIGPIPE),
            Delivered::Interrupted(signal) => return Exit::Signal(signal),
            Delivered::Failed(error) => {
                let code = if status == 0 { OWN_FAILURE } else { status };
                return Exit::failed(code, &faults::UNWRITTEN.with(&[("why", &error)]));
            }
        }
        if becomes_go {
            return Exit::Go(Exec::plain(self.job.go.clone(), self.job.args.clone(), &self.job.nesting));
        }
        match (&outcome.ended, outcome.last()) {
            (ChildEnded::Stalled | ChildEnded::Hook(_), _) => Exit::Code(status),
            (_, Status::Exited(code)) => Exit::Code(code),
            (_, Status::Signaled(signal)) => Exit::Signal(signal),
        }
    }

    fn last_words(&mut self, stop: Option<&Stop>, observation: &Observation, recovered: bool) {
        let retried = !self.history.is_empty();
        self.words_on_downloads(recovered);
        if recovered {
            self.tell_recovery(observation);
            return;
        }
        let Some(Stop { reason, hint, told }) = stop else {
            if observation.end == AttemptEnd::Code(0) {
                self.tell_gain();
            }
            return;
        };
        if matches!(observation.end, AttemptEnd::Interrupted | AttemptEnd::Signal(_)) {
            return;
        }
        let waited = observation.since_first_failure >= self.policy.budget;
        let tried = retried || waited || *told;
        let confirmed = observation.failures.iter().any(|f| f.row().class == Class::Mismatch) && tried;
        if tried || hint.is_some() {
            let level = if confirmed { Level::Always } else { Level::Normal };
            self.voice.say(&mut self.supervisor, level, reason);
            let by_hand = *self.job.settings.origin(Key::Budget) != Origin::BuiltIn;
            if waited && !by_hand && self.policy.budget == AFTER_IN_VAIN {
                self.voice.say(&mut self.supervisor, Level::Normal, &running::WAITED_BEFORE.into());
            }
            if observation.incomplete && self.job.prepare == Prepare::Nothing {
                self.voice.say(&mut self.supervisor, Level::Normal, &running::INCOMPLETE.into());
            }
        } else {
            let text = running::NOT_RETRIED.with(&[("reason", reason)]);
            self.voice.say(&mut self.supervisor, Level::Verbose, &text);
        }
        if let Some(hint) = hint {
            // What explain reads is in the journal.
            let phrase = if self.job.settings.journal { running::HINT_AND_MORE } else { running::HINT };
            self.voice.say(&mut self.supervisor, Level::Normal, &phrase.with(&[("hint", hint)]));
        }
    }

    /// Tells a CI system what happened in the form that it reads, where something did.
    fn tell_ci(&mut self, stop: Option<&Stop>, last: &Observation, recovered: bool) {
        let Some(system) = ci::system(|name| std::env::var(name).ok()) else { return };
        if matches!(last.end, AttemptEnd::Interrupted | AttemptEnd::Signal(_)) {
            return;
        }
        let local = |f: &Failure| f.source == Some(Source::Local);
        let network = !last.failures.is_empty() && !last.failures.iter().all(local);
        let end = match stop {
            None if recovered || !self.cured().is_empty() => ci::End::Recovered,
            Some(_) if network => ci::End::Failed,
            None | Some(_) => return,
        };
        let met = self.history.iter().flat_map(|step| &step.observation.failures);
        let (met, cured) = (self.each_kind(met), self.each_kind(self.cured().iter()));
        let rows = ci::rows(&cured, &self.attempts);
        let lines = match (system, stop) {
            (ci::System::GitHub, None) => {
                let known = |text: &&String| !met.contains(text);
                met.iter().chain(cured.iter().filter(known)).map(|text| ci::annotation(end, text)).collect()
            }
            (ci::System::GitHub, Some(stop)) => {
                let reason = self.voice.in_words(&stop.reason);
                let hint = stop.hint.as_ref().map(|hint| self.voice.in_words(hint));
                let both = hint.map_or_else(|| reason.to_owned(), |hint| format!("{reason} ({hint})"));
                vec![ci::annotation(end, &both)]
            }
            (ci::System::GitLab, _) => {
                let at = u64::try_from(self.started_at.as_second()).unwrap_or(0);
                ci::section(self.voice.in_words(&running::WHAT_GOX_DID.into()), &rows, at)
            }
        };
        for line in lines {
            self.voice.note(&mut self.supervisor, &line);
        }
        if system == ci::System::GitHub
            && let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
        {
            let argv = redact::argv(self.job.args.iter().map(|a| a.to_string_lossy()));
            let text = ci::summary(&format!("go {}", argv.join(" ")), end, &rows);
            // A summary that cannot be written takes nothing from the run.
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            let _ = file.and_then(|mut file| file.write_all(text.as_bytes()));
        }
    }

    /// What happened, once for each cause, by its first failure.
    fn each_kind<'f>(&self, failures: impl Iterator<Item = &'f Failure>) -> Vec<String> {
        let mut causes: Vec<Cause> = Vec::new();
        let mut told = Vec::new();
        for failure in failures {
            if !causes.contains(&failure.cause) {
                causes.push(failure.cause);
                told.push(self.voice.in_words(&words::happened(failure)).to_owned());
            }
        }
        told
    }

    /// What earlier attempts met: the first two kinds, each by its first failure.
    pub(super) fn met(&self) -> Text {
        let mut seen: Vec<Cause> = vec![];
        let mut told: Option<Text> = None;
        for (n, step) in self.history.iter().enumerate() {
            let state = State::after(&self.policy, &self.history[..n], &step.observation);
            for failure in step.observation.all_failures(&state) {
                if seen.len() < 2 && !seen.contains(&failure.cause) {
                    seen.push(failure.cause);
                    let this = words::happened(&failure);
                    told = Some(match told {
                        Some(first) => running::LIST.with(&[("first", &first), ("then", &this)]),
                        None => this,
                    });
                }
            }
        }
        told.unwrap_or_else(|| running::A_FAULT.into())
    }

    /// What everybody must hear of downloads: mismatches that a fresh copy cured, in an attempt of
    /// go's (known once a later one succeeded) or inside the relay, and mirrors that were asked.
    fn words_on_downloads(&mut self, recovered: bool) {
        for what in self.relaying.left_to_go() {
            let text = running::LEFT_TO_GO.with(&[("what", &what)]);
            self.voice.say(&mut self.supervisor, Level::Verbose, &text);
        }
        let mut mismatches = self.cured_mismatches().to_vec();
        let seen_by_go = self.history.iter().filter(|_| recovered).flat_map(|s| &s.observation.failures);
        for name in seen_by_go.filter(|f| f.row().class == Class::Mismatch).map(Failure::named) {
            if !mismatches.contains(&name) {
                mismatches.push(name);
            }
        }
        if !mismatches.is_empty() {
            let text = running::WAS_DAMAGE.with(&[("names", &shortened(&mismatches))]);
            self.voice.say(&mut self.supervisor, Level::Always, &text);
        }
        for mirror in self.mirrors_asked() {
            let text = running::ASKED_MIRROR.with(&[("entry", &mirror)]);
            self.voice.say(&mut self.supervisor, Level::Normal, &text);
        }
    }

    /// Notes in the state folder which hosts failed and which worked, and for whom the run has waited `in_vain`.
    fn learn(&mut self, last: &Observation, in_vain: bool) {
        let Some(dir) = self.state_dir.clone() else { return };
        let quiet = if self.opened_for_the_fill() {
            !self.relaying.met_faults()
        } else {
            self.opening.is_empty() && !self.relaying.has_served()
        };
        let untouched = self.history.is_empty() && quiet;
        let at = health::now();
        let mut news = Health::default();
        if untouched && last.failures.is_empty() {
            self.all_is_well(&mut news, last, at);
            if news.has_new_ones(&Health::load(&dir), at) {
                self.save(&news, &dir);
            }
            return;
        }
        for (n, step) in self.history.iter().enumerate() {
            let state = State::after(&self.policy, &self.history[..n], &step.observation);
            self.learn_from(&mut news, &state, &step.observation, at);
            // One that refuses everybody rests; one that sent a bad copy rests for this run only.
            let refused = step.observation.failures.iter().any(|f| f.row().class == Class::Refusal);
            for remedy in &step.retry.remedies {
                if let (Remedy::Rest(entries), true) = (remedy, refused) {
                    entries.iter().for_each(|entry| news.note_failure(entry, Cause::Http403, at));
                }
            }
        }
        let state = State::after(&self.policy, &self.history, last);
        self.learn_from(&mut news, &state, last, at);
        // An editor's short patience says nothing to those who have more.
        if in_vain && self.policy.budget > AFTER_IN_VAIN {
            for failure in last.all_failures(&state).iter().filter(|f| is_of_the_host(f)) {
                news.note_used_up(&entry_of(&state, failure), at);
            }
        }
        self.relay_news(&mut news);
        if news != Health::default() {
            self.save(&news, &dir);
        }
    }

    fn save(&mut self, news: &Health, dir: &Path) {
        if let Err(error) = news.save(dir) {
            let text = running::CANNOT_REMEMBER.with(&[("path", &dir.display()), ("error", &error)]);
            self.voice.say(&mut self.supervisor, Level::Verbose, &text);
        }
    }

    /// Who served in a run in which nothing happened.
    fn all_is_well(&self, news: &mut Health, last: &Observation, at: u64) {
        self.relay_news(news);
        if last.end == AttemptEnd::Code(0)
            && self.go_has_fetched()
            && let Some(first) = State::after(&self.policy, &[], last).first()
        {
            news.note_success(first, at);
        }
    }

    /// What one attempt tells of the hosts that were asked.
    fn learn_from(&self, news: &mut Health, state: &State, observation: &Observation, at: u64) {
        for failure in observation.failures.iter().filter(|f| is_of_the_host(f)) {
            news.note_failure(&entry_of(state, failure), failure.cause, at);
        }
        for entry in &observation.dead {
            news.note_failure(entry, Cause::Timeout, at);
        }
        match (observation.end, state.first()) {
            (AttemptEnd::Stalled, Some(entry)) => news.note_failure(entry, Cause::Stalled, at),
            // With the relay the first entry need not be the one that served: it tells by itself.
            (AttemptEnd::Code(0), Some(entry)) if !observation.relayed => news.note_success(entry, at),
            _ => {}
        }
    }

    /// Whether go met the network alone, as far as it shows: it says so of each zip with most verbs; with
    /// `mod download` it says nothing, and what was not here is.
    fn go_has_fetched(&self) -> bool {
        self.course.has_downloaded() || self.lacked && filling::has_whole_list(&self.job)
    }

    /// The report that the user asked for, and the journal.
    pub(super) fn write_down(&mut self, exit: i32, recovered: bool) {
        let fetch = self.relaying.fetched();
        let kept = self.job.settings.journal
            && (exit > SIGNALLED
                || fetch.as_ref().is_some_and(|fetch| fetch.requests > 0)
                || self.go_has_fetched()
                || self.attempts.len() > 1
                || self.attempts.iter().flat_map(|a| &a.failures).any(|f| f.cause != Cause::CompileError));
        let wanted = self.job.settings.report.clone();
        if wanted.is_none() && !kept {
            return;
        }
        let report = Report {
            schema: 1,
            run: format!("{:x}-{:x}", self.started_at.as_millisecond(), std::process::id()),
            started: self.started_at.to_string(),
            gox: env!("CARGO_PKG_VERSION").into(),
            go: self.job.go_env.get("GOVERSION").into(),
            argv: redact::argv(self.job.args.iter().map(|a| a.to_string_lossy())),
            exit,
            attempts: self.attempts.clone(),
            elapsed_ms: millis(self.started.elapsed()),
            recovered,
            fetch,
            relay: self.relaying.report(),
        };
        let Ok(line) = serde_json::to_string(&report) else { return };
        let line = redact::steady(&line);
        if let Some(file) = wanted.map(|wanted| sink::place(&wanted, &report.run))
            && let Err(error) =
                Sink::open(&file).and_then(|mut sink| sink.write_all(format!("{line}\n").as_bytes()))
        {
            self.voice.say(
                &mut self.supervisor,
                Level::Normal,
                &running::CANNOT_REPORT.with(&[("path", &file.display()), ("error", &error)]),
            );
        }
        if kept
            && let Some(dir) = self.state_dir.clone()
            && let Err(error) = journal::append(&dir, &of_project(&line, &self.job.dir))
        {
            self.voice.say(
                &mut self.supervisor,
                Level::Verbose,
                &running::CANNOT_JOURNAL.with(&[("error", &error)]),
            );
        }
    }
}

/// A report as the journal keeps it: with the folder where go worked.
fn of_project(line: &str, dir: &Path) -> String {
    let Ok(mut run) = serde_json::from_str::<serde_json::Value>(line) else { return line.to_owned() };
    run["project"] = redact::line(&dir.to_string_lossy()).into();
    redact::steady(&run.to_string()).into_owned()
}

/// The first few names, and how many more there are.
fn shortened(names: &[String]) -> Text {
    const SHOWN: usize = 5;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => Text::plain(names.join(", ")),
        Some(more) => running::AND_MORE.with(&[("names", &names[..SHOWN].join(", ")), ("more", &more)]),
    }
}

/// The trouble of a listed host, not of an HTTP proxy on the way to it.
fn is_of_the_host(failure: &Failure) -> bool {
    let row = failure.row();
    row.is_transport() && row.trouble != Trouble::HttpProxy
}
