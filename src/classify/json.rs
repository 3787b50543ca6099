//! Errors inside JSON: `mod download -json`, `list -json`, `build -json`, `test -json`, and logs of
//! containers.

use serde_json::Value;

/// What one line of JSON holds.
#[derive(Debug, PartialEq)]
pub(super) enum Held {
    /// Words of go's, with the module that the object named before.
    Words { text: String, module: Option<String>, version: Option<String> },
    /// A container's log line: read on as if it stood there.
    Line(String),
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
}

impl Reader {
    /// Reads one line; `None` where it is no JSON of a kind known here.
    pub(super) fn line(&mut self, line: &str) -> Option<Held> {
        let text = line.trim();
        if text.starts_with("{\"") && text.ends_with('}') {
            return serde_json::from_str(text).ok().and_then(|v| object(&v));
        }
        match text {
            "{" => {
                self.depth += 1;
                if self.depth == 1 {
                    (self.path, self.version) = (None, None);
                }
                return Some(Held::Nothing);
            }
            "}" | "}," if self.depth > 0 => {
                self.depth -= 1;
                return Some(Held::Nothing);
            }
            _ => {}
        }
        if self.depth == 0 {
            return None;
        }
        if text.starts_with('"') && text.ends_with('{') {
            self.depth += 1;
            return Some(Held::Nothing);
        }
        let (key, value) = text.strip_prefix('"')?.split_once("\": ")?;
        let value: Option<String> = serde_json::from_str(value.trim_end_matches(',')).ok();
        Some(match (key, value) {
            ("Path" | "ImportPath", Some(v)) if self.depth == 1 => {
                self.path = Some(v);
                Held::Nothing
            }
            ("Version", Some(v)) if self.depth == 1 => {
                self.version = Some(v);
                Held::Nothing
            }
            ("Error" | "Err", Some(text)) if !text.is_empty() => {
                Held::Words { text, module: self.path.clone(), version: self.version.clone() }
            }
            _ => Held::Nothing,
        })
    }
}

fn object(value: &Value) -> Option<Held> {
    let field = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(action) = field("Action") {
        let output = field("Output").unwrap_or_default();
        return Some(match action {
            "build-output" => Held::Words { text: output.to_owned(), module: None, version: None },
            "fail" if value.get("Test").is_some() => {
                Held::TestFailed(format!("--- FAIL: {}", field("Test").unwrap_or_default()))
            }
            "output" if output.trim_start().starts_with("--- FAIL") => {
                Held::TestFailed(output.trim().to_owned())
            }
            _ => Held::Nothing,
        });
    }
    if let Some(log) = field("log").or_else(|| field("msg")).or_else(|| field("message")) {
        return Some(Held::Line(log.to_owned()));
    }
    if let Some(error) =
        field("Error").or_else(|| value.get("Error").and_then(|e| e.get("Err")).and_then(Value::as_str))
    {
        let name = |key: &str| field(key).map(str::to_owned);
        return Some(Held::Words {
            text: error.to_owned(),
            module: name("Path").or_else(|| name("ImportPath")),
            version: name("Version"),
        });
    }
    Some(Held::Nothing)
}
