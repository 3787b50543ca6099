//! A go that is ended by gox, and what it leaves behind.

use super::*;

/// Ends the attempt when the script has said that it is ready, by a `!` on stderr.
struct EndWhenReady {
    said: tokio::sync::watch::Sender<usize>,
    /// First waits for one `!` more and a sample, then makes this file.
    after_sample: Option<PathBuf>,
}

impl Hooks for EndWhenReady {
    fn stderr(&mut self, bytes: &[u8]) {
        self.said.send_modify(|said| *said += memchr::memchr_iter(b'!', bytes).count());
    }

    fn on_quiet(&mut self) -> Option<Later<Option<String>>> {
        let mut said = self.said.subscribe();
        let after_sample = self.after_sample.take();
        Some(Box::pin(async move {
            let mut wanted = 1;
            if let Some(file) = after_sample {
                wanted = 3;
                said.wait_for(|said| *said >= wanted).await.ok()?;
                // Longer than two samples are ever apart.
                tokio::time::sleep(Duration::from_millis(4500)).await;
                File::create(file).ok()?;
                wanted += 1;
            }
            said.wait_for(|said| *said >= wanted).await.ok()?;
            Some("enough".into())
        }))
    }
}

const IMPATIENT: Watch = Watch { stall: None, quiet: Duration::ZERO };

/// Runs a script until it writes `!` to stderr, then has it ended; what it wrote to stdout.
fn end_when_ready(script: &str, own_group: bool) -> (Outcome, Vec<i32>) {
    end_with(script, own_group, None)
}

fn end_with(script: &str, own_group: bool, after_sample: Option<PathBuf>) -> (Outcome, Vec<i32>) {
    let mut hooks = EndWhenReady { said: tokio::sync::watch::Sender::new(0), after_sample };
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), null(), own_group);
        let go = sh(script);
        supervisor.run(&go, StderrMode::Live, IMPATIENT, &mut hooks).await.unwrap()
    });
    let pids = numbers(&text(&outcome.stdout));
    (outcome, pids)
}

#[test]
fn go_is_ended_with_its_children_in_a_group_of_its_own() {
    let script = "sleep 1000 & echo $$ $!; echo ! >&2; wait";
    let (outcome, pids) = end_when_ready(script, true);
    assert_eq!(outcome.ended, Ended::Hook("enough".into()));
    assert_eq!(outcome.go, Status::Signaled(libc::SIGTERM));
    assert_eq!(pids.len(), 2);
    assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?}");
}

#[test]
fn who_ignores_the_polite_signal_is_killed() {
    let script = "trap '' TERM; sh -c 'while :; do sleep 1000; done' & echo $$ $!; echo ! >&2
        while :; do sleep 1000; done";
    let (outcome, pids) = end_when_ready(script, true);
    assert_eq!(outcome.ended, Ended::Hook("enough".into()));
    assert_eq!(outcome.go, Status::Signaled(libc::SIGKILL));
    assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?}");
}

/// Without a group: children, grandchildren, an orphan whose parent ended before, and a
/// descendant in another group; all told by `/proc`.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_descendants_are_found_and_strangers_spared() {
    let mut stranger = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = "sh -c 'sleep 1000 & echo $! $$; echo ! >&2; wait' & child=$!
        sh -c 'sleep 1000 & echo $!; echo ! >&2; until [ -e SEEN ]; do sleep 0.05; done' & parent=$!
        set -m; sleep 1000 & echo $!; set +m
        echo $$; echo ! >&2; wait $parent; echo ! >&2; wait $child";
    let script = script.replace("SEEN", &seen.display().to_string());
    let (outcome, pids) = end_with(&script, false, Some(seen));
    assert_eq!(outcome.ended, Ended::Hook("enough".into()));
    assert_eq!(pids.len(), 5);
    assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?}");
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn what_detached_itself_is_spared() {
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & echo $$; sleep 0.2; echo ! >&2; wait";
    let (outcome, mut pids) = end_when_ready(script, true);
    assert_eq!(outcome.ended, Ended::Hook("enough".into()));
    pids.retain(|pid| lives(*pid));
    assert_eq!(pids.len(), 1);
    kill(pids[0], libc::SIGKILL);
}

