//! The words of git, ssh and curl below go's `exit status 128`.

use super::envelope;
use super::inner;
use super::pattern::ascii;
use super::urls;
use crate::vocabulary::{Cause, Facts, Source};
use regex::Regex;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What version control said.
#[derive(Clone, Debug)]
pub(super) struct Vcs {
    pub cause: Cause,
    pub source: Source,
    pub host: Option<String>,
    pub url: Option<String>,
    pub facts: Facts,
}

/// Words that speak of credentials or rights, never of the network.
const AUTH: &[&str] = &[
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "authentication failed",
    "permission denied (",
    "permission denied, please try again",
    "host key verification failed",
    "remote host identification has changed",
    "support for password authentication was removed",
    "invalid username or",
    "bad credentials",
    "access denied",
    "http basic:",
    "repository not found",
    "project not found",
    "don't have permission",
    "not have permission",
    "not authorized",
    "not authorised",
    "authorization failed",
    "saml sso",
    "please make sure you have the correct access rights",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "returned error: 410",
    "does not appear to be a git repository",
    "no matching host key",
    "no such identity",
    "write access to repository not granted",
    "you need to authenticate",
    "access token",
    "repository does not exist",
    "unable to authenticate",
    "too many authentication failures",
    "authorization required",
    "no more credentials",
];

/// Words that speak of the network though they come with `Could not read from remote repository`.
const NETWORK: &[&str] = &[
    "could not resolve",
    "couldn't resolve",
    "can't resolve",
    "getaddrinfo",
    "cannot connect to",
    "unable to connect to a repository",
    "failed to connect",
    "couldn't connect",
    "connect to host",
    "connection refused",
    "connection reset",
    "connection closed",
    "connection was",
    "connection to",
    "timed out",
    "timeout",
    "hung up unexpectedly",
    "rpc failed",
    "unexpected disconnect",
    "empty reply",
    "transfer closed",
    "recv failure",
    "send failure",
    "ssl_read",
    "ssl_connect",
    "ssl_error_syscall",
    "gnutls_handshake",
    "gnutls recv",
    "gnutls_recv",
    "handshake failure",
    "tlsv1 alert",
    "schannel",
    "bytes of body are still expected",
    "unable to look up",
    "name or service not known",
    "temporary failure",
    "network is unreachable",
    "no route to host",
    "kex_exchange_identification",
    "banner exchange",
    "proxy connect aborted",
    "from proxy after connect",
    "internal server error",
    "temporarily unavailable",
    "too many requests",
    "rate limit",
    "returned error: 5",
    "returned error: 429",
    "returned error: 408",
    "fetch-pack: ",
    "invalid index-pack output",
    "index-pack failed",
    "protocol error",
    "the requested url returned error",
    "broken pipe",
    "low speed",
    "eof",
];

/// Network words that a name could not be told from.
const WITH_SLASH: &[&str] = &["http/2 stream", "http/2 framing", "curl 92 http/2", "curl 16"];

const CERTIFICATE: &[&str] = &[
    "ssl certificate",
    "certificate verification failed",
    "certificate verify failed",
    "local issuer certificate",
    "self-signed certificate",
    "self signed certificate",
    "certificate subject name",
    "peer's certificate",
    "problem with the ssl ca cert",
    "unable to get issuer",
    "sec_e_untrusted_root",
];

const REVISION: &[&str] = &[
    "couldn't find remote ref",
    "could not find remote ref",
    "did not match any file",
    "remote branch",
    "reference is not a tree",
    "not our ref",
    "unadvertised object",
    "unknown revision",
    "bad revision",
    "no such ref",
    "not a valid object name",
    "invalid object name",
];

const DAMAGE: &[&str] = &[
    "not a git repository",
    "is corrupt",
    "is empty",
    "corrupt loose object",
    "bad object",
    "missing blob",
    "missing tree",
    "unable to read tree",
    "unable to read sha1",
    "bad config",
    "index file",
    ".lock': file exists",
    "another git process",
    "inflate: data stream error",
    "packfile",
    "shallow file has changed",
    "broken link",
    "unable to parse object",
];

