//! One try: asks one upstream once, checks what comes, and enters the result into the books.

use super::Shared;
use super::body::Stored;
use super::path::{Kind, Wanted};
use super::upstream::{Asking, Got, Part, Progress, Reply, STALL_WINDOW, Upstream};
use super::verify::{self, Verdict};
use crate::judgement::request::policy::Outcome;
use crate::redact;
use crate::vocabulary::Cause;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Zips above this size are checked beside the loop that serves other requests.
const CHECK_INLINE: u64 = 64 << 10;

/// A try that did not simply succeed, with what the report wants to know of it.
pub(super) struct Missed {
    pub(super) outcome: Outcome,
    pub(super) cause: Cause,
    pub(super) host: String,
    pub(super) words: String,
    pub(super) http_proxy: bool,
    pub(super) status: Option<u16>,
    /// The wrong copy's hash, and the copy itself.
    pub(super) got: Option<String>,
    pub(super) copy: Option<Stored>,
    pub(super) reply: Option<Vec<u8>>,
}

pub(super) struct Ended {
    pub(super) upstream: usize,
    pub(super) result: Result<Stored, Missed>,
    pub(super) part: Option<Part>,
}

impl Missed {
    pub(super) fn fault(cause: Cause, host: &str, words: String) -> Missed {
        Missed {
            outcome: Outcome::Fault { cause, gained: false },
            cause,
            host: host.to_owned(),
            words,
            http_proxy: false,
            status: None,
            got: None,
            copy: None,
            reply: None,
        }
    }
}

/// Asks one upstream once and checks what comes; keeps its breaker and the host's numbers.
pub(super) async fn fetch(
    shared: &Shared,
    wanted: &Wanted,
    at: usize,
    patience: Duration,
    part: Option<Part>,
    progress: &Progress,
) -> Ended {
    let upstream: &Upstream = shared.upstream(at);
    let had = part.as_ref().map_or(0, Part::len);
    let http1 = {
        let mut state = shared.ledger.lock();
        state.breakers[at].asking(shared.started.elapsed());
        state.stats.asked += 1;
        state.stats.resumed += u64::from(had > 0);
        // From the third HTTP/2 fault in a row on: the older protocol may pass where this does not.
        state.http2_faults[at] >= 3
    };
    let asking = Asking {
        http: &shared.http,
        upstream,
        wanted,
        spool: &shared.spool,
        patience,
        stall: STALL_WINDOW.min(shared.stall),
        http1,
        progress,
        all_bytes: &shared.ledger.bytes,
    };
    let Reply { host, got } = asking.run(part).await;
    let mut kept = None;
    let result = match got {
        Got::Whole { body, loose_end } => check(shared, wanted, &host, body, loose_end).await,
        Got::Status { status, pause, words, part } => {
            kept = part.filter(|_| status >= 429);
            Err(status_missed(shared, at, &host, status, pause, words))
        }
        Got::Fault { fault, part } => {
            let gained = part.as_ref().is_some_and(|p| p.len() > had);
            kept = part;
            let mut missed = Missed::fault(fault.cause, &host, fault.words);
            missed.http_proxy = fault.http_proxy;
            missed.outcome = Outcome::Fault { cause: fault.cause, gained };
            Err(missed)
        }
    };
    enter(shared, at, progress, &host, &result);
    Ended { upstream: at, result: result.map(|(body, _)| body), part: kept }
}

/// Enters the end of a fetch into the books.
fn enter(
    shared: &Shared,
    at: usize,
    progress: &Progress,
    host: &str,
    result: &Result<(Stored, bool), Missed>,
) {
    let now = shared.started.elapsed();
    let mut state = shared.ledger.lock();
    let state = &mut *state;
    if let Some(first) = progress.first_byte() {
        state.latencies.add(first);
    }
    let moved = progress.moved();
    let numbers = state.stats.hosts.entry(host.to_owned()).or_default();
    numbers.requests += 1;
    let breaker = &mut state.breakers[at];
    match result {
        Ok((body, known)) => {
            numbers.answers += 1;
            numbers.bytes += body.len();
            breaker.served();
            breaker.body(now, body.len(), moved.body.unwrap_or_default().as_secs_f64());
            state.http2_faults[at] = 0;
            if *known {
                state.stats.verified += 1;
            } else {
                state.stats.sound += 1;
            }
        }
        Err(missed) => match &missed.outcome {
            Outcome::NotFound | Outcome::Wrong { hard: false, .. } => {
                numbers.answers += 1;
                breaker.served();
            }
            Outcome::Denied(_) => {
                numbers.answers += 1;
                // A host that has refused everything so far is as good as down.
                if breaker.answers() == 0 {
                    breaker.fault(now, Cause::Http403);
                }
            }
            Outcome::Limited { pause } => {
                numbers.faults += 1;
                breaker.rest(now.saturating_add(pause.unwrap_or(shared.backoff_base)));
            }
            Outcome::Fault { gained: true, .. } => numbers.faults += 1,
            Outcome::Fault { cause, .. } => {
                numbers.faults += 1;
                breaker.fault(now, *cause);
                if *cause == Cause::Http2 {
                    state.http2_faults[at] += 1;
                }
                if *cause == Cause::TlsCert {
                    state.rejected[at] = true;
                }
            }
            Outcome::Wrong { .. } => {
                numbers.faults += 1;
                breaker.fault(now, missed.cause);
            }
        },
    }
}

