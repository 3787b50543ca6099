//! Whether go waits for a file lock that another process holds.
//!
//! A second go on the same module cache waits on flock without a word, sometimes for minutes;
//! it moves as soon as the holder is done, and the system frees the lock of a holder that dies.

/// Whether any of `members` waits for a lock whose holder is not one of them.
#[cfg(target_os = "linux")]
pub(super) fn waits_for_stranger(members: &[i32]) -> bool {
    let text = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let known = waits_in(&text, members);
    members.iter().any(|pid| match known.iter().find(|(waiter, _)| waiter == pid) {
        Some(_) => known.iter().any(|(waiter, stranger)| waiter == pid && *stranger),
        // The list leaves out locks held in another container, or on a file server.
        None => has_thread_in_flock(*pid),
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn waits_for_stranger(_: &[i32]) -> bool {
    false
}

/// Reads `/proc/locks`: each member that waits, and whether the holder is a stranger.
///
/// A waiting line bears the number of the lock it waits for and an arrow:
/// ```text
/// 1: FLOCK  ADVISORY  WRITE 8219 fe:00:10010629 0 EOF
/// 1: -> FLOCK  ADVISORY  WRITE 8220 fe:00:10010629 0 EOF
/// ```
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // only Linux has the file
fn waits_in(text: &str, members: &[i32]) -> Vec<(i32, bool)> {
    let mut holder: Option<(&str, Option<i32>)> = None;
    let mut waits = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().peekable();
        let Some(number) = words.next() else { continue };
        let waiting = words.next_if_eq(&"->").is_some();
        let pid = words.nth(3).and_then(|word| word.parse::<i32>().ok());
        if !waiting {
            holder = Some((number, pid));
        } else if let Some(waiter) = pid.filter(|pid| members.contains(pid)) {
            let held_by = holder.filter(|(held, _)| *held == number).and_then(|(_, pid)| pid);
            waits.push((waiter, held_by.is_none_or(|pid| !members.contains(&pid))));
        }
    }
    waits
}

/// Whether a thread of the process is inside the flock system call now.
#[cfg(target_os = "linux")]
fn has_thread_in_flock(pid: i32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().any(|thread| {
        // Closed to us by some systems' hardening; then only the list of locks speaks.
        let call = std::fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        call.split(' ').next().and_then(|n| n.parse::<libc::c_long>().ok()) == Some(libc::SYS_flock)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: FLOCK  ADVISORY  WRITE 100 fe:00:10010629 0 EOF
1: -> FLOCK  ADVISORY  WRITE 200 fe:00:10010629 0 EOF
1: -> FLOCK  ADVISORY  WRITE 201 fe:00:10010629 0 EOF
2: POSIX  ADVISORY  READ 300 fe:00:77 0 EOF
3: FLOCK  ADVISORY  WRITE 400 fe:00:78 0 EOF
3: -> FLOCK  ADVISORY  WRITE 401 fe:00:78 0 EOF
";

    #[test]
    fn a_wait_for_a_stranger_is_told_from_one_within_the_family() {
        assert_eq!(waits_in(LOCKS, &[200]), [(200, true)]);
        assert_eq!(waits_in(LOCKS, &[201, 300]), [(201, true)]);
        assert_eq!(waits_in(LOCKS, &[400, 401]), [(401, false)]);
    }

    #[test]
    fn holders_and_bystanders_do_not_wait() {
        assert!(waits_in(LOCKS, &[100, 300, 999]).is_empty());
        assert!(waits_in("", &[1]).is_empty());
        assert!(waits_in("nonsense\n-> \n1: ->\n", &[1]).is_empty());
    }
}
