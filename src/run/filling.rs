//! The fill as the loop sees it: whether this run may have one, and its start.

use super::Run;
use crate::configuration::{Fill as Mode, Relay as RelayMode};
use crate::fill::mains::Mains;
use crate::fill::needs::{Look, Walk, prefixes};
use crate::fill::plan::{Named, Plan, latest_known};
use crate::fill::{Fill, Means};
use crate::formats::go_mod::{GoMod, ModuleVersion, Replacement};
use crate::formats::go_source::Target;
use crate::formats::go_version::GoVersion;
use crate::formats::version::is_canonical;
use crate::machine::go_env::GoEnv;
use crate::machine::limits;
use crate::machine::look_up::programs;
use crate::machine::toolchain;
use crate::module_cache::{Cache, Downloads};
use crate::verb::{Invocation, Loads};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// The releases of go whose way of writing the module cache is known and tested. Of others the files are
/// fetched ahead, and go places them itself.
const KNOWN: std::ops::RangeInclusive<(u32, u32)> = (1, 21)..=(1, 27);

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
    /// What a package of another module needs in the version that they name, with `go get` in a module of gox's own.
    Version,
}

/// What a fill of this run would begin with.
pub(super) struct Prospect {
    mains: Mains,
    cache: Cache,
    writable: bool,
    /// The release of the go that will run.
    release: (u32, u32),
    what: What,
}

/// What is wanted.
enum What {
    /// All of go.mod's list.
    List,
    /// What the arguments name.
    Named(Vec<Named>),
    /// What packages need; go reads the module graph beside them.
    Packages {
        /// The way through their imports.
        walk: Box<Walk>,
        /// The module graph too.
        graph: bool,
        /// Their `.info` too.
        infos: bool,
    },
    /// The module graph alone.
    Graph,
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
    let downloads = invocation.downloads.as_ref();
    if downloads.is_none() && invocation.loads.is_none() && !invocation.graph {
        return None;
    }
    let wanted = settings.fill == Mode::Auto && settings.relay != RelayMode::Never && !settings.offline;
    if !wanted || job.prepare == Prepare::Toolchain || !is_known(&job.go_env) {
        return None;
    }
    let mains = Mains::read(&job.dir, &job.go_env, job.invocation.alone)?;
    let release = release_that_runs(&mains, &job.go_env)?;
    let cache = Cache::new(job.go_env.mod_cache()?, None);
    if let Some(downloads) = downloads.filter(|downloads| !downloads.named.is_empty()) {
        let named = (!mains.workspace).then(|| Named::of(&downloads.named, &mains.listed)).flatten()?;
        if has_all(&cache, &named) {
            return None;
        }
        let (writable, what) = (downloads.writable, What::Named(named));
        return Some(Ok(Prospect { mains, cache, writable, release, what }));
    }
    if is_whole(&mains.listed, &cache) {
        return Some(Err(NoFill::AllHere));
    }
    let writable = downloads.map_or_else(
        || invocation.loads.as_ref().is_some_and(|loads| loads.writable),
        |downloads| downloads.writable,
    );
    let what = match downloads {
        Some(_) => (!mains.workspace).then_some(What::List)?,
        None => match some(job, &mains, &cache)? {
            Ok(what) => what,
            Err(none) => return Some(Err(none)),
        },
    };
    Some(Ok(Prospect { mains, cache, writable, release, what }))
}

/// What a command wants that needs some of the list.
fn some(job: &super::Job, mains: &Mains, cache: &Cache) -> Option<Result<What, NoFill>> {
    let Invocation { loads, graph, .. } = &job.invocation;
    let graph = *graph && !mains.workspace && lacks_go_mod(&mains.listed, cache);
    let walk = walk(&job.dir, &job.go_env, &job.invocation, mains, cache);
    let Some(mut walk) = walk else {
        return match (graph, loads) {
            (true, _) => Some(Ok(What::Graph)),
            // Its packages come from a vendor folder.
            (false, Some(_)) => Some(Err(NoFill::AllHere)),
            (false, None) => None,
        };
    };
    let infos = loads.as_ref().is_some_and(|loads| loads.infos);
    match walk.look() {
        Look::AllHere if !graph => Some(Err(NoFill::AllHere)),
        Look::Unsure if !graph => None,
        _ => Some(Ok(What::Packages { walk: Box::new(walk), graph, infos })),
    }
}

