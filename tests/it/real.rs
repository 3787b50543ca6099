//! Real third-party modules: served through faults, and built into a program that works.

use crate::harness::Project;
use crate::lab::{Lab, REAL_PROGRAM, REAL_ROOTS, modules_below, real_go_mod};
use std::path::{Path, PathBuf};

fn sources() -> PathBuf {
    let dir = std::env::var_os("GOX_TEST_REAL_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real-modules"), PathBuf::from);
    assert!(
        dir.join("github.com/gin-gonic/gin").is_dir(),
        "no module sources in {}: run tests/run.sh, which gets them with tests/real-modules.sh",
        dir.display()
    );
    dir
}

fn project(lab: &crate::lab::Running) -> Project {
    Project::without_files(lab)
        .file("go.mod", real_go_mod())
        .file("main.go", REAL_PROGRAM)
        .shared_build_cache()
}

#[test]
fn without_faults_go_builds_them() {
    let lab = Lab::new().modules(0).given(modules_below(&sources(), REAL_ROOTS).unwrap()).start();
    let project = project(&lab);
    project.go(["mod", "tidy"]).run().success();
    project.go(["mod", "download"]).run().success();
    project.go(["build", "-o", "program", "."]).run().success();
    let run = project.program(&project.dir().join("program"), [""; 0]).run().success();
    assert_eq!(run.out(), "{\"hello\":\"lab\"} 3 NotFound\n");
    assert!(lab.requests().len() > 150, "{}", lab.requests().len());
}
