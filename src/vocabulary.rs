//! The words every other module speaks: causes, sources, details, failures and actions.
//!
//! Pure data; what a failure means stands in [`crate::judgement::table`] and nowhere else. The names of [`Cause`], [`Source`] and [`Action`] are a contract: they stand in
//! `gox explain --format json` and in the report of a run, and outside scripts read them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Declares a fieldless enum whose variants have one fixed, public spelling each.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The public spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// What went wrong, whoever reported it.
    Cause {
        /// The connection ended before the answer was whole.
        Eof = "eof",
        /// Dial, handshake or read took longer than somebody was willing to wait.
        Timeout = "timeout",
        /// The connection was reset or broke under a write.
        ConnReset = "conn-reset",
        /// Nobody listens at the address.
        ConnRefused = "conn-refused",
        /// A name did not resolve, or its server did not answer.
        Dns = "dns",
        /// No route to the host or network.
        Unreachable = "unreachable",
        /// A certificate or the TLS handshake itself was rejected.
        TlsCert = "tls-cert",
        /// A fault of an HTTP/2 connection or stream.
        Http2 = "http2",
        /// Too many requests.
        Http429 = "http-429",
        /// Forbidden (also 451, and 407 of an HTTP proxy); 401 asks for credentials: private-auth.
        Http403 = "http-403",
        /// Not found or gone: a verdict on one module.
        Http404410 = "http-404-410",
        /// The server's own trouble (500 to 599).
        Http5xx = "http-5xx",
        /// A page or garbage where protocol data was expected.
        CaptiveOrHtml = "captive-or-html",
        /// Bytes that do not have the hash go.sum or the checksum database gives.
        ChecksumMismatch = "checksum-mismatch",
        /// The checksum database could not be asked.
        SumdbUnreachable = "sumdb-unreachable",
        /// The checksum database contradicts itself or is not signed by its key.
        SumdbMisbehaviour = "sumdb-misbehaviour",
        /// A damaged file in the module cache (or build cache).
        CacheCorrupt = "cache-corrupt",
        /// The cache, or another local folder go needs, cannot be written or read.
        CachePermission = "cache-permission",
        /// No space, quota exceeded.
        DiskFull = "disk-full",
        /// A private repository asked for credentials.
        PrivateAuth = "private-auth",
        /// git (or ssh) met a network fault.
        GitNetwork = "git-network",
        /// The version control program is not installed or is not allowed.
        VcsMissing = "vcs-missing",
        /// The version, branch or commit does not exist.
        UnknownRevision = "unknown-revision",
        /// The module declares another path than the one required.
        PathMismatch = "path-mismatch",
        /// No module provides the package.
        MissingPackage = "missing-package",
        /// The go release is too old (or its toolchain line is not understood).
        GoVersion = "go-version",
        /// A Go toolchain could not be fetched.
        ToolchainDownload = "toolchain-download",
        /// go.mod, go.sum or go.work cannot be parsed.
        GoModSyntax = "go-mod-syntax",
        /// Two modules provide the package.
        AmbiguousImport = "ambiguous-import",
        /// An import that the rules of go forbid (internal, vendor, -mod=readonly or vendor, a missing
        /// go.sum entry).
        ImportRestriction = "import-restriction",
        /// The user's code, or a dependency's, does not compile.
        CompileError = "compile-error",
        /// A test failed; its words are the test's own.
        TestFailure = "test-failure",
        /// GOPROXY=off, or the equivalent, forbids the look-up.
        ProxyOff = "proxy-off",
        /// The kernel or a limit ended the process.
        OomKilled = "oom-killed",
        /// gox ended go because nothing moved.
        Stalled = "stalled",
        /// An error of go's that is none of the above (usage, unknown flag, ...).
        Other = "other",
        /// No failure.
        None = "none",
    }
}

named! {
    /// Where a failure happened.
    Source {
        /// A module proxy, or the storage host it redirects to.
        Proxy = "proxy",
        /// go-get discovery (`?go-get=1`).
        Direct = "direct",
        /// A version control program.
        Vcs = "vcs",
        /// The checksum database.
        Sumdb = "sumdb",
        /// The download of a Go toolchain.
        Toolchain = "toolchain",
        /// The module cache or build cache on this machine.
        Cache = "cache",
        /// This machine otherwise: the user's code, files, tools.
        Local = "local",
    }
}

named! {
    /// What gox does about a failure seen alone, before history and settings narrow it.
    Action {
        /// Try again, at the same place or the next.
        Retry = "retry",
        /// Remove what is damaged locally, then try again.
        Repair = "repair",
        /// Ask somebody else.
        Reroute = "reroute",
        /// Possibly a private module: the narrow GOPRIVATE rule applies, else stop.
        Private = "private",
        /// Repeating cannot help.
        Stop = "stop",
    }
}

