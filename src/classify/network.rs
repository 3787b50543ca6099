//! Failed requests: a URL, a host or go's envelope with the words of transport behind it.

use super::context::Context;
use super::envelope;
use super::found::{Found, plain};
use super::inner::{self, Inner};
use super::messages::RESPONSE;
use super::pattern::ascii;
use super::urls::{self, Url};
use crate::judgement::refusal;
use crate::judgement::table::{self, Meaning};
use crate::vocabulary::{Behind, Cause, Detail, Source};
use regex::Regex;
use std::sync::LazyLock;

static VERB: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:(?:Get|Head|Post|read|reading|fetching|parse|parsing|Fetching|from proxy|from secure URL)[ :]*\\?"?|unexpected status \()$"#).expect("fixed")
});

static DIAL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\b(?:dial (?:tcp|udp)|proxyconnect|read (?:tcp|udp)|write (?:tcp|udp))").expect("fixed")
});

/// What Go says of a proxy on the way, of HTTPS, of names; other programs of Go's dial other ports.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    let tails = [
        r"proxyconnect tcp: dial tcp \S+",
        r"dial tcp(?: \[[0-9A-Fa-f:.]+\]| [0-9.]+):(?:443|80): .+",
        r"(?:dial tcp: )?lookup [A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?: on \S+)?: .+",
        r"(?:read|write) tcp \S+->\S+:(?:443|80): .+",
        r"net/http: (?:TLS handshake timeout|request canceled.*|timeout awaiting response headers|HTTP/1.x transport connection broken.*)",
        r"(?:net/http: request canceled )?(?:context deadline exceeded )?\(Client\.Timeout .*\)",
        r"(?:remote error: |local error: )?tls: \S.*",
        r"x509: (?:certificate|cannot|failed) \S.*",
        r"http2: (?:server sent GOAWAY|client connection|timeout awaiting) ?.*",
        r"stream error: stream ID \d+; \S.*",
        r"http: server gave HTTP response to HTTPS client",
    ];
    ascii(&format!("^(?:{})$", tails.join("|"))).expect("fixed")
});
static LOOKUP: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"\blookup ([A-Za-z0-9._-]+?)\.?(?: on |:|$)").expect("fixed"));
/// A failed request: `Get "URL": ...`, `reading URL: ...`, `unexpected status (URL): ...`; `remote`
/// is what a server said about it.
pub(super) fn request(main: &str, details: &str, remote: &str, ctx: &Context) -> Option<Found> {
    let all = urls::find_all(main);
    let url = anchor(main, &all)?;
    let position = envelope::position(main);
    let env = &main[..url.start];
    let env = match &position {
        Some(p) if main.len() - p.rest.len() <= url.start => &main[main.len() - p.rest.len()..url.start],
        _ => env,
    };
    let spoken = VERB.is_match(env);
    let role = urls::role(url);
    let go = envelope::is_go(env);
    if role.is_none() && !(go && spoken) {
        return None;
    }
    let behind = &main[url.end..];
    if !spoken && !behind.trim_start_matches(['"', '\\', ')']).starts_with(':') {
        return None;
    }
    let (behind, remote) = match behind.find(RESPONSE) {
        Some(at) => (&behind[..at], &behind[at..]),
        None => (behind, remote),
    };
    let read = error(env, url.text.starts_with("file:"), behind, details)?;
    let cause = read.cause.unwrap_or(Cause::Other);
    let mut found = plain(cause, None);
    let mut subject = envelope::named(env);
    let (of_url, version_of_url) = urls::module(url);
    found.source = Some(source(role, env));
    if let Some(module) = of_url {
        // The URL knows the module where the words name a package or nothing.
        let prefix = subject.module.as_deref().is_some_and(|m| m.starts_with(&format!("{module}/")));
        if subject.module.is_none()
            || (prefix && found.source == Some(Source::Proxy) && url.path.contains("/@v/v"))
        {
            subject.module = Some(module);
            subject.version = subject.version.take().or(version_of_url);
        } else if subject.version.is_none() && found.source == Some(Source::Proxy) {
            subject.version = version_of_url;
        }
    } else if subject.module.is_none() {
        subject.version = version_of_url;
    }
    subject.go_mod |= url.path.ends_with(".mod");
    found.take(subject);
    found.default_module(ctx);
    found.facts.status = read.status;
    found.detail = read.detail;
    if read.detail == Detail::NoMetaTags && found.source != Some(Source::Direct) {
        found.detail = Detail::Plain;
    }
    found.host = read
        .host
        .clone()
        .filter(|h| h != urls::host_name(&url.host))
        .or_else(|| Some(url.host.clone()).filter(|h| !h.is_empty()));
    found.url = Some(url.text.clone());
    let meaning = read.status.and_then(table::of_status).map(|(_, meaning)| meaning);
    let said = remote.trim_start_matches(RESPONSE);
    if matches!(meaning, Some(Meaning::Refused | Meaning::Odd)) && refusal::gives_reason(said.as_bytes()) {
        found.detail = Detail::Reasoned;
    }
    let refused = matches!(read.status, Some(403 | 404 | 410 | 500..=599));
    if refused && credentials(remote) {
        found.cause = Cause::PrivateAuth;
    }
    if refused && found.source == Some(Source::Proxy) {
        found.facts.behind = self::behind(remote, &url.host, found.subject.module.as_deref());
    }
    if let Some(here) = read.source {
        found.source = Some(here);
        found.host = None;
    } else if found.source == Some(Source::Sumdb) {
        found.cause = Cause::SumdbUnreachable;
        found.detail = database_detail(cause, &read);
    }
    Some(found)
}

