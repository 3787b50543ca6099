//! gox gets through what ends plain go.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, When, always, first_of_each, nth, outage, rate};
use std::time::Duration;

/// `gox mod download` through a lab; nothing that go already has may be asked for again.
#[track_caller]
fn download(lab: Lab) -> Outcome {
    download_with(lab, "auto")
}

/// The same with this value of `fill`.
#[track_caller]
fn download_with(lab: Lab, fill: &str) -> Outcome {
    let lab = lab.start();
    let outcome = Project::new(&lab).env("GOX_FILL", fill).gox(["mod", "download"]).run().success();
    assert!(lab.wasted().is_empty(), "asked again: {:?}\n{outcome}", lab.wasted());
    outcome
}

fn lab(entry: Entry, modules: usize, fault: Fault, when: When) -> Lab {
    Lab::new().modules(modules).entry(entry).fault(fault, when)
}

#[test]
fn every_fault_that_happens_once_is_survived() {
    let plain = [
        Fault::Eof,
        Fault::EofInHeaders,
        Fault::EofInBody,
        Fault::Reset,
        Fault::ResetInBody,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::RateLimited(1),
        Fault::Html,
        Fault::ShortChunked,
        Fault::AlterZipCrc,
        Fault::AlterZip,
        Fault::AlterMod,
        Fault::ShortWithRightLength,
        Fault::ShortChunkedEnded,
        Fault::Empty,
        Fault::Garbage,
    ];
    for fault in plain {
        for file in ["zip$", "mod$"] {
            let fault_fits = !matches!(
                (fault, file),
                (Fault::AlterZip | Fault::AlterZipCrc, "mod$") | (Fault::AlterMod, "zip$")
            );
            if fault_fits {
                let lab = lab(Entry::plain(), 3, fault, first_of_each(1).path(file).times(1));
                let outcome = download_with(lab.clone(), "off");
                assert!(outcome.attempts() >= 2, "{fault:?} {file} did not hit\n{outcome}");
                assert_eq!(outcome.report()["recovered"], true, "{fault:?}\n{outcome}");
                // The fill and the relay cure it before go sees it.
                let outcome = download(lab);
                assert_eq!(outcome.attempts(), 1, "{fault:?} {file}\n{outcome}");
                assert_eq!(outcome.report()["fetch"]["cured"], 1, "{fault:?} {file} did not hit\n{outcome}");
            }
        }
    }
    for fault in [Fault::RstStream, Fault::RstStreamInBody, Fault::GoAway] {
        download(lab(Entry::tls(), 3, fault, nth(3)));
    }
}

#[test]
fn a_mismatch_that_only_the_relay_saw_is_told_even_quietly() {
    let lab = lab(Entry::plain(), 3, Fault::AlterMod, first_of_each(1).path("mod$").times(1)).start();
    let run = Project::new(&lab).gox(["--relay", "always", "--verbosity", "quiet", "mod", "download"]).run();
    let outcome = run.success();
    assert_eq!(outcome.attempts(), 1, "{outcome}");
    assert!(outcome.err().contains("gox: a checksum mismatch of example.test/m0"), "{outcome}");
}

#[test]
fn rates_of_faults_are_survived() {
    for (fault, share) in [
        (Fault::Eof, 0.05),
        (Fault::Eof, 0.2),
        (Fault::Status(502), 0.1),
        (Fault::RateLimited(0), 0.1),
        (Fault::Alter, 0.05),
        (Fault::Html, 0.05),
    ] {
        download(lab(Entry::plain(), 100, fault, rate(share)));
    }
    download(lab(Entry::tls(), 100, Fault::RstStream, rate(0.05)));
}

#[test]
fn a_first_proxy_that_is_out_of_service_is_left() {
    let dead = [Entry::closed(), Entry::unresolvable(), Entry::untrusted_tls()];
    for entry in dead {
        let lab = Lab::new().entry(entry.clone()).entry(Entry::plain());
        let outcome = download_with(lab.clone(), "off");
        assert_eq!(outcome.attempts(), 2, "{entry:?}\n{outcome}");
        let outcome = download(lab);
        assert_eq!(outcome.attempts(), 1, "{entry:?}\n{outcome}");
    }
    let public = |name| Entry::tls().named(name);
    let refusing = Lab::new()
        .entry(public("proxy.golang.org"))
        .entry(public("goproxy.io"))
        .fault(Fault::Status(403), always().proxy(0));
    let outcome = download_with(refusing, "off");
    assert!(outcome.remedies().contains(&"relay".to_owned()), "{outcome}");
}

