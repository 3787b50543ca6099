//! go.mod asks for a toolchain that is not here: go fetches it before any verb, and gox helps.

use crate::harness::{Outcome, Project, go_minor};
use crate::lab::{Entry, Fault, Lab, Module, Running, always, first_of_each};
use std::fs;

const WANTED: &str = "1.99.0";

/// A toolchain whose go is a script that tells how it was called, once in each file `LOG` for `run`.
fn toolchain() -> Module {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let go =
        format!("#!/bin/sh\n[ -n \"${{LOG-}}\" ] && echo \"$*\" >>\"$LOG\"\necho \"this is {WANTED}: $*\"\n");
    let files = vec![
        ("bin/go".to_owned(), go.into_bytes()),
        (format!("pkg/tool/{os}_{arch}/compile"), b"#!/bin/sh\n".to_vec()),
        ("bin/gofmt".to_owned(), b"#!/bin/sh\n".to_vec()),
        ("lib/time/README".to_owned(), b"nothing\n".to_vec()),
        ("VERSION".to_owned(), format!("go{WANTED}\n").into_bytes()),
    ];
    let version = format!("v0.0.1-go{WANTED}.{os}-{arch}");
    Module::new("golang.org/toolchain", &version, "module golang.org/toolchain\n", files)
}

/// A lab that has the toolchain, with the checksum database that toolchains always need.
fn lab() -> Lab {
    Lab::new().modules(1).module(toolchain()).sumdb()
}

fn project(lab: &Running) -> Project {
    let text = format!("module example.test/main\n\ngo 1.21\n\ntoolchain go{WANTED}\n");
    Project::new(lab).env("GOTOOLCHAIN", "auto").file("go.mod", text)
}

#[track_caller]
fn fetched(outcome: Outcome, args: &str) -> Outcome {
    let outcome = outcome.success();
    assert_eq!(outcome.out(), format!("this is {WANTED}: {args}\n"), "{outcome}");
    outcome
}

#[test]
fn even_version_gets_through_while_its_toolchain_is_fetched() {
    for args in [&["version"][..], &["env", "GOROOT"], &["mod", "tidy"], &["fmt"]] {
        let lab = lab().fault(Fault::EofInBody, first_of_each(1).path("toolchain.*zip$")).start();
        let project = project(&lab);
        let outcome = fetched(project.gox(args).run(), &args.join(" "));
        // The relay serves from the first byte, and mends it.
        assert_eq!(outcome.attempts(), 1, "{outcome}");
        // From now on it is here, and nothing is watched.
        let again = fetched(project.gox(args).run(), &args.join(" "));
        assert!(again.stderr.is_empty(), "{again}");
        assert_eq!(again.report.is_some(), args[0] == "mod", "{again}");
    }
}

#[test]
fn a_toolchain_that_comes_damaged_twice_is_fetched_again() {
    for fault in [Fault::AlterZipCrc, Fault::AlterZip, Fault::Html, Fault::ShortWithRightLength, Fault::Empty]
    {
        for args in [&["version"][..], &["run", "."]] {
            let lab = lab().fault(fault, first_of_each(2).path("toolchain.*zip$")).start();
            fetched(project(&lab).gox(args).run(), &args.join(" "));
        }
    }
}

#[test]
fn a_toolchain_that_the_user_forbids_is_not_asked_for() {
    let lab = lab().start();
    for args in [&["version"][..], &["run", "."], &["mod", "download"], &["list", "-e", "./..."]] {
        let (left, right) =
            (project(&lab).env("GOTOOLCHAIN", "local"), project(&lab).env("GOTOOLCHAIN", "local"));
        let (plain, ours) = (left.go(args).run(), right.gox(args).run());
        assert_eq!((ours.code(), ours.out()), (plain.code(), plain.out()), "{ours}");
        assert_eq!(ours.err(), plain.err(), "{ours}");
    }
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}

#[test]
fn a_toolchain_of_a_dead_first_proxy_comes_from_the_second() {
    let lab = lab().entry(Entry::closed()).entry(Entry::plain()).start();
    let outcome = fetched(project(&lab).gox(["version"]).run(), "version");
    assert_eq!(outcome.attempts(), 1, "{outcome}");
}

#[test]
fn what_runs_the_users_code_is_prepared_and_run_once() {
    for args in [&["run", "."][..], &["test", "./..."], &["generate"]] {
        let lab = lab().fault(Fault::EofInBody, first_of_each(1).path("toolchain.*zip$")).start();
        let project = project(&lab);
        let log = project.root().join("log");
        let outcome = fetched(project.gox(args).env("LOG", &log).run(), &args.join(" "));
        let calls = fs::read_to_string(&log).expect("the toolchain was called");
        let own: Vec<&str> = calls.lines().filter(|line| *line == args.join(" ")).collect();
        assert_eq!(own.len(), 1, "{calls}\n{outcome}");
        assert!(calls.lines().all(|line| line == "version" || line == args.join(" ")), "{calls}");
        // Once it is here, nothing comes before the user's own.
        fs::remove_file(&log).expect("a file of ours");
        fetched(project.gox(args).env("LOG", &log).run(), &args.join(" "));
        assert_eq!(fs::read_to_string(&log).expect("it was called"), args.join(" ") + "\n");
    }
}

#[test]
fn a_toolchain_nobody_has_is_gos_to_tell() {
    let lab = Lab::new().modules(1).sumdb().start();
    for args in [&["version"][..], &["run", "."], &["mod", "download"]] {
        let (left, right) = (project(&lab), project(&lab));
        let plain = left.go(args).run().exited(1);
        let ours = right.gox(args).run().exited(1);
        assert_eq!(ours.attempts(), 1, "{ours}");
        assert_eq!(ours.out(), plain.out());
        assert!(ours.err().starts_with(&plain.err()), "{plain}\n{ours}");
    }
    // A database that says something else is believed.
    let path = "golang.org/toolchain";
    let lab = self::lab().sumdb_lies_about(path).start();
    let outcome = project(&lab).gox(["version"]).run().exited(1);
    assert!(outcome.err().contains("SECURITY ERROR"), "{outcome}");
}

#[test]
fn where_no_toolchain_is_fetched_nothing_is_watched() {
    let lab = lab().fault(Fault::Eof, always()).start();
    for (name, value, go_mod) in [
        ("GOTOOLCHAIN", "local", "module example.test/main\n\ngo 1.21\n".to_owned()),
        ("GOTOOLCHAIN", "auto", format!("module example.test/main\n\ngo 1.{}\n", go_minor().min(21))),
    ] {
        let project = Project::new(&lab).env(name, value).file("go.mod", go_mod);
        let outcome = project.gox(["version"]).run().success();
        assert!(outcome.report.is_none() && outcome.stderr.is_empty(), "{outcome}");
    }
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}
