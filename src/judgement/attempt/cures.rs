//! What one failure asks for.

use super::places::{self, entry_of};
use super::{AttemptEnd, Observation, Policy, Repair, State, Step, Stop, integrity, private};
use crate::formats::goproxy::Entry;
use crate::vocabulary::{Action, Cause, Failure, Source};

/// One failure's demand on the next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// The fault of one place: ask the next, or the same later.
    Transport {
        /// The place.
        entry: Entry,
        /// It cannot be talked to at all just now.
        dead: bool,
    },
    /// The place sent wrong bytes: it rests.
    BadBytes {
        /// The place.
        entry: Entry,
    },
    /// The place counts requests.
    TooMany {
        /// The place.
        entry: Entry,
    },
    /// Local damage.
    Evict(Vec<Repair>),
    /// GOPRIVATE for a pattern.
    Private(String),
    /// GONOPROXY for a pattern.
    NoProxy(String),
    /// Another address of the same checksum database.
    Sumdb(String),
    /// The same once more.
    Again,
}

/// The one other address of sum.golang.org that go itself knows (same key).
const SUMDB_MIRROR: &str = "sum.golang.google.cn";

pub(super) fn stop(reason: impl Into<String>) -> Result<Cure, Stop> {
    Err(Stop::because(reason))
}

pub(super) fn stop_with(reason: impl Into<String>, hint: impl Into<String>) -> Result<Cure, Stop> {
    Err(Stop::with_hint(reason, hint))
}

/// What `go mod verify` found to be changed. It may be evidence.
pub(super) fn found_by_verify(policy: &Policy, failure: &Failure) -> bool {
    policy.verifying && matches!(failure.cause, Cause::CacheCorrupt | Cause::ChecksumMismatch)
}

/// Texts that name no cause, and a 403 of a host that is not known to serve anything, need one
/// diagnostic attempt before they are judged.
pub(super) fn wants_diagnosis(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failures: &[Failure],
) -> bool {
    if policy.offline.is_some()
        || policy.vendored
        || observation.relayed
        || state.attempts_without_progress >= policy.attempts
        || failures.iter().any(|f| found_by_verify(policy, f))
    {
        return false;
    }
    failures.iter().enumerate().any(|(i, f)| {
        let repaired = observation.repairs.iter().any(|r| r.failure == i);
        let unknown_403 = f.cause == Cause::Http403
            && f.source == Some(Source::Proxy)
            && !serves(observation, &entry_of(policy, state, f))
            && policy.list.reachable().len() > 1;
        !f.detail.user_rule && !repaired && (f.detail.ambiguous || unknown_403)
    })
}

/// What a diagnostic attempt that succeeded shows to be well again: words that named no cause, and
/// whatever a proxy or an origin had refused. A compile error or the checksum database's word stays.
pub(super) fn is_of_the_network(failure: &Failure) -> bool {
    let elsewhere =
        matches!(failure.source, Some(Source::Proxy | Source::Direct | Source::Vcs | Source::Toolchain));
    !failure.detail.user_rule && (failure.detail.ambiguous || elsewhere)
}

/// What `direct` alone has to answer for.
pub(super) fn is_of_the_origin(failure: &Failure) -> bool {
    matches!(failure.source, Some(Source::Direct | Source::Vcs | Source::Toolchain))
        && failure.cause != Cause::ChecksumMismatch
}

fn serves(observation: &Observation, entry: &Entry) -> bool {
    entry.host().is_some_and(|host| observation.serving.contains(&host))
}

