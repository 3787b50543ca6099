//! Cuts a stream of bytes into lines: any chunking, any encoding a shell may have written, bounded
//! memory for endless lines and endless input.
//!
//! For a whole CI log only the lines around interesting words are handed on: a search for those
//! words runs at memory speed, everything behind it does not.

use memchr::{memchr, memchr_iter, memrchr};
use regex::bytes::{Regex, RegexSet};
use std::sync::LazyLock;

/// Bytes of one line that are read; what follows is dropped. Longer than any message of go's
/// (server responses are cut to 648 bytes, URLs rarely pass 2 KiB).
pub(super) const MAX_LINE: usize = 16 * 1024;
/// Bytes collected before lines are handed on.
const BLOCK: usize = 256 * 1024;
/// Lines handed on before an interesting one: import chains, package headers.
const BEFORE: usize = 10;
/// Lines handed on after an interesting one: hashes, git's words, server responses.
const AFTER: usize = 12;

/// Words of which every failure of go's has at least one. Their only purpose is speed: a line
/// without any may still be read when it stands near one.
static INTERESTING: LazyLock<Regex> = LazyLock::new(|| {
    let words = [
        "@v", "dial ", "EOF", "timeout", "timed out", "connection", "Connection", "stream error", "http2", "x509", "tls:",
        "lookup ", "no such host", "HTTP", "Get \"", "read \"", "reading ", "go-get=1", "unrecognized import", "exit status",
        "fatal:", "error: RPC", "verifying", "SECURITY", "checksum", "no space left", "quota exceeded", "not enough space",
        "ermission denied", "ccess is denied", "read-only", "signal: killed", "out of memory", "allocate memory", "--- FAIL",
        "FAIL\t", "FAIL ", "go.mod", "go.sum", "go.work", "provid", "not in std", "GOROOT", "ambiguous import", "GOPROXY",
        "invalid version", "unknown revision", "toolchain", ".go:", "declares its path", "executable file not found",
        "missing Git", "malformed", "could not import", "dir has been modified", "zip:", "vendor", "internal package",
        "import cycle", "GOVCS", "requires go", "secure protocol", "Host key", "could not read", "sumdb", "proxyconnect",
        "unexpected status", "cannot find", "no route to host", "unreachable", "certificate", "go: ", "build cache", "module cache", "linker", "ld: ", "undefined reference",
    ];
    Regex::new(&words.map(regex::escape).join("|")).expect("a list of literals")
});

/// Lines that speak of work, not of trouble. They are skipped before anything is parsed.
fn is_progress(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b"go: ") else { return false };
    at < 80 && {
        let rest = &line[at + 4..];
        rest.starts_with(b"downloading ") || rest.starts_with(b"extracting ") || rest.starts_with(b"added ")
    }
}

/// Who takes the lines.
pub(super) trait Sink {
    /// One line without its end, with its number from 1.
    fn line(&mut self, number: u64, line: &[u8]);
    /// Lines were left out here: what comes is no continuation of what was.
    fn gap(&mut self);
}

/// The cutter.
pub(super) struct Lines {
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Offset in `buffer` of the first byte not handed on.
    fed: usize,
    /// Number of the line that begins at `counted`.
    number: u64,
    counted: usize,
    /// Lines still to be handed on whatever they say.
    after: usize,
    /// Inside a line that was too long: drop all up to its end.
    skipping: bool,
    /// Hand on everything.
    all: bool,
    extra: Option<RegexSet>,
}

impl Lines {
    /// With `all`, every line is handed on; else only those near interesting words and near
    /// matches of `extra` (the user's own rules).
    pub(super) fn new(all: bool, extra: Option<RegexSet>) -> Lines {
        Lines {
            decoder: Decoder::default(),
            buffer: Vec::new(),
            fed: 0,
            number: 1,
            counted: 0,
            after: 0,
            skipping: false,
            all,
            extra,
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        for piece in bytes.chunks(BLOCK) {
            self.decoder.decode(piece, |mut text| {
                if self.skipping {
                    match memchr(b'\n', text) {
                        Some(at) => {
                            text = &text[at..];
                            self.skipping = false;
                        }
                        None => return,
                    }
                }
                self.buffer.extend_from_slice(text);
            });
            if self.buffer.len() - self.fed >= BLOCK {
                self.drain(false, sink);
            }
        }
    }

    /// Hands on what is left.
    pub(super) fn finish(mut self, sink: &mut impl Sink) {
        self.decoder.finish(|text| self.buffer.extend_from_slice(text));
        self.drain(true, sink);
    }

    fn drain(&mut self, last: bool, sink: &mut impl Sink) {
        let mut end = if last { self.buffer.len() } else { memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1) };
        if end <= self.fed && !last && self.buffer.len() - self.fed >= 4 * MAX_LINE {
            // A line without end: keep its beginning, as if it ended here.
            self.buffer.truncate(self.fed + MAX_LINE);
            self.skipping = true;
            end = self.fed;
        }
        if end > self.fed {
            self.hand_on(end, sink);
        }
        // Keep the last few lines that were not handed on: the next block may need them.
        let mut keep = end;
        for _ in 0..BEFORE {
            match memrchr(b'\n', &self.buffer[..keep.saturating_sub(1)]) {
                Some(at) if at + 1 >= self.fed && end - at <= BLOCK / 4 => keep = at + 1,
                _ => break,
            }
        }
        let keep = keep.max(self.fed);
        self.count_to(keep);
        self.buffer.drain(..keep);
        self.fed -= keep.min(self.fed);
        self.counted = 0;
    }

