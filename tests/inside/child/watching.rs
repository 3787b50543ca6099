//! The stall watch on real processes.

use super::*;
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

fn stall_after(seconds: f64) -> Watch {
    Watch { stall: Some(Duration::from_secs_f64(seconds)), quiet: Duration::from_secs(3600) }
}

/// A copy of `sleep` under the name of another program.
fn named(dir: &std::path::Path, name: &str) -> String {
    let path = dir.join(name);
    std::fs::copy("/bin/sleep", &path).unwrap();
    path.display().to_string()
}

#[test]
#[cfg(target_os = "linux")]
fn a_go_that_does_not_move_is_ended_and_its_git_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        format!("{} 1000 & echo $$ $!; exec {} 1000", named(dir.path(), "git"), named(dir.path(), "go"));
    let outcome = run_quietly(&script, stall_after(1.5), &mut ());
    assert_eq!(outcome.ended, Ended::Stalled);
    let pids = numbers(&text(&outcome.stdout));
    assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_compiler_at_rest_is_no_stall() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("{} 4; exit 9", named(dir.path(), "compile"));
    assert_eq!(run_quietly(&script, stall_after(1.0), &mut ()).ended, Ended::Exited(9));
}

#[test]
#[cfg(target_os = "linux")]
fn a_trickle_is_no_stall() {
    // Two short-lived programs a second would be movement too, so the shell alone reads here.
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut drip = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("exec > {}; for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", fifo.display()),
        ])
        .spawn()
        .unwrap();
    let script = format!("while read x; do :; done < {}; exit 9", fifo.display());
    assert_eq!(run_quietly(&script, stall_after(2.0), &mut ()).ended, Ended::Exited(9));
    drip.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_wait_for_anothers_lock_is_no_stall() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v1.0.0.lock");
    let lock = File::create(&path).unwrap();
    lock.lock().unwrap();
    // The one that waits is called go, so that its name excuses nothing.
    let go = dir.path().join("go");
    let flock = std::process::Command::new("sh").args(["-c", "command -v flock"]).output().unwrap();
    std::fs::copy(String::from_utf8(flock.stdout).unwrap().trim(), &go).unwrap();
    let release = std::thread::spawn(move || {
        let begin = Instant::now();
        wait_until("some time has passed", || begin.elapsed() > Duration::from_secs(4));
        lock.unlock().unwrap();
    });
    let script = format!("exec {} {} true", go.display(), path.display());
    assert_eq!(run_quietly(&script, stall_after(1.0), &mut ()).ended, Ended::Exited(0));
    release.join().unwrap();
}

/// Says where to look, and counts how often it was asked.
struct Folders {
    growth: WatchedFolders,
    asked: Rc<Cell<u32>>,
}

impl Hooks for Folders {
    fn growth(&mut self) -> Option<Later<Option<WatchedFolders>>> {
        self.asked.set(self.asked.get() + 1);
        let growth = self.growth.clone();
        Some(Box::pin(async move { Some(growth) }))
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_clone_that_only_grows_is_no_stall_until_it_stops() {
    // What grew in fits and starts, since the disk was busy, proves nothing.
    let proved = (0..10).any(|_| grow_for_a_while() < Duration::from_millis(400));
    assert!(proved, "this machine's disk holds up whoever writes");
}

/// Tries it once; the longest time in which nothing grew, up to which nothing is proved.
#[cfg(target_os = "linux")]
fn grow_for_a_while() -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().join("mod/cache/vcs/0a/objects/pack");
    std::fs::create_dir_all(&pack).unwrap();
    let growth = WatchedFolders { modcache: dir.path().join("mod"), gocache: dir.path().join("build") };
    let asked = Rc::new(Cell::new(0));
    let script = format!("exec {} 1000", named(dir.path(), "git"));
    let grower = std::thread::spawn(move || {
        let mut file = File::create(pack.join("tmp_pack")).unwrap();
        let (begin, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
        wait_until("it has grown for a while", || {
            file.write_all(b"x").unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
            begin.elapsed() > Duration::from_secs(6)
        });
        (last, longest)
    });
    let watch = Watch { stall: Some(Duration::from_secs(2)), quiet: Duration::from_secs(1) };
    let outcome = run_quietly(&script, watch, &mut Folders { growth, asked: asked.clone() });
    let ended = Instant::now();
    let (last, longest) = grower.join().unwrap();
    assert_eq!(outcome.ended, Ended::Stalled);
    if longest < Duration::from_millis(400) {
        assert!(ended > last, "it was still growing");
        assert_eq!(asked.get(), 1);
    }
    longest
}

/// On a busy machine the first look that finds silence may come when the patience is over already: folders are
/// then asked for in that moment, and what they say is waited for.
#[test]
#[cfg(target_os = "linux")]
fn nobody_is_stalled_before_the_folders_were_looked_at() {
    use super::super::tree::Tree;
    use super::super::watching::{News, Watcher};
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let watch = Watch { stall: Some(Duration::from_millis(300)), quiet: Duration::from_millis(300) };
    let growth = WatchedFolders { modcache: "/nowhere".into(), gocache: "/nowhere".into() };
    let mut hooks = Folders { growth, asked: Rc::new(Cell::new(0)) };
    let (mut tree, mut watcher) = (Tree::new(pid, false), Watcher::new(watch, Instant::now(), pid));
    let late = || std::thread::sleep(Duration::from_millis(400));
    while hooks.asked.get() == 0 {
        late();
        assert!(!watcher.look(&mut tree, 0, &mut hooks), "the folders were only just asked for");
    }
    watcher.take(News::Folders(None));
    late();
    assert!(watcher.look(&mut tree, 0, &mut hooks), "there are none");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Counts questions, and ends the attempt at the last of them.
struct Questions {
    asked: Rc<Cell<u32>>,
    last: u32,
}

impl Hooks for Questions {
    fn on_quiet(&mut self) -> Option<Later<Option<String>>> {
        self.asked.set(self.asked.get() + 1);
        let reason = (self.asked.get() == self.last).then(|| "enough".to_owned());
        Some(Box::pin(async { reason }))
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_quiet_hook_is_asked_once_for_each_silence() {
    let asked = Rc::new(Cell::new(0));
    let watch = Watch { stall: None, quiet: Duration::from_secs(1) };
    run_quietly("sleep 0.1", watch, &mut Questions { asked: asked.clone(), last: 1 });
    assert_eq!(asked.get(), 0, "a short run costs nothing");
    let dir = tempfile::tempdir().unwrap();
    let git = named(dir.path(), "git");
    // However seldom a busy machine looks: the second silence lasts until it was asked about.
    let outcome =
        run_quietly(&format!("{git} 6; {git} 1000"), watch, &mut Questions { asked: asked.clone(), last: 2 });
    assert_eq!((asked.get(), outcome.ended), (2, Ended::Hook("enough".to_owned())));
    assert!(outcome.elapsed >= Duration::from_secs(6), "twice in one silence: {:?}", outcome.elapsed);
}
