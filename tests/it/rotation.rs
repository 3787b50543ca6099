//! Where the next attempt asks, how long it waits, and when gox has done enough.

use crate::harness::{Outcome, Project, WatchedGo};
use crate::lab::{Entry, Fault, Lab, Place, Running, always, first, first_of_each};
use std::time::Duration;

fn project(lab: &Running) -> Project {
    // Nobody else's mirrors: tests that want some name them.
    Project::new(lab).env("GOX_RELAY", "never").env("GOX_MIRRORS", "none")
}

fn download(project: &Project) -> Outcome {
    project.gox(["mod", "download"]).run()
}

fn asked(lab: &Running, index: usize) -> usize {
    lab.requests().iter().filter(|r| r.place == Place::Proxy(index)).count()
}

fn two(first: Entry, second: Entry, fault: Fault) -> Running {
    // A list is one for all modules: without the fetcher only names that everybody may hear cross.
    Lab::new()
        .module_host("github.com/lib")
        .entry(first)
        .entry(second)
        .fault(fault, always().proxy(0))
        .start()
}

#[test]
fn a_comma_between_two_of_a_kind_is_crossed_as_rotate_says() {
    for fault in [Fault::Status(503), Fault::Eof, Fault::Html] {
        for (rotate, crosses) in [("listed", true), ("go", false), ("never", false)] {
            let lab = two(Entry::plain(), Entry::plain(), fault);
            let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ROTATE", rotate).run();
            assert_eq!(outcome.code() == Some(0), crosses, "{rotate} {fault:?}\n{outcome}");
            assert_eq!(asked(&lab, 1) > 0, crosses, "{rotate} {fault:?}\n{outcome}");
        }
    }
    let public = |name| Entry::tls().named(name);
    let lab = two(public("proxy.golang.org"), public("goproxy.io"), Fault::Status(503));
    download(&project(&lab)).success();
}

#[test]
fn a_pipe_is_crossed_by_go_itself() {
    for rotate in ["listed", "go", "never"] {
        let lab = two(Entry::plain().pipe(), Entry::tls().named("proxy.golang.org"), Fault::Status(503));
        let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ROTATE", rotate).run().success();
        assert_eq!((outcome.attempts(), outcome.said().len()), (1, 0), "{outcome}");
    }
}

#[test]
fn a_pipe_is_crossed_for_what_go_takes_for_an_answer() {
    // go has got its answer, a page, and goes nowhere else with it.
    let page = || two(Entry::plain().pipe(), Entry::tls().named("proxy.golang.org"), Fault::Html);
    for (rotate, crosses) in [("listed", true), ("go", true), ("never", false)] {
        let lab = page();
        let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ROTATE", rotate).run();
        assert_eq!(outcome.code() == Some(0), crosses, "{rotate}\n{outcome}");
    }
}

#[test]
fn an_outage_of_ones_own_proxy_stays_one() {
    for fault in [Fault::Status(503), Fault::Eof, Fault::Html, Fault::Status(403)] {
        let lab = two(Entry::plain(), Entry::tls().named("proxy.golang.org"), fault);
        let go = WatchedGo::new();
        let list = format!("{},direct", lab.goproxy());
        let project = project(&lab).env("GOPROXY", &list).with_go(&go.path());
        let outcome = download(&project).exited(1);
        assert_eq!(asked(&lab, 1), 0, "{fault:?}\n{outcome}");
        for run in go.runs() {
            assert_eq!(run.var("GOPROXY"), list, "{outcome}");
        }
        let more = format!("GOPROXY='{}|https://proxy.golang.org|direct'", lab.url(0));
        // A page in place of a module ends in go's words on hashes, and gox has none to add; a refusal
        // is obeyed, and no line opens it.
        let told = outcome.said().iter().any(|l| l.contains(&more));
        match fault {
            Fault::Html => {}
            Fault::Status(403) => assert!(!told, "{outcome}"),
            _ => assert!(told, "the line that would allow more\n{outcome}"),
        }
    }
}

#[test]
fn an_outage_is_not_taken_to_the_origin() {
    let lab = Lab::new().fault(Fault::Status(503), always()).start();
    let list = format!("{},direct", lab.goproxy());
    let go = WatchedGo::new();
    let project = project(&lab).env("GOPROXY", &list).with_go(&go.path());
    download(&project).exited(1);
    assert!(go.runs().iter().all(|run| run.var("GOPROXY") == list), "{:?}", go.runs());
}

