//! From one message to one failure: whose words are they, and what do they say.

use super::context::Context;
use super::envelope::{self, Subject};
use super::found::{Found, plain, weak};
use super::messages::Message;
use super::network::{bare, dial, request, transport};
use super::pattern::ascii;
use super::urls;
use super::{Stream, git, inner, local, wrappers};
use crate::judgement::table::{self, Class};
use crate::vocabulary::{Cause, Claim, Source};
use regex::Regex;
use std::path::PathBuf;
use std::sync::LazyLock;

static LOGGED: LazyLock<Regex> = LazyLock::new(|| ascii(r"^[\w-]+\.go:\d+: ").expect("fixed"));
/// As [`LOGGED`], with the level of a logger.
static LEVELLED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^[\w-]+\.go:\d+: \[[A-Za-z]+\] ").expect("fixed"));
static TEST_FAILED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:--- FAIL: |FAIL\s+\S+\s+(?:\(cached\)|\d[\d.]*s)|FAIL: \S+ |panic: test timed out|exit status \d+\s+FAIL)").expect("fixed")
});
static TEST_OVER: LazyLock<Regex> = LazyLock::new(|| ascii(r"^(?:ok|FAIL|PASS|\?)(?:\s|$)").expect("fixed"));
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r"^go: (?:downloading|finding|extracting|added|upgraded|downgraded|removed|found|warning|creating new|to add module|copying|converting|writing|default toolchain|using|no module dependencies|updating|upgrading|trying|resolved|accepting|lock|telemetry|toolchain upgrade|adding|dropping|updated|moved|unlinked|tidying|error loading module requirements|module .*: using|all modules verified|build output|cannot determine module path for|finished)|^go: \S+ (?:upgrade )?=> |^go: .*; switching to|^go: GOPATH/go.mod|^go: module \S+ is deprecated",
    )
    .expect("fixed")
});
static DOWNLOADING: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^go: (?:downloading|extracting) (\S+) (v\S+)$").expect("fixed"));
static HASH: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"(?m)(\S.*?):\s+((?:h1|go\.mod h1|h\d):\S+)").expect("fixed"));
/// `verifying M@V: checksum mismatch`, alone or behind `go: ` and the envelopes of modules, imports and
/// positions, which have no quotation marks in them.
static MISMATCH: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:[^\x22'`]*: )?verifying (?:module|go\.mod|\S+@v\S+): (?:\S+@v\S+: )?checksum mismatch$")
        .expect("fixed")
});
/// A program that was built and could not be put where it should go.
static OUTPUT: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"copying .*exe[\\/]a\.out|\b(?:open|creating|create|mkdir|rename) (?:/usr|/opt|/bin|/snap|[a-z]:\\program files)?\S*[\\/]bin(?:[\\/][^\\/\s:]*)?: ")
        .expect("fixed")
});
static GOPATH_SOURCE: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"[/\\]src[/\\]([A-Za-z0-9][^\s;]*)").expect("fixed"));
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?i)pkg[\\/]mod|go-build|module cache|build cache|gocache|modcache|work dir|go\.(?:mod|sum|work)|cache[\\/]download|[\\/]go[\\/]pkg|^go: |goroot|temporary")
        .expect("fixed")
});
static USAGE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:exit status \d+|Run 'go help|usage: |go: warning|warning: |WORK=|make)").expect("fixed")
});

/// Reads one message; `None` for progress, traces, and the words of tests and programs.
pub(super) fn read(message: &Message, stream: Stream, ctx: &mut Context) -> Option<Found> {
    let head = message.parts.get(message.head())?;
    let said = Said {
        main: head.text.trim_matches(['"', '\'', '`']),
        details: message.details(),
        response: message.response(),
        log: stream == Stream::Log,
        json: stream == Stream::JsonStdout,
        in_chain: message.is_bare_chain(),
        wrapped: message.evidence.len() > head.text.len(),
        logged: wrappers::is_logged(message.evidence.strip_suffix(&head.text).unwrap_or(&message.evidence)),
        line: message.last(),
    };
    if said.log
        && ctx.place.takes(said.main, &message.evidence, message.indent, said.line)
        && !said.is_verdict()
    {
        return None;
    }
    let mut found = said.read(ctx);
    if let Some(found) = &mut found {
        found.facts.required = envelope::required(said.main, found.subject.module.as_deref());
    }
    ctx.spoken |= found.as_ref().is_some_and(|f| !f.weak);
    found
}

