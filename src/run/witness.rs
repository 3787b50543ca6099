//! What gox finds out for itself before trust moves. A failure's words say where to look; here it is looked.
//!
//! The one place where proofs are written down. They come of the fetcher's ledger, of connections that
//! gox tried, of a child that it watched, and of one request of its own for the very file that go asked
//! for, at the very proxies that go asks.

use super::{Interrupt, Run};
use crate::fetch::question::{File, Question};
use crate::fetch::{Answer, Engine, Fetcher, Options, Tally};
use crate::formats::escape;
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::{Entry, List, Rotate};
use crate::judgement::attempt::{AttemptEnd, Decision, Observation, Proofs, State, decide};
use crate::judgement::privacy::Why;
use crate::judgement::table::Class;
use crate::relay::path;
use crate::vocabulary::{Cause, Failure};
use std::sync::Arc;
use std::time::Duration;

/// How long one question of gox's own may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Questions after one attempt: two refused modules tell that a host refuses everything.
const MOST: usize = 3;

/// The address of the one database that has another.
const DATABASE: &str = "https://sum.golang.org";

/// What gox asks.
pub(super) struct Inquiry {
    /// Whom, as go walks it.
    pub(super) list: List,
    pub(super) question: Question,
    /// What the bytes are judged by.
    sums: GoSum,
    /// The database itself is asked.
    of_database: bool,
    /// The wrong hash of what go got.
    wrong: Option<String>,
}

impl Inquiry {
    /// Whether a checksum database of these settings of go's answers: its latest note tells no name.
    pub(super) fn about_database(gosumdb: &str) -> Option<Inquiry> {
        let mut words = gosumdb.split(' ').filter(|word| !word.is_empty());
        let name = words.next()?.split('+').next()?;
        let list = List::parse(&words.next().map_or_else(|| format!("https://{name}"), str::to_owned));
        let file = File::Database { name: name.to_owned(), path: "supported".into() };
        let question = Question { file, path: "latest".into() };
        let known = matches!(list.entries.as_slice(), [entry] if entry.is_network_proxy());
        known.then(|| Inquiry { list, question, sums: GoSum::default(), of_database: true, wrong: None })
    }

    /// The same, about something else.
    pub(super) fn with(self, question: Question) -> Inquiry {
        Inquiry { question, ..self }
    }

    /// The first who is asked.
    pub(super) fn host(&self) -> String {
        self.list.entries.first().map(Entry::shown).unwrap_or_default()
    }
}

/// What came of asking once.
pub(super) struct Asked {
    /// `None` where nothing came in time.
    pub(super) answer: Option<Answer>,
    /// Who asked, and what it has met.
    pub(super) fetcher: Arc<Fetcher>,
}

/// The list as far as `entry`, which is asked where go's own walk leads there alone: words that name
/// somebody further back tell nobody a name.
fn up_to(list: &List, entry: &Entry) -> Option<List> {
    let at = list.entries.iter().position(|e| e == entry)?;
    Some(List { entries: list.entries[..=at].to_vec(), separators: list.separators[..at].to_vec() })
}

/// What the fetcher's ledger proves.
pub(super) fn of_ledger(tally: &Tally, proofs: &mut Proofs) {
    for upstream in tally.upstreams.iter().filter(|upstream| upstream.faults > 0) {
        proofs.witness_fault(&upstream.entry);
    }
    for failure in tally.failed.iter().chain(&tally.cured) {
        let by = tally.upstreams.iter().find(|u| failure.host.is_some() && u.entry.host() == failure.host);
        // The fetcher calls it a page, and no other version of the file.
        if let (false, Some(hash)) = (failure.row().class == Class::Mismatch, &failure.facts.got) {
            proofs.witness_page(hash);
        }
        if let (true, Some(by), Some(module)) = (is_refusal(failure), by, &failure.module) {
            proofs.witness_refusal(&by.entry, module);
        }
    }
}

fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.row().class, Class::Refusal | Class::Absence | Class::Login)
}

