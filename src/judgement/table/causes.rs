//! The causes, each with the sources that it has.

use super::{Class, Row, Setting, Suspicion, Trouble};
use crate::vocabulary::{Cause, Detail, Source};

/// The rank of what the network did: all alike.
const NETWORK: u8 = 9;

const fn of(class: Class, trouble: Trouble, rank: u8, meaning: &'static str, advice: &'static str) -> Row {
    Row {
        class,
        trouble,
        setting: None,
        suspicion: Suspicion::Nothing,
        rank,
        meaning,
        advice,
        reason: None,
        hint: None,
    }
}

/// A request that failed on its way.
const fn again(meaning: &'static str) -> Row {
    let advice = "run the command as `gox ...`, or once more by hand";
    of(Class::Again, Trouble::Host, NETWORK, meaning, advice)
}

/// What repeating cannot help.
const fn stop(trouble: Trouble, rank: u8, meaning: &'static str, advice: &'static str) -> Row {
    of(Class::Stop, trouble, rank, meaning, advice)
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
        | Detail::Resolver => row,
    }
}

const fn untrusted_database(row: Row) -> Row {
    Row {
        trouble: Trouble::Dead,
        reason: Some("the checksum database's certificate is not trusted"),
        hint: Some("name the root certificate in SSL_CERT_FILE"),
        ..row
    }
}

const fn unknown_to_database(row: Row) -> Row {
    Row {
        class: Class::Stop,
        trouble: Trouble::Module,
        advice: "check path and version; no public database knows a private module",
        reason: Some("the checksum database does not know {module}"),
        hint: Some("if {module} is private, GOPRIVATE={module} keeps it out of the public database"),
        ..row
    }
}

const fn refused_by_database(row: Row) -> Row {
    Row {
        class: Class::Stop,
        reason: Some("the checksum database refused"),
        hint: Some("check GOSUMDB, or the proxy that serves /sumdb/"),
        ..row
    }
}

