//! Judges the git clones below `cache/vcs`.
//!
//! A clone is a cache of a cache, so one that git cannot use is removed whole; but it may be large,
//! so that takes damage that shows without reading objects: files that are empty or begin wrongly, as a
//! crash or a full disk leaves them; or, where go's words tell of more, a check of the clone by git. A
//! lock that a killed git left is removed alone.

use super::finding::{Damage, DamageProof, Finding};
use super::place::{confine, files_below};
use super::version::small;
use crate::formats::authority::Url;
use crate::formats::module_path::covers;
use crate::words::{Text, damages};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Age after which a lock counts as left behind where the processes cannot be asked.
#[cfg(not(target_os = "linux"))]
const STALE: std::time::Duration = std::time::Duration::from_secs(600);

/// What git says of a damaged clone, each seen from git 2.47 under go 1.21 and 1.27 in a clone
/// damaged by hand; all words of a line must be there.
pub(super) const DAMAGE: &[&[&str]] = &[
    &["not a git repository: "],
    &["'origin' does not appear to be a git repository"],
    &["remote origin already exists"],
    &["bad config line"],
    &["object file", "is empty"],
    &["loose object", "is corrupt"],
    &["inflate: data stream error"],
    &["packfile", "cannot be accessed"],
    &["packfile", "cannot be mapped"],
    &["packfile", "far too short"],
    &["packfile", "is not a GIT packfile"],
    &["packfile", "does not match index"],
    &["index file", "is too small"],
    &["unable to read tree"],
    &["bad object"],
    &["did not send all necessary objects"],
    &["bad shallow line"],
    &["unexpected line in", "packed-refs"],
    &["unterminated line in", "packed-refs"],
    &["reference broken"],
];

/// How long git may take to check a clone through. The largest take longer, and are then left alone.
const CHECK: Duration = Duration::from_secs(60);

/// Most bytes of git's report that are read.
const REPORT: u64 = 1 << 20;

/// See [`super::Cache::diagnose_vcs`].
pub(super) fn diagnose(root: &Path, dir: &Path, evidence: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(clone) = clone_of(root, dir) else { return found };
    let mut report = |damage: Damage, why: Text| {
        if confine(root, damage.path()).is_ok() {
            found.extend(DamageProof::found(damage, why));
        }
    };
    // The folder is named for what its .info says.
    let info = clone.with_extension("info");
    let key = small(&info).ok();
    if let Some(key) = &key
        && clone.is_dir()
        && clone.file_name().is_some_and(|name| *name != *hex(&Sha256::digest(key)))
    {
        report(Damage::CloneInfo(info), damages::OTHER_REPOSITORY.into());
        return found;
    }
    let locks = stale_locks(&clone, evidence);
    if !locks.is_empty() {
        for lock in locks {
            report(Damage::CloneLock(lock), damages::NOBODY_HOLDS.into());
        }
        return found;
    }
    if key.is_some_and(|key| key.starts_with(b"git")) {
        // What git's words tell of may come from a server: git itself is asked, about this clone alone.
        let thorough = || damage_told(evidence).then(|| checked_through(&clone)).flatten();
        if let Some(why) = broken(&clone).or_else(thorough) {
            report(Damage::Clone(clone), why);
        }
    }
    found
}

/// Judges a clone again, for eviction: as far as it shows at a glance, else by git's own check.
pub(super) fn is_still_damaged(clone: &Path) -> bool {
    broken(clone).or_else(|| checked_through(clone)).is_some()
}

