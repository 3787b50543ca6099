//! What a [`Teller`] is told of the attempt, and asked.

use super::console::Console;
use std::time::{Duration, Instant};

/// Tells from time to time how far things have come; asked while go runs and while gox waits.
pub(crate) trait Teller {
    /// When it is to be asked next.
    fn due(&self) -> Instant;

    /// What is to be seen now.
    fn tell(&mut self, seen: Seen) -> Told;
}

/// What is known where the terminal and go are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Columns of the terminal; zero where it does not say.
    pub(crate) columns: usize,
    /// For how long nothing was written to stderr, go's words or gox's.
    pub(crate) silent: Duration,
    /// For how long go has not moved; `None` where none runs.
    pub(crate) still: Option<Duration>,
    /// Something runs below go, which may have to ask the person at the terminal.
    pub(crate) in_company: bool,
}

/// What is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// These lines below everything else, on a terminal; nothing where there are none.
    Block(Vec<String>),
    /// A line that stays.
    Line(String),
}

/// Asks a teller and shows what it says. `still` and `in_company` are asked only where it is due.
pub(super) fn tell(
    teller: &mut dyn Teller,
    console: &mut Console,
    still: Option<Duration>,
    in_company: impl FnOnce() -> bool,
) {
    if Instant::now() < teller.due() {
        return;
    }
    let (columns, _) = console.size();
    let seen = Seen { columns, silent: console.silent(), still, in_company: in_company() };
    match teller.tell(seen) {
        Told::Block(lines) => console.show(&lines),
        // A closed stderr is no reason to end.
        Told::Line(line) => drop(console.say(&line)),
    }
}

/// Whether go has children: git, ssh, a compiler.
#[cfg(target_os = "linux")]
pub(super) fn has_children(pid: rustix::process::Pid) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    tasks.into_iter().flatten().flatten().any(|task| {
        // A kernel that was built without it tells nothing.
        std::fs::read(task.path().join("children")).is_ok_and(|children| !children.is_empty())
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn has_children(_: rustix::process::Pid) -> bool {
    false
}
