//! Asks one upstream once: the URL, the redirects as go follows them, the status, and the body
//! with the rules for silence and stalls.

use super::body::Body;
use super::fault::{Blame, Fault};
use super::gate::Waiting;
use super::line::{Asking, Over, Response};
use super::login::Login;
use super::pacing::{AT_STORE, Turn};
use super::progress::Progress;
use super::question::Question;
use super::redirect::{User, is_within, resolve, without_secrets};
use super::segments::Role;
use super::spool::{self, Stored, Unpack};
use super::tls::Offer;
use super::upstream::Upstream;
use super::{Fetcher, USER_AGENT};
use crate::formats::authority;
use crate::formats::zip::{MAX_GO_MOD, MAX_ZIP};
use crate::judgement::request::pace::Ended;
use crate::redact;
use crate::vocabulary::{Cause, Detail};
use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::sync::atomic::Ordering;
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

/// The piece of a broken body that its upstream may continue.
pub(super) struct Part {
    body: Stored,
    /// None where a known hash tells whether what comes belongs to it.
    validator: Option<HeaderValue>,
    total: u64,
}

impl Part {
    /// What is asked for to continue it, and under which condition.
    fn range(&self) -> (String, Option<&HeaderValue>) {
        (format!("bytes={}-", self.len()), self.validator.as_ref())
    }

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
        /// It was put together of parts of which nobody has said that they belong together.
        joined: bool,
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
        Received::Fault { fault: Fault::new(cause, words), part: None }
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
    /// What is offered in a TLS handshake.
    pub(super) offer: Offer,
    pub(super) waiting: Waiting,
    pub(super) over: Over,
    /// Its hash is known, and looked at before anybody sees it.
    pub(super) proves: bool,
    /// It may come in parts.
    pub(super) in_parts: bool,
    pub(super) progress: &'a Progress,
}

