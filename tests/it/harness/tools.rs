//! The programs of this machine that tests use: a folder of links to them, to be the whole of PATH.
//!
//! Whatever else is on the machine's own PATH (a go, another gox, wrappers of either) is not seen.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Without these nothing works.
const NEEDED: &[&str] = &[
    "awk", "bash", "cat", "chmod", "cp", "cut", "dd", "dirname", "echo", "env", "git", "grep", "head", "ln",
    "ls", "mkdir", "mkfifo", "mktemp", "mv", "printf", "readlink", "rm", "rmdir", "sed", "sh", "sleep",
    "sort", "tail", "tar", "touch", "tr", "true", "wc",
];

/// What is used where it is there, or stands in for one another.
const IF_THERE: &[&str] = &[
    "cksum",
    "curl",
    "flock",
    "gzip",
    "id",
    "openssl",
    "ps",
    "seq",
    "setsid",
    "sha256sum",
    "shasum",
    "ssh",
    "stty",
    "uname",
    "wget",
    "yes",
];

/// Fills a folder, which is made, with links to the programs.
pub(crate) fn link_tools(dir: &Path) {
    std::fs::create_dir_all(dir).expect("a folder in the temporary one");
    let found = |name: &&str| find(name).map(|program| (dir.join(name), program));
    for (name, needed) in NEEDED.iter().map(|n| (n, true)).chain(IF_THERE.iter().map(|n| (n, false))) {
        match found(name) {
            Some((link, program)) => symlink(program, link).expect("a link in the temporary folder"),
            None => assert!(!needed, "the tests need the program {name}: it is not on PATH"),
        }
    }
}

/// The program of that name on the machine's PATH, or in the usual places.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
    let dirs = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).chain(usual);
    dirs.map(|dir| dir.join(name)).find(|program| {
        program.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}
