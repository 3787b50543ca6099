//! The record of a run: what it was given and what it observed, as JSON lines from which the same
//! decisions come out again. What a user attaches to a bug report.
//!
//! Pure. The first line is a `Head`, each other one a `Line`; secrets of URLs are left out when a
//! value is written.

use crate::judgement::attempt::{Decision, Observation, Pause, Policy, Retry, Step, Stop, decide};
use crate::memory::report::millis;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The only form there is so far.
const SCHEMA: u32 = 1;

/// What a run was given.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    schema: u32,
    gox: String,
    policy: Policy,
}

/// One observation, and what was decided.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    observation: Observation,
    decision: Outline,
}

/// A decision as people and records see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// `done`, `stop`, `retry` or `diagnose`.
    pub decision: String,
    /// What is done first, as in a report, with those that a report leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
    /// The longest wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// How long the next attempt may be silent, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the user can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Outline {
    fn of(decision: &Decision) -> Outline {
        let named = |word: &str| Outline { decision: word.into(), ..Outline::default() };
        match decision {
            Decision::Done => named("done"),
            Decision::Diagnose => named("diagnose"),
            Decision::Stop(Stop { reason, hint, .. }) => {
                let hint = hint.as_ref().map(|hint| hint.en.clone());
                Outline { reason: reason.en.clone(), hint, ..named("stop") }
            }
            Decision::Retry(Retry { remedies, pause, patience, reason }) => Outline {
                remedies: remedies.iter().map(ToString::to_string).collect(),
                wait_ms: Some(millis(match pause {
                    Pause::Delay { ceiling, .. } => *ceiling,
                    Pause::Network(length) => *length,
                })),
                patience_ms: Some(millis(*patience)),
                reason: reason.en.clone(),
                ..named("retry")
            },
        }
    }
}

impl fmt::Display for Outline {
    /// One line for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decision)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        if !self.remedies.is_empty() {
            write!(f, " [{}]", self.remedies.join(" "))?;
        }
        match self.wait_ms {
            None | Some(0) => {}
            Some(ms) => write!(f, ", after up to {:.1} s", ms as f64 / 1000.0)?,
        }
        match &self.hint {
            None => Ok(()),
            Some(hint) => write!(f, " (hint: {hint})"),
        }
    }
}

/// The first line of a record.
///
/// # Errors
/// None that is known: every value has a form in JSON.
pub(crate) fn head(policy: &Policy) -> serde_json::Result<String> {
    let gox = env!("CARGO_PKG_VERSION").to_owned();
    serde_json::to_string(&Head { schema: SCHEMA, gox, policy: policy.clone() })
}

/// The line of one observation.
///
/// # Errors
/// As [`head`].
pub(crate) fn line(observation: &Observation, decision: &Decision) -> serde_json::Result<String> {
    serde_json::to_string(&Line { observation: observation.clone(), decision: Outline::of(decision) })
}

/// One decision made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Attempt, from 1.
    pub attempt: usize,
    /// What is decided by this gox.
    pub now: Outline,
    /// What was decided by the one that wrote the record.
    pub then: Outline,
}

impl Replayed {
    /// True where both decided alike.
    pub(crate) fn is_same(&self) -> bool {
        self.now == self.then
    }
}

/// Decides everything again that a record tells of.
///
/// # Errors
/// A line that is none of a record's, in words with its number.
pub(crate) fn replay(text: &str) -> Result<Vec<Replayed>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let wrong = |at: usize, why: &dyn fmt::Display| format!("line {}: {why}", at + 1);
    let Some((at, first)) = lines.next() else { return Err("the record is empty".into()) };
    let head: Head = serde_json::from_str(first).map_err(|error| wrong(at, &error))?;
    if head.schema != SCHEMA {
        return Err(wrong(at, &format!("written in form {}, this gox reads {SCHEMA}", head.schema)));
    }
    let mut history: Vec<Step> = Vec::new();
    let mut all = Vec::new();
    for (at, text) in lines {
        let Line { observation, decision: then } =
            serde_json::from_str(text).map_err(|error| wrong(at, &error))?;
        let decision = decide(&head.policy, &history, &observation);
        all.push(Replayed { attempt: history.len() + 1, now: Outline::of(&decision), then });
        if let Decision::Retry(retry) = decision {
            history.push(Step { observation, retry });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::attempt::AttemptEnd;
    use crate::vocabulary::{Cause, Failure, Source};
    use std::sync::Arc;

    fn recorded() -> String {
        let mut policy = Policy::example("https://me:secret@a.example/x?key=1,https://b.example,direct");
        let known = policy.premises.take();
        policy.relay = true;
        let mut text = head(&policy).unwrap() + "\n";
        let mut failure = Failure::new(Cause::Eof, Some(Source::Proxy), "words");
        failure.host = Some("a.example".into());
        failure.facts.got = Some("h1:x".into());
        let mut observation = Observation::new(AttemptEnd::Code(1), vec![failure]);
        let list = known.as_ref().map(|premises| premises.list.entries.clone()).unwrap_or_default();
        observation.premises = known;
        observation.proofs.witness_fault(&list[0]);
        let mut history = Vec::new();
        for no_relay in [None, Some("no port"), None] {
            observation.no_relay = no_relay.map(str::to_owned);
            let decision = decide(&policy, &history, &observation);
            text += &(line(&observation, &decision).unwrap() + "\n");
            let Decision::Retry(retry) = decision else { panic!("{decision:?}") };
            history.push(Step { observation: observation.clone(), retry });
        }
        let end = Observation::new(AttemptEnd::Code(0), vec![]);
        text + &line(&end, &decide(&policy, &history, &end)).unwrap()
    }

    #[test]
    fn a_record_comes_to_the_same_decisions_and_holds_no_secret() {
        let text = recorded();
        assert!(!text.contains("secret") && !text.contains("key=1"), "{text}");
        let replayed = replay(&text).unwrap();
        assert!(replayed.iter().all(Replayed::is_same), "{replayed:?}");
        let words: Vec<&str> = replayed.iter().map(|r| r.now.decision.as_str()).collect();
        assert_eq!(words, ["retry", "retry", "retry", "done"]);
        assert_eq!(replayed[0].now.remedies, ["relay"]);
        assert_eq!(replayed[1].now.remedies, ["rotate:b.example"], "no port");
    }

    #[test]
    fn what_another_gox_decided_otherwise_is_seen() {
        let text = recorded().replace("\"remedies\":[\"relay\"]", "\"remedies\":[]");
        let replayed = replay(&text).unwrap();
        assert_eq!(replayed.iter().map(Replayed::is_same).collect::<Vec<_>>(), [false, true, true, true]);
    }

    #[test]
    fn what_is_no_record_is_told_with_its_line() {
        assert_eq!(replay("").unwrap_err(), "the record is empty");
        assert!(replay("{}").unwrap_err().starts_with("line 1: missing field"));
        let first = recorded().lines().next().unwrap().to_owned();
        assert!(replay(&format!("{first}\n\nrubbish")).unwrap_err().starts_with("line 3: "));
        let newer = first.replacen("\"schema\":1", "\"schema\":2", 1);
        assert!(replay(&newer).unwrap_err().contains("written in form 2"));
    }

    #[test]
    fn premises_are_shared_and_equal_after_a_round_trip() {
        let policy = Policy::example("https://a.example|https://b.example,off");
        let read: Policy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(read, policy);
        assert!(read.premises.is_some_and(|premises| Arc::strong_count(&premises) == 1));
    }
}