/// One message, taken apart.
struct Said<'m> {
    /// The line with the error.
    main: &'m str,
    /// What stands below it, of the same speaker.
    details: String,
    /// What a server said about it.
    response: String,
    /// Anybody may have written here.
    log: bool,
    /// Only a chain of importers, without the error.
    in_chain: bool,
    /// Something was taken off the line.
    wrapped: bool,
    /// An object's error, which nothing else stands in.
    json: bool,
    /// A program's own logger wrote it: a service, which dials on its own.
    logged: bool,
    /// The number of the last line.
    line: u64,
}

impl Said<'_> {
    fn read(&self, ctx: &mut Context) -> Option<Found> {
        let main = self.main;
        if wrappers::is_trace(main) || main.starts_with("# ") {
            ctx.heading = wrappers::is_heading(main);
            return self.of_trace(ctx);
        }
        if self.log && LOGGED.is_match(main) && (self.wrapped || LEVELLED.is_match(main)) {
            return None;
        }
        if self.is_verdict() {
            return self.of_test();
        }
        // What a program died of is its own, and go says nothing in these words of its own failures.
        if main.starts_with("panic: ") {
            return (!self.log).then_some(weak(Cause::Other, Some(Source::Local)));
        }
        ctx.heading &= !main.starts_with("go: ");
        if let Some(package) = main.strip_prefix("go: finding module for package ") {
            ctx.finding = Some(package.to_owned());
        }
        let warning = main.starts_with("warning: ") || main.starts_with("go: warning");
        if let Some(c) = DOWNLOADING.captures(main) {
            ctx.downloads(&c[1], &c[2]);
        }
        if PROGRESS.is_match(main) || self.in_chain || warning {
            let unwritten = inner::local(&main.to_lowercase()).filter(|_| main.starts_with("go: writing"));
            return unwritten.map(|cause| weak(cause, Some(Source::Cache)));
        }
        if ctx.heading && !self.log {
            return Some(self.of_compiler(ctx));
        }
        if self.is_late(ctx) {
            return None;
        }
        self.of_go(ctx).or_else(|| self.of_anybody(ctx))
    }

    /// A mismatch behind another failure. One with go.sum ends go at once: whatever looks so later is somebody's
    /// text, a name of an archive's for example that has lines in it. One with the database may come
    /// later; it comes again when go has nothing else to say. Objects of JSON are apart.
    fn is_late(&self, ctx: &Context) -> bool {
        let mismatch = || integrity(self.main, &self.details, true);
        ctx.spoken
            && !self.log
            && mismatch()
                .is_some_and(|f| (f.source.is_none() || !self.json) && f.cause != Cause::SumdbMisbehaviour)
    }

    /// A `-x` trace or a heading. In GOPATH mode git's own words follow without indentation.
    fn of_trace(&self, ctx: &mut Context) -> Option<Found> {
        let c = GOPATH_SOURCE.captures(self.main).filter(|_| self.main.starts_with("# cd "))?;
        ctx.fetching = Some(c[1].replace('\\', "/"));
        git::is_vcs(&self.details, "").then(|| vcs(self.main, &self.details, ctx))
    }

    /// The verdict of a test, or of a program of tests.
    fn is_verdict(&self) -> bool {
        TEST_FAILED.is_match(self.main) || TEST_OVER.is_match(self.main)
    }

    /// The verdict of a test run.
    fn of_test(&self) -> Option<Found> {
        let failed = TEST_FAILED.is_match(self.main);
        if !self.log || failed {
            let found = plain(Cause::TestFailure, Some(Source::Local));
            return Some(Found { weak: !self.log, ..found });
        }
        let failed = self.main.starts_with("FAIL") && !self.main.contains("[setup failed]");
        failed.then_some(weak(Cause::TestFailure, Some(Source::Local)))
    }

    /// Below the heading of a package: the compiler, the linker, what C compilers print of a source.
    /// They may say anything; only what is certain is believed, damage that names a file (gox looks
    /// at it then), and errors that go put there itself (`file.go:1:2: module@version: ...`).
    fn of_compiler(&self, ctx: &mut Context) -> Found {
        if let Some(position) = envelope::position(self.main)
            && envelope::starts_versioned(position.rest)
            && let Some(found) = self.of_go(ctx)
        {
            return found;
        }
        if self.main.starts_with("note: module requires Go") {
            return weak(Cause::GoVersion, Some(Source::Local));
        }
        machine(self.main, &self.details, false)
            .or_else(|| local::read(self.main, &self.details).filter(is_believed_of_compilers))
            .or_else(|| compiled(self.main))
            .unwrap_or_else(|| plain(Cause::CompileError, Some(Source::Local)))
    }

    /// What go, git and the network say, each in an envelope of its own.
    fn of_go(&self, ctx: &mut Context) -> Option<Found> {
        let (main, details) = (self.main, self.details.as_str());
        if let Some(found) = integrity(main, details, !self.log) {
            return Some(found);
        }
        if let Some(found) = machine(main, details, self.log) {
            return Some(found);
        }
        if git::is_vcs(main, details) {
            return Some(self.of_git(ctx));
        }
        if let Some(found) = request(main, details, &self.response, ctx) {
            // `go get -v` goes on after this one.
            let passing = main.starts_with("https fetch failed") || main.starts_with("http fetch failed");
            return Some(Found { weak: passing, ..found });
        }
        if let Some(found) = dial(main) {
            return Some(found);
        }
        if main.contains("errors parsing ") && main.ends_with(':') && details.is_empty() {
            return Some(weak(Cause::GoModSyntax, Some(Source::Local)));
        }
        if let Some(mut found) =
            local::read(main, details).filter(|f| !self.log || is_credible(main, f.cause))
        {
            found.default_module(ctx);
            if found.subject.module.is_none() && main.contains("cannot query module") {
                found.subject.module = ctx.finding.as_deref().map(envelope::guess_module);
            }
            return Some(found);
        }
        compiled(main).or_else(|| transport(main, ctx))
    }

    /// git's words, which in a log may be those of a git that somebody else ran.
    fn of_git(&self, ctx: &mut Context) -> Found {
        let (main, details) = (self.main, self.details.as_str());
        if !self.log || git::is_gos(main, details) {
            let silent = main.ends_with(':') && details.is_empty();
            ctx.unsaid = silent.then(|| main.to_owned());
            return vcs(main, details, ctx);
        }
        if let Some(asked) = ctx.unsaid.take() {
            return vcs(&asked, &format!("{main}\n{details}"), ctx);
        }
        let found = vcs(main, details, ctx);
        if ctx.place.is_echoed(self.line) {
            return found;
        }
        let found = Found { weak: true, ..found };
        if ctx.place.is_near_go(self.line) {
            return found;
        }
        ctx.place.stray(self.line);
        Found { stray: true, ..found }
    }

    /// An error that is none of those known.
    fn of_anybody(&self, ctx: &Context) -> Option<Found> {
        let main = self.main;
        if ctx.heading {
            // Linker and C compiler, which write as they like; in a log it may be anybody.
            return Some(weak(Cause::CompileError, Some(Source::Local)));
        }
        if main.starts_with("note: module requires Go") {
            return Some(weak(Cause::GoVersion, Some(Source::Local)));
        }
        let gos = ["go: ", "go get ", "go get: "].iter().any(|p| main.starts_with(p));
        if gos || main.starts_with("go mod ") && main.contains(": ") {
            let mut found = plain(Cause::Other, Some(Source::Local));
            found.take(envelope::named(main));
            return Some(Found { weak: self.log, ..found });
        }
        if self.log
            && !self.logged
            && let Some(found) = bare(main)
        {
            return Some(found);
        }
        let unknown = !self.log && !USAGE.is_match(main) || main.starts_with("flag provided but not defined");
        unknown.then_some(weak(Cause::Other, Some(Source::Local)))
    }
}

