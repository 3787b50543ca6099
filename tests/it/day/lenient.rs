//! What exits 0 although downloads failed: `list`, `list -e`, `mod tidy -e`, and so every linter and editor that
//! loads packages. Nobody would hear of what is missing, so the relay serves them from the first byte.

use crate::harness::Project;
use crate::lab::{Fault, Lab, always, first_of_each, rate};

/// Faults that a second request cures.
const FAULTS: [Fault; 4] = [Fault::Eof, Fault::Status(502), Fault::EofInBody, Fault::Reset];

/// Commands as linters and editors run them.
const COMMANDS: [&[&str]; 4] = [
    &["list", "-e", "-json", "-deps", "./..."],
    &["list", "-e", "-deps", "-f", "{{.ImportPath}} {{with .Error}}{{.Err}}{{end}}", "./..."],
    &["list", "./..."],
    &["mod", "tidy", "-e"],
];

#[test]
fn what_is_listed_through_faults_is_what_is_listed_without() {
    for command in COMMANDS {
        let quiet = Lab::new().modules(12).start();
        let plain = Project::new(&quiet).shared_build_cache();
        let wanted = plain.go(command).run().success();
        let mut complete = wanted.out().replace(&plain.root().display().to_string(), "ROOT");
        complete = complete.replace(&plain.var("GOCACHE").expect("set"), "CACHE");
        for seed in 1..4 {
            let lab = Lab::new().modules(12).seed(seed).faults(&FAULTS, rate(0.1)).start();
            let ours = Project::new(&lab).shared_build_cache();
            let outcome = ours.gox(command).run().success();
            let found = outcome.out().replace(&ours.root().display().to_string(), "ROOT");
            let found = found.replace(&ours.var("GOCACHE").expect("set"), "CACHE");
            assert_eq!(found, complete, "{command:?} {seed}\n{outcome}");
        }
    }
}

#[test]
fn what_failed_in_silence_is_listed_again() {
    // Without the relay go's own words tell of it, in JSON on stdout.
    let command = COMMANDS[0];
    let lab = Lab::new().modules(6).fault(Fault::Eof, first_of_each(1).path("zip")).start();
    let ours = Project::new(&lab).env("GOX_RELAY", "never").shared_build_cache();
    let outcome = ours.gox(command).run().success();
    assert!(!outcome.out().contains("\"Err\""), "{outcome}");
    assert!(outcome.attempts() > 1, "{outcome}");
    outcome.says("gox: ");
}

#[test]
fn what_could_not_be_had_is_said_and_the_status_is_gos() {
    for relay in ["auto", "never"] {
        let lab = Lab::new().modules(3).fault(Fault::Eof, always().path("m001.*zip")).start();
        let ours = Project::new(&lab).env("GOX_RELAY", relay).env("GOX_BUDGET", "2s").shared_build_cache();
        let outcome = ours.gox(COMMANDS[0]).run().success();
        assert!(outcome.out().contains("\"Err\""), "{relay}\n{outcome}");
        let said = outcome.said();
        assert!(said.iter().any(|line| line.contains("gave up after")), "{relay}\n{outcome}");
        assert!(said.iter().any(|line| line.contains("exits 0 all the same")), "{relay}\n{outcome}");
    }
}

/// An editor's list.
const EDITOR: [&str; 4] = ["list", "-e", "-json", "./..."];

#[test]
fn an_editors_list_waits_for_no_relay_where_its_imports_are_here() {
    let lab = Lab::new().modules(3).start();
    let main = "package main\n\nimport _ \"example.test/m001\"\n\nfunc main() {}\n";
    let project = Project::new(&lab).file("main.go", main).shared_build_cache();
    let cold = project.gox(EDITOR).run().success();
    assert!(cold.report()["relay"].is_object(), "{cold}");
    let wanted = project.go(EDITOR).run().success();
    let warm = project.gox(EDITOR).run().success();
    assert_eq!(warm.out(), wanted.out(), "{warm}");
    assert!(warm.report()["relay"].is_null(), "{warm}");
}

#[test]
fn what_an_editors_list_lacks_further_down_is_got() {
    let lab = Lab::new().modules(3).chain().fault(Fault::Eof, first_of_each(1).path("m002.*zip")).start();
    let list = |n| format!("\texample.test/m00{n} v1.0.0{}\n", if n > 0 { " // indirect" } else { "" });
    let go_mod: String = (0..3).map(list).collect();
    let go_mod = format!("module example.test/main\n\ngo 1.21\n\nrequire (\n{go_mod})\n");
    let project = Project::new(&lab).file("go.mod", &go_mod).shared_build_cache();
    project.go(["mod", "download", "example.test/m000"]).run().success();
    let outcome = project.gox(EDITOR).run().success();
    assert!(!outcome.out().contains("\"Err\""), "{outcome}");
}
