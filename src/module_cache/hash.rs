//! Computes the `h1:` hash of what lies in the module cache: of a zip and of an extracted folder.

use crate::formats::zip::{self, Entry, Fault, MAX_FILES, MAX_ZIP, Manifest};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads a module zip through: every entry is unpacked, its length and CRC checked, and its name
/// must begin with `prefix` (`MODULE@VERSION/`), all as go does.
///
/// # Errors
/// Those of [`zip::read`].
pub(crate) fn of_zip(file: &Path, prefix: &str) -> Result<Manifest, Fault> {
    zip::read(File::open(file)?, prefix)
}

/// Reads an extracted module folder; names get `prefix` (`MODULE@VERSION/`) in front. Links are
/// not followed: go never writes one there, so one counts as a changed file.
///
/// # Errors
/// [`Fault::TooLarge`], [`Fault::TooMany`] and [`Fault::Io`].
pub(crate) fn of_dir(dir: &Path, prefix: &str) -> Result<Manifest, Fault> {
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
                let read = Entry::read(name, &mut (&mut file).take(left.saturating_add(1)))?;
                left = left.checked_sub(read.size).ok_or(Fault::TooLarge)?;
                entries.push(read);
            } else {
                entries.push(Entry { blank: false, ..Entry::read(name, &mut &b"no file"[..])? });
            }
            let files = (entries.len() + waiting.len()) as u64;
            if files > MAX_FILES {
                return Err(Fault::TooMany(files));
            }
        }
    }
    Manifest::of(entries)
}

/// A glance at the end of a file: true where a zip's directory is there and begins where it should.
/// Truncation is seen, a flipped bit inside an entry is not.
///
/// # Errors
/// Those of the file system.
pub(crate) fn ends_like_a_zip(file: &Path) -> io::Result<bool> {
    let mut file = File::open(file)?;
    let size = file.metadata()?.len();
    match zip::directory(&mut file, size) {
        Ok(_) => Ok(true),
        Err(Fault::Io(e)) => Err(e),
        Err(_) => Ok(false),
    }
}
