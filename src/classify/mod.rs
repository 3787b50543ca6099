//! Reads what go says: from bytes to failures.
//!
//! Pure. Structure comes before patterns. The way of a text, one file a step:
//!
//! 1. `lines`: bytes to lines, whatever the chunks, the encoding, the length.
//! 2. `json`, `strings`: errors inside `-json` objects come out, and texts inside the strings of a log.
//! 3. `frames`, `wrappers`: labels that lines repeat, broken lines, colours, pages' marks, time stamps, BuildKit
//!    steps and comment marks come off.
//! 4. `tongues`: git's and the C library's words, where they were translated, become English.
//! 5. `messages`: lines to messages, each with its continuations and without its import chain.
//! 6. `speaker`: whose words are these? Those of tests, listings and programs (`owners`) and of compilers are no
//!    failures of the network, whatever they say. Then `network` with `envelope` (go's prefix, position, module), `urls` (whose
//!    URL), `inner` (net, http, tls, operating systems), `git` and `local` (go's own words).
//!    `compiler` reads a short text of the compiler's alone before all of that.
//! 7. `found`: what was read becomes a failure. What it means is the table's business
//!    ([`crate::judgement::table`]).

mod compiler;
mod context;
mod envelope;
mod found;
mod frames;
mod git;
mod inner;
mod json;
mod lines;
mod local;
mod messages;
mod network;
mod owners;
mod pattern;
mod rules;
mod speaker;
mod standard;
mod strings;
mod tongues;
pub mod trace;
mod urls;
mod wrappers;

#[cfg(test)]
mod tests;

use crate::judgement::table;
use crate::vocabulary::{Cause, Failure, Source, UserAction};
pub(crate) use network::behind;

use context::Context;
use envelope::Subject;
use found::{Found, weak};
use frames::Frames;
use lines::{Lines, Sink};
use messages::{Grouper, Message};
use regex::Regex;
use std::collections::HashMap;

/// Bytes of an evidence line (and of any other field) that are kept.
pub(crate) const MAX_EVIDENCE: usize = 2_000;
/// Distinct failures kept; further ones are counted. Far above the modules of any build that
/// could still be cured one by one.
pub(crate) const MAX_FAILURES: usize = 512;

/// The user's own rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// In order; the first that matches decides.
    pub user: Vec<UserRule>,
}

/// One rule of the user's.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// Matched against a whole message: its first line and, below it, its continuations.
    pub pattern: Regex,
    /// What to do about it.
    pub action: UserAction,
    /// Where the rule stands (`file:line`), shown by explain.
    pub origin: String,
}

/// Whose text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard error of one go command that gox itself ran.
    Stderr,
    /// Standard output of a `-json` verb: only the errors in its objects count.
    JsonStdout,
    /// Any log, with whatever wrappers.
    Log,
}

/// What a text told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The distinct failures, in the order of their lines.
    pub failures: Vec<Failure>,
    /// Which of them dominates; `None` only where there is none.
    pub dominant: Option<usize>,
    /// How often each was seen (same cause, source, module, version and host), by its index.
    pub counts: Vec<u64>,
    /// Where the user's rule stands that decided, by its index.
    pub origins: Vec<Option<String>>,
    /// Failures beyond [`MAX_FAILURES`] that are not listed.
    pub omitted: u64,
}

impl Reading {
    /// The dominating failure.
    pub fn dominant(&self) -> Option<&Failure> {
        self.dominant.and_then(|at| self.failures.get(at))
    }
}

/// Reads a text piece by piece, in bounded memory.
pub struct Classifier {
    /// The text so far, while it is short enough to be the compiler's alone.
    held: Option<Vec<u8>>,
    lines: Lines,
    reader: Reader,
}

