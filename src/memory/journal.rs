//! The journal: one JSON line for each run that met a failure, for `gox history`.
//!
//! Lines are reports as in `GOX_REPORT`, so they hold no secret. The file is rotated; a run that
//! cannot write it loses the line and nothing else.

use super::folder;
use crate::machine::bounded::{self, MOST_OF_OWN};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "journal.jsonl";
const OLD: &str = "journal.1.jsonl";
/// The file is rotated when it is larger than this, in bytes; one older file is kept.
const LARGEST: u64 = 1 << 20;
/// The newest shape of a line that is understood here: the report's.
const SCHEMA: u64 = 1;

/// Appends one line, in a single write so that runs side by side do not mix.
///
/// # Errors
/// If the folder or file cannot be written.
pub(crate) fn append(dir: &Path, line: &str) -> io::Result<()> {
    folder::prepare(dir)?;
    let path = dir.join(FILE);
    if fs::metadata(&path).is_ok_and(|m| m.len() > LARGEST) {
        fs::rename(&path, dir.join(OLD))?;
    }
    folder::append_to(&path)?.write_all(format!("{line}\n").as_bytes())
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
