//! What go says about modules, versions, packages and this machine: words of its own that name a
//! cause without any network error inside.

use super::envelope::{self, Named};
use crate::vocabulary::{Cause, Detail, Source};
use regex::Regex;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A cause that go's own words name.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub cause: Cause,
    pub source: Option<Source>,
    pub named: Named,
    pub detail: Detail,
}

/// Words (lower case) and what they mean, read in order.
const WORDS: &[(&str, Cause, Option<Source>)] = &[
    // the checksum database speaks of itself
    ("server misbehavior", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("misbehaving server", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("no verifiable signatures", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("note has no verifiable", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("invalid signature for key", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("cannot authenticate record", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("checksum missing from sumdb", Cause::SumdbMisbehaviour, Some(Source::Sumdb)),
    ("tilereader returned bad", Cause::CacheCorrupt, Some(Source::Sumdb)),
    ("checking tree#", Cause::CacheCorrupt, Some(Source::Sumdb)),
    ("malformed note", Cause::CacheCorrupt, Some(Source::Sumdb)),
    ("malformed record data", Cause::SumdbUnreachable, Some(Source::Sumdb)),
    ("cannot validate record", Cause::SumdbUnreachable, Some(Source::Sumdb)),
    ("database disabled by gosumdb=off", Cause::ToolchainDownload, Some(Source::Toolchain)),
    // toolchains
    ("toolchain not available", Cause::ToolchainDownload, Some(Source::Toolchain)),
    ("is a language version but not a toolchain", Cause::ToolchainDownload, Some(Source::Toolchain)),
    ("not found as go1", Cause::ToolchainDownload, Some(Source::Toolchain)),
    ("invalid gotoolchain", Cause::ToolchainDownload, Some(Source::Toolchain)),
    ("invalid toolchain", Cause::ToolchainDownload, Some(Source::Toolchain)),
    ("requires go >=", Cause::GoVersion, Some(Source::Local)),
    ("requires go1", Cause::GoVersion, Some(Source::Local)),
    ("requires go 1", Cause::GoVersion, Some(Source::Local)),
    ("unknown directive: toolchain", Cause::GoVersion, Some(Source::Local)),
    ("unknown directive: godebug", Cause::GoVersion, Some(Source::Local)),
    ("unknown directive: tool", Cause::GoVersion, Some(Source::Local)),
    ("unknown directive: ignore", Cause::GoVersion, Some(Source::Local)),
    ("unknown block type: tool", Cause::GoVersion, Some(Source::Local)),
    ("unknown block type: godebug", Cause::GoVersion, Some(Source::Local)),
    ("unknown block type: ignore", Cause::GoVersion, Some(Source::Local)),
    ("invalid go version", Cause::GoVersion, Some(Source::Local)),
    ("but maximum supported version", Cause::GoVersion, Some(Source::Local)),
    ("but maximum version supported", Cause::GoVersion, Some(Source::Local)),
    ("does not match go tool version", Cause::GoVersion, Some(Source::Local)),
    ("unsupported version of go", Cause::GoVersion, Some(Source::Local)),
    ("module requires at least go", Cause::GoVersion, Some(Source::Local)),
    // no network wanted
    ("disabled by goproxy=off", Cause::ProxyOff, Some(Source::Local)),
    ("disabled by goprivate/gonoproxy", Cause::ProxyOff, Some(Source::Local)),
    ("does not match goprivate/gonoproxy", Cause::ProxyOff, Some(Source::Local)),
    ("disabled by cmdgonetlimit", Cause::ProxyOff, Some(Source::Local)),
    ("module lookup disabled", Cause::ProxyOff, Some(Source::Local)),
    // version control
    ("missing git command", Cause::VcsMissing, Some(Source::Local)),
    ("missing mercurial command", Cause::VcsMissing, Some(Source::Local)),
    ("missing subversion command", Cause::VcsMissing, Some(Source::Local)),
    ("missing bazaar command", Cause::VcsMissing, Some(Source::Local)),
    ("missing fossil command", Cause::VcsMissing, Some(Source::Local)),
    ("error obtaining vcs status: exec", Cause::VcsMissing, Some(Source::Local)),
    ("govcs disallows", Cause::VcsMissing, Some(Source::Local)),
    ("unable to resolve git version", Cause::VcsMissing, Some(Source::Local)),
    ("no secure protocol found", Cause::GitNetwork, Some(Source::Vcs)),
    // the cache
    ("zip has been modified", Cause::CacheCorrupt, Some(Source::Cache)),
    ("dir has been modified", Cause::CacheCorrupt, Some(Source::Cache)),
    ("missing ziphash", Cause::CacheCorrupt, Some(Source::Cache)),
    ("unexpected ziphash", Cause::CacheCorrupt, Some(Source::Cache)),
    ("zip: not a valid zip file", Cause::CacheCorrupt, None),
    ("zip: checksum error", Cause::CacheCorrupt, None),
    ("zip: unsupported compression", Cause::CacheCorrupt, None),
    ("flate: corrupt input", Cause::CacheCorrupt, None),
    ("has unexpected file", Cause::CacheCorrupt, None),
    ("downloaded zip file too large", Cause::Other, Some(Source::Proxy)),
    ("module zip file is too large", Cause::Other, Some(Source::Proxy)),
    ("object is [", Cause::CacheCorrupt, Some(Source::Cache)),
    ("not a package file", Cause::CacheCorrupt, Some(Source::Cache)),
    ("corrupt export data", Cause::CacheCorrupt, Some(Source::Cache)),
    ("malformed archive", Cause::CacheCorrupt, Some(Source::Cache)),
    ("link: cannot open file", Cause::CacheCorrupt, Some(Source::Cache)),
    ("could not create module cache", Cause::CachePermission, Some(Source::Cache)),
    ("failed to initialize build cache", Cause::CachePermission, Some(Source::Cache)),
    ("creating work dir", Cause::CachePermission, Some(Source::Local)),
    // go.mod of a dependency that came as a page or empty
    ("missing module line", Cause::CacheCorrupt, Some(Source::Cache)),
    ("missing module declaration", Cause::CacheCorrupt, Some(Source::Cache)),
    // whose module is it
    ("declares its path as", Cause::PathMismatch, Some(Source::Local)),
    ("but was required as", Cause::PathMismatch, Some(Source::Local)),
    ("module path must match major version", Cause::PathMismatch, Some(Source::Local)),
    ("major version must be compatible", Cause::PathMismatch, Some(Source::Local)),
    ("go.mod has post-v", Cause::PathMismatch, Some(Source::Local)),
    ("go.mod has non-", Cause::PathMismatch, Some(Source::Local)),
    ("go.mod has malformed module path", Cause::PathMismatch, Some(Source::Local)),
    ("unexpected module path", Cause::PathMismatch, Some(Source::Local)),
    ("used for two different module paths", Cause::PathMismatch, Some(Source::Local)),
    ("code in directory", Cause::PathMismatch, Some(Source::Local)),
    ("ambiguous import", Cause::AmbiguousImport, Some(Source::Local)),
    // what the rules forbid
    ("missing go.sum entry", Cause::ImportRestriction, Some(Source::Local)),
    ("updates to go.", Cause::ImportRestriction, Some(Source::Local)),
    ("inconsistent vendoring", Cause::ImportRestriction, Some(Source::Local)),
    ("cannot query module due to -mod", Cause::ImportRestriction, Some(Source::Local)),
    ("import lookup disabled by -mod", Cause::ImportRestriction, Some(Source::Local)),
    ("-mod may only be set to", Cause::ImportRestriction, Some(Source::Local)),
    ("disabled by -mod=", Cause::ImportRestriction, Some(Source::Local)),
    ("-mod=readonly", Cause::ImportRestriction, Some(Source::Local)),
    ("not marked as", Cause::ImportRestriction, Some(Source::Local)),
    ("use of internal package", Cause::ImportRestriction, Some(Source::Local)),
    ("use of vendored package", Cause::ImportRestriction, Some(Source::Local)),
    ("must be imported as", Cause::ImportRestriction, Some(Source::Local)),
    ("not an importable package", Cause::ImportRestriction, Some(Source::Local)),
    ("import cycle not allowed", Cause::ImportRestriction, Some(Source::Local)),
    ("is not one of the workspace modules", Cause::ImportRestriction, Some(Source::Local)),
    ("cannot be used in workspace", Cause::ImportRestriction, Some(Source::Local)),
    ("contains one or more replace directives", Cause::ImportRestriction, Some(Source::Local)),
    ("relative import not supported", Cause::ImportRestriction, Some(Source::Local)),
    ("local import", Cause::ImportRestriction, Some(Source::Local)),
    // packages
    ("no required module provides package", Cause::MissingPackage, Some(Source::Local)),
    ("no module provides package", Cause::MissingPackage, Some(Source::Local)),
    ("cannot find module providing package", Cause::MissingPackage, Some(Source::Local)),
    ("cannot find module for path", Cause::MissingPackage, Some(Source::Local)),
    ("cannot find package", Cause::MissingPackage, Some(Source::Local)),
    ("does not contain package", Cause::MissingPackage, Some(Source::Local)),
    ("doesn't contain package", Cause::MissingPackage, Some(Source::Local)),
    ("but not at required revision", Cause::MissingPackage, Some(Source::Local)),
    ("is not in std", Cause::MissingPackage, Some(Source::Local)),
    ("is not in goroot", Cause::MissingPackage, Some(Source::Local)),
    ("no go files in", Cause::MissingPackage, Some(Source::Local)),
    ("no non-test go files", Cause::MissingPackage, Some(Source::Local)),
    ("no buildable go source", Cause::MissingPackage, Some(Source::Local)),
    ("build constraints exclude all go files", Cause::MissingPackage, Some(Source::Local)),
    ("not a known dependency", Cause::MissingPackage, Some(Source::Local)),
    ("outside available modules", Cause::MissingPackage, Some(Source::Local)),
    ("outside main module", Cause::MissingPackage, Some(Source::Local)),
    ("does not contain main module", Cause::MissingPackage, Some(Source::Local)),
    ("matched no packages", Cause::MissingPackage, Some(Source::Local)),
    ("does not exist locally", Cause::MissingPackage, Some(Source::Local)),
    ("invalid char '", Cause::MissingPackage, Some(Source::Local)),
    // versions
    ("unknown revision", Cause::UnknownRevision, Some(Source::Vcs)),
    ("no matching versions for query", Cause::UnknownRevision, None),
    ("invalid pseudo-version", Cause::UnknownRevision, None),
    ("no commits", Cause::UnknownRevision, Some(Source::Vcs)),
    ("disallowed version string", Cause::UnknownRevision, None),
    ("should be v0 or v1", Cause::UnknownRevision, None),
    ("missing go.mod and", Cause::UnknownRevision, None),
    ("does not match version-control timestamp", Cause::UnknownRevision, None),
    ("revision is longer than", Cause::UnknownRevision, None),
    ("is not a tag", Cause::UnknownRevision, None),
    ("version must be of the form", Cause::UnknownRevision, None),
    ("must be of the form v1.2.3", Cause::UnknownRevision, None),
    ("retracted", Cause::Other, None),
    // files of the user's
    ("malformed module path", Cause::GoModSyntax, Some(Source::Local)),
    ("malformed import path", Cause::GoModSyntax, Some(Source::Local)),
    ("malformed go.sum", Cause::GoModSyntax, Some(Source::Local)),
    ("malformed go.work.sum", Cause::GoModSyntax, Some(Source::Local)),
    ("unknown directive", Cause::GoModSyntax, Some(Source::Local)),
    ("unknown block type", Cause::GoModSyntax, Some(Source::Local)),
    ("errors parsing", Cause::GoModSyntax, Some(Source::Local)),
    ("error loading go.mod", Cause::GoModSyntax, Some(Source::Local)),
    ("repeated go statement", Cause::GoModSyntax, Some(Source::Local)),
    ("usage: require", Cause::GoModSyntax, Some(Source::Local)),
    ("usage: replace", Cause::GoModSyntax, Some(Source::Local)),
    ("invalid version", Cause::UnknownRevision, None),
    // the machine
    ("signal: killed", Cause::OomKilled, Some(Source::Local)),
    ("out of memory", Cause::OomKilled, Some(Source::Local)),
    ("cannot allocate memory", Cause::OomKilled, Some(Source::Local)),
    ("failed to create new os thread", Cause::OomKilled, Some(Source::Local)),
    ("errno=12", Cause::OomKilled, Some(Source::Local)),
];

/// Packages that came to the standard library after Go 1.11: an old go looks for them elsewhere.
const NEW_STD: &[&str] = &[
    "io/fs",
    "embed",
    "slices",
    "maps",
    "cmp",
    "iter",
    "unique",
    "weak",
    "structs",
    "log/slog",
    "net/netip",
    "math/rand/v2",
    "testing/fstest",
    "testing/slogtest",
    "testing/synctest",
    "testing/cryptotest",
    "testing/iotest",
    "time/tzdata",
    "hash/maphash",
    "runtime/metrics",
    "runtime/coverage",
    "go/build/constraint",
    "go/version",
    "go/doc/comment",
    "crypto/ecdh",
    "crypto/ed25519",
    "crypto/hkdf",
    "crypto/mlkem",
    "crypto/pbkdf2",
    "crypto/sha3",
    "crypto/fips140",
    "crypto/hpke",
    "debug/buildinfo",
    "encoding/json/v2",
    "encoding/json/jsontext",
    "os/user",
    "sync/atomic",
    "arena",
    "internal/goexperiment",
    "simd",
    "uuid",
];

static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:package |import path |module path |load )"?([A-Za-z0-9_*][^\s":;,]*)"?"#).expect("fixed")
});
static PROVIDES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:provid(?:es|ing) package|contain package|cannot find package|for path) "?([A-Za-z0-9_][^\s":;,]*)"?"#).expect("fixed")
});
static REQUIRED_AS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"but was required as: *(\S+)").expect("fixed"));
static FOUND: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bmodule (\S+?)@(\S+) found").expect("fixed"));
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:multiple modules:\s*|^)((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?:/\S+)?)(?: (v\d\S*))?")
        .expect("fixed")
});
static VENDORED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([A-Za-z0-9][^\s:@]*)(?:@(v\S+))?: ").expect("fixed"));
static SPACED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:go: )?((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?:/\S+)?) (v\d\S*): ").expect("fixed")
});
static UNZIP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"unzip (.+?\.zip): ").expect("fixed"));
static DOWNLOADED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"cache[\\/]download[\\/](.+?)[\\/]@v[\\/]([^\\/]+)\.(zip|ziphash|mod|info|lock|list)")
        .expect("fixed")
});
static OPENED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:open|stat|lstat|read|chdir|fork/exec) ([^:]*(?:[\\/]pkg[\\/]mod[\\/]|@v\d|[\\/]go-build[\\/])[^:]*|[A-Za-z]:[^:]*[\\/]pkg[\\/]mod[\\/][^:]*): (?:no such file|The system cannot find|input/output error|is a directory|not a directory|bad message|unexpected)")
        .expect("fixed")
});
static COMPILED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:could not import|cannot open file|open) .*(?:-[ad]\b|go-build[^:]*|\(open [^)]*): ?(?:no such file|The system cannot find|input/output)").expect("fixed")
});
static TOOLCHAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bdownload (go\d[\w.]*)(?: for ([a-z0-9]+)/([a-z0-9]+))?: ").expect("fixed")
});
static MISSING_TOOL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"exec: "?(?:git|hg|svn|bzr|fossil)(?:\.exe)?"?: (?:executable file )?not found"#)
        .expect("fixed")
});
static MISSING_GO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"cannot find "?go1[\w.]*"? in "#).expect("fixed"));
static DEPENDENCY_GO_MOD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"@v\S+: parsing (?:\S*[\\/])?go\.mod:").expect("fixed"));
static GO_MOD_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:go: )?(?:\S.*?[\\/])?go\.(?:mod|work|sum):\d+(?::\d+)?: ").expect("fixed")
});
static PAGE_WORDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)<!?[a-z/]|doctype|html").expect("fixed"));

