//! What go says about modules, versions, packages and this machine: words of its own that name a
//! cause without any network error inside.

use super::envelope::{self, Subject};
use super::found::{Found, plain};
use super::inner;
use super::pattern::ascii;
use super::rules::{Look, WORDS};
use super::standard;
use crate::vocabulary::{Cause, Detail, Source};
use regex::Regex;
use std::path::PathBuf;
use std::sync::LazyLock;

static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:package |import path |module path |load )"?([A-Za-z0-9_*][^\s":;,]*)"?"#).expect("fixed")
});
static PROVIDES: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:provid(?:es|ing) package|contain package|cannot find package|for path) "?([A-Za-z0-9_][^\s":;,]*)"?"#).expect("fixed")
});
static REQUIRED_AS: LazyLock<Regex> = LazyLock::new(|| ascii(r"but was required as: *(\S+)").expect("fixed"));
static FOUND: LazyLock<Regex> = LazyLock::new(|| ascii(r"\bmodule (\S+?)@(\S+) found").expect("fixed"));
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:multiple modules:\s*|^)((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?:/\S+)?)(?: (v\d\S*))?")
        .expect("fixed")
});
static VENDORED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^([A-Za-z0-9][^\s:@]*)(?:@(v\S+))?: ").expect("fixed"));
static SPACED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:^|[\s:])((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?:/\S+)?) (v\d\S*): ").expect("fixed")
});
static UNZIP: LazyLock<Regex> = LazyLock::new(|| ascii(r"unzip (.+?\.zip): ").expect("fixed"));
static DOWNLOADED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"cache[\\/]download[\\/](.+?)[\\/]@v[\\/]([^\\/]+)\.(zip|ziphash|mod|info|lock|list)")
        .expect("fixed")
});
static OPENED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\b(?:open|stat|lstat|read|chdir|fork/exec) ([^:]*(?:[\\/]pkg[\\/]mod[\\/]|@v\d|[\\/]go-build[\\/])[^:]*|[A-Za-z]:[^:]*[\\/]pkg[\\/]mod[\\/][^:]*): (?:no such file|The system cannot find|input/output error|is a directory|not a directory|bad message|unexpected)")
        .expect("fixed")
});
static COMPILED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:could not import \S+ \(open [^)]*|(?:cannot open file|open) \S*(?:[0-9a-f]{64}-[ad]|[\\/]go-build\d*[\\/][^:]*)): ?(?:no such file|The system cannot find|input/output)").expect("fixed")
});
/// What is wrong with the zip itself, whoever sends it: its hash was right.
static ZIP_CONTENT: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"malformed file path|case-insensitive file name collision|path does not have prefix|invalid char|too large|multiple entries|duplicate")
        .expect("fixed")
});
static UNEXPECTED_FILE: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"\bzip for (\S+?)@(\S+) has unexpected file ").expect("fixed"));
static TOOLCHAIN: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"\bdownload (go\d[\w.]*)(?: for ([a-z0-9]+)/([a-z0-9]+))?: ").expect("fixed"));
static MISSING_TOOL: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"exec: "?(?:git|hg|svn|bzr|fossil)(?:\.exe)?"?: (?:executable file )?not found"#).expect("fixed")
});
/// A source that is empty or holds zeros only.
static EMPTIED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:expected '?package'?, found '?EOF'?|(?:syntax error: )?(?:illegal|invalid) (?:character )?NUL|package statement must be first.*EOF)").expect("fixed")
});
/// Work on a file of the module cache or the build cache that failed.
static STORE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"\b(?:open|mkdir|rename|chmod|remove|unlinkat|symlink|chtimes|truncate|lock|stat|lstat|write|creating) \S*(?:[\\/]pkg[\\/]mod[\\/]|[\\/]go-build[\\/])[^:]*: (.+)$").expect("fixed")
});
static MISSING_GO: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#"cannot find "?go1[\w.]*"? in "#).expect("fixed"));
static DEPENDENCY_GO_MOD: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"@v\S+: parsing (?:\S*[\\/])?go\.mod:").expect("fixed"));
static GO_MOD_LINE: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^(?:go: )?(?:\S.*?[\\/])?go\.(?:mod|work|sum):\d+(?::\d+)?: ").expect("fixed"));
/// A `replace` that leads to no folder.
static NOWHERE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"replacement directory \S.* does not exist|\(replaced by (?:\.|[\\/]|[A-Za-z]:)\S*\): reading \S*go\.mod: open .*: ")
        .expect("fixed")
});
static PAGE_WORDS: LazyLock<Regex> = LazyLock::new(|| ascii(r"(?i)<!?[a-z/]|doctype|html").expect("fixed"));

