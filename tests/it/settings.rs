//! Settings are bytes: what is no text, or cannot be read, makes gox careful and never generous. And flags
//! are split as go splits them: the user's program is never run twice.

use crate::harness::{Act, FakeGo, Outcome, Project, WatchedGo};
use crate::lab::{Entry, Fault, Lab, Place, Running, always, first};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Two entries, the first of which answers nobody; a pipe would lead to the second, a comma with gox, for all
/// modules have names that everybody may hear.
fn two(separator: Entry) -> Running {
    Lab::new()
        .module_host("github.com/lib")
        .modules(2)
        .entry(separator)
        .entry(Entry::plain())
        .fault(Fault::Eof, always().proxy(0))
        .start()
}

fn asked(lab: &Running, at: usize) -> usize {
    lab.requests().iter().filter(|r| r.place == Place::Proxy(at)).count()
}

#[track_caller]
fn only_the_first_was_asked_and_more_than_once(lab: &Running, outcome: &Outcome) {
    assert!(outcome.attempts() > 1, "still helped at the user's own proxy\n{outcome}");
    assert!(asked(lab, 0) > 1, "{outcome}");
    assert_eq!(asked(lab, 1), 0, "{outcome}");
}

#[test]
fn a_comment_that_is_no_text_costs_no_setting() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first(1)).start();
    for relay in ["never", "auto", "always"] {
        let project = Project::new(&lab).without("GOPROXY").env("GOX_RELAY", relay);
        let file = project.root().join("go.env");
        let text = [b"# caf\xe9\nGOPROXY=", lab.url(0).as_bytes(), b"\n"].concat();
        fs::write(&file, text).expect("a file in the temporary folder");
        lab.also(Fault::Eof, always().times(1));
        let outcome = project.gox(["mod", "download"]).env("GOENV", &file).run().success();
        assert!(lab.strangers().is_empty(), "{:?}\n{outcome}", lab.strangers());
    }
}

#[test]
fn a_setting_that_is_no_text_takes_gox_nowhere_else() {
    let odd = |text: &str| OsStr::from_bytes(&[text.as_bytes(), b"\xff"].concat()).to_owned();
    for relay in ["never", "auto", "always"] {
        for name in ["GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOFLAGS", "GOAUTH"] {
            let lab = two(Entry::plain());
            let list = lab.goproxy();
            let project = Project::new(&lab).env("GOX_RELAY", relay).env("GOX_MIRRORS", lab.url(1));
            let value = match name {
                // The second entry alone is no text: the first is asked all the same.
                "GOPROXY" => odd(&format!("{list}/")),
                "GOFLAGS" => odd("-ldflags="),
                "GOAUTH" => odd("netrc;off"),
                _ => odd("private.example/"),
            };
            let outcome = project.env(name, value).gox(["mod", "download"]).run();
            if name != "GOAUTH" {
                only_the_first_was_asked_and_more_than_once(&lab, &outcome);
            }
            assert_eq!(asked(&lab, 1), 0, "{name} {relay}\n{outcome}");
        }
    }
    // With text in their places the comma is crossed.
    let lab = two(Entry::plain());
    Project::new(&lab).env("GOX_RELAY", "never").gox(["mod", "download"]).run().success();
    assert!(asked(&lab, 1) > 0);
}

#[test]
fn a_way_out_that_is_no_text_is_left_to_go() {
    let odd = OsStr::from_bytes(b"http://127.0.0.1:1/\xff");
    for name in ["HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR"] {
        let lab = Lab::new().modules(2).fault(Fault::Eof, first(1)).start();
        let project = Project::new(&lab).env(name, odd).env("GOX_RELAY", "always");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert!(!outcome.remedies().contains(&"relay".to_owned()), "{name}\n{outcome}");
        assert_eq!(outcome.attempts(), 2, "{name}\n{outcome}");
    }
    // Folders need be no text.
    let lab = Lab::new().modules(2).fault(Fault::Eof, first(1)).start();
    let project = Project::new(&lab);
    let home = project.root().join(OsStr::from_bytes(b"h\xff"));
    crate::harness::no_telemetry(&home);
    for name in ["GOPATH", "GOMODCACHE"] {
        lab.also(Fault::Eof, always().times(1));
        let outcome =
            project.gox(["mod", "download"]).env("HOME", &home).env(name, home.join("x")).run().success();
        outcome.silent_about("asking nobody but whom go asks");
        crate::harness::remove_all(&home.join("x"));
    }
}

fn make_fifo(file: &Path) {
    let path = std::ffi::CString::new(file.as_os_str().as_bytes()).expect("a path");
    // SAFETY: a path that ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0, "{}", file.display());
}

