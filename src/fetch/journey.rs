//! One question from asked to answered: asks the policy, asks upstreams, hedges, keeps the books.

use super::exchange::{Part, STALL_WINDOW};
use super::kin::Kin;
use super::ledger::{Books, Carrier};
use super::line::Over;
use super::one_try::{OneTry, Shortfall, TryEnd};
use super::pacing::Turn;
use super::progress::Progress;
use super::question::{File, Kind, Question};
use super::route::{Route, publicity, route};
use super::spool::Stored;
use super::under_way::Listed;
use super::{Answer, Errand, Fetcher, Refusal, Waiting};
use crate::judgement::request::UpstreamId;
use crate::judgement::request::hedge;
use crate::judgement::request::miss::{Miss, Try};
use crate::judgement::request::policy::{Allowance, Condition, Move, Situation};
use crate::judgement::request::terms::{Terms, is_retry_affordable};
use crate::vocabulary::{Cause, Detail};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;

/// How often a running try is looked at once it may be late.
const LOOK: Duration = Duration::from_millis(250);

/// A pause longer than any run.
const FOR_EVER: Duration = Duration::from_secs(1 << 31);

type Running<'a> = Pin<Box<dyn Future<Output = TryEnd> + Send + 'a>>;

/// A question that is worked on.
pub(super) struct Journey<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) terms: Terms,
    pub(super) question: Question,
    pub(super) errand: Errand,
    pub(super) tries: Vec<Try>,
    /// What is known of each try beyond its miss.
    pub(super) shortfalls: Vec<Shortfall>,
    /// Broken bodies that their upstream may continue.
    parts: HashMap<UpstreamId, Part>,
    /// Until when this question shall leave an upstream alone.
    rests: HashMap<UpstreamId, Instant>,
    /// Since when this question is in trouble.
    trouble: Option<Instant>,
    /// For a look-up of a likely private name: what go asks in step with it.
    kin: Option<Kin<'a>>,
    pub(super) listed: Listed<'a>,
}

impl<'a> Journey<'a> {
    /// Finds the answer to a question.
    pub(super) async fn answer(fetcher: &'a Fetcher, question: Question, errand: Errand) -> Answer {
        let publicity = publicity(fetcher, &question.file);
        let only = match route(&fetcher.ledger.lock(), &question.file, publicity) {
            Route::Any => None,
            Route::Only(upstream) => Some(upstream),
            Route::Nobody => {
                let words = b"no upstream carries this checksum database".to_vec();
                return Answer::NotFound(Refusal { from: None, status: 404, words });
            }
        };
        if let Some(left) = fetcher.left_before(&question) {
            return left;
        }
        fetcher.ledger.lock().tally.requests += 1;
        let options = &fetcher.options;
        let asked = question.file.module();
        let pinned = asked.is_some_and(|(module, version)| {
            [true, false].iter().all(|go_mod| !options.go_sum.lookup(module, version, *go_mod).is_empty())
        });
        let required = || asked.is_some_and(|(m, v)| options.required.contains(&(m.into(), v.into())));
        let named = question.file.is_fixed() && (pinned || options.versions_fixed || required());
        let terms = Terms {
            fixed: question.file.is_fixed(),
            pinned,
            publicity,
            only,
            attempts: fetcher.options.attempts,
            chosen: fetcher.options.patient && !named,
            patient: fetcher.options.patient && named,
            backoff_base: fetcher.options.backoff_base,
            backoff_max: fetcher.options.backoff_max,
        };
        let kin =
            match &question.file {
                File::Module {
                    module, kind: Kind::List | Kind::Latest | Kind::Query | Kind::Info, ..
                } if terms.is_private() => Some(Kin::begin(&fetcher.ledger, module)),
                File::Module { .. } | File::Database { .. } => None,
            };
        let listed = fetcher.under_way.add(&question);
        let mut journey = Journey {
            listed,
            fetcher,
            terms,
            question,
            errand,
            tries: Vec::new(),
            shortfalls: Vec::new(),
            parts: HashMap::new(),
            rests: HashMap::new(),
            trouble: None,
            kin,
        };
        journey.run().await
    }

