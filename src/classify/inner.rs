//! The inner error: what net, net/http, crypto/tls and the operating systems say, on any of them.
//!
//! One table of words, read in order; the order is the reading: a look-up that times out is a
//! matter of DNS, a handshake that times out is a timeout, not TLS.

use super::pattern::ascii;
use crate::judgement::table;
use crate::vocabulary::{Cause, Detail, Source};
use regex::Regex;
use std::sync::LazyLock;

/// What the inner words told.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    /// The cause.
    pub cause: Option<Cause>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// A host that the words name and that is not (or need not be) the URL's.
    pub host: Option<String>,
    /// What distinguishes it: an HTTP proxy is to blame, plain HTTP came, a handshake died.
    pub detail: Detail,
    /// The host could not be reached at all: no name, no connection, no handshake.
    pub away: bool,
    /// Set where it is a file of this machine's, whatever the words around it.
    pub source: Option<Source>,
}

impl Default for Inner {
    fn default() -> Inner {
        Inner { cause: None, status: None, host: None, detail: Detail::Plain, away: false, source: None }
    }
}

const DISK: &[&str] = &["not enough space", "disk full", "quota exceeded", "no space left", "file too large"];

const PERMISSION: &[&str] = &[
    "permission denied",
    "access is denied",
    "read-only file system",
    "operation not permitted",
    "being used by another process",
];

const HTTP2: &[&str] = &[
    "stream error",
    "http2:",
    "http2 ",
    "goaway",
    "internal_error",
    "refused_stream",
    "enhance_your_calm",
    "protocol_error",
    "connection error: ",
    "http/2 stream",
    "frame too large",
];

const UNREACHABLE: &[&str] = &[
    "no route to host",
    "unreachable",
    "cannot assign requested address",
    "host is down",
    "network is down",
    "not valid in its context",
    "dead network",
    "no suitable address found",
    // a firewall's answer, of the kernel's own or of the way
    "connect: permission denied",
    "connect: operation not permitted",
    "forbidden by its access permissions",
    "address family not supported",
    "protocol not available",
];

const DNS: &[&str] = &[
    "no such host",
    "server misbehaving",
    "name resolution",
    "no answer from dns",
    "could not resolve",
    "name or service not known",
    "nodename nor servname",
    "no address associated",
    "cannot unmarshal dns",
    "dns message",
    "dnsquery",
    "getaddrinfo",
    "dns name does not exist",
    "no dns servers",
];

/// What a resolver that is away, or fails for whatever name, makes of a look-up.
const RESOLVER: &[&str] = &[
    "server misbehaving",
    "i/o timeout",
    "timed out",
    "connection refused",
    "connection reset",
    "temporary failure",
    "no answer from dns",
    "no dns servers",
];

const TLS: &[&str] = &["x509:", "certificate", "tls: ", "oversized record", "unknown authority"];

/// Somebody who speaks no TLS answered where TLS was due.
const PLAIN_HTTP: &[&str] =
    &["first record does not look like a tls handshake", "server gave http response to https client"];

const NO_META_TAGS: &[&str] = &["no go-import meta tag"];

const TIMEOUT: &[&str] = &[
    "deadline exceeded",
    "timed out",
    "timeout",
    "did not properly respond after a period of time",
    "connected party did not properly respond",
    "a connection attempt failed",
    "failed to respond",
    "request canceled",
];

const RESET: &[&str] = &[
    "connection reset",
    "forcibly closed",
    "connection was aborted",
    "connection abort",
    "aborted by the software",
    "broken pipe",
    "closed network connection",
    "connection was reset",
    "no longer available",
    "network connection was",
    "connection was forcibly",
    "bad record mac",
    "specified network name",
];

const REFUSED: &[&str] = &["connection refused", "actively refused", "no connection could be made"];

/// What net/http says where it follows a redirect no further.
const ASTRAY: &[&str] = &["stopped after 10 redirects", "redirected from secure url"];

const PAGE: &[&str] = &[
    "malformed http",
    "malformed mime",
    "invalid character",
    "unexpected end of json",
    "cannot unmarshal",
    "invalid response",
    "xml syntax error",
    "bad content-length",
    "unsupported transfer encoding",
    "too many transfer encodings",
    "proxy returned info for version",
    "invalid header",
    "location header",
];

const EOF: &[&str] = &[
    "unexpected eof",
    "server closed idle connection",
    "with body length",
    "transport connection broken",
    "malformed chunked encoding",
    "invalid byte in chunk length",
    "persistconn",
    "readloop",
    "empty reply",
    "connection closed",
    "closed the connection",
    "unexpectedly closed",
];

