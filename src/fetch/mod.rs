//! The fetcher: gets one file of one module version, please.
//!
//! An engine without a server in it. A `Question` names a file; the fetcher tries the user's
//! upstreams with Go's meaning of 404 and 410, repeats what fails on the way, continues a broken
//! zip, asks a second upstream when the first is late, stores the whole answer, checks it, and only
//! then gives an `Answer`. It caches nothing, invents nothing and takes no check off go's hands.
//! Its customers are the relay, which asks for go, and the fill, which asks before go does.
//!
//! Reading order: `question`, `journey` (one question from asked to answered), `one_try` (asks one
//! upstream once, and enters what came into the books), `exchange` (one request with its redirects and
//! its body, or `parts` of it side by side) over `connections` (counted), the `lines` to each origin,
//! one `line` each, by way of `proxy` and `tls`, `pacing` (how fast a host is asked), `check` (is it
//! right), `spool` and `ledger`. `probe` looks at one host, step by step, for `gox doctor`. What is done
//! next is decided in `crate::judgement::request`.

mod ahead;
mod body;
mod certificate;
pub(crate) mod check;
mod closing;
mod connections;
mod crowd;
mod exchange;
mod fault;
mod gate;
mod journey;
mod kin;
mod leaving;
pub(crate) mod ledger;
mod line;
mod lines;
mod login;
mod one_try;
mod pacing;
mod parts;
mod patience;
mod presented;
pub(crate) mod probe;
mod progress;
mod proxy;
pub(crate) mod question;
mod redirect;
mod route;
mod segments;
mod share;
pub(crate) mod spool;
pub(crate) mod surroundings;
mod tls;
pub(crate) mod under_way;
mod upstream;
mod widening;

pub(crate) use ahead::Inspect;
pub(crate) use gate::Waiting;
pub(crate) use ledger::Tally;
pub(crate) use question::Question;
pub(crate) use surroundings::Surroundings;

use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::{Entry, List, Rotate, Separator};
use crate::judgement::privacy::Rules;
use crate::judgement::request::UpstreamId;
use crate::judgement::request::breaker::Breaker;
use crate::judgement::request::crossings::Crossings;
use share::Share;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use upstream::Upstream;

/// How the fetcher names itself: allow-lists know the first half.
const USER_AGENT: &str = concat!("Go-http-client/2.0 gox/", env!("CARGO_PKG_VERSION"));

/// Most connections to upstreams at a time, where there are descriptors enough.
pub(crate) const CONNECTIONS: usize = 32;

/// What a fetcher is told once.
#[derive(Clone)]
pub(crate) struct Options {
    /// go's effective GOPROXY. The fetcher asks what stands before the first `direct` or `off`.
    pub(crate) list: List,
    /// How far it may go beyond what go would do.
    pub(crate) rotate: Rotate,
    /// Mirrors that the caller permits; last before `direct`, for plainly public modules only.
    pub(crate) mirrors: Vec<Entry>,
    /// Which modules are likely private.
    pub(crate) private: Rules,
    /// Modules that a `replace` stands for: a version enough for go, wherever it asks for others.
    pub(crate) replaced: Vec<String>,
    /// Modules that go.mod requires, with their versions.
    pub(crate) required: BTreeSet<(String, String)>,
    /// Known hashes.
    pub(crate) go_sum: Arc<GoSum>,
    /// Where bodies are stored: on the module cache's file system.
    pub(crate) spool_dir: PathBuf,
    /// First ceiling of the backoff.
    pub(crate) backoff_base: Duration,
    /// Highest ceiling of the backoff.
    pub(crate) backoff_max: Duration,
    /// Tries of one request at an upstream that does nothing but fail; twice that at one which
    /// serves others well.
    pub(crate) attempts: u32,
    /// A host that answers nobody is asked until the budget ends.
    pub(crate) patient: bool,
    /// Names of hosts that the settings name: where one does not resolve and no other either, the resolver is
    /// away.
    pub(crate) names: Vec<String>,
    /// The command chooses no versions.
    pub(crate) versions_fixed: bool,
    /// First patience with silence; the last is ten times that.
    pub(crate) stall: Duration,
    /// How long one request may be in trouble before no other try begins.
    pub(crate) budget: Duration,
    /// Upstreams that were down lately.
    pub(crate) resting: Vec<Entry>,
    /// Upstreams that are left to go from the start.
    pub(crate) left: Vec<Entry>,
    /// Most connections to upstreams at a time.
    pub(crate) room: usize,
    /// The way out.
    pub(crate) surroundings: Surroundings,
}

