//! The words for a person.

use crate::classify::Reading;
use crate::vocabulary::{Action, Cause, Failure, Source};
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
    line("failed", &format!("{}: {}", failure.cause, meaning(failure)));
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
    line("you", &advice(failure));
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
    let kind = match failure.source? {
        Source::Proxy if failure.detail.http_proxy => "the way to the module proxy, at the HTTP proxy",
        _ if failure.detail.http_proxy => "the HTTP proxy",
        Source::Proxy => "the module proxy",
        Source::Direct => "the module's own site (go-get discovery)",
        Source::Vcs => "version control",
        Source::Sumdb => "the checksum database",
        Source::Toolchain => "the download of a Go toolchain",
        Source::Cache => "the cache on this machine",
        Source::Local => "this machine",
    };
    let path = failure.detail.path.as_ref().map(|p| p.display().to_string());
    Some(match failure.host.as_ref().or(path.as_ref()) {
        Some(host) => format!("{kind} {host}"),
        None => kind.to_owned(),
    })
}

fn meaning(failure: &Failure) -> &'static str {
    match failure.cause {
        Cause::Eof => "the connection ended before the answer was whole",
        Cause::Timeout => "no answer came in time",
        Cause::ConnReset => "the connection was reset",
        Cause::ConnRefused => "nobody listens at that address",
        Cause::Dns => "the name did not resolve",
        Cause::Unreachable => "there is no way to that host",
        Cause::TlsCert => "the certificate or the TLS handshake was rejected",
        Cause::Http2 => "the HTTP/2 connection broke",
        Cause::Http429 => "too many requests",
        Cause::Http403 => "the server refused",
        Cause::Http404410 => "the server says that there is no such module or version",
        Cause::Http5xx => "the server has trouble of its own",
        Cause::CaptiveOrHtml => "a page or garbage came instead of an answer",
        Cause::ChecksumMismatch => "the bytes do not have the hash they must have",
        Cause::SumdbUnreachable => "the checksum database did not answer",
        Cause::SumdbMisbehaviour => "the checksum database contradicts itself or is not signed",
        Cause::CacheCorrupt => "a cached file is damaged or gone",
        Cause::CachePermission => "a folder that go needs cannot be written or read",
        Cause::DiskFull => "no space is left",
        Cause::PrivateAuth => "credentials are asked for",
        Cause::GitNetwork => "version control met a fault of the network",
        Cause::VcsMissing => "the version control program is missing or not allowed",
        Cause::UnknownRevision => "there is no such version, branch or commit",
        Cause::PathMismatch => "the module calls itself by another path",
        Cause::MissingPackage => "no module provides the package",
        Cause::GoVersion => "this go is too old",
        Cause::ToolchainDownload => "the Go toolchain that go.mod asks for could not be fetched",
        Cause::GoModSyntax => "go.mod, go.sum, go.work or a module path cannot be read",
        Cause::AmbiguousImport => "two modules provide the package",
        Cause::ImportRestriction => "the rules of go forbid this import",
        Cause::CompileError => "the code does not compile",
        Cause::TestFailure => "a test failed",
        Cause::ProxyOff => "the settings forbid the look-up",
        Cause::OomKilled => "the process was killed, most likely for its memory",
        Cause::Stalled => "nothing moved any more",
        Cause::Other => "an error of go's that no retry mends",
        Cause::None => "nothing",
    }
}

fn would(failure: &Failure) -> &'static str {
    match (failure.action, failure.cause) {
        (Action::Retry, Cause::Http429) => "would wait, then run go again",
        (Action::Retry, _) if failure.source == Some(Source::Vcs) => {
            "would run go again, with a limit on git's stalls"
        }
        (Action::Retry, _) if failure.detail.user_rule => "would run go again",
        (Action::Retry, _) => {
            "would run go again, with the next proxy of GOPROXY first or the same one later"
        }
        (Action::Repair, Cause::ChecksumMismatch) => {
            "would check the cached file, fetch it once more, and stop if the hash stays wrong"
        }
        (Action::Repair, _) => "would remove the damaged file only, and run go again",
        (Action::Reroute, Cause::SumdbUnreachable) => {
            "would ask the database by another way (never without it)"
        }
        (Action::Reroute, _) => "would pass over that place for a while and ask the next proxy of GOPROXY",
        (Action::Private, _) => "would fetch it directly if your settings call it private, else stop",
        (Action::Stop, _) => "would stop: repeating cannot help",
    }
}