named! {
    /// What distinguishes failures of one cause at one source, where it changes what follows.
    ///
    /// The classifier sets it from go's words, the fetcher from what it saw; the names stand in
    /// recorded runs and in the snapshot of the table.
    Detail {
        /// Nothing that changes anything.
        Plain = "plain",
        /// Words that hide the real cause (`zip: not a valid zip file` without a module, `no secure
        /// protocol found`, `toolchain not available`): a diagnostic attempt tells.
        Hidden = "hidden",
        /// The page at the module's own site names no repository.
        NoMetaTags = "no-meta-tags",
        /// An HTTP or SOCKS proxy on the way failed or refused, not the host itself.
        HttpProxy = "http-proxy",
        /// It happened while TLS was being agreed on.
        Handshake = "handshake",
        /// Plain HTTP came where TLS was due.
        PlainHttp = "plain-http",
        /// The refusal gives its reason in words: somebody decided that, it is no chance.
        Reasoned = "reasoned",
        /// A status of 4xx with no meaning of its own here: whether it repeats decides.
        Odd = "odd-status",
        /// The host could not be reached at all (dial, name, handshake).
        Away = "away",
        /// The host's certificate is not trusted.
        Untrusted = "untrusted",
        /// The host answered that it has no such thing (404, 410).
        Absent = "absent",
        /// The host refused (401, 403).
        Refused = "refused",
        /// `go mod verify` said so: what it finds changed may be evidence and is left alone.
        Verify = "verify",
        /// An answer of the checksum database does not fit its signed tree: fetched again, it may.
        Unfit = "unfit",
        /// The resolver's trouble, not the name's: it does not answer, or no other name resolves either.
        Resolver = "resolver",
        /// A name does not resolve, and there is no other one to tell whose trouble it is: a typing error, or a
        /// network that knows the name (a VPN) and is away.
        Unknown = "unknown",
        /// It redirects in circles, or to where nobody follows: asked again, it does the same.
        Astray = "astray",
    }
}

/// What a user's own rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserAction {
    /// Try again.
    Retry,
    /// Do not.
    Stop,
}

/// One failure, as read from the words of go, or as the fetcher met it.
///
/// What is serialised here is what a recorded run keeps. `gox explain` and the report print the
/// contract's fields only, with the action ([`crate::judgement::table::shown`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub cause: Cause,
    /// Where it happened; `None` where the words do not tell.
    pub source: Option<Source>,
    /// What distinguishes it from others of this cause and source.
    pub detail: Detail,
    /// What a rule of the user's own decided.
    pub rule: Option<UserAction>,
    /// Module path, unescaped.
    pub module: Option<String>,
    /// Module version, unescaped, without `/go.mod`.
    pub version: Option<String>,
    /// The host that failed (with its port where one was given), not always the URL's.
    pub host: Option<String>,
    /// The URL asked, secrets removed.
    pub url: Option<String>,
    /// Line in the text that was read, from 1.
    pub line: u64,
    /// That line (cut to a bounded length), secrets removed.
    pub evidence: String,
    /// What else is known.
    pub facts: Facts,
}

/// What is known of a failure beyond its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// HTTP status, where one was named.
    pub status: Option<u16>,
    /// The local file or folder that the words name (cache file, extracted folder, clone). It says
    /// where to look, never that something is damaged there.
    pub path: Option<PathBuf>,
    /// The hash of what was downloaded (`h1:...`), for a checksum mismatch.
    pub got: Option<String>,
    /// The hash that the words say was expected.
    pub expected: Option<Claim>,
    /// The failure is about the go.mod file of the version.
    pub go_mod: bool,
    /// What a module proxy told of machines behind it. Its words choose words for people, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
    /// The HTTP proxy that this machine's settings put before the URL's host, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<String>,
    /// What go.mod requires, where a `replace` of it put the failure's module in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Required>,
}

/// A requirement of go.mod's that another module stands in for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// Its path.
    pub module: String,
    /// Its version.
    pub version: String,
}

/// What failed a server behind it, by its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behind {
    /// This host wanted a login, which the server has not.
    Login(String),
    /// Its git, its disk, its name server or its network failed it.
    Trouble,
    /// This host, where it keeps its files and sends whoever asks, does not give them out. gox saw that itself.
    Store(String),
}

/// A hash that stands in somebody's words. It can be shown; it proves nothing, so nothing else can
/// be done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim(String);

impl Claim {
    /// What the words say.
    pub(crate) fn new(words: impl Into<String>) -> Claim {
        Claim(words.into())
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    /// A failure of which only cause, source and evidence are known.
    pub fn new(cause: Cause, source: Option<Source>, evidence: impl Into<String>) -> Failure {
        Failure {
            cause,
            source,
            detail: Detail::Plain,
            rule: None,
            module: None,
            version: None,
            host: None,
            url: None,
            line: 0,
            evidence: evidence.into(),
            facts: Facts::default(),
        }
    }

    /// The module that was asked for and its version: the required one, where another stands in for it.
    pub fn asked(&self) -> (Option<&str>, Option<&str>) {
        match &self.facts.required {
            Some(Required { module, version }) => (Some(module), Some(version)),
            None => (self.module.as_deref(), self.version.as_deref()),
        }
    }

    /// `MODULE@VERSION`, as far as they are known.
    pub fn named(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "?".into());
        format!("{}@{}", part(&self.module), part(&self.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_serialise_as_spelled() {
        let mut seen = std::collections::BTreeSet::new();
        for cause in Cause::ALL {
            assert!(seen.insert(cause.as_str()), "{cause} twice");
            assert_eq!(serde_json::to_string(cause).unwrap(), format!("\"{cause}\""));
        }
        assert_eq!(Cause::ALL.len(), 37);
        assert_eq!(Source::ALL.len(), 7);
    }
}
