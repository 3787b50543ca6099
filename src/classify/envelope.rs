//! The envelope of an error: who speaks, about which module, at which position.

use super::pattern::ascii;
use super::urls;
use crate::vocabulary::Required;
use regex::Regex;
use std::sync::LazyLock;

/// What a failure is about: a module and, where named, its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub module: Option<String>,
    pub version: Option<String>,
    pub go_mod: bool,
}

/// A position at the beginning of a line.
#[derive(Clone, Debug)]
pub(super) struct Position<'t> {
    pub file: &'t str,
    pub rest: &'t str,
}

static POSITION: LazyLock<Regex> = LazyLock::new(|| {
    ascii(
        r"^(?:go: |vet: |package \S+: )?((?:[A-Za-z]:)?[^\s:\x22'][^:\x22']*?\.(?:go|s|S|c|h|cc|cpp|cxx|m|mm|y|proto|mod|work|sum|f90)|_cgo_\S+?):(\d+)(?::(\d+))?(?:[:,]|$)",
    )
    .expect("fixed")
});

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(^|[\s"'`(\[=,:>])((?:[A-Za-z0-9_]|<[A-Za-z][\w-]*>|\*{3,}|\[[A-Za-z-]+\])(?:[A-Za-z0-9_.~!+%/*-]|<[A-Za-z][\w-]*>|\[[A-Za-z-]+\])*)@([<>=]{0,2}[A-Za-z0-9_v][A-Za-z0-9_.+!~-]*(?:\+incompatible)?|\.\.\.)((?:/[a-z0-9.-]+)*)"#)
        .expect("fixed")
});

/// `M@V: `, as module errors begin.
static VERSIONED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:^|[\s(:])[A-Za-z0-9_][A-Za-z0-9_.~!+/-]*@v\d[A-Za-z0-9_.+!-]*(?:/go\.mod)?: ").expect("fixed")
});

static MODULE_WORD: LazyLock<Regex> = LazyLock::new(|| ascii(r#"\bmodule ([^\s:"@]+): "#).expect("fixed"));
static IMPORT_PATH: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:unrecognized import path|malformed module path|^import) "([^"\s]+)"(?:[: (]|$)"#)
        .expect("fixed")
});
static PACKAGE_WORD: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?:\bpackage |\bgo get |\bget "|\bloading deprecation for |\bcannot load |\b(?:require|replace|exclude) )([A-Za-z0-9_][^\s:"@]*)"?:? "#)
        .expect("fixed")
});
static LEADING: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"^(?:go: |go get: )?((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?:/[A-Za-z0-9_.~+-]+)*)(?: (v\d\S*))?: ")
        .expect("fixed")
});
static REPLACED: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"([A-Za-z0-9_][^\s:@(]*)@(v[^\s:(]+) \(replaced by ([^\s)]+)\)").expect("fixed"));
static CACHE: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r"(?:^|[/\\])((?:[A-Za-z0-9!-]+\.)+[A-Za-z0-9!-]+(?:[/\\][A-Za-z0-9_.~!+-]+)*)@(v\d[A-Za-z0-9.+!-]*)(?:[/\\]|$)")
        .expect("fixed")
});

/// The position that a line begins with.
pub(super) fn position(text: &str) -> Option<Position<'_>> {
    let c = POSITION.captures(text)?;
    let file = c.get(1)?.as_str();
    Some(Position { file, rest: text[c.get(0)?.end()..].trim_start() })
}

/// The module in whose extracted folder a file lies.
pub(super) fn module_of_file(file: &str) -> Option<Subject> {
    let c = CACHE.captures(file)?;
    let (path, version) = (c.get(1)?, c.get(2)?);
    let module = path.as_str().replace('\\', "/");
    let module = module.rsplit_once("pkg/mod/").map_or(module.as_str(), |(_, m)| m).to_owned();
    Some(Subject {
        module: Some(urls::unescape(&module)),
        version: Some(urls::unescape(version.as_str())),
        go_mod: false,
    })
}

