//! Splits a command line into gox's own options, gox's own verbs, and what is go's.
//!
//! Pure. The way to a go verb is a plain scan of the leading `--` words: the argument parser is
//! asked only for gox's own verbs, help and completions.

use crate::configuration::{CliOptions, Error, Key, nearest, quoted, value_name};
use crate::words::{Phrase, faults};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// gox's own options.
    pub options: CliOptions,
    /// What is to be done.
    pub command: Command,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run go with the arguments from this place on (0 is the first after the program's name).
    Go {
        /// The first argument of go's; the number of arguments where go gets none.
        first: usize,
    },
    /// One of gox's own verbs.
    Own(OwnVerb),
    /// Print gox's help.
    Help,
    /// Print this to stdout and end with 0: the version.
    Print(String),
    /// Print the help of this verb of gox's own.
    VerbHelp(Vec<String>),
}

/// The verbs that are gox's, whatever go may have one day.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum OwnVerb {
    /// Tell what is wrong with the network, the proxies and this machine
    Doctor(DoctorArguments),
    /// Read the output of a failed go command, tell the cause and what gox would do
    Explain {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Decide again what a record (--record) tells of
        #[arg(long, value_name = "RECORD", conflicts_with = "file")]
        replay: Option<PathBuf>,
        /// The output; -: standard input; nothing: what is piped in, or on a terminal the last run that failed
        file: Option<PathBuf>,
    },
    /// List earlier runs that met the network
    History {
        /// At most so many, the latest; 20 where nothing else is said
        #[arg(short = 'n', long = "number", value_name = "N")]
        number: Option<usize>,
        /// Not longer ago than this, such as 7d or 12h
        #[arg(long, value_name = "TIME", value_parser = age)]
        since: Option<Duration>,
        /// Count faults by host and cause, and what remedies did
        #[arg(long)]
        summary: bool,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show every setting and where it comes from
    #[command(args_conflicts_with_subcommands = true)]
    Config {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// What to do instead
        #[command(subcommand)]
        command: Option<ConfigVerb>,
    },
    /// Take a module version, or all of a module, out of the module cache
    Evict(EvictArguments),
    /// Say which modules are private
    Private {
        /// What to do; nothing: list
        #[command(subcommand)]
        command: Option<PrivateVerb>,
    },
    /// Have everything that calls go call gox: a link named go, early on PATH
    Shim {
        /// What to do; nothing: status
        #[command(subcommand)]
        command: Option<ShimVerb>,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// What `gox doctor` is to look at.
#[derive(Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct DoctorArguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Read everything that go.sum names in the module cache through, however long it takes
    #[arg(long)]
    pub(crate) deep: bool,
    /// Take out of the module cache what is damaged in itself
    #[arg(long)]
    pub(crate) fix: bool,
    /// Look at the public mirrors too, side by side
    #[arg(long)]
    pub(crate) mirrors: bool,
    /// Ask this resolver for the addresses of public hosts too
    #[arg(long, value_name = "ADDRESS", value_parser = resolver)]
    pub(crate) resolver: Option<(IpAddr, u16)>,
    /// Fail where a MODULE takes longer than this, such as 500ms or 2s
    #[arg(long, value_name = "TIME", value_parser = latency, requires = "modules")]
    pub(crate) max_latency: Option<Duration>,
    /// Modules that are to be had as well
    #[arg(value_name = "MODULE[@VERSION]")]
    pub(crate) modules: Vec<String>,
}

/// What `gox evict` is to take out.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct EvictArguments {
    /// MODULE@VERSION, or MODULE for all its versions
    #[arg(value_name = "MODULE[@VERSION]")]
    pub(crate) module: String,
    /// Fetch it anew at once
    #[arg(long)]
    pub(crate) refetch: bool,
}

/// The verbs below `gox config`.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Write a gox.toml with every key, explained and commented out
    Init {
        /// At the root of this repository, rather than your own
        #[arg(long)]
        project: bool,
        /// With what suits a place set: cn also asks the mirrors there, ci keeps nothing, company asks no others
        #[arg(long = "for", value_enum, value_name = "PLACE", conflicts_with = "project")]
        place: Option<UsedAt>,
    },
    /// Set a key in your own gox.toml
    Set {
        /// The key, as in gox.toml
        key: String,
        /// Its value; lists with commas
        value: String,
    },
}

