//! Where go is quick to fail and waiting cures nothing, gox asks again a few times and says so.

use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Running, always};

/// Requests that a host hears of one name at most: three tries of the relay in each of two attempts, for each of
/// the two paths that may be its module.
const FEW: usize = 12;

/// A project that needs nothing yet.
fn bare(lab: &Running) -> Project {
    Project::without_files(lab)
        .file("go.mod", "module example.test/main\n\ngo 1.21\n")
        .without("GOX_ATTEMPTS")
}

#[test]
fn what_may_be_mistyped_is_asked_for_in_two_attempts() {
    let mistyped = "example.test/mistyped";
    let at = |suffix: &str| format!("{mistyped}{suffix}");
    let commands: [&[String]; 4] = [
        &["get".into(), at("")],
        &["get".into(), at("@v1.2.3")],
        &["list".into(), "-m".into(), "-versions".into(), at("")],
        &["mod".into(), "download".into(), at("@latest")],
    ];
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Html, Fault::Eof] {
        for command in commands {
            let lab = Lab::new().modules(2).entry(Entry::plain()).fault(fault, always()).start();
            let outcome = bare(&lab).gox(command).run();
            assert_eq!(outcome.code(), Some(1), "{fault:?} {command:?}\n{outcome}");
            assert_eq!(outcome.attempts(), 2, "{fault:?} {command:?}\n{outcome}");
            let heard = lab.requests().len();
            assert!(heard <= FEW, "{fault:?} {command:?}: {heard} requests\n{outcome}");
        }
    }
    for entry in [Entry::closed(), Entry::unresolvable()] {
        for command in commands {
            let lab = Lab::new().entry(entry.clone()).start();
            let outcome = bare(&lab).gox(command).run();
            assert_eq!(outcome.attempts(), 2, "{entry:?} {command:?}\n{outcome}");
        }
    }
}

#[test]
fn a_host_that_serves_others_is_worth_more_attempts() {
    // Three of ten answers fail, and what it served before is worth more tries.
    let lab =
        Lab::new().modules(8).entry(Entry::plain()).fault(Fault::Status(500), crate::lab::rate(0.3)).start();
    let project = bare(&lab);
    for module in 0..4 {
        project.gox(["get", &format!("example.test/m00{module}@latest")]).run().success();
    }
}
