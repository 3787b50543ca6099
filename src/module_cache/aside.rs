//! Moves aside what only a go.sum disagrees with, and puts it back unless a fresh copy came.
//!
//! A go.sum may be wrong, and the project next door may need the very file that it disagrees with. So
//! nothing is removed: under go's own lock the files go to `cache/gox-aside` of the same file system, go
//! fetches again, and at the end of the run what did not come anew is put back. The extracted folder
//! stays where it is; a `.partial` beside it makes go unpack anew once it has a zip that it believes, and
//! whoever is reading the folder goes on.
//!
//! A record tells what lies there. Its lock is held as long as its gox lives; one that nobody holds was
//! left by a gox that was killed, and the next one puts the files back. Until then the version is missing
//! from the cache, no more.

use super::finding::{Dispute, Fingerprint, ModuleVersion, Part};
use super::place::{Files, confine};
use crate::machine::bounded::{self, MOST_OF_OWN};
use crate::machine::file_lock::Lock;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Below GOMODCACHE; `go clean -modcache` removes it with the rest.
const FOLDER: &str = "cache/gox-aside";

/// At the end of a run no longer than this is waited for another go that works on the version. What could
/// not be put back then, the next gox puts back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Records looked at; each was left by a gox that was killed.
const MOST: usize = 1000;

/// What a record holds.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    of: ModuleVersion,
    /// Its file names begin so, in the folder of the asides.
    id: String,
    /// The zip or `.mod` file that is moved, if there is one: the same file in its place is no fresh one.
    main: Option<Fingerprint>,
    /// The extracted folder as it was when `.partial` was set beside it.
    marked: Option<Fingerprint>,
}

/// Files moved aside. Dropping it puts them back, unless fresh ones came.
#[derive(Debug)]
pub(crate) struct Aside {
    root: PathBuf,
    record: Record,
    /// Held as long as this gox lives.
    _held: Lock,
}

/// Moves aside what is disputed; `None` where it is not what was found any more.
///
/// # Errors
/// What the file system says; `TimedOut` where another process holds the version's lock too long.
pub(super) fn set_aside(root: &Path, disputed: Dispute, patience: Duration) -> io::Result<Option<Aside>> {
    let Dispute { of, part, seen, .. } = disputed;
    let files = Files::of(root, &of.module, &of.version).ok_or_else(|| refused("no module version"))?;
    for path in part.paths(&files) {
        if path.exists() {
            confine(root, path)?;
        }
    }
    let _lock = lock(root, &files, patience)?;
    if seen.iter().any(|(path, seen)| Fingerprint::of(path).ok() != *seen) {
        return Ok(None);
    }
    let marks = part == Part::Zip && files.tree.is_dir() && !files.partial.exists();
    let marked = if marks { Some(Fingerprint::of(&files.tree)?) } else { None };
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    confine(root, &folder)?;
    // Locked before it has its name: a record that is there and not locked is nobody's.
    let temporary = tempfile::Builder::new().suffix(".tmp").tempfile_in(&folder)?;
    let held = Lock::exclusive(temporary.path(), Duration::ZERO)?;
    let id = format!("{:016x}", fastrand::u64(..));
    let main = seen.first().and_then(|(_, seen)| *seen);
    let record = Record { of, id, main, marked };
    temporary.as_file().write_all(&serde_json::to_vec(&record)?)?;
    temporary.persist_noclobber(record.path(root)).map_err(|e| e.error)?;
    let aside = Aside { root: root.to_owned(), record, _held: held };
    if marks {
        File::create(&files.partial)?;
    }
    for (path, seen) in &seen {
        if seen.is_some() {
            fs::rename(path, aside.record.moved(root, path))?;
        }
    }
    Ok(Some(aside))
}

/// Puts back what a gox left aside that was killed.
pub(super) fn put_back_abandoned(root: &Path) {
    let folder = root.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else { return };
    if confine(root, &folder).is_err() {
        return;
    }
    for path in entries.flatten().map(|entry| entry.path()).take(MOST) {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        // Held: its gox lives.
        let Ok(held) = Lock::existing(&path, Duration::ZERO) else { continue };
        let same = held.file().metadata().ok().zip(fs::symlink_metadata(&path).ok());
        let is_record = same.is_some_and(|(a, b)| Fingerprint::from(&a).same_file(&Fingerprint::from(&b)));
        let record = bounded::read(&path, MOST_OF_OWN)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        if let (true, Some(record)) = (is_record, record)
            && path == record.path(root)
        {
            drop(Aside { root: root.to_owned(), record, _held: held });
        }
    }
    // Gone where it is empty.
    let _ = fs::remove_dir(&folder);
}

impl Record {
    fn path(&self, root: &Path) -> PathBuf {
        root.join(FOLDER).join(format!("{}.json", self.id))
    }

    /// Where a file of the version lies aside.
    fn moved(&self, root: &Path, file: &Path) -> PathBuf {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        root.join(FOLDER).join(format!("{}.{extension}", self.id))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be put back now stays recorded, and the next gox tries again.
        let _ = self.settle();
    }
}

impl Aside {
    /// Puts each part back of which no fresh copy came.
    fn settle(&self) -> io::Result<()> {
        let Record { of, marked, id, .. } = &self.record;
        let root = &self.root;
        let is_name = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let files = Files::of(root, &of.module, &of.version).filter(|_| is_name);
        let files = files.ok_or_else(|| refused("no record of gox's"))?;
        let _lock = lock(root, &files, PATIENCE)?;
        self.put_back(&[&files.mod_file], &files.mod_file)?;
        // The .ziphash first: a zip is believed with it, and hashed anew without.
        let back = self.put_back(&[&files.ziphash, &files.zip], &files.zip)?;
        if back
            && let Some(marked) = marked
            && Fingerprint::of(&files.tree).is_ok_and(|tree| tree == *marked)
        {
            // Nobody has unpacked anything since: the folder is what it was. A gox that was killed may
            // not have come to the mark.
            match fs::remove_file(&files.partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::remove_file(self.record.path(root))?;
        let _ = fs::remove_dir(root.join(FOLDER));
        Ok(())
    }

    /// Puts files back, or removes them where `fresh` came: go has judged that one. True where they are in
    /// the cache as they were.
    fn put_back(&self, files: &[&PathBuf], fresh: &Path) -> io::Result<bool> {
        let is_old = |now: &Fingerprint| self.record.main.is_some_and(|old| old.same_file(now));
        let came = Fingerprint::of(fresh).is_ok_and(|now| !is_old(&now));
        for file in files {
            let moved = self.record.moved(&self.root, file);
            // A gox that was killed may not have come to the move.
            if fs::symlink_metadata(&moved).is_ok() {
                if came {
                    fs::remove_file(&moved)?;
                } else {
                    fs::rename(&moved, file)?;
                }
            }
        }
        Ok(!came)
    }
}

/// The lock of a version, as go takes it.
pub(super) fn lock(root: &Path, files: &Files, patience: Duration) -> io::Result<Lock> {
    if let Some(folder) = files.lock.parent() {
        fs::create_dir_all(folder)?;
        confine(root, folder)?;
    }
    if fs::symlink_metadata(&files.lock).is_ok_and(|meta| !meta.is_file()) {
        return Err(refused("its lock is no file"));
    }
    Lock::exclusive(&files.lock, patience)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
