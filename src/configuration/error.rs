//! What is wrong with a configuration, and what of it was left out: in words for people.

use super::keys::Key;
use crate::words::{Language, Text};
use std::fmt;
use std::path::{Path, PathBuf};

/// Exit status for every fault of gox's own configuration or usage.
pub(crate) const EXIT_CONFIGURATION: i32 = 125;

/// A configuration or command line that cannot be used. Printed with `gox: ` before it; the exit
/// status is [`EXIT_CONFIGURATION`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where the fault is.
    pub place: Place,
    /// What the fault is, and what would be right.
    pub(crate) problem: Text,
}

/// Where a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; the line counts from 1, `None` where the file as a whole is meant.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: Option<usize>,
    },
    /// In an environment variable.
    Environment(&'static str),
    /// In an option of the command line, as it was written (without its value).
    Option(String),
    /// In how gox was called otherwise; the problem says it all.
    Usage,
}

impl Error {
    /// A fault of the command line that no single option is to blame for.
    pub(crate) fn usage(problem: impl Into<Text>) -> Error {
        Error { place: Place::Usage, problem: problem.into() }
    }

    /// A fault of a file as a whole.
    pub(crate) fn file(path: &Path, problem: impl Into<Text>) -> Error {
        Error { place: Place::File { path: path.to_owned(), line: None }, problem: problem.into() }
    }

    /// A fault at a line of a file, from 1.
    pub(crate) fn at(path: &Path, line: usize, problem: impl Into<Text>) -> Error {
        Error { place: Place::File { path: path.to_owned(), line: Some(line) }, problem: problem.into() }
    }

    /// A fault of the environment variable of `key`.
    pub(crate) fn environment(key: Key, problem: impl Into<Text>) -> Error {
        Error { place: Place::Environment(key.env()), problem: problem.into() }
    }

    /// A fault of an option.
    pub(crate) fn option(option: &str, problem: impl Into<Text>) -> Error {
        Error { place: Place::Option(option.to_owned()), problem: problem.into() }
    }
}

impl Error {
    /// The fault and its place, in this language, without what would drive a terminal.
    pub(crate) fn in_language(&self, language: Language) -> String {
        let problem = self.problem.in_language(language);
        printable(&match &self.place {
            Place::File { path, line: Some(line) } => format!("{}:{line}: {problem}", path.display()),
            Place::File { path, line: None } => format!("{}: {problem}", path.display()),
            Place::Environment(name) => format!("{name}: {problem}"),
            Place::Option(option) => format!("{option}: {problem}"),
            Place::Usage => problem.to_owned(),
        })
    }

    /// As above, in every language.
    pub(crate) fn text(&self) -> Text {
        Text { en: self.in_language(Language::English), zh: self.in_language(Language::Chinese) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_language(Language::English))
    }
}

impl std::error::Error for Error {}

/// Something that a file, the environment or the command line asked for and did not get. One line,
/// printed with `gox: ` before it; the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The whole line.
    pub text: Text,
}

impl Notice {
    /// The line in this language.
    pub(crate) fn in_language(&self, language: Language) -> String {
        printable(self.text.in_language(language)).replace('\n', " ")
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_language(Language::English))
    }
}

/// A value as an error or notice quotes it: in double quotes, control characters escaped (a file
/// of somebody else's must not drive the terminal), secrets of URLs left out.
pub(crate) fn quoted(text: &str) -> String {
    /// Long enough for any URL that a person would recognise.
    const MOST: usize = 200;
    let shown = crate::redact::hidden(text);
    let mut cut: String = shown.chars().take(MOST).collect();
    if cut.len() < shown.len() {
        cut.push('…');
    }
    format!("{cut:?}").replace("\\'", "'")
}

/// Words as a list: `a, b, c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if crate::redact::steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Text {
        Text::plain("x")
    }

    #[test]
    fn each_place_is_named() {
        assert_eq!(Error::at(Path::new("/p/gox.toml"), 3, words()).to_string(), "/p/gox.toml:3: x");
        assert_eq!(Error::file(Path::new("/p/gox.toml"), words()).to_string(), "/p/gox.toml: x");
        assert_eq!(Error::environment(Key::Stall, words()).to_string(), "GOX_STALL: x");
        assert_eq!(Error::option("--stall", words()).to_string(), "--stall: x");
        assert_eq!(Error::usage(words()).to_string(), "x");
    }

    #[test]
    fn what_is_quoted_drives_no_terminal_and_tells_no_secret() {
        assert_eq!(quoted("a\u{1b}[31mb"), r#""a\u{1b}[31mb""#);
        assert_eq!(quoted("https://u:secret@h.example/x?token=1"), "\"https://h.example/x\"");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert!(quoted(&"x".repeat(5000)).len() < 300);
        assert!(!Error::file(Path::new("/p\u{1b}[0m"), words()).to_string().contains('\u{1b}'));
    }
}