/// A pipe, a device and a file without end in place of what gox reads and writes of the user's own.
#[test]
fn nothing_in_place_of_a_users_file_blocks_or_fills_gox() {
    let eof = b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod\": EOF\n";
    let places = [
        "home/.config/go/env",
        "home/.gitconfig",
        "home/.ssh/config",
        "home/.netrc",
        "home/.config/gox/gox.toml",
        "main/.git/config",
        "state/health.json",
        "state/journal.jsonl",
    ];
    for (at, place) in places.into_iter().enumerate() {
        for kind in ["pipe", "device", "endless"] {
            let fake = FakeGo::new().attempt(&[Act::Err(eof), Act::Exit(1)]).attempt(&[]);
            let project = Project::empty().with_go(&fake.path()).without("GOX_CONFIG").without("GOENV");
            let file = project.root().join(place);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder in the temporary one");
            match kind {
                "pipe" => make_fifo(&file),
                "device" => std::os::unix::fs::symlink("/dev/zero", &file).expect("a link"),
                _ => fs::File::create(&file).and_then(|f| f.set_len(1 << 42)).expect("a sparse file"),
            }
            // A limit on gox's memory shows that it reads no such file whole.
            let limited = "ulimit -v 4000000; exec \"$GOX\" mod download";
            let run =
                project.program(Path::new("/bin/sh"), ["-c", limited]).env("GOX", crate::harness::gox());
            let outcome = run.env("GOX_GO", fake.path()).timeout(Duration::from_secs(60)).run();
            let wrong = place.ends_with("gox.toml") && kind == "endless";
            assert_eq!(outcome.code(), Some(if wrong { 125 } else { 0 }), "{place} {kind}\n{outcome}");
            assert_eq!(fake.calls().len(), if wrong { 0 } else { 2 }, "{place} {kind}\n{outcome}");
            // The same to look at what is kept.
            if at > 5 {
                project.gox(["history"]).timeout(Duration::from_secs(60)).run().success();
            }
        }
    }
}

/// A pipe that was named as the configuration is read where somebody writes into it, and waited for a while.
#[test]
fn a_pipe_may_hold_the_configuration() {
    let fake = FakeGo::new().attempt(&[Act::Exit(1)]);
    let project = Project::empty().with_go(&fake.path());
    let file = project.root().join("pipe");
    make_fifo(&file);
    let outcome = project.gox(["config"]).env("GOX_CONFIG", &file).run().exited(125);
    outcome.says("a pipe that nobody writes into");
    let run = project.gox(["config"]).env("GOX_CONFIG", &file).start();
    fs::write(&file, "budget = \"7m\"\n").expect("a reader at the other end");
    let outcome = run.wait().success();
    assert!(outcome.out().lines().any(|l| l.starts_with("budget") && l.contains("7m")), "{outcome}");
    let run = project.gox(["build"]).env("GOX_CONFIG", &file).start();
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.wait().signal(), Some(15));
}

#[test]
fn files_that_are_none_block_nothing_and_widen_nothing() {
    let lab = two(Entry::plain());
    let project = Project::new(&lab).env("GOX_RELAY", "never").without("GOX_CONFIG");
    for name in [".git", "gox.toml", "go.work", "go.work.sum"] {
        make_fifo(&project.dir().join(name));
        project.gox(["version"]).timeout(Duration::from_secs(20)).run().success();
        if name == "go.work.sum" {
            continue;
        }
        lab.forget();
        // go itself would wait for a go.work that is a pipe.
        let outcome =
            project.gox(["mod", "download"]).env("GOWORK", "off").timeout(Duration::from_secs(60)).run();
        if name == ".git" {
            only_the_first_was_asked_and_more_than_once(&lab, &outcome);
            assert!(outcome.said().iter().any(|l| l.contains("asking nobody but whom go asks")), "{outcome}");
        }
        fs::remove_file(project.dir().join(name)).expect("a pipe of ours");
    }
}

/// A program that notes each of its runs.
fn counting(project: &Project, name: &str, then: &str) -> (PathBuf, PathBuf) {
    let (program, log) = (project.root().join(name), project.root().join(format!("{name}.log")));
    fs::write(&program, format!("#!/bin/sh\necho run >>'{}'\n{then}\n", log.display())).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    (program, log)
}

#[test]
fn a_quoted_runner_in_goflags_is_one() {
    let lab = Lab::new().modules(2).start();
    let go = WatchedGo::new();
    let project = Project::new(&lab).with_go(&go.path()).shared_build_cache();
    // Looks to gox like a network fault that waiting might cure.
    let words = "echo 'go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/x\": EOF' >&2; exit 1";
    let (tool, log) = counting(&project, "tool", words);
    let flags = format!("'-toolexec={} arg'", tool.display());
    let outcome = project.gox(["build", "./..."]).env("GOFLAGS", &flags).run();
    assert!(!outcome.status.success(), "{outcome}");
    let runs = go.runs();
    assert_eq!(runs.iter().filter(|run| run.args.starts_with("build")).count(), 1, "{outcome}");
    assert!(fs::read_to_string(log).expect("the tool ran").contains("run"), "{outcome}");

    // What builds nothing is helped as ever.
    lab.also(Fault::Eof, always().times(1));
    project.clear_module_cache();
    let outcome = project.gox(["mod", "download"]).env("GOFLAGS", &flags).run().success();
    assert_eq!(outcome.attempts(), 2, "{outcome}");
}

#[test]
fn tests_that_are_only_compiled_are_helped_and_never_run() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first(1)).start();
    let project = Project::new(&lab).shared_build_cache();
    let mark = project.root().join("the test ran");
    let source = format!(
        "package main\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestX(t *testing.T) {{ os.WriteFile({:?}, nil, 0o600) }}\n",
        mark.display().to_string()
    );
    let project = project.file("main_test.go", source);
    let outcome = project.gox(["test", "-c", "-o", "out.test", "."]).env("GOX_FILL", "off").run().success();
    assert_eq!(outcome.attempts(), 2, "{outcome}");
    assert!(project.dir().join("out.test").exists() && !mark.exists(), "{outcome}");
    project.gox(["test", "-run", "-c", "."]).run();
    project.gox(["test", "."]).run().success();
    assert!(mark.exists());
}