fn advice(failure: &Failure) -> String {
    let module = failure.module.as_deref().unwrap_or("MODULE");
    let host = failure.host.as_deref().unwrap_or("the host");
    match failure.cause {
        Cause::Eof | Cause::Timeout | Cause::ConnReset | Cause::Http2 | Cause::Http5xx | Cause::Stalled => {
            "run the command as `gox ...`, or once more by hand".into()
        }
        Cause::ConnRefused | Cause::Dns | Cause::Unreachable if failure.detail.http_proxy => {
            "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY: the HTTP proxy itself does not answer".into()
        }
        Cause::ConnRefused | Cause::Unreachable => {
            format!("check that {host} can be reached from here")
        }
        Cause::Dns => format!("check the name {host} and this machine's resolver"),
        Cause::TlsCert => {
            "install the certificate of the company's proxy (SSL_CERT_FILE), check the clock".into()
        }
        Cause::Http429 => "wait; a proxy of your own (GOPROXY) or GOFLAGS=-p=2 asks less".into(),
        Cause::Http403 => format!("ask who runs {host} whether {module} is allowed there"),
        Cause::Http404410 => {
            format!("check path and version; if it is private: go env -w GOPRIVATE={module}")
        }
        Cause::CaptiveOrHtml => "look at the URL in a browser: is there a login page on this network?".into(),
        Cause::ChecksumMismatch => {
            "do not edit go.sum; find out who changed the module (`go help module-auth`)".into()
        }
        Cause::SumdbUnreachable if failure.action == Action::Stop => {
            format!("if it is private: go env -w GOPRIVATE={module}")
        }
        Cause::SumdbUnreachable => {
            "keep GOSUMDB on; GOSUMDB=sum.golang.google.cn is the same database".into()
        }
        Cause::SumdbMisbehaviour => "stop using this network or proxy until it is explained".into(),
        Cause::CacheCorrupt if failure.detail.verify => {
            "find out who changed it; then `go clean -modcache` fetches all anew".into()
        }
        Cause::CacheCorrupt => "run the command as `gox ...`, or remove that file by hand".into(),
        Cause::CachePermission => {
            "give yourself the folder, or set GOMODCACHE, GOCACHE or TMPDIR to another".into()
        }
        Cause::DiskFull => "make room, e.g. `go clean -cache`".into(),
        Cause::PrivateAuth => {
            format!("give credentials for {host}: .netrc, GOAUTH, or ssh by git's insteadOf; set GOPRIVATE")
        }
        Cause::GitNetwork => "run the command as `gox ...`; a proxy in GOPROXY needs no git".into(),
        Cause::VcsMissing => "install git, or use a module proxy instead of direct (see also GOVCS)".into(),
        Cause::UnknownRevision => format!("see what there is: go list -m -versions {module}"),
        Cause::PathMismatch => "require the module by the path it declares, or replace it".into(),
        Cause::MissingPackage => "check the import path, then `go mod tidy`".into(),
        Cause::GoVersion => "use the Go release that is asked for (GOTOOLCHAIN=auto fetches it)".into(),
        Cause::ToolchainDownload => {
            "install that Go release, or set GOTOOLCHAIN=local and lower the go line".into()
        }
        Cause::GoModSyntax => "mend the line that is named".into(),
        Cause::AmbiguousImport => "require a version of one of the two that no longer has the package".into(),
        Cause::ImportRestriction => {
            "run `go mod tidy` (and `go mod vendor` where there is a vendor folder)".into()
        }
        Cause::CompileError => "mend the code at that place".into(),
        Cause::TestFailure => "look at the test; its words are its own".into(),
        Cause::ProxyOff => "take `off` out of GOPROXY, or fill the cache first".into(),
        Cause::OomKilled => "give it more memory, or build with GOFLAGS=-p=1".into(),
        Cause::Other | Cause::None => "read go's own words below".into(),
    }
}
