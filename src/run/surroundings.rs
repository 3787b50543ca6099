//! What surrounds a run and does not change while it lasts: settings and health as the [`Policy`] of the
//! decision; go's settings and the project's files as its [`Premises`], read when they are first needed.

use super::{Job, relaying};
use crate::configuration::{Key, NO_BOUND, Origin, Relay, Settings};
use crate::formats::go_mod::{Fault, FaultKind, GoMod, GoWork, Replace, Replacement, Role};
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::List;
use crate::formats::zip::MAX_GO_MOD;
use crate::judgement::attempt::{Policy, Premises};
use crate::judgement::privacy::{self, Neighbour};
use crate::machine::bounded::{self, MOST_SUMS};
use crate::machine::git_settings;
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::{find_up, governing_file, has_vendor_folder};
use crate::memory::health::{self, Health};
use crate::verb::Invocation;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Variables whose presence means that nobody watches: each is set by one or more CI systems.
const CI_VARIABLES: &[&str] = &[
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
    "DRONE",
    "CODEBUILD_BUILD_ID",
    "BITBUCKET_BUILD_NUMBER",
];

/// Variables that an overlay would set only where the user has not.
const OVERLAID: &[&str] = &["GIT_HTTP_LOW_SPEED_LIMIT", "GIT_HTTP_LOW_SPEED_TIME", "GIT_CONFIG_COUNT"];

/// Time zones of mainland China, by all their names.
const ZONES: &[&str] = &[
    "Asia/Shanghai",
    "Asia/Chongqing",
    "Asia/Chungking",
    "Asia/Harbin",
    "Asia/Urumqi",
    "Asia/Kashgar",
    "PRC",
];

/// The project that a run works in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Project {
    /// go.sum and go.work.sum.
    pub go_sum: GoSum,
    /// Module paths that go.mod, go.work's members or go.sum name.
    pub modules: Vec<String>,
    /// Those that go.mod requires, with their versions.
    pub required: Vec<(String, String)>,
    /// Those that a `replace` stands for.
    pub replaced: Vec<String>,
    /// The `module` line.
    pub module: Option<String>,
    /// Whose modules stand near those of the repository.
    pub neighbours: Vec<Neighbour>,
    /// Why names may have been missed, as a sentence.
    pub doubt: Option<String>,
}

impl Project {
    /// The content of a file that need not be there.
    fn read(&mut self, file: &Path, most: u64) -> Vec<u8> {
        match bounded::read(file, most) {
            Ok(text) => text,
            Err(why) => {
                if why.hides() {
                    self.doubt.get_or_insert_with(|| format!("{} {why}", file.display()));
                }
                Vec::new()
            }
        }
    }

    /// Takes what go would refuse for a sign that names were missed; a statement of a later go names
    /// no module that this one would ask for.
    fn note(&mut self, file: &Path, faults: &[Fault]) {
        let later =
            |fault: &&Fault| !matches!(fault.kind, FaultKind::UnknownBlock | FaultKind::UnknownStatement);
        if let Some(fault) = faults.iter().find(later) {
            self.doubt.get_or_insert_with(|| format!("{}:{} cannot be read", file.display(), fault.line));
        }
    }

    fn read_sums(&mut self, file: &Path) {
        let text = self.read(file, MOST_SUMS);
        self.go_sum.merge(GoSum::parse(&text));
    }
}

