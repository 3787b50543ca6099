//! Every verb of the table, in the ways in which people call it: without a fault gox is go, byte for byte.
//!
//! Each pair starts with an empty module cache. What go says of its own downloads is left out of the comparison, for
//! what gox has fetched before go does not ask for. By default each verb is tried in some of the ways with the newest
//! release; `GOX_MATRIX=all` tries all of them with all releases.

use crate::harness::{Outcome, Project, go, go_releases};
use crate::lab::{Lab, Running};
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each verb with arguments that make it do something.
const VERBS: [&[&str]; 18] = [
    &["build", "-o", "program", "."],
    &["fix", "./..."],
    &["generate", "./..."],
    &["get", "example.test/m001@v1.0.0"],
    &["install", "./..."],
    &["list", "-deps", "./..."],
    &["mod", "download"],
    &["mod", "graph"],
    &["mod", "tidy"],
    &["mod", "vendor"],
    &["mod", "verify"],
    &["mod", "why", "example.test/m001"],
    &["run", ".", "word"],
    &["test", "-count=1", "./..."],
    &["tool", "helper"],
    &["vet", "./..."],
    &["work", "sync"],
    &["work", "vendor"],
];

/// The ways in which a verb is called.
const WAYS: [&str; 10] = [
    "plain",
    "-C",
    "-modfile",
    "-mod=mod",
    "-mod=readonly",
    "-overlay",
    "GOFLAGS",
    "GOWORK",
    "vendor",
    "no module",
];

#[test]
fn all_verbs_of_the_readme_are_tried() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let table = text.split("<!-- verbs -->").nth(1).expect("the table of verbs");
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect();
    let tried: BTreeSet<String> = VERBS
        .iter()
        .map(|verb| if ["mod", "work"].contains(&verb[0]) { verb[..2].join(" ") } else { verb[0].to_owned() })
        .collect();
    assert_eq!(named, tried);
}

