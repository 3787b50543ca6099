//! The causes, each with the sources that it has.

use super::{Class, Row, Setting, Suspicion, Trouble};
use crate::vocabulary::{Cause, Detail, Source};
use crate::words::verdicts;

/// The rank of what the network did: all alike.
const NETWORK: u8 = 9;

const fn of(class: Class, trouble: Trouble, rank: u8) -> Row {
    Row {
        class,
        trouble,
        setting: None,
        suspicion: Suspicion::Nothing,
        rank,
        reason: None,
        speaks: !matches!(class, Class::Stop),
    }
}

/// A request that failed on its way.
const fn again() -> Row {
    of(Class::Again, Trouble::Host, NETWORK)
}

/// What repeating cannot help.
const fn stop(trouble: Trouble, rank: u8) -> Row {
    of(Class::Stop, trouble, rank)
}

/// The same, where what can be done about it is worth a line of gox's beside go's own.
const fn stop_and_tell(trouble: Trouble, rank: u8) -> Row {
    Row { speaks: true, ..stop(trouble, rank) }
}

/// The same fault, by who was asked: of the checksum database there is only another way to the same
/// one, and a handshake that dies in discovery may be too large for something in between.
const fn asked(row: Row, source: Option<Source>) -> Row {
    match source {
        Some(Source::Sumdb) => Row { class: Class::Database, ..row },
        Some(
            Source::Proxy | Source::Direct | Source::Vcs | Source::Toolchain | Source::Cache | Source::Local,
        )
        | None => row,
    }
}

/// A connection that dies; `early` where it may have died in the handshake.
const fn dying(row: Row, source: Option<Source>, early: bool) -> Row {
    match source {
        Some(Source::Direct) if early => Row { setting: Some(Setting::NoMlkem), ..row },
        Some(
            Source::Proxy
            | Source::Direct
            | Source::Vcs
            | Source::Sumdb
            | Source::Toolchain
            | Source::Cache
            | Source::Local,
        )
        | None => asked(row, source),
    }
}

/// What is known of a checksum database that did not answer as it should.
const fn of_database(row: Row, detail: Detail) -> Row {
    match detail {
        Detail::Away => Row { trouble: Trouble::Dead, ..row },
        Detail::Untrusted => untrusted_database(row),
        Detail::Absent => unknown_to_database(row),
        Detail::Refused => refused_by_database(row),
        Detail::Plain
        | Detail::Hidden
        | Detail::NoMetaTags
        | Detail::HttpProxy
        | Detail::Handshake
        | Detail::PlainHttp
        | Detail::Reasoned
        | Detail::Odd
        | Detail::Verify
        | Detail::Unfit
        | Detail::Resolver
        | Detail::Unknown
        | Detail::Astray => row,
    }
}

const fn untrusted_database(row: Row) -> Row {
    Row { trouble: Trouble::Dead, reason: Some(verdicts::NOBODY_ELSE), ..row }
}

const fn unknown_to_database(row: Row) -> Row {
    Row { class: Class::Stop, trouble: Trouble::Module, speaks: true, ..row }
}

const fn refused_by_database(row: Row) -> Row {
    Row { class: Class::Stop, ..row }
}

/// The row of a cause at a source, before its detail narrows it.
// Long because it is the table itself: a row for each cause, and no logic.
#[allow(clippy::too_many_lines)]
pub(super) const fn of_cause(cause: Cause, source: Option<Source>, detail: Detail) -> Row {
    use Trouble::{Dead, Here, Host, Module, Network, Silent};
    match cause {
        // Transport: the same request may well pass the next time.
        Cause::Eof | Cause::ConnReset => dying(again(), source, true),
        Cause::Timeout => {
            dying(Row { trouble: Silent, ..again() }, source, matches!(detail, Detail::Handshake))
        }
        Cause::Http2 => asked(Row { setting: Some(Setting::Http1), ..again() }, source),
        // Athens and others answer 500 for modules that do not exist; another try tells.
        Cause::Http5xx => asked(again(), source),
        Cause::Stalled => asked(Row { trouble: Silent, ..again() }, source),
        Cause::CaptiveOrHtml => page(again(), source, detail),
        Cause::Http429 => asked(of(Class::Slower, Host, NETWORK), source),
        // The place is dead for now; another may not be.
        Cause::ConnRefused => asked(of(Class::Elsewhere, Dead, NETWORK), source),
        Cause::Dns | Cause::Unreachable => asked(of(Class::Elsewhere, Network, NETWORK), source),
        Cause::TlsCert => certificate(source),
        Cause::Http403 => refusal(source, detail),
        Cause::Http404410 => absence(source),
        Cause::PrivateAuth => login(source),
        // Local damage or a bad download: the cache tells, go.sum judges what comes then.
        Cause::ChecksumMismatch => Row { suspicion: Suspicion::Version, ..of(Class::Mismatch, Host, 1) },
        Cause::SumdbUnreachable => {
            let row = of(Class::Database, Host, NETWORK);
            of_database(Row { suspicion: Suspicion::Database, ..row }, detail)
        }
        Cause::SumdbMisbehaviour if matches!(detail, Detail::Unfit) => of(Class::Database, Host, 0),
        Cause::SumdbMisbehaviour => {
            Row { reason: Some(verdicts::CONTRADICTS_AT_ONCE), ..stop_and_tell(Host, 0) }
        }
        Cause::CacheCorrupt => {
            let row = of(Class::Damage, Here, 5);
            match source {
                Some(Source::Sumdb) => Row { suspicion: Suspicion::Database, ..row },
                Some(
                    Source::Proxy
                    | Source::Direct
                    | Source::Vcs
                    | Source::Toolchain
                    | Source::Cache
                    | Source::Local,
                )
                | None => Row { suspicion: Suspicion::Anything, ..row },
            }
        }
        Cause::GitNetwork => Row { class: Class::Origin, setting: Some(Setting::GitPatience), ..again() },
        Cause::ToolchainDownload => {
            let row = stop_and_tell(Host, 8);
            if matches!(detail, Detail::Hidden) { Row { class: Class::Toolchain, ..row } } else { row }
        }
        Cause::DiskFull => stop(Here, 2),
        Cause::OomKilled => stop(Here, 3),
        Cause::CachePermission => stop(Here, 4),
        Cause::VcsMissing => stop_and_tell(Here, 6),
        Cause::GoVersion => stop(Here, 10),
        Cause::ProxyOff => stop(Here, 11),
        Cause::UnknownRevision => {
            let row = stop(Module, 12);
            match source {
                Some(Source::Direct | Source::Vcs) => Row { suspicion: Suspicion::Clone, ..row },
                Some(Source::Proxy | Source::Sumdb | Source::Toolchain | Source::Cache | Source::Local)
                | None => row,
            }
        }
        Cause::PathMismatch => Row { suspicion: Suspicion::Version, ..stop(Module, 13) },
        Cause::GoModSyntax => Row { suspicion: Suspicion::Version, ..stop(Here, 14) },
        Cause::AmbiguousImport => stop(Module, 15),
        Cause::MissingPackage => Row { suspicion: Suspicion::Package, ..stop(Module, 16) },
        Cause::ImportRestriction => stop(Here, 17),
        Cause::CompileError => stop(Here, 18),
        Cause::TestFailure => stop(Here, 19),
        Cause::Other if matches!(detail, Detail::Odd | Detail::Reasoned) => odd(stop(Here, 20)),
        Cause::Other => stop(Here, 20),
        Cause::None => stop(Here, 21),
    }
}

