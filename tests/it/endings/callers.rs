//! gox ends with whoever called it, and only then.
#![cfg(target_os = "linux")]

use super::*;

/// A shell that starts gox in the background and tells its number in a file; and that number.
fn called_by_a_shell(project: &Project, go: &Path, script: &str) -> (std::process::Child, u32) {
    let number = project.root().join("number");
    let mut command = project
        .program(Path::new("/bin/sh"), ["-c", script])
        .env("GOX", crate::harness::gox())
        .env("GOX_GO", go)
        .env("NUMBER", &number)
        .command();
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let shell = command.spawn().expect("a shell");
    wait_for(&number);
    let text = fs::read_to_string(&number).expect("a number");
    (shell, text.trim().parse().expect("a number"))
}

#[track_caller]
fn ends_soon(id: u32, begun: Instant) {
    while lives(id) {
        // A second is meant; the rest is for a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(5), "gox lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn gox_ends_when_nobody_is_left_who_called_it() {
    let start = "\"$GOX\" build & echo $! >\"$NUMBER.new\"; mv \"$NUMBER.new\" \"$NUMBER\"; wait";
    // While go runs for the first time, and nobody can read any more what it says.
    let project = Project::empty();
    let ready = project.root().join("ready");
    let fake = waiting(&ready);
    let (mut shell, id) = called_by_a_shell(&project, &fake.path(), start);
    wait_for(&ready);
    drop((shell.stdout.take(), shell.stderr.take()));
    // Its caller lives: somebody may want the exit status.
    std::thread::sleep(Duration::from_secs(2));
    assert!(lives(id));
    let begun = Instant::now();
    shell.kill().and_then(|()| shell.wait()).expect("a shell of ours");
    ends_soon(id, begun);
    // Between two attempts, whoever reads.
    let project = Project::empty().env("GOX_BACKOFF_BASE", "600s").env("GOX_BACKOFF_MAX", "600s");
    let fake = FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)]);
    let (mut shell, id) = called_by_a_shell(&project, &fake.path(), start);
    wait_for(&fake.path().with_file_name("call-1"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(lives(id), "gox waits");
    let begun = Instant::now();
    shell.kill().and_then(|()| shell.wait()).expect("a shell of ours");
    ends_soon(id, begun);
}

/// While the fetcher and the fill wait for a host, and while gox alone does, between two attempts.
#[test]
fn gox_ends_with_its_caller_while_a_host_is_waited_for() {
    let start = "\"$GOX\" mod download & echo $! >\"$NUMBER.new\"; mv \"$NUMBER.new\" \"$NUMBER\"; wait";
    for (fault, relay) in
        [(Fault::Silence, "auto"), (Fault::Status(503), "auto"), (Fault::Status(503), "never")]
    {
        let lab = Lab::new().modules(6).fault(fault, always()).start();
        let project = Project::new(&lab).env("GOX_ATTEMPTS", "none").env("GOX_RELAY", relay);
        let (mut shell, id) = called_by_a_shell(&project, &crate::harness::go(), start);
        // So many requests come of waiting alone where each file is asked for once.
        let deadline = Instant::now() + Duration::from_secs(60);
        while lab.requests().len() < if relay == "never" { 8 } else { 3 } {
            assert!(Instant::now() < deadline, "{fault:?} {relay}: nobody asks");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_secs(1));
        assert!(lives(id), "gox waits");
        drop((shell.stdout.take(), shell.stderr.take()));
        let begun = Instant::now();
        shell.kill().and_then(|()| shell.wait()).expect("a shell of ours");
        ends_soon(id, begun);
    }
}

#[test]
fn a_background_job_outlives_its_shell_as_with_go() {
    for before in ["", "trap '' HUP; "] {
        let project = Project::empty();
        let (ready, go_on) = (project.root().join("ready"), project.root().join("go-on"));
        let fake = FakeGo::new().attempt(&[Act::Sh(&format!(
            "touch '{}'; until [ -e '{}' ]; do sleep 0.05; done; echo done",
            ready.display(),
            go_on.display()
        ))]);
        let out = project.root().join("out");
        let script = format!(
            "{before}\"$GOX\" build >'{}' 2>&1 & echo $! >\"$NUMBER.new\"; mv \"$NUMBER.new\" \"$NUMBER\"",
            out.display()
        );
        let (mut shell, id) = called_by_a_shell(&project, &fake.path(), &script);
        wait_for(&ready);
        shell.wait().expect("a shell of ours");
        std::thread::sleep(Duration::from_secs(2));
        assert!(lives(id), "plain go goes on");
        fs::write(&go_on, "").expect("a file in the temporary folder");
        let begun = Instant::now();
        ends_soon(id, begun);
        assert_eq!(fs::read_to_string(&out).expect("what it said"), "done\n");
    }
}
