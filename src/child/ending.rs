//! Ending go together with everything it started, and nothing else.

use super::tree::{Process, Tree};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::time::{Duration, Instant};

/// Between the polite signal and SIGKILL, for a go that gox ends by itself. git needs some
/// milliseconds to remove its lock files.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// The same after a signal from the user: go finishes running build steps first.
pub(super) const USER_GRACE: Duration = Duration::from_secs(10);

/// On a terminal Ctrl-C reaches go by itself; if go is still there after this long, the signal
/// was perhaps sent to gox alone.
const LATE: Duration = Duration::from_secs(1);

/// What go leaves behind is given this long to end by the signal it already got.
const LEFTOVER: Duration = Duration::from_millis(200);

/// After SIGKILL nothing is waited for longer than this (a process in an unreachable file
/// system does not even die of that).
const GIVE_UP: Duration = Duration::from_secs(1);

/// How often to see whether they are gone.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// An end under way.
pub(super) struct Ending {
    since: Instant,
    grace: Duration,
    /// A signal still to be sent, and when.
    late: Option<(Duration, Signal)>,
    killed: Option<Instant>,
}

impl Ending {
    /// Asks go and all that belongs to it to end.
    pub(super) fn ask(family: &mut Family, signal: Signal, grace: Duration) -> Ending {
        family.signal(signal);
        Ending { since: Instant::now(), grace, late: None, killed: None }
    }

    /// Waits for an end that the terminal has already asked for.
    pub(super) fn asked_by_terminal(signal: Signal) -> Ending {
        Ending { since: Instant::now(), grace: USER_GRACE, late: Some((LATE, signal)), killed: None }
    }

    /// go itself has ended: what it left behind (a shell's background job ignores Ctrl-C) must not
    /// keep gox from ending soon as well.
    pub(super) fn hurried(self) -> Ending {
        Ending { late: Some((LEFTOVER, Signal::TERM)), grace: GRACE, since: Instant::now(), ..self }
    }

    /// Does what is due by now. False when nothing more can be done.
    pub(super) fn go_on(&mut self, family: &mut Family) -> bool {
        let waited = self.since.elapsed();
        if let Some((_, signal)) = self.late.take_if(|(when, _)| waited >= *when) {
            family.signal(signal);
        }
        match self.killed {
            Some(when) => when.elapsed() < GIVE_UP,
            None if waited < self.grace => true,
            None => {
                family.signal(Signal::KILL);
                self.killed = Some(Instant::now());
                true
            }
        }
    }
}

/// go and what it started, as addressees of signals.
pub(super) struct Family {
    pid: Pid,
    own_group: bool,
    pub(super) tree: Tree,
    /// go has ended (nobody has waited for it yet, so its numbers are still its own).
    ended: bool,
    /// Only version control programs are meant: what a go that exited by itself left behind.
    only_vcs: bool,
}

impl Family {
    pub(super) fn new(pid: Pid, own_group: bool) -> Family {
        let tree = Tree::new(pid.as_raw_nonzero().get(), own_group);
        Family { pid, own_group, tree, ended: false, only_vcs: false }
    }

    /// go's process number.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// go itself needs no signal any more.
    pub(super) fn go_has_ended(&mut self) {
        self.ended = true;
    }

    /// Kills go's group where nobody could see who of it is left.
    pub(super) fn kill_unseen(&mut self) {
        if self.own_group && self.tree.look().is_none() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    /// From now on only version control programs are addressed.
    pub(super) fn spare_all_but_vcs(&mut self) {
        self.only_vcs = true;
    }

    /// Whether somebody is left besides go. Where nobody can be seen: no.
    pub(super) fn has_survivors(&mut self) -> bool {
        !self.others().is_empty()
    }

    fn others(&mut self) -> Vec<Process> {
        let root = self.tree.root();
        let mut others = self.tree.look().unwrap_or_default();
        others.retain(|p| p.pid != root && (!self.only_vcs || super::stall::is_vcs(&p.name)));
        others
    }

    /// Sends a signal to all of them. Who is gone already is no error.
    pub(super) fn signal(&mut self, signal: Signal) {
        // They are listed before go hears of it: then they still are its children.
        let others = self.others();
        if self.own_group && !self.only_vcs {
            let _ = kill_process_group(self.pid, signal);
            if signal != Signal::KILL {
                // Who is stopped would hear it only when continued.
                let _ = kill_process_group(self.pid, Signal::CONT);
            }
        } else if !self.ended {
            let _ = kill_process(self.pid, signal);
        }
        let group = self.tree.root();
        for other in others {
            if !(self.own_group && other.group == group) || self.only_vcs {
                signal_one(&other, signal);
            }
        }
    }

    /// Stops or continues go as gox was: its own group, or go alone where it stands in its caller's.
    pub(super) fn stop_or_continue(&self, signal: Signal) {
        let _ = match self.own_group {
            true => kill_process_group(self.pid, signal),
            false => kill_process(self.pid, signal),
        };
    }
}

/// Signals exactly this process, never another that got its number since.
#[cfg(target_os = "linux")]
fn signal_one(process: &Process, signal: Signal) {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    // The descriptor holds on to whoever has the number now; only then is it checked who that is.
    let handle = pidfd_open(pid, PidfdFlags::empty());
    if super::tree::one_process(process.pid).is_none_or(|now| now.start != process.start) {
        return;
    }
    let _ = match handle {
        Ok(handle) => pidfd_send_signal(handle, signal),
        // Before Linux 5.3, or forbidden by a sandbox.
        Err(_) => kill_process(pid, signal),
    };
}

#[cfg(not(target_os = "linux"))]
fn signal_one(_: &Process, _: Signal) {}
