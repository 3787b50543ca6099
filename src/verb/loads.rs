//! Which packages a command loads, as far as its words tell.

use super::{Flags, Kind, flag};

/// The packages that a command loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loads {
    /// What the patterns name.
    pub scope: Scope,
    /// Folders (`./x`), files, import paths, each with or without `...`; `all`, `tool`; names of tools.
    pub patterns: Vec<String>,
    /// More of them, never with tests.
    pub also: Vec<String>,
    /// Their tests too.
    pub tests: bool,
    /// Whatever may be built anywhere counts.
    pub any: bool,
    /// The user's build tags.
    pub tags: Vec<String>,
    /// go asks for the `.info` of their modules.
    pub infos: bool,
    /// A vendor folder is no matter.
    pub past_vendor: bool,
    /// Folders of the module cache keep their write bits (`-modcacherw`).
    pub writable: bool,
}

/// What patterns name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Packages.
    Packages,
    /// Packages whose files hold directives for `go generate`.
    Directives,
    /// A tool of go.mod's.
    Tool,
}

/// Flags with which other files count than those that lie there, or with which no package is loaded as usual.
const NOT_FOLLOWED: &[&str] = &["modfile", "overlay", "find", "m", "compiler"];

/// Flags that take a value, in the next word where there is no `=`. Of others nobody knows here.
const WITH_VALUE: &[&str] = &[
    "C",
    "asmflags",
    "bench",
    "benchtime",
    "blockprofile",
    "buildmode",
    "buildvcs",
    "compat",
    "compiler",
    "count",
    "covermode",
    "coverpkg",
    "coverprofile",
    "cpu",
    "cpuprofile",
    "exec",
    "f",
    "fixtool",
    "fuzz",
    "fuzztime",
    "gccgoflags",
    "gcflags",
    "go",
    "installsuffix",
    "ldflags",
    "list",
    "memprofile",
    "mod",
    "modfile",
    "mutexprofile",
    "o",
    "outputdir",
    "overlay",
    "p",
    "parallel",
    "pgo",
    "pkgdir",
    "run",
    "shuffle",
    "skip",
    "tags",
    "timeout",
    "toolexec",
    "trace",
    "vet",
    "vettool",
];

impl Loads {
    /// `None` where gox does not follow: a flag of [`NOT_FOLLOWED`], versions, words that may be anything.
    pub(super) fn of(
        verb: &str,
        sub: &str,
        kind: Kind,
        rest: &[String],
        goflags: &[String],
    ) -> Option<Loads> {
        let mut words = Flags::of(rest, verb).words;
        let (mut patterns, programs) = positional(words)?;
        if matches!(verb, "run" | "tool") {
            // What follows is the program's own.
            words = &words[..programs];
        }
        let flags = Flags { words };
        let in_goflags = Flags { words: goflags };
        let is_on = |name| flags.is_on(name) || in_goflags.is_on(name);
        let by_value = |name| flags.value(name).or_else(|| in_goflags.value(name));
        let has = |name: &&str| flags.has(name) || in_goflags.has(name);
        let vendors = by_value("mod") == Some("vendor") && verb != "mod";
        if kind == Kind::PassThrough || vendors || NOT_FOLLOWED.iter().any(|name| has(name) && verb != "mod")
        {
            return None;
        }
        let (mut tests, mut any, mut infos, mut scope) = (false, false, true, Scope::Packages);
        match (verb, sub) {
            ("build" | "install" | "run" | "fix", _) => {}
            ("list", _) => tests = flags.is_on("test"),
            ("test" | "vet", _) => tests = true,
            ("generate", _) => scope = Scope::Directives,
            ("tool", _) => scope = Scope::Tool,
            ("mod", "tidy" | "vendor" | "why") if !["modfile", "overlay"].iter().any(has) => {
                tests = sub != "vendor" && !flags.is_on("vendor");
                (any, infos) = (true, sub == "vendor");
                if sub != "why" || flags.is_on("m") {
                    patterns.clear();
                }
                patterns.push("all".to_owned());
            }
            _ => return None,
        }
        if patterns.iter().any(|pattern| pattern.contains('@')) {
            return None;
        }
        match verb {
            "run" => {
                let files = patterns.iter().take_while(|word| word.ends_with(".go")).count();
                patterns.truncate(files.max(1));
            }
            "tool" => patterns.truncate(1),
            _ => {}
        }
        if patterns.is_empty() {
            patterns.push(".".to_owned());
        }
        let split = |list: Option<&str>| -> Vec<String> {
            list.unwrap_or_default()
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut tags = split(by_value("tags"));
        tags.extend(["race", "msan", "asan"].into_iter().filter(|name| is_on(name)).map(str::to_owned));
        let also = if verb == "test" { split(by_value("coverpkg")) } else { vec![] };
        let past_vendor = verb == "mod" || by_value("mod") == Some("mod");
        let writable = is_on("modcacherw");
        Some(Loads { scope, patterns, also, tests, any, tags, infos, past_vendor, writable })
    }
}

/// The package that the words behind `run` name with a version: its path begins with a host.
pub(super) fn versioned(rest: &[String]) -> Option<String> {
    let package = positional(rest)?.0.into_iter().next()?;
    let (path, version) = package.split_once('@')?;
    let has_host = path.split('/').next().is_some_and(|host| host.contains('.') && !host.starts_with('.'));
    (has_host && !version.is_empty()).then_some(package)
}

/// The words that are no flags and no values of flags, and where the first of them stands; `None` where that is not
/// known of the only ones.
fn positional(words: &[String]) -> Option<(Vec<String>, usize)> {
    let flags = Flags { words };
    let (mut sure, mut unsure, mut first) = (Vec::new(), false, words.len());
    for (at, word) in words.iter().enumerate().filter(|(_, word)| flag(word).is_none() && *word != "-") {
        let taken = at > 0
            && flag(&words[at - 1])
                .is_some_and(|(before, value)| value.is_none() && WITH_VALUE.contains(&before));
        if taken {
            continue;
        }
        if flags.may_be_value(at) {
            unsure = true;
        } else {
            first = first.min(at);
            sure.push(word.clone());
        }
    }
    (!sure.is_empty() || !unsure).then_some((sure, first))
}

#[cfg(test)]
mod tests {
    use crate::verb::Invocation;
    use std::ffi::OsStr;

