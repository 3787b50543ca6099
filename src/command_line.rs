//! Splits a command line into gox's own options, gox's own verbs, and what is go's.
//!
//! Pure. The way to a go verb is a plain scan of the leading `--` words: the argument parser is
//! asked only for gox's own verbs, help and completions.

use crate::configuration::{CliOptions, Error, Key, nearest, quoted, value_name};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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
    /// Print this to stdout and end with 0: help or version.
    Print(String),
}

/// The verbs that are gox's, whatever go may have one day.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum OwnVerb {
    /// Tell what is wrong with the network, the proxies and this machine
    #[command(hide = true)]
    Doctor {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Read the output of a failed go command, tell the cause and what gox would do
    Explain {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Decide again what a record (--record) tells of
        #[arg(long, value_name = "RECORD", conflicts_with = "file")]
        replay: Option<PathBuf>,
        /// The output; - or nothing: standard input
        file: Option<PathBuf>,
    },
    /// List earlier runs that needed help
    History {
        /// At most so many, the latest
        #[arg(short = 'n', long = "number", value_name = "N")]
        number: Option<usize>,
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
    },
    /// Take the link away again
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
const OWN_VERBS: &[&str] = &["doctor", "explain", "history", "config", "evict", "shim", "completions"];

/// The verbs of go that completions offer beside gox's own.
const GO_VERBS: &[&str] = &[
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
            (b"help", None) => break Command::Print(help()),
            (b"version", None) => break Command::Print(version()),
            // go takes its -C with two dashes as well.
            (b"C", _) => break Command::Go { first: at - 1 },
            _ => {}
        }
        let name = String::from_utf8_lossy(name);
        let Some(key) = Key::named(&name) else { return Err(unknown(&name)) };
        let wrong = |problem: &str| Err(Error::option(key.option(), problem));
        let value = match (key.takes_value(), value) {
            (false, None) => OsString::from("1"),
            (false, Some(_)) => return wrong("takes no value"),
            (true, Some(value)) => value.to_owned(),
            (true, None) => {
                let Some(next) = args.get(at) else { return wrong("needs a value") };
                at += 1;
                next.clone()
            }
        };
        options.given.push((key, value));
    };
    Ok(CommandLine { options, command })
}

/// True for a program name (the first word of a command line) whose last part is `go`.
pub(crate) fn is_called_go(program: &OsStr) -> bool {
    Path::new(program).file_name().is_some_and(|name| name == "go")
}

fn unknown(name: &str) -> Error {
    let options = || Key::ALL.into_iter().map(Key::option).chain(["--help", "--version"]);
    Error::usage(match nearest(name, options()) {
        Some(near) => format!("unknown option {}; did you mean {near}?", quoted(&format!("--{name}"))),
        None => format!(
            "unknown option {}; `gox --help` lists gox's own, and go's stand after the verb",
            quoted(&format!("--{name}"))
        ),
    })
}

/// Understands `args`, which begin with a verb of gox's own.
fn own_verb(args: &[OsString]) -> Result<Command, Error> {
    let full = std::iter::once(OsString::from("gox")).chain(args.iter().cloned());
    let parsed = parser().try_get_matches_from(full).and_then(|matches| OwnVerb::from_arg_matches(&matches));
    match parsed {
        Ok(OwnVerb::Doctor { .. }) => Err(Error::usage("doctor is not in this version of gox")),
        Ok(verb) => Ok(Command::Own(verb)),
        Err(error) if !error.use_stderr() => Ok(Command::Print(error.render().to_string())),
        Err(error) => {
            let text = error.render().to_string();
            Err(Error::usage(text.trim_start_matches("error: ").trim_end()))
        }
    }
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
        let arg = Arg::new(key.name()).long(&key.option()[2..]).help(key.help());
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
    GO_VERBS.iter().fold(parser(), |command, verb| {
        let rest = Arg::new("arguments").num_args(0..).value_hint(clap::ValueHint::AnyPath);
        command.subcommand(clap::Command::new(*verb).about(format!("go {verb}")).arg(rest))
    })
}

/// What `gox --help` prints.
pub(crate) fn help() -> String {
    parser().render_help().to_string()
}