impl Options {
    /// The defaults of gox for a list.
    pub(crate) fn new(list: List, surroundings: Surroundings) -> Options {
        Options {
            list,
            rotate: Rotate::Listed,
            mirrors: Vec::new(),
            private: Rules::default(),
            replaced: Vec::new(),
            required: BTreeSet::new(),
            go_sum: Arc::default(),
            spool_dir: std::env::temp_dir(),
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            attempts: 4,
            patient: false,
            names: Vec::new(),
            versions_fixed: false,
            stall: Duration::from_secs(30),
            budget: Duration::from_secs(300),
            resting: Vec::new(),
            left: Vec::new(),
            room: CONNECTIONS,
            surroundings,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.list.entries.iter().map(Entry::shown).collect();
        f.debug_struct("Options").field("list", &shown).field("rotate", &self.rotate).finish_non_exhaustive()
    }
}

/// The answer to a question.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The file, whole and checked; or what every upstream holds in its place, for go to judge.
    Found {
        /// Its bytes.
        body: spool::Stored,
        /// Who sent them.
        from: UpstreamId,
    },
    /// Nobody who may be asked has it, or go is to go on to `direct`.
    NotFound(Refusal),
    /// Somebody refused, and nobody else may be asked.
    Refused(Refusal),
    /// gox cannot talk to this upstream as go may: go is to ask it itself, at this address.
    Left {
        /// Whom.
        at: UpstreamId,
        /// The address, with the user's own credentials in it.
        url: String,
    },
    /// All was in vain.
    GaveUp {
        /// Who failed last; `None` where nobody could be asked.
        last: Option<UpstreamId>,
        /// What was tried, in order, in words without secrets.
        tried: Vec<String>,
        /// The HTTP status of all of it, where it was one and a server's trouble.
        status: Option<u16>,
    },
}

/// The words of somebody who has a file not, or not for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Who.
    pub(crate) from: Option<UpstreamId>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The words that came with it, for people.
    pub(crate) words: Vec<u8>,
}

/// Whether a fetcher can stand in for go with this list, or with a part of it; the error says why not, in one
/// line for people.
pub(crate) fn can_serve(list: &List, surroundings: &Surroundings) -> Result<(), String> {
    Share::of(list, surroundings).map(drop)
}

/// The fetcher of a run. Its work is done by a thread of its own, which ends with it.
pub(crate) struct Fetcher {
    connections: connections::Connections,
    /// By their [`UpstreamId`].
    upstreams: Vec<Upstream>,
    crossings: Crossings,
    /// What go asks before it, and after it.
    around: (String, Option<String>),
    options: Options,
    spool: Arc<spool::Spool>,
    started: Instant,
    ledger: ledger::Ledger,
    paces: pacing::Paces,
    /// Turns at checking zips.
    checks: tokio::sync::Semaphore,
    /// Something came damaged, or go found it so: from now on zips are read through before go sees them.
    mistrusts: AtomicBool,
    /// One connection alone carries little.
    slow: AtomicBool,
    /// What is asked for now.
    under_way: under_way::List,
    /// What was fetched before go asked.
    ahead: ahead::Ahead,
    /// By upstream: held by the one question that asks while the upstream answers nobody, with how many
    /// have in a row.
    probes: Vec<tokio::sync::Mutex<u32>>,
    /// Requests that are sent once more beside themselves to a host that is silent.
    beside: tokio::sync::Semaphore,
    /// Zips that come in parts; closed where that did not go well.
    parts: tokio::sync::Semaphore,
}

