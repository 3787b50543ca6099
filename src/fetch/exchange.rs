//! Asks one upstream once: the URL, the redirects as go follows them, the status, and the body
//! with the rules for silence and stalls.

use super::Fetcher;
use super::client::{self, Fault};
use super::question::Question;
use super::spool::{self, Stored, Unpack};
use super::upstream::Upstream;
use crate::formats::authority;
use crate::formats::zip::{MAX_GO_MOD, MAX_ZIP};
use crate::judgement::request::hedge::Moved;
use crate::redact;
use crate::vocabulary::Cause;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, Uri, Version};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// As many redirects as go follows.
const REDIRECTS: usize = 10;

/// A body that brings less than this in [`STALL_WINDOW`] (10 B/s) has stalled.
const STALL_BYTES: u64 = 100;

/// Longest time over which a body is judged.
pub(super) const STALL_WINDOW: Duration = Duration::from_secs(10);

/// A longer pause than this is asked for by nobody who means it; no run waits as long.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// As much of an error's body is kept as go itself would print.
const WORDS: usize = 4 << 10;

/// How far a fetch has come; read by the one who may hedge it.
#[derive(Debug)]
pub(super) struct Progress {
    /// When it was asked.
    pub(super) asked: Instant,
    headers_after_us: AtomicU64,
    bytes: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress {
            asked: Instant::now(),
            headers_after_us: AtomicU64::new(u64::MAX),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(u64::MAX),
        }
    }

    fn headers_are_here(&self) {
        let us = self.asked.elapsed().as_micros();
        self.headers_after_us.store(u64::try_from(us).unwrap_or(0), Ordering::Relaxed);
    }

    /// Time to the headers, once they are here.
    pub(super) fn first_byte(&self) -> Option<Duration> {
        let us = self.headers_after_us.load(Ordering::Relaxed);
        (us != u64::MAX).then(|| Duration::from_micros(us))
    }

    /// The same for the rules of hedging.
    pub(super) fn moved(&self) -> Moved {
        let elapsed = self.asked.elapsed();
        let total = self.total.load(Ordering::Relaxed);
        Moved {
            elapsed,
            body: self.first_byte().map(|first| elapsed.saturating_sub(first)),
            bytes: self.bytes.load(Ordering::Relaxed),
            total: (total != u64::MAX).then_some(total),
        }
    }
}

/// The piece of a broken body that its upstream may continue.
pub(super) struct Part {
    body: Stored,
    validator: HeaderValue,
    total: u64,
}

impl Part {
    pub(super) fn len(&self) -> u64 {
        self.body.len()
    }
}

/// The body of a status, as far as anybody needs it.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) body: Vec<u8>,
    /// It is plain text, which go shows.
    plain: bool,
}

impl Said {
    /// What go would show of it.
    pub(super) fn text(&self) -> Option<&[u8]> {
        self.plain.then_some(&self.body)
    }

    /// The first line of that.
    pub(super) fn first_line(&self) -> Option<&str> {
        std::str::from_utf8(self.text()?).ok()?.lines().next()
    }
}

/// What came of one request.
pub(super) enum Received {
    /// 200 (or 206 that completed a part), whole.
    Whole {
        body: Stored,
        /// The end was told by closing the connection only, so the body may be cut.
        loose_end: bool,
    },
    /// Another status.
    Status {
        status: u16,
        pause: Option<Duration>,
        said: Option<Said>,
        /// A server's trouble, or a busy one, does not spoil what is here already.
        part: Option<Part>,
    },
    /// Nothing whole.
    Fault { fault: Fault, part: Option<Part> },
}

impl Received {
    fn fault(cause: Cause, words: impl Into<String>) -> Received {
        Received::Fault { fault: Fault { cause, words: words.into(), http_proxy: false }, part: None }
    }
}

/// One request to one upstream.
pub(super) struct Exchange<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) upstream: &'a Upstream,
    pub(super) question: &'a Question,
    /// Patience for the headers.
    pub(super) patience: Duration,
    /// Over how long a body is judged to stall.
    pub(super) stall: Duration,
    pub(super) http1: bool,
    pub(super) progress: &'a Progress,
}

