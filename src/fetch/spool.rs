//! Stores one answer whole before anybody sees it: in memory while small, else in an unnamed
//! temporary file that the system removes even if gox is killed.

use crate::vocabulary::Cause;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An answer up to this size may stay in memory ...
const SMALL: usize = 256 << 10;

/// ... while all of them together stay below this, so that the relay's memory is bounded however
/// many requests run at once.
const ALL_SMALL: usize = 8 << 20;

/// Piece in which a stored file goes to go, in bytes.
const CHUNK: usize = 64 << 10;

/// Where bodies are stored.
#[derive(Debug)]
pub(crate) struct Spool {
    /// On the module cache's file system, where a zip's space is needed anyway.
    dir: PathBuf,
    in_memory: AtomicUsize,
}

impl Spool {
    /// A spool whose files lie in `dir`, or where it is missing in the nearest folder above.
    pub(crate) fn new(dir: PathBuf) -> Arc<Spool> {
        Arc::new(Spool { dir, in_memory: AtomicUsize::new(0) })
    }

    fn file(&self) -> io::Result<File> {
        // A cache that does not exist yet, or is read-only, is no reason to fail here.
        let dir = self.dir.ancestors().find(|dir| dir.is_dir());
        dir.map_or_else(tempfile::tempfile, tempfile::tempfile_in).or_else(|_| tempfile::tempfile())
    }
}

/// What an error of the spool means: it has as many causes as there are limits.
pub(crate) fn cause_of(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Cause::DiskFull
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Cause::CachePermission,
        // Too many open files, for example.
        _ => Cause::Other,
    }
}

/// Why a gzip body could not be unpacked.
#[derive(Debug)]
pub(crate) enum Unpack {
    /// The bytes are no gzip, or are cut or altered.
    Broken(io::Error),
    /// More comes out than go would accept.
    Endless,
    /// There is no room for it.
    Store(io::Error),
}

#[derive(Debug)]
enum Medium {
    Memory(Vec<u8>),
    File(File),
}

/// A body, complete or growing.
#[derive(Debug)]
pub(crate) struct Stored {
    spool: Arc<Spool>,
    medium: Medium,
    length: u64,
    counted: usize,
}

impl Stored {
    /// An empty body.
    pub(crate) fn new(spool: &Arc<Spool>) -> Stored {
        Stored { spool: spool.clone(), medium: Medium::Memory(Vec::new()), length: 0, counted: 0 }
    }

    /// In bytes.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Room for a body of this length, where it will stay in memory.
    pub(crate) fn expect(&mut self, length: u64) {
        if let Medium::Memory(bytes) = &mut self.medium
            && length <= SMALL as u64
        {
            bytes.reserve_exact(length as usize);
        }
    }

    /// Appends; an error is one of the file system.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        if let Medium::Memory(bytes) = &mut self.medium {
            let fits = bytes.len() + piece.len() <= SMALL
                && self.spool.in_memory.load(Ordering::Relaxed) + piece.len() <= ALL_SMALL;
            if fits {
                bytes.extend_from_slice(piece);
                self.spool.in_memory.fetch_add(piece.len(), Ordering::Relaxed);
                self.counted += piece.len();
            } else {
                let mut file = self.spool.file()?;
                file.write_all(bytes)?;
                self.medium = Medium::File(file);
                self.release();
            }
        }
        if let Medium::File(file) = &mut self.medium {
            file.write_all(piece)?;
        }
        self.length += piece.len() as u64;
        Ok(())
    }

    /// Appends what another holds.
    pub(crate) fn append(&mut self, other: &Stored) -> io::Result<()> {
        let mut reader = other.reader()?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(()),
                n => self.push(&buffer[..n])?,
            }
        }
    }

    fn release(&mut self) {
        self.spool.in_memory.fetch_sub(std::mem::take(&mut self.counted), Ordering::Relaxed);
    }

    /// The bytes, where they are in memory.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.medium {
            Medium::Memory(bytes) => Some(bytes),
            Medium::File(_) => None,
        }
    }

    /// The bytes, read back where they were stored in a file. For kinds with a small bound.
    pub(crate) fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        match &self.medium {
            Medium::Memory(bytes) => all.extend_from_slice(bytes),
            Medium::File(_) => {
                self.reader()?.read_to_end(&mut all)?;
            }
        }
        Ok(all)
    }

    /// A reader of its own over the stored file (or a copy of what is in memory).
    pub(crate) fn reader(&self) -> io::Result<Reader> {
        match &self.medium {
            Medium::Memory(bytes) => Ok(Reader::Memory(io::Cursor::new(bytes.clone()))),
            Medium::File(file) => {
                // A second handle would share the position; going back to the start is enough,
                // because one reader at a time is all there is.
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Reader::File(io::BufReader::with_capacity(CHUNK, file)))
            }
        }
    }

    /// Whether the first character that is none of a text's white space opens a tag.
    pub(crate) fn begins_like_a_page(&self) -> bool {
        let mut start = [0; 512];
        let n = self.reader().and_then(|mut r| r.read(&mut start)).unwrap_or(0);
        let start = start[..n].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start[..n]);
        start.trim_ascii_start().first() == Some(&b'<')
    }

    /// Whether it may be a zip with files in it.
    pub(crate) fn begins_like_a_zip(&self) -> bool {
        let mut start = [0; 4];
        self.reader().and_then(|mut r| r.read_exact(&mut start)).is_ok() && start == *b"PK\x03\x04"
    }

    /// What a gzip body holds, stored in its turn, up to `limit` bytes.
    pub(crate) fn gunzip(self, limit: u64) -> Result<Stored, Unpack> {
        let mut plain = Stored::new(&self.spool);
        let mut decoder = flate2::read::MultiGzDecoder::new(self.reader().map_err(Unpack::Store)?);
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = decoder.read(&mut buffer).map_err(Unpack::Broken)?;
            if n == 0 {
                return Ok(plain);
            }
            if plain.length + n as u64 > limit {
                return Err(Unpack::Endless);
            }
            plain.push(&buffer[..n]).map_err(Unpack::Store)?;
        }
    }

    /// SHA-256 of the bytes as they came.
    pub(crate) fn digest(&self) -> io::Result<[u8; 32]> {
        if let Medium::Memory(bytes) = &self.medium {
            return Ok(Sha256::digest(bytes).into());
        }
        let mut hash = Sha256::new();
        let mut reader = self.reader()?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hash.finalize().into()),
                n => hash.update(&buffer[..n]),
            }
        }
    }

    /// Gives the bytes away.
    ///
    /// # Errors
    /// Where the stored file cannot be read from its start.
    pub(crate) fn into_bytes(mut self) -> io::Result<Contents> {
        match std::mem::replace(&mut self.medium, Medium::Memory(Vec::new())) {
            Medium::Memory(bytes) => Ok(Contents::Memory(bytes)),
            Medium::File(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(Contents::File { file, length: self.length })
            }
        }
    }
}

/// A whole body that left the spool.
#[derive(Debug)]
pub(crate) enum Contents {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file without a name, at its start.
    File {
        /// It was just written and so comes out of the page cache.
        file: File,
        /// Its length, in bytes.
        length: u64,
    },
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.release();
    }
}

/// Reads a stored body.
pub(crate) enum Reader {
    /// One that was small.
    Memory(io::Cursor<Vec<u8>>),
    /// One in a file without a name.
    File(io::BufReader<File>),
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Reader::Memory(cursor) => cursor.read(buffer),
            Reader::File(file) => file.read(buffer),
        }
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Reader::Memory(cursor) => cursor.seek(to),
            Reader::File(file) => file.seek(to),
        }
    }
}
