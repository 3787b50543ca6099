//! Undoes what stands around every line of a log and is known only by its repetition: the label of a CI
//! step, a container or a build tool, and lines that a console broke at its last column.
//!
//! `wrappers` knows frames by their shape; here a frame is whatever several lines in a row begin with that
//! is not go's own.

use super::messages::{is_follower, is_starter};
use super::pattern::ascii;
use super::{inner, wrappers};
use regex::Regex;
use std::sync::LazyLock;

/// Columns at which consoles and mail programs break.
const WIDTHS: [usize; 5] = [72, 78, 80, 100, 120];
/// Characters of a label; longer beginnings that lines share are text.
const MAX_LABEL: usize = 80;
/// Pieces that one line may have been broken into.
const MAX_PIECES: usize = 40;

/// Where a label may end.
static LABEL_END: LazyLock<Regex> = LazyLock::new(|| ascii(r"[:|>»)\]│┃║▏*!] ").expect("fixed"));

/// What go, git, compilers and tests begin lines with themselves: no label has any of it.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r#"(?i)@v\d|["'`]|://|\.go\b|\bgo(?: \w+)*: |go\.(?:mod|sum|work)|fatal: |(?:^|\W)(?:remote|error|warning|hint|note|ssh|panic|verifying|package|module|imports|server response|git|hg|svn|downloaded|get|read|dial|lookup|x509|tls|unrecognized)\b[ :]|^\s*(?:ok|fail|pass|---|===|\?)\s|[^\s]/[^\s]*: |h1:"#,
    )
    .expect("fixed")
});

/// The level of a logger's line, which is no word of git's.
static LEVEL: LazyLock<Regex> = LazyLock::new(|| ascii(r"\b(?:ERROR|WARN|WARNING|FATAL) ").expect("fixed"));

/// The number of a line, as editors, `grep -n` and pagers write it.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^(\s*)(\d{1,7})([-:|]|\s?[|│:] ?|\s{1,2}|\t)").expect("fixed"));

/// Words of go's that may stand behind a label on a line that stands alone.
static CERTAIN: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r"^(?:go: \S|go get \S+: |verifying \S+@v\S+: |(?:[a-z0-9-]+\.)+[a-z0-9-]+(?:/[\w.~!-]+)*@v\d\S*: |package \S+ is not in |go\.(?:mod|work|sum):\d+: )",
    )
    .expect("fixed")
});

/// What no label has in it: names, quotations, positions of somebody's source.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"["'`]|@v\d|://|\.go\b|\bgo(?: \w+)*: |h1:|===|---|(?i)not found|invalid|cannot"#).expect("fixed")
});

/// Undoes the frames of one text, line by line; one line is held back to be compared with the next.
#[derive(Debug, Default)]
pub(super) struct Frames {
    held: Option<Held>,
    /// The label of the last lines, with `0` for each run of digits.
    label: Option<String>,
}

/// A line without its frame.
#[derive(Debug)]
pub(super) struct Freed {
    /// Its number in the input.
    pub number: u64,
    /// As it was, broken pieces joined.
    pub line: String,
    /// Where in `line` the label ends.
    pub label: usize,
}

#[derive(Debug)]
struct Held {
    number: u64,
    text: String,
    /// Characters of the last piece.
    width: usize,
    pieces: usize,
}

impl Frames {
    /// Takes a line; gives back the one before, without its frame.
    pub(super) fn line(&mut self, number: u64, text: &str) -> Option<Freed> {
        let text = wrappers::undressed(text);
        if let Some(held) = &mut self.held {
            if is_broken(held, &text) {
                held.text.push_str(&text);
                held.width = text.chars().count();
                held.pieces += 1;
                return None;
            }
            if let Some(label) = shared_label(&held.text, &text) {
                self.label = Some(label);
            }
        }
        let width = text.chars().count();
        let fresh = Held { number, text: text.into_owned(), width, pieces: 1 };
        self.held.replace(fresh).map(|held| self.freed(held))
    }

