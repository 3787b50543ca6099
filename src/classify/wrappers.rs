//! Takes off what other programs put around go's words: colours, CI time stamps, BuildKit steps,
//! `grep -n` numbers, comment marks.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Colours, cursor movements, titles.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])").expect("fixed")
});

/// One layer of wrapper at the beginning of a line. What follows keeps its indentation.
static LAYER: LazyLock<Regex> = LazyLock::new(|| {
    let layers = [
        // BuildKit: `#7 16.60 `, `#7 `; the classic builder's and compose's elapsed seconds
        r"#\d+ (?:\d+\.\d+(?: |$))?",
        r"\d+\.\d{1,4} ",
        // dates and times, as CI systems, Go's log package and syslog write them
        r"\[?\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d| UTC)?\]?:? ?",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? ",
        r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d\d:\d\d:\d\d(?: \S+ \S+:)? ",
        // `gh run view --log`: job, step, time
        r"[^\t]{1,80}\t[^\t]{1,80}\t\x{feff}?(?:\d{4}-\d\d-\d\dT[0-9:.]+Z )?",
        // GitHub and Azure commands
        r"##\[\w+\]",
        r"::(?:error|warning|notice|debug)[^:]*::",
        // levels and containers
        r"\[(?:[A-Za-z][A-Za-z0-9_./: -]{0,48}|\d+/\d+)\] ",
        r"(?:INFO|WARN|WARNING|ERROR|ERRO|FATAL|DEBUG|stderr|STDERR|stdout)(?:\[\d+\])?[:|] ?",
        r"[A-Za-z0-9_.-]{1,40} +\| ?",
        r"\| ",
        // comment marks, quotations, bullets
        r"(?://+|#+|>+|\*|;+)(?: |\t|$)",
        r">",
    ];
    Regex::new(&format!(r"^\s*(?:{})", layers.join("|"))).expect("fixed")
});

static NUMBERED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\d{1,9}[-:](?:[A-Za-z/.\t]|\s)").expect("fixed"));

/// A heading of go build (`# example.com/pkg`, also with `[example.com/pkg.test]`).
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^# [A-Za-z0-9_][^\s:@]*(?: \[[^\s\]]+\])?$").expect("fixed"));

/// A line of `remote:` that is a program's own output under a git push, not git's.
static PUSHED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*remote:\s+(?:\S+\.go:\d+:|go: |# |note: )").expect("fixed"));

/// True for the `# package` line above the errors of a compiler.
pub(super) fn is_heading(line: &str) -> bool {
    HEADING.is_match(line)
}

/// True for a line of a `-x` trace that begins with a number sign.
pub(super) fn is_trace(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("# ") else { return false };
    ["get http", "cd ", "lock ", "get file"].iter().any(|p| rest.starts_with(p))
}

/// The line without escape sequences.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    if memchr::memchr(0x1b, line.as_bytes()).is_some() {
        ESCAPES.replace_all(line, "")
    } else {
        Cow::Borrowed(line)
    }
}

/// The line without wrappers; for logs only.
pub(super) fn unwrap(line: &str) -> &str {
    let mut rest = line;
    // Wrappers nest (job, time stamp, BuildKit, comment); more than eight is no log.
    for _ in 0..8 {
        if is_trace(rest) || is_heading(rest.trim_start()) || rest.trim_start().starts_with("[signal") {
            break;
        }
        if let Some(m) = LAYER.find(rest).filter(|m| !m.is_empty()) {
            rest = &rest[m.end()..];
        } else if let Some(m) = NUMBERED.find(rest) {
            // The last character found belongs to the text.
            let last = rest[..m.end()].chars().next_back().map_or(0, char::len_utf8);
            rest = &rest[m.end() - last..];
        } else if PUSHED.is_match(rest) {
            rest = rest.trim_start().trim_start_matches("remote:").trim_start();
        } else {
            break;
        }
    }
    let rest = rest.trim_end();
    // A shell's line continuation in a pasted command.
    rest.strip_suffix(" \\").unwrap_or(rest)
}
