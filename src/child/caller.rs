//! Whether whoever called gox is still there.
//!
//! go ends by itself soon after its caller is gone: its next word meets a closed pipe. gox would try
//! again, wait and try again for nobody, so it looks for its caller. It must not take a background job
//! for an orphan, since plain go would go on there: during a first attempt it only ends when nobody can
//! read what it says any more; between attempts, when plain go would have ended long ago, it is enough
//! that the caller's process is gone. Under `nohup` and its like the caller is meant to go.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use rustix::process::{Pid, getppid};
use rustix::time::Timespec;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often is looked: often enough to end within a second.
const PERIOD: Duration = Duration::from_millis(500);

/// The process that started gox.
pub(super) struct Caller {
    parent: Option<Pid>,
    terminal: bool,
    /// go was run to its end once: what follows is gox's own doing.
    pub(super) served: bool,
    ticks: Interval,
}

impl Caller {
    /// The present parent; `terminal` says that there is a controlling terminal, which tells by itself
    /// (SIGHUP) when it is gone. Must be called inside a runtime with time enabled.
    pub(super) fn now(terminal: bool) -> Caller {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Caller { parent: getppid(), terminal, served: false, ticks }
    }

    /// Waits for the next look; true where nobody is there any more. Losing the future loses nothing.
    pub(super) fn poll_gone(&mut self, context: &mut std::task::Context<'_>) -> bool {
        while self.ticks.poll_tick(context).is_ready() {
            if self.is_gone() {
                return true;
            }
        }
        false
    }

    fn is_gone(&self) -> bool {
        if getppid() == self.parent {
            return false;
        }
        (self.served && !self.terminal) || nobody_reads([rustix::stdio::stdout(), rustix::stdio::stderr()])
    }
}

/// True where at least one of these is a pipe or socket without a reader, and none has one. A file is
/// read by nobody in particular.
fn nobody_reads<const N: usize>(outputs: [BorrowedFd<'_>; N]) -> bool {
    let mut lost = false;
    for output in outputs {
        let kind = fstat(output).map(|stat| FileType::from_raw_mode(stat.st_mode));
        if !matches!(kind, Ok(FileType::Fifo | FileType::Socket)) {
            continue;
        }
        let mut polled = [PollFd::from_borrowed_fd(output, PollFlags::empty())];
        let known = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok();
        if !known || !polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            return false;
        }
        lost = true;
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd as _;

    #[test]
    fn only_pipes_without_readers_are_lost() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let file = File::options().write(true).open("/dev/null").unwrap();
        assert!(!nobody_reads([writer.as_fd(), file.as_fd()]));
        drop(reader);
        assert!(nobody_reads([writer.as_fd(), file.as_fd()]));
        assert!(nobody_reads([writer.as_fd(), writer.as_fd()]));
        assert!(!nobody_reads([file.as_fd(), file.as_fd()]), "a file needs no reader");
        let (_held, other) = rustix::pipe::pipe().unwrap();
        assert!(!nobody_reads([writer.as_fd(), other.as_fd()]), "somebody reads the other");
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(!nobody_reads([ours.as_fd()]));
        drop(theirs);
        assert!(nobody_reads([ours.as_fd()]));
    }
}
