//! What the system lets this process have: descriptors, and files as large as they come.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::OnceLock;

/// Descriptors of gox that have nothing to do with fetching: streams, pipes to go, terminal, signals,
/// the poll, files of the module cache under repair.
const OWN: u64 = 24;

/// Fewer processes than this are left to go: it starts a thread for each file it waits for, and dies where
/// it cannot.
const FEW: u64 = 64;

/// The limit of descriptors that gox was started with, once it was raised.
static ORIGINAL: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit of descriptors to the hard one, as go does for itself, and returns how many
/// of them fetching may use.
pub(crate) fn descriptors() -> usize {
    let now = getrlimit(Resource::Nofile);
    let soft = match (now.current, now.maximum) {
        (Some(soft), hard) if hard.is_none_or(|hard| soft < hard) => {
            let raised = Rlimit { current: hard, maximum: hard };
            if setrlimit(Resource::Nofile, raised).is_ok() {
                // Set once: a second raise would remember the first.
                let _ = ORIGINAL.set(now);
            }
            getrlimit(Resource::Nofile).current
        }
        (soft, _) => soft,
    };
    let free = soft.unwrap_or(u64::MAX).saturating_sub(OWN);
    usize::try_from(free).unwrap_or(usize::MAX)
}

/// How many processes and threads this user may have (`ulimit -u`), where that is few: go's own threads need
/// them. Whoever may pass the limit is told the same.
pub(crate) fn few_processes() -> Option<u64> {
    getrlimit(Resource::Nproc).current.filter(|most| *most < FEW)
}

/// Gives a child that is about to become another program the limit that gox was started with. To be
/// called between fork and exec: it allocates nothing and takes no lock.
pub(crate) fn restore() {
    if let Some(original) = ORIGINAL.get() {
        // A child with a higher limit than it should have is no reason not to start it.
        let _ = setrlimit(Resource::Nofile, *original);
    }
}

/// Makes a write beyond `ulimit -f` an error instead of the silent end of gox. Programs that gox
/// starts are not concerned: a handler does not outlive exec.
#[allow(unsafe_code, reason = "no safe way sets a signal's handler for the whole process")]
pub(crate) fn survive_large_files() {
    extern "C" fn nothing(_: libc::c_int) {}
    let handler = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler does nothing, so it may run at any time.
    unsafe { libc::signal(libc::SIGXFSZ, handler) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::process::CommandExt;

    #[test]
    #[allow(unsafe_code, reason = "only there can a child's limits be set")]
    fn what_is_raised_is_given_back_to_children() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
        let free = descriptors();
        assert!(free >= 40 || maximum == Some(64), "{free}");
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", "ulimit -n"]);
        // SAFETY: one system call and the read of a cell that was set before.
        unsafe {
            shell.pre_exec(|| {
                restore();
                Ok(())
            })
        };
        let told = shell.output().unwrap().stdout;
        assert_eq!(String::from_utf8(told).unwrap().trim(), "64");
    }

    #[test]
    fn a_file_that_may_not_grow_is_an_error_and_no_end() {
        survive_large_files();
        let mut file = tempfile::tempfile().unwrap();
        let before = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(1024), ..before }).unwrap();
        let written = file.write_all(&[0; 4096]);
        setrlimit(Resource::Fsize, before).unwrap();
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
    }
}
