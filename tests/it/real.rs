//! Real third-party modules: served through faults, and built into a program that works.

use crate::harness::Project;
use crate::lab::{Fault, Lab, REAL_PROGRAM, REAL_ROOTS, modules_below, rate, real_go_mod};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A first build compiles the standard library and large modules, on a machine that may be busy.
const COLD_BUILD: Duration = Duration::from_secs(900);

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

/// -trimpath: else the place of the module cache would be part of what is compiled, and nothing could be
/// taken from the shared build cache.
#[test]
fn without_faults_go_builds_them() {
    let lab = Lab::new().modules(0).given(modules_below(&sources(), REAL_ROOTS).unwrap()).start();
    let project = project(&lab);
    project.go(["mod", "tidy"]).run().success();
    project.go(["mod", "download"]).run().success();
    project.go(["build", "-trimpath", "-o", "program", "."]).timeout(COLD_BUILD).run().success();
    let run = project.program(&project.dir().join("program"), [""; 0]).run().success();
    assert_eq!(run.out(), "{\"hello\":\"lab\"} 3 NotFound\n");
    assert!(lab.requests().len() > 150, "{}", lab.requests().len());
}

/// Faults of every sort at one request in ten, the checksum database on: tidy, download and build get
/// through, and the program works.
#[test]
fn through_faults_gox_builds_them() {
    let modules = modules_below(&sources(), REAL_ROOTS).unwrap();
    let mut faults = Fault::MIXED.to_vec();
    faults.push(Fault::Alter);
    let lab = Lab::new().modules(0).given(modules).seed(11).sumdb().faults(&faults, rate(0.1)).start();
    let project = project(&lab);
    let tidy = project.gox(["mod", "tidy"]).run().success();
    project.gox(["mod", "download"]).run().success();
    project.gox(["build", "-trimpath", "-o", "program", "."]).timeout(COLD_BUILD).run().success();
    let run = project.program(&project.dir().join("program"), [""; 0]).run().success();
    assert_eq!(run.out(), "{\"hello\":\"lab\"} 3 NotFound\n");
    project.go(["mod", "verify"]).run().success();
    assert!(lab.requests().iter().filter(|seen| seen.fault.is_some()).count() > 10);
    assert!(tidy.report()["fetch"]["cured"].as_u64() > Some(5), "{tidy}");
}
