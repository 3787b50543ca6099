//! Looks at the module cache: whether it can be written and locked, whether there is room, and whether what
//! this project needs of it is whole.

use super::{Around, Check};
use crate::command_line::DoctorArguments;
use crate::formats::go_sum::GoSum;
use crate::judgement::diagnosis::CacheFault;
use crate::machine::file_lock::Lock;
use crate::module_cache::{Cache, Effect, Finding};
use crate::words::{Text, diagnosing as say};
use rustix::fs::{Access, access, statvfs};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Less room than this is none.
const LEAST_ROOM: u64 = 16 << 20;

/// How long entries are looked through.
const READING: Duration = Duration::from_secs(4);

/// What is written to see whether it can be.
const SAMPLE: usize = 64 << 10;

/// The folders that go writes to.
pub(super) struct Places {
    /// GOMODCACHE.
    root: Option<PathBuf>,
    /// Where go unpacks and compiles.
    temporary: PathBuf,
    /// GOCACHE, and the release whose index of the module cache is in it.
    build_cache: Option<PathBuf>,
    release: String,
}

impl Places {
    /// By go's settings.
    pub(super) fn of(around: &Around<'_>) -> Places {
        let set = |name: &&str| (around.env)(name).filter(|dir| !dir.is_empty());
        let temporary = ["GOTMPDIR", "TMPDIR"].iter().find_map(set);
        let temporary = temporary.map_or_else(|| "/tmp".into(), PathBuf::from);
        Places {
            root: around.go_env.mod_cache(),
            temporary,
            build_cache: around.go_env.build_cache(),
            release: around.go_env.get("GOVERSION").to_owned(),
        }
    }
}

/// What is wrong, the worst first, and what was looked at.
pub(super) fn look(
    places: &Places,
    sums: &GoSum,
    arguments: &DoctorArguments,
) -> (Vec<CacheFault>, Vec<Check>) {
    let Some(root) = &places.root else { return Default::default() };
    let (mut faults, mut checks) = (Vec::new(), Vec::new());
    for folder in [root.join("cache/download"), places.temporary.clone()] {
        let mut found = usable(&folder);
        if found.is_empty() && folder.starts_with(root) {
            found.extend(foreign(sums, &folder));
        }
        let shown = folder.display().to_string();
        let detail = match found.first() {
            Some(fault) => fault_in_words(fault),
            None => say::WRITABLE.with(&[("path", &shown)]),
        };
        let name = if folder.starts_with(root) { "cache" } else { "temporary" };
        checks.push(Check { name, ..check(found.is_empty(), detail) });
        faults.extend(found);
    }
    if let Some(free) = free(root) {
        let mb = free >> 20;
        let detail = say::ROOM.with(&[("mb", &mb), ("path", &root.display())]);
        checks.push(check(free >= LEAST_ROOM, detail));
    }
    let entries = entries(places, root, sums, arguments);
    if entries.faults.is_empty() && entries.count > 0 {
        checks.push(check(true, say::HEALTHY.with(&[("count", &entries.count)])));
    }
    checks.extend(entries.mended.into_iter().map(|text| check(true, text)));
    checks.extend(entries.faults.iter().map(|fault| check(false, fault_in_words(fault))));
    faults.extend(entries.faults);
    (faults, checks)
}

fn check(ok: bool, detail: Text) -> Check {
    Check { name: "cache", host: None, ok, ms: None, detail }
}

/// A fault as the line of its check.
fn fault_in_words(fault: &CacheFault) -> Text {
    match fault {
        CacheFault::Unwritable(path, words) => say::CANNOT_WRITE.with(&[("path", path), ("words", words)]),
        CacheFault::Unlockable(path, words) => say::CANNOT_LOCK.with(&[("path", path), ("words", words)]),
        CacheFault::Full(path) => say::FULL.with(&[("path", path)]),
        CacheFault::Damaged(name, words) => say::DAMAGED.with(&[("name", name), ("words", words)]),
        CacheFault::Changed(name, words) => say::CHANGED.with(&[("name", name), ("words", words)]),
    }
}

/// The folder, or the nearest one above it that is there: go makes what is missing.
fn nearest(folder: &Path) -> &Path {
    folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"))
}

