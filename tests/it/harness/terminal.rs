//! Runs a program on a terminal of its own.

use super::outcome::Outcome;
use super::run::{Run, Started};
use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

/// A pseudo-terminal.
pub(crate) struct Pty {
    /// The side of whoever types and reads.
    pub(crate) ours: File,
    /// The side of the programs.
    pub(crate) theirs: Side,
}

/// The side of a terminal where programs run.
pub(crate) struct Side(File);

impl Pty {
    /// A new one.
    pub(crate) fn open() -> Pty {
        // Neither side for programs that other threads start meanwhile.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).and_then(|fd| {
            grantpt(&fd)?;
            unlockpt(&fd)?;
            Ok(fd)
        });
        let ours = File::from(ours.expect("a pseudo-terminal"));
        let name = ptsname(&ours, Vec::new()).expect("the terminal's name").into_string().expect("ASCII");
        // Without NOCTTY it would become that of a test program that is a session's first and has none.
        let mut options = OpenOptions::new();
        let theirs = options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(&name);
        Pty { ours, theirs: Side(theirs.expect("the other end")) }
    }
}

impl Side {
    /// Makes it a command's standard input, output and error, and the controlling terminal of the session that
    /// the command begins.
    pub(crate) fn give_to(&self, command: &mut Command) {
        let side = || Stdio::from(self.0.try_clone().expect("a file descriptor"));
        command.stdin(side()).stdout(side()).stderr(side());
        // SAFETY: a system call that is safe between fork and exec, and allocates nothing.
        unsafe {
            command.pre_exec(|| Ok(ioctl_tiocsctty(rustix::stdio::stdin())?));
        }
    }
}

/// A run whose standard input, output and error are one terminal, which is its controlling one.
pub(crate) struct Terminal {
    started: Started,
    keyboard: File,
    screen: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

impl Run<'_> {
    /// Starts it on a new terminal. [`Outcome::stdout`] will be all that was shown.
    pub(crate) fn start_on_terminal(self) -> Terminal {
        let Pty { ours, theirs } = Pty::open();
        let mut command = self.command();
        theirs.give_to(&mut command);
        let keyboard = ours.try_clone().expect("a file descriptor");
        let screen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (shown, mut ours) = (Arc::clone(&screen), ours);
        let (done, gathered) = mpsc::channel();
        let started = self.start_with(command, gathered);
        drop(theirs);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // Linux gives EIO, others an end, when nobody holds the other side any more.
            while let Ok(n @ 1..) = ours.read(&mut piece) {
                shown.0.lock().expect("no panic while it is held").extend_from_slice(&piece[..n]);
                shown.1.notify_all();
            }
            let _ = done.send(shown.0.lock().expect("no panic while it is held").clone());
        });
        Terminal { started, keyboard, screen }
    }
}

impl Terminal {
    /// Types something; `\x03` is Ctrl-C.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal that is open");
    }

    /// Waits until the terminal shows this text; the test fails after a minute.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        self.shows_after(0, text);
    }

    /// How much was shown so far.
    pub(crate) fn length(&self) -> usize {
        self.screen.0.lock().expect("no panic while it is held").len()
    }

    /// The same of what is shown after so much.
    #[track_caller]
    pub(crate) fn shows_after(&self, from: usize, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut shown = self.screen.0.lock().expect("no panic while it is held");
        while !String::from_utf8_lossy(&shown[from..]).contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text:?} was not shown:\n{}", String::from_utf8_lossy(&shown));
            shown = self.screen.1.wait_timeout(shown, left).expect("no panic while it is held").0;
        }
    }

    /// The run, to look at its processes.
    pub(crate) fn started(&self) -> &Started {
        &self.started
    }

    /// Types Ctrl-C until the run ends: a shell between two commands may miss one.
    pub(crate) fn interrupts(mut self) -> Outcome {
        for _ in 0..60 {
            self.types("\x03");
            if self.started.ended_within(Duration::from_secs(1)).is_some() {
                break;
            }
        }
        self.wait()
    }

    /// Waits for the end.
    pub(crate) fn wait(self) -> Outcome {
        self.started.wait()
    }
}
