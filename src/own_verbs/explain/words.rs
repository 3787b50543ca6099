//! The lines for a person.

use crate::classify::Reading;
use crate::judgement::table::Class;
use crate::vocabulary::{Detail, Failure, Source, UserAction};
use crate::words::{self, Language, Phrase, Text, explaining};
use std::fmt::Write;

/// Characters of the evidence line that are shown.
const EVIDENCE: usize = 300;

/// Columns of a label.
const LABEL: usize = 10;

/// Other kinds of failures that are told.
const OTHERS: usize = 2;

/// The verdict for a person in English, in at most ten lines.
pub fn text(reading: &Reading) -> String {
    in_language(reading, Language::English)
}

/// The verdict for a person, in at most ten lines.
pub(crate) fn in_language(reading: &Reading, language: Language) -> String {
    let Some(failure) = reading.dominant() else {
        return format!("{}\n", Text::from(explaining::NO_FAILURE).in_language(language));
    };
    let mut out = String::new();
    let mut line = |label: Phrase, value: &Text| {
        let _ = write!(out, "{}", labelled(label, language));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", value.in_language(language));
    };
    line(explaining::FAILED, &words::happened(failure));
    if let Some(place) = place(failure) {
        line(explaining::WHERE, &place);
    }
    if let Some(module) = &failure.module {
        let named = failure.version.as_ref().map_or(module.clone(), |v| format!("{module} {v}"));
        line(explaining::MODULE, &Text::plain(named));
    }
    if let Some(url) = &failure.url {
        line(explaining::URL, &Text::plain(url));
    }
    line(explaining::GOX, &would(failure).into());
    line(explaining::YOU, &words::advice(failure));
    if let Some(origin) = reading.dominant.and_then(|at| reading.origins.get(at)?.as_ref()) {
        line(explaining::BECAUSE, &explaining::YOUR_RULE.with(&[("origin", origin)]));
    }
    if let Some(others) = others(reading) {
        line(explaining::ALSO, &others);
    }
    let shown: String = failure.evidence.chars().take(EVIDENCE).collect();
    line(explaining::EVIDENCE, &explaining::LINE.with(&[("number", &failure.line), ("words", &shown)]));
    out
}

/// A label with what fills its column; a Chinese character is two columns wide.
pub(super) fn labelled(label: Phrase, language: Language) -> String {
    let text = Text::from(label);
    let text = text.in_language(language);
    let width: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(LABEL.saturating_sub(width).max(1)))
}

fn others(reading: &Reading) -> Option<Text> {
    let mut causes = Vec::new();
    let mut told: Option<Text> = None;
    let rest = reading.failures.iter().enumerate().filter(|(at, _)| Some(*at) != reading.dominant);
    let mut number = reading.omitted;
    for (_, failure) in rest {
        number += 1;
        if causes.len() < OTHERS && !causes.contains(&failure.cause) {
            causes.push(failure.cause);
            let this = words::happened(failure);
            told = Some(match told {
                Some(first) => words::running::LIST.with(&[("first", &first), ("then", &this)]),
                None => this,
            });
        }
    }
    let told = told.unwrap_or_default();
    (number > 0).then(|| explaining::MORE.with(&[("number", &number), ("others", &told)]))
}

fn place(failure: &Failure) -> Option<Text> {
    let between = failure.detail == Detail::HttpProxy;
    let kind = match failure.source? {
        _ if between => return Some(words::who(failure)),
        Source::Sumdb if failure.host.is_some() => return Some(words::who(failure)),
        Source::Proxy => explaining::PROXY,
        Source::Direct => explaining::SITE,
        Source::Vcs => explaining::VCS,
        Source::Sumdb => explaining::SUMDB,
        Source::Toolchain => explaining::TOOLCHAIN,
        Source::Cache => explaining::CACHE,
        Source::Local => explaining::LOCAL,
    };
    let path = failure.facts.path.as_ref().map(|p| p.display().to_string());
    let at = failure.host.as_ref().or(path.as_ref()).cloned().unwrap_or_default();
    let text = kind.with(&[("place", &at)]);
    Some(Text { en: text.en.trim_end().to_owned(), zh: text.zh.trim_end().to_owned() })
}

fn would(failure: &Failure) -> Phrase {
    match failure.rule {
        Some(UserAction::Retry) => return explaining::RUN_AGAIN,
        Some(UserAction::Stop) => return explaining::STOP,
        None => {}
    }
    match failure.row().class {
        Class::Again | Class::Way => explaining::NEXT_OR_LATER,
        Class::Slower => explaining::WAIT,
        Class::Origin => explaining::LIMIT_GIT,
        Class::Elsewhere | Class::Certificate => explaining::PASS_OVER,
        Class::Toolchain => explaining::FIND_OUT,
        Class::Database => explaining::ANOTHER_WAY,
        Class::Mismatch => explaining::CHECK_AND_REFETCH,
        Class::Damage => explaining::REMOVE_DAMAGED,
        Class::Refusal | Class::Absence | Class::Login => explaining::DIRECT_IF_PRIVATE,
        Class::Repeats => explaining::ONCE_MORE,
        Class::Stop => explaining::HELPLESS,
    }
}
