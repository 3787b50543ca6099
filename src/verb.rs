//! How gox treats each verb of the go command: the one table.
//!
//! Pure. A verb that is not in the table passes through, so a verb of a later release of go works
//! from its first day, unhelped.

use std::ffi::OsStr;

/// What gox may do with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

/// Flags that name a program of the user's which go then runs.
const RUNNERS: &[&str] = &["toolexec", "vettool", "fixtool", "exec"];

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
    ("vet", ""),
];

/// One command line of go's, understood as far as gox needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The verb's kind, flags considered.
    pub kind: Kind,
    /// First word after `go` (and after `-C DIR`), empty if none.
    pub verb: String,
    /// Second word for `mod` and `work`, else empty.
    pub sub: String,
    /// The folder of `-C`, as written.
    pub chdir: Option<String>,
    /// Errors may stand in JSON on stdout.
    pub json: bool,
    /// go.mod alone fixes every version that this command needs (so `--offline` is possible).
    pub versions_fixed: bool,
    /// git's words may be forced to English: no compiler runs under this verb.
    pub english_git: bool,
    /// The verb understands `-x`.
    pub traceable: bool,
    /// Where among the arguments the verb's own flags begin, behind a `-C` that must stand first.
    pub flags_at: usize,
    /// Modules and packages that the arguments name by import path, without their versions.
    pub named: Vec<String>,
}

impl Invocation {
    /// Reads the arguments after `go`. `goflags` is the effective GOFLAGS.
    pub fn read<S: AsRef<OsStr>>(args: &[S], goflags: &str) -> Invocation {
        let words: Vec<String> = args.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect();
        let mut rest = &words[..];
        let mut chdir = take_chdir(&mut rest);
        let verb = rest.first().cloned().unwrap_or_default();
        rest = rest.get(1..).unwrap_or_default();
        let mut sub = String::new();
        if matches!(verb.as_str(), "mod" | "work") {
            sub = rest.first().cloned().unwrap_or_default();
            rest = rest.get(1..).unwrap_or_default();
        }
        if chdir.is_none() {
            chdir = take_chdir(&mut rest);
        }
        let flags_at = words.len() - rest.len();
        let flags: Vec<&str> = rest.iter().take_while(|w| *w != "--").filter_map(|w| flag_name(w)).collect();
        let has = |name: &str| flags.contains(&name);
        let by_goflags =
            |name: &str| goflags.split_ascii_whitespace().filter_map(flag_name).any(|f| f == name);

        let mut kind =
            TABLE.iter().find(|(v, s, _)| *v == verb && *s == sub).map_or(PassThrough, |(_, _, kind)| *kind);
        if verb == "tool"
            && rest.iter().find(|w| !w.starts_with('-')).is_none_or(|w| TOOLCHAIN_TOOLS.contains(&w.as_str()))
        {
            kind = PassThrough;
        }
        if has("h") || has("help") {
            kind = PassThrough;
        }
        if kind == Supervised && RUNNERS.iter().any(|r| has(r) || by_goflags(r)) {
            kind = RunsUserCode;
        }

        let asks_versions = rest.iter().any(|w| !w.starts_with('-') && w.contains('@'))
            || has("u")
            || has("versions")
            || has("retracted");
        let fixed_verb = matches!(
            (verb.as_str(), sub.as_str()),
            ("build" | "install" | "vet" | "list" | "fix", _)
                | ("mod", "download" | "graph" | "vendor" | "verify" | "why")
                | ("work", "vendor")
        );
        Invocation {
            kind,
            json: has("json"),
            versions_fixed: fixed_verb && !asks_versions,
            english_git: matches!(verb.as_str(), "mod" | "get"),
            traceable: WITH_TRACE.iter().any(|(v, s)| *v == verb && *s == sub),
            flags_at,
            named: rest.iter().filter_map(|w| import_path(w)).map(str::to_owned).collect(),
            verb,
            sub,
            chdir,
        }
    }
}

