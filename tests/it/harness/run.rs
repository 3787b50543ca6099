//! One run of a program: started, bounded, gathered.

use super::Project;
use super::outcome::Outcome;
use super::processes::{Process, kill_all, pid, processes};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long one run may take if the test says nothing else.
pub(super) const TIMEOUT: Duration = Duration::from_secs(120);

/// One run of a program, not started yet.
pub(crate) struct Run<'a> {
    pub(super) project: &'a Project,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: BTreeMap<OsString, OsString>,
    pub(super) dir: PathBuf,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    pub(super) marker: String,
    pub(super) report: Option<PathBuf>,
}

impl Run<'_> {
    /// Sets a variable.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(key.into(), value.as_ref().into());
        self
    }

    /// Removes a variable.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.env.remove(OsStr::new(key));
        self
    }

    /// Runs there and not in the folder of the main module.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = dir.to_owned();
        self
    }

    /// What stands on its standard input (without this it is closed).
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Fails the test after so long, instead of two minutes.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end. A run that outlives its timeout is killed, with all it started, and the test
    /// fails.
    pub(crate) fn run(self) -> Outcome {
        self.start().wait()
    }

    /// The command, for tests that need more than this harness does.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).current_dir(&self.dir);
        // SAFETY: it makes system calls alone, and allocates nothing.
        unsafe {
            command.pre_exec(be_on_ones_own);
        }
        command
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Started {
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let input = self.stdin.take();
        let (done, stdout) = mpsc::channel();
        let mut started = self.start_with(command, stdout);
        gather(started.pipes.0.take(), done);
        if let (Some(mut pipe), Some(bytes)) = (started.pipes.1.take(), input) {
            std::thread::spawn(move || {
                // A program may leave its input unread.
                let _ = pipe.write_all(&bytes);
            });
        }
        started
    }

    /// Starts a command whose standard output arrives in `stdout` by some way of its own.
    pub(super) fn start_with(self, mut command: Command, stdout: mpsc::Receiver<Vec<u8>>) -> Started {
        let begun = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        let id = child.id();
        let (done, stderr) = mpsc::channel();
        gather(child.stderr.take(), done);
        let pipes = (child.stdout.take(), child.stdin.take());
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = done.send(child.wait());
        });
        Started {
            what: format!("{} {:?}", self.program.display(), self.args),
            id,
            begun,
            timeout: self.timeout,
            marker: self.marker,
            report: self.report,
            ended,
            status: None,
            pipes,
            stdout,
            stderr,
        }
    }
}

/// Takes from a process, between fork and exec, what it has of whoever runs the tests beside the environment:
/// the terminal (it gets a session and a process group of its own), signals that are ignored (a shell's
/// background jobs ignore SIGINT, `nohup` SIGHUP, what Python starts SIGXFSZ), and the mask of file modes.
pub(crate) fn be_on_ones_own() -> std::io::Result<()> {
    rustix::process::setsid()?;
    for signal in 1..32 {
        // SAFETY: the default is no handler; SIGKILL and SIGSTOP have no other, and are refused.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    Ok(())
}

/// Reads a pipe to its end; without one there is nothing to read.
fn gather(pipe: Option<impl Read + Send + 'static>, done: mpsc::Sender<Vec<u8>>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error still counts.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = done.send(bytes);
    });
}

/// A run at work.
pub(crate) struct Started {
    what: String,
    id: u32,
    begun: Instant,
    timeout: Duration,
    marker: String,
    report: Option<PathBuf>,
    ended: mpsc::Receiver<std::io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
    pipes: (Option<ChildStdout>, Option<ChildStdin>),
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<Vec<u8>>,
}

impl Started {
    /// The process id (and that of its group).
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The processes of this run that are alive, itself included.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes(&self.marker)
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = pid(self.id) {
            let _ = rustix::process::kill_process(id, signal);
        }
    }

    /// Kills every process of this run.
    pub(crate) fn kill(&self) {
        kill_all(&self.marker);
    }

    /// How it ended, if it does within that time; [`Started::wait`] may follow.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.ended.recv_timeout(timeout).ok().map(|ended| ended.expect("a child of ours"));
        }
        self.status
    }

    /// Waits for the end and gathers everything.
    pub(crate) fn wait(mut self) -> Outcome {
        let ended = self.ended_within(self.timeout.saturating_sub(self.begun.elapsed()));
        let elapsed = self.begun.elapsed();
        let timed_out = ended.is_none();
        if timed_out {
            kill_all(&self.marker);
        }
        // Both end when every process that holds them has ended; one that stays would hold them for ever.
        let grace = Duration::from_secs(5);
        let (stdout, stderr) = (self.stdout.recv_timeout(grace), self.stderr.recv_timeout(grace));
        let held = stdout.is_err() || stderr.is_err();
        let leftovers = processes(&self.marker);
        kill_all(&self.marker);
        let outcome = Outcome {
            what: self.what,
            status: ended.unwrap_or_else(|| ExitStatus::from_raw(9)),
            stdout: stdout.unwrap_or_default(),
            stderr: stderr.unwrap_or_default(),
            elapsed,
            leftovers,
            report: self
                .report
                .and_then(|path| fs::read(path).ok())
                .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        };
        assert!(!timed_out, "no end after {elapsed:?}\n{outcome}");
        assert!(!held, "a process that was left holds stdout or stderr\n{outcome}");
        outcome
    }
}
