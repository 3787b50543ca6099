//! Standard input, output and error are go's, byte for byte.

use crate::harness::{Act, FakeGo, Outcome, Project};
use crate::lab::{Entry, Fault, Lab, Running, always, first_of_each};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const EOF: &[u8] =
    b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod\": EOF\n";

/// Every byte there is, then a line without its newline.
fn odd_bytes() -> Vec<u8> {
    (0..=255).chain(*b"\r\n\0 no newline at the end").collect()
}

/// What go itself said: stderr without gox's own lines.
fn of_go(outcome: &Outcome) -> Vec<u8> {
    let lines = outcome.stderr.split_inclusive(|b| *b == b'\n');
    lines.filter(|line| !line.starts_with(b"gox: ")).flatten().copied().collect()
}

#[test]
fn stdout_is_that_of_the_last_attempt_alone() {
    let odd = odd_bytes();
    let fake = FakeGo::new()
        .attempt(&[Act::Out(b"half a li"), Act::Err(EOF), Act::Exit(1)])
        .attempt(&[Act::Out(b"another ha"), Act::Err(EOF), Act::Exit(1)])
        .attempt(&[Act::Out(&odd)]);
    let project = Project::empty().with_go(&fake.path());
    for verb in [&["list"][..], &["build"], &["mod", "graph"]] {
        let before = fake.calls().len();
        let outcome = project.gox(verb).run().success();
        assert_eq!(outcome.stdout, odd, "{outcome}");
        assert_eq!(fake.calls().len(), if before == 0 { 3 } else { before + 1 });
    }
    // Of a run that is given up too.
    let fake = FakeGo::new().attempt(&[Act::Out(b"first"), Act::Err(EOF), Act::Exit(1)]).attempt(&[
        Act::Out(b"last"),
        Act::Err(EOF),
        Act::Exit(1),
    ]);
    let project = Project::empty().with_go(&fake.path()).env("GOX_ATTEMPTS", "2");
    assert_eq!(project.gox(["list"]).run().exited(1).out(), "last");
}

