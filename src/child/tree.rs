//! go's descendants, found through Linux's `/proc` and remembered.
//!
//! A git child outlives a signal sent to go alone and is then init's child, so every descendant
//! ever seen is remembered, with its start time against the reuse of its number. Processes that
//! left for a session of their own (go's telemetry sidecar, ssh's connection masters) have
//! detached themselves on purpose: they are neither watched nor ended.

use crate::machine::find_go::Nesting;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;

/// One process as `/proc/PID/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: i32,
    /// When it started, in clock ticks since boot: with `pid` it names one process for good.
    pub(super) start: u64,
    /// The number of its parent.
    pub(super) parent: i32,
    /// Its process group.
    pub(super) group: i32,
    /// Its session.
    pub(super) session: i32,
    /// The letter for its state: `T` is stopped, `t` is traced, `Z` has ended.
    pub(super) state: u8,
    /// The program's name, of which the kernel keeps 15 bytes.
    pub(super) name: String,
    /// Processor time it has used, in clock ticks (hundredths of a second).
    pub(super) ticks: u64,
    /// Bytes it has read and written so far, where the system tells.
    pub(super) bytes: Option<u64>,
}

/// go and what it started.
pub(super) struct Tree {
    root: i32,
    own_group: bool,
    session: Option<i32>,
    /// go's process group and start.
    begun: Option<(i32, u64)>,
    seen: HashMap<i32, u64>,
}

impl Tree {
    /// `root` is go's number; `own_group` says that it leads a process group.
    pub(super) fn new(root: i32, own_group: bool) -> Tree {
        Tree { root, own_group, session: None, begun: None, seen: HashMap::new() }
    }

    pub(super) fn root(&self) -> i32 {
        self.root
    }

    /// The living members among all processes, remembered from now on.
    ///
    /// go itself is one of them until it has ended; while nobody has waited for it its number
    /// cannot be anybody else's.
    pub(super) fn members(&mut self, all: &[Process]) -> Vec<Process> {
        if self.session.is_none()
            && let Some(root) = all.iter().find(|p| p.pid == self.root)
        {
            self.session = Some(root.session);
            self.begun = Some((root.group, root.start));
        }
        let inside = |p: &Process| {
            p.pid == self.root
                || self.seen.get(&p.pid) == Some(&p.start)
                || (self.own_group && p.group == self.root)
        };
        let mut found: HashSet<i32> = all.iter().filter(|p| inside(p)).map(|p| p.pid).collect();
        loop {
            let before = found.len();
            let heirs = all.iter().filter(|p| found.contains(&p.parent) && self.is_attached(p));
            let heirs: Vec<i32> = heirs.map(|p| p.pid).collect();
            found.extend(heirs);
            if found.len() == before {
                break;
            }
        }
        let living = |p: &&Process| found.contains(&p.pid) && p.state != b'Z' && p.state != b'X';
        let living: Vec<Process> =
            all.iter().filter(living).filter(|p| self.is_attached(p)).cloned().collect();
        self.seen = living.iter().map(|p| (p.pid, p.start)).collect();
        living
    }

    fn is_attached(&self, process: &Process) -> bool {
        process.pid == self.root || self.session.is_none_or(|session| process.session == session)
    }

