//! gox ends as go ends, soon after it, and leaves nobody behind.

mod callers;
mod people;

use crate::harness::{Act, FakeGo, Outcome, Process, Project, Started};
use crate::lab::{Draw, Entry, Fault, Lab, always};
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const EOF: &[u8] =
    b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod\": EOF\n";

/// Waits until a file is there: the fake go tells by one that it has come so far.
#[track_caller]
fn wait_for(file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < deadline, "{} did not come", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until such a process of the run is there.
#[track_caller]
fn wait_for_process(run: &Started, what: impl Fn(&Process) -> bool) -> Process {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = run.processes().into_iter().find(&what) {
            return found;
        }
        assert!(Instant::now() < deadline, "no such process: {:?}", run.processes());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn none_left(outcome: &Outcome) {
    assert!(outcome.leftovers.is_empty(), "processes were left: {:?}\n{outcome}", outcome.leftovers);
}

fn kill(id: u32, signal: Signal) {
    let id = rustix::process::Pid::from_raw(i32::try_from(id).expect("a process number")).expect("not 0");
    // It may have ended meanwhile.
    let _ = rustix::process::kill_process(id, signal);
}

#[test]
fn exit_codes_are_gos() {
    for code in [0, 1, 2, 3, 77, 125, 126, 127, 128, 130, 255] {
        let fake = FakeGo::new().attempt(&[Act::Out(b"out"), Act::Exit(code)]);
        let project = Project::empty().with_go(&fake.path());
        for verb in ["build", "fmt", "test"] {
            let outcome = project.gox([verb]).run().exited(code);
            assert_eq!((outcome.out(), outcome.err()), ("out".to_owned(), String::new()));
        }
        assert_eq!(fake.calls().len(), 3);
    }
    // Of the last attempt.
    let fake = FakeGo::new()
        .attempt(&[Act::Err(EOF), Act::Exit(1)])
        .attempt(&[Act::Err(b"main.go:3:2: undefined: x\n"), Act::Exit(2)]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project.gox(["build"]).run().exited(2);
    assert_eq!(outcome.report()["exit"], 2);
}

#[test]
fn a_signal_that_ends_go_ends_gox() {
    for (name, number) in
        [("TERM", 15), ("KILL", 9), ("INT", 2), ("HUP", 1), ("SEGV", 11), ("ABRT", 6), ("PIPE", 13)]
    {
        let fake = FakeGo::new().attempt(&[Act::Err(EOF), Act::Die(name)]);
        let project = Project::empty().with_go(&fake.path());
        for verb in ["build", "test"] {
            let outcome = project.gox([verb]).run();
            assert_eq!(outcome.signal(), Some(number), "{verb} {name}\n{outcome}");
            none_left(&outcome);
        }
        assert_eq!(fake.calls().len(), 2, "go was run again after SIG{name}");
        // As a shell sees it.
        let shell = project
            .program(Path::new("/bin/sh"), ["-c", "\"$GOX\" build; echo $?"])
            .env("GOX", crate::harness::gox())
            .env("GOX_GO", fake.path())
            .run()
            .success();
        assert_eq!(shell.out(), format!("{}\n", 128 + number));
    }
}

/// A go that tells when it runs, and then waits for ever with a child beside it.
fn waiting(ready: &Path) -> FakeGo {
    FakeGo::new().attempt(&[
        Act::Child(Duration::from_secs(600)),
        // Without a process of the shell's own in between: a shell that waits for one may take a signal for
        // that one's.
        Act::Sh(&format!(": >'{}'; exec sleep 600", ready.display())),
    ])
}

#[test]
fn signals_to_gox_end_go_and_its_children() {
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        let project = Project::empty();
        let ready = project.root().join("ready");
        let fake = waiting(&ready);
        let project = project.with_go(&fake.path());
        let started = project.gox(["build"]).start();
        wait_for(&ready);
        let sent = Instant::now();
        started.signal(signal);
        let outcome = started.wait();
        assert_eq!(outcome.signal(), Some(number), "{outcome}");
        assert!(sent.elapsed() < Duration::from_secs(5), "{outcome}");
        none_left(&outcome);
        assert_eq!(fake.calls().len(), 1, "another attempt after a signal");
        assert!(outcome.stderr.is_empty(), "{outcome}");
        assert_eq!(outcome.report()["exit"], 128 + number);
    }
}

#[test]
fn a_go_that_catches_the_signal_chooses_the_status() {
    let project = Project::empty();
    let ready = project.root().join("ready");
    let fake = FakeGo::new().attempt(&[
        Act::Sh("trap 'echo tidied; kill $child; exit 9' TERM"),
        Act::Sh(&format!("sleep 600 & child=$!; touch '{}'; wait", ready.display())),
    ]);
    let project = project.with_go(&fake.path());
    let started = project.gox(["build"]).start();
    wait_for(&ready);
    started.signal(Signal::TERM);
    let outcome = started.wait().exited(9);
    assert_eq!(outcome.out(), "tidied\n");
}

#[test]
fn a_signal_between_two_attempts_ends_gox_at_once() {
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15)] {
        let lab = Lab::new().fault(Fault::RateLimited(30), always()).start();
        let project = Project::new(&lab).env("GOX_BACKOFF_BASE", "60s").env("GOX_BACKOFF_MAX", "60s");
        let fake = FakeGo::new().attempt(&[
            Act::Err(b"go: example.test/a@v1.0.0: reading http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod: 429 Too Many Requests\n"),
            Act::Exit(1),
        ]);
        let project = project.with_go(&fake.path());
        let started = project.gox(["mod", "download"]).start();
        // The attempt is over when its go is gone and gox still here.
        let call = fake.path().with_file_name("call-1");
        wait_for(&call);
        let deadline = Instant::now() + Duration::from_secs(30);
        while started.processes().len() != 1 || fake.asides().is_empty() {
            assert!(Instant::now() < deadline, "{:?}", started.processes());
            std::thread::sleep(Duration::from_millis(5));
        }
        // What remains to be done before the wait is some milliseconds of looking around.
        std::thread::sleep(Duration::from_millis(300));
        let sent = Instant::now();
        started.signal(signal);
        let outcome = started.wait();
        assert_eq!(outcome.signal(), Some(number), "{outcome}");
        assert!(sent.elapsed() < Duration::from_secs(3), "{outcome}");
        assert_eq!(fake.calls().len(), 1, "{outcome}");
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    // As under nohup.
    let project = Project::empty();
    let ready = project.root().join("ready");
    let go_on = project.root().join("go-on");
    let fake = FakeGo::new().attempt(&[Act::Sh(&format!(
        "touch '{}'; until [ -e '{}' ]; do sleep 0.05; done; echo done",
        ready.display(),
        go_on.display()
    ))]);
    let project = project.with_go(&fake.path());
    let started = project
        .program(Path::new("/bin/sh"), ["-c", "trap '' HUP; exec \"$GOX\" build"])
        .env("GOX", crate::harness::gox())
        .env("GOX_GO", fake.path())
        .start();
    wait_for(&ready);
    started.signal(Signal::HUP);
    fs::write(&go_on, "").expect("a file in the temporary folder");
    assert_eq!(started.wait().success().out(), "done\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_gox_killed_with_kill_takes_go_along_and_the_next_run_succeeds() {
    let lab = Lab::new().modules(6).fault(Fault::Silence, always().path("m003.*zip$")).start();
    let project = Project::new(&lab);
    let started = project.gox(["mod", "download"]).start();
    let ids = started.id();
    wait_for_process(&started, |p| p.id != ids && p.command.contains("mod download"));
    started.signal(Signal::KILL);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !started.processes().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", started.processes());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(started.wait().signal(), Some(9));
    lab.heal();
    project.gox(["mod", "download"]).run().success();
    project.go(["mod", "verify"]).run().success();
}

#[test]
#[cfg(target_os = "linux")]
fn go_killed_at_any_moment_leaves_nobody_and_nothing_broken() {
    let lab = Lab::new().modules(12).size(20_000).latency(Duration::from_millis(3)).start();
    let project = Project::new(&lab);
    let whole = project.gox(["mod", "download"]).run().success().elapsed;
    let mut draw = Draw::new(7, "moments");
    let mut killed = 0;
    // More on demand: the moments are drawn, and some are rare.
    let rounds = std::env::var("GOX_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    for round in 0..rounds {
        project.clear_module_cache();
        let begun = Instant::now();
        let started = project.gox(["mod", "download"]).start();
        let moment = whole.mul_f64(draw.unit());
        let own = started.id();
        let go = wait_for_process(&started, |p| p.id != own || begun.elapsed() > Duration::from_secs(5));
        std::thread::sleep(moment.saturating_sub(begun.elapsed()));
        if go.id != own {
            kill(go.id, Signal::KILL);
        }
        let outcome = started.wait();
        none_left(&outcome);
        match (outcome.code(), outcome.signal()) {
            (Some(0), None) => {}
            (None, Some(9)) => killed += 1,
            _ => panic!("round {round}: neither go's end nor success\n{outcome}"),
        }
        project.gox(["mod", "download"]).run().success();
        project.go(["mod", "verify"]).run().success();
    }
    assert!(killed > 0, "no run was hit");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stalled_go_is_ended_with_its_git() {
    // The name leads to a server that takes the connection and says nothing: git waits for ever.
    let lab = Lab::new().entry(Entry::silent_tls()).start();
    let silent = lab.url(0).to_owned();
    let project = Project::empty()
        .git_instead_of("https://github.com/", &format!("{silent}/"))
        .env("GOPROXY", "direct")
        .env("GOX_STALL", "500ms")
        .env("GOX_ATTEMPTS", "1")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire github.com/acme/secret v1.0.0\n");
    let started = project.gox(["mod", "download"]).timeout(Duration::from_secs(60)).start();
    wait_for_process(&started, |p| p.command.contains("git"));
    let outcome = started.wait();
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    none_left(&outcome);
    assert_eq!(outcome.report()["attempts"][0]["stalled"], true, "{outcome}");
}

#[test]
fn a_go_that_waits_for_the_relay_is_not_stalled() {
    // Silent for longer than a stall, three times in a row: the relay doubles its own patience.
    let late = Lab::new().modules(3).fault(Fault::Late(3000), always().path("m001.*zip$")).start();
    let outcome = Project::new(&late)
        .gox(["mod", "download"])
        .env("GOX_RELAY", "always")
        .env("GOX_STALL", "1s")
        .run()
        .success();
    assert_eq!(outcome.attempts(), 1, "{outcome}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_go_that_hangs_in_git_while_the_relay_is_idle_is_stalled() {
    // The proxy has no such module, so that go itself goes to git, which waits for ever.
    let lab = Lab::new().entry(Entry::plain()).entry(Entry::silent_tls()).start();
    let (proxy, silent) = (lab.url(0).to_owned(), lab.url(1).to_owned());
    let project = Project::empty()
        .git_instead_of("https://github.com/", &format!("{silent}/"))
        .env("GOPROXY", format!("{proxy},direct"))
        .env("GOX_RELAY", "always")
        .env("GOX_STALL", "500ms")
        .env("GOX_ATTEMPTS", "1")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire github.com/acme/secret v1.0.0\n");
    let outcome = project.gox(["mod", "download"]).timeout(Duration::from_secs(60)).run();
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    none_left(&outcome);
    assert_eq!(outcome.report()["attempts"][0]["stalled"], true, "{outcome}");
    assert!(lab.requests().iter().any(|seen| seen.status == 404), "the relay did not serve\n{outcome}");
}

#[test]
fn a_stalled_go_that_ignores_the_polite_signal_is_ended_too() {
    let fake = FakeGo::new()
        .attempt(&[
            Act::Out(b"of the stalled one"),
            // Any other program below go would be one that go waits for with good reason.
            Act::Sh("trap '' TERM INT HUP; ln -s \"$(command -v sleep)\" \"$here/git\""),
            Act::Sh("while :; do \"$here/git\" 600; done"),
        ])
        .attempt(&[Act::Out(b"of the good one")]);
    let project =
        Project::empty().with_go(&fake.path()).env("GOX_STALL", "1s").env("GOPROXY", "http://127.0.0.1:9");
    let outcome = project.gox(["build"]).timeout(Duration::from_secs(60)).run().success();
    assert_eq!(outcome.out(), "of the good one");
    assert_eq!(fake.calls().len(), 2);
}

#[test]
fn attempts_and_budget_bound_every_run() {
    let fake = FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)]);
    let project = Project::empty().with_go(&fake.path());
    project.gox(["get", "example.test/a"]).env("GOX_ATTEMPTS", "none").run().exited(1);
    assert_eq!(fake.calls().len(), 4, "a version that is being chosen may not exist");
    project.gox(["build"]).env("GOX_ATTEMPTS", "1").run().exited(1);
    assert_eq!(fake.calls().len(), 5);
    for attempts in ["none", "100000"] {
        let run = project.gox(["build"]).env("GOX_ATTEMPTS", attempts).env("GOX_BUDGET", "1s").run();
        let outcome = run.exited(1);
        assert!(outcome.attempts() > 4 && outcome.elapsed < Duration::from_secs(20), "{outcome}");
        outcome.says("budget");
    }
}

#[test]
fn ctrl_c_on_a_terminal_ends_both_once() {
    let project = Project::empty();
    let fake = FakeGo::new().attempt(&[
        Act::Sh("trap 'echo one >>\"$me/caught\"' INT"),
        Act::Sh("if [ -t 0 ] && : </dev/tty; then echo on a terminal >&2; fi"),
        Act::Sh("i=0; while [ $i -lt 200 ] && [ ! -e \"$me/caught\" ]; do sleep 0.05; i=$((i + 1)); done"),
        // A second signal would come within this time. After a second gox sends one itself: so much must not pass.
        Act::Sh("sleep 0.1; trap - INT; kill -INT $$"),
    ]);
    let project = project.with_go(&fake.path());
    let mut terminal = project.gox(["build"]).start_on_terminal();
    terminal.shows("on a terminal");
    terminal.types("\x03");
    let outcome = terminal.wait();
    assert_eq!(outcome.signal(), Some(2), "{outcome}");
    none_left(&outcome);
    let caught = fs::read_to_string(fake.path().with_file_name("call-1").join("caught")).expect("a signal");
    assert_eq!(caught, "one\n");
    assert_eq!(fake.calls().len(), 1);
}

#[test]
fn a_terminal_can_be_asked_through_gox() {
    // A prompt of git or ssh: a question without newline, an answer typed.
    let fake = FakeGo::new().attempt(&[
        Act::Err(b"Username for 'https://git.corp.test': "),
        Act::Sh("read -r answer </dev/tty; echo \"hello $answer\" >&2"),
    ]);
    let project = Project::empty().with_go(&fake.path());
    let mut terminal = project.gox(["get", "git.corp.test/x"]).start_on_terminal();
    terminal.shows("Username for");
    terminal.types("me\n");
    terminal.shows("hello me");
    let outcome = terminal.wait();
    assert_eq!(outcome.code(), Some(0), "{outcome}");
}

#[test]
fn ctrl_c_ends_a_stalled_go_with_its_children_on_a_terminal() {
    let project = Project::empty();
    let ready = project.root().join("ready");
    let fake = waiting(&ready);
    let project = project.with_go(&fake.path());
    let mut terminal = project.gox(["mod", "download"]).start_on_terminal();
    wait_for(&ready);
    terminal.types("\x03");
    let outcome = terminal.wait();
    assert_eq!(outcome.signal(), Some(2), "{outcome}");
    none_left(&outcome);
}

/// Whether a process is there and has not ended.
#[cfg(target_os = "linux")]
fn lives(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
#[cfg(target_os = "linux")]
fn a_kill_of_the_whole_group_leaves_nobody() {
    // git waits for ever; with plain go it dies with the group.
    let lab = Lab::new().entry(Entry::silent_tls()).start();
    let silent = lab.url(0).to_owned();
    let project = Project::empty()
        .git_instead_of("https://github.com/", &format!("{silent}/"))
        .env("GOPROXY", "direct")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire github.com/acme/secret v1.0.0\n");
    for plain in [true, false] {
        let run = if plain { project.go(["mod", "download"]) } else { project.gox(["mod", "download"]) };
        let started = run.start();
        wait_for_process(&started, |p| p.command.contains("git"));
        let group = rustix::process::Pid::from_raw(i32::try_from(started.id()).expect("a number"));
        rustix::process::kill_process_group(group.expect("not 0"), Signal::KILL).expect("a group of ours");
        let deadline = Instant::now() + Duration::from_secs(5);
        while !started.processes().is_empty() {
            assert!(Instant::now() < deadline, "plain: {plain}, left: {:?}", started.processes());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(started.wait().signal(), Some(9));
    }
}

#[test]
fn a_limit_on_file_sizes_costs_go_no_output() {
    // One block is far less than what go says; the spool's file takes no more than that.
    let long = "x".repeat(3 << 20);
    let fake = FakeGo::new().attempt(&[Act::Sh("head -c 3145728 /dev/zero | tr '\\0' x")]);
    let project = Project::empty().with_go(&fake.path());
    let outcome = project
        .program(Path::new("/bin/sh"), ["-c", "ulimit -f 200; exec \"$GOX\" list"])
        .env("GOX", crate::harness::gox())
        .env("GOX_GO", fake.path())
        .run()
        .success();
    assert!(outcome.out() == long && outcome.err().is_empty(), "{} bytes", outcome.stdout.len());
    // What gox starts is stopped by the limit as it was.
    let fake = FakeGo::new().attempt(&[Act::Sh("grep SigIgn /proc/self/status")]);
    let project = Project::empty().with_go(&fake.path());
    let ignored = project.gox(["list"]).run().success();
    let mask = ignored.out().split_whitespace().last().map(str::to_owned).unwrap_or_default();
    let mask = u64::from_str_radix(&mask, 16).unwrap_or(0);
    assert_eq!(mask & (1 << 24), 0, "SIGXFSZ is ignored below gox");
}
