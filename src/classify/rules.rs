//! The table of go's own sentences: the words, the cause, where, and what else to look for in the line.

use crate::vocabulary::{Cause, Source};

/// What else the words of a line are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing.
    Plain,
    /// The words hide the cause.
    Hidden,
    /// A toolchain.
    Toolchain,
    /// What is damaged, and who says so.
    Damage,
    /// A tree of the checksum database: damaged here, or out of reach.
    Tree,
    /// An answer of the checksum database that does not fit its signed tree.
    Unfit,
    /// Whose go.mod it is.
    GoMod,
    /// The path by which a module was required.
    Required,
    /// The first of the modules listed below.
    Listed,
    /// The module that a vendor folder disagrees about.
    Vendored,
    /// The package, where that is surer than the module.
    Package,
}

/// Words (lower case) and what they mean, read in order.
pub(super) const WORDS: &[(&str, Cause, Option<Source>, Look)] = &[
    // the checksum database speaks of itself
    ("server misbehavior", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Plain),
    ("misbehaving server", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Plain),
    ("no verifiable signatures", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Plain),
    ("note has no verifiable", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Plain),
    ("invalid signature for key", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Unfit),
    ("cannot authenticate record", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Unfit),
    ("checksum missing from sumdb", Cause::SumdbMisbehaviour, Some(Source::Sumdb), Look::Plain),
    ("tilereader returned bad", Cause::CacheCorrupt, Some(Source::Sumdb), Look::Damage),
    ("checking tree#", Cause::CacheCorrupt, Some(Source::Sumdb), Look::Tree),
    ("downloaded inconsistent tile", Cause::CacheCorrupt, Some(Source::Sumdb), Look::Damage),
    ("malformed note", Cause::CacheCorrupt, Some(Source::Sumdb), Look::Damage),
    ("malformed record data", Cause::SumdbUnreachable, Some(Source::Sumdb), Look::Unfit),
    ("cannot validate record", Cause::SumdbUnreachable, Some(Source::Sumdb), Look::Unfit),
    ("database disabled by gosumdb=off", Cause::ToolchainDownload, Some(Source::Toolchain), Look::Toolchain),
    // toolchains
    ("toolchain not available", Cause::ToolchainDownload, Some(Source::Toolchain), Look::Toolchain),
    (
        "is a language version but not a toolchain",
        Cause::ToolchainDownload,
        Some(Source::Toolchain),
        Look::Toolchain,
    ),
    ("not found as go1", Cause::ToolchainDownload, Some(Source::Toolchain), Look::Toolchain),
    ("invalid gotoolchain", Cause::ToolchainDownload, Some(Source::Toolchain), Look::Toolchain),
    ("invalid toolchain", Cause::ToolchainDownload, Some(Source::Toolchain), Look::Toolchain),
    ("requires go >=", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("requires go1", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("requires go 1", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown directive: toolchain", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown directive: godebug", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown directive: tool", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown directive: ignore", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown block type: tool", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown block type: godebug", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unknown block type: ignore", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("invalid go version", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("but maximum supported version", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("but maximum version supported", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("does not match go tool version", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("unsupported version of go", Cause::GoVersion, Some(Source::Local), Look::Plain),
    ("module requires at least go", Cause::GoVersion, Some(Source::Local), Look::Plain),
    // no network wanted
    ("disabled by goproxy=off", Cause::ProxyOff, Some(Source::Local), Look::Plain),
    ("disabled by goprivate/gonoproxy", Cause::ProxyOff, Some(Source::Local), Look::Plain),
    ("does not match goprivate/gonoproxy", Cause::ProxyOff, Some(Source::Local), Look::Plain),
    ("disabled by cmdgonetlimit", Cause::ProxyOff, Some(Source::Local), Look::Plain),
    ("module lookup disabled", Cause::ProxyOff, Some(Source::Local), Look::Plain),
    // version control
    ("missing git command", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("missing mercurial command", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("missing subversion command", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("missing bazaar command", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("missing fossil command", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("error obtaining vcs status: exec", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("govcs disallows", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("unable to resolve git version", Cause::VcsMissing, Some(Source::Local), Look::Plain),
    ("no secure protocol found", Cause::GitNetwork, Some(Source::Vcs), Look::Hidden),
    // the cache
    ("zip has been modified", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("dir has been modified", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("missing ziphash", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("unexpected ziphash", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("zip: not a valid zip file", Cause::CacheCorrupt, None, Look::Damage),
    ("zip: checksum error", Cause::CacheCorrupt, None, Look::Damage),
    ("zip: unsupported compression", Cause::CacheCorrupt, None, Look::Damage),
    ("flate: corrupt input", Cause::CacheCorrupt, None, Look::Damage),
    ("downloaded zip file too large", Cause::Other, Some(Source::Proxy), Look::Plain),
    ("module zip file is too large", Cause::Other, Some(Source::Proxy), Look::Plain),
    ("object is [", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("not a package file", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("corrupt export data", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("malformed archive", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("link: cannot open file", Cause::CacheCorrupt, Some(Source::Cache), Look::Damage),
    ("could not create module cache", Cause::CachePermission, Some(Source::Cache), Look::Plain),
    ("failed to initialize build cache", Cause::CachePermission, Some(Source::Cache), Look::Plain),
    ("creating work dir", Cause::CachePermission, Some(Source::Local), Look::Plain),
    // go.mod of a dependency that came as a page or empty
    ("missing module line", Cause::GoModSyntax, Some(Source::Local), Look::GoMod),
    ("missing module declaration", Cause::GoModSyntax, Some(Source::Local), Look::GoMod),
    // whose module is it
    ("declares its path as", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("but was required as", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("module path must match major version", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("major version must be compatible", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("go.mod has post-v", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("go.mod has non-", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("go.mod has malformed module path", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("unexpected module path", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("used for two different module paths", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("code in directory", Cause::PathMismatch, Some(Source::Local), Look::Required),
    ("ambiguous import", Cause::AmbiguousImport, Some(Source::Local), Look::Listed),
    // what the rules forbid
    ("missing go.sum entry", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("updates to go.", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("inconsistent vendoring", Cause::ImportRestriction, Some(Source::Local), Look::Vendored),
    ("cannot query module due to -mod", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("import lookup disabled by -mod", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("-mod may only be set to", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("disabled by -mod=", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("-mod=readonly", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("not marked as", Cause::ImportRestriction, Some(Source::Local), Look::Vendored),
    ("use of internal package", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("use of vendored package", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("must be imported as", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("not an importable package", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("import cycle not allowed", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("is not one of the workspace modules", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("cannot be used in workspace", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("contains one or more replace directives", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("relative import not supported", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    ("local import", Cause::ImportRestriction, Some(Source::Local), Look::Package),
    // packages
    ("no required module provides package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("no module provides package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("cannot find module providing package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("cannot find module for path", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("cannot find package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("does not contain package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("doesn't contain package", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("but not at required revision", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("is not in std", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("is not in goroot", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("no go files in", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("no non-test go files", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("no buildable go source", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("build constraints exclude all go files", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("not a known dependency", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("outside available modules", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("outside main module", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("does not contain main module", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("matched no packages", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("does not exist locally", Cause::MissingPackage, Some(Source::Local), Look::Package),
    ("invalid char '", Cause::MissingPackage, Some(Source::Local), Look::Package),
    // versions
    ("unknown revision", Cause::UnknownRevision, Some(Source::Vcs), Look::Plain),
    ("no matching versions for query", Cause::UnknownRevision, None, Look::Plain),
    ("invalid pseudo-version", Cause::UnknownRevision, None, Look::Plain),
    ("no commits", Cause::UnknownRevision, Some(Source::Vcs), Look::Plain),
    ("disallowed version string", Cause::UnknownRevision, None, Look::Plain),
    ("should be v0 or v1", Cause::UnknownRevision, None, Look::Plain),
    ("missing go.mod and", Cause::UnknownRevision, None, Look::Plain),
    ("does not match version-control timestamp", Cause::UnknownRevision, None, Look::Plain),
    ("revision is longer than", Cause::UnknownRevision, None, Look::Plain),
    ("is not a tag", Cause::UnknownRevision, None, Look::Plain),
    ("version must be of the form", Cause::UnknownRevision, None, Look::Plain),
    ("must be of the form v1.2.3", Cause::UnknownRevision, None, Look::Plain),
    ("retracted", Cause::Other, None, Look::Plain),
    // files of the user's
    ("malformed module path", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("malformed import path", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("malformed go.sum", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("malformed go.work.sum", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("unknown directive", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("unknown block type", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("errors parsing", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("error loading go.mod", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("repeated go statement", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("usage: require", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("usage: replace", Cause::GoModSyntax, Some(Source::Local), Look::Package),
    ("invalid version", Cause::UnknownRevision, None, Look::Plain),
    // the machine
    ("signal: killed", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("out of memory", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("cannot allocate memory", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("failed to create new os thread", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("signal 9 [killed]", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("killed signal terminated program", Cause::OomKilled, Some(Source::Local), Look::Plain),
    ("errno=12", Cause::OomKilled, Some(Source::Local), Look::Plain),
];

/// The words of each rule.
#[cfg(test)]
pub(super) fn rules() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(words, ..)| *words)
}