/// Reads go's own words. `main` is the line with the error, `details` what stands below it.
pub(super) fn read(main: &str, details: &str) -> Option<Said> {
    let whole = if details.is_empty() { main.to_owned() } else { format!("{main}\n{details}") };
    let lower = whole.to_lowercase();
    let mut said = Said {
        cause: Cause::Other,
        source: Some(Source::Local),
        named: envelope::named(main),
        detail: Detail::default(),
    };
    if lower.starts_with("note: ") || lower.starts_with("to ") {
        return None;
    }
    if let Some(c) = TOOLCHAIN.captures(main) {
        said.source = Some(Source::Toolchain);
        said.cause = Cause::ToolchainDownload;
        said.named.module = Some("golang.org/toolchain".to_owned());
        if let (Some(os), Some(arch)) = (c.get(2), c.get(3)) {
            said.named.version = Some(format!("v0.0.1-{}.{}-{}", &c[1], os.as_str(), arch.as_str()));
        }
        // A network error inside is for the caller to read; what is left names no cause.
        // A file that an unpacked toolchain lacks is no network's fault.
        said.detail.ambiguous = !lower.contains("gosumdb=off") && !lower.contains(": lstat ");
        return Some(said);
    }
    if MISSING_GO.is_match(main) {
        said.cause = Cause::ToolchainDownload;
        said.source = Some(Source::Toolchain);
        return Some(said);
    }
    if MISSING_TOOL.is_match(&whole) {
        said.cause = Cause::VcsMissing;
        return Some(said);
    }
    if UNZIP.is_match(main) || COMPILED.is_match(&whole) || OPENED.is_match(main) {
        cache_path(main, &mut said);
        return Some(said);
    }
    if DEPENDENCY_GO_MOD.is_match(&whole)
        && !lower.contains("declares its path as")
        && let Some(cause) = dependency_go_mod(&lower)
    {
        said.cause = cause;
        said.detail.go_mod = true;
        said.source = Some(if cause == Cause::GoVersion { Source::Local } else { Source::Cache });
        return Some(said);
    }
    if let Some(&(_, cause, source)) = WORDS.iter().find(|(words, ..)| lower.contains(words)) {
        said.cause = cause;
        said.source = source;
        refine(main, details, &lower, &mut said);
        return Some(said);
    }
    if GO_MOD_LINE.is_match(main) {
        said.cause = Cause::GoModSyntax;
        return Some(said);
    }
    None
}

