//! One try: asks one upstream once, checks what comes, and enters the result into the books.

use super::check::{self, Finding};
use super::exchange::{Exchange, Part, Received, Said};
use super::fault::Blame;
use super::gate::Waiting;
use super::ledger::Books;
use super::line::Over;
use super::pacing::Turn;
use super::parts::NO_WHOLE;
use super::progress::Progress;
use super::question::{File, Kind, Question};
use super::spool::{self, Stored};
use super::tls::Offer;
use super::{Errand, Fetcher};
use crate::classify;
use crate::formats::authority;
use crate::judgement::refusal;
use crate::judgement::request::UpstreamId;
use crate::judgement::request::miss::{Flaw, Miss};
use crate::judgement::request::pace::Ended;
use crate::judgement::table::{self, Meaning};
use crate::machine::{names, network};
use crate::redact;
use crate::vocabulary::{Cause, Detail, Facts};
use crate::words::{Text, flaws};
use sha2::{Digest, Sha256};
use std::io;
use std::time::Duration;

/// Zips above this size are checked beside the loop that serves other requests.
const CHECK_INLINE: u64 = 64 << 10;

/// Most wrong copies that are remembered, to see the same bytes come for another file.
const KEPT_WRONG: usize = 4096;

/// A try that did not simply succeed, with what the report wants to know of it.
pub(super) struct Shortfall {
    pub(super) miss: Miss,
    pub(super) cause: Cause,
    /// Whether an HTTP proxy failed, and the like.
    pub(super) detail: Detail,
    /// What tells whether it is one that passes.
    passes: Detail,
    /// Status and wrong hash.
    pub(super) facts: Facts,
    pub(super) host: String,
    pub(super) blame: Blame,
    /// What happened, for people.
    pub(super) words: String,
    /// What is wrong with its bytes, where they came.
    pub(super) flaw: Text,
    /// For how long nothing had come when it ended.
    pub(super) silent: Duration,
    /// The wrong copy itself.
    pub(super) copy: Option<Stored>,
    /// What the host said with its status.
    pub(super) said: Option<Said>,
}

impl Shortfall {
    pub(super) fn fault(cause: Cause, host: &str, words: impl Into<String>) -> Box<Shortfall> {
        Box::new(Shortfall {
            miss: Miss::Fault { cause, gained: false },
            cause,
            detail: Detail::Plain,
            passes: Detail::Plain,
            facts: Facts::default(),
            host: host.to_owned(),
            blame: Blame::Host,
            words: words.into(),
            flaw: Text::default(),
            silent: Duration::ZERO,
            copy: None,
            said: None,
        })
    }
}

/// A good answer.
struct Good {
    body: Stored,
    /// A known hash confirms it.
    proven: bool,
}

/// The end of a try.
pub(super) struct TryEnd {
    pub(super) upstream: UpstreamId,
    pub(super) result: Result<Stored, Box<Shortfall>>,
    /// The piece of a broken body that the same upstream may continue.
    pub(super) part: Option<Part>,
}

/// One try that is about to be made.
pub(super) struct OneTry<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) question: &'a Question,
    pub(super) errand: &'a Errand,
    /// go.sum holds both hashes of the module version.
    pub(super) pinned: bool,
    pub(super) upstream: UpstreamId,
    /// Patience for the headers.
    pub(super) patience: Duration,
    pub(super) over: Over,
    /// Nothing was tried before.
    pub(super) first: bool,
    /// Over how long a body is judged to stall.
    pub(super) stall: Duration,
    pub(super) progress: &'a Progress,
}

/// What the end of a try says of how fast its host may be asked.
fn pace_of(result: &Result<Good, Box<Shortfall>>) -> Ended {
    match result.as_ref().map_err(|short| &short.miss) {
        Err(Miss::Limited { pause }) => Ended::Refused(*pause),
        Err(Miss::Fault { .. }) => Ended::Otherwise,
        Ok(_) | Err(Miss::NotFound | Miss::Denied { .. } | Miss::Odd | Miss::Wrong { .. }) => Ended::Well,
    }
}

