//! From what should be answered and what goes wrong to what is sent: one shape for both protocols.

use super::fault::Fault;
use super::limits::Counted;
use super::modules::{altered_zip, packed_zip, wrong_crc};
use bytes::Bytes;
use std::borrow::Cow;
use std::time::Duration;

/// A right answer, before anything happens to it.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Its content type; none where it is empty.
    pub(super) kind: &'static str,
    pub(super) body: Bytes,
    /// Beyond type and length.
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
}

impl Answer {
    /// An answer without further headers.
    pub(super) fn new(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Answer {
        Answer { status, kind, body: body.into(), headers: Vec::new() }
    }

    /// A short text, as proxies give with a status.
    pub(super) fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer::new(status, "text/plain; charset=utf-8", body.into())
    }
}

/// What is sent, step by step.
pub(super) struct Reply {
    pub(super) wait: Duration,
    pub(super) answer: Answer,
    pub(super) framing: Framing,
    /// How far it goes.
    pub(super) stage: Stage,
    pub(super) ending: Ending,
    /// Bytes of the body a second, if not all at once.
    pub(super) pace: Option<u32>,
    /// It counts against what the server bears until it is sent.
    pub(super) counted: Option<Counted>,
}

/// How the length of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By this `Content-Length`.
    Length(usize),
    /// By chunks, the last one sent.
    Chunked,
    /// By chunks, the last one missing.
    ChunkedOpen,
}

/// Where the answer breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the first byte.
    Start,
    /// In the middle of the header.
    Headers,
    /// After so many bytes of the body (all of them, if nothing is wrong).
    Body(usize),
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What a right answer ends with.
    Proper,
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing, until the other side or the lab ends.
    Hang,
    /// RST_STREAM INTERNAL_ERROR.
    StreamReset,
    /// GOAWAY INTERNAL_ERROR.
    GoAway,
    /// The body's bytes in the place of HTTP, and the end.
    Garbage,
    /// The body again and again, for ever.
    Endless,
}

const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head>\
    <body><form action=\"/login\">Please sign in to use this network.</form></body></html>\n";

/// Spoils an answer. `number` is that of the download, for faults that differ each time.
pub(super) fn spoil(mut answer: Answer, fault: Option<Fault>, path: &str, number: usize) -> Reply {
    use Ending::{Close, GoAway, Hang, Proper, Reset, StreamReset};
    let half = answer.body.len() / 2;
    let mut stage = Stage::Body(answer.body.len());
    let mut framing = Framing::Length(answer.body.len());
    let (mut wait, mut pace, mut ending) = (Duration::ZERO, None, Proper);
    // Faults of the bytes leave an error as it is.
    let whole = answer.status == 200;
    match fault {
        None => {}
        Some(Fault::Eof) => (stage, ending) = (Stage::Start, Close),
        Some(Fault::EofInHeaders) => (stage, ending) = (Stage::Headers, Close),
        Some(Fault::EofInBody) => (stage, ending) = (Stage::Body(half), Close),
        Some(Fault::Reset) => (stage, ending) = (Stage::Start, Reset),
        Some(Fault::ResetInBody) => (stage, ending) = (Stage::Body(half), Reset),
        Some(Fault::RstStream) => (stage, ending) = (Stage::Start, StreamReset),
        Some(Fault::RstStreamInBody) => (stage, ending) = (Stage::Body(half), StreamReset),
        Some(Fault::GoAway) => (stage, ending) = (Stage::Start, GoAway),
        Some(Fault::Garbage) => {
            (stage, ending) = (Stage::Start, Ending::Garbage);
            answer.body = Bytes::from_static(b"\x16\x03\x01 this is no answer\r\n\r\n");
        }
        Some(Fault::Silence) => (stage, ending) = (Stage::Start, Hang),
        Some(Fault::SilenceInBody) => (stage, ending) = (Stage::Body(half), Hang),
        Some(Fault::Status(status)) => answer = Answer::text(status, said(status)),
        Some(Fault::Says(status, words)) => answer = Answer::text(status, words),
        Some(Fault::RateLimited(seconds)) => {
            answer = Answer::text(429, said(429));
            answer.headers.push(("retry-after".into(), seconds.to_string()));
        }
        Some(Fault::Html) => answer = Answer::new(200, "text/html; charset=utf-8", PORTAL),
        Some(Fault::Forged(forged)) => {
            answer = Answer::new(forged.status, forged.kind, forged.body.clone());
        }
        Some(Fault::Empty) => answer.body = Bytes::new(),
        Some(Fault::RedirectLoop) => {
            answer = Answer::text(302, "");
            answer.headers.push(("location".into(), format!("/{path}")));
        }
        Some(Fault::ShortWithRightLength) => answer.body.truncate(half),
        Some(Fault::ShortChunked) => {
            (stage, ending, framing) = (Stage::Body(half), Close, Framing::ChunkedOpen)
        }
        Some(Fault::ShortChunkedEnded) => {
            answer.body.truncate(half);
            framing = Framing::Chunked;
        }
        Some(Fault::Drip(bytes)) => pace = Some(bytes.max(1)),
        Some(Fault::Held) => wait = Duration::MAX,
        Some(Fault::Late(ms)) => wait = Duration::from_millis(ms.into()),
        Some(Fault::AlterZipCrc) if whole => answer.body = wrong_crc(&answer.body),
        Some(Fault::AlterZipSame) if whole => answer.body = altered_zip(&answer.body, "for good"),
        Some(Fault::RepackedZip) if whole => answer.body = packed_zip(&answer.body, "for good", number),
        Some(Fault::AlterModSame) if whole => answer.body = altered_mod(&answer.body, "for good"),
        Some(Fault::Alter | Fault::AlterZip) if whole && path.ends_with(".zip") => {
            answer.body = altered_zip(&answer.body, &format!("download {number}"));
        }
        Some(Fault::Alter | Fault::AlterMod) if whole => {
            answer.body = altered_mod(&answer.body, &format!("download {number}"));
        }
        Some(Fault::FlippedBit(place)) if whole => {
            let mut bytes = answer.body.to_vec();
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1;
            }
            answer.body = bytes.into();
        }
        Some(Fault::BadSignature) if whole => answer.body = damaged_signature(&answer.body),
        Some(_) => {}
    }
    if ending == Proper {
        stage = Stage::Body(answer.body.len());
        if framing != Framing::Chunked {
            framing = Framing::Length(answer.body.len());
        }
    }
    Reply { wait, answer, framing, stage, ending, pace, counted: None }
}

/// What servers write below a status.
fn said(status: u16) -> String {
    let words = match status {
        401 => "unauthorized",
        403 => "Forbidden",
        404 => "not found: unknown module",
        410 => "gone: module was removed",
        429 => "too many requests",
        500 => "internal error: fetch timed out",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        _ => "something else",
    };
    format!("{words}\n")
}

fn altered_mod(original: &[u8], mark: &str) -> Bytes {
    let mut text = original.to_vec();
    text.extend_from_slice(format!("\n// altered on the way: {mark}\n").as_bytes());
    text.into()
}

/// Changes the last letter but a few of the signature at the end of a signed note.
fn damaged_signature(original: &[u8]) -> Bytes {
    let mut text = original.to_vec();
    if let Some(at) = text.len().checked_sub(12) {
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
    }
    text.into()
}