#[test]
fn off_is_obeyed() {
    let lab = Lab::new().fault(Fault::Status(503), first(2)).start();
    for list in ["off".to_owned(), format!("off,{}", lab.url(0))] {
        let outcome = download(&project(&lab).env("GOPROXY", list)).exited(1);
        assert_eq!(outcome.attempts(), 1, "{outcome}");
    }
    assert!(lab.requests().is_empty());
    let outcome = download(&project(&lab).env("GOPROXY", format!("{},off", lab.url(0)))).success();
    assert!(outcome.attempts() > 1, "{outcome}");

    let lab = two(Entry::plain(), Entry::plain(), Fault::Status(503));
    let list = format!("{},off,{}", lab.url(0), lab.url(1));
    download(&project(&lab).env("GOPROXY", list)).exited(1);
    assert_eq!(asked(&lab, 1), 0);
}

#[test]
fn an_entry_behind_direct_stays_there() {
    let public = |name| Entry::tls().named(name);
    let lab = two(public("proxy.golang.org"), public("goproxy.io"), Fault::Status(503));
    let list = format!("{},direct,{}", lab.url(0), lab.url(1));
    let outcome = download(&project(&lab).env("GOPROXY", list)).exited(1);
    assert_eq!(asked(&lab, 1), 0, "who stands behind `direct` is not put before it\n{outcome}");
}

#[test]
fn dead_proxies_in_the_middle_are_passed_over() {
    let lab = Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::plain())
        .entry(Entry::closed())
        .entry(Entry::unresolvable())
        .entry(Entry::untrusted_tls())
        .entry(Entry::plain())
        .fault(Fault::Status(503), always().proxy(0))
        .start();
    let outcome = project(&lab).gox(["mod", "download"]).env("GOX_ATTEMPTS", "6").run().success();
    assert!(outcome.attempts() <= 5, "{outcome}");
}

/// A public proxy that is down, and a mirror.
fn mirrored() -> Running {
    two(Entry::tls().named("proxy.golang.org"), Entry::tls().named("goproxy.cn"), Fault::Status(503))
}

fn with_mirrors(lab: &Running, list: &str) -> Project {
    // The checksum database of the lab would do, if one were asked: go.sum is whole.
    Project::new(lab)
        .env("GOX_RELAY", "never")
        .env("GOX_MIRRORS", "https://goproxy.cn")
        .env("GOPROXY", list)
        .env("GOSUMDB", "sum.golang.org")
}

#[test]
fn mirrors_come_last_and_are_announced() {
    let lab = mirrored();
    for list in ["https://proxy.golang.org", "https://proxy.golang.org,direct"] {
        let outcome = download(&with_mirrors(&lab, list)).success();
        let told = outcome.said().join("\n");
        assert!(
            told.contains("asking the mirror https://goproxy.cn (turn this off with GOX_MIRRORS=none)"),
            "{outcome}"
        );
        assert!(outcome.remedies().contains(&"rotate:goproxy.cn".to_owned()), "{outcome}");
    }
}

#[test]
fn mirrors_are_asked_only_where_they_may_be() {
    let corporate = |lab: &Running| with_mirrors(lab, &format!("https://proxy.golang.org,{}", lab.url(2)));
    let lab = Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::tls().named("proxy.golang.org"))
        .entry(Entry::tls().named("goproxy.cn"))
        .entry(Entry::plain())
        .fault(Fault::Status(503), always().proxy(0))
        .fault(Fault::Status(503), always().proxy(2))
        .start();
    let list = "https://proxy.golang.org";
    let cases = [
        ("none wanted", with_mirrors(&lab, list).env("GOX_MIRRORS", "none")),
        ("off in the list", with_mirrors(&lab, &format!("{list},off"))),
        ("no database", with_mirrors(&lab, list).env("GOSUMDB", "off")),
        ("rotate = go", with_mirrors(&lab, list).env("GOX_ROTATE", "go")),
        ("in CI, not by hand", with_mirrors(&lab, list).without("GOX_MIRRORS").env("CI", "true")),
        ("an entry of one's own", corporate(&lab)),
    ];
    for (why, project) in cases {
        let outcome = download(&project).exited(1);
        assert_eq!(asked(&lab, 1), 0, "{why}\n{outcome}");
    }
    download(&with_mirrors(&lab, list).env("CI", "true")).success();
    assert!(asked(&lab, 1) > 0, "in CI, but by hand");
}

