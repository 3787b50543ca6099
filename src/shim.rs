//! What happens between the shell and go: gox's own verbs, plain exec, or a supervised run.
//!
//! The way to a verb that needs no help is short on purpose: no runtime, no argument parser, no
//! configuration file.

use crate::command_line::{self, Command, CommandLine, OwnVerb};
use crate::configuration::{
    CliOptions, Environment, Error, Fill, Key, Notice, Resolved, RuleAction, bypasses,
};
use crate::exit::{Exec, Exit};
use crate::guide;
use crate::machine::find_go::{self, Named, Nesting, find_go};
use crate::machine::go_env::{answered, ask_go, read_settings};
use crate::machine::own_file::own_file;
use crate::machine::{configuration_files, locale, toolchain};
use crate::memory::{health, journal, report};
use crate::own_verbs::explain;
use crate::run::{self, Job, Prepare};
use crate::verb::{Invocation, Kind};
use crate::vocabulary::UserAction;
use crate::words::{Language, faults};
use crate::{classify, own_verbs};
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Set in the environment to be plain go.
const BYPASS: &str = "GOX_BYPASS";

/// The whole of gox.
pub fn main() -> Exit {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_else(|| "gox".into());
    let args: Vec<OsString> = words.collect();
    command(&program, args).unwrap_or_else(|exit| exit)
}

/// Does what the command line says; both results are ends.
fn command(program: &OsStr, args: Vec<OsString>) -> Result<Exit, Exit> {
    let nesting = Nesting::from_env();
    if std::env::var_os(BYPASS).is_some_and(|v| bypasses(&v)) {
        // Plain go, whatever the arguments are.
        let go = locate(None, &nesting)?;
        note_bypass(&args, &CliOptions::default(), &nesting);
        return Ok(Exit::Go(Exec::plain(go, args, &nesting)));
    }
    let line = command_line::split(program, &args)?;
    let as_go = command_line::stands_for_go(program, &args);
    match line.command {
        Command::Help => Ok(print(&guide::help(language(&line.options)))),
        Command::VerbHelp(path) => Ok(print(&guide::verbs::help(&path, language(&line.options)))),
        Command::Print(text) => Ok(print(&text)),
        Command::Own(verb) => own_verb(verb, &line.options),
        Command::Go { first } => {
            // Through the link all is go's, and below another gox somebody else reads.
            let pointer = guide::pointer(&args[first..]);
            if let Some(text) = pointer.filter(|_| !as_go && !nesting.supervised) {
                let language = language(&line.options);
                show(&[Notice { text }], language);
            }
            go(&line, &args[first..], nesting, as_go)
        }
    }
}

/// The language of help; whatever else is wrong in a file or a variable, help is helpful.
fn language(options: &CliOptions) -> Language {
    let resolved = configuration_files::load(options, &env, None);
    let resolved = resolved.or_else(|_| crate::configuration::resolve(options, &env, &[]));
    resolved.map_or_else(|_| locale::of_failures(), |resolved| locale::language(resolved.settings.lang))
}

fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl From<Error> for Exit {
    fn from(error: Error) -> Exit {
        Exit::failed(crate::configuration::EXIT_CONFIGURATION, &error.text())
    }
}

impl From<find_go::Error> for Exit {
    fn from(error: find_go::Error) -> Exit {
        Exit::failed(error.exit_code(), error.text())
    }
}

fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Exit::Code(i32::from(done.is_err()))
}

/// The real go by command line, environment or the usual places.
fn locate(option: Option<&OsStr>, nesting: &Nesting) -> Result<PathBuf, find_go::Error> {
    let variable = env("GOX_GO");
    let named = option.map(|go| Named { go, by: "--go" });
    find_go(named.or(variable.as_deref().map(|go| Named { go, by: "GOX_GO" })), nesting)
}

