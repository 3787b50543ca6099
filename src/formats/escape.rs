//! Escapes module paths and versions as the module cache spells them, and back.
//!
//! Pure. On file systems that fold case, `Example` and `example` would meet, so go writes each
//! upper-case letter as `!` and its lower-case form. What does not have the shape go itself accepts
//! is refused here: a name that came from an error message must never become a path that leaves
//! the cache.

/// The escaped form of a module path (`github.com/Azure/x` is `github.com/!azure/x`). `None` where
/// go would not accept the path: empty or dot elements, a leading or trailing slash, other
/// characters than letters, digits and `-._~`, or a first element that is no host name.
pub fn path(module: &str) -> Option<String> {
    let first = module.split('/').next()?;
    let host = !first.starts_with('-')
        && first.contains('.')
        && first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    (host && module.split('/').all(is_element)).then(|| mark(module))
}

/// The escaped form of a version (`v1.0.0-RC1` is `v1.0.0-!r!c1`). `None` where it is no version
/// that the cache files anything under: it must begin `vN.N.N` and hold letters, digits and
/// `-.+_~` only.
pub fn version(version: &str) -> Option<String> {
    (is_canonical(version) && !version.ends_with('.')).then(|| mark(version))
}

/// The module path that `escaped` stands for; `None` where go would not have written it.
pub fn unescape_path(escaped: &str) -> Option<String> {
    let module = unmark(escaped)?;
    path(&module).map(|_| module)
}

/// The version that `escaped` stands for; `None` where go would not have written it.
pub fn unescape_version(escaped: &str) -> Option<String> {
    let found = unmark(escaped)?;
    version(&found).map(|_| found)
}

/// One element of a module path, as go's `module.CheckPath` has it (its Windows names left aside:
/// they are no danger here).
fn is_element(element: &str) -> bool {
    !element.is_empty()
        && !element.starts_with('.')
        && !element.ends_with('.')
        && element.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// `vMAJOR.MINOR.PATCH` with anything harmless behind it.
fn is_canonical(version: &str) -> bool {
    let Some(rest) = version.strip_prefix('v') else { return false };
    let core = rest.split(['-', '+']).next().unwrap_or("");
    core.split('.').count() == 3
        && core.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+_~".contains(&b))
}

fn mark(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn unmark(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_uppercase() => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_marked_and_come_back() {
        for (plain, escaped) in [
            ("github.com/Azure/azure-SDK", "github.com/!azure/azure-!s!d!k"),
            ("example.test/hello", "example.test/hello"),
            ("gopkg.in/yaml.v3", "gopkg.in/yaml.v3"),
            ("golang.org/toolchain", "golang.org/toolchain"),
        ] {
            assert_eq!(path(plain).as_deref(), Some(escaped));
            assert_eq!(unescape_path(escaped).as_deref(), Some(plain));
        }
        for (plain, escaped) in [
            ("v1.0.0-RC1", "v1.0.0-!r!c1"),
            ("v2.0.0+incompatible", "v2.0.0+incompatible"),
            ("v0.0.0-20180604122334-1234abcdef78", "v0.0.0-20180604122334-1234abcdef78"),
            ("v0.0.1-go1.99.0.linux-amd64", "v0.0.1-go1.99.0.linux-amd64"),
        ] {
            assert_eq!(version(plain).as_deref(), Some(escaped));
            assert_eq!(unescape_version(escaped).as_deref(), Some(plain));
        }
    }

    #[test]
    fn what_go_would_refuse_is_refused() {
        for module in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a.b/../c",
            "a.b/./c",
            "a.b//c",
            "a.b/c/",
            "a.b/.git",
            "nodot/x",
            "Example.test/x",
            "-a.b/c",
            "a.b/c d",
            "a.b/c!d",
            "a.b/c\0",
            "a.b/c\nd",
            "a.b/é",
            "a.b/c\\d",
            "a.b/c@d",
            "a.b/c.",
        ] {
            assert_eq!(path(module), None, "{module:?}");
        }
        for text in [
            "",
            "v",
            "v1",
            "v1.2",
            "1.2.3",
            "master",
            "v1.2.3/..",
            "v1.2.3/go.mod",
            "v1.2.3 ",
            "v1..3",
            "v1.2.3-\0",
            "v1.2.3-a.",
            "latest",
            "v1.2.3.4",
        ] {
            assert_eq!(version(text), None, "{text:?}");
        }
        for escaped in ["github.com/Azure", "github.com/!Azure", "github.com/!", "github.com/a!!a", "../!a"] {
            assert_eq!(unescape_path(escaped), None, "{escaped:?}");
        }
    }
    proptest::proptest! {
        #[test]
        fn whatever_is_accepted_comes_back_and_stays_inside(module in "\\PC{0,30}", text in "\\PC{0,20}") {
            for module in [module.clone(), format!("a.b/{module}")] {
                if let Some(escaped) = path(&module) {
                    proptest::prop_assert_eq!(unescape_path(&escaped), Some(module));
                    proptest::prop_assert!(escaped.split('/').all(|e| !e.is_empty() && e != "." && e != ".."));
                }
            }
            for text in [text.clone(), format!("v1.2.3-{text}")] {
                if let Some(escaped) = version(&text) {
                    proptest::prop_assert!(!escaped.contains('/') && !escaped.starts_with('.'));
                    proptest::prop_assert_eq!(unescape_version(&escaped), Some(text));
                }
            }
        }
    }
}