impl Exchange<'_> {
    /// Asks, continuing `part` where there is one. The host that answered, or failed to, comes with
    /// it: stores differ from the upstream that redirects to them.
    pub(super) async fn run(&self, part: Option<Part>) -> (String, Received) {
        let mut host = self.upstream.host().to_owned();
        let received = match tokio::time::timeout(self.patience, self.headers(part.as_ref(), &mut host)).await
        {
            Ok(Ok(response)) => {
                self.progress.headers_are_here();
                self.answer(response, part).await
            }
            Ok(Err(fault)) => Received::Fault { fault, part },
            Err(_) => {
                let words = format!("no answer within {} s", self.patience.as_secs_f32());
                Received::Fault { fault: Fault { cause: Cause::Timeout, words, http_proxy: false }, part }
            }
        };
        (host, received)
    }

    async fn headers(&self, part: Option<&Part>, host: &mut String) -> Result<Response<Incoming>, Fault> {
        let odd = |words: String| Fault { cause: Cause::CaptiveOrHtml, words, http_proxy: false };
        let mut uri = self.upstream.uri(&self.question.path).map_err(|e| odd(e.to_string()))?;
        let mut headers = HeaderMap::new();
        if let Some(value) = self.upstream.authorization() {
            headers.insert(header::AUTHORIZATION, value.clone());
        } else if self.upstream.is_https()
            && let Some(value) = self.fetcher.http.netrc(&uri)
        {
            headers.insert(header::AUTHORIZATION, value);
        }
        if let Some(part) = part {
            let range = format!("bytes={}-", part.len());
            headers.insert(header::RANGE, HeaderValue::from_str(&range).map_err(|e| odd(e.to_string()))?);
            headers.insert(header::IF_RANGE, part.validator.clone());
        }
        let mut redirects = 0;
        loop {
            let response = self.fetcher.http.get(uri.clone(), &headers, self.http1).await?;
            let location = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => client::text(response.headers(), &header::LOCATION),
                _ => None,
            };
            let Some(location) = location else { return Ok(response) };
            redirects += 1;
            if redirects > REDIRECTS {
                return Err(odd(format!("stopped after {REDIRECTS} redirects")));
            }
            let next = resolve(&uri, location)
                .ok_or_else(|| odd(format!("redirected to nonsense: {}", redact::url(location))))?;
            if self.upstream.is_https() && next.scheme_str() != Some("https") {
                let from = redact::url(&uri.to_string());
                let to = redact::url(&next.to_string());
                return Err(odd(format!("redirected from secure URL {from} to insecure URL {to}")));
            }
            if next.host() != uri.host() {
                headers.remove(header::AUTHORIZATION);
            }
            uri = next;
            if let Some(authority) = uri.authority() {
                *host = authority::split_user(authority.as_str()).1.to_ascii_lowercase();
            }
        }
    }

    async fn answer(&self, response: Response<Incoming>, part: Option<Part>) -> Received {
        let status = response.status().as_u16();
        let page = client::text(response.headers(), &header::CONTENT_TYPE)
            .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"));
        match (status, part) {
            // A plain file server may call anything it does not know text/html: go reads what came.
            (200, _) => match self.body(response, Stored::new(&self.fetcher.spool)).await {
                Received::Whole { body, .. } if page && body.begins_like_a_page() => {
                    Received::fault(Cause::CaptiveOrHtml, "a page (text/html) instead of an answer")
                }
                received => received,
            },
            (206, Some(part)) if continues(response.headers(), &part) => self.body(response, part.body).await,
            // 206 for something else, or 416: the part is of no use any more.
            (206 | 416, _) => {
                let words = format!("status {status} for a part");
                Received::fault(Cause::Eof, words)
            }
            (_, part) => {
                let pause = client::text(response.headers(), &header::RETRY_AFTER).and_then(retry_after);
                let plain = client::text(response.headers(), &header::CONTENT_TYPE)
                    .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/plain"));
                let said = said(response.into_body()).await.map(|body| Said { body, plain });
                Received::Status { status, pause, said, part }
            }
        }
    }

    async fn body(&self, response: Response<Incoming>, mut stored: Stored) -> Received {
        let limit = if self.question.file.is_zip() { MAX_ZIP } else { MAX_GO_MOD };
        let headers = response.headers();
        let hint = response.body().size_hint().exact();
        let total = hint.map(|length| stored.len().saturating_add(length));
        let validator = validator(headers);
        let chunked = headers.contains_key(header::TRANSFER_ENCODING);
        let loose_end = hint.is_none() && !chunked && response.version() < Version::HTTP_2;
        // Nobody asked for it, but go's own client takes it, and so must this one.
        let gzip = client::text(headers, &header::CONTENT_ENCODING)
            .is_some_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
        let ranges = !gzip && client::text(headers, &header::ACCEPT_RANGES) != Some("none");
        if let Some(total) = total {
            self.progress.total.store(total, Ordering::Relaxed);
            if total > limit {
                let words = format!("an answer of {total} bytes, more than go accepts");
                return Received::fault(Cause::CaptiveOrHtml, words);
            }
            stored.expect(total);
        }
        self.progress.bytes.store(stored.len(), Ordering::Relaxed);
        let mut body = response.into_body();
        let mut window = (Instant::now(), 0u64);
        let fault = loop {
            match tokio::time::timeout_at(window.0 + self.stall, body.frame()).await {
                Ok(None) => {
                    if total.is_some_and(|t| t != stored.len()) {
                        break Fault { cause: Cause::Eof, words: "unexpected EOF".into(), http_proxy: false };
                    }
                    if gzip {
                        return unpack(stored, limit).await;
                    }
                    return Received::Whole { body: stored, loose_end };
                }
                Ok(Some(Ok(frame))) => {
                    let Some(data) = frame.data_ref() else { continue };
                    let length = data.len() as u64;
                    window.1 += length;
                    self.fetcher.ledger.bytes.fetch_add(length, Ordering::Relaxed);
                    self.progress.bytes.fetch_add(length, Ordering::Relaxed);
                    if stored.len() + length > limit {
                        return Received::fault(Cause::CaptiveOrHtml, "an endless answer");
                    }
                    if let Err(error) = stored.push(data) {
                        return Received::fault(spool::cause_of(&error), error.to_string());
                    }
                }
                Ok(Some(Err(error))) => break client::fault(&error),
                Err(_) if window.1 >= STALL_BYTES => window = (Instant::now(), 0),
                Err(_) => {
                    let words = format!("stalled after {} bytes", stored.len());
                    break Fault { cause: Cause::Stalled, words, http_proxy: false };
                }
            }
            if window.0.elapsed() >= self.stall {
                if window.1 < STALL_BYTES {
                    let words = format!("stalled after {} bytes", stored.len());
                    break Fault { cause: Cause::Stalled, words, http_proxy: false };
                }
                window = (Instant::now(), 0);
            }
        };
        let part = match (validator, total) {
            (Some(validator), Some(total))
                if ranges && self.question.file.is_zip() && stored.len() > 0 && stored.len() < total =>
            {
                Some(Part { body: stored, validator, total })
            }
            _ => None,
        };
        Received::Fault { fault, part }
    }
}

