//! Writing to gox's own stdout and stderr without ever waiting inside the write.
//!
//! The descriptors are shared with the shell and with other programs, so they cannot be made
//! non-blocking. Before each write the system is asked for room instead; a reader who does not
//! read (`gox ... | less`) then delays go, as it would have done, but not gox's own answer to
//! signals.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::time::Timespec;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Bytes a pipe with any room at all takes without blocking: POSIX's `PIPE_BUF` on Linux.
const PIECE: usize = 4096;

/// One of gox's own output descriptors.
pub(super) enum Sink {
    /// A pipe, socket or terminal: readiness can be awaited.
    Ready(AsyncFd<Rc<OwnedFd>>),
    /// A file or device that is always ready.
    File(Rc<OwnedFd>),
}

impl Sink {
    /// Prepares a descriptor; must be called inside the runtime.
    #[allow(unsafe_code, reason = "tokio watches a shared descriptor only on the word of who owns it")]
    pub(super) fn new(fd: &Rc<OwnedFd>) -> Sink {
        // SAFETY: the descriptor is owned by the `Rc` inside, which hands out the same one each time
        // and closes it only after it was taken out of the reactor again.
        let watched = unsafe { AsyncFd::register_with_interest(Rc::clone(fd), Interest::WRITABLE) };
        match watched {
            Ok(watched) => Sink::Ready(watched),
            // Files refuse to be watched: they never make anybody wait for long.
            Err(_) => Sink::File(Rc::clone(fd)),
        }
    }

    /// Writes some of `bytes` when there is room and says how many. Losing the future before it
    /// is ready loses nothing.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        match self {
            Sink::File(fd) => write_blocking(fd.as_fd(), bytes),
            Sink::Ready(watched) => loop {
                let mut guard = watched.writable().await?;
                match guard.try_io(|fd| write_if_room(fd.as_fd(), piece)) {
                    Ok(result) => return result,
                    Err(_would_block) => continue,
                }
            },
        }
    }
}

/// Writes once, waiting for room where the descriptor was made non-blocking by somebody else.
fn write_blocking(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(fd, bytes) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None);
            }
            result => return Ok(result?),
        }
    }
}

/// Writes all of `bytes`, however long it takes: for gox's own short lines.
pub(super) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = write_blocking(fd, bytes)?;
        bytes = &bytes[n..];
    }
    Ok(())
}

fn write_if_room(fd: BorrowedFd<'_>, piece: &[u8]) -> io::Result<usize> {
    let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    // Even a poll that does not wait is interrupted by a signal that is due, such as the one of go's end.
    if retry_on_intr(|| poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))? == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    loop {
        match rustix::io::write(fd, piece) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::thread::JoinHandleExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    #[allow(unsafe_code, reason = "only so does a signal reach a thread of one's choice")]
    fn a_signal_is_no_end_of_a_reader_without_room() {
        extern "C" fn nothing(_: libc::c_int) {}
        let (_reader, writer) = io::pipe().unwrap();
        let filled = writer.try_clone().unwrap();
        rustix::io::ioctl_fionbio(&filled, true).unwrap();
        while rustix::io::write(&filled, &[0; PIECE]).is_ok() {}
        rustix::io::ioctl_fionbio(&filled, false).unwrap();
        // Nobody else here listens to it, and it ends nobody.
        // SAFETY: the handler does nothing, so it may run at any time.
        unsafe { libc::signal(libc::SIGURG, nothing as extern "C" fn(libc::c_int) as libc::sighandler_t) };
        static DONE: AtomicBool = AtomicBool::new(false);
        let asking = std::thread::spawn(move || {
            while !DONE.load(Ordering::Relaxed) {
                let error = write_if_room(writer.as_fd(), b"more").unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            }
        });
        for _ in 0..100_000 {
            // SAFETY: the thread is not joined yet, so that its name is its own.
            unsafe { libc::pthread_kill(asking.as_pthread_t(), libc::SIGURG) };
        }
        DONE.store(true, Ordering::Relaxed);
        asking.join().unwrap();
    }
}