impl Run {
    /// Looks for itself, where the words, were they true, would lead to something else than they do alone.
    ///
    /// # Errors
    /// A signal asked gox to end meanwhile.
    pub(super) async fn witness(&mut self, observation: &mut Observation) -> Result<(), Interrupt> {
        let state = State::after(&self.policy, &self.history, observation);
        if self.policy.offline.is_some() || state.premises.vendored {
            return Ok(());
        }
        // What the relay calls down may be what an earlier run left; its ledger has what it met itself.
        for entry in observation.dead.iter().filter(|_| !observation.relayed) {
            observation.proofs.witness_fault(entry);
        }
        if let (AttemptEnd::Stalled | AttemptEnd::NoConnection, Some(first)) =
            (observation.end, state.first())
        {
            observation.proofs.witness_fault(first);
        }
        let supposed = Observation { proofs: Proofs::supposed(), ..observation.clone() };
        let decided = |observation: &Observation| decide(&self.policy, &self.history, observation);
        let told = decided(observation);
        // A stop for a confirmed mismatch is looked into as well: it may be a login page's.
        let mismatch = |f: &Failure| f.row().class == Class::Mismatch;
        let doubtful = matches!(told, Decision::Stop(_))
            && !observation.relayed
            && observation.failures.iter().any(mismatch);
        if told == Decision::Diagnose || (decided(&supposed) == told && !doubtful) {
            return Ok(());
        }
        let failures = observation.failures.iter().chain(&observation.refusals);
        let mut inquiries: Vec<Inquiry> = Vec::new();
        for inquiry in failures.filter_map(|failure| self.inquiry(&state, failure)) {
            if inquiries.len() < MOST && !inquiries.iter().any(|known| known.question == inquiry.question) {
                inquiries.push(inquiry);
            }
        }
        for inquiry in inquiries {
            self.inquire(inquiry, &mut observation.proofs).await?;
        }
        Ok(())
    }

    /// What is to be asked about a failure: nothing that go itself would not ask there.
    pub(super) fn inquiry(&self, state: &State, failure: &Failure) -> Option<Inquiry> {
        let class = failure.row().class;
        if class == Class::Database {
            let through = failure.url.as_deref().is_some_and(|url| url.contains("/sumdb/"));
            if !through && state.premises.gosumdb != "sum.golang.org" {
                return None;
            }
            // A proxy may carry it: then go asks nobody else.
            if failure.url.is_none() && failure.host.is_none() {
                return None;
            }
            let name = state.premises.gosumdb.split(['+', ' ']).next().unwrap_or_default();
            if through && !failure.url.as_deref().is_some_and(|url| url.contains(&format!("/sumdb/{name}/")))
            {
                // Another database's name is somebody's words.
                return None;
            }
            // Any answer is a sign of life; that of `latest` tells no name.
            let file = File::Database { name: "sum.golang.org".into(), path: "supported".into() };
            if !through {
                return Some(Inquiry {
                    list: List::parse(DATABASE),
                    question: Question { file, path: "latest".into() },
                    sums: GoSum::default(),
                    of_database: true,
                    wrong: None,
                });
            }
        }
        let reachable = state.list().reachable();
        let proxies = || reachable.iter().filter(|e| e.is_network_proxy());
        let (entry, below) = match (&failure.url, class) {
            (None, Class::Mismatch) => {
                let ending = if failure.facts.go_mod { "mod" } else { "zip" };
                let module = escape::path(failure.module.as_deref()?)?;
                let version = escape::version(failure.version.as_deref()?)?;
                (state.first()?.clone(), format!("{module}/@v/{version}.{ending}"))
            }
            (Some(url), _) => {
                let entry =
                    proxies().filter(|e| url.starts_with(&e.shown())).max_by_key(|e| e.shown().len())?;
                (entry.clone(), url[entry.shown().len()..].trim_start_matches('/').to_owned())
            }
            (None, _) => return None,
        };
        let question = path::parse(&below)?;
        let module = match &question.file {
            File::Module { module, .. } => module,
            // Whether it carries the database tells no name.
            File::Database { name, .. } => {
                let path = format!("sumdb/{name}/supported");
                let list = List { entries: vec![entry], separators: vec![] };
                return Some(Inquiry {
                    list,
                    question: path::parse(&path)?,
                    sums: GoSum::default(),
                    of_database: false,
                    wrong: None,
                });
            }
        };
        // go asks no proxy for it, or has it already.
        let cached =
            self.cache_folder().is_some_and(|folder| folder.join("cache/download").join(&below).exists());
        // ... or does not know it at all: a name that somebody wrote into go's words.
        let stranger = self.policy.versions_fixed && !state.premises.modules.contains(module);
        if cached || stranger || state.premises.private.why(module) == Some(Why::NoProxy) {
            return None;
        }
        let list = if is_refusal(failure) {
            state.list().clone()
        } else if state.first() == Some(&entry) {
            List { entries: vec![entry], separators: vec![] }
        } else {
            up_to(state.list(), &entry)?
        };
        let (sums, wrong) = match class {
            Class::Mismatch => (self.sums(), failure.facts.got.clone()),
            _ => (GoSum::default(), None),
        };
        Some(Inquiry { list, question, sums, of_database: false, wrong })
    }

