//! Whether files that only grow while something arrives have grown.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folders whose growth counts as movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchedFolders {
    /// GOMODCACHE: its zip temporaries and repository clones are looked at.
    pub(crate) modcache: PathBuf,
    /// GOCACHE.
    pub(crate) gocache: PathBuf,
}

/// Entries looked at before a walk stops. A cache of 10 000 modules has about 100 000; what lies
/// beyond is missed, and processes that move are noticed by other signs anyway.
const MOST_ENTRIES: usize = 200_000;

/// A number that changes when something below the folders has grown, appeared or gone.
pub(super) fn fingerprint(growth: &WatchedFolders) -> u64 {
    let mut walk = Walk { hasher: DefaultHasher::new(), left: MOST_ENTRIES };
    let cache = growth.modcache.join("cache");
    walk.tree(&cache.join("vcs"), &|_| true);
    // go streams a zip into `VERSION.zipNNN.tmp`; everything else there appears complete.
    walk.tree(&cache.join("download"), &|name| name.ends_with(".tmp"));
    // A build step's result appears in one of the cache's 256 folders and touches it.
    walk.folder_times(&growth.gocache);
    walk.hasher.finish()
}

struct Walk {
    hasher: DefaultHasher,
    left: usize,
}

impl Walk {
    fn tree(&mut self, folder: &Path, wanted: &dyn Fn(&str) -> bool) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.tree(&entry.path(), wanted);
            } else if wanted(&entry.file_name().to_string_lossy()) {
                entry.path().hash(&mut self.hasher);
                self.note(entry.metadata());
            }
        }
    }

    fn folder_times(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten().take(MOST_ENTRIES) {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                entry.file_name().hash(&mut self.hasher);
                self.note(entry.metadata());
            }
        }
    }

    fn note(&mut self, metadata: std::io::Result<Metadata>) {
        let Ok(metadata) = metadata else { return };
        metadata.len().hash(&mut self.hasher);
        metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).hash(&mut self.hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zip_temporaries_clones_and_build_results_count_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let growth = WatchedFolders { modcache: dir.path().join("mod"), gocache: dir.path().join("build") };
        let empty = fingerprint(&growth);
        let version = growth.modcache.join("cache/download/example.test/m/@v");
        let clone = growth.modcache.join("cache/vcs/0123/objects/pack");
        let shard = growth.gocache.join("3f");
        for folder in [&version, &clone, &shard] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(version.join("v1.0.0.lock"), "").unwrap();
        let start = fingerprint(&growth);
        assert_ne!(start, empty, "the build cache appeared");
        fs::write(version.join("v1.0.0.mod"), "module m").unwrap();
        assert_eq!(fingerprint(&growth), start, "a finished file is no sign of a transfer");
        let mut last = start;
        for text in ["a", "ab"] {
            for file in [version.join("v1.0.0.zip123.tmp"), clone.join("tmp_pack_x")] {
                fs::write(file, text).unwrap();
                let now = fingerprint(&growth);
                assert_ne!(now, last);
                last = now;
            }
        }
        let file = fs::File::open(&shard).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_ne!(fingerprint(&growth), last);
    }
}
