//! Escapes module paths and versions as the module cache and the proxy protocol spell them, and
//! back.
//!
//! Pure. On file systems that fold case, `Example` and `example` would meet, so go writes each
//! upper-case letter as `!` and its lower-case form. What does not have the shape go itself accepts
//! is refused here: a name that came from an error message must never become a path that leaves
//! the cache.

use super::module_path::is_module_path;
use super::version::is_canonical;

/// The escaped form of a module path (`github.com/Azure/x` is `github.com/!azure/x`). `None` where
/// go would not accept the path.
pub(crate) fn path(module: &str) -> Option<String> {
    is_module_path(module).then(|| mark(module))
}

/// The escaped form of a version (`v1.0.0-RC1` is `v1.0.0-!r!c1`). `None` where it is none that the
/// cache files anything under: only canonical ones.
pub(crate) fn version(version: &str) -> Option<String> {
    is_canonical(version).then(|| mark(version))
}

/// The module path that `escaped` stands for; `None` where go would not have written it.
pub(crate) fn unescape_path(escaped: &str) -> Option<String> {
    unescape(escaped).filter(|module| is_module_path(module))
}

/// The canonical version that `escaped` stands for; `None` where go would not have written it.
pub(crate) fn unescape_version(escaped: &str) -> Option<String> {
    unescape(escaped).filter(|version| is_canonical(version))
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

/// Undoes the escape of any text, be it a path, a version or a query; `None` for a capital, a
/// stray `!`, or what is not ASCII.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_uppercase() || !c.is_ascii() => return None,
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
        assert_eq!(unescape("feature-!x").as_deref(), Some("feature-X"));
    }

    #[test]
    fn what_go_would_refuse_is_refused() {
        for text in ["v01.2.3", "v1.2.3/..", "v1.2.3-\0", "latest", "v1.2.3+meta"] {
            assert_eq!(version(text), None, "{text:?}");
        }
        for escaped in
            ["github.com/Azure", "github.com/!Azure", "github.com/!", "github.com/a!!a", "../!a", "a.b/é"]
        {
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
