//! The end of a question in the books: what failed on the way, and what was found out for good.

use super::journey::Journey;
use super::one_try::Shortfall;
use super::question::{File, Kind};
use crate::judgement::attempt::Settled;
use crate::judgement::request::miss::{Miss, Try};
use crate::vocabulary::{Facts, Failure, Source};

impl Journey<'_> {
    /// Enters what the equal copies of a file have shown for good: it is as it is there.
    pub(super) fn settle(&self, index: usize, length: u64) {
        let Try { miss: Miss::Wrong { digest, .. }, .. } = &self.tries[index] else { return };
        let same = |t: &&Try| matches!(&t.miss, Miss::Wrong { digest: d, .. } if d == digest);
        let tries = self.tries.iter().filter(same).count();
        if tries < 2 {
            // Seen once, nothing is certain.
            return;
        }
        let mut failure = self.failure(&self.tries[index], &self.shortfalls[index]);
        failure.evidence.push_str(&format!(", the same {length} bytes in {tries} tries"));
        let why = self.shortfalls[index].flaw.clone();
        let settled = Settled { failure, why, bytes: length, tries };
        let mut books = self.fetcher.ledger.lock();
        books.tally.settled.push(settled);
        // What nobody but the fill wants may be wrong without an end of the run.
        books.settled[self.tries[index].upstream.place()] |= self.is_for_go();
    }

    /// Enters the failures of this question into the books.
    pub(super) fn close(&self, cured: bool) {
        let failures: Vec<Failure> = self
            .tries
            .iter()
            .zip(&self.shortfalls)
            .filter(|(t, _)| !cured || t.miss != Miss::NotFound)
            .map(|(t, short)| self.failure(t, short))
            .collect();
        self.fetcher.ledger.lock().keep(failures.into_iter(), cured);
    }

    fn failure(&self, at: &Try, short: &Shortfall) -> Failure {
        let (source, module, version) = match &self.question.file {
            File::Database { .. } => (Source::Sumdb, None, None),
            File::Module { module, version, .. } => {
                let toolchain = module == "golang.org/toolchain";
                let source = if toolchain { Source::Toolchain } else { Source::Proxy };
                (source, Some(module.clone()), Some(version.clone()).filter(|v| !v.is_empty()))
            }
        };
        let url = format!("{}/{}", self.fetcher.upstream(at.upstream).shown(), self.question.path);
        let evidence = format!("{url}: {}", short.words);
        let go_mod = matches!(self.question.file, File::Module { kind: Kind::Mod, .. });
        Failure {
            module,
            version,
            host: Some(short.host.clone()),
            url: Some(url),
            detail: short.detail,
            facts: Facts { go_mod, ..short.facts.clone() },
            ..Failure::new(short.cause, Some(source), evidence)
        }
    }
}
