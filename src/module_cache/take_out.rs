//! Takes a module version out of the cache because somebody asks for it by name, damaged or not: zip,
//! `.ziphash`, `.mod`, `.info` and the extracted folder, under go's lock, which stays.
//!
//! No diagnosis says that something is wrong here; a person does. So this is no remedy: no run calls it.

use super::aside::lock;
use super::evict::{aside, remove_tree};
use super::place::{Files, confine};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What taking a version out gave free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freed {
    /// Files of the version that are gone, those of its folder among them.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// There was an extracted folder, and it is gone.
    pub(crate) folder: bool,
}

/// Every version of `module` of which the cache at `root` has anything but a lock, in the order of their
/// names; `None` where no module has such a path.
pub(super) fn versions(root: &Path, module: &str) -> Option<Vec<String>> {
    // The folders of a version that is none are where those of each are.
    let any = Files::of(root, module, "v0.0.0")?;
    let mut found = Vec::new();
    let names = |folder: Option<&Path>| {
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok())
    };
    for name in names(any.zip.parent()) {
        let kinds = [".zip", ".ziphash", ".mod", ".info", ".partial"];
        found.extend(kinds.iter().find_map(|kind| name.strip_suffix(kind)).map(str::to_owned));
    }
    let last = any.tree.file_name()?.to_str()?.strip_suffix("v0.0.0")?.to_owned();
    found.extend(names(any.tree.parent()).filter_map(|name| name.strip_prefix(&last).map(str::to_owned)));
    let unescape = |version: String| crate::formats::escape::unescape_version(&version);
    // What go could not have put there (a folder on its way out is `M@V.tmp-…`) is no version.
    let mut found: Vec<String> = found
        .into_iter()
        .filter_map(unescape)
        .filter(|version| !version.contains(".tmp-") && Files::of(root, module, version).is_some())
        .collect();
    found.sort();
    found.dedup();
    Some(found)
}

/// Takes one version out; `None` where the cache has nothing of it.
///
/// # Errors
/// What the file system says; `TimedOut` where another process holds the version's lock too long.
pub(super) fn take_out(
    root: &Path,
    module: &str,
    version: &str,
    patience: Duration,
) -> io::Result<Option<Freed>> {
    let Some(files) = Files::of(root, module, version) else { return Ok(None) };
    let singles = [&files.zip, &files.ziphash, &files.mod_file, &files.info];
    let there = |path: &Path| fs::symlink_metadata(path).is_ok();
    if !singles.iter().any(|file| there(file)) && !there(&files.tree) && !there(&files.partial) {
        return Ok(None);
    }
    let _lock = lock(root, &files, patience)?;
    let mut freed = Freed::default();
    let mut moved = None;
    if there(&files.tree) {
        confine(root, &files.tree)?;
        // As in an eviction: a go that meets this halfway unpacks anew.
        File::create(&files.partial)?;
        let away = aside(&files.tree, ".tmp-gox");
        fs::rename(&files.tree, &away)?;
        moved = Some(away);
        freed.folder = true;
    }
    for file in singles {
        let Ok(meta) = fs::symlink_metadata(file) else { continue };
        confine(root, file)?;
        fs::remove_file(file)?;
        freed.files += 1;
        freed.bytes += meta.len();
    }
    if there(&files.partial) {
        fs::remove_file(&files.partial)?;
    }
    if let Some(away) = moved {
        let (files, bytes) = weigh(&away);
        remove_tree(&away)?;
        freed.files += files;
        freed.bytes += bytes;
    }
    Ok(Some(freed))
}

/// Files below a folder, and their bytes; links are counted, never followed.
fn weigh(top: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut waiting = vec![top.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match item.metadata() {
                Ok(meta) if meta.is_dir() => waiting.push(item.path()),
                Ok(meta) => {
                    files += 1;
                    bytes += meta.len();
                }
                Err(_) => {}
            }
        }
    }
    (files, bytes)
}
