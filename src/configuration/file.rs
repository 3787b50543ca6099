//! One gox.toml: its text becomes settings, rules and locks, each with its line.

use super::error::{Error, listed, quoted};
use super::keys::{Key, nearest};
use super::settings::{FileKind, Origin, Rule, RuleAction};
use super::values::{Raw, Setting, parse};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a gox.toml, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileText {
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
}

const RULE: &str = "rule";
const LOCKED: &str = "locked";

/// Reads the text of a file. `home` stands for a leading `~/` in paths.
pub(crate) fn contents(file: &FileText, home: Option<&Path>) -> Result<Contents, Error> {
    let document = DeTable::parse(&file.text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        let words = file.text.get(span.clone()).and_then(|at| at.lines().next()).unwrap_or("");
        let at = if words.is_empty() { String::new() } else { format!(" at {}", quoted(words)) };
        let problem = format!("not valid TOML{at}: {}", e.message().trim_end());
        Error::at(&file.path, line_at(&file.text, span.start), problem)
    })?;
    let mut entries: Vec<_> = document.get_ref().iter().collect();
    // The first fault of the file is the one to tell.
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut found = Contents::default();
    for (name, value) in entries {
        let line = line_at(&file.text, name.span().start);
        match name.get_ref().as_ref() {
            RULE => found.rules = rules(file, line, value)?,
            LOCKED => {
                found.locked = locked(file, line, value)?;
                found.locked_line = Some(line);
            }
            word => {
                let key = key(word).map_err(|problem| Error::at(&file.path, line, problem))?;
                let setting = parse(key, &raw(value.get_ref()))
                    .map_err(|problem| Error::at(&file.path, line, format!("{}: {problem}", key.name())))?;
                found.settings.push((anchored(setting, &file.path, home), line));
            }
        }
    }
    Ok(found)
}

/// The line, from 1, of a byte of the text.
fn line_at(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count()
}

/// The key of this name, if a file may hold it; else what to write instead.
fn key(word: &str) -> Result<Key, String> {
    match Key::named(word) {
        Some(key) if key.in_file() => Ok(key),
        Some(key) => Err(format!(
            "{} is about one run and cannot stand in a file; use {} or {}",
            key.name(),
            key.env(),
            key.option()
        )),
        None => {
            let names = || Key::ALL.into_iter().filter(|k| k.in_file()).map(Key::name).chain([RULE, LOCKED]);
            Err(match nearest(word, names()) {
                Some(near) => format!("unknown key {}; did you mean {near:?}?", quoted(word)),
                None => format!("unknown key {}; the keys are {}", quoted(word), listed(names())),
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
            words.map_or(Raw::Unfit("a list with other things than strings"), Raw::Words)
        }
        DeValue::Float(_) => Raw::Unfit("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Unfit("a date"),
        DeValue::Table(_) => Raw::Unfit("a table"),
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
    let shape = "rules are written as [[rule]] with match = \"...\" and action = \"retry\" or \"stop\"";
    let tables = value.get_ref().as_array().ok_or_else(|| Error::at(&file.path, line, shape))?;
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
        let wrong = |problem: String| Error::at(&file.path, at, problem);
        let word = name.get_ref().as_ref();
        if word != "match" && word != "action" {
            let near = nearest(word, ["match", "action"]).map_or_else(
                || "a rule has match and action".to_owned(),
                |near| format!("did you mean {near:?}?"),
            );
            return Err(wrong(format!("unknown key {} in [[rule]]; {near}", quoted(word))));
        }
        let text = value
            .get_ref()
            .as_str()
            .ok_or_else(|| wrong(format!("{word}: a string in quotes is expected")))?;
        if word == "match" {
            if text.is_empty() {
                return Err(wrong("match: an empty expression would match everything".into()));
            }
            regex::Regex::new(text).map_err(|e| {
                let reason = match &e {
                    // The last line says what; those before it draw the expression again.
                    regex::Error::Syntax(drawn) => {
                        drawn.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
                    }
                    other => other.to_string(),
                };
                wrong(format!("match: {} is no regular expression: {reason}", quoted(text)))
            })?;
            pattern = Some(text.to_owned());
        } else {
            action = Some(match text {
                "retry" => RuleAction::Retry,
                "stop" => RuleAction::Stop,
                _ => {
                    return Err(wrong(match nearest(text, ["retry", "stop"]) {
                        Some(near) => format!(
                            "action: {} is not allowed; did you mean {near:?}? Allowed: retry, stop",
                            quoted(text)
                        ),
                        None => format!("action: {} is not allowed; allowed: retry, stop", quoted(text)),
                    }));
                }
            });
        }
    }
    let missing = |key: &str| Error::at(&file.path, line, format!("[[rule]] has no {key}"));
    Ok(Rule {
        pattern: pattern.ok_or_else(|| missing("match"))?,
        action: action.ok_or_else(|| missing("action"))?,
        origin: Origin::File { kind: file.kind, path: file.path.clone(), line },
    })
}

fn locked(file: &FileText, line: usize, value: &Spanned<DeValue<'_>>) -> Result<Vec<Option<Key>>, Error> {
    let wrong = |problem: String| Error::at(&file.path, line, format!("locked: {problem}"));
    if file.kind == FileKind::User {
        return Err(wrong("only the system file (/etc/gox/gox.toml) may lock keys".into()));
    }
    let Raw::Words(words) = raw(value.get_ref()) else {
        return Err(wrong("a list of keys is expected, such as [\"mirrors\"]".into()));
    };
    words
        .iter()
        .map(|word| if word == RULE { Ok(None) } else { key(word).map(Some).map_err(wrong) })
        .collect()
}