/// The error that stands behind the URL or below it; `None` where the line was cut off before it. `folder` says
/// that the proxy is one.
fn error(env: &str, folder: bool, behind: &str, details: &str) -> Option<Inner> {
    let mut read = inner::read_behind_url(behind);
    if folder && behind.contains("no such file") {
        read.cause = Some(Cause::Http404410); // go itself takes a missing file for a 404
    }
    if env.contains("redirected from secure URL") {
        read.cause = Some(Cause::CaptiveOrHtml);
    }
    if env.contains("invalid response from proxy") {
        // A folder's answer is the same the next time.
        read.cause = Some(if folder { Cause::Other } else { Cause::CaptiveOrHtml });
    }
    if read.cause.is_none() {
        read = inner::read(details);
    }
    let cut_off = || behind.trim_matches(['"', ':', ' ', '\\', ')']).is_empty() && details.trim().is_empty();
    (read.cause.is_some() || !cut_off()).then_some(read)
}

/// Whom the request went to, by its URL's role and the words before it.
fn source(role: Option<Source>, env: &str) -> Source {
    let said = |words: &[&str]| words.iter().any(|words| env.contains(words));
    if role == Some(Source::Sumdb) || said(&["verifying module:", "verifying go.mod:"]) {
        Source::Sumdb
    } else if role == Some(Source::Toolchain) || said(&["golang.org/toolchain@"]) {
        Source::Toolchain
    } else if role == Some(Source::Direct) || said(&["unrecognized import path", "https fetch"]) {
        Source::Direct
    } else {
        role.unwrap_or(Source::Proxy)
    }
}

/// What kept the checksum database from answering.
fn database_detail(cause: Cause, read: &Inner) -> Detail {
    if matches!(read.status, Some(404 | 410)) || cause == Cause::Http404410 {
        Detail::Absent
    } else if matches!(read.status, Some(401 | 403)) {
        Detail::Refused
    } else if cause == Cause::TlsCert {
        Detail::Untrusted
    } else if read.away {
        Detail::Away
    } else {
        Detail::Plain
    }
}

/// The URL that the error is about: the last one that a request's verb stands before, else the
/// last that go could have asked.
fn anchor<'u>(main: &str, all: &'u [Url]) -> Option<&'u Url> {
    let response = main.find(RESPONSE).unwrap_or(main.len());
    let own = || all.iter().rev().filter(|u| u.start < response);
    own().find(|u| VERB.is_match(&main[..u.start])).or_else(|| own().find(|u| urls::role(u).is_some()))
}

