//! The words for a person.

use crate::classify::Reading;
use crate::judgement::table::Class;
use crate::vocabulary::{Cause, Detail, Failure, Source, UserAction};
use std::fmt::Write;

/// Characters of the evidence line that are shown.
const EVIDENCE: usize = 300;

/// The verdict for a person, in at most ten lines.
pub fn text(reading: &Reading) -> String {
    let Some(failure) = reading.dominant() else { return "No failure of go's is in this text.\n".to_owned() };
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{label:<10}{value}");
    };
    line("failed", &format!("{}: {}", failure.cause, failure.row().meaning));
    if let Some(place) = place(failure) {
        line("where", &place);
    }
    if let Some(module) = &failure.module {
        line("module", &failure.version.as_ref().map_or(module.clone(), |v| format!("{module} {v}")));
    }
    if let Some(url) = &failure.url {
        line("url", url);
    }
    line("gox", would(failure));
    line("you", &failure.fill_in(failure.row().advice));
    if let Some(origin) = reading.dominant.and_then(|at| reading.origins.get(at)?.as_ref()) {
        line("because", &format!("your rule at {origin} says so"));
    }
    if let Some(others) = others(reading) {
        line("also", &others);
    }
    let shown: String = failure.evidence.chars().take(EVIDENCE).collect();
    line("evidence", &format!("line {}: {shown}", failure.line));
    out
}

fn others(reading: &Reading) -> Option<String> {
    let mut causes: Vec<Cause> = Vec::new();
    let rest = reading.failures.iter().enumerate().filter(|(at, _)| Some(*at) != reading.dominant);
    let mut number = reading.omitted;
    for (_, failure) in rest {
        number += 1;
        if !causes.contains(&failure.cause) {
            causes.push(failure.cause);
        }
    }
    let names: Vec<&str> = causes.iter().map(|c| c.as_str()).collect();
    (number > 0).then(|| format!("{number} more: {}", names.join(", ")))
}

fn place(failure: &Failure) -> Option<String> {
    let between = failure.detail == Detail::HttpProxy;
    let kind = match failure.source? {
        Source::Proxy if between => "the way to the module proxy, at the HTTP proxy",
        _ if between => "the HTTP proxy",
        Source::Proxy => "the module proxy",
        Source::Direct => "the module's own site (go-get discovery)",
        Source::Vcs => "version control",
        Source::Sumdb => "the checksum database",
        Source::Toolchain => "the download of a Go toolchain",
        Source::Cache => "the cache on this machine",
        Source::Local => "this machine",
    };
    let path = failure.facts.path.as_ref().map(|p| p.display().to_string());
    Some(match failure.host.as_ref().or(path.as_ref()) {
        Some(host) => format!("{kind} {host}"),
        None => kind.to_owned(),
    })
}

fn would(failure: &Failure) -> &'static str {
    match failure.rule {
        Some(UserAction::Retry) => return "would run go again",
        Some(UserAction::Stop) => return "would stop",
        None => {}
    }
    match failure.row().class {
        Class::Again | Class::Way => {
            "would run go again, with the next proxy of GOPROXY first or the same one later"
        }
        Class::Slower => "would wait, then run go again",
        Class::Origin => "would run go again, with a limit on git's stalls",
        Class::Elsewhere | Class::Certificate => {
            "would pass over that place for a while and ask the next proxy of GOPROXY"
        }
        Class::Toolchain => "would find out what hides behind these words, then ask again or stop",
        Class::Database => "would ask the database by another way (never without it)",
        Class::Mismatch => {
            "would check the cached file, fetch it once more, and stop if the hash stays wrong"
        }
        Class::Damage => "would remove what it finds damaged, that file only, and run go again",
        Class::Refusal | Class::Absence | Class::Login => {
            "would fetch it directly if your settings call it private, else stop"
        }
        Class::Repeats => "would ask once more if the host serves other modules, else stop",
        Class::Stop => "would stop: repeating cannot help",
    }
}
