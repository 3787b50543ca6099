//! Many gox at once on one module cache and one state folder, and the main scenarios with every go release.

use crate::harness::{Project, WatchedGo, remove_all};
use crate::lab::{Entry, Fault, Lab, Place, always, first, first_of_each, rate};
use std::fs;

#[test]
fn sixteen_at_once_on_one_module_cache() {
    let lab = Lab::new()
        .modules(12)
        .size(20_000)
        .entry(Entry::plain())
        .entry(Entry::plain())
        .faults(&[Fault::Eof, Fault::Status(502), Fault::EofInBody, Fault::Alter, Fault::Html], rate(0.15))
        .start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GOX_ATTEMPTS", "8");
    let runs: Vec<_> = (0..16).map(|_| project.gox(["mod", "download"]).start()).collect();
    for run in runs {
        run.wait().success();
    }
    assert!(lab.requests().iter().filter(|r| r.fault.is_some()).count() > 3, "a bad day");
    let verify = project.go(["mod", "verify"]).run().success();
    assert_eq!(verify.out(), "all modules verified\n");
}

#[test]
fn many_at_once_cure_one_damaged_module_cache() {
    let lab = Lab::new().modules(4).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never");
    project.go(["mod", "download"]).run().success();
    for n in 0..4 {
        let zip = project.cached(&format!("example.test/m{n:03}/@v/v1.0.0.zip"));
        let bytes = fs::read(&zip).expect("a zip of the cache");
        fs::remove_file(&zip).expect("a zip of the cache");
        fs::write(&zip, &bytes[..bytes.len() / 2]).expect("a file of ours");
        remove_all(&project.module_cache().join(format!("example.test/m{n:03}@v1.0.0")));
    }
    let runs: Vec<_> = (0..8).map(|_| project.gox(["mod", "download"]).start()).collect();
    for run in runs {
        run.wait().success();
    }
    project.go(["mod", "verify"]).run().success();
}

#[test]
fn sixty_four_on_one_state_folder() {
    let lab = Lab::new()
        .module_host("github.com/lib")
        .modules(1)
        .entry(Entry::closed())
        .entry(Entry::plain())
        .start();
    let project = Project::new(&lab);
    // Each has a module cache of its own, and so a fault to remember.
    let runs: Vec<_> = (0..64)
        .map(|n| {
            let cache = project.module_cache().join(n.to_string());
            project.gox(["mod", "download"]).env("GOMODCACHE", cache).start()
        })
        .collect();
    for run in runs {
        run.wait().success();
    }
    let health = fs::read(project.state().join("health.json")).expect("what was learned");
    let health: serde_json::Value = serde_json::from_slice(&health).expect("JSON");
    assert!(health["upstreams"][lab.url(0)]["dead"] == true, "{health}");
    let journals: Vec<_> = fs::read_dir(project.state())
        .expect("the state folder")
        .flatten()
        .filter(|e| e.path().extension().is_some_and(|x| x == "jsonl"))
        .collect();
    let mut noted = 0;
    for file in journals {
        for line in fs::read_to_string(file.path()).expect("text").lines() {
            serde_json::from_str::<serde_json::Value>(line).expect("one whole JSON object a line");
            noted += 1;
        }
    }
    assert_eq!(noted, 64, "each met the network");
}

// The names begin with `release_`: these run with every go release.

#[test]
fn release_rates_of_faults_are_survived() {
    for fault in [Fault::Eof, Fault::Reset, Fault::EofInBody, Fault::Status(502), Fault::Alter, Fault::Html] {
        let lab = Lab::new().modules(20).fault(fault, rate(0.15)).start();
        let project = Project::new(&lab).env("GOX_RELAY", "never").env("GOX_ATTEMPTS", "8");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert!(outcome.attempts() > 1, "{fault:?}\n{outcome}");
        assert!(lab.wasted().is_empty(), "{:?}\n{outcome}", lab.wasted());
    }
    let lab = Lab::new().modules(20).entry(Entry::tls()).fault(Fault::RstStream, rate(0.1)).start();
    Project::new(&lab).env("GOX_RELAY", "never").gox(["mod", "download"]).run().success();
}

#[test]
fn release_tidy_and_build_get_through() {
    let faults = [Fault::Eof, Fault::Status(503), Fault::EofInBody];
    let lab = Lab::new().modules(6).chain().sumdb().faults(&faults, rate(0.15).at(Place::Anywhere)).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").no_file("go.sum").shared_build_cache();
    project.gox(["mod", "tidy"]).env("GOX_ATTEMPTS", "8").run().success();
    assert_eq!(fs::read_to_string(project.dir().join("go.sum")).expect("go.sum"), lab.go_sum());
    project.clear_module_cache();
    project.gox(["build", "-o", "program", "."]).env("GOX_ATTEMPTS", "8").run().success();
}