    /// Ends a run of lines that belong together.
    pub(super) fn end(&mut self) -> Option<Freed> {
        let held = self.held.take();
        let freed = held.map(|held| self.freed(held));
        self.label = None;
        freed
    }

    fn freed(&self, held: Held) -> Freed {
        let text = &held.text;
        let label = self
            .label
            .as_deref()
            .and_then(|label| labelled(text, label))
            .or_else(|| certain(text))
            .unwrap_or(0);
        Freed { number: held.number, label, line: held.text }
    }
}

/// True where a console broke the held line at its last column and `next` goes on in the middle.
fn is_broken(held: &Held, next: &str) -> bool {
    let next_is_new = next.is_empty()
        || next.starts_with([' ', '\t'])
        || is_starter(next)
        || is_follower(next)
        || wrappers::unwrap(next).len() < next.trim_end().len();
    WIDTHS.contains(&held.width)
        && held.pieces < MAX_PIECES
        && !next_is_new
        && (held.text.contains("go: ") || held.text.contains("@v") || held.text.contains("://"))
        && inner::phrase(&held.text).is_none()
        && !held.text.ends_with([':', '='])
}

/// What two lines begin with, up to where a label may end, where it is not go's own; digits count alike.
fn shared_label(one: &str, other: &str) -> Option<String> {
    let (a, b) = (shape(one), shape(other));
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let mut same = same.min(MAX_LABEL);
    while !a.is_char_boundary(same) {
        same -= 1;
    }
    let label = LABEL_END
        .find_iter(&a[..same])
        .map(|m| &a[..m.end()])
        .take_while(|label| !OWN.is_match(&LEVEL.replace_all(label, "")))
        .last();
    label.filter(|label| !label.trim().is_empty()).map(str::to_owned).or_else(|| numbered(one, other))
}

/// The numbers of two lines, where the one follows the other.
fn numbered(one: &str, other: &str) -> Option<String> {
    let (a, b) = (NUMBER.captures(one)?, NUMBER.captures(other)?);
    let number = |c: &regex::Captures<'_>| c[2].parse::<u32>().ok();
    // What is blank behind it may be go's own.
    let mark =
        |c: &regex::Captures<'_>| if c[3].trim().is_empty() { c[3][..1].to_owned() } else { c[3].to_owned() };
    (number(&b)? == number(&a)? + 1 && mark(&a) == mark(&b)).then(|| format!("{}0{}", &a[1], mark(&a)))
}

/// `text` with `0` for each run of digits.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars().take(2 * MAX_LABEL) {
        if !c.is_ascii_digit() {
            shape.push(c);
        } else if !shape.ends_with('0') {
            shape.push('0');
        }
    }
    shape
}

/// The length of the label of this shape at the beginning of `text`; its last blanks may be missing or belong
/// to what follows.
fn labelled(text: &str, label: &str) -> Option<usize> {
    // Numbers are written to the right.
    let (label, blank) = (label.trim(), text.len() - text.trim_start().len());
    let mut wanted = label.chars();
    let mut next = wanted.next();
    let mut in_digits = false;
    for (at, c) in text[blank..].char_indices() {
        if in_digits && c.is_ascii_digit() {
            continue;
        }
        in_digits = false;
        let Some(want) = next else {
            return Some(blank + at + usize::from(c == ' ' || c == '\t'));
        };
        if want == '0' && c.is_ascii_digit() {
            in_digits = true;
        } else if want != c {
            return None;
        }
        next = wanted.next();
    }
    next.is_none().then_some(text.len())
}

/// Where go's own words begin behind a label that stands alone.
fn certain(text: &str) -> Option<usize> {
    // What go quotes is indented.
    if text.starts_with([' ', '\t']) || is_starter(text) {
        return None;
    }
    let mut end = MAX_LABEL.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    LABEL_END
        .find_iter(&text[..end])
        .map(|m| m.end())
        .find(|at| CERTAIN.is_match(&text[*at..]))
        .filter(|at| !FOREIGN.is_match(&text[..*at]))
}
