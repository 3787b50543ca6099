//! Removes one damaged thing from the cache, under the lock that go takes for it.

use super::aside::lock;
use super::finding::{Damage, DamageProof, Fingerprint, ModuleVersion};
use super::place::{Files, confine};
use super::{Effect, sumdb, vcs, version};
use crate::machine::file_lock::Lock;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Removes what the proof names, if it still is what was proven.
pub(super) fn evict(
    root: &Path,
    sumdb_state: Option<&Path>,
    damaged: &DamageProof,
    patience: Duration,
) -> io::Result<Effect> {
    match &damaged.damage {
        Damage::Mod(_) | Damage::Info(_) | Damage::Zip(_) | Damage::Ziphash(_) | Damage::Tree(..) => {
            of_version(root, damaged, patience)
        }
        Damage::Clone(_) | Damage::CloneInfo(_) | Damage::CloneLock(_) => of_clone(root, damaged, patience),
        Damage::SumdbTile(_) | Damage::SumdbLookup(_) => of_sumdb(root, damaged, patience),
        Damage::SumdbLatest(_) => latest_note(sumdb_state, damaged, patience),
    }
}

/// A file of `@v`, or the extracted folder, under `V.lock`.
fn of_version(root: &Path, damaged: &DamageProof, patience: Duration) -> io::Result<Effect> {
    let path = damaged.damage.path();
    let of = damaged.of.as_ref().ok_or_else(|| refused("no module version"))?;
    let files = Files::of(root, &of.module, &of.version).ok_or_else(|| refused("no module version"))?;
    let expected = match &damaged.damage {
        Damage::Mod(_) => &files.mod_file,
        Damage::Info(_) => &files.info,
        Damage::Zip(_) => &files.zip,
        Damage::Ziphash(_) => &files.ziphash,
        _ => &files.tree,
    };
    if path != expected {
        return Err(refused("not where the module cache keeps it"));
    }
    confine(root, path)?;
    let _lock = lock(root, &files, patience)?;
    if let Damage::Tree(..) = damaged.damage {
        return tree(root, &files, of, damaged);
    }
    if Fingerprint::of(path)? != damaged.seen {
        return Ok(Effect::Nothing);
    }
    if let Damage::Ziphash(_) = damaged.damage
        && damaged.tree_unproven
    {
        // Without a .ziphash go fetches and hashes the zip, and then takes a folder that is there for
        // that zip's: it must unpack anew.
        File::create(&files.partial)?;
    }
    fs::remove_file(path)?;
    Ok(Effect::Removed)
}

/// The extracted folder. `.partial` tells every go that the folder is not to be used; the rename
/// takes it away at once, under a name that go sweeps should the rest not happen.
fn tree(root: &Path, files: &Files, of: &ModuleVersion, damaged: &DamageProof) -> io::Result<Effect> {
    if !Fingerprint::of(&files.tree)?.same_file(&damaged.seen)
        || !version::tree_still_bad(root, of, &damaged.want)
    {
        return Ok(Effect::Nothing);
    }
    File::create(&files.partial)?;
    let aside = aside(&files.tree, ".tmp-gox");
    let moved = fs::rename(&files.tree, &aside);
    if moved.is_ok() {
        // What cannot be removed now is swept by go when it next unpacks this version.
        let _ = remove_tree(&aside);
    }
    fs::remove_file(&files.partial)?;
    moved.map(|()| Effect::Removed)
}

