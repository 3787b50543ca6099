//! Checks an answer before go sees it: against a known hash where there is one, else its
//! structure.
//!
//! Pure but for reading the stored body. Nothing here accepts what go would refuse: a copy that
//! passes is judged by go again.

use super::question::{File, Kind};
use crate::formats::go_mod::{GoMod, Role};
use crate::formats::{h1, zip};
use crate::judgement::request::miss::Flaw;
use crate::words::{Text, flaws};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::io::{Read, Seek};

/// What was found out about one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It has the hash that go.sum holds.
    Known,
    /// Its structure is right; no hash was known.
    Sound,
    /// It cannot be right.
    Wrong {
        /// What is wrong, for people.
        why: Text,
        /// The hash it has, for a mismatch.
        got: Option<String>,
        /// How sure that is.
        flaw: Flaw,
    },
}

fn wrong(why: impl Into<Text>) -> Finding {
    Finding::Wrong { why: why.into(), got: None, flaw: Flaw::Shape }
}

/// Checks the small kinds, held in memory. `hashes` are the known `h1:` values of a `.mod`.
pub(super) fn small(file: &File, body: &[u8], hashes: &[String]) -> Finding {
    match file {
        File::Module { module, version, kind } => match kind {
            Kind::Mod => go_mod(module, body, hashes),
            Kind::Info => info(body, Some(version)),
            Kind::Query | Kind::Latest => info(body, None),
            Kind::List => list(body),
            Kind::Zip => Finding::Sound,
        },
        File::Database { path, .. } if path == "supported" => Finding::Sound,
        File::Database { path, .. } => sumdb(path, body),
    }
}

fn is_page(body: &[u8]) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
}

fn go_mod(module: &str, body: &[u8], hashes: &[String]) -> Finding {
    let known = against(hashes, || h1::of_go_mod(body));
    if is_page(body) && known != Some(Finding::Known) {
        // No altered module, whatever its hash.
        let got = Some(h1::of_go_mod(body));
        return Finding::Wrong { why: flaws::PAGE_FOR_GO_MOD.into(), got, flaw: Flaw::Shape };
    }
    if let Some(verdict) = known {
        return verdict;
    }
    match GoMod::parse(body, Role::Dependency).module {
        Some(path) if path == module => Finding::Sound,
        Some(path) => {
            let why = flaws::OTHER_MODULE.with(&[("path", &path)]);
            Finding::Wrong { why, got: None, flaw: Flaw::Doubt }
        }
        None => wrong(flaws::NO_MODULE_LINE),
    }
}

/// `None` where no `h1:` hash is known.
fn against(hashes: &[String], got: impl FnOnce() -> String) -> Option<Finding> {
    let mut known = hashes.iter().filter(|h| h.starts_with("h1:")).peekable();
    known.peek()?;
    let got = got();
    Some(if known.any(|h| *h == got) {
        Finding::Known
    } else {
        Finding::Wrong { why: flaws::OTHER_HASH.with(&[("got", &got)]), got: Some(got), flaw: Flaw::Hash }
    })
}

/// What go reads of it: the letter case of a key is nothing to go, the last of several counts, null changes nothing.
struct Info {
    version: Option<String>,
}

impl<'de> Deserialize<'de> for Info {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Info, D::Error> {
        from.deserialize_map(Info { version: None })
    }
}

impl<'de> Visitor<'de> for Info {
    type Value = Info;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a version")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Info, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if !key.eq_ignore_ascii_case("Version") {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(version) = map.next_value::<Option<String>>()? {
                self.version = Some(version);
            }
        }
        Ok(self)
    }
}

fn info(body: &[u8], asked: Option<&str>) -> Finding {
    match serde_json::from_slice::<Info>(body) {
        Err(_) if is_page(body) => wrong(flaws::PAGE_FOR_JSON),
        Err(_) => wrong(flaws::BROKEN_JSON),
        Ok(Info { version: None }) => wrong(flaws::NO_VERSION),
        Ok(Info { version: Some(version) }) => match asked {
            Some(asked) if asked != version => {
                let why = flaws::OTHER_VERSION.with(&[("version", &version)]);
                Finding::Wrong { why, got: None, flaw: Flaw::Doubt }
            }
            _ => Finding::Sound,
        },
    }
}

