//! Tells whether something arrived in the module cache since a given moment.
//!
//! Only finished files count as progress: a `.mod`, `.info`, `.zip` or `.ziphash` under its final
//! name, an unpacked folder, a git pack or object. Temporaries that grow are movement, no more.
//!
//! A mark is a time and costs nothing, since one is taken before every first attempt. The price is
//! paid after a failure: the folders below `cache/download` are listed, and the files of those whose
//! own time changed. What was finished in the very clock tick of the mark (at most 10 ms) is missed;
//! nothing from before it is ever counted. On a network file system whose clock is behind, as much
//! more is missed as it is behind.

use super::place::{self, is_clone_name};
use std::fs::{self, DirEntry, Metadata};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most folders looked at; the largest caches have some ten thousand.
const MAX_FOLDERS: usize = 200_000;

/// A moment, see [`super::Cache::mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Seconds and nanoseconds since 1970.
    at: (i64, i64),
}

/// What happened since a [`Mark`]; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Growth {
    /// Nothing.
    None,
    /// Temporary files were written.
    Movement,
    /// Something was completed.
    Finished,
}

impl Mark {
    pub(super) fn now() -> Mark {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Mark { at: (seconds, i64::from(now.subsec_nanos())) }
    }
}

pub(super) fn since(root: &Path, mark: &Mark) -> Growth {
    match downloads(root, mark) {
        Growth::Finished => Growth::Finished,
        growth => growth.max(clones(&root.join("cache/vcs"), mark)),
    }
}

/// What changed below `cache/download`, the checksum database's copies left aside.
fn downloads(root: &Path, mark: &Mark) -> Growth {
    let top = root.join("cache/download");
    let sumdb = top.join("sumdb");
    let mut growth = Growth::None;
    let mut waiting = vec![top];
    let mut folders = 0;
    while let Some(folder) = waiting.pop() {
        folders += 1;
        if folders > MAX_FOLDERS || folder == sumdb {
            continue;
        }
        let versions = folder.file_name().is_some_and(|name| name == "@v");
        // Growing needs no new name, but a `@v` in which go works gets one soon: its lock, the
        // temporary, the `.partial`. Other folders are only passed through.
        if versions && !folder.metadata().is_ok_and(|meta| newer(&meta, mark)) {
            continue;
        }
        for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if versions {
                growth = growth.max(of_version_file(root, &item, mark));
                if growth == Growth::Finished {
                    return growth;
                }
            } else if item.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(item.path());
            }
        }
    }
    growth
}

fn of_version_file(root: &Path, item: &DirEntry, mark: &Mark) -> Growth {
    let (path, name) = (item.path(), item.file_name());
    let name = name.to_string_lossy();
    let is_new = item.metadata().is_ok_and(|meta| newer(&meta, mark));
    if name.ends_with(".tmp") || name.ends_with(".partial") {
        return if is_new { Growth::Movement } else { Growth::None };
    }
    match path.extension().and_then(|e| e.to_str()) {
        Some("mod" | "info" | "zip" | "ziphash") if is_new => Growth::Finished,
        // Unpacked anew from a zip of before: the folder's own time says so.
        Some("zip") => {
            let Some(place::Owner::Module { module, version }) = place::locate(root, &path) else {
                return Growth::None;
            };
            let unpacked = place::Files::of(root, &module, &version).is_some_and(|files| {
                files.tree.metadata().is_ok_and(|meta| newer(&meta, mark)) && !files.partial.exists()
            });
            if unpacked { Growth::Finished } else { Growth::None }
        }
        _ => Growth::None,
    }
}

/// What changed in the clones: new packs, objects and references are complete, `tmp_*` are not.
fn clones(vcs: &Path, mark: &Mark) -> Growth {
    let mut growth = Growth::None;
    for clone in fs::read_dir(vcs).into_iter().flatten().flatten() {
        if !clone.file_name().to_str().is_some_and(is_clone_name) {
            continue;
        }
        let mut waiting = vec![clone.path().join("objects")];
        while let Some(folder) = waiting.pop() {
            let folder_is_new = folder.metadata().is_ok_and(|meta| newer(&meta, mark));
            for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = item.file_type() else { continue };
                if kind.is_dir() {
                    waiting.push(item.path());
                    continue;
                }
                let temporary = item.file_name().to_string_lossy().starts_with("tmp_");
                // A final name appears in a folder whose time then changes; a temporary grows.
                if (temporary || folder_is_new) && item.metadata().is_ok_and(|meta| newer(&meta, mark)) {
                    if !temporary {
                        return Growth::Finished;
                    }
                    growth = Growth::Movement;
                }
            }
        }
    }
    growth
}

/// True where the file was changed, or got its name, after the mark.
pub(super) fn newer(meta: &Metadata, mark: &Mark) -> bool {
    changed(meta) > mark.at
}

#[cfg(unix)]
fn changed(meta: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(meta: &Metadata) -> (i64, i64) {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    (i64::try_from(modified.as_secs()).unwrap_or(0), i64::from(modified.subsec_nanos()))
}
