//! Reads what nobody but the compiler printed, without compiling an expression.
//!
//! A typing error is the failure that a developer meets most often, and nothing cures it. All expressions of this
//! module together take several times as long to be compiled as such a text to be printed. So a short text in which
//! each line has the compiler's own shape, and none a word of which a failure of go's has at least one, is read here;
//! a test holds that the whole reader would have read the same.

use super::{Reading, found, inner, lines};
use crate::vocabulary::{Cause, Failure, Source};

/// Bytes of the longest text that is read so: a compiler stops after ten errors of a package.
pub(super) const LONGEST: usize = 16 * 1024;

/// The reading of a text of the compiler's alone; `None` for any other.
pub(super) fn alone(text: &[u8]) -> Option<Reading> {
    let text = std::str::from_utf8(text).ok()?;
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return None;
    }
    let mut heading = false;
    let mut first: Option<Failure> = None;
    let mut count = 0;
    for (line, number) in text.lines().zip(1..) {
        if is_heading(line) {
            heading = true;
        } else if heading && is_error(line) {
            count += 1;
            first.get_or_insert_with(|| Failure {
                line: number,
                ..Failure::new(Cause::CompileError, Some(Source::Local), found::evidence(line))
            });
        } else if first.is_none() || !is_continuation(line) {
            return None;
        }
    }
    Some(Reading {
        failures: vec![first?],
        dominant: Some(0),
        counts: vec![count],
        origins: vec![None],
        omitted: 0,
    })
}

/// `# package`, as the go command writes it above the errors of a package.
fn is_heading(line: &str) -> bool {
    line.strip_prefix("# ").is_some_and(|package| {
        package.starts_with(|c: char| c.is_ascii_alphanumeric())
            && package.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '~'))
    })
}

/// `file.go:1:2: words`.
fn is_error(line: &str) -> bool {
    position(line).is_some_and(|words| !words.is_empty() && is_harmless(words))
}

/// What the compiler puts below an error, indented by one tab: `have (int)`, `want (string)`.
fn is_continuation(line: &str) -> bool {
    line.strip_prefix('\t').is_some_and(|words| {
        words.starts_with(|c: char| c.is_ascii_lowercase()) && !words.contains(".go:") && is_harmless(words)
    })
}

/// What stands behind the position that a line begins with, in a file that is no module's in the cache.
fn position(line: &str) -> Option<&str> {
    let (file, rest) = line.split_once(".go:")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    if file.is_empty() || !file.chars().all(plain) {
        return None;
    }
    let (row, rest) = rest.split_once(':')?;
    let (column, words) = rest.split_once(": ")?;
    let number = |n: &str| !n.is_empty() && n.len() < 8 && n.bytes().all(|b| b.is_ascii_digit());
    (number(row) && number(column)).then(|| words.trim())
}

/// True where no word in it has a meaning to any other reader of this module.
fn is_harmless(words: &str) -> bool {
    !lines::WORDS.iter().any(|word| words.contains(word)) && inner::local(&words.to_lowercase()).is_none()
}
