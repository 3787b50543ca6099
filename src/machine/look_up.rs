//! Finds programs on PATH as go's own look-up does.
//!
//! Relative elements, `.` and the empty one among them, are looked into at their turn; but what stands
//! there go refuses to run: whoever brings a folder along would choose the program. A path that is not
//! absolute tells that it was found so.

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file that this process may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else { return false };
    found.is_file()
        && match accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
            // Unknown here, or forbidden by a container.
            Err(Errno::NOSYS | Errno::PERM) => found.permissions().mode() & 0o111 != 0,
            answer => answer.is_ok(),
        }
}

/// The folders of a PATH in order; an empty element is the working folder.
pub(crate) fn folders(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).map(|dir| if dir.as_os_str().is_empty() { ".".into() } else { dir })
}

/// Every program of that name on PATH, in order; none on a PATH of nothing.
pub(crate) fn programs(name: impl AsRef<OsStr>, path: Option<&OsStr>) -> impl Iterator<Item = PathBuf> {
    let path = path.filter(|path| !path.is_empty());
    path.into_iter().flat_map(folders).map(move |dir| dir.join(name.as_ref())).filter(|p| is_executable(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(file: &Path, mode: u32) {
        fs::write(file, "").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn programs_stand_in_paths_order_with_those_of_relative_elements() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["one", "two", "three", "four/prog"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        put(&at("one/prog"), 0o644);
        put(&at("two/prog"), 0o755);
        put(&at("three/prog"), 0o711);
        let path = std::env::join_paths(["four", "one", "three", "none", "two"].map(at)).unwrap();
        let found: Vec<_> = programs("prog", Some(&path)).collect();
        assert_eq!(found, [at("three/prog"), at("two/prog")]);
        assert_eq!(programs("other", Some(&path)).count(), 0);
        assert_eq!(programs("prog", Some(OsStr::new(""))).chain(programs("prog", None)).count(), 0);
        let spelled: Vec<_> = folders(OsStr::new(":.:bin:/x:")).map(|dir| dir.join("prog")).collect();
        let spelled: Vec<_> = spelled.iter().map(|p| p.to_str().unwrap()).collect();
        assert_eq!(spelled, ["./prog", "./prog", "bin/prog", "/x/prog", "./prog"]);
    }
}
