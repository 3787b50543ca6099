//! What may be removed from the module cache: what disagrees with itself, and nothing that only disagrees with one
//! project's go.sum.

use super::{both, each};
use crate::harness::Project;
use crate::lab::{Fault, Lab, Running, always, first_of_each};
use std::fs;

/// Which lines of go.sum.
type Which = fn(&str) -> bool;

/// go.sum with other hashes for the lines that `which` chooses.
fn wrong_sums(lab: &Running, which: Which) -> String {
    let wrong = |line: &str| match line.rsplit_once(' ') {
        Some((name, _)) if which(name) => format!("{name} h1:{}=\n", "C".repeat(43)),
        _ => format!("{line}\n"),
    };
    lab.go_sum().lines().map(wrong).collect()
}

/// A project with a wrong go.sum, and the honest one next door, share one cache.
#[test]
fn a_wrong_go_sum_costs_nobody_a_file() {
    let which: [(&str, Which); 4] = [
        ("the zip", |name| name == "example.test/m000 v1.0.0"),
        ("the go.mod", |name| name == "example.test/m000 v1.0.0/go.mod"),
        ("both", |name| name.starts_with("example.test/m000 ")),
        ("two modules", |name| name.starts_with("example.test/m00")),
    ];
    let answers: [(&str, Option<Fault>); 4] = [
        ("served", None),
        ("unavailable", Some(Fault::Status(503))),
        ("altered", Some(Fault::AlterZipSame)),
        ("cut", Some(Fault::EofInBody)),
    ];
    let all = which.iter().flat_map(|w| answers.iter().map(move |a| (*w, *a)));
    each(all.map(|((lines, which), (kind, fault))| {
        let attack = move |relay: &str| {
            let lab = Lab::new().modules(3).start();

            let pair = both(&lab, relay, &["mod", "download"], || {
                lab.heal();
                let project = Project::new(&lab).env("GOX_BUDGET", "1s");
                project.go(["mod", "download"]).run().success();
                if let Some(fault) = fault {
                    lab.also(fault, always());
                }
                project.file("go.sum", wrong_sums(&lab, which))
            });
            pair.ended_alike();
            assert_eq!(pair.plain.code(), Some(1), "{}", pair.plain);
            assert!(pair.ours.err().contains("SECURITY ERROR"), "relay={relay}\n{}", pair.ours);
            pair.kept_the_cache();
            // The honest project next door needs no network.
            let honest = pair.our_project.file("go.sum", lab.go_sum()).env("GOPROXY", "off");
            honest.go(["mod", "download"]).run().success();
        };
        (format!("{lines} wrong, {kind}"), attack)
    }));
}

/// A login page for a while: the same wrong bytes for different modules are no confirmed mismatch of one.
#[test]
fn a_page_in_place_of_pinned_files_is_got_through() {
    each(["mod$", "zip$", "info$", ""].map(|file| {
        let attack = move |relay: &str| {
            let lab = Lab::new().modules(3).fault(Fault::Html, first_of_each(2).path(file)).start();
            Project::new(&lab).gox(["mod", "download"]).env("GOX_RELAY", relay).run().success();
        };
        (format!("in place of {file:?}"), attack)
    }));
}

/// What becomes of a file.
type Damage = fn(&[u8]) -> Vec<u8>;

/// A damaged zip beside a whole folder: go builds from the folder, and so does gox while nobody can be asked.
#[test]
fn damage_that_go_does_not_notice_is_not_made_worse() {
    let damages: [(&str, Damage); 4] = [
        ("empty", |_| vec![]),
        ("zeros", |bytes| vec![0; bytes.len()]),
        ("half", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("one bit", |bytes| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }),
    ];
    let files: [&[&str]; 6] =
        [&["zip"], &["ziphash"], &["info"], &["zip", "ziphash"], &["zip", "info"], &["mod", "info"]];
    let all = damages.iter().flat_map(|d| files.iter().map(move |f| (*d, *f)));
    each(all.map(|((name, damage), files)| {
        let attack = move |relay: &str| {
            let lab = Lab::new().modules(2).start();

            let pair = both(&lab, relay, &["build", "-o", "program", "."], || {
                lab.heal();
                let project = Project::new(&lab).env("GOX_BUDGET", "1s").shared_build_cache();
                project.go(["mod", "download"]).run().success();
                for file in files {
                    let path = project.cached(&format!("example.test/m000/@v/v1.0.0.{file}"));
                    let whole = fs::read(&path).expect("a file of the cache");
                    fs::write(&path, damage(&whole)).expect("a file of the cache");
                }
                lab.also(Fault::Status(503), always());
                project
            });
            if pair.plain.code() == Some(0) {
                pair.ended_alike();
            }
            // Once somebody can be asked again, gox's cache works at least as well as go's.
            lab.heal();
            let works = |project: &Project| {
                let outcome = project.go(["mod", "download"]).run();
                (outcome.code(), project.go(["build", "-o", "program", "."]).run().code())
            };
            let (after_go, after_gox) = (works(&pair.plain_project), works(&pair.our_project));
            let rank = |(a, b): (Option<i32>, Option<i32>)| (a == Some(0), b == Some(0));
            let (go, gox) = (rank(after_go), rank(after_gox));
            assert!(gox.0 >= go.0 && gox.1 >= go.1, "relay={relay}: {go:?} {gox:?}\n{}", pair.ours);
        };
        (format!("{files:?} {name}"), attack)
    }));
}

/// A proxy that keeps a broken file is the proxy's trouble; the cache is not to blame.
#[test]
fn a_file_that_is_broken_at_the_proxy_is_not_the_caches_fault() {
    each(["info$"].map(|file| {
        let attack = move |relay: &str| {
            let path = format!("m000.*{file}");
            let lab = Lab::new().modules(2).fault(Fault::ShortWithRightLength, always().path(&path)).start();
            let pair = both(&lab, relay, &["mod", "download"], || Project::new(&lab).env("GOX_BUDGET", "1s"));
            pair.ended_alike();
            assert!(!pair.ours.remedies().iter().any(|r| r.starts_with("evict:")), "{}", pair.ours);
            assert!(!pair.ours.said().iter().any(|line| line.contains("cache-corrupt")), "{}", pair.ours);
        };
        (format!("{file:?}"), attack)
    }));
}