/// The go.mod of a dependency does not parse: a page came instead, or go is too old for it.
fn dependency_go_mod(lower: &str) -> Option<Cause> {
    if lower.contains("invalid go version")
        || lower.contains("unknown directive: tool")
        || lower.contains("unknown directive: godebug")
    {
        Some(Cause::GoVersion)
    } else if PAGE_WORDS.is_match(lower) {
        Some(Cause::CaptiveOrHtml)
    } else if lower.contains("missing module")
        || lower.contains("syntax error")
        || lower.contains("unknown directive")
        || lower.contains("unexpected")
    {
        Some(Cause::CacheCorrupt)
    } else {
        None
    }
}

/// A file of the module cache or build cache that is damaged or gone.
fn cache_path(main: &str, said: &mut Said) {
    said.cause = Cause::CacheCorrupt;
    said.source = Some(Source::Cache);
    let path = UNZIP.captures(main).or_else(|| OPENED.captures(main)).map(|c| c[1].trim().to_owned());
    if let Some(path) = path {
        if let Some(c) = DOWNLOADED.captures(&path) {
            said.named.module = Some(super::urls::unescape(&c[1].replace('\\', "/")));
            said.named.version = Some(super::urls::unescape(&c[2]));
        } else if let Some((named, _)) = envelope::module_of_file(&path) {
            said.named = named;
        }
        said.detail.path = Some(PathBuf::from(path));
    }
}

