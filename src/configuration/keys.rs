//! The table of keys: one name each for gox.toml, environment and command line.

use crate::words::{Phrase, helping};

/// One setting of gox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// The real go.
    Go,
    /// Attempts without progress.
    Attempts,
    /// Total time for recovery, from the first failure.
    Budget,
    /// Silence after which an attempt counts as stalled.
    Stall,
    /// First delay of the backoff series.
    BackoffBase,
    /// Longest delay of the backoff series.
    BackoffMax,
    /// How far a retry may go along the GOPROXY list.
    Rotate,
    /// Public mirrors to ask last.
    Mirrors,
    /// Module patterns that are private.
    Private,
    /// Module patterns that nobody else hears of.
    Confidential,
    /// Whether gox fetches ahead and places what go.sum proves.
    Fill,
    /// Whether the loopback proxy serves.
    Relay,
    /// How much gox says.
    Verbosity,
    /// Whether a run shows how far it has come.
    Progress,
    /// The language of gox's lines.
    Lang,
    /// Where the JSON report of the run goes.
    Report,
    /// Where the observations of the run go.
    Record,
    /// Whether runs that met a failure are written down.
    Journal,
    /// Where health and journal are kept.
    StateDir,
    /// No network at all.
    Offline,
    /// Which file is read instead of the usual ones.
    Config,
    /// Plain go.
    Bypass,
}

/// What kind of words a key takes; says what an error lists as allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A path.
    Path,
    /// A whole number, at least 1.
    Count,
    /// A length of time with units.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of URLs, or `none`.
    Mirrors,
    /// A list of module patterns, or `none`.
    Patterns,
    /// On or off; as an option without a value.
    Flag,
}

/// The words of `rotate`, from the widest to the narrowest.
pub(crate) const ROTATE: &[&str] = &["listed", "go", "never"];
/// The words of `fill`.
pub(crate) const FILL: &[&str] = &["auto", "off"];
/// The words of `relay`.
pub(crate) const RELAY: &[&str] = &["auto", "always", "never"];
/// The words of `journal`.
pub(crate) const JOURNAL: &[&str] = &["on", "off"];
/// The words of `verbosity`.
pub(crate) const VERBOSITY: &[&str] = &["quiet", "normal", "verbose"];

/// The words of `progress`.
pub(crate) const PROGRESS: &[&str] = &["auto", "off"];

/// The words of `lang`.
pub(crate) const LANG: &[&str] = &["auto", "en", "zh"];

struct Row {
    name: &'static str,
    env: &'static str,
    option: &'static str,
    shape: Shape,
    in_file: bool,
    help: Phrase,
}