/// A go verb: exec, or a supervised run.
fn go(line: &CommandLine, args: &[OsString], nesting: Nesting, as_go: bool) -> Result<Exit, Exit> {
    let mut invocation = Invocation::read(args, OsStr::new(""));
    // A go named on the command line or in the environment counts before anything is read.
    let named = line.options.last(Key::Go).filter(|go| !go.is_empty());
    let by_hand = named.is_some() || env("GOX_GO").is_some_and(|v| !v.is_empty());
    let configured = |resolved: &Resolved| -> Result<Option<PathBuf>, find_go::Error> {
        let Some(go) = resolved.settings.go.as_ref().filter(|_| !by_hand) else { return Ok(None) };
        let by = resolved.settings.origin(Key::Go).to_string();
        find_go(Some(Named { go: go.as_os_str(), by: &by }), &nesting).map(Some)
    };
    let go = match locate(named.map(OsString::as_os_str), &nesting) {
        Ok(go) => go,
        Err(error) => {
            // Before giving up, gox.toml is asked; whatever is wrong with it, there is no go.
            let here = working_dir(&invocation);
            match configuration_files::load(&line.options, &env, Some(&here)) {
                Ok(resolved) => configured(&resolved)?.ok_or(error)?,
                Err(_) => return Err(error.into()),
            }
        }
    };
    if nesting.supervised || line.options.last(Key::Bypass).is_some() {
        // A gox above retries already, or this one is not wanted.
        note_bypass(args, &line.options, &nesting);
        return Ok(Exit::Go(Exec::plain(go, args.to_vec(), &nesting)));
    }
    let plain = |invocation: &Invocation| invocation.kind != Kind::Supervised;
    let go_env = read_settings(&go, &env);
    if invocation.kind != Kind::PassThrough && !go_env.raw("GOFLAGS").is_empty() {
        invocation = Invocation::read(args, go_env.raw("GOFLAGS"));
    }
    let dir = working_dir(&invocation);
    let fetches_toolchain = plain(&invocation) && toolchain::missing(&dir, &go_env).is_some();
    if !line.options.given.is_empty() {
        // A wrong option is wrong before any verb; files are not read for those that pass through.
        crate::configuration::resolve(&line.options, &env, &[])?;
    }
    let offline =
        line.options.last(Key::Offline).is_some() || env(Key::Offline.env()).is_some_and(|v| bypasses(&v));
    let lacks_packages = invocation.kind == Kind::RunsUserCode
        && !offline
        && !fetches_toolchain
        && run::lacks_packages(&dir, &go_env, &invocation);
    let lacks_version = invocation.versioned.is_some()
        && !offline
        && !fetches_toolchain
        && run::lacks_version(&go_env, &invocation);
    if plain(&invocation) && !fetches_toolchain && !lacks_packages && !lacks_version {
        // Nobody looks whether the cache is complete for what runs the user's code; go says so.
        let goproxy = (offline && invocation.kind == Kind::RunsUserCode).then(|| "off".to_owned());
        return Ok(Exit::Go(Exec { goproxy, ..Exec::plain(go, args.to_vec(), &nesting) }));
    }
    let resolved = resolve(&line.options, Some(&dir))?;
    let go = configured(&resolved)?.unwrap_or(go);
    let prepare = match invocation.kind {
        Kind::RunsUserCode if lacks_packages => Prepare::Packages,
        Kind::RunsUserCode if lacks_version => Prepare::Version,
        Kind::RunsUserCode => Prepare::Toolchain,
        Kind::PassThrough | Kind::Supervised => Prepare::Nothing,
    };
    if matches!(prepare, Prepare::Packages | Prepare::Version) && resolved.settings.fill == Fill::Off {
        return Ok(Exit::Go(Exec::plain(go, args.to_vec(), &nesting)));
    }
    let rules = rules(&resolved);
    Ok(run::run(Job {
        go,
        nesting,
        args: args.to_vec(),
        invocation,
        settings: resolved.settings,
        rules,
        go_env,
        dir,
        prepare,
        as_go,
    }))
}

