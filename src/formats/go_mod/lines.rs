//! The syntax below go.mod and go.work: words, strings, comments and blocks, line by line.
//!
//! Follows golang.org/x/mod/modfile's reader. A word is bytes: what is no UTF-8 is a word for go
//! too.

use super::{Fault, FaultKind};
use regex::Regex;
use std::sync::LazyLock;

/// One statement, alone on its line or a line of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// What kind of statement: the first word, or that of the block.
    pub(super) verb: &'a [u8],
    /// The words behind the verb, quotes and all.
    pub(super) args: Vec<&'a [u8]>,
    /// From 1.
    pub(super) number: usize,
    /// `// indirect` ends the line.
    pub(super) indirect: bool,
}

/// All statements that could be read, and what go refuses.
pub(super) struct Read<'a> {
    pub(super) lines: Vec<Line<'a>>,
    pub(super) faults: Vec<Fault>,
}

/// Reads all statements, those in blocks only where the block is of one of `kinds`. After a fault of
/// syntax nothing more is read: go refuses such a file.
pub(super) fn read<'a>(text: &'a [u8], kinds: &[&str]) -> Read<'a> {
    let mut found = Read { lines: Vec::new(), faults: Vec::new() };
    if let Err(fault) = read_into(text, kinds, &mut found) {
        found.faults.push(fault);
    }
    found
}

fn read_into<'a>(text: &'a [u8], kinds: &[&str], found: &mut Read<'a>) -> Result<(), Fault> {
    /// A block that has begun; without a verb its lines are passed over.
    struct Block<'a> {
        verb: Option<&'a [u8]>,
        begun: usize,
    }
    let mut block: Option<Block<'a>> = None;
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        let number = at + 1;
        let syntax = Fault { line: number, kind: FaultKind::Syntax };
        let (words, indirect) = words(line).ok_or(syntax)?;
        let Some((first, rest)) = words.split_first() else { continue };
        match block {
            Some(_) if *first == b")" => {
                if !rest.is_empty() {
                    return Err(syntax);
                }
                block = None;
            }
            Some(Block { verb: Some(verb), .. }) => {
                found.lines.push(Line { verb, args: words, number, indirect });
            }
            Some(_) => {}
            None => {
                let (head, empty) = match rest {
                    [head @ .., b"("] => (head, false),
                    [head @ .., b"(", b")"] => (head, true),
                    _ => {
                        found.lines.push(Line { verb: first, args: rest.to_vec(), number, indirect });
                        continue;
                    }
                };
                let known = head.is_empty() && kinds.iter().any(|kind| kind.as_bytes() == *first);
                let verb = known.then_some(*first);
                if verb.is_none() {
                    found.faults.push(Fault { line: number, kind: FaultKind::UnknownBlock });
                }
                if !empty {
                    block = Some(Block { verb, begun: number });
                }
            }
        }
    }
    match block {
        Some(block) => Err(Fault { line: block.begun, kind: FaultKind::Unterminated }),
        None => Ok(()),
    }
}

/// The words of one line, and whether its comment says `indirect`. `None` for what go cannot lex.
fn words(line: &[u8]) -> Option<(Vec<&[u8]>, bool)> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let blank = rest.iter().take_while(|b| b" \t\r".contains(b)).count();
        rest = &rest[blank..];
        let Some(first) = rest.first() else { return Some((words, false)) };
        if rest.starts_with(b"//") {
            let indirect = !words.is_empty() && is_indirect(&rest[2..]);
            return Some((words, indirect));
        }
        let length = match first {
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' => 1,
            b'"' | b'`' => string_length(rest, *first)?,
            _ => word_length(rest)?,
        };
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
}

/// `indirect` alone, or `indirect;` with more behind it.
fn is_indirect(comment: &[u8]) -> bool {
    let mut fields = comment.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
    match (fields.next(), fields.next()) {
        (Some(b"indirect"), None) => true,
        (Some(b"indirect;"), more) => more.is_some(),
        _ => false,
    }
}

/// Length of a string with its quotes; `None` where the line ends inside it.
fn string_length(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b if *b == quote => return Some(at + 1),
            b'\\' if quote == b'"' => at += 2,
            _ => at += 1,
        }
    }
}

/// Length of a plain word: up to a blank, a bracket, a comma or a comment. `None` for an old
/// comment or a character that go does not print.
fn word_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(b"/*") {
            return None;
        }
        if text[at..].starts_with(b"//") {
            break;
        }
        match text[at] {
            b' ' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' => break,
            b'!'..=b'~' => at += 1,
            0x80.. => match foreign(&text[at..]) {
                Some(width) => at += width,
                None => break,
            },
            // Control characters end a word; at the beginning of one they are a fault.
            _ => break,
        }
    }
    (at > 0).then_some(at)
}

/// Bytes of a character beyond ASCII; `None` for one that is not printed. What is no UTF-8 counts as
/// one printed character, as for go.
fn foreign(text: &[u8]) -> Option<usize> {
    let piece = &text[..text.len().min(4)];
    let found = (1..=piece.len()).find_map(|n| std::str::from_utf8(&piece[..n]).ok()?.chars().next());
    match found {
        Some(c) => PRINTED.is_match(c.encode_utf8(&mut [0; 4])).then_some(c.len_utf8()),
        None => Some(1),
    }
}

/// `unicode.IsPrint` beyond ASCII. Asked only for the rare word that has such a character.
static PRINTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").expect("fixed"));

/// The value of a word: a string in double quotes is undone, other words hold no quote at all.
/// `None` where go refuses it.
pub(super) fn value(word: &[u8]) -> Option<Vec<u8>> {
    if let Some(inner) = word.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        return unquote(inner);
    }
    (!word.iter().any(|b| b"\"'`".contains(b))).then(|| word.to_vec())
}

/// What stands between double quotes, Go's escapes undone (`strconv.Unquote`).
fn unquote(inner: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'"' {
            return None;
        }
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let (kind, tail) = rest.split_first()?;
        rest = tail;
        let mut digits = |count: usize, radix: u32| -> Option<u32> {
            let (digits, tail) = rest.split_at_checked(count)?;
            rest = tail;
            digits.iter().try_fold(0u32, |n, b| Some(n.wrapping_mul(radix) + char::from(*b).to_digit(radix)?))
        };
        match kind {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'"' => out.push(*kind),
            b'x' => out.push(u8::try_from(digits(2, 16)?).ok()?),
            b'0'..=b'7' => {
                let rest_of = digits(2, 8)?;
                out.push(u8::try_from(u32::from(kind - b'0') * 64 + rest_of).ok()?);
            }
            b'u' | b'U' => {
                let code = digits(if *kind == b'u' { 4 } else { 8 }, 16)?;
                out.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
    }
    Some(out)
}