/// What git says of a folder that it may not write.
const UNWRITTEN: &[&str] = &[
    "': permission denied",
    "read-only file system",
    "insufficient permission",
    "unable to write ",
    "cannot open '",
    "operation not permitted",
    "access is denied",
];

static EXIT: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\b(?:git(?:\.exe)? (?:-c \S+ )*(?:ls-remote|fetch|clone|init|cat-file|log|archive|show-ref|tag|config|remote|pull|rev-list|for-each-ref|checkout|merge-base|update-ref|-c)|hg |svn |bzr |fossil )").expect("fixed")
});
static OWN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?m)^(?:fatal: |error: RPC failed|abort: |svn: E|bzr: ERROR|remote: (?:Repository|HTTP Basic|Invalid|Support|Cannot|Not Found|The project)|ssh: connect|ssh: Could not|Host key verification failed|git@\S+: Permission denied|kex_exchange)")
        .expect("fixed")
});
static NAMED_HOST: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?i)(?:could not resolve (?:host(?:name)?|proxy):? |failed to connect to |connect to host |unable to look up |unable to connect to (?:a repository at url '?\w+://)?|connection to |connection closed by |resolve host ?(?:name)?:? )['\[]?([A-Za-z0-9._:-]*[A-Za-z0-9])")
        .expect("fixed")
});
static PORT: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?i)failed to connect to \S+ port (\d+)").expect("fixed"));
static SSH_TARGET: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#"(?:^|[\s'"/])git@([A-Za-z0-9._-]+)[:/]"#).expect("fixed"));
/// Where a clone lies that is go's own, and how go tells of a command that failed.
static IN_FOLDER: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"cache[\\/]vcs[\\/]|\b(?:git|hg|svn|bzr|fossil)(?:\.exe)? .* in \S.*: exit status \d+")
        .expect("fixed")
});
/// The status of an answer, as Mercurial and Subversion write it.
static ANSWERED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"http (?:error|status) (\d{3})\b").expect("fixed"));
/// A file of go's own clone that may not be written, as git tells it without quotation marks.
static LOCKED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"cache[\\/]vcs[\\/]\S*: permission denied").expect("fixed"));
static CLONE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\bin ((?:/|[A-Za-z]:\\)\S*[\\/]cache[\\/]vcs[\\/][0-9a-f]{8,64})").expect("fixed")
});

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|w| text.contains(w))
}

/// True where the message is version control's.
pub(super) fn is_vcs(main: &str, details: &str) -> bool {
    // Most lines name none: the expression is not even compiled for them.
    let named = ["git", "hg ", "svn ", "bzr ", "fossil "].iter().any(|program| main.contains(program));
    (named
        && (main.contains("exit status")
            || main.contains("exec: ")
            || main.contains("signal: ")
            || !details.is_empty())
        && EXIT.is_match(main))
        || OWN_WORDS.is_match(main)
        || (OWN_WORDS.is_match(details)
            && !details.starts_with("server response:")
            && !main.contains("reading http"))
}

/// True where go itself tells of the command, in its envelope or with the folder that it ran it in.
pub(super) fn is_gos(main: &str, details: &str) -> bool {
    IN_FOLDER.is_match(main)
        || envelope::is_go(main)
        || details.contains("onfirm the import path was entered")
}

