//! The journal: one JSON line for each run that met the network or a failure, was ended by a signal, or was told
//! to be plain go; for `gox history`.
//!
//! Lines are reports as in `GOX_REPORT` with the folder of the project, so they hold no secret. The file is rotated by size and after 30
//! days, by one process at a time; a run that cannot write it loses the line and nothing else.

use super::folder;
use crate::machine::bounded::{self, MOST_OF_OWN};
use crate::machine::file_lock::Lock;
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::{self, BufRead as _, Read as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

const FILE: &str = "journal.jsonl";
const OLD: &str = "journal.1.jsonl";
/// The file is rotated when it is larger than this, in bytes; one older file is kept.
const LARGEST: u64 = 1 << 20;
/// The file is rotated when its first line is older than this, and an older file goes when its last one is.
const OLDEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long another process may take to rotate; then the line goes to the file as it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// The newest shape of a line that is understood here: the report's.
const SCHEMA: u64 = 1;

/// Appends one line, in a single write so that runs side by side do not mix.
///
/// # Errors
/// If the folder or file cannot be written.
pub(crate) fn append(dir: &Path, line: &str) -> io::Result<()> {
    folder::prepare(dir)?;
    let path = dir.join(FILE);
    let now = Timestamp::now();
    if is_due(&path, now) {
        // Where it fails the line matters more than the size.
        let _ = rotate(&path, &dir.join(OLD), now);
    }
    let old = dir.join(OLD);
    if fs::metadata(&old).is_ok_and(|m| Timestamp::from_second(m.mtime()).is_ok_and(|t| is_old(t, now))) {
        let _ = fs::remove_file(&old);
    }
    folder::append_to(&path)?.write_all(format!("{line}\n").as_bytes())
}

/// True for a file that is too large, or whose first line is too old.
fn is_due(path: &Path, now: Timestamp) -> bool {
    let Ok(meta) = fs::metadata(path) else { return false };
    if !meta.is_file() || meta.len() == 0 {
        return false;
    }
    let first = || -> Option<Timestamp> {
        let mut line = Vec::new();
        io::BufReader::new(fs::File::open(path).ok()?).take(LARGEST).read_until(b'\n', &mut line).ok()?;
        let run: serde_json::Value = serde_json::from_slice(&line).ok()?;
        run["started"].as_str()?.parse().ok()
    };
    meta.len() > LARGEST || first().is_some_and(|started| is_old(started, now))
}

fn is_old(time: Timestamp, now: Timestamp) -> bool {
    now.duration_since(time) > OLDEST
}

/// Makes the journal the older file, under the lock on itself: of many that find it due only the first
/// does it, since the others then hold the lock of a file that is no longer in its place. Whoever has it
/// open still writes to the end of the older one.
fn rotate(path: &Path, old: &Path, now: Timestamp) -> io::Result<()> {
    let lock = Lock::existing(path, PATIENCE)?;
    let (held, there) = (lock.file().metadata()?, fs::metadata(path)?);
    if (held.dev(), held.ino()) == (there.dev(), there.ino()) && is_due(path, now) {
        fs::rename(path, old)?;
    }
    Ok(())
}

/// The latest `n` lines, oldest first; lines that are no JSON, or of a newer gox's making, are left out.
pub(crate) fn latest(dir: &Path, n: usize) -> Vec<serde_json::Value> {
    let mut lines: Vec<serde_json::Value> = Vec::new();
    for name in [OLD, FILE] {
        let Ok(bytes) = bounded::read(&dir.join(name), MOST_OF_OWN) else { continue };
        lines.extend(bytes.split(|b| *b == b'\n').filter_map(|l| serde_json::from_slice(l).ok()));
        lines.retain(|line| line["schema"].as_u64().is_none_or(|schema| schema <= SCHEMA));
    }
    lines.split_off(lines.len().saturating_sub(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lock is between open files, so that threads are to each other what processes are.
    #[test]
    fn sixty_four_that_append_and_rotate_at_once_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        // Full but for one line.
        let filling = format!("{{\"n\":-1,\"x\":\"{}\"}}\n", "x".repeat(LARGEST as usize - 20));
        fs::write(dir.path().join(FILE), filling).unwrap();
        let start = std::sync::Barrier::new(64);
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let (dir, start) = (dir.path(), &start);
                scope.spawn(move || {
                    start.wait();
                    for line in 0..20 {
                        append(dir, &format!(r#"{{"n":{}}}"#, thread * 20 + line)).unwrap();
                    }
                });
            }
        });
        let mut got: Vec<i64> = latest(dir.path(), 9999).iter().map(|v| v["n"].as_i64().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, (-1..64 * 20).collect::<Vec<i64>>());
        assert!(fs::metadata(dir.path().join(FILE)).unwrap().len() < LARGEST, "rotated");
    }

    /// It found the file due, and another was faster: what that one kept must not be lost.
    #[test]
    fn whoever_comes_second_to_rotate_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join(FILE), dir.path().join(OLD));
        fs::write(&old, "kept").unwrap();
        fs::write(&path, "{}\n").unwrap();
        rotate(&path, &old, Timestamp::now()).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "kept");
    }

    #[test]
    fn what_is_older_than_thirty_days_goes() {
        let dir = tempfile::tempdir().unwrap();
        let days = |n: i64| (Timestamp::now() - SignedDuration::from_hours(24 * n)).to_string();
        let line = |started: String| format!(r#"{{"started":"{started}"}}"#);
        for (n, files) in [(29, 1), (31, 2)] {
            fs::write(dir.path().join(FILE), line(days(n)) + "\n").unwrap();
            append(dir.path(), &line(days(0))).unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), files, "{n}");
        }
        let old = fs::File::options().append(true).open(dir.path().join(OLD)).unwrap();
        old.set_modified(std::time::SystemTime::now() - Duration::from_secs(31 * 24 * 3600)).unwrap();
        append(dir.path(), &line(days(0))).unwrap();
        assert_eq!(latest(dir.path(), 9).len(), 2);
        assert!(!dir.path().join(OLD).exists());
    }

    #[test]
    fn the_latest_lines_survive_rotation_and_rubbish() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), r#"{"n":1}"#).unwrap();
        fs::write(dir.path().join(FILE), vec![b'x'; LARGEST as usize + 1]).unwrap();
        append(dir.path(), r#"{"n":2}"#).unwrap();
        append(dir.path(), "rubbish").unwrap();
        append(dir.path(), r#"{"schema":2,"n":"of a newer gox"}"#).unwrap();
        append(dir.path(), r#"{"schema":1,"n":3}"#).unwrap();
        assert!(dir.path().join(OLD).exists());
        let got: Vec<i64> = latest(dir.path(), 5).iter().map(|v| v["n"].as_i64().unwrap()).collect();
        assert_eq!(got, [2, 3]);
        assert_eq!(latest(dir.path(), 1).len(), 1);
    }
}
