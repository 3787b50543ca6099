//! The fill: fetches what go.sum proves before and beside go, over many streams, and places it in the
//! module cache; go finds it there.
//!
//! go is bound by round trips (its loops over the network are as wide as GOMAXPROCS, one of them is
//! serial) and by its own hands (it inflates each zip two or three times). The fill asks for the very
//! same files at once, inflates each zip once while it hashes and unpacks it, and places what has
//! go.sum's hash. What nothing proves (`.info`), and each `.mod`, is kept in memory for go, which asks the
//! relay for it. Whatever the fill cannot do is simply still missing when go asks.
//!
//! `plan` says what go will ask for, `mains` whose packages they are, `needs` follows their imports into each module as
//! it arrives; [`crate::module_cache`] places.

pub(crate) mod mains;
pub(crate) mod needs;
pub(crate) mod plan;
#[cfg(test)]
#[path = "../../tests/inside/fill/mod.rs"]
mod tests;

use crate::fetch::question::{File, Kind, Question};
use crate::fetch::spool::{Contents, Reader};
use crate::fetch::{Answer, Engine, Fetcher, Inspect};
use crate::formats::escape;
use crate::formats::go_mod::{GoMod, ModuleVersion, Role};
use crate::formats::go_sum::GoSum;
use crate::formats::zip::Manifest;
use crate::module_cache::{Cache, Obstacle, Order, Packed, Placing};
use needs::Walk;
use plan::Plan;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

/// Small files that are asked for at a time, and ...
const SMALL: usize = 40;

/// ... zips, in go's order: so many that go, which takes as many as it has cores, never comes to one
/// whose lock the fill does not hold yet; each takes a lock and a file.
const ZIPS: usize = 24;

/// Files at a time where the first upstream speaks HTTP/1.1: who is asked is decided when the turn comes, and
/// what is learned of a silent one by then counts.
const NARROW: usize = 6;

/// How long the end of a run waits for what is being unpacked to be cleared away. What stays then is what a
/// go that was killed leaves, too: a folder beside its `.partial`.
const CLEARING: Duration = Duration::from_secs(2);

/// How often is looked whether it has been.
const LOOK: Duration = Duration::from_millis(2);

/// How soon is looked whether go has placed what it came to first, and how often at the least.
const GOS_TURN: std::ops::Range<Duration> = Duration::from_millis(5)..Duration::from_millis(100);

/// Modules that are named where they were left to go.
const NAMED: usize = 5;

/// What a fill works with.
pub(crate) struct Means {
    /// Gets the files.
    pub(crate) fetcher: Arc<Fetcher>,
    /// Takes them.
    pub(crate) cache: Cache,
    /// What they must be.
    pub(crate) sums: Arc<GoSum>,
    /// Folders of the cache keep their write bits (`-modcacherw`).
    pub(crate) writable: bool,
    /// Zips are placed; else they are left to go.
    pub(crate) places: bool,
    /// go asks for the `.info` of what is placed.
    pub(crate) infos: bool,
    /// Zips at a time, at most; bounded by the descriptors that there are.
    pub(crate) room: usize,
}

/// A fill at work. Dropping it ends the work.
pub(crate) struct Fill {
    order: Arc<Order>,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
}

impl fmt::Debug for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill").finish_non_exhaustive()
    }
}

/// What came of it so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Module versions that were planned for.
    known: AtomicU64,
    /// Those of them that are here.
    done: AtomicU64,
    /// Module versions that were placed.
    filled: AtomicU64,
    /// Why no more can be placed.
    obstacle: Mutex<Option<String>>,
    /// What else is left to go, as far as there is room.
    unusual: Mutex<Vec<String>>,
}

