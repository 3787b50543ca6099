//! The plan against real go: what gox would fetch for a command, and what go asks a proxy for with an empty cache.
//!
//! By default one tree in each shape, with some of the commands; `GOX_SHADOW=N` tries N of each shape with all of them. The figures are printed
//! (`cargo nextest run shadow --no-capture`).

use super::trees::{SHAPES, Shape, Tree, tree};
use crate::fill::mains::Mains;
use crate::fill::needs::Walk;
use crate::fill::plan::{Plan, latest_known};
use crate::formats::go_source::Target;
use crate::inside::harness::{Project, go_releases};
use crate::inside::lab::{Lab, Running};
use crate::judgement::privacy::Rules;
use crate::machine::go_env::read_settings;
use crate::module_cache::Cache;
use crate::verb::Invocation;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What is tried in each tree. `-n` loads all packages and compiles none.
const VERBS: [&[&str]; 8] = [
    &["mod", "download"],
    &["list", "-deps", "./..."],
    &["build", "-n", "./..."],
    &["build", "-n", "-tags=mine,tools", "."],
    &["vet", "-n", "./..."],
    &["list", "-test", "-deps", "-tags=integration", "./..."],
    &["mod", "vendor"],
    &["mod", "tidy"],
];

/// Zips, as `module@version`.
type Zips = BTreeSet<String>;

/// What came of one kind of command.
#[derive(Default)]
struct Score {
    both: usize,
    planned: usize,
    asked: usize,
}

impl Score {
    fn add(&mut self, planned: &Zips, asked: &Zips) {
        self.both += planned.intersection(asked).count();
        self.planned += planned.len();
        self.asked += asked.len();
    }

    fn precision(&self) -> f64 {
        self.both as f64 / self.planned.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.both as f64 / self.asked.max(1) as f64
    }
}

#[test]
fn what_is_planned_is_what_go_asks_for() {
    let wanted: Option<u64> = std::env::var("GOX_SHADOW").ok().and_then(|n| n.parse().ok());
    let releases = go_releases();
    let ends = [releases.first().expect("a release"), releases.last().expect("a release")];
    let newest = ends[1].1.clone();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut odd = Vec::new();
    for seed in 0..wanted.unwrap_or(1) {
        for shape in SHAPES {
            let stage = Stage::new(shape, tree(shape, seed), &newest);
            for (at, verb) in VERBS.iter().enumerate() {
                // By turns one half and the oldest, and the other and the newest; all where it was asked for.
                if wanted.is_none() && (at + shape as usize) % 2 == 1 {
                    continue;
                }
                let mut both: Vec<_> =
                    ends.iter().filter(|(version, _)| !stage.tree.tools || version[1] >= 24).collect();
                if wanted.is_none() && both.len() > 1 {
                    both.remove(at / 2 % 2);
                }
                for (version, go) in both {
                    let Some((planned, asked)) = stage.compare(verb, go) else { continue };
                    let kind = if verb[1] == "download" { "mod download" } else { "packages" };
                    for key in [kind.to_owned(), format!("  {}", verb.join(" ")), format!("  {shape:?}")] {
                        scores.entry(key).or_default().add(&planned, &asked);
                    }
                    if planned != asked {
                        let more: Vec<_> = planned.difference(&asked).collect();
                        let less: Vec<_> = asked.difference(&planned).collect();
                        odd.push(format!(
                            "{shape:?} {seed} {verb:?} 1.{}: too many {more:?}, too few {less:?}",
                            version[1]
                        ));
                    }
                }
            }
        }
    }
    for (of, score) in &scores {
        println!(
            "{of}: precision {:.3}, recall {:.3} ({} asked for)",
            score.precision(),
            score.recall(),
            score.asked
        );
    }
    odd.iter().for_each(|line| println!("{line}"));
    for (of, precision, recall) in [("mod download", 1.0, 0.98), ("packages", 0.95, 0.90)] {
        let score = &scores[of];
        assert!(score.asked > 20, "{of}: go asked for {} zips alone", score.asked);
        assert!(score.precision() >= precision && score.recall() >= recall, "{of}\n{}", odd.join("\n"));
    }
}

/// One tree, served, tidied, and with a cache that has all of it.
struct Stage {
    tree: Tree,
    lab: Running,
    project: Project,
    full: PathBuf,
}

