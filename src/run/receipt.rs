//! The last line of a run that went well: what gox saved where that is much, or what it got through.

use super::Run;
use super::speak::Level;
use crate::judgement::attempt::Observation;
use crate::memory::report::Attempt;
use crate::progress::{self, Needed};
use crate::words::{self, Text, naming, running};
use std::io::IsTerminal;
use std::time::Duration;

/// An outage that was waited out in a shorter time is not told.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// Remedies that one line names.
const NAMED: usize = 3;

impl Run {
    /// Says what gox got through with another attempt of go's, at what cost.
    pub(super) fn tell_recovery(&mut self, last: &Observation) {
        let seconds = |span: Duration| format!("{:.1}", span.as_secs_f64());
        let text = running::GOT_THROUGH.with(&[
            ("attempt", &self.attempts.len()),
            ("causes", &self.met()),
            ("cure", &self.cure()),
            ("total", &seconds(self.started.elapsed())),
            ("last", &seconds(last.elapsed)),
        ]);
        self.voice.say(&mut self.supervisor, Level::Normal, &text);
    }

    /// What was done before the attempt that got through.
    fn cure(&self) -> Text {
        let retried = self.attempts.iter().rev().nth(1);
        let (waits, done): (Vec<&String>, Vec<&String>) = retried
            .iter()
            .flat_map(|Attempt { remedies, .. }| remedies)
            .partition(|r| r.starts_with("wait:"));
        let named = if done.is_empty() { waits } else { done };
        let join = |first: Text, then: Text| running::AND.with(&[("first", &first), ("then", &then)]);
        let named = named.into_iter().take(NAMED).map(|remedy| naming::remedy(remedy));
        named.reduce(join).unwrap_or_else(|| running::ANOTHER_TRY.into())
    }

    /// Says what the fetcher waited out so that go saw nothing of it, and what a fill saved.
    pub(super) fn tell_gain(&mut self) {
        if let Some((outage, first)) = self.outage().filter(|(outage, _)| *outage >= WORTH_TELLING) {
            let text = running::WAITED_OUT.with(&[("what", &first), ("seconds", &outage.as_secs())]);
            self.voice.say(&mut self.supervisor, Level::Normal, &text);
        }
        // Programs that take gox for go read what it says.
        if self.job.as_go && !std::io::stderr().is_terminal() {
            return;
        }
        let took = self.started.elapsed();
        let Some((modules, bytes, needed, round_trip)) = self.gain() else { return };
        if let Some(rounds) = progress::receipt(needed, at_a_time(), round_trip, took) {
            let text = running::RECEIPT.with(&[
                ("modules", &modules),
                ("bytes", &progress::volume(bytes)),
                ("time", &progress::span(took)),
                ("rounds", &rounds),
                ("ms", &round_trip.as_millis()),
            ]);
            self.voice.say(&mut self.supervisor, Level::Normal, &text);
        }
    }

    /// How long the fetcher was without any progress, and what it met first.
    fn outage(&self) -> Option<(Duration, Text)> {
        let tally = self.tally()?;
        Some((tally.outage, words::happened(tally.cured.first()?)))
    }

    /// What the fill placed, and what it took: modules, bytes, files, and the shortest time to a first byte.
    fn gain(&self) -> Option<(u64, u64, Needed, Duration)> {
        let (tally, fetched) = (self.tally()?, self.fetched()?);
        let files = tally.files;
        // What go did not ask for may be of any kind; the dearest is left out.
        let infos = files.infos.saturating_sub(fetched.unused);
        let needed = Needed { infos, mods: files.mods, zips: files.zips };
        Some((fetched.filled, tally.bytes, needed, tally.shortest?)).filter(|(filled, ..)| *filled > 0)
    }
}

/// How many requests go makes at a time: GOMAXPROCS, or as many processors as it may use at most. A limit that a
/// container sets is not counted, so that the bound holds for a go that does not know it.
#[allow(unsafe_code, reason = "the processors that are online are known to libc alone")]
fn at_a_time() -> u64 {
    let told = std::env::var("GOMAXPROCS").ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    // SAFETY: it takes a number and gives one.
    let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    told.unwrap_or_else(|| u64::try_from(online).unwrap_or(1))
}
