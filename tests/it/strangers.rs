//! What strangers say steers nothing: names of the user's own that look like words of the network,
//! archives and folders that are what they are, servers that quote go. gox ends as plain go does, and
//! the module cache stays as it was.

use crate::harness::{Outcome, Project, go_releases};
use crate::lab::{Fault, Lab, Module, always};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The oldest and the newest release.
fn releases() -> Vec<std::path::PathBuf> {
    let all = go_releases();
    assert!(!all.is_empty(), "no go release for the tests: run tests/run.sh");
    let ends = [all.first(), all.last()];
    ends.into_iter().flatten().map(|(_, path)| path.clone()).collect()
}

/// gox ends as go itself does, after one attempt of each release.
#[track_caller]
fn at_once(project: impl Fn() -> Project, args: &[&str]) {
    for go in releases() {
        let project = project().with_go(&go);
        let plain = project.go(args).run();
        let outcome = project.gox(args).run();
        assert_eq!(outcome.code(), plain.code(), "{plain}\n{outcome}");
        assert_ne!(outcome.code(), Some(0), "{outcome}");
        assert_eq!(outcome.attempts(), 1, "{outcome}");
        assert_eq!(outcome.remedies(), [""; 0], "{outcome}");
    }
}

const MAIN: &str = "module example.test/main\n\ngo 1.21\n";
const REQUIRES: &str = "module example.test/main\n\ngo 1.21\n\nrequire a.test/b v1.0.0\n";

#[test]
fn names_of_the_users_own_are_no_words_of_the_network() {
    let here = |name: &str, text: &str| Project::empty().file(name, text);
    at_once(
        || here("go.mod", MAIN).env("GOPROXY", "direct").env("GOVCS", "public:git,public:all"),
        &["list", "-m", "github.com/x/y@v1"],
    );
    for folder in ["timeout", "eof", "unreachable"] {
        at_once(
            || here("go.work", &format!("go 1.21\n\nuse ./{folder}\n")).without("GOWORK"),
            &["list", "-m"],
        );
        at_once(
            || {
                let replace = format!("replace example.test/{folder} => ");
                here("go.mod", &format!("{MAIN}\n{replace}../x\n{replace}../y\n"))
            },
            &["list", "-m", "all"],
        );
    }
    at_once(
        || here("go.mod", MAIN).file("main.go", "package main\n").file("overlay.json", "{\"Replace\": "),
        &["build", "-overlay", "overlay.json", "."],
    );
    at_once(|| here("go.mod", MAIN), &["build", "-overlay", "timeout.json", "."]);
    at_once(|| here("go.mod", "go 1.21\n"), &["mod", "download"]);
}

/// A folder that serves as a module proxy, with the files of one module.
fn folder(files: &[(&str, &[u8])]) -> Project {
    let project = Project::empty().file("go.mod", REQUIRES);
    for (name, bytes) in files {
        let path = project.root().join("proxy").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    let url = format!("file://{}", project.root().join("proxy").display());
    project.env("GOPROXY", url)
}

fn module(path: &str, files: &[&str]) -> Module {
    let files = files.iter().map(|name| ((*name).to_owned(), b"package b\n".to_vec())).collect();
    Module::new(path, "v1.0.0", &format!("module {path}\n"), files)
}

#[test]
fn what_a_folder_or_an_archive_holds_is_certain() {
    const INFO: (&str, &[u8]) = ("a.test/b/@v/v1.0.0.info", b"{\"Version\":\"v1.0.0\"}");
    const MOD: (&str, &[u8]) = ("a.test/b/@v/v1.0.0.mod", b"module a.test/b\n");
    const ZIP: &str = "a.test/b/@v/v1.0.0.zip";
    at_once(|| folder(&[("a.test/b/@v/v1.0.0.info", b"<html>"), MOD]), &["mod", "download", "-json"]);
    let other = module("a.test/other", &["b.go"]).zip();
    at_once(|| folder(&[INFO, MOD, (ZIP, &other)]), &["mod", "download"]);
    let twice = module("a.test/b", &["A.go", "a.go"]).zip();
    at_once(|| folder(&[INFO, MOD, (ZIP, &twice)]), &["mod", "download"]);
    // A database below a folder that lacks a look-up has answered.
    let good = module("a.test/b", &["b.go"]).zip();
    at_once(
        || {
            let supported = "sumdb/sum.golang.org/supported";
            folder(&[INFO, MOD, (ZIP, &good), (supported, b"")]).env("GOSUMDB", "sum.golang.org")
        },
        &["mod", "download"],
    );
}

const FORGED: &str = "verifying example.test/m000@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=\n\nSECURITY ERROR\n";

/// Files of the module cache below the module's own folders, with their contents.
fn cached(project: &Project, module: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let folder = project.cached(&format!("{module}/@v"));
    for entry in fs::read_dir(folder).expect("a module in the cache").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path()).expect("a file of the cache"));
    }
    assert!(files.keys().any(|name| name.ends_with(".zip")), "{files:?}");
    files
}

fn is_there(path: &Path) -> bool {
    path.join("go.mod").exists()
}

#[test]
fn a_server_that_quotes_go_makes_gox_touch_no_good_module() {
    for status in [403, 404, 500] {
        for relay in ["never", "always"] {
            let lab = Lab::new().modules(2).fault(Fault::Says(status, FORGED), always().path("m001")).start();
            let project = Project::new(&lab).env("GOX_RELAY", relay).env("GOX_ATTEMPTS", "2");
            project.go(["mod", "download", "example.test/m000"]).run().success();
            let before = cached(&project, "example.test/m000");
            let outcome: Outcome = project.gox(["mod", "download"]).run().exited(1);
            assert_eq!(cached(&project, "example.test/m000"), before, "{outcome}");
            assert!(is_there(&project.module_cache().join("example.test/m000@v1.0.0")), "{outcome}");
            let forbidden = ["evict:", "private:", "sumdb:"];
            assert!(
                outcome.remedies().iter().all(|r| forbidden.iter().all(|f| !r.starts_with(f))),
                "{outcome}"
            );
            assert!(outcome.causes().iter().all(|c| c != "checksum-mismatch"), "{outcome}");
        }
    }
}
