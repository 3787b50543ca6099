//! Takes off what other programs put around go's words: colours, CI time stamps, BuildKit steps,
//! `grep -n` numbers, comment marks.

use super::envelope;
use super::messages::is_starter;
use super::pattern::ascii;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Colours, cursor movements, titles.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])").expect("fixed")
});

/// Escape sequences whose first character was written out (`^[[31m`, `\033[31m`) or lost (`[31m`); what gcc says
/// of a linker only looks like one.
static WRITTEN_ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?P<word>\[Killed\])|(?:\^\[|\\(?:033|x1[bB]|u001[bB]|e)|\u{241b}|\u{fffd})\[[0-9;?]*[A-Za-z]|\[(?:\d{1,3}(?:;\d{1,3})*)?m|\[0?K")
        .expect("fixed")
});

/// Marks of a page: what browsers copy and mails carry.
static TAGS: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?i)</?(?:span|br|p|div|b|i|strong|td|tr|li)(?:\s[^<>]*)?/?>").expect("fixed"));
static CODE: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?i)</?(?:pre|code|samp|kbd)(?:\s[^<>]*)?>").expect("fixed"));
static BREAK: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?i)</?(?:br|p|div|li|span)(?:\s[^<>]*)?/?>$").expect("fixed"));
static ENTITIES: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"&(quot|amp|lt|gt|apos|nbsp|#\d{1,6}|#[xX][0-9A-Fa-f]{1,5});").expect("fixed"));

/// The right side of a box, with the blanks before it.
static MARGIN: LazyLock<Regex> = LazyLock::new(|| ascii(r"(?:\s+[│┃║▏]|\s{2,}\|)\s*$").expect("fixed"));

/// One layer of wrapper at the beginning of a line. What follows keeps its indentation.
static LAYER: LazyLock<Regex> = LazyLock::new(|| {
    let layers = [
        // BuildKit: `#7 16.60 `, `#7 `; the classic builder's and compose's elapsed seconds
        r"#\d+ (?:\d+\.\d+(?: |$))?",
        r"\d+\.\d{1,4} ",
        // dates and times, as CI systems, Go's log package and syslog write them
        r"\[?\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d| UTC)?\]?:? ?",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? ",
        r"\[\d\d:\d\d:\d\d(?:[.,]\d+)?\](?:[WEFiw]?:\s*)?",
        r"(?:\d{1,2}/\d{1,2}/\d{4}|\[\d\d/\d\d/\d{4}),? \d{1,2}:\d\d:\d\d(?:\.\d+)?(?: ?[AP]M)?\]? ",
        r"\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +\d+ +\d+ [VDIWEF] \S+ *: ",
        r"1\d{9}(?:\.\d+)? |1\d{12}[\t ]",
        r"<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\]) ",
        r#"Step #\d+(?: - "[^"]*")?: "#,
        r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d\d:\d\d:\d\d(?: \S+ \S+:)? ",
        // GitHub and Azure commands
        r"##\[\w+\]",
        r"::(?:error|warning|notice|debug)[^:]*::",
        // Kubernetes' containers, GitLab's time stamps
        r"(?:stdout|stderr) [FP] ",
        r"[0-9a-f]{2}[OE][ +]",
        // boxes
        r"[│┃║▏▎▌╎┆┊├└╰╭┌]+[─━]*(?: |\t|$)",
        // levels and containers
        r"\[(?:[A-Za-z][A-Za-z0-9_./: -]{0,48}|\d+/\d+)\] ",
        r"(?:INFO|WARN|WARNING|ERROR|ERRO|FATAL|DEBUG|stderr|STDERR|stdout)(?:\[\d+\])?[:|] ?",
        r"[A-Za-z0-9_.-]{1,40} +\| ?",
        r"\| ",
        // comment marks, quotations, bullets
        r"(?://+|--|#+|>+|\*|;+|::|•)(?: |\t|$)",
        r"- ",
        r">",
    ];
    ascii(&format!(r"^\s*(?:{})", layers.join("|"))).expect("fixed")
});

/// `gh run view --log`: job, step, time; Bamboo's time, kind, time.
static COLUMNS: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^\S[^\t]{0,79}\t[^\t]{1,80}\t\x{feff}?(?:\d{4}-\d\d-\d\dT[0-9:.]+Z |\d\d-\w{3}-\d{4} [0-9:]+\t)?")
        .expect("fixed")
});

/// The verdict of a test program, which has columns too.
static VERDICT: LazyLock<Regex> = LazyLock::new(|| ascii(r"^(?:ok  |FAIL|\?   |---)").expect("fixed"));

static NUMBERED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^\d{1,9}[-:](?:[A-Za-z/.\t]|\s)").expect("fixed"));

/// A heading of go build (`# example.com/pkg`, also with `[example.com/pkg.test]`).
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^# [A-Za-z0-9_][^\s:@]*(?: \[[^\s\]]+\])?$").expect("fixed"));

