//! `gox private`: the modules that are private, kept in the user's own gox.toml.
//!
//! What a pattern means is told, and what can be known of it on this machine. Nobody is asked about it.

use super::set::{Own, elsewhere, list};
use super::{columns, put, say};
use crate::command_line::PrivateVerb;
use crate::configuration::{CliOptions, Environment, Error, Key, quoted, resolve};
use crate::formats::go_sum::GoSum;
use crate::formats::{netrc, patterns};
use crate::machine::bounded::{self, MOST_SETTINGS, MOST_SUMS};
use crate::machine::configuration_files::{home, load};
use crate::machine::toolchain::find_up;
use crate::words::{Text, faults, keeping};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Adds, shows or removes.
///
/// # Errors
/// A pattern that go would not take, one to remove that is not there, a file that is wrong or cannot be
/// written.
pub(crate) fn run(
    verb: &PrivateVerb,
    options: &CliOptions,
    env: Environment<'_>,
    folder: Option<&Path>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    match verb {
        PrivateVerb::List => {
            let settings = load(options, env, folder)?.settings;
            let origin = settings.origin(Key::Private).to_string();
            let rows: Vec<[String; 2]> =
                settings.private.iter().map(|pattern| [pattern.clone(), origin.clone()]).collect();
            if rows.is_empty() {
                let mut none = Text::default();
                none.line(keeping::NOTHING_PRIVATE);
                return say(out, &none, env);
            }
            put(out, &columns(&rows))
        }
        PrivateVerb::Add { pattern } => {
            // Wrong patterns are told as those of the command line are; several go in as several.
            let given = CliOptions { given: vec![(Key::Private, OsString::from(pattern))] };
            let wanted = resolve(&given, &|_| None, &[])?.settings.private;
            if wanted.is_empty() {
                return Err(Error::usage(faults::PATTERN_NEEDED));
            }
            // go takes such a one too, and it matches nothing.
            if let Some(bad) = wanted.iter().find(|p| patterns::glob_matches(p.as_bytes(), b"x").is_err()) {
                return Err(Error::usage(faults::PATTERN_MALFORMED.with(&[("given", &quoted(bad))])));
            }
            let file = Own::read(env)?;
            let mut patterns = file.settings()?.private;
            let mut text = Text::default();
            for pattern in &wanted {
                let known = patterns.contains(pattern);
                let phrase = if known { keeping::PRIVATE_ALREADY } else { keeping::PRIVATE_NOW };
                text.line(phrase.with(&[("pattern", pattern), ("path", &file.path.display())]));
                if !known {
                    patterns.push(pattern.clone());
                }
            }
            file.write(Key::Private, &list(&patterns))?;
            text.line(keeping::MEANS_NO_MIRROR);
            text.line(keeping::MEANS_DIRECT);
            for pattern in &wanted {
                known(pattern, env, folder, &mut text);
            }
            elsewhere(Key::Private, &file.path, env, folder, &mut text);
            say(out, &text, env)
        }
        PrivateVerb::Remove { pattern } => {
            let file = Own::read(env)?;
            let mut patterns = file.settings()?.private;
            let before = patterns.len();
            patterns.retain(|kept| kept != pattern);
            if patterns.len() == before {
                let path = file.path.display();
                return Err(Error::usage(
                    faults::PATTERN_ABSENT.with(&[("path", &path), ("given", &quoted(pattern))]),
                ));
            }
            file.write(Key::Private, &list(&patterns))?;
            let mut text = Text::default();
            let path = file.path.display();
            text.line(keeping::PRIVATE_NO_MORE.with(&[("pattern", pattern), ("path", &path)]));
            say(out, &text, env)
        }
    }
}

/// What this machine alone tells about a pattern.
fn known(pattern: &str, env: Environment<'_>, folder: Option<&Path>, text: &mut Text) {
    let sums = folder.and_then(|folder| find_up(folder, "go.mod")).map(|file| file.with_file_name("go.sum"));
    let sums = sums.and_then(|file| bounded::read(&file, MOST_SUMS).ok());
    let go_sum = GoSum::parse(&sums.clone().unwrap_or_default());
    let mut modules: Vec<&str> = go_sum
        .modules()
        .map(|(module, _)| module)
        .filter(|module| patterns::matches(pattern, module))
        .collect();
    modules.dedup();
    text.line(match (sums, modules.as_slice()) {
        (None, _) => keeping::NO_GO_SUM.into(),
        (Some(_), []) => keeping::NONE_MATCHES.into(),
        (Some(_), [one]) => keeping::ONE_MATCHES.with(&[("module", one)]),
        (Some(_), [first, ..]) => keeping::SOME_MATCH.with(&[("count", &modules.len()), ("module", first)]),
    });
    let file = env("NETRC").filter(|f| !f.is_empty()).map(PathBuf::from);
    let file = file.or_else(|| home(env).map(|home| home.join(".netrc")));
    let logins = file.and_then(|file| bounded::read(&file, MOST_SETTINGS).ok()).unwrap_or_default();
    let host = pattern.split('/').next().unwrap_or_default();
    if netrc::parse(&logins).iter().any(|login| login.machine == host.as_bytes()) {
        text.line(keeping::HAS_LOGIN.with(&[("host", &host)]));
    }
}
