//! How go ends, how gox ends after it, and what signals to gox do.

#![allow(unsafe_code, reason = "terminals, namespaces and what runs between fork and exec")]

use super::helper::Helper;
use super::*;
use crate::inside::harness::be_on_ones_own;
use std::os::unix::process::{CommandExt, ExitStatusExt};

/// Writes its own number into `$DIR/pids` (all at once) and then does something for ever.
const FOREVER: &str = "echo $$ > $DIR/new; mv $DIR/new $DIR/pids; while :; do sleep 1000; done";

#[test]
fn exit_codes_and_signals_of_go_become_goxs_own() {
    for code in [0, 1, 2, 7, 125, 255] {
        let report = Helper::running(&format!("exit {code}")).start().finish();
        assert_eq!((report.ended, report.status.code()), (format!("Exited({code})"), Some(code)));
    }
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGPIPE, libc::SIGSEGV, libc::SIGQUIT] {
        let report = Helper::running(&format!("kill -{signal} $$")).start().finish();
        assert_eq!((report.ended, report.status.signal()), (format!("Signaled({signal})"), Some(signal)));
        assert!(!report.status.core_dumped());
    }
}

/// The helper in a session without a terminal.
fn detached(script: &str) -> Helper {
    Helper::running(script).detached()
}

#[test]
fn without_a_terminal_a_signal_reaches_go_and_its_children() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let script = "sh -c 'echo $$ > $DIR/child; while :; do sleep 1000; done' &
            until [ -s $DIR/child ]; do sleep 0.01; done
            echo $$ $! > $DIR/new; mv $DIR/new $DIR/pids; wait";
        let helper = detached(script).start();
        let pids = helper.numbers_in("pids");
        helper.kill(signal);
        let report = helper.finish();
        assert_eq!(report.ended, format!("Interrupted({signal})"));
        assert_eq!(report.status.signal(), Some(signal));
        assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?} after {signal}");
    }
}

/// A gox that bears the mark of another one, and was started in the same tick of the clock as its go, looks like
/// an orphan of go's: which of ten was depends on the clock.
#[test]
#[cfg(target_os = "linux")]
fn gox_never_ends_itself_as_one_of_gos_family() {
    for _ in 0..10 {
        let mut helper = detached(FOREVER);
        helper.command.env(crate::machine::find_go::MARKER, "supervised;1");
        let helper = helper.start();
        helper.numbers_in("pids");
        helper.kill(libc::SIGTERM);
        let report = helper.finish();
        assert_eq!((report.ended.as_str(), report.status.signal()), ("Interrupted(15)", Some(libc::SIGTERM)));
    }
}

#[test]
fn a_go_that_catches_the_signal_keeps_its_exit_code() {
    let script = format!("trap 'exit 5' TERM; {}", FOREVER.replace("sleep 1000", "sleep 0.02"));
    let helper = detached(&script).start();
    helper.numbers_in("pids");
    helper.kill(libc::SIGTERM);
    let report = helper.finish();
    assert_eq!((report.ended.as_str(), report.status.code()), ("Interrupted(15)", Some(5)));
}

#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    let mut helper = detached(&format!("until [ -e $DIR/enough ]; do sleep 0.02; done; exit 4 # {FOREVER}"));
    // SAFETY: two plain calls between fork and exec.
    unsafe {
        helper.command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            Ok(())
        })
    };
    let helper = helper.start();
    wait_until("gox listens", || helper.exists("ready"));
    helper.kill(libc::SIGHUP);
    helper.kill(libc::SIGINT);
    helper.create("enough");
    let report = helper.finish();
    assert_eq!((report.ended.as_str(), report.status.code()), ("Exited(4)", Some(4)));
}

#[test]
#[cfg(target_os = "linux")]
fn go_inherits_what_is_ignored_and_nothing_else() {
    let mut helper = detached("grep SigIgn /proc/self/status; grep SigBlk /proc/self/status");
    // SAFETY: a plain call between fork and exec.
    unsafe {
        helper.command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        })
    };
    let report = helper.start().finish();
    let mut masks = report.stdout.split_whitespace().filter_map(|word| u64::from_str_radix(word, 16).ok());
    // The real-time signals are left to whoever runs the tests.
    assert_eq!(masks.next().map(|mask| mask & 0x7fff_ffff), Some(1));
    assert_eq!(masks.next(), Some(0));
}

/// The letter for a process's state.
#[cfg(target_os = "linux")]
fn state(pid: i32) -> Option<u8> {
    crate::child::tree::one_process(pid).map(|process| process.state)
}

#[test]
#[cfg(target_os = "linux")]
fn stop_and_continue_reach_go() {
    if has_terminal() {
        // There the kernel stops the whole foreground group by itself: once more, without one.
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["child::tests::signals::stop_and_continue_reach_go", "--exact"]);
        // SAFETY: it makes system calls alone, and allocates nothing.
        unsafe { again.pre_exec(be_on_ones_own) };
        assert!(again.status().unwrap().success());
        return;
    }
    // In the test's own session, since the system does not let an orphaned group stop; in a group
    // of its own, so that the test is not stopped with it.
    let mut helper = Helper::running(FOREVER);
    helper.command.process_group(0);
    let helper = helper.start();
    let go = helper.numbers_in("pids")[0];
    helper.kill(libc::SIGTSTP);
    wait_until("both are stopped", || state(helper.pid()) == Some(b'T') && state(go) == Some(b'T'));
    helper.kill(libc::SIGCONT);
    wait_until("both go on", || state(helper.pid()) != Some(b'T') && state(go) != Some(b'T'));
    // A second time: the handler is back in its place.
    helper.kill(libc::SIGTSTP);
    wait_until("both are stopped again", || state(helper.pid()) == Some(b'T') && state(go) == Some(b'T'));
    helper.kill(libc::SIGCONT);
    helper.kill(libc::SIGTERM);
    assert_eq!(helper.finish().status.signal(), Some(libc::SIGTERM));
    assert!(!lives(go));
}

#[test]
#[cfg(target_os = "linux")]
fn an_orphaned_group_cannot_be_stopped_and_goes_on() {
    let helper = detached("until [ -e $DIR/enough ]; do sleep 0.02; done; exit 6").start();
    wait_until("gox listens", || helper.exists("ready"));
    helper.kill(libc::SIGTSTP);
    helper.create("enough");
    assert_eq!(helper.finish().status.code(), Some(6));
}

#[test]
#[cfg(target_os = "linux")]
fn go_dies_with_a_gox_that_is_killed() {
    let helper = Helper::running("echo $$ > $DIR/new; mv $DIR/new $DIR/pids; exec sleep 1000").start();
    let go = helper.numbers_in("pids")[0];
    helper.kill(libc::SIGKILL);
    assert_eq!(helper.finish().status.signal(), Some(libc::SIGKILL));
    wait_until("go is gone too", || !lives(go));
}

#[test]
fn a_blocked_reader_of_stderr_does_not_make_gox_deaf() {
    let mut helper = detached(&format!("yes >&2 & {FOREVER}")).piping_stderr().start();
    let _nobody_reads = helper.stderr();
    helper.numbers_in("pids");
    helper.kill(libc::SIGTERM);
    let status = helper.finish_without_report();
    assert!(status.signal().is_some(), "{status:?}");
}