/// What git's own check of all objects and references finds to be damaged; nothing where there is no git or
/// it takes too long. Oddities of old histories, which git reports too, are none.
fn checked_through(clone: &Path) -> Option<Text> {
    let report = tempfile::tempfile().ok()?;
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(clone).args(["fsck", "--no-dangling", "--no-progress"]);
    git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
    git.stdin(Stdio::null()).stdout(report.try_clone().ok()?).stderr(report.try_clone().ok()?);
    crate::child::die_with_parent(&mut git);
    let mut git = git.spawn().ok()?;
    let begun = Instant::now();
    let status = loop {
        match git.try_wait().ok()? {
            Some(status) => break status,
            None if begun.elapsed() > CHECK => {
                let _ = git.kill().and_then(|()| git.wait());
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if status.success() {
        return None;
    }
    let mut bytes = Vec::new();
    (&report).seek(SeekFrom::Start(0)).ok()?;
    report.take(REPORT).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let damage = |line: &&str| {
        ["error: ", "fatal: ", "missing ", "broken link "].iter().any(|begin| line.starts_with(begin))
    };
    text.lines().map(str::trim).find(damage).map(|line| damages::GIT_SAYS.with(&[("line", &line)]))
}

/// See [`super::Cache::clones_of`].
pub(super) fn clones_of(root: &Path, module: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(root.join("cache/vcs")).into_iter().flatten().flatten() {
        let path = item.path();
        if path.extension().is_none_or(|e| e != "info") {
            continue;
        }
        let Some(clone) = clone_of(root, &path) else { continue };
        let Ok(key) = small(&path) else { continue };
        let key = String::from_utf8_lossy(&key);
        let Some(url) = Url::split(key.trim_end()) else { continue };
        let place = format!("{}{}", url.host, url.path);
        let bare = |text: &str| text.trim_end_matches(".git").to_owned();
        if covers(&bare(&place), module) || bare(&place) == bare(module) {
            found.push(clone);
        }
    }
    found.sort();
    found
}

/// The folder of the clone that `path` is, lies in, or belongs to (`.info`, `.lock`).
pub(super) fn clone_of(root: &Path, path: &Path) -> Option<PathBuf> {
    match super::place::locate(root, path)? {
        super::Owner::Vcs(clone) => Some(clone),
        _ => None,
    }
}

/// True where a process works in the clone, or has that lock file open.
#[cfg(target_os = "linux")]
pub(super) fn in_use(clone: &Path, lock: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (clone, lock) = (real(clone), real(lock));
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // go runs git in the clone's folder. What belongs to other users does not answer.
        if fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&clone)) {
            return true;
        }
        let open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        if open.into_iter().any(|fd| fs::read_link(fd.path()).is_ok_and(|file| file == lock)) {
            return true;
        }
    }
    false
}

/// True where the lock is young enough to be somebody's.
#[cfg(not(target_os = "linux"))]
pub(super) fn in_use(_: &Path, lock: &Path) -> bool {
    let age = fs::symlink_metadata(lock)
        .and_then(|meta| meta.modified())
        .map(|at| at.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age < STALE)
}

/// The locks that stop git in this clone and that nobody holds: the one git named, that of the
/// list of shallow commits, and those of references.
fn stale_locks(clone: &Path, evidence: &str) -> Vec<PathBuf> {
    let named = evidence.split("Unable to create '").skip(1).filter_map(|rest| {
        let (path, rest) = rest.split_once('\'')?;
        rest.starts_with(": File exists").then(|| PathBuf::from(path))
    });
    let mut locks: Vec<PathBuf> = named.collect();
    locks.push(clone.join("shallow.lock"));
    locks.extend(files_below(&clone.join("refs")));
    locks.retain(|path| {
        path.extension().is_some_and(|e| e == "lock")
            && path.starts_with(clone)
            && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
            && !in_use(clone, path)
    });
    locks.sort();
    locks.dedup();
    locks
}

/// Whether git's words tell of damage: reason enough to look closely. What the server said (`remote:`) is
/// about the server's repository.
fn damage_told(evidence: &str) -> bool {
    let mut lines = evidence.lines().map(str::trim).filter(|line| !line.starts_with("remote:"));
    lines.any(|line| DAMAGE.iter().any(|words| words.iter().all(|word| line.contains(word))))
}

