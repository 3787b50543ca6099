//! A go.sum may be wrong, and the cache right: what only a go.sum disagrees with is neither damaged nor lost.

use crate::cache_damage::{overwrite, snapshot};
use crate::harness::{Outcome, Project, go_releases};
use crate::lab::{Fault, Lab, Running, always};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

const OTHER: &str = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The go.sum of a lab with another hash for `example.test/m001`, its zip's or its go.mod's.
fn wrong_go_sum(lab: &Running, go_mod: bool) -> String {
    let begin = format!("example.test/m001 v1.0.0{} ", if go_mod { "/go.mod" } else { "" });
    let lines = lab.go_sum();
    let lines = lines.lines().map(|line| match line.starts_with(&begin) {
        true => format!("{begin}{OTHER}\n"),
        false => format!("{line}\n"),
    });
    lines.collect()
}

/// Two projects that share one module cache, which the honest one has filled; the other's go.sum is wrong.
fn neighbours(lab: &Running, go: &Path, go_mod: bool) -> (Project, Project) {
    let honest = Project::new(lab).with_go(go);
    honest.go(["mod", "download"]).run().success();
    lab.forget();
    let wrong = Project::new(lab)
        .with_go(go)
        .env("GOMODCACHE", honest.module_cache())
        .file("go.sum", wrong_go_sum(lab, go_mod));
    (honest, wrong)
}

/// The oldest and the newest release.
fn ends() -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = go_releases().into_iter().map(|(_, go)| go).collect();
    assert!(!all.is_empty(), "no go release for the tests: run tests/run.sh");
    all.dedup();
    if all.len() > 2 {
        all.drain(1..all.len() - 1);
    }
    all
}

fn remedies(outcome: &Outcome, begin: &str) -> usize {
    outcome.remedies().iter().filter(|remedy| remedy.starts_with(begin)).count()
}

#[test]
fn a_wrong_go_sum_ends_in_gos_words_with_the_cache_as_it_was() {
    for go in ends() {
        for (go_mod, relay) in [(false, "auto"), (true, "auto"), (false, "never"), (true, "never")] {
            let lab = Lab::new().start();
            let (honest, wrong) = neighbours(&lab, &go, go_mod);
            let before = snapshot(&honest.module_cache());
            let outcome = wrong.gox(["mod", "download"]).env("GOX_RELAY", relay).run().exited(1);
            let outcome = outcome.says("checksum mismatch").says("SECURITY ERROR").says(OTHER);
            assert_eq!((remedies(&outcome, "aside:"), remedies(&outcome, "evict:")), (1, 0), "{outcome}");
            assert!(!outcome.said().join("\n").contains("removed"), "{outcome}");
            let mut after = snapshot(&honest.module_cache());
            // go itself leaves its lock and, when it stops at a mismatch, what it was downloading.
            after.retain(|path, _| path.extension().is_none_or(|e| e != "lock" && e != "tmp"));
            after.retain(|path, _| !path.ends_with("list"));
            for (path, was) in after {
                assert_eq!(before.get(&path), Some(&was), "{}\n{outcome}", path.display());
            }
            // The honest project needs nobody.
            honest.go(["mod", "download"]).env("GOPROXY", "off").run().success();
            honest.go(["mod", "verify"]).env("GOPROXY", "off").run().success();
            assert!(!honest.module_cache().join("cache/gox-aside").exists(), "{outcome}");
        }
    }
}

#[test]
fn without_a_network_a_wrong_go_sum_costs_nothing_either() {
    let lab = Lab::new().start();
    let (honest, wrong) = neighbours(&lab, &crate::harness::go(), false);
    let before = snapshot(&honest.module_cache());
    let closed = "http://127.0.0.1:9";
    let outcome = wrong.gox(["mod", "download"]).env("GOPROXY", closed).env("GOX_BUDGET", "2s").run();
    assert_ne!(outcome.code(), Some(0), "{outcome}");
    let after = snapshot(&honest.module_cache());
    for (path, was) in &before {
        assert_eq!(after.get(path), Some(was), "{}\n{outcome}", path.display());
    }
    honest.go(["mod", "download"]).env("GOPROXY", "off").run().success();
}

