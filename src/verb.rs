//! How gox treats each verb of the go command: the one table.
//!
//! Pure. A verb that is not in the table passes through, so a verb of a later release of go works
//! from its first day, unhelped.

mod loads;
#[cfg(test)]
mod tests;

pub(crate) use loads::{Loads, Scope};

use crate::formats::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What gox may do with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// gox becomes go (`exec`): nothing to watch.
    PassThrough,
    /// go runs as a child and may be run again.
    Supervised,
    /// Runs the user's code: never repeated, gox becomes go.
    RunsUserCode,
}

use Kind::{PassThrough, RunsUserCode, Supervised};

/// Verb (and second word, for `mod` and `work`) and its kind.
const TABLE: &[(&str, &str, Kind)] = &[
    ("build", "", Supervised),
    ("fix", "", Supervised),
    ("generate", "", RunsUserCode),
    ("get", "", Supervised),
    ("install", "", Supervised),
    ("list", "", Supervised),
    ("mod", "download", Supervised),
    ("mod", "graph", Supervised),
    ("mod", "tidy", Supervised),
    ("mod", "vendor", Supervised),
    ("mod", "verify", Supervised),
    ("mod", "why", Supervised),
    ("run", "", RunsUserCode),
    ("test", "", RunsUserCode),
    ("tool", "", RunsUserCode),
    ("vet", "", Supervised),
    ("work", "sync", Supervised),
    ("work", "vendor", Supervised),
];

/// The verbs of the table, as they are written.
#[cfg(test)]
pub(crate) fn table() -> impl Iterator<Item = String> {
    TABLE.iter().map(|(verb, sub, _)| format!("{verb} {sub}").trim_end().to_owned())
}

/// Flags that name a program of the user's, and the verbs of [`TABLE`] that run it. Elsewhere go
/// takes no notice of them: `-exec` belongs to run and test, and get builds nothing.
const RUNNERS: &[(&str, &[&str])] = &[
    ("toolexec", &["build", "fix", "install", "list", "test", "vet"]),
    ("vettool", &["vet", "test"]),
    ("fixtool", &["fix"]),
];

/// Flags that take no value in the next word, among those that may stand before a flag which decides
/// over the kind. An unknown one may take it.
const WITHOUT_VALUE: &[&str] = &[
    "a",
    "asan",
    "benchmem",
    "c",
    "compiled",
    "cover",
    "deps",
    "e",
    "export",
    "failfast",
    "find",
    "fullpath",
    "i",
    "json",
    "linkshared",
    "m",
    "modcacherw",
    "msan",
    "n",
    "race",
    "retracted",
    "short",
    "test",
    "trimpath",
    "u",
    "v",
    "versions",
    "work",
    "x",
];

/// Tools that come with the toolchain; any other name after `go tool` is a program of a module.
const TOOLCHAIN_TOOLS: &[&str] = &[
    "addr2line",
    "api",
    "asm",
    "buildid",
    "cgo",
    "compile",
    "covdata",
    "cover",
    "dist",
    "doc",
    "fix",
    "link",
    "nm",
    "objdump",
    "pack",
    "pprof",
    "preprofile",
    "test2json",
    "trace",
    "vet",
];

/// Verbs of which `-x` is known to every release since 1.21; elsewhere go would answer with
/// "flag provided but not defined".
const WITH_TRACE: &[(&str, &str)] = &[
    ("build", ""),
    ("get", ""),
    ("install", ""),
    ("list", ""),
    ("mod", "download"),
    ("mod", "graph"),
    ("mod", "tidy"),
    ("test", ""),
    ("vet", ""),
];

/// A `mod download` of the main module's own list, or of modules that are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Downloads {
    /// Folders of the module cache keep their write bits (`-modcacherw`).
    pub writable: bool,
    /// The arguments (`PATH` or `PATH@VERSION`); without any it is the list.
    pub named: Vec<String>,
}

/// One command line of go's, understood as far as gox needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The verb's kind, flags considered.
    pub kind: Kind,
    /// First word after `go` (and after `-C DIR`), empty if none.
    pub verb: String,
    /// Second word for `mod` and `work`, else empty.
    pub sub: String,
    /// The folder of `-C`, as written.
    pub chdir: Option<OsString>,
    /// Errors may stand in JSON on stdout.
    pub json: bool,
    /// go.mod alone fixes every version that this command needs (so `--offline` is possible).
    pub versions_fixed: bool,
    /// git's words may be forced to English: no compiler runs under this verb.
    pub english_git: bool,
    /// The verb understands `-x`.
    pub traceable: bool,
    /// The value of `-mod`, by the command line or by GOFLAGS.
    pub mod_mode: Option<String>,
    /// Where among the arguments the verb's own flags begin, behind a `-C` that must stand first.
    pub flags_at: usize,
    /// `mod download` of the main module's own list, or of modules that are named, with flags alone that change
    /// nothing of what is fetched.
    pub downloads: Option<Downloads>,
    /// Modules and packages that the arguments name by import path, without their versions.
    pub named: Vec<String>,
    /// The packages that it loads, where gox can follow.
    pub loads: Option<Loads>,
    /// The package with its version that `run` names, which needs no main module.
    pub versioned: Option<String>,
    /// It reads the whole module graph: the `.mod` of each module in it.
    pub graph: bool,
    /// It works on the module around it alone, be it in a workspace.
    pub alone: bool,
    /// It exits 0 although downloads failed: what failed stands in stdout's JSON at best.
    pub hides_failures: bool,
}

