//! Puts the real upstream's URL where go's words name the relay's: on stderr, in -x, in -json.
//!
//! Works on a stream: holds back only what may be the beginning of a URL of the relay's, so that
//! lines (and progress without a newline) pass at once.

use crate::judgement::request::UpstreamId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Requests whose upstream is remembered. More than that in one run are named by the first.
const REMEMBERED: usize = 16 << 10;

/// Longest URL that is waited for, in bytes.
const LONGEST: usize = 4 << 10;

/// Which upstream spoke last about a path; only those that are not the first of the list.
pub(super) type Names = Arc<Mutex<HashMap<String, UpstreamId>>>;

pub(super) fn remember(names: &Names, path: &str, upstream: UpstreamId) {
    let mut names = names.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if upstream.place() == 0 {
        names.remove(path);
    } else if names.len() < REMEMBERED || names.contains_key(path) {
        names.insert(path.to_owned(), upstream);
    }
}

/// Rewrites one stream. Clone a fresh one for each stream.
#[derive(Clone, Debug)]
pub(crate) struct Rewriter {
    /// `127.0.0.1:PORT`.
    address: String,
    /// `/SECRET`.
    secret: String,
    /// Bases of the upstreams, without secrets.
    upstreams: Arc<[String]>,
    names: Names,
    held: Vec<u8>,
}

impl Rewriter {
    pub(super) fn new(address: String, secret: &str, upstreams: Arc<[String]>, names: Names) -> Rewriter {
        Rewriter { address, secret: format!("/{secret}"), upstreams, names, held: Vec::new() }
    }

    /// Takes the next bytes of the stream and returns what may be shown.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.drain(false)
    }

    /// The end of the stream: returns what was held back.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.drain(true)
    }

    fn drain(&mut self, last: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut from = 0;
        loop {
            let rest = &self.held[from..];
            let Some(at) = memchr::memmem::find(rest, self.address.as_bytes()) else {
                let keep = if last { 0 } else { self.undecided(rest) };
                out.extend_from_slice(&rest[..rest.len() - keep]);
                from += rest.len() - keep;
                break;
            };
            let scheme = scheme_before(&rest[..at]);
            let after = at + self.address.len();
            let end = rest[after..].iter().position(|b| is_end(*b)).map(|n| after + n);
            let end = match end {
                Some(end) => end,
                None if last || rest.len() - at > LONGEST => rest.len(),
                None => {
                    // The URL goes on in bytes that are not here yet.
                    let start = at - scheme;
                    out.extend_from_slice(&rest[..start]);
                    from += start;
                    break;
                }
            };
            out.extend_from_slice(&rest[..at - scheme]);
            self.replace(&rest[at - scheme..at], &rest[after..end], &mut out);
            from += end;
        }
        self.held.drain(..from);
        out
    }

    /// Bytes at the end that may be the beginning of the address (and of the scheme before it).
    fn undecided(&self, rest: &[u8]) -> usize {
        let address = self.address.as_bytes();
        let partial = (1..address.len()).rev().find(|n| rest.ends_with(&address[..*n])).unwrap_or(0);
        let before = &rest[..rest.len() - partial];
        // `http://` is held with it, because it is replaced with it.
        let scheme = b"http://";
        let lead = (1..=scheme.len()).rev().find(|n| before.ends_with(&scheme[..*n])).unwrap_or(0);
        partial + lead
    }

    fn replace(&self, scheme: &[u8], after: &[u8], out: &mut Vec<u8>) {
        let after = String::from_utf8_lossy(after);
        let path = after.strip_prefix(self.secret.as_str());
        let first = self.upstreams.first().map_or("upstream", String::as_str);
        let base = match path {
            Some(path) => {
                let names = self.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let asked = path.trim_start_matches('/').trim_end_matches([':', ',', '.', ')']);
                let index = names.get(asked).map_or(0, |upstream| upstream.place());
                self.upstreams.get(index).map_or(first, String::as_str)
            }
            None => first,
        };
        let (own_scheme, host) = base.split_once("://").unwrap_or(("https", base));
        match scheme {
            // An address without a scheme (`read tcp A->B`) gets the host alone.
            b"" => out.extend_from_slice(host.split('/').next().unwrap_or(host).as_bytes()),
            scheme => {
                // go 1.21 mangles `http://` to `http:/`; what it would have made of the real URL.
                let slashes = scheme.iter().filter(|b| **b == b'/').count();
                out.extend_from_slice(own_scheme.as_bytes());
                out.push(b':');
                out.extend(std::iter::repeat_n(b'/', slashes));
                out.extend_from_slice(host.as_bytes());
            }
        }
        out.extend_from_slice(path.unwrap_or(&after).as_bytes());
    }
}

