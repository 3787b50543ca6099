//! What a request of go's asks for: module, version and kind, read from its path.
//!
//! Pure. The path is passed on to upstreams exactly as go wrote it; what is decoded here serves
//! checking and reporting only. Anything go would not write is refused.

/// The kinds of request in the module proxy protocol and the carrying of a checksum database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `MODULE/@v/list`.
    List,
    /// `MODULE/@latest`.
    Latest,
    /// `MODULE/@v/VERSION.info` of a canonical version.
    Info,
    /// `MODULE/@v/QUERY.info` of a branch, a commit or a shortened version.
    Query,
    /// `MODULE/@v/VERSION.mod`.
    Mod,
    /// `MODULE/@v/VERSION.zip`.
    Zip,
    /// `sumdb/NAME/supported`.
    SumdbSupported,
    /// `sumdb/NAME/lookup/...`, `tile/...`, `latest`.
    Sumdb,
}

impl Kind {
    /// True for what never changes once published, so that any upstream's copy will do.
    pub fn is_pinned(&self) -> bool {
        matches!(self, Kind::Info | Kind::Mod | Kind::Zip)
    }

    /// True for the endpoints of a checksum database.
    pub fn is_sumdb(&self) -> bool {
        matches!(self, Kind::SumdbSupported | Kind::Sumdb)
    }
}

/// One request, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is asked.
    pub kind: Kind,
    /// The module path, unescaped; for a checksum database its name.
    pub module: String,
    /// The version or query, unescaped; for a checksum database what comes after its name.
    pub version: String,
    /// The path as go wrote it, without the leading slash and the relay's secret.
    pub raw: String,
}

impl Wanted {
    /// The module that a look-up tells the checksum database; `None` for every other request.
    pub fn looked_up(&self) -> Option<String> {
        let (module, _) = self.version.strip_prefix("lookup/")?.rsplit_once('@')?;
        (self.kind == Kind::Sumdb).then(|| unescape(module))?
    }
}

/// Longest path understood, in bytes: far above any module path, far below a header's limit.
pub const MAX_PATH: usize = 2048;

/// Reads a path (without the leading slash and the secret). `None` where it is nothing go would
/// ask of a module proxy: control characters, `..`, empty elements, bad escapes, a query.
pub fn parse(raw: &str) -> Option<Wanted> {
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
    let wanted =
        |kind, module: String, version: String| Some(Wanted { kind, module, version, raw: raw.into() });
    if let Some(rest) = path.strip_prefix("sumdb/") {
        // A database's name may hold a path of its own (host/path).
        if let Some(name) = rest.strip_suffix("/supported") {
            return wanted(Kind::SumdbSupported, name.into(), "supported".into());
        }
        for word in ["/lookup/", "/tile/", "/latest"] {
            if let Some(at) = rest.find(word)
                && (word != "/latest" || at + word.len() == rest.len())
            {
                return wanted(Kind::Sumdb, rest[..at].into(), rest[at + 1..].into());
            }
        }
        return None;
    }
    if let Some(module) = path.strip_suffix("/@latest") {
        return wanted(Kind::Latest, unescape(module)?, String::new());
    }
    let (module, file) = path.rsplit_once("/@v/")?;
    let module = unescape(module)?;
    if file == "list" {
        return wanted(Kind::List, module, String::new());
    }
    let (version, extension) = file.rsplit_once('.')?;
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
    wanted(kind, module, version)
}

/// Undoes go's escape of capitals (`!x` for `X`). `None` for a capital or a stray `!`.
pub fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// True for `vMAJOR.MINOR.PATCH[-PRE][+incompatible]`: what go calls canonical, and what
/// therefore names one commit for good.
pub fn is_canonical(version: &str) -> bool {
    let Some(rest) = version.strip_prefix('v') else { return false };
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(a, b)| (a, Some(b)));
    if build.is_some_and(|b| b != "incompatible") {
        return false;
    }
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(|n| number(n) && (n == "0" || !n.starts_with('0')))
        && pre.is_none_or(|p| {
            p.split('.').all(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        })
}

/// Undoes percent escapes. `None` for a malformed one, an escaped slash, or no UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let hex = bytes.get(at + 1..at + 3)?;
            let digit = |b: u8| (b as char).to_digit(16);
            let byte = (digit(hex[0])? * 16 + digit(hex[1])?) as u8;
            if byte == b'/' {
                return None;
            }
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(raw: &str) -> Option<(Kind, String, String)> {
        parse(raw).map(|w| (w.kind, w.module, w.version))
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
        assert_eq!(
            kind("sumdb/sum.golang.org/supported"),
            some(Kind::SumdbSupported, "sum.golang.org", "supported")
        );
        assert_eq!(
            kind("sumdb/sum.golang.org/tile/8/0/x001/234.p/5"),
            some(Kind::Sumdb, "sum.golang.org", "tile/8/0/x001/234.p/5")
        );
        assert_eq!(
            kind("sumdb/sum.golang.org/lookup/e.t/a@v1.0.0"),
            some(Kind::Sumdb, "sum.golang.org", "lookup/e.t/a@v1.0.0")
        );
    }

    #[test]
    fn a_look_up_names_its_module() {
        let module = |raw: &str| parse(raw).unwrap().looked_up();
        assert_eq!(module("sumdb/s.test/lookup/e.t/!up@v1.0.0").as_deref(), Some("e.t/Up"));
        assert_eq!(module("sumdb/s.test/tile/8/0/000"), None);
        assert_eq!(module("e.t/lookup/a/@v/v1.0.0.mod"), None);
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

    #[test]
    fn only_full_versions_are_canonical() {
        for version in ["v1.0.0", "v0.0.0-20200101000000-abcdefabcdef", "v1.2.3-rc.1", "v2.0.0+incompatible"]
        {
            assert!(is_canonical(version), "{version}");
        }
        for version in ["v1", "v1.2", "master", "v1.2.3+meta", "1.2.3", "v01.2.3", "v1.2.3-", "v1.2.3.4"] {
            assert!(!is_canonical(version), "{version}");
        }
    }
}
