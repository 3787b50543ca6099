//! `gox explain` at a terminal where nothing is piped in: the last run that failed.

use crate::harness::Project;
use crate::lab::Lab;

#[test]
fn at_a_terminal_the_last_run_that_failed_is_explained() {
    let lab = Lab::new().start();
    let project = Project::new(&lab);
    let none = project.gox(["explain"]).start_on_terminal().wait();
    assert_eq!(none.code(), Some(125), "{none}");
    assert!(none.out().contains("no run that failed is in the journal"), "{none}");
    let failed = project.gox(["get", "example.test/m001@v1.7.0"]).run();
    assert_ne!(failed.code(), Some(0), "{failed}");
    // Nor is one that was not to be written down.
    project.gox(["get", "example.test/m002@v1.7.0"]).env("GOX_JOURNAL", "off").run();
    // A later run that did well is not what is asked about.
    project.gox(["list", "-m"]).run().success();
    let told = project.gox(["explain"]).start_on_terminal().wait().success();
    assert!(told.out().contains("run       go get example.test/m001@v1.7.0, "), "{told}");
    assert!(
        told.out().contains(" has no example.test/m001@v1.7.0")
            && told.out().contains("example.test/m001 v1.7.0"),
        "{told}"
    );
    // What is piped in counts, also where it is empty.
    let piped = project.gox(["explain"]).stdin("").run();
    assert!(!piped.out().contains("m001"), "{piped}");
}