impl Classifier {
    /// A classifier for one text.
    pub fn new(rules: &Rules, stream: Stream) -> Classifier {
        let patterns: Vec<&str> = rules.user.iter().map(|r| r.pattern.as_str()).collect();
        // A pattern that only spans lines is found by the words around it, if at all.
        let extra = (!patterns.is_empty()).then(|| regex::bytes::RegexSet::new(&patterns).ok()).flatten();
        // The user's own rules may be about anything.
        let held = (stream == Stream::Stderr && patterns.is_empty()).then(Vec::new);
        Classifier {
            held,
            lines: Lines::new(stream != Stream::Log, extra),
            reader: Reader {
                rules: rules.clone(),
                stream,
                frames: Frames::default(),
                grouper: Grouper::new(stream == Stream::Log),
                context: Context::default(),
                json: json::Reader::new(stream == Stream::Log),
                reading: Reading::default(),
                weak: None,
                stray: None,
                one_error: None,
                seen: HashMap::new(),
            },
        }
    }

    /// Takes the next bytes, in any chunks.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(mut held) = self.held.take() {
            held.extend_from_slice(bytes);
            if held.len() <= compiler::LONGEST {
                self.held = Some(held);
            } else {
                self.lines.push(&held, &mut self.reader);
            }
            return;
        }
        self.lines.push(bytes, &mut self.reader);
    }

    /// Ends the text.
    pub fn finish(mut self) -> Reading {
        if let Some(held) = self.held.take() {
            if let Some(reading) = compiler::alone(&held) {
                return reading;
            }
            self.lines.push(&held, &mut self.reader);
        }
        self.lines.finish(&mut self.reader);
        self.reader.end();
        self.reader.finish()
    }
}

/// Reads a whole text.
pub fn classify(rules: &Rules, stream: Stream, text: &[u8]) -> Reading {
    let mut classifier = Classifier::new(rules, stream);
    classifier.push(text);
    classifier.finish()
}

type Key = (u8, Option<Source>, Option<String>, Option<String>, Option<String>);

struct Reader {
    rules: Rules,
    stream: Stream,
    frames: Frames,
    grouper: Grouper,
    context: Context,
    json: json::Reader,
    reading: Reading,
    weak: Option<Failure>,
    /// git's words, which nobody is known to have asked for.
    stray: Option<Failure>,
    /// Inside one error of a JSON object: whether it has been read.
    one_error: Option<bool>,
    seen: HashMap<Key, usize>,
}

impl Sink for Reader {
    fn line(&mut self, number: u64, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if self.stream != Stream::Stderr && self.json(number, &text) {
            return;
        }
        if self.stream == Stream::JsonStdout {
            return;
        }
        if self.stream == Stream::Log && self.strings(number, &text) {
            return;
        }
        self.words(number, &text);
    }

    fn gap(&mut self, in_test: Option<bool>) {
        self.end();
        self.context.skip(in_test);
    }
}

impl Reader {
    /// Ends what was begun: the next line is no continuation.
    fn end(&mut self) {
        if let Some(freed) = self.frames.end() {
            self.ungrouped(freed.number, &freed.line, freed.label);
        }
        if let Some(message) = self.grouper.end() {
            self.message(&message);
        }
    }

    /// Reads a line of JSON; true where it was one.
    fn json(&mut self, number: u64, text: &str) -> bool {
        let Some(piece) = self.json.line(text) else { return false };
        match piece {
            json::Piece::Nothing => {}
            json::Piece::Lines(texts) => {
                for text in texts {
                    text.lines().for_each(|l| self.words(number, l));
                }
            }
            json::Piece::Output(text) => {
                self.end();
                text.lines().for_each(|l| self.words(number, l));
                self.end();
            }
            json::Piece::Error { text, module, version } => {
                self.end();
                self.context.object = Some(Subject { module, version, go_mod: false });
                self.one_error = Some(false);
                text.lines().for_each(|l| self.words(number, l));
                self.end();
                self.context.object = None;
                self.one_error = None;
            }
            json::Piece::TestFailed(text) => {
                self.end();
                self.words(number, &text);
                self.end();
            }
        }
        true
    }

