//! The help of each verb of gox's own, from the parser's description, in 80 columns and two languages.

use super::{columns, say};
use crate::command_line::described;
use crate::words::{Language, helping, manual};

/// Columns of a screen.
const SCREEN: usize = 80;
/// Names longer than this have their explanation below them.
const LONGEST: usize = 24;

/// What `gox PATH... --help` prints.
pub(crate) fn help(path: &[String], language: Language) -> String {
    let mut command = described(path);
    let told = |text: Option<String>| manual::in_language(&text.unwrap_or_default(), language).to_owned();
    let mut out = told(command.get_about().map(ToString::to_string)) + "\n\n";
    let title = say(helping::USAGE, language);
    let indent = " ".repeat(columns(&title) + usize::from(title.is_ascii()));
    let usage = command.render_usage().to_string();
    for (n, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
        // A full-width colon brings its space along.
        let space = if title.is_ascii() { " " } else { "" };
        let start = if n > 0 { indent.clone() } else { format!("{title}{space}") };
        out += &format!("{start}{}\n", line.trim());
    }
    let mut list = |title, rows: Vec<(String, String)>| {
        if !rows.is_empty() {
            out += &format!("\n{}\n", say(title, language));
            let width = rows.iter().map(|(name, _)| columns(name)).filter(|w| *w <= LONGEST).max();
            for (name, text) in rows {
                out += &entry(&name, &text, width.unwrap_or(LONGEST) + 4);
            }
        }
    };
    let subs = command.get_subcommands();
    let subs = subs.map(|sub| (sub.get_name().to_owned(), told(sub.get_about().map(ToString::to_string))));
    list(helping::BELOW, subs.collect());
    let (positional, options): (Vec<_>, Vec<_>) =
        command.get_arguments().partition(|arg| arg.is_positional());
    let rows = |args: Vec<&clap::Arg>| {
        let row = |arg: &clap::Arg| {
            (name(arg), told(arg.get_help().map(ToString::to_string)) + &values(arg, language))
        };
        args.into_iter().map(row).collect::<Vec<_>>()
    };
    list(helping::ARGUMENTS, rows(positional));
    list(helping::OPTIONS, rows(options));
    out
}

/// An argument as it is written.
fn name(arg: &clap::Arg) -> String {
    if arg.is_positional() {
        return arg.to_string();
    }
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let long = arg.get_long().map(|long| format!("--{long}")).unwrap_or_default();
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).and_then(|names| names.first());
    format!("{short}{long}{}", value.map(|value| format!(" {value}")).unwrap_or_default())
}

/// The words that it takes, and the one that holds where nothing is said.
fn values(arg: &clap::Arg, language: Language) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let words: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let words = helping::WORDS.with(&[("words", &words.join(", "))]);
    let none = arg.get_possible_values().is_empty();
    let mut text = if none { String::new() } else { words.in_language(language).to_owned() };
    if let Some(default) = arg.get_default_values().first() {
        text += &format!(" [{}]", default.to_string_lossy());
    }
    text
}

/// A name and what is said of it, in two columns.
fn entry(name: &str, text: &str, column: usize) -> String {
    let blank = " ".repeat(column);
    let mut lines = wrapped(text, SCREEN - column).into_iter();
    let mut out = format!("  {name}");
    if columns(&out) + 2 > column {
        out += "\n";
    } else {
        let gap = column - columns(&out);
        out += &format!("{}{}\n", " ".repeat(gap), lines.next().unwrap_or_default());
    }
    lines.fold(out, |out, line| out + &blank + &line + "\n")
}

/// The text in lines of so many columns. Chinese breaks anywhere but before what ends or parts sentences.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        let glued = "，。；：、）！？".contains(c);
        let begins = match pieces.last().and_then(|piece| piece.chars().last()) {
            None => true,
            Some(' ') => c != ' ',
            Some(before) => !glued && (!c.is_ascii() || !before.is_ascii()) && before != '（' && c != ' ',
        };
        match pieces.last_mut().filter(|_| !begins) {
            Some(piece) => piece.push(c),
            None => pieces.push(c.to_string()),
        }
    }
    let mut lines = vec![String::new()];
    for piece in pieces {
        let line = lines.last_mut().expect("there is one always");
        if !line.is_empty() && columns(line) + columns(piece.trim_end()) > width {
            line.truncate(line.trim_end().len());
            lines.push(piece);
        } else {
            line.push_str(&piece);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::own_verbs;

    /// Each verb, and each below it.
    fn paths() -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for verb in own_verbs() {
            let below = described(std::slice::from_ref(&verb));
            for sub in below.get_subcommands() {
                all.push(vec![verb.clone(), sub.get_name().to_owned()]);
            }
            all.push(vec![verb]);
        }
        all
    }

    #[test]
    fn each_verb_has_its_help_in_80_columns_and_both_languages() {
        assert!(paths().len() > 12);
        for path in paths() {
            for language in [Language::English, Language::Chinese] {
                let help = help(&path, language);
                assert!(
                    help.contains(&format!("gox {}", path.join(" "))) && help.contains("-h, --help"),
                    "{help}"
                );
                for line in help.lines() {
                    assert!(columns(line) <= SCREEN, "{} columns: {line}", columns(line));
                    assert!(line.trim_end() == line, "{line:?}");
                }
                assert_eq!(help.is_ascii(), language == Language::English, "{help}");
            }
        }
    }

    /// Whatever the parser says of a verb or an argument has its Chinese, and nothing has it that is not said.
    #[test]
    fn all_that_the_parser_says_stands_in_the_table() {
        let mut said = std::collections::BTreeSet::new();
        for path in paths() {
            let command = described(&path);
            said.extend(command.get_about().map(ToString::to_string));
            said.extend(command.get_arguments().filter_map(|arg| arg.get_help().map(ToString::to_string)));
        }
        for text in &said {
            assert_ne!(manual::in_language(text, Language::Chinese), text, "no Chinese for {text:?}");
        }
        for (_, row) in manual::ALL {
            assert!(said.contains(row.en), "nobody says {:?}", row.en);
        }
    }
}
