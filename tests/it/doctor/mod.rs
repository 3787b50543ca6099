//! `gox doctor` names what is wrong: each situation is made, and told by default and as JSON.

mod machine;
mod modules;
mod network;
#[cfg(target_os = "linux")]
mod worlds;

use crate::harness::{Outcome, Project};
use serde_json::Value;
use std::time::Duration;

/// What a verdict is told as.
struct Told {
    verdict: &'static str,
    /// What its sentence says.
    what: &'static str,
    /// What mends it.
    advice: &'static str,
}

/// Asks the doctor in both forms; the host is the JSON's.
#[track_caller]
fn tells(project: &Project, arguments: &[&str], told: Told) -> Value {
    let begin = |extra: &[&str]| project.gox([&["doctor"], extra, arguments].concat()).start();
    let begun = [begin(&["--format", "json"]), begin(&[])];
    let [outcome, for_people] = begun.map(|started| {
        let outcome = started.wait();
        assert!(outcome.elapsed < Duration::from_secs(10), "too slow\n{outcome}");
        assert_eq!(outcome.code(), Some(i32::from(told.verdict != "well")), "{outcome}");
        outcome
    });
    let found = parsed(&outcome);
    assert_eq!(found["schema"], 1, "{outcome}");
    assert_eq!(found["verdict"], told.verdict, "{outcome}");
    let keys: Vec<&String> = found.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["schema", "verdict", "host", "advice", "checks"], "{outcome}");
    assert!(found["advice"].as_str().unwrap_or_default().contains(told.advice), "{outcome}");
    for check in found["checks"].as_array().expect("checks") {
        let keys: Vec<&String> = check.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["name", "host", "ok", "ms", "detail"], "{outcome}");
    }
    let outcome = for_people;
    let text = outcome.out();
    assert!(text.lines().next().unwrap_or_default().contains(told.what), "{outcome}");
    assert!(text.lines().nth(1).unwrap_or_default().contains(told.advice), "{outcome}");
    found
}

fn parsed(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.out()).unwrap_or_else(|error| panic!("{error}\n{outcome}"))
}

/// All is well.
fn well() -> Told {
    Told { verdict: "well", what: "well: ", advice: "" }
}
