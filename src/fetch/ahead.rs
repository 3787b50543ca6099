//! Answers that are fetched before go asks for them. go's own question for the same file waits for
//! the one under way, and gets what is left of its answer: each file is fetched once.

use super::Answer;
use super::spool::Reader;
use crate::formats::zip::Manifest;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// Reads a whole zip through in place of the fetcher, to do something with its files meanwhile.
pub(crate) trait Inspect: Send + Sync + fmt::Debug {
    /// What the zip holds; `None` where it could not be read to its end by this reader, so that the
    /// fetcher reads it by itself. It is called again for each other copy that comes. On a thread that
    /// may block.
    fn inspect(&self, zip: Reader) -> Option<Manifest>;
}

/// What stands under a path.
enum Slot {
    /// It is being fetched; told once that ends.
    Coming(Arc<Notify>),
    /// It is here.
    Here(Answer),
    /// go has had it: it is not fetched ahead any more.
    Given,
}

/// The answers, by the path of their question.
#[derive(Default)]
pub(super) struct Ahead {
    slots: Mutex<HashMap<String, Slot>>,
}

/// A question that is answered ahead. Dropped without an answer it is as if nobody had asked.
pub(super) struct Coming<'a> {
    ahead: &'a Ahead,
    path: String,
}

impl Ahead {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Announces an answer that go will want; `None` where there is one, one is coming, or go has had it.
    pub(super) fn announce(&self, path: &str) -> Option<Coming<'_>> {
        let mut slots = self.lock();
        if slots.contains_key(path) {
            return None;
        }
        slots.insert(path.to_owned(), Slot::Coming(Arc::default()));
        Some(Coming { ahead: self, path: path.to_owned() })
    }

    /// Announces that go's own question is on its way; `None` where an answer is coming or here.
    pub(super) fn announce_gos(&self, path: &str) -> Option<Coming<'_>> {
        let mut slots = self.lock();
        if let Some(Slot::Coming(_) | Slot::Here(_)) = slots.get(path) {
            return None;
        }
        slots.insert(path.to_owned(), Slot::Coming(Arc::default()));
        Some(Coming { ahead: self, path: path.to_owned() })
    }

    /// The answer for this path, waited for while it comes. It is given once.
    pub(super) async fn take(&self, path: &str) -> Option<Answer> {
        loop {
            let coming = {
                let mut slots = self.lock();
                match slots.get_mut(path)? {
                    Slot::Coming(coming) => coming.clone(),
                    Slot::Given => return None,
                    here @ Slot::Here(_) => match std::mem::replace(here, Slot::Given) {
                        Slot::Here(answer) => return Some(answer),
                        Slot::Coming(_) | Slot::Given => return None,
                    },
                }
            };
            let told = coming.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            // It may have ended between the look and the listening.
            let still = matches!(self.lock().get(path), Some(Slot::Coming(now)) if Arc::ptr_eq(now, &coming));
            if still {
                told.await;
            }
        }
    }

    /// Answers that nobody has taken yet.
    pub(super) fn untaken(&self) -> u64 {
        self.lock().values().filter(|slot| matches!(slot, Slot::Here(Answer::Found { .. }))).count() as u64
    }
}

impl Coming<'_> {
    /// Leaves the answer for go, if anything of it is left.
    pub(super) fn keep(self, answer: Option<Answer>) {
        if let Some(answer) = answer {
            self.end(Slot::Here(answer));
        }
    }

    /// Notes that go has its answer.
    pub(super) fn give(self) {
        self.end(Slot::Given);
    }

    fn end(&self, slot: Slot) {
        if let Some(Slot::Coming(coming)) = self.ahead.lock().insert(self.path.clone(), slot) {
            coming.notify_waiters();
        }
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        let mut slots = self.ahead.lock();
        if let Some(Slot::Coming(coming)) = slots.get(&self.path) {
            let coming = coming.clone();
            slots.remove(&self.path);
            coming.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Refusal;

    fn answer() -> Answer {
        Answer::NotFound(Refusal { from: None, status: 404, words: b"not found".to_vec() })
    }

    #[tokio::test]
    async fn a_question_waits_for_what_comes_and_each_answer_is_given_once() {
        let ahead = Ahead::default();
        assert!(ahead.take("m/@v/v1.0.0.mod").await.is_none());
        let coming = ahead.announce("m/@v/v1.0.0.mod").expect("nobody has asked");
        assert!(ahead.announce("m/@v/v1.0.0.mod").is_none());
        let go = async { ahead.take("m/@v/v1.0.0.mod").await };
        let fill = async {
            tokio::task::yield_now().await;
            coming.keep(Some(answer()));
        };
        let (taken, ()) = tokio::join!(go, fill);
        assert!(taken.is_some());
        assert!(ahead.take("m/@v/v1.0.0.mod").await.is_none());
        // go has it: only go may ask once more.
        assert!(ahead.announce("m/@v/v1.0.0.mod").is_none());
        ahead.announce_gos("m/@v/v1.0.0.mod").expect("nothing is coming").give();
        assert!(ahead.announce("m/@v/v1.0.0.mod").is_none());
    }

    #[tokio::test]
    async fn who_waits_for_an_answer_that_never_comes_asks_for_itself() {
        let ahead = Ahead::default();
        for keeps in [false, true] {
            let coming = ahead.announce("m/@v/v1.0.0.zip").expect("nobody has asked");
            let go = async { ahead.take("m/@v/v1.0.0.zip").await };
            let fill = async {
                tokio::task::yield_now().await;
                if keeps { coming.keep(None) } else { drop(coming) }
            };
            let (taken, ()) = tokio::join!(go, fill);
            assert!(taken.is_none());
        }
        assert_eq!(ahead.untaken(), 0);
    }
}
