//! What the last runs learned of module proxies: which failed, which worked, and when.
//!
//! One small JSON file in the state folder. It is a hint and nothing more: missing, corrupt or
//! unwritable means empty. Written under a lock and renamed into place, so that many gox at once
//! neither tear it nor lose each other's news. Keys are entries without their secrets, with port
//! and path: two proxies on one host are two. What a newer gox wrote in another shape is left alone,
//! and a time that has not come yet (a clock was ahead once) is forgotten.

use super::folder;
use crate::formats::authority;
use crate::formats::goproxy::{Entry, List};
use crate::judgement::table::row;
use crate::machine::bounded::{self, MOST_OF_OWN};
use crate::machine::file_lock::Lock;
use crate::vocabulary::{Cause, Detail, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a proxy that could not be talked to at all is passed over by later runs. About as long
/// as a run's own recovery budget: long enough to spare the next commands of a build, short enough
/// to notice that a network came back.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(5 * 60);

/// How long an upstream that gox cannot talk to as go may is left to go without another try.
pub(crate) const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after a run waited in vain for an upstream later ones do not wait as long for the same.
pub(crate) const USED_UP: Duration = Duration::from_secs(15 * 60);

/// How long after a network fault the relay serves from the first attempt on.
pub(crate) const BAD_NETWORK: Duration = Duration::from_secs(15 * 60);

/// How long a name that served is taken for one that exists, when it does not resolve: a VPN that is away.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How often it is written down that all is well with an upstream.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const FILE: &str = "health.json";
const LOCK: &str = "health.lock";
/// A gox that ends waits no longer than this for others that write: each takes milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// Entries kept at most; the oldest go first.
const KEPT: usize = 64;
/// The shape of the file that is understood here.
const SCHEMA: u64 = 1;

/// What is known of one upstream. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upstream {
    /// Last failure.
    #[serde(default)]
    pub(crate) failed: u64,
    /// Last success.
    #[serde(default)]
    pub(crate) worked: u64,
    /// The last failure meant that it could not be talked to at all.
    #[serde(default)]
    pub(crate) dead: bool,
    /// When a run last used up its budget waiting for it.
    #[serde(default)]
    pub(crate) used_up: u64,
    /// When it was found that gox cannot talk to it as go may, ...
    #[serde(default)]
    pub(crate) left: u64,
    /// ... by which gox: another may.
    #[serde(default)]
    pub(crate) left_by: String,
}

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// By entry, secrets removed.
    #[serde(default)]
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    /// When a network fault was last seen.
    #[serde(default)]
    pub(crate) network_failed: u64,
}

/// What is read of the file before anything else.
#[derive(Default, Deserialize)]
struct Stored {
    #[serde(default)]
    schema: u64,
}

/// The file as it is written.
#[derive(Serialize)]
struct Written<'a> {
    schema: u64,
    #[serde(flatten)]
    health: &'a Health,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

impl Health {
    /// Reads the file below `dir`; empty where it is missing, makes no sense or is a newer gox's.
    pub(crate) fn load(dir: &Path) -> Health {
        Health::read(dir).unwrap_or_default()
    }

    /// The same; `None` where the file is a newer gox's.
    fn read(dir: &Path) -> Option<Health> {
        let bytes = bounded::read(&dir.join(FILE), MOST_OF_OWN).unwrap_or_default();
        let stored: Stored = serde_json::from_slice(&bytes).unwrap_or_default();
        if stored.schema > SCHEMA {
            return None;
        }
        let mut health: Health = serde_json::from_slice(&bytes).unwrap_or_default();
        health.forget_after(now());
        Some(health)
    }

    /// Forgets times that lie after `at`. Kept, they would be the latest word until they come.
    fn forget_after(&mut self, at: u64) {
        let past = |then: &mut u64| *then = if *then > at { 0 } else { *then };
        past(&mut self.network_failed);
        for upstream in self.upstreams.values_mut() {
            past(&mut upstream.failed);
            past(&mut upstream.worked);
            past(&mut upstream.used_up);
            past(&mut upstream.left);
        }
        self.upstreams.retain(|_, u| u.latest() > 0);
    }

