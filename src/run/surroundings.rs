//! What surrounds a run and does not change while it lasts: settings and health as the [`Policy`] of the
//! decision; go's settings and the project's files as its [`Premises`], read when they are first needed.

use super::{Job, relaying};
use crate::configuration::{Key, Relay};
use crate::formats::go_mod::{GoMod, GoWork, Role};
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::List;
use crate::judgement::attempt::{Policy, Premises};
use crate::judgement::privacy;
use crate::machine::configuration_files::repository_root;
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::{find_up, governing_file};
use crate::memory::health::{self, Health};
use crate::verb::Invocation;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// The project that a run works in.
#[derive(Clone, Debug, Default)]
pub(super) struct Project {
    /// go.sum and go.work.sum.
    pub go_sum: GoSum,
    /// Module paths that go.mod, go.work's members or go.sum name.
    pub modules: Vec<String>,
    /// The `module` line.
    pub module: Option<String>,
    /// Remote `origin` of the repository.
    pub origin: Option<String>,
}

/// Reads the project around `dir`; whatever is missing is simply not known.
pub(super) fn read_project(dir: &Path, go_env: &GoEnv) -> Project {
    let mut project = Project::default();
    let mut mods: Vec<PathBuf> = find_up(dir, "go.mod").into_iter().collect();
    let governing = governing_file(dir, go_env);
    if let Some(work) = governing.as_ref().filter(|f| f.extension().is_some_and(|e| e == "work")) {
        let root = work.parent().unwrap_or(dir);
        if let Ok(text) = std::fs::read(work) {
            mods.extend(GoWork::parse(&text).uses.iter().map(|folder| root.join(folder).join("go.mod")));
        }
        read_sums(&mut project.go_sum, &root.join("go.work.sum"));
    }
    mods.dedup();
    for file in &mods {
        if let Ok(text) = std::fs::read(file) {
            let go_mod = GoMod::parse(&text, Role::Main);
            project.module = project.module.or(go_mod.module);
            project.modules.extend(go_mod.require.into_iter().map(|required| required.module.path));
        }
        read_sums(&mut project.go_sum, &file.with_file_name("go.sum"));
    }
    project.modules.extend(project.go_sum.modules().map(|(m, _)| m.to_owned()));
    project.modules.sort_unstable();
    project.modules.dedup();
    project.origin = repository_root(dir).and_then(origin_url);
    project
}

fn read_sums(sums: &mut GoSum, file: &Path) {
    if let Ok(text) = std::fs::read(file) {
        sums.merge(GoSum::parse(&text));
    }
}

/// `remote.origin.url` of the repository at `root`, read without git.
fn origin_url(root: &Path) -> Option<String> {
    let git = root.join(".git");
    let config = if git.is_dir() {
        git.join("config")
    } else {
        // A linked work tree or a submodule: a file that names the real folder.
        let named = std::fs::read_to_string(&git).ok()?;
        let dir = root.join(named.strip_prefix("gitdir:")?.trim());
        match std::fs::read_to_string(dir.join("commondir")) {
            Ok(common) => dir.join(common.trim()).join("config"),
            Err(_) => dir.join("config"),
        }
    };
    let text = std::fs::read_to_string(config).ok()?;
    let mut in_origin = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_origin = line.replace(' ', "") == "[remote\"origin\"]";
        } else if in_origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "url"
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

/// True where a CI system runs this process.
pub(super) fn on_ci() -> bool {
    CI_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "false" && v != "0"))
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
        attempts: settings.attempts,
        budget: settings.budget,
        stall: settings.stall,
        backoff_base: settings.backoff_base,
        backoff_max: settings.backoff_max,
        rotate: settings.rotate,
        mirrors: settings.mirrors.clone(),
        mirrors_by_hand: settings.origin(Key::Mirrors).by_hand(),
        on_ci: on_ci(),
        relay: settings.relay != Relay::Never,
        relay_always: settings.relay == Relay::Always,
        offline,
        godebug: std::env::var("GODEBUG").unwrap_or_default(),
        user_env: OVERLAID
            .iter()
            .filter(|n| std::env::var_os(n).is_some())
            .map(|n| (*n).to_owned())
            .collect(),
        verifying: job.invocation.verb == "mod" && job.invocation.sub == "verify",
        named: job.invocation.named.clone(),
        resting: health.resting(list.reachable(), at),
        bad_lately: health.bad_lately(at),
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
        release: go_env.release(),
        vendored: is_vendored(go_env, &job.dir, &job.invocation),
        main: project.module.clone(),
        modules: project.modules.clone(),
        pinned: known_whole(&project.go_sum),
        private: privacy::Rules {
            no_proxy: value("GONOPROXY"),
            configured: job.settings.private_list(),
            origin_owner: project.origin.as_deref().and_then(privacy::owner_of_remote),
            module_owner: project.module.as_deref().and_then(privacy::owner),
        },
    }
}

/// The versions of which both hashes are known. With one of them go would ask the checksum database for the
/// other, and tell it the name.
fn known_whole(sums: &GoSum) -> Vec<(String, String)> {
    let whole =
        |m: &str, v: &str| !sums.lookup(m, v, false).is_empty() && !sums.lookup(m, v, true).is_empty();
    sums.modules().filter(|(m, v)| whole(m, v)).map(|(m, v)| (m.to_owned(), v.to_owned())).collect()
}

/// `-mod=vendor`, by GOFLAGS or because go.mod has a vendor folder beside it (go's own default).
fn is_vendored(go_env: &GoEnv, dir: &Path, invocation: &Invocation) -> bool {
    let flag = |w: &str| w.trim_start_matches('-') == "mod=vendor";
    let folder =
        || governing_file(dir, go_env).is_some_and(|f| f.with_file_name("vendor/modules.txt").is_file());
    invocation.verb != "mod"
        && invocation.verb != "get"
        && (go_env.get("GOFLAGS").split_whitespace().any(flag) || folder())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_read_from_a_plain_and_a_linked_tree() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        std::fs::create_dir_all(main.join(".git/worktrees/w")).unwrap();
        std::fs::write(
            main.join(".git/config"),
            "[core]\n[remote \"up\"]\n url = x\n[remote \"origin\"]\n\turl = git@h.example:o/r.git\n",
        )
        .unwrap();
        assert_eq!(origin_url(&main).as_deref(), Some("git@h.example:o/r.git"));
        let linked = dir.path().join("linked");
        std::fs::create_dir_all(&linked).unwrap();
        std::fs::write(linked.join(".git"), format!("gitdir: {}\n", main.join(".git/worktrees/w").display()))
            .unwrap();
        std::fs::write(main.join(".git/worktrees/w/commondir"), "../..\n").unwrap();
        assert_eq!(origin_url(&linked).as_deref(), Some("git@h.example:o/r.git"));
    }
}
