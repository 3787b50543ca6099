//! The loop around one running go.

use super::display::Display;
use super::ending::{Ending, Family, GRACE, POLL, USER_GRACE};
use super::signals::{self, Notice, Signals};
use super::spawn::Started;
use super::watching::{News, Watcher};
use super::{Ended, Grouping, Hooks, Outcome, Spool, Status, StderrMode, Supervisor, Teller, Watch, telling};
use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, waitid};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// Bytes read at once; also what a pipe holds on Linux.
const CHUNK: usize = 64 * 1024;

/// After go's end a descendant may still hold its pipes. What go itself wrote is in them by then
/// and is read in any case; for words of a dying git this much time is given.
const DRAIN: Duration = Duration::from_millis(100);

/// After a signal to gox, a reader who does not read keeps gox alive no longer than this.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the loop waited for.
enum Event {
    Notice(Notice),
    Stderr(io::Result<usize>),
    Stdout(io::Result<usize>),
    Wrote(io::Result<usize>),
    News(News),
    Time,
}

/// The child and its family; killed if the loop is abandoned.
struct Guard {
    child: Child,
    family: Family,
    reaped: bool,
}

impl Guard {
    /// How go has ended, if it has.
    ///
    /// The status is left where it is: as long as nobody waited, go's process number and its
    /// group's cannot be given to others, and what it left behind can be signalled safely.
    fn end(&self) -> Option<WaitIdStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.family.pid()), options).ok().flatten()
    }

    fn reap(&mut self) -> io::Result<Status> {
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Status::Exited(code),
            (None, signal) => Status::Signaled(signal.unwrap_or(libc::SIGKILL)),
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.reaped {
            self.family.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// One end of a pipe of go's, until it is closed or nothing more is due.
struct Source {
    pipe: Option<pipe::Receiver>,
    buffer: Vec<u8>,
    /// After go's end: bytes that were in the pipe then and are not read yet.
    owed: u64,
}

impl Source {
    fn new(pipe: pipe::Receiver) -> Source {
        // Not zeroed: most runs say little, and each page touched costs more than what is said on it.
        Source { pipe: Some(pipe), buffer: Vec::with_capacity(CHUNK), owed: 0 }
    }

    async fn read(&mut self) -> io::Result<usize> {
        match &mut self.pipe {
            Some(pipe) => {
                self.buffer.clear();
                pipe.read_buf(&mut self.buffer).await
            }
            None => std::future::pending().await,
        }
    }

    /// The bytes of a finished read; closes the source at its end.
    fn take(&mut self, result: io::Result<usize>) -> &[u8] {
        let n = match result {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return &[],
            Err(_) => 0,
        };
        if n == 0 {
            self.pipe = None;
        }
        self.owed = self.owed.saturating_sub(n as u64);
        self.buffer.get(..n).unwrap_or_default()
    }

    fn count_owed(&mut self) {
        if let Some(pipe) = &self.pipe {
            self.owed = rustix::io::ioctl_fionread(pipe.as_fd()).unwrap_or(0);
        }
    }

    fn is_done(&self, time_is_up: bool) -> bool {
        self.pipe.is_none() || (time_is_up && self.owed == 0)
    }
}

/// Why go was told to end.
enum Reason {
    Stalled,
    Hook(String),
    Signal(i32),
}

/// One attempt under way.
struct Running<'a> {
    guard: Guard,
    grouping: Grouping,
    watcher: Watcher,
    signals: &'a mut Signals,
    stdout: Source,
    stderr: Source,
    display: Display<'a>,
    teller: Option<&'a mut Box<dyn Teller>>,
    spool: Spool,
    /// Bytes of go's that passed through here.
    relayed: u64,
    reason: Option<Reason>,
    ending: Option<Ending>,
    ended_at: Option<Instant>,
}

/// Runs the loop until go has ended, its output is read, and nothing of it is left.
pub(super) async fn until_end(
    supervisor: &mut Supervisor,
    started: Started,
    mode: StderrMode,
    watch: Watch,
    hooks: &mut impl Hooks,
) -> io::Result<Outcome> {
    let begin = Instant::now();
    let Supervisor { signals, console, grouping, teller, .. } = supervisor;
    let family = Family::new(started.pid, *grouping == Grouping::Own);
    let guard = Guard { child: started.child, family, reaped: false };
    let mut running = Running {
        watcher: Watcher::new(watch, begin, guard.family.tree.root()),
        guard,
        grouping: *grouping,
        signals,
        stdout: Source::new(started.stdout),
        stderr: Source::new(started.stderr),
        display: Display::new(console, mode, hooks.rewrites()),
        teller: teller.as_mut(),
        spool: Spool::default(),
        relayed: 0,
        reason: None,
        ending: None,
        ended_at: None,
    };
    while !running.is_over() {
        let event = running.next().await;
        if running.take(event, hooks) {
            break;
        }
        running.do_what_is_due(hooks);
    }
    let asked = running.watcher.has_asked();
    let Running { mut guard, signals, spool, reason, ended_at, mut display, .. } = running;
    display.clear();
    let elapsed = ended_at.unwrap_or_else(Instant::now).duration_since(begin);
    let go = guard.reap()?;
    signals.go_was_run();
    Ok(Outcome { ended: why(reason, go), go, stdout: spool, elapsed, asked })
}

impl Running<'_> {
    /// Takes note of go's end; true when everything it wrote is read and nobody of it is left.
    fn is_over(&mut self) -> bool {
        if self.ended_at.is_none()
            && let Some(status) = self.guard.end()
        {
            self.ended_at = Some(Instant::now());
            self.stderr.count_owed();
            self.stdout.count_owed();
            self.ending = clean_up(self.ending.take(), status.exit_status(), &mut self.guard.family);
        }
        let Some(when) = self.ended_at else { return false };
        let time_is_up = when.elapsed() >= DRAIN;
        let all_read = self.stderr.is_done(time_is_up) && self.stdout.is_done(time_is_up);
        if all_read {
            self.display.give_up_line();
        }
        let interrupted = matches!(self.reason, Some(Reason::Signal(_)));
        let done = all_read && self.display.is_idle();
        let too_late = interrupted && when.elapsed() >= LAST_WORDS;
        (done || too_late) && self.ending.is_none()
    }

    /// Whether a stall would still be noticed.
    fn is_watching(&self) -> bool {
        self.reason.is_none() && self.ended_at.is_none()
    }

    /// Waits for whatever comes first.
    async fn next(&mut self) -> Event {
        let watching = self.is_watching();
        let now = Instant::now();
        let after_end = |span: Duration| self.ended_at.map(|when| when + span).filter(|when| *when > now);
        let deadline = [
            after_end(DRAIN),
            after_end(LAST_WORDS),
            self.ending.as_ref().map(|_| now + POLL),
            self.display.due(),
            watching.then(|| self.watcher.due()),
            self.teller.as_ref().filter(|_| watching && self.display.is_idle()).map(|teller| teller.due()),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let Running { signals, stdout, stderr, display, watcher, .. } = self;
        tokio::select! {
            notice = signals.next() => Event::Notice(notice),
            result = stderr.read(), if display.is_idle() => Event::Stderr(result),
            result = stdout.read() => Event::Stdout(result),
            result = display.write() => Event::Wrote(result),
            news = watcher.news(), if watching => Event::News(news),
            () = until(deadline) => Event::Time,
        }
    }

    /// Does what an event asks for; true where nothing is left to be done.
    fn take(&mut self, event: Event, hooks: &mut impl Hooks) -> bool {
        match event {
            Event::Notice(Notice::Child) | Event::Time => {}
            Event::Notice(Notice::End(signal)) if self.ended_at.is_some() => {
                self.reason = Some(Reason::Signal(signal));
                // Nothing is left to be told; whoever still dies is being looked after.
                return self.ending.is_none();
            }
            Event::Notice(Notice::End(signal)) => {
                let passed_on = pass_on(signal, &mut self.guard.family, self.grouping);
                // A second one is passed on too, but does not prolong the wait.
                if !matches!(self.reason, Some(Reason::Signal(_))) {
                    (self.reason, self.ending) = (Some(Reason::Signal(signal)), Some(passed_on));
                }
            }
            Event::Notice(Notice::Stop) => {
                self.display.clear();
                // In the foreground of a terminal the kernel stops go, and the shell continues it.
                let both = self.grouping != Grouping::Foreground;
                if both {
                    self.guard.family.stop_or_continue(Signal::TSTP);
                }
                signals::stop_self();
                if both {
                    self.guard.family.stop_or_continue(Signal::CONT);
                }
            }
            Event::Stderr(result) => {
                let bytes = self.stderr.take(result);
                self.relayed += bytes.len() as u64;
                hooks.stderr(bytes);
                self.display.accept(bytes, hooks);
            }
            Event::Stdout(result) => {
                let bytes = self.stdout.take(result);
                self.relayed += bytes.len() as u64;
                self.spool.push(bytes);
            }
            Event::Wrote(result) => {
                if !self.display.wrote(result) {
                    // As go itself would have found it: its next write fails, and it dies of
                    // SIGPIPE.
                    self.stderr.pipe = None;
                }
            }
            Event::News(news) => {
                if let Some(reason) = self.watcher.take(news) {
                    self.end(Reason::Hook(reason));
                }
            }
        }
        false
    }

    /// Asks go to end, for a reason of gox's own.
    fn end(&mut self, reason: Reason) {
        self.reason = Some(reason);
        self.ending = Some(Ending::ask(&mut self.guard.family, Signal::TERM, GRACE));
    }

    /// Does what time alone brings.
    fn do_what_is_due(&mut self, hooks: &mut impl Hooks) {
        let now = Instant::now();
        if self.display.due().is_some_and(|due| now >= due) {
            self.display.give_up_line();
        }
        if self.is_watching()
            && let (Some(teller), Some(console)) = (&mut self.teller, self.display.console())
        {
            let pid = self.guard.family.pid();
            let still = Some(self.watcher.still());
            telling::tell(teller.as_mut(), console, still, || telling::has_children(pid));
        }
        let due = self.is_watching() && now >= self.watcher.due();
        if due && self.watcher.look(&mut self.guard.family.tree, self.relayed, hooks) {
            self.end(Reason::Stalled);
        }
        if let Some(under_way) = &mut self.ending {
            let goes_on = under_way.go_on(&mut self.guard.family);
            if self.ended_at.is_some() && (!goes_on || !self.guard.family.has_survivors()) {
                self.ending = None;
            }
        }
    }
}

fn why(reason: Option<Reason>, go: Status) -> Ended {
    match (reason, go) {
        (Some(Reason::Signal(signal)), _) => Ended::Interrupted(signal),
        // It had come to its good end before our signal arrived.
        (_, Status::Exited(0)) => Ended::Exited(0),
        (Some(Reason::Stalled), _) => Ended::Stalled,
        (Some(Reason::Hook(reason)), _) => Ended::Hook(reason),
        (None, Status::Exited(code)) => Ended::Exited(code),
        (None, Status::Signaled(signal)) => Ended::Signaled(signal),
    }
}

/// go has just ended, with `code` where it chose one: sees to what it left behind.
///
/// After a signal, ours or another's, nothing may stay. A go that failed by itself may have left
/// git at work (a checksum mismatch ends it at once), which would hold a repository's lock when
/// the next attempt comes; anything else it left is its own affair, as after a success.
fn clean_up(ending: Option<Ending>, code: Option<i32>, family: &mut Family) -> Option<Ending> {
    family.go_has_ended();
    match (&ending, code) {
        (None, Some(0)) => return None,
        (None, Some(_)) => family.spare_all_but_vcs(),
        _ => family.kill_unseen(),
    }
    if !family.has_survivors() {
        return None;
    }
    Some(match ending {
        Some(under_way) => under_way.hurried(),
        None => Ending::ask(family, Signal::TERM, GRACE),
    })
}

/// Passes a signal on that gox received.
fn pass_on(number: i32, family: &mut Family, grouping: Grouping) -> Ending {
    let signal = Signal::from_named_raw(number).unwrap_or(Signal::TERM);
    if grouping == Grouping::Foreground && matches!(number, libc::SIGINT | libc::SIGQUIT) {
        // Pressed on the terminal, it has reached go as well; twice would be once too often.
        return Ending::asked_by_terminal(signal);
    }
    Ending::ask(family, signal, USER_GRACE)
}

/// Waits until then; for ever where there is no such time.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