    /// True where nothing is known that could change a first attempt.
    pub(crate) fn is_quiet(&self, at: u64) -> bool {
        !self.bad_lately(at) && self.upstreams.values().all(|u| !u.rests(at))
    }

    /// Those of `entries` that could not be talked to a short while ago and have not worked since.
    pub(crate) fn resting(&self, entries: &[Entry], at: u64) -> Vec<Entry> {
        entries
            .iter()
            .filter(|e| self.upstreams.get(&e.shown()).is_some_and(|u| u.rests(at)))
            .cloned()
            .collect()
    }

    /// Those of `entries` that this gox could not talk to as go may.
    pub(crate) fn left_to_go(&self, entries: &[Entry], at: u64) -> Vec<Entry> {
        let is_left = |u: &Upstream| u.left_by == env!("CARGO_PKG_VERSION") && within(u.left, at, LEFT);
        entries.iter().filter(|e| self.upstreams.get(&e.shown()).is_some_and(is_left)).cloned().collect()
    }

    /// Notes that gox cannot talk to an entry as go may. It says nothing of the network.
    pub(crate) fn note_left(&mut self, entry: &Entry, at: u64) {
        let upstream = self.upstreams.entry(entry.shown()).or_default();
        (upstream.left, upstream.left_by) = (at, env!("CARGO_PKG_VERSION").into());
    }

    /// Whether a run waited in vain, as long as its budget allowed, for one of `entries` that has not worked since.
    pub(crate) fn waited_in_vain(&self, entries: &[Entry], at: u64) -> bool {
        let in_vain = |u: &Upstream| u.used_up > u.worked && within(u.used_up, at, USED_UP);
        entries.iter().any(|e| self.upstreams.get(&e.shown()).is_some_and(in_vain))
    }

    /// Notes that a run used up its budget waiting for an entry.
    pub(crate) fn note_used_up(&mut self, entry: &Entry, at: u64) {
        if entry.is_network_proxy() {
            self.upstreams.entry(entry.shown()).or_default().used_up = at;
        }
    }

    /// A network fault was seen not long ago.
    pub(crate) fn bad_lately(&self, at: u64) -> bool {
        within(self.network_failed, at, BAD_NETWORK)
    }

    /// Notes a failure of an entry.
    pub(crate) fn note_failure(&mut self, entry: &Entry, cause: Cause, at: u64) {
        self.network_failed = self.network_failed.max(at);
        if entry.is_network_proxy() {
            let upstream = self.upstreams.entry(entry.shown()).or_default();
            upstream.failed = at;
            upstream.dead = row(cause, Some(Source::Proxy), Detail::Plain).is_remembered();
        }
    }

    /// Notes that an entry served.
    pub(crate) fn note_success(&mut self, entry: &Entry, at: u64) {
        if entry.is_network_proxy() {
            let upstream = self.upstreams.entry(entry.shown()).or_default();
            upstream.worked = at;
            upstream.dead = false;
        }
    }

    /// The names that served within [`REMEMBERED`].
    pub(crate) fn names_that_worked(&self, at: u64) -> impl Iterator<Item = String> {
        let worked = self.upstreams.iter().filter(move |(_, u)| within(u.worked, at, REMEMBERED));
        let hosts = worked.flat_map(|(key, _)| List::parse(key).entries).filter_map(|entry| entry.host());
        hosts.map(|host| authority::name(&host).to_owned())
    }

    /// Whether one of them served for which `known` has no such word of the last [`DAY`].
    pub(crate) fn has_new_ones(&self, known: &Health, at: u64) -> bool {
        let is_new = |key: &String| !known.upstreams.get(key).is_some_and(|u| within(u.worked, at, DAY));
        self.upstreams.iter().any(|(key, u)| u.worked > 0 && is_new(key))
    }

