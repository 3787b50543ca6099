//! Where go is quick to fail and waiting cures nothing, gox asks again a few times and says so.

use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Running, always};
use std::collections::BTreeMap;

/// Requests that a host hears of one name at most: three tries of the relay in each of two attempts, for each of
/// the two paths that may be its module.
const FEW: usize = 12;

/// A project that needs nothing yet.
fn bare(lab: &Running) -> Project {
    Project::without_files(lab)
        .file("go.mod", "module example.test/main\n\ngo 1.21\n")
        .without("GOX_ATTEMPTS")
}

#[test]
fn what_may_be_mistyped_is_asked_for_in_two_attempts() {
    let mistyped = "example.test/mistyped";
    let at = |suffix: &str| format!("{mistyped}{suffix}");
    let commands: [&[String]; 4] = [
        &["get".into(), at("")],
        &["get".into(), at("@v1.2.3")],
        &["list".into(), "-m".into(), "-versions".into(), at("")],
        &["mod".into(), "download".into(), at("@latest")],
    ];
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Html, Fault::Eof] {
        for command in commands {
            let lab = Lab::new().modules(2).entry(Entry::plain()).fault(fault, always()).start();
            let outcome = bare(&lab).gox(command).run();
            assert_eq!(outcome.code(), Some(1), "{fault:?} {command:?}\n{outcome}");
            assert_eq!(outcome.attempts(), 2, "{fault:?} {command:?}\n{outcome}");
            let heard = lab.requests().len();
            assert!(heard <= FEW, "{fault:?} {command:?}: {heard} requests\n{outcome}");
        }
    }
    for entry in [Entry::closed(), Entry::unresolvable()] {
        for command in commands {
            let lab = Lab::new().entry(entry.clone()).start();
            let outcome = bare(&lab).gox(command).run();
            assert_eq!(outcome.attempts(), 2, "{entry:?} {command:?}\n{outcome}");
        }
    }
}

/// How often each path that ends so was asked for.
fn heard(lab: &Running, ending: &str) -> BTreeMap<String, usize> {
    let mut heard = BTreeMap::new();
    let asked = lab.requests().into_iter().filter(|seen| seen.path.ends_with(ending));
    asked.for_each(|seen| *heard.entry(seen.path).or_insert(0) += 1);
    heard
}

/// As many requests as a file may cost that is certain to be nonsense: asked for while it may pass, and twice in each
/// attempt after that.
const CERTAIN: usize = 16;

#[test]
fn nonsense_in_place_of_every_zip_is_certain_after_a_while() {
    for fault in [Fault::Html, Fault::Empty] {
        let lab = Lab::new().modules(12).entry(Entry::plain()).fault(fault, always().path(r"\.zip$")).start();
        let mut project = Project::new(&lab);
        for dial in ["GOX_ATTEMPTS", "GOX_BACKOFF_BASE", "GOX_BACKOFF_MAX"] {
            project = project.without(dial);
        }
        let outcome = project.gox(["mod", "download"]).run().exited(1);
        // The budget of minutes is for those who are away.
        let spent = outcome.report()["elapsed_ms"].as_u64().unwrap_or(u64::MAX);
        assert!(spent < 60_000, "{fault:?}: {spent} ms\n{outcome}");
        assert!(outcome.attempts() <= 4, "{fault:?}\n{outcome}");
        let heard = heard(&lab, ".zip");
        assert!(heard.values().all(|times| *times <= CERTAIN), "{fault:?}: {heard:?}\n{outcome}");
    }
}

#[test]
fn a_hash_that_stays_wrong_is_found_in_three_downloads_however_its_zip_is_packed() {
    for fault in [Fault::AlterZipSame, Fault::RepackedZip] {
        let wrong = always().path(r"m003/@v/.*\.zip$");
        let lab = Lab::new().modules(8).entry(Entry::plain()).fault(fault, wrong).start();
        let outcome = Project::new(&lab).without("GOX_ATTEMPTS").gox(["mod", "download"]).run().exited(1);
        assert_eq!(outcome.attempts(), 1, "{fault:?}\n{outcome}");
        assert_eq!(heard(&lab, "m003/@v/v1.0.0.zip").into_values().sum::<usize>(), 3, "{fault:?}\n{outcome}");
        outcome.says("SECURITY ERROR").says("3 separate downloads of example.test/m003@v1.0.0");
    }
}

#[test]
fn redirects_in_circles_are_walked_twice() {
    // go follows ten.
    let walk = 11;
    for (relay, path, attempts) in
        [("auto", r"\.zip$", 1), ("auto", "", 1), ("never", r"\.zip$", 2), ("never", "", 2)]
    {
        let circle = always().path(path);
        let lab = Lab::new().modules(4).entry(Entry::plain()).fault(Fault::RedirectLoop, circle).start();
        let project = Project::new(&lab).without("GOX_ATTEMPTS").env("GOX_RELAY", relay);
        let outcome = project.gox(["mod", "download"]).run().exited(1).says("stopped after 10 redirects");
        assert_eq!(outcome.attempts(), attempts, "{relay} {path}\n{outcome}");
        let heard = heard(&lab, "");
        assert!(heard.values().all(|times| *times <= 2 * walk), "{relay} {path}: {heard:?}\n{outcome}");
    }
    // Another who may be asked does not go round.
    let lab = Lab::new()
        .modules(4)
        .entry(Entry::plain().pipe())
        .entry(Entry::plain())
        .fault(Fault::RedirectLoop, always().proxy(0))
        .start();
    for relay in ["auto", "never"] {
        Project::new(&lab).env("GOX_RELAY", relay).gox(["mod", "download"]).run().success();
    }
}

#[test]
fn a_host_that_serves_others_is_worth_more_attempts() {
    // Three of ten answers fail, and what it served before is worth more tries.
    let lab =
        Lab::new().modules(8).entry(Entry::plain()).fault(Fault::Status(500), crate::lab::rate(0.3)).start();
    let project = bare(&lab);
    for module in 0..4 {
        project.gox(["get", &format!("example.test/m00{module}@latest")]).run().success();
    }
}
