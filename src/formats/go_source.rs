//! The head of a Go source file: is it built here, and what does it import?
//!
//! Pure. As cmd/go's `imports` package reads it, but where that would need more than the head and a few settings tell
//! (feature tags of a processor, experiments, a C compiler that nobody looked for), nothing is claimed: the file counts
//! as left out.

mod condition;

/// The systems and processors that go knows in file names.
const SYSTEMS: &str = "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris \
                       wasip1 windows zos";

/// See [`SYSTEMS`].
const PROCESSORS: &str = "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 \
                          mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm";

/// The systems that count as `unix`.
const UNIX: &str = "aix android darwin dragonfly freebsd hurd illumos ios linux netbsd openbsd solaris";

/// What is built for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// GOOS.
    pub(crate) system: String,
    /// GOARCH.
    pub(crate) processor: String,
    /// The second number of go's release.
    pub(crate) minor: u32,
    /// Whether files with cgo are built; `None` where that is not known.
    pub(crate) cgo: Option<bool>,
    /// The user's tags, and those of flags (`race`).
    pub(crate) tags: Vec<String>,
    /// Whatever may be built anywhere counts, as for `go mod tidy`: each tag but `ignore` may hold or not.
    pub(crate) any: bool,
}

impl Target {
    /// Whether a tag holds; `None` where that is not known. `wanted` is what would be liked better.
    fn has(&self, tag: &str, wanted: bool) -> Option<bool> {
        if self.any && tag != "ignore" {
            return Some(wanted);
        }
        if self.tags.iter().any(|own| own == tag) {
            return Some(true);
        }
        if tag == "cgo" {
            return self.cgo;
        }
        let of_processor = tag.strip_prefix(&self.processor).and_then(|rest| rest.strip_prefix('.'));
        if let Some(feature) = of_processor {
            // The lowest level holds with every other.
            return (feature == "v1").then_some(true);
        }
        if tag.starts_with("goexperiment.") {
            return None;
        }
        if let Some(minor) = tag.strip_prefix("go1.").and_then(|minor| minor.parse::<u32>().ok()) {
            return Some((1..=self.minor).contains(&minor));
        }
        let stands_for = |system| match system {
            "linux" => "android",
            "solaris" => "illumos",
            "darwin" => "ios",
            _ => "",
        };
        let own = &*self.system;
        let unix = || tag == "unix" && UNIX.split_whitespace().any(|system| system == own);
        Some(tag == own || stands_for(tag) == own || tag == self.processor || tag == "gc" || unix())
    }

    /// Whether a file of this name is built here, as far as names tell.
    fn takes(&self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or(name);
        let Some((_, rest)) = stem.split_once('_').filter(|_| !self.any) else { return true };
        let mut parts: Vec<&str> = rest.split('_').collect();
        if parts.last() == Some(&"test") {
            parts.pop();
        }
        let is = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
        let has = |word: &str| self.has(word, true) == Some(true);
        match parts[..] {
            [.., system, processor] if is(SYSTEMS, system) && is(PROCESSORS, processor) => {
                has(system) && has(processor)
            }
            [.., last] if is(SYSTEMS, last) || is(PROCESSORS, last) => has(last),
            _ => true,
        }
    }
}

/// What the head of a file tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// What it imports; nothing where it is not surely built.
    Imports(Vec<String>),
    /// The text ends before the head does.
    CutOff,
}

/// Whether a file of this name, without folders, may belong to a package that is built here.
pub(crate) fn may_be_built(name: &str, target: &Target) -> bool {
    name.ends_with(".go") && !name.starts_with(['_', '.']) && target.takes(name)
}

/// Reads a file's head: of its beginning, or `whole`. Where the command line names the file (`by_name`), conditions
/// do not count.
pub(crate) fn head(text: &str, whole: bool, target: &Target, by_name: bool) -> Head {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut words = Words { rest: text, ended: false };
    let found = match words.next() {
        Some("package") => words.next().map(|_| paths(&mut words)).unwrap_or_default(),
        _ => vec![],
    };
    if words.ended && !whole {
        return Head::CutOff;
    }
    if found.is_empty() || !by_name && !condition::allows(text, target) {
        return Head::Imports(vec![]);
    }
    // go leaves a file with cgo out where cgo is off.
    let without = found.iter().any(|path| path == "C") && !target.any && target.cgo != Some(true);
    Head::Imports(if without { vec![] } else { found })
}

