//! What surrounds a run and does not change while it lasts: the project, go's settings, the user's
//! rules; joined into the [`Policy`] of the decision.

use crate::configuration::{Key, Settings};
use crate::formats::go_mod::{GoMod, GoWork, Role};
use crate::formats::goproxy::List;
use crate::formats::module_path;
use crate::judgement::attempt::{Policy, permitted_mirrors};
use crate::judgement::privacy::{self, Why};
use crate::machine::configuration_files::repository_root;
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::{find_up, governing_file};
use crate::module_cache::GoSum;
use crate::verb::Invocation;
use std::path::{Path, PathBuf};

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

/// Joins settings, go's own settings and the project into the policy of a run.
pub(super) fn policy(
    settings: &Settings,
    go_env: &GoEnv,
    project: &Project,
    dir: &Path,
    invocation: &Invocation,
    relay: bool,
) -> Policy {
    let list = List::parse(go_env.get("GOPROXY"));
    let rules = privacy::Rules {
        no_proxy: go_env.get("GONOPROXY").to_owned(),
        configured: settings.private_list(),
        origin_owner: project.origin.as_deref().and_then(privacy::owner_of_remote),
        module_owner: project.module.as_deref().and_then(privacy::owner),
    };
    let named = project.modules.iter().chain(&invocation.named);
    let graph_private = holds_private(&rules, project.module.as_deref(), named);
    let vendored = is_vendored(go_env, dir, invocation);
    // Modules that the user took out of the database, but not away from proxies, would come from a
    // mirror with nothing to judge them.
    let unchecked = !go_env.get("GONOSUMDB").is_empty() && go_env.get("GONOSUMDB") != go_env.get("GONOPROXY");
    let mirrors = if vendored || unchecked {
        vec![]
    } else {
        permitted_mirrors(
            &list,
            &settings.mirrors,
            settings.origin(Key::Mirrors).by_hand(),
            on_ci(),
            go_env.get("GOSUMDB"),
            graph_private,
            settings.rotate,
        )
    };
    // A private name must not reach an entry behind `direct`, where go never goes.
    let list = if graph_private { list } else { list.direct_last() };
    Policy {
        attempts: settings.attempts,
        budget: settings.budget,
        stall: settings.stall,
        backoff_base: settings.backoff_base,
        backoff_max: settings.backoff_max,
        rotate: settings.rotate,
        list,
        mirrors,
        private: rules,
        graph_private,
        relay: relay && !vendored,
        goprivate: go_env.get("GOPRIVATE").to_owned(),
        gonoproxy: go_env.get("GONOPROXY").to_owned(),
        gosumdb: go_env.get("GOSUMDB").to_owned(),
        godebug: std::env::var("GODEBUG").unwrap_or_default(),
        release: go_env.release(),
        user_env: OVERLAID
            .iter()
            .filter(|n| std::env::var_os(n).is_some())
            .map(|n| (*n).to_owned())
            .collect(),
        in_go_sum: known_whole(&project.go_sum),
        verifying: invocation.verb == "mod" && invocation.sub == "verify",
        initial: vec![],
        offline: None,
        vendored,
    }
}

/// Whether one of `paths`, which lie outside of the main module `main`, is likely private and yet
/// asked of proxies.
pub(super) fn holds_private<'a>(
    rules: &privacy::Rules,
    main: Option<&str>,
    mut paths: impl Iterator<Item = &'a String>,
) -> bool {
    let own = |path: &str| main.is_some_and(|main| module_path::covers(main, path));
    paths.any(|path| !own(path) && !matches!(rules.why(path), None | Some(Why::NoProxy)))
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
