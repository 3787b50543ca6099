//! The module cache: finds what is damaged in it and removes exactly that, and places in it what go.sum
//! proves.
//!
//! What go has cached it does not fetch again: a damaged file makes it fail for ever, with any proxy.
//! This module compares files with each other and with go.sum, looks at their structure, names only
//! what can make go fail (much heals by itself), and repairs under go's own locks: what disagrees with
//! itself goes, what only disagrees with a go.sum is moved aside and put back unless a fresh copy came.
//! Words of go's, git's or a server's say where to look; a finding is made of what was seen here.
//!
//! Where what lies: `finding` has the findings, which nobody else can make; [`hash`] computes the real
//! hashes of what is cached; `version`, `vcs` and `sumdb` diagnose a module version, a clone, a checksum
//! database's copies; `evict` removes, `aside` moves aside and puts back; `growth` tells whether an
//! attempt got anywhere. `take_out` removes what a person
//! names. `downloads` looks whether anything is missing, `placing` writes a module version as go does.

pub(crate) mod growth;
pub(crate) mod hash;

mod aside;
mod downloads;
mod evict;
mod finding;
mod index;
mod place;
mod placing;
mod sumdb;
mod take_out;
#[cfg(test)]
#[path = "../../tests/inside/module_cache/mod.rs"]
mod tests;
mod vcs;
mod version;

use crate::formats::go_sum::GoSum;
pub(crate) use aside::Aside;
pub(crate) use downloads::Downloads;
use finding::Damage;
pub(crate) use finding::Finding;
use growth::Growth;
pub(crate) use growth::Mark;
use index::BuildCache;
pub(crate) use place::Owner;
pub(crate) use placing::{Obstacle, Order, Packed, Placing};
pub(crate) use take_out::Freed;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// How long a lock that somebody else holds is waited for. The holder may be a live go that
/// downloads; half a minute is `stall`'s default, after which the run would look elsewhere anyway.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// A module cache on disk.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
    sumdb_state: Option<PathBuf>,
    build_cache: Option<BuildCache>,
    lock_patience: Duration,
}

/// What became of a finding.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The damage is gone.
    Removed,
    /// It has another name now, and stays.
    Renamed,
    /// It is aside as long as this lives.
    SetAside(Box<Aside>),
    /// It was not there any more, or not the same: somebody else was faster. Nothing was done.
    Nothing,
}

impl Cache {
    /// The module cache at `root` (GOMODCACHE); `sumdb_state` is `GOPATH/pkg/sumdb`, where go
    /// keeps the checksum databases' `latest` notes (`None`: they are left alone).
    pub(crate) fn new(root: impl Into<PathBuf>, sumdb_state: Option<PathBuf>) -> Cache {
        Cache { root: root.into(), sumdb_state, build_cache: None, lock_patience: LOCK_PATIENCE }
    }

    /// The same, where it is known in which build cache (GOCACHE) the go of this release (GOVERSION)
    /// keeps its index of extracted modules.
    pub(crate) fn indexed_in(mut self, build_cache: PathBuf, release: &str) -> Cache {
        self.build_cache = Some(BuildCache { dir: build_cache, release: release.to_owned() });
        self
    }

    /// The same with another patience for locks that somebody else holds (default 30 s).
    #[cfg(test)]
    pub(crate) fn with_lock_patience(mut self, patience: Duration) -> Cache {
        self.lock_patience = patience;
        self
    }

