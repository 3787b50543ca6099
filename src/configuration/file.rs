//! One gox.toml: its text becomes settings, rules and locks, each with its line.

use super::error::{Error, listed, quoted};
use super::keys::{Key, nearest};
use super::settings::{FileKind, Origin, Rule, RuleAction};
use super::values::{Raw, Setting, parse};
use crate::words::{Part, Text, faults};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a gox.toml, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileText {
    /// Where it was read: absolute, for messages and for relative paths in it.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
    /// Whose it is.
    pub kind: FileKind,
}

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// In the order of their lines.
    pub(crate) settings: Vec<(Setting, usize)>,
    pub(crate) rules: Vec<Rule>,
    /// Keys that only the system file may set; `None` stands for the rules.
    pub(crate) locked: Vec<Option<Key>>,
    /// The line of `locked`, where it stands.
    pub(crate) locked_line: Option<usize>,
    /// What is wrong in a project's file, whose good lines count all the same.
    pub(crate) problems: Vec<Error>,
}

const RULE: &str = "rule";
const LOCKED: &str = "locked";

/// Most rules of one file.
const MOST_RULES: usize = 100;

/// Reads the text of a file. `home` stands for a leading `~/` in paths.
///
/// # Errors
/// The first fault of the user's or system's file; a project's has none, only [`Contents::problems`].
pub(crate) fn contents(file: &FileText, home: Option<&Path>) -> Result<Contents, Error> {
    let mut found = Contents::default();
    match read(file, home, &mut found) {
        Err(error) if file.kind == FileKind::Project => found.problems.push(error),
        done => done?,
    }
    Ok(found)
}

fn read(file: &FileText, home: Option<&Path>, found: &mut Contents) -> Result<(), Error> {
    let is_project = file.kind == FileKind::Project;
    // Without the words at the fault: they may be a secret with its quotes missing.
    let document = DeTable::parse(&file.text).map_err(|e| {
        let start = e.span().unwrap_or(0..0).start;
        let problem = faults::NO_TOML.with(&[("why", &e.message().trim_end())]);
        Error::at(&file.path, line_at(&file.text, start), problem)
    })?;
    let mut entries: Vec<_> = document.get_ref().iter().collect();
    // The first fault of the file is the one to tell.
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let line = line_at(&file.text, name.span().start);
        let wrong = |problem: Text| Error::at(&file.path, line, problem);
        let taken = match name.get_ref().as_ref() {
            // A stranger's expressions are not even compiled.
            RULE if is_project => Err(wrong(faults::RULE_OF_PROJECT.into())),
            LOCKED if is_project => Err(wrong(faults::LOCK_OF_PROJECT.into())),
            RULE => rules(file, line, value).map(|rules| found.rules = rules),
            LOCKED => {
                found.locked_line = Some(line);
                locked(file, line, value).map(|keys| found.locked = keys)
            }
            word => key(word).map_err(wrong).and_then(|key| {
                let setting = parse(key, &raw(value.get_ref()))
                    .map_err(|why| wrong(faults::KEYED.with(&[("key", &key.name()), ("why", &why)])))?;
                found.settings.push((anchored(setting, &file.path, home), line));
                Ok(())
            }),
        };
        match taken {
            Err(error) if is_project => found.problems.push(error),
            taken => taken?,
        }
    }
    Ok(())
}

/// The line, from 1, of a byte of the text.
fn line_at(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count()
}

/// The key of this name, if a file may hold it; else what to write instead.
fn key(word: &str) -> Result<Key, Text> {
    match Key::named(word) {
        Some(key) if key.in_file() => Ok(key),
        Some(key) => {
            Err(faults::ONE_RUN.with(&[("key", &key.name()), ("env", &key.env()), ("option", &key.option())]))
        }
        None => {
            let names = || Key::ALL.into_iter().filter(|k| k.in_file()).map(Key::name).chain([RULE, LOCKED]);
            Err(match nearest(word, names()) {
                Some(near) => faults::NEARLY_KEY.with(&[("given", &quoted(word)), ("near", &near)]),
                None => faults::NO_KEY.with(&[("given", &quoted(word)), ("words", &listed(names()))]),
            })
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(OsString::from(text.as_ref())),
        DeValue::Integer(number) => Raw::Number(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |n| n.to_string()),
        ),
        DeValue::Boolean(on) => Raw::Flag(*on),
        DeValue::Array(elements) => {
            let words: Option<Vec<String>> =
                elements.iter().map(|e| e.get_ref().as_str().map(str::to_owned)).collect();
            words.map_or(Raw::Unfit(faults::MIXED_LIST), Raw::Words)
        }
        DeValue::Float(_) => Raw::Unfit(faults::FRACTION),
        DeValue::Datetime(_) => Raw::Unfit(faults::DATE),
        DeValue::Table(_) => Raw::Unfit(faults::TABLE),
    }
}

