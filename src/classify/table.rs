//! The one table from cause to action, and the order in which failures dominate.

use crate::vocabulary::{Action, Cause, Detail, Source};

/// What gox does about a failure seen alone, before history and settings narrow it.
pub fn action_of(cause: Cause, source: Option<Source>, detail: &Detail) -> Action {
    match cause {
        // Transport: the same request may well pass the next time.
        Cause::Eof | Cause::Timeout | Cause::ConnReset | Cause::Http2 | Cause::Http429 | Cause::Stalled => {
            Action::Retry
        }
        // Athens and others answer 500 for modules that do not exist; another try tells.
        Cause::Http5xx | Cause::GitNetwork => Action::Retry,
        // The place is dead for now; another may not be.
        Cause::ConnRefused | Cause::Dns | Cause::Unreachable => Action::Reroute,
        // Never less TLS; a git server's certificate has no other place to go to.
        Cause::TlsCert if source == Some(Source::Vcs) => Action::Stop,
        Cause::TlsCert => Action::Reroute,
        // An origin's own refusal is its answer, but a proxy may have the module.
        Cause::Http403 => Action::Reroute,
        // Where go asked the origin itself, GOPRIVATE changes nothing.
        Cause::Http404410 if matches!(source, Some(Source::Direct | Source::Vcs)) => Action::Stop,
        Cause::Http404410 if source == Some(Source::Toolchain) => Action::Reroute,
        Cause::Http404410 => Action::Private,
        // The cached .mod that came of it would fail for ever.
        Cause::CaptiveOrHtml if source == Some(Source::Cache) => Action::Repair,
        // A page without go-import tags is what that site says.
        Cause::CaptiveOrHtml if source == Some(Source::Direct) && detail.ambiguous => Action::Stop,
        Cause::CaptiveOrHtml => Action::Retry,
        // Local damage or a bad download: the cache tells, go.sum judges what comes then.
        Cause::ChecksumMismatch => Action::Repair,
        // The database's verdict on a module, not its outage.
        Cause::SumdbUnreachable if matches!(detail.status, Some(404 | 410)) => Action::Stop,
        Cause::SumdbUnreachable => Action::Reroute,
        // `go mod verify`: what was changed may be evidence.
        Cause::CacheCorrupt if detail.verify => Action::Stop,
        Cause::CacheCorrupt => Action::Repair,
        // A proxy that could not log in at the origin: the classic sign of a private module.
        Cause::PrivateAuth if source == Some(Source::Proxy) && detail.remote_words => Action::Private,
        Cause::PrivateAuth => Action::Stop,
        // `toolchain not available` hides what happened; other proxies may have it.
        Cause::ToolchainDownload if detail.ambiguous => Action::Reroute,
        Cause::ToolchainDownload => Action::Stop,
        Cause::SumdbMisbehaviour
        | Cause::CachePermission
        | Cause::DiskFull
        | Cause::VcsMissing
        | Cause::UnknownRevision
        | Cause::PathMismatch
        | Cause::MissingPackage
        | Cause::GoVersion
        | Cause::GoModSyntax
        | Cause::AmbiguousImport
        | Cause::ImportRestriction
        | Cause::CompileError
        | Cause::TestFailure
        | Cause::ProxyOff
        | Cause::OomKilled
        | Cause::Other
        | Cause::None => Action::Stop,
    }
}

/// The place of a cause in the order of domination, lowest first; equals go by line.
///
/// First what endangers (integrity), then what no other failure can explain (the machine), then
/// verdicts that come with a remedy of the user's, then the network. What a network fault may have
/// caused (an unknown revision, a package not found) stands below it.
pub(super) fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::SumdbMisbehaviour => 0,
        Cause::ChecksumMismatch => 1,
        Cause::DiskFull => 2,
        Cause::OomKilled => 3,
        Cause::CachePermission => 4,
        Cause::CacheCorrupt => 5,
        Cause::VcsMissing => 6,
        Cause::PrivateAuth => 7,
        Cause::ToolchainDownload => 8,
        Cause::Stalled
        | Cause::Eof
        | Cause::Timeout
        | Cause::ConnReset
        | Cause::ConnRefused
        | Cause::Dns
        | Cause::Unreachable
        | Cause::TlsCert
        | Cause::Http2
        | Cause::Http429
        | Cause::Http5xx
        | Cause::CaptiveOrHtml
        | Cause::SumdbUnreachable
        | Cause::GitNetwork
        | Cause::Http403
        | Cause::Http404410 => 9,
        Cause::GoVersion => 10,
        Cause::ProxyOff => 11,
        Cause::UnknownRevision => 12,
        Cause::PathMismatch => 13,
        Cause::GoModSyntax => 14,
        Cause::AmbiguousImport => 15,
        Cause::MissingPackage => 16,
        Cause::ImportRestriction => 17,
        Cause::CompileError => 18,
        Cause::TestFailure => 19,
        Cause::Other => 20,
        Cause::None => 21,
    }
}