/// Reads the project around `dir`.
pub(crate) fn read_project(dir: &Path, go_env: &GoEnv) -> Project {
    let mut project = Project::default();
    let mut mods: Vec<PathBuf> = find_up(dir, "go.mod").into_iter().collect();
    let governing = governing_file(dir, go_env);
    if let Some(file) = governing.as_ref().filter(|f| f.extension().is_some_and(|e| e == "work")) {
        let root = file.parent().unwrap_or(dir);
        let work = GoWork::parse(project.read(file, MAX_GO_MOD));
        project.note(file, &work.faults);
        mods.extend(work.uses.iter().map(|folder| root.join(folder).join("go.mod")));
        project.replaced.extend(work.replace.iter().map(|replace| replace.path.clone()));
        project.modules.extend(replacements(work.replace));
        project.read_sums(&root.join("go.work.sum"));
    }
    mods.dedup();
    for file in &mods {
        let go_mod = GoMod::parse(project.read(file, MAX_GO_MOD), Role::Main);
        project.note(file, &go_mod.faults);
        project.module = project.module.or(go_mod.module);
        for required in go_mod.require {
            project.modules.push(required.module.path.clone());
            project.required.push((required.module.path, required.module.version));
        }
        project.replaced.extend(go_mod.replace.iter().map(|replace| replace.path.clone()));
        project.modules.extend(replacements(go_mod.replace));
        project.read_sums(&file.with_file_name("go.sum"));
    }
    project.modules.extend(project.go_sum.modules().map(|(m, _)| m.to_owned()));
    project.modules.sort_unstable();
    project.modules.dedup();
    let git = git_settings::read(dir, &|name| std::env::var_os(name));
    project.neighbours = git.neighbours;
    project.doubt = project.doubt.or(git.doubt);
    project
}

/// The modules that take the place of others.
fn replacements(replaced: Vec<Replace>) -> impl Iterator<Item = String> {
    replaced.into_iter().filter_map(|replace| match replace.by {
        Replacement::Module(module) => Some(module.path),
        Replacement::Folder(_) => None,
    })
}

/// True where a CI system runs this process.
pub(super) fn on_ci() -> bool {
    CI_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "false" && v != "0"))
}

