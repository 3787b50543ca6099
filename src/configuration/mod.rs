//! The settings of a run, from command line, environment and files that others have read.
//!
//! Pure: text in, [`Resolved`] or [`Error`] out. Command line, over `GOX_*`, over the project's
//! gox.toml (which may only narrow), over the user's, over the system's (which may lock keys), over
//! `default.toml`. Which files there are is found in [`crate::machine::configuration_files`].

mod error;
mod file;
mod keys;
mod narrow;
mod settings;
mod values;

pub(crate) use error::{EXIT_CONFIGURATION, Error, Notice};
pub(crate) use file::FileText;
pub(crate) use keys::Key;
pub(crate) use settings::{FileKind, Origin, Rule, RuleAction, Settings};
pub(crate) use values::NO_BOUND;
pub(crate) use values::{Files, Fill, Relay, Setting, Verbosity, bypasses};

pub(crate) use error::quoted;
pub(crate) use keys::nearest;
pub(crate) use values::value_name;

use crate::words::{Text, faults};
use file::{Contents, contents};
use narrow::{Verdict, by_hand, judge};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use values::{Raw, parse};

/// The built-in values, as template and reference.
pub(crate) const DEFAULT_TOML: &str = include_str!("default.toml");

/// The options of gox's own that stood before the go verb, in their order. A repeated one counts
/// the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CliOptions {
    /// Key and value as written; `1` for an option without value.
    pub given: Vec<(Key, OsString)>,
}

impl CliOptions {
    /// The value last given for a key.
    pub(crate) fn last(&self, key: Key) -> Option<&OsString> {
        self.given.iter().rev().find(|(given, _)| *given == key).map(|(_, value)| value)
    }
}

/// The environment as far as gox asks it.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The outcome of [`resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Every setting with its origin.
    pub settings: Settings,
    /// What the user asked for and is not done: one line of stderr each.
    pub notices: Vec<Notice>,
    /// What a project's file asked for and is not done: for `gox config`, and where a person looks on.
    pub ignored: Vec<Notice>,
    /// The files that were read, from the lowest rank to the highest.
    pub files: Vec<(FileKind, PathBuf)>,
}

/// Which files are to be read, from the command line and `GOX_CONFIG`.
///
/// # Errors
/// An empty `--config`.
pub(crate) fn files(cli: &CliOptions, env: Environment<'_>) -> Result<Files, Error> {
    let asked = asked(Key::Config, cli, env)?;
    Ok(match asked {
        Some((Setting::Config(files), _)) => files,
        _ => Files::Usual,
    })
}

/// Settles every key.
///
/// `files` may come in any order and hold at most one file of each kind.
///
/// # Errors
/// The first wrong value or unknown key met: command line first, then the environment, then the
/// files from the lowest rank on. A value that a higher rank replaces must be right all the same. A
/// project's file makes no error.
pub(crate) fn resolve(cli: &CliOptions, env: Environment<'_>, files: &[FileText]) -> Result<Resolved, Error> {
    let mut above = Vec::new();
    for key in Key::ALL {
        above.extend(asked(key, cli, env)?);
    }
    let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let mut resolved = Resolved {
        settings: Settings::built_in(),
        notices: Vec::new(),
        ignored: Vec::new(),
        files: Vec::new(),
    };
    let mut lock = Lock::default();
    let mut ordered: Vec<&FileText> = files.iter().collect();
    ordered.sort_by_key(|file| file.kind);
    for file in ordered {
        let contents = contents(file, home.as_deref())?;
        resolved.files.push((file.kind, file.path.clone()));
        match file.kind {
            FileKind::System => {
                lock = Lock::of(file, &contents);
                take(&mut resolved, &Lock::default(), file, contents);
            }
            FileKind::User => take(&mut resolved, &lock, file, contents),
            FileKind::Project => take_narrowing(&mut resolved, &lock, file, contents, &above),
        }
    }
    let of_project = match resolved.settings.origin(Key::Confidential) {
        Origin::File { kind: FileKind::Project, .. } => resolved.settings.confidential.clone(),
        _ => Vec::new(),
    };
    for (setting, origin) in above {
        let setting = match setting {
            // What a project keeps to itself is kept by the user too, who may say "none".
            Setting::Confidential(patterns) if !patterns.is_empty() => {
                Setting::Confidential(joined(patterns, &of_project))
            }
            other => other,
        };
        let shown = match &origin {
            Origin::Environment(name) => (*name).to_owned(),
            _ => setting.key().option().to_owned(),
        };
        if let Some(notice) = lock.refuses(&resolved.settings, &setting, &shown) {
            resolved.notices.push(notice);
        } else {
            resolved.settings.set(setting, origin);
        }
    }
    Ok(resolved)
}

