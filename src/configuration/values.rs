//! One value: read from a word of the command line or environment, or from a TOML value; shown
//! again in the same spelling.

use super::error::{listed, quoted};
use super::keys::{Key, Shape, nearest};
use crate::formats::goproxy::{Entry, Rotate};
use crate::words::{Language, Part, Phrase, Text, faults};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// When the loopback proxy serves (key `relay`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relay {
    /// From the first network failure on, or at once where this network was bad lately.
    Auto,
    /// From the first attempt on.
    Always,
    /// Not at all.
    Never,
}

/// Whether gox fetches ahead and places what go.sum proves (key `fill`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Where it can.
    Auto,
    /// Not at all.
    Off,
}

/// The value of `attempts` that bounds nothing: the budget does.
pub(crate) const NO_BOUND: u32 = u32::MAX;

/// How much gox says (key `verbosity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors, and a recovered checksum mismatch.
    Quiet,
    /// One line a remedy.
    Normal,
    /// What was seen and why it was decided so, too.
    Verbose,
}

/// Which configuration files are read (key `config`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// The project's, the user's and the system's.
    Usual,
    /// None at all.
    None,
    /// This one in place of the project's and the user's, and the system's below it.
    Only(PathBuf),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::missing_docs_in_private_items,
    reason = "each variant is the value of the key of the same name"
)]
pub(crate) enum Setting {
    Go(Option<PathBuf>),
    Attempts(u32),
    Budget(Duration),
    Stall(Duration),
    BackoffBase(Duration),
    BackoffMax(Duration),
    Rotate(Rotate),
    Mirrors(Vec<Entry>),
    /// `mirrors = "auto"`: as where nobody says anything.
    MirrorsAuto,
    Private(Vec<String>),
    Confidential(Vec<String>),
    Fill(Fill),
    /// `journal`: true for `on`.
    Journal(bool),
    Relay(Relay),
    Verbosity(Verbosity),
    /// `progress`: false for `off`.
    Progress(bool),
    /// `lang`: `None` for `auto`.
    Lang(Option<Language>),
    Report(Option<PathBuf>),
    Record(Option<PathBuf>),
    StateDir(Option<PathBuf>),
    Offline(bool),
    Config(Files),
    Bypass(bool),
}

/// The longest time any key takes. Nothing useful is longer, and sums of such times cannot
/// overflow a clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A value before it is understood.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// A word of the command line, of the environment, or a TOML string.
    Text(OsString),
    /// A TOML array of strings.
    Words(Vec<String>),
    /// A TOML integer, as written.
    Number(String),
    /// A TOML boolean.
    Flag(bool),
    /// A TOML value of a kind that no key takes.
    Unfit(Phrase),
}

/// Understands `raw` as the value of `key`; the error says what would be right.
///
/// An empty path means "not set". Relative paths stay relative.
pub(crate) fn parse(key: Key, raw: &Raw) -> Result<Setting, Text> {
    match key {
        Key::Go => path(raw).map(Setting::Go),
        Key::Attempts => count(raw).map(Setting::Attempts),
        Key::Budget => duration(raw, Duration::ZERO).map(Setting::Budget),
        Key::Stall => duration(raw, SHORTEST).map(Setting::Stall),
        Key::BackoffBase => duration(raw, SHORTEST).map(Setting::BackoffBase),
        Key::BackoffMax => duration(raw, SHORTEST).map(Setting::BackoffMax),
        Key::Rotate => {
            word(key, raw).map(|at| Setting::Rotate([Rotate::Listed, Rotate::Go, Rotate::Never][at]))
        }
        Key::Mirrors if words(raw)? == ["auto"] => Ok(Setting::MirrorsAuto),
        Key::Mirrors => mirrors(raw).map(Setting::Mirrors),
        Key::Private => patterns(raw).map(Setting::Private),
        Key::Confidential => patterns(raw).map(Setting::Confidential),
        Key::Progress => word(key, raw).map(|at| Setting::Progress(at == 0)),
        Key::Journal => word(key, raw).map(|at| Setting::Journal(at == 0)),
        Key::Fill => word(key, raw).map(|at| Setting::Fill([Fill::Auto, Fill::Off][at])),
        Key::Relay => word(key, raw).map(|at| Setting::Relay([Relay::Auto, Relay::Always, Relay::Never][at])),
        Key::Verbosity => word(key, raw)
            .map(|at| Setting::Verbosity([Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose][at])),
        Key::Lang => word(key, raw)
            .map(|at| Setting::Lang([None, Some(Language::English), Some(Language::Chinese)][at])),
        Key::Report => path(raw).map(Setting::Report),
        Key::Record => path(raw).map(Setting::Record),
        Key::StateDir => path(raw).map(Setting::StateDir),
        Key::Offline => flag(raw).map(Setting::Offline),
        Key::Config => files(raw).map(Setting::Config),
        Key::Bypass => Ok(Setting::Bypass(is_on(raw))),
    }
}

