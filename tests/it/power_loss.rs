//! What a power loss leaves of files that were written and not synced: empty, blank, or half. After one
//! run of gox the command has succeeded, and the cache is whole.

use crate::cache_damage::overwrite;
use crate::harness::{Project, go_releases, remove_all};
use crate::lab::{Lab, Running};
use std::path::Path;
use std::process::Command;

/// How a file looks after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Empty,
    Blank,
    Half,
}

const LOSSES: [Loss; 3] = [Loss::Empty, Loss::Blank, Loss::Half];

/// The files of one module version.
const FILES: [&str; 5] = ["info", "mod", "zip", "ziphash", "m001.go"];

/// What is lost of which files.
type Case = Vec<(&'static str, Loss)>;

/// Each file in each way, each pair in the same way, and zip and .ziphash in every two.
fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    for loss in LOSSES {
        for (n, one) in FILES.into_iter().enumerate() {
            all.push(vec![(one, loss)]);
            all.extend(FILES[n + 1..].iter().map(|other| vec![(one, loss), (*other, loss)]));
        }
        let others = LOSSES.into_iter().filter(|other| *other != loss);
        all.extend(others.map(|other| vec![("zip", loss), ("ziphash", other)]));
    }
    all
}

fn lose(cache: &Path, case: &Case) {
    for (file, loss) in case {
        let path = match *file {
            "m001.go" => cache.join("example.test/m001@v1.0.0/m001.go"),
            suffix => cache.join("cache/download/example.test/m001/@v").join(format!("v1.0.0.{suffix}")),
        };
        overwrite(&path, |bytes| match loss {
            Loss::Empty => Vec::new(),
            Loss::Blank => vec![0; bytes.len()],
            Loss::Half => bytes[..bytes.len() / 2].to_vec(),
        });
    }
}

/// A copy of a module cache at a place of its own: go's index of its modules is then nobody else's.
fn copy(whole: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(whole).arg(to).status().expect("cp");
    assert!(copied.success());
}

/// The commands of a case, and what must hold after them.
fn play(lab: &Running, go: &Path, whole: &Path, number: usize, case: &Case, tree_first: bool) {
    let project = Project::new(lab).with_go(go).shared_build_cache().env("GOX_RELAY", "never");
    let cache = project.root().join(format!("cache-{number}"));
    copy(whole, &cache);
    lose(&cache, case);
    let project = project.env("GOMODCACHE", &cache);
    let mut commands = [&["mod", "download"][..], &["build", "-o", "program", "."]];
    if tree_first {
        commands.reverse();
    }
    for args in commands {
        let outcome = project.gox(args).run();
        assert_eq!(outcome.code(), Some(0), "{case:?} {args:?} {}\n{outcome}", go.display());
    }
    // Whole: go needs nobody any more.
    for args in [&["mod", "download"][..], &["build", "-o", "program", "."]] {
        let outcome = project.go(args).env("GOPROXY", "off").run();
        assert_eq!(outcome.code(), Some(0), "{case:?} {args:?} {}\n{outcome}", go.display());
    }
    remove_all(&cache);
}

/// Two workers share the cases: each is two runs of gox and two of go, which takes most of a minute.
fn every_case(go: &Path) {
    let lab = Lab::new().start();
    let filled = Project::new(&lab).with_go(go).shared_build_cache();
    filled.go(["mod", "download"]).run().success();
    let whole = filled.module_cache();
    let cases: Vec<(usize, Case)> = cases().into_iter().enumerate().collect();
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (lab, whole, cases) = (&lab, &whole, &cases);
            scope.spawn(move || {
                for (number, case) in cases.iter().filter(|(number, _)| number % 2 == worker) {
                    play(lab, go, whole, *number, case, number / 2 % 2 == 1);
                }
            });
        }
    });
}

#[test]
fn the_oldest_release_gets_through_every_loss() {
    every_case(&go_releases().first().expect("a go release for the tests: run tests/run.sh").1);
}

#[test]
fn the_newest_release_gets_through_every_loss() {
    every_case(&go_releases().last().expect("a go release for the tests: run tests/run.sh").1);
}

#[test]
fn a_folder_whose_only_file_is_gone_is_made_anew_with_its_index() {
    for (_, go) in go_releases() {
        let lab = Lab::new().start();
        let project = Project::new(&lab).with_go(&go).shared_build_cache();
        project.go(["mod", "download"]).run().success();
        let tree = project.module_cache().join("example.test/m001@v1.0.0");
        crate::cache_damage::remove_file(&tree.join("m001.go"));
        // go indexes the folder as it is now, and keeps that for ever.
        let plain = project.go(["build", "-o", "program", "."]).run();
        assert_eq!(plain.code(), Some(1), "{plain}");
        project.gox(["build", "-o", "program", "."]).run().success();
        project.go(["build", "-o", "program", "."]).env("GOPROXY", "off").run().success();
    }
}
