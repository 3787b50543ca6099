//! What was downloaded: a quick look at many module versions.

use super::Cache;
use crate::formats::escape;
use rustix::fs::{Access, AtFlags, Mode, OFlags, accessat, open};
use std::os::fd::OwnedFd;

/// The folder of downloaded files, opened. A warm `go mod download` takes a few milliseconds, and gox may
/// cost it next to nothing: so names are looked up from here on, without the way down to the cache.
pub(crate) struct Downloads {
    folder: OwnedFd,
    /// The name in hand.
    name: String,
}

impl Downloads {
    /// `None` where nothing was ever downloaded, or cannot be looked at.
    pub(crate) fn open(cache: &Cache) -> Option<Downloads> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(cache.root.join("cache/download"), flags, Mode::empty()).ok()?;
        Some(Downloads { folder, name: String::new() })
    }

    /// Whether go would ask nobody for this module version's `.info`, `.mod` and zip. True of one that
    /// could not stand in a cache: go asks nobody for that either.
    pub(crate) fn has_all(&mut self, module: &str, version: &str) -> bool {
        let (Some(path), Some(version)) = (escape::path(module), escape::version(version)) else {
            return true;
        };
        self.name.clear();
        for part in [&path, "/@v/", &version, "."] {
            self.name.push_str(part);
        }
        let stem = self.name.len();
        ["ziphash", "zip", "info", "mod"].into_iter().all(|suffix| {
            self.name.truncate(stem);
            self.name.push_str(suffix);
            accessat(&self.folder, &*self.name, Access::EXISTS, AtFlags::empty()).is_ok()
        })
    }
}