#[test]
fn behind_a_dead_http_proxy_the_next_of_the_list_gives_every_file() {
    let lab = Lab::new().modules(60).entry(Entry::plain()).start();
    // Loopback is never asked through an HTTP proxy.
    let list = format!("http://first.example.test|{}", lab.goproxy());
    let project = Project::new(&lab).env("GOPROXY", list).env("HTTP_PROXY", "http://127.0.0.1:1");
    let outcome = project.gox(["--relay", "always", "mod", "download"]).run().success();
    assert_eq!(outcome.attempts(), 1, "{outcome}");
}

#[test]
fn a_silent_first_proxy_is_left() {
    let lab = Lab::new()
        .entry(Entry::plain())
        .entry(Entry::plain())
        .fault(Fault::Silence, always().proxy(0))
        .start();
    let project = Project::new(&lab).env("GOX_FILL", "off");
    let outcome = project.gox(["mod", "download"]).env("GOX_STALL", "2s").run().success();
    assert!(outcome.report()["attempts"][0]["stalled"] == true, "{outcome}");
}

#[test]
fn a_black_holed_first_proxy_costs_seconds_and_is_remembered() {
    let lab = Lab::new().entry(Entry::blackhole()).entry(Entry::plain()).start();
    let project = Project::new(&lab);
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(outcome.elapsed < Duration::from_secs(15), "go alone waits 30 s\n{outcome}");
    project.clear_module_cache();
    let again = project.gox(["mod", "download"]).run().success();
    assert_eq!(again.attempts(), 1, "{again}");
}

#[test]
fn an_outage_that_ends_is_waited_for() {
    let lab = Lab::new().fault(Fault::Status(503), outage(Duration::from_secs(4))).start();
    let outcome = Project::new(&lab)
        .gox(["mod", "download"])
        .env("GOX_FILL", "off")
        .env("GOX_BACKOFF_BASE", "2s")
        .env("GOX_BACKOFF_MAX", "4s")
        .env("GOX_ATTEMPTS", "12")
        .run()
        .success();
    assert!(outcome.attempts() > 1);
}

/// A lone proxy out of service, in several forms, for longer than any few attempts last.
#[test]
fn a_host_that_answers_nobody_is_waited_for() {
    for (fault, fill) in [
        (Fault::Status(503), "auto"),
        (Fault::Status(503), "off"),
        (Fault::Eof, "auto"),
        (Fault::Silence, "auto"),
    ] {
        let length = Duration::from_secs(3);
        let lab = Lab::new().modules(12).fault(fault, outage(length)).start();
        let project = Project::new(&lab).env("GOX_FILL", fill).env("GOX_BACKOFF_BASE", "200ms");
        let outcome = project.gox(["mod", "download"]).env("GOX_ATTEMPTS", "none").run().success();
        assert!(outcome.elapsed >= length, "{fault:?} {fill}\n{outcome}");
        // One question asks for all who wait.
        assert!(lab.requests().len() < 200, "{} requests\n{outcome}", lab.requests().len());
    }
}

#[test]
fn an_outage_that_does_not_end_ends_with_the_budget() {
    for relay in ["auto", "never"] {
        for fault in [Fault::Status(503), Fault::Eof, Fault::Silence] {
            let lab = Lab::new().modules(12).fault(fault, always()).start();
            let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_BUDGET", "4s");
            let outcome = project.gox(["mod", "download"]).env("GOX_RELAY", relay).run().exited(1);
            assert!(outcome.elapsed >= Duration::from_secs(4), "{fault:?} {relay}\n{outcome}");
            // One silence as long as the budget, and not one for each file that waits; the rest is for a busy machine.
            assert!(outcome.elapsed < Duration::from_secs(20), "{fault:?} {relay}\n{outcome}");
            assert!(lab.requests().len() < 100, "{} requests\n{outcome}", lab.requests().len());
            outcome.says("budget");
        }
    }
}

