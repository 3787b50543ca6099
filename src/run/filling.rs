//! The fill as the loop sees it: whether this run may have one, and its start.

use super::Run;
use crate::configuration::{Fill as Mode, Relay as RelayMode};
use crate::fill::needs::{self, First};
use crate::fill::plan::Plan;
use crate::fill::{Fill, Means};
use crate::formats::go_mod::{GoMod, Replacement, Role};
use crate::formats::go_source::Target;
use crate::formats::go_version::GoVersion;
use crate::formats::zip::MAX_GO_MOD;
use crate::machine::bounded;
use crate::machine::go_env::GoEnv;
use crate::machine::limits;
use crate::machine::toolchain::{self, governing_file};
use crate::module_cache::{Cache, Downloads};
use crate::verb::{Invocation, Loads};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// The releases of go whose way of writing the module cache is known and tested. Of others the files are
/// fetched ahead, and go places them itself.
const KNOWN: std::ops::RangeInclusive<(u32, u32)> = (1, 21)..=(1, 27);

/// Modules that are fetched ahead of packages, at least: for one alone nothing is gained.
const WORTH: usize = 2;

/// A descriptor in so many is the fill's, for a lock and a zip each.
const SHARE: usize = 8;

/// Where the arguments run the user's code: what gox fetches before it becomes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepare {
    /// They do not: go runs under supervision.
    Nothing,
    /// The toolchain that they need, with `go version`.
    Toolchain,
    /// The modules that their packages need, with `go list`, which runs nobody's code.
    Packages,
}

/// What a fill of this run would begin with.
pub(super) struct Prospect {
    go_mod: GoMod,
    cache: Cache,
    writable: bool,
    /// The release of the go that will run.
    release: (u32, u32),
    /// All of the list is wanted; else only what packages import.
    whole: bool,
}

/// Why a run has no fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoFill {
    /// It is not known what go will ask for, it is too little, or nobody wants it.
    Unsure,
    /// All that go.mod lists is here, or all that the packages of the command import as far as their heads tell.
    AllHere,
}

/// Whether this run may have a fill: where it is known exactly what go will ask for, and something of it is
/// missing. It costs a look at go.mod, at the heads of a few files and at the module cache; go.sum is not read.
pub(super) fn prospect(job: &super::Job) -> Result<Prospect, NoFill> {
    known(job).ok_or(NoFill::Unsure)?
}

/// As [`prospect`]; `None` where it is not known what go will ask for.
fn known(job: &super::Job) -> Option<Result<Prospect, NoFill>> {
    let settings = &job.settings;
    let invocation = &job.invocation;
    let writable = match (invocation.downloads_list, &invocation.loads) {
        (Some(downloads), _) => downloads.writable,
        (None, loads) => loads.as_ref()?.writable,
    };
    let wanted = settings.fill == Mode::Auto && settings.relay != RelayMode::Never && !settings.offline;
    if !wanted || job.prepare == Prepare::Toolchain || job.go_env.doubt().is_some() {
        return None;
    }
    if std::env::var_os("GO111MODULE").is_some_and(|mode| mode == "off") {
        return None;
    }
    let mut go_mod = own_go_mod(&job.dir, &job.go_env)?;
    let release = release_that_runs(&go_mod, &job.go_env)?;
    let cache = Cache::new(job.go_env.mod_cache()?, None);
    if is_whole(&go_mod, &cache) {
        return Some(Err(NoFill::AllHere));
    }
    let whole = invocation.downloads_list.is_some();
    if !whole {
        let First { missing, all } = first_missing(&job.dir, &job.go_env, invocation, &go_mod, &cache)?;
        if missing.len() < WORTH {
            return (all && missing.is_empty()).then_some(Err(NoFill::AllHere));
        }
        go_mod.require.retain(|require| missing.contains(&require.module));
    }
    Some(Ok(Prospect { go_mod, cache, writable, release, whole }))
}

