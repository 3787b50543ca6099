//! Whose words stand in a log: go's, or those of a test, a source listing, or a program that ran by itself.
//!
//! A log is full of people: git that a script called, a test that holds what go prints, a diff of such a test.
//! Words alone do not tell them apart; what stands around them does.

use super::pattern::ascii;
use super::{envelope, wrappers};
use regex::Regex;
use std::sync::LazyLock;

/// Lines behind a go command, or before one, that may still be its.
const NEAR: u64 = 12;

static TEST_LINE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:\S*_test\.go:\d+: |\S+_test\.go:\d+:$|panic: test timed out)").expect("fixed")
});

/// A test begins, waits or goes on.
static BEGUN: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^=== (?:RUN|PAUSE|CONT|NAME|ATTR) ").expect("fixed"));

/// What a test begins or ends with; below it, deeper, stand its words.
static VERDICT: LazyLock<Regex> = LazyLock::new(|| ascii(r"^--- (?:FAIL|PASS|SKIP|BENCH): ").expect("fixed"));

/// An example's output, which is compared with what is wanted, stands where a program's own would.
static EXAMPLE: LazyLock<Regex> = LazyLock::new(|| ascii(r"^--- FAIL: Example").expect("fixed"));

/// The end of a test program.
static TESTED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^(?:(?:ok|FAIL|\?)\s+\S|(?:FAIL|PASS)$|coverage: )").expect("fixed"));

/// Another command of a script's: the tests before it are over.
static STEP: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:\$ \S|\+ \S|make(?:\[\d+\])?: |Process completed|Error: Process completed|Step \d+|> \[|RUN |PS [A-Z]:|go: (?:downloading|finding|extracting) \S+ v\d)")
        .expect("fixed")
});

/// Where a string begins in code that goes on or ends behind it.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?::=|==|!=|=>|[^\s=!<>]\s=|\b(?:return|case|const|assert|require|echo|printf|grep)\b[^"'`]*)\s*(?:[rbf]?["'`]|@")$|^\s*(?:! )?[a-z][\w.-]*(?: -\S+)* ['`]$"#)
        .expect("fixed")
});

/// Where a string begins that is an argument, an element or a field.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:[\w.]\(|[({\[,|]|(?:^|[\s{,])[A-Za-z_]\w*:)\s*(?:[rbf]?["'`]|@")$"#).expect("fixed")
});

/// How code goes on behind a string of its.
static CLOSED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#"["'`]\s*(?:[,;)\]}+|]|\.\w+\()[^"'`]*(?:$|["'`])"#).expect("fixed"));

/// How a line of code ends in a string.
static ENDED: LazyLock<Regex> = LazyLock::new(|| ascii(r#"["'`]\s*[;,)]*(?: \{)?$"#).expect("fixed"));

/// A hunk of a diff, and its file names.
static DIFF: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:diff --git |@@ -\d+(?:,\d+)? \+\d+|\+\+\+ (?:b/|\S+\t)|--- a/|index [0-9a-f]{7,}\.\.)")
        .expect("fixed")
});

/// A go command that may have started git.
static GO_COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\bgo (?:mod (?:download|tidy|vendor|graph|why|verify)|get|build|install|test|run|list|vet|generate)\b|\bgo: (?:downloading|finding|extracting) |^package [a-z0-9-]+\.\S+: exit status \d+$")
        .expect("fixed")
});

/// git by its own name, or another program that runs it.
static GIT_COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?i)Cloning into |\bgit(?:\.exe)?\x22?(?: -[cC] ?\S+)* (?:clone|fetch|push|pull|submodule|checkout|ls-remote|remote|lfs)\b|Fetching changes|\bsubmodule\b|\b(?:npm|yarn|pnpm|pip|cargo|composer|bundle|bundler|brew|terraform|flutter|pod|conan|ansible|helm) ")
        .expect("fixed")
});

/// Where in a log the reader is: inside a test's words, a diff, behind a go command.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Between the beginning of a test and the end of its program.
    in_test: bool,
    /// Deeper than this stand a test's words.
    verdict: Option<usize>,
    /// Inside the hunks of a diff.
    in_diff: bool,
    /// The line of the last go command.
    go: Option<u64>,
    /// The line of the last command that go echoed.
    echo: Option<u64>,
    /// The line of the last message of git's that had nothing around it.
    alone: Option<u64>,
}

