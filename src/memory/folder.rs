//! The state folder: nobody but its owner reads what gox remembers.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the state folder where it is missing, for its owner alone (0700). One of gox's own that was
/// made wider is narrowed; another folder that the user named and that was there stays as it is.
///
/// # Errors
/// If it cannot be made.
pub(super) fn prepare(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let meta = fs::metadata(dir)?;
        let gox_made_it = dir.file_name().is_some_and(|name| name == "gox");
        if gox_made_it && meta.mode() & 0o077 != 0 && meta.uid() == rustix::process::geteuid().as_raw() {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    fs::create_dir_all(dir)
}

/// Opens a file of the state folder for adding to its end; only its owner reads it (0600).
///
/// # Errors
/// What the file system says; a pipe or a device in its place, of which nobody knows who listens and when.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        // Opening a pipe would wait for a reader.
        let file = options.mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other(format!("{} is no file", path.display())));
        }
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            // It was written by an older gox. Where it is somebody else's, they decide.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

#[cfg(all(test, unix))]
#[allow(unsafe_code, reason = "pipes of the tests are made by libc")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_reads_what_is_kept() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("state/gox");
        prepare(&dir).unwrap();
        assert_eq!((mode(&dir), mode(&top.path().join("state"))), (0o700, 0o700));
        append_to(&dir.join("x")).unwrap();
        assert_eq!(mode(&dir.join("x")), 0o600);
        // What an older gox made.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(dir.join("x"), fs::Permissions::from_mode(0o644)).unwrap();
        prepare(&dir).unwrap();
        append_to(&dir.join("x")).unwrap();
        assert_eq!((mode(&dir), mode(&dir.join("x"))), (0o700, 0o600));
        // What is no file is not written to, and not waited for.
        for odd in ["pipe", "device"] {
            let odd = dir.join(odd);
            if odd.ends_with("pipe") {
                let path = std::ffi::CString::new(odd.as_os_str().as_encoded_bytes()).unwrap();
                // SAFETY: a path that ends in NUL.
                assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
            } else {
                std::os::unix::fs::symlink("/dev/full", &odd).unwrap();
            }
            append_to(&odd).unwrap_err();
        }
        // A folder that the user named is the user's.
        let named = top.path().join("mine");
        fs::create_dir(&named).unwrap();
        fs::set_permissions(&named, fs::Permissions::from_mode(0o755)).unwrap();
        prepare(&named).unwrap();
        assert_eq!(mode(&named), 0o755);
    }
}