/// Whether this command chooses versions, go looks for a toolchain first, or nobody would hear of what fails:
/// then the relay serves from the first byte, for what nothing pins the fill cannot have. What tidy and list
/// need is mostly there already. An editor's list waits for no relay where all that its files import is here: what
/// else fails stands in its JSON, and is asked for again.
pub(super) fn chooses(job: &super::Job, all_here: bool) -> bool {
    let invocation = &job.invocation;
    let tidies = invocation.verb == "mod" && invocation.sub == "tidy" || invocation.verb == "work";
    let fetches_toolchain = || toolchain::missing(&job.dir, &job.go_env).is_some();
    let fixed = invocation.versions_fixed || tidies && has_whole_list(job);
    job.prepare != Prepare::Nothing
        || fetches_toolchain()
        || !fixed
        || hides_failures(job) && !(all_here && invocation.json)
}

/// Whether downloads may fail of which go's status tells nothing.
pub(super) fn hides_failures(job: &super::Job) -> bool {
    job.invocation.hides_failures && !has_whole_list(job)
}

/// Whether go will ask nobody for anything: its versions are fixed, and all of them are here.
pub(super) fn lacks_nothing(job: &super::Job) -> bool {
    job.invocation.versions_fixed && job.prepare == Prepare::Nothing && has_whole_list(job)
}

/// Whether all that go.mod's own list names is in the module cache.
fn has_whole_list(job: &super::Job) -> bool {
    match (own_go_mod(&job.dir, &job.go_env), job.go_env.mod_cache()) {
        (Some(go_mod), Some(cache)) => is_whole(&go_mod, &Cache::new(cache, None)),
        _ => false,
    }
}

/// Whether packages of this command, which runs the user's code, surely need modules that are not here.
pub(crate) fn lacks_packages(dir: &Path, go_env: &GoEnv, invocation: &Invocation) -> bool {
    let cache = || Some(Cache::new(go_env.mod_cache()?, None));
    let (Some(go_mod), Some(cache)) = (own_go_mod(dir, go_env), cache()) else { return false };
    invocation.loads.is_some()
        && go_env.doubt().is_none()
        && go_env.get("GOPROXY") != "off"
        && std::env::var_os("GO111MODULE").is_none_or(|mode| mode != "off")
        && !is_whole(&go_mod, &cache)
        && first_missing(dir, go_env, invocation, &go_mod, &cache)
            .is_some_and(|first| !first.missing.is_empty())
}

/// The modules of the list that the main module's own files import, and that are not here; `None` where that is
/// not known.
fn first_missing(
    dir: &Path,
    go_env: &GoEnv,
    invocation: &Invocation,
    go_mod: &GoMod,
    cache: &Cache,
) -> Option<First> {
    let file = governing_file(dir, go_env);
    let top = file.as_deref().and_then(Path::parent);
    let (loads, top, target) = (invocation.loads.as_ref()?, top?, target(go_env, &invocation.loads)?);
    if top.join("vendor/modules.txt").is_file() {
        return Some(First { missing: vec![], all: true });
    }
    Some(needs::missing(&needs::Project { go_mod, top, dir, target: &target, cache }, loads))
}

/// What go builds for; `None` where this gox does not know what go takes for granted here.
fn target(go_env: &GoEnv, loads: &Option<Loads>) -> Option<Target> {
    let named = |name: &str, own: Option<&str>| {
        let set = Some(go_env.get(name)).filter(|value| !value.is_empty());
        set.or(own).map(str::to_owned)
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        _ => None,
    };
    let system = match std::env::consts::OS {
        "linux" => Some("linux"),
        "macos" => Some("darwin"),
        _ => None,
    };
    Some(Target {
        system: named("GOOS", system)?,
        processor: named("GOARCH", processor)?,
        minor: go_env.release()?.1,
        tags: loads.as_ref()?.tags.clone(),
    })
}