    /// Takes over what `other` knows better: the later word on each upstream.
    pub(crate) fn merge(&mut self, other: &Health) {
        self.network_failed = self.network_failed.max(other.network_failed);
        for (key, theirs) in &other.upstreams {
            let ours = self.upstreams.entry(key.clone()).or_default();
            if theirs.failed.max(theirs.worked) >= ours.failed.max(ours.worked) {
                ours.dead = theirs.dead;
            }
            if theirs.left >= ours.left {
                (ours.left, ours.left_by) = (theirs.left, theirs.left_by.clone());
            }
            ours.failed = ours.failed.max(theirs.failed);
            ours.worked = ours.worked.max(theirs.worked);
            ours.used_up = ours.used_up.max(theirs.used_up);
        }
        while self.upstreams.len() > KEPT {
            let Some(oldest) = self.upstreams.iter().min_by_key(|(_, u)| u.latest()).map(|(k, _)| k.clone())
            else {
                break;
            };
            self.upstreams.remove(&oldest);
        }
    }

    /// Merges these news into the file below `dir`.
    ///
    /// # Errors
    /// If the folder cannot be made or written, or a process that was stopped holds the lock;
    /// nothing is lost but the hint.
    pub(crate) fn save(&self, dir: &Path) -> io::Result<()> {
        folder::prepare(dir)?;
        let _lock = Lock::exclusive(&dir.join(LOCK), LOCK_PATIENCE)?;
        let Some(mut all) = Health::read(dir) else { return Ok(()) };
        all.merge(self);
        // Made for its owner alone (0600), and stays so under its final name.
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&serde_json::to_vec(&Written { schema: SCHEMA, health: &all })?)?;
        file.persist(dir.join(FILE)).map_err(|e| e.error)?;
        Ok(())
    }
}

impl Upstream {
    /// When anything was last heard of it.
    fn latest(&self) -> u64 {
        self.failed.max(self.worked).max(self.left).max(self.used_up)
    }

    fn rests(&self, at: u64) -> bool {
        self.dead && self.failed >= self.worked && within(self.failed, at, COOL_DOWN)
    }
}

/// A time in the future (a clock that was set back) counts as long ago.
fn within(then: u64, now: u64, span: Duration) -> bool {
    then > 0 && then <= now && now - then < span.as_secs()
}