#[test]
fn a_cache_that_a_liar_filled_is_mended() {
    for go in ends() {
        // Without go.sum and database go takes what comes; go.sum then tells the truth.
        let liar = Lab::new().fault(Fault::AlterZipSame, always().path("m001")).start();
        let poisoned = Project::new(&liar).no_file("go.sum").with_go(&go);
        poisoned.go(["mod", "download"]).run().success();
        let lab = Lab::new().start();
        let project = Project::new(&lab).with_go(&go).env("GOMODCACHE", poisoned.module_cache());
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!(remedies(&outcome, "aside:"), 1, "{outcome}");
        project.go(["mod", "verify"]).run().success();
        project.go(["mod", "download"]).env("GOPROXY", "off").run().success();
        // The folder is of the new zip too.
        let built = project.gox(["build", "-o", "program", "."]).env("GOPROXY", "off").run().success();
        assert_eq!(built.attempts(), 1, "{built}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_gox_that_is_killed_meanwhile_leaves_what_the_next_one_puts_back() {
    for killed_as_a_group in [false, true] {
        let lab = Lab::new().fault(Fault::Silence, always().path("m001.*zip$")).start();
        lab.heal();
        let (honest, wrong) = neighbours(&lab, &crate::harness::go(), false);
        let before = snapshot(&honest.module_cache());
        lab.also(Fault::Silence, always().path("m001.*zip$"));
        let zip = honest.cached("example.test/m001/@v/v1.0.0.zip");
        let started = wrong.gox(["mod", "download"]).start();
        let deadline = Instant::now() + Duration::from_secs(60);
        while zip.exists() || !lab.requests().iter().any(|seen| seen.path.ends_with("m001/@v/v1.0.0.zip")) {
            assert!(Instant::now() < deadline, "nothing was set aside");
            std::thread::sleep(Duration::from_millis(5));
        }
        if killed_as_a_group {
            let group = i32::try_from(started.id()).ok().and_then(rustix::process::Pid::from_raw);
            let _ = rustix::process::kill_process_group(group.expect("a number"), Signal::KILL);
        } else {
            started.signal(Signal::KILL);
        }
        started.wait();
        lab.heal();
        // Missing and no worse: go without gox would fetch it anew.
        assert!(!zip.exists());
        let outcome = honest.gox(["mod", "download"]).env("GOPROXY", "off").run().success();
        assert_eq!(outcome.attempts(), 1, "{outcome}");
        let after = snapshot(&honest.module_cache());
        for (path, was) in &before {
            assert_eq!(after.get(path), Some(was), "{}\n{outcome}", path.display());
        }
        assert!(!honest.module_cache().join("cache/gox-aside").exists());
    }
}

#[test]
fn two_with_different_sums_do_not_take_each_others_files() {
    let lab = Lab::new().start();
    let (honest, wrong) = neighbours(&lab, &crate::harness::go(), false);
    let rounds = 6;
    std::thread::scope(|scope| {
        let other =
            scope.spawn(|| (0..rounds).for_each(|_| drop(wrong.gox(["mod", "download"]).run().exited(1))));
        for _ in 0..rounds {
            honest.gox(["mod", "download"]).run().success();
            honest.gox(["build", "-o", "program", "."]).run().success();
        }
        other.join().expect("the project with the wrong go.sum");
    });
    honest.go(["mod", "verify"]).run().success();
    honest.go(["mod", "download"]).env("GOPROXY", "off").run().success();
}

#[test]
fn damage_is_told_from_dispute() {
    // The zip is broken in itself: whatever go.sum says, nobody needs it.
    let lab = Lab::new().start();
    let project = Project::new(&lab);
    project.go(["mod", "download"]).run().success();
    let zip = project.cached("example.test/m001/@v/v1.0.0.zip");
    overwrite(&zip, |bytes| bytes[..bytes.len() / 2].to_vec());
    crate::harness::remove_all(&project.module_cache().join("example.test/m001@v1.0.0"));
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!((remedies(&outcome, "aside:"), remedies(&outcome, "evict:")), (0, 1), "{outcome}");
}
