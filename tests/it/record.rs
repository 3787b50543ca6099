//! The record of a run comes to the decisions of that run again, without any network.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, Running, always, first, first_of_each};

/// The decisions of a replay as its JSON has them; the test fails where one differs from the recorded.
#[track_caller]
fn replayed(project: &Project) -> Vec<serde_json::Value> {
    let record = project.root().join("record.jsonl");
    let outcome = project.gox(
        ["explain", "--format", "json", "--replay"]
            .map(String::from)
            .into_iter()
            .chain([record.display().to_string()]),
    );
    let outcome = outcome.run().success();
    let lines = outcome.out();
    let values: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(values.iter().all(|value| value["recorded"].is_null()), "{outcome}");
    values
}

/// Runs with a record, and holds the replay against the report of the run.
#[track_caller]
fn same_decisions(lab: &Running, project: Project, args: &[&str]) -> Outcome {
    let record = project.root().join("record.jsonl");
    let outcome = project.gox(args).env("GOX_RECORD", &record).run();
    let text = std::fs::read_to_string(&record).expect("a record");
    assert!(!text.contains("secret-word"), "{text}");
    lab.forget();
    let decided = replayed(&project);
    let ends: Vec<&serde_json::Value> =
        decided.iter().map(|value| &value["decision"]).filter(|d| d["decision"] != "diagnose").collect();
    let attempts = outcome.report()["attempts"].as_array().expect("attempts").clone();
    assert_eq!(ends.len(), attempts.len(), "{decided:?}\n{outcome}");
    for (decided, attempt) in ends.iter().zip(&attempts) {
        assert_eq!(decided["decision"], attempt["decision"], "{outcome}");
        let remedies = decided["remedies"].as_array().cloned().unwrap_or_default();
        for remedy in attempt["remedies"].as_array().expect("remedies") {
            let wait = remedy.as_str().is_some_and(|r| r.starts_with("wait:"));
            assert!(wait || remedies.contains(remedy), "{remedy} {decided}\n{outcome}");
        }
    }
    assert!(lab.requests().is_empty(), "a replay asks nobody");
    outcome
}

#[test]
fn a_pipe_without_a_reader_holds_nobody_up() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first(1).path("mod$")).start();
    let project = Project::new(&lab);
    let pipe = project.root().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let run = project.gox(["mod", "download"]).env("GOX_RECORD", &pipe).env("GOX_REPORT", &pipe);
    let outcome = run.timeout(std::time::Duration::from_secs(60)).run();
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for what in ["record", "report"] {
        let told = |line: &String| {
            line.contains(&format!("cannot write the {what}")) && line.contains("nobody reads it")
        };
        assert_eq!(outcome.said().iter().filter(|line| told(line)).count(), 1, "{what}\n{outcome}");
    }
}

/// A CI job of many steps keeps the report of each.
#[test]
fn a_folder_gets_a_report_for_each_run() {
    let lab = Lab::new().modules(1).start();
    let project = Project::new(&lab);
    let there = project.root().join("reports");
    std::fs::create_dir(&there).expect("a folder");
    // One that is not there is made where it is written as a folder.
    let made = format!("{}/made/here/", project.root().display());
    for (folder, args) in
        [(there.to_str().expect("text"), "download"), (&made, "verify"), (&made, "download")]
    {
        project.gox(["mod", args]).env("GOX_REPORT", folder).run().success();
    }
    for (folder, runs) in [(there, 1), (made.into(), 2)] {
        let names: Vec<_> = std::fs::read_dir(folder).expect("reports").flatten().collect();
        assert_eq!(names.len(), runs);
        for name in names {
            let text = std::fs::read_to_string(name.path()).expect("a report");
            let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let run = report["run"].as_str().expect("a name");
            assert_eq!(name.file_name().to_str(), Some(&*format!("gox-{run}.json")));
        }
    }
}

#[test]
fn a_run_through_faults_is_decided_again() {
    for relay in ["auto", "never", "always"] {
        let lab = Lab::new().modules(4).fault(Fault::Eof, first_of_each(2).path("mod$")).start();
        let project = Project::new(&lab).env("GOX_RELAY", relay);
        same_decisions(&lab, project, &["mod", "download"]).success();
    }
}

#[test]
fn a_chain_and_a_run_that_gives_up_are_decided_again() {
    let lab = Lab::new()
        .modules(3)
        .entry(Entry::closed())
        .entry(Entry::plain())
        .fault(Fault::Status(503), first(2).proxy(1))
        .start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GOX_ATTEMPTS", "6");
    same_decisions(&lab, project, &["mod", "download"]);

    let lab = Lab::new().modules(2).fault(Fault::Html, always()).start();
    let project = Project::new(&lab).env("GOX_RELAY", "never").env("GOX_ATTEMPTS", "3");
    same_decisions(&lab, project, &["mod", "download"]).exited(1);
}

#[test]
fn a_clean_run_and_a_wrong_place_are_no_trouble() {
    let lab = Lab::new().modules(1).start();
    same_decisions(&lab, Project::new(&lab), &["mod", "download"]).success();
    let project = Project::new(&lab).env("GOX_RECORD", "/no/such/folder/record");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(outcome.said().len(), 1, "{outcome}");
    let outcome = project.gox(["explain", "--replay", "/no/such/folder/record"]).run().exited(125);
    outcome.says("/no/such/folder/record: ");
}
