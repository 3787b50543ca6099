//! What a CI system hears in its own way of writing, where something happened.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, always, first};

fn lab(lab: Lab) -> Lab {
    lab.modules(2).entry(Entry::plain())
}

/// The lines that are commands to a runner of GitHub Actions.
fn commands(outcome: &Outcome) -> Vec<String> {
    outcome.err().lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
}

#[test]
fn github_gets_a_warning_for_what_was_cured_and_a_table() {
    let lab = lab(Lab::new()).fault(Fault::Status(503), first(1)).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GITHUB_ACTIONS", "true");
    let summary = project.root().join("summary.md");
    let project = project.env("GITHUB_STEP_SUMMARY", &summary);
    let outcome = project.gox(["mod", "download"]).run().success();
    let told = commands(&outcome);
    assert_eq!(told.len(), 1, "{outcome}");
    assert!(told[0].starts_with("::warning title=gox::"), "{outcome}");
    assert!(outcome.out().is_empty(), "stdout is go's: {outcome}");
    let table = std::fs::read_to_string(&summary).expect("a summary");
    assert!(table.starts_with("### gox: go mod download got through\n"), "{table}");
    assert!(table.contains("| 2 | well |"), "{table}");

    // Where nothing happened nothing is told.
    std::fs::remove_file(&summary).expect("the summary");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(commands(&outcome).is_empty() && !summary.exists(), "{outcome}");
}

#[test]
fn what_the_fetcher_cured_before_go_saw_it_is_told_as_well() {
    for (system, mark) in [("GITHUB_ACTIONS", "::warning title=gox::"), ("GITLAB_CI", "fetched again")] {
        let lab = lab(Lab::new()).fault(Fault::Status(503), first(1)).start();
        let project = Project::new(&lab).env(system, "true").env("GOX_RELAY", "always");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!(outcome.attempts(), 1, "{outcome}");
        assert_eq!(outcome.err().matches(mark).count(), 1, "{system}\n{outcome}");
    }
}

#[test]
fn github_gets_an_error_for_what_was_not_and_none_for_the_users_own_code() {
    let lab = lab(Lab::new()).fault(Fault::Status(503), always()).start();
    let project = Project::new(&lab).env("GITHUB_ACTIONS", "true");
    let outcome = project.gox(["mod", "download"]).run().exited(1);
    let told = commands(&outcome);
    assert_eq!(told.len(), 1, "{outcome}");
    assert!(told[0].starts_with("::error title=gox::"), "{outcome}");

    let lab = self::lab(Lab::new()).start();
    let project =
        Project::new(&lab).env("GITHUB_ACTIONS", "true").file("wrong.go", "package main\nvar x int = y\n");
    let outcome = project.gox(["build", "./..."]).run().exited(1);
    assert!(commands(&outcome).is_empty(), "{outcome}");
    let quiet = Project::new(&lab).env("GITHUB_ACTIONS", "true").env("GOPROXY", "http://127.0.0.1:1");
    let outcome = quiet.gox(["--verbosity", "quiet", "mod", "download"]).run().exited(1);
    assert!(commands(&outcome).is_empty(), "{outcome}");
}

#[test]
fn gitlab_gets_one_folded_section() {
    let lab = lab(Lab::new()).fault(Fault::Status(503), first(1)).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GITLAB_CI", "true");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(outcome.err().matches("section_start:").count(), 1, "{outcome}");
    assert_eq!(outcome.err().matches("section_end:").count(), 1, "{outcome}");
    assert!(outcome.err().contains("[collapsed=true]\r\u{1b}[0Kwhat gox did"), "{outcome}");
}
