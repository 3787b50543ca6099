//! The loop around one running go.

use super::display::Display;
use super::ending::{Ending, Family, GRACE, POLL, USER_GRACE};
use super::signals::{self, Heard};
use super::spawn::Started;
use super::watching::{News, Watcher};
use super::{Ended, Grouping, Hooks, Outcome, Spool, Status, StderrMode, Supervisor, Watch};
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
    Heard(Heard),
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
    fn new(pipe: Option<pipe::Receiver>) -> Source {
        let buffer = if pipe.is_some() { vec![0; CHUNK] } else { Vec::new() };
        Source { pipe, buffer, owed: 0 }
    }

    async fn read(&mut self) -> io::Result<usize> {
        match &mut self.pipe {
            Some(pipe) => pipe.read(&mut self.buffer).await,
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
        &self.buffer[..n]
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
enum Told {
    Stalled,
    Hook(String),
    By(i32),
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
    let grouping = supervisor.grouping;
    let family = Family::new(started.pid, grouping == Grouping::Own);
    let mut guard = Guard { child: started.child, family, reaped: false };
    let mut watcher = Watcher::new(watch, begin, guard.family.tree.root());
    let (mut stdout, mut stderr) = (Source::new(started.stdout), Source::new(Some(started.stderr)));
    let mut display = Display::new(&mut supervisor.console, mode, hooks.rewrites());
    let signals = &mut supervisor.signals;
    let mut spool = Spool::default();
    let mut relayed: u64 = 0;
    let mut told: Option<Told> = None;
    let mut ending: Option<Ending> = None;
    let mut ended_at: Option<Instant> = None;

    loop {
        if ended_at.is_none()
            && let Some(status) = guard.end()
        {
            ended_at = Some(Instant::now());
            stderr.count_owed();
            stdout.count_owed();
            ending = clean_up(ending.take(), status.exit_status(), &mut guard.family);
        }
        if let Some(when) = ended_at {
            let time_is_up = when.elapsed() >= DRAIN;
            let all_read = stderr.is_done(time_is_up) && stdout.is_done(time_is_up);
            if all_read {
                display.give_up_line();
            }
            let interrupted = matches!(told, Some(Told::By(_)));
            let done = all_read && display.is_idle();
            let too_late = interrupted && when.elapsed() >= LAST_WORDS;
            if (done || too_late) && ending.is_none() {
                break;
            }
        }

        let watching = told.is_none() && ended_at.is_none();
        let now = Instant::now();
        let deadline = [
            ended_at.map(|when| when + DRAIN).filter(|when| *when > now),
            ended_at.map(|when| when + LAST_WORDS).filter(|when| *when > now),
            ending.as_ref().map(|_| now + POLL),
            display.due(),
            watching.then(|| watcher.due()),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let event = tokio::select! {
            heard = signals.next() => Event::Heard(heard),
            result = stderr.read(), if display.is_idle() => Event::Stderr(result),
            result = stdout.read() => Event::Stdout(result),
            result = display.write() => Event::Wrote(result),
            news = watcher.news(), if watching => Event::News(news),
            () = until(deadline) => Event::Time,
        };

        match event {
            Event::Heard(Heard::Child) | Event::Time => {}
            Event::Heard(Heard::End(signal)) if ended_at.is_some() => {
                told = Some(Told::By(signal));
                // Nothing is left to be told; whoever still dies is being looked after.
                if ending.is_none() {
                    break;
                }
            }
            Event::Heard(Heard::End(signal)) => {
                let passed_on = pass_on(signal, &mut guard.family, grouping);
                // A second one is passed on too, but does not prolong the wait.
                if !matches!(told, Some(Told::By(_))) {
                    (told, ending) = (Some(Told::By(signal)), Some(passed_on));
                }
            }
            Event::Heard(Heard::Stop) => {
                guard.family.stop_or_continue(Signal::TSTP);
                signals::stop_self();
                guard.family.stop_or_continue(Signal::CONT);
            }
            Event::Stderr(result) => {
                let bytes = stderr.take(result);
                relayed += bytes.len() as u64;
                hooks.stderr(bytes);
                display.accept(bytes, hooks);
            }
            Event::Stdout(result) => {
                let bytes = stdout.take(result);
                relayed += bytes.len() as u64;
                spool.push(bytes);
            }
            Event::Wrote(result) => {
                if !display.wrote(result) {
                    // As go itself would have found it: its next write fails, and it dies of
                    // SIGPIPE.
                    stderr.pipe = None;
                }
            }
            Event::News(news) => {
                if let Some(reason) = watcher.take(news) {
                    told = Some(Told::Hook(reason));
                    ending = Some(Ending::ask(&mut guard.family, Signal::TERM, GRACE));
                }
            }
        }

        let now = Instant::now();
        if display.due().is_some_and(|due| now >= due) {
            display.give_up_line();
        }
        let due = told.is_none() && ended_at.is_none() && now >= watcher.due();
        if due && watcher.look(&mut guard.family.tree, relayed, hooks) {
            told = Some(Told::Stalled);
            ending = Some(Ending::ask(&mut guard.family, Signal::TERM, GRACE));
        }
        if let Some(under_way) = &mut ending {
            let goes_on = under_way.go_on(&mut guard.family);
            if ended_at.is_some() && (!goes_on || !guard.family.has_survivors()) {
                ending = None;
            }
        }
    }

    let elapsed = ended_at.unwrap_or_else(Instant::now).duration_since(begin);
    let at_line_start = display.at_line_start();
    let go = guard.reap()?;
    signals.go_was_run();
    Ok(Outcome { ended: why(told, go), go, stdout: spool, elapsed, at_line_start })
}

fn why(told: Option<Told>, go: Status) -> Ended {
    match (told, go) {
        (Some(Told::By(signal)), _) => Ended::Interrupted(signal),
        // It had come to its good end before our signal arrived.
        (_, Status::Exited(0)) => Ended::Exited(0),
        (Some(Told::Stalled), _) => Ended::Stalled,
        (Some(Told::Hook(reason)), _) => Ended::Hook(reason),
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
