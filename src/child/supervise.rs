//! The loop around one running go.

use super::console::Lines;
use super::ending::{Ending, Family, GRACE, POLL, USER_GRACE};
use super::signals::{self, Heard};
use super::spawn::Started;
use super::watching::{News, Watcher};
use super::{Ended, Hooks, Outcome, Spool, Status, StderrMode, Supervisor, Watch};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
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

/// A piece of a line held back for rewriting is passed on after this time.
const HOLD: Duration = Duration::from_millis(200);

/// What the loop waited for.
enum Event {
    Heard(Heard),
    Stderr(io::Result<usize>),
    Stdout(io::Result<usize>),
    Wrote(io::Result<usize>),
    News(News),
    Time,
}

/// The child, killed if the loop is abandoned.
struct Guard {
    child: Child,
    pid: Pid,
    own_group: bool,
    reaped: bool,
}

impl Guard {
    fn has_ended(&self) -> bool {
        // The status is left where it is: as long as nobody waited, go's process number and its
        // group's cannot be given to others, and what it left behind can be signalled safely.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
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
            if self.own_group {
                let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
            }
            let _ = self.child.kill();
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
    let own_group = supervisor.own_group;
    let mut guard = Guard { child: started.child, pid: started.pid, own_group, reaped: false };
    let mut family = Family::new(started.pid, own_group);
    let mut watcher = Watcher::new(watch, begin, family.tree.root());
    let (mut stdout, mut stderr) = (Source::new(started.stdout), Source::new(Some(started.stderr)));
    let sink = supervisor.console.sink();
    let console = &mut supervisor.console;
    let signals = &mut supervisor.signals;
    let mut spool = Spool::default();
    let rewrites = hooks.rewrites();
    let mut lines = Lines::default();
    let mut held_since = None;
    // Bytes on their way to gox's stderr, and how many of them are written.
    let (mut pending, mut written) = (Vec::new(), 0);
    let mut told: Option<Told> = None;
    let mut ending: Option<Ending> = None;
    let mut ended_at: Option<Instant> = None;
    let mut relayed: u64 = 0;

    loop {
        if ended_at.is_none() && guard.has_ended() {
            let now = Instant::now();
            ended_at = Some(now);
            family.ended = true;
            stderr.count_owed();
            stdout.count_owed();
            // Reaping comes last; the status is looked at without it.
            let clean = how_it_ended(guard.pid);
            if let (None, Some(code)) = (&ending, clean) {
                if code != 0 {
                    family.spare_all_but_vcs();
                }
            }
            if (ending.is_some() || clean != Some(0)) && family.has_survivors() {
                match &mut ending {
                    Some(ending) => ending.hurry(),
                    None => ending = Some(Ending::ask(&mut family, Signal::TERM, GRACE)),
                }
            } else {
                ending = None;
                if !cfg!(target_os = "linux") && clean.is_none() {
                    family.signal(Signal::KILL);
                }
            }
        }
        if let Some(when) = ended_at {
            let time_is_up = when.elapsed() >= DRAIN;
            let done = stderr.is_done(time_is_up) && stdout.is_done(time_is_up);
            if done && lines.is_holding() {
                lines.give_up_line(&mut pending);
            }
            if done && written == pending.len() && ending.is_none() {
                break;
            }
            let interrupted = matches!(told, Some(Told::By(_)));
            if interrupted && ending.is_none() && when.elapsed() >= LAST_WORDS {
                break;
            }
        }

        let deadline = [
            ended_at.map(|when| when + DRAIN).filter(|when| *when > Instant::now()),
            ended_at.map(|when| when + LAST_WORDS).filter(|when| *when > Instant::now()),
            ending.as_ref().map(|_| Instant::now() + POLL),
            held_since.map(|when: Instant| when + HOLD),
            (told.is_none() && ended_at.is_none()).then(|| watcher.due()),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let event = tokio::select! {
            heard = signals.next() => Event::Heard(heard),
            result = stderr.read(), if pending.is_empty() => Event::Stderr(result),
            result = stdout.read() => Event::Stdout(result),
            result = sink.write(&pending[written..]), if written < pending.len() => Event::Wrote(result),
            news = watcher.news(), if told.is_none() => Event::News(news),
            () = until(deadline) => Event::Time,
        };

        match event {
            Event::Heard(Heard::End(signal)) => {
                if ended_at.is_none() {
                    ending = Some(pass_on(signal, &mut family, own_group));
                }
                if !matches!(told, Some(Told::By(_))) {
                    told = Some(Told::By(signal));
                }
                if ended_at.is_some() && ending.is_none() {
                    break;
                }
            }
            Event::Heard(Heard::Stop) => {
                family.signal_group(Signal::TSTP);
                signals::stop_self();
                family.signal_group(Signal::CONT);
            }
            Event::Heard(Heard::Child) => {}
            Event::Stderr(result) => {
                let bytes = stderr.take(result);
                relayed += bytes.len() as u64;
                hooks.stderr(bytes);
                if mode == StderrMode::Hidden {
                } else if rewrites {
                    lines.push(bytes, &mut pending, |line| hooks.rewrite(line));
                    held_since = lines.is_holding().then(Instant::now);
                } else {
                    pending.extend_from_slice(bytes);
                }
            }
            Event::Stdout(result) => {
                let bytes = stdout.take(result);
                relayed += bytes.len() as u64;
                spool.push(bytes);
            }
            Event::Wrote(Ok(n)) => {
                console.wrote(&pending[written..written + n]);
                written += n;
            }
            Event::Wrote(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                // As go itself would have found it: its next write fails, and it dies of SIGPIPE.
                console.close();
                stderr.pipe = None;
                lines = Lines::default();
                pending.clear();
                written = 0;
            }
            // A full disk loses go's words, as it would have without gox.
            Event::Wrote(Err(_)) => written = pending.len(),
            Event::News(news) => {
                if let Some(reason) = watcher.take(news) {
                    told = Some(Told::Hook(reason));
                    ending = Some(Ending::ask(&mut family, Signal::TERM, GRACE));
                }
            }
            Event::Time => {}
        }
        if !pending.is_empty() && written == pending.len() {
            pending.clear();
            written = 0;
        }
        let now = Instant::now();
        if held_since.is_some_and(|when| now >= when + HOLD) {
            held_since = None;
            lines.give_up_line(&mut pending);
        }
        if told.is_none() && ended_at.is_none() && now >= watcher.due() {
            if watcher.look(&mut family.tree, relayed, hooks) {
                told = Some(Told::Stalled);
                ending = Some(Ending::ask(&mut family, Signal::TERM, GRACE));
            }
        }
        if let Some(under_way) = &mut ending {
            let goes_on = under_way.go_on(&mut family);
            if ended_at.is_some() && (!goes_on || !family.has_survivors()) {
                ending = None;
            }
        }
    }

    let elapsed = ended_at.unwrap_or_else(Instant::now).duration_since(begin);
    let go = guard.reap()?;
    let ended = match (told, go) {
        (Some(Told::By(signal)), _) => Ended::Interrupted(signal),
        // It had come to its good end before our signal arrived.
        (_, Status::Exited(0)) => Ended::Exited(0),
        (Some(Told::Stalled), _) => Ended::Stalled,
        (Some(Told::Hook(reason)), _) => Ended::Hook(reason),
        (None, Status::Exited(code)) => Ended::Exited(code),
        (None, Status::Signaled(signal)) => Ended::Signaled(signal),
    };
    Ok(Outcome { ended, go, stdout: spool, elapsed, at_line_start: console.at_line_start() })
}

/// The exit code of a go that has ended, if it chose one.
fn how_it_ended(pid: Pid) -> Option<i32> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).ok().flatten()?.exit_status()
}

/// Passes a signal on that gox received.
fn pass_on(number: i32, family: &mut Family, own_group: bool) -> Ending {
    let signal = Signal::from_named_raw(number).unwrap_or(Signal::TERM);
    if !own_group && matches!(number, libc::SIGINT | libc::SIGQUIT) {
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
