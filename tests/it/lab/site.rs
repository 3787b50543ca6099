//! One server of the lab: decides what a request gets, whatever the protocol, and keeps the record.

use super::Ranges;
use super::fault::{Fault, Moment, Place, Rule, choose};
use super::limits::Counting;
use super::modules::Shelf;
use super::record::Seen;
use super::reply::{Answer, Reply, Stage, spoil};
use super::scripted::Script;
use super::sumdb::Database;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What all servers of a lab share.
pub(super) struct Shared {
    pub(super) seed: u64,
    pub(super) started: Instant,
    pub(super) latency: Duration,
    pub(super) keep_alive: bool,
    pub(super) ranges: Ranges,
    pub(super) shelf: Shelf,
    pub(super) database: Option<Arc<Database>>,
    pub(super) script: Option<Script>,
    pub(super) state: Mutex<State>,
}

/// What changes while it runs.
#[derive(Default)]
pub(super) struct State {
    pub(super) rules: Vec<Rule>,
    pub(super) seen: Vec<Seen>,
    pub(super) first: Option<Instant>,
    pub(super) of_path: HashMap<(Place, String), usize>,
    pub(super) overall: HashMap<Place, usize>,
    /// GOMODCACHE, to tell requests for what is there already.
    pub(super) watched: Option<PathBuf>,
    /// Text of `?go-get=1` pages by path.
    pub(super) pages: HashMap<String, String>,
}

impl Shared {
    /// The state; a test that panicked while it held it does not matter here.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One listening server.
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) shared: Arc<Shared>,
    /// A path before everything, such as `/goproxy`; without a slash at its end.
    pub(super) prefix: String,
    /// Where zips are redirected to.
    pub(super) storage: Option<String>,
    /// `user:password` that must come as basic authentication.
    pub(super) credentials: Option<String>,
    /// The path below which the checksum database is found here.
    pub(super) sumdb_below: Option<String>,
    /// Whether modules are served here.
    pub(super) serves_modules: bool,
    /// What it bears.
    pub(super) counting: Counting,
}

/// A request, as far as the lab needs it.
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query as they came.
    pub(super) target: String,
    /// The same, or a whole URL where one came (through an HTTP proxy).
    pub(super) named: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) protocol: &'static str,
}

/// The signature that the storage host wants to see; it must never appear in what gox prints or stores.
pub(crate) const SIGNATURE: &str = "X-Lab-Expires=3600&X-Lab-Signature=f00dfacef00dface";

