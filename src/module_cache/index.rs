//! go's index of an extracted module, in the build cache.
//!
//! go reads the packages of a module of the cache once and keeps what it found, for ever: whoever removes
//! a damaged folder must remove what was read of it too, or its good successor is not looked at.

use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The format of the index, as go 1.21 to 1.27 name it (`indexVersion` of cmd/go/internal/modindex). A
/// release with another has its entry under another name, which is then left alone.
const FORMAT: &str = "go index v2";

/// Where go keeps indexes.
#[derive(Clone, Debug)]
pub(super) struct BuildCache {
    /// GOCACHE.
    pub(super) dir: PathBuf,
    /// GOVERSION: each release has entries of its own.
    pub(super) release: String,
}

impl BuildCache {
    /// Removes the index of the module extracted at `tree`, if there is one.
    pub(super) fn forget(&self, tree: &Path) -> io::Result<()> {
        match fs::remove_file(self.entry(tree)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The entry that leads to the index. Its name is a hash, salted with the release without experiments.
    fn entry(&self, tree: &Path) -> PathBuf {
        let release = self.release.as_str();
        let salt =
            release.split_once(" X:").or_else(|| release.split_once("-X:")).map_or(release, |(s, _)| s);
        let mut sum = Sha256::new();
        sum.update(salt);
        sum.update(format!("module index {release} {FORMAT} "));
        sum.update(tree.as_os_str().as_encoded_bytes());
        sum.update("\n");
        let name: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(&name[..2]).join(format!("{name}-a"))
    }
}
