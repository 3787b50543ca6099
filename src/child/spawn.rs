//! Starting go: its descriptors, its process group, and its death with gox.

use super::{Command, Grouping};
use rustix::process::Pid;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe;

#[cfg(target_os = "linux")]
mod beside;
#[cfg(target_os = "linux")]
use beside::spawn;

#[cfg(not(target_os = "linux"))]
mod forked;
#[cfg(not(target_os = "linux"))]
use forked::spawn;

/// A started go and the ends of its pipes that are ours.
pub(super) struct Started {
    pub(super) pid: Pid,
    pub(super) stdout: pipe::Receiver,
    pub(super) stderr: pipe::Receiver,
}

/// Starts the command.
pub(super) fn start(command: &Command, grouping: Grouping) -> io::Result<Started> {
    // An attempt that may be repeated must not eat what belongs to the next one; a terminal has
    // no such end, and git or ssh may have to ask there.
    let stdin = if io::stdin().is_terminal() { None } else { Some(std::fs::File::open("/dev/null")?.into()) };
    let (stdout, go_stdout) = io::pipe()?;
    let (stderr, go_stderr) = io::pipe()?;
    // Ours are ready before there is a go that something could fail behind.
    let ours = |end: io::PipeReader| pipe::Receiver::from_owned_fd(OwnedFd::from(end));
    let (stdout, stderr) = (ours(stdout)?, ours(stderr)?);
    let streams = Streams { stdin, stdout: go_stdout.into(), stderr: go_stderr.into() };
    let pid = spawn(command, streams, grouping == Grouping::Own)?;
    Ok(Started { pid, stdout, stderr })
}

/// What go gets as its standard streams.
struct Streams {
    /// gox's own where `None`.
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// Has a child killed when gox is killed in a way it cannot pass on.
///
/// The system sends this signal when the *thread* that started the child ends, so this must run
/// on a thread that lives as long as gox: the current-thread runtime's.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "what runs between fork and exec has no safe way in")]
pub(crate) fn die_with_parent(builder: &mut std::process::Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt;
    let parent = getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // gox may have died before the line above; then nothing would ever be sent.
        if getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: between fork and exec only three system calls are made; no lock is taken and no
    // memory allocated (an error is made of a plain number).
    unsafe { builder.pre_exec(prepare) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent(_: &mut std::process::Command) {}