/// The cure for one failure.
pub(super) fn cure(
    policy: &Policy,
    history: &[Step],
    state: &State,
    observation: &Observation,
    index: usize,
    failure: &Failure,
) -> Result<Cure, Stop> {
    if failure.detail.user_rule {
        return match failure.action {
            Action::Stop => stop("a rule of yours says stop"),
            _ => Ok(Cure::Again),
        };
    }
    if found_by_verify(policy, failure) {
        return stop("what go mod verify finds is for you to judge");
    }
    let repairs: Vec<Repair> = observation.repairs.iter().filter(|r| r.failure == index).cloned().collect();
    if !repairs.is_empty() {
        return evict(state, repairs);
    }
    let entry = entry_of(policy, state, failure);
    match failure.cause {
        Cause::None => Ok(Cure::Again),
        Cause::ChecksumMismatch => integrity::mismatch(policy, history, state, observation, failure),
        Cause::SumdbMisbehaviour => stop("the checksum database contradicts itself: nothing is retried"),
        Cause::SumdbUnreachable => sumdb(policy, state, failure),
        _ if failure.source == Some(Source::Sumdb) => sumdb(policy, state, failure),
        // An HTTP(S)_PROXY that fails is the same for every host.
        cause if cause.is_transport() && failure.detail.http_proxy => match cause {
            Cause::TlsCert => stop("the HTTP proxy's certificate is not trusted"),
            _ => Ok(Cure::Transport { entry, dead: false }),
        },
        Cause::Http429 => Ok(Cure::TooMany { entry }),
        Cause::TlsCert => tls_cert(policy, state, entry),
        cause if cause.is_dead_host() => Ok(Cure::Transport { entry, dead: true }),
        Cause::Stalled => Ok(Cure::Transport { entry, dead: false }),
        cause if cause.is_transport() => {
            Ok(Cure::Transport { entry, dead: observation.end == AttemptEnd::NoConnection })
        }
        Cause::Http403 => forbidden(policy, state, observation, failure, entry),
        Cause::Http404410 => private::verdict(policy, state, failure),
        Cause::CacheCorrupt => unlocated_damage(policy, history, state, failure, entry),
        Cause::GitNetwork => Ok(Cure::Transport { entry: Entry::Direct, dead: false }),
        Cause::ToolchainDownload => toolchain(policy, observation, failure, entry),
        Cause::PrivateAuth => private::credentials(policy, state, failure),
        Cause::VcsMissing => stop_with(
            "a version control program is missing or not allowed",
            "install git (or the program named above), or let a module proxy answer",
        ),
        Cause::ProxyOff => stop("GOPROXY=off is obeyed"),
        cause => stop(format!("{cause}: repeating cannot help")),
    }
}

/// The same file found damaged a third time is being damaged by something else.
fn evict(state: &State, repairs: Vec<Repair>) -> Result<Cure, Stop> {
    if let Some(r) = repairs.iter().find(|r| state.evicted.iter().filter(|p| **p == r.path).count() >= 2) {
        return stop(format!("{} is damaged again and again", r.path.display()));
    }
    Ok(Cure::Evict(repairs))
}

fn tls_cert(policy: &Policy, state: &State, entry: Entry) -> Result<Cure, Stop> {
    let others = policy.list.reachable().iter().filter(|e| **e != entry && !state.resting.contains(e));
    let from = policy.list.entries.iter().position(|e| *e == entry);
    let somewhere = others.into_iter().any(|e| {
        let to = policy.list.entries.iter().position(|x| x == e);
        matches!((from, to), (Some(f), Some(t)) if policy.list.may_cross(policy.rotate, f, t))
    }) || !policy.mirrors.is_empty();
    if somewhere && !policy.graph_private {
        Ok(Cure::Transport { entry, dead: true })
    } else {
        stop_with(
            "the certificate is not trusted and nobody else may be asked",
            "if your company inspects TLS, name its root certificate in SSL_CERT_FILE; gox never turns checks off",
        )
    }
}

