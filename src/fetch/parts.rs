//! A large zip in several parts side by side: over a line that carries little in each connection, or takes long to
//! come up to speed, four bring it sooner than one.
//!
//! The answer that comes is read on; others ask for what lies further behind, each over a connection of its own where
//! there may be one, and the first ends where theirs begins. Whoever does not answer with just the part that was asked
//! for is left at that, and the first reads on through it. Only for zips whose hash is known, and looked at here: what
//! does not fit together is found out, and fetched once more in one piece.

use super::Fetcher;
use super::exchange::{Broken, Exchange, text};
use super::fault::Fault;
use super::line::{Over, Response};
use super::segments::{Known, Parts, Role, Segment};
use super::spool::{self, Stored};
use crate::vocabulary::Cause;
use hyper::header::{self, HeaderMap, HeaderValue};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Zips of this size and more are worth it ...
const LARGE: u64 = 4 << 20;

/// ... where as much is left, ...
const LEFT: u64 = 1 << 20;

/// ... which at the rate so far would take this long.
const LONG: Duration = Duration::from_millis(1500);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Parts, the first included.
const PARTS: u64 = 4;

/// Most zips at a time that come in parts: each part takes a descriptor.
pub(super) const AT_ONCE: usize = 2;

/// Whether this answer, of this length, may be fetched in parts.
fn is_fit(headers: &HeaderMap, total: u64) -> bool {
    total >= LARGE
        && text(headers, &header::ACCEPT_RANGES) == Some("bytes")
        && !headers.contains_key(header::CONTENT_ENCODING)
}

impl Fetcher {
    /// Notes that what came in parts was no whole: no more of that in this run.
    pub(super) fn parts_do_not_fit(&self) {
        self.parts.close();
    }
}

impl Exchange<'_> {
    /// Stores a body of `total` bytes, the end of it in parts where that is faster. True where it was.
    pub(super) async fn store_all(
        &self,
        response: &mut Response,
        stored: &mut Stored,
        total: Option<u64>,
        limit: u64,
        validator: Option<&HeaderValue>,
    ) -> Result<bool, Broken> {
        let Response { headers, body, .. } = response;
        let fit = total.filter(|total| self.in_parts && stored.len() == 0 && is_fit(headers, *total));
        let (Some(total), Ok(_turn)) = (fit, self.fetcher.parts.try_acquire()) else {
            return self.store(body, stored, limit, Role::Whole).await.map(|()| false);
        };
        let parts = Parts::default();
        // Dropped where it is given up, and with it what it asks for.
        let mut helping = Some(Box::pin(self.help(&parts, total, validator)));
        let mut helped = None;
        {
            let main = self.store(body, stored, limit, Role::First(&parts));
            tokio::pin!(main);
            loop {
                let help = async {
                    match &mut helping {
                        Some(helping) => helping.await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    end = &mut main => break end?,
                    () = parts.given_up.notified() => helping = None,
                    came = help => {
                        helped = Some(came);
                        helping = None;
                    }
                }
            }
        }
        if stored.len() >= total {
            return Ok(false);
        }
        if let Some(begin) = parts.next_begin(stored.len()).filter(|begin| *begin == stored.len()) {
            let came = match (helped, helping) {
                (Some(came), _) => came,
                (None, Some(helping)) => helping.await,
                (None, None) => Vec::new(),
            };
            join(stored, came, begin)
                .map_err(|error| Broken::Here(Fault::new(spool::cause_of(&error), error.to_string())))?;
        }
        Ok(true)
    }

    /// Asks for the last three quarters of what is left, once it is known to take long. What came of each part.
    async fn help(
        &self,
        parts: &Parts,
        total: u64,
        validator: Option<&HeaderValue>,
    ) -> Vec<(u64, Option<Stored>)> {
        let start = Instant::now();
        let (mut here, mut all) = (0, self.fetcher.bytes_moving());
        let at = loop {
            tokio::time::sleep(LOOK).await;
            let before = (here, all);
            (here, all) = (self.progress.bytes.load(Ordering::Relaxed), self.fetcher.bytes_moving());
            let left = total.saturating_sub(here);
            if left < LEFT {
                return Vec::new();
            }
            // While others share the line, it is they who slow it down, unless it carries little in any case.
            let slowed = here.saturating_sub(before.0) * 2 < all.saturating_sub(before.1)
                && !self.fetcher.slow.load(Ordering::Relaxed);
            let rate = here as f64 / start.elapsed().as_secs_f64();
            if here > 0 && !slowed && left as f64 > rate * LONG.as_secs_f64() {
                break here;
            }
        };
        let length = (total - at).div_ceil(PARTS);
        let begins = [1, 2, 3].map(|n| at + n * length);
        let part =
            |begin: &u64| Segment { begin: *begin, end: (begin + length).min(total), flows: false, came: 0 };
        *parts.lock() =
            Known { segments: begins.iter().map(part).collect(), since: Some((Instant::now(), at)) };
        let one = async |n: usize| (begins[n], Box::pin(self.segment(parts, n, total, validator)).await);
        let (a, b, c) = tokio::join!(one(0), one(1), one(2));
        vec![a, b, c]
    }

    /// One part, as far as it came.
    async fn segment(
        &self,
        parts: &Parts,
        n: usize,
        total: u64,
        validator: Option<&HeaderValue>,
    ) -> Option<Stored> {
        let (begin, end) = {
            let segments = &parts.lock().segments;
            (segments[n].begin, segments[n].end)
        };
        let range = format!("bytes={begin}-{}", end - 1);
        let mut host = self.upstream.host().to_owned();
        self.fetcher.ledger.lock().tally.asked += 1;
        let mut response = self.head(Some((range, validator)), Over::Own, &mut host, &mut None).await.ok()?;
        let given = text(&response.headers, &header::CONTENT_RANGE).unwrap_or_default();
        let right = response.status == 206
            && given == format!("bytes {begin}-{}/{total}", end - 1)
            && !response.headers.contains_key(header::CONTENT_ENCODING)
            && response.body.length().is_none_or(|length| length == end - begin);
        if !right {
            if response.status < 400 {
                self.fetcher.parts_do_not_fit();
            }
            return None;
        }
        parts.lock().segments[n].flows = true;
        let mut stored = Stored::new(&self.fetcher.spool);
        // What came before it broke off is as good.
        let _ = self.store(&mut response.body, &mut stored, end - begin, Role::Other(parts, n)).await;
        Some(stored)
    }
}

/// Puts the parts behind what is there, up to the first that is not whole.
fn join(stored: &mut Stored, came: Vec<(u64, Option<Stored>)>, begin: u64) -> std::io::Result<()> {
    for (at, part) in came.into_iter().filter(|(at, _)| *at >= begin) {
        let Some(part) = part.filter(|_| at == stored.len()) else { return Ok(()) };
        stored.append(&part)?;
    }
    Ok(())
}

/// The fault of parts that are no whole.
pub(super) const NO_WHOLE: (Cause, &str) = (Cause::Eof, "parts that do not fit together");