/// What only the network packages of Go and the operating systems say, whole, up to the end.
static PHRASE: LazyLock<Regex> = LazyLock::new(|| {
    let phrases = [
        r"(?:unexpected )?EOF",
        r"(?:\w+: )?i/o timeout",
        r"(?:net/http: )?TLS handshake timeout",
        r"net/http: \S.*",
        r"http2: \S.*",
        r"http: server \S.*",
        r"stream error: stream ID \d+; .*",
        r"connection error: [A-Z_]+.*",
        r"tls: \S.*",
        r"(?:remote error: )?tls: \S.*",
        r"x509: \S.*",
        r"(?:context )?deadline exceeded(?: \(Client\.Timeout .*\))?",
        r"(?:connect|read|write|connection|operation|dial)(?:: connection)? (?:refused|timed out|reset by peer|reset|aborted)",
        r"(?:\w+: )?connection (?:refused|timed out|reset by peer)",
        r"(?:\w+: )?operation timed out",
        r"(?:\w+: )?broken pipe",
        r"use of closed network connection",
        r"no such host",
        r"server misbehaving",
        r"Temporary failure in name resolution",
        r"Name or service not known",
        r"(?:\w+: )?network is unreachable",
        r"(?:\w+: )?no route to host",
        r"(?:\w+: )?host is down",
        r"malformed HTTP \S.*",
        r"gzip: invalid header",
        r"stopped after \d+ redirects",
        r"wsa\w+: .*",
        r"connectex: .*",
        r"(?:An existing connection|No connection could be made|A connection attempt failed) .*",
        r"[45]\d\d [A-Z][A-Za-z' -]+",
        r"Too Many Requests|Bad Gateway|Service Unavailable|Gateway Time-?out",
    ];
    ascii(&format!(r"(?:^|: )((?:{}))[.)\s]*$", phrases.join("|"))).expect("fixed")
});

/// What stands between quotation marks, and words with a slash: names and paths of anybody's.
static NAMES: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#""[^"]*"|(?:^|[\s(=,])'[^']*'|`[^`]*`|\S*[/\\]\S*"#).expect("fixed"));

/// The network's own words at the end of `text`, where nothing else shows that it is about the
/// network: a folder or module that is called `timeout` is none of them.
pub(super) fn phrase(text: &str) -> Option<&str> {
    let end = PHRASE.captures(text)?.get(1)?;
    // Within names there are no such words.
    let named = NAMES.find_iter(text).any(|m| m.start() < end.start() && m.end() > end.start());
    (!named).then_some(end.as_str())
}

/// `text` without the names and paths in it.
pub(super) fn without_names(text: &str) -> String {
    NAMES.replace_all(text, "").into_owned()
}

static STATUS: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?:^|: |\): |error: |status(?: code)?:? ?)([1-5]\d\d)(?:\b|$)").expect("fixed"));
static LOOKUP: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"\blookup ([A-Za-z0-9._-]+?)\.?(?: on |:|$)").expect("fixed"));
static PROXY_DIAL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:proxyconnect tcp|socks connect(?: tcp)?)[^:]*:.*?dial tcp4?6? (\[[0-9A-Fa-f:.%a-z]+\]:\d+|[A-Za-z0-9._-]+:\d+)")
        .expect("fixed")
});
static END_EOF: LazyLock<Regex> = LazyLock::new(|| ascii(r"(?:^|[\s:])EOF\b").expect("fixed"));

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|w| text.contains(w))
}

/// A cause of this machine's own, whatever the words around it: also inside `read "https://..."`,
/// because go labels a failing write of the download so.
pub(super) fn local(lower: &str) -> Option<Cause> {
    // A limit of go's own is none of the disk's.
    if any(lower, DISK) && !lower.contains("zip file too large") {
        Some(Cause::DiskFull)
    } else if any(lower, PERMISSION)
        && !lower.contains("(publickey")
        && !lower.contains("connect: permission denied")
        && !lower.contains("connect: operation not permitted")
    {
        Some(Cause::CachePermission)
    } else {
        None
    }
}

