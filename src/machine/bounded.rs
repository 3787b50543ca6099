//! Reads files that somebody else may have put there: a project's, a repository's.
//!
//! A pipe, a device, a terminal or a file without end in place of a go.mod must neither block gox
//! nor fill its memory, so a file is opened without waiting, must be a regular one, and is read up to
//! a limit.

use crate::words::{Text, faults};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Most bytes of a go.sum or go.work.sum: the largest known have a few MiB.
pub(crate) const MOST_SUMS: u64 = 64 << 20;

/// Most bytes of a configuration file of gox's, go's or git's: the largest known have some KiB.
pub(crate) const MOST_SETTINGS: u64 = 1 << 20;

/// Most bytes of a file that gox itself keeps.
pub(crate) const MOST_OF_OWN: u64 = 16 << 20;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is not there, or lies behind a folder that may not be entered.
    Absent,
    /// A folder, pipe, socket or device.
    NoFile,
    /// It holds more than this many bytes.
    TooLarge(u64),
    /// A pipe, and nobody writes into it.
    Silent,
    /// The system failed.
    Failed(io::Error),
}

impl Unread {
    /// True where there is something that was not read, so that what it says is not known.
    pub(crate) fn hides(&self) -> bool {
        !matches!(self, Unread::Absent)
    }
}

impl Unread {
    /// What it is, for people.
    pub(crate) fn text(&self) -> Text {
        match self {
            Unread::Absent => faults::ABSENT.into(),
            Unread::NoFile => faults::NO_FILE.into(),
            Unread::Silent => faults::SILENT.into(),
            Unread::TooLarge(most) => faults::TOO_LARGE.with(&[("most", most)]),
            Unread::Failed(error) => faults::UNREADABLE.with(&[("why", error)]),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().en)
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Absent,
            // A socket cannot be opened at all.
            _ if error.raw_os_error() == Some(libc::ENXIO) => Unread::NoFile,
            _ => Unread::Failed(error),
        }
    }
}

/// The content of a regular file of at most `most` bytes. The null device is the usual way to say
/// "none", and is as empty as it seems.
///
/// # Errors
/// [`Unread`]; none of them blocks.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    if path == Path::new("/dev/null") {
        return Ok(Vec::new());
    }
    // Asked before it is opened as well: opening some devices has effects of its own.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Unread::NoFile);
    }
    // A pipe may have taken its place meanwhile.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    read_opened(OpenOptions::new().read(true).custom_flags(flags).open(path)?, most)
}

/// The same for what somebody named by hand: it may be a pipe as well, such as a shell gives for `<(…)`.
///
/// # Errors
/// [`Unread`]; a pipe into which nothing comes for so long as `patience` is one.
pub(crate) fn read_named(path: &Path, most: u64, patience: Duration) -> Result<Vec<u8>, Unread> {
    if !std::fs::metadata(path)?.file_type().is_fifo() {
        return read(path, most);
    }
    let mut pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let begun = Instant::now();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(Unread::Silent),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(Unread::Failed(error.into())),
        }
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(n) if (bytes.len() + n) as u64 > most => return Err(Unread::TooLarge(most)),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(Unread::Failed(error)),
        }
    }
}

fn read_opened(file: File, most: u64) -> Result<Vec<u8>, Unread> {
    if !file.metadata()?.is_file() {
        return Err(Unread::NoFile);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unread::TooLarge(most)) } else { Ok(bytes) }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "pipes of the tests are made by libc")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_regular_files_are_read_and_only_so_much() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        assert_eq!(read(&at("file"), 5).unwrap(), b"12345");
        assert!(matches!(read(&at("file"), 4), Err(Unread::TooLarge(4))));
        assert!(matches!(read(&at("none"), 5), Err(Unread::Absent)));
        assert!(matches!(read(&at("file/below"), 5), Err(Unread::Absent)));
        assert!(matches!(read(dir.path(), 5), Err(Unread::NoFile)));
        assert!(matches!(read(Path::new("/dev/zero"), 5), Err(Unread::NoFile)));
        assert_eq!(read(Path::new("/dev/null"), 5).unwrap(), b"");
        let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert!(matches!(read(&at("socket"), 5), Err(Unread::NoFile)));
        drop(socket);
        let pipe = std::ffi::CString::new(at("pipe").into_os_string().into_encoded_bytes()).unwrap();
        // SAFETY: a path that ends in NUL.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        assert!(matches!(read(&at("pipe"), 5), Err(Unread::NoFile)));
        let named = |most, patience| read_named(&at("pipe"), most, Duration::from_millis(patience));
        assert!(matches!(named(5, 20), Err(Unread::Silent)));
        assert_eq!(read_named(&at("file"), 5, Duration::ZERO).unwrap(), b"12345");
        assert!(matches!(read_named(Path::new("/dev/zero"), 5, Duration::ZERO), Err(Unread::NoFile)));
        for (most, whole) in [(7, true), (6, false)] {
            let path = at("pipe");
            let writer = std::thread::spawn(move || fs::write(path, "1234567"));
            let got = named(most, 60_000);
            assert_eq!(got.ok().as_deref(), whole.then_some(&b"1234567"[..]));
            // Whoever hangs up early breaks the writer's pipe.
            let _ = writer.join().unwrap();
        }
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(at("pipe")).unwrap();
        assert!(matches!(read_opened(opened, 5), Err(Unread::NoFile)), "one that took a file's place");
    }
}