/// The command that fetches what the packages of a command need: it runs nobody's code.
pub(super) fn listing(invocation: &Invocation) -> Vec<OsString> {
    let mut args: Vec<OsString> =
        ["list", "-e", "-deps", "-f={{with .Error}}{{.}}{{end}}"].map(OsString::from).into();
    if let Some(loads) = &invocation.loads {
        args.extend(loads.tests.then(|| "-test".into()));
        args.extend(loads.writable.then(|| "-modcacherw".into()));
        args.extend((!loads.tags.is_empty()).then(|| format!("-tags={}", loads.tags.join(",")).into()));
        args.push("--".into());
        args.extend(loads.patterns.iter().map(OsString::from));
    }
    args
}

/// The go.mod that governs this command; none in a workspace.
fn own_go_mod(dir: &Path, go_env: &GoEnv) -> Option<GoMod> {
    let file = governing_file(dir, go_env).filter(|file| file.file_name().is_some_and(|n| n == "go.mod"))?;
    Some(GoMod::parse(bounded::read(&file, MAX_GO_MOD).ok()?, Role::Main))
}

/// The release of the go that will run: none where that may be another than the one that was found.
fn release_that_runs(go_mod: &GoMod, go_env: &GoEnv) -> Option<(u32, u32)> {
    let found = GoVersion::parse(go_env.get("GOVERSION"))?;
    let later =
        |version: &Option<String>| version.as_deref().and_then(GoVersion::parse).is_some_and(|v| v > found);
    let by_file = later(&go_mod.go) || later(&go_mod.toolchain);
    let choice = go_env.get("GOTOOLCHAIN");
    let by_name = !matches!(choice, "" | "auto" | "local" | "path") && !choice.starts_with("local+");
    (!by_file && !by_name).then(|| found.release())
}

/// Whether go would find all that its list names.
fn is_whole(go_mod: &GoMod, cache: &Cache) -> bool {
    let replaced: HashMap<_, _> = go_mod
        .replace
        .iter()
        .map(|replace| ((&*replace.path, replace.version.as_deref()), &replace.by))
        .collect();
    let mut downloads = Downloads::open(cache);
    let mut has_all = |path, version| downloads.as_mut().is_some_and(|d| d.has_all(path, version));
    go_mod.require.iter().all(|require| {
        let (path, version) = (&*require.module.path, &*require.module.version);
        match replaced.get(&(path, Some(version))).or_else(|| replaced.get(&(path, None))) {
            None => has_all(path, version),
            Some(Replacement::Module(module)) => has_all(&module.path, &module.version),
            Some(Replacement::Folder(_)) => true,
        }
    })
}

impl Run {
    /// Starts the fill beside the relay, where there are a prospect of one and a relay.
    pub(super) fn start_fill(&mut self, prospect: &Prospect) {
        let state = self.state();
        // The first entry is the one that go asks.
        let asks_a_proxy = state.list().entries.first().is_some_and(|entry| entry.is_network_proxy());
        let begins = self.relaying.begins_the_list();
        let is_left = state.list().entries.first().is_some_and(|entry| self.policy.left.contains(entry));
        if state.premises.doubt.is_some()
            || !asks_a_proxy
            || !begins
            || is_left
            || self.relaying.serving(&state).is_none()
        {
            return;
        }
        let sums = self.sums();
        let of = if prospect.whole { Plan::of_download } else { Plan::of_packages };
        let Some((plan, needed)) = of(&prospect.go_mod, &sums, &state.premises.private) else { return };
        let means = |fetcher| Means {
            fetcher,
            cache: prospect.cache.clone(),
            sums: Arc::new(sums),
            writable: prospect.writable,
            places: KNOWN.contains(&prospect.release),
            room: limits::descriptors() / SHARE,
        };
        self.relaying.fill(|engine, fetcher| Fill::start(engine, means(fetcher), plan, needed));
    }
}
