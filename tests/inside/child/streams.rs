//! stdout, stderr and stdin.

use super::helper::Helper;
use super::*;
use crate::child::stdout::SPOOL_MEMORY;
use std::io::{Read, Write};

/// Runs a script with stderr in a file; gives back what stands there and what the hook heard.
fn stderr_of(script: &str, mode: StderrMode) -> (Vec<u8>, Collected, Outcome) {
    let file = tempfile::tempfile().unwrap();
    let mut heard = Collected::default();
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), file.try_clone().unwrap(), true);
        supervisor.run(&sh(script), mode, PATIENT, &mut heard).await.unwrap()
    });
    (whole(&file), heard, outcome)
}

#[test]
fn stderr_is_passed_on_byte_for_byte() {
    let script = r"printf 'plain\nbad \377\376 utf8\r\n\000nul\n\nlast without newline' >&2";
    let (shown, heard, _) = stderr_of(script, StderrMode::Live);
    assert_eq!(shown, b"plain\nbad \xff\xfe utf8\r\n\0nul\n\nlast without newline");
    assert_eq!(heard.bytes, shown);
}

#[test]
fn a_hidden_attempt_shows_nothing_and_is_heard() {
    let (shown, heard, _) = stderr_of("echo trace >&2", StderrMode::Hidden);
    assert_eq!(shown, b"");
    assert_eq!(heard.bytes, b"trace\n");
}

#[test]
fn a_line_of_ten_megabytes_arrives_whole_and_in_pieces() {
    let (shown, heard, _) = stderr_of("head -c 10000000 /dev/zero >&2; echo >&2", StderrMode::Live);
    assert_eq!(shown.len(), 10_000_001);
    assert!(shown == heard.bytes);
    assert!(heard.largest <= 64 * 1024);
}

#[test]
fn a_prompt_without_newline_is_shown_while_go_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (answer, file) = (dir.path().join("answer"), tempfile::tempfile().unwrap());
    let shown = file.try_clone().unwrap();
    let script = format!("printf 'Password: ' >&2; while [ ! -e {} ]; do sleep 0.02; done", answer.display());
    let asked = std::thread::spawn(move || {
        wait_until("the prompt is shown", || whole(&shown) == b"Password: ");
        File::create(answer).unwrap();
    });
    on_runtime(async {
        let mut supervisor = supervisor(null(), file, true);
        attempt(&mut supervisor, &script).await
    });
    asked.join().unwrap();
}

/// Ten million lines and a slow reader must not pile up: measured in a process of its own.
#[test]
#[cfg(target_os = "linux")]
fn ten_million_lines_need_little_memory() {
    let mut helper = Helper::running("yes | head -n 10000000 >&2").piping_stderr().start();
    let mut stderr = helper.stderr();
    let (mut buffer, mut lines, mut other) = (vec![0; 1 << 16], 0, 0);
    loop {
        let n = stderr.read(&mut buffer).unwrap();
        if n == 0 {
            break;
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..n]).count();
        other += buffer[..n].iter().filter(|b| !matches!(b, b'y' | b'\n')).count();
    }
    let report = helper.finish();
    assert_eq!((lines, other), (10_000_000, 0));
    assert_eq!(report.ended, "Exited(0)");
    assert!(report.peak_kib < 64 * 1024, "{} KiB", report.peak_kib);
}

#[test]
fn own_lines_begin_at_a_line_start() {
    let file = tempfile::tempfile().unwrap();
    on_runtime(async {
        let mut supervisor = supervisor(null(), file.try_clone().unwrap(), true);
        for script in ["printf half >&2", "printf 'whole\n' >&2"] {
            attempt(&mut supervisor, script).await;
            supervisor.say("gox: own").unwrap();
        }
    });
    assert_eq!(whole(&file), b"half\ngox: own\nwhole\ngox: own\n");
}

struct Loopback;

impl Hooks for Loopback {
    fn rewrites(&self) -> bool {
        true
    }

    fn rewrite<'a>(&mut self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let text = std::str::from_utf8(line).ok()?;
        text.contains("127.0.0.1").then(|| text.replace("127.0.0.1", "proxy").into_bytes().into())
    }
}

#[test]
fn lines_are_rewritten_whole_and_long_ones_left_alone() {
    let file = tempfile::tempfile().unwrap();
    let script = r"printf 'at 127.0' >&2; printf '.0.1/x\nbad \377 127.0.0.1\nkeep\n' >&2
        head -c 200000 /dev/zero >&2; printf '127.0.0.1\n127.0.0.1 end' >&2";
    on_runtime(async {
        let mut supervisor = supervisor(null(), file.try_clone().unwrap(), true);
        let go = sh(script);
        supervisor.run(&go, StderrMode::Live, PATIENT, &mut Loopback).await.unwrap();
    });
    let mut expected = b"at proxy/x\nbad \xff 127.0.0.1\nkeep\n".to_vec();
    expected.resize(expected.len() + 200_000, 0);
    expected.extend_from_slice(b"127.0.0.1\n127.0.0.1 end");
    assert!(whole(&file) == expected);
}

#[test]
fn a_closed_stderr_ends_go_as_it_would_without_gox() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), writer, true);
        let go = sh("while :; do echo talk >&2; done");
        let outcome = supervisor.run(&go, StderrMode::Live, PATIENT, &mut ()).await;
        // gox's own lines go nowhere, without harm.
        assert!(supervisor.say("gox: x").is_ok());
        outcome.unwrap()
    });
    assert_eq!(outcome.ended, Ended::Signaled(libc::SIGPIPE));
}

