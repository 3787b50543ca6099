//! URLs in go's words: whose they are, which host, which module.

use super::pattern::ascii;
use crate::formats::goproxy::PUBLIC_PROXY_HOSTS;
use crate::formats::{authority, escape};
use crate::vocabulary::Source;
use regex::Regex;
use std::sync::LazyLock;

/// A URL as found in a text. Go 1.21 prints some with one slash; a paste may begin inside one.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?i)\b(?:h?t?t?ps?|file|ssh|git(?:\+ssh|\+https)?):(?://?)(?:[^\s"'`<>()]|<[A-Za-z][\w.-]{0,39}>)+"#).expect("fixed")
});

/// One URL of a text.
#[derive(Clone, Debug)]
pub(super) struct Url {
    /// Where it begins in the text.
    pub start: usize,
    /// Where it ends there.
    pub end: usize,
    /// As written, without what ends a sentence.
    pub text: String,
    /// Host and port, without user.
    pub host: String,
    /// Path and query.
    pub path: String,
}

/// Hosts that serve checksum databases.
const SUMDB_HOSTS: &[&str] = &["sum.golang.org", "sum.golang.google.cn", "gosum.io"];

/// All URLs of a text, in order.
pub(super) fn find_all(text: &str) -> Vec<Url> {
    URL.find_iter(text).filter_map(|m| split(m.start(), m.as_str())).collect()
}

fn split(start: usize, found: &str) -> Option<Url> {
    let mut url = found.trim_end_matches([':', ',', ';', '\\', ']', '}']);
    if !url.ends_with("...") {
        url = url.trim_end_matches('.');
    }
    let (scheme, rest) = url.split_once(':')?;
    if scheme.eq_ignore_ascii_case("file") {
        let path = rest.trim_start_matches("//").to_owned();
        return Some(Url { start, end: start + url.len(), text: url.to_owned(), host: String::new(), path });
    }
    let rest = rest.trim_start_matches('/');
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (_, host) = authority::split_user(authority);
    if host.is_empty() {
        return None;
    }
    Some(Url {
        start,
        end: start + url.len(),
        text: url.to_owned(),
        host: host.to_ascii_lowercase(),
        path: path.to_owned(),
    })
}

/// What a host and its path are to go, where the URL alone tells.
pub(super) fn role(url: &Url) -> Option<Source> {
    let name = host_name(&url.host);
    if url.path.contains("golang.org/toolchain/@v/") {
        Some(Source::Toolchain)
    } else if url.path.contains("/sumdb/")
        || SUMDB_HOSTS.contains(&name)
        || (url.path.starts_with("/lookup/") && url.path.contains("@v"))
        || url.path.starts_with("/tile/8/")
    {
        Some(Source::Sumdb)
    } else if url.path.contains("/@v/") || url.path.ends_with("/@latest") || url.path.ends_with("/@v") {
        Some(Source::Proxy)
    } else if url.path.contains("go-get=1") {
        Some(Source::Direct)
    } else if PUBLIC_PROXY_HOSTS.contains(&name) {
        Some(Source::Proxy)
    } else {
        None
    }
}

/// What a host is to go, by name alone.
pub(super) fn role_of_host(host: &str) -> Option<Source> {
    let name = host_name(host);
    if SUMDB_HOSTS.contains(&name) {
        Some(Source::Sumdb)
    } else if PUBLIC_PROXY_HOSTS.contains(&name) {
        Some(Source::Proxy)
    } else {
        None
    }
}

/// A host without its port.
pub(super) fn host_name(host: &str) -> &str {
    authority::name(host)
}

/// Module and version that the path of a proxy, database or discovery URL names.
pub(super) fn module(url: &Url) -> (Option<String>, Option<String>) {
    let path = url.path.as_str();
    if let Some((module, _)) = path.split_once("/lookup/").and_then(|(_, asked)| asked.split_once('@'))
        && !module.contains("...")
    {
        return (some(unescape(module)), version_after(path));
    }
    if path.contains("...") || path.contains('…') || path.contains('*') {
        return (None, version_of(path).or_else(|| last_version(path)));
    }
    if let Some((_, asked)) = path.split_once("/lookup/") {
        let (module, version) = asked.split_once('@').map_or((asked, None), |(m, v)| (m, Some(v)));
        return (some(unescape(module)), version.map(unescape));
    }
    if path.contains("/sumdb/") {
        return (None, None);
    }
    if let Some(discovered) = path.strip_suffix("?go-get=1") {
        return (Some(format!("{}{}", host_name(&url.host), discovered)), None);
    }
    let end = path.find("/@v/").or_else(|| path.find("/@latest"));
    let Some(end) = end else { return (None, None) };
    (some(after_base(&unescape(path[..end].trim_start_matches('/')))), version_of(path))
}

/// The version of a look-up in the checksum database.
fn version_after(path: &str) -> Option<String> {
    let (_, version) = path.rsplit_once('@')?;
    (!version.is_empty() && !version.contains("..")).then(|| unescape(version))
}

/// The version that the file of a path names, whose middle was left out.
fn last_version(path: &str) -> Option<String> {
    let (stem, kind) = path.rsplit_once('/')?.1.rsplit_once('.')?;
    let is_version = stem.starts_with('v') && stem[1..].starts_with(|c: char| c.is_ascii_digit());
    (is_version && ["zip", "mod", "info"].contains(&kind)).then(|| unescape(stem))
}

fn version_of(path: &str) -> Option<String> {
    let (_, file) = path.split_once("/@v/")?;
    let stem = file
        .strip_suffix(".info")
        .or_else(|| file.strip_suffix(".mod"))
        .or_else(|| file.strip_suffix(".zip"))?;
    (!stem.is_empty() && !stem.contains('*')).then(|| unescape(stem))
}

/// A proxy's own base path comes first (`/goproxy/`, `/artifactory/api/go/x/`): a module begins
/// with a domain, or is all there is.
fn after_base(path: &str) -> String {
    let mut at = 0;
    for segment in path.split('/') {
        if is_domain(segment) {
            return path[at..].to_owned();
        }
        at += segment.len() + 1;
    }
    path.to_owned()
}

/// True for what can be the first element of a public module path.
pub(super) fn is_domain(segment: &str) -> bool {
    segment.contains('.')
        && !segment.starts_with('.')
        && !segment.ends_with('.')
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && segment.bytes().any(|b| b.is_ascii_alphabetic())
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Undoes the escapes for capitals: `!x`, `%21x`, `%2521x`; and `%2B`.
pub(super) fn unescape(text: &str) -> String {
    let text = text.replace("%2521", "!").replace("%21", "!").replace("%2B", "+").replace("%2b", "+");
    // Where go itself did not write it (a paste that was decoded by half), it stays as it is.
    escape::unescape(&text).unwrap_or(text)
}