fn status_missed(
    shared: &Shared,
    at: usize,
    host: &str,
    status: u16,
    pause: Option<Duration>,
    words: Option<Vec<u8>>,
) -> Missed {
    let (cause, outcome) = match status {
        404 | 410 => (Cause::Http404410, Outcome::NotFound),
        // The server gave up waiting, or wants the same once more: nothing is refused.
        408 => (Cause::Timeout, Outcome::Fault { cause: Cause::Timeout, gained: false }),
        425 | 429 => (Cause::Http429, Outcome::Limited { pause }),
        503 if pause.is_some() => (Cause::Http5xx, Outcome::Limited { pause }),
        500..=599 => (Cause::Http5xx, Outcome::Fault { cause: Cause::Http5xx, gained: false }),
        401 | 403 | 407 | 451 => (Cause::Http403, Outcome::Denied(status)),
        400..=499 => (Cause::Other, Outcome::Denied(status)),
        _ => (Cause::CaptiveOrHtml, Outcome::Fault { cause: Cause::CaptiveOrHtml, gained: false }),
    };
    let said = words.as_deref().and_then(|w| std::str::from_utf8(w).ok()).and_then(|t| t.lines().next());
    let said = said.map(|line| format!(" ({})", redact::text(line))).unwrap_or_default();
    let words_of = hyper::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let mut missed = Missed::fault(cause, host, format!("{status} {words_of}{said}"));
    missed.outcome = outcome;
    missed.status = Some(status);
    missed.reply = words.or_else(|| {
        let url = shared.upstream(at).shown();
        Some(format!("{url} answered {status} {words_of}").into_bytes())
    });
    missed
}

/// Checks a whole answer. `true` where a known hash confirms it.
async fn check(
    shared: &Shared,
    wanted: &Wanted,
    host: &str,
    body: Stored,
    loose_end: bool,
) -> Result<(Stored, bool), Missed> {
    let hashes = match wanted.kind {
        Kind::Mod => (shared.go_sum)(&wanted.module, &wanted.version, true),
        Kind::Zip => (shared.go_sum)(&wanted.module, &wanted.version, false),
        _ => Vec::new(),
    };
    let (body, verdict) = if wanted.kind == Kind::Zip {
        // Two at a time: a directory of many thousand files takes memory while it is read.
        let _turn = shared.checks.acquire().await;
        let large = body.len() > CHECK_INLINE;
        let asked = wanted.clone();
        let check = move || {
            let verdict = match body.reader() {
                Ok(reader) => verify::zip(&asked, reader, &hashes),
                Err(error) => Verdict::Wrong { why: error.to_string(), got: None, hard: true },
            };
            (body, verdict)
        };
        if large {
            match tokio::task::spawn_blocking(check).await {
                Ok(checked) => checked,
                Err(_) => {
                    return Err(Missed::fault(
                        Cause::CaptiveOrHtml,
                        host,
                        "a zip that cannot be read".into(),
                    ));
                }
            }
        } else {
            check()
        }
    } else {
        let verdict = match body.bytes() {
            Some(bytes) => verify::small(wanted, bytes, &hashes),
            None => match body.read_all() {
                Ok(bytes) => verify::small(wanted, &bytes, &hashes),
                Err(error) => Verdict::Wrong { why: error.to_string(), got: None, hard: true },
            },
        };
        (body, verdict)
    };
    let (why, got, hard) = match verdict {
        Verdict::Known => return Ok((body, true)),
        // A text whose end nobody vouched for may be cut at a line's end.
        Verdict::Sound if loose_end && matches!(wanted.kind, Kind::Mod | Kind::List) => {
            ("an answer without an end".to_owned(), None, false)
        }
        Verdict::Sound => return Ok((body, false)),
        Verdict::Wrong { why, got, hard } => (why, got, hard),
    };
    let digest = body.digest().unwrap_or_else(|_| Sha256::digest(why.as_bytes()).into());
    let cause = if got.is_some() { Cause::ChecksumMismatch } else { Cause::CaptiveOrHtml };
    let mut missed = Missed::fault(cause, host, why);
    missed.outcome = Outcome::Wrong { digest, hard };
    missed.got = got;
    missed.copy = Some(body);
    Err(missed)
}
