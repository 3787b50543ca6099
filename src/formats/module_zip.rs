//! A module zip as Go packs it, unpacked in one pass: each file is inflated once, while it is hashed,
//! checked and handed on.
//!
//! Pure but for the reading. This is no reader of all zips: what is unusual is refused ([`Unfit`]) and
//! left to go, which knows more of them. The rules are those of `golang.org/x/mod/zip` (names, letter
//! case, go.mod's place, sizes) and beyond them: one directory at the end without a comment, the files
//! in its order and without gaps, both headers of a file agreeing, nothing but ASCII in names.

use super::module_path::is_reserved;
use super::zip::{Entry, MAX_FILES, MAX_GO_MOD, MAX_ZIP, Manifest};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// Piece in which a file is handed on: most source files are one.
const PIECE: usize = 128 << 10;

/// Largest directory that is read, in bytes: room for [`MAX_FILES`] short names.
const MAX_DIRECTORY: u64 = 64 << 20;

/// Signatures and lengths of the records (APPNOTE.TXT 4.3).
const LOCAL: (&[u8], usize) = (b"PK\x03\x04", 30);
const CENTRAL: (&[u8], usize) = (b"PK\x01\x02", 46);
const END: (&[u8], usize) = (b"PK\x05\x06", 22);
const DESCRIPTOR: (&[u8], usize) = (b"PK\x07\x08", 16);

/// Flags: sizes follow the data; names are UTF-8; and two of the compressor's own.
const STREAMED: u16 = 0x0008;
const HARMLESS: u16 = STREAMED | 0x0800 | 0x0006;

/// Why a zip is not unpacked here.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is unusual, damaged, or what Go forbids: so much for people.
    Zip(String),
    /// Whoever takes the files could not, or the zip could not be read.
    Io(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Unfit {
        // What a reader of bytes in memory or of a file says of a zip that is cut.
        if error.kind() == io::ErrorKind::UnexpectedEof { unusual("cut short") } else { Unfit::Io(error) }
    }
}

/// Takes the files of a zip.
pub(crate) trait Files {
    /// A file begins: its name below the module's folder, with forward slashes, and its size in bytes.
    ///
    /// # Errors
    /// Of the file system; they end the unpacking.
    fn begin(&mut self, name: &str, size: u64) -> io::Result<()>;
    /// The next bytes of it.
    ///
    /// # Errors
    /// As above.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// All of it was given, and its checksum was right.
    ///
    /// # Errors
    /// As above.
    fn end(&mut self) -> io::Result<()>;
}

fn unusual(why: impl Into<String>) -> Unfit {
    Unfit::Zip(why.into())
}

fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// One file, as the directory has it.
struct Member {
    /// In full.
    name: String,
    flags: u16,
    deflated: bool,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its own header begins.
    at: u64,
}

/// Unpacks a zip whose files stand below `prefix` (`MODULE@VERSION/`). What was handed on counts only
/// if this succeeds.
///
/// # Errors
/// [`Unfit`].
pub(crate) fn unpack(
    zip: &mut (impl Read + Seek),
    prefix: &str,
    files: &mut dyn Files,
) -> Result<Manifest, Unfit> {
    let (members, end) = directory(zip, prefix)?;
    zip.rewind()?;
    let mut zip = BufReader::with_capacity(PIECE, zip);
    let mut pass = Pass { inflate: Decompress::new(false), piece: vec![0; PIECE], at: 0 };
    let mut entries = Vec::with_capacity(members.len());
    for member in members {
        entries.push(pass.member(&mut zip, member, prefix.len(), files)?);
    }
    if pass.at != end {
        return Err(unusual("a gap before its directory"));
    }
    Manifest::of(entries).map_err(|fault| unusual(fault.to_string()))
}

/// Reads and checks the directory; with it comes where it begins.
fn directory(zip: &mut (impl Read + Seek), prefix: &str) -> Result<(Vec<Member>, u64), Unfit> {
    let size = zip.seek(SeekFrom::End(0))?;
    if size > MAX_ZIP {
        return Err(unusual("too large"));
    }
    let end = size.checked_sub(END.1 as u64).ok_or_else(|| unusual("too short"))?;
    zip.seek(SeekFrom::Start(end))?;
    let mut record = [0; END.1];
    zip.read_exact(&mut record)?;
    let (count, length, at) = (number(&record, 10, 2), number(&record, 12, 4), number(&record, 16, 4));
    // The disk numbers, the second count, and the length of a comment.
    let plain = number(&record, 4, 4) == 0 && number(&record, 8, 2) == count && number(&record, 20, 2) == 0;
    if !record.starts_with(END.0) || !plain || count == 0xffff || at == 0xffff_ffff {
        return Err(unusual("no plain end of its directory"));
    }
    if at.checked_add(length) != Some(end) || length > MAX_DIRECTORY || count > MAX_FILES {
        return Err(unusual("its directory does not stand at its end"));
    }
    zip.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    zip.read_exact(&mut bytes)?;
    let mut members = Vec::new();
    let mut names = Names::default();
    let (mut rest, mut left) = (&bytes[..], MAX_ZIP);
    for _ in 0..count {
        let member = central(&mut rest, prefix)?;
        names.add(&member.name[prefix.len()..], member.size)?;
        left = left.checked_sub(member.size).ok_or_else(|| unusual("unpacks to too much"))?;
        members.push(member);
    }
    if !rest.is_empty() {
        return Err(unusual("something behind its directory's last entry"));
    }
    Ok((members, at))
}

