//! `gox history`: earlier runs that met the network, from the journal.

use super::{columns, put};
use crate::command_line::Format;
use crate::configuration::Error;
use crate::redact;
use crate::words::{Language, Text, naming};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

/// Prints `runs` (reports as in the journal), oldest first.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn run(
    format: Format,
    language: Language,
    runs: &[Value],
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let mut text = String::new();
    for run in runs {
        match format {
            Format::Json => text.push_str(&run.to_string()),
            Format::Text => text.push_str(&redact::line(&line(run, language))),
        }
        text.push('\n');
    }
    if runs.is_empty() && format == Format::Text {
        text.push_str(Text::from(naming::NO_RUN).in_language(language));
        text.push('\n');
    }
    put(out, &text)
}

/// The latest `most` of `runs` that began no longer ago than `since`.
pub(crate) fn chosen(mut runs: Vec<Value>, since: Option<Duration>, most: usize) -> Vec<Value> {
    if let Some(from) = since.and_then(|since| jiff::Timestamp::now().checked_sub(since).ok()) {
        let began = |run: &Value| run["started"].as_str().and_then(|s| s.parse::<jiff::Timestamp>().ok());
        runs.retain(|run| began(run).is_some_and(|began| began >= from));
    }
    runs.split_off(runs.len().saturating_sub(most))
}

/// Counts over `runs`: in how many a host had a trouble, and how many that used a remedy recovered.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn summary(
    format: Format,
    language: Language,
    runs: &[Value],
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let mut faults: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut remedies: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let each = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for run in runs {
        let (mut met, mut used) = (BTreeSet::new(), BTreeSet::new());
        for attempt in each(&run["attempts"]) {
            for failure in each(&attempt["failures"]) {
                let word = |key: &str| failure[key].as_str().unwrap_or("-").to_owned();
                met.insert((word("host"), word("cause")));
            }
            for remedy in each(&attempt["remedies"]) {
                used.extend(remedy.as_str().and_then(|r| r.split(':').next()).map(str::to_owned));
            }
        }
        met.into_iter().for_each(|fault| *faults.entry(fault).or_default() += 1);
        for remedy in used {
            let count = remedies.entry(remedy).or_default();
            count.0 += 1;
            count.1 += usize::from(run["recovered"] == true);
        }
    }
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if format == Format::Json {
        let faults: Vec<Value> = faults
            .iter()
            .map(|((host, cause), runs)| json!({ "host": host, "cause": cause, "runs": runs }))
            .collect();
        let remedies: Vec<Value> = remedies
            .iter()
            .map(|(remedy, (runs, recovered))| json!({ "remedy": remedy, "runs": runs, "recovered": recovered }))
            .collect();
        let all = json!({ "schema": 1, "runs": runs.len(), "faults": faults, "remedies": remedies });
        return put(out, &format!("{all}\n"));
    }
    let recovered = runs.iter().filter(|run| run["recovered"] == true).count();
    let say = |text: Text| redact::line(text.in_language(language));
    let rows: Vec<[String; 3]> = faults
        .iter()
        .map(|((host, cause), runs)| {
            [redact::line(host), say(naming::cause(cause)), say(naming::IN_RUNS.with(&[("runs", runs)]))]
        })
        .collect();
    let cured: Vec<[String; 2]> = remedies
        .iter()
        .map(|(remedy, (runs, recovered))| {
            let count = naming::OF_RUNS.with(&[("recovered", recovered), ("runs", runs)]);
            [say(naming::remedy(remedy)), say(count)]
        })
        .collect();
    let head = say(naming::RUNS.with(&[("runs", &runs.len()), ("recovered", &recovered)]));
    put(out, &format!("{head}\n{}{}", columns(&rows), columns(&cured)))
}

