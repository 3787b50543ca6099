//! The conditions in a file's head: `//go:build`, and `// +build` of old.
//!
//! Pure. `None` stands for what is not known; what cannot be read does not hold.

use super::Target;

/// How deep a condition may be nested; deeper ones nobody writes.
const DEEPEST: usize = 50;

/// Whether the conditions of a file let it be built: a `//go:build` line, or where there is none all
/// `// +build` lines.
pub(super) fn allows(text: &str, target: &Target) -> bool {
    match lines(text) {
        Ok((Some(line), _)) => holds(line, target) == Some(true),
        Ok((None, old)) => old.iter().all(|line| old_holds(line, target) == Some(true)),
        Err(Unreadable) => false,
    }
}

/// What stands behind `//go:build`, and behind each `// +build` that counts: those in comments that are
/// followed by an empty line.
fn lines(text: &str) -> Result<(Option<&str>, Vec<&str>), Unreadable> {
    let (mut condition, mut old, mut pending) = (None, Vec::new(), Vec::new());
    let (mut ended, mut in_comment) = (false, false);
    for line in text.lines().map(str::trim) {
        if line.is_empty() && !ended {
            old.append(&mut pending);
            continue;
        }
        ended |= !line.starts_with("//");
        if !in_comment && let Some(rest) = go_build(line) {
            if condition.is_some() {
                return Err(Unreadable);
            }
            condition = Some(rest);
        }
        if !ended {
            pending.extend(line[2..].trim_start().strip_prefix("+build").filter(|rest| begins_apart(rest)));
        }
        if !is_comment(line, &mut in_comment) {
            break;
        }
    }
    Ok((condition, old))
}

/// The condition of a `//go:build` line.
fn go_build(line: &str) -> Option<&str> {
    line.strip_prefix("//go:build").filter(|rest| begins_apart(rest))
}

fn begins_apart(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(char::is_whitespace)
}

/// Whether a line holds nothing but comments.
fn is_comment(mut line: &str, in_comment: &mut bool) -> bool {
    while !line.is_empty() {
        if *in_comment {
            let Some((_, rest)) = line.split_once("*/") else { return true };
            *in_comment = false;
            line = rest.trim_start();
        } else if line.starts_with("//") {
            return true;
        } else if let Some(rest) = line.strip_prefix("/*") {
            *in_comment = true;
            line = rest;
        } else {
            return false;
        }
    }
    true
}

/// Whether a `// +build` line holds: one of its words, each of which is a list of tags that all must.
fn old_holds(line: &str, target: &Target) -> Option<bool> {
    let tag = |tag: &str| match tag.strip_prefix('!') {
        Some(tag) => target.has(tag, false).map(|value| !value),
        None => target.has(tag, true),
    };
    let mut any = Some(false);
    for word in line.split_whitespace() {
        let mut all = Some(true);
        for one in word.split(',') {
            all = and(all, tag(one));
        }
        any = or(any, all);
    }
    any
}

fn or(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether a `//go:build` condition holds; `None` where that is not known, or it cannot be read.
fn holds(condition: &str, target: &Target) -> Option<bool> {
    let condition = condition.split("//").next().unwrap_or(condition);
    let mut at = Condition { rest: condition, target, depth: 0 };
    let value = at.either(true).ok()?;
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

    fn either(&mut self, wanted: bool) -> Result<Option<bool>, Unreadable> {
        let mut value = self.both(wanted)?;
        while self.takes("||") {
            value = or(value, self.both(wanted)?);
        }
        Ok(value)
    }

    fn both(&mut self, wanted: bool) -> Result<Option<bool>, Unreadable> {
        let mut value = self.one(wanted)?;
        while self.takes("&&") {
            value = and(value, self.one(wanted)?);
        }
        Ok(value)
    }

    fn one(&mut self, wanted: bool) -> Result<Option<bool>, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable);
        }
        let value = if self.takes("!") {
            self.one(!wanted)?.map(|value| !value)
        } else if self.takes("(") {
            let value = self.either(wanted)?;
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
            self.target.has(tag, wanted)
        };
        self.depth -= 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(head: &str, target: &Target) -> bool {
        allows(&format!("{head}\npackage a\nimport \"x\"\n"), target)
    }

    fn target() -> Target {
        Target {
            system: "linux".into(),
            processor: "amd64".into(),
            minor: 24,
            cgo: None,
            tags: vec!["mine".into()],
            any: false,
        }
    }

    #[test]
    fn only_what_surely_holds_counts() {
        for condition in [
            "linux",
            "mine",
            "!windows && (amd64 || arm64)",
            "go1.21",
            "unix",
            "gc",
            "linux || cgo",
            "!go1.99",
            "amd64.v1",
        ] {
            assert!(allowed(&format!("// A.\n\n//go:build {condition}\n"), &target()), "{condition}");
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
            assert!(!allowed(&format!("//go:build {condition}\n"), &target()), "{condition}");
        }
        assert!(!allowed(&format!("//go:build {}linux", "(".repeat(5000)), &target()));
        assert!(!allowed("//go:build linux\n//go:build mine\n", &target()), "go refuses two");
        assert!(allowed("/* //go:build windows\n//go:build windows\n*/\n", &target()));
        assert!(!allowed("/* a */\n//go:build windows\n", &target()));
        let with = Target { cgo: Some(true), ..target() };
        assert!(allowed("//go:build cgo\n", &with) && !allowed("//go:build !cgo\n", &with));
    }

    #[test]
    fn lines_of_old_count_where_there_is_no_new_one() {
        for (head, wanted) in [
            ("// +build linux\n", true),
            ("// +build windows linux,amd64\n", true),
            ("// +build windows linux,!amd64\n", false),
            ("//+build linux\n// +build mine\n", true),
            ("// +build linux\n// +build windows\n", false),
            ("//go:build linux\n// +build windows\n", true),
            // The package's own comment is no condition.
            ("// +build windows", true),
            ("// +builder windows\n", true),
            ("/* a */\n// +build windows\n", true),
        ] {
            assert_eq!(allowed(head, &target()), wanted, "{head:?}");
        }
    }

    #[test]
    fn where_all_counts_a_tag_holds_and_does_not() {
        let any = Target { any: true, ..target() };
        for condition in ["windows && linux", "!linux", "cgo && !cgo", "tools"] {
            assert!(allowed(&format!("//go:build {condition}\n"), &any), "{condition}");
        }
        assert!(!allowed("//go:build ignore\n", &any) && allowed("//go:build !ignore\n", &any));
        assert!(!allowed("// +build ignore\n", &any) && allowed("// +build darwin,linux\n", &any));
    }
}