const fn row([name, env, option]: [&'static str; 3], shape: Shape, in_file: bool, help: Phrase) -> Row {
    Row { name, env, option, shape, in_file, help }
}

/// In the order of [`Key`].
const ROWS: [Row; Key::ALL.len()] = [
    row(["go", "GOX_GO", "--go"], Shape::Path, true, helping::KEY_GO),
    row(["attempts", "GOX_ATTEMPTS", "--attempts"], Shape::Count, true, helping::KEY_ATTEMPTS),
    row(["budget", "GOX_BUDGET", "--budget"], Shape::Duration, true, helping::KEY_BUDGET),
    row(["stall", "GOX_STALL", "--stall"], Shape::Duration, true, helping::KEY_STALL),
    row(
        ["backoff-base", "GOX_BACKOFF_BASE", "--backoff-base"],
        Shape::Duration,
        true,
        helping::KEY_BACKOFF_BASE,
    ),
    row(["backoff-max", "GOX_BACKOFF_MAX", "--backoff-max"], Shape::Duration, true, helping::KEY_BACKOFF_MAX),
    row(["rotate", "GOX_ROTATE", "--rotate"], Shape::Word(ROTATE), true, helping::KEY_ROTATE),
    row(["mirrors", "GOX_MIRRORS", "--mirrors"], Shape::Mirrors, true, helping::KEY_MIRRORS),
    row(["private", "GOX_PRIVATE", "--private"], Shape::Patterns, true, helping::KEY_PRIVATE),
    row(
        ["confidential", "GOX_CONFIDENTIAL", "--confidential"],
        Shape::Patterns,
        true,
        helping::KEY_CONFIDENTIAL,
    ),
    row(["fill", "GOX_FILL", "--fill"], Shape::Word(FILL), true, helping::KEY_FILL),
    row(["relay", "GOX_RELAY", "--relay"], Shape::Word(RELAY), true, helping::KEY_RELAY),
    row(["verbosity", "GOX_VERBOSITY", "--verbosity"], Shape::Word(VERBOSITY), true, helping::KEY_VERBOSITY),
    row(["progress", "GOX_PROGRESS", "--progress"], Shape::Word(PROGRESS), true, helping::KEY_PROGRESS),
    row(["lang", "GOX_LANG", "--lang"], Shape::Word(LANG), true, helping::KEY_LANG),
    row(["report", "GOX_REPORT", "--report"], Shape::Path, true, helping::KEY_REPORT),
    row(["record", "GOX_RECORD", "--record"], Shape::Path, true, helping::KEY_RECORD),
    row(["journal", "GOX_JOURNAL", "--journal"], Shape::Word(JOURNAL), true, helping::KEY_JOURNAL),
    row(["state-dir", "GOX_STATE_DIR", "--state-dir"], Shape::Path, true, helping::KEY_STATE_DIR),
    row(["offline", "GOX_OFFLINE", "--offline"], Shape::Flag, false, helping::KEY_OFFLINE),
    row(["config", "GOX_CONFIG", "--config"], Shape::Path, false, helping::KEY_CONFIG),
    row(["bypass", "GOX_BYPASS", "--bypass"], Shape::Flag, false, helping::KEY_BYPASS),
];

impl Key {
    /// Every key, in the order in which `gox config` lists them.
    pub(crate) const ALL: [Key; 22] = [
        Key::Go,
        Key::Attempts,
        Key::Budget,
        Key::Stall,
        Key::BackoffBase,
        Key::BackoffMax,
        Key::Rotate,
        Key::Mirrors,
        Key::Private,
        Key::Confidential,
        Key::Fill,
        Key::Relay,
        Key::Verbosity,
        Key::Progress,
        Key::Lang,
        Key::Report,
        Key::Record,
        Key::Journal,
        Key::StateDir,
        Key::Offline,
        Key::Config,
        Key::Bypass,
    ];

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The key in gox.toml and in `gox config`: kebab-case.
    pub(crate) const fn name(self) -> &'static str {
        self.row().name
    }

    /// The environment variable.
    pub(crate) const fn env(self) -> &'static str {
        self.row().env
    }

    /// The long option that may stand before the go verb, with its two dashes.
    pub(crate) const fn option(self) -> &'static str {
        self.row().option
    }

    /// True where the option needs a value.
    pub(crate) const fn takes_value(self) -> bool {
        !matches!(self.row().shape, Shape::Flag)
    }

    /// True where gox.toml may hold the key. `offline`, `config` and `bypass` are about one run.
    pub(crate) const fn in_file(self) -> bool {
        self.row().in_file
    }

    /// One line for people.
    pub(crate) const fn help(self) -> Phrase {
        self.row().help
    }

    /// The words allowed, for the keys that take one word of a few; else empty.
    pub(crate) const fn words(self) -> &'static [&'static str] {
        match self.row().shape {
            Shape::Word(words) => words,
            _ => &[],
        }
    }

    /// What a value of it looks like.
    pub(crate) const fn shape(self) -> Shape {
        self.row().shape
    }

    /// The key of this name.
    pub(crate) fn named(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// The candidate that resembles `word` most, if any does.
///
/// Spellings of another place count as the same word: `GOX_BACKOFF_BASE`, `backoff_base` and
/// `--backoff-base` all lead to `backoff-base`.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Jaro-Winkler similarity below which two words have nothing in common for a reader; one
    /// transposed, missing or doubled letter in the shortest key (`go`) stays above it.
    const ALIKE: f64 = 0.72;
    let plain = |text: &str| {
        let lower = text.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
        lower.strip_prefix("gox-").map(str::to_owned).unwrap_or(lower)
    };
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_the_same_word_in_all_three_places() {
        for (at, key) in Key::ALL.into_iter().enumerate() {
            assert_eq!(key as usize, at);
            assert_eq!(key.option(), format!("--{}", key.name()));
            assert_eq!(key.env(), format!("GOX_{}", key.name().to_uppercase().replace('-', "_")));
            assert_eq!(Key::named(key.name()), Some(key));
        }
    }

    #[test]
    fn the_nearest_name_is_found_through_other_spellings() {
        let names = || Key::ALL.into_iter().map(Key::name);
        for (word, want) in [
            ("atempts", Some("attempts")),
            ("attempt", Some("attempts")),
            ("backoff_base", Some("backoff-base")),
            ("GOX_STATE_DIR", Some("state-dir")),
            ("mirror", Some("mirrors")),
            ("statedir", Some("state-dir")),
            ("verbose", Some("verbosity")),
            ("qqq", None),
        ] {
            assert_eq!(nearest(word, names()), want, "{word}");
        }
    }
}
