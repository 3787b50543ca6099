//! Errors inside JSON: `mod download -json`, `list -json`, `build -json`, `test -json`, and logs of
//! containers.

use super::strings;
use serde_json::Value;

/// What one line of JSON holds.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// One error of go's, with the module that the object named before.
    Error { text: String, module: Option<String>, version: Option<String> },
    /// Lines that go printed while it built.
    Output(String),
    /// What stands in the strings of somebody's log: each read on as if it stood there.
    Lines(Vec<String>),
    /// A test failed.
    TestFailed(String),
    /// JSON, and nothing to read in it.
    Nothing,
}

/// Remembers the fields of the object at hand; go prints its objects over several lines.
#[derive(Debug, Default)]
pub(super) struct Reader {
    path: Option<String>,
    version: Option<String>,
    depth: u32,
    /// Anybody may have written the objects: the strings of all fields count.
    log: bool,
    /// Whose value was last read on as text.
    key: Option<String>,
}

impl Reader {
    /// A reader of the objects of a log, or of go's own.
    pub(super) fn new(log: bool) -> Reader {
        Reader { log, ..Reader::default() }
    }

    /// Reads one line; `None` where it is no JSON of a kind known here.
    pub(super) fn line(&mut self, line: &str) -> Option<Piece> {
        let text = line.trim();
        if text.starts_with("{\"") && text.ends_with('}') {
            return serde_json::from_str(text).ok().and_then(|v| self.object(&v));
        }
        match text {
            "{" => {
                self.depth += 1;
                if self.depth == 1 {
                    (self.path, self.version) = (None, None);
                }
                return Some(Piece::Nothing);
            }
            "}" | "}," if self.depth > 0 => {
                self.depth -= 1;
                return Some(Piece::Nothing);
            }
            _ => {}
        }
        if self.depth == 0 {
            return None;
        }
        if text.starts_with('"') && text.ends_with('{') {
            self.depth += 1;
            return Some(Piece::Nothing);
        }
        if self.log
            && let Ok(Value::String(element)) = serde_json::from_str(text.trim_end_matches(','))
        {
            return Some(Piece::Lines(vec![element]));
        }
        let (key, value) = text.strip_prefix('"')?.split_once("\": ")?;
        let value: Option<String> = serde_json::from_str(value.trim_end_matches(',')).ok();
        Some(match (key, value) {
            ("Path" | "ImportPath", Some(v)) if self.depth == 1 => {
                self.path = Some(v);
                Piece::Nothing
            }
            ("Version", Some(v)) if self.depth == 1 => {
                self.version = Some(v);
                Piece::Nothing
            }
            ("Error" | "Err", Some(text)) if !text.is_empty() => {
                Piece::Error { text, module: self.path.clone(), version: self.version.clone() }
            }
            (_, Some(text)) if self.log && strings::is_worth(&text) => Piece::Lines(vec![text]),
            _ => Piece::Nothing,
        })
    }

    /// Reads a whole object.
    fn object(&mut self, value: &Value) -> Option<Piece> {
        if let Some(piece) = known(value) {
            return Some(piece);
        }
        let found = strings::of_json(value);
        if let Some((key, _)) = found.last() {
            self.key = Some(key.clone());
            return Some(Piece::Lines(found.into_iter().map(|(_, text)| text).collect()));
        }
        // Where each line is an object, the lines below go's are the same field's.
        let next = self.key.as_deref().and_then(|key| value.get(key)).and_then(Value::as_str);
        Some(next.map_or(Piece::Nothing, |text| Piece::Lines(vec![text.to_owned()])))
    }
}

/// An object of go's own.
fn known(value: &Value) -> Option<Piece> {
    let field = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(action) = field("Action") {
        let output = field("Output").unwrap_or_default();
        return Some(match action {
            "build-output" => Piece::Output(output.to_owned()),
            "fail" if value.get("Test").is_some() => {
                Piece::TestFailed(format!("--- FAIL: {}", field("Test").unwrap_or_default()))
            }
            "output" if output.trim_start().starts_with("--- FAIL") => {
                Piece::TestFailed(output.trim().to_owned())
            }
            _ => Piece::Nothing,
        });
    }
    if let Some(error) =
        field("Error").or_else(|| value.get("Error").and_then(|e| e.get("Err")).and_then(Value::as_str))
    {
        let name = |key: &str| field(key).map(str::to_owned);
        return Some(Piece::Error {
            text: error.to_owned(),
            module: name("Path").or_else(|| name("ImportPath")),
            version: name("Version"),
        });
    }
    None
}