/// A stall or delay of nothing would end every run at once, or never wait.
const SHORTEST: Duration = Duration::from_millis(1);

/// A sentence about one value.
fn of(phrase: Phrase, given: &dyn Part) -> Text {
    phrase.with(&[("given", given)])
}

fn text(raw: &Raw) -> Result<&str, Text> {
    match raw {
        Raw::Text(word) => {
            word.to_str().ok_or_else(|| of(faults::NOT_UTF8, &quoted(&word.to_string_lossy())))
        }
        Raw::Words(_) => Err(faults::STRING_NOT_LIST.into()),
        Raw::Number(n) => Err(of(faults::STRING_NOT_NUMBER, n)),
        Raw::Flag(on) => Err(of(faults::STRING_NOT_FLAG, on)),
        Raw::Unfit(kind) => Err(faults::STRING_NOT.with(&[("kind", kind)])),
    }
}

fn path(raw: &Raw) -> Result<Option<PathBuf>, Text> {
    match raw {
        // The one kind of value that need not be UTF-8.
        Raw::Text(word) if word.as_encoded_bytes().contains(&0) => Err(faults::NUL.into()),
        Raw::Text(word) => Ok((!word.is_empty()).then(|| PathBuf::from(word))),
        other => text(other).map(|_| None),
    }
}

fn count(raw: &Raw) -> Result<u32, Text> {
    if matches!(raw, Raw::Text(_)) && text(raw)? == "none" {
        return Ok(NO_BOUND);
    }
    let digits = match raw {
        Raw::Number(digits) => digits.as_str(),
        Raw::Text(_) => text(raw)?,
        Raw::Words(_) => return Err(faults::NUMBER_NOT_LIST.into()),
        Raw::Flag(on) => return Err(of(faults::NUMBER_NOT_FLAG, on)),
        Raw::Unfit(kind) => return Err(faults::NUMBER_NOT.with(&[("kind", kind)])),
    };
    match digits.parse::<u32>() {
        Ok(n) if n >= 1 => Ok(n),
        _ => Err(of(faults::NO_COUNT, &quoted(digits))),
    }
}

fn duration(raw: &Raw, least: Duration) -> Result<Duration, Text> {
    static PARSER: jiff::fmt::friendly::SpanParser = jiff::fmt::friendly::SpanParser::new();
    let plain = |digits: &str| of(faults::NO_UNIT, &digits);
    if let Raw::Number(digits) = raw {
        return Err(plain(digits));
    }
    let word = text(raw)?.trim();
    if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
        return Err(plain(word));
    }
    let wrong = || of(faults::NO_TIME, &quoted(word));
    let parsed = PARSER.parse_duration(word).map_err(|_| wrong())?;
    let length = Duration::try_from(parsed).map_err(|_| wrong())?;
    if length < least {
        Err(faults::TOO_SHORT.with(&[("given", &quoted(word)), ("least", &shown(least))]))
    } else if length > LONGEST {
        Err(faults::TOO_LONG.with(&[("given", &quoted(word)), ("most", &shown(LONGEST))]))
    } else {
        Ok(length)
    }
}

/// The place of the word among those that `key` allows.
fn word(key: Key, raw: &Raw) -> Result<usize, Text> {
    let words = key.words();
    let allowed = || listed(words.iter().copied());
    let given = match raw {
        Raw::Text(_) => text(raw)?,
        _ => {
            let why = text(raw).err().unwrap_or_default();
            return Err(faults::ALLOWED.with(&[("why", &why), ("words", &allowed())]));
        }
    };
    words.iter().position(|word| *word == given).ok_or_else(|| match nearest(given, words.iter().copied()) {
        Some(near) => {
            faults::NEARLY_ALLOWED.with(&[("given", &quoted(given)), ("near", &near), ("words", &allowed())])
        }
        None => faults::NOT_ALLOWED.with(&[("given", &quoted(given)), ("words", &allowed())]),
    })
}