/// Where a gox.toml is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsedAt {
    /// A network where public mirrors of the mainland are the near ones
    Cn,
    /// A machine that is thrown away after the job
    Ci,
    /// A network with module proxies of its own
    Company,
}

/// The verbs below `gox private`.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum PrivateVerb {
    /// Add a pattern to your own gox.toml
    Add {
        /// In the syntax of GOPRIVATE: git.example.com, github.com/acme/*
        pattern: String,
    },
    /// Show the patterns and where they come from
    List,
    /// Take a pattern out of your own gox.toml
    Remove {
        /// As it was added
        pattern: String,
    },
}

/// The verbs below `gox shim`.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum ShimVerb {
    /// Tell which go a shell finds, and whether that is gox
    Status,
    /// Put a link named go into a folder
    Install {
        /// The folder; nothing: ~/.local/share/gox/bin
        dir: Option<PathBuf>,
        /// A script of two lines in place of the link, for those who follow links
        #[arg(long)]
        wrapper: bool,
    },
    /// Take the link or the script away again
    Remove {
        /// The folder; nothing: ~/.local/share/gox/bin
        dir: Option<PathBuf>,
    },
}

/// How a verb of gox's own prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// The names of [`OwnVerb`], for the scan.
const OWN_VERBS: &[&str] =
    &["doctor", "explain", "history", "config", "evict", "private", "shim", "completions"];

/// The verbs of go that completions offer beside gox's own.
pub(crate) const GO_VERBS: &[&str] = &[
    "bug",
    "build",
    "clean",
    "doc",
    "env",
    "fix",
    "fmt",
    "generate",
    "get",
    "help",
    "install",
    "list",
    "mod",
    "run",
    "telemetry",
    "test",
    "tool",
    "version",
    "vet",
    "work",
];

/// What stands below the verbs of go that have verbs of their own.
pub(crate) const GO_SUB_VERBS: &[(&str, &[&str])] = &[
    ("mod", &["download", "edit", "graph", "init", "tidy", "vendor", "verify", "why"]),
    ("work", &["edit", "init", "sync", "use", "vendor"]),
    ("telemetry", &["local", "off", "on"]),
];

/// Flags of go's that completions offer, with the verbs that take them. They are offered with two dashes, which
/// go takes as well.
const GO_FLAGS: &[(&[&str], &[&str])] = &[
    (
        &["build", "install", "list", "run", "test", "vet", "get", "generate"],
        &["C", "mod", "modfile", "tags", "v", "x", "n"],
    ),
    (
        &["build", "install", "run", "test", "list", "vet"],
        &["a", "asmflags", "buildmode", "buildvcs", "cover", "gcflags", "ldflags", "p", "race", "trimpath"],
    ),
    (&["build"], &["o"]),
    (
        &["test"],
        &[
            "bench", "c", "count", "cpu", "failfast", "fuzz", "json", "list", "parallel", "run", "short",
            "timeout",
        ],
    ),
    (&["get"], &["t", "tool", "u"]),
    (&["list"], &["deps", "e", "export", "f", "find", "json", "m", "retracted", "test", "u", "versions"]),
    (&["clean"], &["cache", "fuzzcache", "modcache", "testcache", "n", "x"]),
    (&["env"], &["changed", "json", "u", "w"]),
    (&["mod download"], &["json", "reuse", "x"]),
    (&["mod tidy"], &["compat", "diff", "e", "go", "v", "x"]),
    (&["mod vendor"], &["e", "o", "v"]),
    (&["mod edit", "work edit"], &["dropreplace", "fmt", "go", "json", "print", "replace", "toolchain"]),
    (&["mod why"], &["m", "vendor"]),
    (&["work use"], &["r"]),
];

