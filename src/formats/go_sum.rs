//! Reads go.sum and go.work.sum: which hash each module version must have.
//!
//! Pure, over bytes. A line is `MODULE VERSION HASH`, the version of a go.mod file having `/go.mod`
//! behind it. Lines of another shape, and those that are no text, are skipped: whether they are an
//! error is go's to say, but that there are some is noted.

use std::collections::BTreeMap;

/// The hashes of one module version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hashes {
    tree: Vec<String>,
    go_mod: Vec<String>,
}

/// What go.sum (and go.work.sum) say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoSum {
    entries: BTreeMap<(String, String), Hashes>,
    malformed: bool,
}

impl GoSum {
    /// Reads the text of one file.
    pub(crate) fn parse<T: AsRef<[u8]> + ?Sized>(text: &T) -> GoSum {
        let mut sums = GoSum::default();
        for line in text.as_ref().split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
            let mut fields = line.split_whitespace();
            let (Some(module), Some(version), Some(hash), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                sums.malformed |= !line.trim().is_empty();
                continue;
            };
            sums.insert(module, version, hash);
        }
        sums
    }

    /// Adds what another file says (go.work.sum beside the go.sum of each module of a workspace).
    pub(crate) fn merge(&mut self, other: GoSum) {
        self.malformed |= other.malformed;
        for ((module, version), hashes) in other.entries {
            let mine = self.entries.entry((module, version)).or_default();
            for (to, from) in [(&mut mine.tree, hashes.tree), (&mut mine.go_mod, hashes.go_mod)] {
                for hash in from {
                    if !to.contains(&hash) {
                        to.push(hash);
                    }
                }
            }
        }
    }

    /// The hashes that the tree (`go_mod` false) or the go.mod file (`go_mod` true) of a version
    /// may have; empty where nothing is said. Normally one.
    pub(crate) fn lookup(&self, module: &str, version: &str, go_mod: bool) -> &[String] {
        match self.entries.get(&(module.to_owned(), version.to_owned())) {
            Some(hashes) if go_mod => &hashes.go_mod,
            Some(hashes) => &hashes.tree,
            None => &[],
        }
    }

    /// Whether there are lines with more or fewer fields than three: most verbs end at the first of them before they
    /// ask anybody.
    pub(crate) fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// Every module version named, sorted; those of which only the go.mod file counts included.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.keys().map(|(module, version)| (module.as_str(), version.as_str()))
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn insert(&mut self, module: &str, version: &str, hash: &str) {
        let (version, go_mod) = match version.strip_suffix("/go.mod") {
            Some(version) => (version, true),
            None => (version, false),
        };
        let hashes = self.entries.entry((module.to_owned(), version.to_owned())).or_default();
        let list = if go_mod { &mut hashes.go_mod } else { &mut hashes.tree };
        if !list.iter().any(|h| h == hash) {
            list.push(hash.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_lines_are_skipped_and_the_rest_is_found() {
        let sums = GoSum::parse(
            "a.b/c v1.0.0 h1:one=\na.b/c v1.0.0/go.mod h1:two=\n<<<<<<< HEAD\n\na.b/c v1.1.0\n\
             x y z w\na.b/c v1.0.0 h1:one=\r\na.b/d v1.0.0/go.mod h1:three=",
        );
        assert_eq!(sums.lookup("a.b/c", "v1.0.0", false), ["h1:one="]);
        assert_eq!(sums.lookup("a.b/c", "v1.0.0", true), ["h1:two="]);
        assert_eq!(sums.lookup("a.b/d", "v1.0.0", true), ["h1:three="]);
        assert!(sums.lookup("a.b/d", "v1.0.0", false).is_empty());
        assert!(sums.lookup("a.b/c", "v1.1.0", false).is_empty());
        assert_eq!(sums.modules().collect::<Vec<_>>(), [("a.b/c", "v1.0.0"), ("a.b/d", "v1.0.0")]);
        assert!(sums.is_malformed());
        let mut good = GoSum::parse("a.b/c v1.0.0 h1:one=\r\n\n \t\n");
        assert!(!good.is_malformed());
        good.merge(sums);
        assert!(good.is_malformed());
    }

    #[test]
    fn merging_adds_and_never_replaces() {
        let mut sums = GoSum::parse("a.b/c v1.0.0 h1:one=\n");
        sums.merge(GoSum::parse("a.b/c v1.0.0 h1:one=\na.b/c v1.0.0/go.mod h1:m=\na.b/e v2.0.0 h1:e=\n"));
        assert_eq!(sums.lookup("a.b/c", "v1.0.0", false), ["h1:one="]);
        assert_eq!(sums.lookup("a.b/c", "v1.0.0", true), ["h1:m="]);
        assert_eq!(sums.lookup("a.b/e", "v2.0.0", false), ["h1:e="]);
        assert!(GoSum::parse("").is_empty() && !sums.is_empty());
        let sums = GoSum::parse(b"a.b/\xff v1.0.0 h1:x=\na.b/c v1.0.0 h1:one=\n");
        assert_eq!(sums.modules().collect::<Vec<_>>(), [("a.b/c", "v1.0.0")]);
    }
}
