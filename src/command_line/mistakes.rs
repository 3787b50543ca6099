//! What is wrong with the arguments of a verb of gox's own, in words of gox's own: the parser's speak one language.

use super::quoted;
use crate::words::{Phrase, Text, faults};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;

/// The mistake that the parser found in the arguments of `verb`.
pub(super) fn told(verb: &str, error: &clap::Error) -> Text {
    let all = |kind| values(error, kind);
    let first = |kind| all(kind).into_iter().next().unwrap_or_default();
    let name = |text: String| text.split(' ').next().unwrap_or_default().to_owned();
    let option = name(first(ContextKind::InvalidArg));
    let given = first(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            near(verb, &option, &first(ContextKind::SuggestedArg), faults::VERB_UNKNOWN_OPTION)
        }
        ErrorKind::InvalidSubcommand => near(
            verb,
            &first(ContextKind::InvalidSubcommand),
            &first(ContextKind::SuggestedSubcommand),
            faults::VERB_NO_SUB,
        ),
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<String> = all(ContextKind::InvalidArg);
            faults::VERB_LACKS.with(&[("verb", &verb), ("given", &missing.join(" "))])
        }
        ErrorKind::ArgumentConflict => {
            let other = name(first(ContextKind::PriorArg));
            let phrase = if other == option { faults::VERB_TWICE } else { faults::VERB_BESIDE };
            phrase.with(&[("verb", &verb), ("given", &option), ("other", &other)])
        }
        ErrorKind::InvalidValue if given.is_empty() => {
            faults::VERB_NEEDS_VALUE.with(&[("verb", &verb), ("option", &option)])
        }
        ErrorKind::InvalidValue => faults::VERB_VALUES.with(&[
            ("verb", &verb),
            ("option", &option),
            ("given", &quoted(&given)),
            ("words", &all(ContextKind::ValidValue).join(", ")),
        ]),
        ErrorKind::ValueValidation => value(verb, &option, &given, error),
        _ => faults::VERB_ODD.with(&[("verb", &verb)]),
    }
}

/// A name that is none, and the one that comes nearest.
fn near(verb: &str, given: &str, near: &str, unknown: Phrase) -> Text {
    let given = quoted(given);
    if near.is_empty() {
        return unknown.with(&[("verb", &verb), ("given", &given)]);
    }
    faults::VERB_NEARLY.with(&[("verb", &verb), ("given", &given), ("near", &near)])
}

/// A value that a reader of gox's own refused.
fn value(verb: &str, option: &str, given: &str, error: &clap::Error) -> Text {
    let parts: &[(&str, &dyn crate::words::Part)] =
        &[("verb", &verb), ("option", &option), ("given", &quoted(given))];
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    let known = [faults::AGE, faults::ADDRESS, faults::LATENCY].into_iter().find(|phrase| phrase.en == why);
    match known {
        Some(why) => faults::VERB_VALUE_WHY.with(&[parts, &[("why", &why)]].concat()),
        None => faults::VERB_VALUE.with(parts),
    }
}

/// What the parser tells of its error.
fn values(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(several)) => several.clone(),
        _ => Vec::new(),
    }
}
