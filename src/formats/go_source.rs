//! The head of a Go source file: is it built here, and what does it import?
//!
//! Pure. As go/build reads it, but where that would need more than the head and a few settings tell
//! (cgo, feature tags of a processor, `// +build` lines), nothing is claimed: the file counts as left out.

/// The systems and processors that go knows in file names.
const SYSTEMS: &str = "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris \
                       wasip1 windows zos";

/// See [`SYSTEMS`].
const PROCESSORS: &str = "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 \
                          mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm";

/// What is built for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// GOOS.
    pub(crate) system: String,
    /// GOARCH.
    pub(crate) processor: String,
    /// The second number of go's release.
    pub(crate) minor: u32,
    /// The user's tags.
    pub(crate) tags: Vec<String>,
}

impl Target {
    /// Whether a tag holds; `None` where that is not known.
    fn has(&self, tag: &str) -> Option<bool> {
        if self.tags.iter().any(|own| own == tag) {
            return Some(true);
        }
        let of_processor = tag.strip_prefix(&self.processor).is_some_and(|rest| rest.starts_with('.'));
        if of_processor || tag.starts_with("goexperiment.") || ["cgo", "race", "msan", "asan"].contains(&tag)
        {
            return None;
        }
        if let Some(minor) = tag.strip_prefix("go1.").and_then(|minor| minor.parse::<u32>().ok()) {
            return Some(minor <= self.minor);
        }
        let unix = || tag == "unix" && ["linux", "darwin"].contains(&&*self.system);
        Some(tag == self.system || tag == self.processor || tag == "gc" || unix())
    }

    /// Whether a file of this name is built here, as far as names tell.
    fn takes(&self, stem: &str) -> bool {
        let Some((_, rest)) = stem.split_once('_') else { return true };
        let mut parts: Vec<&str> = rest.split('_').collect();
        if parts.last() == Some(&"test") {
            parts.pop();
        }
        let is = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
        match parts[..] {
            [.., system, processor] if is(SYSTEMS, system) && is(PROCESSORS, processor) => {
                system == self.system && processor == self.processor
            }
            [.., last] if is(SYSTEMS, last) => last == self.system,
            [.., last] if is(PROCESSORS, last) => last == self.processor,
            _ => true,
        }
    }
}

/// The imports of a file, where it is surely built: `name` is its own, without folders.
pub(crate) fn imports(name: &str, text: &str, target: &Target) -> Vec<String> {
    let Some(stem) = name.strip_suffix(".go").filter(|_| !name.starts_with(['_', '.'])) else {
        return vec![];
    };
    if !target.takes(stem) {
        return vec![];
    }
    let mut words =
        Words { rest: text.strip_prefix('\u{feff}').unwrap_or(text), condition: None, old: false };
    if words.next() != Some("package") {
        return vec![];
    }
    if words.old && words.condition.is_none() {
        return vec![];
    }
    if words.condition.is_some_and(|condition| holds(condition, target) != Some(true)) {
        return vec![];
    }
    words.next();
    let found = paths(&mut words);
    // With cgo the file is another one.
    if found.iter().any(|path| path == "C") { vec![] } else { found }
}

/// The paths of the import declarations that follow.
fn paths(words: &mut Words<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let path = |word: &str| {
        let quote = word.chars().next().filter(|quote| ['"', '`'].contains(quote))?;
        Some(word.trim_matches(quote).to_owned())
    };
    let mut word = words.next();
    while let Some(now) = word {
        match now {
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
        word = words.next();
    }
    found
}

/// The words of the head, comments read on the way.
struct Words<'a> {
    rest: &'a str,
    /// What stood behind `//go:build`.
    condition: Option<&'a str>,
    /// A `// +build` line was seen.
    old: bool,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("//") {
                let (line, rest) = comment.split_once('\n').unwrap_or((comment, ""));
                if let Some(condition) = line.strip_prefix("go:build ") {
                    self.condition.get_or_insert(condition);
                }
                self.old |= line.trim_start().starts_with("+build");
                self.rest = rest;
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
                self.rest.find(ends).filter(|end| *end > 0).unwrap_or(first.len_utf8())
            }
        };
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

