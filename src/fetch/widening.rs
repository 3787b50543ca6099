//! How many connections an origin gets: one alone, however many streams it carries, suffers from every loss, and some
//! lines have a ceiling for each. But where one fills the line, another takes from it, and after its first loss is
//! long in coming up to speed with what it was given to carry.

use super::Fetcher;
use super::connections::MOST_HTTP2;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the rate of a number of connections is measured: two or three round trips of a far line.
const MEASURED: Duration = Duration::from_millis(250);

/// So often until it is known what one more brings: it has to be made first.
const TRIALS: usize = 3;

/// Bytes in that time with which nothing more is tried: 50 Mbit/s.
const ENOUGH: u64 = 6_250_000 / 4;

/// With fewer each connection counts, and all may be had: 8 Mbit/s. What they take from one another is little.
const LITTLE: u64 = 1_000_000 / 4;

/// So many measurements in a row with fewer say that it stays so.
const STAYS: usize = 4;

impl Fetcher {
    /// Opens more connections to an origin while each brings a quarter more bytes. To be called from a task of the
    /// [`super::Engine`], for as long as there is much to fetch.
    pub(crate) async fn widen(&self) {
        self.connections.allow(1);
        self.find_most().await;
        // A line that loses much shows it late: each connection falls behind after a good beginning.
        let mut slow = 0;
        while slow < STAYS {
            match self.measured().await {
                // Nobody is asked, or nobody answers.
                0 => {}
                bytes if bytes < LITTLE => slow += 1,
                _ => slow = 0,
            }
        }
        self.connections.allow(MOST_HTTP2);
        self.slow.store(true, Ordering::Relaxed);
    }

    /// One after the other, as long as that helps.
    async fn find_most(&self) {
        let mut rate = 0;
        while rate == 0 {
            rate = self.measured().await;
        }
        for allowed in 2..=MOST_HTTP2 {
            // Those that come up to speed by themselves need no other.
            loop {
                let now = self.measured().await;
                let grows = more_by_a_quarter(now, rate);
                rate = rate.max(now);
                if !grows {
                    break;
                }
            }
            if !(LITTLE..ENOUGH).contains(&rate) {
                return;
            }
            self.connections.allow(allowed);
            let mut brought = false;
            for _ in 0..TRIALS {
                let now = self.measured().await;
                brought = more_by_a_quarter(now, rate);
                rate = rate.max(now);
                if brought {
                    break;
                }
            }
            if !brought {
                self.connections.allow(allowed - 1);
                return;
            }
        }
    }

    /// Bytes that come in some time.
    async fn measured(&self) -> u64 {
        let before = self.bytes_moving();
        tokio::time::sleep(MEASURED).await;
        self.bytes_moving().saturating_sub(before)
    }
}

fn more_by_a_quarter(now: u64, before: u64) -> bool {
    now > before + before / 4
}
