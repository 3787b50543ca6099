//! go's stdout, kept until the attempt has turned out to be the last.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

/// Bytes kept in memory before a temporary file is begun.
///
/// Nearly every `go list` or `go env` fits; `go list -deps -json` of a large module does not.
pub(super) const SPOOL_MEMORY: usize = 1 << 20;

/// Bytes of the temporary file that are read at once.
const PIECE: usize = 64 * 1024;

/// What go wrote to stdout in one attempt: the first [`SPOOL_MEMORY`] bytes in memory, all that
/// follows in an unnamed temporary file, which no death of gox can leave behind.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    file_bytes: u64,
    /// No temporary file could be had, or the disk was full: everything is in memory.
    memory_only: bool,
}

impl Spool {
    /// Adds bytes. Where no temporary file can be had or it is full, they stay in memory: gox's
    /// troubles must not cost go its output.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.file.is_none() && !self.memory_only && self.memory.len() + bytes.len() > SPOOL_MEMORY {
            self.file = tempfile::tempfile().ok();
            self.memory_only = self.file.is_none();
        }
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some(file) => match file.write_all(bytes) {
                Ok(()) => self.file_bytes += bytes.len() as u64,
                Err(_) => {
                    self.take_file_back();
                    self.memory.extend_from_slice(bytes);
                }
            },
        }
    }

    /// Brings what the file holds back into memory, after the disk took no more.
    fn take_file_back(&mut self) {
        self.memory_only = true;
        if let Some(mut file) = self.file.take() {
            // The failed write may have left a part of its bytes: only whole ones were counted.
            // A disk that cannot be read back either leaves a hole no program could fill.
            if file.seek(SeekFrom::Start(0)).is_ok() {
                let _ = file.take(self.file_bytes).read_to_end(&mut self.memory);
            }
        }
        self.file_bytes = 0;
    }

    /// The same bytes after `each` has seen every piece of them, and `None` at the end.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub(crate) fn rewritten(&self, mut each: impl FnMut(Option<&[u8]>) -> Vec<u8>) -> io::Result<Spool> {
        let mut other = Spool::default();
        let mut reader = self.reader()?;
        loop {
            let piece = reader.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            other.push(&each(Some(piece)));
            let taken = piece.len();
            reader.consume(taken);
        }
        other.push(&each(None));
        Ok(other)
    }

    /// Reads everything from the start; may be called any number of times.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub(crate) fn reader(&self) -> io::Result<impl BufRead + '_> {
        let rest: Box<dyn BufRead + '_> = match &self.file {
            None => Box::new(io::empty()),
            Some(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(0))?;
                Box::new(BufReader::with_capacity(PIECE, file))
            }
        };
        Ok(self.memory.as_slice().chain(rest))
    }
}
