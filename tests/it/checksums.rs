//! Wrong bytes: chance and damage on the way are got through, a mismatch that a second download confirms
//! ends in go's own words, and no check is ever turned down.

use crate::harness::{Outcome, Project, WatchedGo};
use crate::lab::{Entry, Fault, Lab, Place, Running, always, first_of_each, rate};
use std::time::Duration;

fn project(lab: &Running) -> Project {
    Project::new(lab).env("GOX_RELAY", "never")
}

fn evictions(outcome: &Outcome) -> usize {
    outcome.remedies().iter().filter(|r| r.starts_with("evict:")).count()
}

/// go's last word, whole, and both hashes in gox's.
#[track_caller]
fn confirmed(outcome: Outcome, lab: &Running, module: usize) -> Outcome {
    let go_mod = outcome.err().contains("/go.mod: checksum mismatch");
    let sums = lab.modules()[module].go_sum();
    let line = sums.lines().nth(usize::from(go_mod)).expect("two lines");
    let want = line.rsplit(' ').next().expect("a hash");
    let outcome = outcome
        .exited(1)
        .says("SECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.")
        .says("For more information, see 'go help module-auth'.");
    let last = outcome.said().join("\n");
    assert!(last.contains("same wrong hash") && last.contains(want), "{outcome}");
    assert_eq!(last.matches("h1:").count(), 2, "both hashes are shown\n{outcome}");
    assert_eq!(evictions(&outcome), 0, "{outcome}");
    outcome
}

#[test]
fn a_file_altered_once_is_recovered_and_told_at_every_verbosity() {
    for (fault, file) in [(Fault::AlterZip, "m001.*zip$"), (Fault::AlterMod, "m001.*mod$")] {
        for verbosity in ["quiet", "normal", "verbose"] {
            let lab = Lab::new().fault(fault, first_of_each(1).path(file)).start();
            let outcome =
                project(&lab).gox(["mod", "download"]).env("GOX_VERBOSITY", verbosity).run().success();
            let told =
                outcome.said().iter().filter(|l| l.contains("mismatch of example.test/m001@v1.0.0")).count();
            assert_eq!(told, 1, "{verbosity}\n{outcome}");
            assert!(verbosity != "quiet" || outcome.said().len() == 1, "{outcome}");
            assert_eq!((outcome.attempts(), evictions(&outcome)), (2, 0), "{outcome}");
        }
    }
}

#[test]
fn a_proxy_that_sent_a_bad_copy_rests() {
    let lab = Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::plain())
        .entry(Entry::plain())
        .fault(Fault::AlterZipSame, always().proxy(0).path("m001"))
        .start();
    let outcome = project(&lab).gox(["mod", "download"]).run().success();
    assert_eq!(outcome.attempts(), 2, "{outcome}");
    assert!(outcome.remedies().contains(&format!("rotate:{}", lab.host(1))), "{outcome}");
    let asked = lab.requests();
    let zips = asked.iter().filter(|r| r.path.ends_with("m001/@v/v1.0.0.zip")).map(|r| r.place);
    let mut places: Vec<Place> = zips.collect();
    // go's words are looked into at the place of which they speak, and nowhere else.
    places.dedup();
    assert_eq!(places, [Place::Proxy(0), Place::Proxy(1)]);
}

#[test]
fn the_same_wrong_hash_from_two_proxies_is_confirmed() {
    for fault in [Fault::AlterZipSame, Fault::AlterModSame] {
        let lab = Lab::new()
            .module_host("github.com/lib")
            .entry(Entry::plain())
            .entry(Entry::plain())
            .fault(fault, always().path("m001"))
            .start();
        for verbosity in ["quiet", "normal"] {
            let project = project(&lab);
            let outcome = project.gox(["mod", "download"]).env("GOX_VERBOSITY", verbosity).run();
            let outcome = confirmed(outcome, &lab, 1);
            assert_eq!(outcome.attempts(), 2, "{outcome}");
            let go_sum = std::fs::read_to_string(project.dir().join("go.sum")).expect("go.sum");
            assert_eq!(go_sum, lab.go_sum(), "go.sum is nobody's to change");
            // What was good is kept.
            lab.heal();
            lab.forget();
            project.go(["mod", "download"]).run().success();
            assert!(lab.wasted().is_empty(), "{:?}", lab.wasted());
            lab.also(fault, always().path("m001"));
        }
    }
}

#[test]
fn a_lone_proxy_that_is_always_wrong_is_asked_again_after_a_while_and_then_believed() {
    let lab = Lab::new().fault(Fault::AlterZipSame, always().path("m001")).start();
    let outcome = confirmed(project(&lab).gox(["mod", "download"]).run(), &lab, 1);
    let zips = lab.requests().iter().filter(|r| r.path.ends_with("m001/@v/v1.0.0.zip")).count();
    assert!((3..=6).contains(&zips), "{zips} downloads\n{outcome}");
    let waits = outcome.remedies().iter().filter(|r| r.starts_with("wait:")).count();
    assert!(waits + 1 >= zips - 1, "attempts are spaced\n{outcome}");
}