/// True for a locale or a time zone of mainland China.
fn mainland(var: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| var(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
    let zone = var("TZ")
        .filter(|zone| !zone.is_empty())
        .or_else(|| Some(std::fs::read_link("/etc/localtime").ok()?.to_string_lossy().into_owned()));
    let zone = zone.unwrap_or_default();
    locale.starts_with("zh_CN") || ZONES.iter().any(|name| zone.trim_start_matches(':').ends_with(name))
}

/// Attempts without progress where the user has set no bound, and the trouble is not that of a host that
/// answers nobody: one at the same place, one at the next, one after a repair, one more.
const TRIES: u32 = 4;

/// Who sits at a terminal can decide by themselves after so long.
const AT_A_TERMINAL: Duration = Duration::from_secs(120);

/// An editor that lists packages while somebody types is not to be kept waiting: ten seconds, go's own last
/// attempt included.
const FOR_AN_EDITOR: Duration = Duration::from_secs(9);

/// Who was waited for in vain a few minutes ago is not waited for as long again.
pub(super) const AFTER_IN_VAIN: Duration = Duration::from_secs(10);

/// The recovery budget: the user's, or by who waits, and by what the runs before had to wait for.
fn budget(job: &Job, in_vain: bool) -> Duration {
    let settings = &job.settings;
    if *settings.origin(Key::Budget) != Origin::BuiltIn {
        return settings.budget;
    }
    let at_a_terminal = std::io::stderr().is_terminal();
    let looks = matches!(job.invocation.verb.as_str(), "list" | "vet");
    if in_vain {
        settings.budget.min(AFTER_IN_VAIN)
    } else if at_a_terminal {
        settings.budget.min(AT_A_TERMINAL)
    } else if looks && !on_ci() {
        settings.budget.min(FOR_AN_EDITOR)
    } else {
        settings.budget
    }
}

/// The policy of a run: its settings, and what is known before the first attempt.
pub(super) fn policy(
    job: &Job,
    health: &Health,
    premises: Option<Premises>,
    offline: Option<String>,
) -> Policy {
    let settings = &job.settings;
    let at = health::now();
    let list = List::parse(job.go_env.get("GOPROXY"));
    Policy {
        attempts: if settings.attempts == NO_BOUND { TRIES } else { settings.attempts },
        patient: settings.attempts == NO_BOUND,
        budget: budget(job, health.waited_in_vain(list.reachable(), at)),
        stall: settings.stall,
        backoff_base: settings.backoff_base,
        backoff_max: settings.backoff_max,
        rotate: settings.rotate,
        mirrors: settings.mirrors.clone(),
        mirrors_by_hand: settings.origin(Key::Mirrors).by_hand(),
        on_ci: on_ci(),
        relay: settings.relay != Relay::Never,
        relay_always: settings.relay == Relay::Always,
        fills: false,
        offline,
        godebug: std::env::var("GODEBUG").unwrap_or_default(),
        user_env: OVERLAID
            .iter()
            .filter(|n| std::env::var_os(n).is_some())
            .copied()
            // One that is no text cannot be added to.
            .chain(std::env::var_os("GODEBUG").filter(|v| v.to_str().is_none()).map(|_| "GODEBUG"))
            .map(str::to_owned)
            .collect(),
        verifying: job.invocation.verb == "mod" && job.invocation.sub == "verify",
        versions_fixed: job.invocation.versions_fixed,
        at_home_there: std::io::stderr().is_terminal() && mainland(&|name| std::env::var(name).ok()),
        named: job.invocation.named.clone(),
        resting: health.resting(list.reachable(), at),
        bad_lately: health.bad_lately(at),
        chooses: false,
        left: health.left_to_go(list.reachable(), at),
        premises: premises.map(Arc::new),
    }
}

/// What go's settings, as far as they are known by now, and the project's files say.
pub(super) fn premises(job: &Job, go_env: &GoEnv, project: &Project) -> Premises {
    let list = List::parse(go_env.get("GOPROXY"));
    let value = |name: &str| go_env.get(name).to_owned();
    Premises {
        unrelayable: relaying::obstacle(&list, go_env),
        list,
        goprivate: value("GOPRIVATE"),
        gonoproxy: value("GONOPROXY"),
        gonosumdb: value("GONOSUMDB"),
        gosumdb: value("GOSUMDB"),
        govcs: value("GOVCS"),
        release: go_env.release(),
        vendored: is_vendored(go_env, &job.dir, &job.invocation),
        main: project.module.clone(),
        modules: project.modules.clone(),
        replaced: project.replaced.clone(),
        // Whoever asks for another version waits to hear what became of it.
        required: if job.invocation.verb == "get" { vec![] } else { project.required.clone() },
        pinned: known_whole(&project.go_sum),
        private: private(&job.settings, go_env, project),
        doubt: go_env.doubt().or_else(|| project.doubt.clone()),
    }
}

/// Which modules are private, by all that is known here.
pub(crate) fn private(settings: &Settings, go_env: &GoEnv, project: &Project) -> privacy::Rules {
    privacy::Rules {
        no_proxy: go_env.get("GONOPROXY").to_owned(),
        named: format!("{},{}", go_env.get("GOPRIVATE"), go_env.get("GONOSUMDB")),
        configured: settings.private_list(),
        confidential: settings.confidential.join(","),
        origins: project.neighbours.clone(),
        module: project.module.as_deref().and_then(Neighbour::of_module_line),
    }
}

/// The versions of which both hashes are known. With one of them go would ask the checksum database for the
/// other, and tell it the name.
fn known_whole(sums: &GoSum) -> Vec<(String, String)> {
    let whole =
        |m: &str, v: &str| !sums.lookup(m, v, false).is_empty() && !sums.lookup(m, v, true).is_empty();
    sums.modules().filter(|(m, v)| whole(m, v)).map(|(m, v)| (m.to_owned(), v.to_owned())).collect()
}

/// `-mod=vendor`, by flag, or because go.mod has a vendor folder beside it (go's own default).
fn is_vendored(go_env: &GoEnv, dir: &Path, invocation: &Invocation) -> bool {
    let folder =
        || governing_file(dir, go_env).is_some_and(|file| file.parent().is_some_and(has_vendor_folder));
    let by_mode = invocation.mod_mode.as_ref().map(|mode| mode == "vendor");
    invocation.verb != "mod" && invocation.verb != "get" && by_mode.unwrap_or_else(folder)
}
