//! Whether somebody at the terminal is asked something: an ssh passphrase, a PIN, whether a host is known.
//!
//! Who types takes the time that it takes. Where a member of go's family reads from a terminal, or has taken the
//! echo away from gox's own, go's silence is no stall.

use super::tree::Process;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{self, File};
use std::path::Path;

/// The terminal where somebody may be asked.
pub(super) struct Desk {
    terminal: Option<File>,
    /// What was typed could be seen when the attempt began: who works without an echo has none to lose.
    echoes: bool,
}

impl Desk {
    /// The controlling terminal as it is now.
    pub(super) fn now() -> Desk {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let terminal = rustix::fs::open("/dev/tty", flags, Mode::empty()).map(File::from).ok();
        let echoes = terminal.as_ref().is_some_and(has_echo);
        Desk { terminal, echoes }
    }

    /// Whether any of `members`, go itself (`root`) aside, asks somebody now. git waits for its ssh, and ssh may
    /// wait for an agent that asks in its place: it is enough that the echo is gone while go waits for others.
    pub(super) fn is_somebody_asked(&self, members: &[Process], root: i32) -> bool {
        let Some(terminal) = &self.terminal else { return false };
        let mut others = members.iter().filter(|process| process.pid != root).peekable();
        if others.peek().is_none() {
            return false;
        }
        self.echoes && !has_echo(terminal) || others.any(|process| reads_a_terminal(process.pid))
    }
}

fn has_echo(terminal: &File) -> bool {
    tcgetattr(terminal).is_ok_and(|state| state.local_modes.contains(LocalModes::ECHO))
}

/// Whether a thread of a process is in the middle of a read from a terminal. False where the system does not tell.
fn reads_a_terminal(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let reads = |thread: &Path| {
        let call = fs::read_to_string(thread.join("syscall")).ok()?;
        let descriptor = being_read(&call)?;
        fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()
    };
    threads.filter_map(|thread| reads(&thread.path())).any(|file| is_a_terminal(&file))
}

/// The descriptor that a thread reads, as `/proc/PID/task/TID/syscall` tells: the number of the call, then its
/// arguments. A thread that is at work is `running`.
fn being_read(call: &str) -> Option<u64> {
    let mut words = call.split_ascii_whitespace();
    let number: libc::c_long = words.next()?.parse().ok()?;
    if number != libc::SYS_read {
        return None;
    }
    u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()
}

fn is_a_terminal(file: &Path) -> bool {
    file.starts_with("/dev/pts") || file == Path::new("/dev/console") || {
        let name = file.strip_prefix("/dev").ok().and_then(Path::to_str);
        name.is_some_and(|name| name.starts_with("tty"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_told_from_other_calls() {
        let read = libc::SYS_read;
        assert_eq!(being_read(&format!("{read} 0x3 0x7ffd 0x1 0x0 0x0 0x0 0x7ffe 0x7f01\n")), Some(3));
        assert_eq!(being_read(&format!("{} 0x3 0x7ffd 0x1", read + 7)), None);
        for odd in ["running", "-1 0x7ffe 0x7f01", "", &format!("{read}"), &format!("{read} 3")] {
            assert_eq!(being_read(odd), None, "{odd:?}");
        }
        for (file, terminal) in [
            ("/dev/tty", true),
            ("/dev/pts/3", true),
            ("/dev/ttyS0", true),
            ("/dev/null", false),
            ("pipe:[1]", false),
            ("/home/dev/tty", false),
        ] {
            assert_eq!(is_a_terminal(Path::new(file)), terminal, "{file}");
        }
    }
}