    async fn run(&mut self) -> Answer {
        loop {
            match self.next() {
                Move::Ask(upstream, pause) => {
                    if self.ends_before(upstream).await {
                        return self.not_found();
                    }
                    // While a host answers nobody, one question asks for all who wait.
                    let mut probe = if self.terms.patient && self.is_down(upstream) {
                        Some(self.turn_to_probe(upstream).await)
                    } else {
                        None
                    };
                    match &mut probe {
                        Some(_) if !self.is_down(upstream) => probe = None,
                        // The others have used it up meanwhile.
                        Some(_) if self.time_left().is_zero() => return self.give_up(),
                        Some(asked) => self.probe(upstream, asked).await,
                        None => self.pause(upstream, pause).await,
                    }
                    let turn = self.keep_pace(upstream, self.errand.waiting).await;
                    let answer = self.ask(upstream, turn).await;
                    if let (Some(asked), Some(_)) = (&mut probe, &answer) {
                        **asked = 0;
                    }
                    if let Some((from, body)) = answer {
                        self.found(from);
                        match &self.kin {
                            Some(kin) if body.len() > 0 => kin.ended(from),
                            Some(kin) => kin.goes_on(),
                            None => {}
                        }
                        return Answer::Found { body, from };
                    }
                }
                Move::Leave(upstream) => return self.leave(upstream),
                Move::NotFound => return self.not_found(),
                Move::PassOn(index) => {
                    self.note_step_back();
                    self.end_look_up();
                    self.close(false);
                    return Answer::Refused(self.refusal(index));
                }
                Move::Deliver(index) => {
                    let from = self.tries[index].upstream;
                    let Some(body) = self.shortfalls[index].copy.take() else { return self.give_up() };
                    self.settle(index, body.len());
                    self.end_look_up();
                    self.close(false);
                    return Answer::Found { body, from };
                }
                Move::GiveUp => return self.give_up(),
            }
        }
    }

    /// Whether go waits for the answer.
    pub(super) fn is_for_go(&self) -> bool {
        self.errand.waiting == Waiting::Go
    }

    fn not_found(&self) -> Answer {
        self.fetcher.ledger.lock().tally.not_found += 1;
        self.close(true);
        // The words of the last who has it not; go shows them.
        let last = self.tries.iter().rposition(|t| t.miss == Miss::NotFound);
        let silent = || Refusal { from: None, status: 404, words: b"not found".to_vec() };
        Answer::NotFound(last.map_or_else(silent, |index| self.refusal(index)))
    }

    /// go's look-up ends in the error of whom this question was given up at; over a pipe it goes on.
    pub(super) fn end_look_up(&self) {
        let Some(kin) = &self.kin else { return };
        let piped = |at: UpstreamId| self.fetcher.crossings.go_walks(at, UpstreamId::at(at.place() + 1));
        for last in self.tries.iter().filter(|t| t.miss != Miss::NotFound && !piped(t.upstream)) {
            kin.ended(last.upstream);
        }
    }

    /// Whether a `replace` gives go a version of a likely private module: it asks one entry for others.
    fn is_replaced(&self) -> bool {
        match &self.question.file {
            File::Module { module, kind: Kind::List | Kind::Latest, .. } => {
                self.terms.is_private() && self.fetcher.options.replaced.contains(module)
            }
            File::Module { .. } | File::Database { .. } => false,
        }
    }

    /// Whether go's look-up ends where this question was last, before `to` hears the name.
    async fn ends_before(&self, to: UpstreamId) -> bool {
        if self.is_replaced()
            && self.tries.last().is_some_and(|t| t.upstream != to && t.miss == Miss::NotFound)
        {
            return true;
        }
        match (&self.kin, self.tries.last()) {
            // What go.sum pins is no guess.
            (Some(kin), Some(last)) if last.upstream != to && !self.terms.pinned => {
                kin.ends_at(last.upstream).await
            }
            _ => false,
        }
    }

