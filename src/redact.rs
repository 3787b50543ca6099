//! Makes what strangers wrote fit to be shown and stored: no secret stays in it, and nothing that
//! drives a terminal or turns the direction of writing.
//!
//! Pure. Of URLs user, password, fragment and the whole query go: storage redirects are signed there.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands in place of a secret that was a whole value.
const HIDDEN: &str = "***";

/// A URL: scheme, slashes, user, place, query, fragment. A query ends at a blank or a double quote
/// only: a signature may hold anything else.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b([a-z][a-z0-9+.-]{1,15}):(//?)([^\s/?#"`<>]*@)?([^\s"'`<>|,?#]*)(\?[^\s"`<>#]*)?(#[^\s"`<>]*)?"#,
    )
    .unwrap()
});

/// User and password where the scheme before them is misspelt, so that they look like a host or a path.
static STRAY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"//[^\s/@"`<>]+:[^\s/@"`<>]*@"#).unwrap());

/// A relative address with a query, as go quotes the target of a redirect.
static RELATIVE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""(\.{0,2}/[^\s"?]*)\?[^\s"]*""#).unwrap());

/// The shapes that forges, clouds and chats give their tokens.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|AKIA[0-9A-Z]{12,}|sk-[\w-]{16,}|eyJ[\w-]{8,}(?:\.[\w-]*){1,2})",
    )
    .unwrap()
});

/// With which of these each of [`TOKEN`]'s shapes begins.
const TOKEN_BEGINNINGS: [&str; 7] = ["gh", "github_pat_", "glpat-", "xox", "AKIA", "sk-", "eyJ"];

/// From how many characters on a word may be a key.
const LONG_ENOUGH: usize = 32;

/// A word long enough for a key; whether it is one, [`is_random`] says.
static LONG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("[A-Za-z0-9_+-]{{{LONG_ENOUGH},}}={{0,2}}")).unwrap());

/// `NAME=VALUE` where the name says that the value is a secret.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)([\w.-]*(?:token|secret|passwo?r?d|passphrase|pwd|api_?-?key|credential|auth)[\w.-]*=)\S+",
    )
    .unwrap()
});

/// Flags whose values are the user's own words to linker and compilers: versions, keys, paths.
const PRIVATE_FLAGS: [&str; 4] = ["ldflags", "gcflags", "asmflags", "gccgoflags"];

/// One URL without user, password, query and fragment.
pub(crate) fn url(url: &str) -> String {
    text(url).into_owned()
}

/// A text without the secrets of its URLs and without characters that steer a terminal. `?go-get=1`
/// stays: it is no secret and tells what was asked. Newlines and tabs stay.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    each(secrets(text), steady)
}

/// The same of words that a stranger chose: what is named as a secret or looks like a token goes as well.
pub(crate) fn quoted(words: &str) -> Cow<'_, str> {
    each(text(words), without_tokens)
}

/// A text without values whose names say that they are secrets, and without tokens.
fn without_tokens(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    if shown.contains('=') {
        shown = each(shown, |text| NAMED.replace_all(text, format!("${{1}}{HIDDEN}")));
    }
    if TOKEN_BEGINNINGS.iter().any(|beginning| shown.contains(beginning)) {
        shown = each(shown, |text| TOKEN.replace_all(text, HIDDEN));
    }
    shown
}

/// The same as [`text`] on one line.
pub(crate) fn line(words: &str) -> String {
    text(words).replace(['\n', '\t'], " ")
}

/// A text without the secrets of its URLs.
///
/// Each expression is asked only where a character that it cannot do without is there: most texts are
/// clean, and compiling the first of them costs a run of `go list` a third of what gox adds to it.
pub(crate) fn secrets(text: &str) -> Cow<'_, str> {
    let holds = |c: char| text.contains(c);
    let (user, query, fragment) = (holds('@'), holds('?'), holds('#'));
    let mut shown = Cow::Borrowed(text);
    if (user || query || fragment) && text.contains(":/") {
        shown = urls(text);
    }
    if user && text.contains("//") {
        shown = each(shown, |text| STRAY.replace_all(text, "//"));
    }
    if query && holds('"') {
        shown = each(shown, |text| RELATIVE.replace_all(text, "\"$1\""));
    }
    shown
}

/// Every URL without user, password, query and fragment.
fn urls(text: &str) -> Cow<'_, str> {
    URL.replace_all(text, |c: &regex::Captures<'_>| {
        let (query, fragment) = (c.get(5).map_or("", |m| m.as_str()), c.get(6).map_or("", |m| m.as_str()));
        let kept = if query.trim_end_matches(PUNCTUATION) == "?go-get=1" { "?go-get=1" } else { "" };
        // What ends a sentence or closes a quote behind the URL is none of it.
        let last = if fragment.is_empty() { query } else { fragment };
        let ends = &last[last.trim_end_matches(PUNCTUATION).len()..];
        format!("{}:{}{}{kept}{ends}", &c[1], &c[2], &c[4])
    })
}