impl Place {
    /// Takes a line of a log into account, indented by so many columns; true where it is a test's or a listing's.
    pub(super) fn takes(&mut self, main: &str, evidence: &str, indent: usize, line: u64) -> bool {
        if main.starts_with("# cd ") {
            self.echo = Some(line);
        } else if GIT_COMMAND.is_match(evidence) && !is_gos(main) {
            self.go = None;
            // The clone that go echoed says so first.
            self.echo = self.echo.filter(|echo| line <= echo + 1);
        } else if GO_COMMAND.is_match(evidence) {
            self.go = Some(line);
        }
        self.is_listing(main, evidence, indent) || self.is_tests_own(main, indent)
    }

    /// Lines were left out; `in_test` tells whether a test began or ended in them.
    pub(super) fn skip(&mut self, in_test: Option<bool>) {
        self.in_test = in_test.unwrap_or(self.in_test);
        (self.verdict, self.in_diff) = (None, false);
    }

    fn is_tests_own(&mut self, main: &str, indent: usize) -> bool {
        if BEGUN.is_match(main) {
            self.in_test = true;
            return true;
        }
        if VERDICT.is_match(main) {
            self.verdict = Some(indent);
            self.in_test |= EXAMPLE.is_match(main);
            return false;
        }
        if TESTED.is_match(main) || STEP.is_match(main) {
            (self.in_test, self.verdict) = (false, None);
            return false;
        }
        if TEST_LINE.is_match(main) {
            self.verdict = Some(self.verdict.unwrap_or(indent).min(indent));
            return true;
        }
        match self.verdict {
            Some(verdict) if indent > verdict => return true,
            Some(_) => self.verdict = None,
            None => {}
        }
        self.in_test
    }

    fn is_listing(&mut self, main: &str, evidence: &str, indent: usize) -> bool {
        if DIFF.is_match(main) {
            self.in_diff = true;
            return true;
        }
        self.in_diff &= indent > 0 || main.starts_with(['+', '-', '\\', '@']);
        self.in_diff || is_listing(evidence)
    }

    /// True where git's words of this line may be those of a go command that stands above.
    pub(super) fn is_near_go(&self, line: u64) -> bool {
        self.go.is_some_and(|go| line.saturating_sub(go) <= NEAR)
    }

    /// True where git's words of this line stand below the command that go echoed.
    pub(super) fn is_echoed(&self, line: u64) -> bool {
        self.echo.is_some_and(|echo| line.saturating_sub(echo) <= NEAR)
    }

    /// Remembers words of git's that nobody is known to have asked for.
    pub(super) fn stray(&mut self, line: u64) {
        self.alone = Some(line);
    }

    /// True where a go command stands close below git's stray words, and nothing else that runs git.
    pub(super) fn is_claimed(&mut self, line: u64) -> bool {
        let near = self.alone.is_some_and(|alone| line.saturating_sub(alone) <= NEAR);
        near && self.go == Some(line) && self.alone.take().is_some()
    }
}

/// True for a line in which go itself tells of git.
fn is_gos(main: &str) -> bool {
    wrappers::is_trace(main)
        || main.contains("cache/vcs")
        || main.contains(r"cache\vcs")
        || envelope::is_versioned(main)
}

/// True for a line of code, or of a table of expectations, that holds go's words in a string.
pub(super) fn is_listing(line: &str) -> bool {
    let words = ["go: ", "Get \"", "Get \\\"", "verifying ", "fatal: ", "dial tcp", "@v"];
    let Some(at) = words.iter().filter_map(|w| line.find(w)).min() else { return false };
    // The word with the version in it begins further left.
    let at = line[..at].rfind([' ', '"', '\'', '`', '(']).map_or(0, |n| n + 1).min(at);
    let (before, behind) = line.split_at(at);
    // A mark inside the string ends none.
    let behind = &behind.replace("\\\"", "");
    ASSIGNED.is_match(before) && ENDED.is_match(behind) || LISTED.is_match(before) && CLOSED.is_match(behind)
}