/// Reads the words behind a URL (or behind `dial tcp`).
pub(super) fn read(text: &str) -> Inner {
    let lower = text.to_lowercase();
    let http_proxy = lower.contains("proxyconnect") || lower.contains("socks connect");
    let mut inner = Inner { away: lower.contains("dial "), ..Inner::default() };
    if http_proxy {
        inner.host = PROXY_DIAL.captures(text).map(|c| c[1].to_ascii_lowercase());
    }
    if let Some(name) = LOOKUP.captures(text) {
        inner.host = Some(name[1].to_ascii_lowercase());
        inner.cause = Some(if any(&lower, UNREACHABLE) { Cause::Unreachable } else { Cause::Dns });
        if inner.cause == Some(Cause::Dns) && any(&lower, RESOLVER) {
            inner.detail = Detail::Resolver;
        }
        inner.away = true;
    } else if let Some(code) = STATUS.captures(text).and_then(|c| c[1].parse::<u16>().ok())
        && let Some((cause, _)) = table::of_status(code)
    {
        inner.status = Some(code);
        inner.cause = Some(cause);
        inner.detail = table::detail_of_status(code);
    } else if let Some(cause) = local(&lower) {
        inner.cause = Some(cause);
        inner.source = Some(Source::Cache);
    } else if let Some((cause, detail)) = words(text, &lower) {
        inner.cause = Some(cause);
        inner.detail = detail;
        inner.away |= detail == Detail::Handshake;
    }
    if http_proxy {
        inner.detail = Detail::HttpProxy;
    }
    inner
}

/// As [`read`], for the words right behind a URL: there a status may stand without its number.
pub(super) fn read_behind_url(text: &str) -> Inner {
    let mut inner = read(text);
    if inner.cause.is_none()
        && let Some((code, cause)) = status_text(&text.to_lowercase())
    {
        inner.status = Some(code);
        inner.cause = Some(cause);
        // Only a refused CONNECT prints so: go prints the statuses of answers whole.
        inner.detail = Detail::HttpProxy;
    }
    inner
}

/// The cause that transport words name, and what distinguishes it.
fn words(text: &str, lower: &str) -> Option<(Cause, Detail)> {
    let handshake_timeout = lower.contains("handshake timeout") || lower.contains("handshake timed out");
    let plain = |cause| Some((cause, Detail::Plain));
    if any(lower, HTTP2) && !lower.contains("malformed http") {
        plain(Cause::Http2)
    } else if any(lower, DNS) {
        plain(Cause::Dns)
    } else if any(lower, PLAIN_HTTP) {
        Some((Cause::CaptiveOrHtml, Detail::PlainHttp))
    } else if any(lower, NO_META_TAGS) {
        Some((Cause::CaptiveOrHtml, Detail::NoMetaTags))
    } else if any(lower, ASTRAY) {
        Some((Cause::CaptiveOrHtml, Detail::Astray))
    } else if any(lower, PAGE) {
        plain(Cause::CaptiveOrHtml)
    } else if any(lower, RESET) {
        plain(Cause::ConnReset)
    } else if any(lower, REFUSED) {
        plain(Cause::ConnRefused)
    } else if any(lower, UNREACHABLE) {
        plain(Cause::Unreachable)
    } else if handshake_timeout {
        Some((Cause::Timeout, Detail::Handshake))
    } else if any(lower, TLS) {
        plain(Cause::TlsCert)
    } else if any(lower, TIMEOUT) {
        plain(Cause::Timeout)
    } else if any(lower, EOF) || END_EOF.is_match(text) {
        plain(Cause::Eof)
    } else {
        None
    }
}

/// The words of a status without its number, as a refused CONNECT leaves them.
fn status_text(lower: &str) -> Option<(u16, Cause)> {
    const TEXTS: &[(&str, u16)] = &[
        ("forbidden", 403),
        ("proxy authentication required", 407),
        ("authentication required", 407),
        ("unauthorized", 401),
        ("too many requests", 429),
        ("bad gateway", 502),
        ("service unavailable", 503),
        ("gateway time", 504),
        ("internal server error", 500),
        ("unsupported method ('connect')", 501),
        ("not implemented", 501),
        ("not found", 404),
        ("gone", 410),
        ("method not allowed", 405),
        ("bad request", 400),
    ];
    let (_, code) = TEXTS.iter().find(|(words, _)| lower.contains(words))?;
    Some((*code, table::of_status(*code)?.0))
}

/// True for the words of a full disk.
pub(super) fn any_disk(lower: &str) -> bool {
    any(lower, DISK)
}

/// The HTTP status that git's or go's words name.
pub(super) fn status_of(text: &str) -> Option<u16> {
    STATUS.captures(text).and_then(|c| c[1].parse().ok())
}

/// The words of each list.
#[cfg(test)]
pub(super) const LISTS: &[&[&str]] = &[
    DISK,
    PERMISSION,
    HTTP2,
    UNREACHABLE,
    DNS,
    RESOLVER,
    TLS,
    PLAIN_HTTP,
    NO_META_TAGS,
    ASTRAY,
    TIMEOUT,
    RESET,
    REFUSED,
    PAGE,
    EOF,
];