/// Another step over a text that may be changed already.
fn each<'t>(text: Cow<'t, str>, step: impl for<'a> Fn(&'a str) -> Cow<'a, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => Cow::Owned(step(&text).into_owned()),
    }
}

/// What may stand behind a URL without belonging to it.
const PUNCTUATION: [char; 7] = [',', '.', ';', ':', ')', '\'', ']'];

/// A value of a setting or an argument: what looks like `USER:PASSWORD@` goes also where the scheme
/// before it is missing or misspelt.
pub(crate) fn value(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let clean = secrets(text);
    for (n, part) in clean.split(',').enumerate() {
        if n > 0 {
            out.push(',');
        }
        match part.rsplit_once('@') {
            Some((before, host)) if before.contains(':') => out.push_str(host),
            _ => out.push_str(part),
        }
    }
    if out == clean { clean } else { Cow::Owned(out) }
}

/// Arguments of go as they are stored: without the values of `-ldflags` and its like, without what
/// looks like a token, and without what is meant for the user's own program (behind `-args`).
pub(crate) fn argv<'a>(args: impl IntoIterator<Item = Cow<'a, str>>) -> Vec<String> {
    let mut told = Vec::new();
    let mut hide_next = false;
    for arg in args {
        if std::mem::take(&mut hide_next) {
            told.push(HIDDEN.to_owned());
            continue;
        }
        let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'));
        match flag.map(|flag| flag.split_once('=').unwrap_or((flag, ""))) {
            Some((name, _)) if PRIVATE_FLAGS.contains(&name) => {
                hide_next = !arg.contains('=');
                let end = if hide_next { String::new() } else { format!("={HIDDEN}") };
                told.push(format!("-{name}{end}"));
            }
            Some(("args", _)) => {
                told.push(arg.into_owned());
                told.push(HIDDEN.to_owned());
                return told;
            }
            _ => told.push(argument(&arg)),
        }
    }
    told
}

fn argument(arg: &str) -> String {
    line(&hidden(arg))
}

/// A value of a setting or an argument without its secrets, and without what looks like a token.
pub(crate) fn hidden(text: &str) -> String {
    let mut shown = each(value(text), without_tokens);
    if shown.split(|c: char| !is_of_key(c)).any(|word| word.len() >= LONG_ENOUGH) {
        shown = each(shown, |text| {
            LONG.replace_all(text, |c: &regex::Captures<'_>| {
                if is_random(&c[0]) { HIDDEN } else { &c[0] }.to_owned()
            })
        });
    }
    shown.into_owned()
}

/// A character of what [`LONG`] finds.
fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-')
}

