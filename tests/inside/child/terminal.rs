//! gox and go together on a terminal.
#![cfg(target_os = "linux")]

use super::helper::Helper;
use super::*;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;

/// Writes numbers into `$DIR/pids` all at once, then waits for ever together with a child.
const WITH_CHILD: &str = "sh -c 'trap - INT; while :; do sleep 1000; done' & echo $$ $! > $DIR/new
    mv $DIR/new $DIR/pids; wait";

/// Reads along, so that nobody is held up by a full terminal.
fn drain(terminal: &File) -> std::thread::JoinHandle<()> {
    let mut terminal = terminal.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        // Reading fails when the last process on the terminal is gone.
        while terminal.read(&mut buffer).is_ok_and(|n| n > 0) {}
    })
}

#[test]
fn ctrl_c_reaches_go_once() {
    let script = "trap 'echo x >> $DIR/ints; stop=1' INT; echo $$ > $DIR/new; mv $DIR/new $DIR/pids
        until [ \"$stop\" ]; do sleep 0.02; done; sleep 0.1; cp $DIR/ints $DIR/count; exit 3";
    for _ in 0..10 {
        let (helper, mut terminal) = Helper::running(script).start_on_terminal();
        let reader = drain(&terminal);
        helper.numbers_in("pids");
        let typed = Instant::now();
        terminal.write_all(b"\x03").unwrap();
        wait_until("go has counted", || helper.exists("count"));
        // After a second gox asks a go that is still there, lest the signal was for gox alone: go was too slow then.
        let in_time = typed.elapsed() < Duration::from_millis(900);
        let counted = helper.text_in("ints");
        let report = helper.finish();
        assert_eq!((report.ended.as_str(), report.status.code()), ("Interrupted(2)", Some(3)));
        reader.join().unwrap();
        if in_time {
            assert_eq!(counted, "x\n");
            return;
        }
    }
    panic!("no go ended within a second of Ctrl-C");
}

#[test]
fn go_stays_in_goxs_group_and_may_ask_there() {
    let script = "cut -d ' ' -f 5 /proc/$$/stat /proc/$PPID/stat; read answer; echo $((answer + 1))";
    let (helper, mut terminal) = Helper::running(script).start_on_terminal();
    let reader = drain(&terminal);
    terminal.write_all(b"41\n").unwrap();
    let (gox, report) = (helper.pid(), helper.finish());
    assert_eq!(numbers(&report.stdout), [gox, gox, 42]);
    reader.join().unwrap();
}

#[test]
fn a_signal_to_gox_alone_ends_go_and_its_descendants() {
    // SIGINT is passed on only after a second, since it may have come from the terminal.
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        let (helper, terminal) = Helper::running(WITH_CHILD).start_on_terminal();
        let reader = drain(&terminal);
        let pids = helper.numbers_in("pids");
        helper.kill(signal);
        let report = helper.finish();
        assert_eq!((report.ended, report.status.signal()), (format!("Interrupted({signal})"), Some(signal)));
        assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?} after {signal}");
        reader.join().unwrap();
    }
}