/// What `gox --version` prints.
pub(crate) fn version() -> String {
    concat!("gox ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn gox(args: &[&str]) -> Result<CommandLine, Error> {
        split(OsStr::new("/usr/bin/gox"), &words(args))
    }

    fn own(args: &[&str]) -> OwnVerb {
        match gox(args).unwrap().command {
            Command::Own(verb) => verb,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn what_is_gos_begins_at_the_first_word_that_is_no_option_of_goxs() {
        for (args, first) in [
            (&[][..], 0),
            (&["mod", "download"], 0),
            (&["version"], 0),
            (&["help"], 0),
            (&["-h"], 0),
            (&["-x"], 0),
            (&["-C", "dir", "build"], 0),
            (&["--C=dir", "build"], 0),
            (&["--C", "dir", "build"], 0),
            (&["--attempts", "6", "mod", "download"], 2),
            (&["--attempts=6", "--offline", "mod"], 2),
            (&["--attempts", "6"], 2),
            (&["--", "config"], 1),
            (&["--offline", "--", "--foo"], 2),
            (&["run", ".", "--help", "--attempts"], 0),
            (&["Config"], 0),
            (&[""], 0),
        ] {
            assert_eq!(gox(args).unwrap().command, Command::Go { first }, "{args:?}");
        }
    }

    #[test]
    fn through_a_link_named_go_everything_is_gos() {
        for program in ["go", "/home/me/bin/go"] {
            for args in [&["config"][..], &["--help"], &["--attempts", "6"], &["--version"]] {
                let split = split(OsStr::new(program), &words(args)).unwrap();
                assert_eq!(split.command, Command::Go { first: 0 });
                assert!(split.options.given.is_empty());
            }
        }
        for program in ["gox", "./gox", "gox-1.0", "go1.27", "/x/go/gox"] {
            assert!(!is_called_go(OsStr::new(program)), "{program}");
        }
    }

    #[test]
    fn every_key_is_an_option_in_both_spellings() {
        for key in Key::ALL {
            if key.takes_value() {
                let spaced = gox(&[key.option(), "a=b", "mod"]).unwrap();
                let joined = gox(&[&format!("{}=a=b", key.option()), "mod"]).unwrap();
                assert_eq!(spaced.options, joined.options);
                assert_eq!(spaced.options.given, [(key, "a=b".into())]);
                assert_eq!(
                    gox(&[key.option()]).unwrap_err().to_string(),
                    format!("{}: needs a value", key.option())
                );
            } else {
                assert_eq!(gox(&[key.option(), "mod"]).unwrap().options.given, [(key, "1".into())]);
                let error = gox(&[&format!("{}=1", key.option())]).unwrap_err().to_string();
                assert_eq!(error, format!("{}: takes no value", key.option()));
            }
        }
    }

    #[test]
    fn values_are_taken_whatever_they_look_like() {
        let split = gox(&["--report", "--x", "--private", "", "--go", "config", "build"]).unwrap();
        assert_eq!(split.command, Command::Go { first: 6 });
        assert_eq!(split.options.last(Key::Report), Some(&"--x".into()));
        let raw = OsStr::from_bytes(b"--report=/\xff").to_owned();
        let split = super::split(OsStr::new("gox"), &[raw]).unwrap();
        assert_eq!(split.options.given, [(Key::Report, OsStr::from_bytes(b"/\xff").to_owned())]);
    }

    #[test]
    fn an_unknown_option_is_told_the_nearest() {
        for (option, want) in [
            ("--atempts", "unknown option \"--atempts\"; did you mean --attempts?"),
            ("--atempts=6", "unknown option \"--atempts\"; did you mean --attempts?"),
            ("--offlin", "unknown option \"--offlin\"; did you mean --offline?"),
            ("--Help", "unknown option \"--Help\"; did you mean --help?"),
            (
                "--zzz",
                "unknown option \"--zzz\"; `gox --help` lists gox's own, and go's stand after the verb",
            ),
        ] {
            assert_eq!(gox(&[option, "mod", "download"]).unwrap_err().to_string(), want);
        }
        let raw = OsStr::from_bytes(b"--\xff").to_owned();
        assert!(super::split(OsStr::new("gox"), &[raw]).is_err());
    }

    #[test]
    fn own_verbs_are_parsed() {
        use OwnVerb::{Completions, Config, Explain, History, Shim};
        let (text, json) = (Format::Text, Format::Json);
        assert_eq!(own(&["explain"]), Explain { format: text, replay: None, file: None });
        assert_eq!(
            own(&["explain", "--format", "json", "-"]),
            Explain { format: json, replay: None, file: Some("-".into()) }
        );
        assert_eq!(
            own(&["explain", "--format=json", "x.log"]),
            Explain { format: json, replay: None, file: Some("x.log".into()) }
        );
        assert_eq!(
            own(&["explain", "x.log", "--format=json"]),
            Explain { format: json, replay: None, file: Some("x.log".into()) }
        );
        assert_eq!(
            own(&["explain", "--replay", "r.jsonl"]),
            Explain { format: text, replay: Some("r.jsonl".into()), file: None }
        );
        assert_eq!(own(&["history"]), History { number: None, format: text });
        assert_eq!(
            own(&["history", "-n", "5", "--format", "json"]),
            History { number: Some(5), format: json }
        );
        assert_eq!(own(&["config"]), Config { format: text, command: None });
        assert_eq!(
            own(&["--attempts", "6", "config", "--format", "json"]),
            Config { format: json, command: None }
        );
        let init = |project| Config { format: text, command: Some(ConfigVerb::Init { project }) };
        assert_eq!(own(&["config", "init"]), init(false));
        assert_eq!(own(&["config", "init", "--project"]), init(true));
        assert_eq!(own(&["shim"]), Shim { command: None });
        assert_eq!(own(&["shim", "status"]), Shim { command: Some(ShimVerb::Status) });
        assert_eq!(
            own(&["shim", "install", "d"]),
            Shim { command: Some(ShimVerb::Install { dir: Some("d".into()) }) }
        );
        assert_eq!(own(&["shim", "remove"]), Shim { command: Some(ShimVerb::Remove { dir: None }) });
        assert_eq!(own(&["completions", "zsh"]), Completions { shell: clap_complete::Shell::Zsh });
    }

    #[test]
    fn the_scan_and_the_parser_know_the_same_verbs() {
        let parsed: Vec<String> = Gox::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(parsed, OWN_VERBS);
        parser().debug_assert();
        completion_parser().debug_assert();
    }

    #[test]
    fn wrong_arguments_of_own_verbs_are_usage_errors() {
        for args in [
            &["explain", "--fromat", "json"][..],
            &["explain", "a", "b"],
            &["explain", "--replay", "a", "b"],
            &["history", "-n", "x"],
            &["evict"],
            &["config", "show"],
            &["completions"],
            &["completions", "csh"],
            &["shim", "install", "a", "b"],
        ] {
            let error = gox(args).unwrap_err().to_string();
            assert!(!error.is_empty() && !error.starts_with("error") && !error.contains('\u{1b}'), "{error}");
        }
        assert_eq!(gox(&["doctor"]).unwrap_err().to_string(), "doctor is not in this version of gox");
    }

    #[test]
    fn help_and_version_are_goxs_only_with_two_dashes() {
        let Command::Print(help) = gox(&["--help"]).unwrap().command else { panic!() };
        for key in Key::ALL {
            assert!(help.contains(key.option()), "{} is not in\n{help}", key.option());
        }
        for verb in OWN_VERBS.iter().filter(|verb| **verb != "doctor") {
            assert!(help.contains(&format!("\n  {verb}")), "{verb} is not in\n{help}");
        }
        assert!(!help.contains('\u{1b}') && help.ends_with('\n'));
        assert!(!help.contains("-h,") && !help.contains("-V,"), "{help}");
        assert_eq!(gox(&["--version"]).unwrap().command, Command::Print(version()));
        for (args, word) in [
            (&["config", "--help"][..], "init"),
            (&["explain", "-h"], "--format"),
            (&["shim", "install", "--help"], "DIR"),
        ] {
            let Command::Print(help) = gox(args).unwrap().command else { panic!() };
            assert!(help.contains(word), "{help}");
        }
    }
}