/// The module, and what distinguishes cases of one wording.
fn refine(main: &str, details: &str, lower: &str, said: &mut Said) {
    match said.cause {
        Cause::ToolchainDownload if lower.contains("gosumdb=off") && !lower.contains("toolchain") => {
            said.cause = Cause::Other;
            said.source = Some(Source::Sumdb);
        }
        Cause::ToolchainDownload => said.detail.ambiguous = lower.contains("toolchain not available"),
        Cause::GitNetwork => said.detail.ambiguous = true,
        Cause::CacheCorrupt => {
            said.detail.verify =
                lower.contains("has been modified") || lower.contains("missing ziphash: open");
            if let Some(c) = SPACED.captures(main) {
                said.named.module = Some(c[1].to_owned());
                said.named.version = Some(c[2].to_owned());
            }
            if said.source.is_none() {
                said.detail.ambiguous = true;
            }
        }
        Cause::PathMismatch => {
            if let Some(c) = REQUIRED_AS.captures(main).or_else(|| REQUIRED_AS.captures(details))
                && said.named.module.as_deref() != Some(&c[1])
            {
                said.named = Named { module: Some(c[1].to_owned()), ..Named::default() };
            }
        }
        Cause::AmbiguousImport => {
            let listed = LISTED
                .captures(main)
                .filter(|_| main.contains("multiple modules: "))
                .or_else(|| LISTED.captures(details));
            if let Some(c) = listed {
                said.named = Named {
                    module: Some(c[1].to_owned()),
                    version: c.get(2).map(|v| v.as_str().to_owned()),
                    go_mod: false,
                };
            }
        }
        Cause::ImportRestriction
            if lower.contains("not marked as") || lower.contains("inconsistent vendoring") =>
        {
            if let Some(c) = VENDORED.captures(if details.is_empty() { main } else { details }) {
                said.named = Named {
                    module: Some(c[1].to_owned()),
                    version: c.get(2).map(|v| v.as_str().to_owned()),
                    go_mod: false,
                };
            }
        }
        Cause::MissingPackage | Cause::ImportRestriction | Cause::GoModSyntax => package(main, lower, said),
        _ => {}
    }
}