/// Letters of both cases and digits in one long word: no path, no commit, no version of a module.
fn is_random(word: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| word.as_bytes().iter().any(wanted);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

/// A text without characters that steer: controls (but newline and tab), C1, DEL, and those that turn
/// the direction of writing.
pub(crate) fn steady(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        Cow::Owned(text.chars().filter(|c| !steers(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// True for a character that a terminal obeys or that changes how its neighbours are read.
pub(crate) fn steers(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        assert_eq!(url("https://u:a,b|c@h/x"), "https://h/x");
        assert_eq!(url("https://h/x?a=1,2|3'4;sig=secret"), "https://h/x", "the whole query");
        assert_eq!(
            text("fatal: unable to access 'https://u:p@h/x?t=1': no"),
            "fatal: unable to access 'https://h/x': no"
        );
        assert_eq!(text("no url here: a@b"), "no url here: a@b");
        assert_eq!(url("https://https//u:p@h.example/x"), "https://https//h.example/x");
        assert_eq!(url("https://h.example/m/@v/v1.0.0.zip"), "https://h.example/m/@v/v1.0.0.zip");
        assert_eq!(text("https://a.example,https://u:p@b.example"), "https://a.example,https://b.example");
        assert_eq!(text(r#"Get "/store/x.zip?sig=1": EOF"#), r#"Get "/store/x.zip": EOF"#);
        assert_eq!(text(r#"Get "../x.zip?sig=1": EOF"#), r#"Get "../x.zip": EOF"#);
    }

    #[test]
    fn values_without_a_scheme_tell_no_password_either() {
        for (given, shown) in [
            ("https//u:hunter2@h.example/x", "https//h.example/x"),
            ("u:hunter2@h.example", "h.example"),
            ("htps:u:hunter2@h.example", "h.example"),
            // A user's name may hold a comma: what may be one goes.
            ("https://a.example,u:hunter2@b.example", "https://b.example"),
            ("direct,u:hunter2@b.example", "direct,b.example"),
            ("example.test/m@v1.2.3", "example.test/m@v1.2.3"),
            ("git@github.com:a/b", "git@github.com:a/b"),
        ] {
            assert_eq!(value(given), shown);
        }
    }

    #[test]
    fn strangers_words_lose_tokens_and_keep_hashes() {
        let words = "got ghp_A1b2C3d4E5f6G7h8I9j0, api_key=hunter2 for h1:aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9mN2p=";
        let want = "got ***, api_key=*** for h1:aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9mN2p=";
        assert_eq!(quoted(words), want);
        assert!(matches!(quoted("go: example.test/m@v1.0.0: 403 Forbidden"), Cow::Borrowed(_)));
    }

    #[test]
    fn arguments_lose_what_is_nobodys_business() {
        let kept = [
            "get",
            "example.test/m@v0.0.0-20180604122334-1234abcdef78",
            "-tags=integration,e2e",
            "example.test/x@da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "./a/long/path/to/some/package/with/many/elements/in/it",
        ];
        let told = |args: &[&str]| argv(args.iter().map(|a| Cow::Borrowed(*a)));
        assert_eq!(told(&kept), kept);
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        for (args, want) in [
            (vec!["build", "-ldflags=-X main.key=s3cret", "."], vec!["build", "-ldflags=***", "."]),
            (vec!["build", "--gcflags", "all=-N", "."], vec!["build", "-gcflags", "***", "."]),
            (vec!["test", "./...", "-args", "-pw", "s3cret"], vec!["test", "./...", "-args", "***"]),
            (vec!["run", "x", "--token=s3cret"], vec!["run", "x", "--token=***"]),
            (
                vec!["get", "https://ghp_0123456789abcdefABCDEF@h.example/x"],
                vec!["get", "https://h.example/x"],
            ),
            (vec!["run", "x", "ghp_0123456789abcdefABCDEF"], vec!["run", "x", "***"]),
            (vec!["run", "x", jwt], vec!["run", "x", "***"]),
            (vec!["run", "x", "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY"], vec!["run", "x", "***"]),
        ] {
            assert_eq!(told(&args), want);
        }
    }

    /// What is asked before an expression misses nothing that the expression would find.
    #[test]
    fn no_expression_is_spared_where_it_would_have_found_something() {
        for text in ["u:p@h//x", "x:/u@h/p", "x://h?q", "x://h#f", "\"/p?q\"", "//u:p@"] {
            let found =
                URL.is_match(text) && urls(text) != text || STRAY.is_match(text) || RELATIVE.is_match(text);
            assert_eq!(secrets(text) != text, found, "{text}");
        }
        let long = "aB3".repeat(11);
        for text in [
            "ghp_0123456789abcdef0",
            "github_pat_0123456789abcdef0",
            "glpat-0123456789abcdef",
            "xoxb-0123456789",
            "AKIA0123456789AB",
            "sk-0123456789abcdef0",
            "eyJ0123456789.a.b",
            &long,
            "x.token=1",
        ] {
            assert_ne!(hidden(text), text, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_spared_holds_no_secret(text in "[a-z:/@?#=. \"A-Z0-9_+-]{0,60}") {
            let all = each(each(urls(&text), |t| STRAY.replace_all(t, "//")), |t| RELATIVE.replace_all(t, "\"$1\""));
            proptest::prop_assert_eq!(secrets(&text), all);
        }

        #[test]
        fn nothing_that_steers_is_left(words in "(\\PC|[\u{0}-\u{9f}]|\u{202e}|\u{2066}){0,40}") {
            proptest::prop_assert!(!text(&words).chars().any(steers));
            proptest::prop_assert!(!line(&words).contains(['\n', '\t']));
            proptest::prop_assert!(!argv([Cow::Borrowed(&words[..])]).concat().chars().any(steers));
        }

        #[test]
        fn no_password_and_no_query_is_left(word in "[a-z]{6}", scheme in "(https?|ssh|git\\+ssh)://", mid in "[!$&'()*+;=~._-]{0,3}") {
            let secret = format!("hunter2{word}");
            for shape in [
                format!("x {scheme}u:{secret}{mid}@h.example/p: EOF"),
                format!("x \"{scheme}h.example/p?sig={mid}{secret}{mid}\": EOF"),
                format!("x {scheme}{secret}@h.example/p?a=b{mid}{secret}#{secret}"),
            ] {
                proptest::prop_assert!(!text(&shape).contains(&secret), "{}", text(&shape));
            }
        }
    }
}