    fn next(&self) -> Move {
        let books = self.fetcher.ledger.lock();
        self.situation(&books, &self.conditions(&books)).next()
    }

    pub(super) fn situation<'s>(&'s self, books: &Books, conditions: &'s [Condition]) -> Situation<'s> {
        // One budget for the run: from the first failure without progress since. What moves otherwise
        // does not make a request's own trouble endless.
        let own = self.trouble.map_or(Duration::ZERO, |since| since.elapsed());
        let spent = own.max(books.in_trouble());
        Situation {
            terms: &self.terms,
            crossings: &self.fetcher.crossings,
            tries: &self.tries,
            conditions,
            allowance: Allowance {
                retry: is_retry_affordable(books.tally.retries - books.told, books.tally.requests)
                    || self.terms.patient && books.any_down(),
                time: self.fetcher.options.budget.saturating_sub(spent),
            },
        }
    }

    fn conditions(&self, books: &Books) -> Vec<Condition> {
        let stores = self.question.file.is_zip();
        let now = self.fetcher.started.elapsed();
        let mut conditions = books.conditions(&self.fetcher.upstreams, stores, now);
        for (upstream, until) in &self.rests {
            let rests = &mut conditions[upstream.place()].rests;
            *rests = (*rests).max(until.duration_since(Instant::now()));
        }
        conditions
    }

    /// Asks one upstream, and another beside it when the first is late. The good answer, or
    /// `None` with the tries noted.
    async fn ask(&mut self, first: UpstreamId, turn: Turn<'a>) -> Option<(UpstreamId, Stored)> {
        let fetcher = self.fetcher;
        let (question, errand) = (self.question.clone(), self.errand.clone());
        // What stands still holds the fill's turns: a request beside it needs none.
        let urgent = Errand { waiting: Waiting::Go, ..errand.clone() };
        let progress = Progress::new();
        let late = {
            let mut books = fetcher.ledger.lock();
            let probes = self.terms.patient && books.is_down(first);
            let again = self.tries.iter().any(|t| t.upstream == first) && !probes;
            books.tally.retries += u64::from(again);
            books.told += u64::from(again && self.tries.last().is_some_and(Try::is_told));
            books.latencies.late()
        };
        let alone = self.terms.patient && self.is_alone(first);
        let mut main = if alone {
            // As patient as go.
            let patience = self.time_left();
            self.start_for(&question, &errand, first, &progress, (patience, patience), Some(turn))
        } else {
            self.start(&question, &errand, first, &progress, Some(turn))
        };
        let look = tokio::time::sleep_until(progress.asked + late);
        tokio::pin!(look);
        let mut before = 0;
        let second = loop {
            tokio::select! {
                biased;
                end = &mut main => return self.note(end),
                () = &mut look => {
                    look.as_mut().reset(Instant::now() + LOOK);
                    if hedge::is_late(progress.moved(), late)
                        && let Some(second) = self.may_hedge(first)
                    {
                        break second;
                    }
                    if alone && let Some(turn) = self.may_ask_beside(first, &progress, before) {
                        before += 1;
                        let other = Progress::new();
                        let stall = STALL_WINDOW.min(fetcher.options.stall);
                        let patience = (hedge::BESIDE.min(self.time_left()), stall);
                        let mut beside = self.beside(&question, &urgent, first, &other, patience, turn.over());
                        tokio::select! {
                            biased;
                            end = &mut main => return self.note(end),
                            end = &mut beside => {
                                if end.result.is_ok() {
                                    return self.note(end);
                                }
                            }
                        }
                        drop(turn);
                    }
                }
            }
        };
        let other = Progress::new();
        let mut beside = self.start(&question, &errand, second, &other, None);
        let (end, loser, mut rest) = tokio::select! {
            end = &mut main => (end, second, beside),
            end = &mut beside => (end, first, main),
        };
        if end.result.is_ok() {
            if loser == first {
                // Late enough to lose: three of these in a row, and nobody begins with it.
                let words = format!("{} was faster", fetcher.upstream(second).shown());
                let short = Shortfall::fault(Cause::Timeout, fetcher.upstream(loser).host(), words);
                let now = fetcher.started.elapsed();
                fetcher.ledger.lock().breakers[loser.place()].fault(now, Cause::Timeout, Detail::Plain);
                self.keep(loser, short);
            }
            drop(rest);
            return self.note(end);
        }
        self.note(end);
        let end = rest.as_mut().await;
        self.note(end)
    }