/// A whole gzip answer without its coding: its own checksum vouches for the end.
async fn unpack(stored: Stored, limit: u64) -> Received {
    match tokio::task::spawn_blocking(move || stored.gunzip(limit)).await {
        Ok(Ok(body)) => Received::Whole { body, loose_end: false },
        Ok(Err(Unpack::Store(error))) => Received::fault(spool::cause_of(&error), error.to_string()),
        Ok(Err(Unpack::Endless)) => Received::fault(Cause::CaptiveOrHtml, "an endless answer"),
        Ok(Err(Unpack::Broken(error))) => Received::fault(Cause::Eof, format!("broken gzip: {error}")),
        Err(error) => Received::fault(Cause::Other, error.to_string()),
    }
}

/// What may stand in If-Range: a strong ETag, else the date of the last change.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    headers
        .get(header::ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        .or_else(|| headers.get(header::LAST_MODIFIED))
        .cloned()
}

/// Whether a 206 begins where the part ends and ends where the whole does.
fn continues(headers: &HeaderMap, part: &Part) -> bool {
    let range = client::text(headers, &header::CONTENT_RANGE).unwrap_or("");
    range == format!("bytes {}-{}/{}", part.len(), part.total - 1, part.total)
}

/// Seconds, or a date; at most [`LONGEST_PAUSE`], so that times may be added to it.
fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    let pause = if value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() {
        value.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO)
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// The beginning of an error's body. What cannot be read soon is not worth it.
async fn said(mut body: Incoming) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                let room = WORDS.saturating_sub(text.len());
                text.extend_from_slice(&data[..data.len().min(room)]);
                if room < data.len() {
                    break;
                }
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    (!text.is_empty()).then_some(text)
}

/// A Location against the URL it came from.
fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or("");
    let scheme = from.scheme_str()?;
    let authority = from.authority()?.as_str();
    let lower = location.to_ascii_lowercase();
    let absolute = if lower.starts_with("http://") || lower.starts_with("https://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", from.path())
    } else if location.split(['/', '?']).next().unwrap_or("").contains(':') || location.is_empty() {
        return None;
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let uri: Uri = absolute.parse().ok()?;
    uri.host().is_some_and(|h| !h.is_empty()).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let from: Uri = "https://h.test:8443/a/b/c.zip?x=1".parse().unwrap();
        for (location, want) in [
            ("https://s.test/k?sig=1#f", "https://s.test/k?sig=1"),
            ("//s.test/k", "https://s.test/k"),
            ("/k", "https://h.test:8443/k"),
            ("d.zip", "https://h.test:8443/a/b/d.zip"),
            ("?y=2", "https://h.test:8443/a/b/c.zip?y=2"),
        ] {
            assert_eq!(resolve(&from, location).unwrap(), want);
        }
        for bad in ["", "ftp://x/y", "javascript:1", "https://"] {
            assert_eq!(resolve(&from, bad), None, "{bad}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST_PAUSE));
        for endless in ["18446744073709551615", "99999999999999999999999"] {
            assert_eq!(retry_after(endless), Some(LONGEST_PAUSE));
        }
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after(""), None);
    }
}
