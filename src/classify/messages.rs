//! Groups lines into messages: one error of go's, git's or the compiler's with its continuations.

use super::pattern::ascii;
use super::{inner, tongues, wrappers};
use regex::Regex;
use std::sync::LazyLock;

/// Lines of one message that are kept: git prints a handful, a server response eight.
const MAX_PARTS: usize = 48;
/// Lines that a log may have broken one line of go's into.
const MAX_JOINS: usize = 4;

/// Before what a server said.
pub(super) const RESPONSE: &str = "server response:";

/// One error with its continuation lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    /// The first line as it was, without escape sequences.
    pub evidence: String,
    /// Width of the indentation of the first line.
    pub indent: usize,
    /// The lines, trimmed, wrappers taken off.
    pub parts: Vec<Part>,
    joins: usize,
    /// The chain (`X imports`) has not come to its end yet.
    in_chain: bool,
}

/// One line of a message.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its number in the input.
    pub line: u64,
    /// Its text, trimmed.
    pub text: String,
    /// The line as it was.
    pub evidence: String,
}

/// Makes messages out of lines.
#[derive(Debug)]
pub(super) struct Grouper {
    current: Option<Message>,
    log: bool,
}

/// A line that begins a message of its own however deeply it is indented.
static STARTER: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r#"(?x)^(?:
            go(?:\ (?:get|install|build|list|run|test|vet|mod\ \w+|generate|work\ \w+))?:\ |
            go\ get\ \S+:\ |
            verifying\ \S+@|
            \#\ |
            (?:FAIL|ok|PASS|\?)(?:\s|$)|
            ---\ (?:FAIL|PASS|SKIP)|=== |
            make(?:\[\d+\])?:|
            (?:\S*[\\/])?go\.(?:mod|work|sum):\d+|
            \S*\.(?:go|s|c|h):\d+(?::\d+)?:|
            (?:[a-z0-9-]+\.)+[a-z0-9-]+(?:/[\w.~-]+)*@v\d\S*(?::\ |$)|
            package\ \S+(?::\ |\ is\ not)|
            \$\ |PS\ ?[A-Z]?:?\S*>
        )"#,
    )
    .expect("fixed")
});

/// True for a line that begins a message of its own.
pub(super) fn is_starter(line: &str) -> bool {
    STARTER.is_match(line)
}

/// Lines that go and git put below a message without indentation, or that lost it in a paste.
static FOLLOWER: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r"(?i)^(?:fatal: |error: |remote: |warning: |hint: |confirm the import path|if this is a private repository|host key verification|please make sure|and the repository exists|server response:|downloaded: |go\.(?:work\.)?sum: |ssh: |git@|permission denied|kex_exchange|connection (?:closed|reset|timed)|security error|go\.sum database server|@{8}|abort: |svn: E|bzr: error)",
    )
    .expect("fixed")
});

/// True for a line that go or git put below a message.
pub(super) fn is_follower(line: &str) -> bool {
    FOLLOWER.is_match(line)
}

/// The inner lines of a chain: `X imports`, and the older `package X`, `imports Y`.
static CHAIN: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:(?:^| )imports| requires| tested by| imports from \S+)$|^package \S+$|^(?:imports|tested by) \S+(?: from \S+)?$").expect("fixed")
});

/// Endings after which go itself breaks the line.
static OWN_BREAK: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:exit status \d+|signal: \w+|server response|checksum mismatch|parsing [^:]*go\.(?:mod|work|sum)|to add(?: it)?|multiple modules|in any of|inconsistent vendoring in .*|updates to go\.(?:mod|sum|work) needed[^:]*|note|vendor directory|module requirements):$").expect("fixed")
});

/// The beginning of network words behind a URL.
static OPEN_TAIL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"": (?:stream|dial(?: tcp)?|net/http:|http2:|tls:|x509:|context(?: deadline)?|unexpected|connection|i/o|proxyconnect(?: tcp)?|read(?: tcp)?|write(?: tcp)?|server|http:)$"#)
        .expect("fixed")
});

