//! What was read of a message, and the failure it becomes.

use super::MAX_EVIDENCE;
use super::context::Context;
use super::envelope::Subject;
use super::messages::Message;
use crate::redact;
use crate::vocabulary::{Cause, Detail, Facts, Failure, Source};

/// What was read, before it becomes a failure.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub cause: Cause,
    pub source: Option<Source>,
    pub detail: Detail,
    pub subject: Subject,
    pub host: Option<String>,
    pub url: Option<String>,
    pub facts: Facts,
    /// A failure only if nothing else is one.
    pub weak: bool,
    /// A failure only if the next lines tell that go ran here.
    pub stray: bool,
}

/// A cause at a source, and nothing else known.
pub(super) fn plain(cause: Cause, source: Option<Source>) -> Found {
    Found {
        cause,
        source,
        detail: Detail::Plain,
        subject: Subject::default(),
        host: None,
        url: None,
        facts: Facts::default(),
        weak: false,
        stray: false,
    }
}

/// As [`plain`], a failure only if nothing else is one.
pub(super) fn weak(cause: Cause, source: Option<Source>) -> Found {
    Found { weak: true, ..plain(cause, source) }
}

impl Found {
    /// Takes module and version.
    pub(super) fn take(&mut self, subject: Subject) {
        self.facts.go_mod |= subject.go_mod;
        self.subject = subject;
    }

    /// The module that the surrounding JSON object names, where the words name none.
    pub(super) fn default_module(&mut self, ctx: &Context) {
        if self.subject.module.is_none()
            && let Some(version) = &self.subject.version
        {
            self.subject.module = ctx.downloaded(version).map(str::to_owned);
        }
        if self.subject.module.is_none()
            && let Some(object) = &ctx.object
        {
            self.subject.module = object.module.clone();
            self.subject.version = object.version.clone();
            if object.module.is_some() && self.detail == Detail::Hidden {
                self.detail = Detail::Plain;
            }
        }
    }

    /// The failure, bounded and without secrets.
    pub(super) fn into_failure(self, message: &Message) -> Failure {
        let part = &message.parts[message.head().min(message.parts.len() - 1)];
        Failure {
            detail: self.detail,
            module: self.subject.module.map(|m| bounded(&m)),
            version: self.subject.version.map(|v| bounded(&v)),
            host: self.host.map(|h| bounded(&h)),
            url: self.url.map(|u| bounded(&redact::url(&u))),
            line: part.line,
            facts: self.facts,
            ..Failure::new(self.cause, self.source, evidence(&part.evidence))
        }
    }
}

/// The line shown as evidence: bounded, without secrets and control characters.
pub(super) fn evidence(line: &str) -> String {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    bounded(&redact::quoted(clean.trim()))
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_EVIDENCE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