/// One run in one line: when, what, how it ended, what was met.
fn line(run: &Value, language: Language) -> String {
    let say = |text: Text| text.in_language(language).to_owned();
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
        _ if run["bypass"] == true => naming::BYPASSED.into(),
        (Some(true), _) => naming::RECOVERED.into(),
        (_, exit) => naming::EXIT.with(&[("code", &exit.unwrap_or(-1))]),
    };
    let seconds = format!("{:.1}", run["elapsed_ms"].as_f64().unwrap_or(0.0) / 1000.0);
    let counted = if attempts.len() == 1 { naming::ONE_ATTEMPT } else { naming::ATTEMPTS };
    let causes: Vec<String> = causes.into_iter().map(|cause| say(naming::cause(cause))).collect();
    let mut text = format!(
        "{}  {}  go {}",
        whole_seconds(run["started"].as_str().unwrap_or("?")),
        say(end),
        words(&run["argv"]).join(" "),
    );
    if !attempts.is_empty() {
        text += "  ";
        text += &say(counted.with(&[("attempts", &attempts.len()), ("seconds", &seconds)]));
    }
    if !causes.is_empty() {
        text += &format!(": {}", causes.join(", "));
    }
    if !remedies.is_empty() {
        let remedies: Vec<String> = remedies.iter().map(|remedy| say(naming::remedy(remedy))).collect();
        text.push_str(&format!(" [{}]", remedies.join(", ")));
    }
    text
}

/// An RFC 3339 time without its fraction of a second.
fn whole_seconds(time: &str) -> String {
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
    fn a_summary_counts_each_run_once() {
        let failure = |host: &str| json!({"host": host, "cause": "eof"});
        let run = |recovered: bool| {
            json!({"recovered": recovered, "attempts": [
                {"failures": [failure("a"), failure("a")], "remedies": ["rotate:b", "wait:5"]},
                {"failures": [failure("a")], "remedies": ["wait:7"]}]})
        };
        let runs = [run(true), run(false), json!({"attempts": [{"failures": [failure("b")]}]})];
        let mut out = Vec::new();
        summary(Format::Text, Language::English, &runs, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "3 runs, 1 recovered\na  a connection that ended early  in 2\nb  a connection that ended early  in 1\n\
             asked ...  1 of 2 recovered\nwaited     1 of 2 recovered\n"
        );
        let mut out = Vec::new();
        summary(Format::Json, Language::English, &runs, &mut out).unwrap();
        let all: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(all["faults"][0], json!({"host": "a", "cause": "eof", "runs": 2}));
        assert_eq!(all["remedies"][0], json!({"remedy": "rotate", "runs": 2, "recovered": 1}));
    }

    #[test]
    fn those_since_a_time_are_chosen() {
        let ago = |hours: i64| json!({"started": (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string()});
        let runs = || vec![ago(50), ago(20), ago(1)];
        let day = Some(Duration::from_secs(86400));
        assert_eq!(chosen(runs(), day, 9).len(), 2);
        assert_eq!(chosen(runs(), day, 1).len(), 1);
        assert_eq!(chosen(runs(), None, usize::MAX).len(), 3);
    }

    #[test]
    fn a_run_is_one_line() {
        let run = serde_json::json!({"started": "2026-01-02T03:04:05.123456Z", "argv": ["mod", "tidy"], "exit": 0, "recovered": true,
            "elapsed_ms": 1500, "attempts": [{"failures": [{"cause": "eof"}], "remedies": ["rotate:b", "wait:5"]}, {"failures": [], "remedies": []}]});
        let mut out = Vec::new();
        super::run(Format::Text, Language::English, &[run], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2026-01-02T03:04:05Z  recovered  go mod tidy  2 attempts, 1.5 s: a connection that ended early [asked b]\n"
        );
        for (run, want) in [
            (
                json!({"started": "s", "argv": ["get"], "exit": 0, "elapsed_ms": 100, "attempts": [{"failures": []}]}),
                "s  exit 0  go get  1 attempt, 0.1 s\n",
            ),
            (json!({"started": "s", "argv": ["get"], "bypass": true}), "s  bypassed  go get\n"),
        ] {
            let mut out = Vec::new();
            super::run(Format::Text, Language::English, &[run], &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
        // What stands in the journal may be a stranger's words.
        let odd = serde_json::json!({"started": "\u{1b}[31mx", "argv": ["\u{202e}a\u{9b}\nb"], "exit": 1});
        for format in [Format::Text, Format::Json] {
            let mut out = Vec::new();
            super::run(format, Language::English, std::slice::from_ref(&odd), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.ends_with('\n')
                    && !text[..text.len() - 1].chars().any(|c| redact::steers(c) || c == '\n'),
                "{text:?}"
            );
        }
        let mut out = Vec::new();
        super::run(Format::Text, Language::English, &[], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "no run has met the network yet\n");
    }
}
