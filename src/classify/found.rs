//! What was read of a message, on its way to becoming a failure.

use super::MAX_EVIDENCE;
use super::envelope::Named;
use super::messages::Message;
use super::table;
use super::verdict::{Context, Verdict};
use crate::redact;
use crate::vocabulary::{Action, Cause, Detail, Failure, Source};

/// What was read, before it becomes a failure.
#[derive(Debug)]
pub(super) struct Found {
    pub cause: Cause,
    pub source: Option<Source>,
    pub named: Named,
    pub host: Option<String>,
    pub url: Option<String>,
    pub detail: Detail,
    pub weak: bool,
}

/// A cause at a source, and nothing else known.
pub(super) fn plain(cause: Cause, source: Option<Source>) -> Found {
    Found {
        cause,
        source,
        named: Named::default(),
        host: None,
        url: None,
        detail: Detail::default(),
        weak: false,
    }
}

impl Found {
    /// Takes module and version.
    pub(super) fn take(&mut self, named: Named) {
        self.detail.go_mod |= named.go_mod;
        self.named = named;
    }

    /// The module that the surrounding JSON object names, where the words name none.
    pub(super) fn default_module(&mut self, ctx: &Context) {
        if self.named.module.is_none()
            && let Some(object) = &ctx.object
        {
            self.named.module = object.module.clone();
            self.named.version = object.version.clone();
            self.detail.ambiguous &= object.module.is_none();
        }
    }

    /// The verdict on `message`.
    pub(super) fn into_verdict(self, message: &Message) -> Verdict {
        if self.weak { weak(message, self) } else { failure(message, self) }
    }
}

/// The verdict that the message is a failure.
pub(super) fn failure(message: &Message, found: Found) -> Verdict {
    Verdict::Failure(Box::new(build(message, found)))
}

/// The verdict that the message is a failure if nothing else is.
pub(super) fn weak(message: &Message, found: Found) -> Verdict {
    Verdict::Weak(Box::new(build(message, found)))
}

/// The failure, bounded and without secrets.
pub(super) fn build(message: &Message, found: Found) -> Failure {
    let part = &message.parts[message.head().min(message.parts.len() - 1)];
    let action = table::action_of(found.cause, found.source, &found.detail);
    Failure {
        module: found.named.module.map(|m| bounded(&m)),
        version: found.named.version.map(|v| bounded(&v)),
        host: found.host.map(|h| bounded(&h)),
        url: found.url.map(|u| bounded(&redact::url(&u))),
        line: part.line,
        detail: found.detail,
        ..Failure::new(found.cause, found.source, action, evidence(&part.evidence))
    }
}

/// A failure of which nothing is known but the user's own rule for it.
pub(super) fn ruled(message: &Message, action: Action) -> Failure {
    let mut failure = build(message, plain(Cause::Other, None));
    failure.action = action;
    failure
}

/// The line shown as evidence: bounded, without secrets and control characters.
pub(super) fn evidence(line: &str) -> String {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    bounded(&redact::text(clean.trim()))
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_EVIDENCE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
