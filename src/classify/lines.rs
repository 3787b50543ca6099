//! Cuts a stream of bytes into lines: any chunking, any encoding a shell may have written, bounded
//! memory for endless lines and endless input.
//!
//! For a whole CI log only the lines around interesting words are handed on: a search for those
//! words runs at memory speed, everything behind it does not.

use memchr::{memchr, memchr_iter, memmem, memrchr};
use regex::bytes::{Regex, RegexSet};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
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

/// Words of which every failure of go's has at least one: its envelope, a URL of its own, or go's
/// and git's own sentences. The words of transport (`EOF`, `timeout`) are not among them: alone they
/// are anybody's. Their only purpose is speed; a line without any is still read near one.
pub(super) const WORDS: &[&str] = &[
    "@v",
    "go-get=1",
    "/lookup/",
    "sumdb",
    "go: ",
    "go get ",
    "unrecognized import",
    "invalid version",
    "exit status 128",
    "fatal: ",
    "error: RPC",
    "remote: ",
    ".golang.org",
    "goproxy",
    "Get \"http",
    "read \"http",
    "reading http",
    "Get http",
    "verifying ",
    "SECURITY ERROR",
    "checksum mismatch",
    "dial tcp",
    "proxyconnect",
    "net/http: ",
    "x509: ",
    "lookup ",
    " tcp ",
    "stream error: ",
    "http2: ",
    "Client.Timeout",
    "tls: ",
    "# cd ",
    "\timports ",
    "expects import",
    "mported as ",
    "import not supported",
    "local import ",
    "vendored package",
    "importable package",
    "go: module ",
    "non-test Go",
    "buildable Go",
    "outside available",
    "main module",
    "of the form v",
    "OS thread",
    "errno=12",
    "ziphash",
    "package file",
    "alformed archive",
    "no space left",
    "quota exceeded",
    "not enough space",
    "ermission denied",
    "ccess is denied",
    "read-only file system",
    "signal: killed",
    "[Killed]",
    "Killed signal",
    "out of memory",
    "allocate memory",
    "--- FAIL",
    "FAIL\t",
    "FAIL ",
    "\nFAIL",
    "errors parsing",
    "go.mod",
    "go.sum",
    "go.work",
    "providing package",
    "provides package",
    "contain package",
    "not in std",
    "not in GOROOT",
    "ambiguous import",
    "GOPROXY=",
    "unknown revision",
    "no matching versions",
    "toolchain not",
    ".go:",
    "declares its path",
    "required as:",
    "executable file not found",
    "missing Git",
    "malformed module",
    "could not import",
    "has been modified",
    "zip: ",
    "-mod=",
    "inconsistent vendoring",
    "internal package",
    "import cycle",
    "GOVCS",
    "secure protocol",
    "Host key verif",
    "could not read ",
    "unexpected status (",
    "cannot find package",
    "cannot find module",
    "cannot open file",
    "is replaced in",
    "replacement dir",
    "-mod may",
    "build cache",
    "module cache",
    "linker command",
    "undefined reference",
    "ld: symbol",
    "\"Error\": ",
    "no Go files",
    "build constraints exclude",
    "go1.",
    "go version",
    "flag provided",
    "work dir",
    "vcs/",
];

/// Any of [`WORDS`].
static INTERESTING: LazyLock<Regex> = LazyLock::new(|| {
    let words: Vec<String> = WORDS.iter().map(|w| regex::escape(w)).collect();
    Regex::new(&words.join("|")).expect("a list of literals")
});

/// True where `text` has a word of which every failure of go's has at least one.
pub(super) fn is_interesting(text: &str) -> bool {
    INTERESTING.is_match(text.as_bytes())
}

/// Lines with an interesting word that speak of work, or that are a test's own: they open no window.
fn is_noise(line: &[u8]) -> bool {
    // A string of a log holds many lines, and a list of them.
    if memmem::find(line, b"\\n").is_some() || memmem::find(line, b"\",").is_some() {
        return false;
    }
    if let Some(at) = memmem::find(line, b"go: ").filter(|at| *at < 80) {
        let rest = &line[at + 4..];
        if [&b"downloading "[..], b"extracting ", b"added ", b"finding "].iter().any(|w| rest.starts_with(w))
        {
            return true;
        }
    }
    // `x.go:12: `, as tests and loggers write positions, and `x.go:12 +0x1d` of stack traces: go
    // itself names a column. What else the line holds is not go's then.
    match memmem::find(line, b".go:") {
        Some(at) => {
            let rest = &line[at + 4..];
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let column =
                rest.get(digits) == Some(&b':') && rest.get(digits + 1).is_some_and(u8::is_ascii_digit);
            digits > 0
                && !column
                && memmem::find(&line[..at], b"@v").is_none()
                && memmem::find(rest, b"undefined").is_none()
        }
        None => false,
    }
}