/// Relative paths in a file mean the folder of the file, `~/` the home folder; a bare name for
/// `go` is left to be looked up on PATH.
fn anchored(setting: Setting, file: &Path, home: Option<&Path>) -> Setting {
    let anchor = |path: PathBuf| {
        if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), home) {
            return home.join(rest);
        }
        file.parent().map_or_else(|| path.clone(), |folder| folder.join(&path))
    };
    match setting {
        Setting::Go(Some(path)) if path.components().count() > 1 => Setting::Go(Some(anchor(path))),
        Setting::Report(path) => Setting::Report(path.map(anchor)),
        Setting::Record(path) => Setting::Record(path.map(anchor)),
        Setting::StateDir(path) => Setting::StateDir(path.map(anchor)),
        other => other,
    }
}

fn rules(file: &FileText, line: usize, value: &Spanned<DeValue<'_>>) -> Result<Vec<Rule>, Error> {
    let shape = faults::RULES;
    let tables = value.get_ref().as_array().ok_or_else(|| Error::at(&file.path, line, shape))?;
    if tables.len() > MOST_RULES {
        return Err(Error::at(&file.path, line, faults::MANY_RULES.with(&[("most", &MOST_RULES)])));
    }
    tables
        .iter()
        .map(|table| {
            let line = line_at(&file.text, table.span().start);
            match table.get_ref().as_table() {
                Some(entries) => rule(file, line, entries),
                None => Err(Error::at(&file.path, line, shape)),
            }
        })
        .collect()
}

fn rule(file: &FileText, line: usize, table: &DeTable<'_>) -> Result<Rule, Error> {
    let (mut pattern, mut action) = (None, None);
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let at = line_at(&file.text, name.span().start);
        let wrong = |problem: Text| Error::at(&file.path, at, problem);
        let word = name.get_ref().as_ref();
        if word != "match" && word != "action" {
            return Err(wrong(match nearest(word, ["match", "action"]) {
                Some(near) => faults::RULE_NEARLY_HAS.with(&[("given", &quoted(word)), ("near", &near)]),
                None => faults::RULE_HAS.with(&[("given", &quoted(word))]),
            }));
        }
        let text = value.get_ref().as_str().ok_or_else(|| wrong(faults::QUOTES.with(&[("key", &word)])))?;
        if word == "match" {
            if text.is_empty() {
                return Err(wrong(faults::MATCHES_ALL.into()));
            }
            Rule::compile(text).map_err(|reason| {
                wrong(faults::NO_EXPRESSION.with(&[("given", &quoted(text)), ("why", &reason)]))
            })?;
            pattern = Some(text.to_owned());
        } else {
            action = Some(match text {
                "retry" => RuleAction::Retry,
                "stop" => RuleAction::Stop,
                _ => {
                    let parts: &[(&str, &dyn Part)] = &[("given", &quoted(text)), ("words", &"retry, stop")];
                    let why = match nearest(text, ["retry", "stop"]) {
                        Some(near) => faults::NEARLY_ALLOWED.with(&[parts, &[("near", &near)]].concat()),
                        None => faults::NOT_ALLOWED.with(parts),
                    };
                    return Err(wrong(faults::KEYED.with(&[("key", &"action"), ("why", &why)])));
                }
            });
        }
    }
    let missing = |key: &str| Error::at(&file.path, line, faults::RULE_LACKS.with(&[("key", &key)]));
    Ok(Rule {
        pattern: pattern.ok_or_else(|| missing("match"))?,
        action: action.ok_or_else(|| missing("action"))?,
        origin: Origin::File { kind: file.kind, path: file.path.clone(), line },
    })
}

fn locked(file: &FileText, line: usize, value: &Spanned<DeValue<'_>>) -> Result<Vec<Option<Key>>, Error> {
    let wrong =
        |why: Text| Error::at(&file.path, line, faults::KEYED.with(&[("key", &LOCKED), ("why", &why)]));
    if file.kind == FileKind::User {
        return Err(wrong(faults::LOCK_OF_SYSTEM.into()));
    }
    let Raw::Words(words) = raw(value.get_ref()) else {
        return Err(wrong(faults::LOCK_LIST.into()));
    };
    words
        .iter()
        .map(|word| if word == RULE { Ok(None) } else { key(word).map(Some).map_err(wrong) })
        .collect()
}
