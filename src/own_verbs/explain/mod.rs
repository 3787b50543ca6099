//! `gox explain`: tells a person, or a script, what failed in a text and what gox would do.

mod words;

pub use words::text;

use crate::classify::{Classifier, Reading, Rules, Stream};
use crate::judgement::table;
use crate::machine::bounded;
use crate::memory::record::{self, Replayed};
use crate::redact;
use crate::vocabulary::{Action, Cause, Failure, Source};
use crate::words::{Language, explaining};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// How the verdict is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// At most ten lines for a person.
    Text,
    /// One line of JSON for a script.
    Json,
}

/// Most bytes of a record: an attempt has some KiB.
const MOST_OF_RECORD: u64 = 64 << 20;

/// How long a pipe with a record may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// Reads `input` (standard input where it is `None` or `-`) and prints the verdict.
///
/// # Errors
/// The input cannot be opened or read (the error names it), or `out` cannot be written.
pub(crate) fn main(
    format: Format,
    language: Language,
    input: Option<&Path>,
    rules: &Rules,
    out: &mut impl Write,
) -> io::Result<()> {
    let reading = match input.filter(|p| *p != Path::new("-")) {
        None => read(rules, io::stdin().lock())?,
        Some(path) => {
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
            read(rules, File::open(path).map_err(named)?).map_err(named)?
        }
    };
    show(format, language, &reading, out)
}

fn show(format: Format, language: Language, reading: &Reading, out: &mut impl Write) -> io::Result<()> {
    let words = match format {
        Format::Json => json(reading) + "\n",
        Format::Text => words::in_language(reading, language),
    };
    // The log is a stranger's.
    out.write_all(redact::steady(&words).as_bytes())
}

/// Explains the last run of the journal that failed, from the lines that were its evidence; false where
/// there is none.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn last_failed(
    format: Format,
    language: Language,
    runs: &[serde_json::Value],
    rules: &Rules,
    out: &mut impl Write,
) -> io::Result<bool> {
    let each = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let evidence = |run: &serde_json::Value| -> String {
        let last = each(&run["attempts"]).pop().unwrap_or_default();
        let failures = each(&last["failures"]);
        failures.iter().filter_map(|f| f["evidence"].as_str()).map(|line| format!("{line}\n")).collect()
    };
    let failed = runs.iter().rev().filter(|run| run["exit"].as_i64().is_some_and(|exit| exit != 0));
    let Some((run, lines)) = failed.map(|run| (run, evidence(run))).find(|(_, lines)| !lines.is_empty())
    else {
        return Ok(false);
    };
    if format == Format::Text {
        let argv: Vec<String> =
            each(&run["argv"]).iter().filter_map(|word| word.as_str().map(redact::line)).collect();
        let started = redact::line(run["started"].as_str().unwrap_or("?"));
        writeln!(out, "{}go {}, {started}", words::labelled(explaining::RUN, language), argv.join(" "))?;
    }
    show(format, language, &read(rules, lines.as_bytes())?, out)?;
    Ok(true)
}

/// Decides again what the record of a run tells of, prints it, and returns gox's status: 1 where this gox
/// decides otherwise than the one that wrote the record.
///
/// # Errors
/// The record cannot be read or is none (the error names it), or `out` cannot be written.
pub(crate) fn replay(format: Format, record: &Path, out: &mut impl Write) -> io::Result<i32> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", record.display());
    let text =
        bounded::read_named(record, MOST_OF_RECORD, PATIENCE).map_err(|e| io::Error::other(named(&e)))?;
    let text = String::from_utf8(text).map_err(|_| io::Error::other(named(&"not valid UTF-8")))?;
    let replayed = record::replay(&text).map_err(|e| io::Error::other(named(&e)))?;
    let mut words = String::new();
    for Replayed { attempt, now, then } in &replayed {
        let before = (now != then).then_some(then);
        match format {
            Format::Json => {
                let line = serde_json::json!({ "attempt": attempt, "decision": now, "recorded": before });
                words += &format!("{line}\n");
            }
            Format::Text => {
                words += &format!("attempt {attempt}: {now}\n");
                if let Some(before) = before {
                    words += &format!("    recorded: {before}\n");
                }
            }
        }
    }
    // The record may be a stranger's.
    out.write_all(redact::steady(&words).as_bytes())?;
    Ok(i32::from(!replayed.iter().all(Replayed::is_same)))
}

