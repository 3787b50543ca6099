//! What a diagnosis found. A finding can only be made here, by looking at the cache: it is the proof
//! that whoever removes or moves something must bring.

use super::place::Files;
use crate::words::Text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// One finding; what [`super::Cache::repair`] takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Something disagrees with itself: it is of no use to anybody and goes.
    Damage(DamageProof),
    /// Something agrees with itself and only disagrees with this go.sum: it is moved aside for a fresh
    /// download, and put back unless one came.
    Dispute(Dispute),
}

impl Finding {
    /// The file or folder in question, the first of several.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Finding::Damage(damaged) => damaged.damage.path(),
            Finding::Dispute(disputed) => disputed.path(),
        }
    }

    /// What is wrong, in words.
    pub(crate) fn why(&self) -> &Text {
        match self {
            Finding::Damage(damaged) => &damaged.why,
            Finding::Dispute(disputed) => &disputed.why,
        }
    }

    /// What people call it: `MODULE@VERSION`, or the name of the file.
    pub(crate) fn name(&self) -> String {
        match self {
            Finding::Damage(DamageProof { of: Some(of), .. }) | Finding::Dispute(Dispute { of, .. }) => {
                of.to_string()
            }
            Finding::Damage(damaged) => {
                damaged.damage.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
        }
    }

    /// True for a folder that may have been changed by somebody's hand: such a change may be evidence.
    pub(crate) fn may_be_an_edit(&self) -> bool {
        matches!(
            self,
            Finding::Damage(DamageProof {
                damage: Damage::Tree(_, TreeFault::Edited | TreeFault::Unknown),
                ..
            })
        )
    }

    /// True for an `.info` file that names another version.
    pub(crate) fn is_info(&self) -> bool {
        matches!(self, Finding::Damage(DamageProof { damage: Damage::Info(_), .. }))
    }
}

/// A module version of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModuleVersion {
    pub(super) module: String,
    pub(super) version: String,
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.module, self.version)
    }
}

/// What is damaged, with the one file or folder that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// `V.mod`.
    Mod(PathBuf),
    /// `V.info` that names another version.
    Info(PathBuf),
    /// `V.zip`.
    Zip(PathBuf),
    /// `V.ziphash` that is no hash, or that of something else.
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

/// How an extracted folder differs from its zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TreeFault {
    /// Files are not there.
    Missing,
    /// Files are cut short or blank, as a crash leaves them.
    Torn,
    /// Files have another content. Somebody may have edited them: this may be evidence, and is
    /// nothing that a download does.
    Edited,
    /// It was unpacked from the zip that is damaged too.
    FromBadZip,
    /// It has not the hash of go.sum, and no good zip is there to say where it differs.
    Unknown,
}

impl Damage {
    /// The damaged file or folder.
    pub(super) fn path(&self) -> &Path {
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

/// Proof of damage: made by a diagnosis, used up by the eviction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DamageProof {
    pub(super) damage: Damage,
    /// The module version whose file it is, if it is one's.
    pub(super) of: Option<ModuleVersion>,
    pub(super) why: Text,
    /// The file as it was seen: eviction goes ahead only where it is still this one.
    pub(super) seen: Fingerprint,
    /// The hashes go.sum gives, to judge a folder again under the lock.
    pub(super) want: Vec<String>,
    /// Nothing proves the extracted folder beside it: go must unpack anew once it has a zip.
    pub(super) tree_unproven: bool,
}

impl DamageProof {
    /// Damage of something that is no module version's; `None` where it is gone meanwhile.
    pub(super) fn found(damage: Damage, why: impl Into<Text>) -> Option<Finding> {
        let seen = Fingerprint::of(damage.path()).ok()?;
        let damaged =
            DamageProof { damage, of: None, why: why.into(), seen, want: Vec::new(), tree_unproven: false };
        Some(Finding::Damage(damaged))
    }
}

/// The part of a module version that a go.sum disagrees with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `V.zip` and `V.ziphash`.
    Zip,
    /// `V.mod`.
    GoMod,
}

impl Part {
    /// The files that it consists of.
    pub(super) fn paths(self, files: &Files) -> Vec<&Path> {
        match self {
            Part::Zip => vec![&files.zip, &files.ziphash],
            Part::GoMod => vec![&files.mod_file],
        }
    }
}

/// Proof that files are not what this go.sum says, though nothing is wrong with them as such.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dispute {
    pub(super) of: ModuleVersion,
    pub(super) part: Part,
    pub(super) why: Text,
    /// The files as they were seen, and what was not there.
    pub(super) seen: Vec<(PathBuf, Option<Fingerprint>)>,
}

impl Dispute {
    /// The first of its files that is there.
    fn path(&self) -> &Path {
        let there = self.seen.iter().find(|(_, seen)| seen.is_some()).or(self.seen.first());
        there.map_or(Path::new(""), |(path, _)| path)
    }
}

/// Enough of a file's metadata to know that neither it nor its content was changed or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    file: (u64, u64),
    size: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
    created: Option<SystemTime>,
}

impl Fingerprint {
    /// True for the same file or folder, whatever was done in it since.
    pub(super) fn same_file(&self, other: &Fingerprint) -> bool {
        self.file == other.file && self.created == other.created
    }

    /// Of a path itself; a link is not followed.
    pub(super) fn of(path: &Path) -> io::Result<Fingerprint> {
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
