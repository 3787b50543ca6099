//! gox under attack: a hostile proxy, origin, database, repository, project, log line or neighbour, each time
//! beside plain go in the same situation: how it ended, what the cache holds, who heard which name, what was
//! printed, and with which settings go was run.

mod cache;
mod hearing;
mod statuses;
mod words;

use crate::harness::{Outcome, Project, WatchedGo};
use crate::lab::{Running, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The settings of the relay: an attack has to fail with all of them. In each run of the suite it meets one, the
/// next attack the next; all of them on demand.
fn relays(attack: usize) -> Vec<&'static str> {
    let all = ["auto", "always", "never"];
    if on_demand() { all.to_vec() } else { vec![all[attack % all.len()]] }
}

/// Whether every attack is made in every form.
fn on_demand() -> bool {
    std::env::var_os("GOX_TEST_ALL_ATTACKS").is_some()
}

/// Makes every attack, and fails with the names of those that succeeded.
#[track_caller]
fn each<A: Fn(&str)>(attacks: impl IntoIterator<Item = (String, A)>) {
    let mut successful = Vec::new();
    for (n, (name, attack)) in attacks.into_iter().enumerate() {
        for relay in relays(n) {
            let fails = || attack(relay);
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(fails)).is_err() {
                successful.push(format!("{name}, relay={relay}"));
            }
        }
    }
    assert!(successful.is_empty(), "attacks that succeed: {successful:#?}");
}

/// The bytes of every file below a folder, by path.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file of the test");
                files.insert(path, bytes);
            }
        }
    }
    files
}

/// Who was asked for what, less the requests that carry no module's name.
fn heard(lab: &Running) -> BTreeSet<String> {
    let name = |seen: &Seen| {
        let path = seen.path.as_str();
        let end = path.find("/@v/").or_else(|| path.find("/@latest"));
        let looked_up = path.split_once("lookup/").and_then(|(_, rest)| Some(rest.rsplit_once('@')?.0));
        let asked = seen.query.as_deref().is_some_and(|query| query.contains("go-get=1"));
        let git = path.strip_suffix("/info/refs");
        let name = end.map(|end| &path[..end]).or(looked_up).or(git).or(asked.then_some(path))?;
        Some(format!("{:?} {name}", seen.place))
    };
    lab.requests().iter().filter_map(name).collect()
}

/// One run of plain go, and one of gox in the same surroundings.
struct Pair {
    plain: Outcome,
    heard_by_plain: BTreeSet<String>,
    plain_project: Project,
    ours: Outcome,
    heard_by_ours: BTreeSet<String>,
    our_project: Project,
    /// The module cache before gox ran.
    before: BTreeMap<PathBuf, Vec<u8>>,
    go: WatchedGo,
}

/// Runs both, each in a project of its own that `project` makes.
fn both(lab: &Running, relay: &str, args: &[&str], project: impl Fn() -> Project) -> Pair {
    let plain_project = project();
    lab.forget();
    let plain = plain_project.go(args).run();
    let heard_by_plain = heard(lab);
    let go = WatchedGo::new();
    let our_project = project().with_go(&go.path());
    let before = snapshot(&our_project.module_cache());
    lab.forget();
    let ours = our_project.gox(args).env("GOX_RELAY", relay).run();
    let heard_by_ours = heard(lab);
    Pair { plain, heard_by_plain, plain_project, ours, heard_by_ours, our_project, before, go }
}

impl Pair {
    /// The same end, and the same standard output.
    #[track_caller]
    fn ended_alike(&self) {
        assert_eq!(self.ours.status, self.plain.status, "{}\n{}", self.plain, self.ours);
        assert_eq!(self.ours.out(), self.plain.out(), "{}\n{}", self.plain, self.ours);
    }

    /// Nobody heard what plain go would not have told.
    #[track_caller]
    fn told_no_more(&self) {
        let more: Vec<_> = self.heard_by_ours.difference(&self.heard_by_plain).collect();
        assert!(more.is_empty(), "told by gox alone: {more:?}\n{}\n{}", self.plain, self.ours);
    }

    /// go was run with the user's own settings of trust, each time.
    #[track_caller]
    fn trusted_as_before(&self) {
        for run in self.go.runs() {
            for name in ["GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOFLAGS"] {
                let own = self.our_project.var(name).unwrap_or_default();
                assert_eq!(run.var(name), own, "{name} of {run:?}\n{}", self.ours);
            }
        }
    }

    /// What was in the module cache is there still, byte for byte.
    #[track_caller]
    fn kept_the_cache(&self) {
        let after = snapshot(&self.our_project.module_cache());
        for (path, bytes) in &self.before {
            assert!(after.get(path) == Some(bytes), "{} was changed\n{}", path.display(), self.ours);
        }
    }
}