#[test]
fn much_stdout_is_kept_whole_outside_of_memory() {
    let fake = FakeGo::new()
        .attempt(&[Act::Sh("head -c 30000000 /dev/zero"), Act::Err(EOF), Act::Exit(1)])
        .attempt(&[Act::Sh("head -c 30000000 /dev/zero | tr '\\0' x; echo end")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project.gox(["list"]).run().success();
    assert_eq!(outcome.stdout.len(), 30_000_004);
    assert!(outcome.stdout.starts_with(b"xxxx") && outcome.stdout.ends_with(b"xend\n"));
    // And where no temporary file can be had.
    let outcome = project.gox(["list"]).env("TMPDIR", "/no/such/folder").run().success();
    assert_eq!(outcome.stdout.len(), 30_000_004);
}

#[test]
fn json_on_stdout_is_read_and_passed_on_whole() {
    let lab = Lab::new().modules(4).fault(Fault::Eof, first_of_each(1).path("m002.*zip$")).start();
    let project = Project::new(&lab).env("GOX_FILL", "off");
    let outcome = project.gox(["mod", "download", "-json"]).run().success();
    assert_eq!(outcome.attempts(), 2, "{outcome}");
    assert_eq!(outcome.causes(), ["eof"]);
    let again = project.go(["mod", "download", "-json"]).run().success();
    assert_eq!(outcome.out(), again.out(), "the objects of one attempt alone");
    // Errors that stay are there too, as go puts them.
    lab.also(Fault::Status(503), always().path("m001"));
    project.clear_module_cache();
    let plain = project.go(["mod", "download", "-json"]).run().exited(1);
    project.clear_module_cache();
    let ours = project.gox(["mod", "download", "-json"]).env("GOX_ATTEMPTS", "2").run().exited(1);
    assert!(ours.attempts() >= 2);
    assert_eq!(plain.out(), ours.out());
}

#[test]
fn stdin_is_not_eaten_by_what_may_be_run_again() {
    // sh: while read line; do gox list $line; done
    let fake = FakeGo::new().attempt(&[Act::ReadInput, Act::Sh("echo \"$2\"")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project
        .program(Path::new("/bin/sh"), ["-c", "while read -r word; do \"$GOX\" list \"$word\"; done"])
        .env("GOX", crate::harness::gox())
        .env("GOX_GO", fake.path())
        .stdin("one\ntwo\nthree\n")
        .run()
        .success();
    assert_eq!(outcome.out(), "one\ntwo\nthree\n");
    assert!(fake.calls().iter().all(|call| call.stdin.as_deref() == Some(b"")));
}

#[test]
fn stdin_reaches_what_runs_once() {
    let fake = FakeGo::new().attempt(&[Act::ReadInput]);
    let project = Project::empty().with_go(&fake.path());
    for (n, args) in [&["run", "."][..], &["test"], &["generate"], &["fmt"]].iter().enumerate() {
        let typed = odd_bytes();
        project.gox(*args).stdin(typed.clone()).run().success();
        assert_eq!(fake.calls()[n].stdin, Some(typed), "{args:?}");
    }
}

#[test]
fn stderr_passes_unchanged_whatever_it_is() {
    let odd = odd_bytes();
    for (n, code) in [(0, 0), (1, 1), (2, 2)] {
        let fake = FakeGo::new().attempt(&[Act::Err(&odd), Act::Err(b" and more"), Act::Exit(code)]);
        let project = Project::empty().with_go(&fake.path());
        let outcome = project.gox(["build"]).run().exited(code);
        let wanted: Vec<u8> = odd.iter().chain(b" and more").copied().collect();
        assert_eq!(outcome.stderr, wanted, "{n}");
        assert_eq!(fake.calls().len(), 1);
    }
    // gox's own line begins on a line of its own; go's bytes are all there.
    let unfinished = b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/x\": EOF".as_slice();
    let fake = FakeGo::new().attempt(&[Act::Err(unfinished), Act::Exit(1)]).attempt(&[Act::Err(&odd)]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project.gox(["build"]).run().success();
    assert!(!outcome.said().is_empty(), "{outcome}");
    let wanted: Vec<u8> = unfinished.iter().chain(b"\n").chain(&odd).chain(b"\n").copied().collect();
    assert_eq!(of_go(&outcome), wanted, "{outcome}");
}

#[test]
fn ten_megabyte_lines_and_a_hundred_thousand_pass() {
    let fake = FakeGo::new()
        .attempt(&[Act::Sh("head -c 10000000 /dev/zero | tr '\\0' y >&2; echo >&2; exit 1")])
        .attempt(&[Act::Sh("yes 'go: downloading example.test/a v1.0.0' | head -n 100000 >&2")]);
    let project = Project::empty().with_go(&fake.path());
    let long = project.gox(["build"]).run().exited(1);
    assert_eq!(long.stderr.len(), 10_000_001);
    assert!(long.stderr[..10_000_000].iter().all(|b| *b == b'y'));
    let many = project.gox(["build"]).run().success();
    assert_eq!(many.stderr.iter().filter(|b| **b == b'\n').count(), 100_000);
}

/// Runs gox with one of its outputs wired to a program that reads nothing or one line.
fn piped(project: &Project, fake: &FakeGo, shell: &str) -> Outcome {
    project
        .program(Path::new("/bin/bash"), ["-c", shell])
        .env("GOX", crate::harness::gox())
        .env("GOX_GO", fake.path())
        .run()
}

#[test]
fn readers_that_leave_end_it_as_they_end_go() {
    let fake = FakeGo::new().attempt(&[Act::Sh("yes line | head -n 1000000")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = piped(&project, &fake, "\"$GOX\" list | head -n 1; echo ${PIPESTATUS[0]}");
    assert_eq!(outcome.success().out(), "line\n141\n");
    // Nobody reads stderr: go gets what it would have got, and nobody hangs.
    let endless = FakeGo::new().attempt(&[Act::Sh("while echo line; do :; done >&2; exit 3")]);
    let project = Project::empty().with_go(&endless.path());
    let run = "{ \"$GOX\" build 2>&1 >/dev/null; echo $? >&3; } 3>&2 | head -n 1";
    let outcome = piped(&project, &endless, run);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert_eq!((outcome.out(), outcome.err()), ("line\n".to_owned(), "141\n".to_owned()), "{outcome}");
    assert!(outcome.leftovers.is_empty(), "{outcome}");
    assert_eq!(endless.calls().len(), 1, "{outcome}");
}

#[test]
fn closed_descriptors_cost_nothing() {
    let fake = FakeGo::new()
        .attempt(&[Act::Err(EOF), Act::Exit(1)])
        .attempt(&[Act::Sh("echo done >\"$me/done\"; echo out; echo err >&2")]);
    let project = Project::empty().with_go(&fake.path());
    for (closed, out) in [("2>&-", "out\n"), (">&-", ""), ("<&-", "out\n"), ("<&- >&- 2>&-", "")] {
        let outcome = piped(&project, &fake, &format!("\"$GOX\" mod download {closed}"));
        assert_eq!(outcome.code(), Some(0), "{closed}\n{outcome}");
        assert_eq!(outcome.out(), out, "{closed}\n{outcome}");
    }
    assert_eq!(fake.calls().len(), 5);
    // gox's own failures keep their status.
    for verb in ["version", "build"] {
        let run = project.program(Path::new("/bin/sh"), ["-c", "\"$GOX\" $VERB 2>&- >&-"]);
        let run = run.env("GOX", crate::harness::gox()).env("GOX_GO", "/no/such/go").env("VERB", verb);
        run.run().exited(127);
    }
}

#[test]
fn a_full_disk_for_stdout_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let fake = FakeGo::new().attempt(&[Act::Out(b"something\n")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = piped(&project, &fake, "\"$GOX\" list >/dev/full");
    assert_ne!(outcome.code(), Some(0), "{outcome}");
    outcome.says("cannot write stdout").says("No space left");
    // One that takes no stderr changes nothing of the status.
    let fake = FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)]).attempt(&[Act::Out(b"out\n")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = piped(&project, &fake, "\"$GOX\" list 2>/dev/full").success();
    assert_eq!(outcome.out(), "out\n");
}

/// go and gox in two projects of the same lab, both cold: one attempt, and not a byte of difference.
#[track_caller]
fn same_as_go(lab: &Running, files: &[(&str, &str)], args: &[&str], code: i32, words: &str) {
    let project = || {
        let mut project = Project::new(lab).shared_build_cache();
        for (name, text) in files {
            project = project.file(name, *text);
        }
        project
    };
    let (left, right) = (project(), project());
    let plain = left.go(args).run().exited(code).says(words);
    lab.forget();
    let ours = right.gox(args).run().exited(code);
    assert_eq!(ours.attempts(), 1, "{ours}");
    assert_eq!(ours.out(), plain.out(), "{ours}");
    let at = |project: &Project| project.root().display().to_string();
    assert_eq!(ours.err(), plain.err().replace(&at(&left), &at(&right)), "{ours}");
}

#[test]
fn what_cannot_be_cured_is_said_by_go_alone() {
    let lab = Lab::new().modules(2).start();
    let broken =
        "package main\n\nfunc main() {\n\tvar x int = \"EOF timeout checksum mismatch 403 Forbidden\"\n}\n";
    same_as_go(&lab, &[("main.go", broken)], &["build"], 1, "cannot use");
    same_as_go(&lab, &[("main.go", broken)], &["vet", "./..."], 1, "cannot use");
    same_as_go(&lab, &[("main.go", "package main\nfunc main( {\n")], &["build"], 1, "syntax error");
    same_as_go(&lab, &[], &["get", "example.test/m000@v9.9.9"], 1, "v9.9.9");
    same_as_go(&lab, &[], &["get", "example.test/m000@nonsense"], 1, "nonsense");
    same_as_go(&lab, &[], &["mod", "download", "example.test/m000@v9.9.9"], 1, "v9.9.9");
    same_as_go(&lab, &[], &["mod", "download", "-nonsense"], 2, "flag provided but not defined");
    same_as_go(&lab, &[], &["list", "-m", "example.test/none@latest"], 1, "example.test/none");
    let modern = "module example.test/main\n\ngo 1.99\n";
    same_as_go(&lab, &[("go.mod", modern)], &["build"], 1, "go >= 1.99");
    same_as_go(&lab, &[("go.mod", modern)], &["mod", "tidy"], 1, "go >= 1.99");
    same_as_go(&lab, &[("go.mod", "rubbish\n")], &["build"], 1, "go.mod");
    let missing = "package main\n\nimport _ \"example.test/nowhere/x\"\n\nfunc main() {}\n";
    same_as_go(&lab, &[("main.go", missing)], &["build"], 1, "example.test/nowhere/x");
    same_as_go(&lab, &[("go.sum", "")], &["build"], 1, "missing go.sum entry");
}

#[test]
fn another_path_in_go_mod_is_said_by_go_alone() {
    let other = crate::lab::Module::new(
        "example.test/fork",
        "v1.0.0",
        "module example.test/original\n\ngo 1.21\n",
        vec![("fork.go".to_owned(), b"package original\n".to_vec())],
    );
    let lab = Lab::new().modules(1).module(other).start();
    same_as_go(&lab, &[], &["get", "example.test/fork@v1.0.0"], 1, "module declares its path as");
    let wants = "module example.test/main\n\ngo 1.21\n\nrequire example.test/fork v1.0.0\n";
    same_as_go(&lab, &[("go.mod", wants)], &["mod", "download"], 1, "module declares its path as");
}

#[test]
fn without_go_mod_or_with_nonsense_go_speaks() {
    let lab = Lab::new().start();
    for (name, value) in [
        ("GOPROXY", "nonsense"),
        ("GOPROXY", ","),
        ("GOFLAGS", "-nonsense"),
        ("GOSUMDB", "what is this ever"),
    ] {
        let project = || Project::new(&lab).env(name, value);
        let (left, right) = (project(), project());
        let args = ["get", "example.test/m001@v1.0.0"];
        let plain = left.no_file("go.sum");
        let right = right.no_file("go.sum");
        let plain = plain.go(args).run();
        let ours = right.gox(args).run();
        assert_eq!(plain.code(), Some(1), "{plain}");
        assert_eq!(
            (ours.code(), ours.out(), ours.err()),
            (plain.code(), plain.out(), plain.err()),
            "{name}={value}\n{ours}"
        );
    }
    let project = Project::empty();
    for args in [&["mod", "download"][..], &["mod", "tidy"], &["build"], &["list", "-m", "all"]] {
        let (plain, ours) = (project.go(args).run(), project.gox(args).run());
        assert_eq!((ours.status, ours.out(), ours.err()), (plain.status, plain.out(), plain.err()), "{ours}");
    }
}

#[test]
fn a_live_stderr_is_not_held_back() {
    // go's words arrive while it still works.
    let fake = FakeGo::new().attempt(&[
        Act::Err(b"go: downloading example.test/a v1.0.0\nand a piece"),
        Act::Sh("read -r answer <\"$FIFO\"; echo \" $answer\" >&2"),
    ]);
    let project = Project::empty().with_go(&fake.path());
    let fifo = project.root().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).stdin(Stdio::null()).status();
    assert!(made.expect("mkfifo").success());
    let mut command = project.gox(["build"]).env("FIFO", &fifo).command();
    let mut child = command.stderr(Stdio::piped()).spawn().expect("gox");
    let mut pipe = child.stderr.take().expect("a pipe");
    let mut heard = Vec::new();
    let mut piece = [0; 256];
    while !heard.ends_with(b"and a piece") {
        let n = std::io::Read::read(&mut pipe, &mut piece).expect("a pipe");
        assert!(n > 0, "the end came first");
        heard.extend_from_slice(&piece[..n]);
    }
    fs::write(&fifo, "heard\n").expect("a reader at the other end");
    std::io::Read::read_to_end(&mut pipe, &mut heard).expect("a pipe");
    assert_eq!(heard, b"go: downloading example.test/a v1.0.0\nand a piece heard\n");
    assert!(child.wait().expect("a child of ours").success());
}

#[test]
fn what_go_wrote_last_is_delivered_when_nothing_helps() {
    let lab = Lab::new().entry(Entry::unresolvable()).start();
    let project = Project::new(&lab).env("GOX_ATTEMPTS", "2").env("GOX_MIRRORS", "none");
    let plain = project.go(["mod", "download", "-json"]).run().exited(1);
    let ours = project.gox(["mod", "download", "-json"]).timeout(Duration::from_secs(60)).run().exited(1);
    assert_eq!(ours.out(), plain.out(), "{ours}");
}
