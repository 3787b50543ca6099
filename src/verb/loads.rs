//! Which packages a command loads, as far as its words tell.

use super::{Flags, Kind, RUNNERS, flag};

/// The packages that a command loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loads {
    /// Folders (`./x`), files, import paths, each with or without `...`.
    pub patterns: Vec<String>,
    /// Their tests too.
    pub tests: bool,
    /// The user's build tags.
    pub tags: Vec<String>,
    /// Folders of the module cache keep their write bits (`-modcacherw`).
    pub writable: bool,
}

/// Flags with which other files count than those that lie there, or with which no package is loaded as usual.
const NOT_FOLLOWED: &[&str] =
    &["modfile", "overlay", "coverpkg", "find", "m", "n", "exec", "compiler", "mod"];

impl Loads {
    /// `None` where gox does not follow: a flag of [`NOT_FOLLOWED`], programs of the user's, versions.
    pub(super) fn of(verb: &str, kind: Kind, rest: &[String], goflags: &[String]) -> Option<Loads> {
        let tests = match verb {
            "build" | "install" | "run" => false,
            "list" => Flags::of(rest, verb).is_on("test"),
            "test" | "vet" => true,
            _ => return None,
        };
        let words = Flags::of(rest, verb).words;
        let all = [words, goflags];
        let has = |name: &&str| all.into_iter().any(|words| Flags { words }.has(name));
        if kind == Kind::PassThrough
            || NOT_FOLLOWED.iter().any(&has)
            || RUNNERS.iter().any(|(name, _)| has(name))
        {
            return None;
        }
        let named = || words.iter().enumerate().filter(|(_, word)| is_pattern(word));
        let surely = |at: &usize| !Flags { words }.may_be_value(*at);
        let mut patterns: Vec<String> =
            named().filter(|(at, _)| surely(at)).map(|(_, word)| word.clone()).collect();
        // Whether it is a flag's value or all that is named, nobody knows.
        if patterns.is_empty() && named().next().is_some() {
            return None;
        }
        if patterns.iter().any(|pattern| pattern.contains('@')) {
            return None;
        }
        if verb == "run" {
            // What follows is the program's own.
            let files = patterns.iter().take_while(|word| word.ends_with(".go")).count();
            patterns.truncate(files.max(1));
        }
        if patterns.is_empty() {
            patterns.push(".".to_owned());
        }
        let tags = Flags { words }.value("tags").or_else(|| Flags { words: goflags }.value("tags"));
        let split = |tags: &str| tags.split([',', ' ']).map(str::to_owned).collect();
        let writable = all.into_iter().any(|words| Flags { words }.is_on("modcacherw"));
        Some(Loads { patterns, tests, tags: tags.map(split).unwrap_or_default(), writable })
    }
}

/// Whether a word looks like the name of packages.
fn is_pattern(word: &str) -> bool {
    let local = matches!(word, "." | "..") || word.starts_with("./") || word.starts_with("../");
    let host = word.split('/').next().is_some_and(|host| host.contains('.') && word.contains('/'));
    flag(word).is_none() && (local || host && !word.starts_with('/') || word.ends_with(".go"))
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
            "test -exec=x .",
            "vet -vettool=x",
            "install h.test/x@latest",
            "run h.test/x@v1.0.0",
            "test -coverpkg=./... .",
            "mod tidy",
            "generate",
            "build -mod=vendor",
            "build -o ./out",
            "test -unknown ./a",
        ] {
            assert_eq!(patterns(line, ""), None, "{line}");
        }
        for goflags in ["-overlay=x", "-toolexec=x", "'-modfile=a b'", "-mod=mod"] {
            assert_eq!(patterns("test", goflags), None, "{goflags}");
        }
    }
}