/// Reads a log to its end.
///
/// # Errors
/// Those of `from`.
pub(crate) fn read(rules: &Rules, mut from: impl Read) -> io::Result<Reading> {
    let mut classifier = Classifier::new(rules, Stream::Log);
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(classifier.finish()),
            Ok(n) => classifier.push(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[derive(Serialize)]
struct Document<'r> {
    schema: u8,
    cause: Cause,
    source: Option<Source>,
    action: Action,
    module: Option<&'r str>,
    version: Option<&'r str>,
    host: Option<&'r str>,
    url: Option<&'r str>,
    #[serde(serialize_with = "table::shown")]
    failures: &'r [Failure],
}

/// The verdict as one line of JSON.
pub fn json(reading: &Reading) -> String {
    let dominant = reading.dominant();
    let document = Document {
        schema: 1,
        cause: dominant.map_or(Cause::None, |f| f.cause),
        source: dominant.and_then(|f| f.source),
        action: dominant.map_or(Action::Stop, Failure::action),
        module: dominant.and_then(|f| f.asked().0),
        version: dominant.and_then(|f| f.asked().1),
        host: dominant.and_then(|f| f.host.as_deref()),
        url: dominant.and_then(|f| f.url.as_deref()),
        failures: &reading.failures,
    };
    // Strings, numbers and names only: this cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &[u8]) -> (String, String) {
        let reading = read(&Rules::default(), text).unwrap();
        (json(&reading), super::text(&reading))
    }

    #[test]
    fn nothing_to_explain_is_a_verdict_too() {
        let none = r#"{"schema":1,"cause":"none","source":null,"action":"stop","module":null,"version":null,"host":null,"url":null,"failures":[]}"#;
        let long = vec![b'x'; 3 << 20];
        for odd in
            [&b""[..], b"\n\n\r\n", b"\0\x01\xff\xfe\x80binary\0", b"all is well\n", b"\xff\xfe", &long]
        {
            let (json, text) = explained(odd);
            assert_eq!(json, none);
            assert_eq!(text, "No failure of go's is in this text.\n");
        }
    }

    #[test]
    fn a_failure_in_ten_lines_at_most() {
        let (json, text) = explained(
            b"go: example.test/dep@v1.0.0: Get \"https://u:p@proxy.example.test/example.test/dep/@v/v1.0.0.mod?sig=1\": EOF\n\
              go: example.test/two@v1.0.0: reading https://proxy.example.test/example.test/two/@v/v1.0.0.mod: 503 Service Unavailable\n",
        );
        assert!(text.lines().count() <= 10, "{text}");
        assert_eq!(
            text,
            "failed    proxy.example.test ended the connection before its answer was whole\n\
             where     the module proxy proxy.example.test\n\
             module    example.test/dep v1.0.0\n\
             url       https://proxy.example.test/example.test/dep/@v/v1.0.0.mod\n\
             gox       would run go again, with the next proxy of GOPROXY first or the same one later\n\
             you       try again later, or with another proxy in GOPROXY\n\
             also      1 more: proxy.example.test answered 503: it has trouble of its own\n\
             evidence  line 1: go: example.test/dep@v1.0.0: Get \"https://proxy.example.test/example.test/dep/@v/v1.0.0.mod\": EOF\n"
        );
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["failures"].as_array().unwrap().len(), 2);
        assert_eq!(value["failures"][1]["line"], 2);
        assert!(!json.contains("sig=1") && !json.contains("u:p"));
    }

    #[test]
    fn colours_carriage_returns_and_utf_16_do_not_hide_a_failure() {
        let line = "go: example.test/dep@v1.0.0: Get \"https://proxy.example.test/example.test/dep/@v/v1.0.0.mod\": EOF";
        let coloured = format!("\x1b[31m{line}\x1b[0m\r\n");
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(line.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(line.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for odd in [coloured.as_bytes(), &wide, &big] {
            assert!(explained(odd).0.contains("\"cause\":\"eof\""));
        }
    }

    #[test]
    fn a_rule_of_the_users_own_is_named() {
        let rule = crate::classify::UserRule {
            pattern: regex::Regex::new("flux capacitor").unwrap(),
            action: crate::vocabulary::UserAction::Retry,
            origin: "gox.toml:3".into(),
        };
        let rules = Rules { user: vec![rule] };
        let reading = read(&rules, &b"one\ntwo: the flux capacitor is empty\n"[..]).unwrap();
        assert!(text(&reading).contains("your rule at gox.toml:3"), "{}", text(&reading));
        assert!(json(&reading).contains("\"action\":\"retry\""));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = main(
            Format::Text,
            Language::English,
            Some(Path::new("/nonexistent/log")),
            &Rules::default(),
            &mut Vec::new(),
        );
        assert!(error.unwrap_err().to_string().starts_with("/nonexistent/log: "));
    }
}