/// However long a wait was decided on, it ends soon after the host is back: one that takes no connection is tried
/// for that, one that takes them is asked.
#[test]
fn a_long_wait_ends_once_the_host_is_back() {
    let away = Duration::from_secs(3);
    let labs = [
        Lab::new().modules(4).entry(Entry::closed_for(away)),
        Lab::new().modules(4).fault(Fault::Status(503), outage(away)),
    ];
    for lab in labs {
        let lab = lab.start();
        let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_RELAY", "never");
        // Jitter only shortens: one wait in a hundred would be short enough by chance.
        let project =
            project.env("GOX_BUDGET", "1h").env("GOX_BACKOFF_BASE", "1h").env("GOX_BACKOFF_MAX", "1h");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert!(outcome.elapsed < Duration::from_secs(40), "{outcome}");
    }
}

/// A host that answers some questions is not away: what it fails with is asked for again in the usual time.
#[test]
fn a_host_that_answers_is_not_pressed() {
    let lab = Lab::new().modules(3).fault(Fault::Status(503), always().path("zip$")).start();
    let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_RELAY", "never");
    let project = project.env("GOX_BUDGET", "8s").env("GOX_BACKOFF_BASE", "2s").env("GOX_BACKOFF_MAX", "2s");
    let outcome = project.gox(["mod", "download"]).run().exited(1).silent_about("still does not answer");
    assert!(outcome.attempts() < 24, "{outcome}");
}

/// Who waited in vain tells those who come after it.
#[test]
fn the_runs_after_one_that_waited_in_vain_wait_less() {
    let lab = Lab::new().modules(3).fault(Fault::Status(503), always()).start();
    let project = Project::new(&lab).without("GOX_ATTEMPTS");
    project.gox(["--budget", "11s", "mod", "download"]).run().exited(1).says("budget");
    let next = project.gox(["mod", "download"]).run().exited(1).says("waited for the same in vain");
    assert!(next.elapsed < Duration::from_secs(60), "the budget is five minutes where nobody waited\n{next}");
    // What a user says holds everywhere.
    let more = project.gox(["--budget", "12s", "mod", "download"]).run().exited(1);
    assert!(more.elapsed >= Duration::from_secs(12), "{more}");
    lab.heal();
    project.gox(["mod", "download"]).run().success();
}

/// What is asked for through an HTTP proxy waits for that as for a host of its own.
#[test]
fn an_http_proxy_that_is_away_is_waited_for() {
    for relay in ["auto", "never"] {
        let length = Duration::from_secs(6);
        let named = Entry::tls().named("proxy.example.test");
        let lab = Lab::new().modules(8).entry(named).http_proxy_away(length).start();
        let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_RELAY", relay);
        let outcome = project.gox(["mod", "download"]).run().success();
        assert!(outcome.elapsed >= Duration::from_secs(5), "{relay}\n{outcome}");
        assert!(outcome.attempts() <= 3, "{relay}: go is run again once it is back\n{outcome}");
    }
}

/// Without a relay a host that answers nobody is asked by gox alone, for one file, until it does.
#[test]
fn go_is_not_run_again_before_the_host_answers() {
    let lab = Lab::new().modules(12).fault(Fault::Status(503), outage(Duration::from_secs(6))).start();
    let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_RELAY", "never");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(outcome.attempts() <= 3, "{outcome}");
    outcome.says("still does not answer");
}

#[test]
fn tidy_get_build_and_list_get_through_a_chain() {
    let lab = Lab::new().modules(12).chain().fault(Fault::Eof, rate(0.1)).start();
    let project = Project::new(&lab).no_file("go.sum").shared_build_cache();
    project.gox(["mod", "tidy"]).run().success();
    assert_eq!(std::fs::read_to_string(project.dir().join("go.sum")).unwrap(), lab.go_sum());
    project.gox(["build", "-o", "program", "."]).run().success();
    let list = project.gox(["list", "-m", "all"]).run().success();
    assert_eq!(list.out().lines().count(), 13);
    project.gox(["get", "example.test/m000@v1.0.0"]).run().success();
}
