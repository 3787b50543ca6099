//! Reads a question out of the path that go asks for.
//!
//! Pure. The path is passed on to upstreams exactly as go wrote it; what is decoded here serves
//! checking, routing and reporting only. Anything go would not write is refused.

use crate::fetch::question::{File, Kind, Question};
use crate::formats::escape::unescape;
use crate::formats::percent;
use crate::formats::version::is_canonical;

/// Longest path understood, in bytes: far above any module path, far below a header's limit.
const MAX_PATH: usize = 2048;

/// Reads a path (without the leading slash and the secret). `None` where it is nothing go would
/// ask of a module proxy: control characters, `..`, empty elements, bad escapes, a query.
pub(crate) fn parse(raw: &str) -> Option<Question> {
    if raw.is_empty() || raw.len() > MAX_PATH || raw.contains(['?', '#', '\\']) {
        return None;
    }
    let path = percent_decode(raw)?;
    if path.chars().any(|c| c.is_control() || c == '\\' || c == ' ') {
        return None;
    }
    if path.split('/').any(|element| element.is_empty() || element == "." || element == "..") {
        return None;
    }
    let file = match path.strip_prefix("sumdb/") {
        Some(rest) => database(rest),
        None => module(&path),
    };
    Some(Question { file: file?, path: raw.into() })
}

/// A database's name may hold a path of its own (host/path).
fn database(rest: &str) -> Option<File> {
    let split = |at: usize| File::Database { name: rest[..at].into(), path: rest[at + 1..].into() };
    for word in ["/supported", "/latest"] {
        if let Some(name) = rest.strip_suffix(word) {
            return Some(split(name.len()));
        }
    }
    ["/lookup/", "/tile/"].iter().find_map(|word| rest.find(word)).map(split)
}

fn module(path: &str) -> Option<File> {
    let file = |escaped: &str, version: &str, kind| {
        let module = unescape(escaped)?;
        Some(File::Module { module, version: version.into(), kind })
    };
    if let Some(module) = path.strip_suffix("/@latest") {
        return file(module, "", Kind::Latest);
    }
    let (module, name) = path.rsplit_once("/@v/")?;
    if name == "list" {
        return file(module, "", Kind::List);
    }
    let (version, extension) = name.rsplit_once('.')?;
    if version.is_empty() || version.contains('/') {
        return None;
    }
    let version = unescape(version)?;
    let kind = match extension {
        "info" if is_canonical(&version) => Kind::Info,
        "info" => Kind::Query,
        "mod" => Kind::Mod,
        "zip" => Kind::Zip,
        _ => return None,
    };
    file(module, &version, kind)
}
/// Undoes percent escapes. `None` for a malformed one, an escaped slash, or no UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let slashes = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'/').count();
    let decoded = percent::decode(text)?;
    (slashes(&decoded) == slashes(text.as_bytes())).then(|| String::from_utf8(decoded).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(raw: &str) -> Option<(Kind, String, String)> {
        match parse(raw)?.file {
            File::Module { module, version, kind } => Some((kind, module, version)),
            File::Database { .. } => None,
        }
    }

    #[test]
    fn every_request_of_the_protocol_is_understood() {
        let some = |k, m: &str, v: &str| Some((k, m.to_string(), v.to_string()));
        assert_eq!(kind("example.test/a/@v/list"), some(Kind::List, "example.test/a", ""));
        assert_eq!(kind("example.test/a/@latest"), some(Kind::Latest, "example.test/a", ""));
        assert_eq!(
            kind("example.test/%21up!per/v2/@v/v2.0.0-!r!c1.info"),
            some(Kind::Info, "example.test/UpPer/v2", "v2.0.0-RC1")
        );
        assert_eq!(kind("e.t/a/@v/main.info"), some(Kind::Query, "e.t/a", "main"));
        assert_eq!(kind("e.t/a/@v/v1.2.info"), some(Kind::Query, "e.t/a", "v1.2"));
        assert_eq!(kind("e.t/a/@v/v2.0.0+incompatible.mod"), some(Kind::Mod, "e.t/a", "v2.0.0+incompatible"));
        assert_eq!(
            kind("golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-amd64.zip"),
            some(Kind::Zip, "golang.org/toolchain", "v0.0.1-go1.27.3.linux-amd64")
        );
        for (path, name) in [
            ("supported", "sum.golang.org"),
            ("latest", "corp.test/sums"),
            ("tile/8/0/x001/234.p/5", "sum.golang.org"),
            ("lookup/e.t/a@v1.0.0", "sum.golang.org"),
        ] {
            let file = parse(&format!("sumdb/{name}/{path}")).map(|question| question.file);
            assert_eq!(file, Some(File::Database { name: name.into(), path: path.into() }));
        }
    }

    #[test]
    fn a_look_up_names_its_module() {
        let name = |raw: &str| parse(raw).unwrap().file.names();
        assert_eq!(name("sumdb/s.test/lookup/e.t/!up@v1.0.0"), Ok(Some("e.t/Up".into())));
        assert_eq!(name("sumdb/s.test/tile/8/0/000"), Ok(None));
        assert_eq!(name("e.t/lookup/a/@v/v1.0.0.mod"), Ok(Some("e.t/lookup/a".into())));
        assert!(name("sumdb/s.test/lookup/e.t/Up@v1.0.0").is_err());
    }

    #[test]
    fn what_go_would_not_write_is_refused() {
        for raw in [
            "",
            "e.t/a/../b/@v/list",
            "e.t/a/%2e%2e/b/@v/list",
            "e.t//a/@v/list",
            "e.t/a%2fb/@v/list",
            "e.t/a/@v/v1.0.0.exe",
            "e.t/a/@v/.mod",
            "e.t/A/@v/list",
            "e.t/a%0d%0aX/@v/list",
            "e.t/a%zz/@v/list",
            "e.t/a%ff/@v/list",
            "e.t/a/@v/list?x=1",
            "e.t/a\\b/@v/list",
            "sumdb/x/else",
            "favicon.ico",
        ] {
            assert_eq!(kind(raw), None, "{raw:?}");
        }
        assert!(parse(&format!("e.t/{}/@v/list", "a".repeat(MAX_PATH))).is_none());
    }
}