/// An address that was broken off, inside its marks or without any.
static OPEN_QUOTE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:Get|Head|Post|read|reading|proxy) \\?"(?:h|ht|htt|http[^"\s]*|file:[^"\s]*)?$"#)
        .expect("fixed")
});
static QUOTE_END: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#"^(?:[^\s"]*\\?":|[^\s":]*/[^\s":]*$)"#).expect("fixed"));
/// A name that was broken off where go always has more to say.
static OPEN_NAME: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"@v\S+: verifying (?:module|go\.mod):(?: [\w./~!@+-]*)?$").expect("fixed"));
static NAME_END: LazyLock<Regex> = LazyLock::new(|| ascii(r"^[\w./~!@+-]*: ").expect("fixed"));
static OPEN_URL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:Get|reading|fetching|status \() ?(?:https?|file)://[^\s:)]*$").expect("fixed")
});
static URL_END: LazyLock<Regex> = LazyLock::new(|| ascii(r"^[^\s:]*[/.][^\s:]*\)?:(?: |$)").expect("fixed"));
/// A request or a connection that something is told of.
static REQUESTED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:(?:Get|Head|Post|read|reading) \\?"?https?://\S+: |dial tcp|\blookup \S|@v\S+: (?:stream|net/http|read|write|dial|x509|tls)\b)"#).expect("fixed")
});

impl Message {
    /// The line that holds the error: the chain above it is left out.
    pub(super) fn head(&self) -> usize {
        self.parts.iter().position(|p| !CHAIN.is_match(&p.text)).unwrap_or(self.parts.len().saturating_sub(1))
    }

    /// The number of its last line.
    pub(super) fn last(&self) -> u64 {
        self.parts.last().map_or(0, |p| p.line)
    }

    /// True where all lines belong to a chain that names no error.
    pub(super) fn is_bare_chain(&self) -> bool {
        self.parts.iter().all(|p| CHAIN.is_match(&p.text))
    }

    /// The lines below the head, one to a line, up to what a server said.
    pub(super) fn details(&self) -> String {
        let head = self.head() + 1;
        lines_of(&self.parts[head.min(self.parts.len())..self.response_at().max(head).min(self.parts.len())])
    }

    /// What a server said, as go quotes it: a stranger's words, whatever they look like.
    pub(super) fn response(&self) -> String {
        lines_of(&self.parts[self.response_at()..])
    }

    fn response_at(&self) -> usize {
        self.parts.iter().position(|p| p.text.starts_with(RESPONSE)).unwrap_or(self.parts.len())
    }
}

fn lines_of(parts: &[Part]) -> String {
    parts.iter().flat_map(|part| [part.text.as_str(), "\n"]).collect()
}

impl Grouper {
    pub(super) fn new(log: bool) -> Grouper {
        Grouper { current: None, log }
    }

    /// Takes one line, whose first `label` bytes are a frame's; gives back the message that it ended.
    pub(super) fn line(&mut self, number: u64, raw: &str, label: usize) -> Option<Message> {
        let plain = wrappers::plain(raw);
        let text = if self.log { wrappers::unwrap(&plain[label..]) } else { plain.trim_end() };
        let text = tongues::english(text);
        let trimmed = text.trim_start();
        if trimmed.is_empty() {
            // A server's words may have blank lines; ssh and the security error too, where nothing is
            // lost by ending there.
            let answered = self.current.as_ref().is_some_and(|m| m.response_at() < m.parts.len());
            return if answered { None } else { self.current.take() };
        }
        let indent = width(&text[..text.len() - trimmed.len()]);
        let part = || Part { line: number, text: trimmed.to_owned(), evidence: plain.trim().to_owned() };
        if let Some(message) = &mut self.current {
            if self.log
                && message.joins < MAX_JOINS
                && let Some((next, glue)) = [trimmed, plain[label..].trim()]
                    .into_iter()
                    .find_map(|next| Some((next, glue(message, next)?)))
            {
                message.joins += 1;
                join(&mut message.parts.last_mut().expect("a message has a line").text, next, glue);
                return None;
            }
            let awaited = indent > message.indent && (message.in_chain || announces(message));
            let deeper = indent > message.indent;
            // go indents whatever it quotes. Only a log may have more columns than go printed.
            let quoted = deeper && (!self.log || message.response_at() < message.parts.len());
            let starter = STARTER.is_match(trimmed) && !awaited && !quoted;
            if !starter && self.log && message.joins < MAX_JOINS && is_open(message) {
                message.joins += 1;
                let last = message.parts.last_mut().expect("a message has a line");
                let glue = if last.text.ends_with('/') { "" } else { " " };
                join(&mut last.text, trimmed, glue);
                message.in_chain = CHAIN.is_match(&last.text);
                return None;
            }
            let inside = message.in_chain && deeper
                || !starter && (deeper || FOLLOWER.is_match(trimmed) && expects_followers(message));
            if inside {
                if message.parts.len() < MAX_PARTS {
                    message.in_chain = message.in_chain && CHAIN.is_match(trimmed);
                    message.parts.push(part());
                }
                return None;
            }
        }
        let fresh = Message {
            evidence: plain.trim().to_owned(),
            indent,
            in_chain: CHAIN.is_match(trimmed),
            parts: vec![part()],
            joins: 0,
        };
        self.current.replace(fresh)
    }