impl Invocation {
    /// Reads the arguments after `go`. `goflags` is the effective GOFLAGS.
    pub(crate) fn read<S: AsRef<OsStr>>(args: &[S], goflags: &OsStr) -> Invocation {
        let mut at = 0;
        let mut chdir = take_chdir(args, &mut at);
        let words: Vec<String> = args.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect();
        let mut next = || {
            let word = words.get(at).cloned().unwrap_or_default();
            at = (at + 1).min(words.len());
            word
        };
        let verb = next();
        let sub = if matches!(verb.as_str(), "mod" | "work") { next() } else { String::new() };
        chdir = chdir.or_else(|| take_chdir(args, &mut at));
        let rest = &words[at..];
        let flags = Flags::of(rest, &verb);
        let from_goflags = quoted::split(goflags.as_bytes());
        let goflags: Vec<String> =
            from_goflags.iter().flatten().map(|word| String::from_utf8_lossy(word).into_owned()).collect();

        let mut kind = kind_of(&verb, &sub, rest, &flags, &goflags);
        if kind == Supervised && from_goflags.is_err() {
            // go refuses it before it does anything.
            kind = PassThrough;
        }
        let asks_versions = rest.iter().any(|w| !w.starts_with('-') && w.contains('@'))
            || ["u", "versions", "retracted"].iter().any(|name| flags.has(name));
        let fixed_verb = matches!(
            (verb.as_str(), sub.as_str()),
            ("build" | "install" | "vet" | "list" | "fix" | "test" | "run", _)
                | ("mod", "download" | "graph" | "vendor" | "verify" | "why")
                | ("work", "vendor")
        );
        let mod_mode = flags.value("mod").or_else(|| Flags { words: &goflags }.value("mod"));
        Invocation {
            kind,
            json: flags.has("json"),
            versions_fixed: fixed_verb && !asks_versions,
            english_git: matches!(verb.as_str(), "mod" | "get"),
            traceable: WITH_TRACE.iter().any(|(v, s)| *v == verb && *s == sub),
            mod_mode: mod_mode.map(str::to_owned),
            downloads: (kind == Supervised && verb == "mod" && sub == "download")
                .then(|| downloads(rest, &goflags))
                .flatten(),
            flags_at: at,
            loads: from_goflags.is_ok().then(|| Loads::of(&verb, &sub, kind, rest, &goflags)).flatten(),
            versioned: (verb == "run").then(|| loads::versioned(rest)).flatten(),
            graph: kind == Supervised && reads_graph(&verb, &sub, &flags, &goflags),
            alone: verb == "get" || verb == "mod" && sub == "tidy",
            hides_failures: kind == Supervised && hides_failures(&verb, &sub, &flags),
            named: rest.iter().filter_map(|w| import_path(w)).map(str::to_owned).collect(),
            verb,
            sub,
            chdir,
        }
    }
}

/// The kind of a verb, the flags considered that make it run more or less than usual.
fn kind_of(verb: &str, sub: &str, rest: &[String], flags: &Flags<'_>, goflags: &[String]) -> Kind {
    let tools = TOOLCHAIN_TOOLS;
    let kind =
        TABLE.iter().find(|(v, s, _)| *v == verb && *s == sub).map_or(PassThrough, |(_, _, kind)| *kind);
    let comes_with_go = |word: &String| tools.contains(&word.as_str());
    if flags.has("h")
        || flags.has("help")
        || (verb == "tool" && rest.iter().find(|w| !w.starts_with('-')).is_none_or(comes_with_go))
    {
        return PassThrough;
    }
    // With -c the tests are compiled and not run.
    let kind = if verb == "test" && flags.is_on("c") { Supervised } else { kind };
    let lists_modules = verb == "list" && flags.is_on("m");
    let runs = |(flag, verbs): &(&str, &[&str])| {
        verbs.contains(&verb) && !lists_modules && (flags.has(flag) || Flags { words: goflags }.has(flag))
    };
    if kind == Supervised && RUNNERS.iter().any(runs) { RunsUserCode } else { kind }
}