/// `-C DIR`, `-C=DIR`, `--C DIR` at the front: go allows it right after `go` or after the verb.
fn take_chdir(rest: &mut &[String]) -> Option<String> {
    let first = rest.first()?;
    let flag = first.strip_prefix("--").or_else(|| first.strip_prefix('-'))?;
    if let Some(dir) = flag.strip_prefix("C=") {
        *rest = &rest[1..];
        return Some(dir.to_owned());
    }
    if flag == "C" {
        let dir = rest.get(1)?.clone();
        *rest = &rest[2..];
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

/// `name` of `-name`, `--name`, `-name=value`.
fn flag_name(word: &str) -> Option<&str> {
    let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    let name = flag.split('=').next().unwrap_or("");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Kind {
        Invocation::read(&line.split_whitespace().collect::<Vec<_>>(), "").kind
    }

    #[test]
    fn every_verb_has_its_kind() {
        for line in [
            "",
            "version",
            "env GOPATH",
            "fmt ./...",
            "help mod",
            "clean -modcache",
            "doc fmt",
            "telemetry",
            "bug",
            "mod",
            "mod edit -json",
            "mod init x",
            "work use .",
            "tool",
            "tool compile -V",
            "build -h",
            "mod download -help",
            "frobnicate",
            "-h",
            "mod help tidy",
        ] {
            assert_eq!(kind(line), PassThrough, "{line}");
        }
        for line in [
            "mod download",
            "mod tidy",
            "mod vendor",
            "mod verify",
            "mod why x",
            "mod graph",
            "get x@v1.0.0",
            "install ./...",
            "build",
            "vet ./...",
            "list -m all",
            "work sync",
            "work vendor",
            "-C dir build",
            "build -C dir -x",
        ] {
            assert_eq!(kind(line), Supervised, "{line}");
        }
        for line in [
            "run .",
            "test ./...",
            "generate",
            "tool stringer",
            "build -toolexec=time",
            "vet -vettool x",
            "build --toolexec time ./...",
        ] {
            assert_eq!(kind(line), RunsUserCode, "{line}");
        }
    }

    #[test]
    fn goflags_may_name_a_runner_too() {
        assert_eq!(Invocation::read(&["build"], "-mod=mod -toolexec=x").kind, RunsUserCode);
        assert_eq!(Invocation::read(&["version"], "-toolexec=x").kind, PassThrough);
    }

    #[test]
    fn versions_are_fixed_only_where_go_mod_names_them() {
        let fixed = |l: &str| Invocation::read(&l.split_whitespace().collect::<Vec<_>>(), "").versions_fixed;
        assert!(fixed("mod download") && fixed("build ./...") && fixed("list -m all"));
        for line in [
            "get x",
            "mod tidy",
            "list -m -u all",
            "install x@latest",
            "mod download x@latest",
            "list -m -versions x",
        ] {
            assert!(!fixed(line), "{line}");
        }
    }

    #[test]
    fn import_paths_of_the_arguments_are_known() {
        let read = |l: &str| Invocation::read(&l.split_whitespace().collect::<Vec<_>>(), "");
        assert_eq!(read("get -u git.corp/x@v1.0.0 h.example/y/...").named, ["git.corp/x", "h.example/y/..."]);
        assert_eq!(read("build -o out ./... main.go std /abs.d/x").named, [""; 0]);
        for (line, at) in [("-C d get x", 3), ("get -C d x", 3), ("mod tidy", 2), ("get x", 1), ("", 0)] {
            assert_eq!(read(line).flags_at, at, "{line}");
        }
    }

    #[test]
    fn chdir_is_read_at_both_places() {
        let at = |l: &str| Invocation::read(&l.split_whitespace().collect::<Vec<_>>(), "").chdir;
        assert_eq!(at("-C a build"), Some("a".into()));
        assert_eq!(at("build -C=a ./..."), Some("a".into()));
        assert_eq!(at("mod download -C a"), Some("a".into()));
        assert_eq!(at("build ./..."), None);
    }
}
