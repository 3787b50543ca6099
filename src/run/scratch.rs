//! The arguments of a diagnostic attempt, and the copies that it works on: it changes no file of the user's,
//! and asks nobody for anything but the modules in question.

use super::Prepare;
use crate::formats::escape;
use crate::formats::zip::MAX_GO_MOD;
use crate::judgement::attempt::{Observation, State};
use crate::machine::bounded::{self, MOST_SUMS};
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::governing_file;
use crate::verb::Invocation;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// A module without packages, in which a package of another module is got as `run M@V` would get it. None where the
/// command needs none.
pub(super) fn of_a_version(job: &super::Job) -> Option<tempfile::TempDir> {
    let (_, minor) = job.go_env.release().filter(|_| job.prepare == Prepare::Version)?;
    let folder = tempfile::Builder::new().prefix("gox-").tempdir().ok()?;
    fs::write(folder.path().join("go.mod"), format!("module gox.invalid/scratch\n\ngo 1.{minor}\n")).ok()?;
    Some(folder)
}

/// Copies of go.mod and go.sum, outside of the user's tree; gone with this value.
pub(super) struct Scratch {
    /// `None` where there is no go.mod.
    folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// Copies what go would read and write around `dir`. `None` where no copy can stand in for it: in a
    /// workspace, where the user names another file, or where it cannot be read.
    pub(super) fn copy(dir: &Path, go_env: &GoEnv, args: &[OsString]) -> Option<Scratch> {
        let names_another = |word: &str| word.contains("-modfile");
        if args.iter().any(|arg| names_another(&arg.to_string_lossy()))
            || names_another(go_env.get("GOFLAGS"))
        {
            return None;
        }
        let Some(file) = governing_file(dir, go_env) else { return Some(Scratch { folder: None }) };
        if file.file_name().is_none_or(|name| name != "go.mod") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("gox-").tempdir().ok()?;
        fs::write(folder.path().join("go.mod"), bounded::read(&file, MAX_GO_MOD).ok()?).ok()?;
        let sums = file.with_file_name("go.sum");
        if sums.exists() {
            fs::write(folder.path().join("go.sum"), bounded::read(&sums, MOST_SUMS).ok()?).ok()?;
        }
        Some(Scratch { folder: Some(folder) })
    }

    /// The flag that leads go to the copies.
    fn flag(&self) -> Option<OsString> {
        let mut flag = OsString::from("-modfile=");
        flag.push(self.folder.as_ref()?.path().join("go.mod"));
        Some(flag)
    }
}

/// The user's own command with `-x`, for verbs that choose versions. Arguments that run the user's code
/// are never among those that are tried.
pub(super) fn own_trace(
    args: &[OsString],
    invocation: &Invocation,
    runs_user_code: bool,
    scratch: &Scratch,
) -> Option<Vec<OsString>> {
    let chooses = matches!(
        (invocation.verb.as_str(), invocation.sub.as_str()),
        ("get" | "list" | "install", _) | ("mod", "tidy")
    );
    if runs_user_code || !chooses || !invocation.traceable {
        return None;
    }
    let mut args = args.to_vec();
    let at = invocation.flags_at.min(args.len());
    args.insert(at, "-x".into());
    // `install PACKAGE@VERSION` reads no go.mod, and takes no flag that names one.
    let alone = invocation.verb == "install" && args.iter().any(|arg| arg.to_string_lossy().contains('@'));
    if let Some(flag) = scratch.flag().filter(|_| !alone) {
        args.insert(at, flag);
    }
    Some(args)
}