/// Damage of a git clone that shows at a glance.
fn broken(clone: &Path) -> Option<Text> {
    let objects = clone.join("objects");
    if !objects.is_dir() {
        // An empty folder is filled anew; go stumbles over what is left of one without objects.
        return clone.join("config").exists().then(|| damages::NO_OBJECTS.into());
    }
    let head = small(&clone.join("HEAD")).unwrap_or_default();
    let head = String::from_utf8_lossy(&head);
    if !head.starts_with("ref: refs/") && !is_object_name(head.trim_end()) {
        return Some(damages::NO_HEAD.into());
    }
    if !clone.join("refs").is_dir() {
        return Some(damages::NO_REFS.into());
    }
    let config = small(&clone.join("config")).unwrap_or_default();
    if config.contains(&0) || !String::from_utf8_lossy(&config).contains("[remote \"origin\"]") {
        return Some(damages::BAD_CONFIG.into());
    }
    if let Ok(bytes) = small(&clone.join("packed-refs"))
        && !String::from_utf8_lossy(&bytes).lines().all(is_packed_ref)
    {
        return Some(damages::BAD_PACKED_REFS.into());
    }
    if let Ok(bytes) = small(&clone.join("shallow"))
        && (bytes.is_empty() || !String::from_utf8_lossy(&bytes).lines().all(is_object_name))
    {
        return Some(damages::BAD_SHALLOW.into());
    }
    files_below(&objects).iter().find_map(|path| {
        let bad = bad_object(path).unwrap_or(false);
        bad.then(|| {
            damages::BAD_OBJECT.with(&[("name", &path.strip_prefix(clone).unwrap_or(path).display())])
        })
    })
}

/// True for a loose object or pack that is empty, begins wrongly, or (for a pack and its index) does
/// not end as its partner says.
fn bad_object(path: &Path) -> io::Result<bool> {
    let folder = path.parent().and_then(Path::file_name).and_then(|n| n.to_str()).unwrap_or_default();
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if folder == "pack" && name.starts_with("pack-") {
        return match path.extension().and_then(|e| e.to_str()) {
            Some("idx") => bad_pack(path),
            _ => Ok(false),
        };
    }
    if folder.len() != 2 || !is_object_name(&format!("{folder}{name}")) {
        return Ok(false);
    }
    // A zlib stream: deflate in the low bits, and the two bytes a multiple of 31.
    let mut start = [0u8; 2];
    let read = File::open(path)?.read(&mut start)?;
    Ok(read < 2 || start[0] & 15 != 8 || u16::from_be_bytes(start) % 31 != 0)
}

/// True where a pack's index, or the pack itself, is no such file, or the two do not belong together:
/// the index ends with the pack's checksum and its own.
fn bad_pack(index: &Path) -> io::Result<bool> {
    let pack = index.with_extension("pack");
    if !pack.exists() {
        return Ok(true);
    }
    let ends = |path: &Path, magic: &[u8], tail: i64| -> io::Result<Option<Vec<u8>>> {
        let mut file = File::open(path)?;
        let mut start = vec![0u8; magic.len()];
        if file.metadata()?.len() < 64 || file.read(&mut start)? < magic.len() || start != magic {
            return Ok(None);
        }
        file.seek(SeekFrom::End(-tail))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(Some(end))
    };
    // A pack of SHA-1 names ends with 20 bytes, of SHA-256 with 32; no pack is shorter than 64 bytes
    // with its header and one object, but for a few: those are not judged.
    if fs::metadata(&pack)?.len() < 64 && fs::metadata(&pack)?.len() >= 32 {
        return Ok(false);
    }
    Ok(match (ends(&pack, b"PACK", 32)?, ends(index, b"\xfftOc", 64)?) {
        (Some(pack), Some(index)) => pack[12..] != index[24..44] && pack[..] != index[..32],
        _ => true,
    })
}

/// True for a line of `packed-refs`: a comment, a reference, or what an annotated tag leads to.
fn is_packed_ref(line: &str) -> bool {
    match line.strip_prefix('^') {
        Some(name) => is_object_name(name),
        None => line.starts_with('#') || line.split_once(' ').is_some_and(|(name, _)| is_object_name(name)),
    }
}

/// True for 40 or 64 hexadecimal digits.
fn is_object_name(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
