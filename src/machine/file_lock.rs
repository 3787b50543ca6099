//! Takes locks as go does: flock(2) on a file that is never removed.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a held lock is asked for again.
const STEP: Duration = Duration::from_millis(25);

/// Holds the exclusive lock on a file until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Locks `path` as go does for `V.lock` and the clones' `.lock`: created where absent, never
    /// truncated, never unlinked. Waits at most `patience`, since the holder may be a go that
    /// downloads.
    ///
    /// # Errors
    /// `TimedOut` where another process holds it for longer; what opening says otherwise.
    pub(crate) fn exclusive(path: &Path, patience: Duration) -> io::Result<Lock> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        wait(&file, path, patience)?;
        Ok(Lock { file })
    }

    /// Locks an existing file on itself (as go does with the checksum database's files), without
    /// creating it. Opened for writing, since network file systems lock exclusively only then.
    pub(crate) fn existing(path: &Path, patience: Duration) -> io::Result<Lock> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        wait(&file, path, patience)?;
        Ok(Lock { file })
    }

    /// The locked file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

fn wait(file: &File, path: &Path, patience: Duration) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match try_lock(file) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => return Err(e),
            Err(_) if start.elapsed() >= patience => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{} is held by another process for {} s", path.display(), patience.as_secs()),
                ));
            }
            Err(_) => std::thread::sleep(STEP.min(patience.saturating_sub(start.elapsed()))),
        }
    }
}

#[cfg(unix)]
fn try_lock(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn try_lock(_: &File) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "go's locks are only known on Unix"))
}
