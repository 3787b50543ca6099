//! What an answer is worth to a look: read a little, and judged by what should have come.

use crate::fetch::body;
use crate::judgement::diagnosis::Found;
use crate::judgement::refusal;
use crate::redact;
use hyper::header::{self, HeaderMap};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes that are read of a file, at most: enough to tell a rate.
const SAMPLE: usize = 256 << 10;

/// Bytes that are read of words.
const WORDS: usize = 16 << 10;

/// How long a sample is read for; where something came by then, that is enough.
const READING: Duration = Duration::from_millis(1500);

/// Letters of a host's words that are shown.
const SHOWN: usize = 160;

/// What a look asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A zip of a module.
    Zip,
    /// An `.info` file.
    Info,
    /// The head of a checksum database.
    Tree,
    /// A page for `?go-get=1`.
    Page,
    /// A list of references, as git asks for it.
    Refs,
    /// Whatever is no page.
    Anything,
}

/// What was read of a body.
pub(super) enum Body {
    /// Nothing came in time.
    Silent,
    /// The connection ended.
    Broken,
    /// These bytes, the first ones.
    Read(Vec<u8>),
}

/// True where the head announces a web page.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Reads a body, or the beginning of one.
pub(super) async fn read(mut body: body::Body, expect: Expect) -> Body {
    let most = if expect == Expect::Zip { SAMPLE } else { WORDS };
    let end = Instant::now() + READING;
    let mut bytes = Vec::new();
    while bytes.len() < most {
        // What has begun may be short; what has not is waited for by whoever calls.
        let next = match bytes.is_empty() {
            true => body.next().await,
            false => match tokio::time::timeout_at(end, body.next()).await {
                Ok(next) => next,
                Err(_) => break,
            },
        };
        match next {
            Some(Ok(data)) => bytes.extend_from_slice(&data),
            Some(Err(_)) => return Body::Broken,
            None => break,
        }
    }
    bytes.truncate(most);
    Body::Read(bytes)
}

/// How fast it came, for people; of a few bytes nothing is told.
pub(super) fn rate(bytes: usize, ms: u64) -> Option<String> {
    (bytes >= 32 << 10).then(|| {
        let kb_per_second = bytes as u64 / ms.max(1);
        format!("{} KB at {kb_per_second} KB/s", bytes >> 10)
    })
}

/// What an answer means.
pub(super) fn judge(status: u16, page: bool, bytes: &[u8], expect: Expect) -> Found {
    let trimmed = bytes.trim_ascii_start();
    let odd = || Found::Odd(words(bytes).unwrap_or_else(|| format!("{} bytes", bytes.len())));
    match status {
        200 | 206 if expect == Expect::Page => Found::Well,
        200 | 206 if expect == Expect::Refs && names_a_service(bytes) => Found::Well,
        200 | 206 if page || trimmed.starts_with(b"<") => Found::Page,
        200 | 206 => {
            let fits = match expect {
                Expect::Zip => bytes.starts_with(b"PK"),
                Expect::Info => trimmed.starts_with(b"{"),
                Expect::Tree => bytes.starts_with(b"go.sum database tree\n"),
                Expect::Refs => false,
                Expect::Page | Expect::Anything => true,
            };
            if fits { Found::Well } else { odd() }
        }
        401 => Found::NeedsLogin,
        404 | 410 => Found::Absent(status),
        _ => {
            let said = Some(bytes).filter(|_| !page && refusal::gives_reason(bytes)).and_then(words);
            Found::Status(status, said.unwrap_or_default())
        }
    }
}

/// What a git server begins its list with.
fn names_a_service(bytes: &[u8]) -> bool {
    bytes.windows(15).any(|part| part == b"git-upload-pack")
}

/// The first line, where it is words.
fn words(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line = redact::line(&redact::quoted(text.trim().lines().next()?));
    (!line.is_empty()).then(|| line.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_what_should_have_come() {
        let of = |status, page, bytes: &[u8], expect| judge(status, page, bytes, expect);
        assert_eq!(of(200, false, b"PK\x03\x04", Expect::Zip), Found::Well);
        assert_eq!(of(206, false, b" {\"Version\":1}", Expect::Info), Found::Well);
        assert_eq!(of(200, false, b"go.sum database tree\n1\n", Expect::Tree), Found::Well);
        assert_eq!(of(200, true, b"x", Expect::Zip), Found::Page);
        assert_eq!(of(200, false, b"\n<!DOCTYPE html>", Expect::Info), Found::Page);
        assert_eq!(of(200, true, b"<html>", Expect::Page), Found::Well);
        assert_eq!(of(200, false, b"hello", Expect::Zip), Found::Odd("hello".into()));
        assert_eq!(of(404, true, b"<html>", Expect::Zip), Found::Absent(404));
        assert_eq!(of(401, false, b"", Expect::Zip), Found::NeedsLogin);
        assert_eq!(of(403, false, b"Forbidden", Expect::Zip), Found::Status(403, String::new()));
        let reason = b"licence not allowed by the security team\nsecond line";
        let said = Found::Status(403, "licence not allowed by the security team".into());
        assert_eq!(of(403, false, reason, Expect::Zip), said);
        assert_eq!(of(503, true, reason, Expect::Zip), Found::Status(503, String::new()));
    }
}
