//! Whether go moves: samples in, verdict out. Pure; the clock is in the samples.
//!
//! The noise of an idle go was measured on Linux with go 1.21 and 1.27 waiting for a silent
//! server: at most one clock tick of processor time a minute (a forced garbage collection), and
//! since go 1.25 three bytes read a minute (the container's processor limit).

use super::tree::Process;
use std::collections::HashSet;
use std::time::Duration;

/// This many bytes between two samples are movement at once: the smallest thing a server says to
/// keep a client waiting (an HTTP/2 PING in TLS, 39 bytes) counts, go's own noise does not.
const SURE_BYTES: u64 = 32;

/// Fewer bytes are movement when they come again within this time: a body of one byte a second
/// moves; noise comes once a minute.
const DRIP: Duration = Duration::from_secs(10);

/// Clock ticks of processor time that are noise in any case, however short the silence.
const NOISE_TICKS: u64 = 2;

/// Samples further apart than this say that gox itself was stopped or the machine was: nothing
/// can be concluded from such a silence.
const BLIND: Duration = Duration::from_secs(10);

/// Before anybody looks at folders the silence must have lasted this long.
const GROWTH_AFTER: Duration = Duration::from_secs(2);

/// Between two looks at folders.
const GROWTH_EVERY: Duration = Duration::from_secs(5);

/// Two looks that are to tell rest from growth are at least this far apart.
const GROWTH_APART: Duration = Duration::from_secs(1);

/// Where processes cannot be seen (no `/proc`) a long link step looks like a stall, so the
/// patience is this many times as long there.
const BLIND_PATIENCE: u32 = 10;

/// What was seen at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Since the attempt's start.
    pub(super) at: Duration,
    /// go and its living descendants; `None` where they cannot be seen.
    pub(super) processes: Option<Vec<Process>>,
    /// Bytes of go's stdout and stderr that came through gox so far.
    pub(super) relayed: u64,
}

/// Judges one attempt.
#[derive(Debug)]
pub(super) struct Judge {
    root: i32,
    last: Option<Sample>,
    /// When something moved last, or was excused.
    moved_at: Duration,
    /// Processor time the members had used by then.
    ticks_then: u64,
    /// When a change of fewer than [`SURE_BYTES`] was seen last.
    drip_at: Option<Duration>,
    /// The first and the last look at folders in this silence, and what the first one saw.
    looked: Option<Looks>,
}

#[derive(Clone, Copy, Debug)]
struct Looks {
    first: Duration,
    last: Duration,
    fingerprint: u64,
}

impl Judge {
    /// `root` is go's process number.
    pub(super) fn new(root: i32) -> Judge {
        Judge { root, last: None, moved_at: Duration::ZERO, ticks_then: 0, drip_at: None, looked: None }
    }

    /// Takes a sample. `waits_for_lock` is asked only when nothing else speaks for go: whether a
    /// member waits for a lock that a living stranger holds.
    pub(super) fn observe(&mut self, sample: Sample, waits_for_lock: impl FnOnce() -> bool) {
        let blind = sample.processes.is_none();
        if self.has_moved(&sample)
            || (!blind && sample.processes.as_deref().is_some_and(|all| is_excused(all, self.root)))
            || (!blind && waits_for_lock())
        {
            self.moved(&sample);
        }
        self.last = Some(sample);
    }

    /// Takes a look at the folders: the number changes when something in them grew.
    pub(super) fn observe_growth(&mut self, at: Duration, fingerprint: u64) {
        let first = match self.looked {
            Some(looks) if looks.fingerprint == fingerprint => looks.first,
            Some(_) => {
                self.moved_at = at;
                at
            }
            None => at,
        };
        self.looked = Some(Looks { first, last: at, fingerprint });
    }

    /// Whether a look at the folders would help now.
    pub(super) fn wants_growth(&self, at: Duration, stall: Duration) -> bool {
        let still = self.still_for(at);
        match self.looked {
            None => still >= GROWTH_AFTER.min(stall / 2),
            Some(looks) => at.saturating_sub(looks.last) >= GROWTH_EVERY || self.needs_last_look(at, stall),
        }
    }

    /// How long nothing has moved.
    pub(super) fn still_for(&self, at: Duration) -> Duration {
        at.saturating_sub(self.moved_at)
    }

    /// Whether go is stalled. `watches_growth` says that folders are known: then a look at them
    /// after the end of the patience must have confirmed an earlier one.
    pub(super) fn is_stalled(&self, at: Duration, stall: Duration, watches_growth: bool) -> bool {
        self.still_for(at) >= self.patience(stall) && (!watches_growth || !self.needs_last_look(at, stall))
    }