impl Counts {
    /// Module versions that are here, and how many there will be.
    pub(crate) fn course(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.known.load(Ordering::Relaxed))
    }

    fn one_more(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn obstacle(&self) -> Option<String> {
        self.obstacle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn stop_for(&self, why: String) {
        self.obstacle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(why);
    }

    fn leave(&self, why: String) {
        let mut unusual = self.unusual.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if unusual.len() < NAMED {
            unusual.push(why);
        }
    }
}

impl Fill {
    /// Begins to fetch and place what `plan` holds, and what `walk` finds on its way; `needed` are the modules whose
    /// `.mod` is known to be needed. The work is done on the thread of `engine`, and beside it.
    pub(crate) fn start(
        engine: &Engine,
        means: Means,
        plan: Plan,
        needed: Vec<ModuleVersion>,
        walk: Option<Walk>,
    ) -> Fill {
        let order = Arc::new(Order { writable: means.writable, ..Order::default() });
        let counts = Arc::<Counts>::default();
        if means.places {
            counts.known.store(plan.modules.len().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let (stop, stopped) = oneshot::channel();
        let work = Arc::new(Work {
            small: Semaphore::new(SMALL),
            zips: Semaphore::new(ZIPS.min(means.room).max(1)),
            all: Arc::new(Semaphore::new(if means.fetcher.begins_plainly() { NARROW } else { SMALL + ZIPS })),
            order: order.clone(),
            counts: counts.clone(),
            means,
        });
        engine.spawn(async move {
            tokio::select! {
                // Told to, or dropped.
                _ = stopped => {}
                () = Way { work: work.clone(), plan, tasks: JoinSet::new() }.all(needed, walk) => {}
                () = widen(&work) => {}
            }
        });
        Fill { order, counts, stop: Some(stop) }
    }

    /// What came of it so far, for those who look on.
    pub(crate) fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Module versions that were placed.
    pub(crate) fn filled(&self) -> u64 {
        self.counts.filled.load(Ordering::Relaxed)
    }

    /// What was left to go, and why: the whole cache, or the modules that are named.
    pub(crate) fn left_to_go(&self) -> Vec<String> {
        let unusual = self.counts.unusual.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.counts.obstacle().map_or_else(|| unusual.clone(), |why| vec![format!("the module cache: {why}")])
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        self.order.stop.store(true, Ordering::Relaxed);
        drop(self.stop.take());
        let start = Instant::now();
        // Each module that is being placed holds the order.
        while Arc::strong_count(&self.order) > 1 && start.elapsed() < CLEARING {
            std::thread::sleep(LOOK);
        }
    }
}

/// What all tasks share.
struct Work {
    means: Means,
    order: Arc<Order>,
    counts: Arc<Counts>,
    small: Semaphore,
    zips: Semaphore,
    /// For small files and zips together.
    all: Arc<Semaphore>,
}

async fn widen(work: &Work) {
    work.means.fetcher.widen().await;
    std::future::pending().await
}

/// What a task came to.
enum Came {
    /// A `.mod`.
    Mod(ModuleVersion, Box<GoMod>),
    /// A module of this path, where its files can be read.
    Module(String, Option<PathBuf>),
    /// The walk went as far as it could, and found these missing.
    Walked(Box<Walk>, Vec<ModuleVersion>),
    /// Nothing that leads further.
    Done,
}

/// The way of a fill: each file that comes may lead to others.
struct Way {
    work: Arc<Work>,
    plan: Plan,
    tasks: JoinSet<Came>,
}

impl Way {
    async fn all(mut self, needed: Vec<ModuleVersion>, walk: Option<Walk>) {
        for module in needed {
            self.tasks.spawn(go_mod(self.work.clone(), module));
        }
        for module in self.plan.modules.clone() {
            self.tasks.spawn(info(self.work.clone(), module));
        }
        if self.work.means.places {
            for module in self.plan.modules.clone() {
                self.tasks.spawn(zip(self.work.clone(), module));
            }
        }
        let mut here: Vec<(String, Option<PathBuf>)> = Vec::new();
        let mut waits = None;
        if let Some(walk) = walk {
            self.go_on(Box::new(walk), vec![]);
        }
        while let Some(done) = self.tasks.join_next().await {
            match done.unwrap_or(Came::Done) {
                Came::Mod(module, go_mod_file) => {
                    for module in self.plan.arrived(&module, &go_mod_file) {
                        self.tasks.spawn(go_mod(self.work.clone(), module));
                    }
                }
                Came::Module(path, folder) => here.push((path, folder)),
                Came::Walked(walk, missing) => {
                    here.extend(missing.iter().filter_map(|module| self.fetch(module)));
                    waits = Some(walk);
                }
                Came::Done => {}
            }
            if let Some(walk) = waits.take_if(|_| !here.is_empty()) {
                self.go_on(walk, std::mem::take(&mut here));
            }
        }
    }

    /// Reads on in what has come.
    fn go_on(&mut self, mut walk: Box<Walk>, here: Vec<(String, Option<PathBuf>)>) {
        self.tasks.spawn_blocking(move || {
            for (path, folder) in here {
                walk.arrived(&path, folder);
            }
            let missing = walk.follow();
            Came::Walked(walk, missing)
        });
    }

    /// Fetches a listed module that is needed; one that is left to go will not come.
    fn fetch(&mut self, listed: &ModuleVersion) -> Option<(String, Option<PathBuf>)> {
        let Some(module) = self.plan.admit(listed, &self.work.means.sums) else {
            return Some((listed.path.clone(), None));
        };
        let work = &self.work;
        self.tasks.spawn(go_mod(work.clone(), module.clone()));
        if work.means.infos {
            self.tasks.spawn(info(work.clone(), module.clone()));
        }
        if work.means.places {
            work.counts.known.fetch_add(1, Ordering::Relaxed);
        }
        self.tasks.spawn(placed(work.clone(), listed.path.clone(), module));
        None
    }
}

/// Fetches and places a module, or waits until go has; its files can be read then.
async fn placed(work: Arc<Work>, path: String, module: ModuleVersion) -> Came {
    if work.means.places {
        zip(work.clone(), module.clone()).await;
    }
    let mut pause = GOS_TURN.start;
    loop {
        let look = {
            let (work, module) = (work.clone(), module.clone());
            move || work.means.cache.source(&module.path, &module.version)
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(Some(folder)) => return Came::Module(path, Some(folder)),
            // It ends with the fill.
            Ok(None) => tokio::time::sleep(pause).await,
            Err(_) => return Came::Done,
        }
        pause = (pause * 3 / 2).min(GOS_TURN.end);
    }
}

/// The question for a file of a module version.
fn question(module: &ModuleVersion, kind: Kind, suffix: &str) -> Option<Question> {
    let ModuleVersion { path, version } = module;
    let file = File::Module { module: path.clone(), version: version.clone(), kind };
    let path = format!("{}/@v/{}.{suffix}", escape::path(path)?, escape::version(version)?);
    // Of all that a module's path may hold `url.PathEscape` escapes this alone.
    Some(Question { file, path: path.replace('!', "%21") })
}

async fn go_mod(work: Arc<Work>, module: ModuleVersion) -> Came {
    if let Some(text) = work.means.cache.go_mod(&module.path, &module.version) {
        return Came::Mod(module, Box::new(GoMod::parse(text, Role::Dependency)));
    }
    let Some(question) = question(&module, Kind::Mod, "mod") else { return Came::Done };
    let _turn = (work.small.acquire().await, work.all.acquire().await);
    let mut read = None;
    let uses = |answer: Answer| {
        if let Answer::Found { body, .. } = &answer {
            read = body.read_all().ok().map(|text| GoMod::parse(text, Role::Dependency));
        }
        std::future::ready(Some(answer))
    };
    work.means.fetcher.get_ahead(question, None, &work.all, uses).await;
    read.map_or(Came::Done, |text| Came::Mod(module, Box::new(text)))
}

async fn info(work: Arc<Work>, module: ModuleVersion) -> Came {
    if !work.means.cache.has_info(&module.path, &module.version)
        && let Some(question) = question(&module, Kind::Info, "info")
    {
        let _turn = (work.small.acquire().await, work.all.acquire().await);
        work.means
            .fetcher
            .get_ahead(question, None, &work.all, |answer| std::future::ready(Some(answer)))
            .await;
    }
    Came::Done
}

async fn zip(work: Arc<Work>, module: ModuleVersion) -> Came {
    let _turn = work.zips.acquire().await;
    if work.counts.obstacle().is_some() {
        return Came::Done;
    }
    let begin = {
        let (work, module) = (work.clone(), module.clone());
        move || {
            let wanted = work.means.sums.lookup(&module.path, &module.version, false);
            work.means.cache.begin_placing(&module.path, &module.version, wanted, &work.order)
        }
    };
    let placing = match tokio::task::spawn_blocking(begin).await.unwrap_or_else(|e| Err(io::Error::other(e)))
    {
        Ok(Some(placing)) => Arc::new(placing),
        Ok(None) => {
            // It is there already, or somebody else is at it.
            work.counts.one_more();
            return Came::Done;
        }
        Err(error) => {
            work.counts.stop_for(error.to_string());
            return Came::Done;
        }
    };
    let Some(question) = question(&module, Kind::Zip, "zip") else { return Came::Done };
    let _among_all = work.all.acquire().await;
    let inspect: Arc<dyn Inspect> = Arc::new(Unpacking(placing.clone()));
    let uses = async |answer: Answer| {
        let found = matches!(answer, Answer::Found { .. });
        let left = match answer {
            Answer::Found { body, .. } if placing.is_proven() => {
                let placing = placing.clone();
                let finish = move || {
                    let zip = match body.into_bytes()? {
                        Contents::Memory(bytes) => Packed::Bytes(bytes),
                        Contents::File { file, .. } => Packed::File(file),
                    };
                    placing.finish(zip)
                };
                match tokio::task::spawn_blocking(finish).await.unwrap_or_else(|e| Err(io::Error::other(e))) {
                    Ok(()) => drop(work.counts.filled.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => work.counts.stop_for(error.to_string()),
                }
                None
            }
            other => Some(other),
        };
        match placing.obstacle() {
            Some(Obstacle::Cache(why)) => work.counts.stop_for(why),
            Some(Obstacle::Zip(why)) => work.counts.leave(why),
            None => {}
        }
        if found {
            work.counts.one_more();
        }
        left
    };
    work.means.fetcher.get_ahead(question, Some(inspect), &work.all, uses).await;
    Came::Done
}

/// Unpacks a zip while it is checked.
#[derive(Debug)]
struct Unpacking(Arc<Placing>);

impl Inspect for Unpacking {
    fn inspect(&self, zip: Reader) -> Option<Manifest> {
        self.0.unpack(zip)
    }
}
