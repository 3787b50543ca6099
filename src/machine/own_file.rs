//! The file that this gox runs from.
//!
//! Without it a link named go that leads to gox cannot be told from go. On Linux it is asked of `/proc`,
//! which some containers, chroots and early boots lack: then the kernel's note of what it was told to
//! execute says it, and at last the name that the caller gave.

use super::look_up::programs;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The file of this process, if it is known.
pub(crate) fn own_file() -> Option<PathBuf> {
    let path = std::env::var_os("PATH");
    first_there(std::env::current_exe().ok(), executed(), std::env::args_os().next(), path.as_deref())
}

/// The first that is there: `known` by the system, `executed` by the kernel's note, `called` so by
/// whoever started it (anybody may write that, hence last), which may stand on PATH.
fn first_there(
    known: Option<PathBuf>,
    executed: Option<PathBuf>,
    called: Option<OsString>,
    path: Option<&OsStr>,
) -> Option<PathBuf> {
    let is_there = |file: &PathBuf| file.is_file();
    let absolute = |file: PathBuf| std::path::absolute(&file).unwrap_or(file);
    known.filter(is_there).or_else(|| executed.filter(is_there)).map(absolute).or_else(|| {
        let called = called?;
        let has_folder = called.as_encoded_bytes().contains(&b'/');
        let file = if has_folder {
            Some(PathBuf::from(called)).filter(is_there)
        } else {
            programs(Path::new(&called), path).next()
        };
        file.map(absolute)
    })
}

/// What the kernel was told to execute.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the kernel's own vector is read through libc alone")]
fn executed() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: reads a vector that the kernel gave to this process; nothing is changed.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if address == 0 {
        return None;
    }
    // SAFETY: a string with an end that the kernel placed there, for as long as the process lives.
    let file = unsafe { std::ffi::CStr::from_ptr(address as *const libc::c_char) };
    Some(OsStr::from_bytes(file.to_bytes()).into())
}

/// Elsewhere the system's own answer needs no `/proc`.
#[cfg(not(target_os = "linux"))]
fn executed() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn who_knows_best_is_believed_and_only_of_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["known", "executed", "called"] {
            std::fs::write(at(name), "").unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = dir.path().as_os_str();
        let there = |known: Option<&str>, executed: Option<&str>, called: &str| {
            first_there(known.map(at), executed.map(at), Some(called.into()), Some(path))
        };
        assert_eq!(there(Some("known"), Some("executed"), "called"), Some(at("known")));
        assert_eq!(there(Some("known (deleted)"), Some("executed"), "called"), Some(at("executed")));
        assert_eq!(there(None, Some("executed"), "called"), Some(at("executed")));
        assert_eq!(there(None, None, "called"), Some(at("called")));
        assert_eq!(there(None, Some("none"), &at("called").display().to_string()), Some(at("called")));
        assert_eq!(there(None, None, "none"), None);
        assert_eq!(there(None, None, "/no/such/file"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernels_note_is_this_program() {
        let (note, own) = (executed().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(note.canonicalize().unwrap(), own.canonicalize().unwrap());
    }
}
