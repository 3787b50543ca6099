//! `gox history`: earlier runs that met a failure, from the journal.

use super::put;
use crate::command_line::Format;
use crate::configuration::Error;
use crate::redact;
use serde_json::Value;
use std::io::Write;

/// Prints `runs` (reports as in the journal), oldest first.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn run(format: Format, runs: &[Value], out: &mut dyn Write) -> Result<i32, Error> {
    let mut text = String::new();
    for run in runs {
        match format {
            Format::Json => text.push_str(&run.to_string()),
            Format::Text => text.push_str(&redact::line(&line(run))),
        }
        text.push('\n');
    }
    if runs.is_empty() && format == Format::Text {
        text.push_str("no run has needed help yet\n");
    }
    put(out, &text)
}

/// One run in one line: when, what, how it ended, what was met.
fn line(run: &Value) -> String {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    let attempts = run["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let mut causes: Vec<&str> = attempts
        .iter()
        .flat_map(|a| a["failures"].as_array().into_iter().flatten())
        .filter_map(|f| f["cause"].as_str())
        .collect();
    causes.sort_unstable();
    causes.dedup();
    let mut remedies: Vec<String> =
        attempts.iter().flat_map(|a| words(&a["remedies"])).filter(|r| !r.starts_with("wait:")).collect();
    remedies.dedup();
    let end = match (run["recovered"].as_bool(), run["exit"].as_i64()) {
        (Some(true), _) => "recovered".to_owned(),
        (_, exit) => format!("exit {}", exit.unwrap_or(-1)),
    };
    let mut text = format!(
        "{}  {}  go {}  {} attempt{}, {:.1} s: {}",
        seconds(run["started"].as_str().unwrap_or("?")),
        end,
        words(&run["argv"]).join(" "),
        attempts.len(),
        if attempts.len() == 1 { "" } else { "s" },
        run["elapsed_ms"].as_f64().unwrap_or(0.0) / 1000.0,
        causes.join(", "),
    );
    if !remedies.is_empty() {
        text.push_str(&format!(" [{}]", remedies.join(" ")));
    }
    text
}

/// An RFC 3339 time without its fraction of a second.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) => {
            whole.to_owned() + fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_one_line() {
        let run = serde_json::json!({"started": "2026-01-02T03:04:05.123456Z", "argv": ["mod", "tidy"], "exit": 0, "recovered": true,
            "elapsed_ms": 1500, "attempts": [{"failures": [{"cause": "eof"}], "remedies": ["rotate:b", "wait:5"]}, {"failures": [], "remedies": []}]});
        let mut out = Vec::new();
        super::run(Format::Text, &[run], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2026-01-02T03:04:05Z  recovered  go mod tidy  2 attempts, 1.5 s: eof [rotate:b]\n"
        );
        // What stands in the journal may be a stranger's words.
        let odd = serde_json::json!({"started": "\u{1b}[31mx", "argv": ["\u{202e}a\u{9b}\nb"], "exit": 1});
        for format in [Format::Text, Format::Json] {
            let mut out = Vec::new();
            super::run(format, std::slice::from_ref(&odd), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.ends_with('\n')
                    && !text[..text.len() - 1].chars().any(|c| redact::steers(c) || c == '\n'),
                "{text:?}"
            );
        }
        let mut out = Vec::new();
        super::run(Format::Text, &[], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "no run has needed help yet\n");
    }
}