impl Site {
    /// Decides, and opens the record; the number is for [`Site::finish`].
    pub(super) fn decide(&self, asked: Asked) -> (usize, Reply) {
        let (path, query) = match asked.target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (asked.target.as_str(), None),
        };
        let path = percent_decoded(path.strip_prefix(self.prefix.as_str()).unwrap_or(path));
        let path = path.trim_start_matches('/').to_owned();
        let (number, fault, record, page, seen) = {
            let mut state = self.shared.lock();
            let now = Instant::now();
            let since_first = now - *state.first.get_or_insert(now);
            let of_path = count(state.of_path.entry((self.place, path.clone())).or_default());
            let overall = count(state.overall.entry(self.place).or_default());
            let moment = Moment {
                seed: self.shared.seed,
                place: self.place,
                path: &path,
                of_path,
                overall,
                since_first,
            };
            let fault = choose(&mut state.rules, &moment);
            let cached =
                state.watched.as_ref().is_some_and(|dir| dir.join("cache/download").join(&path).is_file());
            let page = state.pages.get(&path).cloned();
            let seen = Seen {
                at: self.shared.started.elapsed(),
                place: self.place,
                method: asked.method.clone(),
                path: path.clone(),
                query: query.clone(),
                named: asked.named.clone(),
                headers: asked.headers.clone(),
                protocol: asked.protocol,
                status: 0,
                fault,
                sent: 0,
                whole: false,
                cached,
            };
            state.seen.push(seen.clone());
            (of_path, fault, state.seen.len() - 1, page, seen)
        };
        if let Some(script) = &self.shared.script {
            let mut say = script(&seen, number);
            if say.ranged {
                self.cut_range(&asked, say.answer_mut());
            }
            return (record, say.reply());
        }
        let counted = match self.counting.request() {
            Ok(counted) => counted,
            Err(refusal) => {
                let mut reply = spoil(refusal, None, &path, number);
                reply.wait = self.shared.latency;
                return (record, reply);
            }
        };
        let mut answer = self.answer(&asked, &path, query.as_deref(), page);
        // What breaks off in the body is otherwise right, and may be a part already.
        if fault.is_none_or(Fault::breaks_off) {
            self.cut_range(&asked, &mut answer);
        }
        let mut reply = spoil(answer, fault, &path, number);
        reply.wait = reply.wait.saturating_add(self.shared.latency);
        reply.counted = Some(counted);
        (record, reply)
    }

    /// Waits before a reply is sent.
    pub(super) async fn wait_for(&self, reply: &Reply) {
        if reply.wait < Duration::MAX {
            return tokio::time::sleep(reply.wait).await;
        }
        while !self.shared.lock().rules.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes a record: what was sent.
    pub(super) fn finish(&self, record: usize, reply: &Reply, sent: usize, whole: bool) {
        let spoiled = |fault| !matches!(fault, Fault::Drip(_) | Fault::Late(_) | Fault::Held);
        let mut state = self.shared.lock();
        if let Some(seen) = state.seen.get_mut(record) {
            seen.status = if matches!(reply.stage, Stage::Body(_)) { reply.answer.status } else { 0 };
            seen.sent = sent;
            seen.whole = whole && reply.answer.status == 200 && !seen.fault.is_some_and(spoiled);
        }
    }

    fn answer(&self, asked: &Asked, path: &str, query: Option<&str>, page: Option<String>) -> Answer {
        if let Some(wanted) = &self.credentials {
            let header = format!("Basic {}", super::modules::base64(wanted.as_bytes()));
            if !asked.headers.iter().any(|(name, value)| name == "authorization" && *value == header) {
                let mut answer = Answer::text(401, "unauthorized\n");
                answer.headers.push(("www-authenticate".into(), "Basic realm=\"lab\"".to_owned()));
                return answer;
            }
        }
        if self.place == Place::Storage && query != Some(SIGNATURE) {
            return Answer::text(403, "SignatureDoesNotMatch\n");
        }
        if let (Some(below), Some(database)) = (&self.sumdb_below, &self.shared.database)
            && let Some(rest) = path.strip_prefix(below.as_str())
        {
            return database.answer(rest).unwrap_or_else(|| Answer::text(404, "not found\n"));
        }
        if let Some(page) = page {
            return Answer::new(200, "text/html; charset=utf-8", page);
        }
        if !self.serves_modules {
            return Answer::text(404, "not found\n");
        }
        match self.shared.shelf.get(path) {
            None => Answer::text(404, format!("not found: {path}\n")),
            Some(_) if path.ends_with(".zip") && self.storage.is_some() => {
                let mut answer = Answer::text(302, "");
                let base = self.storage.as_deref().unwrap_or_default();
                answer.headers.push(("location".into(), format!("{base}/{path}?{SIGNATURE}")));
                answer
            }
            Some((kind, body)) => Answer::new(200, kind, body),
        }
    }

    /// Answers `Range: bytes=N-` (what resumes a download) with the rest, `bytes=N-M` with that part.
    fn cut_range(&self, asked: &Asked, answer: &mut Answer) {
        if self.shared.ranges == Ranges::Unknown || answer.status != 200 {
            return;
        }
        let tag = format!("\"{:x}-{}\"", fingerprint(&answer.body), answer.body.len());
        answer.headers.push(("accept-ranges".into(), "bytes".to_owned()));
        answer.headers.push(("etag".into(), tag.clone()));
        let header = |name: &str| asked.headers.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
        if self.shared.ranges == Ranges::Ignored || header("if-range").is_some_and(|wanted| wanted != tag) {
            return;
        }
        let range = header("range")
            .and_then(|range| range.strip_prefix("bytes="))
            .and_then(|range| range.split_once('-'))
            .and_then(|(start, end)| Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok())));
        let length = answer.body.len();
        match range {
            Some((start, end)) if start < length => {
                let end = end.map_or(length, |last| (last + 1).min(length));
                answer.status = 206;
                answer.headers.push(("content-range".into(), format!("bytes {start}-{}/{length}", end - 1)));
                let shift = usize::from(self.shared.ranges == Ranges::Shifted).min(start);
                answer.body = answer.body.slice(start - shift..end - shift);
            }
            Some(_) => {
                *answer = Answer::text(416, "");
                answer.headers.push(("content-range".into(), format!("bytes */{length}")));
            }
            None => {}
        }
    }
}

/// Adds one and gives what it was.
fn count(counter: &mut usize) -> usize {
    *counter += 1;
    *counter - 1
}

fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// `%21` is what go sends for the `!` of an escaped capital.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