/// How deep a condition may be nested; deeper ones nobody writes.
const DEEPEST: usize = 50;

/// Whether a `//go:build` condition holds; `None` where that is not known, or it cannot be read.
fn holds(condition: &str, target: &Target) -> Option<bool> {
    let condition = condition.split("//").next().unwrap_or(condition);
    let mut at = Condition { rest: condition, target, depth: 0 };
    let value = at.either().ok()?;
    if at.rest.trim().is_empty() { value } else { None }
}

/// A condition that is being read.
struct Condition<'a> {
    rest: &'a str,
    target: &'a Target,
    depth: usize,
}

/// No condition.
struct Unreadable;

impl Condition<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let taken = rest.strip_prefix(sign);
        self.rest = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn either(&mut self) -> Result<Option<bool>, Unreadable> {
        let mut value = self.both()?;
        while self.takes("||") {
            value = match (value, self.both()?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Option<bool>, Unreadable> {
        let mut value = self.one()?;
        while self.takes("&&") {
            value = match (value, self.one()?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<Option<bool>, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable);
        }
        let value = if self.takes("!") {
            self.one()?.map(|value| !value)
        } else if self.takes("(") {
            let value = self.either()?;
            if !self.takes(")") {
                return Err(Unreadable);
            }
            value
        } else {
            let rest = self.rest.trim_start();
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
            if end == 0 {
                return Err(Unreadable);
            }
            let (tag, rest) = rest.split_at(end);
            self.rest = rest;
            self.target.has(tag)
        };
        self.depth -= 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { system: "linux".into(), processor: "amd64".into(), minor: 24, tags: vec!["mine".into()] }
    }

    #[test]
    fn imports_are_read_as_go_reads_them() {
        let read = |text: &str| imports("a.go", text, &target());
        let text = "// Package a.\n\n/* more\n */ package a // so\n\nimport \"fmt\"\nimport x \"h.test/x\"\nimport . `h.test/y`\n\
                    import (\n\t\"os\" // files\n\t_ \"h.test/z\"; /* last */ w \"h.test/w\"\n)\n\nvar import_ = \"no\"\nimport \"late\"\n";
        assert_eq!(read(text), ["fmt", "h.test/x", "h.test/y", "os", "h.test/z", "h.test/w"]);
        assert_eq!(read("package a"), [""; 0]);
        assert_eq!(read("package a;import(\"x\");import\"y\"\nfunc f() {}"), ["x", "y"]);
        assert_eq!(read("package a\nimport \"x\"\nimport \"C\"\n"), [""; 0], "with cgo it is another file");
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
    fn only_what_is_surely_built_counts() {
        let built = |name: &str, head: &str| {
            !imports(name, &format!("{head}\npackage a\nimport \"x\"\n"), &target()).is_empty()
        };
        for name in [
            "a.go",
            "linux.go",
            "a_linux.go",
            "a_linux_amd64.go",
            "a_amd64_test.go",
            "a_b.go",
            "windows_a.go",
        ] {
            assert!(built(name, ""), "{name}");
        }
        for name in
            ["a_windows.go", "a_linux_arm64.go", "a_arm64.go", "_a.go", ".a.go", "a.txt", "a_darwin_test.go"]
        {
            assert!(!built(name, ""), "{name}");
        }
        for condition in [
            "linux",
            "mine",
            "!windows && (amd64 || arm64)",
            "go1.21",
            "unix",
            "gc",
            "linux || cgo",
            "!go1.99",
        ] {
            assert!(built("a.go", &format!("// A.\n\n//go:build {condition}\n")), "{condition}");
        }
        for condition in [
            "ignore",
            "windows",
            "cgo",
            "!cgo",
            "amd64.v2",
            "linux &&",
            "(linux",
            "linux linux",
            "",
            "go1.25",
        ] {
            assert!(!built("a.go", &format!("//go:build {condition}\n")), "{condition}");
        }
        assert!(!built("a.go", "// +build linux\n"));
        assert!(!built("a.go", &format!("//go:build {}linux", "(".repeat(5000))));
    }
}