/// Never less TLS. An origin's certificate has no other place to go to.
const fn certificate(source: Option<Source>) -> Row {
    let row = Row { reason: Some(verdicts::NOBODY_ELSE), ..of(Class::Certificate, Trouble::Dead, NETWORK) };
    match source {
        Some(Source::Direct | Source::Vcs) => Row { class: Class::Stop, trouble: Trouble::Module, ..row },
        Some(Source::Sumdb) => untrusted_database(Row { class: Class::Database, ..row }),
        Some(Source::Proxy | Source::Toolchain | Source::Cache | Source::Local) | None => row,
    }
}

/// A status without a meaning of its own.
const fn odd(row: Row) -> Row {
    Row { class: Class::Repeats, trouble: Trouble::Module, speaks: true, ..row }
}

/// Bytes of somebody else's, or of the module's own site.
const fn page(row: Row, source: Option<Source>, detail: Detail) -> Row {
    match source {
        // The cached .mod that came of it would fail for ever.
        Some(Source::Cache) => Row { class: Class::Damage, trouble: Trouble::Here, ..row },
        Some(Source::Direct) if matches!(detail, Detail::NoMetaTags) => {
            Row { class: Class::Stop, trouble: Trouble::Module, ..row }
        }
        // It would do so again; who else may be asked may not.
        Some(Source::Proxy | Source::Direct | Source::Toolchain) | None
            if matches!(detail, Detail::Astray) =>
        {
            Row { class: Class::Certificate, ..row }
        }
        Some(
            Source::Proxy | Source::Direct | Source::Vcs | Source::Sumdb | Source::Toolchain | Source::Local,
        )
        | None => asked(row, source),
    }
}

const fn refusal(source: Option<Source>, detail: Detail) -> Row {
    let row = of(Class::Refusal, Trouble::Module, NETWORK);
    match source {
        // An origin's own refusal is its answer.
        Some(Source::Direct | Source::Vcs | Source::Toolchain) => Row { class: Class::Stop, ..row },
        Some(Source::Sumdb) => refused_by_database(row),
        Some(Source::Proxy | Source::Cache | Source::Local) | None => {
            if matches!(detail, Detail::Odd) {
                odd(row)
            } else {
                row
            }
        }
    }
}

const fn absence(source: Option<Source>) -> Row {
    // Whoever mistyped a version reads it in go's words.
    let row =
        Row { suspicion: Suspicion::Info, speaks: false, ..of(Class::Absence, Trouble::Module, NETWORK) };
    match source {
        // Where go asked the origin itself, GOPRIVATE changes nothing; of a toolchain, go has asked every
        // entry of the list that 404 leads to.
        Some(Source::Direct | Source::Vcs) => Row { class: Class::Stop, ..row },
        Some(Source::Toolchain) => Row { class: Class::Stop, speaks: true, ..row },
        Some(Source::Sumdb) => unknown_to_database(row),
        Some(Source::Proxy | Source::Cache | Source::Local) | None => row,
    }
}

const fn login(source: Option<Source>) -> Row {
    let row = stop_and_tell(Trouble::Module, 7);
    match source {
        // A proxy that could not log in at the origin, or wants a login itself: the classic sign of
        // a private module.
        Some(Source::Proxy) => Row { class: Class::Login, ..row },
        Some(
            Source::Direct | Source::Vcs | Source::Sumdb | Source::Toolchain | Source::Cache | Source::Local,
        )
        | None => row,
    }
}
