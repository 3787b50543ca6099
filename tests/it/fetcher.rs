//! The fetcher behind the relay, with the real go: scarce descriptors, small files, and what is shown.

use crate::harness::{Outcome, Project, go, gox};
use crate::lab::{Entry, Fault, Lab, Place, always, first_of_each, rate};
use std::path::Path;

/// A shell that sets limits and becomes gox.
fn limited(project: &Project, line: &str) -> Outcome {
    project.program(Path::new("/bin/sh"), ["-c", line]).env("GOX_GO", go()).run()
}

#[test]
fn forty_descriptors_are_enough_and_too_few_are_no_full_disk() {
    // With 32 requests at once go itself runs out of them, and says so.
    for (at_once, enough) in [("4", true), ("32", false)] {
        let lab = Lab::new().modules(40).size(400_000).fault(Fault::EofInBody, rate(0.2)).start();
        let project = Project::new(&lab).env("GOX_RELAY", "always").env("GOMAXPROCS", at_once);
        let line = format!("ulimit -n 40 && exec '{}' mod download", gox().display());
        let outcome = limited(&project, &line);
        assert!(!outcome.err().contains("disk-full"), "{at_once}\n{outcome}");
        assert!(outcome.code() == Some(0) || !enough, "{at_once}\n{outcome}");
    }
}

#[test]
fn what_go_does_with_few_descriptors_gox_does_not_fail_at() {
    let mut managed = 0;
    for descriptors in [10, 12, 14, 16, 18, 20, 24] {
        let lab = Lab::new().modules(3).start();
        let through = |program: &Path| {
            let project = Project::new(&lab).env("GOMAXPROCS", "1");
            limited(
                &project,
                &format!("ulimit -n {descriptors} && exec '{}' mod download", program.display()),
            )
        };
        if through(&go()).code() == Some(0) {
            managed += 1;
            through(gox()).success();
        }
    }
    assert!(managed > 0, "go needs more than that");
}

#[test]
fn a_limit_of_file_sizes_is_told_and_no_silent_end() {
    let lab = Lab::new().modules(3).size(3_000_000).start();
    for relay in ["always", "never"] {
        let project = Project::new(&lab).env("GOX_RELAY", relay);
        // In units of 512 bytes, as POSIX has it.
        let line = format!("ulimit -f 2000 && exec '{}' mod download", gox().display());
        let outcome = limited(&project, &line).exited(1);
        assert!(outcome.err().to_lowercase().contains("file too large"), "{relay}\n{outcome}");
    }
}

#[test]
fn stdout_names_the_real_proxy_whatever_the_template() {
    let lab = Lab::new().fault(Fault::Status(500), always().path(r"@v/v9")).start();
    let module = "example.test/m000@v9.9.9";
    for args in [
        &["list", "-m", "-e", "-f", "{{with .Error}}{{.Err}}{{end}}", module][..],
        &["list", "-m", "-e", "-json", module],
    ] {
        let project = Project::new(&lab).env("GOX_RELAY", "always").env("GOX_BUDGET", "1s");
        let outcome = project.gox(args.iter().copied()).run();
        let stdout = outcome.out();
        assert!(stdout.contains(lab.url(0)), "{args:?}\n{outcome}");
        for (at, _) in stdout.match_indices("http://127.0.0.1") {
            assert!(stdout[at..].starts_with(lab.url(0)), "{args:?}\n{outcome}");
        }
    }
}

