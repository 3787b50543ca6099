//! The judge under a simulated clock. In these stories patience is the default 30 s and a sample
//! comes every half second, as in a real run.

use super::*;

const STALL: Duration = Duration::from_secs(30);
const GO: i32 = 10;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn process(pid: i32, name: &str) -> Process {
    Process {
        pid,
        start: 1000,
        parent: if pid == GO { 1 } else { GO },
        group: GO,
        session: 1,
        state: b'S',
        name: name.into(),
        ticks: 20,
        bytes: Some(30_000),
    }
}

fn go() -> Process {
    process(GO, "go")
}

/// What the world looks like at one moment of a story.
struct World {
    processes: Option<Vec<Process>>,
    relayed: u64,
    waits_for_lock: bool,
    folders: Option<u64>,
}

impl Default for World {
    fn default() -> World {
        World { processes: Some(vec![go()]), relayed: 0, waits_for_lock: false, folders: None }
    }
}

/// Tells a story to the judge for as long as `length`; the moment it finds go stalled, if ever.
fn stalled_at(length: Duration, stall: Duration, world: impl Fn(Duration) -> World) -> Option<Duration> {
    let mut judge = Judge::new(GO);
    let mut at = secs(1);
    while at <= length {
        let World { processes, relayed, waits_for_lock, folders } = world(at);
        judge.observe(Sample { at, processes, relayed }, || waits_for_lock);
        if let Some(fingerprint) = folders
            && judge.wants_growth(at, stall)
        {
            judge.observe_growth(at, fingerprint);
        }
        if judge.is_stalled(at, stall, folders.is_some()) {
            return Some(at);
        }
        at += Duration::from_millis(500);
    }
    None
}

fn world(processes: Vec<Process>) -> World {
    World { processes: Some(processes), ..World::default() }
}

/// Go with some bytes and ticks more than at the start.
fn go_after(bytes: u64, ticks: u64) -> Vec<Process> {
    vec![Process { bytes: Some(30_000 + bytes), ticks: 20 + ticks, ..go() }]
}

#[test]
fn a_silent_body_is_a_stall() {
    // Bytes flow for ten seconds, then nothing.
    let found = stalled_at(secs(100), STALL, |at| world(go_after(1000 * at.as_secs().min(10), 0)));
    assert_eq!(found, Some(secs(40)));
}

#[test]
fn silence_from_the_start_is_a_stall() {
    assert_eq!(stalled_at(secs(100), STALL, |_| World::default()), Some(secs(31)));
}

#[test]
fn an_idle_gos_own_noise_is_no_movement() {
    // As measured: a clock tick and three bytes each minute.
    let noise = |at: Duration| world(go_after(3 * (at.as_secs() / 60), at.as_secs() / 60));
    assert_eq!(stalled_at(secs(1000), secs(300), noise), Some(secs(301)));
    assert_eq!(stalled_at(secs(1000), STALL, noise), Some(secs(31)));
}

#[test]
fn a_first_byte_after_ninety_seconds_needs_only_patience() {
    let slow = |at: Duration| world(go_after(if at >= secs(90) { 500 } else { 0 }, 0));
    assert_eq!(stalled_at(secs(95), secs(300), slow), None);
    // Patience doubles from one attempt to the next: 30 and 60 are too short, 120 is enough.
    assert!(stalled_at(secs(95), secs(60), slow).is_some());
    assert_eq!(stalled_at(secs(95), secs(120), slow), None);
}

#[test]
fn one_byte_a_second_is_movement() {
    assert_eq!(stalled_at(secs(600), STALL, |at| world(go_after(at.as_secs(), 0))), None);
}

#[test]
fn a_sign_of_life_now_and_then_is_movement() {
    let ping = |at: Duration| world(go_after(39 * (at.as_secs() / 20), 0));
    assert_eq!(stalled_at(secs(600), STALL, ping), None);
}

#[test]
fn a_cgo_step_of_ninety_seconds_is_none() {
    // cgo waits for cc1, which is swapped out and uses no processor time at all.
    let story = |at: Duration| {
        let mut all = vec![go()];
        if at < secs(95) {
            let compiler = Process { parent: 11, ..process(12, "cc1") };
            all.extend([process(11, "cgo"), compiler]);
        }
        world(all)
    };
    assert_eq!(stalled_at(secs(120), STALL, story), None);
    for name in ["compile", "link", "gcc", "my-goauth", "git-credential-", "ssh-askpass", "sh"] {
        assert_eq!(stalled_at(secs(600), STALL, |_| world(vec![go(), process(11, name)])), None, "{name}");
    }
}

#[test]
fn a_build_step_inside_go_itself_is_none() {
    let busy = |at: Duration| world(go_after(0, u64::try_from(at.as_millis() / 200).unwrap()));
    assert_eq!(stalled_at(secs(120), STALL, busy), None);
}

#[test]
fn a_lock_wait_of_sixty_seconds_is_none() {
    let story = |at: Duration| World { waits_for_lock: at < secs(61), ..World::default() };
    assert_eq!(stalled_at(secs(90), STALL, story), None);
    assert_eq!(stalled_at(secs(200), STALL, story), Some(Duration::from_millis(90_500)));
}

