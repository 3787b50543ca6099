//! Does go.mod or go.work ask for a toolchain that is not here? Then go fetches it before any verb,
//! `version` and `env` included, and even those need help.

use crate::machine::go_env::GoEnv;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// A Go version as go orders them: numbers, then `rc`/`beta`, then the plain release.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    numbers: [u32; 3],
    /// `None` for a release; a language version (`1.21`) sorts before its release candidates.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Language,
    Beta(u32),
    Candidate(u32),
    Release,
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.numbers.cmp(&other.numbers).then(self.kind.cmp(&other.kind)))
    }
}

fn parse(text: &str) -> Option<Version> {
    let text = text.trim().strip_prefix("go").unwrap_or(text.trim());
    let text = text.split([' ', '-', '+']).next()?;
    let mut numbers = [0; 3];
    let mut kind = None;
    let mut count = 0;
    for (i, part) in text.split('.').enumerate() {
        if i > 2 {
            return None;
        }
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        numbers[i] = part[..digits].parse().ok()?;
        count = i + 1;
        let tail = &part[digits..];
        if let Some(n) = tail.strip_prefix("rc") {
            kind = Some(Kind::Candidate(n.parse().ok()?));
        } else if let Some(n) = tail.strip_prefix("beta") {
            kind = Some(Kind::Beta(n.parse().ok()?));
        } else if !tail.is_empty() {
            return None;
        }
    }
    // Before 1.21 "1.20" was itself a release; since then it is the language's version.
    let language = count == 2 && kind.is_none() && numbers >= [1, 21, 0];
    Some(Version { numbers, kind: kind.unwrap_or(if language { Kind::Language } else { Kind::Release }) })
}

/// The nearest `name` in `dir` or above.
pub fn find_up(dir: &Path, name: &str) -> Option<PathBuf> {
    dir.ancestors().map(|d| d.join(name)).find(|f| f.is_file())
}

/// The go.work or go.mod that go would use for `dir`: the workspace first.
pub fn governing_file(dir: &Path, settings: &GoEnv) -> Option<PathBuf> {
    match settings.get("GOWORK") {
        "off" => None,
        "" => find_up(dir, "go.work"),
        file => Some(PathBuf::from(file)).filter(|f| f.is_file()),
    }
    .or_else(|| find_up(dir, "go.mod"))
}

/// The toolchain that a go.mod or go.work text asks for, as `goX`.
fn wanted(text: &str) -> Option<String> {
    let line = |key: &str| {
        text.lines().find_map(|l| {
            let mut words = l.split("//").next().unwrap_or("").split_whitespace();
            (words.next() == Some(key)).then(|| words.next().map(str::to_owned)).flatten()
        })
    };
    let go = line("go").map(|v| format!("go{v}"));
    let toolchain = line("toolchain").filter(|t| t.starts_with("go"));
    match (go, toolchain) {
        (Some(g), Some(t)) => Some(if parse(&t) > parse(&g) { t } else { g }),
        (g, t) => g.or(t),
    }
}

/// The name of the missing toolchain (`go1.99.0`) that go would have to fetch before doing anything
/// in `dir`; `None` where it needs none. Costs a few stats where go.mod asks for nothing new.
pub fn missing(dir: &Path, settings: &GoEnv) -> Option<String> {
    let local = parse(settings.get("GOVERSION"))?;
    if local.numbers < [1, 21, 0] {
        return None;
    }
    let choice = settings.get("GOTOOLCHAIN");
    let want = match choice {
        "local" | "path" => return None,
        "" | "auto" => wanted(&std::fs::read_to_string(governing_file(dir, settings)?).ok()?)?,
        named => {
            let (name, then) = named.split_once('+').unwrap_or((named, ""));
            if then == "path" {
                return None;
            }
            let from_file = (then == "auto")
                .then(|| {
                    std::fs::read_to_string(governing_file(dir, settings)?).ok().and_then(|t| wanted(&t))
                })
                .flatten();
            match from_file {
                Some(f) if parse(&f) > parse(name) => f,
                _ if name == "local" => return None,
                // A toolchain named by hand is used even where it is older.
                _ if parse(name).as_ref() == Some(&local) => return None,
                _ => return (!is_here(name, settings)).then(|| name.to_owned()),
            }
        }
    };
    let newer = parse(&want)?.partial_cmp(&local) == Some(Ordering::Greater);
    (newer && !is_here(&want, settings)).then_some(want)
}

fn is_here(name: &str, settings: &GoEnv) -> bool {
    let on_path = which::which(name).is_ok();
    let cached = settings.mod_cache().is_some_and(|cache| {
        std::fs::read_dir(cache.join("golang.org")).is_ok_and(|dir| {
            let prefix = format!("toolchain@v0.0.1-{name}.");
            dir.flatten().any(|e| e.file_name().to_string_lossy().starts_with(&prefix))
        })
    });
    on_path || cached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_go_does() {
        let order = ["1.20", "1.20.3", "1.21", "1.21beta1", "1.21rc2", "1.21.0", "1.21.13", "1.27.3", "1.99"];
        for pair in order.windows(2) {
            assert!(parse(pair[0]) < parse(pair[1]), "{pair:?}");
        }
        assert_eq!(parse("go1.27.3 X:boring"), parse("1.27.3"));
        assert_eq!(parse("devel"), None);
    }

    #[test]
    fn the_wanted_toolchain_is_the_newer_of_the_two_lines() {
        assert_eq!(wanted("module x\ngo 1.22 // why\n").as_deref(), Some("go1.22"));
        assert_eq!(wanted("module x\n\ngo 1.22\ntoolchain go1.27.1\n").as_deref(), Some("go1.27.1"));
        assert_eq!(wanted("module x\ngo 1.30\ntoolchain default\n").as_deref(), Some("go1.30"));
        assert_eq!(wanted("module x\n"), None);
    }

    #[test]
    fn only_a_newer_toolchain_that_is_nowhere_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("a/b");
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::write(dir.path().join("go.mod"), "module x\ngo 1.99.1\n").unwrap();
        let mut settings = GoEnv::default();
        settings.set("GOVERSION", "go1.27.3");
        settings.set("GOTOOLCHAIN", "auto");
        settings.set("GOMODCACHE", dir.path().join("cache").display().to_string());
        assert_eq!(missing(&sub, &settings).as_deref(), Some("go1.99.1"));
        std::fs::create_dir_all(dir.path().join("cache/golang.org/toolchain@v0.0.1-go1.99.1.linux-amd64"))
            .unwrap();
        assert_eq!(missing(&sub, &settings), None);
        settings.set("GOTOOLCHAIN", "local");
        assert_eq!(missing(&sub, &settings), None);
        settings.set("GOTOOLCHAIN", "go1.98.0");
        assert_eq!(missing(&sub, &settings).as_deref(), Some("go1.98.0"));
        settings.set("GOTOOLCHAIN", "auto");
        std::fs::write(dir.path().join("go.mod"), "module x\ngo 1.21\n").unwrap();
        assert_eq!(missing(&sub, &settings), None);
    }
}