/// See [`Invocation::graph`]: as far as it is sure, and no other go.mod is named.
fn reads_graph(verb: &str, sub: &str, flags: &Flags<'_>, goflags: &[String]) -> bool {
    let elsewhere = |name: &&str| flags.has(name) || Flags { words: goflags }.has(name);
    let reads = match (verb, sub) {
        ("list", _) => flags.is_on("m") && flags.words.iter().any(|word| word == "all"),
        // tidy reads no more of it than the packages need.
        ("mod", "graph" | "verify") | ("get", _) => true,
        _ => false,
    };
    reads && !["modfile", "overlay"].iter().any(elsewhere)
}

/// See [`Invocation::hides_failures`]. Without `-e` too, list says nothing of imports that it cannot load.
fn hides_failures(verb: &str, sub: &str, flags: &Flags<'_>) -> bool {
    let lenient = flags.is_on("e");
    match (verb, sub) {
        ("list", _) => lenient || !flags.is_on("m"),
        ("mod", "tidy" | "vendor") | ("get", _) => lenient,
        _ => false,
    }
}

/// See [`Invocation::downloads`].
fn downloads(rest: &[String], goflags: &[String]) -> Option<Downloads> {
    let harmless =
        |word: &String| flag(word).is_some_and(|(name, _)| ["x", "json", "modcacherw"].contains(&name));
    let elsewhere =
        |word: &String| flag(word).is_some_and(|(name, _)| ["modfile", "overlay"].contains(&name));
    let (flags, named) =
        rest.split_at(rest.iter().position(|word| !word.starts_with('-')).unwrap_or(rest.len()));
    // A pattern is as many modules as go finds.
    let one = |word: &String| word != "all" && !word.contains("...") && !word.starts_with('-');
    let writable = [flags, goflags].into_iter().any(|words| Flags { words }.is_on("modcacherw"));
    (flags.iter().all(harmless) && named.iter().all(one) && !goflags.iter().any(elsewhere))
        .then(|| Downloads { writable, named: named.to_vec() })
}

/// The words behind a verb, as far as they may be flags.
struct Flags<'a> {
    words: &'a [String],
}

impl<'a> Flags<'a> {
    fn of(rest: &'a [String], verb: &str) -> Flags<'a> {
        let ends =
            |word: &String| word == "--" || (verb == "test" && matches!(word.as_str(), "-args" | "--args"));
        Flags { words: &rest[..rest.iter().position(ends).unwrap_or(rest.len())] }
    }

    /// True where a word looks like this flag, be it the value of another.
    fn has(&self, name: &str) -> bool {
        self.words.iter().filter_map(|word| flag(word)).any(|(found, _)| found == name)
    }

    /// True where this flag without a value is surely set: the last time it is, to true, and no word
    /// before it may have taken it for its own value.
    fn is_on(&self, name: &str) -> bool {
        let mut on = false;
        for (at, word) in self.words.iter().enumerate() {
            if let Some((found, value)) = flag(word)
                && found == name
            {
                on = !self.may_be_value(at)
                    && matches!(value, None | Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
            }
        }
        on
    }

    /// True where the flag before this word may have taken it for its value.
    fn may_be_value(&self, at: usize) -> bool {
        at > 0
            && flag(&self.words[at - 1])
                .is_some_and(|(before, value)| value.is_none() && !WITHOUT_VALUE.contains(&before))
    }

    /// The value that this flag has the last time, in its own word or the next.
    fn value(&self, name: &str) -> Option<&'a str> {
        let mut last = None;
        for (at, word) in self.words.iter().enumerate() {
            if let Some((found, value)) = flag(word)
                && found == name
            {
                last = value.or_else(|| self.words.get(at + 1).map(String::as_str));
            }
        }
        last
    }
}

/// `-C DIR`, `-C=DIR`, `--C DIR` at the front: go allows it right after `go` or after the verb.
fn take_chdir<S: AsRef<OsStr>>(args: &[S], at: &mut usize) -> Option<OsString> {
    let first = args.get(*at)?.as_ref().as_bytes();
    let flag = first.strip_prefix(b"--").or_else(|| first.strip_prefix(b"-"))?;
    if let Some(dir) = flag.strip_prefix(b"C=") {
        *at += 1;
        return Some(OsStr::from_bytes(dir).to_owned());
    }
    if flag == b"C" {
        let dir = args.get(*at + 1)?.as_ref().to_owned();
        *at += 2;
        return Some(dir);
    }
    None
}

/// The path of `host.domain/path@version`; `None` for flags, folders, files and patterns of neither.
fn import_path(word: &str) -> Option<&str> {
    let path = word.split('@').next().unwrap_or(word);
    let host = path.split('/').next().unwrap_or(path);
    let is_path = !word.starts_with(['-', '.', '/']) && host.contains('.') && !path.ends_with(".go");
    is_path.then_some(path)
}

/// Name and value of `-name`, `--name`, `-name=value`.
fn flag(word: &str) -> Option<(&str, Option<&str>)> {
    let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
    (!name.is_empty()).then_some((name, value))
}
