//! `gox evict`: takes exactly one module version out of the module cache, or all of a module, and tells what
//! was wrong with it.

use super::say;
use crate::command_line::EvictArguments;
use crate::configuration::{CliOptions, Error, quoted};
use crate::formats::go_sum::GoSum;
use crate::machine::bounded::{self, MOST_SUMS};
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::{find_up, governing_file};
use crate::module_cache::{Cache, Finding, Freed};
use crate::words::{Text, faults, keeping};
use std::io::Write;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the verb finds around it.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// go's settings.
    pub(crate) go_env: &'a GoEnv,
    /// The working folder: its project's go.sum is the measure.
    pub(crate) dir: &'a Path,
    /// The file of this gox, which fetches anew.
    pub(crate) gox: Option<PathBuf>,
    /// gox's own options, which the fetching obeys too.
    pub(crate) options: &'a CliOptions,
}

/// Takes out what `arguments` name, and fetches it anew where they say so.
///
/// # Errors
/// Names that no module can have, a module cache that is not known, what the file system says.
pub(crate) fn run(
    arguments: &EvictArguments,
    around: &Around<'_>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let root = around.go_env.mod_cache();
    let root = root.ok_or_else(|| Error::usage(faults::NO_CACHE))?;
    let mut cache = Cache::new(&root, None);
    if let Some(build_cache) = around.go_env.build_cache() {
        cache = cache.indexed_in(build_cache, around.go_env.get("GOVERSION"));
    }
    let sums = sums(around);
    let go_sum = GoSum::parse(&sums);
    let name = &arguments.module;
    let (module, version) =
        name.split_once('@').map_or((name.as_str(), None), |(module, version)| (module, Some(version)));
    let wrong = || Error::usage(faults::NO_MODULE_PATH.with(&[("verb", &"evict"), ("given", &quoted(name))]));
    let there = cache.versions_of(module).ok_or_else(wrong)?;
    let versions = match version {
        Some(version) if cache.could_hold(module, version) => vec![version.to_owned()],
        Some(_) => return Err(wrong()),
        None => there,
    };
    let mut text = Text::default();
    let nothing = |what: &str| keeping::HAS_NOTHING.with(&[("what", &what), ("root", &root.display())]);
    let mut evicted = Vec::new();
    for version in &versions {
        let found = cache.diagnose(&go_sum, module, version);
        let known = !go_sum.lookup(module, version, false).is_empty();
        let taken = cache.take_out(module, version);
        let failed = |why: std::io::Error| {
            let what = format!("{module}@{version}");
            Error::usage(faults::EVICT_FAILED.with(&[("what", &what), ("why", &why)]))
        };
        match taken.map_err(failed)? {
            Some(freed) => {
                told(&format!("{module}@{version}"), freed, &found, known, &mut text);
                evicted.push(format!("{module}@{version}"));
            }
            None => text.line(nothing(&format!("{module}@{version}"))),
        }
    }
    if versions.is_empty() {
        text.line(nothing(module));
    }
    say(out, &text, &|name: &str| std::env::var_os(name))?;
    let wanted =
        if evicted.is_empty() { versions.iter().map(|v| format!("{module}@{v}")).collect() } else { evicted };
    if arguments.refetch && !wanted.is_empty() { refetch(&wanted, &sums, around) } else { Ok(0) }
}

/// What was done with one version, and what was wrong with it.
fn told(name: &str, freed: Freed, found: &[Finding], known: bool, text: &mut Text) {
    let phrase = match (freed.files, freed.folder) {
        (1, false) => keeping::EVICTED_ONE,
        (1, true) => keeping::EVICTED_ONE_FOLDER,
        (_, false) => keeping::EVICTED,
        (_, true) => keeping::EVICTED_FOLDER,
    };
    text.line(phrase.with(&[("what", &name), ("count", &freed.files), ("size", &size(freed.bytes))]));
    for finding in found {
        text.line(
            keeping::WHAT_WAS_WRONG.with(&[("path", &finding.path().display()), ("why", finding.why())]),
        );
    }
    if found.is_empty() {
        text.line(if known { keeping::WAS_WELL } else { keeping::WAS_WELL_ALONE });
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> Text {
    match bytes {
        0..10_000 => keeping::BYTES.with(&[("n", &bytes)]),
        10_000..10_000_000 => Text::plain(format!("{} KB", bytes / 1000)),
        _ => Text::plain(format!("{} MB", bytes / 1_000_000)),
    }
}

/// go.sum and go.work.sum of the project, one after the other.
fn sums(around: &Around<'_>) -> Vec<u8> {
    let beside = |file: Option<PathBuf>, name: &str| file.map(|file| file.with_file_name(name));
    let work =
        governing_file(around.dir, around.go_env).filter(|f| f.extension().is_some_and(|e| e == "work"));
    let files = [beside(find_up(around.dir, "go.mod"), "go.sum"), beside(work, "go.work.sum")];
    let mut text = Vec::new();
    for file in files.into_iter().flatten() {
        text.extend(bounded::read(&file, MOST_SUMS).unwrap_or_default());
        text.push(b'\n');
    }
    text
}

/// Fetches versions anew, as `gox mod download` does. In a project that happens with a go.mod and a go.sum
/// of its own, so that go judges by the hashes that are known and changes no file of the project; the
/// working folder stays, since whose project this is tells gox what is private.
fn refetch(wanted: &[String], sums: &[u8], around: &Around<'_>) -> Result<i32, Error> {
    let failed = |why: Text| Error::usage(faults::REFETCH_FAILED.with(&[("why", &why)]));
    let system = |error: std::io::Error| failed(Text::plain(error.to_string()));
    let gox = around.gox.as_ref().ok_or_else(|| failed(faults::OWN_FILE.into()))?;
    let mut command = Command::new(gox);
    command.arg0("gox").current_dir(around.dir);
    for (key, value) in &around.options.given {
        command.arg(key.option());
        if key.takes_value() {
            command.arg(value);
        }
    }
    command.args(["--", "mod", "download"]);
    let scratch = tempfile::tempdir().map_err(system)?;
    if find_up(around.dir, "go.mod").is_some() || governing_file(around.dir, around.go_env).is_some() {
        let go_mod = scratch.path().join("go.mod");
        std::fs::write(&go_mod, "module refetch\n\ngo 1.16\n")
            .and_then(|()| std::fs::write(go_mod.with_file_name("go.sum"), sums))
            .map_err(system)?;
        let mut flag = std::ffi::OsString::from("-modfile=");
        flag.push(&go_mod);
        command.arg(flag).env("GOWORK", "off");
    }
    let status = command.args(wanted).status().map_err(system)?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}
