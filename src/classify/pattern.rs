//! How the classifier's expressions are compiled.

use regex::Regex;

/// Compiles an expression whose `\w`, `\d`, `\s` and `\b` are those of ASCII, which go, git and the others write.
/// The tables of all Unicode would cost more than the reading of a whole short text.
///
/// # Errors
/// The expression's.
pub(super) fn ascii(pattern: &str) -> Result<Regex, regex::Error> {
    let mut plain = String::with_capacity(pattern.len() * 2);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('w') => plain.push_str("[0-9A-Za-z_]"),
            Some('W') => plain.push_str("[^0-9A-Za-z_]"),
            Some('d') => plain.push_str("[0-9]"),
            Some('D') => plain.push_str("[^0-9]"),
            Some('s') => plain.push_str("[\\t-\\r ]"),
            Some('S') => plain.push_str("[^\\t-\\r ]"),
            Some('b') => plain.push_str("(?-u:\\b)"),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    Regex::new(&plain)
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn classes_are_those_of_ascii_in_and_out_of_brackets() {
        for (pattern, text, found) in [
            (r"^\w+$", "a_9", true),
            (r"^\w+$", "é", false),
            (r"^[\w.-]+$", "a.b-c", true),
            (r#"^[^\s"]+$"#, "a b", false),
            (r"^\S\d\D$", "x7y", true),
            (r"\bgo\b", "误go: x", true),
            (r"\\w", r"\w", true),
            (r"^\.$", "x", false),
        ] {
            assert_eq!(ascii(pattern).unwrap().is_match(text), found, "{pattern} {text}");
        }
        assert!(ascii(r"(").is_err() && ascii("\\").is_err());
    }
}
