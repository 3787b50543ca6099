//! Versions of modules: which spelling is canonical, and which path a version may belong to.
//!
//! Pure. Rules are those of golang.org/x/mod/semver and `module.CanonicalVersion`.

use super::module_path::MajorSuffix;
use std::borrow::Cow;

/// True for `vMAJOR.MINOR.PATCH[-PRE][+incompatible]`: what go calls canonical, what the module
/// cache files anything under, and what therefore names one tree for good.
///
/// A leading zero in a number (`v01.2.3`, `v1.2.3-01`) and any other build suffix are not canonical.
pub(crate) fn is_canonical(version: &str) -> bool {
    canonical(version).is_some_and(|canonical| canonical == version)
}

/// The canonical spelling of a semantic version (`module.CanonicalVersion`): `v1.2` is `v1.2.0`, and
/// of build suffixes only `+incompatible` stays. `None` for what is no semantic version.
pub(crate) fn canonical(version: &str) -> Option<Cow<'_, str>> {
    let rest = version.strip_prefix('v')?;
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let numbers = core.split('.').count();
    let whole = numbers == 3;
    let good = (1..=3).contains(&numbers)
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| whole && pre.split('.').all(is_identifier))
        && build.is_none_or(|build| whole && build.split('.').all(is_build_identifier));
    if !good {
        return None;
    }
    Some(match (numbers, build) {
        (1, _) => Cow::Owned(format!("{version}.0.0")),
        (2, _) => Cow::Owned(format!("{version}.0")),
        (_, None | Some("incompatible")) => Cow::Borrowed(version),
        (_, Some(build)) => Cow::Borrowed(&version[..version.len() - build.len() - 1]),
    })
}

/// True where the major version of the canonical `version` is the one that the end of `path` asks
/// for (`module.CheckPathMajor`): v0, v1 and `+incompatible` without a suffix, `vN` below `/vN`.
pub(crate) fn fits_path(version: &str, path: &str) -> bool {
    let Some((_, suffix)) = super::module_path::split_major(path) else { return false };
    let major = version.split('.').next().unwrap_or(version);
    match suffix {
        MajorSuffix::None => matches!(major, "v0" | "v1") || version.ends_with("+incompatible"),
        // An old bug of go's made such pseudo-versions for gopkg.in/x.v1; they are still about.
        MajorSuffix::Gopkg("v1") if version.starts_with("v0.0.0-") => true,
        MajorSuffix::Slash(wanted) | MajorSuffix::Gopkg(wanted) => major == wanted,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

/// An identifier of a pre-release: a number among them has no leading zero.
fn is_identifier(text: &str) -> bool {
    is_build_identifier(text) && (!text.bytes().all(|b| b.is_ascii_digit()) || is_number(text))
}

fn is_build_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether one canonical version comes after another (`semver.Compare`).
pub(crate) fn is_later(one: &str, other: &str) -> bool {
    order(one) > order(other)
}

/// What versions are ordered by: the numbers, a release behind its pre-releases, and those by element,
/// numbers before words.
fn order(version: &str) -> (Vec<Number<'_>>, bool, Vec<(bool, Number<'_>)>) {
    let version = version.split('+').next().unwrap_or(version);
    let version = version.strip_prefix('v').unwrap_or(version);
    let (numbers, pre) = version.split_once('-').unwrap_or((version, ""));
    let elements = pre.split('.').filter(|element| !element.is_empty());
    let is_word = |text: &str| !text.bytes().all(|b| b.is_ascii_digit());
    let element = |text| (is_word(text), if is_word(text) { (0, text) } else { number(text) });
    (numbers.split('.').map(number).collect(), pre.is_empty(), elements.map(element).collect())
}

/// A number of any length: how many digits, and which.
type Number<'a> = (usize, &'a str);

fn number(text: &str) -> Number<'_> {
    (text.len(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_versions_are_canonical() {
        for version in [
            "v1.0.0",
            "v0.0.0-20200101000000-abcdefabcdef",
            "v1.2.3-rc.1",
            "v2.0.0+incompatible",
            "v2.0.0-rc.0+incompatible",
            "v1.2.3--",
            "v0.0.1-go1.27.3.linux-amd64",
        ] {
            assert!(is_canonical(version), "{version}");
        }
        for version in [
            "",
            "v",
            "v1",
            "v1.2",
            "1.2.3",
            "V1.2.3",
            "master",
            "latest",
            "v1.2.3+meta",
            "v1.2.3+",
            "v01.2.3",
            "v1.02.3",
            "v1.2.3-",
            "v1.2.3-01",
            "v1.2.3-a..b",
            "v1.2.3-a.",
            "v1.2.3.4",
            "v1..3",
            "v1.2.3 ",
            "v1.2.3-é",
            "v1.2.3/go.mod",
            "v1.2.3-a_b",
            "v1.2.3+incompatible+incompatible",
        ] {
            assert!(!is_canonical(version), "{version}");
        }
    }

    #[test]
    fn other_spellings_have_a_canonical_one() {
        for (version, want) in [
            ("v1", Some("v1.0.0")),
            ("v1.2", Some("v1.2.0")),
            ("v1.2.3+meta.1", Some("v1.2.3")),
            ("v1.2.3-rc.1+meta", Some("v1.2.3-rc.1")),
            ("v2.0.0+incompatible", Some("v2.0.0+incompatible")),
            ("v1.2-rc1", None),
            ("v1.2+meta", None),
            ("v1.2.3+a..b", None),
            ("1.2.3", None),
        ] {
            assert_eq!(canonical(version).as_deref(), want, "{version}");
        }
    }

    #[test]
    fn versions_belong_to_the_path_of_their_major() {
        for (version, path, want) in [
            ("v1.2.3", "a.b/c", true),
            ("v2.0.0", "a.b/c", false),
            ("v2.0.0+incompatible", "a.b/c", true),
            ("v2.0.0", "a.b/c/v2", true),
            ("v3.0.0", "a.b/c/v2", false),
            ("v1.0.0", "gopkg.in/yaml.v1", true),
            ("v0.0.0-20161208181325-20d25e280405", "gopkg.in/check.v1", true),
            ("v0.0.0-20161208181325-20d25e280405", "gopkg.in/check.v2", false),
            ("v2.1.0", "gopkg.in/yaml.v2-unstable", true),
            ("v0.1.0", "gopkg.in/x.v0", true),
            ("v1.0.0", "a.b/c/v1", false),
        ] {
            assert_eq!(fits_path(version, path), want, "{version} {path}");
        }
    }

    #[test]
    fn versions_are_ordered_as_by_semver() {
        let ordered = [
            "v0.0.0-20200101000000-abcdefabcdef",
            "v0.9.0",
            "v1.0.0-1",
            "v1.0.0-2",
            "v1.0.0-10",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta",
            "v1.0.0-rc.2",
            "v1.0.0-rc.10",
            "v1.0.0",
            "v1.0.10",
            "v1.2.0",
            "v1.10.0",
            "v10.0.0",
        ];
        for (at, one) in ordered.iter().enumerate() {
            for (beside, other) in ordered.iter().enumerate() {
                assert_eq!(is_later(one, other), at > beside, "{one} {other}");
            }
        }
        assert!(!is_later("v2.0.0+incompatible", "v2.0.0") && !is_later("v2.0.0", "v2.0.0+incompatible"));
    }
}
