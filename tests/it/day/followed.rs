//! Imports are followed into the modules that come, and nothing beside the way is fetched.

use crate::harness::{Outcome, Project, go_minor};
use crate::lab::{Fault, Lab, Module, Running, first_of_each};
use std::time::Duration;

/// Far enough that go does not have everything before the fill has begun.
const FAR: Duration = Duration::from_millis(100);

/// A module with a file for each package: its folder, and what it imports.
fn module(path: &str, packages: &[(&str, &[&str])]) -> Module {
    let files = packages.iter().map(|(folder, imports)| {
        let imports: String = imports.iter().map(|import| format!("import _ {import:?}\n")).collect();
        let name = if folder.is_empty() { "a.go".to_owned() } else { format!("{folder}/a.go") };
        let package = if folder.starts_with("cmd") { "main" } else { "a" };
        let main = if package == "main" { "func main() {}\n" } else { "" };
        (name, format!("package {package}\n{imports}{main}").into_bytes())
    });
    Module::new(path, "v1.0.0", &format!("module {path}\n\ngo 1.21\n"), files.collect())
}

/// A row of modules of which each imports the next, one that has two more inside its path, and some that nobody
/// needs.
fn lab() -> Lab {
    Lab::new().modules(0).given(vec![
        module("h.test/a", &[("", &["h.test/b/in"]), ("unused", &["h.test/unused"])]),
        module("h.test/b", &[("", &["h.test/unused"])]),
        module("h.test/b/in", &[("", &["h.test/c/x"])]),
        module("h.test/c", &[("x", &["h.test/d"]), ("y", &["h.test/unused"])]),
        module("h.test/d", &[("", &["fmt"])]),
        module("h.test/t", &[("", &[])]),
        module("h.test/tool", &[("cmd/helper", &["h.test/d"])]),
        module("h.test/unused", &[("", &[])]),
    ])
}

const ALL: [&str; 8] = ["a", "b", "b/in", "c", "d", "t", "tool", "unused"];

fn go_mod(path: &str, go: &str, more: &str) -> String {
    let list: String = ALL.iter().map(|name| format!("require h.test/{name} v1.0.0\n")).collect();
    format!("module {path}\n\ngo {go}\n\n{list}{more}")
}

fn project(lab: &Running) -> Project {
    Project::without_files(lab)
        .file("go.mod", go_mod("example.test/main", "1.21", ""))
        .file("go.sum", lab.go_sum())
        .file("main.go", "package main\n\nimport _ \"h.test/a\"\n\nfunc main() {}\n")
        .file(
            "main_test.go",
            "package main\n\nimport (\n\t_ \"h.test/t\"\n\t\"testing\"\n)\n\nfunc TestIt(*testing.T) {}\n",
        )
        .shared_build_cache()
}

fn zips(lab: &Running) -> Vec<String> {
    let name = |path: &str| Some(path.strip_prefix("h.test/")?.strip_suffix("/@v/v1.0.0.zip")?.to_owned());
    let mut all: Vec<String> = lab.requests().iter().filter_map(|seen| name(&seen.path)).collect();
    all.sort();
    all
}

fn filled(outcome: &Outcome) -> u64 {
    outcome.report()["fetch"]["filled"].as_u64().unwrap_or(0)
}

#[test]
fn what_is_imported_further_down_is_fetched_and_nothing_else() {
    for (command, wanted) in [
        (&["build", "-o", "program", "."][..], &["a", "b", "b/in", "c", "d"][..]),
        (&["test", "./..."], &["a", "b", "b/in", "c", "d", "t"]),
        (&["vet", "."], &["a", "b", "b/in", "c", "d", "t"]),
        (&["mod", "vendor"], &["a", "b", "b/in", "c", "d", "t"]),
        (&["run", "."], &["a", "b", "b/in", "c", "d"]),
    ] {
        let lab = lab().latency(FAR).start();
        let project = project(&lab);
        let outcome = project.gox(command).run().success();
        assert_eq!(zips(&lab), wanted, "{command:?}\n{outcome}");
        // go comes first to the one or the other.
        assert!(filled(&outcome) > 0, "{command:?}\n{outcome}");
        lab.forget();
        project.clear_module_cache();
        let _ = std::fs::remove_dir_all(project.dir().join("vendor"));
        project.go(command).run().success();
        assert_eq!(zips(&lab), wanted, "{command:?}");
    }
}

#[test]
fn what_is_missing_further_down_alone_is_found() {
    let lab = lab().start();
    let project = project(&lab);
    project.go(["mod", "download", "h.test/a", "h.test/b", "h.test/b/in"]).run().success();
    lab.forget();
    let outcome = project.gox(["run", "."]).run().success();
    assert_eq!(zips(&lab), ["c", "d"], "{outcome}");
    assert!(outcome.report()["fetch"]["filled"].is_u64(), "{outcome}");
    // Now all that is needed is here, be the list not.
    lab.forget();
    let warm = project.gox(["run", "."]).run().success();
    assert!(warm.report.is_none() && lab.requests().is_empty(), "{warm}");
}

