//! Asks another program something, and does not wait for ever.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often is looked whether it has ended: those who are asked need some milliseconds.
const POLL: Duration = Duration::from_millis(1);

/// What a program that exits 0 before `until` writes to stdout; another one is ended. It is given nothing to read,
/// and what it writes to stderr is nobody's. A few lines fit into a pipe, so that nobody need read before the end:
/// one that writes more ends with `until`.
pub(crate) fn answer(command: &mut Command, until: Instant) -> Option<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if Instant::now() < until => std::thread::sleep(POLL),
            Ok(Some(_)) => return None,
            _ => {
                // It may have ended by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let mut stdout = child.stdout.take()?;
    // All that it wrote is there by now; what it started may live on and hold the pipe for hours.
    rustix::io::ioctl_fionbio(&stdout, true).ok()?;
    let mut text = Vec::new();
    match stdout.read_to_end(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => None,
        _ => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(script: &str, patience: Duration) -> Option<Vec<u8>> {
        answer(Command::new("/bin/sh").args(["-c", script]), Instant::now() + patience)
    }

    #[test]
    fn only_an_answer_in_time_and_with_status_0_is_one() {
        let long = Duration::from_secs(60);
        assert_eq!(asked("echo a; echo b >&2; cat", long).as_deref(), Some(&b"a\n"[..]));
        assert_eq!(asked("echo a; exit 3", long), None);
        assert_eq!(answer(&mut Command::new("/nothing/there"), Instant::now() + long), None);
        assert_eq!(asked("echo a; exec sleep 600", Duration::ZERO), None);
    }

    #[test]
    fn whom_it_leaves_behind_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let gate = dir.path().join("gate");
        assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
        // Until the gate opens, cat holds stdout.
        let script = format!("echo a; cat '{}' & exit 0", gate.display());
        assert_eq!(asked(&script, Duration::from_secs(60)).as_deref(), Some(&b"a\n"[..]));
        std::fs::OpenOptions::new().write(true).open(&gate).unwrap();
    }
}
