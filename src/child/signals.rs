//! Signals to gox: hearing them, stopping with the shell, and dying of them.

use super::Grouping;
use super::caller::Caller;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a program to end and which gox passes on before it ends itself.
///
/// SIGPIPE is not among them: it is go's own answer to a closed pipe.
pub(super) const ENDING: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// What [`Signals::next`] heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// One of [`ENDING`].
    End(i32),
    /// SIGTSTP: somebody wants the job stopped.
    Stop,
    /// Some child changed its state.
    Child,
}

/// The signals gox listens to from its creation on; they stay caught until the process ends.
pub(super) struct Signals {
    streams: Vec<(Notice, Signal)>,
    /// Kept, and not listened to: see [`Signals::listen`].
    file_size: Option<Signal>,
    caller: Option<Caller>,
}

impl Signals {
    /// Starts to listen, but for signals that were ignored when gox was started: under `nohup`,
    /// or as a shell's background job, they stay ignored by gox and by what it starts.
    ///
    /// SIGTSTP is caught only without a controlling terminal; on one the kernel stops both of them by
    /// itself ([`Signals::hear_stops`] is for what is to be done before).
    /// SIGXFSZ is caught for nothing but its default, which ends a program that writes beyond
    /// `ulimit -f`: gox's write fails instead and is answered for. What gox starts has the default again.
    pub(super) fn listen(grouping: Grouping) -> io::Result<Signals> {
        let mut signals = Signals::only_children()?;
        for number in ENDING {
            signals.add(Notice::End(number), number)?;
        }
        if grouping != Grouping::Foreground {
            signals.add(Notice::Stop, libc::SIGTSTP)?;
        }
        if !is_ignored(libc::SIGXFSZ) {
            signals.file_size = Some(signal(SignalKind::from_raw(libc::SIGXFSZ))?);
        }
        if !is_ignored(libc::SIGHUP) {
            signals.caller = Some(Caller::now(grouping == Grouping::Foreground));
        }
        Ok(signals)
    }

    /// Hears SIGTSTP in the foreground of a terminal as well: what is shown for the moment is to be taken away
    /// before the shell speaks.
    pub(super) fn hear_stops(&mut self) -> io::Result<()> {
        match self.streams.iter().any(|(meaning, _)| *meaning == Notice::Stop) {
            true => Ok(()),
            false => self.add(Notice::Stop, libc::SIGTSTP),
        }
    }

    /// Takes note that go was run to its end once.
    pub(super) fn go_was_run(&mut self) {
        if let Some(caller) = &mut self.caller {
            caller.served = true;
        }
    }

    /// Listens to nothing but the end of children.
    pub(super) fn only_children() -> io::Result<Signals> {
        // SIGCHLD is caught even where it was ignored: a child nobody may wait for has no status.
        let stream = signal(SignalKind::child())?;
        unblock(libc::SIGCHLD);
        Ok(Signals { streams: vec![(Notice::Child, stream)], file_size: None, caller: None })
    }

    fn add(&mut self, meaning: Notice, number: i32) -> io::Result<()> {
        if !is_ignored(number) {
            self.streams.push((meaning, signal(SignalKind::from_raw(number))?));
        }
        Ok(())
    }

    /// The next one; a caller that is gone is a hang-up. Losing the future loses no signal.
    pub(super) async fn next(&mut self) -> Notice {
        poll_fn(|context| {
            if self.caller.as_mut().is_some_and(|caller| caller.poll_gone(context)) {
                self.caller = None;
                return Poll::Ready(Notice::End(libc::SIGHUP));
            }
            // Backwards, so that a request to end is heard before the end of a child.
            for (meaning, stream) in self.streams.iter_mut().rev() {
                if stream.poll_recv(context).is_ready() {
                    return Poll::Ready(*meaning);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether a signal is set to be ignored in this process now.
fn is_ignored(number: i32) -> bool {
    disposition(number).is_some_and(|old| old.sa_sigaction == libc::SIG_IGN)
}

#[allow(unsafe_code, reason = "how a signal is taken is asked and set through libc alone")]
fn disposition(number: i32) -> Option<libc::sigaction> {
    let mut old = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null new action only asks; `old` is large enough and is read only on success.
    unsafe {
        if libc::sigaction(number, std::ptr::null(), old.as_mut_ptr()) != 0 {
            return None;
        }
        Some(old.assume_init())
    }
}

/// Sets the default disposition and lets the signal through.
#[allow(unsafe_code, reason = "how a signal is taken is asked and set through libc alone")]
fn restore_default(number: i32) {
    // SAFETY: plain values are passed and no handler of ours is installed.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    unblock(number);
}

/// Lets a signal through that whoever started gox may have blocked.
#[allow(unsafe_code, reason = "how a signal is taken is asked and set through libc alone")]
fn unblock(number: i32) {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is initialised by the first call before the others use it.
    unsafe {
        if libc::sigemptyset(set.as_mut_ptr()) == 0 && libc::sigaddset(set.as_mut_ptr(), number) == 0 {
            libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// Stops this process as SIGTSTP does by default, and returns when it was continued (at once
/// where the system does not stop it, as in an orphaned process group).
#[allow(unsafe_code, reason = "how a signal is taken is asked and set through libc alone")]
pub(super) fn stop_self() {
    let Some(old) = disposition(libc::SIGTSTP) else { return };
    restore_default(libc::SIGTSTP);
    // SAFETY: `raise` takes a number; `old` is the action the system itself gave us.
    unsafe {
        libc::raise(libc::SIGTSTP);
        libc::sigaction(libc::SIGTSTP, &old, std::ptr::null_mut());
    }
}

/// Ends this process by `signal`, so that a shell or make sees what happened to go. Where the
/// signal does not end it (a number without that effect, a process 1), exits with 128 + `signal`.
///
/// No core is dumped: go has left its own where the user asked for one.
#[allow(unsafe_code, reason = "a signal to this very thread is raised through libc alone")]
pub(crate) fn die_of(signal: i32) -> ! {
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
    restore_default(signal);
    // SAFETY: `raise` takes a number and fails for one which is no signal.
    unsafe { libc::raise(signal) };
    std::process::exit(128 + signal)
}