/// For whom a file is fetched, and what is done with it on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errand {
    /// Who waits for it.
    pub(crate) waiting: Waiting,
    /// Reads a zip through in place of the fetcher.
    pub(crate) inspect: Option<Arc<dyn Inspect>>,
    /// What its files are counted by: one that rests as it was told gives its place to another meanwhile.
    pub(crate) places: Option<Arc<tokio::sync::Semaphore>>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher for these options; the error is [`can_serve`]'s.
    pub(crate) fn new(mut options: Options) -> Result<Fetcher, String> {
        let share = Share::of(&options.list, &options.surroundings)?;
        options.attempts = options.attempts.max(1);
        if !share.is_all() {
            // Nobody stands in for a part of a list.
            options.mirrors.clear();
        }
        let crossings = Crossings::of_first(share.count, &share.list, options.rotate, &options.mirrors);
        let listed = share.list.entries[..share.count].iter();
        let upstreams: Vec<Upstream> =
            listed.chain(&options.mirrors).map(Upstream::new).collect::<Result<_, _>>()?;
        let opened = |upstream: &Upstream| {
            let rests = options.resting.contains(upstream.entry());
            if rests { Breaker::opened_before() } else { Breaker::default() }
        };
        Ok(Fetcher {
            ledger: ledger::Ledger::new(
                upstreams.iter().map(opened).collect(),
                upstreams.iter().map(|upstream| options.left.contains(upstream.entry())).collect(),
            ),
            paces: pacing::Paces::new(),
            connections: connections::Connections::new(options.surroundings.clone(), options.room),
            beside: tokio::sync::Semaphore::new(BESIDE),
            parts: tokio::sync::Semaphore::new(parts::AT_ONCE),
            probes: upstreams.iter().map(|_| tokio::sync::Mutex::default()).collect(),
            upstreams,
            crossings,
            around: (share.before, share.behind),
            spool: spool::Spool::new(options.spool_dir.clone()),
            started: Instant::now(),
            checks: tokio::sync::Semaphore::new(checks()),
            mistrusts: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            under_way: under_way::List::default(),
            ahead: ahead::Ahead::default(),
            options,
        })
    }

    /// Gets a file. To be called from a task of the [`Engine`]; dropping the future ends the work on
    /// it, and nothing else.
    pub(crate) async fn get(&self, question: Question) -> Answer {
        let _counted = self.ledger.begin();
        loop {
            if let Some(answer) = self.ahead.take(&question.path).await {
                return answer;
            }
            // What comes for go need not be fetched ahead as well.
            let coming = if question.file.is_fixed() {
                let Some(coming) = self.ahead.announce_gos(&question.path) else { continue };
                Some(coming)
            } else {
                None
            };
            let answer = journey::Journey::answer(self, question, Errand::default()).await;
            if let Some(coming) = coming {
                coming.give();
            }
            return answer;
        }
    }

    /// Gets a file before go asks for it, unless somebody does already. `uses` is given the answer, and
    /// gives back what is left of it for go; go's own question waits until then.
    pub(crate) async fn get_ahead<F: Future<Output = Option<Answer>>>(
        &self,
        question: Question,
        inspect: Option<Arc<dyn Inspect>>,
        places: &Arc<tokio::sync::Semaphore>,
        uses: impl FnOnce(Answer) -> F,
    ) {
        let Some(coming) = self.ahead.announce(&question.path) else { return };
        let _counted = self.ledger.begin();
        let errand = Errand { waiting: Waiting::Fill, inspect, places: Some(places.clone()) };
        let answer = journey::Journey::answer(self, question, errand).await;
        let left = matches!(answer, Answer::Left { .. });
        let kept = uses(answer).await;
        // What is left to go today may be asked of somebody else once go has failed there too.
        coming.keep(kept.filter(|_| !left));
    }

    /// Whether the first upstream is spoken to without TLS, and so in HTTP/1.1.
    pub(crate) fn begins_plainly(&self) -> bool {
        self.upstreams.first().is_some_and(|upstream| !upstream.is_https())
    }

    /// Files that were fetched ahead and that go has not asked for.
    pub(crate) fn untaken(&self) -> u64 {
        self.ahead.untaken()
    }

    /// The value for go's GOPROXY that has `here` in the fetcher's place: what only go can ask stands around it,
    /// with the separators that the user put there.
    pub(crate) fn goproxy(&self, here: &str) -> String {
        let (before, behind) = &self.around;
        let tail = match (self.crossings.tail(), behind) {
            (Some((Separator::Comma, _)), Some(behind)) => format!(",{behind}"),
            (Some((Separator::Pipe, _)), Some(behind)) => format!("|{behind}"),
            (None, _) | (_, None) => String::new(),
        };
        format!("{before}{here}{tail}")
    }

    /// Whether go asks nobody before it.
    pub(crate) fn begins_the_list(&self) -> bool {
        self.around.0.is_empty()
    }

    /// The URLs of the upstreams without secrets, by their place.
    pub(crate) fn urls(&self) -> Arc<[String]> {
        self.upstreams.iter().map(|u| u.shown().to_owned()).collect()
    }

    /// Everything counted so far; failures since the last call only.
    pub(crate) fn tally(&self) -> Tally {
        let tally = self.ledger.tally(&self.upstreams, self.started.elapsed());
        Tally { opened: self.connections.opened(), ..tally }
    }

    /// Where go finds a file at an upstream by itself.
    fn address_for_go(&self, at: UpstreamId, path: &str) -> String {
        let upstream = self.upstream(at);
        let login =
            if upstream.is_https() { self.connections.login(&upstream.for_go(path, None)) } else { None };
        upstream.for_go(path, login)
    }

    /// Notes that an attempt of go's failed, or that something came damaged.
    pub(crate) fn mistrust(&self) {
        self.mistrusts.store(true, Ordering::Relaxed);
    }

    /// Whether a zip from this upstream is go's to judge alone: nothing was damaged in this run, and TLS
    /// vouches for what is under way. go inflates each zip two or three times; once more would make it
    /// wait for nothing.
    fn trusts(&self, at: UpstreamId) -> bool {
        self.upstream(at).is_https() && !self.mistrusts.load(Ordering::Relaxed)
    }

    /// Notes that go could not talk to these either: what fails there is a fault like others.
    pub(crate) fn go_fails_at(&self, fails: impl Fn(&Entry) -> bool) {
        let mut books = self.ledger.lock();
        for (place, upstream) in self.upstreams.iter().enumerate() {
            books.go_fails[place] |= books.left_to_go[place].is_some() && fails(upstream.entry());
        }
    }

    /// Bytes that upstreams have sent so far: grows while nothing was answered yet.
    pub(crate) fn bytes_moving(&self) -> u64 {
        self.ledger.bytes.load(Ordering::Relaxed)
    }

    /// Questions that have no answer yet. Each is bounded here, in time and in tries, so that a go
    /// which waits for one has not stalled, however silent it is.
    pub(crate) fn in_flight(&self) -> usize {
        self.ledger.in_flight()
    }

    fn upstream(&self, at: UpstreamId) -> &Upstream {
        &self.upstreams[at.place()]
    }
}

