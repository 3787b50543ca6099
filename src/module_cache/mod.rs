//! Finds what is damaged in the module cache and removes exactly that.
//!
//! What go has cached it does not fetch again: a damaged file makes it fail for ever, with any proxy.
//! This module compares files with go.sum where it has their hash and looks at their
//! structure where it has not, names only damage that can make go fail (much heals by itself),
//! and evicts under go's own locks. It reads nothing but the cache, and writes nothing else.
//!
//! Where what lies: [`hash`] computes the real hashes of what is cached; `version`, `vcs` and `sumdb` diagnose a module version, a clone, a checksum
//! database's copies; `evict` removes; [`growth`] tells whether an attempt got anywhere.

pub mod growth;
pub mod hash;

mod evict;
mod place;
mod sumdb;
#[cfg(all(test, unix))]
mod tests;
mod vcs;
mod version;

pub use crate::formats::go_sum::GoSum;
pub use evict::Evicted;
pub use growth::{Growth, Mark};
pub use place::Place;
pub use version::TreeFault;

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long a lock that somebody else holds is waited for. The holder may be a live go that
/// downloads; half a minute is `stall`'s default, after which the run would look elsewhere anyway.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// A module cache on disk.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    sumdb_state: Option<PathBuf>,
    lock_patience: Duration,
}

/// What is damaged, with the one file or folder that eviction removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// `V.mod`.
    Mod(PathBuf),
    /// `V.info` that names another version.
    Info(PathBuf),
    /// `V.zip`.
    Zip(PathBuf),
    /// `V.ziphash`, well-formed and wrong.
    Ziphash(PathBuf),
    /// The extracted folder.
    Tree(PathBuf, TreeFault),
    /// A clone below `cache/vcs`.
    Clone(PathBuf),
    /// The `.info` file beside a clone.
    CloneInfo(PathBuf),
    /// A lock file inside a clone, left by a git that was killed.
    CloneLock(PathBuf),
    /// A cached tile of a checksum database.
    SumdbTile(PathBuf),
    /// A cached look-up of a checksum database.
    SumdbLookup(PathBuf),
    /// `latest` of a checksum database that is no well-formed note. It is renamed, not deleted.
    SumdbLatest(PathBuf),
}

impl Damage {
    /// The damaged file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Damage::Mod(p)
            | Damage::Info(p)
            | Damage::Zip(p)
            | Damage::Ziphash(p)
            | Damage::Tree(p, _)
            | Damage::Clone(p)
            | Damage::CloneInfo(p)
            | Damage::CloneLock(p)
            | Damage::SumdbTile(p)
            | Damage::SumdbLookup(p)
            | Damage::SumdbLatest(p) => p,
        }
    }
}

/// One finding of a diagnosis; what [`Cache::evict`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// What and where.
    pub damage: Damage,
    /// Module path, for the files of a module version.
    pub module: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Why it counts as damaged, in a few words.
    pub why: String,
    /// The file as it was seen: eviction goes ahead only where it is still this one.
    seen: Fingerprint,
    /// The hashes go.sum gives, to judge a folder again under the lock.
    want: Vec<String>,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.damage.path().display(), self.why)
    }
}

impl Cache {
    /// The module cache at `root` (GOMODCACHE); `sumdb_state` is `GOPATH/pkg/sumdb`, where go
    /// keeps the checksum databases' `latest` notes (`None`: they are left alone).
    pub fn new(root: impl Into<PathBuf>, sumdb_state: Option<PathBuf>) -> Cache {
        Cache { root: root.into(), sumdb_state, lock_patience: LOCK_PATIENCE }
    }

    /// The same with another patience for locks that somebody else holds (default 30 s).
    pub fn with_lock_patience(mut self, patience: Duration) -> Cache {
        self.lock_patience = patience;
        self
    }

    /// GOMODCACHE.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What in this cache a path of an error message belongs to. A relative one (compilers print
    /// `../mod/M@V/x.go`) is taken from `cwd`, go's working folder.
    pub fn locate(&self, path: &Path, cwd: &Path) -> Option<Place> {
        let mut full = PathBuf::new();
        for part in cwd.join(path).components() {
            match part {
                Component::ParentDir => {
                    full.pop();
                }
                Component::CurDir => {}
                part => full.push(part),
            }
        }
        place::locate(&self.root, &full)
    }

    /// What is damaged of one module version, folder first, in the order to evict. Empty where
    /// nothing is, and where the names are none that go would cache.
    ///
    /// Reads the zip and the folder through: use it for a version that a failure names.
    pub fn diagnose(&self, go_sum: &GoSum, module: &str, version: &str) -> Vec<Damaged> {
        version::diagnose(&self.root, go_sum, module, version, version::Depth::Full)
    }