/// What a proxy that has no such module tells of its own git, disk, names or network.
const OWN_TROUBLE: &[&str] = &[
    "no space left",
    "i/o timeout",
    "no such host",
    "could not resolve",
    "name resolution",
    "unable to access",
    "deadline exceeded",
    "handshake timeout",
    "connection refused",
    "connection reset",
    "connection timed out",
    "network is unreachable",
    "fetch timed out",
    "early eof",
    "executable file not found",
    "cannot allocate memory",
];

/// What failed the proxy `asked` behind it, by its own words about `module`.
pub(crate) fn behind(said: &str, asked: &str, module: Option<&str>) -> Option<Behind> {
    if credentials(said) {
        let mut quoted = urls::find_all(said).into_iter().map(|found| found.host);
        let quoted = quoted.find(|host| !host.is_empty() && host != asked);
        let named = || module.and_then(|module| module.split('/').next()).map(str::to_owned);
        return quoted.or_else(named).map(Behind::Login);
    }
    let lower = said.to_lowercase();
    OWN_TROUBLE.iter().any(|words| lower.contains(words)).then_some(Behind::Trouble)
}

/// The proxy machine could not log in at the origin.
fn credentials(remote: &str) -> bool {
    let lower = remote.to_lowercase();
    [
        "could not read username",
        "terminal prompts disabled",
        "authentication failed",
        "permission denied (publickey",
        "host key verification failed",
        "could not read password",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

/// A transport error without a URL, about a host that only go asks.
pub(super) fn dial(main: &str) -> Option<Found> {
    let at = DIAL.find(main)?.start();
    let host = LOOKUP.captures(main).map(|c| c[1].to_ascii_lowercase());
    let role = host.as_deref().and_then(urls::role_of_host);
    if role.is_none() && !envelope::is_go(&main[..at]) {
        return None;
    }
    let read = inner::read(&main[at..]);
    let mut found = plain(read.cause?, role.or(Some(Source::Proxy)));
    found.take(envelope::named(&main[..at]));
    found.detail = read.detail;
    if role == Some(Source::Sumdb) {
        found.detail = database_detail(found.cause, &read);
        found.cause = Cause::SumdbUnreachable;
    }
    found.host = read.host;
    Some(found)
}

/// Words that only Go's network packages can have printed, with nothing around them: the tail of a
/// message that somebody quoted. A failure if nothing else is one.
pub(super) fn bare(main: &str) -> Option<Found> {
    if !BARE.is_match(main) {
        return None;
    }
    let read = inner::read(main);
    let mut found = plain(read.cause.or(Some(Cause::ConnRefused).filter(|_| read.host.is_some()))?, None);
    found.source = read.host.as_deref().and_then(urls::role_of_host);
    found.detail = read.detail;
    found.host = read.host;
    found.weak = true;
    Some(found)
}

/// Go's envelope around transport words that name neither URL nor host: only complete phrases count.
pub(super) fn transport(main: &str, ctx: &Context) -> Option<Found> {
    if !envelope::is_go(main) || envelope::position(main).is_some_and(|p| !envelope::is_go(p.rest)) {
        return None;
    }
    let read = inner::read(inner::phrase(envelope::inner_of(main)?)?);
    let mut found = plain(read.cause?, Some(Source::Proxy));
    found.detail = read.detail;
    if main.contains("unrecognized import path") || main.contains("https fetch") {
        found.source = Some(Source::Direct);
    } else if main.contains("verifying module:") || main.contains("verifying go.mod:") {
        found.source = Some(Source::Sumdb);
        found.detail = database_detail(found.cause, &read);
        found.cause = Cause::SumdbUnreachable;
    }
    found.take(envelope::named(main));
    found.default_module(ctx);
    found.facts.status = read.status;
    Some(found)
}