/// Reads go's own words. `main` is the line with the error, `details` what stands below it.
pub(super) fn read(main: &str, details: &str) -> Option<Found> {
    let whole = if details.is_empty() { main.to_owned() } else { format!("{main}\n{details}") };
    let lower = whole.to_lowercase();
    let mut found = plain(Cause::Other, Some(Source::Local));
    found.take(envelope::named(main));
    if lower.starts_with("note: ") || lower.starts_with("to ") {
        return None;
    }
    if let Some(c) = TOOLCHAIN.captures(main).filter(|_| !UNZIP.is_match(main)) {
        found.source = Some(Source::Toolchain);
        found.cause = Cause::ToolchainDownload;
        found.subject.module = Some("golang.org/toolchain".to_owned());
        if let (Some(os), Some(arch)) = (c.get(2), c.get(3)) {
            found.subject.version = Some(format!("v0.0.1-{}.{}-{}", &c[1], os.as_str(), arch.as_str()));
        }
        // A network error inside is for the caller to read; what is left names no cause.
        // A file that an unpacked toolchain lacks is no network's fault.
        if !lower.contains("gosumdb=off") && !lower.contains(": lstat ") {
            found.detail = Detail::Hidden;
        }
        return Some(found);
    }
    if MISSING_GO.is_match(main) {
        found.cause = Cause::ToolchainDownload;
        found.source = Some(Source::Toolchain);
        return Some(found);
    }
    if let Some(cause) = absent(main, &whole) {
        found.cause = cause;
        return Some(found);
    }
    if let Some(c) = UNEXPECTED_FILE.captures(main) {
        found.source = Some(Source::Proxy);
        found.subject = subject(&c);
        return Some(found);
    }
    if UNZIP.find(main).is_some_and(|m| ZIP_CONTENT.is_match(&main[m.end()..])) {
        cache_path(main, &mut found);
        found.cause = Cause::Other;
        return Some(found);
    }
    if UNZIP.is_match(main) || COMPILED.is_match(&whole) || OPENED.is_match(main) {
        cache_path(main, &mut found);
        return Some(found);
    }
    if let Some(position) = envelope::position(main).filter(|p| EMPTIED.is_match(p.rest))
        && let Some(subject) = envelope::module_of_file(position.file)
    {
        // A source of a module that came whole once: the file was emptied where it lies.
        found.cause = Cause::CacheCorrupt;
        found.source = Some(Source::Cache);
        found.subject = subject;
        found.facts.path = Some(PathBuf::from(position.file));
        return Some(found);
    }
    if DEPENDENCY_GO_MOD.is_match(&whole)
        && !lower.contains("declares its path as")
        && !lower.contains("unexpected module path")
        && let Some(cause) = dependency_go_mod(&lower)
    {
        found.cause = cause;
        found.facts.go_mod = true;
        found.source = Some(if cause == Cause::GoVersion { Source::Local } else { Source::Cache });
        return Some(found);
    }
    if let Some(&(_, cause, source, look)) = WORDS.iter().find(|(words, ..)| lower.contains(words)) {
        found.cause = cause;
        found.source = source;
        refine(look, main, details, &lower, &mut found);
        if words_of_form(&lower) && GO_MOD_LINE.is_match(main) {
            (found.cause, found.source) = (Cause::GoModSyntax, Some(Source::Local));
        }
        return Some(found);
    }
    if STORE.captures(main).is_some_and(|c| !c[1].is_ascii()) {
        // Words of a system's that speaks another language: the place tells.
        found.cause = Cause::CachePermission;
        found.source = Some(Source::Cache);
        return Some(found);
    }
    if GO_MOD_LINE.is_match(main) {
        found.cause = Cause::GoModSyntax;
        return Some(found);
    }
    None
}

/// A folder or a program that is not there.
fn absent(main: &str, whole: &str) -> Option<Cause> {
    if NOWHERE.is_match(main) {
        return Some(Cause::MissingPackage);
    }
    MISSING_TOOL.is_match(whole).then_some(Cause::VcsMissing)
}