/// Failures that name a package more surely than a module.
fn package(main: &str, lower: &str, said: &mut Said) {
    let quoted = QUOTED.captures(main).map(|c| c[1].to_owned());
    let standard = quoted.as_deref().is_some_and(|p| NEW_STD.contains(&p));
    if standard
        && (said.cause == Cause::MissingPackage || lower.contains("missing dot in first path element"))
    {
        said.cause = Cause::GoVersion;
        return;
    }
    if said.cause == Cause::GoModSyntax && lower.contains("malformed module path") {
        // An import of the user's, not a line of go.mod and not an argument of go get.
        if lower.starts_with("package ")
            || lower.contains("cannot load")
            || lower.contains("can't load")
            || lower.contains(" imports")
            || envelope::position(main).is_some()
        {
            said.cause = Cause::MissingPackage;
        }
        if said.named.module.as_deref().is_some_and(|m| !m.contains('.')) {
            said.named = Named::default();
        }
        return;
    }
    if let Some(c) = FOUND.captures(main) {
        said.named = Named { module: Some(c[1].to_owned()), version: Some(c[2].to_owned()), go_mod: false };
    } else if let Some(c) = PROVIDES.captures(main).filter(|_| said.named.version.is_none()) {
        let package = c[1].trim_end_matches('.');
        let first = package.split('/').next().unwrap_or("");
        said.named = Named::default();
        if super::urls::is_domain(first) {
            said.named.module = Some(envelope::guess_module(package));
        }
    }
}
