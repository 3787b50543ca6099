//! Between two attempts: how long is waited, and how gox knows that it is over.

use super::speak::Level;
use super::witness::{Asked, Inquiry};
use super::{Interrupt, Run, observe};
use crate::fetch::Answer;
use crate::formats::go_sum::GoSum;
use crate::judgement::attempt::{self, Observation, State};
use crate::judgement::table::Class;
use crate::machine::network::{self, Probe};
use crate::relay::path;
use crate::vocabulary::Failure;
use crate::words::running;
use std::time::{Duration, Instant};

/// How often is looked for a network while there is none.
const NETWORK_POLL: Duration = Duration::from_millis(500);

/// How often is looked whether a host that could not be reached takes connections again.
const HOST_POLL: Duration = Duration::from_secs(1);

/// Between two questions to a host that answers nobody; a part of it is left to chance.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// How long an answer to one of them is waited for.
const ANSWER: Duration = Duration::from_secs(4);

/// However dead a host seems to gox, go is run again after this: it may see more.
const LONGEST: Duration = Duration::from_secs(100);

impl Run {
    /// What is left of the budget.
    pub(super) fn budget_left(&self) -> Duration {
        let spent = self.first_failure.map_or(Duration::ZERO, |at| at.elapsed());
        self.policy.budget.saturating_sub(spent)
    }

    /// Waits for so long, or until one of the hosts that could not be reached takes a connection again. Where
    /// nothing but a host is in the way that does not answer gox either, that is waited for instead.
    pub(super) async fn back_off(
        &mut self,
        delay: Duration,
        observation: &Observation,
    ) -> Result<Duration, Interrupt> {
        let start = Instant::now();
        self.course.waits_for_the_next(start + delay);
        if let Some(inquiry) = self.asks_for_life(observation)
            && self.outlives_silence(&inquiry, delay).await?
        {
            return Ok(start.elapsed());
        }
        while start.elapsed() < delay {
            self.sleep(HOST_POLL.min(delay.saturating_sub(start.elapsed()))).await?;
            let probes = self.unless_interrupted(network::probe(&observation.dead)).await?;
            if probes.iter().any(|(_, probe)| *probe == Probe::Connected) {
                break;
            }
        }
        Ok(start.elapsed().min(delay))
    }

    /// Asks until there is an answer, or no time for more; false where there was one from the start, so that it
    /// is no outage that go has met. Beyond `delay` it says what it does.
    async fn outlives_silence(&mut self, inquiry: &Inquiry, delay: Duration) -> Result<bool, Interrupt> {
        let start = Instant::now();
        let end = start + self.budget_left().min(LONGEST);
        let (mut silent, mut told) = (false, false);
        while Instant::now() < end && !self.is_alive(inquiry).await? {
            silent = true;
            if !told && start.elapsed() >= delay.min(SIGN_OF_LIFE) {
                told = true;
                self.course.waits_for_the_next(end);
                let text = running::ASKING_FOR_LIFE.with(&[("host", &inquiry.host())]);
                self.voice.say(&mut self.supervisor, Level::Normal, &text);
            }
            let pause = SIGN_OF_LIFE.mul_f64(0.5 + fastrand::f64() / 2.0);
            self.sleep(pause.min(end.saturating_duration_since(Instant::now()))).await?;
        }
        Ok(silent)
    }

    /// The question that tells whether a host answers again that nobody but go asks; `None` where something else
    /// may be in the way.
    fn asks_for_life(&self, observation: &Observation) -> Option<Inquiry> {
        let before = &self.history[..self.history.len().saturating_sub(1)];
        if !attempt::is_worth_waiting(&self.policy, before, observation) {
            return None;
        }
        let seen = State::after(&self.policy, before, observation);
        let of_database = |f: &Failure| {
            let through = f.url.as_deref().is_some_and(|url| url.contains("/sumdb/"));
            let named = f.url.is_some() || f.host.is_some();
            f.row().class == Class::Database && named && !through
        };
        if observation.failures.iter().any(of_database) {
            return Inquiry::about_database(seen.sumdb.as_deref().unwrap_or(&seen.premises.gosumdb));
        }
        if self.state().relay {
            // It waits by itself.
            return None;
        }
        let inquiry = observation.failures.iter().find_map(|failure| self.inquiry(&seen, failure))?;
        // A small file of the same version tells as much as its zip.
        let small = inquiry.question.path.strip_suffix(".zip").map(|path| format!("{path}.mod"));
        Some(match small.and_then(|small| path::parse(&small)) {
            Some(question) => inquiry.with(question),
            None => inquiry,
        })
    }

    /// Whether it is answered, as go would be: whatever is said is a sign of life, but for a host's own trouble.
    async fn is_alive(&mut self, inquiry: &Inquiry) -> Result<bool, Interrupt> {
        let (list, question) = (inquiry.list.clone(), inquiry.question.clone());
        let asked = self.ask_once(list, GoSum::default(), question, (ANSWER, ANSWER)).await?;
        // What cannot be asked tells nothing, and keeps nobody waiting.
        let Some(Asked { answer, fetcher }) = asked else { return Ok(true) };
        Ok(match answer {
            Some(Answer::GaveUp { .. }) => fetcher.tally().hosts.values().any(|host| host.answers > 0),
            Some(Answer::Found { .. } | Answer::NotFound(_) | Answer::Refused(_) | Answer::Left { .. }) => {
                true
            }
            None => false,
        })
    }

    /// Waits for a route and a resolver; `None` where none came.
    pub(super) async fn await_network(
        &mut self,
        patience: Duration,
        observation: &Observation,
    ) -> Result<Option<Duration>, Interrupt> {
        let start = Instant::now();
        self.course.waits_for_a_network(start + patience);
        let (hosts, names) = observe::failing_hosts(&observation.failures);
        while start.elapsed() < patience {
            self.sleep(NETWORK_POLL).await?;
            if network::no_network(&hosts, names).is_none() {
                return Ok(Some(start.elapsed()));
            }
        }
        Ok(None)
    }
}
