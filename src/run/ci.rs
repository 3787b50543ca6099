//! What a CI system is told in its own way of writing: annotations and a summary for GitHub Actions, a folded
//! section for GitLab. Others read the lines that everybody reads.
//!
//! What stands in them comes from strangers too: every text is escaped for where it goes, and is one line.

use crate::memory::report::Attempt;
use crate::redact;
use std::fmt::Write as _;

/// A CI system that has such a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// GitHub Actions, and what imitates it.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It got through.
    Recovered,
    /// It did not.
    Failed,
}

/// The system that runs this process, as its own variables say.
pub(super) fn system(var: impl Fn(&str) -> Option<String>) -> Option<System> {
    let is_true = |name: &str| var(name).is_some_and(|value| value == "true");
    if is_true("GITHUB_ACTIONS") {
        Some(System::GitHub)
    } else if is_true("GITLAB_CI") {
        Some(System::GitLab)
    } else {
        None
    }
}

/// A workflow command of GitHub Actions: a warning for what was cured, an error for what was not.
pub(super) fn annotation(end: End, text: &str) -> String {
    let kind = match end {
        End::Recovered => "warning",
        End::Failed => "error",
    };
    let text = plain(text).replace('%', "%25");
    format!("::{kind} title=gox::{text}")
}

/// A text on one line, without secrets and without what a terminal or a reader of logs takes for a command.
fn plain(text: &str) -> String {
    redact::line(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One line of what happened: which attempt, what, and what was done.
pub(super) type Row = [String; 3];

/// A line for each kind of fault that the fetcher cured before go saw it, and for each attempt.
pub(super) fn rows(cured: &[String], attempts: &[Attempt]) -> Vec<Row> {
    let cured = cured.iter().map(|what| [String::new(), plain(what), "fetched again".into()]);
    let attempts = attempts.iter().map(|attempt| {
        let what = if attempt.reason.is_empty() && attempt.exit == 0 { "well" } else { &attempt.reason };
        [attempt.n.to_string(), plain(what), plain(&attempt.remedies.join(", "))]
    });
    cured.chain(attempts).collect()
}

/// A table for the summary of a step, in Markdown.
pub(super) fn summary(command: &str, end: End, rows: &[Row]) -> String {
    let ended = match end {
        End::Recovered => "got through",
        End::Failed => "did not get through",
    };
    let mut text = format!("### gox: {} {ended}\n\n", cell(&plain(command)));
    text.push_str("| attempt | what happened | what was done |\n| ---: | --- | --- |\n");
    for [n, what, done] in rows {
        let _ = writeln!(text, "| {n} | {} | {} |", cell(what), cell(done));
    }
    text.push('\n');
    text
}

/// A text that is nothing but text in a cell of a table.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A section of a GitLab log that is folded: its title, and a line for each row. `at` is the time in
/// seconds since 1970, which GitLab shows as the section's length.
pub(super) fn section(title: &str, rows: &[Row], at: u64) -> Vec<String> {
    let name = format!("gox_{at}");
    let mut lines =
        vec![format!("\u{1b}[0Ksection_start:{at}:{name}[collapsed=true]\r\u{1b}[0K{}", plain(title))];
    for [n, what, done] in rows {
        let attempt = if n.is_empty() { String::new() } else { format!("attempt {n}: ") };
        let done = if done.is_empty() { String::new() } else { format!(" ({done})") };
        lines.push(format!("{attempt}{what}{done}"));
    }
    lines.push(format!("\u{1b}[0Ksection_end:{at}:{name}\r\u{1b}[0K"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(n: usize, reason: &str) -> Attempt {
        Attempt {
            n,
            exit: i32::from(!reason.is_empty()),
            stalled: false,
            progress: false,
            elapsed_ms: 1,
            failures: vec![],
            decision: "retry",
            remedies: vec!["relay".into()],
            reason: reason.into(),
        }
    }

    #[test]
    fn a_system_is_known_by_its_own_variable() {
        let of = |name: &'static str, value: &'static str| {
            system(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(of("GITHUB_ACTIONS", "true"), Some(System::GitHub));
        assert_eq!(of("GITLAB_CI", "true"), Some(System::GitLab));
        assert_eq!([of("CI", "true"), of("GITHUB_ACTIONS", "")], [None, None]);
    }

    #[test]
    fn no_text_becomes_a_command_or_markup() {
        let evil = "100%\r\n::set-output name=x::y | <b>`x`</b>";
        let line = annotation(End::Failed, evil);
        assert!(line.starts_with("::error title=gox::100%25 ") && !line.contains(['\r', '\n']), "{line}");
        let table = summary(evil, End::Recovered, &rows(&[evil.into()], &[attempt(1, evil), attempt(2, "")]));
        assert_eq!(table.lines().count(), 8, "{table}");
        assert!(table.contains("\\| &lt;b&gt;\\`x\\`&lt;/b&gt;"), "{table}");
        assert!(table.contains("| 2 | well | relay |"), "{table}");
        let folded = section(evil, &rows(&[], &[attempt(1, evil)]), 7);
        assert_eq!(folded.len(), 3);
        assert!(folded.iter().all(|line| !line.contains('\n')), "{folded:?}");
        assert_eq!(folded[2], "\u{1b}[0Ksection_end:7:gox_7\r\u{1b}[0K");
    }
}