/// What command line and environment say about a key; both are checked, the former counts. An
/// empty variable counts as unset, as for go.
fn asked(key: Key, cli: &CliOptions, env: Environment<'_>) -> Result<Option<(Setting, Origin)>, Error> {
    let mut found = None;
    if let Some(value) = env(key.env()).filter(|value| !value.is_empty()) {
        let setting = parse(key, &Raw::Text(value)).map_err(|problem| Error::environment(key, problem))?;
        found = Some((setting, Origin::Environment(key.env())));
    }
    for (_, value) in cli.given.iter().filter(|(given, _)| *given == key) {
        let wrong = |problem: Text| Error::option(key.option(), problem);
        if value.is_empty() {
            let none = matches!(key, Key::Mirrors | Key::Private | Key::Confidential | Key::Config);
            return Err(wrong(if none { faults::NEEDS_VALUE_OR_NONE } else { faults::NEEDS_VALUE }.into()));
        }
        found = Some((parse(key, &Raw::Text(value.clone())).map_err(wrong)?, Origin::CommandLine));
    }
    Ok(found)
}

/// The keys that the system file keeps to itself.
#[derive(Default)]
struct Lock {
    keys: Vec<Option<Key>>,
    place: String,
}

impl Lock {
    fn of(file: &FileText, contents: &Contents) -> Lock {
        let line = contents.locked_line.unwrap_or(1);
        Lock { keys: contents.locked.clone(), place: format!("{}:{line}", file.path.display()) }
    }

    fn refuses(&self, settings: &Settings, setting: &Setting, asker: &str) -> Option<Notice> {
        let key = setting.key();
        let locked = self.keys.contains(&Some(key)) && settings.get(key).0 != *setting;
        locked.then(|| Notice {
            text: faults::LOCKED.with(&[
                ("place", &asker),
                ("setting", &spelled(setting)),
                ("key", &key.name()),
                ("by", &self.place),
            ]),
        })
    }

    fn refuses_rules(&self, place: &str) -> Option<Notice> {
        self.keys
            .contains(&None)
            .then(|| Notice { text: faults::RULE_LOCKED.with(&[("place", &place), ("by", &self.place)]) })
    }
}

/// `key = "value"`, for notices.
fn spelled(setting: &Setting) -> String {
    format!("{} = {}", setting.key().name(), quoted(&setting.to_string()))
}

fn origin(file: &FileText, line: usize) -> Origin {
    Origin::File { kind: file.kind, path: file.path.clone(), line }
}

fn take(resolved: &mut Resolved, lock: &Lock, file: &FileText, contents: Contents) {
    for (setting, line) in contents.settings {
        match lock.refuses(&resolved.settings, &setting, &place(&file.path, line)) {
            Some(notice) => resolved.notices.push(notice),
            None => resolved.settings.set(setting, origin(file, line)),
        }
    }
    take_rules(resolved, lock, contents.rules);
}

/// Puts the rules of a file before those of lower rank.
fn take_rules(resolved: &mut Resolved, lock: &Lock, rules: Vec<Rule>) {
    let Some(first) = rules.first() else { return };
    match lock.refuses_rules(&first.origin.to_string()) {
        Some(notice) => resolved.notices.push(notice),
        None => {
            resolved.settings.rules.splice(0..0, rules);
        }
    }
}

fn take_narrowing(
    resolved: &mut Resolved,
    lock: &Lock,
    file: &FileText,
    contents: Contents,
    above: &[(Setting, Origin)],
) {
    for (setting, line) in contents.settings {
        let setting = match setting {
            Setting::Confidential(patterns) => {
                Setting::Confidential(joined(resolved.settings.confidential.clone(), &patterns))
            }
            // Where the user has decided for this run, the project's wish is of no interest.
            other if above.iter().any(|(higher, _)| higher.key() == other.key()) => continue,
            other => other,
        };
        let at = place(&file.path, line);
        if let Some(notice) = lock.refuses(&resolved.settings, &setting, &at) {
            resolved.ignored.push(notice);
            continue;
        }
        match judge(&resolved.settings, &setting) {
            Verdict::Same => {}
            Verdict::Allowed => resolved.settings.set(setting, origin(file, line)),
            Verdict::Refused(why) => resolved.ignored.push(Notice {
                text: faults::REFUSED.with(&[
                    ("place", &at),
                    ("setting", &spelled(&setting)),
                    ("why", &why),
                    ("instead", &by_hand(&setting)),
                ]),
            }),
        }
    }
    resolved.ignored.extend(contents.problems.iter().map(|problem| Notice { text: problem.text() }));
}

/// `patterns` with those of `more` that they lack behind them.
fn joined(mut patterns: Vec<String>, more: &[String]) -> Vec<String> {
    for pattern in more {
        if !patterns.contains(pattern) {
            patterns.push(pattern.clone());
        }
    }
    patterns
}

fn place(path: &Path, line: usize) -> String {
    format!("{}:{line}", path.display())
}

#[cfg(test)]
mod tests;