/// A clone, its `.info` or a stale lock inside, under the clone's `.lock`.
fn of_clone(root: &Path, damaged: &DamageProof, patience: Duration) -> io::Result<Effect> {
    let path = damaged.damage.path();
    let clone = vcs::clone_of(root, path).ok_or_else(|| refused("no clone of the module cache"))?;
    confine(root, path)?;
    let lock = clone.with_extension("lock");
    if fs::symlink_metadata(&lock).is_ok_and(|meta| !meta.is_file()) {
        return Err(refused("its lock is no file"));
    }
    let _lock = Lock::exclusive(&lock, patience)?;
    let seen = Fingerprint::of(path)?;
    match &damaged.damage {
        Damage::Clone(_)
            if path == clone && seen.same_file(&damaged.seen) && vcs::is_still_damaged(&clone) =>
        {
            let aside = aside(&clone, ".tmp-gox");
            fs::rename(&clone, &aside)?;
            // go takes a clone without its .info, or an .info without clone, for none.
            let _ = fs::remove_file(clone.with_extension("info"));
            // A git that outlived its go may still write in there. The clone is out of the way
            // already; what stays of it, `go clean -modcache` removes.
            let _ = remove_tree(&aside).or_else(|_| remove_tree(&aside));
            Ok(Effect::Removed)
        }
        Damage::CloneInfo(_) if path == clone.with_extension("info") && seen == damaged.seen => {
            fs::remove_file(path)?;
            Ok(Effect::Removed)
        }
        Damage::CloneLock(_) if path.extension().is_some_and(|e| e == "lock") && seen == damaged.seen => {
            if vcs::in_use(&clone, path) {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "a process still works in that clone"));
            }
            fs::remove_file(path)?;
            Ok(Effect::Removed)
        }
        _ => Ok(Effect::Nothing),
    }
}

/// A tile or look-up, under the lock on the file itself.
fn of_sumdb(root: &Path, damaged: &DamageProof, patience: Duration) -> io::Result<Effect> {
    let path = damaged.damage.path();
    if !path.starts_with(root.join("cache/download/sumdb")) {
        return Err(refused("no copy of a checksum database"));
    }
    confine(root, path)?;
    let lock = Lock::existing(path, patience)?;
    let held = Fingerprint::from(&lock.file().metadata()?);
    if held != damaged.seen || Fingerprint::of(path)? != damaged.seen {
        return Ok(Effect::Nothing);
    }
    fs::remove_file(path)?;
    Ok(Effect::Removed)
}

/// The `latest` note: the memory that detects forks, so it is kept under another name, and left
/// alone where it is a well-formed note after all.
fn latest_note(state: Option<&Path>, damaged: &DamageProof, patience: Duration) -> io::Result<Effect> {
    let path = damaged.damage.path();
    let state = state.ok_or_else(|| refused("the folder of the checksum databases is not known"))?;
    confine(state, path)?;
    if path.file_name().is_none_or(|name| name != "latest") {
        return Err(refused("no note of a checksum database"));
    }
    let lock = Lock::existing(path, patience)?;
    let held = Fingerprint::from(&lock.file().metadata()?);
    if !held.same_file(&Fingerprint::of(path)?) || !sumdb::is_bad_note(path) {
        return Ok(Effect::Nothing);
    }
    let aside = aside(path, ".gox-");
    fs::rename(path, &aside)?;
    Ok(Effect::Renamed)
}

/// A name beside `path` that nothing has: `path`, `infix` and some digits.
pub(super) fn aside(path: &Path, infix: &str) -> PathBuf {
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{infix}{}", fastrand::u32(100_000_000..)));
        let name = PathBuf::from(name);
        if fs::symlink_metadata(&name).is_err() {
            return name;
        }
    }
}

/// Removes a folder of read-only folders. Links inside are removed, never followed.
pub(super) fn remove_tree(top: &Path) -> io::Result<()> {
    let mut waiting = vec![top.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        writable(&folder)?;
        for item in fs::read_dir(&folder)? {
            let item = item?;
            if item.file_type()?.is_dir() {
                waiting.push(item.path());
            }
        }
    }
    fs::remove_dir_all(top)
}

#[cfg(unix)]
fn writable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn writable(folder: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(folder)?.permissions();
    permissions.set_readonly(false);
    fs::set_permissions(folder, permissions)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