/// Whether go's settings are known, and modules are on.
fn is_known(go_env: &GoEnv) -> bool {
    go_env.doubt().is_none() && std::env::var_os("GO111MODULE").is_none_or(|mode| mode != "off")
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

/// Whether all that go.mod's own list names, or that of a workspace, is in the module cache.
pub(super) fn has_whole_list(job: &super::Job) -> bool {
    match (Mains::read(&job.dir, &job.go_env, job.invocation.alone), job.go_env.mod_cache()) {
        (Some(mains), Some(cache)) => is_whole(&mains.listed, &Cache::new(cache, None)),
        _ => false,
    }
}

/// Whether packages of this command, which runs the user's code, surely need modules that are not here.
pub(crate) fn lacks_packages(dir: &Path, go_env: &GoEnv, invocation: &Invocation) -> bool {
    if invocation.loads.is_none() || !is_known(go_env) || go_env.get("GOPROXY") == "off" {
        return false;
    }
    let cache = || Some(Cache::new(go_env.mod_cache()?, None));
    let (Some(mains), Some(cache)) = (Mains::read(dir, go_env, invocation.alone), cache()) else {
        return false;
    };
    !is_whole(&mains.listed, &cache)
        && walk(dir, go_env, invocation, &mains, &cache).is_some_and(|mut walk| walk.look() == Look::Lacking)
}

/// The way through the imports of a command's packages; `None` where it loads none from the module cache.
fn walk(dir: &Path, go_env: &GoEnv, invocation: &Invocation, mains: &Mains, cache: &Cache) -> Option<Walk> {
    let loads = invocation.loads.as_ref().filter(|loads| loads.past_vendor || !mains.vendored)?;
    let mut walk = Walk::new(mains, dir, target(go_env, loads)?, cache, loads);
    if loads.any {
        // The tests of other modules' packages may need what no go.mod here lists.
        walk.look_behind(latest_known(&mains.sums()));
    }
    Some(walk)
}

/// What go builds for; `None` where this gox does not know what go takes for granted here.
fn target(go_env: &GoEnv, loads: &Loads) -> Option<Target> {
    let named = |name: &str, own: Option<&str>| {
        let set = Some(go_env.get(name)).filter(|value| !value.is_empty());
        set.or(own).map(str::to_owned)
    };
    let own_processor = match std::env::consts::ARCH {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        _ => None,
    };
    let own_system = match std::env::consts::OS {
        "linux" => Some("linux"),
        "macos" => Some("darwin"),
        _ => None,
    };
    let (system, processor) = (named("GOOS", own_system)?, named("GOARCH", own_processor)?);
    let is_own = own_system == Some(&*system) && own_processor == Some(&*processor);
    Some(Target {
        cgo: uses_cgo(go_env, is_own),
        system,
        processor,
        minor: go_env.release()?.1,
        tags: loads.tags.clone(),
        any: loads.any,
    })
}

/// Whether go builds files with cgo: as it is told, else where it builds for this machine and finds a compiler.
fn uses_cgo(go_env: &GoEnv, for_this_machine: bool) -> Option<bool> {
    match go_env.get("CGO_ENABLED") {
        "0" => Some(false),
        "1" => Some(true),
        _ if !for_this_machine => Some(false),
        _ if !go_env.get("CC").is_empty() => Some(true),
        _ => {
            let usual = if cfg!(target_os = "macos") { "clang" } else { "gcc" };
            Some(programs(usual, std::env::var_os("PATH").as_deref()).next().is_some())
        }
    }
}

/// The command that fetches what the packages of a command need: it runs nobody's code.
pub(super) fn listing(invocation: &Invocation, packages: &[String]) -> Vec<OsString> {
    let mut args: Vec<OsString> =
        ["list", "-e", "-deps", "-f={{with .Error}}{{.}}{{end}}"].map(OsString::from).into();
    if let Some(loads) = &invocation.loads {
        args.extend(loads.tests.then(|| "-test".into()));
        args.extend(loads.writable.then(|| "-modcacherw".into()));
        args.extend((!loads.tags.is_empty()).then(|| format!("-tags={}", loads.tags.join(",")).into()));
        args.extend(invocation.mod_mode.as_ref().map(|mode| format!("-mod={mode}").into()));
    }
    args.push("--".into());
    args.extend(packages.iter().map(OsString::from));
    args
}

/// The command that fetches what a package with a version needs: it runs nobody's code.
pub(super) fn getting(invocation: &Invocation) -> Vec<OsString> {
    let package = invocation.versioned.clone().unwrap_or_default();
    ["get", "--", &package].map(OsString::from).into()
}

/// Whether the package that a command names with its version surely needs a module that is not here. Of one that is
/// chosen anew each time nothing is fetched first where any version is here: go asks for it again anyway.
pub(crate) fn lacks_version(go_env: &GoEnv, invocation: &Invocation) -> bool {
    let named = invocation.versioned.as_deref().and_then(|package| package.split_once('@'));
    let (Some((path, version)), Some(cache)) = (named, go_env.mod_cache()) else { return false };
    let cache = Cache::new(cache, None);
    let is_here = |module: &str| {
        if is_canonical(version) { cache.has_source(module, version) } else { cache.has_versions(module) }
    };
    is_known(go_env)
        && go_env.get("GOPROXY") != "off"
        && invocation.mod_mode.as_deref() != Some("vendor")
        && !prefixes(path).any(is_here)
}

/// The release of the go that will run: none where that may be another than the one that was found.
fn release_that_runs(mains: &Mains, go_env: &GoEnv) -> Option<(u32, u32)> {
    let found = GoVersion::parse(go_env.get("GOVERSION"))?;
    let choice = go_env.get("GOTOOLCHAIN");
    let by_name = !matches!(choice, "" | "auto" | "local" | "path") && !choice.starts_with("local+");
    (!mains.want_more_than(&found) && !by_name).then(|| found.release())
}

/// Whether a `.mod` is missing of those that the list names.
fn lacks_go_mod(listed: &GoMod, cache: &Cache) -> bool {
    let is_replaced = |path: &str| listed.replace.iter().any(|replace| replace.path == path);
    listed
        .require
        .iter()
        .map(|require| &require.module)
        .any(|m| !is_replaced(&m.path) && !cache.has_go_mod(&m.path, &m.version))
}

/// Whether all of these are here.
fn has_all(cache: &Cache, named: &[Named]) -> bool {
    let mut downloads = Downloads::open(cache);
    let mut has = |ModuleVersion { path, version }: &ModuleVersion| {
        downloads.as_mut().is_some_and(|downloads| downloads.has_all(path, version))
    };
    named.iter().all(|named| has(&named.module))
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

impl Prospect {
    /// The packages that stand for what a command needs, where its own words do not name them.
    pub(super) fn packages(&self) -> Option<Vec<String>> {
        match &self.what {
            What::Packages { walk, .. } => Some(walk.roots().to_vec()),
            What::List | What::Named(_) | What::Graph => None,
        }
    }
}

impl Run {
    /// Starts the fill beside the relay, where there are a prospect of one and a relay.
    pub(super) fn start_fill(&mut self, prospect: Prospect) {
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
        let sums = Arc::new(self.sums());
        let listed = &prospect.mains.listed;
        let private = &state.premises.private;
        let (plan, walk, infos) = match prospect.what {
            What::List => (Plan::of_download(listed, &sums, private), None, true),
            What::Named(named) => (Plan::of_named(listed, &named, &sums, private), None, true),
            What::Packages { walk, graph, infos } => {
                (Plan::of_some(listed, &sums, private, graph), Some(*walk), infos)
            }
            What::Graph => (Plan::of_some(listed, &sums, private, true), None, false),
        };
        let Some((plan, needed)) = plan else { return };
        let means = |fetcher| Means {
            fetcher,
            cache: prospect.cache,
            sums,
            writable: prospect.writable,
            places: KNOWN.contains(&prospect.release),
            infos,
            room: limits::descriptors() / SHARE,
        };
        self.relaying.fill(|engine, fetcher| Fill::start(engine, means(fetcher), plan, needed, walk));
    }
}