/// The state folder: `GOX_STATE_DIR` (or the key), else `$XDG_STATE_HOME/gox`, else
/// `~/.local/state/gox`. `None` where no home is known.
pub(crate) fn state_dir(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(dir) = named {
        return Some(dir.to_path_buf());
    }
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("XDG_STATE_HOME")
        .filter(|p| p.is_absolute())
        .or_else(|| Some(var("HOME")?.join(".local/state")))
        .map(|d| d.join("gox"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_served_is_remembered_by_name_and_written_once_a_day() {
        let [x, y, direct] = &entries()[..] else { unreachable!() };
        let at = 10 * REMEMBERED.as_secs();
        let mut news = Health::default();
        assert!(!news.has_new_ones(&Health::default(), at));
        news.note_failure(y, Cause::Eof, at);
        news.note_success(direct, at);
        assert!(!news.has_new_ones(&Health::default(), at));
        news.note_success(x, at);
        assert!(news.has_new_ones(&Health::default(), at));
        assert!(!news.has_new_ones(&news, at + DAY.as_secs() - 1));
        assert!(news.has_new_ones(&news, at + DAY.as_secs()));
        let names = |at| news.names_that_worked(at).collect::<Vec<_>>();
        assert_eq!(names(at), ["a.example"]);
        assert!(names(at + REMEMBERED.as_secs()).is_empty());
    }

    fn entries() -> Vec<Entry> {
        List::parse("https://u:p@a.example/x,https://a.example/y,direct").entries
    }

    #[test]
    fn a_dead_upstream_rests_until_it_works_or_time_passes() {
        let [x, y, _] = &entries()[..] else { unreachable!() };
        let mut h = Health::default();
        h.note_failure(x, Cause::ConnRefused, 1000);
        h.note_failure(y, Cause::Eof, 1000);
        assert_eq!(
            h.resting(&entries(), 1001),
            std::slice::from_ref(x),
            "eof is no reason to rest, and paths tell hosts apart"
        );
        assert!(h.resting(&entries(), 1000 + COOL_DOWN.as_secs()).is_empty());
        assert!(h.resting(&entries(), 5).is_empty(), "the clock was set back");
        h.note_success(x, 1002);
        assert!(h.resting(&entries(), 1003).is_empty());
        assert!(h.bad_lately(1003) && !h.bad_lately(1000 + BAD_NETWORK.as_secs()));
    }

    #[test]
    fn a_budget_that_was_used_up_is_remembered_until_the_host_works_or_time_passes() {
        let [x, y, direct] = &entries()[..] else { unreachable!() };
        let mut h = Health::default();
        h.note_failure(x, Cause::ConnRefused, 1000);
        assert!(!h.waited_in_vain(&entries(), 1001), "a fault is no wait");
        h.note_used_up(x, 1000);
        h.note_used_up(direct, 1000);
        assert!(h.waited_in_vain(std::slice::from_ref(x), 1000 + USED_UP.as_secs() - 1));
        assert!(!h.waited_in_vain(std::slice::from_ref(x), 1000 + USED_UP.as_secs()));
        assert!(!h.waited_in_vain(std::slice::from_ref(y), 1001), "another path is another upstream");
        assert!(!h.waited_in_vain(std::slice::from_ref(direct), 1001), "the origins are many hosts");
        let mut later = Health::default();
        later.note_success(x, 1002);
        h.merge(&later);
        assert!(!h.waited_in_vain(&entries(), 1003));
    }

    #[test]
    fn the_file_holds_no_secret_and_news_of_many_are_merged() {
        let dir = tempfile::tempdir().unwrap();
        let all = entries();
        std::thread::scope(|scope| {
            for n in 0..32u64 {
                let all = &all;
                let dir = dir.path();
                scope.spawn(move || {
                    let mut h = Health::default();
                    h.note_failure(&all[(n % 2) as usize], Cause::Dns, 1000 + n);
                    h.save(dir).unwrap();
                });
            }
        });
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains("u:p"));
        let h = Health::load(dir.path());
        assert_eq!(h.upstreams.len(), 2);
        assert_eq!(h.network_failed, 1031);
        let held = Lock::exclusive(&dir.path().join(LOCK), Duration::ZERO).unwrap();
        assert_eq!(h.save(dir.path()).unwrap_err().kind(), io::ErrorKind::TimedOut, "no wait without end");
        drop(held);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(dir.path().join(FILE), b"\0rubbish").unwrap();
        assert_eq!(Health::load(dir.path()), Health::default());
        h.save(dir.path()).unwrap();
        assert_eq!(Health::load(dir.path()), h);
    }

    #[test]
    fn a_clock_that_was_ahead_does_no_harm_once_it_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let [x, y, _] = &entries()[..] else { unreachable!() };
        let mut ahead = Health::default();
        ahead.note_failure(x, Cause::ConnRefused, now() + 1_000_000);
        ahead.note_failure(y, Cause::ConnRefused, now() + 1_000_000);
        ahead.save(dir.path()).unwrap();
        let mut right = Health::default();
        right.note_failure(x, Cause::ConnRefused, now());
        right.save(dir.path()).unwrap();
        let known = Health::load(dir.path());
        assert_eq!(known.resting(&entries(), now()), std::slice::from_ref(x));
        assert!(known.bad_lately(now()));
    }

    #[test]
    fn what_a_newer_gox_wrote_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let newer = br#"{"schema":2,"upstreams":["another shape"]}"#;
        std::fs::write(dir.path().join(FILE), newer).unwrap();
        let mut h = Health::default();
        h.note_failure(&entries()[0], Cause::Dns, 1000);
        h.save(dir.path()).unwrap();
        assert_eq!(Health::load(dir.path()), Health::default());
        assert_eq!(std::fs::read(dir.path().join(FILE)).unwrap(), newer);
    }
}
