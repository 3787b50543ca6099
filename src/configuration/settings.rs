//! All settings of one run, each with where it comes from.

use super::keys::Key;
use super::values::{Files, Fill, NO_BOUND, Relay, Setting, Verbosity, known_mirrors};
use crate::formats::goproxy::{Entry, Rotate};
use crate::words::{Language, Text, faults};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A long option before the go verb; the key's own.
    CommandLine,
    /// The environment variable of this name.
    Environment(&'static str),
    /// A gox.toml.
    File {
        /// Whose file it is.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// `default.toml`.
    BuiltIn,
}

/// Whose file a gox.toml is; decides its rank and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// `/etc/gox/gox.toml`: lowest rank, may lock keys.
    System,
    /// The user's own, or the one that `GOX_CONFIG` names.
    User,
    /// The project's: highest rank of the files, may only narrow.
    Project,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::System => "system",
            FileKind::User => "user",
            FileKind::Project => "project",
        })
    }
}

impl Origin {
    /// True where a person set the value for themselves or for this machine, rather than a
    /// repository or gox. CI uses mirrors only where this holds for them.
    pub(crate) fn by_hand(&self) -> bool {
        match self {
            Origin::CommandLine | Origin::Environment(_) => true,
            Origin::File { kind, .. } => *kind != FileKind::Project,
            Origin::BuiltIn => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::Environment(name) => f.write_str(name),
            Origin::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Origin::BuiltIn => f.write_str("built in"),
        }
    }
}

/// What a rule of the user's own does with a failure whose text it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleAction {
    /// Try again, at the same place or the next.
    Retry,
    /// End the run at once.
    Stop,
}

impl Rule {
    /// Compiles an expression within bounds: of its length, and of what a text could make it cost.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn compile(pattern: &str) -> Result<regex::Regex, Text> {
        /// Longer than any line of go's that somebody would want to tell from others.
        const LONGEST: usize = 1000;
        /// Most bytes of the compiled expression: a tenth of what crate `regex` allows by itself.
        const LARGEST: usize = 1 << 20;
        if pattern.len() > LONGEST {
            return Err(faults::LONG_EXPRESSION.with(&[("most", &LONGEST)]));
        }
        let built = regex::RegexBuilder::new(pattern).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
        built.map_err(|e| match &e {
            // The last line says what; those before it draw the expression again.
            regex::Error::Syntax(drawn) => {
                Text::plain(drawn.lines().last().unwrap_or_default().trim_start_matches("error: "))
            }
            regex::Error::CompiledTooBig(_) => faults::LARGE_EXPRESSION.into(),
            other => Text::plain(other.to_string()),
        })
    }
}

impl RuleAction {
    /// The word in gox.toml.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RuleAction::Retry => "retry",
            RuleAction::Stop => "stop",
        }
    }
}

/// A `[[rule]]` of gox.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// A regular expression, valid in crate `regex`, searched in a failure's text.
    pub pattern: String,
    /// What to do with what it matches.
    pub action: RuleAction,
    /// The file and line of it.
    pub origin: Origin,
}

/// Every setting of a run. Total: a key that nobody set has its built-in value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The real go; `None`: to be found.
    pub go: Option<PathBuf>,
    /// Attempts without progress before giving up, at least 1.
    pub attempts: u32,
    /// Time for recovery from the first failure on; no attempt starts after it.
    pub budget: Duration,
    /// Silence after which an attempt counts as stalled.
    pub stall: Duration,
    /// First delay of the backoff series.
    pub backoff_base: Duration,
    /// Longest delay of the backoff series.
    pub backoff_max: Duration,
    /// How far a retry may go along the GOPROXY list.
    pub rotate: Rotate,
    /// Public mirrors to ask last; empty for none.
    pub mirrors: Vec<Entry>,
    /// Patterns of private modules.
    pub private: Vec<String>,
    /// Patterns of modules that only those hear of whom go asks.
    pub confidential: Vec<String>,
    /// Whether gox fetches ahead and places what go.sum proves.
    pub fill: Fill,
    /// Runs that met a failure are written down.
    pub journal: bool,
    /// When the loopback proxy serves.
    pub relay: Relay,
    /// How much gox says.
    pub verbosity: Verbosity,
    /// A run shows how far it has come.
    pub progress: bool,
    /// The language of gox's lines; `None`: as the locale says.
    pub lang: Option<Language>,
    /// Where the JSON report of the run goes.
    pub report: Option<PathBuf>,
    /// Where the observations of the run go.
    pub record: Option<PathBuf>,
    /// Folder for health and journal; `None`: the usual place.
    pub state_dir: Option<PathBuf>,
    /// No network.
    pub offline: bool,
    /// Which files were to be read.
    pub config: Files,
    /// Be plain go.
    pub bypass: bool,
    /// The rules, in the order in which they are tried: the user's, the system's. The first that
    /// matches decides.
    pub rules: Vec<Rule>,
    origins: [Origin; Key::ALL.len()],
}

