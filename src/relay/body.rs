//! Stores one answer whole before anybody sees it: in memory while small, else in an unnamed
//! temporary file that the system removes even if gox is killed.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// An answer up to this size may stay in memory ...
const SMALL: usize = 256 << 10;

/// ... while all of them together stay below this, so that the relay's memory is bounded however
/// many requests run at once.
const ALL_SMALL: usize = 8 << 20;

/// Piece in which a stored file goes to go, in bytes.
const CHUNK: usize = 64 << 10;

/// Where bodies are stored.
#[derive(Debug)]
pub(super) struct Spool {
    /// On the module cache's file system, where a zip's space is needed anyway.
    dir: PathBuf,
    in_memory: AtomicUsize,
}

impl Spool {
    pub(super) fn new(dir: PathBuf) -> Arc<Spool> {
        Arc::new(Spool { dir, in_memory: AtomicUsize::new(0) })
    }

    fn file(&self) -> io::Result<File> {
        // A cache that does not exist yet, or is read-only, is no reason to fail here.
        let dir = self.dir.ancestors().find(|dir| dir.is_dir());
        dir.map_or_else(tempfile::tempfile, tempfile::tempfile_in).or_else(|_| tempfile::tempfile())
    }
}

/// Why a gzip body could not be unpacked.
#[derive(Debug)]
pub(super) enum Unpack {
    /// The bytes are no gzip, or are cut or altered.
    Broken(io::Error),
    /// More comes out than go would accept.
    Endless,
    /// There is no room for it.
    Store(io::Error),
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    File(File),
}

/// A body, complete or growing.
#[derive(Debug)]
pub(super) struct Stored {
    spool: Arc<Spool>,
    held: Held,
    length: u64,
    counted: usize,
}

impl Stored {
    pub(super) fn new(spool: &Arc<Spool>) -> Stored {
        Stored { spool: spool.clone(), held: Held::Memory(Vec::new()), length: 0, counted: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Room for a body of this length, where it will stay in memory.
    pub(super) fn expect(&mut self, length: u64) {
        if let Held::Memory(bytes) = &mut self.held
            && length <= SMALL as u64
        {
            bytes.reserve_exact(length as usize);
        }
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        if let Held::Memory(bytes) = &mut self.held {
            let fits = bytes.len() + piece.len() <= SMALL
                && self.spool.in_memory.load(Ordering::Relaxed) + piece.len() <= ALL_SMALL;
            if fits {
                bytes.extend_from_slice(piece);
                self.spool.in_memory.fetch_add(piece.len(), Ordering::Relaxed);
                self.counted += piece.len();
            } else {
                let mut file = self.spool.file()?;
                file.write_all(bytes)?;
                self.held = Held::File(file);
                self.release();
            }
        }
        if let Held::File(file) = &mut self.held {
            file.write_all(piece)?;
        }
        self.length += piece.len() as u64;
        Ok(())
    }

    fn release(&mut self) {
        self.spool.in_memory.fetch_sub(std::mem::take(&mut self.counted), Ordering::Relaxed);
    }

    /// The bytes, where they are in memory.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Memory(bytes) => Some(bytes),
            Held::File(_) => None,
        }
    }

    /// The bytes, read back where they were stored in a file. For kinds with a small bound.
    pub(super) fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        match &self.held {
            Held::Memory(bytes) => all.extend_from_slice(bytes),
            Held::File(_) => {
                self.reader()?.read_to_end(&mut all)?;
            }
        }
        Ok(all)
    }

    /// A reader of its own over the stored file (or a copy of what is in memory).
    pub(super) fn reader(&self) -> io::Result<Reader> {
        match &self.held {
            Held::Memory(bytes) => Ok(Reader::Memory(io::Cursor::new(bytes.clone()))),
            Held::File(file) => {
                // A second handle would share the position; going back to the start is enough,
                // because one reader at a time is all there is.
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Reader::File(io::BufReader::with_capacity(CHUNK, file)))
            }
        }
    }

    /// Whether the first character that is none of a text's white space opens a tag.
    pub(super) fn begins_like_a_page(&self) -> bool {
        let mut start = [0; 512];
        let n = self.reader().and_then(|mut r| r.read(&mut start)).unwrap_or(0);
        let start = start[..n].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start[..n]);
        start.trim_ascii_start().first() == Some(&b'<')
    }

    /// What a gzip body holds, stored in its turn, up to `limit` bytes.
    pub(super) fn gunzip(self, limit: u64) -> Result<Stored, Unpack> {
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
    pub(super) fn digest(&self) -> io::Result<[u8; 32]> {
        if let Held::Memory(bytes) = &self.held {
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

    /// Turns it into the body of an answer.
    pub(super) fn into_body(mut self) -> io::Result<Delivery> {
        match std::mem::replace(&mut self.held, Held::Memory(Vec::new())) {
            Held::Memory(bytes) => Ok(Delivery::Once(Some(Bytes::from(bytes)))),
            Held::File(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(Delivery::File { file, left: self.length })
            }
        }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.release();
    }
}

/// Reads a stored body.
pub(super) enum Reader {
    Memory(io::Cursor<Vec<u8>>),
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

/// The body of an answer to go.
pub(super) enum Delivery {
    /// All at once, in one write.
    Once(Option<Bytes>),
    /// From a file that was just written and so comes out of the page cache.
    File { file: File, left: u64 },
}

impl From<Vec<u8>> for Delivery {
    fn from(bytes: Vec<u8>) -> Delivery {
        Delivery::Once(Some(bytes.into()))
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Delivery::Once(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Delivery::File { left: 0, .. } => Poll::Ready(None),
            Delivery::File { file, left } => {
                let mut piece = vec![0; CHUNK.min(usize::try_from(*left).unwrap_or(CHUNK))];
                match file.read(&mut piece) {
                    Ok(0) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
                    Ok(n) => {
                        piece.truncate(n);
                        *left -= n as u64;
                        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
                    }
                    Err(error) => Poll::Ready(Some(Err(error))),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Delivery::Once(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Delivery::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Delivery::Once(bytes) => bytes.as_ref().map_or(0, |b| b.len() as u64),
            Delivery::File { left, .. } => *left,
        })
    }
}