/// What a compiler's words are believed for: what stops, and damage of a file that is named.
fn is_believed_of_compilers(found: &Found) -> bool {
    let row = table::row(found.cause, found.source, found.detail);
    row.class == Class::Stop || row.class == Class::Damage && found.source == Some(Source::Cache)
}

/// Checksums and the database's misbehaviour: before everything else. With `strict`, go's own shape
/// is asked for: the words at the beginning of the line or behind go's envelope, and the hashes.
fn integrity(main: &str, details: &str, strict: bool) -> Option<Found> {
    if main.contains("checksum mismatch") {
        // A tool's own download may mismatch too; go's names a module or the database's words.
        let hashes = details.contains("h1:") || envelope::is_versioned(main) || main.contains("verifying");
        let downloaded = details.contains("downloaded:") && hashes;
        let gos = if strict { MISMATCH.is_match(main) && downloaded } else { main.contains("verifying") };
        if !(gos || downloaded && !strict) {
            return None;
        }
        let mut found = plain(Cause::ChecksumMismatch, None);
        found.take(envelope::named(main));
        found.facts.go_mod |= main.contains("/go.mod: checksum") || main.contains("verifying go.mod:");
        for c in HASH.captures_iter(details) {
            let (label, hash) = (c[1].trim(), c[2].trim_start_matches("go.mod ").to_owned());
            if label == "downloaded" {
                found.facts.got = Some(hash);
            } else {
                found.facts.expected = Some(Claim::new(hash));
                let file = label.ends_with(".sum") || label.contains(['/', '\\']);
                if !file && urls::is_domain(label) {
                    found.host = Some(label.to_ascii_lowercase());
                    found.source = Some(Source::Sumdb);
                }
            }
        }
        return Some(found);
    }
    if main.starts_with("SECURITY ERROR") {
        let forked = details.contains("misbehavior") || main.contains("misbehavior");
        return Some(if forked {
            plain(Cause::SumdbMisbehaviour, Some(Source::Sumdb))
        } else {
            weak(Cause::ChecksumMismatch, None)
        });
    }
    None
}

