//! Finding the way: gox's help on one screen, and what a mistyped verb may have meant.
//!
//! Pure.

pub(crate) mod verbs;

use crate::command_line::{GO_SUB_VERBS, GO_VERBS, own_verbs};
use crate::configuration::{Key, Settings, nearest, value_name};
use crate::redact;
use crate::words::{Language, Phrase, Text, helping};
use std::ffi::OsString;

/// The column at which explanations begin.
const COLUMN: usize = 23;

/// The phrase in this language.
fn say(phrase: Phrase, language: Language) -> String {
    Text::from(phrase).in_language(language).to_owned()
}

/// Columns of a terminal that a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// What `gox --help` prints: 80 columns, one screen.
pub(crate) fn help(language: Language) -> String {
    let say = |phrase: Phrase| say(phrase, language);
    let entry = |name: &str, text: &str| format!("  {name:<width$}{text}\n", width = COLUMN - 2);
    let usage = say(helping::USAGE);
    // A full-width colon brings its space along.
    let space = if usage.is_ascii() { " " } else { "" };
    let indent = " ".repeat(columns(&usage));
    let mut out = say(helping::ABOUT) + "\n\n";
    out += &format!(
        "{usage}{space}gox [OPTIONS] GO-VERB [ARGUMENTS]...\n{indent}{space}gox [OPTIONS] COMMAND\n\n"
    );
    out += &format!("{}\n", say(helping::COMMANDS));
    for name in own_verbs() {
        out += &entry(&name, &about(&name).map(say).unwrap_or_default());
    }
    out += &format!("\n{}\n", say(helping::OPTIONS));
    let built_in = Settings::built_in();
    for key in Key::ALL {
        let name = match key.takes_value() {
            true => format!("{} {}", key.option(), value_name(key)),
            false => key.option().to_owned(),
        };
        out += &entry(&name, &(say(key.help()) + &default(&built_in, key)));
    }
    out += &entry("--help", &say(helping::KEY_HELP));
    out += &entry("--version", &say(helping::KEY_VERSION));
    format!("{out}\n{}\n", say(helping::AFTER))
}

/// What a verb of gox's own does.
fn about(verb: &str) -> Option<Phrase> {
    Some(match verb {
        "doctor" => helping::DOCTOR,
        "explain" => helping::EXPLAIN,
        "history" => helping::HISTORY,
        "config" => helping::CONFIG,
        "evict" => helping::EVICT,
        "private" => helping::PRIVATE,
        "shim" => helping::SHIM,
        "completions" => helping::COMPLETIONS,
        _ => return None,
    })
}

/// The built-in value of a key, where it has one: of a list the first.
fn default(built_in: &Settings, key: Key) -> String {
    let shown = built_in.get(key).0.to_string();
    match shown.split_once(',') {
        _ if shown.is_empty() || !key.takes_value() => String::new(),
        Some((first, _)) => format!(" [{}, ...]", first.trim_start_matches("https://")),
        None => format!(" [{shown}]"),
    }
}

/// A line for somebody who called gox and may not find the way: nothing was asked for, or nothing that gox or
/// go knows. `args` begin with the verb.
pub(crate) fn pointer(args: &[OsString]) -> Option<Text> {
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let verb = words.first().map(String::as_str);
    let Some(verb) = verb.filter(|verb| !matches!(*verb, "-h" | "-help")) else {
        return Some(helping::POINTER.into());
    };
    if verb.starts_with('-') {
        return None;
    }
    if let Some((_, known)) = GO_SUB_VERBS.iter().find(|(name, _)| *name == verb) {
        let sub = words.get(1)?;
        if sub.starts_with('-') || known.contains(&sub.as_str()) {
            return None;
        }
        let near = likely(sub, known.iter().copied()).map(|near| format!("{verb} {near}"));
        return Some(meant(&format!("{verb} {sub}"), near.as_deref()));
    }
    if GO_VERBS.contains(&verb) {
        return None;
    }
    let own = own_verbs();
    let candidates = own.iter().map(String::as_str).chain(GO_VERBS.iter().copied());
    // `go mod download` is often remembered without its first word.
    let below =
        GO_SUB_VERBS.iter().find(|(_, subs)| subs.contains(&verb)).map(|(name, _)| format!("{name} {verb}"));
    let near = below.or_else(|| likely(verb, candidates).map(str::to_owned));
    Some(meant(verb, near.as_deref()))
}

/// The name that somebody meant: one or two slips of the finger away, or alike.
fn likely<'a>(word: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let slips = |name: &&str| strsim::osa_distance(word, name);
    let close =
        names.clone().min_by_key(slips).filter(|name| slips(name) <= if word.len() < 4 { 1 } else { 2 });
    close.or_else(|| nearest(word, names))
}

/// No such command, and what comes nearest.
fn meant(given: &str, near: Option<&str>) -> Text {
    let given: String = redact::line(given).chars().take(40).collect();
    match near {
        Some(near) => helping::MEANT.with(&[("given", &given), ("near", &near)]),
        None => helping::NOT_KNOWN.with(&[("given", &given)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_one_screen_of_80_columns_in_both_languages() {
        for language in [Language::English, Language::Chinese] {
            let help = help(language);
            assert!(help.lines().count() <= 48, "{} lines", help.lines().count());
            for line in help.lines() {
                assert!(columns(line) <= 80, "{} columns: {line}", columns(line));
            }
            for key in Key::ALL {
                assert!(help.contains(key.option()), "{} is not in\n{help}", key.option());
            }
            for verb in own_verbs() {
                assert!(help.contains(&format!("\n  {verb} ")) && about(&verb).is_some(), "{verb}\n{help}");
            }
            for built_in in ["[30s]", "[500ms]", "[listed]", "[goproxy.cn, ...]", "[normal]"] {
                assert!(help.contains(built_in), "{built_in} is not in\n{help}");
            }
            assert!(!help.contains('\u{1b}') && !help.contains("-h,"));
        }
    }

    #[test]
    fn who_lost_the_way_is_shown_it() {
        let told = |line: &str| {
            let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            pointer(&args).map(|text| text.en)
        };
        for line in ["", "-h", "-help"] {
            assert!(told(line).unwrap().contains("gox --help"), "{line}");
        }
        for (line, near) in [
            ("explan", "`gox explain`"),
            ("histroy", "`gox history`"),
            ("biuld ./...", "`gox build`"),
            ("tset", "`gox test`"),
            ("mod downlaod", "`gox mod download`"),
            ("mod tydi -v", "`gox mod tidy`"),
            ("work snyc", "`gox work sync`"),
            ("tidy", "`gox mod tidy`"),
            ("download", "`gox mod download`"),
        ] {
            let words = told(line).unwrap_or_default();
            assert!(words.contains(near), "{line}: {words}");
        }
        for line in [
            "build",
            "mod download",
            "mod",
            "mod -h",
            "mod tidy -v",
            "help",
            "help mod",
            "env -w",
            "-C x build",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