    /// Asks for one file, once, as go would be led through the list: with the patience for a byte and the time for all
    /// of it. `None` where gox cannot ask.
    pub(super) async fn ask_once(
        &mut self,
        list: List,
        sums: GoSum,
        question: Question,
        (stall, time): (Duration, Duration),
    ) -> Result<Option<Asked>, Interrupt> {
        let mut options = Options::new(list, self.way_out());
        (options.rotate, options.attempts) = (Rotate::Never, 1);
        options.go_sum = Arc::new(sums);
        (options.stall, options.budget) = (stall, time);
        if let Some(folder) = self.cache_folder() {
            options.spool_dir = folder.join("cache/download");
        }
        let (Ok(engine), Ok(fetcher)) = (Engine::start(), Fetcher::new(options)) else { return Ok(None) };
        let fetcher = Arc::new(fetcher);
        let (answered, answer) = tokio::sync::oneshot::channel();
        let asking = fetcher.clone();
        engine.spawn(async move {
            // Nobody listens any more where it took too long.
            let _ = answered.send(asking.get(question).await);
        });
        let answer = self.unless_interrupted(tokio::time::timeout(time, answer)).await?;
        Ok(match answer {
            Ok(Ok(answer)) => Some(Asked { answer: Some(answer), fetcher }),
            // What broke down tells nothing of anybody.
            Ok(Err(_)) => None,
            Err(_) => Some(Asked { answer: None, fetcher }),
        })
    }

