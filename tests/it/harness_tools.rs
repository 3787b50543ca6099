//! The harness itself: a fake go, a terminal, git, processes that are left.

use crate::harness::{Act, FakeGo, Project, go_minor};
use crate::lab::{Entry, Lab};
use std::path::Path;
use std::time::Duration;

#[test]
fn the_fake_go_follows_its_script() {
    let fake = FakeGo::new()
        .attempt(&[Act::Out(b"one\n"), Act::Err(b"bad \xff\n"), Act::Exit(3)])
        .attempt(&[Act::ReadInput, Act::Out(b"two\n")])
        .attempt(&[Act::Die("TERM")]);
    let project = Project::empty().with_go(&fake.path()).env("GOPRIVATE", "a.test,b.test");
    let first = project.go(["mod", "tidy"]).run().exited(3);
    assert_eq!((first.stdout, first.stderr), (b"one\n".to_vec(), b"bad \xff\n".to_vec()));
    let env = project.go(["env", "GOPRIVATE", "GONOPROXY"]).run().success();
    assert_eq!(env.out(), "a.test,b.test\n\n");
    let env = project.go(["env", "-json", "GOPRIVATE"]).run().success();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&env.stdout).unwrap()["GOPRIVATE"],
        "a.test,b.test"
    );
    assert_eq!(project.go(["get", "x y"]).stdin("typed").run().success().out(), "two\n");
    for _ in 0..2 {
        assert_eq!(project.go(["build"]).run().signal(), Some(15));
    }
    let calls = fake.calls();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[1].args, ["get", "x y"]);
    assert_eq!(calls[1].stdin.as_deref(), Some(b"typed".as_slice()));
    assert_eq!(calls[0].var("GOTOOLCHAIN"), Some("local"));
    assert_eq!(fake.asides().len(), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_left_is_found() {
    let fake = FakeGo::new().attempt(&[Act::Child(Duration::from_secs(600)), Act::Exit(0)]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project.go(["build"]).run();
    assert_eq!(outcome.code(), Some(0));
    assert_eq!(outcome.leftovers.len(), 1, "{:?}", outcome.leftovers);
    assert!(outcome.leftovers[0].command.contains("sleep 600"), "{:?}", outcome.leftovers);
    let gone = Path::new("/proc").join(outcome.leftovers[0].id.to_string()).join("cmdline");
    // Killed, it is at most a zombie, which has no command line any more.
    while std::fs::read(&gone).is_ok_and(|bytes| !bytes.is_empty()) {
        std::thread::yield_now();
    }
}

#[test]
fn a_terminal_is_one() {
    let fake = FakeGo::new().attempt(&[
        Act::Sh("if [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && : </dev/tty; then echo terminal; fi"),
        Act::Sh("read -r answer; echo \"got $answer\""),
        Act::Out(b"ready\n"),
        Act::Sleep(Duration::from_secs(600)),
    ]);
    let project = Project::empty().with_go(&fake.path());
    let mut terminal = project.go(["build"]).start_on_terminal();
    terminal.shows("terminal");
    terminal.types("yes\n");
    terminal.shows("got yes");
    terminal.shows("ready");
    assert_eq!(terminal.interrupts().signal(), Some(2));
}

#[test]
fn git_modules_come_from_this_machine() {
    for path in ["github.com/acme/secret", "git.corp.test/team/secret.git"] {
        let project = Project::empty().git_module(path).env("GOPROXY", "direct");
        let project =
            project.file("go.mod", format!("module example.test/main\n\ngo 1.21\n\nrequire {path} v1.0.0\n"));
        let run = project.go(["mod", "download", "-json"]).run().success();
        assert!(run.out().contains("\"Version\": \"v1.0.0\""), "{run}");
    }
    let project =
        Project::empty().git_instead_of("https://github.com/", "file:///nowhere/").env("GOPROXY", "direct");
    let run = project.go(["list", "-m", "github.com/acme/secret@v1.0.0"]).run().exited(1);
    run.says("invalid version: git ").says("exit status 128");
}

#[test]
fn git_over_a_misbehaving_server() {
    let lab = Lab::new().entry(Entry::closed()).entry(Entry::plain()).start();
    for (entry, words) in [(0, "Failed to connect to|Could not connect"), (1, "not found|404")] {
        let project = Project::empty()
            .git_instead_of("https://github.com/", &format!("{}/", lab.url(entry)))
            .env("GOPROXY", "direct");
        project.go(["list", "-m", "github.com/acme/secret@v1.0.0"]).run().exited(1).matches(words);
    }
}

#[test]
fn release_lab_serves_this_go() {
    assert!(go_minor() >= 21);
    for entry in [Entry::plain(), Entry::tls()] {
        let lab = Lab::new().modules(5).sumdb().entry(entry).start();
        let project = Project::new(&lab).no_file("go.sum").shared_build_cache();
        project.go(["mod", "tidy"]).run().success();
        assert_eq!(project.go(["run", "."]).run().success().out(), "modules: 5\n");
        project.go(["mod", "verify"]).run().success();
    }
}