    fn patterns(line: &str, goflags: &str) -> Option<(Vec<String>, bool)> {
        let words: Vec<_> = line.split_whitespace().collect();
        Invocation::read(&words, OsStr::new(goflags)).loads.map(|loads| (loads.patterns, loads.tests))
    }

    #[test]
    fn patterns_are_told_from_flags_and_from_the_programs_own_words() {
        for (line, wanted, tests) in [
            ("build", &["."][..], false),
            ("build -o ./out ./...", &["./..."], false),
            ("build -v ./a", &["./a"], false),
            ("build -o out -tags ./x .", &["."], false),
            ("test -run X -count 1 ./a ./b/... -args ./c", &["./a", "./b/..."], true),
            ("run . ./data x.test/y", &["."], false),
            ("run a.go b.go ./c", &["a.go", "b.go"], false),
            ("list -deps -test h.test/x/...", &["h.test/x/..."], true),
            ("vet", &["."], true),
            ("list fmt", &["fmt"], false),
            ("build -o ./out", &["."], false),
            ("build -overlaid ./a ./b", &["./b"], false),
            ("test -exec=x .", &["."], true),
            ("vet -vettool=x", &["."], true),
            ("build -mod=mod", &["."], false),
            ("run -tags x . -tags y", &["."], false),
            ("tool -n stringer -modfile=x ./a", &["stringer"], false),
            ("mod tidy -v", &["all"], true),
            ("mod vendor -o dir", &["all"], false),
            ("mod why h.test/x", &["h.test/x", "all"], true),
            ("mod why -m h.test/x", &["all"], true),
            ("generate -run x ./...", &["./..."], false),
        ] {
            let wanted = wanted.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(patterns(line, ""), Some((wanted, tests)), "{line}");
        }
    }

    #[test]
    fn what_is_not_followed_is_not_planned() {
        for line in [
            "build -overlay=x.json",
            "test -modfile=x.mod ./...",
            "list -m all",
            "list -find ./...",
            "install h.test/x@latest",
            "run h.test/x@v1.0.0",
            "mod tidy -modfile=x.mod",
            "mod graph",
            "tool compile -V",
            "build -mod=vendor",
            "test -unknown ./a",
        ] {
            assert_eq!(patterns(line, ""), None, "{line}");
        }
        for goflags in ["-overlay=x", "'-modfile=a b'", "-mod=vendor"] {
            assert_eq!(patterns("test", goflags), None, "{goflags}");
        }
    }

    #[test]
    fn tags_and_more_packages_come_from_both_places() {
        let loads = |line: &str, goflags: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            Invocation::read(&words, OsStr::new(goflags)).loads.expect("followed")
        };
        assert_eq!(loads("build -race -tags a,b", "-tags=c").tags, ["a", "b", "race"]);
        assert_eq!(loads("run -tags=a . -tags=b", "").tags, ["a"]);
        assert_eq!(loads("test", "'-tags=c d' -msan").tags, ["c", "d", "msan"]);
        assert_eq!(loads("test -coverpkg=./...,h.test/x .", "").also, ["./...", "h.test/x"]);
        assert_eq!(loads("build -coverpkg=./... .", "").also, [""; 0]);
        let tidy = loads("mod tidy", "-mod=vendor");
        assert!(tidy.any && !tidy.infos && tidy.past_vendor);
    }

    #[test]
    fn a_program_of_another_module_is_told_by_its_version() {
        let versioned = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            Invocation::read(&words, OsStr::new("")).versioned
        };
        for line in ["run h.test/x/cmd@v1.0.0 . a@b", "run -tags x h.test/x/cmd@v1.0.0"] {
            assert_eq!(versioned(line).as_deref(), Some("h.test/x/cmd@v1.0.0"), "{line}");
        }
        for line in [
            "run . h.test/x@v1",
            "run ./x@y",
            "run -unknown h.test/x@v1",
            "install h.test/x@v1",
            "run h.test/x@",
        ] {
            assert_eq!(versioned(line), None, "{line}");
        }
    }
}