/// Understands the arguments after the program's name. `program` is the name that gox was called
/// by: through a link named `go` everything is go's.
///
/// # Errors
/// An unknown long option before the verb, one without its value, or wrong arguments for a verb of
/// gox's own.
pub(crate) fn split(program: &OsStr, args: &[OsString]) -> Result<CommandLine, Error> {
    let mut options = CliOptions::default();
    if is_called_go(program) {
        return Ok(CommandLine { options, command: Command::Go { first: 0 } });
    }
    let mut at = 0;
    let command = loop {
        let Some(arg) = args.get(at) else { break Command::Go { first: at } };
        let Some(word) = arg.as_bytes().strip_prefix(b"--") else {
            break match arg.to_str() {
                Some(verb) if OWN_VERBS.contains(&verb) => own_verb(&args[at..])?,
                _ => Command::Go { first: at },
            };
        };
        at += 1;
        if word.is_empty() {
            break Command::Go { first: at };
        }
        let (name, value) = match word.iter().position(|b| *b == b'=') {
            Some(end) => (&word[..end], Some(OsStr::from_bytes(&word[end + 1..]))),
            None => (word, None),
        };
        match (name, value) {
            (b"help", None) => break Command::Help,
            (b"version", None) => break Command::Print(version()),
            // go takes its -C with two dashes as well.
            (b"C", _) => break Command::Go { first: at - 1 },
            _ => {}
        }
        let name = String::from_utf8_lossy(name);
        let Some(key) = Key::named(&name) else { return Err(unknown(&name)) };
        let wrong = |problem: Phrase| Err(Error::option(key.option(), problem));
        let value = match (key.takes_value(), value) {
            (false, None) => OsString::from("1"),
            (false, Some(_)) => return wrong(faults::NO_VALUE),
            (true, Some(value)) => value.to_owned(),
            (true, None) => {
                let Some(next) = args.get(at) else { return wrong(faults::NEEDS_VALUE) };
                at += 1;
                next.clone()
            }
        };
        options.given.push((key, value));
    };
    Ok(CommandLine { options, command })
}

/// Whether whoever called means go: through a link named go, or the script that stands in its place.
pub(crate) fn stands_for_go(program: &OsStr, args: &[OsString]) -> bool {
    is_called_go(program) || args.first().is_some_and(|first| first == "--")
}

/// True for a program name (the first word of a command line) whose last part is `go`.
fn is_called_go(program: &OsStr) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == "go")
}

fn unknown(name: &str) -> Error {
    let options = || Key::ALL.into_iter().map(Key::option).chain(["--help", "--version"]);
    let given = quoted(&format!("--{name}"));
    Error::usage(match nearest(name, options()) {
        Some(near) => faults::NEARLY_OPTION.with(&[("given", &given), ("near", &near)]),
        None => faults::NO_OPTION.with(&[("given", &given)]),
    })
}

/// A time ago: a number and `s`, `m`, `h` or `d`.
fn age(text: &str) -> Result<Duration, String> {
    let parts = text.char_indices().last().map(|(at, unit)| (&text[..at], unit));
    let seconds = parts.and_then(|(number, unit)| {
        let number: u64 = number.parse().ok()?;
        let unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => return None,
        };
        number.checked_mul(unit)
    });
    seconds.map(Duration::from_secs).ok_or_else(|| faults::AGE.en.to_owned())
}

/// An address, and a port where it is not that of resolvers.
fn resolver(text: &str) -> Result<(IpAddr, u16), String> {
    let with_port = text.parse::<SocketAddr>().map(|address| (address.ip(), address.port()));
    let bare = text.parse::<IpAddr>().map(|address| (address, 53));
    bare.or(with_port).map_err(|_| faults::ADDRESS.en.to_owned())
}

/// A time that a request may take: a number and `ms` or `s`.
fn latency(text: &str) -> Result<Duration, String> {
    let number = |unit: &str| text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let found = number("ms").map(Duration::from_millis).or_else(|| number("s").map(Duration::from_secs));
    found.ok_or_else(|| faults::LATENCY.en.to_owned())
}

/// Understands `args`, which begin with a verb of gox's own.
fn own_verb(args: &[OsString]) -> Result<Command, Error> {
    let full = std::iter::once(OsString::from("gox")).chain(args.iter().cloned());
    let path = || path(args);
    let parsed = parser().try_get_matches_from(full).and_then(|matches| OwnVerb::from_arg_matches(&matches));
    match parsed {
        Ok(verb) => Ok(Command::Own(verb)),
        Err(error) if !error.use_stderr() => Ok(Command::VerbHelp(path())),
        Err(error) => Err(Error::usage(mistakes::told(&path().join(" "), &error))),
    }
}

