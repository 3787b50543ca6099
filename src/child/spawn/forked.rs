//! The way of the standard library.

use super::{Command, Streams};
use rustix::process::Pid;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

/// Starts the command with these streams, in a process group of its own where `own_group` says so.
#[allow(unsafe_code, reason = "what runs between fork and exec has no safe way in")]
pub(super) fn spawn(command: &Command, streams: Streams, own_group: bool) -> io::Result<Pid> {
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
    builder.stdin(streams.stdin.map_or_else(Stdio::inherit, Stdio::from));
    builder.stdout(streams.stdout).stderr(streams.stderr);
    if own_group {
        builder.process_group(0);
    }
    // SAFETY: between fork and exec one system call is made; no lock is taken and no memory allocated.
    unsafe {
        builder.pre_exec(|| {
            crate::machine::limits::restore();
            Ok(())
        })
    };
    Ok(Pid::from_child(&builder.spawn()?))
}