    /// The same for many versions and failures that name none (`zip: not a valid zip file`):
    /// `.mod`, `.info` and `.ziphash` of each are judged, zips read through only where go itself
    /// would have read them, folders not at all. Stops after `budget`.
    pub fn scan(&self, go_sum: &GoSum, modules: &[(String, String)], budget: Duration) -> Vec<Damaged> {
        let start = std::time::Instant::now();
        let mut found = Vec::new();
        for (module, version) in modules {
            if start.elapsed() > budget {
                break;
            }
            found.extend(version::diagnose(&self.root, go_sum, module, version, version::Depth::Quick));
        }
        found
    }

    /// Damage in the cached copies of the checksum database `name` (`sum.golang.org`) and in its
    /// `latest` note, given what go said of it.
    pub fn diagnose_sumdb(&self, name: &str, evidence: &str) -> Vec<Damaged> {
        sumdb::diagnose(&self.root, self.sumdb_state.as_deref(), name, evidence)
    }

    /// Damage of the clone `dir` (`GOMODCACHE/cache/vcs/HASH`), given what go and git said.
    pub fn diagnose_vcs(&self, dir: &Path, evidence: &str) -> Vec<Damaged> {
        vcs::diagnose(&self.root, dir, evidence)
    }

    /// The clones that may hold `module`, for failures that name none (git does not say that an
    /// object is damaged where go prints `unknown revision`).
    pub fn clones_of(&self, module: &str) -> Vec<PathBuf> {
        vcs::clones_of(&self.root, module)
    }

    /// Removes what was found, and nothing else, under go's own lock, after making sure that it is
    /// still what was found.
    ///
    /// # Errors
    /// What the file system says; `TimedOut` where another process holds the lock too long;
    /// `PermissionDenied` for anything that is not inside the cache.
    pub fn evict(&self, damaged: &Damaged) -> io::Result<Evicted> {
        evict::evict(&self.root, self.sumdb_state.as_deref(), damaged, self.lock_patience)
    }

    /// A moment to compare with later; costs nothing.
    pub fn mark(&self) -> Mark {
        Mark::now()
    }

    /// What happened in the cache since `mark`. Reads its folders (not the files of those
    /// that did not change), so it belongs after an attempt that failed.
    pub fn growth_since(&self, mark: &Mark) -> Growth {
        growth::since(&self.root, mark)
    }

    /// True where something was completed since `mark`: the progress that renews attempts.
    pub fn grew_since(&self, mark: &Mark) -> bool {
        self.growth_since(mark) == Growth::Finished
    }

    /// True where go would need no network for these module versions: each has its `.mod` file,
    /// and its extracted folder or zip with the `.ziphash`. Of a version of which go.sum has the
    /// `/go.mod` hash alone, only the `.mod` file is needed. Looks at presence, not at content.
    pub fn complete_for(&self, go_sum: &GoSum, modules: &[(String, String)]) -> bool {
        modules.iter().all(|(module, version)| {
            let Some(files) = place::Files::of(&self.root, module, version) else { return false };
            let go_mod_only = go_sum.lookup(module, version, false).is_empty()
                && !go_sum.lookup(module, version, true).is_empty();
            files.mod_file.is_file()
                && (go_mod_only
                    || files.ziphash.is_file()
                        && (files.zip.is_file() || files.tree.is_dir() && !files.partial.exists()))
        })
    }
}

/// Enough of a file's metadata to know that neither it nor its content was changed or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    file: (u64, u64),
    size: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
    created: Option<SystemTime>,
}

impl Fingerprint {
    /// True for the same file or folder, whatever was done in it since.
    fn same_file(&self, other: &Fingerprint) -> bool {
        self.file == other.file && self.created == other.created
    }

    /// Of a path itself; a link is not followed.
    fn of(path: &Path) -> io::Result<Fingerprint> {
        fs::symlink_metadata(path).map(|meta| Fingerprint::from(&meta))
    }
}

impl From<&Metadata> for Fingerprint {
    fn from(meta: &Metadata) -> Fingerprint {
        #[cfg(unix)]
        let (file, changed) = {
            use std::os::unix::fs::MetadataExt as _;
            ((meta.dev(), meta.ino()), (meta.ctime(), meta.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (file, changed) = ((0, 0), (0, 0));
        Fingerprint {
            file,
            size: meta.len(),
            modified: meta.modified().ok(),
            changed,
            created: meta.created().ok(),
        }
    }
}
