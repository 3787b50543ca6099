//! Module zips: go's limits, the directory at their end, and one walk through all of their files.
//!
//! Pure: whatever can be read and sought comes in. The walk checks what go checks while it unpacks:
//! the directory, each file's length and CRC, no name twice, and the `MODULE@VERSION/` before each
//! name. Contents are streamed through one buffer; what is kept is a name and a hash for each file,
//! so memory is bounded by the number of files, and that is bounded too.

use super::h1;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Most bytes of a module zip, packed or unpacked: 500 MiB (`MaxZipFile` of golang.org/x/mod/zip,
/// and of cmd/go's codehost for what comes from a proxy).
pub(crate) const MAX_ZIP: u64 = 500 << 20;

/// Most bytes of a go.mod, in a zip or by itself: 16 MiB (`MaxGoMod` of the same two).
pub(crate) const MAX_GO_MOD: u64 = 16 << 20;

/// Most files looked at in one zip or folder. The largest modules have some ten thousand; the limit
/// keeps a crafted directory of empty entries from filling the memory.
pub(crate) const MAX_FILES: u64 = 1 << 20;

/// Why a zip was not read to its end.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The bytes are no zip, or not a whole one: go fails on them too.
    Corrupt(String),
    /// A file without the module's prefix: whoever made the zip made it so.
    Unexpected(String),
    /// It unpacks to more than [`MAX_ZIP`].
    TooLarge,
    /// It holds more than [`MAX_FILES`] files: so many.
    TooMany(u64),
    /// A kind of zip that is not understood here (go may).
    Unsupported(String),
    /// It could not be read.
    Io(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Corrupt(why) => write!(f, "not a whole zip: {why}"),
            Fault::Unexpected(name) => write!(f, "zip has unexpected file {name}"),
            Fault::TooLarge => write!(f, "larger than go's limit of {} MiB", MAX_ZIP >> 20),
            Fault::TooMany(files) => write!(f, "a zip of {files} files"),
            Fault::Unsupported(why) => write!(f, "unsupported zip: {why}"),
            Fault::Io(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    /// What the operating system said is its failure; what the decoder said is the data's.
    fn from(e: io::Error) -> Fault {
        if e.raw_os_error().is_some() { Fault::Io(e) } else { Fault::Corrupt(e.to_string()) }
    }
}

impl From<::zip::result::ZipError> for Fault {
    fn from(e: ::zip::result::ZipError) -> Fault {
        use ::zip::result::ZipError as Z;
        match e {
            Z::Io(e) => e.into(),
            Z::InvalidArchive(why) => Fault::Corrupt(why.into_owned()),
            other => Fault::Unsupported(other.to_string()),
        }
    }
}

/// One file of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Full name, `MODULE@VERSION/path` with forward slashes, as raw bytes.
    pub name: Vec<u8>,
    /// SHA-256 of the content.
    pub digest: h1::FileDigest,
    /// Bytes of content.
    pub size: u64,
    /// True where the content is nothing but NUL bytes (what a crash leaves of unwritten pages);
    /// also true of an empty file.
    pub blank: bool,
}

impl Entry {
    /// Reads a file's content to its end.
    ///
    /// # Errors
    /// What the reader says.
    pub(crate) fn read(name: Vec<u8>, content: &mut impl Read) -> io::Result<Entry> {
        let mut sum = Sha256::new();
        let mut buffer = [0u8; 32 << 10];
        let (mut size, mut blank) = (0u64, true);
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(Entry { name, digest: sum.finalize().into(), size, blank }),
                Ok(n) => {
                    blank = blank && buffer[..n].iter().all(|b| *b == 0);
                    sum.update(&buffer[..n]);
                    size += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Names and hashes of all files of a module version, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    entries: Vec<Entry>,
    h1: String,
}

impl Manifest {
    /// Gathers files, in any order.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] for a name with a newline, which no hash can be of.
    pub(crate) fn of(mut entries: Vec<Entry>) -> Result<Manifest, Fault> {
        entries.sort();
        let mut files: Vec<_> = entries.iter().map(|e| (&e.name[..], e.digest)).collect();
        let h1 = h1::of_files(&mut files)
            .map_err(|h1::NewlineInName| Fault::Corrupt("a file name has a newline".into()))?;
        Ok(Manifest { entries, h1 })
    }

    /// The files.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The `h1:` hash.
    pub(crate) fn h1(&self) -> &str {
        &self.h1
    }
}

/// Reads a module zip through. `prefix` is `MODULE@VERSION/`.
///
/// # Errors
/// [`Fault::Corrupt`] and [`Fault::Unexpected`] are verdicts on the bytes; the others are none.
pub(crate) fn read<R: Read + Seek>(zip: R, prefix: &str) -> Result<Manifest, Fault> {
    read_within(MAX_ZIP, zip, prefix)
}

fn read_within<R: Read + Seek>(limit: u64, mut zip: R, prefix: &str) -> Result<Manifest, Fault> {
    let size = zip.seek(SeekFrom::End(0))?;
    if size > limit {
        return Err(Fault::TooLarge);
    }
    // Asked before a parser makes room for as many entries as a stranger's directory names.
    let files = directory(&mut zip, size)?;
    if files > MAX_FILES {
        return Err(Fault::TooMany(files));
    }
    zip.rewind()?;
    let mut archive = ::zip::ZipArchive::new(BufReader::new(zip))?;
    if archive.has_duplicate_names() {
        return Err(Fault::Corrupt("two files have one name".into()));
    }
    let mut left = limit;
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name_raw().to_vec();
        let shown = || String::from_utf8_lossy(&name).into_owned();
        if !name.starts_with(prefix.as_bytes()) {
            return Err(Fault::Unexpected(shown()));
        }
        let declared = entry.size();
        left = left.checked_sub(declared).ok_or(Fault::TooLarge)?;
        // One byte more than declared is enough to see a false length, however much would follow.
        let mut content = (&mut entry).take(declared.saturating_add(1));
        let read = Entry::read(name.clone(), &mut content).map_err(|e| match Fault::from(e) {
            Fault::Corrupt(why) => Fault::Corrupt(format!("{}: {why}", shown())),
            other => other,
        })?;
        if read.size != declared {
            return Err(Fault::Corrupt(format!("{} has another length than declared", shown())));
        }
        entries.push(read);
    }
    Manifest::of(entries)
}

/// Finds the end record of a zip's directory and gives the number of files it declares; the
/// directory must begin where the record says. A zip that is cut short fails here, a flipped bit
/// inside a file is not seen.
///
/// # Errors
/// [`Fault::Corrupt`] and [`Fault::Io`].
pub(crate) fn directory(zip: &mut (impl Read + Seek), size: u64) -> Result<u64, Fault> {
    // The end record has 22 bytes and a comment of at most 65535 behind it.
    let tail = size.min(22 + 0xffff);
    zip.seek(SeekFrom::Start(size - tail))?;
    let mut bytes = Vec::new();
    zip.by_ref().take(tail).read_to_end(&mut bytes)?;
    let bad = |why: &str| Fault::Corrupt(why.to_owned());
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
        zip.seek(SeekFrom::Start(start))?;
        zip.read_exact(&mut magic)?;
        if &magic != b"PK\x01\x02" {
            return Err(bad("its directory is cut off"));
        }
    }
    Ok(count)
}

/// A zip with these files, for tests.
#[cfg(test)]
pub(crate) fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn sample() -> Vec<u8> {
        packed(&[("e.t/a@v1.0.0/go.mod", "module e.t/a\n"), ("e.t/a@v1.0.0/a.go", "package a\n")])
    }

    #[test]
    fn a_zip_is_read_to_the_last_crc() {
        let good = sample();
        let found = read(Cursor::new(&good), "e.t/a@v1.0.0/").unwrap();
        let mut files: [(&[u8], h1::FileDigest); 2] = [
            (b"e.t/a@v1.0.0/go.mod", Sha256::digest("module e.t/a\n").into()),
            (b"e.t/a@v1.0.0/a.go", Sha256::digest("package a\n").into()),
        ];
        assert_eq!(found.h1(), h1::of_files(&mut files).unwrap());
        assert_eq!(found.entries().iter().map(|e| e.size).collect::<Vec<_>>(), [10, 13]);
        for cut in 0..good.len() {
            assert!(matches!(read(Cursor::new(&good[..cut]), ""), Err(Fault::Corrupt(_))), "{cut}");
        }
        let mut flipped = good.clone();
        let at = flipped.windows(9).position(|w| w == b"package a").unwrap_or(60);
        flipped[at] ^= 0x20;
        assert!(matches!(read(Cursor::new(&flipped), ""), Err(Fault::Corrupt(_))));
        assert!(matches!(read(Cursor::new(&good), "e.t/b@v1.0.0/"), Err(Fault::Unexpected(_))));
    }

    #[test]
    fn what_is_too_much_is_not_unpacked() {
        let bomb = packed(&[("zeros", &"0".repeat(1 << 20))]);
        assert!(bomb.len() < 10_000);
        assert!(matches!(read_within(1 << 19, Cursor::new(&bomb), ""), Err(Fault::TooLarge)));
        // An end record alone, which names 2^32 entries by way of a zip64 record.
        let mut crowded = b"PK\x06\x06".to_vec();
        crowded.resize(32, 0);
        crowded.extend((1u64 << 32).to_le_bytes());
        crowded.resize(56 + 20, 0);
        crowded.extend(b"PK\x05\x06");
        crowded.extend([0xff; 16]);
        crowded.extend([0; 2]);
        let Err(Fault::TooMany(files)) = read(Cursor::new(&crowded), "") else { panic!("read") };
        assert_eq!(files, 1 << 32);
    }

    proptest::proptest! {
        #[test]
        fn changed_bytes_never_pass_for_other_contents(at in 0usize..400, bit in 0u8..8) {
            let good = sample();
            let want = read(Cursor::new(&good), "e.t/a@v1.0.0/").unwrap();
            let mut other = good.clone();
            let at = at % other.len();
            other[at] ^= 1 << bit;
            if let Ok(found) = read(Cursor::new(&other), "e.t/a@v1.0.0/") {
                // Times, attributes and versions are no part of it; names have no CRC.
                let contents = |m: &Manifest| {
                    let mut all: Vec<_> = m.entries().iter().map(|e| e.digest).collect();
                    all.sort();
                    all
                };
                proptest::prop_assert_eq!(contents(&found), contents(&want));
            }
        }
    }
}