/// The row of a cause at a source, before its detail narrows it.
// Long because it is the table itself: a row for each cause, and no logic.
#[allow(clippy::too_many_lines)]
pub(super) const fn of_cause(cause: Cause, source: Option<Source>, detail: Detail) -> Row {
    use Trouble::{Dead, Here, Host, Module, Network, Silent};
    match cause {
        // Transport: the same request may well pass the next time.
        Cause::Eof => dying(again("the connection ended before the answer was whole"), source, true),
        Cause::ConnReset => dying(again("the connection was reset"), source, true),
        Cause::Timeout => {
            let row = Row { trouble: Silent, ..again("no answer came in time") };
            dying(row, source, matches!(detail, Detail::Handshake))
        }
        Cause::Http2 => {
            let row = again("the HTTP/2 connection broke");
            asked(Row { setting: Some(Setting::Http1), ..row }, source)
        }
        // Athens and others answer 500 for modules that do not exist; another try tells.
        Cause::Http5xx => asked(again("the server has trouble of its own"), source),
        Cause::Stalled => asked(Row { trouble: Silent, ..again("nothing moved any more") }, source),
        Cause::CaptiveOrHtml => {
            let row = Row {
                advice: "look at the URL in a browser: is there a login page on this network?",
                ..again("a page or garbage came instead of an answer")
            };
            page(row, source, detail)
        }
        Cause::Http429 => {
            let advice = "wait; a proxy of your own (GOPROXY) or GOFLAGS=-p=2 asks less";
            asked(of(Class::Slower, Host, NETWORK, "too many requests", advice), source)
        }
        // The place is dead for now; another may not be.
        Cause::ConnRefused => {
            let advice = "check that {host} can be reached from here";
            asked(of(Class::Elsewhere, Dead, NETWORK, "nobody listens at that address", advice), source)
        }
        Cause::Dns => {
            let advice = "check the name {host} and this machine's resolver";
            asked(of(Class::Elsewhere, Network, NETWORK, "the name did not resolve", advice), source)
        }
        Cause::Unreachable => {
            let advice = "check that {host} can be reached from here";
            asked(of(Class::Elsewhere, Network, NETWORK, "there is no way to that host", advice), source)
        }
        Cause::TlsCert => certificate(source),
        Cause::Http403 => refusal(source, detail),
        Cause::Http404410 => absence(source),
        Cause::PrivateAuth => login(source),
        // Local damage or a bad download: the cache tells, go.sum judges what comes then.
        Cause::ChecksumMismatch => {
            let advice = "do not edit go.sum; find out who changed the module (`go help module-auth`)";
            let row = of(Class::Mismatch, Host, 1, "the bytes do not have the hash they must have", advice);
            Row { suspicion: Suspicion::Version, ..row }
        }
        Cause::SumdbUnreachable => {
            let advice = "keep GOSUMDB on; GOSUMDB=sum.golang.google.cn is the same database";
            let row = of(Class::Database, Host, NETWORK, "the checksum database did not answer", advice);
            of_database(Row { suspicion: Suspicion::Database, ..row }, detail)
        }
        Cause::SumdbMisbehaviour if matches!(detail, Detail::Unfit) => of(
            Class::Database,
            Host,
            0,
            "an answer of the checksum database does not fit its signed tree",
            "try again: it may have been damaged on the way; if it stays, stop using this network or proxy",
        ),
        Cause::SumdbMisbehaviour => Row {
            reason: Some("the checksum database contradicts itself: nothing is retried"),
            ..stop(
                Host,
                0,
                "the checksum database contradicts itself or is not signed",
                "stop using this network or proxy until it is explained",
            )
        },
        Cause::CacheCorrupt => {
            let advice = "run the command as `gox ...`, or remove that file by hand";
            let row = of(Class::Damage, Here, 5, "a cached file is damaged or gone", advice);
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
        Cause::GitNetwork => Row {
            class: Class::Origin,
            setting: Some(Setting::GitPatience),
            advice: "run the command as `gox ...`; a proxy in GOPROXY needs no git",
            ..again("version control met a fault of the network")
        },
        Cause::ToolchainDownload => {
            let row = Row {
                reason: Some("the toolchain that go.mod asks for cannot be had here"),
                hint: Some(TOOLCHAIN),
                ..stop(
                    Host,
                    8,
                    "the Go toolchain that go.mod asks for could not be fetched",
                    "install that Go release, or set GOTOOLCHAIN=local and lower the go line",
                )
            };
            if matches!(detail, Detail::Hidden) { Row { class: Class::Toolchain, ..row } } else { row }
        }
        Cause::DiskFull => stop(Here, 2, "no space is left", "make room, e.g. `go clean -cache`"),
        Cause::OomKilled => stop(
            Here,
            3,
            "the process was killed, most likely for its memory",
            "give it more memory, or build with GOFLAGS=-p=1",
        ),
        Cause::CachePermission => stop(
            Here,
            4,
            "a folder that go needs cannot be written or read",
            "give yourself the folder, or set GOMODCACHE, GOCACHE or TMPDIR to another",
        ),
        Cause::VcsMissing => Row {
            reason: Some("a version control program is missing or not allowed"),
            hint: Some("install git (or the program named above), or let a module proxy answer"),
            ..stop(
                Here,
                6,
                "the version control program is missing or not allowed",
                "install git, or use a module proxy instead of direct (see also GOVCS)",
            )
        },
        Cause::GoVersion => stop(
            Here,
            10,
            "this go is too old",
            "use the Go release that is asked for (GOTOOLCHAIN=auto fetches it)",
        ),
        Cause::ProxyOff => Row {
            reason: Some("GOPROXY=off is obeyed"),
            ..stop(
                Here,
                11,
                "the settings forbid the look-up",
                "take `off` out of GOPROXY, or fill the cache first",
            )
        },
        Cause::UnknownRevision => {
            let row = stop(
                Module,
                12,
                "there is no such version, branch or commit",
                "see what there is: go list -m -versions {module}",
            );
            match source {
                Some(Source::Direct | Source::Vcs) => Row { suspicion: Suspicion::Clone, ..row },
                Some(Source::Proxy | Source::Sumdb | Source::Toolchain | Source::Cache | Source::Local)
                | None => row,
            }
        }
        Cause::PathMismatch => Row {
            suspicion: Suspicion::Version,
            ..stop(
                Module,
                13,
                "the module calls itself by another path",
                "require the module by the path it declares, or replace it",
            )
        },
        Cause::GoModSyntax => Row {
            suspicion: Suspicion::Version,
            ..stop(
                Here,
                14,
                "go.mod, go.sum, go.work or a module path cannot be read",
                "mend the line that is named",
            )
        },
        Cause::AmbiguousImport => stop(
            Module,
            15,
            "two modules provide the package",
            "require a version of one of the two that no longer has the package",
        ),
        Cause::MissingPackage => Row {
            suspicion: Suspicion::Package,
            ..stop(Module, 16, "no module provides the package", "check the import path, then `go mod tidy`")
        },
        Cause::ImportRestriction => stop(
            Here,
            17,
            "the rules of go forbid this import",
            "run `go mod tidy` (and `go mod vendor` where there is a vendor folder)",
        ),
        Cause::CompileError => stop(Here, 18, "the code does not compile", "mend the code at that place"),
        Cause::TestFailure => stop(Here, 19, "a test failed", "look at the test; its words are its own"),
        Cause::Other => {
            let row = stop(Here, 20, "an error of go's that no retry mends", "read go's own words below");
            if matches!(detail, Detail::Odd) { odd(row) } else { row }
        }
        Cause::None => stop(Here, 21, "nothing", "read go's own words below"),
    }
}

const TOOLCHAIN: &str = "GOTOOLCHAIN=local uses the installed go, where go.mod allows it";

/// Never less TLS. An origin's certificate has no other place to go to.
const fn certificate(source: Option<Source>) -> Row {
    let row = Row {
        reason: Some("the certificate is not trusted and nobody else may be asked"),
        hint: Some(
            "if your company inspects TLS, name its root certificate in SSL_CERT_FILE; gox never turns checks off",
        ),
        ..of(
            Class::Certificate,
            Trouble::Dead,
            NETWORK,
            "the certificate or the TLS handshake was rejected",
            "install the certificate of the company's proxy (SSL_CERT_FILE), check the clock",
        )
    };
    match source {
        Some(Source::Direct | Source::Vcs) => Row { class: Class::Stop, trouble: Trouble::Module, ..row },
        Some(Source::Sumdb) => untrusted_database(Row { class: Class::Database, ..row }),
        Some(Source::Proxy | Source::Toolchain | Source::Cache | Source::Local) | None => row,
    }
}

/// A status without a meaning of its own.
const fn odd(row: Row) -> Row {
    Row {
        class: Class::Repeats,
        trouble: Trouble::Module,
        meaning: "the server refused",
        advice: "ask who runs {host} what its answer means",
        ..row
    }
}

/// Bytes of somebody else's, or of the module's own site.
const fn page(row: Row, source: Option<Source>, detail: Detail) -> Row {
    let row = if matches!(detail, Detail::PlainHttp) {
        Row {
            meaning: "plain HTTP came where TLS was due",
            hint: Some("{host} speaks plain HTTP at this port"),
            ..row
        }
    } else {
        row
    };
    match source {
        // The cached .mod that came of it would fail for ever.
        Some(Source::Cache) => Row { class: Class::Damage, trouble: Trouble::Here, ..row },
        Some(Source::Direct) if matches!(detail, Detail::NoMetaTags) => Row {
            class: Class::Stop,
            trouble: Trouble::Module,
            meaning: "the module's own site names no repository",
            advice: "check the import path; if the module is private, give go credentials for {host}",
            reason: Some("{host} names no repository for {module}"),
            ..row
        },
        Some(
            Source::Proxy | Source::Direct | Source::Vcs | Source::Sumdb | Source::Toolchain | Source::Local,
        )
        | None => asked(row, source),
    }
}

const fn refusal(source: Option<Source>, detail: Detail) -> Row {
    let row = of(
        Class::Refusal,
        Trouble::Module,
        NETWORK,
        "the server refused",
        "ask who runs {host} whether {module} is allowed there",
    );
    match source {
        // An origin's own refusal is its answer.
        Some(Source::Direct | Source::Vcs) => Row { class: Class::Stop, ..row },
        Some(Source::Toolchain) => Row { class: Class::Stop, hint: Some(TOOLCHAIN), ..row },
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
    let row = Row {
        suspicion: Suspicion::Info,
        ..of(
            Class::Absence,
            Trouble::Module,
            NETWORK,
            "the server says that there is no such module or version",
            "check path and version; a private module is for `private` of your own gox.toml",
        )
    };
    match source {
        // Where go asked the origin itself, GOPRIVATE changes nothing.
        Some(Source::Direct | Source::Vcs) => Row { class: Class::Stop, ..row },
        // go has asked every entry of the list that 404 leads to.
        Some(Source::Toolchain) => Row { class: Class::Stop, hint: Some(TOOLCHAIN), ..row },
        Some(Source::Sumdb) => unknown_to_database(row),
        Some(Source::Proxy | Source::Cache | Source::Local) | None => row,
    }
}

const fn login(source: Option<Source>) -> Row {
    let row = Row {
        reason: Some("{host} asks for credentials"),
        hint: Some(
            "give git or go credentials for {host}: ~/.netrc, GOAUTH, or git config url.\"git@{host}:\".insteadOf https://{host}/",
        ),
        ..stop(
            Trouble::Module,
            7,
            "credentials are asked for",
            "give credentials for {host}: .netrc, GOAUTH, or ssh by git's insteadOf",
        )
    };
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
