//! Which runs the journal has a line for.

use crate::harness::Project;
use crate::lab::{Fault, Lab, always};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::time::Duration;

fn lines(project: &Project) -> Vec<Value> {
    let text = fs::read_to_string(project.state().join("journal.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn a_run_that_met_the_network_is_one_line() {
    let lab = Lab::new().modules(2).start();
    let project = Project::new(&lab).shared_build_cache();
    project.gox(["mod", "download"]).run().success();
    let noted = lines(&project);
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["project"], project.dir().to_string_lossy().as_ref());
    assert!(noted[0]["go"].as_str().is_some_and(|go| go.starts_with("go1.")), "{noted:?}");

    // Nothing was asked of anybody: all is there, and what is wrong is the user's code.
    project.gox(["mod", "download"]).run().success();
    let project = project.file("wrong.go", "package main\nvar x int = y\n");
    assert_ne!(project.gox(["build", "./..."]).run().code(), Some(0));
    assert_eq!(lines(&project).len(), 1);

    project.clear_module_cache();
    project.gox(["mod", "download"]).env("GOX_JOURNAL", "off").run().success();
    assert_eq!(lines(&project).len(), 1);
    let history = project.gox(["history"]).run().success();
    assert!(history.out().contains("  exit 0  go mod download  1 attempt, "), "{history}");
}

#[test]
fn go_that_asked_alone_is_one_line_too() {
    let lab = Lab::new().modules(2).start();
    for args in [&["mod", "download"][..], &["build", "-o", "program", "."], &["list", "-deps", "."]] {
        let project = Project::new(&lab).shared_build_cache().env("GOX_RELAY", "never");
        project.gox(args).run().success();
        let noted = lines(&project);
        assert_eq!(noted.len(), 1, "{args:?}: {noted:?}");
        assert!(noted[0]["fetch"].is_null(), "{noted:?}");
        project.gox(args).run().success();
        project.gox(["list", "-m"]).run().success();
        assert_eq!(lines(&project).len(), 1, "{args:?} with all at hand");
    }
}

#[test]
fn an_interrupted_run_is_one_line() {
    let lab = Lab::new().modules(2).fault(Fault::Silence, always()).start();
    let project = Project::new(&lab);
    let run = project.gox(["mod", "download"]).start();
    while lab.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    run.signal(Signal::INT);
    run.wait();
    let noted = lines(&project);
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["exit"], 130, "{noted:?}");
}

#[test]
fn a_bypassed_run_is_one_line_and_no_more_than_that() {
    let lab = Lab::new().modules(2).start();
    let project = Project::new(&lab);
    project.gox(["mod", "download"]).env("GOX_BYPASS", "1").run().success();
    project.gox(["--bypass", "mod", "download", "-x"]).run().success();
    // What gox would have left to go anyway.
    project.gox(["env", "GOPROXY"]).env("GOX_BYPASS", "1").run().success();
    let noted = lines(&project);
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!(noted[0]["argv"], serde_json::json!(["mod", "download"]));
    assert!(noted.iter().all(|run| run["bypass"] == true), "{noted:?}");
    project.gox(["mod", "download"]).env("GOX_BYPASS", "1").env("GOX_JOURNAL", "off").run().success();
    // Nothing that is wrong with gox may stand in the way.
    fs::remove_dir_all(project.state()).expect("a folder of ours");
    fs::write(project.state(), "a file").expect("a file of ours");
    let outcome = project.gox(["mod", "download"]).env("GOX_BYPASS", "1").run().success();
    assert!(outcome.said().is_empty(), "{outcome}");
    let history = project.gox(["history"]).run().success();
    assert_eq!(history.out(), "no run has met the network yet\n");
}