/// The elements of a list, written as TOML array or with commas; `none` alone is the empty list.
fn words(raw: &Raw) -> Result<Vec<String>, Text> {
    let all: Vec<&str> = match raw {
        Raw::Words(words) => words.iter().map(String::as_str).collect(),
        Raw::Text(_) => vec![text(raw)?],
        Raw::Number(_) | Raw::Flag(_) => {
            return Err(faults::LIST.into());
        }
        Raw::Unfit(kind) => return Err(faults::LIST_NOT.with(&[("kind", kind)])),
    };
    let elements: Vec<String> = all
        .iter()
        .flat_map(|word| word.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if elements.iter().any(|word| word == "none") {
        return if elements.len() == 1 {
            Ok(Vec::new())
        } else {
            Err(faults::ALONE.with(&[("word", &"none")]))
        };
    }
    Ok(elements)
}

/// The two mirrors that are built in: those that every manual for networks behind a national firewall names; both
/// serve the public checksum database's modules unchanged.
pub(crate) fn known_mirrors() -> Vec<Entry> {
    crate::formats::goproxy::List::parse("https://goproxy.cn,https://mirrors.aliyun.com/goproxy").entries
}

fn mirrors(raw: &Raw) -> Result<Vec<Entry>, Text> {
    let mut entries: Vec<Entry> = Vec::new();
    for word in words(raw)? {
        if word == "auto" {
            return Err(faults::ALONE.with(&[("word", &"auto")]));
        }
        if word == "cn" {
            entries.extend(
                known_mirrors().into_iter().filter(|entry| !entries.contains(entry)).collect::<Vec<_>>(),
            );
            continue;
        }
        if word.contains('|') {
            return Err(of(faults::COMMAS, &quoted(&word)));
        }
        if word == "direct" || word == "off" {
            return Err(of(faults::NO_MIRROR, &word));
        }
        let mut list = crate::formats::goproxy::List::parse(&word);
        match list.entries.pop() {
            Some(entry) if entry.is_network_proxy() && !word.contains(char::is_whitespace) => {
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
            _ => {
                return Err(of(faults::NO_PROXY, &quoted(&word)));
            }
        }
    }
    Ok(entries)
}

fn patterns(raw: &Raw) -> Result<Vec<String>, Text> {
    let mut all: Vec<String> = Vec::new();
    for word in words(raw)? {
        if word.contains("://") {
            return Err(of(faults::URL_AS_PATTERN, &quoted(&word)));
        }
        if word.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(of(faults::NO_PATTERN, &quoted(&word)));
        }
        if !all.contains(&word) {
            all.push(word);
        }
    }
    Ok(all)
}

fn flag(raw: &Raw) -> Result<bool, Text> {
    match raw {
        Raw::Flag(on) => Ok(*on),
        _ => match text(raw)? {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            other => {
                Err(faults::NOT_ALLOWED.with(&[("given", &quoted(other)), ("words", &"1, 0, true, false")]))
            }
        },
    }
}

/// Whether a value of `GOX_BYPASS` (and of any other flag's variable) means yes. Never an error: the way out of trouble must not
/// be one more trouble.
pub(crate) fn bypasses(value: &OsStr) -> bool {
    !value.is_empty() && !["0", "false"].iter().any(|no| value == *no)
}

fn is_on(raw: &Raw) -> bool {
    match raw {
        Raw::Flag(on) => *on,
        Raw::Text(word) => bypasses(word),
        _ => true,
    }
}

fn files(raw: &Raw) -> Result<Files, Text> {
    Ok(match path(raw)? {
        Some(path) if path.as_os_str() == "none" => Files::None,
        Some(path) => Files::Only(path),
        None => Files::Usual,
    })
}

/// A length of time in the spelling that the configuration takes: `5m`, `1m30s`, `500ms`.
pub(crate) fn shown(length: Duration) -> String {
    let printer = jiff::fmt::friendly::SpanPrinter::new().spacing(jiff::fmt::friendly::Spacing::None);
    match jiff::SignedDuration::try_from(length) {
        Ok(length) => printer.duration_to_string(&length),
        Err(_) => format!("{}s", length.as_secs()),
    }
}

impl Setting {
    /// Whose value this is.
    pub(crate) const fn key(&self) -> Key {
        match self {
            Setting::Go(_) => Key::Go,
            Setting::Attempts(_) => Key::Attempts,
            Setting::Budget(_) => Key::Budget,
            Setting::Stall(_) => Key::Stall,
            Setting::BackoffBase(_) => Key::BackoffBase,
            Setting::BackoffMax(_) => Key::BackoffMax,
            Setting::Rotate(_) => Key::Rotate,
            Setting::Mirrors(_) | Setting::MirrorsAuto => Key::Mirrors,
            Setting::Private(_) => Key::Private,
            Setting::Confidential(_) => Key::Confidential,
            Setting::Fill(_) => Key::Fill,
            Setting::Journal(_) => Key::Journal,
            Setting::Relay(_) => Key::Relay,
            Setting::Verbosity(_) => Key::Verbosity,
            Setting::Progress(_) => Key::Progress,
            Setting::Lang(_) => Key::Lang,
            Setting::Report(_) => Key::Report,
            Setting::Record(_) => Key::Record,
            Setting::StateDir(_) => Key::StateDir,
            Setting::Offline(_) => Key::Offline,
            Setting::Config(_) => Key::Config,
            Setting::Bypass(_) => Key::Bypass,
        }
    }
}

impl fmt::Display for Setting {
    /// The value as the command line would take it, secrets of URLs removed; empty where unset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |words: Vec<String>| if words.is_empty() { "none".into() } else { words.join(",") };
        let text: String = match self {
            Setting::Go(path) | Setting::Report(path) | Setting::Record(path) | Setting::StateDir(path) => {
                path.as_ref().map_or_else(String::new, |p| p.display().to_string())
            }
            Setting::Attempts(NO_BOUND) => "none".into(),
            Setting::Attempts(n) => n.to_string(),
            Setting::Budget(d) | Setting::Stall(d) | Setting::BackoffBase(d) | Setting::BackoffMax(d) => {
                shown(*d)
            }
            Setting::Rotate(rotate) => match rotate {
                Rotate::Listed => "listed",
                Rotate::Go => "go",
                Rotate::Never => "never",
            }
            .into(),
            Setting::MirrorsAuto => "auto".into(),
            Setting::Mirrors(entries) => all(entries.iter().map(Entry::shown).collect()),
            Setting::Private(patterns) | Setting::Confidential(patterns) => all(patterns.clone()),
            Setting::Journal(on) => if *on { "on" } else { "off" }.into(),
            Setting::Progress(on) => if *on { "auto" } else { "off" }.into(),
            Setting::Fill(Fill::Auto) => "auto".into(),
            Setting::Fill(Fill::Off) => "off".into(),
            Setting::Relay(relay) => match relay {
                Relay::Auto => "auto",
                Relay::Always => "always",
                Relay::Never => "never",
            }
            .into(),
            Setting::Verbosity(verbosity) => match verbosity {
                Verbosity::Quiet => "quiet",
                Verbosity::Normal => "normal",
                Verbosity::Verbose => "verbose",
            }
            .into(),
            Setting::Lang(lang) => match lang {
                None => "auto",
                Some(Language::English) => "en",
                Some(Language::Chinese) => "zh",
            }
            .into(),
            Setting::Offline(on) | Setting::Bypass(on) => on.to_string(),
            Setting::Config(Files::Usual) => String::new(),
            Setting::Config(Files::None) => "none".into(),
            Setting::Config(Files::Only(path)) => path.display().to_string(),
        };
        f.write_str(&text)
    }
}

/// What a value of `key` looks like, for help: `TIME`, `LIST`, ...
pub(crate) fn value_name(key: Key) -> &'static str {
    match key.shape() {
        Shape::Path => "PATH",
        Shape::Count => "N",
        Shape::Duration => "TIME",
        Shape::Word(_) => "WORD",
        Shape::Mirrors | Shape::Patterns => "LIST",
        Shape::Flag => "",
    }
}

#[cfg(test)]
#[path = "tests/values.rs"]
mod tests;
