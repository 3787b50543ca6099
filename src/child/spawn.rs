//! Starting go: its descriptors, its process group, and its death with gox.

use super::{Command, Grouping};
use rustix::process::Pid;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use tokio::net::unix::pipe;

/// A started go and the ends of its pipes that are ours.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) pid: Pid,
    pub(super) stdout: pipe::Receiver,
    pub(super) stderr: pipe::Receiver,
}

/// Starts the command.
#[allow(unsafe_code, reason = "what runs between fork and exec has no safe way in")]
pub(super) fn start(command: &Command, grouping: Grouping) -> io::Result<Started> {
    let mut builder = std::process::Command::new(&command.program);
    builder.args(&command.args);
    for (name, value) in &command.envs {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        };
    }
    if let Some(dir) = &command.dir {
        builder.current_dir(dir);
    }
    // An attempt that may be repeated must not eat what belongs to the next one; a terminal has
    // no such end, and git or ssh may have to ask there.
    builder.stdin(if io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() });
    builder.stdout(Stdio::piped());
    builder.stderr(Stdio::piped());
    if grouping == Grouping::Own {
        builder.process_group(0);
    }
    die_with_parent(&mut builder);
    // SAFETY: between fork and exec one system call is made; no lock is taken and no memory allocated.
    unsafe {
        builder.pre_exec(|| {
            crate::machine::limits::restore();
            Ok(())
        })
    };
    let mut child = builder.spawn()?;
    let pid = Pid::from_child(&child);
    let pipes = (|| {
        let ours = |end: Option<OwnedFd>| {
            let end = end.ok_or_else(|| io::Error::other("go was started without a pipe"))?;
            pipe::Receiver::from_owned_fd(end)
        };
        Ok((ours(child.stdout.take().map(OwnedFd::from))?, ours(child.stderr.take().map(OwnedFd::from))?))
    })();
    match pipes {
        Ok((stdout, stderr)) => Ok(Started { child, pid, stdout, stderr }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

/// Has a child killed when gox is killed in a way it cannot pass on.
///
/// The system sends this signal when the *thread* that started the child ends, so this must run
/// on a thread that lives as long as gox: the current-thread runtime's.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "what runs between fork and exec has no safe way in")]
pub(crate) fn die_with_parent(builder: &mut std::process::Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
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