#[test]
fn a_public_proxy_that_refuses_all_is_passed_over_and_a_gate_is_not() {
    let public = |name| Entry::tls().named(name);
    let asked =
        |lab: &crate::lab::Running| lab.requests().iter().filter(|r| r.place == Place::Proxy(1)).count();
    for relay in ["always", "auto"] {
        let lab = Lab::new()
            .entry(public("goproxy.cn"))
            .entry(public("goproxy.io"))
            .fault(Fault::Status(403), always().proxy(0))
            .start();
        let outcome = Project::new(&lab).env("GOX_RELAY", relay).gox(["mod", "download"]).run().success();
        assert!(asked(&lab) > 0, "{relay}\n{outcome}");
        // One module that a proxy refuses, which serves all others, is its word.
        let lab = Lab::new()
            .entry(public("goproxy.cn"))
            .entry(public("goproxy.io"))
            .fault(Fault::Status(403), always().proxy(0).path("m001"))
            .start();
        let outcome = Project::new(&lab).env("GOX_RELAY", relay).gox(["mod", "download"]).run().exited(1);
        let told = lab.requests().iter().any(|r| r.place == Place::Proxy(1) && r.path.contains("m001"));
        assert!(!told, "{relay}\n{outcome}");
    }
}

/// go inflates each zip itself. The relay reads it through before where the way is open to damage, and from
/// the first damage on.
#[test]
fn over_tls_a_zip_is_gos_to_judge_until_something_is_damaged() {
    let verified = |lab: Lab| {
        let lab = lab.modules(3).start();
        let project = Project::new(&lab).env("GOX_RELAY", "always").env("GOX_FILL", "off");
        let outcome = project.gox(["mod", "download"]).run().success();
        (outcome.report()["relay"]["verified"].as_u64(), outcome)
    };
    let (plain, outcome) = verified(Lab::new().entry(Entry::plain()));
    assert_eq!(plain, Some(6), "{outcome}");
    let (secure, outcome) = verified(Lab::new().entry(Entry::tls()));
    assert_eq!(secure, Some(3), "each go.mod\n{outcome}");
    for fault in [Fault::AlterZip, Fault::AlterZipCrc, Fault::ShortWithRightLength] {
        let lab = Lab::new().entry(Entry::tls()).fault(fault, first_of_each(1).path("m001.*zip$"));
        let (after, outcome) = verified(lab);
        assert_eq!(outcome.attempts(), 2, "{fault:?}: go tells\n{outcome}");
        assert!(after > Some(3), "{fault:?}\n{outcome}");
    }
    // A cut body is a sign, too; a page is none of a zip.
    let lab = Lab::new().entry(Entry::tls()).fault(Fault::Html, first_of_each(1).path("m001.*zip$"));
    let (_, outcome) = verified(lab);
    assert_eq!(outcome.attempts(), 1, "{outcome}");
}

/// As somebody to whom limits apply, where the tests run as root.
fn mortal(project: &Project, limit: &str) -> Option<String> {
    let line = format!("{limit} && exec '{}' mod download", gox().display());
    let setpriv = std::path::Path::new("/usr/bin/setpriv");
    // Not every /bin/sh knows `ulimit -u`.
    if !std::path::Path::new("/bin/bash").is_file() {
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        return Some(format!("exec /bin/bash -c \"{line}\""));
    }
    if !setpriv.is_file() {
        return None;
    }
    let all = "--reuid 54321 --clear-groups --inh-caps=-all --bounding-set=-all";
    let root = project.root().display();
    Some(format!("chmod -R a+rwX '{root}' && exec {} {all} /bin/bash -c \"{line}\"", setpriv.display()))
}

#[test]
fn what_memory_and_processes_are_left_are_enough_where_they_are_for_go() {
    let lab = Lab::new().modules(20).size(200_000).fault(Fault::EofInBody, rate(0.1)).start();
    for relay in ["auto", "always", "never"] {
        // go itself takes 750 MB of addresses, and ten threads.
        for limit in ["ulimit -v 1000000", "ulimit -u 20"] {
            let project = Project::new(&lab).env("GOX_RELAY", relay);
            let Some(line) = mortal(&project, limit) else { continue };
            let outcome = limited(&project, &line);
            assert_eq!(outcome.code(), Some(0), "{limit} {relay}\n{outcome}");
            let stepped_back = outcome.said().iter().any(|line| line.contains("going on without the relay"));
            assert_eq!(stepped_back, limit.contains("-u") && relay != "never", "{limit} {relay}\n{outcome}");
        }
    }
}
