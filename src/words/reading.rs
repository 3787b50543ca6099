//! What the words of a failure tell beyond its cause: which certificate fault, which address was dialled.
//!
//! It chooses words for people and nothing else: what a stranger writes there steers no remedy.

use crate::formats::authority;
use crate::vocabulary::Failure;
use std::net::IpAddr;

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certificate {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYet,
    /// It is for another name.
    OtherName,
    /// Nobody here knows who signed it.
    Unknown,
    /// It is malformed, or made with what is too weak.
    Weak,
    /// The handshake failed for another reason.
    Handshake,
}

fn says(failure: &Failure, any: &[&str]) -> bool {
    any.iter().any(|words| failure.evidence.contains(words))
}

/// The kind of fault of a certificate.
pub(super) fn certificate(failure: &Failure) -> Certificate {
    let says = |any: &[&str]| says(failure, any);
    if says(&["is before", "NotValidYet", "not valid yet", "not yet valid:"]) && !says(&["is after"]) {
        Certificate::NotYet
    } else if says(&["is after", "has expired", "certificate expired", "Expired"]) {
        Certificate::Expired
    } else if says(&[
        "is valid for",
        "doesn't contain any",
        "not valid for any names",
        "not valid for name",
        "NotValidForName",
    ]) || says(&[
        "IP SANs",
        "relies on legacy Common Name",
        "no alternative certificate subject name",
    ]) {
        Certificate::OtherName
    } else if says(&["unknown authority", "UnknownIssuer", "self signed", "self-signed"])
        || says(&["unable to get local issuer", "BadSignature", "not trusted", "not standards compliant"])
    {
        Certificate::Unknown
    } else if says(&["malformed", "insecure algorithm", "BadEncoding", "negative serial", "too weak"])
        || says(&["invalid certificate", "cannot verify signature", "key too small", "x509: invalid"])
    {
        Certificate::Weak
    } else {
        Certificate::Handshake
    }
}

/// The time that go's clock showed when it found a certificate not valid yet.
pub(super) fn clock(failure: &Failure) -> Option<&str> {
    let (_, after) = failure.evidence.split_once("current time ")?;
    after.split_whitespace().next()
}

/// The address that was dialled, with its port, where it is not the name that was asked for.
pub(super) fn dialled(failure: &Failure) -> Option<&str> {
    let (_, after) = failure.evidence.split_once("dial tcp ")?;
    let address = after.split(": ").next()?.trim_end_matches(':');
    let (host, port) = address.rsplit_once(':')?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let named = failure.host.as_deref().unwrap_or_default();
    let new = named != address && named != host;
    (literal.is_ok() && port.chars().all(|c| c.is_ascii_digit()) && new).then_some(address)
}

/// Whether the name led to an address that no machine has.
pub(super) fn is_fake(failure: &Failure) -> bool {
    let dialled = dialled(failure).or(failure.host.as_deref()).unwrap_or_default();
    authority::name(dialled).parse().is_ok_and(authority::is_made_up)
}

/// Whether a file system cannot do what go needs.
pub(super) fn is_of_the_file_system(failure: &Failure) -> bool {
    let lower = failure.evidence.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    any(&["no locks available", "invalid cross-device link", "stale file handle", "stale nfs"])
        || any(&["function not implemented", "operation not supported", "not supported by"])
            && any(&["lock ", "rename ", "link ", "chmod ", "chtimes "])
}

/// Whether a page of a login portal or the like came, rather than bytes that are no HTTP.
pub(super) fn is_page(failure: &Failure) -> bool {
    says(failure, &["text/html", "a page", "'<'", "<html", "<!DOCTYPE", "<!doctype"])
}

/// Whether redirects lead nowhere.
pub(super) fn is_loop(failure: &Failure) -> bool {
    says(failure, &["stopped after 10 redirects", "redirects in a row", "too many redirects"])
}

/// Whether one and the same answer came for different files.
pub(super) fn is_same_for_all(failure: &Failure) -> bool {
    says(failure, &["the same bytes as for another file"])
}

/// Whether go asked over plain HTTP, where it sends no credentials of .netrc or GOAUTH.
pub(super) fn is_over_plain_http(failure: &Failure) -> bool {
    failure.url.as_deref().is_some_and(|url| url.starts_with("http://"))
}

/// Whether the checksum database was asked through a module proxy.
pub(super) fn is_passed_on(failure: &Failure) -> bool {
    failure.url.as_deref().is_some_and(|url| url.contains("/sumdb/"))
}

/// Whether the HTTP proxy that failed is known by its own name, rather than the host behind it.
pub(super) fn names_the_http_proxy(failure: &Failure) -> bool {
    let asked = failure.url.as_deref().and_then(|url| url.split("://").nth(1));
    let asked = asked.and_then(|rest| rest.split('/').next());
    failure.host.is_some() && failure.host.as_deref() != asked
}

/// Whether a GOVCS of the user's or go's own forbids the program.
pub(super) fn is_forbidden_by_govcs(failure: &Failure) -> bool {
    says(failure, &["GOVCS disallows"])
}

/// Whether go wanted to stamp a program with its version.
pub(super) fn is_stamping(failure: &Failure) -> bool {
    says(failure, &["VCS status", "-buildvcs"])
}

/// Whether a `replace` of go.mod's leads to a folder that is not there.
pub(super) fn is_replaced_by_nothing(failure: &Failure) -> bool {
    says(failure, &["replacement directory "])
        || says(failure, &["(replaced by "]) && says(failure, &["go.mod: open "])
}

/// Whether GOTOOLCHAIN names no toolchain.
pub(super) fn is_misspelt_toolchain(failure: &Failure) -> bool {
    says(failure, &["invalid GOTOOLCHAIN"])
}