/// The paths of the import declarations that follow.
fn paths(words: &mut Words<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let path = |word: &str| {
        let quote = word.chars().next().filter(|quote| ['"', '`'].contains(quote))?;
        Some(word.trim_matches(quote).to_owned())
    };
    while let Some(word) = words.next() {
        match word {
            ";" => {}
            "import" => {
                let first = words.next();
                if first == Some("(") {
                    while let Some(inside) = words.next().filter(|word| *word != ")") {
                        found.extend(path(inside));
                    }
                } else {
                    // A name may stand before the path.
                    let unnamed = first.and_then(path);
                    found.extend(unnamed.or_else(|| words.next().and_then(path)));
                }
            }
            _ => break,
        }
    }
    found
}

/// The words of the head, without comments.
struct Words<'a> {
    rest: &'a str,
    /// The text ended where a word was looked for.
    ended: bool,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.word();
        self.ended |= word.is_none();
        word
    }

    fn word(&mut self) -> Option<&'a str> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("//") {
                self.rest = comment.split_once('\n')?.1;
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/")?.1;
            } else {
                break;
            }
        }
        let first = self.rest.chars().next()?;
        let end = match first {
            '"' | '`' => self.rest[1..].find(first)? + 2,
            '(' | ')' | ';' => 1,
            _ => {
                let ends = |c: char| c.is_whitespace() || "\"`();/".contains(c);
                let end = self.rest.find(ends).unwrap_or(self.rest.len()).max(first.len_utf8());
                // It may go on.
                self.ended |= end == self.rest.len();
                end
            }
        };
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            system: "linux".into(),
            processor: "amd64".into(),
            minor: 24,
            cgo: Some(false),
            tags: vec!["mine".into()],
            any: false,
        }
    }

    #[test]
    fn imports_are_read_as_go_reads_them() {
        let read = |text: &str| match head(text, true, &target(), false) {
            Head::Imports(found) => found,
            Head::CutOff => panic!("{text}"),
        };
        let text = "// Package a.\n\n/* more\n */ package a // so\n\nimport \"fmt\"\nimport x \"h.test/x\"\nimport . `h.test/y`\n\
                    import (\n\t\"os\" // files\n\t_ \"h.test/z\"; /* last */ w \"h.test/w\"\n)\n\nvar import_ = \"no\"\nimport \"late\"\n";
        assert_eq!(read(text), ["fmt", "h.test/x", "h.test/y", "os", "h.test/z", "h.test/w"]);
        assert_eq!(read("package a"), [""; 0]);
        assert_eq!(read("package a;import(\"x\");import\"y\"\nfunc f() {}"), ["x", "y"]);
        assert_eq!(read("package a\nimport \"x\"\nimport \"C\"\n"), [""; 0], "cgo is off");
        let with = Target { cgo: Some(true), ..target() };
        let found = head("package a\nimport \"x\"\nimport \"C\"\nvar x", false, &with, false);
        assert_eq!(found, Head::Imports(vec!["x".into(), "C".into()]));
        for odd in [
            "",
            "\u{feff}",
            "packag",
            "package a\nimport (\"x",
            "package a\nimport",
            "/*",
            "é \u{0}",
            "package é import é",
        ] {
            assert_eq!(read(odd), [""; 0], "{odd:?}");
        }
    }

    #[test]
    fn a_head_that_is_cut_off_is_known_for_one() {
        let text = "// Long.\n\npackage a\n\nimport (\n\t\"x\"\n)\n\nvar a = 1\n";
        for end in 0..text.len() - " a = 1\n".len() {
            let found = head(&text[..end], false, &target(), false);
            assert_eq!(found, Head::CutOff, "{end}");
        }
        assert_eq!(head(text, false, &target(), false), Head::Imports(vec!["x".into()]));
    }

    #[test]
    fn names_tell_what_a_file_is_built_for() {
        let built = |name: &str| may_be_built(name, &target());
        for name in [
            "a.go",
            "linux.go",
            "a_linux.go",
            "a_linux_amd64.go",
            "a_amd64_test.go",
            "a_b.go",
            "windows_a.go",
            "a.pb_windows.go",
        ] {
            assert!(built(name), "{name}");
        }
        for name in
            ["a_windows.go", "a_linux_arm64.go", "a_arm64.go", "_a.go", ".a.go", "a.txt", "a_darwin_test.go"]
        {
            assert!(!built(name), "{name}");
        }
        let any = Target { any: true, ..target() };
        assert!(may_be_built("a_windows.go", &any) && !may_be_built("_a.go", &any));
    }
}