#[test]
fn without_faults_gox_is_go_in_every_way() {
    let all = std::env::var("GOX_MATRIX").is_ok_and(|value| value == "all");
    let releases: Vec<PathBuf> =
        if all { go_releases().into_iter().map(|(_, go)| go).collect() } else { vec![go()] };
    let lab = Lab::new().modules(4).keep_alive().start();
    let mut wrong = Vec::new();
    for release in &releases {
        let pair = Pair::new(&lab, release);
        for (row, verb) in VERBS.iter().enumerate() {
            for (column, way) in WAYS.iter().enumerate() {
                if all || (row + column) % 3 == 0 {
                    wrong.extend(
                        pair.differ(verb, way)
                            .map(|why| format!("{} {verb:?} {way}: {why}", release.display())),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The same project twice: go's, and gox's.
struct Pair {
    projects: [Project; 2],
    go: PathBuf,
}

impl Pair {
    fn new(lab: &Running, go: &Path) -> Pair {
        let one = || {
            let project = Project::new(lab)
                .shared_build_cache()
                .with_go(go)
                .file("main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) {}\n")
                .file("generate.go", "package main\n\n//go:generate echo generated\n")
                .file("sub/sub.go", "package sub\n\nimport _ \"example.test/m002\"\n")
                .file(
                    "other/main.go.txt",
                    "package main\n\nimport _ \"example.test/m003\"\n\nfunc main() {}\n",
                )
                .file("go.work.txt", "go 1.21\n\nuse .\n");
            let dir = project.dir();
            fs::copy(dir.join("go.mod"), dir.join("alt.mod")).expect("a file of ours");
            fs::copy(dir.join("go.sum"), dir.join("alt.sum")).expect("a file of ours");
            let overlay =
                format!("{{\"Replace\":{{{:?}:{:?}}}}}", dir.join("main.go"), dir.join("other/main.go.txt"));
            fs::write(dir.join("overlay.json"), overlay).expect("a file of ours");
            fs::create_dir_all(project.root().join("elsewhere")).expect("a folder of ours");
            // What is vendored is kept beside until it is wanted.
            project.go(["mod", "vendor"]).run().success();
            fs::rename(dir.join("vendor"), project.root().join("vendored")).expect("a folder of ours");
            project
        };
        Pair { projects: [one(), one()], go: go.to_owned() }
    }

    /// In what the two differ.
    fn differ(&self, verb: &[&str], way: &str) -> Option<String> {
        let [plain, ours] = [false, true].map(|gox| {
            let project = &self.projects[usize::from(gox)];
            let outcome = self.call(project, gox, verb, way);
            let files = ["go.mod", "go.sum", "alt.mod", "alt.sum", "vendor/modules.txt"]
                .map(|name| fs::read(project.dir().join(name)).ok());
            let seen = (outcome.code(), said(project, &outcome.out()), said(project, &outcome.err()));
            let _ = fs::remove_dir_all(project.dir().join("vendor"));
            for (name, file) in [
                ("go.mod", "kept.mod"),
                ("go.sum", "kept.sum"),
                ("alt.mod", "kept.mod"),
                ("alt.sum", "kept.sum"),
            ] {
                let kept = project.root().join(file);
                if !kept.exists() {
                    let _ = fs::copy(project.dir().join(name), &kept);
                }
                fs::copy(kept, project.dir().join(name)).expect("a file of ours");
            }
            (seen, files)
        });
        (plain != ours).then(|| format!("\n{:#?}\n{:#?}", plain.0, ours.0))
    }

    fn call(&self, project: &Project, gox: bool, verb: &[&str], way: &str) -> Outcome {
        for (name, file) in [("go.mod", "kept.mod"), ("go.sum", "kept.sum")] {
            if !project.root().join(file).exists() {
                fs::copy(project.dir().join(name), project.root().join(file)).expect("a file of ours");
            }
        }
        project.clear_module_cache();
        let words = if ["mod", "work"].contains(&verb[0]) { 2 } else { 1 };
        let with = |flag: &str| {
            [&verb[..words], &[flag], &verb[words..]].concat().iter().map(|w| (*w).to_owned()).collect()
        };
        let dir = project.dir();
        let overlay = format!("-overlay={}", dir.join("overlay.json").display());
        let args: Vec<String> = match way {
            "-C" => with("-C=main"),
            "-modfile" => with("-modfile=alt.mod"),
            "-mod=mod" | "-mod=readonly" => with(way),
            "-overlay" => with(&overlay),
            _ => verb.iter().map(|word| (*word).to_owned()).collect(),
        };
        let run = if gox { project.gox(&args) } else { project.program(&self.go, &args) };
        let run = match way {
            "-C" => run.dir(project.root()),
            "GOFLAGS" => run.env("GOFLAGS", "-mod=mod '-trimpath' -modcacherw=false"),
            "GOWORK" => {
                fs::copy(dir.join("go.work.txt"), dir.join("go.work")).expect("a file of ours");
                run.without("GOWORK")
            }
            "vendor" => {
                copy(&project.root().join("vendored"), &dir.join("vendor"));
                run
            }
            "no module" => run.dir(&project.root().join("elsewhere")),
            _ => run,
        };
        let outcome = run.run();
        let _ = fs::remove_file(dir.join("go.work"));
        outcome
    }
}

/// What was said, without what differs by nature: folders, times, and go's words on its downloads. go works side by
/// side, so that the order of lines on stderr is chance.
fn said(project: &Project, text: &str) -> Vec<String> {
    let time = Regex::new(r"\d+\.\d+s").expect("a pattern");
    let text = text.replace(&project.root().display().to_string(), "ROOT");
    let mut lines: Vec<String> = time
        .replace_all(&text, "TIME")
        .lines()
        .filter(|line| !line.starts_with("go: downloading "))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of ours");
    for item in fs::read_dir(from).expect("a folder of ours").flatten() {
        let to = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &to);
        } else {
            fs::copy(item.path(), to).expect("a file of ours");
        }
    }
}
