//! gox's own lines: each begins `gox: ` and stands on stderr; nothing is said when nothing happened.

use crate::child::Supervisor;
use crate::configuration::Verbosity;
use crate::formats::goproxy::{Entry, List};
use crate::judgement::attempt::{Pause, Remedy, Retry};
use crate::redact;
use crate::words::{Language, Part, Text, running};
use std::time::Duration;

/// A shorter wait is none for a person.
const WORTH_TELLING: Duration = Duration::from_millis(50);

/// Who hears a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Everybody, also with `quiet`.
    Always,
    /// `normal` and `verbose`.
    Normal,
    /// `verbose`.
    Verbose,
}

/// Says what the table of words has, in the user's language.
pub(super) struct Voice {
    verbosity: Verbosity,
    language: Language,
}

impl Voice {
    pub(super) fn new(verbosity: Verbosity, language: Language) -> Voice {
        Voice { verbosity, language }
    }

    /// Says one line, secrets removed.
    pub(super) fn say(&self, supervisor: &mut Supervisor, level: Level, text: &Text) {
        let heard = match level {
            Level::Always => true,
            Level::Normal => self.verbosity >= Verbosity::Normal,
            Level::Verbose => self.verbosity >= Verbosity::Verbose,
        };
        if heard {
            // A closed stderr is no reason to end: go's status still counts.
            let _ = supervisor.say(&format!("gox: {}", redact::line(text.in_language(self.language))));
        }
    }

    /// Passes on a line in the form that a CI system reads.
    pub(super) fn note(&self, supervisor: &mut Supervisor, line: &str) {
        if self.verbosity >= Verbosity::Normal {
            let _ = supervisor.say(line);
        }
    }

    /// The text in the user's language.
    pub(super) fn in_words<'t>(&self, text: &'t Text) -> &'t str {
        text.in_language(self.language)
    }

    /// What was done before the first attempt.
    pub(super) fn opening(&self, supervisor: &mut Supervisor, remedies: &[Remedy], list: &List) {
        for remedy in remedies {
            match remedy {
                Remedy::Rotate(entry) => {
                    let resting = list.entries.first().map(Entry::shown).unwrap_or_default();
                    let parts: [(&str, &dyn Part); 2] = [("entry", &entry.shown()), ("resting", &resting)];
                    let text = running::ASKED_FIRST.with(&parts);
                    self.say(supervisor, Level::Normal, &text);
                }
                Remedy::Relay => self.say(supervisor, Level::Verbose, &running::RELAY_FROM_THE_START.into()),
                Remedy::Rest(_)
                | Remedy::Evict { .. }
                | Remedy::SetAside { .. }
                | Remedy::Private(_)
                | Remedy::NoProxy(_)
                | Remedy::Sumdb(_)
                | Remedy::Http1
                | Remedy::Http2Again
                | Remedy::NoMlkem
                | Remedy::GitPatience => {}
            }
        }
    }

    pub(super) fn diagnosing(&self, supervisor: &mut Supervisor) {
        self.say(supervisor, Level::Verbose, &running::DIAGNOSING.into());
    }

    /// Why and how go is run again: one line for each remedy.
    pub(super) fn retry(
        &self,
        supervisor: &mut Supervisor,
        mirrors: &[Entry],
        retry: &Retry,
        attempt: usize,
        wait: Duration,
    ) {
        let reason = &retry.reason;
        if let Pause::Network(patience) = retry.pause {
            let text =
                running::AWAITING_NETWORK.with(&[("reason", reason), ("seconds", &patience.as_secs())]);
            self.say(supervisor, Level::Normal, &text);
            return;
        }
        let mut lines: Vec<Text> = retry.remedies.iter().filter_map(|r| line(mirrors, r)).collect();
        let again = if wait >= WORTH_TELLING {
            let seconds = format!("{:.1}", wait.as_secs_f64());
            running::AGAIN_IN.with(&[("seconds", &seconds), ("attempt", &attempt)])
        } else {
            running::AGAIN.with(&[("attempt", &attempt)])
        };
        let last = match lines.pop() {
            Some(last) => running::AND.with(&[("first", &last), ("then", &again)]),
            None => again,
        };
        lines.push(last);
        lines[0] = running::BECAUSE.with(&[("reason", reason), ("then", &lines[0])]);
        for text in lines {
            self.say(supervisor, Level::Normal, &text);
        }
    }
}

/// The words for one remedy; `None` for what needs none.
fn line(mirrors: &[Entry], remedy: &Remedy) -> Option<Text> {
    Some(match remedy {
        Remedy::Rotate(entry) if mirrors.contains(entry) => {
            running::ASKING_MIRROR.with(&[("entry", &entry.shown())])
        }
        Remedy::Rotate(Entry::Direct) => running::ASKING_ORIGIN.into(),
        Remedy::Rotate(entry) => running::ASKING_FIRST.with(&[("entry", &entry.shown())]),
        Remedy::Evict { what, path } => running::REMOVED.with(&[("file", &shown_file(path)), ("what", what)]),
        Remedy::SetAside { what, path } => {
            running::SET_ASIDE.with(&[("file", &shown_file(path)), ("what", what)])
        }
        Remedy::Private(pattern) => running::PRIVATE.with(&[("pattern", pattern)]),
        Remedy::NoProxy(pattern) => running::NO_PROXY.with(&[("pattern", pattern)]),
        Remedy::Sumdb(host) => running::SUMDB.with(&[("host", host)]),
        Remedy::Http1 => running::HTTP1.into(),
        Remedy::Http2Again => running::HTTP2_AGAIN.into(),
        Remedy::NoMlkem => running::NO_MLKEM.into(),
        Remedy::GitPatience => return None,
        Remedy::Relay if !mirrors.is_empty() => {
            let mirrors: Vec<String> = mirrors.iter().map(Entry::shown).collect();
            running::RELAY_AND_MIRRORS.with(&[("mirrors", &mirrors.join(", "))])
        }
        Remedy::Relay => running::RELAY.into(),
        Remedy::Rest(_) => return None,
    })
}

fn shown_file(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