impl OneTry<'_> {
    /// Asks the upstream once and checks what comes; keeps its breaker and the host's numbers.
    pub(super) async fn run(self, part: Option<Part>, turn: Option<Turn<'_>>) -> TryEnd {
        let fetcher = self.fetcher;
        let had = part.as_ref().map_or(0, Part::len);
        let at = self.upstream.place();
        let offer = {
            let mut books = fetcher.ledger.lock();
            books.breakers[at].asking(fetcher.started.elapsed());
            books.tally.asked += 1;
            books.tally.resumed += u64::from(had > 0);
            // From the third HTTP/2 fault in a row on: the older protocol may pass where this does not.
            let older = books.http2_faults[at] >= 3 || fetcher.options.surroundings.http1_only;
            if older { Offer::Http1 } else { Offer::Http2 }
        };
        let exchange = Exchange {
            fetcher,
            upstream: fetcher.upstream(self.upstream),
            question: self.question,
            patience: self.patience,
            stall: self.stall,
            offer,
            waiting: self.errand.waiting,
            over: self.over,
            proves: self.proves(),
            in_parts: self.proves() && self.first && self.errand.waiting == Waiting::Fill,
            progress: self.progress,
        };
        let (host, received, turn) = exchange.run(part, turn).await;
        let mut kept = None;
        let result = match received {
            Received::Whole { body, loose_end, joined } => {
                let checked = self.check(&host, body, loose_end).await;
                if joined { self.of_joined(&host, checked) } else { checked }
            }
            Received::Status { status, pause, said, part } => {
                kept = part.filter(|_| status >= 429);
                Err(self.of_status(&host, status, pause, said))
            }
            Received::Fault { fault, part } => {
                let gained = part.as_ref().is_some_and(|p| p.len() > had);
                kept = part;
                let mut short = Shortfall::fault(fault.cause, &host, fault.words);
                short.blame = fault.blame;
                short.detail = match fault.blame {
                    Blame::Proxy | Blame::Refusal | Blame::Login => Detail::HttpProxy,
                    Blame::Host if fault.detail == Detail::Plain => {
                        self.of_name(&host, fault.cause).await.unwrap_or(fault.detail)
                    }
                    Blame::Host | Blame::Gox | Blame::Verdict | Blame::Distrust => fault.detail,
                };
                // Where there is a network, who cannot be reached is away.
                let here = || network::no_network(&[], false).is_none();
                short.passes = match fault.blame {
                    _ if fault.cause == Cause::Unreachable && here() => Detail::Away,
                    Blame::Proxy | Blame::Refusal | Blame::Login => fault.detail,
                    Blame::Host | Blame::Gox | Blame::Verdict | Blame::Distrust => short.detail,
                };
                short.miss = match fault.blame {
                    _ if fault.asks_for_calm => Miss::Limited { pause: None },
                    Blame::Refusal | Blame::Login => Miss::Denied { blanket: false },
                    Blame::Host | Blame::Proxy | Blame::Gox | Blame::Verdict | Blame::Distrust => {
                        Miss::Fault { cause: fault.cause, gained }
                    }
                };
                Err(short)
            }
        };
        if let Some(turn) = turn {
            turn.ended(pace_of(&result));
        }
        let result = self.enter(&host, result);
        TryEnd { upstream: self.upstream, result, part: kept }
    }

    /// Whether its hash is known, and looked at before anybody sees it.
    fn proves(&self) -> bool {
        self.pinned && self.question.file.is_zip() && self.errand.inspect.is_some()
    }

    /// What was put together here and is wrong says nothing of what the upstream holds.
    fn of_joined(&self, host: &str, checked: Result<Good, Box<Shortfall>>) -> Result<Good, Box<Shortfall>> {
        match checked {
            Err(short) if matches!(short.miss, Miss::Wrong { .. }) => {
                self.fetcher.parts_do_not_fit();
                Err(Shortfall::fault(NO_WHOLE.0, host, NO_WHOLE.1))
            }
            other => other,
        }
    }

    /// Whose trouble it may be, other than the name's own, that a name did not resolve.
    async fn of_name(&self, host: &str, cause: Cause) -> Option<Detail> {
        if cause != Cause::Dns {
            return None;
        }
        names::detail(&self.fetcher.options.names, authority::name(host)).await
    }

    /// Notes in the books what moved, and whether it is trouble.
    fn note_movement(&self, books: &mut Books, result: &Result<Good, Box<Shortfall>>) {
        let at = self.upstream.place();
        if let Some(first) = self.progress.first_byte() {
            books.latencies.add(first);
            books.tally.took(first);
            books.answered[at] = books.answered[at].max(Some(self.progress.asked));
            books.ways[at].served();
        }
        match result.as_ref().map_err(|short| &short.miss) {
            Ok(_) | Err(Miss::Fault { gained: true, .. }) => books.progress(),
            // An answer, if not a file.
            Err(Miss::NotFound | Miss::Denied { .. } | Miss::Odd) => {}
            Err(Miss::Fault { .. } | Miss::Limited { .. } | Miss::Wrong { .. }) => {
                books.fail(self.progress.silent_for());
            }
        }
        if matches!(result, Err(short) if matches!(short.miss, Miss::Fault { .. } | Miss::Wrong { .. })) {
            self.fetcher.mistrust();
        }
    }

    /// Enters the end of the try into the books, and learns from them what it means.
    fn enter(&self, host: &str, mut result: Result<Good, Box<Shortfall>>) -> Result<Stored, Box<Shortfall>> {
        let now = self.fetcher.started.elapsed();
        let at = self.upstream.place();
        let mut books = self.fetcher.ledger.lock();
        let books = &mut *books;
        self.note_movement(books, &result);
        // A store that the upstream redirects to is a host of its own, with trouble of its own.
        let is_store = host != self.fetcher.upstream(self.upstream).host();
        if let Err(short) = &mut result {
            short.silent = self.progress.silent_for();
            self.recognise(books, short);
        }
        let numbers = books.tally.hosts.entry(host.to_owned()).or_default();
        numbers.requests += 1;
        let breakers = if is_store { &mut books.stores } else { &mut books.breakers };
        let breaker = &mut breakers[at];
        match &mut result {
            Ok(good) => {
                numbers.answers += 1;
                numbers.bytes += good.body.len();
                if matches!(self.question.file, File::Module { .. }) {
                    numbers.serve();
                }
                breaker.served();
                let seconds = self.progress.moved().body.unwrap_or_default().as_secs_f64();
                breaker.body(now, good.body.len(), seconds);
                books.http2_faults[at] = 0;
                books.tally.verified += u64::from(good.proven);
                books.tally.sound += u64::from(!good.proven);
            }
            Err(short) => match &mut short.miss {
                Miss::NotFound | Miss::Wrong { flaw: Flaw::Doubt, .. } => {
                    numbers.answers += 1;
                    breaker.served();
                }
                Miss::Odd => numbers.answers += 1,
                Miss::Denied { blanket } => {
                    numbers.answers += 1;
                    let gate = short.detail == Detail::Reasoned;
                    if let (File::Module { module, .. }, true, false) =
                        (&self.question.file, self.pinned, gate)
                    {
                        numbers.refuse(module);
                        *blanket = numbers.refuses_all() && matches!(short.facts.status, Some(403 | 451));
                    }
                }
                Miss::Limited { pause } => {
                    numbers.faults += 1;
                    // Without a word on when to come again the pace alone tells, once there is one.
                    let first = self.fetcher.options.backoff_base;
                    let pause = pause.or_else(|| (breaker.answers() == 0).then_some(first));
                    if let Some(pause) = pause {
                        breaker.rest(now.saturating_add(pause));
                    }
                }
                Miss::Fault { gained: true, .. } => numbers.faults += 1,
                Miss::Fault { cause, .. } => {
                    numbers.faults += 1;
                    match short.blame {
                        Blame::Host => breaker.fault(now, *cause, short.passes),
                        // It stands before every host: none of them is the worse for it.
                        Blame::Proxy => books.ways[at].fault(now, *cause, short.passes),
                        Blame::Refusal | Blame::Login => {}
                        // go may get through.
                        Blame::Gox | Blame::Verdict | Blame::Distrust => {}
                    }
                    books.http2_faults[at] += u32::from(*cause == Cause::Http2);
                }
                Miss::Wrong { .. } => {
                    numbers.faults += 1;
                    breaker.fault(now, short.cause, Detail::Plain);
                }
            },
        }
        result.map(|good| good.body)
    }

    /// The same wrong bytes for two files are a page on the way, whatever they should be.
    fn recognise(&self, books: &mut Books, short: &mut Shortfall) {
        let Miss::Wrong { digest, flaw } = &mut short.miss else { return };
        let path = &self.question.path;
        if books.wrong.len() >= KEPT_WRONG && !books.wrong.contains_key(digest) {
            return;
        }
        let first = books.wrong.entry(*digest).or_insert_with(|| Some(path.clone()));
        if first.as_ref() != Some(path) {
            // ... for the first of them too, should they come for it again.
            *first = None;
            *flaw = Flaw::Page;
            short.cause = Cause::CaptiveOrHtml;
            short.flaw = flaws::SAME_AS_ANOTHER.into();
            short.words.clone_from(&short.flaw.en);
        }
    }

    fn of_status(
        &self,
        host: &str,
        status: u16,
        pause: Option<Duration>,
        said: Option<Said>,
    ) -> Box<Shortfall> {
        let (cause, meaning) = table::of_status(status).unwrap_or((Cause::CaptiveOrHtml, Meaning::Page));
        let miss = match meaning {
            Meaning::Absent => Miss::NotFound,
            Meaning::Refused | Meaning::HttpProxy => Miss::Denied { blanket: false },
            Meaning::Odd => Miss::Odd,
            Meaning::TooMany => Miss::Limited { pause },
            // Beside others that it answers, it is too busy for this one.
            Meaning::Trouble if status == 503 && (pause.is_some() || self.fetcher.paces.is_busy(host)) => {
                Miss::Limited { pause }
            }
            Meaning::Trouble | Meaning::Page => Miss::Fault { cause, gained: false },
        };
        let line = said.as_ref().and_then(Said::first_line);
        let line = line.map(|line| format!(" ({})", redact::quoted(line))).unwrap_or_default();
        let phrase =
            hyper::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
        let mut short = Shortfall::fault(cause, host, format!("{status} {phrase}{line}"));
        short.miss = miss;
        short.detail = table::detail_of_status(status);
        let reason = said.as_ref().is_some_and(|said| refusal::gives_reason(&said.body));
        if reason && matches!(meaning, Meaning::Refused | Meaning::Odd) {
            short.detail = Detail::Reasoned;
        }
        short.facts.status = Some(status);
        if let (Meaning::Absent | Meaning::Refused, Some(said), File::Module { module, .. }) =
            (meaning, &said, &self.question.file)
        {
            let said = String::from_utf8_lossy(&said.body);
            short.facts.behind = classify::behind(&said, host, Some(module));
        }
        short.said = said;
        short
    }

    /// Checks a whole answer.
    async fn check(&self, host: &str, body: Stored, loose_end: bool) -> Result<Good, Box<Shortfall>> {
        let of_spool = |error: io::Error| Shortfall::fault(spool::cause_of(&error), host, error.to_string());
        let gos_to_judge = self.question.file.is_zip() && self.errand.inspect.is_none();
        if gos_to_judge && !loose_end && self.fetcher.trusts(self.upstream) && body.begins_like_a_zip() {
            return Ok(Good { body, proven: false });
        }
        let (body, finding) = self.judge(body).await.map_err(of_spool)?;
        let (why, got, flaw) = match finding {
            Finding::Known => return Ok(Good { body, proven: true }),
            // A text whose end nobody vouched for may be cut at a line's end.
            Finding::Sound if loose_end && self.question.file.is_text() => {
                (flaws::NO_END.into(), None, Flaw::Doubt)
            }
            Finding::Sound => return Ok(Good { body, proven: false }),
            Finding::Wrong { why, got, flaw } => (why, got, flaw),
        };
        // The same content in a zip that its proxy makes anew each time is the same wrong content.
        let digest = match got.as_deref().filter(|_| flaw == Flaw::Hash) {
            Some(hash) => Sha256::digest(hash).into(),
            None => body.digest().map_err(of_spool)?,
        };
        let cause = if flaw == Flaw::Hash { Cause::ChecksumMismatch } else { Cause::CaptiveOrHtml };
        let mut short = Shortfall::fault(cause, host, why.en.clone());
        short.flaw = why;
        short.miss = Miss::Wrong { digest, flaw };
        short.facts.got = got;
        short.copy = Some(body);
        Err(short)
    }

    /// Reads through the body, a large zip beside the loop. The error is the spool's.
    async fn judge(&self, body: Stored) -> io::Result<(Stored, Finding)> {
        let sums = &self.fetcher.options.go_sum;
        let hashes = match &self.question.file {
            File::Module { module, version, kind: Kind::Mod } => sums.lookup(module, version, true).to_vec(),
            File::Module { module, version, kind: Kind::Zip } => sums.lookup(module, version, false).to_vec(),
            File::Module { .. } | File::Database { .. } => Vec::new(),
        };
        let File::Module { module, version, kind: Kind::Zip } = &self.question.file else {
            let finding = match body.bytes() {
                Some(bytes) => check::small(&self.question.file, bytes, &hashes),
                None => check::small(&self.question.file, &body.read_all()?, &hashes),
            };
            return Ok((body, finding));
        };
        let _turn = self.fetcher.checks.acquire().await;
        let inspect = self.errand.inspect.clone();
        let large = body.len() > CHECK_INLINE || inspect.is_some();
        let prefix = format!("{module}@{version}/");
        let check = move || {
            if let Some(inspect) = inspect
                && let Some(files) = inspect.inspect(body.reader()?)
            {
                return Ok((body, check::manifest(&files, &hashes)));
            }
            let finding = check::zip(&prefix, body.reader()?, &hashes);
            Ok((body, finding))
        };
        if large {
            tokio::task::spawn_blocking(check).await.unwrap_or_else(|error| Err(io::Error::other(error)))
        } else {
            check()
        }
    }
}