fn list(body: &[u8]) -> Finding {
    let versions = |text: &str| text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('v'));
    match std::str::from_utf8(body) {
        Ok(text) if versions(text) => Finding::Sound,
        _ if is_page(body) => wrong(flaws::PAGE_FOR_LIST),
        // go ignores what is no version; so does the relay, after a second look.
        _ => Finding::Wrong { why: flaws::STRAY_LINES.into(), got: None, flaw: Flaw::Doubt },
    }
}

/// Tiles are hashes of 32 bytes each; the notes are text that ends in a signature. Whether they
/// are true only go can tell, with the database's key.
fn sumdb(path: &str, body: &[u8]) -> Finding {
    if path.starts_with("tile/") {
        let hashes = path.rsplit_once(".p/").map_or(Some(256), |(_, n)| n.parse::<usize>().ok());
        let is_data = path.split('/').nth(2) == Some("data");
        if is_data || hashes.is_some_and(|n| n * 32 == body.len()) {
            return Finding::Sound;
        }
        return wrong(flaws::TILE_LENGTH);
    }
    let signed = body.windows(4).any(|w| w == "\n— ".as_bytes().get(..4).unwrap_or(b"\n"));
    if signed && body.last() == Some(&b'\n') { Finding::Sound } else { wrong(flaws::NO_RECORD) }
}

/// Checks a zip whose files all stand below `prefix` (`MODULE@VERSION/`): directory, CRC of every
/// file, and the `h1:` hash where one is known. Reads through it once with a small buffer, however
/// large it is.
pub(super) fn zip<R: Read + Seek>(prefix: &str, body: R, hashes: &[String]) -> Finding {
    match zip::read(body, prefix) {
        Ok(files) => manifest(&files, hashes),
        Err(zip::Fault::Unexpected(name)) => {
            let why = flaws::STRAY_FILE.with(&[("name", &name)]);
            Finding::Wrong { why, got: None, flaw: Flaw::Doubt }
        }
        Err(fault @ zip::Fault::Io(_)) => wrong(flaws::UNREADABLE.with(&[("detail", &fault)])),
        Err(fault) => wrong(flaws::NO_ZIP.with(&[("detail", &fault)])),
    }
}

