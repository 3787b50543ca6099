//! Removes secrets from URLs before anything is printed or stored.
//!
//! Pure. User, password and the whole query go: storage redirects are signed there.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b([a-z][a-z0-9+.-]{1,15}):(//?)([^\s/?#"`<>|,]*@)?([^\s"'`<>|,?#]*)(\?[^\s"'`<>|,#]*)?(#[^\s"'`<>|,]*)?"#).unwrap()
});

/// One URL without user, password, query and fragment.
pub fn url(url: &str) -> String {
    text(url).into_owned()
}

/// A text in which every URL has lost user, password and query. `?go-get=1` stays: it is no
/// secret and tells what was asked.
pub fn text(text: &str) -> Cow<'_, str> {
    URL.replace_all(text, |c: &regex::Captures<'_>| {
        let query = match c.get(5).map(|m| m.as_str()) {
            Some("?go-get=1") => "?go-get=1",
            _ => "",
        };
        format!("{}:{}{}{}", &c[1], &c[2], &c[4], query)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_passwords_and_queries_go() {
        assert_eq!(url("https://u:p@h.example/x?X-Amz-Signature=abc#f"), "https://h.example/x");
        assert_eq!(
            text(r#"Get "https://h/p?go-get=1": EOF and https://t:xxxxx@h/z?sig=1, done"#),
            r#"Get "https://h/p?go-get=1": EOF and https://h/z, done"#
        );
        assert_eq!(url("https://u:p@ss@h/x"), "https://h/x");
        assert_eq!(url("https://u:it's@h/x"), "https://h/x", "go takes an apostrophe in a password");
        assert_eq!(text("no url here: a@b"), "no url here: a@b");
    }
}
