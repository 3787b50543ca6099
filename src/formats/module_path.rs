//! Module paths: which are well formed, and which major version their end names.
//!
//! Pure. Rules are those of `module.CheckPath` and `module.SplitPathVersion` of golang.org/x/mod.

/// The end of a module path that names its major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MajorSuffix<'a> {
    /// None: v0 or v1.
    None,
    /// `/vN`; holds `vN`.
    Slash(&'a str),
    /// `.vN` or `.vN-unstable` of gopkg.in; holds `vN`.
    Gopkg(&'a str),
}

/// Names that no file can have on Windows, whatever comes after a dot.
const RESERVED: &[&str] = &[
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// True for what go accepts as the path of a module that can be downloaded: a lower-case host name
/// with a dot first, then elements of letters, digits and `-._~` that do not begin with a dot.
pub(crate) fn is_module_path(path: &str) -> bool {
    let host = path.split('/').next().unwrap_or("");
    let host_ok = host.contains('.')
        && !host.starts_with('-')
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    host_ok && path.split('/').all(is_element) && split_major(path).is_some()
}

fn is_element(element: &str) -> bool {
    let short = element.split('.').next().unwrap_or(element);
    let windows_short_name = short
        .rsplit_once('~')
        .is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()));
    !element.is_empty()
        && !element.starts_with('.')
        && !element.ends_with('.')
        && element.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        && !is_reserved(short)
        && !windows_short_name
}

/// A name that no file can have on Windows; `short` is what stands before the first dot.
pub(super) fn is_reserved(short: &str) -> bool {
    RESERVED.iter().any(|name| name.eq_ignore_ascii_case(short))
}

/// Splits a path into what stands before its major version and that version. `None` where the end
/// looks like one and is none (`/v1`, `/v02`, `/v1.2`, a gopkg.in path without).
pub(crate) fn split_major(path: &str) -> Option<(&str, MajorSuffix<'_>)> {
    let digits_from =
        |text: &str, ok: fn(u8) -> bool| text.len() - text.bytes().rev().take_while(|b| ok(*b)).count();
    if path.starts_with("gopkg.in/") {
        let stable = path.strip_suffix("-unstable").unwrap_or(path);
        let at = digits_from(stable, |b| b.is_ascii_digit());
        let number = &stable[at..];
        let prefix = stable[..at].strip_suffix(".v")?;
        let ok = !number.is_empty() && (!number.starts_with('0') || (number == "0" && stable == path));
        return ok.then(|| (prefix, MajorSuffix::Gopkg(&stable[at - 1..])));
    }
    let at = digits_from(path, |b| b.is_ascii_digit() || b == b'.');
    let number = &path[at..];
    match path[..at].strip_suffix("/v") {
        Some(prefix) if !number.is_empty() => {
            let ok = !number.contains('.') && !number.starts_with('0') && number != "1";
            ok.then(|| (prefix, MajorSuffix::Slash(&path[at - 1..])))
        }
        _ => Some((path, MajorSuffix::None)),
    }
}

/// True where `path` is `prefix` or lies below it.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_judged_as_by_go() {
        for path in [
            "a.b",
            "github.com/Azure/x",
            "a.b/c/v2",
            "gopkg.in/yaml.v3",
            "a.b/c_d~e.f",
            "1.2/x",
            "a.b/console",
        ] {
            assert!(is_module_path(path), "{path}");
        }
        for path in [
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
            "a.b/é",
            "a.b/c\\d",
            "a.b/c@d",
            "a.b/c.",
            "a.b/c+d",
            "a.b/v1",
            "a.b/v02",
            "a.b/v1.2",
            "gopkg.in/yaml",
            "a.b/con",
            "a.b/Nul.x",
            "a.b/progra~1",
            "a.b/x~1.y",
        ] {
            assert!(!is_module_path(path), "{path:?}");
        }
    }

    #[test]
    fn the_end_names_the_major_version() {
        use MajorSuffix::{Gopkg, None as No, Slash};
        for (path, want) in [
            ("a.b/c", Some(("a.b/c", No))),
            ("a.b/c/v2", Some(("a.b/c", Slash("v2")))),
            ("a.b/c/v20", Some(("a.b/c", Slash("v20")))),
            ("a.b/c/v1", None),
            ("a.b/c/v02", None),
            ("a.b/c/v2.1", None),
            ("a.b/cv2", Some(("a.b/cv2", No))),
            ("a.b/c/v", Some(("a.b/c/v", No))),
            ("a.b/c/v.", None),
            ("gopkg.in/yaml.v2", Some(("gopkg.in/yaml", Gopkg("v2")))),
            ("gopkg.in/yaml.v2-unstable", Some(("gopkg.in/yaml", Gopkg("v2")))),
            ("gopkg.in/yaml.v0", Some(("gopkg.in/yaml", Gopkg("v0")))),
            ("gopkg.in/yaml.v02", None),
            ("gopkg.in/yaml", None),
        ] {
            assert_eq!(split_major(path), want, "{path}");
        }
    }
}