impl Exchange<'_> {
    /// Asks, continuing `part` where there is one. The host that answered, or failed to, comes with
    /// it: stores differ from the upstream that redirects to them.
    pub(super) async fn run<'t>(
        &'t self,
        part: Option<Part>,
        mut turn: Option<Turn<'t>>,
    ) -> (String, Received, Option<Turn<'t>>) {
        let mut host = self.upstream.host().to_owned();
        let received = match self.head(part.as_ref().map(Part::range), self.over, &mut host, &mut turn).await
        {
            Ok(response) => {
                self.progress.headers_are_here();
                self.answer(response, part).await
            }
            Err(fault) => Received::Fault { fault, part },
        };
        (host, received, turn)
    }

    /// The head of the answer, redirects followed as go follows them.
    pub(super) async fn head<'t>(
        &'t self,
        range: Option<(String, Option<&HeaderValue>)>,
        over: Over,
        host: &mut String,
        turn: &mut Option<Turn<'t>>,
    ) -> Result<Response, Fault> {
        // go reads addresses in its own way, and has the last word.
        let odd = |words: String| Fault::new(Cause::CaptiveOrHtml, words).blaming(Blame::Verdict);
        let astray = |words: String| Fault { detail: Detail::Astray, ..odd(words) };
        let mut uri = self.upstream.uri(&self.question.path).map_err(|e| odd(e.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        // A module proxy's answers are compressed already; and a length must be the length.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((range, validator)) = range {
            headers.insert(header::RANGE, HeaderValue::from_str(&range).map_err(|e| odd(e.to_string()))?);
            if let Some(validator) = validator {
                headers.insert(header::IF_RANGE, validator.clone());
            }
        }
        let first_host = uri.host().unwrap_or_default().to_ascii_lowercase();
        // The login of .netrc stays within its host and the subdomains; that of an address is for this address, and
        // for those that are told relative to it: as with go.
        let mut of_address = self.upstream.login().cloned();
        let mut netrc = self.netrc(&uri);
        let mut redirects = 0;
        loop {
            headers.remove(header::AUTHORIZATION);
            if let Some(login) = netrc.as_ref().or(of_address.as_ref()) {
                headers.insert(header::AUTHORIZATION, login.header());
            }
            let asking = Asking {
                uri: uri.clone(),
                headers: headers.clone(),
                offer: self.offer,
                waiting: self.waiting,
                over,
                purpose: self.question.file.purpose(),
                patience: self.patience,
                progress: self.progress,
            };
            let response = self.fetcher.connections.send(&asking).await?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 => response.headers.get(header::LOCATION),
                _ => None,
            };
            let Some(location) = location else { return Ok(response) };
            let location =
                location.to_str().map_err(|_| odd("redirected to letters beyond ASCII".to_owned()))?;
            redirects += 1;
            if redirects > REDIRECTS {
                return Err(astray(format!("stopped after {REDIRECTS} redirects")));
            }
            let (next, user) = resolve(&uri, location)
                .ok_or_else(|| odd(format!("redirected to nonsense: {}", without_secrets(location))))?;
            response.body.discard();
            if self.upstream.is_https() && next.scheme_str() != Some("https") {
                let (from, to) = (redact::url(&uri.to_string()), redact::url(&next.to_string()));
                return Err(astray(format!("redirected from secure URL {from} to insecure URL {to}")));
            }
            let next_host = next.host().unwrap_or_default().to_ascii_lowercase();
            if !is_within(&next_host, &first_host) {
                // Once gone, it stays gone, even back at the first host.
                netrc = None;
            }
            match user {
                User::Same => {}
                User::Other(login) => of_address = login,
            }
            uri = next;
            if let Some(authority) = uri.authority() {
                let next = authority::split_user(authority.as_str()).1.to_ascii_lowercase();
                if next != *host {
                    *host = next;
                    if let Some(turn) = turn.take() {
                        turn.ended(Ended::Well);
                    }
                    *turn = Some(self.fetcher.paces.turn(host, self.waiting, AT_STORE, |_| ()).await);
                }
            }
        }
    }

    /// What .netrc has for the first address.
    fn netrc(&self, uri: &Uri) -> Option<Login> {
        let connections = &self.fetcher.connections;
        let counts =
            self.upstream.is_https() && (self.upstream.login().is_none() || connections.netrc_comes_first());
        connections.login(&uri.to_string()).filter(|_| counts).cloned()
    }

    async fn answer(&self, response: Response, part: Option<Part>) -> Received {
        let status = response.status;
        let page = text(&response.headers, &header::CONTENT_TYPE)
            .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"));
        match (status, part) {
            // A plain file server may call anything it does not know text/html: go reads what came.
            (200, _) => match self.body(response, Stored::new(&self.fetcher.spool), None).await {
                Received::Whole { body, .. } if page && body.begins_like_a_page() => {
                    Received::fault(Cause::CaptiveOrHtml, "a page (text/html) instead of an answer")
                }
                received => received,
            },
            (206, Some(part)) if continues(&response.headers, &part) => {
                let joined = part.validator.is_none();
                match self.body(response, part.body, Some(part.total)).await {
                    Received::Whole { body, loose_end, .. } => Received::Whole { body, loose_end, joined },
                    received => received,
                }
            }
            // 206 for something else, or 416: the part is of no use any more.
            (206 | 416, _) => {
                let words = format!("status {status} for a part");
                Received::fault(Cause::Eof, words)
            }
            (_, part) => {
                let pause = text(&response.headers, &header::RETRY_AFTER).and_then(retry_after);
                let plain = text(&response.headers, &header::CONTENT_TYPE)
                    .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/plain"));
                let said = said(response.body).await.map(|body| Said { body, plain });
                Received::Status { status, pause, said, part }
            }
        }
    }

    /// Stores the body behind what is stored already; `whole` is the length of both together, where it
    /// is known beforehand.
    async fn body(&self, mut response: Response, mut stored: Stored, whole: Option<u64>) -> Received {
        let limit = if self.question.file.is_zip() { MAX_ZIP } else { MAX_GO_MOD };
        let Response { headers, body, .. } = &response;
        let announced = body.length().map(|length| stored.len().saturating_add(length));
        let total = whole.or(announced);
        if announced.is_some_and(|announced| total != Some(announced)) {
            return Received::fault(Cause::Eof, "a part of another length");
        }
        let validator = validator(headers);
        let loose_end = body.has_loose_end(headers);
        // Nobody asked for it, but go's own client takes it, and so must this one.
        let gzip = text(headers, &header::CONTENT_ENCODING)
            .is_some_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
        let ranges = !gzip && text(headers, &header::ACCEPT_RANGES) != Some("none");
        if let Some(total) = total {
            self.progress.total.store(total, Ordering::Relaxed);
            if total > limit {
                let words = format!("an answer of {total} bytes, more than go accepts");
                return Received::fault(Cause::CaptiveOrHtml, words);
            }
            stored.expect(total);
        }
        self.progress.bytes.store(stored.len(), Ordering::Relaxed);
        let all = self.store_all(&mut response, &mut stored, total, limit, validator.as_ref()).await;
        let fault = match all {
            Ok(_) if total.is_some_and(|total| total != stored.len()) => {
                Fault::new(Cause::Eof, "unexpected EOF")
            }
            Ok(_) if gzip => return unpack(stored, limit, loose_end).await,
            Ok(joined) => return Received::Whole { body: stored, loose_end, joined },
            Err(Broken::Way(fault)) => fault,
            Err(Broken::Here(fault)) => return Received::Fault { fault, part: None },
        };
        let part = match (validator, total) {
            (validator, Some(total))
                if ranges
                    && (validator.is_some() || self.proves)
                    && self.question.file.is_zip()
                    && stored.len() > 0
                    && stored.len() < total =>
            {
                Some(Part { body: stored, validator, total })
            }
            _ => None,
        };
        Received::Fault { fault, part }
    }

    /// Stores what arrives until the framing says that it is the end.
    pub(super) async fn store(
        &self,
        body: &mut Body,
        stored: &mut Stored,
        limit: u64,
        role: Role<'_>,
    ) -> Result<(), Broken> {
        let stalled = |stored: &Stored| {
            let words = format!("stalled after {} bytes", stored.len());
            Broken::Way(Fault::new(Cause::Stalled, words))
        };
        let mut window = (Instant::now(), 0u64);
        loop {
            match tokio::time::timeout_at(window.0 + self.stall, body.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(mut data))) => {
                    // From there on others bring it.
                    let left = role.left(stored.len());
                    let ends = data.len() as u64 >= left && role.ends_at(stored.len() + left);
                    if ends {
                        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    }
                    let length = data.len() as u64;
                    window.1 += length;
                    self.fetcher.ledger.bytes.fetch_add(length, Ordering::Relaxed);
                    self.progress.bytes.fetch_add(length, Ordering::Relaxed);
                    self.progress.moves();
                    role.came(length);
                    if stored.len() + length > limit {
                        return Err(Broken::Here(Fault::new(Cause::CaptiveOrHtml, "an endless answer")));
                    }
                    if let Err(error) = stored.push(&data) {
                        return Err(Broken::Here(Fault::new(spool::cause_of(&error), error.to_string())));
                    }
                    if ends {
                        return Ok(());
                    }
                }
                Ok(Some(Err(fault))) => return Err(Broken::Way(fault)),
                Err(_) if window.1 >= STALL_BYTES => window = (Instant::now(), 0),
                Err(_) => return Err(stalled(stored)),
            }
            if window.0.elapsed() >= self.stall {
                if window.1 < STALL_BYTES {
                    return Err(stalled(stored));
                }
                window = (Instant::now(), 0);
            }
        }
    }
}

/// Why a body was not stored whole.
pub(super) enum Broken {
    /// What is here already is good.
    Way(Fault),
    /// Nothing of it is of use.
    Here(Fault),
}

/// The value of a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A whole gzip answer without its coding. Its own checksum vouches for the end of each member, not for
/// the last one's being the last.
async fn unpack(stored: Stored, limit: u64, loose_end: bool) -> Received {
    match tokio::task::spawn_blocking(move || stored.gunzip(limit)).await {
        Ok(Ok(body)) => Received::Whole { body, loose_end, joined: false },
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
    let range = text(headers, &header::CONTENT_RANGE).unwrap_or("");
    !headers.contains_key(header::CONTENT_ENCODING)
        && range == format!("bytes {}-{}/{}", part.len(), part.total - 1, part.total)
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
async fn said(mut body: Body) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let read = async {
        while let Some(Ok(data)) = body.next().await {
            let room = WORDS.saturating_sub(text.len());
            text.extend_from_slice(&data[..data.len().min(room)]);
            if room < data.len() {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

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
