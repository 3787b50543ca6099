//! Runs go once, as a child, and watches it: what it says, whether it moves, how it ends.
//!
//! One call of `Supervisor::run` is one attempt. It changes nothing of what go does; it decides
//! nothing either, but for one thing: a go that does not move any more is ended.
//!
//! What it keeps (each with a test below `tests`):
//! - stdout is spooled and delivered only when the caller says so (`Supervisor::deliver`).
//! - stderr is passed on as it arrives, byte for byte, in bounded memory.
//! - stdin is given to go only where it is a terminal; otherwise go reads `/dev/null`, since
//!   an attempt that may be repeated must not eat what belongs to the next one.
//! - If nobody reads gox's stderr any more, go's is closed too. go then gets what it would have
//!   got without gox: an error on its next write and, by its own rule for descriptors 1 and 2,
//!   SIGPIPE.
//! - go stays in the process group of gox's caller, so that who kills that group (a CI runner,
//!   `timeout`, a terminal) reaches everything, as without gox; its descendants are found through
//!   `/proc`. Where there is no `/proc` and no terminal, go leads a group of its own, which is
//!   signalled as a whole.
//! - When whoever called gox is gone, go is ended and gox with it.
//! - On Linux go is killed by the system when gox is killed by a signal nobody can catch. That
//!   rule is bound to the starting thread, so a `Supervisor` belongs on the main thread's
//!   current-thread runtime.

mod block;
mod caller;
mod console;
mod display;
mod ending;
mod growth;
mod locks;
mod person;
mod signals;
mod sink;
mod spawn;
mod stall;
mod stdout;
mod supervise;
mod telling;
mod terminal;
#[cfg(test)]
#[path = "../../tests/inside/child/mod.rs"]
mod tests;
mod tree;
mod watching;

pub(crate) use growth::WatchedFolders;
pub(crate) use signals::die_of;
pub(crate) use spawn::die_with_parent;
pub(crate) use stdout::Spool;
pub(crate) use telling::{Seen, Teller, Told};
pub(crate) use terminal::has_terminal;

use console::Console;
use signals::{Notice, Signals};
use sink::Sink;
use std::borrow::Cow;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    /// The real go.
    pub(crate) program: PathBuf,
    /// Its arguments, without the program's own name.
    pub(crate) args: Vec<OsString>,
    /// Changes to gox's own environment: a value to set, or `None` to remove the variable.
    pub(crate) envs: Vec<(OsString, Option<OsString>)>,
    /// The working folder; gox's own where `None`.
    pub(crate) dir: Option<PathBuf>,
}

/// What becomes of go's stderr, besides being shown to [`Hooks::stderr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StderrMode {
    /// Passed on to gox's stderr as it arrives.
    Live,
    /// Not shown (attempts for diagnosis).
    Hidden,
}

/// How long a go that does not move is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    /// After this long without any movement go is ended; `None` waits for ever.
    pub(crate) stall: Option<Duration>,
    /// After this long without any movement [`Hooks::on_quiet`] is asked.
    pub(crate) quiet: Duration,
}

/// A future a hook hands back; it runs beside the attempt and is dropped with it.
pub(crate) type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// What the caller wants to hear during an attempt. Every method has a default.
pub(crate) trait Hooks {
    /// Bytes of go's stderr, all of them and in order, in pieces of at most 64 KiB that may end
    /// anywhere.
    fn stderr(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// Whether [`Hooks::rewrite`] is to be asked. Without it bytes are passed on as they arrive;
    /// with it a line is held back until it is whole (or 64 KiB long, or 200 ms old).
    fn rewrites(&self) -> bool {
        false
    }

    /// Another text for one whole line (its newline included), or `None` to leave it unchanged.
    fn rewrite<'a>(&mut self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let _ = line;
        None
    }

    /// Nothing has moved for [`Watch::quiet`]: asked once for each such silence. A future that
    /// yields a reason ends the attempt ([`Ended::Hook`]); it is dropped when go moves again.
    fn on_quiet(&mut self) -> Option<Later<Option<String>>> {
        None
    }

    /// A number that changes while something moves on go's behalf that its processes do not show
    /// (a relay in this process that still waits for an upstream).
    fn moved(&mut self) -> u64 {
        0
    }

    /// The folders whose growth counts as movement, asked at most once and only when nothing else
    /// has moved for a while, since finding them costs a `go env`.
    fn growth(&mut self) -> Option<Later<Option<WatchedFolders>>> {
        None
    }
}

/// Hooks that do nothing.
impl Hooks for () {}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

/// Why an attempt is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// go exited with this code.
    Exited(i32),
    /// A signal ended go, and gox neither sent it nor received one.
    Signaled(i32),
    /// gox ended go: nothing moved for [`Watch::stall`].
    Stalled,
    /// gox ended go for the reason which [`Hooks::on_quiet`] gave.
    Hook(String),
    /// gox received this signal. go was told and has ended; gox must not start another attempt
    /// but end as [`Outcome::last`] says.
    Interrupted(i32),
}

/// What one attempt was.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Why it is over.
    pub(crate) ended: Ended,
    /// How go itself ended; after [`Ended::Stalled`], [`Ended::Hook`] and [`Ended::Interrupted`]
    /// this is what our signal made of it.
    pub(crate) go: Status,
    /// What go wrote to stdout; not delivered yet.
    pub(crate) stdout: Spool,
    /// From the start to the end of go.
    pub(crate) elapsed: Duration,
    /// Somebody at the terminal was asked something.
    pub(crate) asked: bool,
}