/// Notes in the journal that gox was told to be plain go, for what it would have supervised otherwise: who looks
/// for a failure there sees that nobody watched. Whatever hinders it is no matter.
fn note_bypass(args: &[OsString], options: &CliOptions, nesting: &Nesting) {
    let invocation = Invocation::read(args, OsStr::new(""));
    if nesting.supervised || invocation.kind != Kind::Supervised {
        return;
    }
    let dir = working_dir(&invocation);
    let resolved = configuration_files::load(options, &env, Some(&dir));
    let Some(settings) = resolved.ok().map(|resolved| resolved.settings).filter(|s| s.journal) else {
        return;
    };
    if let Some(state) = health::state_dir(settings.state_dir.as_deref()) {
        let _ = journal::append(&state, &report::bypassed(args, &dir, &jiff::Timestamp::now().to_string()));
    }
}

fn working_dir(invocation: &Invocation) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    invocation.chdir.as_ref().map_or_else(|| here.clone(), |dir| here.join(dir))
}

fn resolve(options: &CliOptions, dir: Option<&Path>) -> Result<Resolved, Error> {
    let resolved = configuration_files::load(options, &env, dir)?;
    let language = locale::language(resolved.settings.lang);
    show(&resolved.notices, language);
    // A project's wishes are nobody's business where programs read what gox says.
    if let Some(first) = resolved.ignored.first()
        && io::stderr().is_terminal()
    {
        let text = match resolved.ignored.len() {
            1 => first.text.clone(),
            n => faults::MORE.with(&[("first", &first.text), ("count", &(n - 1))]),
        };
        show(&[Notice { text }], language);
    }
    Ok(resolved)
}

fn show(notices: &[Notice], language: Language) {
    for notice in notices {
        // Nobody may be listening.
        let _ = writeln!(io::stderr(), "gox: {}", notice.in_language(language));
    }
}

/// The user's rules as the classifier takes them. Their patterns were checked when they were read.
fn rules(resolved: &Resolved) -> classify::Rules {
    let user = resolved.settings.rules.iter().filter_map(|rule| {
        Some(classify::UserRule {
            pattern: crate::configuration::Rule::compile(&rule.pattern).ok()?,
            action: match rule.action {
                RuleAction::Retry => UserAction::Retry,
                RuleAction::Stop => UserAction::Stop,
            },
            origin: rule.origin.to_string(),
        })
    });
    classify::Rules { user: user.collect() }
}

fn explain_format(format: command_line::Format) -> explain::Format {
    match format {
        command_line::Format::Json => explain::Format::Json,
        command_line::Format::Text => explain::Format::Text,
    }
}

/// Nobody pipes anything into explain: the last run that failed is what is asked about.
fn explain_last(
    format: command_line::Format,
    resolved: &Resolved,
    out: &mut impl Write,
) -> Result<Exit, Exit> {
    let dir = health::state_dir(resolved.settings.state_dir.as_deref());
    let runs = dir.map(|d| journal::latest(&d, usize::MAX)).unwrap_or_default();
    let found = explain::last_failed(
        explain_format(format),
        locale::language(resolved.settings.lang),
        &runs,
        &rules(resolved),
        out,
    );
    if found.map_err(of_explain)? {
        return Ok(Exit::Code(0));
    }
    Err(Error::usage(faults::NO_FAILED_RUN).into())
}

/// What the system says of a file that explain wants to read.
fn of_explain(why: io::Error) -> Error {
    Error::usage(faults::SAID_BY.with(&[("verb", &"explain"), ("why", &why)]))
}

/// Finds everything that `gox doctor` looks at.
fn doctor(
    arguments: &command_line::DoctorArguments,
    options: &CliOptions,
    here: Option<PathBuf>,
    out: &mut impl Write,
) -> Result<Exit, Exit> {
    let resolved = resolve(options, here.as_deref())?;
    let named = options.last(Key::Go).map(OsString::as_os_str);
    let named = named.or(resolved.settings.go.as_ref().map(|go| go.as_os_str()));
    let go = locate(named, &Nesting::from_env())?;
    let dir = here.ok_or_else(|| Error::usage(faults::NO_FOLDER.with(&[("verb", &"doctor")])))?;
    let since = Instant::now();
    let read = read_settings(&go, &env);
    // A go that hangs leaves most of the ten seconds for the network.
    let asked = answered(&go, Some(&dir), &read, Duration::from_secs(3));
    let around = own_verbs::doctor::Around {
        answers: asked.is_some(),
        since,
        go_env: asked.unwrap_or(read),
        go,
        dir,
        settings: resolved.settings,
        env: &env,
    };
    Ok(Exit::Code(own_verbs::doctor::run(arguments, &around, out)?))
}