/// Reads the words of one failing command.
pub(super) fn read(main: &str, details: &str) -> Vcs {
    let whole = format!("{main}\n{details}");
    let lower = answered(&whole.to_lowercase());
    let clone = CLONE.captures(&whole).map(|c| PathBuf::from(&c[1]));
    // A repository or branch may be called `timeout`.
    let network = any(&inner::without_names(&lower), NETWORK) || any(&lower, WITH_SLASH);
    let (cause, source) = if inner::any_disk(&lower) {
        (Cause::DiskFull, Source::Local)
    } else if lower.contains("executable file not found")
        || lower.contains("cannot run ssh")
        || lower.contains("remote helper for")
        || lower.contains("unknown option `")
    {
        (Cause::VcsMissing, Source::Local)
    } else if any(&lower, CERTIFICATE) {
        (Cause::TlsCert, Source::Vcs)
    } else if clone.is_some() && lower.contains("'origin' does not appear to be a git repository") {
        // The remote of go's own clone: what should name it is gone.
        (Cause::CacheCorrupt, Source::Cache)
    } else if clone.is_some()
        && (any(&lower, UNWRITTEN) || LOCKED.is_match(&lower))
        && !lower.contains(".lock': file exists")
    {
        (Cause::CachePermission, Source::Cache)
    } else if any(&lower, AUTH) && !strong_network(&lower) || is_not_found(&lower) {
        (Cause::PrivateAuth, Source::Vcs)
    } else if any(&lower, DAMAGE) && !network {
        (Cause::CacheCorrupt, Source::Cache)
    } else if any(&lower, REVISION) {
        (Cause::UnknownRevision, Source::Vcs)
    } else if network || lower.contains("unable to access") {
        (Cause::GitNetwork, Source::Vcs)
    } else if lower.contains("dubious ownership")
        || any(&lower, &["could not create", "unable to create", "insufficient permission"])
    {
        (Cause::CachePermission, Source::Cache)
    } else if lower.contains("could not read from remote repository") {
        (Cause::PrivateAuth, Source::Vcs)
    } else if lower.contains("signal: killed") {
        (Cause::OomKilled, Source::Local)
    } else {
        (Cause::Other, Source::Vcs)
    };
    let facts = Facts {
        status: inner::status_of(&whole),
        path: clone.filter(|_| source == Source::Cache),
        ..Facts::default()
    };
    let mut vcs = Vcs { cause, source, host: None, url: None, facts };
    place(main, details, &mut vcs);
    vcs
}

/// `lower` with the statuses of Mercurial's and Subversion's written as git writes them.
pub(super) fn answered(lower: &str) -> String {
    ANSWERED.replace_all(lower, "returned error: $1").into_owned()
}

/// Words that only a fault of the network brings, whatever else the server's page says.
fn strong_network(lower: &str) -> bool {
    any(
        lower,
        &[
            "could not resolve",
            "failed to connect",
            "connect to host",
            "rpc failed",
            "returned error: 5",
            "returned error: 429",
            "early eof",
            "kex_exchange",
        ],
    )
}

/// `repository 'URL' not found`: gone, misspelt or private; the server does not tell which.
fn is_not_found(lower: &str) -> bool {
    lower.contains("' not found") || lower.contains("remote: not found")
}

/// Host and URL: git's own words first, they know about `insteadOf`; then the command's arguments.
/// `remote:` lines are the server's prose; links in them lead elsewhere.
fn place(main: &str, details: &str, vcs: &mut Vcs) {
    let own: String = details
        .lines()
        .chain([main])
        .filter(|l| !l.starts_with("remote:") && !l.starts_with("warning:") && !l.starts_with("If this is"))
        .flat_map(|l| [l, "\n"])
        .collect();
    if let Some(url) =
        urls::find_all(&own).into_iter().find(|u| !u.path.contains("/s/gogetcmd") && !u.path.contains("faq#"))
    {
        vcs.host = Some(url.host.clone());
        vcs.url = Some(url.text);
    }
    if let Some(named) = NAMED_HOST.captures(&own) {
        // macOS names the port with the host, as others do in words.
        let name = named[1].to_ascii_lowercase();
        let name = name.strip_suffix(":443").or(name.strip_suffix(":80")).unwrap_or(&name).to_owned();
        let port = PORT.captures(&own).map(|c| c[1].to_owned()).filter(|p| p != "443" && p != "80");
        let same = vcs.host.as_deref().is_some_and(|h| urls::host_name(h) == name);
        if !same {
            vcs.host = Some(port.map_or(name.clone(), |p| format!("{name}:{p}")));
        }
    } else if vcs.host.is_none() {
        vcs.host = SSH_TARGET.captures(&own).map(|c| c[1].to_ascii_lowercase());
    }
}

/// The words of each list.
#[cfg(test)]
pub(super) const LISTS: &[&[&str]] = &[AUTH, NETWORK, WITH_SLASH, CERTIFICATE, REVISION, DAMAGE, UNWRITTEN];