impl Settings {
    /// What holds where nobody says anything: the values of `default.toml`.
    pub(crate) fn built_in() -> Settings {
        Settings {
            go: None,
            // The budget bounds a run.
            attempts: NO_BOUND,
            // "The golden five minutes" of the design: most outages of a proxy are shorter.
            budget: Duration::from_secs(300),
            // go's own dial and handshake timeouts are 30 s and 10 s: no shorter patience.
            stall: Duration::from_secs(30),
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            rotate: Rotate::Listed,
            mirrors: known_mirrors(),
            private: Vec::new(),
            confidential: Vec::new(),
            fill: Fill::Auto,
            journal: true,
            relay: Relay::Auto,
            verbosity: Verbosity::Normal,
            progress: true,
            lang: None,
            report: None,
            record: None,
            state_dir: None,
            offline: false,
            config: Files::Usual,
            bypass: false,
            rules: Vec::new(),
            origins: std::array::from_fn(|_| Origin::BuiltIn),
        }
    }

    /// The value of a key and where it comes from.
    pub(crate) fn get(&self, key: Key) -> (Setting, &Origin) {
        let setting = match key {
            Key::Go => Setting::Go(self.go.clone()),
            Key::Attempts => Setting::Attempts(self.attempts),
            Key::Budget => Setting::Budget(self.budget),
            Key::Stall => Setting::Stall(self.stall),
            Key::BackoffBase => Setting::BackoffBase(self.backoff_base),
            Key::BackoffMax => Setting::BackoffMax(self.backoff_max),
            Key::Rotate => Setting::Rotate(self.rotate),
            Key::Mirrors => Setting::Mirrors(self.mirrors.clone()),
            Key::Private => Setting::Private(self.private.clone()),
            Key::Confidential => Setting::Confidential(self.confidential.clone()),
            Key::Fill => Setting::Fill(self.fill),
            Key::Journal => Setting::Journal(self.journal),
            Key::Relay => Setting::Relay(self.relay),
            Key::Verbosity => Setting::Verbosity(self.verbosity),
            Key::Progress => Setting::Progress(self.progress),
            Key::Lang => Setting::Lang(self.lang),
            Key::Report => Setting::Report(self.report.clone()),
            Key::Record => Setting::Record(self.record.clone()),
            Key::StateDir => Setting::StateDir(self.state_dir.clone()),
            Key::Offline => Setting::Offline(self.offline),
            Key::Config => Setting::Config(self.config.clone()),
            Key::Bypass => Setting::Bypass(self.bypass),
        };
        (setting, self.origin(key))
    }

    /// Where the value of a key comes from.
    pub(crate) fn origin(&self, key: Key) -> &Origin {
        &self.origins[key as usize]
    }

    /// The patterns of [`Settings::private`] as the comma list that GOPRIVATE takes.
    pub(crate) fn private_list(&self) -> String {
        self.private.join(",")
    }

    /// Sets a value and remembers where it was set.
    pub(crate) fn set(&mut self, setting: Setting, origin: Origin) {
        self.origins[setting.key() as usize] = origin;
        match setting {
            Setting::Go(path) => self.go = path,
            Setting::Attempts(n) => self.attempts = n,
            Setting::Budget(length) => self.budget = length,
            Setting::Stall(length) => self.stall = length,
            Setting::BackoffBase(length) => self.backoff_base = length,
            Setting::BackoffMax(length) => self.backoff_max = length,
            Setting::Rotate(rotate) => self.rotate = rotate,
            Setting::Mirrors(entries) => self.mirrors = entries,
            Setting::MirrorsAuto => {
                // Nobody consented to anything by it.
                self.mirrors = known_mirrors();
                self.origins[Key::Mirrors as usize] = Origin::BuiltIn;
            }
            Setting::Private(patterns) => self.private = patterns,
            Setting::Confidential(patterns) => self.confidential = patterns,
            Setting::Fill(fill) => self.fill = fill,
            Setting::Journal(on) => self.journal = on,
            Setting::Relay(relay) => self.relay = relay,
            Setting::Verbosity(verbosity) => self.verbosity = verbosity,
            Setting::Progress(on) => self.progress = on,
            Setting::Lang(lang) => self.lang = lang,
            Setting::Report(path) => self.report = path,
            Setting::Record(path) => self.record = path,
            Setting::StateDir(path) => self.state_dir = path,
            Setting::Offline(on) => self.offline = on,
            Setting::Config(files) => self.config = files,
            Setting::Bypass(on) => self.bypass = on,
        }
    }
}