/// The verb that `args` begin with, and the one below it.
fn path(args: &[OsString]) -> Vec<String> {
    let words = args.iter().map(|word| word.to_string_lossy().into_owned());
    let mut command = Gox::command();
    let mut path = Vec::new();
    for word in words.take_while(|word| !word.starts_with("--help") && word != "-h" && word != "--") {
        let Some(below) = command.find_subcommand(&word) else { continue };
        command = below.clone();
        path.push(word);
    }
    path
}

/// A verb of gox's own, or one below it, as the parser describes it.
pub(crate) fn described(path: &[String]) -> clap::Command {
    let mut command = parser();
    command.build();
    path.iter().fold(command, |command, word| command.find_subcommand(word).cloned().unwrap_or(command))
}

/// gox's own half of the command line.
#[derive(Parser)]
#[command(
    name = "gox",
    version,
    about = "The go command that gets module downloads through bad networks",
    override_usage = "gox [OPTIONS] GO-VERB [ARGUMENTS]...\n       gox [OPTIONS] COMMAND",
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true,
    subcommand_help_heading = "Commands of gox's own",
    after_help = "Every other verb and argument is go's: gox mod download, gox build ./..., gox help.\n\
                  Each option is also a variable, GOX_ATTEMPTS for --attempts, and, but for --offline,\n\
                  --config and --bypass, a key of gox.toml: see `gox config` and `gox config init`.\n\
                  gox ends as go does; 125, 126 and 127 are gox's own: wrong usage or configuration,\n\
                  a go that cannot be run, no go found."
)]
struct Gox {
    #[command(subcommand)]
    verb: OwnVerb,
}

/// The argument parser with every option of the table.
fn parser() -> clap::Command {
    let with_keys = Key::ALL.into_iter().fold(Gox::command(), |command, key| {
        let arg = Arg::new(key.name()).long(&key.option()[2..]).help(key.help().en);
        let arg = if key.takes_value() {
            let arg = arg.value_name(value_name(key)).action(ArgAction::Set);
            if key.words().is_empty() { arg } else { arg.value_parser(key.words().to_vec()) }
        } else {
            arg.action(ArgAction::SetTrue)
        };
        command.arg(arg)
    });
    // Without -h and -V: what begins with one dash is go's.
    with_keys
        .mut_subcommands(with_help)
        .arg(Arg::new("help").long("help").action(ArgAction::Help).help("Print this help"))
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print the version of gox"))
}

/// The verb with -h and --help, and those below it.
fn with_help(verb: clap::Command) -> clap::Command {
    verb.arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print this help"))
        .mut_subcommands(with_help)
}

/// The argument parser for the makers of completions: go's verbs are offered too.
pub(crate) fn completion_parser() -> clap::Command {
    let rest = || Arg::new("arguments").num_args(0..).value_hint(clap::ValueHint::AnyPath);
    let flags = |name: &str, command: clap::Command| {
        let known = GO_FLAGS.iter().filter(|(verbs, _)| verbs.contains(&name)).flat_map(|(_, flags)| *flags);
        known.fold(command, |command, flag| {
            command.arg(Arg::new(*flag).long(*flag).action(ArgAction::SetTrue))
        })
    };
    GO_VERBS.iter().fold(parser(), |command, verb| {
        let subs = GO_SUB_VERBS.iter().find(|(name, _)| name == verb).map_or(&[][..], |(_, subs)| subs);
        let own = clap::Command::new(*verb).about(format!("go {verb}"));
        let own = subs.iter().fold(own, |own, sub| {
            let name = format!("{verb} {sub}");
            let below = clap::Command::new(*sub).about(format!("go {name}"));
            own.subcommand(flags(&name, below).arg(rest()))
        });
        command.subcommand(if subs.is_empty() { flags(verb, own).arg(rest()) } else { own })
    })
}

/// The names of gox's own verbs, without those that are not there yet.
pub(crate) fn own_verbs() -> Vec<String> {
    let verbs = Gox::command();
    verbs
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(|verb| verb.get_name().to_owned())
        .collect()
}

/// What `gox --version` prints.
pub(crate) fn version() -> String {
    concat!("gox ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

mod mistakes;
#[cfg(test)]
mod tests;