/// Module and version as the words before the inner error name them; the innermost counts.
pub(super) fn named(text: &str) -> Subject {
    let mut found = Subject::default();
    for c in TOKEN.captures_iter(text) {
        let (path, version, tail) = (&c[2], &c[3], &c[4]);
        let version = version.trim_start_matches(['<', '>', '=']);
        let versioned = version.starts_with('v') && version[1..].starts_with(|c: char| c.is_ascii_digit());
        let query = matches!(version, "latest" | "upgrade" | "patch" | "master" | "main" | "...");
        // An address, a user at a host, a file below the cache.
        if path == "git" || !(versioned || query || path.contains('/')) || path.ends_with('/') {
            continue;
        }
        let behind = &text[c.get(0).map_or(text.len(), |whole| whole.end())..];
        // A branch may have slashes in its name.
        let branch = !versioned && behind.starts_with(": ");
        if !(tail.is_empty() || tail == "/go.mod" || branch) {
            continue;
        }
        let tail = if branch { "" } else { tail };
        let version = version.trim_end_matches('.');
        found = Subject {
            module: Some(urls::unescape(path.trim_start_matches('/'))),
            version: (!version.is_empty() && version != "latest").then(|| urls::unescape(version)),
            go_mod: tail == "/go.mod",
        };
    }
    if let Some(c) = IMPORT_PATH.captures_iter(text).last() {
        let same = found.module.as_deref() == Some(&c[1]);
        found =
            Subject { module: Some(c[1].to_owned()), version: found.version.filter(|_| same), go_mod: false };
    }
    if found.module.is_none() {
        let word = MODULE_WORD.captures_iter(text).last().or_else(|| PACKAGE_WORD.captures_iter(text).last());
        if let Some(c) = word.filter(|c| c[1].contains(['.', '/'])) {
            found.module = Some(c[1].to_owned());
        } else if let Some(c) =
            LEADING.captures(text).filter(|c| urls::is_domain(c[1].split('/').next().unwrap_or("")))
        {
            found.module = Some(c[1].to_owned());
            found.version = c.get(2).map(|v| v.as_str().to_owned());
        }
    }
    found
}

/// What go.mod requires, where go says that `module` took its place.
pub(super) fn required(text: &str, module: Option<&str>) -> Option<Required> {
    if !text.contains("(replaced by ") {
        return None;
    }
    let c = REPLACED.captures_iter(text).last()?;
    let module = module.filter(|module| c[3].split('@').next() == Some(module) && &c[1] != *module)?;
    (!module.is_empty()).then(|| Required { module: c[1].to_owned(), version: c[2].to_owned() })
}

/// The module that a package most likely belongs to, where the words name only the package.
///
/// Code hosts have owner and repository; a few well-known vanity domains have one element.
pub(super) fn guess_module(package: &str) -> String {
    let parts: Vec<&str> = package.split('/').collect();
    let roots = match parts[0] {
        "github.com" | "gitlab.com" | "bitbucket.org" | "gitee.com" | "codeberg.org" | "git.sr.ht" => 3,
        "golang.org" => 3,
        "gopkg.in" if parts.get(1).is_some_and(|p| p.contains(".v")) => 2,
        "gopkg.in" => 3,
        "k8s.io" | "sigs.k8s.io" | "google.golang.org" | "go.uber.org" | "modernc.org" => 2,
        _ => parts.len(),
    };
    let mut end = roots.min(parts.len());
    let major = |p: &&str| p.len() > 1 && p.starts_with('v') && p[1..].bytes().all(|b| b.is_ascii_digit());
    if let Some(at) = parts[end..].iter().position(major) {
        end += at + 1;
    }
    parts[..end].join("/")
}

/// What stands behind the last `M@V: ` or `module M: `; where there is none, behind `go: `.
pub(super) fn inner_of(text: &str) -> Option<&str> {
    let envelopes = [&VERSIONED, &MODULE_WORD, &IMPORT_PATH];
    let last = envelopes.iter().flat_map(|e| e.find_iter(text)).map(|m| m.end()).max();
    last.map(|at| &text[at..]).or_else(|| text.split_once("go: ").map(|(_, t)| t))
}

/// True where `M@V: ` stands before an inner error.
pub(super) fn is_versioned(text: &str) -> bool {
    VERSIONED.is_match(text)
}

/// True where the text begins with `M@V: `.
pub(super) fn starts_versioned(text: &str) -> bool {
    VERSIONED.find(text).is_some_and(|m| m.start() == 0)
}

/// True where the words before an inner error are of go's making.
pub(super) fn is_go(text: &str) -> bool {
    static GO: LazyLock<Regex> = LazyLock::new(|| {
        ascii(
            r#"(?:\bgo(?: (?:get|install|build|list|run|test|vet|work \w+|mod \w+)(?: [^\s:]+)?)?: |unrecognized import path|\bverifying (?:module|go\.mod|\S+@)|\bmodule [^\s":]*[./][^\s":]*: |\binvalid version|^package \S+: |https fetch|cannot find module|unexpected status \(|^invalid response from proxy)"#,
        )
        .expect("fixed")
    });
    GO.is_match(text) || VERSIONED.is_match(text)
}