#[test]
fn the_relay_confirms_a_mismatch_by_three_downloads_and_its_word_is_final() {
    for fault in [Fault::AlterZipSame, Fault::AlterModSame] {
        let lab = Lab::new().fault(fault, always().path("m001")).start();
        let project = Project::new(&lab).env("GOX_RELAY", "always").env("GOX_VERBOSITY", "quiet");
        let outcome = confirmed(project.gox(["mod", "download"]).run(), &lab, 1);
        let file = if fault == Fault::AlterZipSame { "m001/@v/v1.0.0.zip" } else { "m001/@v/v1.0.0.mod" };
        let asked: Vec<_> = lab.requests().into_iter().filter(|r| r.path.ends_with(file)).collect();
        assert_eq!((asked.len(), outcome.attempts()), (3, 1), "{outcome}");
        assert!(asked[2].at - asked[0].at >= Duration::from_secs(2), "{outcome}");
    }
}

#[test]
fn a_file_that_is_damaged_at_the_proxy_is_the_proxys() {
    let lab = Lab::new().fault(Fault::AlterZipCrc, always().path("m001")).start();
    let outcome = Project::new(&lab).env("GOX_RELAY", "always").gox(["mod", "download"]).run().exited(1);
    let words = format!("{} sends a damaged example.test/m001@v1.0.0: ", lab.host(0));
    assert_eq!(outcome.said().iter().filter(|line| line.contains(&words)).count(), 1, "{outcome}");
    assert_eq!((outcome.attempts(), evictions(&outcome)), (1, 0), "{outcome}");
    assert!(!outcome.causes().contains(&"cache-corrupt".to_owned()), "{outcome}");
}

#[test]
fn a_login_page_from_everybody_is_no_mismatch_of_one_module() {
    for proxies in 1..=2 {
        let lab =
            (0..proxies).fold(Lab::new().module_host("github.com/lib"), |lab, _| lab.entry(Entry::plain()));
        let lab = lab.fault(Fault::Html, always().path("mod$")).start();
        let outcome = project(&lab).gox(["mod", "download"]).run().exited(1).says("SECURITY ERROR");
        assert!(!outcome.said().join("\n").contains("same wrong hash"), "{outcome}");
    }
}

#[test]
fn bytes_altered_differently_each_time_are_damage_on_the_way() {
    for seed in 1..=3 {
        let lab = Lab::new().modules(10).seed(seed).fault(Fault::Alter, rate(0.3)).start();
        let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ATTEMPTS", "8").run().success();
        assert!(lab.wasted().is_empty(), "{outcome}");
    }
}

#[test]
fn a_login_page_in_place_of_modules_is_waited_out() {
    // The page has one hash, whatever module it stands for: no sign of an altered module.
    let page = first_of_each(2).path("mod$");
    let lab = Lab::new().modules(6).fault(Fault::Html, page).start();
    let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ATTEMPTS", "20").run().success();
    assert!(outcome.attempts() >= 3, "{outcome}");
}

#[test]
fn a_wrong_hash_of_ones_own_proxy_is_not_taken_to_a_public_one() {
    let lab = Lab::new()
        .entry(Entry::plain())
        .entry(Entry::tls().named("proxy.golang.org"))
        .fault(Fault::AlterZipSame, always().proxy(0).path("m001"))
        .start();
    let outcome = confirmed(project(&lab).gox(["mod", "download"]).run(), &lab, 1);
    let elsewhere: Vec<_> = lab.requests().into_iter().filter(|r| r.place != Place::Proxy(0)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}\n{outcome}");
}

#[test]
fn what_the_database_contradicts_is_not_passed() {
    let lab = Lab::new().sumdb().sumdb_lies_about("example.test/m001").start();
    let go = WatchedGo::new();
    let project = project(&lab).no_file("go.sum").with_go(&go.path());
    project.gox(["mod", "download"]).run().exited(1).says("SECURITY ERROR").says("checksum mismatch");
    go.never_weakened(&lab.gosumdb());
}

#[test]
fn no_attempt_is_given_less_checking() {
    let faults =
        [Fault::Alter, Fault::Eof, Fault::Html, Fault::Status(503), Fault::Status(403), Fault::RstStream];
    for (seed, fault) in faults.into_iter().enumerate() {
        let lab = Lab::new()
            .modules(5)
            .seed(seed as u64)
            .sumdb()
            .entry(Entry::tls())
            .entry(Entry::tls())
            .fault(fault, rate(0.4).at(Place::Anywhere))
            .start();
        let go = WatchedGo::new();
        let project = project(&lab).no_file("go.sum").with_go(&go.path());
        // How it ends is not the point here.
        project.gox(["mod", "download"]).run();
        assert!(!go.runs().is_empty());
        for run in go.runs() {
            assert_eq!(run.var("GOPRIVATE"), "", "{run:?}");
        }
        go.never_weakened(&lab.gosumdb());
    }
}