/// Zips that are read through at a time: one a core, and two at least so that a large one does not hold
/// up all others. A directory of many thousand files takes memory while it is read.
fn checks() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8))
}

/// Requests at a time that are sent once more to a silent host, where it has not answered later ones.
const BESIDE: usize = 2;

/// Threads for file work beside that thread, at most ...
const BLOCKING: usize = 16;

/// ... and how long one stays: as long as any run.
const FOR_GOOD: Duration = Duration::from_secs(1 << 30);

/// The thread that does the fetcher's work, and whatever else is spawned on it.
pub(crate) struct Engine {
    handle: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where there is no thread, or no descriptor for its poll, to be had.
    pub(crate) fn start() -> io::Result<Engine> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING)
            .thread_keep_alive(FOR_GOOD)
            .build()?;
        let handle = runtime.handle().clone();
        // Where threads are short (`ulimit -u`), one that is there already does the work; where there
        // is not even one, nothing has begun that would have to be ended.
        std::thread::Builder::new().spawn(|| ())?.join().map_err(|_| io::Error::other("a thread broke"))?;
        drop(handle.spawn_blocking(|| ()));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("fetcher".into()).spawn(move || {
            // An engine that was dropped is stopped as well.
            let _ = runtime.block_on(stopped);
            // Tasks end where they wait; a zip under check is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Engine { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Runs a task on the thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }

    /// Makes what must know the runtime it will live on.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that was not said already.
            let _ = thread.join();
        }
    }
}