    fn start<'r>(
        &mut self,
        question: &'r Question,
        errand: &'r Errand,
        upstream: UpstreamId,
        progress: &'r Progress,
        turn: Option<Turn<'a>>,
    ) -> Running<'r>
    where
        'a: 'r,
    {
        let patience = {
            let books = self.fetcher.ledger.lock();
            let conditions = self.conditions(&books);
            self.situation(&books, &conditions).patience(upstream, self.fetcher.options.stall)
        };
        let stall = STALL_WINDOW.min(self.fetcher.options.stall);
        self.start_for(question, errand, upstream, progress, (patience, stall), turn)
    }

    /// The same with this patience for the first byte, and for a pause in a body.
    fn start_for<'r>(
        &mut self,
        question: &'r Question,
        errand: &'r Errand,
        upstream: UpstreamId,
        progress: &'r Progress,
        (patience, stall): (Duration, Duration),
        turn: Option<Turn<'a>>,
    ) -> Running<'r>
    where
        'a: 'r,
    {
        let confirms = {
            let books = self.fetcher.ledger.lock();
            self.situation(&books, &self.conditions(&books)).confirms()
        };
        let over = if confirms { Over::Fresh } else { Over::Any };
        let part = self.parts.remove(&upstream);
        let (fetcher, pinned) = (self.fetcher, self.terms.pinned);
        let first = self.tries.is_empty();
        let one =
            OneTry { fetcher, question, errand, pinned, upstream, patience, stall, over, first, progress };
        Box::pin(one.run(part, turn))
    }

    /// The same once more, beside a request that stands still: the whole file.
    fn beside<'r>(
        &self,
        question: &'r Question,
        errand: &'r Errand,
        upstream: UpstreamId,
        progress: &'r Progress,
        (patience, stall): (Duration, Duration),
        over: Over,
    ) -> Running<'r>
    where
        'a: 'r,
    {
        let (fetcher, pinned, first) = (self.fetcher, self.terms.pinned, false);
        let one =
            OneTry { fetcher, question, errand, pinned, upstream, patience, stall, over, first, progress };
        Box::pin(one.run(None, None))
    }

    fn may_hedge(&self, first: UpstreamId) -> Option<UpstreamId> {
        let mut books = self.fetcher.ledger.lock();
        if !hedge::is_affordable(books.tally.hedged, books.tally.requests) {
            return None;
        }
        let second = self.situation(&books, &self.conditions(&books)).hedge_target(first)?;
        books.tally.hedged += 1;
        Some(second)
    }

    /// Takes the end of a try: its answer, or `None` with what is missing noted.
    fn note(&mut self, end: TryEnd) -> Option<(UpstreamId, Stored)> {
        if let Some(part) = end.part {
            self.parts.insert(end.upstream, part);
        }
        match end.result {
            Ok(body) => Some((end.upstream, body)),
            Err(short) => {
                self.keep(end.upstream, short);
                None
            }
        }
    }

    fn keep(&mut self, upstream: UpstreamId, short: Box<Shortfall>) {
        if short.miss != Miss::NotFound {
            // What it waited for in vain was trouble too.
            let now = Instant::now();
            self.trouble.get_or_insert(now.checked_sub(short.silent).unwrap_or(now));
        } else if self.terms.pinned {
            let mut books = self.fetcher.ledger.lock();
            books.absent[upstream.place()].get_or_insert_with(std::time::Instant::now);
        }
        if short.miss.is_nonsense() && !matches!(short.detail, Detail::Resolver | Detail::Unknown) {
            let mut books = self.fetcher.ledger.lock();
            books.nonsense[upstream.place()].get_or_insert_with(std::time::Instant::now);
        }
        if let Miss::Limited { pause: Some(pause) } = short.miss {
            // A pause beyond every clock is as good as the longest one.
            let until = Instant::now().checked_add(pause).unwrap_or_else(|| Instant::now() + FOR_EVER);
            self.rests.insert(upstream, until);
        }
        // One wrong copy is enough to hand over; older ones would only hold memory.
        if short.copy.is_some() {
            self.shortfalls.iter_mut().for_each(|s| s.copy = None);
        }
        let limited =
            matches!(short.miss, Miss::Limited { .. }) && self.fetcher.paces.is_limited(&short.host);
        let waited = limited || self.terms.patient && !short.miss.is_word() && self.is_down(upstream);
        let alone = self.alone(upstream, &short);
        self.tries.push(Try { upstream, miss: short.miss.clone(), waited, alone });
        self.shortfalls.push(*short);
    }

    /// Notes who answered.
    fn found(&self, from: UpstreamId) {
        {
            let mut books = self.fetcher.ledger.lock();
            if self.tries.iter().any(|t| t.upstream == from && t.miss == Miss::NotFound) {
                // It has it by now; the next may need its time as well.
                books.absent[from.place()] = None;
            }
            if self.tries.iter().any(|t| t.upstream == from && t.miss.is_nonsense()) {
                // It passes by itself.
                books.nonsense[from.place()] = None;
            }
            books.tally.got(&self.question.file);
            books.tally.mended += u64::from(self.tries.iter().any(|t| t.miss != Miss::NotFound));
            match &self.question.file {
                File::Module { module, kind: Kind::List | Kind::Latest | Kind::Query, .. } => {
                    books.answered_by.entry(module.clone()).or_insert(from);
                }
                File::Database { name, .. } if self.question.file.is_supported() => {
                    let go_walks = self.go_walked(from);
                    books.carriers.entry(name.clone()).or_insert(Carrier { upstream: from, go_walks });
                }
                File::Module { .. } | File::Database { .. } => {}
            }
        }
        self.close(true);
    }

    /// Whether go's own walk, over 404 and pipes, would have come to `to` as well.
    fn go_walked(&self, to: UpstreamId) -> bool {
        self.fetcher.crossings.listed().take_while(|at| *at < to).all(|at| {
            let mut tries = self.tries.iter().filter(|t| t.upstream == at).peekable();
            let piped = self.fetcher.crossings.go_walks(at, to);
            tries.peek().is_some() && (piped || tries.any(|t| t.miss == Miss::NotFound))
        })
    }

    /// What the try with this index was told.
    fn refusal(&self, index: usize) -> Refusal {
        let (from, short) = (self.tries[index].upstream, &self.shortfalls[index]);
        let said = short.said.as_ref().and_then(|said| said.text());
        // Without words of its own the host's name is what helps most.
        let own = || format!("{} answered {}", self.fetcher.upstream(from).shown(), short.words).into_bytes();
        Refusal {
            from: Some(from),
            status: short.facts.status.unwrap_or(502),
            words: said.map_or_else(own, <[u8]>::to_vec),
        }
    }

    fn give_up(&self) -> Answer {
        self.note_step_back();
        self.end_look_up();
        self.fetcher.ledger.lock().tally.gave_up += 1;
        self.close(false);
        let line = |(at, short): (&Try, &Shortfall)| {
            format!("{}: {}", self.fetcher.upstream(at.upstream).shown(), short.words)
        };
        let status = self.shortfalls.last().and_then(|short| short.facts.status);
        let of_all = |status: &u16| self.shortfalls.iter().all(|short| short.facts.status == Some(*status));
        Answer::GaveUp {
            status: status.filter(|status| *status >= 500).filter(of_all),
            last: self.tries.last().map(|last| last.upstream),
            tried: self.tries.iter().zip(&self.shortfalls).map(line).collect(),
        }
    }
}