    fn hand_on(&mut self, end: usize, sink: &mut impl Sink) {
        while self.fed < end {
            if self.all || self.after > 0 {
                let (start, stop) = (self.fed, self.line_end(self.fed, end));
                let line = &self.buffer[start..stop];
                if !self.all {
                    self.after = if self.hit(line).is_some() && !is_progress(line) { AFTER } else { self.after - 1 };
                }
                self.give(start, stop, sink);
                self.fed = stop;
                continue;
            }
            let Some(at) = self.hit(&self.buffer[self.fed..end]) else { break };
            let at = self.fed + at;
            let start = memrchr(b'\n', &self.buffer[..at]).map_or(0, |n| n + 1).max(self.fed);
            let stop = self.line_end(start, end);
            if is_progress(&self.buffer[start..stop]) {
                // Not worth its surroundings, but it may be part of the next hit's.
                self.skip_progress(start, stop, end);
                continue;
            }
            let mut first = start;
            for _ in 0..BEFORE {
                match memrchr(b'\n', &self.buffer[..first.saturating_sub(1)]) {
                    Some(n) if n + 1 >= self.fed => first = n + 1,
                    _ if self.fed == 0 && first > 0 => first = 0,
                    _ => break,
                }
            }
            sink.gap();
            let mut from = first;
            while from <= start {
                let to = self.line_end(from, end);
                self.give(from, to, sink);
                from = to;
            }
            self.fed = from;
            self.after = AFTER;
        }
    }

    /// Passes over a run of progress lines.
    fn skip_progress(&mut self, _start: usize, mut stop: usize, end: usize) {
        while stop < end {
            let next = self.line_end(stop, end);
            if !is_progress(&self.buffer[stop..next]) {
                break;
            }
            stop = next;
        }
        self.fed = stop;
    }

    fn hit(&self, bytes: &[u8]) -> Option<usize> {
        let own = INTERESTING.find(bytes).map(|m| m.start());
        match &self.extra {
            // The set does not tell where; the caller then walks line by line.
            Some(extra) if own.is_none() && extra.is_match(bytes) => Some(0),
            _ => own,
        }
    }

    fn line_end(&self, start: usize, end: usize) -> usize {
        memchr(b'\n', &self.buffer[start..end]).map_or(end, |n| start + n + 1)
    }

    fn count_to(&mut self, at: usize) {
        if at > self.counted {
            self.number += memchr_iter(b'\n', &self.buffer[self.counted..at]).count() as u64;
            self.counted = at;
        }
    }

    fn give(&mut self, start: usize, stop: usize, sink: &mut impl Sink) {
        self.count_to(start);
        let mut line = &self.buffer[start..stop];
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        // A progress bar rewrites its line; each state counts as a line of its own.
        for part in line.split(|b| *b == b'\r') {
            let cut = part.len().min(MAX_LINE);
            sink.line(self.number, &part[..cut]);
        }
    }
}

/// UTF-8 and its relatives pass through; UTF-16 with a byte order mark (PowerShell's redirections)
/// becomes UTF-8; a UTF-8 mark is dropped.
#[derive(Default)]
struct Decoder {
    kind: Encoding,
    pending: Vec<u8>,
    high: Option<u16>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Encoding {
    #[default]
    Unknown,
    Bytes,
    Utf16Little,
    Utf16Big,
}

impl Decoder {
    fn decode(&mut self, bytes: &[u8], mut out: impl FnMut(&[u8])) {
        match self.kind {
            Encoding::Bytes => out(bytes),
            Encoding::Unknown => {
                self.pending.extend_from_slice(bytes);
                if self.pending.len() >= 3 {
                    self.settle(out);
                }
            }
            Encoding::Utf16Little | Encoding::Utf16Big => {
                self.pending.extend_from_slice(bytes);
                self.units(out);
            }
        }
    }

    fn finish(&mut self, mut out: impl FnMut(&[u8])) {
        if self.kind == Encoding::Unknown && !self.pending.is_empty() {
            self.settle(&mut out);
        }
    }

    fn settle(&mut self, mut out: impl FnMut(&[u8])) {
        let first = std::mem::take(&mut self.pending);
        let (kind, mark) = match first.as_slice() {
            [0xff, 0xfe, ..] => (Encoding::Utf16Little, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Big, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            _ => (Encoding::Bytes, 0),
        };
        self.kind = kind;
        if kind == Encoding::Bytes {
            out(&first[mark..]);
        } else {
            self.pending = first[mark..].to_vec();
            self.units(out);
        }
    }

    fn units(&mut self, mut out: impl FnMut(&[u8])) {
        let bytes = std::mem::take(&mut self.pending);
        let mut text = String::with_capacity(bytes.len() / 2);
        let mut pairs = bytes.chunks_exact(2);
        for pair in &mut pairs {
            let pair = [pair[0], pair[1]];
            let unit =
                if self.kind == Encoding::Utf16Big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            let units = self.high.take().into_iter().chain([unit]);
            if (0xd800..0xdc00).contains(&unit) {
                self.high = Some(unit);
                continue;
            }
            text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        self.pending = pairs.remainder().to_vec();
        out(text.as_bytes());
    }
}
