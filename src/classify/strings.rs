//! Texts that a program put into strings of its own log: JSON objects whole or cut, `key="..."` pairs.

use super::pattern::ascii;
use super::{lines, owners};
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// Strings of one line that are read.
const MAX_STRINGS: usize = 16;
/// How deep objects nest that are looked into.
const MAX_DEPTH: usize = 6;

/// Before the opening mark of a string that is somebody's value: `key=` or `"key": `.
static KEY: LazyLock<Regex> =
    LazyLock::new(|| ascii(r#"(?:[A-Za-z][\w.-]{0,39}=|\\?"[\w. -]{1,40}\\?": ?)\\?$"#).expect("fixed"));

/// Words behind which loggers and scripts put what a program said.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"(?i)\b(?:stderr|stdout|output|message|msg|error|err|log|reason|details?|cause|text|description|summary)['"]?(?:\s*(?::|=>)\s*|=)\\?"$"#)
        .expect("fixed")
});

/// A line that somebody wrote with its escapes.
static ESCAPED: LazyLock<Regex> = LazyLock::new(|| {
    ascii(r#"\\n(?:\\t|go: |go\.mod:|fatal: |error: |remote: |ssh: |# |verifying |["']|\s|$|(?:[a-z0-9-]+\.)+[a-z]+/\S*@v)"#)
        .expect("fixed")
});

/// True where a string may hold words of go's.
pub(super) fn is_worth(text: &str) -> bool {
    lines::is_interesting(text) || text.contains("://")
}

/// The strings of a JSON value that may hold words of go's, in their order, with the keys that they stand at.
pub(super) fn of_json(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk("", value, 0, &mut found);
    found
}

fn walk(key: &str, value: &Value, depth: usize, found: &mut Vec<(String, String)>) {
    if depth > MAX_DEPTH || found.len() >= MAX_STRINGS {
        return;
    }
    match value {
        Value::String(text) if is_worth(text) => found.push((key.to_owned(), text.clone())),
        Value::Array(values) => {
            // Lines of one text.
            let lines: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            match lines {
                Some(lines) => walk(key, &Value::String(lines.join("\n")), depth + 1, found),
                None => values.iter().for_each(|v| walk(key, v, depth + 1, found)),
            }
        }
        Value::Object(fields) => fields.iter().for_each(|(key, v)| walk(key, v, depth + 1, found)),
        _ => {}
    }
}

/// The values of a line that is no JSON as a whole: `time=... msg="..."`, an object behind other words, an
/// object that was cut, a text with its escapes. Empty where the quotation marks are go's own.
pub(super) fn of_line(line: &str) -> Vec<String> {
    if let Some(at) = line.find("{\"").filter(|_| line.ends_with('}'))
        && let Ok(value) = serde_json::from_str::<Value>(&line[at..])
    {
        return of_json(&value).into_iter().map(|(_, text)| text).collect();
    }
    let listing = owners::is_listing(line);
    let found = values(line, !listing);
    if found.is_empty() && ESCAPED.is_match(line) && !listing && is_worth(line) {
        let opened = line.find("b'").or_else(|| line.find("b\"")).map_or(0, |at| at + 2);
        return vec![unquoted(line, opened, false).0];
    }
    found
}

/// The values of a line; with `said`, also those behind words of loggers.
fn values(line: &str, said: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(open) = line[at..].find('"').map(|n| at + n) {
        if found.len() >= MAX_STRINGS {
            break;
        }
        let inside = open + 1;
        let escaped = line[..open].ends_with('\\');
        let mut from = open.saturating_sub(48);
        while !line.is_char_boundary(from) {
            from -= 1;
        }
        if !escaped && (KEY.is_match(&line[from..open]) || said && SAID.is_match(&line[from..inside])) {
            let (text, end) = unquoted(line, inside, true);
            if is_worth(&text) {
                found.push(text);
            }
            at = end;
        } else {
            at = inside;
        }
    }
    found
}

/// The string that begins at `inside`, without its escapes, and where it ended: at its mark (where it has one) or
/// with the line.
fn unquoted(line: &str, inside: usize, marked: bool) -> (String, usize) {
    let mut text = String::new();
    let mut chars = line[inside..].char_indices();
    while let Some((n, c)) = chars.next() {
        match c {
            '"' if marked => return (text, inside + n + 1),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => {}
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    (text, line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_log_are_found_and_go_s_own_marks_are_none() {
        let own = r#"go: a.test/b@v1.0.0: Get "https://p.test/a.test/b/@v/v1.0.0.mod": EOF"#;
        assert_eq!(of_line(own), [""; 0]);
        let pair = r#"time=12:00 level=ERROR msg="it failed" stderr="go: a.test/b@v1.0.0: Get \"https://p.test/x\": EOF\n""#;
        assert_eq!(of_line(pair), ["go: a.test/b@v1.0.0: Get \"https://p.test/x\": EOF\n"]);
        let cut = r#"build {"rc": 1, "stderr": "go: a.test/b@v1.0.0: Get \"https://p.te"#;
        assert_eq!(of_line(cut), ["go: a.test/b@v1.0.0: Get \"https://p.te"]);
        assert_eq!(of_line(r#"x="\u0067o: no \u""#), ["go: no "]);
        assert_eq!(of_line("k=\"go: \\"), ["go: "]);
    }
}