/// Reads one entry of the directory, and takes it off `rest`.
fn central(rest: &mut &[u8], prefix: &str) -> Result<Member, Unfit> {
    let cut = || unusual("its directory is cut off");
    let head = rest.get(..CENTRAL.1).filter(|head| head.starts_with(CENTRAL.0)).ok_or_else(cut)?;
    let lengths = [28, 30, 32].map(|at| usize::from(u16::from_le_bytes([head[at], head[at + 1]])));
    let whole = CENTRAL.1 + lengths.iter().sum::<usize>();
    let name = rest.get(CENTRAL.1..CENTRAL.1 + lengths[0]).ok_or_else(cut)?;
    let flags = u16::from_le_bytes([head[8], head[9]]);
    let method = number(head, 10, 2);
    if lengths[2] != 0 || number(head, 34, 2) != 0 || flags & !HARMLESS != 0 || !matches!(method, 0 | 8) {
        return Err(unusual("a file packed in an unusual way"));
    }
    let name = std::str::from_utf8(name).ok().filter(|name| name.is_ascii() && name.starts_with(prefix));
    let name = name.ok_or_else(|| unusual("a file with an unusual name"))?.to_owned();
    let member = Member {
        name,
        flags,
        deflated: method == 8,
        crc: u32::from_le_bytes([head[16], head[17], head[18], head[19]]),
        packed: number(head, 20, 4),
        size: number(head, 24, 4),
        at: number(head, 42, 4),
    };
    if !member.deflated && member.packed != member.size {
        return Err(unusual("a stored file of two sizes"));
    }
    *rest = rest.get(whole..).ok_or_else(cut)?;
    Ok(member)
}

/// The names of a zip's files, as they are checked one by one.
#[derive(Default)]
struct Names {
    /// In lower case: as written, and whether it is a folder.
    seen: HashMap<String, (String, bool)>,
    /// The folder of the last file: most of the next ones lie there too.
    last: String,
}

impl Names {
    /// Checks a name below the module's folder as `module.CheckFilePath` and the zip rules do.
    fn add(&mut self, name: &str, size: u64) -> Result<(), Unfit> {
        let bad = |why: &str| unusual(format!("{name}: {why}"));
        if !name.split('/').all(is_element) {
            return Err(bad("no name that Go allows"));
        }
        let (folder, base) = name.rsplit_once('/').unwrap_or(("", name));
        if base.eq_ignore_ascii_case("go.mod") && name != "go.mod" {
            return Err(bad("not at the top"));
        }
        // MaxGoMod and MaxLICENSE of x/mod/zip are the same.
        if matches!(name, "go.mod" | "LICENSE") && size > MAX_GO_MOD {
            return Err(bad("too large"));
        }
        self.see(name, false)?;
        if folder != self.last {
            let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
            for end in ends.filter(|end| *end > 0) {
                self.see(&folder[..end], true)?;
            }
            folder.clone_into(&mut self.last);
        }
        Ok(())
    }

    fn see(&mut self, name: &str, is_folder: bool) -> Result<(), Unfit> {
        match self.seen.get(&name.to_ascii_lowercase()) {
            None => {
                self.seen.insert(name.to_ascii_lowercase(), (name.to_owned(), is_folder));
                Ok(())
            }
            Some((same, true)) if is_folder && same == name => Ok(()),
            Some((other, _)) => Err(unusual(format!("{name} and {other} are one file to some systems"))),
        }
    }
}

/// An element of a path that `module.CheckFilePath` accepts, as far as it is ASCII.
fn is_element(element: &str) -> bool {
    let short = element.split('.').next().unwrap_or(element);
    !element.is_empty()
        && !element.ends_with('.')
        && element.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&()+,-.=@[]^_{}~ ".contains(&b))
        && !is_reserved(short)
}

/// The one pass over the files.
struct Pass {
    inflate: Decompress,
    piece: Vec<u8>,
    /// How much of the zip was read.
    at: u64,
}