/// A line of `remote:` that is a program's own output under a git push, not git's.
static PUSHED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^\s*remote:(?: {6,8}(?:[ \t]|\S)| ?\t| +(?:\S+\.go:\d+:|go: |# |note: |-----> |! ))")
        .expect("fixed")
});

/// A git server's own `ERROR: `, indented as go indents it.
fn is_answered(line: &str) -> bool {
    let words = line.strip_prefix([' ', '\t']).and_then(|line| line.trim_start().strip_prefix("ERROR: "));
    words.is_some_and(|words| {
        words.starts_with(|c: char| c.is_ascii_alphabetic())
            && !is_starter(words)
            && !envelope::is_go(words)
            && !words.contains("://")
    })
}

/// What loggers of services write before their words, and containers before a service's.
static LOGGED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|(?i)\b(?:info|warn|warning|erro|error|fatal|debug)\b[\]|: ]|^[A-Za-z0-9_.-]{1,40} +\| |\w+=\S|^(?:\S+ ){0,4}\S*[A-Za-z]\S*\[\d+\]: |\w[\w ./-]*: (?:proxyconnect|net/http)|\w[\w ./-]*: dial")
        .expect("fixed")
});

/// True for the `# package` line above the errors of a compiler.
pub(super) fn is_heading(line: &str) -> bool {
    HEADING.is_match(line)
}

/// True for a line that a program's own logger wrote.
pub(super) fn is_logged(line: &str) -> bool {
    LOGGED.is_match(&line.replace("proxyconnect tcp: dial", "proxyconnect"))
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

/// The line without escape sequences, a page's marks and the right side of a box; for logs only.
pub(super) fn undressed(line: &str) -> Cow<'_, str> {
    let mut text = plain(line);
    if text.contains("[") && WRITTEN_ESCAPES.is_match(&text) {
        text = WRITTEN_ESCAPES.replace_all(&text, "$word").into_owned().into();
    }
    if text.contains('<') && CODE.is_match(&text) {
        text = CODE.replace_all(&text, "").into_owned().into();
    }
    if text.ends_with('>') && BREAK.is_match(&text) {
        text = BREAK.replace_all(&text, "").into_owned().into();
    }
    if text.contains('&') && ENTITIES.is_match(&text) {
        let tagless = TAGS.replace_all(&text, "");
        text = ENTITIES.replace_all(&tagless, |c: &regex::Captures<'_>| character(&c[1])).into_owned().into();
    }
    if text.trim_end().ends_with(['│', '┃', '║', '▏', '|'])
        && let Some(margin) = MARGIN.find(&text)
    {
        text = text[..margin.start()].to_owned().into();
    }
    text
}

/// Columns of a table before the text, which only tabs part.
fn columns(line: &str) -> Option<regex::Match<'_>> {
    if line.contains('\t') { COLUMNS.find(line).filter(|_| !VERDICT.is_match(line)) } else { None }
}

/// What an entity stands for; a blank for what cannot be told.
fn character(name: &str) -> String {
    let code = match name {
        "quot" => Some(u32::from('"')),
        "amp" => Some(u32::from('&')),
        "lt" => Some(u32::from('<')),
        "gt" => Some(u32::from('>')),
        "apos" => Some(u32::from('\'')),
        _ => match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
            Some(number) => number.parse().ok(),
            None => None,
        },
    };
    code.and_then(char::from_u32).filter(|c| !c.is_control()).unwrap_or(' ').to_string()
}

/// The line without wrappers; for logs only.
pub(super) fn unwrap(line: &str) -> &str {
    let mut rest = line;
    // Wrappers nest (job, time stamp, BuildKit, comment); more than eight is no log.
    for _ in 0..8 {
        if is_trace(rest)
            || is_heading(rest.trim_start())
            || rest.trim_start().starts_with("[signal")
            || is_answered(rest)
        {
            break;
        }
        if let Some(m) = LAYER.find(rest).filter(|m| !m.is_empty()) {
            rest = &rest[m.end()..];
        } else if let Some(m) = columns(rest) {
            rest = &rest[m.end()..];
        } else if let Some(m) = NUMBERED.find(rest) {
            // The last character found belongs to the text.
            let last = rest[..m.end()].chars().next_back().map_or(0, char::len_utf8);
            rest = &rest[m.end() - last..];
        } else if PUSHED.is_match(rest) {
            // A build below a push indents all of it by as much.
            rest = rest.trim_start().trim_start_matches("remote:");
            let blank = rest.len() - rest.trim_start_matches(' ').len();
            rest = &rest[blank.min(8)..];
        } else {
            break;
        }
    }
    let rest = rest.trim_end();
    // A shell's line continuation in a pasted command.
    rest.strip_suffix(" \\").unwrap_or(rest)
}
