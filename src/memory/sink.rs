//! A file that the user named to be written to, or what stands in its place: nobody is waited for who does not
//! listen.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long somebody at the other end of a pipe may take to make room.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the file of a run goes that the user wants at `wanted`: into it where it is a folder, or where it
/// is written as one, which is then made.
pub(crate) fn place(wanted: &Path, run: &str) -> PathBuf {
    let is_written_as_one = wanted.as_os_str().as_encoded_bytes().ends_with(b"/");
    if is_written_as_one {
        // Where it cannot be made, opening the file tells why.
        let _ = std::fs::create_dir_all(wanted);
    }
    if is_written_as_one || wanted.is_dir() { wanted.join(format!("gox-{run}.json")) } else { wanted.into() }
}

/// An open file or pipe.
pub(crate) struct Sink(File);

impl Sink {
    /// Opens it; a file is made, or emptied.
    ///
    /// # Errors
    /// What the system says; a pipe that nobody reads.
    pub(crate) fn open(path: &Path) -> io::Result<Sink> {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        }
        match options.open(path) {
            #[cfg(unix)]
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                Err(io::Error::new(error.kind(), "nobody reads it"))
            }
            opened => opened.map(Sink),
        }
    }

    /// Writes all of it, or as much as is taken in a while.
    ///
    /// # Errors
    /// What the system says; somebody who does not go on reading.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = Instant::now();
        let mut left = bytes;
        while !left.is_empty() {
            match self.0.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => left = &left[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if start.elapsed() >= PATIENCE {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody goes on reading it"));
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
#[allow(unsafe_code, reason = "pipes of the tests are made by libc")]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_pipe_is_written_to_while_somebody_reads_it() {
        let top = tempfile::tempdir().unwrap();
        let pipe = top.path().join("pipe");
        let path = std::ffi::CString::new(pipe.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: a path that ends in NUL.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        let start = Instant::now();
        assert!(Sink::open(&pipe).is_err(), "nobody reads");
        // One that is open for both waits for nobody, and is a reader that takes nothing.
        let _idle = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let error = Sink::open(&pipe).unwrap().write_all(&vec![0; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(30));
        let mut reader = File::open(&pipe).unwrap();
        let mut taken = vec![0; 1 << 20];
        std::thread::scope(|scope| {
            scope.spawn(|| Sink::open(&pipe).unwrap().write_all(&vec![1; 1 << 20]).unwrap());
            reader.read_exact(&mut taken).unwrap();
        });
        let file = top.path().join("file");
        std::fs::write(&file, "older and longer").unwrap();
        Sink::open(&file).unwrap().write_all(b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
    }
}