/// The sums of one file.
struct Sums {
    sha256: Sha256,
    crc: Crc,
    size: u64,
    blank: bool,
}

impl Pass {
    fn member(
        &mut self,
        zip: &mut impl BufRead,
        member: Member,
        prefix: usize,
        files: &mut dyn Files,
    ) -> Result<Entry, Unfit> {
        if member.at != self.at {
            return Err(unusual("a gap between its files"));
        }
        self.local(zip, &member)?;
        let shown = member.name[prefix..].to_owned();
        files.begin(&shown, member.size).map_err(Unfit::Io)?;
        let mut sums = Sums { sha256: Sha256::new(), crc: Crc::new(), size: 0, blank: true };
        self.content(zip, &member, &mut sums, files)?;
        if sums.size != member.size || sums.crc.sum() != member.crc {
            return Err(unusual(format!("{shown} is damaged")));
        }
        files.end().map_err(Unfit::Io)?;
        self.at += member.packed;
        if member.flags & STREAMED != 0 {
            let mut tail = [0; DESCRIPTOR.1];
            zip.read_exact(&mut tail)?;
            let agrees = number(&tail, 4, 4) == u64::from(member.crc)
                && number(&tail, 8, 4) == member.packed
                && number(&tail, 12, 4) == member.size;
            if !tail.starts_with(DESCRIPTOR.0) || !agrees {
                return Err(unusual(format!("{shown} ends in an unusual way")));
            }
            self.at += DESCRIPTOR.1 as u64;
        }
        let Sums { sha256, size, blank, .. } = sums;
        Ok(Entry { name: member.name.into_bytes(), digest: sha256.finalize().into(), size, blank })
    }

    /// The header before a file: it must say what the directory says.
    fn local(&mut self, zip: &mut impl BufRead, member: &Member) -> Result<(), Unfit> {
        let mut head = [0; LOCAL.1];
        zip.read_exact(&mut head)?;
        let (name, extra) = (number(&head, 26, 2), number(&head, 28, 2));
        let sizes = [number(&head, 14, 4), number(&head, 18, 4), number(&head, 22, 4)];
        let known = [u64::from(member.crc), member.packed, member.size];
        let later = member.flags & STREAMED != 0 && sizes == [0; 3];
        let method = if member.deflated { 8 } else { 0 };
        let agrees = head.starts_with(LOCAL.0)
            && number(&head, 6, 2) == u64::from(member.flags)
            && number(&head, 8, 2) == method
            && (later || sizes == known)
            && name == member.name.len() as u64;
        if !agrees {
            return Err(unusual("a file whose headers disagree"));
        }
        let mut rest = vec![0; member.name.len() + usize::try_from(extra).unwrap_or(0)];
        zip.read_exact(&mut rest)?;
        if !rest.starts_with(member.name.as_bytes()) {
            return Err(unusual("a file of two names"));
        }
        self.at += LOCAL.1 as u64 + name + extra;
        Ok(())
    }

    /// What is packed: inflated, summed up and handed on.
    fn content(
        &mut self,
        zip: &mut impl BufRead,
        member: &Member,
        sums: &mut Sums,
        files: &mut dyn Files,
    ) -> Result<(), Unfit> {
        let damaged = || unusual("packed bytes that are damaged");
        let mut left = member.packed;
        self.inflate.reset(false);
        let mut ended = !member.deflated;
        // An empty file may be deflated to two bytes.
        while left > 0 || !ended {
            let input = zip.fill_buf().map_err(Unfit::Io)?;
            let most = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if most == 0 && left > 0 {
                return Err(unusual("cut short"));
            }
            let (input, mut used) = (&input[..most], most);
            if member.deflated {
                if ended {
                    return Err(damaged());
                }
                let before = (self.inflate.total_in(), self.inflate.total_out());
                let status = self.inflate.decompress(input, &mut self.piece, FlushDecompress::None);
                ended = status.map_err(|_| damaged())? == Status::StreamEnd;
                used = usize::try_from(self.inflate.total_in() - before.0).unwrap_or(0);
                let out = usize::try_from(self.inflate.total_out() - before.1).unwrap_or(0);
                if used == 0 && out == 0 && !ended {
                    return Err(damaged());
                }
                take(&self.piece[..out], member.size, sums, files)?;
            } else {
                take(input, member.size, sums, files)?;
            }
            zip.consume(used);
            left -= used as u64;
        }
        Ok(())
    }
}

/// Takes the next bytes of a file that shall have `size`.
fn take(bytes: &[u8], size: u64, sums: &mut Sums, files: &mut dyn Files) -> Result<(), Unfit> {
    sums.size += bytes.len() as u64;
    if sums.size > size {
        return Err(unusual("a file larger than declared"));
    }
    sums.sha256.update(bytes);
    sums.crc.update(bytes);
    sums.blank = sums.blank && bytes.iter().all(|b| *b == 0);
    files.write(bytes).map_err(Unfit::Io)
}