impl Stage {
    fn new(shape: Shape, mut tree: Tree, newest: &Path) -> Stage {
        let lab = Lab::new().modules(0).given(std::mem::take(&mut tree.modules)).keep_alive().start();
        let mut project = Project::without_files(&lab).without("GOWORK").with_go(newest);
        for (name, text) in &tree.files {
            project = project.file(name, text);
        }
        let full = project.root().join("full");
        for main in &tree.mains {
            let run = |args: &[&str]| {
                let dir = project.dir().join(main);
                let done = project.go(args).env("GOMODCACHE", &full).env("GOWORK", "off").dir(&dir).run();
                done.success();
            };
            run(&["mod", "tidy", "-e"]);
            run(&["mod", "download", "all"]);
        }
        if shape == Shape::Workspace {
            let dir = project.dir();
            project.go(["mod", "download"]).env("GOMODCACHE", &full).dir(&dir).run().success();
        }
        Stage { tree, lab, project, full }
    }

    /// Where commands are run, and its files as they are now.
    fn files(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let names = ["go.mod", "go.sum", "go.work.sum"];
        let tops = self.tree.mains.iter().map(|main| self.project.dir().join(main));
        let all = tops.chain([self.project.dir()]).flat_map(|top| names.map(|name| top.join(name)));
        all.map(|file| (file.clone(), std::fs::read(&file).ok())).collect()
    }

    /// What is planned for a command, and what go asks for; `None` where go refuses the command at once.
    fn compare(&self, verb: &[&str], go: &Path) -> Option<(Zips, Zips)> {
        let nowhere = String::new();
        let main = match verb {
            // Of the first in a workspace some packages are known there alone.
            ["mod", "tidy"] => self.tree.mains.last().expect("a main module"),
            ["mod", ..] | [.., "."] => &self.tree.mains[0],
            _ => &nowhere,
        };
        let dir = self.project.dir().join(main);
        let dir = if verb.last() == Some(&".") { self.package(&dir) } else { dir };
        let workspace = self.tree.mains.len() > 1;
        if workspace && verb[0] == "mod" && verb[1] != "tidy" {
            return None;
        }
        let verb: Vec<&str> = match (workspace, verb.last()) {
            (true, Some(&"./...")) => [&verb[..verb.len() - 1], &["./one/...", "./two/..."]].concat(),
            _ => verb.to_vec(),
        };
        let before = self.files();
        self.project.clear_module_cache();
        self.lab.forget();
        let done = self.project.program(go, &verb).dir(&dir).run();
        assert!(done.code() == Some(0) || verb.contains(&"-n") || verb.contains(&"list"), "{done}");
        let _ = std::fs::remove_dir_all(dir.join("vendor"));
        for (file, text) in before {
            match text {
                Some(text) => std::fs::write(file, text).expect("a file of the project"),
                None => drop(std::fs::remove_file(file)),
            }
        }
        let zip = |path: &str| path.strip_suffix(".zip").map(|path| path.replacen("/@v/", "@", 1));
        let asked = self.lab.requests().iter().filter_map(|seen| zip(&seen.path)).collect();
        Some((self.planned(&verb, &dir, go), asked))
    }

    /// A folder with a command, or with a library.
    fn package(&self, top: &Path) -> PathBuf {
        [top.join("cmd/a"), top.to_owned()]
            .into_iter()
            .find(|dir| dir.join("a.go").is_file())
            .expect("a package")
    }

    /// What gox would fetch.
    fn planned(&self, verb: &[&str], dir: &Path, go: &Path) -> Zips {
        let env: BTreeMap<OsString, Option<OsString>> = self.project.overlay().into_iter().collect();
        let go_env = read_settings(go, &|name| env.get(OsStr::new(name)).cloned().flatten());
        let invocation = Invocation::read(verb, OsStr::new(""));
        let mains = Mains::read(dir, &go_env, invocation.alone).expect("a main module");
        let sums = mains.sums();
        let rules = Rules::default();
        let escaped = |module: &crate::formats::go_mod::ModuleVersion| {
            let path = crate::formats::escape::path(&module.path).expect("a path");
            format!("{path}@{}", module.version)
        };
        let Some(loads) = &invocation.loads else {
            let (plan, _) = Plan::of_download(&mains.listed, &sums, &rules).expect("a plan");
            return plan.modules.iter().map(escaped).collect();
        };
        let target = Target {
            system: std::env::consts::OS.to_owned(),
            processor: if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }.to_owned(),
            minor: go_env.release().expect("a release").1,
            cgo: Some(false),
            tags: loads.tags.clone(),
            any: loads.any,
        };
        // With all that there is at hand, what is looked into is what would be fetched.
        let mut walk = Walk::new(&mains, dir, target, &Cache::new(&self.full, None), loads);
        if loads.any {
            walk.look_behind(latest_known(&sums));
        }
        let missing = walk.follow();
        assert_eq!(missing, [], "the cache has all");
        let (plan, _) = Plan::of_some(&mains.listed, &sums, &rules, invocation.graph).expect("a plan");
        walk.looked_into().filter_map(|module| plan.admit(module, &sums)).map(|m| escaped(&m)).collect()
    }
}