impl Outcome {
    /// How gox ends with this attempt: with go's code where go chose one (also when it caught the
    /// signal gox received, as it does while it compiles), else by the signal that ended go or
    /// asked gox to end.
    pub(crate) fn last(&self) -> Status {
        match (&self.ended, self.go) {
            (Ended::Interrupted(signal), Status::Signaled(_)) => Status::Signaled(*signal),
            (_, status) => status,
        }
    }
}

/// What became of a [`Spool`] on gox's stdout.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// Every byte is out.
    Whole,
    /// Nobody reads: gox should end as go would have, by `die_of(SIGPIPE)`.
    Broken,
    /// gox received this signal in the meantime and should die of it.
    Interrupted(i32),
    /// The bytes could not be written (a full disk) or read back from the temporary file.
    Failed(io::Error),
}

/// Runs attempts, one after the other; one for the life of gox.
pub(crate) struct Supervisor {
    signals: Signals,
    console: Console,
    stdout: Rc<OwnedFd>,
    grouping: Grouping,
    teller: Option<Box<dyn Teller>>,
}

/// The process group in which go runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grouping {
    /// That of gox's caller, in the foreground of a terminal: keys reach go by themselves.
    Foreground,
    /// That of gox's caller, without a terminal.
    Callers,
    /// One of its own: the only way to reach what go started where processes cannot be seen.
    Own,
}

impl Supervisor {
    /// Begins to listen to signals: from here on gox no longer ends by itself at Ctrl-C or
    /// SIGTERM, so whoever waits outside of `Supervisor::run` must select on
    /// [`Supervisor::interrupted`]. Must be called inside a runtime with I/O and time enabled.
    ///
    /// # Errors
    /// If the system refuses a signal handler or a descriptor.
    pub(crate) fn new() -> io::Result<Supervisor> {
        let terminal = has_terminal();
        let stdout = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        let stderr = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
        let grouping = match terminal {
            true => Grouping::Foreground,
            false if tree::can_see_processes() => Grouping::Callers,
            false => Grouping::Own,
        };
        Ok(Supervisor::on(Signals::listen(grouping)?, stdout, stderr, grouping))
    }

    fn on(signals: Signals, stdout: OwnedFd, stderr: OwnedFd, grouping: Grouping) -> Supervisor {
        Supervisor { signals, console: Console::new(stderr), stdout: Rc::new(stdout), grouping, teller: None }
    }

    /// Has somebody tell how far things have come; on a terminal where that is to stand below go's lines.
    pub(crate) fn has_told_by(&mut self, teller: Box<dyn Teller>, on_terminal: bool) {
        // Where a stop cannot be heard, what is shown stays on the screen for that time.
        if on_terminal {
            let _ = self.signals.hear_stops();
        }
        self.teller = Some(teller);
    }

    /// Runs go once, to its end.
    ///
    /// # Errors
    /// Only if go could not be started (or no pipe be had); the kind tells a missing program
    /// (exit 127) from one that may not be run (126).
    pub(crate) async fn run(
        &mut self,
        command: &Command,
        stderr: StderrMode,
        watch: Watch,
        hooks: &mut impl Hooks,
    ) -> io::Result<Outcome> {
        let started = spawn::start(command, self.grouping)?;
        supervise::until_end(self, started, stderr, watch, hooks).await
    }

    /// Writes a line of gox's own to stderr, on a new line where go left one unfinished.
    ///
    /// # Errors
    /// The first time the write fails; afterwards lines are dropped in silence.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<()> {
        self.console.say(line)
    }

    /// Waits for a signal that asks gox to end, for the times between attempts; the caller then
    /// leaves by [`die_of`]. Losing the future loses no signal.
    pub(crate) async fn interrupted(&mut self) -> i32 {
        let Supervisor { signals, console, teller, .. } = self;
        loop {
            let due = teller.as_ref().map(|teller| teller.due());
            tokio::select! {
                notice = signals.next() => match notice {
                    Notice::End(signal) => return signal,
                    Notice::Stop => {
                        console.clear();
                        signals::stop_self();
                    }
                    Notice::Child => {}
                },
                () = supervise::until(due) => {
                    if let Some(teller) = teller {
                        telling::tell(teller.as_mut(), console, None, || false);
                    }
                }
            }
        }
    }

    /// Copies a spool to gox's stdout.
    pub(crate) async fn deliver(&mut self, spool: &Spool) -> Delivered {
        self.console.clear();
        let Supervisor { signals, stdout, .. } = self;
        let copy = copy_out(spool, Sink::new(stdout));
        tokio::pin!(copy);
        loop {
            tokio::select! {
                biased;
                result = &mut copy => return match result {
                    Ok(()) => Delivered::Whole,
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Delivered::Broken,
                    Err(error) => Delivered::Failed(error),
                },
                notice = signals.next() => match notice {
                    Notice::End(signal) => return Delivered::Interrupted(signal),
                    Notice::Stop => signals::stop_self(),
                    Notice::Child => {}
                },
            }
        }
    }
}

async fn copy_out(spool: &Spool, sink: Sink) -> io::Result<()> {
    let mut reader = spool.reader()?;
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        let written = sink.write(piece).await?;
        reader.consume(written);
    }
}
