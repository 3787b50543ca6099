//! gox's own lines: each begins `gox: ` and stands on stderr; nothing is said when nothing happened.

use crate::child::Supervisor;
use crate::configuration::Verbosity;
use crate::formats::goproxy::{Entry, List};
use crate::judgement::attempt::{Pause, Remedy, Retry};
use crate::redact;
use std::time::Duration;

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

/// Finds the words.
pub(super) struct Voice {
    verbosity: Verbosity,
}

impl Voice {
    pub(super) fn new(verbosity: Verbosity) -> Voice {
        Voice { verbosity }
    }

    /// Says one line, secrets removed.
    pub(super) fn say(&self, supervisor: &mut Supervisor, level: Level, text: &str) {
        let heard = match level {
            Level::Always => true,
            Level::Normal => self.verbosity >= Verbosity::Normal,
            Level::Verbose => self.verbosity >= Verbosity::Verbose,
        };
        if heard {
            // A closed stderr is no reason to end: go's status still counts.
            let _ = supervisor.say(&format!("gox: {}", redact::line(text)));
        }
    }

    /// What was done before the first attempt.
    pub(super) fn opening(&self, supervisor: &mut Supervisor, remedies: &[Remedy], list: &List) {
        for remedy in remedies {
            match remedy {
                Remedy::Rotate(entry) => {
                    let resting = list.entries.first().map(Entry::shown).unwrap_or_default();
                    let text =
                        format!("asked {} first: {resting} did not answer a short while ago", entry.shown());
                    self.say(supervisor, Level::Normal, &text);
                }
                Remedy::Relay => self.say(supervisor, Level::Verbose, "the relay serves from the start"),
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
        self.say(supervisor, Level::Verbose, "the words name no cause: one diagnostic attempt");
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
        if let Pause::Network(patience) = retry.pause {
            let text = format!("{}; waiting up to {} s for one", retry.reason, patience.as_secs());
            self.say(supervisor, Level::Normal, &text);
            return;
        }
        let mut lines: Vec<String> = retry.remedies.iter().filter_map(|r| line(mirrors, r)).collect();
        let again = if wait > Duration::ZERO {
            format!("trying again in {:.1} s (attempt {attempt})", wait.as_secs_f64())
        } else {
            format!("trying again (attempt {attempt})")
        };
        match lines.last_mut() {
            Some(last) => last.push_str(&format!(", {again}")),
            None => lines.push(again),
        }
        lines[0].insert_str(0, &format!("{}: ", retry.reason));
        for text in lines {
            self.say(supervisor, Level::Normal, &text);
        }
    }
}

/// The words for one remedy; `None` for what needs none.
fn line(mirrors: &[Entry], remedy: &Remedy) -> Option<String> {
    Some(match remedy {
        Remedy::Rotate(entry) if mirrors.contains(entry) => {
            format!("asking the mirror {} (turn this off with GOX_MIRRORS=none)", entry.shown())
        }
        Remedy::Rotate(Entry::Direct) => "asking the origin directly".into(),
        Remedy::Rotate(entry) => format!("asking {} first", entry.shown()),
        Remedy::Evict { what, path } => format!("removed the damaged {} of {what}", shown_file(path)),
        Remedy::SetAside { what, path } => {
            format!(
                "the cached {} of {what} is not what go.sum says: set aside for a fresh one",
                shown_file(path)
            )
        }
        Remedy::Private(pattern) => {
            format!("GOPRIVATE={pattern} for this run: no proxy and no checksum database for it")
        }
        Remedy::NoProxy(pattern) => format!("GONOPROXY={pattern} for this run: no proxy for it"),
        Remedy::Sumdb(host) => format!("asking the checksum database at {host}"),
        Remedy::Http1 => "HTTP/2 off".into(),
        Remedy::Http2Again => "HTTP/2 on again".into(),
        Remedy::NoMlkem => "smaller TLS greetings (tlsmlkem=0)".into(),
        Remedy::GitPatience => return None,
        Remedy::Relay if !mirrors.is_empty() => {
            let mirrors: Vec<String> = mirrors.iter().map(Entry::shown).collect();
            format!(
                "single requests are now retried by the relay, last at {} (turn this off with GOX_MIRRORS=none)",
                mirrors.join(", ")
            )
        }
        Remedy::Relay => "single requests are now retried by the relay".into(),
        Remedy::Rest(_) => return None,
    })
}

fn shown_file(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