    /// Processes that may be orphans of go's which nobody has seen yet (it lived shorter than the
    /// time between two looks): in go's group and younger than go.
    fn strangers<'a>(&self, all: &'a [Process]) -> impl Iterator<Item = &'a Process> {
        let (group, start) = self.begun.unzip();
        let known = |pid| pid == self.root || self.seen.contains_key(&pid);
        all.iter().filter(move |p| {
            Some(p.group) == group
                && Some(p.session) == self.session
                && Some(p.start) >= start
                && !known(p.pid)
        })
    }

    /// Those of them whose go was ours: what inherited our mark, from a parent that has ended.
    ///
    /// Who has taken an orphan in, a shell that is process 1 perhaps, does not bear the mark; and the children of
    /// gox are another go and its like.
    fn orphans<'a>(&self, all: &'a [Process], bears_our_mark: impl Fn(i32) -> bool) -> Vec<&'a Process> {
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let is_orphan = |p: &&Process| bears_our_mark(p.pid) && p.parent != me && !bears_our_mark(p.parent);
        self.strangers(all).filter(is_orphan).collect()
    }

    /// Looks for the living members; `None` where the system has no `/proc`.
    pub(super) fn look(&mut self) -> Option<Vec<Process>> {
        let all = self.candidates()?;
        let mut members = self.members(&all);
        let orphans: Vec<_> =
            self.orphans(&all, bears_our_mark).into_iter().map(|p| (p.pid, p.start)).collect();
        if !orphans.is_empty() {
            self.seen.extend(orphans);
            members = self.members(&all);
        }
        for member in &mut members {
            member.bytes = bytes_moved(member.pid);
        }
        Some(members)
    }

    /// All that can belong to go: `None` where the system has no `/proc`.
    ///
    /// To look at every process there is takes longer than gox takes for all else, on a machine with many.
    fn candidates(&self) -> Option<Vec<Process>> {
        let last = newest();
        let mut all = Vec::new();
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            if is_younger(pid, self.root, last) || self.seen.contains_key(&pid) {
                // One that ended meanwhile is no loss.
                all.extend(one_process(pid));
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// Whether a number can have been given out since `root` was, `last` being the newest.
///
/// Numbers are given out in rising order and begin anew at the top. Who got one in a whole round since then is missed
/// by this, unless he was seen earlier.
fn is_younger(pid: i32, root: i32, last: Option<i32>) -> bool {
    match last {
        Some(last) if last >= root => pid >= root,
        Some(last) => pid >= root || pid <= last,
        None => true,
    }
}

/// Whether a process has inherited the marker that this gox gave to its go. Others in go's group, of a gox beside
/// this one (`make -j`), are no business of ours.
fn bears_our_mark(pid: i32) -> bool {
    let name = format!("{}=", crate::machine::find_go::MARKER);
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|text| {
        let mut variables = text.split(|b| *b == 0);
        let mark = variables.find_map(|variable| variable.strip_prefix(name.as_bytes()));
        mark.and_then(|mark| std::str::from_utf8(mark).ok())
            .is_some_and(|mark| Nesting::supervisor(mark) == Some(std::process::id()))
    })
}

/// Whether the system shows which processes there are.
pub(super) fn can_see_processes() -> bool {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    one_process(me).is_some_and(|process| process.pid == me)
}

/// The number that the system gave out last.
fn newest() -> Option<i32> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().last()?.parse().ok()
}

/// One process by its number.
pub(super) fn one_process(pid: i32) -> Option<Process> {
    // One read gives the whole line: some fifty numbers of at most twenty digits.
    let mut line = [0; 2048];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse_stat(&line[..length])
}

/// Bytes read and written so far: on Linux this counts sockets and pipes too.
fn bytes_moved(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some(field("rchar:")?.wrapping_add(field("wchar:")?))
}