    /// Ends the message at hand.
    pub(super) fn end(&mut self) -> Option<Message> {
        self.current.take()
    }
}

/// True where go announced a list: what stands below it, deeper, belongs to it.
fn announces(message: &Message) -> bool {
    message.parts.first().is_some_and(|p| OWN_BREAK.is_match(&p.text) && !p.text.contains("parsing "))
}

/// Git and checksum messages; others never have unindented lines below them.
fn expects_followers(message: &Message) -> bool {
    message.parts.iter().any(|p| {
        let t = &p.text;
        t.contains("git ")
            || t.contains("exit status ")
            || t.contains("fatal: ")
            || t.starts_with("remote: ")
            || t.starts_with("error: ")
            || t.contains("checksum mismatch")
            || t.ends_with("SECURITY ERROR")
            || t.contains("hg ")
            || t.contains("reading http")
    })
}

/// True where the text so far ends in the middle: a log or a mail broke the line.
fn is_open(message: &Message) -> bool {
    let Some(part) = message.parts.last() else { return false };
    let text = part.text.as_str();
    if text.contains("ambiguous import: found package ") && !text.ends_with(':') {
        return true;
    }
    if text.ends_with(':') {
        return !OWN_BREAK.is_match(text)
            && (text.contains('"') || text.contains("go:") || text.contains('@'));
    }
    if text.ends_with("(open") || OPEN_TAIL.is_match(text) {
        return true;
    }
    (text.ends_with(": read") || text.ends_with(": Get") || text.ends_with(": reading"))
        || (text.ends_with(',') && text.contains("dial tcp"))
        || (text.ends_with('=') && !text.contains("h1:") && text.contains('@'))
}

/// What a line that was broken at some column goes on with, nothing or a blank; `None` where it is whole.
///
/// What go quotes it closes, and behind an address it names what went wrong: a line that has not come so far yet
/// and the next one that does are one.
fn glue(message: &Message, next: &str) -> Option<&'static str> {
    let text = message.parts.last()?.text.as_str();
    if OPEN_NAME.is_match(text) && NAME_END.is_match(next) {
        return Some(if text.ends_with(':') { " " } else { "" });
    }
    if OPEN_QUOTE.is_match(text) {
        return QUOTE_END.is_match(next).then_some("");
    }
    if OPEN_URL.is_match(text) && (text.ends_with('/') || URL_END.is_match(next)) {
        return Some("");
    }
    if STARTER.is_match(next) {
        return None;
    }
    let told =
        |text: &str| inner::phrase(text).filter(|p| inner::read(p).cause.is_some()).map_or(0, str::len);
    if !REQUESTED.is_match(text) || told(text) > 0 || next.len() > 160 {
        return None;
    }
    let joined = |glue: &str| told(&format!("{text}{glue}{next}"));
    let (close, apart) = (joined(""), joined(" "));
    (close.max(apart) > 0).then_some(if close > apart { "" } else { " " })
}

/// Appends a line that was broken off.
fn join(text: &mut String, next: &str, glue: &str) {
    if text.ends_with('=') {
        text.pop(); // quoted-printable: the sign stands for the break
    } else {
        text.push_str(glue);
    }
    text.push_str(next);
}

/// Columns of an indentation, a tab counting for eight.
fn width(blank: &str) -> usize {
    blank.chars().map(|c| if c == '\t' { 8 } else { 1 }).sum()
}