fn own_verb(verb: OwnVerb, options: &CliOptions) -> Result<Exit, Exit> {
    let environment: Environment<'_> = &env;
    let here = std::env::current_dir().ok();
    let mut out = io::stdout().lock();
    let result = match verb {
        OwnVerb::Completions { shell } => own_verbs::completions::run(shell, &mut out),
        OwnVerb::Shim { command } => {
            let verb = command.unwrap_or(command_line::ShimVerb::Status);
            match own_file() {
                Some(gox) => own_verbs::shim::run(&verb, environment, &gox, &mut out),
                None => Err(Error::usage(faults::OWN_FILE)),
            }
        }
        OwnVerb::Config { format, command: None } => {
            let resolved = resolve(options, here.as_deref())?;
            let names: Vec<String> = std::env::vars_os().filter_map(|(n, _)| n.into_string().ok()).collect();
            own_verbs::config::run(format, &resolved, &names, environment, &mut out)
        }
        OwnVerb::Config { command: Some(command_line::ConfigVerb::Init { project, place }), .. } => {
            own_verbs::config::init(project, place, environment, here.as_deref(), &mut out)
        }
        OwnVerb::Config { command: Some(command_line::ConfigVerb::Set { key, value }), .. } => {
            own_verbs::set::run(&key, &value, environment, here.as_deref(), &mut out)
        }
        OwnVerb::Private { command } => {
            let verb = command.unwrap_or(command_line::PrivateVerb::List);
            own_verbs::private::run(&verb, options, environment, here.as_deref(), &mut out)
        }
        OwnVerb::Explain { format, replay: Some(record), .. } => {
            explain::replay(explain_format(format), &record, &mut out).map_err(of_explain)
        }
        OwnVerb::Explain { format, replay: None, file } => {
            let resolved = resolve(options, here.as_deref())?;
            if file.is_none() && io::stdin().is_terminal() {
                return explain_last(format, &resolved, &mut out);
            }
            let input = file.filter(|f| f.as_os_str() != "-");
            explain::main(
                explain_format(format),
                locale::language(resolved.settings.lang),
                input.as_deref(),
                &rules(&resolved),
                &mut out,
            )
            .map(|()| 0)
            .map_err(|why| match &input {
                Some(_) => of_explain(why),
                None => Error::usage(faults::STDIN.with(&[("why", &why)])),
            })
        }
        OwnVerb::Evict(arguments) => {
            let nesting = Nesting::from_env();
            let go = locate(options.last(Key::Go).map(OsString::as_os_str), &nesting)?;
            let dir = here.ok_or_else(|| Error::usage(faults::NO_FOLDER.with(&[("verb", &"evict")])))?;
            let around = own_verbs::evict::Around {
                go_env: &ask_go(&go, Some(&dir), &read_settings(&go, environment)),
                dir: &dir,
                gox: own_file(),
                options,
            };
            own_verbs::evict::run(&arguments, &around, &mut out)
        }
        OwnVerb::History { number, since, summary, format } => {
            let resolved = resolve(options, here.as_deref())?;
            let language = locale::language(resolved.settings.lang);
            let dir = health::state_dir(resolved.settings.state_dir.as_deref());
            let runs = dir.map(|d| journal::latest(&d, usize::MAX)).unwrap_or_default();
            let most = number.unwrap_or(if since.is_some() || summary { usize::MAX } else { 20 });
            let runs = own_verbs::history::chosen(runs, since, most);
            match summary {
                true => own_verbs::history::summary(format, language, &runs, &mut out),
                false => own_verbs::history::run(format, language, &runs, &mut out),
            }
        }
        OwnVerb::Doctor(arguments) => return doctor(&arguments, options, here, &mut out),
    };
    Ok(Exit::Code(result?))
}