/// Reads one line of `/proc/PID/stat`. The name stands in parentheses and may itself contain
/// any byte, parentheses and newlines included: the last `)` ends it.
fn parse_stat(line: &[u8]) -> Option<Process> {
    let open = memchr::memchr(b'(', line)?;
    let close = memchr::memrchr(b')', line)?;
    let pid = std::str::from_utf8(&line[..open]).ok()?.trim().parse().ok()?;
    let name = String::from_utf8_lossy(line.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(&line[close + 1..]).ok()?;
    // The fields are numbered as in proc(5), where the state is the third.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |n: usize| fields.get(n - 3)?.parse::<i64>().ok();
    Some(Process {
        pid,
        start: number(22)?.cast_unsigned(),
        parent: i32::try_from(number(4)?).ok()?,
        group: i32::try_from(number(5)?).ok()?,
        session: i32::try_from(number(6)?).ok()?,
        state: *fields.first()?.as_bytes().first()?,
        name,
        ticks: number(14)?.cast_unsigned().wrapping_add(number(15)?.cast_unsigned()),
        bytes: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, group: i32) -> Process {
        Process {
            pid,
            start: 100 + u64::from(pid.cast_unsigned()),
            parent,
            group,
            session: 1,
            state: b'S',
            name: "git".into(),
            ticks: 0,
            bytes: None,
        }
    }

    fn pids(members: &[Process]) -> Vec<i32> {
        members.iter().map(|p| p.pid).collect()
    }

    #[test]
    fn a_name_may_hold_parentheses_and_newlines() {
        let line = b"42 (a) b\n(c) S 7 42 5 0 -1 4194304 1 2 3 4 11 22 0 0 20 0 1 0 987 1000 10 1";
        let parsed = parse_stat(line).unwrap();
        assert_eq!((parsed.pid, parsed.parent, parsed.group, parsed.session), (42, 7, 42, 5));
        assert_eq!(
            (parsed.name.as_str(), parsed.state, parsed.ticks, parsed.start),
            ("a) b\n(c", b'S', 33, 987)
        );
        assert_eq!(parse_stat(b"42 (cut"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn who_got_a_number_after_go_is_looked_at_and_nobody_else() {
        for (pid, last, looked_at) in [
            (500, Some(600), true),
            (550, Some(600), true),
            (499, Some(600), false),
            // The numbers have begun anew.
            (700, Some(20), true),
            (20, Some(20), true),
            (21, Some(20), false),
            (3, None, true),
        ] {
            assert_eq!(is_younger(pid, 500, last), looked_at, "{pid} {last:?}");
        }
    }

    #[test]
    fn a_look_sees_what_a_process_of_this_test_started() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut tree = Tree::new(pid, false);
        let all = tree.candidates().unwrap();
        assert!(all.iter().any(|p| p.pid == pid), "{all:?}");
        assert_eq!(tree.look().map(|members| pids(&members)), Some(vec![pid]));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn descendants_are_found_and_strangers_are_not() {
        let mut tree = Tree::new(10, false);
        let all =
            [process(9, 1, 9), process(10, 9, 9), process(11, 10, 9), process(12, 11, 9), process(13, 9, 9)];
        assert_eq!(pids(&tree.members(&all)), [10, 11, 12]);
    }

    #[test]
    fn an_orphan_is_remembered_and_its_later_children_with_it() {
        let mut tree = Tree::new(10, false);
        tree.members(&[process(10, 9, 9), process(11, 10, 9)]);
        assert_eq!(
            pids(&tree.members(&[process(11, 1, 9), process(14, 11, 9), process(15, 1, 9)])),
            [11, 14]
        );
    }

    #[test]
    fn a_reused_number_is_a_stranger() {
        let mut tree = Tree::new(10, false);
        tree.members(&[process(10, 9, 9), process(11, 10, 9)]);
        let reused = Process { start: 9999, ..process(11, 1, 9) };
        assert!(tree.members(&[reused]).is_empty());
    }

    #[test]
    fn an_orphan_never_seen_before_is_found_by_its_group() {
        let mut tree = Tree::new(10, true);
        assert_eq!(
            pids(&tree.members(&[process(10, 9, 10), process(11, 1, 10), process(12, 1, 9)])),
            [10, 11]
        );
    }

    #[test]
    fn an_orphan_in_the_terminals_group_is_told_from_others_by_the_mark() {
        let mut tree = Tree::new(10, false);
        let beside = process(13, 8, 9);
        let older = Process { start: 0, ..process(15, 1, 9) };
        let elsewhere = process(16, 1, 16);
        let detached = Process { session: 17, ..process(17, 1, 9) };
        let all = [process(10, 9, 9), process(14, 1, 9), beside, older, elsewhere, detached];
        assert_eq!(pids(&tree.members(&all)), [10]);
        let orphans = |marked: &[i32]| -> Vec<i32> {
            tree.orphans(&all, |pid| marked.contains(&pid)).iter().map(|p| p.pid).collect()
        };
        assert_eq!(orphans(&[14, 15, 16, 17]), [14]);
        assert_eq!(orphans(&[13, 14]), [14, 13]);
        assert_eq!(orphans(&[8, 13]), [0; 0], "its parent is one of ours, and lives");
        assert_eq!(orphans(&[]), [0; 0]);
    }

    #[test]
    fn a_child_of_gox_is_no_orphan() {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut tree = Tree::new(10, false);
        let all = [process(10, me, 9), process(11, me, 9)];
        tree.members(&all);
        assert!(tree.orphans(&all, |_| true).is_empty());
    }

    #[test]
    fn what_left_for_another_session_or_has_ended_is_no_member() {
        let mut tree = Tree::new(10, true);
        let daemon = Process { session: 11, ..process(11, 10, 11) };
        let ended = Process { state: b'Z', ..process(12, 10, 10) };
        let child_of_daemon = Process { session: 11, ..process(13, 11, 11) };
        assert_eq!(pids(&tree.members(&[process(10, 9, 10), daemon, ended, child_of_daemon])), [10]);
    }
}