    /// GOMODCACHE.
    #[cfg(test)]
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What in this cache a path of an error message belongs to. A relative one (compilers print
    /// `../mod/M@V/x.go`) is taken from `cwd`, go's working folder.
    pub(crate) fn locate(&self, path: &Path, cwd: &Path) -> Option<Owner> {
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

    /// What is wrong with one module version, folder first, in the order to repair. Empty where
    /// nothing is, and where the names are none that go would cache.
    ///
    /// Reads the zip and the folder through: use it for a version that a failure names.
    pub(crate) fn diagnose(&self, go_sum: &GoSum, module: &str, version: &str) -> Vec<Finding> {
        version::diagnose(&self.root, go_sum, module, version, version::Depth::Full)
    }

    /// The same for many versions and failures that name none (`zip: not a valid zip file`):
    /// `.mod`, `.info` and `.ziphash` of each are judged, zips read through only where go itself
    /// would have read them, folders not at all. Stops after `budget`.
    pub(crate) fn scan(
        &self,
        go_sum: &GoSum,
        modules: &[(String, String)],
        budget: Duration,
    ) -> Vec<Finding> {
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
    /// `latest` note.
    pub(crate) fn diagnose_sumdb(&self, name: &str) -> Vec<Finding> {
        sumdb::diagnose(&self.root, self.sumdb_state.as_deref(), name)
    }

    /// Damage of the clone `dir` (`GOMODCACHE/cache/vcs/HASH`). What go and git said tells how thoroughly
    /// to look, no more.
    pub(crate) fn diagnose_vcs(&self, dir: &Path, evidence: &str) -> Vec<Finding> {
        vcs::diagnose(&self.root, dir, evidence)
    }

    /// The clones that may hold `module`, for failures that name none (git does not say that an
    /// object is damaged where go prints `unknown revision`).
    pub(crate) fn clones_of(&self, module: &str) -> Vec<PathBuf> {
        vcs::clones_of(&self.root, module)
    }

    /// Does away with what was found, and nothing else, under go's own lock, after making sure that it
    /// is still what was found.
    ///
    /// # Errors
    /// What the file system says; `TimedOut` where another process holds the lock too long;
    /// `PermissionDenied` for anything that is not inside the cache.
    pub(crate) fn repair(&self, finding: Finding) -> io::Result<Effect> {
        let path = finding.path().to_path_buf();
        let done = match finding {
            Finding::Damage(damaged) => {
                evict::evict(&self.root, self.sumdb_state.as_deref(), &damaged, self.lock_patience).inspect(
                    |done| {
                        if let (Damage::Tree(tree, _), Effect::Removed) = (&damaged.damage, done)
                            && let Some(build_cache) = &self.build_cache
                        {
                            // Where it fails go says again what it said.
                            let _ = build_cache.forget(tree);
                        }
                    },
                )
            }
            Finding::Dispute(disputed) => aside::set_aside(&self.root, disputed, self.lock_patience)
                .map(|aside| aside.map_or(Effect::Nothing, |aside| Effect::SetAside(Box::new(aside)))),
        };
        match done {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Effect::Nothing),
            Err(e) => Err(io::Error::new(e.kind(), format!("cannot repair {}: {e}", path.display()))),
            done => done,
        }
    }

    /// Every version of `module` of which there is anything; `None` where no module has such a path.
    pub(crate) fn versions_of(&self, module: &str) -> Option<Vec<String>> {
        take_out::versions(&self.root, module)
    }

    /// True for names that could stand in a module cache.
    pub(crate) fn could_hold(&self, module: &str, version: &str) -> bool {
        place::Files::of(&self.root, module, version).is_some()
    }

    /// Takes one version out, damaged or not, because a person named it; `None` where nothing of it is there.
    ///
    /// # Errors
    /// What the file system says; `TimedOut` where another process holds the version's lock too long.
    pub(crate) fn take_out(&self, module: &str, version: &str) -> io::Result<Option<Freed>> {
        let freed = take_out::take_out(&self.root, module, version, self.lock_patience)?;
        if let (Some(Freed { folder: true, .. }), Some(build_cache), Some(files)) =
            (&freed, &self.build_cache, place::Files::of(&self.root, module, version))
        {
            // Where it fails go reads the index of a folder that will be the same again.
            let _ = build_cache.forget(&files.tree);
        }
        Ok(freed)
    }

    /// Puts back what a gox that was killed left aside. Costs next to nothing where there is nothing.
    pub(crate) fn put_back_abandoned(&self) {
        aside::put_back_abandoned(&self.root);
    }

    /// A moment to compare with later; costs nothing.
    pub(crate) fn mark(&self) -> Mark {
        Mark::now()
    }

    /// What happened in the cache since `mark`. Reads its folders (not the files of those
    /// that did not change), so it belongs after an attempt that failed.
    pub(crate) fn growth_since(&self, mark: &Mark) -> Growth {
        growth::since(&self.root, mark)
    }

    /// True where something was completed since `mark`: the progress that renews attempts.
    pub(crate) fn grew_since(&self, mark: &Mark) -> bool {
        self.growth_since(mark) == Growth::Finished
    }

    /// True where go would take a version's files from here: its folder or its zip, with the `.ziphash`.
    pub(crate) fn has_source(&self, module: &str, version: &str) -> bool {
        let Some(files) = place::Files::of(&self.root, module, version) else { return true };
        files.ziphash.is_file() && (files.zip.is_file() || files.tree.is_dir() && !files.partial.exists())
    }

    /// The folder of a version's files, where it is whole.
    pub(crate) fn source(&self, module: &str, version: &str) -> Option<PathBuf> {
        let files = place::Files::of(&self.root, module, version)?;
        (files.tree.is_dir() && !files.partial.exists()).then_some(files.tree)
    }

    /// True where go would need no network for these module versions: each has its `.mod` file,
    /// and its extracted folder or zip with the `.ziphash`. Of a version of which go.sum has the
    /// `/go.mod` hash alone, only the `.mod` file is needed. Looks at presence, not at content.
    pub(crate) fn complete_for(&self, go_sum: &GoSum, modules: &[(String, String)]) -> bool {
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