/// Room for this user, in bytes.
fn free(folder: &Path) -> Option<u64> {
    let found = statvfs(nearest(folder)).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Whether files can be written and locked in a folder: tried, with one that is gone again at once.
fn usable(folder: &Path) -> Vec<CacheFault> {
    let path = folder.display().to_string();
    let is_full =
        |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let fault = |error: io::Error| {
        let words = error.to_string();
        vec![if is_full(&error) {
            CacheFault::Full(path.clone())
        } else {
            CacheFault::Unwritable(path.clone(), words)
        }]
    };
    let made = tempfile::Builder::new().prefix(".gox-doctor-").tempfile_in(nearest(folder));
    let mut file = match made {
        Ok(file) => file,
        Err(error) => return fault(error),
    };
    if let Err(error) = file.write_all(&[0; SAMPLE]).and_then(|()| file.flush()) {
        return fault(error);
    }
    if let Err(error) = Lock::existing(file.path(), Duration::ZERO) {
        return vec![CacheFault::Unlockable(path, error.to_string())];
    }
    match free(folder) {
        Some(room) if room < LEAST_ROOM => vec![CacheFault::Full(path)],
        _ => Vec::new(),
    }
}

/// A folder of this project's modules that somebody else owns, as `sudo go` leaves it.
fn foreign(sums: &GoSum, downloads: &Path) -> Option<CacheFault> {
    sums.modules().find_map(|(module, _)| {
        let folder = downloads.join(crate::formats::escape::path(module)?).join("@v");
        let denied = folder.is_dir() && access(&folder, Access::WRITE_OK).is_err();
        let words = || io::Error::from(ErrorKind::PermissionDenied).to_string();
        denied.then(|| CacheFault::Unwritable(folder.display().to_string(), words()))
    })
}

/// What became of the versions that go.sum names.
#[derive(Default)]
struct Entries {
    faults: Vec<CacheFault>,
    /// What was taken out, in words.
    mended: Vec<Text>,
    /// How many were looked at.
    count: usize,
}

/// Looks at the versions that go.sum names, and takes out what is damaged in itself where that is wished.
fn entries(places: &Places, root: &Path, sums: &GoSum, arguments: &DoctorArguments) -> Entries {
    let mut cache = Cache::new(root, None);
    if let Some(build_cache) = &places.build_cache {
        cache = cache.indexed_in(build_cache.clone(), &places.release);
    }
    let begun = Instant::now();
    let mut found = Entries::default();
    for (module, version) in sums.modules() {
        if !arguments.deep && begun.elapsed() > READING {
            break;
        }
        if !is_there(root, module, version) {
            continue;
        }
        found.count += 1;
        for finding in cache.diagnose(sums, module, version) {
            let fault = fault(&finding);
            let goes = arguments.fix && matches!(fault, CacheFault::Damaged(..));
            match (fault, goes.then(|| cache.repair(finding))) {
                (CacheFault::Damaged(name, words), Some(Ok(Effect::Removed | Effect::Renamed))) => {
                    found.mended.push(say::MENDED.with(&[("name", &name), ("words", &words)]));
                }
                (fault, _) => found.faults.push(fault),
            }
        }
    }
    found.faults.sort_by_key(|fault| !matches!(fault, CacheFault::Damaged(..)));
    found
}

fn is_there(root: &Path, module: &str, version: &str) -> bool {
    let path = crate::formats::escape::path(module).zip(crate::formats::escape::version(version));
    path.is_some_and(|(module, version)| {
        let folder = root.join("cache/download").join(module).join("@v");
        ["mod", "zip"].iter().any(|kind| folder.join(format!("{version}.{kind}")).exists())
    })
}

fn fault(finding: &Finding) -> CacheFault {
    let why = say::AT_PATH.with(&[("why", finding.why()), ("path", &finding.path().display())]);
    let name = finding.name();
    match finding {
        Finding::Damage(_) if !finding.may_be_an_edit() => CacheFault::Damaged(name, why),
        Finding::Damage(_) | Finding::Dispute(_) => CacheFault::Changed(name, why),
    }
}
