//! Computes the `h1:` hash that go.sum records: of a zip, of an extracted folder, of a go.mod file.
//!
//! The hash is SHA-256 over one line per file, sorted by name: the file's own SHA-256 in hex, two
//! spaces, its name. Contents are streamed through one buffer; what is kept is a name and a hash
//! per file, so memory is bounded by the number of files, and that is bounded too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Most bytes of a module zip, packed or unpacked: 500 MiB, go's own limit (`MaxZipFile` of
/// golang.org/x/mod/zip).
pub const MAX_ZIP: u64 = 500 << 20;

/// Most files looked at in one zip or folder. The largest modules have some ten thousand; the
/// limit keeps a crafted directory of empty entries from filling the memory.
pub const MAX_FILES: u64 = 1 << 20;

/// Why there is no hash.
#[derive(Debug)]
pub enum HashError {
    /// The bytes are no zip, or not a whole one: go fails on them too.
    Corrupt(String),
    /// Beyond [`MAX_ZIP`] or [`MAX_FILES`]; nothing is said about damage.
    TooLarge,
    /// A kind of zip that is not understood here (go may); nothing is said about damage.
    Unsupported(String),
    /// The file system failed.
    Io(io::Error),
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashError::Corrupt(why) => write!(f, "not a whole zip: {why}"),
            HashError::TooLarge => write!(f, "larger than go's limit of {} MiB", MAX_ZIP >> 20),
            HashError::Unsupported(why) => write!(f, "unsupported zip: {why}"),
            HashError::Io(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for HashError {}

impl From<io::Error> for HashError {
    /// What the operating system said is its failure; what the decoder said is the data's.
    fn from(e: io::Error) -> HashError {
        if e.raw_os_error().is_some() { HashError::Io(e) } else { HashError::Corrupt(e.to_string()) }
    }
}

impl From<zip::result::ZipError> for HashError {
    fn from(e: zip::result::ZipError) -> HashError {
        use zip::result::ZipError as Z;
        match e {
            Z::Io(e) => e.into(),
            Z::InvalidArchive(why) => HashError::Corrupt(why.into_owned()),
            other => HashError::Unsupported(other.to_string()),
        }
    }
}

/// One file of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Full name, `MODULE@VERSION/path` with forward slashes, as raw bytes.
    pub name: Vec<u8>,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
    /// Bytes of content.
    pub size: u64,
    /// True where the content is nothing but NUL bytes (what a crash leaves of unwritten pages);
    /// also true of an empty file.
    pub blank: bool,
}

/// Names and hashes of all files of a module version, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The files.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// The `h1:` hash.
    pub fn h1(&self) -> String {
        h1(self.entries.iter().map(|e| (&e.name[..], &e.digest)))
    }

    fn sorted(mut entries: Vec<Entry>) -> Result<Manifest, HashError> {
        if entries.iter().any(|e| e.name.contains(&b'\n')) {
            return Err(HashError::Corrupt("a file name has a newline".into()));
        }
        entries.sort();
        Ok(Manifest { entries })
    }
}

/// The `h1:` hash of names and hashes of files, sorted by name.
pub fn h1<'f>(files: impl Iterator<Item = (&'f [u8], &'f [u8; 32])>) -> String {
    let mut sum = Sha256::new();
    for (name, digest) in files {
        let mut hex = String::with_capacity(66);
        for byte in digest {
            hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        hex.push_str("  ");
        sum.update(hex.as_bytes());
        sum.update(name);
        sum.update(b"\n");
    }
    format!("h1:{}", STANDARD.encode(sum.finalize()))
}

/// The `h1:` hash of a go.mod file's content.
pub fn of_go_mod(content: &[u8]) -> String {
    let digest = Sha256::digest(content).into();
    let entry = Entry { name: b"go.mod".to_vec(), digest, size: content.len() as u64, blank: false };
    Manifest { entries: vec![entry] }.h1()
}

/// Reads a module zip through: every entry is unpacked, its length and CRC checked, and its name
/// must begin with `prefix` (`MODULE@VERSION/`), all as go does.
///
/// # Errors
/// [`HashError::Corrupt`] is a verdict on the file; the others are none.
pub fn of_zip(file: &Path, prefix: &str) -> Result<Manifest, HashError> {
    let mut file = File::open(file)?;
    let size = file.metadata()?.len();
    if size > MAX_ZIP {
        return Err(HashError::TooLarge);
    }
    if directory(&mut file, size)? > MAX_FILES {
        return Err(HashError::TooLarge);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
    if archive.has_duplicate_names() {
        return Err(HashError::Corrupt("two files have one name".into()));
    }
    let mut left = MAX_ZIP;
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name_raw().to_vec();
        if !name.starts_with(prefix.as_bytes()) {
            let name = String::from_utf8_lossy(&name).into_owned();
            return Err(HashError::Corrupt(format!("unexpected file {name}")));
        }
        let declared = entry.size();
        left = left.checked_sub(declared).ok_or(HashError::TooLarge)?;
        // One byte more than declared is enough to see a false length, however much would follow.
        let read = digest(&mut (&mut entry).take(declared.saturating_add(1)), name)?;
        if read.size != declared {
            return Err(HashError::Corrupt("an entry has another length than declared".into()));
        }
        entries.push(read);
    }
    Manifest::sorted(entries)
}

