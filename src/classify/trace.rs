//! Reads `-x` traces: which requests were made, and how each ended.

use super::pattern::ascii;
use regex::Regex;
use std::sync::LazyLock;

/// How a request ended, as far as the trace tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No end was seen: waiting for a connection or for the headers.
    Open,
    /// The status of the answer. Its body may still have been on the way.
    Status(u16),
    /// The transport failed, in these words.
    Error(String),
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The URL, as go prints it.
    pub url: String,
    /// Its end.
    pub outcome: Outcome,
}

impl Request {
    /// The module and the version whose file was asked for; `None` for anything else.
    pub fn module_version(&self) -> Option<(String, String)> {
        let url = super::urls::find_all(&self.url).into_iter().next()?;
        let (module, version) = super::urls::module(&url);
        module.zip(version)
    }
}

/// Requests remembered; a large graph makes a few thousand.
const MAX_REQUESTS: usize = 16_384;

static LINE: LazyLock<Regex> =
    LazyLock::new(|| ascii(r"^\s*# get (\S+?)(?:: (.+?)(?: \(\d+\.\d{3}s\))?)?\s*$").expect("fixed"));
static CODE: LazyLock<Regex> = LazyLock::new(|| ascii(r"^([1-5]\d\d)(?: |$)").expect("fixed"));

/// The requests of a trace, in the order in which they began. Other lines are passed over.
pub fn requests(text: &[u8]) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut open: std::collections::HashMap<String, Vec<usize>> = std::collections::HashMap::new();
    for line in text.split(|b| *b == b'\n') {
        if !line.trim_ascii_start().starts_with(b"# get ") || line.len() > super::lines::MAX_LINE {
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let Some(c) = LINE.captures(line.trim_end_matches('\r')) else { continue };
        let url = c[1].to_owned();
        match c.get(2) {
            None if requests.len() < MAX_REQUESTS => {
                open.entry(url.clone()).or_default().push(requests.len());
                requests.push(Request { url, outcome: Outcome::Open });
            }
            None => {}
            Some(end) => {
                let end = end.as_str();
                let outcome = match CODE.captures(end) {
                    Some(code) => Outcome::Status(code[1].parse().unwrap_or(0)),
                    None => Outcome::Error(end.to_owned()),
                };
                match open.get_mut(&url).and_then(Vec::pop) {
                    Some(at) => requests[at].outcome = outcome,
                    None if requests.len() < MAX_REQUESTS => requests.push(Request { url, outcome }),
                    None => {}
                }
            }
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_starts_with_ends() {
        let text = b"# get http://h:1/a/@v/v1.0.0.mod\n# get http://h:1/b/@v/v1.0.0.mod\ngo: downloading x\n\
            # get http://h:1/b/@v/v1.0.0.mod: 404 Not Found (0.001s)\r\n\
            # get http://h:1/c/@v/list\n# get http://h:1/c/@v/list: Get \"http://h:1/c/@v/list\": EOF\n";
        let url = |p: &str| format!("http://h:1/{p}");
        let named = |u: String| Request { url: u, outcome: Outcome::Open }.module_version();
        assert_eq!(named(url("e.test/!x/@v/v1.0.0.mod")), Some(("e.test/X".into(), "v1.0.0".into())));
        assert_eq!(named(url("e.test/x/@v/list")), None);
        assert_eq!(
            requests(text),
            [
                Request { url: url("a/@v/v1.0.0.mod"), outcome: Outcome::Open },
                Request { url: url("b/@v/v1.0.0.mod"), outcome: Outcome::Status(404) },
                Request {
                    url: url("c/@v/list"),
                    outcome: Outcome::Error("Get \"http://h:1/c/@v/list\": EOF".into())
                },
            ]
        );
    }
}