#[test]
fn release_dead_and_silent_proxies_are_left() {
    let mut dead = vec![Entry::closed(), Entry::unresolvable(), Entry::untrusted_tls()];
    while let Some(entry) = dead.pop() {
        let lab = Lab::new().module_host("github.com/lib").entry(entry).entry(Entry::plain()).start();
        let outcome = Project::new(&lab).env("GOX_RELAY", "never").gox(["mod", "download"]).run().success();
        assert_eq!(outcome.attempts(), 2, "{outcome}");
    }
    let lab = Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::plain())
        .entry(Entry::plain())
        .fault(Fault::Silence, always().proxy(0))
        .start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GOX_STALL", "1s");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(outcome.report()["attempts"][0]["stalled"], true, "{outcome}");
}

#[test]
fn release_a_confirmed_mismatch_ends_in_gos_words() {
    for fault in [Fault::AlterZipSame, Fault::AlterModSame] {
        let lab = Lab::new()
            .module_host("github.com/lib")
            .entry(Entry::plain())
            .entry(Entry::plain())
            .fault(fault, always().path("m001"))
            .start();
        let outcome = Project::new(&lab).env("GOX_RELAY", "never").gox(["mod", "download"]).run().exited(1);
        let outcome = outcome.says("SECURITY ERROR");
        assert_eq!((outcome.attempts(), outcome.said().join("").matches("h1:").count()), (2, 2), "{outcome}");
    }
}

#[test]
fn release_a_damaged_module_cache_is_cured() {
    for extension in ["mod", "ziphash", "zip"] {
        let lab = Lab::new().start();
        let project = Project::new(&lab).env("GOX_RELAY", "never");
        project.go(["mod", "download"]).run().success();
        let file = project.cached(&format!("example.test/m001/@v/v1.0.0.{extension}"));
        let text = if extension == "ziphash" { format!("h1:{}=", "A".repeat(43)) } else { "rubbish".into() };
        fs::remove_file(&file).expect("a file of the cache");
        fs::write(&file, text).expect("a file of ours");
        if extension == "zip" {
            remove_all(&project.module_cache().join("example.test/m001@v1.0.0"));
        }
        assert_ne!(project.go(["mod", "download"]).run().code(), Some(0));
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!(outcome.attempts(), 2, "{extension}\n{outcome}");
        assert_eq!(project.go(["mod", "verify"]).run().success().out(), "all modules verified\n");
    }
}

#[test]
fn release_a_private_module_is_found_at_its_origin() {
    let path = "git.corp/team/secret.git";
    let lab = Lab::new().sumdb().fault(Fault::Status(403), always().path("secret")).start();
    let go = WatchedGo::new();
    let go_mod = lab.go_mod().replace("require (\n", &format!("require (\n\t{path} v1.0.0\n"));
    let project = Project::new(&lab)
        .git_module(path)
        .file("go.mod", go_mod)
        .env("GOPROXY", format!("{},direct", lab.url(0)))
        .env("GOX_RELAY", "never")
        .with_go(&go.path());
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(outcome.remedies().contains(&format!("private:{path}")), "{outcome}");
    go.never_weakened(&lab.gosumdb());
}

#[test]
fn release_the_database_is_waited_for_and_believed() {
    let lab = Lab::new().sumdb().fault(Fault::Status(503), first(2).at(Place::Sumdb)).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").no_file("go.sum");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(outcome.attempts() > 1, "{outcome}");

    let lab = Lab::new().sumdb().fault(Fault::BadSignature, always().at(Place::Sumdb)).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").no_file("go.sum");
    let outcome = project.gox(["mod", "download"]).run().exited(1);
    assert_eq!(outcome.attempts(), 3, "{outcome}");
}

#[test]
fn release_a_nameless_zip_is_got_again() {
    let broken = first_of_each(1).path("m001.*zip$");
    for fault in [Fault::Html, Fault::ShortWithRightLength, Fault::Empty, Fault::AlterZipCrc] {
        let lab = Lab::new().fault(fault, broken.clone()).start();
        let project = Project::new(&lab).env("GOX_RELAY", "never");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!(outcome.report()["recovered"], true, "{fault:?}\n{outcome}");
    }
}