#[test]
fn a_go_killed_by_others_leaves_nobody_behind() {
    let script = "sh -c 'while :; do sleep 1000; done' & echo $!; kill -9 $$";
    let outcome = run_quietly(script, PATIENT, &mut ());
    assert_eq!(outcome.ended, Ended::Signaled(libc::SIGKILL));
    assert!(!lives(numbers(&text(&outcome.stdout))[0]));
}

/// A failed go (a checksum mismatch ends it at once) may leave git at work, which would hold the
/// repository's lock when the next attempt comes.
#[test]
#[cfg(target_os = "linux")]
fn a_failed_go_leaves_no_git_behind() {
    let dir = tempfile::tempdir().unwrap();
    let git = dir.path().join("git");
    std::fs::copy("/bin/sleep", &git).unwrap();
    // Until it has become git it bears the shell's name.
    let script = format!(
        "{} 1000 & echo $!; until grep -q git /proc/$!/comm; do :; done; sleep 1000 & echo $!; exit 1",
        git.display()
    );
    let outcome = run_quietly(&script, PATIENT, &mut ());
    let pids = numbers(&text(&outcome.stdout));
    assert_eq!(outcome.ended, Ended::Exited(1));
    assert_eq!((lives(pids[0]), lives(pids[1])), (false, true));
    kill(pids[1], libc::SIGKILL);
}

/// Has orphans begun beside go when it writes to stderr, one with the mark of each of these gox: git, whose parents
/// have ended before anybody could see them.
#[cfg(target_os = "linux")]
struct Orphans {
    git: PathBuf,
    of: Vec<u32>,
    pids: Vec<i32>,
}

#[cfg(target_os = "linux")]
impl Hooks for Orphans {
    fn stderr(&mut self, _: &[u8]) {
        for by in self.of.drain(..) {
            let script = format!("{0} 1000 >/dev/null 2>&1 & echo $!", self.git.display());
            let out = std::process::Command::new("/bin/sh")
                .args(["-c", &script])
                .env(crate::machine::find_go::MARKER, format!("supervised;1;by:{by}"))
                .output()
                .unwrap();
            let pid = numbers(&String::from_utf8(out.stdout).unwrap())[0];
            while super::tree::one_process(pid).unwrap().name != "git" {
                std::thread::yield_now();
            }
            self.pids.push(pid);
        }
        File::create(self.git.with_extension("there")).unwrap();
    }
}

/// Gits of other goes in go's group, of a gox beside this one (`make -j`), are not what go left behind.
#[test]
#[cfg(target_os = "linux")]
fn the_git_of_another_gox_is_spared() {
    let dir = tempfile::tempdir().unwrap();
    let git = dir.path().join("git");
    std::fs::copy("/bin/sleep", &git).unwrap();
    let there = git.with_extension("there");
    let script = format!("echo ! >&2; until [ -e {} ]; do sleep 0.02; done; exit 1", there.display());
    let mut orphans = Orphans { git, of: vec![std::process::id(), 1], pids: vec![] };
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), null(), false);
        supervisor.run(&sh(&script), StderrMode::Live, PATIENT, &mut orphans).await.unwrap()
    });
    assert_eq!(outcome.ended, Ended::Exited(1));
    let alive: Vec<bool> = orphans.pids.iter().map(|pid| lives(*pid)).collect();
    kill(orphans.pids[1], libc::SIGKILL);
    assert_eq!(alive, [false, true]);
}

#[test]
fn an_abandoned_attempt_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    on_runtime(async {
        let mut supervisor = supervisor(null(), null(), true);
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 1000", file.display());
        let mut there = tokio::time::interval(Duration::from_millis(5));
        tokio::select! {
            _ = attempt(&mut supervisor, &script) => panic!("it ended"),
            () = async { while !file.exists() { there.tick().await; } } => {}
        }
    });
    assert!(!lives(numbers(&std::fs::read_to_string(&file).unwrap())[0]));
}

#[test]
fn a_go_that_succeeds_in_spite_of_the_signal_has_succeeded() {
    let script = "trap 'exit 0' TERM; echo $$; echo ! >&2; while :; do sleep 0.02; done";
    let (outcome, _) = end_when_ready(script, true);
    assert_eq!(outcome.ended, Ended::Exited(0));
}