/// Checks the files of a zip that was read through.
pub(super) fn manifest(files: &zip::Manifest, hashes: &[String]) -> Finding {
    against(hashes, || files.h1().to_owned()).unwrap_or(Finding::Sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::zip::packed;
    use crate::relay::path::parse;
    use std::io::Cursor;

    #[test]
    fn the_hash_of_a_go_mod_is_gos() {
        // Well known: rsc.io/quote v1.5.2/go.mod as every go.sum has it.
        let text = "module \"rsc.io/quote\"\n\nrequire \"rsc.io/sampler\" v1.3.0\n";
        let known = ["h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=".to_owned()];
        let wanted = parse("rsc.io/quote/@v/v1.5.2.mod").unwrap();
        assert_eq!(small(&wanted.file, text.as_bytes(), &known), Finding::Known);
        assert_eq!(small(&wanted.file, text.as_bytes(), &[]), Finding::Sound);
        assert!(matches!(
            small(&wanted.file, b"module x\n", &known),
            Finding::Wrong { flaw: Flaw::Hash, got: Some(_), .. }
        ));
    }

    #[test]
    fn structure_is_checked_where_no_hash_is_known() {
        let verdict = |raw: &str, body: &str| small(&parse(raw).unwrap().file, body.as_bytes(), &[]);
        let is_hard = |v| matches!(v, Finding::Wrong { flaw: Flaw::Shape, .. });
        let is_soft = |v| matches!(v, Finding::Wrong { flaw: Flaw::Doubt, .. });
        assert!(is_hard(verdict("e.t/a/@v/v1.0.0.mod", "<html>module e.t/a\n")));
        assert!(is_hard(verdict("e.t/a/@v/v1.0.0.mod", "// nothing\n")));
        assert!(is_soft(verdict("e.t/a/@v/v1.0.0.mod", "module e.t/upstream\n")));
        assert_eq!(verdict("e.t/a/@v/v1.0.0.mod", "module (\n\t\"e.t/a\" // x\n)\n"), Finding::Sound);
        assert_eq!(verdict("e.t/a/@v/v1.0.0.mod", "modules\nmodule\te.t/a\n"), Finding::Sound);
        assert_eq!(verdict("e.t/a/@v/v1.0.0.info", r#"{"Version":"v1.0.0","Time":"x"}"#), Finding::Sound);
        assert!(is_soft(verdict("e.t/a/@v/v1.0.0.info", r#"{"Version":"v1.0.1"}"#)));
        assert!(is_hard(verdict("e.t/a/@v/v1.0.0.info", r#"{"Version":"v1.0"#)));
        assert!(is_hard(verdict("e.t/a/@latest", "<!doctype html>")));
        assert_eq!(verdict("e.t/a/@v/list", ""), Finding::Sound);
        assert_eq!(verdict("e.t/a/@v/list", "v1.0.0\nv1.1.0 2020-01-01T00:00:00Z\n"), Finding::Sound);
        assert!(is_hard(verdict("e.t/a/@v/list", "\n <html>")));
        let tile = "x".repeat(64);
        assert_eq!(verdict("sumdb/s/tile/8/0/000.p/2", &tile), Finding::Sound);
        assert!(is_hard(verdict("sumdb/s/tile/8/0/000", &tile)));
        assert!(is_hard(verdict("sumdb/s/lookup/e.t/a@v1.0.0", "<html>")));
        assert_eq!(verdict("sumdb/s/latest", "go.sum database tree\n3\nx=\n\n— s 8w==\n"), Finding::Sound);
    }

    #[test]
    fn json_is_read_as_go_reads_it() {
        let of = |text: &str| info(text.as_bytes(), Some("v1.0.0"));
        for sound in [
            r#"{"Version":"v1.0.0"}"#,
            r#"{"version":"v1.0.0"}"#,
            r#"{"Version":"v2.0.0","VERSION":"v1.0.0","Time":"x"}"#,
            r#"{"version":"v1.0.0","Version":null,"Origin":{"Version":"v3.0.0"}}"#,
        ] {
            assert_eq!(of(sound), Finding::Sound, "{sound}");
        }
        assert!(matches!(
            of(r#"{"Version":"v1.0.0","version":"v2.0.0"}"#),
            Finding::Wrong { flaw: Flaw::Doubt, .. }
        ));
        for broken in [r#"{"Versions":"v1.0.0"}"#, r#"{"Version":1}"#, "[]", r#"{"Version":"v1.0.0"} {}"#, ""]
        {
            assert!(matches!(of(broken), Finding::Wrong { flaw: Flaw::Shape, .. }), "{broken}");
        }
    }

    #[test]
    fn zips_are_held_against_the_known_hash() {
        let prefix = "e.t/a@v1.0.0/";
        let good = packed(&[("e.t/a@v1.0.0/go.mod", "module e.t/a\n"), ("e.t/a@v1.0.0/a.go", "package a\n")]);
        assert_eq!(zip(prefix, Cursor::new(&good), &[]), Finding::Sound);
        let known = [crate::formats::zip::read(Cursor::new(&good), prefix).unwrap().h1().to_owned()];
        assert_eq!(zip(prefix, Cursor::new(&good), &known), Finding::Known);
        let other = ["h1:AAAA".to_owned()];
        assert!(matches!(zip(prefix, Cursor::new(&good), &other), Finding::Wrong { got: Some(_), .. }));
        let cut = &good[..good.len() / 2];
        assert!(matches!(zip(prefix, Cursor::new(cut), &[]), Finding::Wrong { flaw: Flaw::Shape, .. }));
        let foreign = packed(&[("other@v1.0.0/go.mod", "module other\n")]);
        assert!(matches!(zip(prefix, Cursor::new(&foreign), &[]), Finding::Wrong { flaw: Flaw::Doubt, .. }));
    }
}
