//! A process that does what gox does: the test program itself, started again.
//!
//! What concerns the whole process (its signals, its memory, its terminal, its death) cannot be
//! tried inside the test program.

#![allow(unsafe_code, reason = "terminals, namespaces and what runs between fork and exec")]

use super::*;
#[cfg(target_os = "linux")]
use crate::inside::harness::Pty;
use crate::inside::harness::be_on_ones_own;
use std::io::{IsTerminal, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ExitStatus, Stdio};

const SCRIPT: &str = "GOX_CHILD_TEST_SCRIPT";
const REPORT: &str = "GOX_CHILD_TEST_REPORT";

/// The body of the second process; as an ordinary test it does nothing.
#[test]
fn run_as_gox() {
    let (Some(script), Some(report)) = (std::env::var_os(SCRIPT), std::env::var_os(REPORT)) else { return };
    let report = Path::new(&report);
    let mut go = sh(&script.into_string().unwrap());
    go.envs.push(var("DIR", Some(&report.display().to_string())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let mut supervisor = Supervisor::new().unwrap();
        std::fs::write(report.join("ready"), "").unwrap();
        supervisor.run(&go, StderrMode::Live, PATIENT, &mut ()).await.unwrap()
    });
    std::fs::write(report.join("ended"), format!("{:?}", outcome.ended)).unwrap();
    std::fs::write(report.join("stdout"), text(&outcome.stdout)).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    std::fs::write(report.join("peak"), peak.trim().trim_end_matches(" kB")).unwrap();
    if !std::io::stdin().is_terminal() {
        let mut left = String::new();
        let _ = io::stdin().read_to_string(&mut left);
        std::fs::write(report.join("stdin"), left).unwrap();
    }
    match outcome.last() {
        Status::Exited(code) => std::process::exit(code),
        Status::Signaled(signal) => die_of(signal),
    }
}

/// Starts the second process.
pub(super) struct Helper {
    pub(super) command: std::process::Command,
    dir: tempfile::TempDir,
}

/// Whoever runs the tests in the background of a script ignores Ctrl-C there, and all below it would.
fn ignore_nothing() -> io::Result<()> {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGTSTP] {
        // SAFETY: a plain call between fork and exec.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

/// The second process, running.
pub(super) struct Running {
    child: Child,
    dir: tempfile::TempDir,
}

/// What it left.
pub(super) struct Report {
    pub(super) ended: String,
    pub(super) stdout: String,
    pub(super) stdin_left: String,
    pub(super) peak_kib: u64,
    pub(super) status: ExitStatus,
}

impl Helper {
    /// Will run `script` as go. In the script `$DIR` is a folder for files of its own.
    pub(super) fn running(script: &str) -> Helper {
        let dir = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["child::tests::helper::run_as_gox", "--exact", "--nocapture", "--test-threads=1"]);
        // Of whoever runs the tests nothing but where its temporary files go.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "TMPDIR"));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env(SCRIPT, script).env(REPORT, dir.path()).env("DIR", dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: it makes system calls alone.
        unsafe { command.pre_exec(ignore_nothing) };
        Helper { command, dir }
    }

    pub(super) fn piping_stderr(mut self) -> Helper {
        self.command.stderr(Stdio::piped());
        self
    }

    pub(super) fn reading_stdin(mut self) -> Helper {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Without a terminal, whatever whoever runs the tests has.
    pub(super) fn detached(mut self) -> Helper {
        // SAFETY: it makes system calls alone, and allocates nothing.
        unsafe { self.command.pre_exec(be_on_ones_own) };
        self
    }

    /// Starts it as the leader of a session on a terminal of its own, with all three descriptors
    /// there; gives back the terminal's other side too.
    #[cfg(target_os = "linux")]
    pub(super) fn start_on_terminal(self) -> (Running, File) {
        let pty = Pty::open();
        let mut helper = self.detached();
        pty.theirs.give_to(&mut helper.command);
        (helper.start(), pty.ours)
    }

    pub(super) fn start(mut self) -> Running {
        Running { child: self.command.spawn().unwrap(), dir: self.dir }
    }
}

impl Running {
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(super) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub(super) fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// The numbers the script wrote into `$DIR/NAME`, once they are all there (`mv` makes them
    /// appear at once).
    pub(super) fn numbers_in(&self, name: &str) -> Vec<i32> {
        let path = self.dir.path().join(name);
        wait_until("the script has written its numbers", || path.exists());
        numbers(&std::fs::read_to_string(path).unwrap())
    }

    pub(super) fn text_in(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    pub(super) fn create(&self, name: &str) {
        File::create(self.dir.path().join(name)).unwrap();
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.dir.path().join(name).exists()
    }

    pub(super) fn kill(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Waits for the end only.
    pub(super) fn finish_without_report(mut self) -> ExitStatus {
        wait_until("the helper has ended", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    pub(super) fn finish(mut self) -> Report {
        drop(self.child.stdin.take());
        wait_until("the helper has ended", || self.child.try_wait().unwrap().is_some());
        let read = |name: &str| std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        Report {
            ended: read("ended"),
            stdout: read("stdout"),
            stdin_left: read("stdin"),
            peak_kib: read("peak").parse().unwrap_or(0),
            status: self.child.wait().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