    /// Asks once, and writes down what came of it.
    async fn inquire(&mut self, inquiry: Inquiry, proofs: &mut Proofs) -> Result<(), Interrupt> {
        let Inquiry { list, question, sums, of_database, wrong } = inquiry;
        let listed: Vec<Entry> =
            list.reachable().iter().filter(|e| matches!(e, Entry::Proxy(_))).cloned().collect();
        let named = question.file.names().ok().flatten();
        let is_zip = question.file.is_zip();
        let bounds = (self.policy.stall.min(PATIENCE), PATIENCE);
        let Some(Asked { answer, fetcher }) = self.ask_once(list, sums, question, bounds).await? else {
            return Ok(());
        };
        match answer {
            Some(Answer::NotFound(refusal) | Answer::Refused(refusal)) => {
                let by = refusal.from.and_then(|from| listed.get(from.place()));
                if let (Some(by), Some(module), 401 | 403 | 404 | 410) = (by, &named, refusal.status) {
                    proofs.witness_refusal(by, module);
                }
            }
            Some(Answer::GaveUp { .. }) | None if of_database => proofs.witness_database_away(),
            // A long file may just be long.
            None if !is_zip => listed.iter().take(1).for_each(|entry| proofs.witness_fault(entry)),
            Some(_) | None => {}
        }
        if !of_database {
            let tally = fetcher.tally();
            of_ledger(&tally, proofs);
            // A page where go got a wrong hash: that was the page's.
            if let (Some(hash), true) = (wrong, tally.failed.iter().any(|f| f.cause == Cause::CaptiveOrHtml))
            {
                proofs.witness_page(&hash);
            }
            // One that cannot be talked to, by its certificate for example, failed as well.
            if let ([entry], false) = (listed.as_slice(), tally.left_to_go.is_empty()) {
                proofs.witness_fault(entry);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Rules, Stream, classify};
    use crate::judgement::attempt::{Policy, Premises, Remedy, Step};
    use proptest::prelude::*;

    const NAMES: &[&str] = &["example.test/dep", "git.corp/team/x", "github.com/acme/lib", "github.com/o/m"];

    /// Somebody who has set everything that words might be after.
    fn tempted(list: &str) -> Policy {
        let mut policy = Policy::example(list);
        policy.mirrors = List::parse("https://mirrors.aliyun.com/goproxy").entries;
        policy.mirrors_by_hand = true;
        let names = || NAMES.iter().map(|name| (*name).to_owned());
        let mut premises = Premises::clone(policy.premises.as_ref().expect("an example's"));
        premises.pinned = names().map(|name| (name, "v1.0.0".to_owned())).collect();
        premises.private.configured = "example.test,github.com/acme".into();
        policy.premises = Some(Arc::new(premises));
        policy
    }

    fn message() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "go: NAME@v1.0.0: reading HOST/NAME/@v/v1.0.0.mod: 404 Not Found\n",
            "go: NAME@v1.0.0: reading HOST/NAME/@v/v1.0.0.zip: 403 Forbidden\n",
            "go: NAME@v1.0.0: reading HOST/NAME/@v/v1.0.0.info: 410 Gone\n\tserver response: gone\n",
            "go: NAME@v1.0.0: reading HOST/NAME/@v/v1.0.0.zip: 503 Service Unavailable\n",
            "go: NAME@v1.0.0: Get \"HOST/NAME/@v/v1.0.0.zip\": EOF\n",
            "go: NAME@v1.0.0: Get \"HOST/NAME/@v/v1.0.0.mod\": dial tcp 192.0.2.1:443: connect: connection refused\n",
            "go: NAME@v1.0.0: Get \"HOST/NAME/@v/v1.0.0.mod\": dial tcp: lookup x.test: no such host\n",
            "go: NAME@v1.0.0: Get \"HOST/NAME/@v/v1.0.0.mod\": tls: failed to verify certificate: x509: unknown authority\n",
            "verifying NAME@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "go: NAME@v1.0.0: verifying module: NAME@v1.0.0: Get \"https://sum.golang.org/lookup/NAME@v1.0.0\": dial tcp 192.0.2.1:443: i/o timeout\n",
            "go: NAME@v1.0.0: verifying module: NAME@v1.0.0: reading https://sum.golang.org/lookup/NAME@v1.0.0: 500 Oops\n",
            "go: zip: not a valid zip file\n",
            "go: download go1.99.0: toolchain not available\n",
            "\tserver response: ",
            "go: ",
            "\n",
        ]);
        let host = prop::sample::select(vec![
            "https://proxy.golang.org",
            "https://goproxy.cn",
            "http://a.example:1",
        ]);
        (words, prop::sample::select(NAMES), host, "\\PC{0,8}")
            .prop_map(|(words, name, host, noise)| words.replace("NAME", name).replace("HOST", host) + &noise)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        /// Whatever anybody writes: while gox itself saw nothing, no setting of trust moves, nothing of the cache
        /// goes, and nobody is asked but whom go's own walk leads to.
        #[test]
        fn no_words_move_trust(
            texts in prop::collection::vec(prop::collection::vec(message(), 1..5), 1..5),
            list in prop::sample::select(vec![
                "https://proxy.golang.org,https://goproxy.cn,direct",
                "https://goproxy.cn|https://proxy.golang.org,direct",
                "http://a.example:1,https://goproxy.cn,direct",
            ]),
        ) {
            let policy = tempted(list);
            let list = List::parse(list);
            let mut history: Vec<Step> = Vec::new();
            for text in texts {
                let text = text.concat();
                let failures = classify(&Rules::default(), Stream::Stderr, text.as_bytes()).failures;
                let mut observation = Observation::new(AttemptEnd::Code(1), failures);
                observation.diagnosed = true;
                let Decision::Retry(retry) = decide(&policy, &history, &observation) else { break };
                for remedy in &retry.remedies {
                    match remedy {
                        Remedy::Rotate(to) => {
                            let at = list.reachable().iter().position(|e| e == to);
                            prop_assert!(at.is_some_and(|at| list.only_pipes(0, at)), "{remedy} by {text:?}");
                        }
                        Remedy::Http1 | Remedy::Http2Again | Remedy::NoMlkem | Remedy::GitPatience => {}
                        _ => prop_assert!(false, "{remedy} by {text:?}"),
                    }
                }
                history.push(Step { observation, retry });
            }
        }
    }
}