#[test]
fn a_workspace_is_followed_over_its_modules() {
    let lab = lab().start();
    let project = Project::without_files(&lab)
        .without("GOWORK")
        .file("go.work", "go 1.21\n\nuse (\n\t./one\n\t./two\n)\n")
        .file("one/go.mod", go_mod("example.test/one", "1.21", ""))
        .file("one/go.sum", lab.go_sum())
        .file("one/main.go", "package main\n\nimport _ \"example.test/two/lib\"\n\nfunc main() {}\n")
        .file("two/go.mod", go_mod("example.test/two", "1.21", ""))
        .file("two/go.sum", lab.go_sum())
        .file("two/lib/lib.go", "package lib\n\nimport _ \"h.test/c/x\"\n")
        .shared_build_cache();
    let outcome = project.gox(["build", "-o", "program", "./one"]).run().success();
    assert_eq!(zips(&lab), ["c", "d"], "{outcome}");
    assert!(outcome.report()["fetch"]["filled"].is_u64(), "{outcome}");
}

#[test]
fn tools_and_directives_are_prepared_for() {
    let lab = lab().latency(FAR).start();
    let generate =
        "package main\n\n//go:generate go run h.test/tool/cmd/helper\n//go:generate go run ./gen/gen.go\n";
    let gen_go = "//go:build ignore\n\npackage main\n\nimport _ \"h.test/t\"\n\nfunc main() {}\n";
    let project = project(&lab).file("generate.go", generate).file("gen/gen.go", gen_go);
    let outcome = project.gox(["generate", "./..."]).run().success();
    assert_eq!(zips(&lab), ["a", "b", "b/in", "c", "d", "t", "tool"], "{outcome}");
    assert!(filled(&outcome) > 0, "{outcome}");
    if go_minor() >= 24 {
        let text = go_mod("example.test/main", "1.24", "tool h.test/tool/cmd/helper\n");
        let project = self::project(&lab).file("go.mod", text);
        lab.forget();
        let outcome = project.gox(["tool", "helper"]).run().success();
        assert_eq!(zips(&lab), ["d", "tool"], "{outcome}");
        // Of two modules go may have been the first to hold the lock, both times; gox has asked for them.
        assert!(outcome.report()["fetch"]["requests"].as_u64() > Some(0), "{outcome}");
    }
}

#[test]
fn a_program_of_another_module_is_prepared_for() {
    let lab = lab().faults(&[Fault::EofInBody, Fault::Reset], first_of_each(2).path("zip$")).start();
    for version in ["v1.0.0", "latest"] {
        let project = project(&lab).without("GOWORK");
        let package = format!("h.test/tool/cmd/helper@{version}");
        let before = std::fs::read(project.dir().join("go.sum")).expect("a file of ours");
        lab.forget();
        let outcome = project.gox(["run", &package]).run().success();
        assert!(outcome.stdout.is_empty() && outcome.report()["fetch"].is_object(), "{outcome}");
        assert_eq!(std::fs::read(project.dir().join("go.sum")).expect("a file of ours"), before);
        // Once it is here go is alone.
        lab.forget();
        let again = project.gox(["run", &package]).run().success();
        assert!(again.report.is_none() && zips(&lab).is_empty(), "{again}");
    }
    // What nobody has is go's to tell.
    let project = project(&lab);
    for package in ["h.test/tool/cmd/helper@v1.9.0", "h.test/nobody/cmd@latest"] {
        let plain = project.go(["run", package]).run().exited(1);
        let ours = project.gox(["run", package]).run().exited(1);
        assert!(ours.err().ends_with(&plain.err()), "{plain}\n{ours}");
    }
}

#[test]
fn programs_of_the_users_see_neither_the_relay_nor_a_second_run() {
    let lab = lab().start();
    let script = "#!/bin/sh\necho \"$GOPROXY $1\" >>\"$LOG\"\nexec \"$@\"\n";
    for flag in ["-toolexec", "-exec"] {
        for by_goflags in [false, true] {
            let project = project(&lab).file("tool.sh", script);
            let tool = project.dir().join("tool.sh");
            std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .expect("a file of ours");
            let log = project.root().join("log");
            let value = format!("{flag}={}", tool.display());
            let run = match by_goflags {
                true => project.gox(["test", "."]).env("GOFLAGS", value),
                false => project.gox(["test", &value, "."]),
            };
            let outcome = run.env("LOG", &log).run().success();
            assert!(filled(&outcome) > 0, "{outcome}");
            let calls = std::fs::read_to_string(&log).expect("it was called");
            let proxy = lab.goproxy();
            assert!(calls.lines().all(|line| line.starts_with(&format!("{proxy} "))), "{calls}\n{outcome}");
            if flag == "-exec" {
                assert_eq!(calls.lines().count(), 1, "{calls}");
            }
        }
    }
}