fn sumdb(policy: &Policy, state: &State, failure: &Failure) -> Result<Cure, Stop> {
    match failure.detail.status {
        Some(404 | 410) => return private::unknown_to_sumdb(policy, state, failure),
        Some(401 | 403) => {
            return stop_with(
                "the checksum database refused",
                "check GOSUMDB, or the proxy that serves /sumdb/",
            );
        }
        _ => {}
    }
    if failure.cause == Cause::Http404410 {
        return private::unknown_to_sumdb(policy, state, failure);
    }
    // The classifier gives whatever keeps the database away one cause; the words tell them apart.
    let says = |words: &[&str]| words.iter().any(|w| failure.evidence.contains(w));
    let untrusted = failure.cause == Cause::TlsCert || says(&["x509: "]);
    if untrusted && policy.gosumdb != "sum.golang.org" {
        return stop_with(
            "the checksum database's certificate is not trusted",
            "name the root certificate in SSL_CERT_FILE",
        );
    }
    // The first failure of a database that can be reached at all may be chance.
    let hopeless = untrusted
        || matches!(failure.cause, Cause::ConnRefused | Cause::Dns | Cause::Unreachable | Cause::Timeout)
        || says(&[": dial ", "TLS handshake timeout", "no such host"]);
    let known = policy.gosumdb == "sum.golang.org" && state.sumdb.is_none();
    let through_proxy = failure.url.as_deref().is_some_and(|u| u.contains("/sumdb/"));
    if known && !through_proxy && (hopeless || state.attempts_without_progress >= 2) {
        return Ok(Cure::Sumdb(SUMDB_MIRROR.into()));
    }
    if through_proxy {
        return Ok(Cure::Transport { entry: entry_of(policy, state, failure), dead: false });
    }
    Ok(Cure::Again)
}

/// 403 is a verdict on one module by a host that serves others, and the host's trouble where it
/// answers nothing else.
fn forbidden(
    policy: &Policy,
    state: &State,
    observation: &Observation,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    if failure.detail.http_proxy || failure.detail.status == Some(407) {
        return stop_with(
            "your HTTP proxy refuses",
            "it asks for credentials or forbids the host: see HTTP_PROXY and HTTPS_PROXY (user:password@ goes there)",
        );
    }
    if failure.source == Some(Source::Proxy)
        && !serves(observation, &entry)
        && !matches!(entry, Entry::Direct)
    {
        let from = policy.list.entries.iter().position(|e| *e == entry);
        let elsewhere = policy.list.reachable().iter().enumerate().any(|(to, e)| {
            *e != entry
                && !state.resting.contains(e)
                && from.is_some_and(|from| policy.list.may_cross(policy.rotate, from, to))
        });
        if elsewhere && !policy.graph_private {
            return Ok(Cure::Transport { entry, dead: true });
        }
        if private::verdict_pattern(policy, failure).is_none()
            && let Some(hint) = places::held_back(policy, &entry)
        {
            return stop_with(format!("{} refuses everything", entry.shown()), hint);
        }
    }
    private::verdict(policy, state, failure)
}

/// Damage in words (`zip: not a valid zip file`, a vanished cache file) that no look at the cache
/// confirmed: it came over the network, or it healed; either way once more is safe.
fn unlocated_damage(
    policy: &Policy,
    history: &[Step],
    state: &State,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    let before = history
        .iter()
        .filter(|s| {
            s.observation
                .failures
                .iter()
                .any(|f| f.cause == Cause::CacheCorrupt && f.evidence == failure.evidence)
        })
        .count();
    if failure.detail.path.is_some() || failure.source == Some(Source::Local) {
        return if before == 0 { Ok(Cure::Again) } else { stop("the same local damage again") };
    }
    if policy.list.reachable().iter().any(Entry::is_network_proxy)
        && state.attempts_without_progress <= policy.attempts
    {
        return Ok(Cure::Transport { entry, dead: false });
    }
    stop("damage that gox cannot locate")
}

/// `toolchain not available` hides 404 as well as every network fault under `direct`.
fn toolchain(
    policy: &Policy,
    observation: &Observation,
    failure: &Failure,
    entry: Entry,
) -> Result<Cure, Stop> {
    let proxy_down = !observation.dead.is_empty() || observation.no_network.is_some();
    if !policy.list.is_off() && failure.detail.ambiguous && proxy_down {
        return Ok(Cure::Transport { entry, dead: true });
    }
    stop_with(
        "the toolchain that go.mod asks for cannot be had here",
        "GOTOOLCHAIN=local uses the installed go, where go.mod allows it",
    )
}