/// `go mod download -json -x` of the modules that failed, which names module and requests even where plain
/// go is silent; of those alone that go.mod or go.sum has, so that go asked for them. `None` where no
/// version is known: then there is nothing to ask for.
pub(super) fn of_the_modules(
    state: &State,
    observation: &Observation,
    scratch: &Scratch,
) -> Option<Vec<OsString>> {
    let mut modules: Vec<OsString> = Vec::new();
    for failure in &observation.failures {
        let (Some(module), Some(version)) = (&failure.module, &failure.version) else { continue };
        let plain = escape::path(module).is_some() && escape::version(version).is_some();
        let argument = OsString::from(format!("{module}@{version}"));
        if plain && state.premises.modules.contains(module) && !modules.contains(&argument) {
            modules.push(argument);
        }
    }
    if modules.is_empty() {
        return None;
    }
    let mut args = ["mod", "download", "-json", "-x"].map(OsString::from).to_vec();
    args.extend(scratch.flag());
    args.extend(modules);
    Some(args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::attempt::{AttemptEnd, Premises};
    use crate::vocabulary::{Cause, Failure};
    use std::sync::Arc;

    #[test]
    fn a_diagnosis_repeats_only_what_chooses_versions_and_runs_nobodys_code() {
        let trace = |line: &str, runs_user_code| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            own_trace(
                &args,
                &Invocation::read(&args, std::ffi::OsStr::new("")),
                runs_user_code,
                &Scratch { folder: None },
            )
            .map(|words| words.join(std::ffi::OsStr::new(" ")).into_string().unwrap())
        };
        assert_eq!(trace("get h.example/x@latest", false).as_deref(), Some("get -x h.example/x@latest"));
        assert_eq!(trace("get -C get x.y/z", false).as_deref(), Some("get -C get -x x.y/z"));
        assert_eq!(trace("-C d mod tidy", false).as_deref(), Some("-C d mod tidy -x"));
        assert_eq!(trace("build ./...", false), None);
        assert_eq!(trace("mod vendor", false), None);
        assert_eq!(trace("install -toolexec=t x.y/z@v1", true), None, "t is the user's");
    }

    #[test]
    fn only_what_failed_and_go_knows_is_asked_for_and_never_with_the_users_own_file() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("go.mod"), "module m\n").unwrap();
        fs::write(top.path().join("go.sum"), "x.y/z v1.0.0 h1:x\n").unwrap();
        let scratch = Scratch::copy(top.path(), &GoEnv::default(), &[]).unwrap();
        let premises = Premises { modules: vec!["x.y/z".into(), "x.y/unused".into()], ..Premises::default() };
        let state = State { premises: Arc::new(premises), ..State::default() };
        let failures = ["x.y/z", "x.y/z", "git.corp/forged"].map(|module| {
            let mut failure = Failure::new(Cause::Other, None, "words");
            (failure.module, failure.version) = (Some(module.into()), Some("v1.0.0".into()));
            failure
        });
        let observation = Observation::new(AttemptEnd::Code(1), failures.to_vec());
        let args = of_the_modules(&state, &observation, &scratch).unwrap();
        let args: Vec<String> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
        assert_eq!(args[..4], ["mod", "download", "-json", "-x"]);
        let copy = args[4].strip_prefix("-modfile=").map(Path::new).unwrap();
        assert!(!copy.starts_with(top.path()) && copy.with_file_name("go.sum").is_file(), "{copy:?}");
        assert_eq!(args[5..], ["x.y/z@v1.0.0"]);
        let tidy = [OsString::from("mod"), "tidy".into()];
        let own =
            own_trace(&tidy, &Invocation::read(&tidy, std::ffi::OsStr::new("")), false, &scratch).unwrap();
        assert!(own.contains(&OsString::from(&args[4])), "{own:?}");
        let copy = copy.to_owned();
        drop(scratch);
        assert!(!copy.exists(), "nothing is left behind");
        assert!(Scratch::copy(top.path(), &GoEnv::default(), &["-modfile=x.mod".into()]).is_none());
        fs::write(top.path().join("go.work"), "use .\n").unwrap();
        assert!(
            Scratch::copy(top.path(), &GoEnv::default(), &[]).is_none(),
            "no copy stands in for a workspace"
        );
    }
}