#[test]
fn a_closed_stderr_does_no_harm_to_a_go_that_has_said_all() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), writer, true);
        let go = sh("echo one >&2; echo out; exit 7");
        supervisor.run(&go, StderrMode::Live, PATIENT, &mut ()).await.unwrap()
    });
    assert_eq!((outcome.ended, text(&outcome.stdout).as_str()), (Ended::Exited(7), "out\n"));
}

/// The words of a go that has ended are shown even when nobody reads them in time and a
/// daemon of its holds the pipe open.
#[test]
#[cfg(target_os = "linux")]
fn the_last_words_wait_for_a_slow_reader() {
    let (mut reader, writer) = io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pids");
    let script = format!(
        "sleep 1000 & echo $! $$ > {0}.new; mv {0}.new {0}; head -c 60000 /dev/zero >&2; exit 3",
        file.display()
    );
    let slow = std::thread::spawn(move || {
        wait_until("go has started", || file.exists());
        let pids = numbers(&std::fs::read_to_string(&file).unwrap());
        wait_until("go has ended", || !lives(pids[1]));
        let late = Instant::now();
        wait_until("the time to drain is over", || late.elapsed() > Duration::from_millis(300));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        kill(pids[0], libc::SIGKILL);
        all.len()
    });
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), writer, true);
        attempt(&mut supervisor, &script).await
    });
    assert_eq!(outcome.ended, Ended::Exited(3));
    assert_eq!(slow.join().unwrap(), 60_000);
}

#[test]
fn a_daemon_holding_the_pipes_does_not_hold_gox() {
    let outcome = run_quietly("sleep 1000 & echo $!; echo bye >&2", PATIENT, &mut ());
    assert_eq!(outcome.ended, Ended::Exited(0));
    let daemon = numbers(&text(&outcome.stdout))[0];
    assert!(lives(daemon), "what go leaves behind on purpose is not gox's to end");
    kill(daemon, libc::SIGKILL);
}

#[test]
fn stdout_is_spooled_byte_for_byte_and_can_be_read_again() {
    for size in [0, 10, SPOOL_MEMORY - 1, SPOOL_MEMORY, SPOOL_MEMORY + 1, 5_000_000] {
        let outcome = run_quietly(&format!("yes 'a line' | head -c {size}"), PATIENT, &mut ());
        let expected: Vec<u8> = b"a line\n".iter().copied().cycle().take(size).collect();
        for _ in 0..2 {
            let mut bytes = Vec::new();
            outcome.stdout.reader().unwrap().read_to_end(&mut bytes).unwrap();
            assert!(bytes == expected, "{size}");
        }
    }
}

#[test]
fn a_spool_is_delivered_only_when_asked_and_whole() {
    let (mut reader, writer) = io::pipe().unwrap();
    let copy = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    on_runtime(async {
        let mut supervisor = supervisor(writer, null(), true);
        for (script, wanted) in [("echo first", false), ("head -c 3000000 /dev/zero", true)] {
            let outcome = attempt(&mut supervisor, script).await;
            if wanted {
                assert!(matches!(supervisor.deliver(&outcome.stdout).await, Delivered::Whole));
            }
        }
    });
    assert!(copy.join().unwrap() == vec![0; 3_000_000]);
}

#[test]
fn a_closed_stdout_is_told() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let delivered = on_runtime(async {
        let mut supervisor = supervisor(writer, null(), true);
        let outcome = attempt(&mut supervisor, "echo x").await;
        supervisor.deliver(&outcome.stdout).await
    });
    assert!(matches!(delivered, Delivered::Broken));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let delivered = on_runtime(async {
        let mut supervisor = supervisor(full, null(), true);
        let outcome = attempt(&mut supervisor, "echo x").await;
        supervisor.deliver(&outcome.stdout).await
    });
    assert!(matches!(delivered, Delivered::Failed(error) if error.kind() == io::ErrorKind::StorageFull));
}

#[test]
fn an_attempt_does_not_eat_stdin() {
    let mut helper = Helper::running("cat").reading_stdin().start();
    helper.stdin().write_all(b"for somebody else").unwrap();
    let report = helper.finish();
    assert_eq!((report.stdout.as_str(), report.stdin_left.as_str()), ("", "for somebody else"));
}

#[test]
fn the_environment_is_overlaid() {
    let mut go = sh("echo $A-$B; [ -n \"$PATH\" ]; echo $?; pwd");
    go.envs = vec![var("A", Some("1")), var("HOME", None), var("B", Some("2")), var("B", None)];
    go.dir = Some("/".into());
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), null(), true);
        supervisor.run(&go, StderrMode::Live, PATIENT, &mut ()).await.unwrap()
    });
    assert_eq!(text(&outcome.stdout), "1-\n0\n/\n");
}

#[test]
fn a_go_that_cannot_be_started_is_an_error_with_its_kind() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("go");
    std::fs::write(&plain, "no program").unwrap();
    for (program, kind) in
        [(dir.path().join("none"), io::ErrorKind::NotFound), (plain, io::ErrorKind::PermissionDenied)]
    {
        let go = Command { program, ..Command::default() };
        let error = on_runtime(async {
            let mut supervisor = supervisor(null(), null(), true);
            supervisor.run(&go, StderrMode::Live, PATIENT, &mut ()).await.unwrap_err()
        });
        assert_eq!(error.kind(), kind);
    }
}
