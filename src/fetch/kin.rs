//! Look-ups of likely private names, which go asks for in step.
//!
//! Of an import that no module provides go looks up every path that may be its module, all of them at one
//! entry of the list before it goes on to the next, and it ends where one is found. Through a relay each of
//! them comes alone. So that no proxy further back hears the name of an owner or of a host whose module
//! the first one has, a likely private name goes on after 404 only where none of its kin is found there.

use super::ledger::{Ledger, LookUp};
use crate::formats::module_path;
use crate::judgement::request::UpstreamId;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Within this time go has asked for all paths of one import.
const IN_STEP: Duration = Duration::from_millis(100);

/// How long kin that is under way is waited for at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Numbers look-ups.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A look-up that is under way; noted until it is dropped.
pub(super) struct Kin<'a> {
    ledger: &'a Ledger,
    id: u64,
    module: String,
    since: Instant,
}

impl Drop for Kin<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let over = |l: &LookUp| l.until.map_or(l.id == self.id, |until| until < now);
        self.ledger.lock().look_ups.retain(|l| !over(l));
    }
}

fn is_kin(one: &str, other: &str) -> bool {
    one != other && (module_path::covers(one, other) || module_path::covers(other, one))
}

impl Kin<'_> {
    pub(super) fn begin<'a>(ledger: &'a Ledger, module: &str) -> Kin<'a> {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let look_up = LookUp { id, module: module.to_owned(), lack: Vec::new(), until: None };
        ledger.lock().look_ups.push(look_up);
        Kin { ledger, id, module: module.to_owned(), since: Instant::now() }
    }

    /// Notes that go's walk ends at `upstream`, which has it or fails.
    pub(super) fn ended(&self, upstream: UpstreamId) {
        self.ledger.lock().known.push((self.module.clone(), upstream, Instant::now()));
    }

    /// Notes that an empty list came: go asks for the latest version next.
    pub(super) fn goes_on(&self) {
        if let Some(own) = self.ledger.lock().look_ups.iter_mut().find(|look_up| look_up.id == self.id) {
            own.until = Some(Instant::now() + IN_STEP * 3);
        }
    }

    /// Notes that `upstream` has it not, and finds out whether go ends there for one of its kin.
    pub(super) async fn ends_at(&self, upstream: UpstreamId) -> bool {
        if let Some(own) = self.ledger.lock().look_ups.iter_mut().find(|look_up| look_up.id == self.id) {
            own.lack.push(upstream);
        }
        tokio::time::sleep(IN_STEP).await;
        let start = Instant::now();
        loop {
            {
                let books = self.ledger.lock();
                let recent = |when: &Instant| *when + IN_STEP * 2 >= self.since;
                let has = |(module, at, when): &(String, UpstreamId, Instant)| {
                    *at == upstream && recent(when) && is_kin(module, &self.module)
                };
                if books.known.iter().any(has) {
                    return true;
                }
                let now = Instant::now();
                let open = |l: &LookUp| {
                    is_kin(&l.module, &self.module)
                        && !l.lack.contains(&upstream)
                        && l.until.is_none_or(|until| now < until)
                };
                if !books.look_ups.iter().any(open) || start.elapsed() > PATIENCE {
                    return false;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