/// Who takes the lines.
pub(super) trait Sink {
    /// One line without its end, with its number from 1.
    fn line(&mut self, number: u64, line: &[u8]);
    /// Lines were left out here: what comes is no continuation of what was. Tells whether they left a test
    /// running or over, where they had one.
    fn gap(&mut self, in_test: Option<bool>);
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
    /// How often the same words were met, by a hash of the line from its first interesting word.
    met: HashMap<u64, u8>,
    /// Whether the lines passed over left a test running, where they had one.
    in_test: Option<bool>,
    /// The text had a test.
    tests: bool,
}

/// Different lines whose repetitions are remembered.
const MAX_MET: usize = 8192;
/// From how many repetitions on a line opens no window: a log that repeats one failure a million
/// times says no more than one that says it so often.
const OFTEN: u8 = 4;

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
            met: HashMap::new(),
            in_test: None,
            tests: false,
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
        let mut end =
            if last { self.buffer.len() } else { memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1) };
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
        self.pass_over(self.fed, keep);
        self.count_to(keep);
        self.buffer.drain(..keep);
        self.fed -= keep.min(self.fed);
        self.counted = 0;
    }

    fn hand_on(&mut self, end: usize, sink: &mut impl Sink) {
        // Lines passed over stay at hand: they may be the context of the next hit.
        let mut search = self.fed;
        while self.fed < end {
            if self.all || self.after > 0 {
                let (start, stop) = (self.fed, self.line_end(self.fed, end));
                if !self.all {
                    let hit = self.hit(&self.buffer[start..stop]);
                    let opens = hit.is_some_and(|at| self.opens(start, start + at, stop));
                    self.after = if opens { AFTER } else { self.after - 1 };
                }
                self.give(start, stop, sink);
                self.fed = stop;
                continue;
            }
            search = search.max(self.fed);
            let Some(at) = self.hit(&self.buffer[search..end]) else { break };
            // `\nFAIL` is found at the end of the line above.
            let at = search + at + usize::from(self.buffer[search + at] == b'\n');
            let start = memrchr(b'\n', &self.buffer[..at]).map_or(0, |n| n + 1).max(search);
            let stop = self.line_end(start, end);
            if !self.opens(start, at, stop) {
                search = stop;
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
            self.pass_over(self.fed, first);
            sink.gap(self.in_test.take());
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

    /// True where the line from `start` to `stop`, interesting at `at`, is worth its surroundings.
    fn opens(&mut self, start: usize, at: usize, stop: usize) -> bool {
        if is_noise(&self.buffer[start..stop]) {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.buffer[at..stop]);
        let key = hasher.finish();
        match self.met.get_mut(&key) {
            Some(times) => {
                *times = times.saturating_add(1);
                *times < OFTEN
            }
            None => {
                if self.met.len() < MAX_MET {
                    self.met.insert(key, 1);
                }
                true
            }
        }
    }

    /// Looks for tests in what is not handed on: their words reach far.
    fn pass_over(&mut self, from: usize, to: usize) {
        let passed = &self.buffer[from..to];
        let began = last_test(passed);
        self.tests |= began.is_some();
        if !self.tests {
            return;
        }
        let rest = &passed[began.unwrap_or(0)..];
        let over = [&b"ok  "[..], b"PASS\n", b"PASS\r"].iter().any(|w| memmem::find(rest, w).is_some());
        if over || began.is_some() {
            self.in_test = Some(!over);
        }
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
        self.tests |= last_test(line).is_some();
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        // A progress bar rewrites its line; of what was written over only go's words count.
        let last = memrchr(b'\r', line).map_or(0, |at| at + 1);
        for part in line[..last].split(|b| *b == b'\r').filter(|part| INTERESTING.is_match(part)) {
            sink.line(self.number, &part[..part.len().min(MAX_LINE)]);
        }
        let line = &line[last..];
        sink.line(self.number, &line[..line.len().min(MAX_LINE)]);
    }
}

/// Where the last test begins or goes on.
fn last_test(text: &[u8]) -> Option<usize> {
    let of_test = |at: &usize| [&b"RUN "[..], b"CONT", b"NAME"].iter().any(|w| text[at + 4..].starts_with(w));
    memmem::find_iter(text, b"=== ").filter(of_test).last()
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
            let unit = if self.kind == Encoding::Utf16Big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            };
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