/// Reads an extracted module folder; names get `prefix` (`MODULE@VERSION/`) in front. Links are
/// not followed: go never writes one there, so one counts as a changed file.
///
/// # Errors
/// [`HashError::TooLarge`] and [`HashError::Io`].
pub fn of_dir(dir: &Path, prefix: &str) -> Result<Manifest, HashError> {
    let mut entries = Vec::new();
    let mut left = MAX_ZIP;
    let mut waiting = vec![(dir.to_path_buf(), prefix.as_bytes().to_vec())];
    while let Some((folder, prefix)) = waiting.pop() {
        for item in fs::read_dir(&folder)? {
            let item = item?;
            let mut name = prefix.clone();
            name.extend_from_slice(item.file_name().as_encoded_bytes());
            let kind = item.file_type()?;
            if kind.is_dir() {
                name.push(b'/');
                waiting.push((item.path(), name));
            } else if kind.is_file() {
                let mut file = File::open(item.path())?;
                let read = digest(&mut (&mut file).take(left.saturating_add(1)), name)?;
                left = left.checked_sub(read.size).ok_or(HashError::TooLarge)?;
                entries.push(read);
            } else {
                entries.push(Entry {
                    name,
                    digest: Sha256::digest(b"no file").into(),
                    size: 0,
                    blank: false,
                });
            }
            if (entries.len() + waiting.len()) as u64 > MAX_FILES {
                return Err(HashError::TooLarge);
            }
        }
    }
    Manifest::sorted(entries)
}

/// A glance at the end of a file: true where a zip's directory is there and begins where it should.
/// Truncation is seen, a flipped bit inside an entry is not.
///
/// # Errors
/// Those of the file system.
pub fn ends_like_a_zip(file: &Path) -> io::Result<bool> {
    let mut file = File::open(file)?;
    let size = file.metadata()?.len();
    match directory(&mut file, size) {
        Ok(_) => Ok(true),
        Err(HashError::Io(e)) => Err(e),
        Err(_) => Ok(false),
    }
}

/// True for the text that a `.ziphash` file or go.sum holds: `h1:` and 32 bytes in base64.
pub fn is_h1(text: &str) -> bool {
    text.strip_prefix("h1:").and_then(|b64| STANDARD.decode(b64).ok()).is_some_and(|bytes| bytes.len() == 32)
}

fn digest(reader: &mut impl Read, name: Vec<u8>) -> Result<Entry, HashError> {
    let mut sum = Sha256::new();
    let mut buffer = [0u8; 32 << 10];
    let (mut size, mut blank) = (0u64, true);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Entry { name, digest: sum.finalize().into(), size, blank }),
            Ok(n) => {
                blank = blank && buffer[..n].iter().all(|b| *b == 0);
                sum.update(&buffer[..n]);
                size += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Finds the end record of a zip's directory and gives the number of entries it declares. Read
/// before any parser allocates for them.
pub(crate) fn directory(file: &mut (impl Read + Seek), size: u64) -> Result<u64, HashError> {
    // The end record has 22 bytes and a comment of at most 65535 behind it.
    let tail = size.min(22 + 0xffff);
    file.seek(SeekFrom::Start(size - tail))?;
    let mut bytes = Vec::new();
    file.by_ref().take(tail).read_to_end(&mut bytes)?;
    let bad = |why: &str| HashError::Corrupt(why.to_owned());
    let at = (0..=bytes.len().checked_sub(22).ok_or_else(|| bad("too short"))?)
        .rev()
        .find(|at| bytes[*at..].starts_with(b"PK\x05\x06"))
        .ok_or_else(|| bad("no end of its directory"))?;
    let number = |at: usize, len: usize| {
        bytes.get(at..at + len).map_or(0, |b| b.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte)))
    };
    let (count, length) = (number(at + 10, 2), number(at + 12, 4));
    if count == 0xffff || length == 0xffff_ffff {
        // The real numbers stand in a zip64 record, right before its 20-byte locator.
        let record = at.checked_sub(20 + 56).filter(|r| bytes[*r..].starts_with(b"PK\x06\x06"));
        return record.map(|r| number(r + 32, 8)).ok_or_else(|| bad("no zip64 directory"));
    }
    let end = size - tail + at as u64;
    let start = end.checked_sub(length).ok_or_else(|| bad("its directory is cut off"))?;
    if count > 0 {
        let mut magic = [0u8; 4];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut magic)?;
        if &magic != b"PK\x01\x02" {
            return Err(bad("its directory is cut off"));
        }
    }
    Ok(count)
}