/// A version that is none, in a file of the user's.
fn words_of_form(lower: &str) -> bool {
    lower.contains("must be of the form") || lower.contains("malformed module path")
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
fn cache_path(main: &str, found: &mut Found) {
    found.cause = Cause::CacheCorrupt;
    found.source = Some(Source::Cache);
    let path = UNZIP.captures(main).or_else(|| OPENED.captures(main)).map(|c| c[1].trim().to_owned());
    if let Some(path) = path {
        if let Some(c) = DOWNLOADED.captures(&path) {
            found.subject.module = Some(super::urls::unescape(&c[1].replace('\\', "/")));
            found.subject.version = Some(super::urls::unescape(&c[2]));
        } else if let Some(subject) = envelope::module_of_file(&path) {
            found.subject = subject;
        }
        found.facts.path = Some(PathBuf::from(path));
    }
}

/// The module, and what distinguishes cases of one wording.
fn refine(look: Look, main: &str, details: &str, lower: &str, found: &mut Found) {
    match look {
        Look::Plain => {}
        Look::Hidden => found.detail = Detail::Hidden,
        Look::Toolchain if lower.contains("gosumdb=off") && !lower.contains("toolchain") => {
            found.cause = Cause::Other;
            found.source = Some(Source::Sumdb);
        }
        Look::Toolchain => {
            if lower.contains("toolchain not available") {
                found.detail = Detail::Hidden;
            }
        }
        Look::Damage => {
            if let Some(c) = SPACED.captures(main) {
                found.subject.module = Some(c[1].to_owned());
                found.subject.version = Some(c[2].to_owned());
            }
            if found.source.is_none() {
                found.detail = Detail::Hidden;
            }
            if lower.contains("has been modified") || lower.contains("missing ziphash: open") {
                found.detail = Detail::Verify;
            }
        }
        Look::Tree => {
            if inner::phrase(main).is_some() {
                found.cause = Cause::SumdbUnreachable;
                found.detail = Detail::Away;
            }
        }
        Look::Unfit => found.detail = Detail::Unfit,
        Look::GoMod => {
            // A dependency's comes from the cache, and stays there; anybody else's is the user's own.
            if envelope::is_versioned(main) {
                found.cause = Cause::CacheCorrupt;
                found.source = Some(Source::Cache);
                found.facts.go_mod = true;
            }
        }
        Look::Required => {
            if let Some(c) = REQUIRED_AS.captures(main).or_else(|| REQUIRED_AS.captures(details))
                && found.subject.module.as_deref() != Some(&c[1])
            {
                found.subject = Subject { module: Some(c[1].to_owned()), ..Subject::default() };
            }
        }
        Look::Listed => {
            let listed = LISTED
                .captures(main)
                .filter(|_| main.contains("multiple modules: "))
                .or_else(|| LISTED.captures(details));
            if let Some(c) = listed {
                found.subject = subject(&c);
            }
        }
        Look::Vendored => {
            let listed = VENDORED.captures(if details.is_empty() { main } else { details });
            if let Some(c) = listed.filter(|c| &c[1] != "go") {
                found.subject = subject(&c);
            }
        }
        Look::Package => package(main, lower, found),
    }
}

/// Module and version as the first two groups name them.
fn subject(c: &regex::Captures<'_>) -> Subject {
    Subject { module: Some(c[1].to_owned()), version: c.get(2).map(|v| v.as_str().to_owned()), go_mod: false }
}

/// Failures that name a package more surely than a module.
fn package(main: &str, lower: &str, found: &mut Found) {
    let quoted = QUOTED.captures(main).map(|c| c[1].to_owned());
    let standard = quoted.as_deref().is_some_and(standard::is_new);
    if standard
        && (found.cause == Cause::MissingPackage || lower.contains("missing dot in first path element"))
    {
        found.cause = Cause::GoVersion;
        return;
    }
    if found.cause == Cause::GoModSyntax && lower.contains("malformed module path") {
        // An import of the user's, not a line of go.mod and not an argument of go get.
        if lower.starts_with("package ")
            || lower.contains("cannot load")
            || lower.contains("can't load")
            || lower.contains(" imports")
            || envelope::position(main).is_some()
        {
            found.cause = Cause::MissingPackage;
        }
        if found.subject.module.as_deref().is_some_and(|m| !m.contains('.')) {
            found.subject = Subject::default();
        }
        return;
    }
    if let Some(c) = FOUND.captures(main) {
        found.subject =
            Subject { module: Some(c[1].to_owned()), version: Some(c[2].to_owned()), go_mod: false };
    } else if let Some(c) = PROVIDES.captures(main).filter(|_| found.subject.version.is_none()) {
        let package = c[1].trim_end_matches('.');
        let first = package.split('/').next().unwrap_or("");
        found.subject = Subject::default();
        if super::urls::is_domain(first) {
            found.subject.module = Some(envelope::guess_module(package));
        }
    }
}
