//! What packages surely need first is fetched ahead: beside go where go may be run again, and before it where go runs
//! the user's code, which is never run twice and never sees the relay.

use crate::harness::{Outcome, Project};
use crate::lab::{Fault, Lab, rate};

/// Connections that are cut, in a fifth of all answers.
const CUT: [Fault; 3] = [Fault::Eof, Fault::EofInBody, Fault::Reset];

/// A test that says in a file that it ran, and which GOPROXY it saw.
const TEST: &str = "package main\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestIt(t *testing.T) {\n\tf, err := \
                    os.OpenFile(\"ran\", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n\
                    \tf.WriteString(\"ran \" + os.Getenv(\"GOPROXY\") + \"\\n\")\n}\n";

fn filled(outcome: &Outcome) -> u64 {
    outcome.report()["fetch"]["filled"].as_u64().unwrap_or(0)
}

#[test]
fn tests_get_through_cut_connections_and_run_once() {
    for seed in 1..4 {
        let lab = Lab::new().modules(12).seed(seed).faults(&CUT, rate(0.2)).start();
        let project = Project::new(&lab).file("main_test.go", TEST).shared_build_cache();
        let outcome = project.gox(["test", "-count=1", "./..."]).run().success();
        assert!(outcome.out().starts_with("ok"), "{outcome}");
        let ran = std::fs::read_to_string(project.dir().join("ran")).expect("the test ran");
        assert_eq!(ran, format!("ran {}\n", lab.goproxy()), "once, and without the relay\n{outcome}");
        assert!(filled(&outcome) > 0, "{outcome}");
        // With all that is needed in the cache nothing is prepared.
        lab.forget();
        let again = project.gox(["test", "./..."]).run().success();
        assert!(again.out().starts_with("ok") && lab.requests().is_empty(), "{again}");
    }
}

#[test]
fn a_program_runs_after_its_modules_came() {
    let lab = Lab::new().modules(8).faults(&CUT, rate(0.2)).start();
    let project = Project::new(&lab).shared_build_cache();
    for command in [&["run", "."][..], &["run", "main.go"]] {
        project.clear_module_cache();
        let outcome = project.gox(command).run().success();
        assert_eq!(outcome.out(), "modules: 8\n", "{outcome}");
    }
    // What cannot be had is told by go itself, in its own words and with its own status.
    let lab = Lab::new().modules(3).fault(Fault::Status(404), crate::lab::always().path("m001.*zip")).start();
    let plain = Project::new(&lab).shared_build_cache().go(["run", "."]).run();
    let project = Project::new(&lab).env("GOX_BUDGET", "2s").shared_build_cache();
    let ours = project.gox(["run", "."]).run();
    assert_eq!(plain.code(), ours.code(), "{ours}");
    let words = plain.err().lines().find(|line| line.contains("404")).expect("go's words").to_owned();
    assert!(ours.err().contains(&words), "{ours}");
}

#[test]
fn builds_are_fetched_ahead_and_ask_for_nothing_else() {
    for command in [&["build", "-o", "program", "."][..], &["vet", "./..."], &["list", "-deps", "./..."]] {
        let lab = Lab::new().modules(6).start();
        let paths = || {
            let mut paths: Vec<String> = lab.requests().into_iter().map(|seen| seen.path).collect();
            paths.sort();
            paths
        };
        Project::new(&lab).shared_build_cache().go(command).run().success();
        let asked = paths();
        lab.forget();
        let ours = Project::new(&lab).shared_build_cache();
        let outcome = ours.gox(command).run().success();
        // go may come first to one or the other.
        assert!(outcome.report()["fetch"]["filled"].is_u64(), "{outcome}");
        assert_eq!(paths(), asked, "{command:?}\n{outcome}");
        ours.go(["mod", "verify"]).run().success();
    }
}

#[test]
fn only_what_is_imported_here_is_fetched() {
    // The command needs two of twenty modules: by name, by condition and by its own packages.
    let lab = Lab::new().modules(20).start();
    let project = Project::new(&lab)
        .file("main.go", "package main\n\nimport _ \"example.test/main/inner\"\n\nfunc main() {}\n")
        .file("inner/a.go", "package inner\n\nimport _ \"example.test/m003\"\n")
        .file("inner/b_windows.go", "package inner\n\nimport _ \"example.test/m004\"\n")
        .file("inner/c.go", "//go:build never\n\npackage inner\n\nimport _ \"example.test/m005\"\n")
        .file("inner/a_test.go", "package inner\n\nimport _ \"example.test/m006\"\n")
        .file("inner/d.go", "//go:build !windows\n\npackage inner\n\nimport _ \"example.test/m007\"\n")
        .shared_build_cache();
    let outcome = project.gox(["build", "-o", "program", "."]).run().success();
    let mut zips: Vec<String> =
        lab.requests().into_iter().map(|seen| seen.path).filter(|path| path.ends_with(".zip")).collect();
    zips.sort();
    assert_eq!(zips.len(), 2, "{zips:?}\n{outcome}");
    assert!(outcome.report()["fetch"]["filled"].is_u64(), "{outcome}");
}

#[test]
fn go_s_own_file_says_what_is_built_for() {
    let lab = Lab::new().modules(6).start();
    let import = |n: u8| format!("package main\n\nimport _ \"example.test/m00{n}\"\n");
    let project = Project::new(&lab)
        .file("main.go", "package main\n\nfunc main() {}\n")
        .file("a_windows.go", import(1))
        .file("b_windows.go", import(2))
        .file("a_linux.go", import(3))
        .file("b_linux.go", import(4))
        .file("a_darwin.go", import(3))
        .file("b_darwin.go", import(4))
        .file("go.env", "GOOS=windows\n")
        .shared_build_cache();
    let file = project.dir().join("go.env");
    let outcome = project.gox(["list", "-deps", "."]).env("GOENV", file).run().success();
    let zips = |seen: crate::lab::Seen| seen.path.ends_with(".zip").then_some(seen.path);
    let mut zips: Vec<String> = lab.requests().into_iter().filter_map(zips).collect();
    zips.sort();
    let wanted = [1, 2].map(|n| format!("example.test/m00{n}/@v/v1.0.0.zip"));
    assert_eq!(zips, wanted, "{outcome}");
}