    /// Reads the texts inside a line's strings; true where it had any.
    fn strings(&mut self, number: u64, text: &str) -> bool {
        if !text.contains(['=', ':', '\\']) {
            return false;
        }
        let texts = strings::of_line(text);
        for text in &texts {
            // Where each line of a log has one of go's lines, they belong together.
            let single = !text.trim_end().contains('\n') && texts.len() == 1;
            if !single {
                self.end();
            }
            text.lines().for_each(|l| self.words(number, l));
            if !single {
                self.end();
            }
        }
        !texts.is_empty()
    }

    fn words(&mut self, number: u64, text: &str) {
        if self.stream != Stream::Log {
            self.ungrouped(number, text, 0);
        } else if let Some(freed) = self.frames.line(number, text) {
            self.ungrouped(freed.number, &freed.line, freed.label);
        }
    }

    fn ungrouped(&mut self, number: u64, text: &str, label: usize) {
        if let Some(message) = self.grouper.line(number, text, label) {
            self.message(&message);
        }
    }

    fn message(&mut self, message: &Message) {
        // What stands further down in one error is what somebody was quoted with.
        if self.one_error == Some(true) {
            return;
        }
        let found = speaker::read(message, self.stream, &mut self.context);
        if self.stray.is_some() && self.context.place.is_claimed(message.last()) {
            let claimed = self.stray.take();
            let module = envelope::named(&message.parts[message.head()].text).module;
            claimed.into_iter().for_each(|failure| {
                let module = failure.module.clone().or(module.clone());
                self.perhaps(Failure { module, ..failure });
            });
        }
        if let Some(done) = &mut self.one_error {
            *done = found.is_some();
        }
        if let Some((rule, origin)) = self.rule(message) {
            // A failure of which nothing else may be known but the user's own rule for it.
            let found = found.unwrap_or_else(|| weak(Cause::Other, None));
            let failure = Failure { rule: Some(rule), ..found.into_failure(message) };
            self.keep(failure, Some(origin));
            return;
        }
        match found {
            None => {}
            Some(found @ Found { stray: true, .. }) => self.stray = Some(found.into_failure(message)),
            Some(found @ Found { weak: false, .. }) => self.keep(found.into_failure(message), None),
            Some(found) => self.perhaps(found.into_failure(message)),
        }
    }

    /// Keeps what is a failure if nothing else is one.
    fn perhaps(&mut self, failure: Failure) {
        if self.weak.as_ref().is_none_or(|f| failure.row().rank < f.row().rank) {
            self.weak = Some(failure);
        }
    }

    fn rule(&self, message: &Message) -> Option<(UserAction, String)> {
        if self.rules.user.is_empty() {
            return None;
        }
        let whole: Vec<&str> = message.parts.iter().map(|p| p.text.as_str()).collect();
        let whole = whole.join("\n");
        let rule = self.rules.user.iter().find(|r| r.pattern.is_match(&whole))?;
        Some((rule.action, rule.origin.clone()))
    }

    fn keep(&mut self, failure: Failure, origin: Option<String>) {
        let key = (
            failure.cause as u8,
            failure.source,
            failure.module.clone(),
            failure.version.clone(),
            failure.host.clone(),
        );
        if let Some(&at) = self.seen.get(&key) {
            self.reading.counts[at] += 1;
            return;
        }
        // Past the bound only what is new in kind is listed: it may be what forbids a retry.
        let full = self.reading.failures.len() >= MAX_FAILURES;
        if full
            && self
                .reading
                .failures
                .iter()
                .any(|f| f.cause == failure.cause && f.action() == failure.action())
        {
            self.reading.omitted += 1;
            return;
        }
        self.seen.insert(key, self.reading.failures.len());
        self.reading.failures.push(failure);
        self.reading.counts.push(1);
        self.reading.origins.push(origin);
    }

    fn finish(mut self) -> Reading {
        if let Some(failure) = self.weak.take() {
            let strong = self.reading.failures.iter().any(|f| f.cause != Cause::Other);
            if self.reading.failures.is_empty() || (!strong && failure.cause != Cause::Other) {
                self.keep(failure, None);
            }
        }
        self.reading.dominant = table::dominant(&self.reading.failures);
        self.reading
    }
}