#[test]
fn http2_is_turned_off_at_the_second_fault_and_taken_back_if_that_does_not_help() {
    let lab = Lab::new().entry(Entry::tls()).fault(Fault::RstStream, always()).start();
    let go = WatchedGo::new();
    let outcome = download(&project(&lab).with_go(&go.path())).exited(1);
    assert!(outcome.remedies().contains(&"http1".to_owned()), "{outcome}");
    let seen: Vec<String> = go.runs().iter().map(|r| r.var("GODEBUG").to_owned()).collect();
    assert_eq!(seen, ["", "", "http2client=0", ""], "{outcome}");
}

#[test]
fn the_users_own_godebug_is_kept() {
    let lab = Lab::new().entry(Entry::tls()).fault(Fault::RstStream, always()).start();
    let go = WatchedGo::new();
    let project = project(&lab).with_go(&go.path()).env("GODEBUG", "netdns=go");
    download(&project).exited(1);
    assert_eq!(go.runs()[2].var("GODEBUG"), "netdns=go,http2client=0");
}

#[test]
fn a_server_that_counts_requests_gets_silence() {
    let lab = Lab::new().fault(Fault::RateLimited(1), first_of_each(1).path("zip$")).start();
    let go = WatchedGo::new();
    let project = project(&lab).with_go(&go.path()).env("GOX_BACKOFF_MAX", "1s");
    let outcome = download(&project).success();
    assert_eq!(go.runs()[1].var("GODEBUG"), "", "fewer at once hang `mod vendor` for ever");
    let first_wait = outcome.remedies().iter().find_map(|r| r.strip_prefix("wait:")?.parse::<u64>().ok());
    assert!(first_wait.is_some_and(|ms| (500..=2000).contains(&ms)), "{outcome}");
}

#[test]
fn a_body_that_stalls_is_ended() {
    let stalls = first_of_each(1).path("m001.*zip$");
    let lab = Lab::new().size(200_000).fault(Fault::SilenceInBody, stalls).start();
    let outcome = project(&lab).gox(["mod", "download"]).env("GOX_STALL", "1s").run().success();
    assert_eq!(outcome.report()["attempts"][0]["stalled"], true, "{outcome}");
    assert_eq!(outcome.attempts(), 2, "{outcome}");
}

#[test]
fn waits_are_told_and_bounded() {
    let lab = Lab::new().fault(Fault::Status(503), always()).start();
    for attempts in [1, 3] {
        let run = project(&lab);
        let run = run.gox(["mod", "download"]).env("GOX_ATTEMPTS", attempts.to_string());
        let outcome = run.env("GOX_BACKOFF_BASE", "100ms").env("GOX_BACKOFF_MAX", "200ms").run().exited(1);
        assert_eq!(outcome.attempts(), attempts, "{outcome}");
        let waits: Vec<u64> =
            outcome.remedies().iter().filter_map(|r| r.strip_prefix("wait:")?.parse().ok()).collect();
        assert_eq!(waits.len(), attempts - 1, "{outcome}");
        assert!(waits.iter().all(|ms| *ms <= 200), "{outcome}");
        let told = outcome.said().iter().filter(|l| l.contains("trying again")).count();
        assert_eq!(told, attempts - 1, "{outcome}");
    }
}

#[test]
fn the_budget_ends_a_run() {
    let lab = Lab::new().fault(Fault::Status(503), always()).start();
    let run = project(&lab);
    let run = run.gox(["mod", "download"]).env("GOX_ATTEMPTS", "100000").env("GOX_BUDGET", "1s");
    let outcome = run.run().exited(1).says("for the budget of 1 s is used up");
    assert!(outcome.elapsed < Duration::from_secs(20), "{outcome}");
}

#[test]
fn offline_asks_nobody() {
    let lab = Lab::new().start();
    let project = project(&lab).shared_build_cache();
    let outcome = project.gox(["--offline", "build", "-o", "program", "."]).run().exited(125);
    assert!(outcome.said().iter().any(|l| l.contains("gox mod download")), "{outcome}");
    lab.forget();
    project.gox(["--offline", "run", "."]).run().exited(1);
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
    download(&project).success();
    lab.forget();
    project.gox(["run", "."]).env("GOX_OFFLINE", "1").run().success();
    project.gox(["--offline", "build", "-o", "program", "."]).run().success();
    project.gox(["--offline", "mod", "download"]).run().success();
    for args in [&["--offline", "get", "example.test/m000"][..], &["--offline", "mod", "tidy"]] {
        project.gox(args).run().exited(125);
    }
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}