/// A full disk or a folder that cannot be written, also inside `read "https://..."`.
fn machine(main: &str, details: &str, log: bool) -> Option<Found> {
    let lower = main.to_lowercase();
    if OUTPUT.is_match(&lower) {
        // The program was built; only the place it should go to is closed.
        return inner::local(&lower).map(|_| plain(Cause::Other, Some(Source::Local)));
    }
    let cause = inner::local(&lower)
        .or_else(|| inner::local(&details.to_lowercase()).filter(|c| *c == Cause::DiskFull))?;
    if cause == Cause::CachePermission {
        // ssh's and a socket's refusals are no folder's.
        let socket = lower.contains("dial ") || lower.contains("git@") || lower.contains("repository");
        if socket || (log && !PLACE.is_match(main)) {
            return None;
        }
    }
    let cached = lower.contains("pkg/mod")
        || lower.contains("pkg\\mod")
        || lower.contains("cache")
        || lower.contains("go-build");
    let mut found = plain(cause, Some(if cached { Source::Cache } else { Source::Local }));
    if let Some(url) = urls::find_all(main).first() {
        found.url = Some(url.text.clone());
    }
    let named = envelope::named(main);
    found.take(if envelope::position(main).is_some() { Subject::default() } else { named });
    Some(found)
}

/// git, ssh and the others.
fn vcs(main: &str, details: &str, ctx: &Context) -> Found {
    let read = git::read(main, details);
    let mut found = plain(read.cause, Some(read.source));
    let before = main.find("git ").map_or(main, |at| &main[..at]);
    let env = envelope::position(before).map_or(before, |p| p.rest);
    found.facts = read.facts;
    found.take(envelope::named(env));
    if found.subject.module.is_none() {
        found.subject.module = ctx.fetching.clone();
    }
    found.default_module(ctx);
    if let (Some(path), Some(url)) = (&found.subject.module, urls::find_all(main).into_iter().next()) {
        // A query tries every prefix of an import path; git's URL tells which one this was.
        let root =
            url.text.split_once("://").map_or("", |(_, r)| r).trim_end_matches(".git").trim_end_matches('/');
        let query = env.contains("module ") && found.subject.version.is_none();
        if query && root.contains('/') && path.starts_with(&format!("{root}/")) {
            found.subject.module = Some(root.to_owned());
        }
    }
    found.host = read.host.or_else(|| {
        let first = found.subject.module.as_deref()?.split('/').next()?;
        let hosting = ["git", "bitbucket.", "codeberg.", "gopkg.in"];
        (urls::is_domain(first) && hosting.iter().any(|h| first.starts_with(h))).then(|| first.to_owned())
    });
    found.url = read.url;
    found
}

/// An error at a position in code.
fn compiled(main: &str) -> Option<Found> {
    let position = envelope::position(main)?;
    let module_file = position.file.ends_with(".mod")
        || position.file.ends_with(".work")
        || position.file.ends_with(".sum");
    if position.rest.is_empty() || module_file {
        return None;
    }
    let mut found = plain(Cause::CompileError, Some(Source::Local));
    if let Some(subject) = envelope::module_of_file(position.file) {
        found.subject = subject;
        found.facts.path = Some(PathBuf::from(position.file));
    }
    Some(found)
}

/// In a log full of others' words, go's own need a sign that they are go's.
fn is_credible(main: &str, cause: Cause) -> bool {
    if cause == Cause::OomKilled {
        let lower = main.to_lowercase();
        const TOOLS: &[&str] = &[
            "compile",
            "link",
            "asm",
            "cgo",
            "go build",
            "go: ",
            "vet",
            "fatal error",
            "go tool",
            "signal: killed",
        ];
        return TOOLS.iter().any(|w| lower.contains(w));
    }
    if cause == Cause::CacheCorrupt {
        return !main.contains("bad request");
    }
    cause != Cause::Other || main.starts_with("go")
}
