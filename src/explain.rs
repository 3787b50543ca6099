//! `gox explain`: tells a person, or a script, what failed in a text and what gox would do.

use crate::classify::{Classifier, Reading, Rules, Stream};
use crate::vocabulary::{Action, Cause, Failure, Source};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// How the verdict is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// At most ten lines for a person.
    Text,
    /// One line of JSON for a script.
    Json,
}

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// Reads `input` (standard input where it is `None` or `-`) and prints the verdict.
///
/// # Errors
/// The input cannot be opened or read (the error names it), or `out` cannot be written.
pub fn main(format: Format, input: Option<&Path>, rules: &Rules, out: &mut impl Write) -> io::Result<()> {
    let reading = match input.filter(|p| *p != Path::new("-")) {
        None => read(rules, io::stdin().lock())?,
        Some(path) => {
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
            read(rules, File::open(path).map_err(named)?).map_err(named)?
        }
    };
    match format {
        Format::Json => writeln!(out, "{}", json(&reading)),
        Format::Text => out.write_all(text(&reading).as_bytes()),
    }
}

/// Reads a log to its end.
///
/// # Errors
/// Those of `from`.
pub fn read(rules: &Rules, mut from: impl Read) -> io::Result<Reading> {
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
    failures: &'r [Failure],
}

/// The verdict as one line of JSON.
pub fn json(reading: &Reading) -> String {
    let dominant = reading.dominant();
    let document = Document {
        schema: 1,
        cause: dominant.map_or(Cause::None, |f| f.cause),
        source: dominant.and_then(|f| f.source),
        action: dominant.map_or(Action::Stop, |f| f.action),
        module: dominant.and_then(|f| f.module.as_deref()),
        version: dominant.and_then(|f| f.version.as_deref()),
        host: dominant.and_then(|f| f.host.as_deref()),
        url: dominant.and_then(|f| f.url.as_deref()),
        failures: &reading.failures,
    };
    // Strings, numbers and names only: this cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}

/// The verdict for a person, in at most ten lines.
pub fn text(_reading: &Reading) -> String {
    String::new()
}