    fn needs_last_look(&self, at: Duration, stall: Duration) -> bool {
        let end = self.moved_at + self.patience(stall);
        let confirmed = |looks: Looks| looks.last >= end && looks.last - looks.first >= GROWTH_APART;
        at >= end && !self.looked.is_some_and(confirmed)
    }

    fn patience(&self, stall: Duration) -> Duration {
        let blind = self.last.as_ref().is_some_and(|sample| sample.processes.is_none());
        if blind { stall * BLIND_PATIENCE } else { stall }
    }

    fn moved(&mut self, sample: &Sample) {
        self.moved_at = sample.at;
        self.ticks_then = ticks(sample);
        self.looked = None;
    }

    fn has_moved(&mut self, now: &Sample) -> bool {
        let Some(last) = &self.last else { return true };
        if now.relayed != last.relayed || now.at.saturating_sub(last.at) > BLIND {
            return true;
        }
        if names(now) != names(last) {
            return true;
        }
        // One clock tick is 10 ms, so one per second is a hundredth of one processor.
        let silence = now.at.saturating_sub(self.moved_at).as_secs();
        if ticks(now).saturating_sub(self.ticks_then) > NOISE_TICKS + silence {
            return true;
        }
        match bytes(now).saturating_sub(bytes(last)) {
            0 => false,
            1..SURE_BYTES => {
                let again = self.drip_at.is_some_and(|before| now.at.saturating_sub(before) <= DRIP);
                self.drip_at = Some(now.at);
                again
            }
            _ => true,
        }
    }
}

fn all(sample: &Sample) -> &[Process] {
    sample.processes.as_deref().unwrap_or_default()
}

fn names(sample: &Sample) -> HashSet<(i32, u64)> {
    all(sample).iter().map(|process| (process.pid, process.start)).collect()
}

fn ticks(sample: &Sample) -> u64 {
    all(sample).iter().map(|process| process.ticks).sum()
}

fn bytes(sample: &Sample) -> u64 {
    all(sample).iter().filter_map(|process| process.bytes).sum()
}

/// Whether the silence has a reason that is none of the network's: somebody stopped or traces
/// go, or it waits for a program of its own, be it a compiler or a GOAUTH helper.
fn is_excused(all: &[Process], root: i32) -> bool {
    let stopped = |p: &Process| matches!(p.state, b'T' | b't');
    all.iter().any(|p| stopped(p) || (p.pid != root && is_foreign(p, all, root)))
}

/// Whether a member is neither go nor a version control program at work for it.
fn is_foreign(process: &Process, all: &[Process], root: i32) -> bool {
    if is_go(&process.name) || is_vcs(&process.name) {
        return false;
    }
    let parent = all.iter().find(|p| p.pid == process.parent);
    // What go's children left behind is nothing that go waits for.
    if parent.is_none() {
        return false;
    }
    // The user's go may be a script that runs another go; and git runs ssh through a shell.
    let waits_for_known = has_below(process.pid, all, root);
    !(waits_for_known || (is_shell(&process.name) && has_vcs_above(process, all)))
}

fn has_vcs_above(process: &Process, all: &[Process]) -> bool {
    let mut above = process.parent;
    // Bounded by the number of members: samples are no snapshot, so there could be a circle.
    for _ in 0..all.len() {
        let Some(parent) = all.iter().find(|p| p.pid == above) else { return false };
        if is_vcs(&parent.name) {
            return true;
        }
        above = parent.parent;
    }
    false
}

/// Whether go or a version control program stands directly below this process.
fn has_below(pid: i32, all: &[Process], root: i32) -> bool {
    all.iter().any(|p| p.parent == pid && p.pid != root && (is_go(&p.name) || is_vcs(&p.name)))
}

fn is_go(name: &str) -> bool {
    name == "go" || name.starts_with("go1.")
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "dash" | "bash" | "ash" | "busybox" | "zsh" | "ksh")
}

/// Whether a program's name (of which the kernel keeps 15 bytes) is that of a version control
/// program or of its transport. Credential helpers may wait for a human being and are none.
pub(super) fn is_vcs(name: &str) -> bool {
    let helper = name.starts_with("git-credential") || name.starts_with("git-askpass");
    matches!(name, "git" | "ssh" | "hg" | "svn" | "bzr" | "brz" | "fossil")
        || (name.starts_with("git-") && !helper)
}

#[cfg(test)]
#[path = "../../tests/inside/child/stall.rs"]
mod tests;