#[cfg(test)]
mod tests {
    use super::super::zip::{packed, read};
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const PREFIX: &str = "e.t/a@v1.0.0/";

    #[derive(Default)]
    struct Kept(Vec<(String, Vec<u8>)>);

    impl Files for Kept {
        fn begin(&mut self, name: &str, _: u64) -> io::Result<()> {
            self.0.push((name.to_owned(), Vec::new()));
            Ok(())
        }
        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.last_mut().unwrap().1.extend(bytes);
            Ok(())
        }
        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn zip_of(names: &[&str]) -> Vec<u8> {
        let full: Vec<String> = names.iter().map(|name| format!("{PREFIX}{name}")).collect();
        packed(&full.iter().map(|name| (&**name, "text")).collect::<Vec<_>>())
    }

    fn fits(zip: &[u8]) -> bool {
        unpack(&mut Cursor::new(zip), PREFIX, &mut Kept::default()).is_ok()
    }

    #[test]
    fn one_pass_gives_what_the_whole_reader_gives() {
        let large = "0123456789abcdef".repeat(PIECE / 8);
        let files = [
            ("e.t/a@v1.0.0/go.mod", "module e.t/a\n"),
            ("e.t/a@v1.0.0/a/b/c.go", "package c\n"),
            ("e.t/a@v1.0.0/a/b/empty", ""),
            ("e.t/a@v1.0.0/a/large", &large),
        ];
        let zip = packed(&files);
        let mut kept = Kept::default();
        let manifest = unpack(&mut Cursor::new(&zip), PREFIX, &mut kept).unwrap();
        assert_eq!(manifest, read(Cursor::new(&zip), PREFIX).unwrap());
        for (kept, (name, text)) in kept.0.iter().zip(files) {
            assert_eq!((&*kept.0, &*kept.1), (name.strip_prefix(PREFIX).unwrap(), text.as_bytes()));
        }
        assert_eq!(kept.0.len(), files.len());
    }

    #[test]
    fn names_are_judged_as_by_go() {
        for name in ["a b.go", "a/.b", "x~1", "go.modx", "a/LICENSE", "console", "[a]", "a@b"] {
            assert!(fits(&zip_of(&[name])), "{name}");
        }
        for name in [
            "../a", "/a", "a//b", "a/./b", "a/", ".", "..", "...", "a.", "a/b./c", "con", "a/NUL.go",
            "aux.c", "a\\b", "a:b", "a*b", "a\"b", "a|b", "a\nb", "a<b", "a`b", "a;b", "ä", "a/go.mod",
            "GO.MOD", "Go.mod",
        ] {
            assert!(!fits(&zip_of(&[name])), "{name}");
        }
        for names in [["a", "A"], ["a/b", "A/c"], ["a", "a/b"], ["a/b", "a"], ["x/b/c", "X/b/c"]] {
            assert!(!fits(&zip_of(&names)), "{names:?}");
        }
        assert!(fits(&zip_of(&["a/b", "c/d", "a/e", "a/b.c"])));
        assert!(!fits(&packed(&[("e.t/b@v1.0.0/a", "")])));
    }

    #[test]
    fn what_is_unusual_is_left_to_go() {
        let good = zip_of(&["go.mod", "a.go"]);
        assert!(fits(&good));
        for cut in 0..good.len() {
            assert!(!fits(&good[..cut]), "{cut}");
        }
        let with = |at: usize, byte: u8| {
            let mut zip = good.clone();
            let end = zip.len() - 22;
            zip[end + at] = byte;
            zip
        };
        assert!(!fits(&with(4, 1)) && !fits(&with(8, 1)) && !fits(&with(20, 1)));
        let before = [b"x".to_vec(), good.clone()].concat();
        let behind = [good.clone(), b"x".to_vec()].concat();
        assert!(!fits(&before) && !fits(&behind));
        assert!(!fits(&[]) && !fits(&[0; 22]));
    }

    proptest! {
        /// Whatever is changed: what still fits is what the whole reader reads too.
        #[test]
        fn what_fits_is_what_the_whole_reader_reads(changes in prop::collection::vec((0usize..600, any::<u8>()), 1..4)) {
            let mut zip = zip_of(&["go.mod", "a/b.go", "a/c.go"]);
            for (at, byte) in changes {
                let at = at % zip.len();
                zip[at] = byte;
            }
            if let Ok(manifest) = unpack(&mut Cursor::new(&zip), PREFIX, &mut Kept::default()) {
                prop_assert_eq!(manifest, read(Cursor::new(&zip), PREFIX).unwrap());
            }
        }
    }
}