#[test]
fn a_clone_that_only_grows_its_folder_is_none() {
    let cloning = || vec![go(), process(11, "git"), process(12, "git-remote-http")];
    let story = |at: Duration| World { folders: Some(at.as_secs()), ..world(cloning()) };
    assert_eq!(stalled_at(secs(600), STALL, story), None);
    // It pauses for twenty seconds at a time.
    let story = |at: Duration| World { folders: Some(at.as_secs() / 20), ..world(cloning()) };
    assert_eq!(stalled_at(secs(600), STALL, story), None);
}

#[test]
fn a_clone_that_does_not_even_grow_is_one() {
    for name in ["git", "git-remote-http", "ssh", "hg", "svn", "bzr", "fossil"] {
        let story = |_| World { folders: Some(7), ..world(vec![go(), process(11, name)]) };
        assert_eq!(stalled_at(secs(100), STALL, story), Some(secs(31)), "{name}");
    }
}

#[test]
fn growth_that_stops_ends_in_a_stall() {
    let story = |at: Duration| World { folders: Some(at.as_secs().min(50)), ..World::default() };
    let found = stalled_at(secs(600), STALL, story).unwrap();
    assert!(found >= secs(80) && found <= secs(86), "{found:?}");
}

#[test]
fn with_little_patience_growth_is_still_told_from_rest() {
    for stall in [secs(1), secs(2), secs(3)] {
        let growing = |at: Duration| World { folders: Some(at.as_secs()), ..World::default() };
        assert_eq!(stalled_at(secs(60), stall, growing), None, "{stall:?}");
        let at_rest = |_| World { folders: Some(1), ..World::default() };
        let found = stalled_at(secs(60), stall, at_rest).unwrap();
        assert!(found <= secs(3) + stall, "{found:?} for {stall:?}");
    }
}

#[test]
fn shells_between_go_and_git_are_transparent() {
    let ssh = Process { parent: 12, ..process(13, "ssh") };
    let shell = Process { parent: 11, ..process(12, "sh") };
    let story = |_| world(vec![go(), process(11, "git"), shell.clone(), ssh.clone()]);
    assert!(stalled_at(secs(100), STALL, story).is_some());
    // The user's go may be a script.
    let script = Process { name: "bash".into(), ..go() };
    let inner = Process { parent: 11, ..process(12, "go") };
    let story = |_| world(vec![script.clone(), process(11, "sh"), inner.clone()]);
    assert!(stalled_at(secs(100), STALL, story).is_some());
}

#[test]
fn what_git_left_behind_is_not_waited_for() {
    let orphan = Process { parent: 1, ..process(11, "git-credential-") };
    assert!(stalled_at(secs(100), STALL, |_| world(vec![go(), orphan.clone()])).is_some());
}

#[test]
fn a_stopped_or_traced_go_is_none() {
    for state in [b'T', b't'] {
        let story =
            |at: Duration| world(vec![Process { state: if at < secs(600) { state } else { b'S' }, ..go() }]);
        assert_eq!(stalled_at(secs(615), STALL, story), None);
        assert!(stalled_at(secs(650), STALL, story).is_some());
    }
}

#[test]
fn descendants_that_come_and_go_are_movement() {
    let story =
        |at: Duration| world(vec![go(), process(100 + i32::try_from(at.as_secs() / 25).unwrap(), "git")]);
    assert_eq!(stalled_at(secs(300), STALL, story), None);
    // The same number, another process.
    let reborn = |at: Duration| vec![go(), Process { start: at.as_secs() / 25, ..process(11, "git") }];
    assert_eq!(stalled_at(secs(300), STALL, |at| world(reborn(at))), None);
}

#[test]
fn words_of_gos_are_movement() {
    let story = |at: Duration| World { relayed: at.as_secs() / 25, ..World::default() };
    assert_eq!(stalled_at(secs(300), STALL, story), None);
}

#[test]
fn a_gap_between_samples_accuses_nobody() {
    let mut judge = Judge::new(GO);
    let sample = |at| Sample { at, processes: Some(vec![go()]), relayed: 0 };
    judge.observe(sample(secs(1)), || false);
    judge.observe(sample(secs(5)), || false);
    // gox was stopped with Ctrl-Z for an hour, together with go.
    judge.observe(sample(secs(3605)), || false);
    assert!(!judge.is_stalled(secs(3605), STALL, false));
    assert_eq!(judge.still_for(secs(3605)), Duration::ZERO);
}

#[test]
fn where_processes_cannot_be_seen_patience_is_ten_times_as_long() {
    let unseen = |_| World { processes: None, ..World::default() };
    assert_eq!(stalled_at(secs(1000), STALL, unseen), Some(secs(301)));
}

#[test]
fn quiet_is_told_apart_from_stalled() {
    let mut judge = Judge::new(GO);
    for half in 2..9 {
        let at = Duration::from_millis(500 * half);
        judge.observe(Sample { at, processes: Some(vec![go()]), relayed: 0 }, || false);
    }
    assert_eq!(judge.still_for(secs(4)), secs(3));
    assert!(!judge.is_stalled(secs(4), STALL, false));
}

#[test]
fn byte_counts_that_cannot_be_read_are_no_movement() {
    let story = |_| world(vec![go(), Process { bytes: None, ..process(11, "ssh") }]);
    assert!(stalled_at(secs(100), STALL, story).is_some());
}