/// Length of the `http://` or `http:/` that ends here.
fn scheme_before(before: &[u8]) -> usize {
    ["http://", "http:/"].iter().find(|s| before.ends_with(s.as_bytes())).map_or(0, |s| s.len())
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriter() -> Rewriter {
        let names = Names::default();
        remember(&names, "e.t/second/@v/v1.0.0.mod", UpstreamId::at(1));
        let upstreams = Arc::from(["https://one.test/base".to_owned(), "http://two.test:8080".to_owned()]);
        Rewriter::new("127.0.0.1:4567".into(), "abc123", upstreams, names)
    }

    fn text_of(mut rewriter: Rewriter, text: &str) -> String {
        let mut out = rewriter.feed(text.as_bytes());
        out.extend(rewriter.finish());
        String::from_utf8(out).unwrap()
    }

    const CASES: [(&str, &str); 7] = [
        ("# get http://127.0.0.1:4567/abc123/e.t/a/@v/list\n", "# get https://one.test/base/e.t/a/@v/list\n"),
        (
            "go: e.t/second@v1.0.0: reading http://127.0.0.1:4567/abc123/e.t/second/@v/v1.0.0.mod: 502 Bad Gateway\n",
            "go: e.t/second@v1.0.0: reading http://two.test:8080/e.t/second/@v/v1.0.0.mod: 502 Bad Gateway\n",
        ),
        (
            "read \"http:/127.0.0.1:4567/abc123/@v/v1.0.0.zip\": unexpected EOF",
            "read \"https:/one.test/base/@v/v1.0.0.zip\": unexpected EOF",
        ),
        (
            "{\"Error\":\"Get \\\"http://127.0.0.1:4567/abc123/e.t/a/@v/list\\\": EOF\"}",
            "{\"Error\":\"Get \\\"https://one.test/base/e.t/a/@v/list\\\": EOF\"}",
        ),
        (
            "read tcp 127.0.0.1:33333->127.0.0.1:4567: read: connection reset by peer\n",
            "read tcp 127.0.0.1:33333->one.test: read: connection reset by peer\n",
        ),
        ("http://127.0.0.1:45", "http://127.0.0.1:45"),
        ("nothing to see: http://elsewhere/\n", "nothing to see: http://elsewhere/\n"),
    ];

    #[test]
    fn the_relays_address_never_shows() {
        for (text, want) in CASES {
            assert_eq!(text_of(rewriter(), text), want);
        }
    }

    #[test]
    fn wherever_the_stream_is_cut() {
        let whole: String = CASES.iter().map(|(text, _)| *text).collect::<Vec<_>>().join("\n");
        let want: String = CASES.iter().map(|(_, want)| *want).collect::<Vec<_>>().join("\n");
        for size in 1..=40 {
            let mut rewriter = rewriter();
            let mut out = Vec::new();
            for piece in whole.as_bytes().chunks(size) {
                out.extend(rewriter.feed(piece));
            }
            out.extend(rewriter.finish());
            assert_eq!(String::from_utf8(out).unwrap(), want, "pieces of {size}");
        }
    }

    #[test]
    fn other_lines_pass_at_once() {
        let mut rewriter = rewriter();
        assert_eq!(rewriter.feed(b"go: downloading e.t/a v1.0.0\n"), b"go: downloading e.t/a v1.0.0\n");
        assert_eq!(rewriter.feed(b"progress 50%"), b"progress 50%");
    }
}
